/*
 * Commands (OCPI 2.2.1, Commands module): the eMSP's command goes to the CPO with a response_url of the hub's
 * own; the CommandResponse is relayed. The callback is in commands_callback.c.
 */
#include "hubd/commands.h"
#include "hubd/forward.h"
#include "hubd/modules/modules.h"
#include "hubd/route.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/json/writer.h"
#include "lib/ocpi/patch.h"

/* What names the target: a location, a session, or a reservation made through the hub. */
enum command_key { COMMAND_BY_LOCATION, COMMAND_BY_SESSION, COMMAND_BY_RESERVATION };

static const struct command_type {
    const char *name;
    const struct ocpi_object *object;
    enum command_key key;
    const char *object_member; /* what it is about, for lists and for finding the reservation again */
} command_types[] = {
    {"START_SESSION", &ocpi_start_session, COMMAND_BY_LOCATION, "location_id"},
    {"STOP_SESSION", &ocpi_stop_session, COMMAND_BY_SESSION, "session_id"},
    {"RESERVE_NOW", &ocpi_reserve_now, COMMAND_BY_LOCATION, "reservation_id"},
    {"CANCEL_RESERVATION", &ocpi_cancel_reservation, COMMAND_BY_RESERVATION, "reservation_id"},
    {"UNLOCK_CONNECTOR", &ocpi_unlock_connector, COMMAND_BY_LOCATION, "location_id"},
};

struct command {
    struct request *request;
    const struct command_type *type;
    struct registry_party *cpo;
    struct store_command row;
    struct route_search search;
    struct store_command_read reservation;
    struct store_apply batch;
    struct forward forward;
    /* the answer to give when its end is stored */
    enum reply reply;
    int http_status, ocpi_status;
    struct str message, data;
};

static void command_answer(struct command *command)
{
    request_answer_code(command->request, command->http_status, command->ocpi_status, command->message,
                        command->data);
}

/* ---------------------------------------------------------------- 3. the CPO's CommandResponse */

static void command_response_stored(struct store_apply *apply)
{
    struct command *command = apply->context;
    /* ERR_CONFLICT: the result came before the response; that is fine */
    if (apply->result != OK && apply->result != ERR_CONFLICT)
        request_answer_error(command->request, apply->result);
    else
        command_answer(command);
}

static void command_store_response(struct command *command, enum store_command_state state, struct str result,
                                   int64_t expires)
{
    struct request *request = command->request;
    struct store_apply *batch = &command->batch;
    store_batch_init(batch, request->arena);
    struct store_op *op = store_batch_add(batch, STORE_UPDATE_COMMAND);
    if (op != NULL) {
        op->u.command_update.id = command->row.id;
        op->u.command_update.from = 1u << STORE_COMMAND_SENT;
        op->u.command_update.state = state;
        op->u.command_update.result = result;
        op->u.command_update.expires = expires;
    }
    batch->callback = command_response_stored;
    batch->context = command;
    store_apply(request->worker->store, batch);
}

static void command_answered(struct command *command, const struct ocpi_answer *answer)
{
    struct str result = json_get_text(answer->data, "result");
    bool accepted = answer->status_code / 1000 == 1 && str_equal(result, STR("ACCEPTED"));
    int64_t timeout_s = 0, timeout_ms = command->request->hub->conf.command_timeout;
    if (json_get_int64(answer->data, "timeout", &timeout_s) && timeout_s > 0 && timeout_s <= 86400)
        timeout_ms = timeout_s * 1000;
    command->http_status = 200;
    command->ocpi_status = answer->status_code;
    command->message = answer->status_message;
    command->data = answer->data == NULL ? STR_NONE : answer->data->raw;
    command_store_response(command, accepted ? STORE_COMMAND_ACCEPTED : STORE_COMMAND_ENDED,
                           result.length > 0 ? result : STR("FAILED"),
                           hub_steady_ms(command->request->hub) + timeout_ms);
}

