#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/outbox/outbox.h"
#include "hubd/request/late.h"
#include "hubd/registry/routing.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/timestamp.h"
#include "lib/store/history.h"

/*
 * delivery replay: what the hub holds for an eMSP of a period goes to it again (hub-ocpi(7), DELIVERY).
 * Objects are read in slices; each slice is one batch with its audit row, so that the store serves others in
 * between and an end at any moment leaves nothing half done. When an object of it was pushed or replayed by
 * somebody else in between, the slice is read again, half as large: nothing is queued twice, and sessions
 * that change all the time do not keep it from going on.
 */
#define REPLAY_MAGIC 0x5245504cu
#define SLICE_ROWS   200

struct count {
    int64_t queued, held, waiting;
};

static const struct module {
    const char *name, *method;
    enum store_kind kind;
} modules[] = {{"sessions", "PUT", STORE_SESSION}, {"cdrs", "POST", STORE_CDR}};
#define MODULES (sizeof(modules) / sizeof(modules[0]))

struct replay {
    uint32_t magic;
    struct ctl_request *request;
    struct hub *hub;
    struct arena arena; /* of one slice */
    struct ocpi_party_key emsp;
    struct str cpo;  /* party key; empty: any */
    struct str only; /* module; empty: all */
    int64_t since, until;
    bool dry_run;
    bool blocked; /* the client reads slower than we tell */
    size_t module;
    int64_t after; /* the next slice of the module begins behind this object */
    struct store_stored_read read;
    struct store_totals_read totals; /* as they were at the beginning */
    struct store_apply batch;
    unsigned tries;   /* of the slice: each looks at half as much, so that less can meet it */
    int64_t began_us; /* the slice, monotonic */
    struct count slice, counts[MODULES];
};

static void read_slice(struct replay *replay);

static struct replay *replay_of(void *context)
{
    return MAGIC_CAST(struct replay, context, REPLAY_MAGIC);
}

static struct str emsp_str(const struct replay *replay)
{
    return ocpi_party_key_str(&replay->emsp);
}

/* ---------------------------------------------------------------- the answer */

static struct ctl_request *replay_release(struct replay *replay)
{
    arena_free(&replay->arena);
    replay->magic = 0;
    return replay->request;
}

static bool is_wanted(const struct replay *replay, size_t module)
{
    return replay->only.length == 0 || str_equal(replay->only, str_from(modules[module].name));
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
        buffer_printf(&text, "%s%s: %lld %s, %lld %s, %lld waiting already", between, modules[i].name,
                      (long long)count->queued, replay->dry_run ? "to send" : "queued",
                      (long long)count->held, replay->dry_run ? "to hold" : "held",
                      (long long)count->waiting);
        between = "; ";
    }
    struct str copy = arena_copy(&replay->request->arena, buffer_str(&text));
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
    struct arena *arena = &replay->request->arena;
    json_key(writer, "hints");
    json_array_begin(writer);
    if (replay->dry_run && total->queued + total->held > 0)
        json_string(writer, STR("the same without --dry-run sends them"));
    if (!replay->dry_run && total->held > 0)
        json_string(writer, arena_printf(arena, "hubctl delivery list --state held --party %s shows why",
                                         replay->emsp.text));
    json_array_end(writer);
}

static void replay_answer(struct replay *replay)
{
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
        json_field_text(&writer, "module", modules[i].name);
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
                      arena_printf(&replay->request->arena, "replay%s of " STR_FMT,
                                   replay->dry_run ? " (dry run, nothing was changed)" : "",
                                   STR_ARG(summary(replay))));
    write_hints(&writer, replay, &total);
    json_object_end(&writer);
    ctl_reply(replay_release(replay), &reply);
    buffer_free(&reply);
}

static void replay_fail(struct replay *replay, int error_code, const struct error *error)
{
    struct str text = arena_printf(&replay->request->arena, "%s; until then " STR_FMT, error->text,
                                   STR_ARG(summary(replay)));
    refusal_reply_error(replay_release(replay), error_code, text.data);
}

/* ---------------------------------------------------------------- one slice */

/* How far it is: by the order of arrival, in which each module is walked. */
static bool replay_report(struct replay *replay)
{
    int64_t head = replay->totals.object_head, done = replay->after, total = 0;
    for (size_t i = 0; i < MODULES; i++) {
        total += is_wanted(replay, i) ? head : 0;
        done += is_wanted(replay, i) && i < replay->module ? head : 0;
    }
    return ctl_progress(replay->request, summary(replay), done, total);
}

