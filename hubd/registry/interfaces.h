#ifndef HUBD_REGISTRY_INTERFACES_H
#define HUBD_REGISTRY_INTERFACES_H

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
/* The ModuleID that is meant by another spelling: letters' case, '-' and '_' aside; STR_NONE when it is none
 * of those that the hub calls. Static text. */
struct str interfaces_module(struct str spelled);
/* A module that the hub never calls by itself: its requests are only passed on
 * (hub-ocpi(7), ROUTING). */
bool interfaces_is_other(struct str module);
/* What a party of those roles cannot do without: its RECEIVER interface of a module, and what is impossible
 * then. The index-th of them; NULL behind the last. */
struct interfaces_need {
    unsigned roles;
    const char *module, *without;
};
const struct interfaces_need *interfaces_need_at(unsigned roles, size_t index);
/* All keys there are, one after the other; STR_NONE behind the last. Static text. */
struct str interfaces_key_at(size_t index);

#endif
