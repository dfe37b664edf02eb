/* Sessions (OCPI 2.2.1, Sessions module): the CPO pushes, the hub stores and delivers to the eMSP of
 * cdr_token, which with emsp_backfill may also pull them. */
#include "hubd/list.h"
#include "hubd/modules/modules.h"
#include "hubd/push.h"
#include "hubd/relay.h"
#include "lib/ocpi/patch.h"

/* A session that has passed validation goes into the batch with its delivery. */
static void sessions_store(struct push *push, const struct json_value *session, struct str body,
                           unsigned conditions, int64_t revision)
{
    struct ocpi_party_key emsp;
    int64_t started = INT64_MAX;
    if (!push_find_emsp(push, session, &emsp))
        return;
    push_time(session, "start_date_time", &started);
    push_time(session, "last_updated", &push->last_updated);
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, STORE_PUT_OBJECT);
    if (op != NULL) {
        struct store_object_put *put = &op->u.object;
        put->kind = STORE_SESSION;
        put->owner = push->owner;
        put->id = push->id;
        put->body = body;
        put->last_updated = push->last_updated;
        push_digest(body, put->digest);
        put->counterparty = arena_copy(push->request->arena, ocpi_party_key_str(&emsp));
        put->token_uid = request_fold(push->request, json_get_text(json_get(session, "cdr_token"), "uid"));
        put->token_type = request_fold(push->request, json_get_text(json_get(session, "cdr_token"), "type"));
        put->status = json_get_text(session, "status");
        put->conditions = conditions;
        put->revision = revision;
    }
    push_add_delivery(push, STORE_SESSION, "sessions", "PUT", &emsp, started);
    push_apply(push);
}

void sessions_put(struct request *request)
{
    struct push *push = push_new_owned(request, &ocpi_session, false);
    if (push != NULL)
        sessions_store(push, request->body, request->exchange->body, STORE_IF_NOT_OLDER, 0);
}

static void sessions_merge(struct push_read *read)
{
    struct push *push = read->push;
    struct request *request = push->request;
    const struct json_value *stored = push_parse_stored(read), *merged;
    if (stored == NULL)
        return;
    static const struct ocpi_patch_options append = {.append_list = "charging_periods"};
    struct str body = ocpi_patch_apply(request->arena, stored, request->body, &append);
    if (body.data == NULL || json_parse(request->arena, body, JSON_DEPTH_MAX, &merged, NULL) != OK) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    sessions_store(push, merged, body, STORE_IF_PRESENT | STORE_IF_REVISION | STORE_IF_NOT_OLDER,
                   read->read.revision);
}

static void sessions_patch_again(struct push *push)
{
    push_read_stored(push, STORE_SESSION, STR_NONE, false, sessions_merge);
}

void sessions_patch(struct request *request)
{
    struct push *push = push_new_owned(request, &ocpi_session, true);
    if (push == NULL)
        return;
    push->again = sessions_patch_again;
    sessions_patch_again(push);
}

void sessions_list(struct request *request)
{
    list_serve(request, STORE_SESSION, "/ocpi/2.2.1/sessions");
}

void sessions_get(struct request *request)
{
    list_serve_object(request, STORE_SESSION, request->params[0], request->params[1], request->params[2],
                      STR_NONE, NULL);
}

/* ---------------------------------------------------------------- charging preferences */

static void preferences_found(struct route_search *search, struct registry_party *cpo)
{
    struct relay *relay = relay_new(search->request, cpo);
    if (relay == NULL)
        return;
    relay->sender = true;
    relay->object = request_fold(search->request, search->id);
    relay_start(relay);
}

/* ChargingPreferences of an eMSP go to the CPO whose session it is (OCPI 2.2.1, Sessions: PUT Method). */
void sessions_charging_preferences(struct request *request)
{
    request->object = request->params[0];
    struct route_search *search =
        route_search_new(request, OCPI_ROLE_CPO, ROUTE_BY_SESSION, request->params[0], preferences_found);
    if (search != NULL)
        route_search_start(search);
}
