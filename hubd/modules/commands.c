/*
 * Commands (OCPI 2.2.1, Commands module): the eMSP's command goes to the CPO with a response_url of the hub's
 * own (hubd/messages/relay.h); the CommandResponse is relayed. The callback is in commands_callback.c.
 */
#include "hubd/modules/modules.h"
#include "hubd/messages/relay.h"
#include "hubd/messages/recipient.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

static const struct command_type {
    const char *name;
    const struct ocpi_object *object;
    enum recipient_key key;    /* what names the target, */
    const char *key_member;    /* and where it stands */
    const char *object_member; /* what it is about, for lists and for finding the reservation again */
    const char *unknown;       /* CommandResponse where the hub knows no such thing of this eMSP */
} command_types[] = {
    {"START_SESSION", &ocpi_start_session, RECIPIENT_BY_LOCATION, "location_id", "location_id", NULL},
    {"STOP_SESSION", &ocpi_stop_session, RECIPIENT_BY_SESSION, "session_id", "session_id", "UNKNOWN_SESSION"},
    {"RESERVE_NOW", &ocpi_reserve_now, RECIPIENT_BY_LOCATION, "location_id", "reservation_id", NULL},
    {"CANCEL_RESERVATION", &ocpi_cancel_reservation, RECIPIENT_BY_RESERVATION, "reservation_id",
     "reservation_id", "UNKNOWN_RESERVATION"},
    {"UNLOCK_CONNECTOR", &ocpi_unlock_connector, RECIPIENT_BY_LOCATION, "location_id", "location_id", NULL},
};

#define COMMAND_MAGIC 0x434f4d41u
struct command {
    uint32_t magic;
    struct request *request;
    const struct command_type *type;
    struct registry_party *cpo; /* once found */
    struct store_command_list others;
};

/* The hub's own CommandResponse: nobody is asked. */
static void command_answer(struct request *request, const char *result, struct str why)
{
    request_answer(request, REPLY_OK, why,
                   arena_printf(request->arena, "{\"result\":\"%s\",\"timeout\":0}", result));
}

/* ---------------------------------------------------------------- 3. to the CPO */

static void command_relay(struct command *command)
{
    struct request *request = command->request;
    struct relay *relay = relay_new(request, command->cpo);
    const struct json_value *token = json_get(request->body, "token");
    if (relay == NULL)
        return;
    relay->command = command->type->name;
    relay->object = json_get_text(request->body, command->type->object_member);
    relay->token_uid = request_fold(request, json_get_text(token, "uid"));
    if (command->type->object == &ocpi_start_session)
        relay->reference = request_fold(request, json_get_text(request->body, "authorization_reference"));
    relay->token_type = request_fold(request, json_get_text(token, "type"));
    timestamp_parse(json_get_text(request->body, "expiry_date"), &relay->valid_until);
    relay->timeout_ms = request->worker->conf.command_forward_timeout;
    relay->once = true;
    relay->answer = &ocpi_command_response;
    relay_start(relay);
}

/* ---------------------------------------------------------------- 2. whose reservation it is */

/* Another eMSP's at that CPO would be replaced by this one. */
static void command_others_read(struct store_read *base)
{
    struct command *command = MAGIC_CAST(struct command, base->context, COMMAND_MAGIC);
    struct request *request = command->request;
    const struct store_command_list *read = &command->others;
    if (base->result != OK) {
        request_answer_error(request, base->result);
        return;
    }
    for (size_t i = 0; i < read->count; i++)
        if (recipient_reservation_standing(read->rows, read->count, read->rows[i].emsp, read->cpo,
                                           request->now) <= RECIPIENT_UNCERTAIN) {
            command_answer(request, "REJECTED", STR("that reservation_id is in use at this CPO"));
            return;
        }
    command_relay(command);
}

static void command_read_others(struct command *command)
{
    struct request *request = command->request;
    struct store_command_list *read = &command->others;
    read->base.arena = request->arena;
    read->base.callback = command_others_read;
    read->base.context = command;
    read->not_emsp = request_party_key(request->party);
    read->limit = RECIPIENT_RESERVATIONS_MAX;
    store_read_commands(request->worker->store, read);
}

