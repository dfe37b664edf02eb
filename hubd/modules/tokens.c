/*
 * Tokens (OCPI 2.2.1, Tokens module): real-time authorization in both directions, an eMSP's tokens to its
 * CPOs. The hub stores no tokens.
 */
#include "hubd/messages/broadcast.h"
#include "hubd/modules/modules.h"
#include "hubd/messages/relay.h"
#include "hubd/messages/recipient.h"
#include "lib/json/writer.h"
#include "lib/ocpi/names.h"
#include "lib/ocpi/outcome.h"

/* ---------------------------------------------------------------- PUT …/authorize: eMSP to CPO */

/* A driver is waiting: what cannot be asked is UNKNOWN, and says why (hub-ocpi(7), TOKENS). */
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

/* What the CPO answered, and what it said of it. */
static struct str authorize_explain(const struct forward *forward)
{
    struct str message = forward_error(forward);
    return arena_printf(
        forward->request->arena, "the CPO answered %d without a usable AuthorizationInfo%s" STR_FMT,
        forward->outbound.answer.status_code, message.length > 0 ? ": " : "", STR_ARG(message));
}

static void authorize_done(struct forward *forward, enum forward_outcome outcome, struct str why)
{
    struct request *request = forward->request;
    const struct ocpi_answer *answer = &forward->outbound.answer;
    struct ocpi_outcome allowed = {STR_NONE, STR_NONE};
    if (outcome == FORWARD_ANSWERED && answer->status_code / 1000 == 1)
        allowed = ocpi_outcome_read(request->arena, &ocpi_authorization_info, answer->data);
    if (outcome != FORWARD_ANSWERED)
        authorize_unknown(request, why);
    else if (allowed.word.data != NULL)
        request_answer_code(request, 200, answer->status_code, answer->status_message, allowed.raw);
    else if (answer->status_code / 1000 == 2)
        request_answer_code(request, 200, answer->status_code, forward_message(forward),
                            answer->data == NULL ? STR_NONE : answer->data->raw);
    else
        authorize_unknown(request, authorize_explain(forward));
}

static void authorize_found(struct recipient_search *search, struct registry_party *cpo)
{
    struct request *request = search->request;
    struct forward *forward = arena_alloc(request->arena, sizeof *forward);
    if (forward == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    forward->request = request;
    forward->target = cpo;
    forward->module = ocpi_module_name(OCPI_MODULE_TOKENS);
    forward->path = arena_printf(
        request->arena, STR_FMT "/" STR_FMT "/" STR_FMT "/authorize%s" STR_FMT,
        STR_ARG(request->raw_params[0]), STR_ARG(request->raw_params[1]), STR_ARG(request->raw_params[2]),
        request->exchange->query.length > 0 ? "?" : "", STR_ARG(request->exchange->query));
    forward->body = request->body == NULL ? STR_NONE : request->exchange->body;
    forward->timeout_ms = request->worker->conf.forward_timeout;
    forward->unwrap = "allowed";
    forward->done = authorize_done;
    forward_start(forward);
}

/* False: answered. */
static bool authorize_check(struct request *request, struct str token_uid)
{
    request->object = token_uid;
    int trouble = store_obstacle(request->hub->store);
    if (trouble != OK) {
        request_answer_error(request, trouble); /* its audit row could not be kept */
        return false;
    }
    return request->body == NULL || request_validate(request, &ocpi_location_references, false);
}

void tokens_authorize(struct request *request)
{
    struct str location = json_get_text(request->body, "location_id");
    if (!authorize_check(request, request->params[2]))
        return;
    struct recipient_search *search =
        recipient_search_new(request, OCPI_ROLE_CPO, RECIPIENT_BY_LOCATION, location, authorize_found);
    if (search == NULL)
        return;
    search->evses = json_get(request->body, "evse_uids");
    search->fallback = true;
    recipient_search_start(search);
}

/* ---------------------------------------------------------------- POST …/authorize: CPO to eMSP */

/* `type` of the query, given once; STR_NONE: any. False: answered. */
static bool authorize_read_type(struct request *request, struct str *type)
{
    struct str rest = request->exchange->query, name, value;
    *type = STR_NONE;
    while (http_query_next(&rest, &name, &value)) {
        if (!ocpi_name_is_like(http_percent_decode(request->arena, name), STR("type")))
            continue;
        if (type->data != NULL) {
            request_answer(request, REPLY_INVALID,
                           STR("query type: given more than once, two readers may take different ones"),
                           STR_NONE);
            return false;
        }
        *type = http_percent_decode(request->arena, value);
    }
    return true;
}

static void authorize_found_emsp(struct recipient_search *search, struct registry_party *emsp)
{
    struct relay *relay = relay_new(search->request, emsp);
    if (relay == NULL)
        return;
    relay->sender = true;
    relay->once = false; /* asking twice does no harm, a fresh connection costs the driver time */
    relay->answer = &ocpi_authorization_info;
    relay_start(relay);
}

void tokens_authorize_at_emsp(struct request *request)
{
    struct str type;
    if (!authorize_check(request, request->params[0]) || !authorize_read_type(request, &type))
        return;
    struct recipient_search *search = recipient_search_new(request, OCPI_ROLE_EMSP, RECIPIENT_BY_TOKEN,
                                                           request->params[0], authorize_found_emsp);
    if (search == NULL)
        return;
    search->token_type = type;
    recipient_search_start(search);
}

/* ---------------------------------------------------------------- tokens themselves */

static void tokens_found(struct recipient_search *search, struct registry_party *party)
{
    struct relay *relay = relay_new(search->request, party);
    if (relay == NULL)
        return;
    relay->sender = search->role == OCPI_ROLE_EMSP;
    relay_start(relay);
}

static void tokens_ask(struct request *request, unsigned role)
{
    struct recipient_search *search =
        recipient_search_new(request, role, RECIPIENT_BY_NOTHING, STR_NONE, tokens_found);
    if (search != NULL)
        recipient_search_start(search);
}

/* The list of an eMSP's tokens is the eMSP's. */
void tokens_list(struct request *request)
{
    tokens_ask(request, OCPI_ROLE_EMSP);
}

/* The eMSP looks at what a CPO has of its token. */
void tokens_get(struct request *request)
{
    request->object = request->params[2];
    tokens_ask(request, OCPI_ROLE_CPO);
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