static void command_done(struct forward *forward, enum forward_outcome outcome, struct str why)
{
    struct command *command = forward->context;
    command->http_status = 200;
    command->message = why;
    switch (outcome) {
    case FORWARD_ANSWERED:
        command_answered(command, &forward->outbound.answer);
        return;
    case FORWARD_TIMEOUT:
        /* the command may have got through: the callback stays valid until its time is over */
        command->ocpi_status = OCPI_FORWARD_TIMEOUT;
        command_answer(command);
        return;
    case FORWARD_RUBBISH:
        command->ocpi_status = OCPI_HUB_ERROR;
        command_store_response(command, STORE_COMMAND_ENDED, STR("FAILED"), 0);
        return;
    case FORWARD_NOT_CONNECTED:
        command->ocpi_status = OCPI_RECEIVER_NOT_CONNECTED;
        command_store_response(command, STORE_COMMAND_ENDED, STR("NOT_CONNECTED"), 0);
        return;
    }
}

/* ---------------------------------------------------------------- 2. stored, then forwarded */

static void command_stored(struct store_apply *apply)
{
    struct command *command = apply->context;
    if (apply->result != OK)
        request_answer_error(command->request, apply->result);
    else
        forward_start(&command->forward);
}

/* The callback's secret: 256 random bits; only its hash is kept (hub-contract 5, Commands). */
static struct str command_make_callback(struct command *command)
{
    struct request *request = command->request;
    char secret[32];
    env_random(secret, sizeof secret);
    struct str text = base64url_encode(request->arena, str_of(secret, sizeof secret));
    crypto_wipe(secret, sizeof secret);
    if (text.data == NULL)
        return STR_NONE;
    crypto_sha256(text, command->row.callback_hash);
    return arena_printf(request->arena, "\"%s/ocpi/2.2.1/commands/callback/" STR_FMT "\"",
                        request->hub->conf.base_url, STR_ARG(text));
}

