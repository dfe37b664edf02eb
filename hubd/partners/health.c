#include "hubd/partners/health.h"

#include <stdio.h>
#include <stdlib.h>

#include "hubd/outbox/outbox.h"
#include "hubd/partners/proven.h"
#include "hubd/calls/discovery.h"
#include "hubd/calls/outbound.h"
#include "hubd/calls/sentence.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"
#include "lib/http/url.h"
#include "lib/json/writer.h"

#define HEALTH_MAGIC        0x484c5448u
#define HEALTH_CHANGE_MAGIC 0x48434847u
#define PROBE_MAGIC         0x50524f42u
#define TICK_MIN_MS         20
#define TICK_MAX_MS         1000
/* A tick later than this part of offline_after means that the process itself was suspended. */
#define GAP_PART 4

struct health {
    uint32_t magic;
    struct hub *hub;
    uv_timer_t tick;
    int64_t started; /* monotonic ms: silence before it does not count */
    int64_t ticked;  /* monotonic ms of the last tick */
    bool stopping;
};

/* A change of status under way, or a sign of life on its way from another loop. */
struct health_change {
    uint32_t magic;
    struct loop_task task;
    struct hub *hub;
    struct registry_runtime *runtime; /* of the platform; outlives this */
    enum store_platform_status status;
    struct arena arena;
    struct store_apply batch;
};

/* A call without a valid answer, on its way from its loop. */
struct health_failure {
    struct loop_task task;
    struct hub *hub;
    struct registry_runtime *runtime;
    char text[sizeof((struct registry_watch *)0)->last_error];
};

struct probe {
    uint32_t magic;
    struct arena arena;
    struct hub *hub;
    struct registry_runtime *runtime;
    bool guess; /* no document of the partner's is known */
    struct outbound outbound;
};

/* ---------------------------------------------------------------- changing a status */

static void health_change_known(int result, void *context)
{
    struct health_change *change = MAGIC_CAST(struct health_change, context, HEALTH_CHANGE_MAGIC);
    struct hub *hub = change->hub;
    change->runtime->watch.changing = false;
    if (result == OK && change->status == STORE_PLATFORM_CONNECTED) {
        struct registry_snapshot *snapshot = registry_hold(hub->control_view);
        struct registry_platform *platform = registry_find_platform(snapshot, change->runtime->node.id);
        for (size_t i = 0; platform != NULL && i < platform->party_count; i++)
            outbox_resume(hub, ocpi_party_key_str(&platform->parties[i]->key));
        registry_release(hub->control_view, snapshot);
    }
    arena_free(&change->arena);
    change->magic = 0;
    free(change);
}

static void health_change_stored(struct store_apply *apply)
{
    struct health_change *change = MAGIC_CAST(struct health_change, apply->context, HEALTH_CHANGE_MAGIC);
    if (apply->result == OK)
        registry_refresh(change->hub->registry, &change->hub->control, health_change_known, change);
    else
        health_change_known(apply->result, change); /* the next tick tries again */
}

/* The audit detail of a change to OFFLINE: the last error. */
static struct str health_error_detail(struct arena *arena, const struct registry_platform *platform)
{
    struct str error = health_last_error(platform);
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_string(&writer, "last_error", error);
    json_object_end(&writer);
    struct str detail = error.length == 0 || text.failed ? STR_NONE : arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return detail;
}

static void health_audit(struct health_change *change, const struct registry_platform *platform)
{
    for (size_t i = 0; i < platform->party_count; i++) {
        struct store_op *op = store_batch_add(&change->batch, STORE_APPEND_AUDIT);
        if (op == NULL)
            return;
        bool connected = change->status == STORE_PLATFORM_CONNECTED;
        op->u.audit.kind = STORE_AUDIT_ADMIN;
        op->u.audit.actor = STR("hub");
        op->u.audit.action = connected ? STR("party.connected") : STR("party.offline");
        op->u.audit.party = arena_copy(&change->arena, ocpi_party_key_str(&platform->parties[i]->key));
        op->u.audit.status = connected ? STR("CONNECTED") : STR("OFFLINE");
        op->u.audit.latency_ms = -1;
        if (!connected)
            op->u.audit.detail = health_error_detail(&change->arena, platform);
        log_info("party %s is %s", platform->parties[i]->id, connected ? "CONNECTED" : "OFFLINE");
    }
}

