#ifndef HUBD_DELIVERY_INTERNAL_H
#define HUBD_DELIVERY_INTERNAL_H

#include "hubd/delivery.h"
#include "hubd/outbound.h"
#include "hubd/route.h"

/* How the rooms of the outbox worker fit together: delivery.c schedules receivers, delivery_send.c sends one
 * message and judges its answer. Control loop only. */

#define DELIVERY_RECEIVER_MAGIC 0x52454356u

/* A pending row in a receiver's window. */
struct delivery_item {
    struct queue queue;
    int64_t id;
    uint64_t lane; /* hash of module, owner and object: one message of a lane at a time, in order */
    bool sending;
};

struct delivery_receiver {
    uint32_t magic;
    struct delivery *delivery;
    struct delivery_receiver *next;
    struct ocpi_party_key key;
    struct queue items; /* window, in order of ids */
    unsigned item_count, sending_count;
    int64_t scanned; /* rows up to this id were looked at */
    bool reading, scan_again, rewind;
    unsigned failures;    /* of the receiver, in a row; 0: closed circuit */
    int64_t paused_until; /* monotonic ms */
    struct arena arena;   /* of the read under way */
    struct store_due_read read;
};

struct delivery {
    struct hub *hub;
    struct delivery_receiver *receivers;
    uv_timer_t poll;
    uv_async_t wake;
    uv_mutex_t lock;
    struct delivery_hint {
        struct ocpi_party_key key;
        bool resume;
    } * hints;
    size_t hint_count, hint_capacity;
    bool stopping;
};

/* How a try ended (hub-contract 8). */
enum delivery_verdict { DELIVERY_DONE, DELIVERY_RECEIVER_FAULT, DELIVERY_MESSAGE_FAULT, DELIVERY_SKIPPED };

/* Sends the item; ends in delivery_item_finished, later. */
void delivery_send(struct delivery_receiver *receiver, struct delivery_item *item);
/* The item's result is stored (or could not be): it leaves the window. `retry_after_ms`: what the receiver
 * asked for, 0 if nothing. */
void delivery_item_finished(struct delivery_receiver *receiver, struct delivery_item *item,
                            enum delivery_verdict verdict, int64_t retry_after_ms);
/* The pause after the n-th failure in a row: exponential from retry_initial to retry_max, with jitter, ms. */
int64_t delivery_backoff(const struct conf *conf, unsigned failures);

#endif