static void command_forward(struct command *command)
{
    struct request *request = command->request;
    struct store_command *row = &command->row;
    struct str callback = command_make_callback(command);
    request->target = command->cpo;
    row->id = store_new_id(request->hub->store);
    row->command = str_from(command->type->name);
    row->emsp = request_party_key(request->party);
    row->cpo = request_party_key(command->cpo);
    row->response_url = json_get_text(request->body, "response_url");
    row->object = request_fold(request, json_get_text(request->body, command->type->object_member));
    row->state = STORE_COMMAND_SENT;
    row->correlation_id = request->correlation_id;
    row->created = request->now;
    row->expires = hub_steady_ms(request->hub) + request->hub->conf.command_forward_timeout +
                   request->hub->conf.command_timeout;
    struct forward *forward = &command->forward;
    forward->request = request;
    forward->target = command->cpo;
    forward->module = "commands";
    forward->path = row->command;
    forward->body = callback.data == NULL
                        ? STR_NONE
                        : ocpi_member_set(request->arena, request->body, STR("response_url"), callback);
    forward->timeout_ms = request->hub->conf.command_forward_timeout;
    forward->once = true;
    forward->done = command_done;
    forward->context = command;
    if (forward->body.data == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    struct store_apply *batch = &command->batch;
    store_batch_init(batch, request->arena);
    struct store_op *op = store_batch_add(batch, STORE_PUT_COMMAND);
    if (op != NULL)
        op->u.command = *row;
    batch->callback = command_stored;
    batch->context = command;
    store_apply(request->worker->store, batch);
}

/* ---------------------------------------------------------------- 1. whom it is for */

/* No such session of this eMSP: the CommandResponse that OCPI has for it. */
static void command_unknown_session(struct request *request)
{
    request_answer(request, REPLY_OK, STR("no such session of this eMSP"),
                   STR("{\"result\":\"UNKNOWN_SESSION\",\"timeout\":0}"));
}

static void command_found(struct route_search *search, struct registry_party *cpo, enum reply reply,
                          struct str message)
{
    struct command *command = search->context;
    if (cpo != NULL) {
        command->cpo = cpo;
        command_forward(command);
    } else if (search->foreign) {
        command_unknown_session(command->request);
    } else {
        request_answer(command->request, reply, message, STR_NONE);
    }
}

static void command_search(struct command *command, int kind, struct str id)
{
    struct route_search *search = &command->search;
    search->request = command->request;
    search->kind = kind;
    search->id = id;
    search->fallback = kind != (int)STORE_SESSION;
    search->found = command_found;
    search->context = command;
    route_search_start(search);
}

/* A reservation made through the hub names its CPO; any other goes the way of a command without a location.
 */
static void command_reservation_read(struct store_read *base)
{
    struct command *command = base->context;
    struct request *request = command->request;
    if (base->result == OK) {
        request->has_to = ocpi_party_key_parse(command->reservation.row.cpo, &request->to, NULL, NULL, NULL);
        command_search(command, -1, STR_NONE);
    } else if (base->result == ERR_NOT_FOUND) {
        command_search(command, -1, STR_NONE);
    } else {
        request_answer_error(request, base->result);
    }
}

static void command_find_reservation(struct command *command)
{
    struct request *request = command->request;
    struct store_command_read *read = &command->reservation;
    if (request->has_to) {
        command_search(command, -1, STR_NONE);
        return;
    }
    read->base.arena = request->arena;
    read->base.callback = command_reservation_read;
    read->base.context = command;
    read->emsp = request_party_key(request->party);
    read->reservation = request_fold(request, json_get_text(request->body, "reservation_id"));
    store_read_command(request->worker->store, read);
}

static const struct command_type *command_type_find(struct str name)
{
    for (size_t i = 0; i < sizeof command_types / sizeof command_types[0]; i++)
        if (str_equal(name, str_from(command_types[i].name)))
            return &command_types[i];
    return NULL;
}

/* The hub will call it with the eMSP's token: only a host that the platform registered (hub-contract 12). */
static bool command_check_response_url(struct request *request)
{
    struct url parsed;
    struct error error;
    struct str url = json_get_text(request->body, "response_url");
    if (url_parse(request->arena, url, &parsed, &error) != OK) {
        request_answerf(request, REPLY_INVALID, "/response_url: %s", error.text);
        return false;
    }
    if (request->hub->conf.response_url_any_host ||
        outbound_host_is_registered(request->arena, request->platform, url))
        return true;
    request_answerf(request, REPLY_INVALID,
                    "/response_url: host \"" STR_FMT
                    "\" is not one that this platform registered: ask the hub's account team to allow it",
                    STR_ARG(parsed.host));
    return false;
}

void commands_post(struct request *request)
{
    const struct command_type *type = command_type_find(request->params[0]);
    if (type == NULL) {
        request_answer(request, REPLY_UNKNOWN, STR("no such command"), STR_NONE);
        return;
    }
    if (store_is_overloaded(request->hub->store)) {
        request_answer_error(request, ERR_BUSY); /* its audit row could not be kept */
        return;
    }
    if (!request_validate(request, type->object, false) || !command_check_response_url(request))
        return;
    struct command *command = arena_alloc(request->arena, sizeof *command);
    if (command == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    command->request = request;
    command->type = type;
    request->object = json_get_text(request->body, type->object_member);
    switch (type->key) {
    case COMMAND_BY_LOCATION:
        command_search(command, (int)STORE_LOCATION, json_get_text(request->body, "location_id"));
        break;
    case COMMAND_BY_SESSION:
        command_search(command, (int)STORE_SESSION, json_get_text(request->body, "session_id"));
        break;
    case COMMAND_BY_RESERVATION:
        command_find_reservation(command);
        break;
    }
}
