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

enum interfaces_bit { INTERFACES_SENDER = 1, INTERFACES_RECEIVER = 2 };

/* What the hub calls of parties with one of `roles`. */
struct interfaces_row {
    unsigned roles;      /* enum ocpi_role bits */
    unsigned interfaces; /* enum interfaces_bit bits; of both either will do */
    enum ocpi_module module;
    const char *calls; /* which requests, for hub-ocpi(7) */
    /* What is impossible when a party with one of the roles has no RECEIVER interface. NULL: it need not have one. */
    const char *without;
};
/* The index-th row of the table; NULL after the last. */
const struct interfaces_row *interfaces_row_at(size_t index);
/* The index-th of those that a party with those roles must have; NULL after the last. */
const struct interfaces_row *interfaces_need_at(unsigned roles, size_t index);

/* The module key of an endpoint, for a party with those roles; STR_NONE when the hub never calls it. Static
 * text. */
struct str interfaces_key(unsigned roles, enum ocpi_module module, bool receiver);
/* The module that `spelled` means, compared without letters' case, '-' and '_'; OTHER when the hub calls no
 * such module. */
enum ocpi_module interfaces_module(struct str spelled);
/* A module that the hub never calls by itself: its requests are only passed on
 * (hub-ocpi(7), ROUTING). */
bool interfaces_is_other(struct str module);
/* The index-th of all module keys; STR_NONE after the last. Static text. */
struct str interfaces_key_at(size_t index);

#endif
