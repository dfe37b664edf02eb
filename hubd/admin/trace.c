#include <stdlib.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/outbox/outbox.h"
#include "hubd/outbox/tries.h"
#include "lib/base/env.h"
#include "lib/base/timestamp.h"

/*
 * trace: one exchange as a time line. It has the audit's rows, and what their details mention: the call by which a
 * request was passed on, the tries of a delivery that have no row of their own, and what is still pending or held.
 */
#define TRACE_MAGIC    0x54524143u
#define ROWS_MAX       1000
#define DELIVERIES_MAX 100

/* The order within one millisecond: a cause comes before its effect. The audit's own order does not show that, since
 * rows of real-time messages are stored later. */
enum rank { RANK_REQUEST, RANK_FORWARD, RANK_PUSH, RANK_HUB };

/* One line. The audit has the time of the end, a line has that of the beginning. */
struct entry {
    int64_t time;
    enum rank rank;
    size_t order; /* of those with the same time and rank */
    struct str from, to, method, module, action, object, status;
    int64_t latency_ms; /* -1: does not apply */
    struct str note, request_id, correlation_id, detail;
};

struct trace {
    uint32_t magic;
    struct ctl_request *request;
    struct arena *arena; /* the request's */
    struct str hub;      /* our party */
    struct store_trace_read read;
    struct store_delivery_read delivery;
    int64_t deliveries[DELIVERIES_MAX];
    bool ended[DELIVERIES_MAX]; /* its end has a row */
    size_t delivery_count, next_delivery;
    struct entry *entries;
    size_t count, room;
    bool failed; /* no memory for a line */
};

/* A new line like `like` (NULL: empty); NULL when there is no memory. */
static struct entry *add_entry(struct trace *trace, const struct entry *like)
{
    if (trace->count == trace->room) {
        size_t room = trace->room == 0 ? 64 : trace->room * 2;
        struct entry *grown = arena_alloc(trace->arena, room * sizeof *grown);
        if (grown == NULL) {
            trace->failed = true;
            return NULL;
        }
        if (trace->count > 0)
            memcpy(grown, trace->entries, trace->count * sizeof *grown);
        trace->entries = grown;
        trace->room = room;
    }
    struct entry *entry = &trace->entries[trace->count];
    struct entry copy = like != NULL ? *like : (struct entry){.rank = RANK_HUB, .latency_ms = -1};
    *entry = copy;
    entry->order = trace->count++;
    return entry;
}

/* ---------------------------------------------------------------- the audit's rows */

/* From whom and to whom: the hub for what it sent or was sent, people for what they did. */
static void fill_parties(const struct trace *trace, const struct store_audit *row, struct entry *entry)
{
    bool admin = row->kind == STORE_AUDIT_ADMIN, own = str_equal(row->actor, STR("hub"));
    entry->rank = own ? RANK_HUB : row->kind == STORE_AUDIT_REALTIME ? RANK_REQUEST : RANK_PUSH;
    entry->from = admin ? row->actor : own ? trace->hub : row->sender;
    entry->to = admin ? STR_NONE : own ? row->receiver : trace->hub;
}

/* The call from the hub to the party that a request was passed on to. Its times are kept within those of the request,
 * although milliseconds are rounded. */
static void add_forward(struct trace *trace, size_t of, const struct json_value *forward,
                        const struct store_audit *row)
{
    struct entry *entry = forward == NULL ? NULL : add_entry(trace, &trace->entries[of]);
    int64_t after = 0, number;
    if (entry == NULL)
        return;
    json_get_int64(forward, "after_ms", &after);
    json_get_int64(forward, "latency_ms", &entry->latency_ms);
    int64_t latest = row->time - entry->latency_ms;
    if (entry->time + after < latest)
        latest = entry->time + after;
    entry->time = latest > entry->time ? latest : entry->time;
    entry->rank = RANK_FORWARD;
    entry->from = trace->hub;
    entry->to = row->receiver;
    entry->request_id = json_get_text(forward, "request_id");
    entry->note = json_get_text(forward, "error");
    entry->detail = STR_NONE;
    entry->status = entry->note.length > 0 ? STR("failed") : STR_NONE;
    if (json_get_int64(forward, "http", &number))
        entry->note = entry->status = arena_printf(trace->arena, "HTTP %lld", (long long)number);
    if (json_get_int64(forward, "status_code", &number))
        entry->status = arena_printf(trace->arena, "%lld", (long long)number);
}

