#include "hubd/retention.h"

#include <stdio.h>
#include <stdlib.h>

#include "hubd/clock.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

#define RETENTION_MAGIC 0x5245544eu
#define SLICE_ROWS      1000
#define PAUSE_MS        10 /* between two slices: most of the writer's time is the pushes' */
#define CROWDED_MS      1000
#define DISTRUST_MS     1000
/* The time between two rounds is a part of the shortest retention, within bounds. */
#define ROUND_PART   24
#define ROUND_MIN_MS 1000
#define ROUND_MAX_MS (10 * 60 * 1000)

struct retention {
    uint32_t magic;
    struct hub *hub;
    uv_timer_t timer;
    struct arena arena; /* of the slice under way */
    struct store_apply batch;
    size_t job; /* of the round */
    int64_t after,
        after_time; /* where the job's next slice begins, for jobs that do not remember it themselves */
    int64_t pruned;
    bool busy, again, stopping;
};

/* ---------------------------------------------------------------- what goes, in this order */

static const struct retention_job {
    enum store_op_type op;
    const char *what;
    size_t retention, realtime; /* settings: offsets in struct conf; realtime 0: there is none */
    const char *action; /* of the row that a round leaves in the audit; NULL: the store writes its own */
} retention_jobs[] = {
    {STORE_PRUNE_AUDIT, "audit rows", offsetof(struct conf, audit_retention),
     offsetof(struct conf, audit_retention_realtime), NULL},
    {STORE_PRUNE_DELIVERIES, "finished deliveries", offsetof(struct conf, retention_deliveries), 0,
     "retention.deliveries"},
    {STORE_PRUNE_SESSIONS, "sessions", offsetof(struct conf, retention_sessions), 0, "retention.sessions"},
    {STORE_PRUNE_CDRS, "CDRs", offsetof(struct conf, retention_cdrs), 0, "retention.cdrs"},
};
#define RETENTION_JOBS (sizeof retention_jobs / sizeof retention_jobs[0])

/* A setting in ms; 0: for ever. */
static int64_t retention_setting(const struct hub *hub, size_t offset)
{
    int64_t value = 0;
    if (offset != 0)
        memcpy(&value, (const char *)&hub->conf + offset, sizeof value);
    return value;
}

/* The time before which rows of a job are deleted. It is the hub's own time, since a jump of the wall clock
 * must expire nothing (hubd(8), LOG). */
static int64_t retention_before(const struct hub *hub, size_t offset)
{
    int64_t kept = retention_setting(hub, offset);
    return kept == 0 ? INT64_MIN : hub_kept_ms(hub) - kept;
}

static uint64_t retention_round_ms(const struct hub *hub)
{
    int64_t shortest = (int64_t)ROUND_MAX_MS * ROUND_PART;
    for (size_t i = 0; i < RETENTION_JOBS; i++) {
        const size_t offsets[] = {retention_jobs[i].retention, retention_jobs[i].realtime};
        for (size_t j = 0; j < sizeof offsets / sizeof offsets[0]; j++) {
            int64_t kept = retention_setting(hub, offsets[j]);
            shortest = kept > 0 && kept < shortest ? kept : shortest;
        }
    }
    int64_t part = shortest / ROUND_PART;
    return part < ROUND_MIN_MS ? ROUND_MIN_MS : (uint64_t)part;
}

/* ---------------------------------------------------------------- slices */

static void retention_tick(uv_timer_t *timer);

static void retention_wait(struct retention *retention, uint64_t ms)
{
    if (retention->again) {
        retention->pruned = retention->after = retention->after_time = 0;
        retention->job = 0;
        ms = 0;
    }
    retention->again = false;
    if (!retention->stopping)
        uv_timer_start(&retention->timer, retention_tick, ms, 0);
}

/* Adds an audit row: how many rows this round deleted, and older than when. */
static void retention_audit(const struct retention *retention, const struct retention_job *job)
{
    char detail[96], time[TIMESTAMP_SIZE];
    int length =
        snprintf(detail, sizeof detail, "{\"count\":%lld,\"before\":\"%s\"}", (long long)retention->pruned,
                 timestamp_format(retention_before(retention->hub, job->retention), time));
    const struct store_audit row = {.kind = STORE_AUDIT_ADMIN,
                                    .actor = STR("hub"),
                                    .action = str_from(job->action),
                                    .status = STR("ok"),
                                    .latency_ms = -1,
                                    .detail = str_of(detail, (size_t)length)};
    if (store_audit_later(retention->hub->store, &row) != OK)
        log_error_bounded("audit: a %s row was lost: the store takes no more", job->action);
}

