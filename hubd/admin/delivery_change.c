#include <stdio.h>

#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/outbox/outbox.h"
#include "hubd/request/late.h"
#include "lib/base/env.h"

/*
 * delivery retry and drop. They touch no snapshot, so they do not queue with the changes of the registry:
 * rows are read in slices, each slice is one batch with its audit row; when a row moved on in between (the
 * worker is at it too) the slice is read again. A client that hangs up ends it after the slice at hand.
 */
#define EDIT_MAGIC 0x44454454u
#define SLICE_ROWS 200

struct edit {
    uint32_t magic;
    struct ctl_request *request;
    struct hub *hub;
    struct arena arena; /* of one slice */
    bool drop;
    int64_t id;          /* one delivery; 0: all that match */
    struct str receiver; /* empty: any */
    struct store_delivery_read one;
    struct store_delivery_list list;
    struct store_queues_read queues;
    int64_t expected;     /* rows of all slices, as it was at the beginning; 0: not known */
    bool blocked;         /* the client reads slower than we tell */
    unsigned state_index; /* in bulk_states */
    struct store_apply batch;
    struct store_delivery *rows; /* of the slice */
    size_t row_count, touched;
    int64_t after, total;
    int64_t began_us; /* the slice, monotonic */
};

/* What `--party` and `--all` try again; dead ones last, since they are pending then and would be taken twice.
 * Held ones wait for a reason that a retry does not remove. */
static const enum store_delivery_state bulk_states[] = {STORE_DELIVERY_PENDING, STORE_DELIVERY_DEAD};
#define BULK_STATE_COUNT (sizeof(bulk_states) / sizeof(bulk_states[0]))

static void read_rows(struct edit *edit);
static void on_rows(struct store_read *base);

static struct edit *edit_of(void *context)
{
    return MAGIC_CAST(struct edit, context, EDIT_MAGIC);
}

/* ---------------------------------------------------------------- the answer */

static struct ctl_request *edit_release(struct edit *edit)
{
    arena_free(&edit->arena);
    edit->magic = 0;
    return edit->request;
}

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

static void fail_edit(struct edit *edit, int error_code, const struct error *error)
{
    char count[80];
    struct str text =
        arena_printf(&edit->request->arena, "%s%s%s",
                     edit->total > 0 ? error->text : rows_error_text(error_code, error->text),
                     edit->total > 0 ? "; until then " : "", edit->total > 0 ? count_text(edit, count) : "");
    rows_fail_error(edit_release(edit), error_code, text.data);
}

static void edit_answer(struct edit *edit)
{
    struct ctl_request *request = edit->request;
    struct buffer reply = {0}, id = {0};
    struct json_writer writer;
    char count[80];
    if (!edit->drop && edit->receiver.length > 0) /* also when only its pause is what keeps them */
        outbox_resume(edit->hub, edit->receiver);
    if (edit->id != 0)
        buffer_append_int(&id, edit->id);
    else
        buffer_append(&id, edit->receiver.length > 0 ? edit->receiver : STR("all"));
    struct str message = edit->id != 0 ? arena_printf(&request->arena, "delivery %lld %s",
                                                      (long long)edit->id, what_is_done(edit))
                                       : arena_copy(&request->arena, str_from(count_text(edit, count)));
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
    edit_release(edit);
    ctl_reply(request, &reply);
    buffer_free(&reply);
    buffer_free(&id);
}

static void fail_row(struct edit *edit, enum ctl_code code, const char *what)
{
    struct str message = arena_printf(&edit->request->arena, "delivery %lld: %s", (long long)edit->id, what);
    ctl_fail(edit_release(edit), code, message.data, "hubctl delivery list --state all");
}

/* ---------------------------------------------------------------- one slice */

