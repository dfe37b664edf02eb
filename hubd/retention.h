#ifndef HUBD_RETENTION_H
#define HUBD_RETENTION_H

#include "hubd/hub.h"

/*
 * Deletes what is older than the settings allow (hub-audit(5), RETENTION): audit rows, which leave a proof
 * of themselves, finished deliveries, and completed sessions and CDRs that nobody waits for. Control loop; in
 * slices with pauses between, so that no push waits for it.
 */
int retention_start(struct hub *hub);
/* The settings have changed: the next round begins now. */
void retention_reload(struct hub *hub);
void retention_stop(struct hub *hub);
void retention_free(struct hub *hub);

#endif
