#include <stdio.h>

#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/job.h"
#include "hubd/admin/known.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/outbox/outbox.h"
#include "lib/base/env.h"

/*
 * delivery retry and drop. They change no snapshot, so they do not take turns with the changes of the registry: they
 * are a job (job.h), whose slices are one batch each with its audit row. When the outbox changed a row meanwhile, the
 * slice is read again.
 */
#define SLICE_ROWS 200

struct edit {
    struct job job;
    bool drop;
    int64_t id;          /* one delivery; 0: all that match */
    struct str receiver; /* empty: any */
    struct store_delivery_read one;
    struct store_delivery_list list;
    struct store_queues_read queues;
    int64_t expected;            /* rows of all slices, as it was at the beginning; 0: not known */
    int64_t newest;              /* the last delivery of then: what arrives meanwhile is not chased */
    unsigned state_index;        /* in bulk_states */
    struct store_delivery *rows; /* of the slice */
    size_t row_count, touched;
    int64_t after, total;
};

/* What `--party` and `--all` are about. Dead ones come last: after a retry they are pending, and would be taken twice.
 * Held ones are not among them, since a retry does not remove the reason why they are held. */
static const enum store_delivery_state bulk_states[] = {STORE_DELIVERY_PENDING, STORE_DELIVERY_DEAD};
#define BULK_STATE_COUNT (sizeof(bulk_states) / sizeof(bulk_states[0]))

static struct edit *edit_of(struct job *job)
{
    return CONTAINER_OF(job, struct edit, job);
}

/* ---------------------------------------------------------------- the answer */

static const char *what_is_done(const struct edit *edit)
{
    return edit->drop ? "dropped" : "to be tried again now";
}

/* "400 deliveries to be tried again now" */
static const char *count_text(const struct edit *edit, char out[80])
{
    snprintf(out, 80, "%lld deliveries %s", (long long)edit->total, what_is_done(edit));
    return out;
}

static void edit_fail(struct job *job, int error_code, const struct error *error)
{
    const struct edit *edit = edit_of(job);
    char count[80];
    struct str text =
        arena_printf(&job->request->arena, "%s%s%s",
                     edit->total > 0 ? error->text : refusal_error_text(error_code, error->text),
                     edit->total > 0 ? "; until then " : "", edit->total > 0 ? count_text(edit, count) : "");
    refusal_reply_error(job_end(job), error_code, text.data);
}

static void edit_answer(struct job *job)
{
    const struct edit *edit = edit_of(job);
    struct arena *arena = &job->request->arena;
    struct buffer reply = {0}, id = {0};
    struct json_writer writer;
    char count[80];
    if (!edit->drop && edit->receiver.length > 0) /* even without rows: it ends the pause of the queue */
        outbox_resume(job->hub, edit->receiver);
    if (edit->id != 0)
        buffer_append_int(&id, edit->id);
    else
        buffer_append(&id, edit->receiver.length > 0 ? edit->receiver : STR("all"));
    struct str message =
        edit->id != 0 ? arena_printf(arena, "delivery %lld %s", (long long)edit->id, what_is_done(edit))
                      : arena_copy(arena, str_from(count_text(edit, count)));
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    json_field_string(&writer, "id", buffer_str(&id));
    json_field_text(&writer, "change", edit->total == 0 ? "unchanged" : edit->drop ? "dropped" : "retried");
    json_field_string(&writer, "message", message);
    json_key(&writer, "hints");
    json_array_begin(&writer);
    json_array_end(&writer);
    json_field_int(&writer, "count", edit->total);
    json_object_end(&writer);
    ctl_reply(job_end(job), &reply);
    buffer_free(&reply);
    buffer_free(&id);
}

static void fail_row(struct edit *edit, enum ctl_code code, const char *what)
{
    struct str message =
        arena_printf(&edit->job.request->arena, "delivery %lld: %s", (long long)edit->id, what);
    ctl_fail(job_end(&edit->job), code, message.data, "hubctl delivery list --state all");
}

