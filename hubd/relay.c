#include "hubd/relay.h"

#include "hubd/commands.h"
#include "hubd/route.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/ocpi/patch.h"

#define RESPONSE_URL "response_url"

struct relay *relay_new(struct request *request, struct registry_party *target)
{
    struct relay *relay = arena_alloc(request->arena, sizeof *relay);
    char *module = relay == NULL ? NULL
                   : request->route == &router_relay
                       ? arena_copy_text(request->arena, request->params[0])
                       : arena_copy_text(request->arena, str_from(request->route->module));
    if (module == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return NULL;
    }
    enum http_method method = request->exchange->method;
    relay->request = request;
    relay->target = target;
    relay->module = module;
    relay->timeout_ms = request->worker->conf.forward_timeout;
    relay->once = method == HTTP_METHOD_POST || method == HTTP_METHOD_PATCH;
    return relay;
}

/* ---------------------------------------------------------------- response_url */

bool relay_check_response_url(struct request *request, struct str url)
{
    struct url parsed;
    struct error error;
    if (url_parse(request->arena, url, &parsed, &error) != OK) {
        request_answerf(request, REPLY_INVALID, "/" RESPONSE_URL ": %s", error.text);
        return false;
    }
    if (request->worker->conf.response_url_any_host ||
        outbound_host_is_registered(request->arena, request->platform, url))
        return true;
    request_answerf(request, REPLY_INVALID,
                    "/" RESPONSE_URL ": host \"" STR_FMT
                    "\" is not one that this platform registered: ask the hub's account team to allow it",
                    STR_ARG(parsed.host));
    return false;
}

/* The query's response_url, decoded; STR_NONE when there is none. */
static struct str relay_query_url(struct request *request)
{
    struct str rest = request->exchange->query, name, value;
    while (http_query_next(&rest, &name, &value))
        if (str_equal(name, STR(RESPONSE_URL)))
            return http_percent_decode(request->arena, value);
    return STR_NONE;
}