static void note_delivery(struct trace *trace, int64_t id, struct str action)
{
    size_t i = 0;
    while (i < trace->delivery_count && trace->deliveries[i] != id)
        i++;
    if (i == DELIVERIES_MAX)
        return;
    if (i == trace->delivery_count)
        trace->deliveries[trace->delivery_count++] = id;
    trace->ended[i] = trace->ended[i] || str_equal(action, STR("delivery.done"));
}

static void note_detail(struct trace *trace, size_t of, const struct store_audit *row)
{
    const struct json_value *detail;
    int64_t number;
    if (row->detail.length == 0 || json_parse(trace->arena, row->detail, JSON_DEPTH_MAX, &detail, NULL) != OK)
        return;
    struct str own = json_get_text(detail, "correlation_id");
    trace->entries[of].note = render_audit_note(trace->arena, detail);
    if (json_get_int64(detail, "command", &number))
        trace->entries[of].note =
            arena_printf(trace->arena, "command %lld%s" STR_FMT "%s" STR_FMT, (long long)number,
                         own.length > 0 ? ", its own correlation id: " : "", STR_ARG(own),
                         trace->entries[of].note.length > 0 ? ": " : "", STR_ARG(trace->entries[of].note));
    if (json_get_int64(detail, "delivery", &number))
        note_delivery(trace, number, row->action);
    const struct json_value *deliveries = json_get(detail, "deliveries");
    for (const struct json_value *one = deliveries != NULL ? deliveries->child : NULL; one != NULL;
         one = one->next)
        if (str_to_int64(one->raw, &number))
            note_delivery(trace, number, row->action);
    add_forward(trace, of, json_get(detail, "forward"), row);
}

static void add_row(struct trace *trace, const struct store_audit *row)
{
    struct entry *entry = add_entry(trace, NULL);
    if (entry == NULL)
        return;
    entry->time = row->time - (row->latency_ms > 0 ? row->latency_ms : 0);
    fill_parties(trace, row, entry);
    entry->method = row->method;
    entry->module = row->module;
    entry->action = row->action;
    entry->object = row->object;
    entry->status = row->status;
    entry->latency_ms = row->latency_ms;
    entry->request_id = row->request_id;
    entry->correlation_id = row->correlation_id;
    entry->detail = row->detail;
    note_detail(trace, entry->order, row);
}

/* ---------------------------------------------------------------- deliveries */

static void fill_delivery(const struct trace *trace, struct entry *entry)
{
    const struct store_delivery *row = &trace->delivery.row;
    entry->from = trace->hub;
    entry->to = row->receiver;
    entry->method = row->method;
    entry->module = row->module;
    entry->object = row->name;
    entry->correlation_id = row->correlation_id;
}

static void add_try(struct trace *trace, const struct outbox_try *try)
{
    struct entry *entry = add_entry(trace, NULL);
    if (entry == NULL)
        return;
    fill_delivery(trace, entry);
    entry->time = try->time - try->latency_ms;
    entry->action = STR("delivery.try");
    entry->latency_ms = try->latency_ms;
    entry->note = try->text;
    entry->status = try->status_code > 0 ? arena_printf(trace->arena, "%d", try->status_code)
                    : try->http > 0      ? arena_printf(trace->arena, "HTTP %d", try->http)
                                         : STR("failed");
}

/* When the end of the delivery has a row, that is its last try. */
static void add_tries(struct trace *trace, bool end_has_row)
{
    struct str rest = trace->delivery.row.tries;
    struct outbox_try try, next;
    bool more = outbox_tries_next(&rest, &try);
    while (more) {
        more = outbox_tries_next(&rest, &next);
        if (more || !end_has_row)
            add_try(trace, &try);
        try = next;
    }
}

/* A delivery that is pending or held now. */
static void add_waiting(struct trace *trace)
{
    const struct store_delivery *row = &trace->delivery.row;
    char due[TIMESTAMP_SIZE];
    bool pending = row->state == STORE_DELIVERY_PENDING;
    if (!pending && row->state != STORE_DELIVERY_HELD)
        return;
    int64_t next = outbox_next_try(admin_hub(trace->request), row);
    struct entry *entry = add_entry(trace, NULL);
    if (entry == NULL)
        return;
    fill_delivery(trace, entry);
    entry->time = env_wall_ms();
    entry->action = pending ? STR("delivery.pending") : STR("delivery.held");
    entry->status = pending ? STR("pending") : STR("held");
    if (!pending)
        entry->note = row->reason;
    else
        entry->note =
            arena_printf(trace->arena, "delivery %lld, tries: %u%s%s", (long long)row->id, row->attempts,
                         next > 0 ? ", next at " : "", next > 0 ? timestamp_format(next, due) : "");
}