static void slice_done(struct edit *edit)
{
    struct str last = STR_NONE;
    for (size_t i = 0; i < edit->row_count && !edit->drop; i++) {
        if (!str_equal(last, edit->rows[i].receiver))
            outbox_resume(edit->hub, edit->rows[i].receiver);
        last = edit->rows[i].receiver;
    }
    edit->total += (int64_t)edit->touched;
    edit->began_us = env_monotonic_us();
    if (edit->id != 0) {
        edit_answer(edit);
        return;
    }
    edit->after = edit->rows[edit->row_count - 1].id;
    char count[80];
    edit->blocked =
        !ctl_progress(edit->request, str_from(count_text(edit, count)), edit->total, edit->expected);
    if (!edit->blocked)
        read_rows(edit);
}

static void on_applied(struct store_apply *apply)
{
    struct edit *edit = edit_of(apply->context);
    if (apply->result == OK) {
        for (const struct store_op *op = apply->first; op != NULL; op = op->next)
            if (op->type == STORE_FINISH_DELIVERY && edit->id == 0 && !op->u.finish.unless_ended)
                edit->touched--;
        slice_done(edit);
    } else if ((apply->result == ERR_CONFLICT || apply->result == ERR_NOT_FOUND) &&
               !late_since(edit->began_us))
        read_rows(edit);
    else
        fail_edit(edit, apply->result, &apply->error);
}

static void add_finish(struct edit *edit, const struct store_delivery *row)
{
    struct store_op *op = store_batch_add(&edit->batch, STORE_FINISH_DELIVERY);
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
    op->u.finish.unless_ended = edit->id == 0; /* of many some are delivered while this goes on: no error */
}

static void add_audit(struct edit *edit)
{
    struct store_op *op = store_batch_add(&edit->batch, STORE_APPEND_AUDIT);
    const struct store_delivery *row = &edit->rows[0];
    if (op == NULL)
        return;
    change_audit_fill(edit->request, &op->u.audit, edit->drop ? "delivery.drop" : "delivery.retry");
    op->u.audit.party = edit->id != 0 ? row->receiver : edit->receiver;
    if (edit->id != 0) {
        op->u.audit.module = row->module;
        op->u.audit.sender = row->sender;
        op->u.audit.receiver = row->receiver;
        op->u.audit.object = row->name;
        op->u.audit.correlation_id = row->correlation_id;
    }
    op->u.audit.detail =
        edit->id != 0 ? arena_printf(&edit->arena, "{\"delivery\":%lld,\"before\":\"%s\",\"after\":\"%s\"}",
                                     (long long)edit->id, rows_delivery_state(row->state),
                                     edit->drop ? "dropped" : rows_delivery_state(STORE_DELIVERY_PENDING))
                      : arena_printf(&edit->arena, "{\"count\":%zu}", edit->touched);
}

/* False when no row of the slice is meant (`--party` also lists what the party sent). */
static bool apply_slice(struct edit *edit)
{
    edit->touched = 0;
    store_batch_init(&edit->batch, &edit->arena);
    edit->batch.callback = on_applied;
    edit->batch.context = edit;
    for (size_t i = 0; i < edit->row_count; i++) {
        if (edit->receiver.length > 0 && !str_equal(edit->receiver, edit->rows[i].receiver))
            continue;
        add_finish(edit, &edit->rows[i]);
        edit->touched++;
    }
    if (edit->touched == 0)
        return false;
    add_audit(edit);
    store_apply(edit->hub->control_store, &edit->batch);
    return true;
}

/* ---------------------------------------------------------------- reading */

static void on_one(struct store_read *base)
{
    struct edit *edit = edit_of(base->context);
    enum store_delivery_state state = edit->one.row.state;
    edit->rows = &edit->one.row;
    edit->row_count = 1;
    if (base->result == ERR_NOT_FOUND)
        fail_row(edit, CTL_NOT_FOUND, "no such delivery");
    else if (base->result != OK)
        fail_edit(edit, base->result, &base->error);
    else if (state == STORE_DELIVERY_DELIVERED)
        fail_row(edit, CTL_CONFLICT, "it has been delivered");
    else if (state == STORE_DELIVERY_SUPERSEDED)
        fail_row(edit, CTL_CONFLICT,
                 str_starts_with(edit->one.row.reason, STR("dropped")) ? "it was dropped"
                                                                       : "a newer state took its place");
    else
        apply_slice(edit);
}

