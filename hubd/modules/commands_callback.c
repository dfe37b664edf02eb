/*
 * The callback of a command: the CPO's CommandResult is stored with its delivery before it is answered; each
 * command ends exactly once (hub-ocpi(7), COMMANDS).
 */
#include "hubd/messages/commands.h"
#include "hubd/outbox/outbox.h"
#include "hubd/modules/modules.h"
#include "hubd/request/limits.h"
#include "hubd/request/quality.h"
#include "lib/base/crypto.h"
#include "lib/base/magic.h"
#include "lib/ocpi/equal.h"
#include "lib/ocpi/outcome.h"
#include "lib/ocpi/validate.h"

#define CALLBACK_MAGIC 0x43424b31u
struct callback {
    uint32_t magic;
    struct request *request;
    struct store_command_read read;
    struct store_apply batch;
    uint8_t hash[32];
    struct str result; /* how it ended, empty where a module of others does not say so */
    bool delivers;
};

/* The result as everybody reads it: `body` is the one that goes to the eMSP. False: answered. */
static bool callback_read_outcome(struct callback *callback, const struct ocpi_object *object)
{
    struct request *request = callback->request;
    struct ocpi_outcome outcome = ocpi_outcome_read(request->arena, object, request->body);
    if (outcome.word.data == NULL) {
        const struct json_value *found = json_get(request->body, "result");
        request_answerf(request, REPLY_INVALID, "/result: not a %s: " STR_FMT,
                        ocpi_outcome_field(object)->enumeration->name,
                        STR_ARG(found == NULL ? STR("missing") : ocpi_value_text(request->arena, found)));
        return false;
    }
    callback->result = outcome.word;
    if (outcome.raw.data == request->body->raw.data ||
        json_parse_own(request->arena, outcome.raw, &request->body, NULL) == OK)
        return true;
    request_answer_error(request, ERR_MEMORY);
    return false;
}

/* What the result of that is; the hub only passes on what comes for modules of others: NULL. The three
 * results of ChargingProfiles have their outcome in common. */
static const struct ocpi_object *callback_object(const struct store_command *command)
{
    if (commands_is_remote(command))
        return &ocpi_command_result;
    return ocpi_module_find(commands_module(command)) == OCPI_MODULE_CHARGINGPROFILES
               ? &ocpi_charging_profile_result
               : NULL;
}

/* The result is there, bare or wrapped, and says how it ended. False: answered. */
static bool callback_check(struct callback *callback)
{
    struct request *request = callback->request;
    const struct ocpi_object *object = callback_object(&callback->read.row);
    if (object != NULL)
        request->body = ocpi_unwrap(request->body, "result");
    if (request->body == NULL)
        request_answer(request, REPLY_NOT_JSON, STR("the body is not JSON: it is empty"), STR_NONE);
    else if (request->body->type != JSON_OBJECT)
        request_answerf(request, REPLY_INVALID, ": not an object: " STR_FMT,
                        STR_ARG(ocpi_value_text(request->arena, request->body)));
    else if (object == NULL)
        return true;
    else if (object != &ocpi_command_result || request_validate(request, object, false))
        return callback_read_outcome(callback, object);
    return false;
}

static void callback_read_again(struct callback *callback);

static void callback_stored(struct store_apply *apply)
{
    struct callback *callback = MAGIC_CAST(struct callback, apply->context, CALLBACK_MAGIC);
    struct request *request = callback->request;
    if (apply->result == ERR_CONFLICT) { /* another result, or TIMEOUT, was faster: look again */
        request->audited = false;
        callback_read_again(callback);
        return;
    }
    if (apply->result != OK) {
        request->audited = false;
        request_answer_error(request, apply->result);
        return;
    }
    if (callback->delivers) {
        quality_count(request);
        outbox_wake(request->hub, callback->read.row.emsp, commands_module(&callback->read.row));
    }
    request_answer(request, REPLY_OK, STR_NONE, STR_NONE);
}

/* How the audit has it: as the CPO's result says. */
static struct str callback_status(const struct callback *callback)
{
    return request_is_result(callback->result) ? callback->result : STR("1000");
}

/* `deliver`: this result goes to the eMSP; else it only leaves its row in the audit, and its correlation id.
 */