static void retention_next_job(struct retention *retention)
{
    const struct retention_job *job = &retention_jobs[retention->job];
    if (retention->pruned > 0)
        log_info("retention: %lld %s removed", (long long)retention->pruned, job->what);
    if (retention->pruned > 0 && job->action != NULL)
        retention_audit(retention, job);
    retention->pruned = retention->after = retention->after_time = 0;
    retention->job++;
}

static void retention_applied(struct store_apply *apply)
{
    struct retention *retention = MAGIC_CAST(struct retention, apply->context, RETENTION_MAGIC);
    const struct store_op *op = apply->first;
    bool failed = apply->result != OK;
    if (failed) {
        log_warn_bounded("retention: %s: %s", retention_jobs[retention->job].what, apply->error.text);
    } else {
        retention->pruned += op->u.prune.pruned;
        retention->after = op->u.prune.after;
        retention->after_time = op->u.prune.after_time;
    }
    if (failed || op->u.prune.done)
        retention_next_job(retention);
    arena_free(&retention->arena);
    retention->busy = false;
    retention_wait(retention, PAUSE_MS);
}

static void retention_slice(struct retention *retention, const struct retention_job *job)
{
    struct hub *hub = retention->hub;
    arena_init(&retention->arena, 0);
    store_batch_init(&retention->batch, &retention->arena);
    struct store_op *op = store_batch_add(&retention->batch, job->op);
    if (op != NULL) {
        op->u.prune.before = retention_before(hub, job->retention);
        op->u.prune.before_realtime = retention_before(hub, job->realtime);
        op->u.prune.limit = SLICE_ROWS;
        op->u.prune.after = retention->after;
        op->u.prune.after_time = retention->after_time;
    }
    retention->batch.callback = retention_applied;
    retention->batch.context = retention;
    retention->busy = true;
    store_apply(hub->control_store, &retention->batch);
}

static void retention_tick(uv_timer_t *timer)
{
    struct retention *retention = MAGIC_CAST(struct retention, timer->data, RETENTION_MAGIC);
    struct hub *hub = retention->hub;
    if (clock_is_distrusted(hub)) { /* what looks old may be of today */
        retention_wait(retention, DISTRUST_MS);
        return;
    }
    while (retention->job < RETENTION_JOBS) {
        const struct retention_job *job = &retention_jobs[retention->job];
        if (retention_before(hub, job->retention) == INT64_MIN &&
            retention_before(hub, job->realtime) == INT64_MIN) {
            retention_next_job(retention);
            continue;
        }
        if (store_is_overloaded(hub->store))
            retention_wait(retention, CROWDED_MS); /* nobody waits for it */
        else
            retention_slice(retention, job);
        return;
    }
    retention->job = 0;
    retention_wait(retention, retention_round_ms(hub));
}

/* ---------------------------------------------------------------- start and end */

int retention_start(struct hub *hub)
{
    struct retention *retention = calloc(1, sizeof *retention);
    if (retention == NULL)
        return ERR_MEMORY;
    retention->magic = RETENTION_MAGIC;
    retention->hub = hub;
    hub->retention = retention;
    retention->timer.data = retention;
    if (uv_timer_init(&hub->control.uv, &retention->timer) != 0)
        return ERR_IO;
    retention_wait(retention, 0);
    return OK;
}

void retention_reload(struct hub *hub)
{
    struct retention *retention = hub->retention;
    retention->again = true; /* after the slice under way */
    if (!retention->busy)
        retention_wait(retention, 0);
}

void retention_stop(struct hub *hub)
{
    hub->retention->stopping = true;
    uv_close((uv_handle_t *)&hub->retention->timer, NULL);
}

void retention_free(struct hub *hub)
{
    hub->retention->magic = 0;
    free(hub->retention);
    hub->retention = NULL;
}
