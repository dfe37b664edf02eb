/*
 * Commands (OCPI 2.2.1, Commands module): the eMSP's command goes to the CPO with a response_url of the hub's
 * own (hubd/relay.h); the CommandResponse is relayed. The callback is in commands_callback.c.
 */
#include "hubd/modules/modules.h"
#include "hubd/relay.h"
#include "hubd/route.h"

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
    struct store_command_read reservation;
};

/* ---------------------------------------------------------------- 2. to the CPO */

static void command_relay(struct command *command, struct registry_party *cpo)
{
    struct request *request = command->request;
    struct relay *relay = relay_new(request, cpo);
    if (relay == NULL)
        return;
    relay->command = command->type->name;
    relay->object = request_fold(request, json_get_text(request->body, command->type->object_member));
    relay->token_uid = request_fold(request, json_get_text(json_get(request->body, "token"), "uid"));
    if (command->type->object == &ocpi_start_session)
        relay->reference = request_fold(request, json_get_text(request->body, "authorization_reference"));
    relay->timeout_ms = request->worker->conf.command_forward_timeout;
    relay->once = relay->unwrap = true;
    relay_start(relay);
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
        command_relay(command, cpo);
    } else if (search->foreign) {
        command_unknown_session(command->request);
    } else {
        request_answer(command->request, reply, message, STR_NONE);
    }
}

static void command_search(struct command *command, enum route_key key, struct str id)
{
    struct route_search *search = route_search_new(command->request, OCPI_ROLE_CPO, key, id, command_found);
    if (search == NULL)
        return;
    search->fallback = key != ROUTE_BY_SESSION;
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
        command_search(command, ROUTE_BY_NOTHING, STR_NONE);
    } else if (base->result == ERR_NOT_FOUND) {
        command_search(command, ROUTE_BY_NOTHING, STR_NONE);
    } else {
        request_answer_error(request, base->result);
    }
}

static void command_find_reservation(struct command *command)
{
    struct request *request = command->request;
    struct store_command_read *read = &command->reservation;
    if (request_is_directed(request)) {
        command_search(command, ROUTE_BY_NOTHING, STR_NONE);
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
    if (!request_validate(request, type->object, false) ||
        !relay_check_response_url(request, json_get_text(request->body, "response_url")))
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
        command_search(command, ROUTE_BY_LOCATION, json_get_text(request->body, "location_id"));
        break;
    case COMMAND_BY_SESSION:
        command_search(command, ROUTE_BY_SESSION, json_get_text(request->body, "session_id"));
        break;
    case COMMAND_BY_RESERVATION:
        command_find_reservation(command);
        break;
    }
}
