#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/outbox/outbox.h"
#include "hubd/outbox/tries.h"
#include "lib/http/url.h"

/* delivery list and show. The others: retry and drop in delivery_change.c, replay in delivery_replay.c, receipts and
 * reconcile in delivery_report.c. */

static void delivery_write_row(struct json_writer *writer, const struct hub *hub,
                               const struct store_delivery *row)
{
    json_field_int(writer, "id", row->id);
    json_field_text(writer, "state", render_delivery_state(row->state));
    render_text(writer, "reason", row->reason);
    render_text(writer, "module", row->module);
    render_text(writer, "object", row->name);
    render_key(writer, "from", hub, row->sender);
    render_key(writer, "to", hub, row->receiver);
    json_field_int(writer, "attempts", row->attempts);
    render_time(writer, "next_attempt", outbox_next_try(hub, row));
    render_text(writer, "last_error", row->last_error);
    render_time(writer, "created", row->created);
}

/* ---------------------------------------------------------------- list */

static int state_from(struct str name)
{
    int state = lookup_delivery_state(name);
    return state >= 0 ? state : name.length == 0 ? -1 : -2;
}

static void on_list(struct store_read *base)
{
    struct store_delivery_list *read = CONTAINER_OF(base, struct store_delivery_list, base);
    struct reply_list list;
    if (!reply_list_begin_read(&list, ctl_request_of(base->context), base))
        return;
    for (size_t i = 0; i < read->count; i++) {
        json_object_begin(&list.writer);
        delivery_write_row(&list.writer, admin_hub(ctl_request_of(base->context)), &read->rows[i]);
        json_object_end(&list.writer);
    }
    reply_list_end_page(&list, read->count, read->limit,
                        read->count == 0 ? 0 : read->rows[read->count - 1].id);
}

static void read_list(struct ctl_request *request)
{
    struct store_delivery_list *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!lookup_key_param(request, "party", &read->receiver))
        return;
    read->base.arena = &request->arena;
    read->base.callback = on_list;
    read->base.context = request;
    read->state = state_from(json_get_text(request->params, "state"));
    read->after = lookup_page_after(request);
    read->limit = lookup_page_limit(request);
    store_read_deliveries(admin_hub(request)->control_store, read);
}

void admin_delivery_list(struct ctl_request *request)
{
    read_list(request);
}

/* ---------------------------------------------------------------- show */

static void write_tries(struct json_writer *writer, struct str tries)
{
    struct outbox_try try;
    json_key(writer, "tries");
    json_array_begin(writer);
    while (outbox_tries_next(&tries, &try)) {
        json_object_begin(writer);
        render_time(writer, "time", try.time);
        render_number(writer, "http", try.http, try.http != 0);
        render_number(writer, "status", try.status_code, try.status_code != 0);
        render_number(writer, "latency_ms", try.latency_ms, try.latency_ms >= 0);
        render_text(writer, "error", try.text);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void on_show(struct store_read *base)
{
    struct store_delivery_read *read = CONTAINER_OF(base, struct store_delivery_read, base);
    struct ctl_request *request = ctl_request_of(base->context);
    struct reply_object object;
    struct str missing =
        arena_printf(&request->arena, "delivery %lld: no such delivery", (long long)read->id);
    if (!reply_object_begin(&object, base, missing, STR("hubctl delivery list --state all")))
        return;
    delivery_write_row(&object.writer, admin_hub(ctl_request_of(base->context)), &read->row);
    render_text(&object.writer, "method", read->row.method);
    render_text(&object.writer, "url", url_text_without_query(read->row.url));
    render_text(&object.writer, "correlation_id", read->row.correlation_id);
    render_time(&object.writer, "done", read->row.done);
    render_text(&object.writer, "evse", read->row.evse_name);
    render_text(&object.writer, "receipt", read->row.receipt);
    render_text(&object.writer, "body", read->row.body);
    write_tries(&object.writer, read->row.tries);
    reply_object_end(&object);
}

void admin_delivery_show(struct ctl_request *request)
{
    struct store_delivery_read *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    read->base.arena = &request->arena;
    read->base.callback = on_show;
    read->base.context = request;
    json_get_int64(request->params, "id", &read->id);
    store_read_delivery(admin_hub(request)->control_store, read);
}
