#include "hubd/messages/commands.h"

#include <stdlib.h>

#include "hubd/outbox/outbox.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define COMMANDS_MAGIC 0x434f4d44u
#define TICK_MS        200
#define DUE_LIMIT      64

struct commands {
    uint32_t magic;
    struct hub *hub;
    uv_timer_t tick;
    struct arena arena; /* of the round under way */
    struct store_command_list read;
    struct store_apply *batches;
    size_t waiting;
    bool busy, stopping;
};

/* ---------------------------------------------------------------- states */

/* Of an ended one a result that is late, repeated or a cancelled reservation's is still noted: it stays ended. */
static const uint32_t command_next[] = {
    [STORE_COMMAND_SENT] = SM_TO(STORE_COMMAND_ACCEPTED) | SM_TO(STORE_COMMAND_ENDED),
    [STORE_COMMAND_ACCEPTED] = SM_TO(STORE_COMMAND_ENDED),
    [STORE_COMMAND_ENDED] = SM_TO(STORE_COMMAND_ENDED),
};
static const char *const command_names[] = {
    [STORE_COMMAND_SENT] = "sent", [STORE_COMMAND_ACCEPTED] = "accepted", [STORE_COMMAND_ENDED] = "ended"};
const struct sm commands_states = {"command", command_names, command_next,
                                   sizeof command_next / sizeof command_next[0]};

const char *commands_state_name(enum store_command_state state)
{
    return command_names[state];
}

void commands_set_move(struct store_op *op, unsigned from, enum store_command_state to)
{
    for (unsigned state = 0; state < commands_states.count; state++)
        if ((from & SM_TO(state)) != 0)
            sm_check(&commands_states, state, to, op);
    op->u.command_update.from = from;
    op->u.command_update.state = to;
}

/* ---------------------------------------------------------------- callbacks and results */

struct str commands_make_callback(struct hub *hub, struct arena *arena, uint8_t hash[32])
{
    char secret[32];
    env_random(secret, sizeof secret);
    struct str text = base64url_encode(arena, str_of(secret, sizeof secret));
    crypto_wipe(secret, sizeof secret);
    if (text.data == NULL)
        return STR_NONE;
    crypto_sha256(text, hash);
    return arena_printf(arena, "%s/ocpi/2.2.1/commands/callback/" STR_FMT, hub->conf.base_url, STR_ARG(text));
}

struct str commands_module(const struct store_command *command)
{
    size_t space = str_find(command->command, ' ');
    return space == SIZE_MAX ? str_from(ocpi_module_name(OCPI_MODULE_COMMANDS))
                             : str_skip(command->command, space + 1);
}

bool commands_is_remote(const struct store_command *command)
{
    return str_find(command->command, ' ') == SIZE_MAX;
}

/* What the caller gets when no result came: CommandResultType has TIMEOUT, ChargingProfileResultType UNKNOWN.
 */
static struct str commands_no_result(const struct store_command *command)
{
    return commands_is_remote(command) ? STR("{\"result\":\"TIMEOUT\"}") : STR("{\"result\":\"UNKNOWN\"}");
}

void commands_add_delivery(struct store_apply *batch, const struct store_command *command, struct str body,
                           struct str via)
{
    struct store_op *op = store_batch_add(batch, STORE_PUT_DELIVERY);
    if (op == NULL)
        return;
    struct store_delivery *row = &op->u.delivery.row;
    row->state = STORE_DELIVERY_PENDING;
    row->receiver = command->emsp;
    row->sender = command->cpo;
    row->module = commands_module(command);
    row->method = STR("POST");
    row->kind = -1;
    row->owner = command->emsp;
    row->object = command->object;
    row->name = command->name;
    row->url = command->response_url;
    row->body = body;
    row->correlation_id = command->correlation_id;
    row->via = via;
    row->created = env_wall_ms();
}

static void commands_round_ended(struct commands *commands)
{
    arena_free(&commands->arena);
    commands->busy = false;
}

