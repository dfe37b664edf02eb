#include "hubd/limits.h"

#include <stdlib.h>

#include "hubd/request.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/json/writer.h"

#define US 1000 /* in ns */
#define MS INT64_C(1000000)
/* Loops read the clock before they take: a bucket that seems overdrawn by less than this was taken from by
 * somebody with a later reading. */
#define SLACK       (1000 * MS)
#define TICK_MS     1000
#define ROW_EACH_MS 60000

static const struct limit_row {
    const char *name;
    const char *module; /* ModuleID, for the audit */
    const char *what;   /* for sentences */
    size_t setting;     /* in struct conf */
} limit_rows[LIMIT_KIND_COUNT] = {
    [LIMIT_AUTHORIZE] = {"authorize", "tokens", "authorize requests", offsetof(struct conf, limit_authorize)},
    [LIMIT_COMMANDS] = {"commands", "commands", "commands", offsetof(struct conf, limit_commands)},
    [LIMIT_LOCATIONS] = {"locations", "locations", "location lists", offsetof(struct conf, limit_locations)},
};

/* ---------------------------------------------------------------- the bucket */

int64_t limit_take(struct limit_state *state, struct rate rate, int64_t now_us)
{
    if (rate.requests <= 0)
        return 0;
    int64_t now = now_us * US, one = rate.period_ms * MS / rate.requests, whole = one * rate.requests;
    int64_t full_at = atomic_load(&state->full_at);
    for (;;) {
        int64_t from = full_at;
        if (from < now)
            from = now;
        else if (from > now + whole + SLACK) /* taken at a slower rate */
            from = now + whole;
        int64_t wait = from + one - (now + whole);
        int64_t next = wait > 0 ? from : from + one;
        if (next == full_at || atomic_compare_exchange_weak(&state->full_at, &full_at, next))
            return wait > 0 ? (wait + US - 1) / US : 0;
    }
}

/* ---------------------------------------------------------------- which limits there are */

const char *limits_name(enum limit_kind kind)
{
    return limit_rows[kind].name;
}

enum limit_kind limits_find(struct str name)
{
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++)
        if (str_equal_fold(name, str_from(limit_rows[kind].name)))
            return kind;
    return LIMIT_NONE;
}

struct rate limits_rate(const struct conf *conf, const struct store_limit *row, enum limit_kind kind)
{
    if (row != NULL)
        return (struct rate){row->requests, row->period_ms};
    return *(const struct rate *)((const char *)conf + limit_rows[kind].setting);
}

/* ---------------------------------------------------------------- a request */

bool limits_admit(struct request *request)
{
    enum limit_kind kind = request->route->limit;
    if (kind == LIMIT_NONE || request->party == NULL)
        return true;
    struct rate rate = limits_rate(&request->worker->conf, request->party->limits[kind], kind);
    struct limit_state *state = &request->party->runtime->limits[kind];
    int64_t wait_us = limit_take(state, rate, env_monotonic_us());
    if (wait_us == 0)
        return true;
    long long seconds = limit_retry_after(wait_us);
    atomic_fetch_add(&state->refused, 1);
    request->audited = true; /* counted: limits_tell makes the row */
    http_exchange_header(request->exchange, "Retry-After", arena_printf(request->arena, "%lld", seconds));
    request_answerf(request, REPLY_RATE, "rate limit: %lld %s per %s; try again in %lld s",
                    (long long)rate.requests, limit_rows[kind].what, rate_period(rate), seconds);
    return false;
}

/* ---------------------------------------------------------------- strangers */

#define GUESS_DELAY_MS 1000

/* An answer that is held back. */
struct late {
    uv_timer_t timer;
    struct request *request;
    int64_t wait_us;
};

static void late_answer(uv_handle_t *handle)
{
    struct late *late = CONTAINER_OF(handle, struct late, timer);
    struct request *request = late->request;
    long long seconds = limit_retry_after(late->wait_us);
    http_exchange_header(request->exchange, "Retry-After", arena_printf(request->arena, "%lld", seconds));
    request_answerf(request, REPLY_RATE, "too many wrong guesses from this address; try again in %lld s",
                    seconds);
}

