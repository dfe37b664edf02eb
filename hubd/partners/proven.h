#ifndef HUBD_PARTNERS_PROVEN_H
#define HUBD_PARTNERS_PROVEN_H

#include "hubd/hub.h"

/*
 * Decides which hosts are a partner's own (hub-ocpi(7), CALLS OF THE HUB): those where an exchange or a
 * discovery succeeded (hubd/partners/registration.h), those that the account team set, and those that a
 * discovery listed, once a call there with the partner's token was answered well. This file adds the last
 * kind. They are stored as URLs in the platform's row.
 */

/* Notes that a call with the platform's token to one of its receivers was answered with 2xx and 1xxx; stores
 * the host of `url` when it is new. Cheap when it is known. `arena`: for scratch. Thread safe. */
void proven_note(struct hub *hub, struct arena *arena, const struct registry_platform *platform,
                 struct str url);

#endif
