#ifndef HUBD_PARTNERS_CLIENTINFO_H
#define HUBD_PARTNERS_CLIENTINFO_H

#include "hubd/hub.h"
#include "lib/json/writer.h"

/*
 * HubClientInfo (OCPI 2.2.1, HubClientInfo module; hub-ocpi(7), HUBCLIENTINFO): what the hub tells its
 * partners of each other. Every change of a party is handed to the outbox for each party that has a
 * `hubclientinfo` receiver and is on another platform, one message per role; a receiver that is new, or has a
 * new URL, gets all parties. A platform that hosts several parties behind one URL is told once.
 *
 * What a receiver was told of is kept with it, as the last_updated of the last change, and moves in the batch
 * that hands over: nothing is lost by a crash, nothing told twice. Runs on the control loop.
 */
int clientinfo_start(struct hub *hub);
/* Hands nothing over any more. */
void clientinfo_stop(struct hub *hub);
/* After clientinfo_stop, when no request to the store is under way. */
void clientinfo_free(struct hub *hub);
/* Some of it may have changed: looks again. The registry's hook. */
void clientinfo_look(void *hub);

/* The ClientInfo of a party in one of its roles. */
void clientinfo_write(struct json_writer *writer, const struct registry_party *party, unsigned role);
/*
 * Adds to a batch that removes a party: SUSPENDED goes to everybody who may have been told of it, since OCPI
 * knows no other end. Texts in the arena of the batch.
 */
void clientinfo_add_retirement(struct hub *hub, const struct registry_snapshot *snapshot,
                               const struct registry_party *party, int64_t now, struct store_apply *batch);

#endif