/* ---------------------------------------------------------------- one slice */

static void slice_done(struct edit *edit)
{
    struct str last = STR_NONE;
    for (size_t i = 0; i < edit->row_count && !edit->drop; i++) {
        if (!str_equal(last, edit->rows[i].receiver))
            outbox_resume(edit->job.hub, edit->rows[i].receiver);
        last = edit->rows[i].receiver;
    }
    edit->total += (int64_t)edit->touched;
    if (edit->id != 0) {
        edit_answer(&edit->job);
        return;
    }
    edit->after = edit->rows[edit->row_count - 1].id;
    char count[80];
    job_report(&edit->job, str_from(count_text(edit, count)), edit->total, edit->expected);
    job_next(&edit->job);
}

static void slice_stored(struct job *job)
{
    struct edit *edit = edit_of(job);
    for (const struct store_op *op = job->batch.first; op != NULL; op = op->next)
        if (op->type == STORE_FINISH_DELIVERY && edit->id == 0 && !op->u.finish.unless_ended)
            edit->touched--;
    slice_done(edit);
}

static void add_finish(struct edit *edit, const struct store_delivery *row)
{
    struct store_op *op = store_batch_add(&edit->job.batch, STORE_FINISH_DELIVERY);
    if (op == NULL)
        return;
    op->u.finish.id = row->id;
    op->u.finish.state = edit->drop ? STORE_DELIVERY_SUPERSEDED : STORE_DELIVERY_PENDING;
    op->u.finish.reason = edit->drop ? STR("dropped") : STR_NONE;
    op->u.finish.attempts = edit->drop ? row->attempts : 0;
    op->u.finish.last_error = row->last_error;
    op->u.finish.done = edit->drop ? env_wall_ms() : 0;
    op->u.finish.next_attempt = edit->drop ? 0 : 1; /* now */
    op->u.finish.active_from = -1;                  /* a new start */
    op->u.finish.unless_ended = edit->id == 0; /* of many, some are delivered meanwhile, which is no error */
}

static void add_audit(struct edit *edit)
{
    struct store_op *op = store_batch_add(&edit->job.batch, STORE_APPEND_AUDIT);
    const struct store_delivery *row = &edit->rows[0];
    if (op == NULL)
        return;
    change_audit_fill(edit->job.request, &op->u.audit, edit->drop ? "delivery.drop" : "delivery.retry");
    op->u.audit.party = edit->id != 0 ? row->receiver : edit->receiver;
    if (edit->id != 0) {
        op->u.audit.module = row->module;
        op->u.audit.sender = row->sender;
        op->u.audit.receiver = row->receiver;
        op->u.audit.object = row->name;
        op->u.audit.correlation_id = row->correlation_id;
    }
    op->u.audit.detail =
        edit->id != 0
            ? arena_printf(&edit->job.arena, "{\"delivery\":%lld,\"before\":\"%s\",\"after\":\"%s\"}",
                           (long long)edit->id, render_delivery_state(row->state),
                           edit->drop ? "dropped" : render_delivery_state(STORE_DELIVERY_PENDING))
            : arena_printf(&edit->job.arena, "{\"count\":%zu}", edit->touched);
}

/* False when the slice has no row to change: the list of a party also has what it sent. */
static bool apply_slice(struct edit *edit)
{
    edit->touched = 0;
    job_batch(&edit->job);
    for (size_t i = 0; i < edit->row_count; i++) {
        if (edit->receiver.length > 0 && !str_equal(edit->receiver, edit->rows[i].receiver))
            continue;
        add_finish(edit, &edit->rows[i]);
        edit->touched++;
    }
    if (edit->touched == 0)
        return false;
    add_audit(edit);
    job_apply(&edit->job, slice_stored);
    return true;
}

/* ---------------------------------------------------------------- reading */

