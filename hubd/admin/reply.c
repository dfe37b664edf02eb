#include "hubd/admin/reply.h"

#include "hubd/admin/refusal.h"

void reply_list_begin(struct reply_list *list, struct ctl_request *request)
{
    memset(list, 0, sizeof *list);
    list->request = request;
    json_writer_init(&list->writer, &list->buffer);
    json_object_begin(&list->writer);
    json_key(&list->writer, "rows");
    json_array_begin(&list->writer);
}

bool reply_list_begin_read(struct reply_list *list, struct ctl_request *request,
                           const struct store_read *read)
{
    if (read->result != OK) {
        refusal_reply_error(request, read->result, read->error.text);
        return false;
    }
    reply_list_begin(list, request);
    return true;
}

void reply_list_end(struct reply_list *list, struct str next)
{
    json_array_end(&list->writer);
    if (next.length > 0)
        json_field_string(&list->writer, "next", next);
    if (list->message.length > 0)
        json_field_string(&list->writer, "message", list->message);
    json_object_end(&list->writer);
    struct buffer reply =
        list->buffer; /* the list may live in the request's arena, which ends with the answer */
    ctl_reply(list->request, &reply);
    buffer_free(&reply);
}

void reply_list_end_page(struct reply_list *list, size_t count, unsigned limit, int64_t last)
{
    bool full = count > 0 && count == limit;
    reply_list_end(list, full ? arena_printf(&list->request->arena, "%lld", (long long)last) : STR_NONE);
}

bool reply_object_begin(struct reply_object *object, const struct store_read *read, struct str missing,
                        struct str hint)
{
    struct ctl_request *request = ctl_request_of(read->context);
    *object = (struct reply_object){.request = request};
    if (read->result == ERR_NOT_FOUND) {
        ctl_fail(request, CTL_NOT_FOUND, missing.data, hint.data);
        return false;
    }
    if (read->result != OK) {
        refusal_reply_error(request, read->result, read->error.text);
        return false;
    }
    json_writer_init(&object->writer, &object->buffer);
    json_object_begin(&object->writer);
    return true;
}

void reply_object_end(struct reply_object *object)
{
    json_object_end(&object->writer);
    ctl_reply(object->request, &object->buffer);
    buffer_free(&object->buffer);
}
