#ifndef HUBD_REGISTRY_INTERFACES_H
#define HUBD_REGISTRY_INTERFACES_H

#include "lib/ocpi/modules.h"
#include "lib/ocpi/party.h"

/*
 * Which interfaces of a partner the hub calls, by the partner's role (OCPI 2.2.1, Terminology: typical
 * implementations per role; Versions: Endpoint). A partner's URLs are kept by a module key: the ModuleID for
 * its RECEIVER interface, "<ModuleID>:sender" for its SENDER interface.
 */
#define INTERFACES_SENDER_SUFFIX ":sender"

/* The module key of an endpoint, for a party with those roles; STR_NONE when the hub never calls it. Static
 * text. */
struct str interfaces_key(unsigned roles, enum ocpi_module module, bool receiver);
/* The module that `spelled` means, compared without letters' case, '-' and '_'; OTHER when the hub calls no
 * such module. */
enum ocpi_module interfaces_module(struct str spelled);
/* A module that the hub never calls by itself: its requests are only passed on
 * (hub-ocpi(7), ROUTING). */
bool interfaces_is_other(struct str module);
/* A RECEIVER interface that parties of those roles must have. */
struct interfaces_need {
    unsigned roles;
    enum ocpi_module module;
    const char *without; /* what is impossible when it is missing */
};
/* The index-th of those that a party with those roles needs; NULL after the last. */
const struct interfaces_need *interfaces_need_at(unsigned roles, size_t index);
/* The index-th of all module keys; STR_NONE after the last. Static text. */
struct str interfaces_key_at(size_t index);

#endif
