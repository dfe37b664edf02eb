/*
 * Tokens (OCPI 2.2.1, Tokens module): real-time authorization in both directions, an eMSP's tokens to its
 * CPOs. The hub stores no tokens.
 */
#include "hubd/broadcast.h"
#include "hubd/modules/modules.h"
#include "hubd/relay.h"
#include "hubd/route.h"
#include "lib/json/writer.h"

/* ---------------------------------------------------------------- PUT …/authorize: eMSP to CPO */

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
    struct request *request = search->request;
    struct forward *forward = cpo == NULL ? NULL : arena_alloc(request->arena, sizeof *forward);
    if (cpo == NULL) {
        request_answer(request, reply, message, STR_NONE);
        return;
    }
    if (forward == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    forward->request = request;
    forward->target = cpo;
    forward->module = "tokens";
    forward->path = arena_printf(
        request->arena, STR_FMT "/" STR_FMT "/" STR_FMT "/authorize%s" STR_FMT,
        STR_ARG(request->raw_params[0]), STR_ARG(request->raw_params[1]), STR_ARG(request->raw_params[2]),
        request->exchange->query.length > 0 ? "?" : "", STR_ARG(request->exchange->query));
    forward->body = request->body == NULL ? STR_NONE : request->exchange->body;
    forward->timeout_ms = request->worker->conf.forward_timeout;
    forward->unwrap = true;
    forward->done = authorize_done;
    forward_start(forward);
}

/* False: answered. */
static bool authorize_check(struct request *request, struct str token_uid)
{
    request->object = token_uid;
    if (store_is_overloaded(request->hub->store)) {
        request_answer_error(request, ERR_BUSY); /* its audit row could not be kept */
        return false;
    }
    return request->body == NULL || request_validate(request, &ocpi_location_references, false);
}

void tokens_authorize(struct request *request)
{
    struct str location = json_get_text(request->body, "location_id");
    if (!authorize_check(request, request->params[2]))
        return;
    struct route_search *search =
        route_search_new(request, OCPI_ROLE_CPO, ROUTE_BY_LOCATION, location, authorize_found);
    if (search == NULL)
        return;
    search->evses = json_get(request->body, "evse_uids");
    search->fallback = true;
    route_search_start(search);
}

/* ---------------------------------------------------------------- POST …/authorize: CPO to eMSP */

static void authorize_found_emsp(struct route_search *search, struct registry_party *emsp, enum reply reply,
                                 struct str message)
{
    struct request *request = search->request;
    struct relay *relay = emsp == NULL ? NULL : relay_new(request, emsp);
    if (emsp == NULL) {
        request_answer(request, reply, message, STR_NONE);
    } else if (relay != NULL) {
        relay->sender = true;
        relay->once = false; /* asking twice does no harm, a fresh connection costs the driver time */
        relay->unwrap = true;
        relay_start(relay);
    }
}

void tokens_authorize_at_emsp(struct request *request)
{
    if (!authorize_check(request, request->params[0]))
        return;
    struct route_search *search =
        route_search_new(request, OCPI_ROLE_EMSP, ROUTE_BY_TOKEN, request->params[0], authorize_found_emsp);
    if (search != NULL)
        route_search_start(search);
}

/* ---------------------------------------------------------------- tokens themselves */

/* The list of an eMSP's tokens is the eMSP's: there is none of all eMSPs here to choose from. */
void tokens_list(struct request *request)
{
    if (!request_is_directed(request)) {
        request_answer(
            request, REPLY_INVALID,
            STR("the hub stores no tokens: OCPI-to-country-code and OCPI-to-party-id must say whose "
                "tokens are meant"),
            STR_NONE);
        return;
    }
    struct registry_party *emsp = registry_find_party(request->snapshot, &request->to, OCPI_ROLE_EMSP);
    if (emsp == NULL) {
        request_answerf(request, REPLY_UNKNOWN_RECEIVER, "no eMSP " STR_FMT " is registered at this hub",
                        STR_ARG(ocpi_party_key_str(&request->to)));
        return;
    }
    struct relay *relay = route_check(request, emsp) ? relay_new(request, emsp) : NULL;
    if (relay == NULL)
        return;
    relay->sender = true;
    relay_start(relay);
}

static void tokens_found_cpo(struct route_search *search, struct registry_party *cpo, enum reply reply,
                             struct str message)
{
    struct request *request = search->request;
    struct relay *relay = cpo == NULL ? NULL : relay_new(request, cpo);
    if (cpo == NULL)
        request_answer(request, reply, message, STR_NONE);
    else if (relay != NULL)
        relay_start(relay);
}

/* The eMSP looks at what a CPO has of its token. */
void tokens_get(struct request *request)
{
    request->object = request->params[2];
    struct route_search *search =
        route_search_new(request, OCPI_ROLE_CPO, ROUTE_BY_NOTHING, STR_NONE, tokens_found_cpo);
    if (search != NULL)
        route_search_start(search);
}

static void tokens_push(struct request *request, bool partial)
{
    static const char *const members[] = {"country_code", "party_id", "uid"};
    if (!request_validate(request, &ocpi_token, partial))
        return;
    for (unsigned i = 0; i < 3; i++)
        if (!request_check_member(request, members[i], request->params[i]))
            return;
    request->object = request->params[2];
    broadcast(request, OCPI_ROLE_CPO);
}

void tokens_put(struct request *request)
{
    tokens_push(request, false);
}

void tokens_patch(struct request *request)
{
    tokens_push(request, true);
}
