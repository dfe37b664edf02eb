#include "hubd/request/limits.h"

#include <stdlib.h>

#include "hubd/request/request.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/json/writer.h"

#define TICK_MS     1000
#define MINUTE_MS   60000
#define ROW_EACH_MS MINUTE_MS

/* ---------------------------------------------------------------- a request */

bool limits_admit(struct request *request)
{
    enum limit_kind kind = request->route->limit;
    if (kind == LIMIT_NONE || request->party == NULL)
        return true;
    struct rate rate = limit_rate(&request->worker->conf, request->party->limits[kind], kind);
    struct limit_state *state = &request->party->runtime->limits[kind];
    int64_t wait_us = limit_take(state, rate, env_monotonic_us());
    if (wait_us == 0)
        return true;
    long long seconds = limit_retry_after(wait_us);
    atomic_fetch_add(&state->refused, 1);
    request->audited = true; /* counted: limits_write_row makes the row */
    http_exchange_header(request->exchange, "Retry-After", arena_printf(request->arena, "%lld", seconds));
    request_answerf(request, REPLY_RATE, "rate limit: %lld %s per %s; try again in %lld s",
                    (long long)rate.requests, limit_requests(kind), rate_period(rate), seconds);
    return false;
}

/* ---------------------------------------------------------------- strangers */

#define GUESS_DELAY_MS 1000

/* An answer that is delayed. */
struct delayed_answer {
    uv_timer_t timer;
    struct request *request;
    int64_t wait_us;
};

static void delayed_answer_send(uv_handle_t *handle)
{
    struct delayed_answer *delayed = CONTAINER_OF(handle, struct delayed_answer, timer);
    struct request *request = delayed->request;
    long long seconds = limit_retry_after(delayed->wait_us);
    http_exchange_header(request->exchange, "Retry-After", arena_printf(request->arena, "%lld", seconds));
    request_answerf(request, REPLY_RATE, "too many wrong guesses from this address; try again in %lld s",
                    seconds);
}

static void delayed_answer_close(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, delayed_answer_send);
}

static struct limit_state *stranger_state(struct request *request)
{
    /* addresses that share a bucket do no harm */
    return &request->worker->strangers[str_hash(request->exchange->peer) % LIMIT_STRANGERS];
}

void limits_refuse_stranger(struct request *request, struct str message)
{
    static const struct rate rate = {LIMIT_GUESSES, MINUTE_MS};
    int64_t wait_us = limit_take(stranger_state(request), rate, env_monotonic_us());
    struct delayed_answer *delayed = wait_us == 0 ? NULL : arena_alloc(request->arena, sizeof *delayed);
    if (delayed == NULL || uv_timer_init(&request->worker->loop.uv, &delayed->timer) != 0) {
        request_answer(request, REPLY_UNKNOWN, message, STR_NONE);
        return;
    }
    delayed->request = request;
    delayed->wait_us = wait_us;
    uv_timer_start(&delayed->timer, delayed_answer_close, GUESS_DELAY_MS, 0);
}

/* ---------------------------------------------------------------- what was refused */

#define LIMITS_MAGIC 0x4c494d54u
struct limits {
    uint32_t magic;
    struct hub *hub;
    uv_timer_t tick;
};

static struct str limits_detail(struct arena *arena, enum limit_kind kind, struct rate rate, int64_t refused)
{
    char text[RATE_SIZE];
    struct buffer detail = {0};
    struct json_writer writer;
    json_writer_init(&writer, &detail);
    json_object_begin(&writer);
    json_field_text(&writer, "limit", limit_name(kind));
    json_field_text(&writer, "rate", rate_format(rate, text));
    json_field_int(&writer, "refused", refused);
    json_object_end(&writer);
    struct str copy = arena_copy(arena, buffer_str(&detail));
    buffer_free(&detail);
    return copy;
}

static void limits_write_row(struct hub *hub, const struct registry_party *party, enum limit_kind kind)
{
    struct limit_state *state = &party->runtime->limits[kind];
    struct rate rate = limit_rate(&hub->conf, party->limits[kind], kind);
    struct arena arena;
    arena_init(&arena, 0);
    int64_t refused = atomic_exchange(&state->refused, 0);
    struct str key = request_party_key(party);
    struct store_audit row = {
        .kind = STORE_AUDIT_REALTIME,
        .actor = arena_printf(&arena, "party %s", party->id),
        .action = STR("limit.exceeded"),
        .party = key,
        .module = str_from(ocpi_module_name(limit_module(kind))),
        .sender = key,
        .receiver = ocpi_party_key_str(&hub->key),
        .status = STR("2004"),
        .latency_ms = -1,
        .detail = limits_detail(&arena, kind, rate, refused),
    };
    log_warn("party %s: %lld %s refused by its rate limit", party->id, (long long)refused,
             limit_requests(kind));
    if (store_audit_later(hub->store, &row) != OK)
        atomic_fetch_add(&state->refused, refused); /* told with the next */
    state->next_row = env_monotonic_ms() + ROW_EACH_MS;
    arena_free(&arena);
}

static void limits_write_rows(struct hub *hub, int64_t now_ms)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++) {
            const struct limit_state *state = &party->runtime->limits[kind];
            if (atomic_load(&state->refused) > 0 && now_ms >= state->next_row)
                limits_write_row(hub, party, kind);
        }
    }
    registry_release(hub->control_view, snapshot);
}

static void limits_tick(uv_timer_t *timer)
{
    const struct limits *limits = MAGIC_CAST(struct limits, timer->data, LIMITS_MAGIC);
    limits_write_rows(limits->hub, env_monotonic_ms());
}

int limits_start(struct hub *hub)
{
    hub->limits = calloc(1, sizeof *hub->limits);
    if (hub->limits == NULL)
        return ERR_MEMORY;
    hub->limits->magic = LIMITS_MAGIC;
    hub->limits->hub = hub;
    hub->limits->tick.data = hub->limits;
    if (uv_timer_init(&hub->control.uv, &hub->limits->tick) != 0)
        return ERR_IO;
    return uv_timer_start(&hub->limits->tick, limits_tick, TICK_MS, TICK_MS) == 0 ? OK : ERR_IO;
}

void limits_stop(struct hub *hub)
{
    uv_close((uv_handle_t *)&hub->limits->tick, NULL);
    limits_write_rows(hub, INT64_MAX);
}

void limits_free(struct hub *hub)
{
    hub->limits->magic = 0;
    free(hub->limits);
    hub->limits = NULL;
}
