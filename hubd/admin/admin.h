#ifndef HUBD_ADMIN_ADMIN_H
#define HUBD_ADMIN_ADMIN_H

#include "hubd/hub.h"

/*
 * The commands of the account team: the admin socket on the control loop, with a handler for each row of the command
 * table (lib/ctl/commands.h) and a file for each noun. Call all of it on the control loop's thread.
 */

/* Opens the socket (hub-admin(7), DESCRIPTION) and uses hub->registry and hub->control_store from now on. Errors: see
 * ctl_server_start. */
int admin_start(struct hub *hub, struct error *error);
/* Closes all connections. `stopped` (may be NULL) is called on the loop when the changes under way have ended and
 * hub->admin is freed. */
void admin_stop(struct hub *hub, void (*stopped)(struct hub *hub));
/* Audit rows were committed: each `audit tail -f` reads them now. Without this call it would find them within a second,
 * by its timer. */
void admin_audit_appended(struct hub *hub);

#endif
