#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "lib/base/timestamp.h"
#include "lib/store/history.h"

/* delivery receipts and reconcile: who acknowledged each CDR and when, and what is still open in a month. */

/* ---------------------------------------------------------------- pages by time */

/* Where a page begins, as `next` and --after: "part.time.number". */
static struct str place_text(struct arena *arena, size_t part, const struct store_span *span)
{
    return arena_printf(arena, "%zu.%lld.%lld", part, (long long)span->after_time,
                        (long long)span->after_number);
}

/* The part to go on with, of `parts`; without --after (or with another command's) the first one. */
static size_t place_read(const struct ctl_request *request, size_t parts, struct store_span *span)
{
    struct str rest = json_get_text(request->params, "after"), text;
    int64_t numbers[3];
    for (size_t i = 0; i < 3; i++)
        if (!str_split(&rest, '.', &text) || !str_to_int64(text, &numbers[i]))
            return 0;
    if (numbers[0] < 0 || numbers[0] >= (int64_t)parts)
        return 0;
    span->after_time = numbers[1];
    span->after_number = numbers[2];
    return (size_t)numbers[0];
}

/* ---------------------------------------------------------------- receipts */

static void write_receipt(struct json_writer *writer, const struct hub *hub, const struct store_receipt *row)
{
    bool delivered = row->state == STORE_DELIVERY_DELIVERED;
    json_object_begin(writer);
    json_field_string(writer, "cdr", row->cdr);
    render_key(writer, "from", hub, row->sender);
    render_key(writer, "to", hub, row->receiver);
    json_field_text(writer, "state", render_delivery_state(row->state));
    render_time(writer, "received", row->received);
    render_time(writer, "delivered", delivered ? row->done : 0);
    render_key(writer, "acknowledged_by", hub, delivered ? row->receiver : STR_NONE);
    render_text(writer, "location", row->receipt);
    json_field_int(writer, "attempts", row->attempts);
    render_number(writer, "latency_ms", row->done - row->received, delivered);
    render_text(writer, "reason", row->reason);
    render_text(writer, "session", row->session);
    json_field_int(writer, "delivery", row->id);
    json_object_end(writer);
}

static void on_receipts(struct store_read *base)
{
    struct store_receipts_read *read = CONTAINER_OF(base, struct store_receipts_read, base);
    struct reply_list list;
    if (!reply_list_begin_read(&list, ctl_request_of(base->context), base))
        return;
    for (size_t i = 0; i < read->count; i++)
        write_receipt(&list.writer, admin_hub(list.request), &read->rows[i]);
    reply_list_end(&list, read->span.more ? place_text(&list.request->arena, 0, &read->span) : STR_NONE);
}

static void read_receipts(struct ctl_request *request)
{
    struct store_receipts_read *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    read->base = (struct store_read){.arena = &request->arena, .callback = on_receipts, .context = request};
    read->span.until = INT64_MAX;
    read->span.limit = lookup_page_limit(request);
    timestamp_parse(json_get_text(request->params, "since"), &read->span.after_time);
    timestamp_parse(json_get_text(request->params, "until"), &read->span.until);
    place_read(request, 1, &read->span);
    if (lookup_key_param(request, "party", &read->span.party))
        store_read_receipts(admin_hub(request)->control_store, read);
}

void admin_delivery_receipts(struct ctl_request *request)
{
    read_receipts(request);
}

/* ---------------------------------------------------------------- reconcile */

#define RECONCILE_MAGIC 0x5243434cu

struct reconcile {
    uint32_t magic;
    struct ctl_request *request;
    struct store_client *store;
    size_t part;
    int64_t from; /* when the month begins */
    struct store_span span;
    union {
        struct store_unbilled_read unbilled;
        struct store_receipts_read receipts;
        struct store_conflicts_read conflicts;
    } read;
};

struct problem {
    const char *what;
    struct str from, to, session, cdr, detail;
    int64_t since;
    int64_t delivery; /* 0: none */
};

static void write_problem(struct reply_list *list, const struct problem *problem)
{
    struct json_writer *writer = &list->writer;
    const struct hub *hub = admin_hub(list->request);
    json_object_begin(writer);
    json_field_text(writer, "problem", problem->what);
    render_key(writer, "from", hub, problem->from);
    render_key(writer, "to", hub, problem->to);
    render_text(writer, "session", problem->session);
    render_text(writer, "cdr", problem->cdr);
    render_time(writer, "since", problem->since);
    render_text(writer, "detail", problem->detail);
    render_number(writer, "delivery", problem->delivery, problem->delivery != 0);
    json_object_end(writer);
}

static struct reconcile *reconcile_of(const struct store_read *base)
{
    return MAGIC_CAST(struct reconcile, base->context, RECONCILE_MAGIC);
}

static void page_end(struct reconcile *reconcile, struct reply_list *list, const struct store_span *span);

static void on_unbilled(struct store_read *base)
{
    struct reconcile *reconcile = reconcile_of(base);
    const struct store_unbilled_read *read = &reconcile->read.unbilled;
    struct reply_list list;
    if (!reply_list_begin_read(&list, reconcile->request, base))
        return;
    for (size_t i = 0; i < read->count; i++) {
        const struct store_unbilled *row = &read->rows[i];
        write_problem(&list, &(struct problem){
                                 .what = "session without CDR",
                                 .from = row->owner,
                                 .to = row->emsp,
                                 .session = row->session,
                                 .since = row->last_updated,
                                 .detail = STR("COMPLETED, and no CDR names it"),
                             });
    }
    page_end(reconcile, &list, &read->span);
}

