#ifndef HUBCTL_AGE_H
#define HUBCTL_AGE_H

#include "hubctl/client.h"

/*
 * hubd and hubctl of different age (hub-admin(7), VERSIONS). Within one protocol both only ever add: keys,
 * columns and states that this hubctl does not know pass through --json and are left out elsewhere; a method
 * that hubd does not know is told here.
 */

/* hubd does not know the command: complains with hubd's version, which is asked for on the same connection.
 */
enum ctl_exit age_explain_unknown(struct client *client, const struct ctl_command *command,
                                  int64_t timeout_ms);
/* Warns when hubd's answer to `version` tells of another protocol. */
void age_check(const struct json_value *version);

#endif
