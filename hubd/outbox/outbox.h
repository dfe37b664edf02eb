#ifndef HUBD_OUTBOX_OUTBOX_H
#define HUBD_OUTBOX_OUTBOX_H

#include "hubd/hub.h"
#include "hubd/outbox/retry.h"

/*
 * The outbox worker (hub-ocpi(7), DELIVERY): takes pending deliveries of the store, per receiver and module
 * in order and with bounded parallelism, and sends them; at least once. Runs on the control loop; but for
 * outbox_wake and outbox_resume everything is called there.
 */
int outbox_start(struct hub *hub);
/* From here on nothing is begun; what is on the wire is waited for, and its result stored. */
void outbox_drain(struct hub *hub);
/* Nothing is on the wire any more, and all results are stored. */
bool outbox_is_idle(const struct hub *hub);
/* What is still under way is cut by the client's end. */
void outbox_stop(struct hub *hub);
/* After outbox_stop and the client's end. */
void outbox_free(struct hub *hub);
/* Thread safe: there is (or may be) something of this module pending for this receiver, both as the row has
 * them. Only a hint: a poll once a second is behind it. */
void outbox_wake(struct hub *hub, struct str receiver, struct str module);
/* Thread safe: the platform of a receiver (a party key, or as rows have it) came back or its URL was changed:
 * try at once, without waiting for the back-off. */
void outbox_resume(struct hub *hub, struct str receiver);
/*
 * The circuit of the receiver (as rows have it) in a module, or the worst of all its modules where `module`
 * is empty. `retry_at`: wall clock ms when an open one lets the next message through, 0 when none is open.
 */
enum retry_circuit outbox_circuit(const struct hub *hub, struct str receiver, struct str module,
                                  int64_t *retry_at);
/* When a pending row is really tried again, wall clock ms: its own pause and its queue's; 0: at once, or
 * never. */
int64_t outbox_next_try(const struct hub *hub, const struct store_delivery *row);
/* May anything be sent to it? Also while it is OFFLINE: then one message at a time finds out
 * (hub-ocpi(7), DELIVERY). `party` NULL: one that is gone, whose rows are set aside. */
bool outbox_is_ready(const struct registry_party *party);

#endif