static void read_unbilled(struct reconcile *reconcile, const struct store_read *base)
{
    struct store_unbilled_read *read = &reconcile->read.unbilled;
    *read = (struct store_unbilled_read){.base = *base, .span = reconcile->span};
    read->base.callback = on_unbilled;
    store_read_unbilled(reconcile->store, read);
}

/* "dead: refused; HTTP 400 …" */
static struct str delivery_detail(struct arena *arena, const struct store_receipt *row)
{
    bool reason = row->reason.length > 0, error = row->last_error.length > 0;
    return arena_printf(arena, "%s%s" STR_FMT "%s" STR_FMT, render_delivery_state(row->state),
                        reason ? ": " : "", STR_ARG(row->reason), error ? "; " : "",
                        STR_ARG(row->last_error));
}

static void on_unacknowledged(struct store_read *base)
{
    struct reconcile *reconcile = reconcile_of(base);
    const struct store_receipts_read *read = &reconcile->read.receipts;
    struct reply_list list;
    if (!reply_list_begin_read(&list, reconcile->request, base))
        return;
    for (size_t i = 0; i < read->count; i++) {
        const struct store_receipt *row = &read->rows[i];
        write_problem(&list, &(struct problem){
                                 .what = "CDR not acknowledged",
                                 .from = row->sender,
                                 .to = row->receiver,
                                 .session = row->session,
                                 .cdr = row->cdr,
                                 .since = row->received,
                                 .detail = delivery_detail(&reconcile->request->arena, row),
                                 .delivery = row->id,
                             });
    }
    page_end(reconcile, &list, &read->span);
}

static void read_unacknowledged(struct reconcile *reconcile, const struct store_read *base)
{
    struct store_receipts_read *read = &reconcile->read.receipts;
    *read = (struct store_receipts_read){.base = *base, .span = reconcile->span};
    read->base.callback = on_unacknowledged;
    read->states = 1u << STORE_DELIVERY_PENDING | 1u << STORE_DELIVERY_HELD | 1u << STORE_DELIVERY_DEAD;
    store_read_receipts(reconcile->store, read);
}

static void on_refused(struct store_read *base)
{
    struct reconcile *reconcile = reconcile_of(base);
    const struct store_conflicts_read *read = &reconcile->read.conflicts;
    struct reply_list list;
    if (!reply_list_begin_read(&list, reconcile->request, base))
        return;
    for (size_t i = 0; i < read->count; i++) {
        const struct store_conflict *row = &read->rows[i];
        write_problem(&list,
                      &(struct problem){
                          .what = "CDR refused",
                          .from = row->sender,
                          .to = row->receiver,
                          .cdr = row->object,
                          .since = row->time,
                          .detail = STR("it came with other content under an id that was there already"),
                      });
    }
    page_end(reconcile, &list, &read->span);
}

static void read_refused(struct reconcile *reconcile, const struct store_read *base)
{
    struct store_conflicts_read *read = &reconcile->read.conflicts;
    *read = (struct store_conflicts_read){.base = *base, .span = reconcile->span, .action = STR("cdr.post")};
    read->base.callback = on_refused;
    store_read_conflicts(reconcile->store, read);
}

/* The parts of the report in their order; a page has rows of one part only. */
static const struct report_part {
    const char *name;
    void (*read)(struct reconcile *reconcile, const struct store_read *base);
} parts[] = {{"sessions without CDR", read_unbilled},
             {"CDRs that were not acknowledged", read_unacknowledged},
             {"CDRs that were refused", read_refused}};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* Reports before each page, which is of a bounded size, how many parts of the month are done. */
static void reconcile_report(const struct reconcile *reconcile)
{
    char text[100];
    int64_t month = reconcile->span.until - reconcile->from;
    int64_t into = reconcile->span.after_time - reconcile->from;
    snprintf(text, sizeof text, STR_FMT ": looking for %s",
             STR_ARG(json_get_text(reconcile->request->params, "month")), parts[reconcile->part].name);
    ctl_progress(reconcile->request, str_from(text), (int64_t)reconcile->part * month + into,
                 (int64_t)PARTS * month);
}

static void page_end(struct reconcile *reconcile, struct reply_list *list, const struct store_span *span)
{
    struct arena *arena = &reconcile->request->arena;
    struct str next = STR_NONE;
    struct store_span from = {.after_time = reconcile->from};
    if (span->more)
        next = place_text(arena, reconcile->part, span);
    else if (reconcile->part + 1 < PARTS)
        next = place_text(arena, reconcile->part + 1, &from);
    else
        list->message = arena_printf(
            arena,
            STR_FMT ": nothing is open: every finished session has its CDR, every CDR is acknowledged, "
                    "none was refused",
            STR_ARG(json_get_text(reconcile->request->params, "month")));
    reconcile->magic = 0;
    reply_list_end(list, next);
}

static void read_reconcile(struct ctl_request *request)
{
    struct reconcile *reconcile = arena_alloc(&request->arena, sizeof *reconcile);
    if (reconcile == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    reconcile->magic = RECONCILE_MAGIC;
    reconcile->request = request;
    reconcile->store = admin_hub(request)->control_store;
    reconcile->span.limit = lookup_page_limit(request);
    month_parse(json_get_text(request->params, "month"), &reconcile->from, &reconcile->span.until);
    reconcile->span.after_time = reconcile->from;
    reconcile->part = place_read(request, PARTS, &reconcile->span);
    if (!lookup_key_param(request, "party", &reconcile->span.party))
        return;
    struct store_read base = {.arena = &request->arena, .context = reconcile};
    reconcile_report(reconcile);
    parts[reconcile->part].read(reconcile, &base);
}

void admin_delivery_reconcile(struct ctl_request *request)
{
    read_reconcile(request);
}
