#ifndef HUBD_PARTNERS_PROVEN_H
#define HUBD_PARTNERS_PROVEN_H

#include "hubd/hub.h"

/*
 * Which hosts count as a partner's own (hub-ocpi(7), CALLS OF THE HUB): those where an exchange or a
 * discovery succeeded (hubd/partners/registration.h), those that the account team names, and, here, those
 * that a discovery merely listed, once a call with the partner's token got a good answer there. Kept in the
 * platform's row, as URLs.
 */

/* Thread safe: a call with the platform's token to one of its receivers ended with 2xx and 1xxx. Cheap where
 * nothing is to be learned. `arena` for scratch. */
void proven_note(struct hub *hub, struct arena *arena, const struct registry_platform *platform,
                 struct str url);

#endif
