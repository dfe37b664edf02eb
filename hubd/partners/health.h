#ifndef HUBD_PARTNERS_HEALTH_H
#define HUBD_PARTNERS_HEALTH_H

#include "hubd/hub.h"

/* Probes every exchanged platform, decides OFFLINE and CONNECTED (hub-ocpi(7), HEALTH). Control loop. */
int health_start(struct hub *hub);
void health_stop(struct hub *hub);
/* After health_stop and the client's end. */
void health_free(struct hub *hub);
/* The hub's observer of calls (hubd/calls/outbound.h): a valid answer is a sign of life and may prove a host, of
 * another end what went wrong becomes the platform's last error. Thread safe. */
extern const struct outbound_observer health_observer;
/* The last error of a call to the platform, in this process or as it was stored; may be empty. Control loop.
 */
struct str health_last_error(const struct registry_platform *platform);
/* Of an OFFLINE one, wall clock ms: as the process saw it, after a restart as HubClientInfo tells it. Control
 * loop. */
int64_t health_offline_since(const struct registry_platform *platform);
/*
 * What is probed: the `versions` receiver if set, else the document that last worked in an exchange or
 * discovery, else the credentials url, and where that is no document, that with its last segment replaced by
 * `versions`, in turns until one is (hub-ocpi(7), HEALTH). In the snapshot or in `arena`.
 */
struct str health_probe_url(struct arena *arena, const struct registry_platform *platform);

#endif
