#ifndef HUBD_OUTBOX_ADDRESS_H
#define HUBD_OUTBOX_ADDRESS_H

#include "hubd/hub.h"

/*
 * Whom a delivery is for, whether it may go, where to and in whose name: a row per module, judged by the
 * registry as it is now.
 */

/* Who speaks in the routing headers (OCPI 2.2.1, Transport: Message Routing): the party that sent the object,
 * or the hub where it broadcasts; configuration modules have no such headers. */
enum delivery_voice { DELIVERY_AS_SENDER, DELIVERY_AS_HUB, DELIVERY_UNROUTED };

struct delivery_module {
    const char *name; /* NULL: any other */
    unsigned role;    /* of the receiver; 0: any */
    enum delivery_voice voice;
    bool by_rule; /* only with a rule between the receiver and the sender */
    int pushed;   /* enum store_kind, for receivers that asked for its push; -1: what concerns its receiver */
    bool alone;   /* each goes to a URL of its own: its failures are its own */
};
/* Never NULL: of modules that the hub only relays the results go back, to URLs of their own. */
const struct delivery_module *delivery_module_find(struct str name);

/*
 * How rows name their receiver: its key; where that is two parties, the key is the eMSP and any other one has
 * a role behind it, "IN-ABC:CPO". NULL data: no memory.
 */
struct str delivery_receiver_name(const struct registry_snapshot *snapshot,
                                  const struct registry_party *party, struct arena *arena);
/* The party of such a name for messages of `module` (NULL: of any); NULL when there is none. */
const struct registry_party *delivery_receiver_party(const struct registry_snapshot *snapshot,
                                                     struct str name, const struct delivery_module *module);

/* DROP: it need not be sent any more. */
enum delivery_fate { DELIVERY_SEND, DELIVERY_HOLD, DELIVERY_DROP };
struct delivery_address {
    enum delivery_fate fate;
    const char *reason; /* of HOLD and DROP, static */
    const struct delivery_module *module;
    const struct registry_party *sender; /* NULL: the hub */
    const struct registry_party *target; /* NULL: gone */
};
/* Of a row of `module` as it was read with its body; pointers live as long as the snapshot is held. */
void delivery_address_find(const struct registry_snapshot *snapshot, const struct delivery_module *module,
                           const struct store_delivery *row, struct delivery_address *address);
/*
 * The URL of a row that may be sent: its own, or the receiver's of the module (POST), or below that the
 * object's path with the owner's spelling of its ids: of the stored `location` (STR_NONE: taken from `body`),
 * and of the EVSE that `body` is when `evse`. In the arena; NULL data: no memory.
 */
struct str delivery_address_url(const struct delivery_address *address, struct arena *arena,
                                const struct store_delivery *row, struct str body, struct str location,
                                bool evse);

#endif