/* The path with its query's response_url replaced, everything else as it came; data == NULL: no memory. */
static struct str relay_path_with(struct request *request, struct str callback)
{
    struct str rest = request->exchange->query, name, value;
    struct str encoded = http_percent_encode(request->arena, callback);
    struct buffer text = {0};
    buffer_append(&text, request_subpath(request));
    for (char before = '?'; http_query_next(&rest, &name, &value); before = '&') {
        bool bare = value.data == name.data + name.length; /* no '=' */
        buffer_append_byte(&text, before);
        buffer_append(&text, name);
        buffer_append_text(&text, bare ? "" : "=");
        buffer_append(&text, str_equal(name, STR(RESPONSE_URL)) ? encoded : value);
    }
    struct str copy =
        text.failed || encoded.data == NULL ? STR_NONE : arena_copy(request->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static struct str relay_body_with(struct request *request, struct str callback)
{
    struct str quoted = arena_printf(request->arena, "\"" STR_FMT "\"", STR_ARG(callback));
    return quoted.data == NULL ? quoted
                               : ocpi_member_set(request->arena, request->body, STR(RESPONSE_URL), quoted);
}

/* ---------------------------------------------------------------- 3. the answer */

static void relay_response_stored(struct store_apply *apply)
{
    struct relay *relay = apply->context;
    /* ERR_CONFLICT: the result came before the response; that is fine */
    if (apply->result != OK && apply->result != ERR_CONFLICT)
        request_answer_error(relay->request, apply->result);
    else
        relay_answer(relay);
}

/* How the command goes on, stored before the caller hears of it; without a callback there is nothing to
 * store. */
static void relay_store_response(struct relay *relay, enum store_command_state state, struct str result,
                                 int64_t expires)
{
    struct request *request = relay->request;
    struct store_apply *batch = &relay->batch;
    if (relay->row.id == 0) {
        relay_answer(relay);
        return;
    }
    store_batch_init(batch, request->arena);
    struct store_op *op = store_batch_add(batch, STORE_UPDATE_COMMAND);
    if (op != NULL) {
        op->u.command_update.id = relay->row.id;
        op->u.command_update.from = 1u << STORE_COMMAND_SENT;
        op->u.command_update.state = state;
        op->u.command_update.result = result;
        op->u.command_update.expires = expires;
    }
    batch->callback = relay_response_stored;
    batch->context = relay;
    store_apply(request->worker->store, batch);
}

/* Without its result a CommandResponse says nothing. */
static void relay_refuse_rubbish(struct relay *relay, struct str why)
{
    relay->ocpi_status = OCPI_HUB_ERROR;
    relay->message = why;
    relay_store_response(relay, STORE_COMMAND_ENDED, STR("FAILED"), 0);
}

static void relay_answered(struct relay *relay, const struct ocpi_answer *answer)
{
    struct request *request = relay->request;
    struct str result = json_get_text(answer->data, "result");
    if (relay->command != NULL && answer->status_code / 1000 == 1 && result.length == 0) {
        relay_refuse_rubbish(relay, arena_printf(request->arena, "%s answered without a CommandResponse",
                                                 relay->target->key.text));
        return;
    }
    bool accepted = answer->status_code / 1000 == 1 && str_equal(result, STR("ACCEPTED"));
    int64_t timeout_s = 0, timeout_ms = request->worker->conf.command_timeout;
    if (json_get_int64(answer->data, "timeout", &timeout_s) && timeout_s > 0 && timeout_s <= 86400)
        timeout_ms = timeout_s * 1000;
    relay->http_status = relay->forward.outbound.status;
    relay->ocpi_status = answer->status_code;
    relay->message = answer->status_message;
    relay->data = answer->data == NULL ? STR_NONE : answer->data->raw;
    relay_copy_headers(relay);
    relay_store_response(relay, accepted ? STORE_COMMAND_ACCEPTED : STORE_COMMAND_ENDED,
                         result.length > 0 ? result : STR("FAILED"),
                         hub_steady_ms(request->hub) + timeout_ms);
}

/* A 2xx without a body is a success that says no more (hub-contract 16). */
static bool relay_is_bare_success(const struct outbound *outbound)
{
    return outbound->status / 100 == 2 && outbound->raw_answer.length == 0;
}

static void relay_done(struct forward *forward, enum forward_outcome outcome, struct str why)
{
    struct relay *relay = forward->context;
    relay->http_status = 200;
    relay->message = why;
    switch (outcome) {
    case FORWARD_ANSWERED:
        relay_answered(relay, &forward->outbound.answer);
        return;
    case FORWARD_TIMEOUT:
        /* it may have got through: a callback stays valid until its time is over */
        relay->ocpi_status = OCPI_FORWARD_TIMEOUT;
        relay_answer(relay);
        return;
    case FORWARD_RUBBISH:
        if (relay_is_bare_success(&forward->outbound)) {
            relay->ocpi_status = OCPI_SUCCESS;
            relay->message = STR_NONE;
            relay_copy_headers(relay);
            relay_answer(relay);
            return;
        }
        relay_refuse_rubbish(relay, why);
        return;
    case FORWARD_NOT_CONNECTED:
        relay->ocpi_status = OCPI_RECEIVER_NOT_CONNECTED;
        relay_store_response(relay, STORE_COMMAND_ENDED, STR("NOT_CONNECTED"), 0);
        return;
    }
}

/* ---------------------------------------------------------------- 2. stored, then forwarded */

static void relay_row_stored(struct store_apply *apply)
{
    struct relay *relay = apply->context;
    if (apply->result != OK)
        request_answer_error(relay->request, apply->result);
    else
        forward_start(&relay->forward);
}

static void relay_fill_row(struct relay *relay, struct str response_url)
{
    struct request *request = relay->request;
    struct store_command *row = &relay->row;
    const struct conf *conf = &request->hub->conf;
    row->id = request->command = store_new_id(request->hub->store);
    row->command = relay->command != NULL
                       ? str_from(relay->command)
                       : arena_printf(request->arena, "%s %s", http_method_name(request->exchange->method),
                                      relay->module);
    row->emsp = request_party_key(request->party);
    row->cpo = request_party_key(relay->target);
    row->response_url = response_url;
    row->object = relay->object;
    row->token_uid = relay->token_uid;
    row->state = STORE_COMMAND_SENT;
    row->correlation_id = request->correlation_id;
    row->created = request->now;
    row->expires = hub_steady_ms(request->hub) + relay->timeout_ms + conf->command_timeout;
}

/* Puts the hub's callback in the place of `url`, which is the body's or the query's. False: answered. */
static bool relay_replace_url(struct relay *relay, struct str url, bool in_body)
{
    struct request *request = relay->request;
    struct str *place = in_body ? &relay->forward.body : &relay->forward.path;
    if (!relay_check_response_url(request, url))
        return false;
    struct str callback = commands_make_callback(request->hub, request->arena, relay->row.callback_hash);
    if (callback.data != NULL)
        *place = in_body ? relay_body_with(request, callback) : relay_path_with(request, callback);
    if (callback.data == NULL || place->data == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return false;
    }
    relay_fill_row(relay, url);
    return true;
}

/* ---------------------------------------------------------------- 1. what is sent */

/* A segment that a receiver's server would climb by (RFC 3986 5.2.4). */
static bool relay_path_is_safe(struct request *request, struct str path)
{
    struct str segment;
    while (str_split(&path, '/', &segment)) {
        struct str plain = http_percent_decode(request->arena, segment);
        if (plain.data == NULL || str_equal(plain, STR(".")) || str_equal(plain, STR("..")))
            return false;
    }
    return true;
}

void relay_start(struct relay *relay)
{
    struct request *request = relay->request;
    struct forward *forward = &relay->forward;
    struct str path = request_subpath(request), query = request->exchange->query;
    if (store_is_overloaded(request->hub->store)) {
        request_answer_error(request, ERR_BUSY); /* its audit row could not be kept */
        return;
    }
    if (!relay_path_is_safe(request, path)) {
        request_answer(request, REPLY_INVALID, STR("path: a segment is no id"), STR_NONE);
        return;
    }
    request->target = relay->target;
    forward->request = request;
    forward->target = relay->target;
    forward->module = relay->module;
    forward->sender = relay->sender;
    forward->path = query.length == 0
                        ? path
                        : arena_printf(request->arena, STR_FMT "?" STR_FMT, STR_ARG(path), STR_ARG(query));
    forward->body = request->body == NULL ? STR_NONE : request->exchange->body;
    forward->timeout_ms = relay->timeout_ms;
    forward->once = relay->once;
    forward->unwrap = relay->unwrap;
    forward->done = relay_done;
    forward->context = relay;
    struct str url = json_get_text(request->body, RESPONSE_URL);
    bool in_body = url.data != NULL;
    if (!in_body)
        url = relay_query_url(request);
    if (url.data == NULL) {
        forward_start(forward);
        return;
    }
    if (!relay_replace_url(relay, url, in_body))
        return;
    struct store_apply *batch = &relay->batch;
    store_batch_init(batch, request->arena);
    struct store_op *op = store_batch_add(batch, STORE_PUT_COMMAND);
    if (op != NULL)
        op->u.command = relay->row;
    batch->callback = relay_row_stored;
    batch->context = relay;
    store_apply(request->worker->store, batch);
}

/* ---------------------------------------------------------------- directed requests */

void relay_directed(struct request *request)
{
    struct registry_snapshot *snapshot = request->snapshot;
    /* the other side of the caller first: one id may be two parties */
    unsigned other = (request->party->row.roles & OCPI_ROLE_CPO) != 0 ? OCPI_ROLE_EMSP : OCPI_ROLE_CPO;
    struct registry_party *target = registry_find_party(snapshot, &request->to, other);
    if (target == NULL)
        target = registry_find_party(snapshot, &request->to, 0);
    if (target == NULL) {
        request_answerf(request, REPLY_UNKNOWN_RECEIVER, "no party " STR_FMT " is registered at this hub",
                        STR_ARG(ocpi_party_key_str(&request->to)));
        return;
    }
    if (!route_check(request, target))
        return;
    struct relay *relay = relay_new(request, target);
    if (relay != NULL)
        relay_start(relay);
}