/* The next slice, or the end; tells the client in between, which also keeps it waiting. */
static void go_on(struct replay *replay)
{
    struct count *count = &replay->counts[replay->module];
    count->queued += replay->slice.queued;
    count->held += replay->slice.held;
    count->waiting += replay->slice.waiting;
    replay->tries = 0;
    replay->began_us = env_monotonic_us();
    replay->after = replay->read.more ? replay->read.after : 0;
    replay->module += replay->read.more ? 0 : 1;
    replay->blocked = !replay_report(replay);
    if (!replay->blocked)
        read_slice(replay);
}

static void on_applied(struct store_apply *apply)
{
    struct replay *replay = replay_of(apply->context);
    if (apply->result == OK) {
        outbox_resume(replay->hub, emsp_str(replay));
        go_on(replay);
    } else if (apply->result == ERR_CONFLICT && !late_since(replay->began_us)) {
        replay->tries += SLICE_ROWS >> replay->tries > 1;
        read_slice(replay);
    } else {
        replay_fail(replay, apply->result, &apply->error);
    }
}

/* When a draining rule is asked whether the object's session had begun. Without a body: not. */
static int64_t started(struct replay *replay, const struct store_stored *row)
{
    const struct json_value *object;
    int64_t time;
    if (row->body.length > 0 && json_parse(&replay->arena, row->body, JSON_DEPTH_MAX, &object, NULL) == OK &&
        timestamp_parse(json_get_text(object, "start_date_time"), &time))
        return time;
    return INT64_MAX;
}

/* As a fresh push would be judged. A CPO that is gone has no rule. */
static struct routing_delivery judge(struct replay *replay, const struct registry_snapshot *snapshot,
                                     const struct store_stored *row)
{
    struct routing_delivery none = {STORE_DELIVERY_HELD, STORE_HOLD_NO_RULE, NULL};
    struct ocpi_party_key key;
    bool known = ocpi_party_key_parse(row->owner, &key, NULL, NULL, NULL);
    const struct registry_party *cpo = known ? registry_find_party(snapshot, &key, OCPI_ROLE_CPO) : NULL;
    return cpo == NULL ? none
                       : routing_find_delivery(snapshot, cpo, &replay->emsp, modules[replay->module].name,
                                               started(replay, row));
}

static void add_delivery(struct replay *replay, const struct store_stored *stored,
                         const struct routing_delivery *route)
{
    const struct module *module = &modules[replay->module];
    struct store_op *op = store_batch_add(&replay->batch, STORE_REPEAT_DELIVERY);
    char uuid[UUID_SIZE];
    if (op == NULL)
        return;
    op->u.repeat = (struct store_delivery){
        .state = route->state,
        .hold = route->hold,
        .receiver = emsp_str(replay),
        .sender = stored->owner,
        .module = str_from(module->name),
        .method = str_from(module->method),
        .kind = (int)module->kind,
        .owner = stored->owner,
        .object = stored->id,
        .correlation_id = arena_copy(&replay->arena, str_from(uuid_make(uuid))),
    };
}

static void add_audit(struct replay *replay)
{
    struct store_op *op = store_batch_add(&replay->batch, STORE_APPEND_AUDIT);
    char since[TIMESTAMP_SIZE], until[TIMESTAMP_SIZE];
    if (op == NULL)
        return;
    change_audit_fill(replay->request, &op->u.audit, "delivery.replay");
    op->u.audit.party = emsp_str(replay);
    op->u.audit.module = str_from(modules[replay->module].name);
    op->u.audit.sender = replay->cpo;
    op->u.audit.receiver = emsp_str(replay);
    op->u.audit.detail =
        arena_printf(&replay->arena, "{\"since\":\"%s\",\"until\":\"%s\",\"queued\":%lld,\"held\":%lld}",
                     timestamp_format(replay->since, since), timestamp_format(replay->until, until),
                     (long long)replay->slice.queued, (long long)replay->slice.held);
}