static void health_change(struct hub *hub, const struct registry_platform *platform,
                          enum store_platform_status status)
{
    struct registry_watch *watch = &platform->runtime->watch;
    struct health_change *change = watch->changing ? NULL : calloc(1, sizeof *change);
    if (change == NULL)
        return;
    watch->changing = true;
    watch->offline_since = status == STORE_PLATFORM_OFFLINE ? env_wall_ms() : 0;
    change->magic = HEALTH_CHANGE_MAGIC;
    change->hub = hub;
    change->runtime = platform->runtime;
    change->status = status;
    arena_init(&change->arena, 0);
    store_batch_init(&change->batch, &change->arena);
    struct store_op *op = store_batch_add(&change->batch, STORE_SET_STATUS);
    if (op != NULL) {
        op->u.health.platform = platform->row.id;
        op->u.health.status = status;
        op->u.health.last_seen = atomic_load(&platform->runtime->last_answer_wall);
        op->u.health.heard = atomic_load(&platform->runtime->last_heard_wall);
        op->u.health.last_error = str_from(watch->last_error);
        op->u.health.now = env_wall_ms();
    }
    health_audit(change, platform);
    change->batch.callback = health_change_stored;
    change->batch.context = change;
    store_apply(hub->control_store, &change->batch);
}

/* ---------------------------------------------------------------- signs of life */

static void health_came_back(struct loop_task *task)
{
    struct health_change *sign = CONTAINER_OF(task, struct health_change, task);
    struct hub *hub = sign->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    struct registry_platform *platform = registry_find_platform(snapshot, sign->runtime->node.id);
    if (platform != NULL && hub->health != NULL && !hub->health->stopping &&
        platform->row.status == STORE_PLATFORM_OFFLINE)
        health_change(hub, platform, STORE_PLATFORM_CONNECTED);
    registry_release(hub->control_view, snapshot);
    free(sign);
}

static void health_answered(struct hub *hub, const struct registry_platform *platform)
{
    atomic_store(&platform->runtime->last_answer_ms, env_monotonic_ms());
    atomic_store(&platform->runtime->last_answer_wall, env_wall_ms());
    if (platform->row.status != STORE_PLATFORM_OFFLINE)
        return;
    struct health_change *sign = calloc(1, sizeof *sign);
    if (sign == NULL)
        return; /* the next answer says it again */
    sign->hub = hub;
    sign->runtime = platform->runtime;
    sign->task.run = health_came_back;
    loop_post(&hub->control, &sign->task);
}

/* ---------------------------------------------------------------- what went wrong last */

static void health_failure_known(struct loop_task *task)
{
    struct health_failure *failure = CONTAINER_OF(task, struct health_failure, task);
    memcpy(failure->runtime->watch.last_error, failure->text, sizeof failure->text);
    free(failure);
}

/* The URL of a failed call for the log: without the query, and only the host of a URL that a partner's app
 * chose. */
static struct str failure_place(const struct outbound *outbound)
{
    return !outbound->trusted && outbound->method != HTTP_METHOD_GET ? url_text_origin(outbound->url)
                                                                     : url_text_without_query(outbound->url);
}

static void health_failed(const struct outbound *outbound)
{
    if (outbound->platform == NULL || error_is_own(outbound->result))
        return;
    struct health_failure *failure = calloc(1, sizeof *failure);
    if (failure == NULL)
        return; /* the next one tells */
    struct str place = failure_place(outbound), error = sentence_of_failure(outbound->arena, outbound);
    snprintf(failure->text, sizeof failure->text, "%s " STR_FMT ": " STR_FMT,
             http_method_name(outbound->method), STR_ARG(place), STR_ARG(error));
    failure->hub = outbound->hub;
    failure->runtime = outbound->platform->runtime;
    failure->task.run = health_failure_known;
    loop_post(&outbound->hub->control, &failure->task);
}

