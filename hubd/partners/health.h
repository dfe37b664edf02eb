#ifndef HUBD_PARTNERS_HEALTH_H
#define HUBD_PARTNERS_HEALTH_H

#include "hubd/hub.h"

/* Probes every platform that has exchanged credentials, and decides whether it is OFFLINE or CONNECTED
 * (hub-ocpi(7), HEALTH). Control loop. 0 or a negative error_code. */
int health_start(struct hub *hub);
void health_stop(struct hub *hub);
/* Frees it after health_stop, when the client has ended. */
void health_free(struct hub *hub);
/* The hub's observer of calls (hubd/calls/outbound.h). A valid answer is a sign of life and may prove a host;
 * any other end becomes the platform's last error. Any thread. */
extern const struct outbound_observer health_observer;
/* The last error of a call to the platform: of this process, else as it was stored; may be empty. Control
 * loop. */
struct str health_last_error(const struct registry_platform *platform);
/* Since when the platform is OFFLINE, wall clock ms: as this process saw it, after a restart as HubClientInfo
 * says. Control loop. */
int64_t health_offline_since(const struct registry_platform *platform);
/*
 * The URL to probe: the `versions` receiver if there is one; else the document that answered the last
 * exchange or discovery; else the credentials URL or, where that holds no such document, the same URL with
 * `versions` as its last segment, in turns until one does (hub-ocpi(7), HEALTH). A view of the snapshot, or
 * in `arena`.
 */
struct str health_probe_url(struct arena *arena, const struct registry_platform *platform);

#endif