/* Every row of the slice into its count, and what is not on its way into the batch. */
static void sort_rows(struct replay *replay)
{
    struct count *count = &replay->slice;
    struct registry_view *view = replay->hub->control_view;
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

static void on_rows(struct store_read *base)
{
    struct replay *replay = replay_of(base->context);
    if (base->result != OK) {
        replay_fail(replay, base->result, &base->error);
        return;
    }
    store_batch_init(&replay->batch, &replay->arena);
    replay->batch.callback = on_applied;
    replay->batch.context = replay;
    replay->slice = (struct count){0};
    sort_rows(replay);
    if (replay->batch.first == NULL) {
        go_on(replay);
        return;
    }
    add_audit(replay);
    store_apply(replay->hub->control_store, &replay->batch);
}

/* Only a draining rule asks when a session began, which the body tells. */
static bool needs_bodies(const struct replay *replay)
{
    struct registry_view *view = replay->hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_party *emsp = registry_find_party(snapshot, &replay->emsp, OCPI_ROLE_EMSP);
    bool drains = false;
    for (size_t i = 0; i < snapshot->rule_count && emsp != NULL && !drains; i++)
        drains = snapshot->rules[i].emsp == emsp->row.id && snapshot->rules[i].state == STORE_RULE_DRAIN;
    registry_release(view, snapshot);
    return drains;
}

static void read_slice(struct replay *replay)
{
    while (replay->module < MODULES && !is_wanted(replay, replay->module))
        replay->module++;
    if (replay->module == MODULES || replay->request->closed) {
        replay_answer(replay);
        return;
    }
    arena_reset(&replay->arena);
    replay->read = (struct store_stored_read){
        .base = {.arena = &replay->arena, .callback = on_rows, .context = replay},
        .kind = modules[replay->module].kind,
        .emsp = emsp_str(replay),
        .owner = replay->cpo,
        .since = replay->since,
        .until = replay->until,
        .bodies = needs_bodies(replay),
        .limit = SLICE_ROWS >> replay->tries,
        .after = replay->after,
    };
    store_read_stored(replay->hub->control_store, &replay->read);
}

/* ---------------------------------------------------------------- the request */

/* Where the end is; it is found without that too. */
static void replay_on_totals(struct store_read *base)
{
    read_slice(replay_of(base->context));
}

static void replay_on_drain(struct ctl_request *request)
{
    struct replay *replay = replay_of(request->state);
    replay->blocked = false;
    read_slice(replay);
}

/* While a slice is read or written its callback sees that the client has gone. */
static void replay_on_closed(struct ctl_request *request)
{
    struct replay *replay = replay_of(request->state);
    if (replay->blocked)
        replay_answer(replay);
}

/* False: refused. */
static bool find_parties(struct replay *replay, struct refusal *refusal)
{
    struct ctl_request *request = replay->request;
    struct str cpo = json_get_text(request->params, "cpo");
    struct registry_view *view = replay->hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct ocpi_party_key key = {""};
    const struct registry_party *emsp =
        lookup_party(snapshot, json_get_text(request->params, "emsp"), OCPI_ROLE_EMSP, refusal);
    if (emsp != NULL)
        replay->emsp = emsp->key;
    registry_release(view, snapshot);
    /* a CPO that is gone may have left objects */
    if (emsp == NULL || (cpo.length > 0 && !lookup_key(cpo, &key, refusal)))
        return false;
    replay->cpo = arena_copy(&request->arena, ocpi_party_key_str(&key));
    return true;
}

static bool find_period(struct replay *replay, struct refusal *refusal)
{
    const struct json_value *params = replay->request->params;
    /* not open: what comes while this runs would be found by it */
    replay->until = env_wall_ms();
    timestamp_parse(json_get_text(params, "since"), &replay->since);
    timestamp_parse(json_get_text(params, "until"), &replay->until);
    return replay->since < replay->until ||
           refusal_set(refusal, CTL_INVALID, "--since is where the period begins, --until where it ends",
                       "the period is empty: it ends before it begins");
}

void admin_delivery_replay(struct ctl_request *request)
{
    struct replay *replay = arena_alloc(&request->arena, sizeof *replay);
    struct refusal refusal = {0};
    if (replay == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    replay->magic = REPLAY_MAGIC;
    replay->began_us = env_monotonic_us();
    replay->request = request;
    replay->hub = admin_hub(request);
    replay->only = json_get_text(request->params, "module");
    replay->dry_run = json_get_boolean(request->params, "dry_run", false);
    if (!find_parties(replay, &refusal) || !find_period(replay, &refusal)) {
        refusal_reply(request, &refusal);
        return;
    }
    arena_init(&replay->arena, 65536);
    request->state = replay;
    request->on_drain = replay_on_drain;
    request->on_closed = replay_on_closed;
    replay->totals.base =
        (struct store_read){.arena = &replay->arena, .callback = replay_on_totals, .context = replay};
    store_read_totals(replay->hub->control_store, &replay->totals);
}
