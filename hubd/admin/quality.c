#include "hubd/admin/internal.h"
#include "hubd/admin/rows.h"

/* quality: what partners' objects broke of OCPI's tables, and what was refused for it
 * (hub-ocpi(7), VALIDATION). */

static void quality_write_row(struct json_writer *writer, const struct hub *hub,
                              const struct store_finding *row)
{
    json_object_begin(writer);
    rows_key(writer, "party", hub, row->party);
    json_field_string(writer, "module", row->module);
    rows_text(writer, "object", row->object);
    rows_text(writer, "field", row->field); /* a name that OCPI does not know may be empty */
    json_field_string(writer, "rule", row->rule);
    json_field_int(writer, "count", row->count);
    rows_time(writer, "first", row->first);
    rows_time(writer, "last", row->last);
    rows_text(writer, "last_example", row->example);
    json_field_int(writer, "refused", row->refused);
    json_object_end(writer);
}

static void on_list(struct store_read *base)
{
    struct store_findings_read *read = CONTAINER_OF(base, struct store_findings_read, base);
    struct rows_list list;
    if (!rows_list_begin_read(&list, base->context, base))
        return;
    for (size_t i = 0; i < read->count; i++)
        quality_write_row(&list.writer, admin_hub(base->context), &read->rows[i]);
    rows_list_end_page(&list, read->count, read->limit, (int64_t)(read->skip + read->count));
}

static void read_rows(struct ctl_request *request)
{
    struct store_findings_read *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    if (!rows_take_key(request, "id", &read->party))
        return;
    read->base.arena = &request->arena;
    read->base.callback = on_list;
    read->base.context = request;
    read->limit = rows_limit(request);
    read->skip = (uint64_t)rows_after(request);
    store_read_findings(admin_hub(request)->control_store, read);
}

void admin_quality(struct ctl_request *request)
{
    read_rows(request);
}
