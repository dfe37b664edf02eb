#ifndef HUBD_MESSAGES_COMMANDS_H
#define HUBD_MESSAGES_COMMANDS_H

#include "hubd/hub.h"
#include "lib/base/sm.h"

/* Remote commands whose result never came: the clock that gives the eMSP its TIMEOUT
 * (hub-ocpi(7), COMMANDS). Control loop. */
int commands_start(struct hub *hub);
void commands_stop(struct hub *hub);
void commands_free(struct hub *hub);

/* States that a command may still leave: `from` of STORE_UPDATE_COMMAND. */
#define COMMANDS_OPEN ((1u << STORE_COMMAND_SENT) | (1u << STORE_COMMAND_ACCEPTED))

/* Which state of a command may follow which. */
extern const struct sm commands_states;
/* "sent", "accepted", "ended". */
const char *commands_state_name(enum store_command_state state);
/* STORE_UPDATE_COMMAND: out of one of the states `from` (bits) into `to`. A move that a command cannot make from each of
 * them is a BUG (lib/base/sm.h): ACCEPTED comes only after SENT, and nothing leaves ENDED. */
void commands_set_move(struct store_op *op, unsigned from, enum store_command_state to);

/*
 * A callback URL of the hub's: its secret is 256 random bits, of which only the hash is kept
 * (hub-ocpi(7), COMMANDS). In the arena; data == NULL when there is no memory.
 */
struct str commands_make_callback(struct hub *hub, struct arena *arena, uint8_t hash[32]);
/* One of OCPI's remote commands; else a relayed request that waits for a result the same way. */
bool commands_is_remote(const struct store_command *command);

/* Whose module's result it waits for: "METHOD module" is what relayed requests are kept as (hubd/messages/relay.h). */
struct str commands_module(const struct store_command *command);
/* Adds the delivery of a CommandResult to the eMSP's response_url. `via`: that of the request that brought
 * it, or STR_NONE: the hub says it. */
void commands_add_delivery(struct store_apply *batch, const struct store_command *command, struct str body,
                           struct str via);

#endif
