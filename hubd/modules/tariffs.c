/* Tariffs (OCPI 2.2.1, Tariffs module): the CPO PUTs and DELETEs, eMSPs pull, or have them pushed to them. */
#include "hubd/messages/list.h"
#include "hubd/modules/modules.h"
#include "hubd/messages/push.h"
#include "lib/ocpi/equal.h"

static void tariffs_store(struct push *push)
{
    struct request *request = push->request;
    push_time(request->body, "last_updated", &push->last_updated);
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, STORE_PUT_OBJECT);
    if (op != NULL) {
        op->u.object.kind = STORE_TARIFF;
        op->u.object.owner = push->owner;
        op->u.object.id = push->id;
        op->u.object.body = request->exchange->body;
        op->u.object.last_updated = push->last_updated;
        op->u.object.conditions = STORE_IF_NOT_OLDER;
        ocpi_digest(&ocpi_tariff, request->body, NULL, op->u.object.digest);
    }
    push_add_listeners(push, STORE_TARIFF, STR_NONE, STR_NONE);
    push_apply(push);
}

void tariffs_put(struct request *request)
{
    struct push *push = push_new_owned(request, &ocpi_tariff, false, sizeof *push);
    if (push != NULL)
        push_in_line(push, STORE_TARIFF, STR_NONE, LINE_SHARED, tariffs_store);
}

/* It was read first: who is told of the end must hear the owner's spelling of the id. */
static void tariffs_remove(struct push_read *read)
{
    struct push *push = read->push;
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, STORE_DELETE_OBJECT);
    if (op != NULL) {
        op->u.key.kind = STORE_TARIFF;
        op->u.key.owner = push->owner;
        op->u.key.id = push->id;
    }
    push_add_listeners(push, STORE_TARIFF, STR_NONE, read->read.body);
    push_apply(push);
}

static void tariffs_read(struct push *push)
{
    push_read_stored(push, STORE_TARIFF, STR_NONE, false, tariffs_remove);
}

void tariffs_delete(struct request *request)
{
    struct push *push = push_new(request, request->params[2], sizeof *push);
    if (push != NULL)
        push_in_line(push, STORE_TARIFF, STR_NONE, LINE_ALONE, tariffs_read);
}

void tariffs_list(struct request *request)
{
    list_serve(request, STORE_TARIFF, "/ocpi/2.2.1/tariffs");
}

void tariffs_get(struct request *request)
{
    list_serve_object(request, STORE_TARIFF, request->params[0], request->params[1], request->params[2],
                      STR_NONE, NULL);
}
