#include "hubd/messages/relay.h"

#include "hubd/messages/commands.h"
#include "hubd/messages/recipient.h"
#include "lib/base/magic.h"
#include "lib/ocpi/names.h"
#include "lib/ocpi/outcome.h"

#define RELAY_MAGIC 0x52454c59u

struct relay *relay_new(struct request *request, struct registry_party *target)
{
    struct relay *relay = arena_alloc(request->arena, sizeof *relay);
    struct str name = request->route == &routes_relay ? request->params[0]
                                                      : str_from(ocpi_module_name(request->route->module));
    char *module = relay == NULL ? NULL : arena_copy_text(request->arena, name);
    if (module == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return NULL;
    }
    enum http_method method = request->exchange->method;
    relay->magic = RELAY_MAGIC;
    relay->request = request;
    relay->target = target;
    relay->module = module;
    relay->timeout_ms = request->worker->conf.forward_timeout;
    relay->once = method == HTTP_METHOD_POST || method == HTTP_METHOD_PATCH;
    return relay;
}

/* ---------------------------------------------------------------- 3. the answer */

static void relay_response_stored(struct store_apply *apply)
{
    struct relay *relay = MAGIC_CAST(struct relay, apply->context, RELAY_MAGIC);
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
        commands_set_move(op, 1u << STORE_COMMAND_SENT, state);
        op->u.command_update.result = result;
        op->u.command_update.expires = expires;
        op->u.command_update.accepted = state == STORE_COMMAND_ACCEPTED;
    }
    batch->callback = relay_response_stored;
    batch->context = relay;
    store_apply(request->worker->store, batch);
}

/*
 * An answer that does not say what it must, or that two readers read differently. Who was refused the request
 * by a 3xx or 4xx did nothing; of any other answer nobody knows the outcome, and a callback stays valid until
 * its time is over.
 */
static void relay_refuse_answer(struct relay *relay, struct str why)
{
    int refused = relay->forward.outbound.status / 100;
    relay->ocpi_status = OCPI_HUB_ERROR;
    relay->message = why;
    if (refused == 3 || refused == 4)
        relay_store_response(relay, STORE_COMMAND_ENDED, STR("FAILED"), 0);
    else
        relay_answer(relay);
}

/* Of a success the caller must read what the hub has read. False: it says nothing that all read alike. */
static bool relay_read_outcome(struct relay *relay, const struct ocpi_answer *answer, struct str *result)
{
    relay->data = answer->data == NULL ? STR_NONE : answer->data->raw;
    *result = json_get_text(answer->data, "result");
    if (answer->status_code / 1000 != 1 || relay->answer == NULL)
        return true;
    struct ocpi_outcome outcome = ocpi_outcome_read(relay->request->arena, relay->answer, answer->data);
    relay->data = outcome.raw;
    *result = outcome.word;
    return outcome.word.data != NULL && ocpi_member_is_clear(answer->data, "timeout");
}

static void relay_answered(struct relay *relay, const struct ocpi_answer *answer)
{
    struct request *request = relay->request;
    struct str result;
    if (!relay_read_outcome(relay, answer, &result)) {
        relay->data = STR_NONE;
        relay_refuse_answer(relay, arena_printf(request->arena, "%s answered without a usable %s",
                                                relay->target->id, relay->answer->name));
        return;
    }
    /* of a module that the hub does not know a success is no less than ACCEPTED */
    bool accepted =
        answer->status_code / 1000 == 1 &&
        (str_equal_fold(result, STR("ACCEPTED")) || (request->route == &routes_relay && result.length == 0));
    int64_t timeout_s = 0, timeout_ms = request->worker->conf.command_timeout;
    if (json_get_int64(answer->data, "timeout", &timeout_s) && timeout_s > 0 && timeout_s <= 86400)
        timeout_ms = timeout_s * 1000;
    relay->http_status = relay->forward.outbound.status;
    relay->ocpi_status = answer->status_code;
    relay->message = forward_message(&relay->forward);
    relay_copy_headers(relay);
    relay_store_response(relay, accepted ? STORE_COMMAND_ACCEPTED : STORE_COMMAND_ENDED,
                         result.length > 0 ? result : STR("FAILED"),
                         hub_steady_ms(request->hub) + timeout_ms);
}

