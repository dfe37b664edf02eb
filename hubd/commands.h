#ifndef HUBD_COMMANDS_H
#define HUBD_COMMANDS_H

#include "hubd/hub.h"

/* Remote commands whose result never came: the clock that gives the eMSP its TIMEOUT (hub-contract 5,
 * Commands). Control loop. */
int commands_start(struct hub *hub);
void commands_stop(struct hub *hub);
void commands_free(struct hub *hub);

/* States that a command may still leave: `from` of STORE_UPDATE_COMMAND. */
#define COMMANDS_OPEN ((1u << STORE_COMMAND_SENT) | (1u << STORE_COMMAND_ACCEPTED))

/* Adds the delivery of a CommandResult to the eMSP's response_url. */
void commands_add_delivery(struct store_apply *batch, const struct store_command *command, struct str body);

#endif