static void callback_store(struct callback *callback, bool deliver, unsigned from, struct str status)
{
    struct request *request = callback->request;
    struct store_apply *batch = &callback->batch;
    store_batch_init(batch, request->arena);
    callback->delivers = deliver;
    struct store_op *op = store_batch_add(batch, STORE_UPDATE_COMMAND);
    if (op != NULL) {
        op->u.command_update.id = callback->read.row.id;
        commands_set_move(op, from, STORE_COMMAND_ENDED);
        op->u.command_update.callback_correlation_id = request->correlation_id;
    }
    if (op != NULL && deliver) {
        op->u.command_update.result = callback->result.length > 0 ? callback->result : STR("DONE");
        op->u.command_update.accepted = str_equal(callback->result, STR("ACCEPTED"));
        op->u.command_update.result_body = request->body->raw;
        if (callback->read.row.state == STORE_COMMAND_ENDED) /* the one second result there is */
            op->u.command_update.unless_result = STR("CANCELED_RESERVATION");
        commands_add_delivery(batch, &callback->read.row, request->body->raw, request_via(request));
    }
    request_audit_batch(request, batch, status);
    batch->callback = callback_stored;
    batch->context = callback;
    store_apply(request->worker->store, batch);
}

/* The same result again, whatever its spelling. */
static bool callback_is_repeated(struct callback *callback)
{
    const struct json_value *stored;
    struct str body = callback->read.row.result_body;
    return body.length > 0 && json_parse_own(callback->request->arena, body, &stored, NULL) == OK &&
           ocpi_equal(callback_object(&callback->read.row), stored, callback->request->body, NULL);
}

/* Relayed requests may be between other roles than a command's. */
static struct registry_party *callback_find_party(struct request *request, const struct ocpi_party_key *key,
                                                  unsigned role)
{
    struct registry_party *party = registry_find_party(request->snapshot, key, role);
    return party != NULL ? party : registry_find_party(request->snapshot, key, 0);
}

static void callback_read(struct store_read *base)
{
    struct callback *callback = MAGIC_CAST(struct callback, base->context, CALLBACK_MAGIC);
    struct request *request = callback->request;
    struct store_command *row = &callback->read.row;
    if (base->result == ERR_NOT_FOUND) {
        request_answer(request, REPLY_UNKNOWN, STR("no such command"), STR_NONE);
        return;
    }
    if (base->result != OK) {
        request_answer_error(request, base->result);
        return;
    }
    if (!callback_check(callback))
        return;
    struct ocpi_party_key key;
    if (ocpi_party_key_parse(row->cpo, &key, NULL, NULL, NULL))
        request->party = callback_find_party(request, &key, OCPI_ROLE_CPO);
    if (ocpi_party_key_parse(row->emsp, &key, NULL, NULL, NULL))
        request->target = callback_find_party(request, &key, OCPI_ROLE_EMSP);
    request->audit_correlation_id = row->correlation_id; /* the answer repeats what the caller gave */
    request->command = row->id;
    request->object = row->name;
    bool cancels = str_equal(row->command, STR("RESERVE_NOW")) &&
                   str_equal(callback->result, STR("CANCELED_RESERVATION"));
    if (row->state != STORE_COMMAND_ENDED)
        callback_store(callback, true, COMMANDS_OPEN, callback_status(callback));
    else if (callback_is_repeated(callback))
        callback_store(callback, false, 1u << STORE_COMMAND_ENDED, STR("repeated"));
    else if (cancels && row->result_body.length > 0 && !str_equal(row->result, STR("CANCELED_RESERVATION")))
        callback_store(callback, true, 1u << STORE_COMMAND_ENDED, callback_status(callback));
    else
        callback_store(callback, false, 1u << STORE_COMMAND_ENDED, STR("late"));
}

static void callback_read_again(struct callback *callback)
{
    struct store_command_read *read = &callback->read;
    memset(read, 0, sizeof *read);
    read->base.arena = callback->request->arena;
    read->base.callback = callback_read;
    read->base.context = callback;
    read->callback_hash = callback->hash;
    store_read_command(callback->request->worker->store, read);
}

/* ---------------------------------------------------------------- before the body is read */

static void callback_admitted(struct store_read *base)
{
    struct request *request = request_of(base->context);
    if (base->result == OK)
        request_take_body(request);
    else if (base->result == ERR_NOT_FOUND)
        limits_refuse_stranger(request, STR("no such command"));
    else
        request_answer_error(request, base->result);
}

/* Whoever knows no command's id is a stranger: its body is not read. */
void commands_callback_admit(struct request *request)
{
    struct callback *callback = arena_alloc(request->arena, sizeof *callback);
    if (callback == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    crypto_sha256(request->params[0], callback->hash);
    callback->read.base.arena = request->arena;
    callback->read.base.callback = callback_admitted;
    callback->read.base.context = request;
    callback->read.callback_hash = callback->hash;
    store_read_command(request->worker->store, &callback->read);
}

void commands_callback(struct request *request)
{
    struct callback *callback = arena_alloc(request->arena, sizeof *callback);
    if (callback == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    callback->magic = CALLBACK_MAGIC;
    callback->request = request;
    crypto_sha256(request->params[0], callback->hash);
    callback_read_again(callback);
}
