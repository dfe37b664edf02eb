#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"

/* quality: where partners' objects broke OCPI's tables, and which were refused for it (hub-ocpi(7), VALIDATION). */

static void quality_write_row(struct json_writer *writer, const struct hub *hub,
                              const struct store_finding *row)
{
    json_object_begin(writer);
    render_key(writer, "party", hub, row->party);
    json_field_string(writer, "module", row->module);
    render_text(writer, "object", row->object);
    render_text(writer, "field", row->field); /* a name that OCPI does not know may be empty */
    json_field_string(writer, "rule", row->rule);
    json_field_int(writer, "count", row->count);
    render_time(writer, "first", row->first);
    render_time(writer, "last", row->last);
    render_text(writer, "last_example", row->example);
    json_field_int(writer, "refused", row->refused);
    json_object_end(writer);
}

static void on_list(struct store_read *base)
{
    struct store_findings_read *read = CONTAINER_OF(base, struct store_findings_read, base);
    struct reply_list list;
    if (!reply_list_begin_read(&list, ctl_request_of(base->context), base))
        return;
    for (size_t i = 0; i < read->count; i++)
        quality_write_row(&list.writer, admin_hub(ctl_request_of(base->context)), &read->rows[i]);
    reply_list_end_page(&list, read->count, read->limit, (int64_t)(read->skip + read->count));
}

static void read_rows(struct ctl_request *request)
{
    struct store_findings_read *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!lookup_key_param(request, "id", &read->party))
        return;
    read->base.arena = &request->arena;
    read->base.callback = on_list;
    read->base.context = request;
    read->limit = lookup_page_limit(request);
    read->skip = (uint64_t)lookup_page_after(request);
    store_read_findings(admin_hub(request)->control_store, read);
}

void admin_quality(struct ctl_request *request)
{
    read_rows(request);
}
