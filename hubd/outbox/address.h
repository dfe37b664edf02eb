#ifndef HUBD_OUTBOX_ADDRESS_H
#define HUBD_OUTBOX_ADDRESS_H

#include "hubd/hub.h"
#include "lib/ocpi/modules.h"

/*
 * Whom a delivery is for, whether it may go, where to and in whose name: a row per module, judged by the
 * registry as it is now.
 */

/* Who speaks in the routing headers (OCPI 2.2.1, Transport: Message Routing): the party that sent the object,
 * or the hub where it broadcasts; configuration modules have no such headers. */
enum outbox_from { OUTBOX_FROM_SENDER, OUTBOX_FROM_HUB, OUTBOX_UNROUTED };

struct outbox_module {
    enum ocpi_module module; /* OTHER: any without a row of its own */
    unsigned role;           /* of the receiver; 0: any */
    enum outbox_from from;
    bool by_rule; /* only with a rule between the receiver and the sender */
    int pushed;   /* enum store_kind, for receivers that asked for its push; -1: what concerns its receiver */
    bool alone;   /* each goes to a URL of its own: its failures are its own */
};
/* Never NULL. */
const struct outbox_module *outbox_module_find(struct str name);

/*
 * How rows name their receiver: its key; where that is two parties, the key is the eMSP and any other one has
 * a role behind it, "IN-ABC:CPO". NULL data: no memory.
 */
struct str outbox_receiver_name(const struct registry_snapshot *snapshot, const struct registry_party *party,
                                struct arena *arena);
/* The party of such a name for messages of `module` (NULL: of any); NULL when there is none. */
const struct registry_party *outbox_receiver_party(const struct registry_snapshot *snapshot, struct str name,
                                                   const struct outbox_module *module);

/* DROP: it need not be sent any more. */
enum outbox_action { OUTBOX_SEND, OUTBOX_HOLD, OUTBOX_DROP };
struct outbox_address {
    enum outbox_action action;
    enum store_hold_reason hold; /* of HOLD */
    const char *reason;          /* of DROP, static */
    const struct outbox_module *module;
    const struct registry_party *sender; /* NULL: the hub */
    const struct registry_party *target; /* NULL: gone */
};
/* Of a row of `module` as it was read with its body; pointers live as long as the snapshot is held. */
void outbox_address_find(const struct registry_snapshot *snapshot, const struct outbox_module *module,
                         const struct store_delivery *row, struct outbox_address *address);
/*
 * The URL of a row that may be sent: its own, or the receiver's of the module (POST), or below that the
 * object's path with the owner's spelling of its ids: of the stored `location` (STR_NONE: taken from `body`),
 * and of the EVSE that `body` is when `evse`. In the arena; NULL data: no memory.
 */
struct str outbox_address_url(const struct outbox_address *address, struct arena *arena,
                              const struct store_delivery *row, struct str body, struct str location,
                              bool evse);

#endif