static void health_call_ended(const struct outbound *outbound, bool valid)
{
    if (!valid && !outbound_is_impossible(outbound))
        health_failed(outbound);
    if (!valid || outbound->platform == NULL)
        return;
    if (outbound->is_alive == NULL || outbound->is_alive(&outbound->answer))
        health_answered(outbound->hub, outbound->platform);
    if (outbound->status / 100 == 2 && outbound->answer.status_code / 1000 == 1)
        proven_note(outbound->hub, outbound->arena, outbound->platform, outbound->url);
}

const struct outbound_observer health_observer = {health_call_ended};

struct str health_last_error(const struct registry_platform *platform)
{
    struct str error = str_from(platform->runtime->watch.last_error);
    return error.length > 0 ? error : platform->row.last_error;
}

int64_t health_offline_since(const struct registry_platform *platform)
{
    int64_t since = platform->runtime->watch.offline_since;
    for (size_t i = 0; since == 0 && i < platform->party_count; i++)
        since = platform->parties[i]->row.last_updated;
    return since;
}

/* ---------------------------------------------------------------- probes */

/* Notes what a probe's answer says about versions; a guessed URL may belong to something else. */
static void probe_note_versions(const struct probe *probe)
{
    const struct outbound *outbound = &probe->outbound;
    struct registry_watch *watch = &probe->runtime->watch;
    const struct json_value *found;
    enum discovery_document kind = discovery_look(outbound->arena, outbound, &found);
    if (error_is_own(outbound->result)) {
        watch->unasked = env_monotonic_ms(); /* whoever was not asked need not answer */
        return;
    }
    if (kind == DISCOVERY_NOTHING)
        watch->guessing = !watch->guessing; /* maybe the other one is a document */
    else
        watch->versions = discovery_has_221(kind, found) ? REGISTRY_VERSIONS_GOOD : REGISTRY_VERSIONS_OTHER;
    if (kind == DISCOVERY_NOTHING && !probe->guess && outbound->result == OK)
        watch->versions = REGISTRY_VERSIONS_UNREAD;
    watch->versions_status = outbound->status;
}

static void probe_answered(struct outbound *outbound)
{
    struct probe *probe = MAGIC_CAST(struct probe, outbound->context, PROBE_MAGIC);
    struct registry_watch *watch = &probe->runtime->watch;
    probe_note_versions(probe);
    if (outbound->result != OK)
        log_debug("probe of platform %lld: " STR_FMT, (long long)probe->runtime->node.id,
                  STR_ARG(outbound->error));
    watch->probing = false;
    probe->magic = 0;
    arena_free(&probe->arena);
    free(probe);
}

/* The URL of a versions document that is known; STR_NONE: none is. */
static struct str probe_known_url(const struct registry_platform *platform)
{
    for (size_t i = 0; i < platform->party_count; i++) {
        struct str set = registry_receiver_url(platform->parties[i], OCPI_MODULE_VERSIONS);
        if (set.data != NULL)
            return set;
    }
    return platform->row.versions_url.length > 0 ? platform->row.versions_url : STR_NONE;
}

struct str health_probe_url(struct arena *arena, const struct registry_platform *platform)
{
    struct str known = probe_known_url(platform);
    if (known.data != NULL)
        return known;
    return platform->runtime->watch.guessing ? discovery_versions_url(arena, platform->row.credentials_url)
                                             : platform->row.credentials_url;
}