static void commands_timed_out(struct store_apply *apply)
{
    struct commands *commands = MAGIC_CAST(struct commands, apply->context, COMMANDS_MAGIC);
    const struct store_delivery *row = &apply->first->next->u.delivery.row;
    if (apply->result == OK)
        outbox_wake(commands->hub, row->receiver, row->module);
    else if (apply->result != ERR_CONFLICT) /* a conflict: the result came at the last moment, and counts */
        log_error_bounded("commands: a TIMEOUT cannot be stored: %s", apply->error.text);
    if (--commands->waiting == 0)
        commands_round_ended(commands);
}

static void commands_time_out(struct commands *commands, struct store_apply *batch,
                              const struct store_command *command)
{
    store_batch_init(batch, &commands->arena);
    struct store_op *end = store_batch_add(batch, STORE_UPDATE_COMMAND);
    commands_add_delivery(batch, command, commands_no_result(command), STR_NONE);
    struct store_op *row = store_batch_add(batch, STORE_APPEND_AUDIT);
    if (end != NULL && row != NULL) {
        end->u.command_update.id = command->id;
        commands_set_move(end, COMMANDS_OPEN, STORE_COMMAND_ENDED);
        end->u.command_update.result = STR("TIMEOUT");
        row->u.audit.kind = STORE_AUDIT_REALTIME;
        row->u.audit.actor = STR("hub");
        row->u.audit.action = STR("command.timeout");
        row->u.audit.party = command->emsp;
        row->u.audit.module = commands_module(command);
        row->u.audit.sender = command->cpo;
        row->u.audit.receiver = command->emsp;
        row->u.audit.object = command->name;
        row->u.audit.status = STR("TIMEOUT");
        row->u.audit.latency_ms = env_wall_ms() - command->created;
        row->u.audit.correlation_id = command->correlation_id;
        row->u.audit.detail = arena_printf(&commands->arena, "{\"command\":%lld}", (long long)command->id);
        row->u.audit.names_deliveries = true;
    }
    batch->callback = commands_timed_out;
    batch->context = commands;
    store_apply(commands->hub->control_store, batch);
}

static void commands_due_read(struct store_read *base)
{
    struct commands *commands = MAGIC_CAST(struct commands, base->context, COMMANDS_MAGIC);
    size_t count = base->result == OK && !commands->stopping ? commands->read.count : 0;
    commands->batches = count == 0 ? NULL : arena_alloc(&commands->arena, count * sizeof *commands->batches);
    if (commands->batches == NULL) {
        commands_round_ended(commands);
        return;
    }
    commands->waiting = count;
    for (size_t i = 0; i < count; i++)
        commands_time_out(commands, &commands->batches[i], &commands->read.rows[i]);
}

static void commands_tick(uv_timer_t *timer)
{
    struct commands *commands = MAGIC_CAST(struct commands, timer->data, COMMANDS_MAGIC);
    if (commands->busy)
        return;
    commands->busy = true;
    arena_init(&commands->arena, 0);
    memset(&commands->read, 0, sizeof commands->read);
    commands->read.base.arena = &commands->arena;
    commands->read.base.callback = commands_due_read;
    commands->read.base.context = commands;
    commands->read.due = hub_steady_ms(commands->hub);
    commands->read.limit = DUE_LIMIT;
    store_read_commands(commands->hub->control_store, &commands->read);
}

int commands_start(struct hub *hub)
{
    struct commands *commands = calloc(1, sizeof *commands);
    if (commands == NULL)
        return ERR_MEMORY;
    commands->magic = COMMANDS_MAGIC;
    commands->hub = hub;
    hub->commands = commands;
    commands->tick.data = commands;
    if (uv_timer_init(&hub->control.uv, &commands->tick) != 0)
        return ERR_IO;
    return uv_timer_start(&commands->tick, commands_tick, TICK_MS, TICK_MS) == 0 ? OK : ERR_IO;
}

void commands_stop(struct hub *hub)
{
    hub->commands->stopping = true;
    uv_close((uv_handle_t *)&hub->commands->tick, NULL);
}

void commands_free(struct hub *hub)
{
    if (hub->commands->busy)
        arena_free(&hub->commands->arena);
    hub->commands->magic = 0;
    free(hub->commands);
    hub->commands = NULL;
}
