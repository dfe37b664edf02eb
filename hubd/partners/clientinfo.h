#ifndef HUBD_PARTNERS_CLIENTINFO_H
#define HUBD_PARTNERS_CLIENTINFO_H

#include "hubd/hub.h"
#include "lib/json/writer.h"

/*
 * HubClientInfo (OCPI 2.2.1, HubClientInfo module; hub-ocpi(7), HUBCLIENTINFO): the hub tells its partners
 * about each other. Each change of a party goes into the outbox, one message per role, for every party on
 * another platform that has a `hubclientinfo` receiver; a new receiver, or one with a new URL, gets all
 * parties. A platform with several parties behind one URL gets each message once. Each receiver's row has the
 * last_updated of the last change that was sent to it. That mark moves in the same batch that adds the
 * messages, so a crash loses nothing and repeats nothing. Control loop.
 */
int clientinfo_start(struct hub *hub);
/* Stops: adds no more messages to the outbox. */
void clientinfo_stop(struct hub *hub);
/* Frees it after clientinfo_stop, when no request to the store is under way. */
void clientinfo_free(struct hub *hub);

/* Writes the ClientInfo object of a party in one of its roles. */
void clientinfo_write(struct json_writer *writer, const struct registry_party *party, unsigned role);
/*
 * Adds messages with status SUSPENDED to a batch that removes the party, for all that may have been sent it
 * before: OCPI has no other status for the end. `now`: wall clock, ms. Texts are in the arena of the batch.
 */
void clientinfo_add_retirement(struct hub *hub, const struct registry_snapshot *snapshot,
                               const struct registry_party *party, int64_t now, struct store_apply *batch);

#endif