static void health_probe(struct health *health, const struct registry_platform *platform)
{
    struct hub *hub = health->hub;
    struct probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL)
        return;
    probe->magic = PROBE_MAGIC;
    probe->hub = hub;
    probe->runtime = platform->runtime;
    probe->guess = probe_known_url(platform).data == NULL;
    arena_init(&probe->arena, 0);
    platform->runtime->watch.probing = true;
    struct outbound *outbound = &probe->outbound;
    outbound->arena = &probe->arena;
    outbound->hub = hub;
    outbound->client = hub->probe_client;
    outbound->view = hub->control_view;
    outbound->snapshot = registry_hold(hub->control_view);
    outbound->platform = registry_find_platform(outbound->snapshot, platform->row.id);
    outbound->method = HTTP_METHOD_GET;
    outbound->url = health_probe_url(&probe->arena, platform);
    outbound->accepts = discovery_accepts;
    outbound->timeout_ms = hub->conf.probe_timeout;
    outbound->callback = probe_answered;
    outbound->context = probe;
    outbound_start(outbound);
}

static void health_watch(struct health *health, const struct registry_platform *platform, int64_t now)
{
    const struct conf *conf = &health->hub->conf;
    struct registry_watch *watch = &platform->runtime->watch;
    if (watch->next_probe == 0) { /* the first probes of a restarted hub are spread over one interval */
        watch->next_probe = now + (int64_t)env_random_below((uint64_t)conf->probe_interval + 1);
    } else if (now >= watch->next_probe && !watch->probing) {
        int64_t tenth = conf->probe_interval / 10;
        watch->next_probe =
            now + conf->probe_interval - tenth + (int64_t)env_random_below((uint64_t)tenth * 2 + 1);
        health_probe(health, platform);
    }
    int64_t heard = atomic_load(&platform->runtime->last_answer_ms);
    if (heard < health->started)
        heard = health->started;
    if (heard < watch->unasked)
        heard = watch->unasked;
    if (platform->row.status == STORE_PLATFORM_CONNECTED && now - heard > conf->offline_after)
        health_change(health->hub, platform, STORE_PLATFORM_OFFLINE);
}

/*
 * Restarts the time of silence for all platforms when the process itself did not run: nobody could answer it.
 */
static void health_watch_itself(struct health *health, int64_t now)
{
    int64_t late = now - health->ticked - (int64_t)uv_timer_get_repeat(&health->tick);
    health->ticked = now;
    if (late <= health->hub->conf.offline_after / GAP_PART)
        return;
    char words[DURATION_WORDS_SIZE];
    log_warn("this process did not run for %s: silence until now counts for nobody",
             duration_words(late, false, words));
    health->started = now;
}

static void health_tick(uv_timer_t *timer)
{
    struct health *health = MAGIC_CAST(struct health, timer->data, HEALTH_MAGIC);
    struct hub *hub = health->hub;
    int64_t now = env_monotonic_ms();
    health_watch_itself(health, now);
    registry_retry_refresh(hub->registry);
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    for (size_t i = 0; i < snapshot->platform_count; i++) {
        const struct registry_platform *platform = &snapshot->platforms[i];
        if (platform->token.data != NULL && platform->row.status != STORE_PLATFORM_PLANNED)
            health_watch(health, platform, now);
    }
    registry_release(hub->control_view, snapshot);
}

int health_start(struct hub *hub)
{
    struct health *health = calloc(1, sizeof *health);
    if (health == NULL)
        return ERR_MEMORY;
    health->magic = HEALTH_MAGIC;
    health->hub = hub;
    health->started = health->ticked = env_monotonic_ms();
    hub->health = health;
    health->tick.data = health;
    if (uv_timer_init(&hub->control.uv, &health->tick) != 0)
        return ERR_IO;
    hub->observer = &health_observer; /* no loop calls anybody yet */
    int64_t tick = hub->conf.probe_interval / 10;
    tick = tick < TICK_MIN_MS ? TICK_MIN_MS : tick > TICK_MAX_MS ? TICK_MAX_MS : tick;
    return uv_timer_start(&health->tick, health_tick, (uint64_t)tick, (uint64_t)tick) == 0 ? OK : ERR_IO;
}

void health_stop(struct hub *hub)
{
    hub->health->stopping = true;
    uv_close((uv_handle_t *)&hub->health->tick, NULL);
}

void health_free(struct hub *hub)
{
    hub->health->magic = 0;
    free(hub->health);
    hub->health = NULL;
}