static void command_turn(struct line_place *place)
{
    struct command *command = MAGIC_CAST(struct command, place->context, COMMAND_MAGIC);
    if (request_is_late(command->request))
        request_answer_error(command->request, ERR_BUSY);
    else
        command_read_others(command);
}

/* From looking who has the id until the own row is stored nobody else looks: of two eMSPs that come at once
 * one gets it. */
static void command_in_line(struct command *command)
{
    struct request *request = command->request;
    struct store_command_list *read = &command->others;
    struct line_place *place = &request->places[0];
    read->reservation = request_fold(request, json_get_text(request->body, "reservation_id"));
    read->cpo = request_party_key(command->cpo);
    place->turn = command_turn;
    place->context = command;
    place->loop = &request->worker->loop;
    uint64_t key = str_hash(read->reservation) * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(read->cpo);
    int turn = line_enter(request->hub->lines, key, place, LINE_ALONE);
    if (turn < 0)
        request_answer_error(request, turn);
    else if (turn > 0)
        command_read_others(command);
}

static void command_found(struct recipient_search *search, struct registry_party *cpo)
{
    struct command *command = MAGIC_CAST(struct command, search->context, COMMAND_MAGIC);
    command->cpo = cpo;
    if (command->type->object == &ocpi_reserve_now)
        command_in_line(command);
    else
        command_relay(command);
}

/* ---------------------------------------------------------------- 1. whom it is for */

static void command_unknown(struct recipient_search *search)
{
    const struct command *command = MAGIC_CAST(struct command, search->context, COMMAND_MAGIC);
    command_answer(search->request, command->type->unknown,
                   arena_printf(search->request->arena, "no such %s of this eMSP",
                                search->key == RECIPIENT_BY_SESSION ? "session" : "reservation"));
}

static const struct command_type *command_type_find(struct str name)
{
    for (size_t i = 0; i < sizeof command_types / sizeof command_types[0]; i++)
        if (str_equal(name, str_from(command_types[i].name)))
            return &command_types[i];
    return NULL;
}

/* The token that a CPO will bill is the caller's own. False: answered. */
static bool command_check_token(struct request *request)
{
    const struct json_value *token = json_get(request->body, "token");
    const struct registry_party *party = request->party;
    const struct {
        const char *member;
        struct str own;
    } parts[] = {{"country_code", party->row.country_code}, {"party_id", party->row.party_id}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct str found = json_get_text(token, parts[i].member);
        if (found.data == NULL || str_equal_fold(found, parts[i].own))
            continue;
        request_answerf(request, REPLY_INVALID,
                        "/token/%s: must be the calling party's, \"" STR_FMT "\", found \"" STR_FMT "\"",
                        parts[i].member, STR_ARG(parts[i].own), STR_ARG(found));
        return false;
    }
    return true;
}

/* What the whole of a command's body must be like. False: answered. */
static bool command_check(struct request *request, const struct command_type *type)
{
    int trouble = store_obstacle(request->hub->store);
    if (trouble != OK) {
        request_answer_error(request, trouble); /* its audit row could not be kept */
        return false;
    }
    return request_validate(request, type->object, false) &&
           relay_check_response_url(request, json_get_text(request->body, "response_url")) &&
           command_check_token(request);
}

void commands_post(struct request *request)
{
    const struct command_type *type = command_type_find(request->params[0]);
    if (type == NULL) {
        request_answer(request, REPLY_UNKNOWN, STR("no such command"), STR_NONE);
        return;
    }
    if (!command_check(request, type))
        return;
    struct command *command = arena_alloc(request->arena, sizeof *command);
    struct recipient_search *search = recipient_search_new(
        request, OCPI_ROLE_CPO, type->key, json_get_text(request->body, type->key_member), command_found);
    if (search == NULL)
        return;
    if (command == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    command->magic = COMMAND_MAGIC;
    command->request = request;
    command->type = type;
    request->object = json_get_text(request->body, type->object_member);
    search->evse = json_get_text(request->body, "evse_uid");
    search->fallback = true;
    search->unknown = command_unknown;
    search->context = command;
    recipient_search_start(search);
}
