#ifndef HUBD_INTERFACES_H
#define HUBD_INTERFACES_H

#include "lib/ocpi/party.h"

/*
 * Which interfaces of a partner the hub calls, by the partner's role (OCPI 2.2.1, Terminology: typical
 * implementations per role; Versions: Endpoint). A partner's URLs are kept by a module key: the ModuleID for
 * its RECEIVER interface, "<ModuleID>:sender" for its SENDER interface.
 */
#define INTERFACES_SENDER_SUFFIX ":sender"

/* The key that the endpoint of a party of those roles is kept under; STR_NONE when the hub does not call it.
 * Static text. */
struct str interfaces_key(unsigned roles, struct str module, bool receiver);
/* A module that the hub never calls by itself: its requests are only passed on (hub-contract 5, Message
 * routing). */
bool interfaces_is_other(struct str module);
/* All keys there are, one after the other; STR_NONE behind the last. Static text. */
struct str interfaces_key_at(size_t index);

#endif