static void late_close(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, late_answer);
}

static struct limit_state *stranger_state(struct request *request)
{
    /* a bucket that two share is no harm */
    return &request->worker->strangers[str_hash(request->exchange->peer) % LIMIT_STRANGERS];
}

void limits_refuse_stranger(struct request *request, struct str message)
{
    static const struct rate rate = {LIMIT_GUESSES, 60000};
    int64_t wait_us = limit_take(stranger_state(request), rate, env_monotonic_us());
    struct late *late = wait_us == 0 ? NULL : arena_alloc(request->arena, sizeof *late);
    if (late == NULL || uv_timer_init(&request->worker->loop.uv, &late->timer) != 0) {
        request_answer(request, REPLY_UNKNOWN, message, STR_NONE);
        return;
    }
    late->request = request;
    late->wait_us = wait_us;
    uv_timer_start(&late->timer, late_close, GUESS_DELAY_MS, 0);
}

/* ---------------------------------------------------------------- what was refused */

struct limits {
    uv_timer_t tick;
};

static struct str limits_detail(struct arena *arena, enum limit_kind kind, struct rate rate, int64_t refused)
{
    char text[RATE_SIZE];
    struct buffer detail = {0};
    struct json_writer writer;
    json_writer_init(&writer, &detail);
    json_object_begin(&writer);
    json_field_text(&writer, "limit", limit_rows[kind].name);
    json_field_text(&writer, "rate", rate_format(rate, text));
    json_field_int(&writer, "refused", refused);
    json_object_end(&writer);
    struct str copy = arena_copy(arena, buffer_str(&detail));
    buffer_free(&detail);
    return copy;
}

static void limits_tell(struct hub *hub, const struct registry_party *party, enum limit_kind kind)
{
    struct limit_state *state = &party->runtime->limits[kind];
    struct rate rate = limits_rate(&hub->conf, party->limits[kind], kind);
    struct arena arena;
    arena_init(&arena, 0);
    int64_t refused = atomic_exchange(&state->refused, 0);
    struct str key = request_party_key(party);
    struct store_audit row = {
        .kind = STORE_AUDIT_REALTIME,
        .actor = arena_printf(&arena, "party %s", party->id),
        .action = STR("limit.exceeded"),
        .party = key,
        .module = str_from(limit_rows[kind].module),
        .sender = key,
        .receiver = ocpi_party_key_str(&hub->key),
        .status = STR("2004"),
        .latency_ms = -1,
        .detail = limits_detail(&arena, kind, rate, refused),
    };
    log_warn("party %s: %lld %s refused by its rate limit", party->id, (long long)refused,
             limit_rows[kind].what);
    if (store_audit_later(hub->store, &row) != OK)
        atomic_fetch_add(&state->refused, refused); /* told with the next */
    state->next_row = env_monotonic_ms() + ROW_EACH_MS;
    arena_free(&arena);
}

static void limits_tell_all(struct hub *hub, int64_t now_ms)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++) {
            const struct limit_state *state = &party->runtime->limits[kind];
            if (atomic_load(&state->refused) > 0 && now_ms >= state->next_row)
                limits_tell(hub, party, kind);
        }
    }
    registry_release(hub->control_view, snapshot);
}

static void limits_tick(uv_timer_t *timer)
{
    limits_tell_all(timer->data, env_monotonic_ms());
}

int limits_start(struct hub *hub)
{
    hub->limits = calloc(1, sizeof *hub->limits);
    if (hub->limits == NULL)
        return ERR_MEMORY;
    hub->limits->tick.data = hub;
    if (uv_timer_init(&hub->control.uv, &hub->limits->tick) != 0)
        return ERR_IO;
    return uv_timer_start(&hub->limits->tick, limits_tick, TICK_MS, TICK_MS) == 0 ? OK : ERR_IO;
}

void limits_stop(struct hub *hub)
{
    uv_close((uv_handle_t *)&hub->limits->tick, NULL);
    limits_tell_all(hub, INT64_MAX);
}

void limits_free(struct hub *hub)
{
    free(hub->limits);
    hub->limits = NULL;
}
