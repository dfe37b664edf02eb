#ifndef HUBD_ADMIN_ADMIN_H
#define HUBD_ADMIN_ADMIN_H

#include "hubd/hub.h"

/*
 * The account team's door: the admin socket on the control loop, one handler per row of the command table
 * (lib/ctl/commands.h), one file per noun. All calls on the control loop's thread, but admin_audit_appended.
 */

/* Opens the socket (hub-admin(7), DESCRIPTION); hub->registry and hub->control_store are in use from here.
 * Errors: see ctl_server_start. */
int admin_start(struct hub *hub, struct error *error);
/* Hangs up on everybody; `stopped` (may be NULL) is called on the loop when changes under way have ended and
 * hub->admin is gone. */
void admin_stop(struct hub *hub, void (*stopped)(struct hub *hub));
/* Audit rows were committed: followers of `audit tail -f` look at once. Control loop; a hint only, a poll
 * once a second is behind it. */
void admin_audit_appended(struct hub *hub);

#endif