static void on_rows(struct store_read *base)
{
    struct edit *edit = edit_of(base->context);
    if (base->result != OK) {
        fail_edit(edit, base->result, &base->error);
        return;
    }
    edit->rows = edit->list.rows;
    edit->row_count = edit->list.count;
    if (edit->row_count > 0) {
        if (!apply_slice(edit))
            slice_done(edit);
        return;
    }
    edit->after = 0;
    if (++edit->state_index < BULK_STATE_COUNT)
        read_rows(edit);
    else
        edit_answer(edit);
}

static void read_rows(struct edit *edit)
{
    struct store_client *store = edit->hub->control_store;
    if (edit->request->closed) {
        edit_answer(edit);
        return;
    }
    arena_reset(&edit->arena);
    if (edit->id != 0) {
        memset(&edit->one, 0, sizeof edit->one);
        edit->one.base = (struct store_read){.arena = &edit->arena, .callback = on_one, .context = edit};
        edit->one.id = edit->id;
        store_read_delivery(store, &edit->one);
        return;
    }
    memset(&edit->list, 0, sizeof edit->list);
    edit->list.base = (struct store_read){.arena = &edit->arena, .callback = on_rows, .context = edit};
    edit->list.state = (int)bulk_states[edit->state_index];
    edit->list.receiver = edit->receiver;
    edit->list.after = edit->after;
    edit->list.limit = SLICE_ROWS;
    store_read_deliveries(store, &edit->list);
}

/* How many there are to do, so that people see how far it is. */
static void on_queues(struct store_read *base)
{
    struct edit *edit = edit_of(base->context);
    for (size_t i = 0; base->result == OK && i < edit->queues.count; i++) {
        const struct store_queue_row *row = &edit->queues.rows[i];
        if (edit->receiver.length == 0 || str_equal(edit->receiver, row->receiver))
            edit->expected += row->pending + row->dead;
    }
    read_rows(edit);
}

static void edit_on_drain(struct ctl_request *request)
{
    struct edit *edit = edit_of(request->state);
    edit->blocked = false;
    read_rows(edit);
}

/* While a slice is read or written its callback sees that the client has gone. */
static void edit_on_closed(struct ctl_request *request)
{
    struct edit *edit = edit_of(request->state);
    if (edit->blocked)
        edit_answer(edit);
}

static void edit_begin(struct ctl_request *request, bool drop)
{
    struct edit *edit = arena_alloc(&request->arena, sizeof *edit);
    if (edit == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!rows_take_key(request, "party", &edit->receiver))
        return;
    edit->magic = EDIT_MAGIC;
    arena_init(&edit->arena, 0);
    edit->began_us = env_monotonic_us();
    edit->request = request;
    edit->hub = admin_hub(request);
    edit->drop = drop;
    if (json_get(request->params, "id") != NULL &&
        (!json_get_int64(request->params, "id", &edit->id) || edit->id <= 0)) {
        fail_row(edit, CTL_NOT_FOUND, "no such delivery");
        return;
    }
    request->state = edit;
    request->on_drain = edit_on_drain;
    request->on_closed = edit_on_closed;
    edit->queues.base = (struct store_read){.arena = &edit->arena, .callback = on_queues, .context = edit};
    if (edit->id != 0)
        read_rows(edit);
    else
        store_read_queues(edit->hub->control_store, &edit->queues);
}

static void begin_retry(struct ctl_request *request)
{
    edit_begin(request, false);
}

void admin_delivery_retry(struct ctl_request *request)
{
    rows_with_party(request, "party", begin_retry);
}

void admin_delivery_drop(struct ctl_request *request)
{
    edit_begin(request, true);
}
