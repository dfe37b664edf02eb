#ifndef HUBCTL_AGE_H
#define HUBCTL_AGE_H

#include "hubctl/client.h"

/*
 * A hubctl that is older or newer than hubd (hub-admin(7), VERSIONS). Within one version of the protocol both
 * only add to it. Keys, columns and states that this hubctl does not know are printed by --json and left out of
 * every other form. A method that hubd does not know is reported here.
 */

/* Complains that hubd does not know the command, with hubd's version, which it asks for on the same
 * connection. */
enum ctl_exit age_explain_unknown(struct client *client, const struct ctl_command *command,
                                  int64_t timeout_ms);
/* Warns when hubd's answer to `version` names another version of the protocol. */
void age_check(const struct json_value *version);

#endif
