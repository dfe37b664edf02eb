#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/messages/commands.h"
#include "lib/http/url.h"

/* command list and show: remote commands. The secret part of the callback URL is never shown; the number is another. */

static void command_write_row(struct json_writer *writer, const struct hub *hub,
                              const struct store_command *row)
{
    json_field_int(writer, "id", row->id);
    render_text(writer, "command", row->command);
    render_key(writer, "emsp", hub, row->emsp);
    render_key(writer, "cpo", hub, row->cpo);
    json_field_text(writer, "state", commands_state_name(row->state));
    render_text(writer, "result", row->result);
    render_time(writer, "created", row->created);
    render_time(writer, "expires", row->expires);
}

static void on_list(struct store_read *base)
{
    struct store_command_list *read = CONTAINER_OF(base, struct store_command_list, base);
    struct reply_list list;
    if (!reply_list_begin_read(&list, ctl_request_of(base->context), base))
        return;
    for (size_t i = 0; i < read->count; i++) {
        json_object_begin(&list.writer);
        command_write_row(&list.writer, admin_hub(ctl_request_of(base->context)), &read->rows[i]);
        json_object_end(&list.writer);
    }
    reply_list_end_page(&list, read->count, read->limit,
                        read->count == 0 ? 0 : read->rows[read->count - 1].id);
}

void admin_command_list(struct ctl_request *request)
{
    struct store_command_list *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    read->base.arena = &request->arena;
    read->base.callback = on_list;
    read->base.context = request;
    read->before = lookup_page_after(request);
    read->limit = lookup_page_limit(request);
    store_read_commands(admin_hub(request)->control_store, read);
}

static void on_show(struct store_read *base)
{
    struct store_command_read *read = CONTAINER_OF(base, struct store_command_read, base);
    struct ctl_request *request = ctl_request_of(base->context);
    struct reply_object object;
    struct str missing = arena_printf(&request->arena, "command %lld: no such command", (long long)read->id);
    if (!reply_object_begin(&object, base, missing, STR("hubctl command list")))
        return;
    command_write_row(&object.writer, admin_hub(ctl_request_of(base->context)), &read->row);
    render_text(&object.writer, "object", read->row.name);
    render_text(&object.writer, "response_url", url_text_without_query(read->row.response_url));
    render_text(&object.writer, "correlation_id", read->row.correlation_id);
    render_text(&object.writer, "result_body", read->row.result_body);
    reply_object_end(&object);
}

void admin_command_show(struct ctl_request *request)
{
    struct store_command_read *read = arena_alloc(&request->arena, sizeof *read);
    if (read == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    read->base.arena = &request->arena;
    read->base.callback = on_show;
    read->base.context = request;
    if (!json_get_int64(request->params, "id", &read->id) || read->id == 0) {
        ctl_fail(request, CTL_NOT_FOUND, "command 0: no such command", "hubctl command list");
        return;
    }
    store_read_command(admin_hub(request)->control_store, read);
}