/* ---------------------------------------------------------------- the answer */

static int by_time(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static void write_entry(struct json_writer *writer, const struct hub *hub, const struct entry *entry,
                        int64_t began)
{
    json_object_begin(writer);
    json_field_timestamp(writer, "time", entry->time);
    json_field_int(writer, "offset_ms", entry->time - began);
    render_key(writer, "from", hub, entry->from);
    render_key(writer, "to", hub, entry->to);
    render_text(writer, "method", entry->method);
    render_text(writer, "module", entry->module);
    render_text(writer, "action", entry->action);
    render_text(writer, "object", entry->object);
    render_text(writer, "status", entry->status);
    json_key(writer, "latency_ms");
    if (entry->latency_ms < 0)
        json_null(writer);
    else
        json_int(writer, entry->latency_ms);
    render_text(writer, "note", entry->note);
    render_text(writer, "request_id", entry->request_id);
    render_text(writer, "correlation_id", entry->correlation_id);
    json_key(writer, "detail");
    if (entry->detail.length == 0)
        json_null(writer);
    else
        json_raw(writer, entry->detail);
    json_object_end(writer);
}

static void trace_answer(struct trace *trace)
{
    struct reply_list list;
    const struct hub *hub = admin_hub(trace->request);
    if (trace->failed) {
        ctl_fail(trace->request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    qsort(trace->entries, trace->count, sizeof *trace->entries, by_time);
    int64_t began = trace->entries[0].time;
    reply_list_begin(&list, trace->request);
    if (trace->read.more)
        write_entry(&list.writer, hub,
                    &(struct entry){.time = began,
                                    .action = STR("trace.cut"),
                                    .latency_ms = -1,
                                    .note = STR("there are more rows: these are the newest")},
                    began);
    for (size_t i = 0; i < trace->count; i++)
        write_entry(&list.writer, hub, &trace->entries[i], began);
    trace->magic = 0;
    reply_list_end(&list, STR_NONE);
}

/* ---------------------------------------------------------------- reading */

static void read_next_delivery(struct trace *trace);

static void on_delivery(struct store_read *base)
{
    struct trace *trace = MAGIC_CAST(struct trace, base->context, TRACE_MAGIC);
    if (base->result != OK && base->result != ERR_NOT_FOUND) { /* retention may have taken it */
        refusal_reply_error(trace->request, base->result, base->error.text);
        return;
    }
    if (base->result == OK) {
        add_tries(trace, trace->ended[trace->next_delivery]);
        add_waiting(trace);
    }
    trace->next_delivery++;
    read_next_delivery(trace);
}

static void read_next_delivery(struct trace *trace)
{
    if (trace->next_delivery == trace->delivery_count) {
        trace_answer(trace);
        return;
    }
    memset(&trace->delivery, 0, sizeof trace->delivery);
    trace->delivery.base =
        (struct store_read){.arena = trace->arena, .callback = on_delivery, .context = trace};
    trace->delivery.id = trace->deliveries[trace->next_delivery];
    store_read_delivery(admin_hub(trace->request)->control_store, &trace->delivery);
}

static void on_rows(struct store_read *base)
{
    struct trace *trace = MAGIC_CAST(struct trace, base->context, TRACE_MAGIC);
    struct ctl_request *request = trace->request;
    if (base->result != OK) {
        refusal_reply_error(request, base->result, base->error.text);
        return;
    }
    for (size_t i = 0; i < trace->read.count; i++)
        add_row(trace, &trace->read.rows[i].row);
    if (trace->count > 0) {
        read_next_delivery(trace);
        return;
    }
    struct refusal refusal = {0};
    refusal_set(&refusal, CTL_NOT_FOUND,
                "hubctl audit tail; how far it goes back: hubctl conf show audit_retention_realtime",
                "trace " STR_FMT ": no message has this correlation id, session, CDR or command; nor was one "
                "refused with this request id",
                STR_ARG(trace->read.id));
    refusal_reply(request, &refusal);
}

void admin_trace(struct ctl_request *request)
{
    struct trace *trace = arena_alloc(&request->arena, sizeof *trace);
    if (trace == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    trace->magic = TRACE_MAGIC;
    trace->request = request;
    trace->arena = &request->arena;
    trace->hub = ocpi_party_key_str(&admin_hub(request)->key);
    trace->read.base = (struct store_read){.arena = trace->arena, .callback = on_rows, .context = trace};
    trace->read.id = json_get_text(request->params, "id");
    trace->read.limit = ROWS_MAX;
    store_read_trace(admin_hub(request)->control_store, &trace->read);
}