/* A 2xx without a body is a success that says no more (hub-ocpi(7), TOLERANCE), where no answer is asked for
 * or its callback will bring it. */
static bool relay_is_bare_success(const struct relay *relay)
{
    const struct outbound *outbound = &relay->forward.outbound;
    bool enough = relay->answer == NULL || relay->row.id != 0;
    return enough && outbound->result == OK && outbound->status / 100 == 2 &&
           outbound->raw_answer.length == 0;
}

static void relay_done(struct forward *forward, enum forward_outcome outcome, struct str why)
{
    struct relay *relay = MAGIC_CAST(struct relay, forward->context, RELAY_MAGIC);
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
    case FORWARD_INVALID:
        if (relay_is_bare_success(relay)) {
            relay->ocpi_status = OCPI_SUCCESS;
            relay->message = STR_NONE;
            relay_copy_headers(relay);
            relay_answer(relay);
            return;
        }
        relay_refuse_answer(relay, why);
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
    struct relay *relay = MAGIC_CAST(struct relay, apply->context, RELAY_MAGIC);
    if (apply->result != OK) {
        request_answer_error(relay->request, apply->result);
        return;
    }
    request_leave_lines(relay->request); /* nobody waits for the partner: the next one sees the row */
    forward_start(&relay->forward);
}

/* ---------------------------------------------------------------- 1. what is sent */

/* Of a module the hub does not know only the path's first segment was looked at so far. */
static bool relay_path_is_safe(struct request *request, struct str path)
{
    struct str segment;
    while (path.length > 0 && str_split(&path, '/', &segment)) {
        struct str plain = http_percent_decode(request->arena, segment);
        if (plain.data == NULL || !request_is_id(plain) || !ocpi_text_is_id(plain))
            return false;
    }
    return true;
}

static void relay_fill_forward(struct relay *relay, struct str path)
{
    struct request *request = relay->request;
    struct forward *forward = &relay->forward;
    struct str query = request->exchange->query;
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
    forward->unwrap = relay->answer == NULL ? NULL : ocpi_outcome_field(relay->answer)->name;
    forward->done = relay_done;
    forward->context = relay;
}

static void relay_store_row(struct relay *relay)
{
    struct request *request = relay->request;
    struct store_apply *batch = &relay->batch;
    store_batch_init(batch, request->arena);
    struct store_op *op = store_batch_add(batch, STORE_PUT_COMMAND);
    if (op != NULL)
        op->u.command = relay->row;
    batch->callback = relay_row_stored;
    batch->context = relay;
    store_apply(request->worker->store, batch);
}

void relay_start(struct relay *relay)
{
    struct request *request = relay->request;
    struct str path = request_subpath(request), url;
    bool in_body;
    int trouble = store_obstacle(request->hub->store);
    if (trouble != OK) {
        request_answer_error(request, trouble); /* its audit row could not be kept */
        return;
    }
    if (!relay_path_is_safe(request, path)) {
        request_answer(request, REPLY_INVALID, STR("path: a segment is no id"), STR_NONE);
        return;
    }
    relay_fill_forward(relay, path);
    if (!relay_find_response_url(request, &url, &in_body))
        return;
    if (url.data == NULL)
        forward_start(&relay->forward);
    else if (relay_replace_url(relay, url, in_body))
        relay_store_row(relay);
}

/* ---------------------------------------------------------------- directed requests */

static void relay_found(struct recipient_search *search, struct registry_party *target)
{
    struct relay *relay = relay_new(search->request, target);
    if (relay != NULL)
        relay_start(relay);
}

void relay_directed(struct request *request)
{
    struct recipient_search *search =
        recipient_search_new(request, 0, RECIPIENT_BY_NOTHING, STR_NONE, relay_found);
    if (search != NULL)
        recipient_search_start(search);
}