/* Handles a read that failed, too: a delivery that does not exist is the fault of the request. */
static void one_read(struct job *job)
{
    struct edit *edit = edit_of(job);
    const struct store_read *base = &edit->one.base;
    enum store_delivery_state state = edit->one.row.state;
    edit->rows = &edit->one.row;
    edit->row_count = 1;
    if (base->result == ERR_NOT_FOUND)
        fail_row(edit, CTL_NOT_FOUND, "no such delivery");
    else if (base->result != OK)
        edit_fail(job, base->result, &base->error);
    else if (state == STORE_DELIVERY_DELIVERED)
        fail_row(edit, CTL_CONFLICT, "it has been delivered");
    else if (state == STORE_DELIVERY_SUPERSEDED)
        fail_row(edit, CTL_CONFLICT,
                 str_starts_with(edit->one.row.reason, STR("dropped")) ? "it was dropped"
                                                                       : "a newer state took its place");
    else
        apply_slice(edit);
}

static void rows_read(struct job *job)
{
    struct edit *edit = edit_of(job);
    edit->rows = edit->list.rows;
    edit->row_count = edit->list.count;
    while (edit->row_count > 0 && edit->rows[edit->row_count - 1].id > edit->newest)
        edit->row_count--;
    if (edit->row_count > 0) {
        if (!apply_slice(edit))
            slice_done(edit);
        return;
    }
    edit->after = 0;
    if (++edit->state_index < BULK_STATE_COUNT)
        job_next(job);
    else
        edit_answer(job);
}

static void edit_slice(struct job *job)
{
    struct edit *edit = edit_of(job);
    struct store_client *store = job->hub->control_store;
    if (edit->id != 0) {
        edit->one = (struct store_delivery_read){.base = job_read_optional(job, one_read), .id = edit->id};
        store_read_delivery(store, &edit->one);
        return;
    }
    edit->list = (struct store_delivery_list){
        .base = job_read(job, rows_read),
        .state = (int)bulk_states[edit->state_index],
        .receiver = edit->receiver,
        .after = edit->after,
        .limit = SLICE_ROWS,
    };
    store_read_deliveries(store, &edit->list);
}

static const struct job_kind edit_kind = {edit_slice, edit_answer, edit_fail};

/* ---------------------------------------------------------------- the request */

/* Counts how many there are to do, for the reports of progress. */
static void queues_read(struct job *job)
{
    struct edit *edit = edit_of(job);
    const struct store_queues_read *queues = &edit->queues;
    edit->newest = queues->base.result == OK ? queues->newest : INT64_MAX;
    for (size_t i = 0; queues->base.result == OK && i < queues->count; i++) {
        const struct store_queue_row *row = &queues->rows[i];
        if (edit->receiver.length == 0 || str_equal(edit->receiver, row->receiver))
            edit->expected += row->pending + row->dead;
    }
    job_next(job);
}

static void edit_begin(struct ctl_request *request, bool drop)
{
    struct str receiver;
    if (!lookup_key_param(request, "party", &receiver))
        return;
    struct edit *edit = job_new(request, sizeof *edit, &edit_kind);
    if (edit == NULL)
        return;
    edit->receiver = receiver;
    edit->drop = drop;
    if (json_get(request->params, "id") != NULL &&
        (!json_get_int64(request->params, "id", &edit->id) || edit->id <= 0)) {
        fail_row(edit, CTL_NOT_FOUND, "no such delivery");
        return;
    }
    if (edit->id != 0) {
        job_next(&edit->job);
        return;
    }
    edit->queues.base = job_read_optional(&edit->job, queues_read);
    store_read_queues(edit->job.hub->control_store, &edit->queues);
}

static void begin_retry(struct ctl_request *request)
{
    edit_begin(request, false);
}

void admin_delivery_retry(struct ctl_request *request)
{
    known_with_party(request, "party", begin_retry);
}

void admin_delivery_drop(struct ctl_request *request)
{
    edit_begin(request, true);
}
