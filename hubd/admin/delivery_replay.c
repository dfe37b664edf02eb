#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/job.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/outbox/outbox.h"
#include "hubd/registry/routing.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/timestamp.h"
#include "lib/store/history.h"

/*
 * delivery replay: what the hub holds for an eMSP of a period goes to it again (hub-ocpi(7), DELIVERY). A job (job.h)
 * whose slices are one batch each with its audit row, so that an end at any moment leaves nothing half done. When
 * somebody else pushed or replayed an object of the slice meanwhile, it is read again, half as large: nothing is queued
 * twice, and sessions that change all the time do not keep the job from going on.
 */
#define SLICE_ROWS 200

struct count {
    int64_t queued, held, waiting;
};

static const struct module {
    enum ocpi_module module;
    const char *method;
    enum store_kind kind;
} modules[] = {{OCPI_MODULE_SESSIONS, "PUT", STORE_SESSION}, {OCPI_MODULE_CDRS, "POST", STORE_CDR}};
#define MODULES (sizeof(modules) / sizeof(modules[0]))

struct replay {
    struct job job;
    struct ocpi_party_key emsp;
    struct str cpo;        /* party key; empty: any */
    enum ocpi_module only; /* OTHER: all */
    int64_t since, until;
    bool dry_run;
    size_t module;
    int64_t after; /* the next slice of the module begins behind this object */
    struct store_stored_read read;
    struct store_totals_read totals; /* as they were at the beginning */
    struct count slice, counts[MODULES];
};

static struct replay *replay_of(struct job *job)
{
    return CONTAINER_OF(job, struct replay, job);
}

static struct str emsp_str(const struct replay *replay)
{
    return ocpi_party_key_str(&replay->emsp);
}

/* ---------------------------------------------------------------- the answer */

static bool is_wanted(const struct replay *replay, size_t module)
{
    return replay->only == OCPI_MODULE_OTHER || replay->only == modules[module].module;
}

