/* Tokens (OCPI 2.2.1, Tokens module): real-time authorization, eMSP to CPO. The hub stores no tokens. */
#include "hubd/forward.h"
#include "hubd/modules/modules.h"
#include "hubd/route.h"
#include "lib/json/writer.h"

struct authorize {
    struct request *request;
    struct route_search search;
    struct forward forward;
};

/* A driver is waiting: what cannot be asked is UNKNOWN, and says why (hub-contract 5, Tokens). */
static void authorize_unknown(struct request *request, struct str why)
{
    struct buffer data = {0};
    struct json_writer writer;
    json_writer_init(&writer, &data);
    json_object_begin(&writer);
    json_field_text(&writer, "allowed", "UNKNOWN");
    json_key(&writer, "info");
    json_object_begin(&writer);
    json_field_text(&writer, "language", "en");
    json_field_string(&writer, "text", why);
    json_object_end(&writer);
    json_object_end(&writer);
    request_answer_data(request, &data);
}

static bool authorize_is_allowed_type(struct str value)
{
    static const char *const values[] = {"ALLOWED", "BLOCKED", "NOT_ALLOWED",
                                         "UNKNOWN", "EXPIRED", "NO_CREDIT"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (str_equal(value, str_from(values[i])))
            return true;
    return false;
}

static void authorize_done(struct forward *forward, enum forward_outcome outcome, struct str why)
{
    struct request *request = forward->request;
    const struct ocpi_answer *answer = &forward->outbound.answer;
    if (outcome != FORWARD_ANSWERED)
        authorize_unknown(request, why);
    else if (answer->status_code / 1000 == 1 &&
             authorize_is_allowed_type(json_get_text(answer->data, "allowed")))
        request_answer_code(request, 200, answer->status_code, answer->status_message, answer->data->raw);
    else if (answer->status_code / 1000 == 2)
        request_answer_code(request, 200, answer->status_code, answer->status_message,
                            answer->data == NULL ? STR_NONE : answer->data->raw);
    else
        authorize_unknown(request, arena_printf(request->arena,
                                                "the CPO answered %d without a usable AuthorizationInfo",
                                                answer->status_code));
}

static void authorize_found(struct route_search *search, struct registry_party *cpo, enum reply reply,
                            struct str message)
{
    struct authorize *authorize = search->context;
    struct request *request = authorize->request;
    if (cpo == NULL) {
        request_answer(request, reply, message, STR_NONE);
        return;
    }
    struct forward *forward = &authorize->forward;
    forward->request = request;
    forward->target = cpo;
    forward->module = "tokens";
    forward->path = arena_printf(
        request->arena, STR_FMT "/" STR_FMT "/" STR_FMT "/authorize%s" STR_FMT,
        STR_ARG(request->raw_params[0]), STR_ARG(request->raw_params[1]), STR_ARG(request->raw_params[2]),
        request->exchange->query.length > 0 ? "?" : "", STR_ARG(request->exchange->query));
    forward->body = request->body == NULL ? STR_NONE : request->exchange->body;
    forward->timeout_ms = request->hub->conf.forward_timeout;
    forward->done = authorize_done;
    forward_start(forward);
}

void tokens_authorize(struct request *request)
{
    request->object = request->params[2];
    if (store_is_overloaded(request->hub->store)) {
        request_answer_error(request, ERR_BUSY); /* its audit row could not be kept */
        return;
    }
    if (request->body != NULL && !request_validate(request, &ocpi_location_references, false))
        return;
    struct authorize *authorize = arena_alloc(request->arena, sizeof *authorize);
    if (authorize == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    authorize->request = request;
    struct route_search *search = &authorize->search;
    search->request = request;
    search->id = json_get_text(request->body, "location_id");
    search->kind = search->id.length > 0 ? (int)STORE_LOCATION : -1;
    search->evses = json_get(request->body, "evse_uids");
    search->fallback = true;
    search->found = authorize_found;
    search->context = authorize;
    route_search_start(search);
}