/* "IN-XYZ: sessions: 3 queued, 1 held, 0 waiting already; cdrs: …" */
static struct str summary(const struct replay *replay)
{
    struct buffer text = {0};
    const char *between = ": ";
    buffer_append(&text, emsp_str(replay));
    for (size_t i = 0; i < MODULES; i++) {
        const struct count *count = &replay->counts[i];
        if (!is_wanted(replay, i))
            continue;
        buffer_printf(&text, "%s%s: %lld %s, %lld %s, %lld waiting already", between,
                      ocpi_module_name(modules[i].module), (long long)count->queued,
                      replay->dry_run ? "to send" : "queued", (long long)count->held,
                      replay->dry_run ? "to hold" : "held", (long long)count->waiting);
        between = "; ";
    }
    struct str copy = arena_copy(&replay->job.request->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static void write_count(struct json_writer *writer, const struct count *count)
{
    json_field_int(writer, "queued", count->queued);
    json_field_int(writer, "held", count->held);
    json_field_int(writer, "waiting", count->waiting);
}

static void write_hints(struct json_writer *writer, const struct replay *replay, const struct count *total)
{
    struct arena *arena = &replay->job.request->arena;
    json_key(writer, "hints");
    json_array_begin(writer);
    if (replay->dry_run && total->queued + total->held > 0)
        json_string(writer, STR("the same without --dry-run sends them"));
    if (!replay->dry_run && total->held > 0)
        json_string(writer, arena_printf(arena, "hubctl delivery list --state held --party %s shows why",
                                         replay->emsp.text));
    json_array_end(writer);
}

static void replay_answer(struct job *job)
{
    const struct replay *replay = replay_of(job);
    struct buffer reply = {0};
    struct json_writer writer;
    struct count total = {0};
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    json_field_string(&writer, "id", emsp_str(replay));
    json_key(&writer, "modules");
    json_array_begin(&writer);
    for (size_t i = 0; i < MODULES; i++) {
        const struct count *count = &replay->counts[i];
        if (!is_wanted(replay, i))
            continue;
        json_object_begin(&writer);
        json_field_text(&writer, "module", ocpi_module_name(modules[i].module));
        write_count(&writer, count);
        json_object_end(&writer);
        total.queued += count->queued;
        total.held += count->held;
        total.waiting += count->waiting;
    }
    json_array_end(&writer);
    write_count(&writer, &total);
    json_field_text(&writer, "change",
                    replay->dry_run                 ? "counted"
                    : total.queued + total.held > 0 ? "replayed"
                                                    : "unchanged");
    json_field_string(&writer, "message",
                      arena_printf(&replay->job.request->arena, "replay%s of " STR_FMT,
                                   replay->dry_run ? " (dry run, nothing was changed)" : "",
                                   STR_ARG(summary(replay))));
    write_hints(&writer, replay, &total);
    json_object_end(&writer);
    ctl_reply(job_end(job), &reply);
    buffer_free(&reply);
}

static void replay_fail(struct job *job, int error_code, const struct error *error)
{
    struct str text = arena_printf(&job->request->arena, "%s; until then " STR_FMT, error->text,
                                   STR_ARG(summary(replay_of(job))));
    refusal_reply_error(job_end(job), error_code, text.data);
}

/* ---------------------------------------------------------------- one slice */

/* Says how far it is by the order of arrival, in which the objects of each module are read. */
static void replay_report(struct replay *replay)
{
    int64_t head = replay->totals.object_head, done = replay->after, total = 0;
    for (size_t i = 0; i < MODULES; i++) {
        total += is_wanted(replay, i) ? head : 0;
        done += is_wanted(replay, i) && i < replay->module ? head : 0;
    }
    job_report(&replay->job, summary(replay), done, total);
}

static void slice_done(struct replay *replay)
{
    struct count *count = &replay->counts[replay->module];
    count->queued += replay->slice.queued;
    count->held += replay->slice.held;
    count->waiting += replay->slice.waiting;
    replay->after = replay->read.more ? replay->read.after : 0;
    replay->module += replay->read.more ? 0 : 1;
    replay_report(replay);
    job_next(&replay->job);
}

static void slice_stored(struct job *job)
{
    struct replay *replay = replay_of(job);
    outbox_resume(job->hub, emsp_str(replay));
    slice_done(replay);
}

/* When the session of an object began, for a draining rule; INT64_MAX when the body was not read. */
static int64_t started(struct replay *replay, const struct store_stored *row)
{
    const struct json_value *object;
    int64_t time;
    if (row->body.length > 0 &&
        json_parse(&replay->job.arena, row->body, JSON_DEPTH_MAX, &object, NULL) == OK &&
        timestamp_parse(json_get_text(object, "start_date_time"), &time))
        return time;
    return INT64_MAX;
}

/* Where a push of this object would stand now. A CPO that was removed has no rule. */
static struct routing_delivery judge(struct replay *replay, const struct registry_snapshot *snapshot,
                                     const struct store_stored *row)
{
    struct routing_delivery none = {STORE_DELIVERY_HELD, STORE_HOLD_NO_RULE, NULL};
    struct ocpi_party_key key;
    bool known = ocpi_party_key_parse(row->owner, &key, NULL, NULL, NULL);
    const struct registry_party *cpo = known ? registry_find_party(snapshot, &key, OCPI_ROLE_CPO) : NULL;
    return cpo == NULL ? none
                       : routing_find_delivery(snapshot, cpo, &replay->emsp, modules[replay->module].module,
                                               started(replay, row));
}

static void add_delivery(struct replay *replay, const struct store_stored *stored,
                         const struct routing_delivery *route)
{
    const struct module *module = &modules[replay->module];
    struct store_op *op = store_batch_add(&replay->job.batch, STORE_REPEAT_DELIVERY);
    char uuid[UUID_SIZE];
    if (op == NULL)
        return;
    op->u.repeat = (struct store_delivery){
        .state = route->state,
        .hold = route->hold,
        .receiver = emsp_str(replay),
        .sender = stored->owner,
        .module = str_from(ocpi_module_name(module->module)),
        .method = str_from(module->method),
        .kind = (int)module->kind,
        .owner = stored->owner,
        .object = stored->id,
        .correlation_id = arena_copy(&replay->job.arena, str_from(uuid_make(uuid))),
    };
}

static void add_audit(struct replay *replay)
{
    struct store_op *op = store_batch_add(&replay->job.batch, STORE_APPEND_AUDIT);
    char since[TIMESTAMP_SIZE], until[TIMESTAMP_SIZE];
    if (op == NULL)
        return;
    change_audit_fill(replay->job.request, &op->u.audit, "delivery.replay");
    op->u.audit.party = emsp_str(replay);
    op->u.audit.module = str_from(ocpi_module_name(modules[replay->module].module));
    op->u.audit.sender = replay->cpo;
    op->u.audit.receiver = emsp_str(replay);
    op->u.audit.detail =
        arena_printf(&replay->job.arena, "{\"since\":\"%s\",\"until\":\"%s\",\"queued\":%lld,\"held\":%lld}",
                     timestamp_format(replay->since, since), timestamp_format(replay->until, until),
                     (long long)replay->slice.queued, (long long)replay->slice.held);
}

/* Counts every row of the slice, and adds to the batch those that are not pending already. */
static void sort_rows(struct replay *replay)
{
    struct count *count = &replay->slice;
    struct registry_view *view = replay->job.hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    for (size_t i = 0; i < replay->read.count; i++) {
        const struct store_stored *row = &replay->read.rows[i];
        if (row->state == STORE_DELIVERY_PENDING) {
            count->waiting++;
            continue;
        }
        struct routing_delivery route = judge(replay, snapshot, row);
        if (route.state == STORE_DELIVERY_PENDING)
            count->queued++;
        else
            count->held++;
        if (!replay->dry_run)
            add_delivery(replay, row, &route);
    }
    registry_release(view, snapshot);
}

static void rows_read(struct job *job)
{
    struct replay *replay = replay_of(job);
    job_batch(job);
    replay->slice = (struct count){0};
    sort_rows(replay);
    if (job->batch.first == NULL) {
        slice_done(replay);
        return;
    }
    add_audit(replay);
    job_apply(job, slice_stored);
}

/* Bodies are read only for a draining rule, which needs the time at which the session began. */
static bool needs_bodies(const struct replay *replay)
{
    struct registry_view *view = replay->job.hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_party *emsp = registry_find_party(snapshot, &replay->emsp, OCPI_ROLE_EMSP);
    bool drains = false;
    for (size_t i = 0; i < snapshot->rule_count && emsp != NULL && !drains; i++)
        drains = snapshot->rules[i].emsp == emsp->row.id && snapshot->rules[i].state == STORE_RULE_DRAIN;
    registry_release(view, snapshot);
    return drains;
}

/* Each try reads half as many, so that fewer can be changed meanwhile. */
static unsigned rows_wanted(const struct job *job)
{
    unsigned rows = SLICE_ROWS;
    for (unsigned i = 0; i < job->tries && rows > 1; i++)
        rows /= 2;
    return rows;
}

static void replay_slice(struct job *job)
{
    struct replay *replay = replay_of(job);
    while (replay->module < MODULES && !is_wanted(replay, replay->module))
        replay->module++;
    if (replay->module == MODULES) {
        replay_answer(job);
        return;
    }
    replay->read = (struct store_stored_read){
        .base = job_read(job, rows_read),
        .kind = modules[replay->module].kind,
        .emsp = emsp_str(replay),
        .owner = replay->cpo,
        .since = replay->since,
        .until = replay->until,
        .bodies = needs_bodies(replay),
        .limit = rows_wanted(job),
        .after = replay->after,
    };
    store_read_stored(job->hub->control_store, &replay->read);
}

static const struct job_kind replay_kind = {replay_slice, replay_answer, replay_fail};

/* ---------------------------------------------------------------- the request */

/* False: refused. */
static bool find_parties(struct replay *replay, struct refusal *refusal)
{
    struct ctl_request *request = replay->job.request;
    struct str cpo = json_get_text(request->params, "cpo");
    struct registry_view *view = replay->job.hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct ocpi_party_key key = {""};
    const struct registry_party *emsp =
        lookup_party(snapshot, json_get_text(request->params, "emsp"), OCPI_ROLE_EMSP, refusal);
    if (emsp != NULL)
        replay->emsp = emsp->key;
    registry_release(view, snapshot);
    /* a CPO that was removed may have left objects */
    if (emsp == NULL || (cpo.length > 0 && !lookup_key(cpo, &key, refusal)))
        return false;
    replay->cpo = arena_copy(&request->arena, ocpi_party_key_str(&key));
    return true;
}

static bool find_period(struct replay *replay, struct refusal *refusal)
{
    const struct json_value *params = replay->job.request->params;
    /* never in the future: the job would find what arrives while it runs */
    replay->until = env_wall_ms();
    timestamp_parse(json_get_text(params, "since"), &replay->since);
    timestamp_parse(json_get_text(params, "until"), &replay->until);
    return replay->since < replay->until ||
           refusal_set(refusal, CTL_INVALID, "--since is where the period begins, --until where it ends",
                       "the period is empty: it ends before it begins");
}

void admin_delivery_replay(struct ctl_request *request)
{
    struct replay *replay = job_new(request, sizeof *replay, &replay_kind);
    struct refusal refusal = {0};
    if (replay == NULL)
        return;
    replay->only = lookup_module(json_get_text(request->params, "module"));
    replay->dry_run = json_get_boolean(request->params, "dry_run", false);
    if (!find_parties(replay, &refusal) || !find_period(replay, &refusal)) {
        refusal_reply(job_end(&replay->job), &refusal);
        return;
    }
    replay->totals.base = job_read_optional(&replay->job, job_next);
    store_read_totals(replay->job.hub->control_store, &replay->totals);
}
