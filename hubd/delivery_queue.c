#include <stdlib.h>

#include "hubd/delivery_internal.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define WINDOW_MAX 256
#define READ_LIMIT 64
/* Their ends share commits; after a crash so many are sent again, which at-least-once allows. */
#define ANSWERED_MAX 64

struct delivery_queue *delivery_queue_of(struct delivery_receiver *receiver, struct str module)
{
    for (struct delivery_queue *q = receiver->queues; q != NULL; q = q->next)
        if (str_equal(str_from(q->name), module))
            return q;
    struct delivery_queue *queue = calloc(1, sizeof *queue);
    char *name = queue == NULL ? NULL : malloc(module.length + 1);
    if (name == NULL) {
        free(queue);
        return NULL;
    }
    str_copy(module, name, module.length + 1);
    queue->magic = DELIVERY_QUEUE_MAGIC;
    queue->receiver = receiver;
    queue->name = name;
    queue->module = delivery_module_find(module);
    queue_init(&queue->items);
    queue->next = receiver->queues;
    receiver->queues = queue;
    return queue;
}

void delivery_queue_free(struct delivery_queue *queue)
{
    struct queue *node;
    while ((node = queue_pop(&queue->items)) != NULL)
        free(CONTAINER_OF(node, struct delivery_item, queue));
    queue->magic = 0;
    free(queue->name);
    free(queue);
}

bool delivery_is_ready(const struct registry_party *party)
{
    /* unknown and suspended ones are taken up too: their rows become held, or are dropped */
    return party == NULL || party->row.suspended ||
           (party->platform->row.status == STORE_PLATFORM_CONNECTED && party->platform->token.data != NULL);
}

static bool queue_is_ready(const struct delivery_queue *queue)
{
    struct hub *hub = queue->receiver->delivery->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    const struct registry_party *party =
        delivery_receiver_party(snapshot, str_from(queue->receiver->name.text), queue->module);
    bool ready = delivery_is_ready(party);
    registry_release(hub->control_view, snapshot);
    return ready;
}

/* ---------------------------------------------------------------- the window */

static bool queue_lane_is_busy(const struct delivery_queue *queue, const struct delivery_item *item)
{
    for (struct queue *q = queue->items.next; q != &item->queue; q = q->next)
        if (CONTAINER_OF(q, struct delivery_item, queue)->lane == item->lane)
            return true; /* an older message of the lane, sending or waiting, goes first */
    return false;
}

static bool queue_has_item(const struct delivery_queue *queue, int64_t id)
{
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next)
        if (CONTAINER_OF(q, struct delivery_item, queue)->id == id)
            return true;
    return false;
}

/* In order of ids, so that of a lane the older message stands first. */
static void queue_add_item(struct delivery_queue *queue, const struct store_delivery *row)
{
    struct delivery_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return; /* found again by the next poll */
    item->id = row->id;
    item->lane =
        queue->module->alone ? (uint64_t)row->id : str_hash(row->owner) * 31 ^ str_hash(row->object) * 1009;
    struct queue *before = &queue->items;
    while (before->previous != &queue->items &&
           CONTAINER_OF(before->previous, struct delivery_item, queue)->id > item->id)
        before = before->previous;
    queue_push(before, &item->queue);
    queue->item_count++;
}

static void queue_rows_read(struct store_read *base)
{
    struct delivery_queue *queue = MAGIC_CAST(struct delivery_queue, base->context, DELIVERY_QUEUE_MAGIC);
    struct store_due_read *read = &queue->read;
    const struct hub *hub = queue->receiver->delivery->hub;
    const struct retry_policy policy = {hub->conf.retry_initial, hub->conf.retry_max};
    int64_t now = hub_steady_ms(hub);
    if (base->result != OK)
        log_error_bounded("delivery: the queue of %s for %s cannot be read: %s", queue->name,
                          queue->receiver->name.text, base->error.text);
    for (size_t i = 0; base->result == OK && i < read->count; i++) {
        int64_t next = read->rows[i].next_attempt;
        bool due = next <= now || next != retry_clamp(&policy, next, now); /* by a wrong clock */
        if (due && !queue_has_item(queue, read->rows[i].id))
            queue_add_item(queue, &read->rows[i]);
        queue->scanned = read->rows[i].id;
    }
    bool more = base->result == OK && read->count == READ_LIMIT;
    arena_free(&queue->arena);
    queue->reading = false;
    queue->scan_again = queue->scan_again || more;
    delivery_queue_pump(queue);
}

static void queue_read(struct delivery_queue *queue)
{
    struct store_due_read *read = &queue->read;
    if (queue->rewind)
        queue->scanned = 0;
    queue->rewind = queue->scan_again = false;
    queue->reading = true;
    arena_init(&queue->arena, 16384);
    memset(read, 0, sizeof *read);
    read->base.arena = &queue->arena;
    read->base.callback = queue_rows_read;
    read->base.context = queue;
    read->queue.receiver = str_from(queue->receiver->name.text);
    read->queue.module = str_from(queue->name);
    read->after = queue->scanned;
    read->limit = READ_LIMIT;
    store_read_due(queue->receiver->delivery->hub->control_store, read);
}

/* How many may be under way: half open, one message finds out whether the receiver is back. */
static unsigned queue_parallel(const struct delivery_queue *queue, int64_t now)
{
    switch (retry_circuit(&queue->retry, now)) {
    case RETRY_CLOSED:
        return (unsigned)queue->receiver->delivery->hub->conf.delivery_parallel;
    case RETRY_OPEN:
        return 0;
    case RETRY_HALF_OPEN:
        return 1;
    }
    return 0;
}

static void queue_send(struct delivery_queue *queue, unsigned parallel)
{
    struct queue *q = queue->items.next;
    while (q != &queue->items && queue->sending_count < parallel && queue->answered_count < ANSWERED_MAX) {
        struct delivery_item *item = CONTAINER_OF(q, struct delivery_item, queue);
        q = q->next;
        if (item->sending || queue_lane_is_busy(queue, item))
            continue;
        item->sending = true;
        queue->sending_count++;
        delivery_send(queue, item);
    }
}

void delivery_queue_pump(struct delivery_queue *queue)
{
    struct delivery *delivery = queue->receiver->delivery;
    if (delivery->stopping)
        return;
    int64_t now = hub_steady_ms(delivery->hub);
    bool ready = queue_is_ready(queue);
    retry_clock_run(&queue->clock, ready, now);
    if (!ready || !delivery_queue_is_own(queue, now))
        return;
    unsigned parallel = queue_parallel(queue, now);
    if (parallel == 0)
        return;
    queue_send(queue, parallel);
    if ((queue->scan_again || queue->rewind) && !queue->reading &&
        queue->item_count < WINDOW_MAX - READ_LIMIT)
        queue_read(queue);
}

void delivery_queue_judge(struct delivery_queue *queue, enum delivery_verdict verdict, int64_t asked_ms)
{
    struct hub *hub = queue->receiver->delivery->hub;
    const struct retry_policy policy = {hub->conf.retry_initial, hub->conf.retry_max};
    switch (verdict) {
    case DELIVERY_DONE:
    case DELIVERY_MESSAGE_FAULT: /* it is there and speaks OCPI */
        retry_succeeded(&queue->retry);
        return;
    case DELIVERY_RECEIVER_FAULT:
        retry_failed(&queue->retry, &policy, hub_steady_ms(hub), asked_ms,
                     (unsigned)env_random_below(RETRY_CHANCE + 1));
        return;
    case DELIVERY_SKIPPED:
        return;
    }
}

void delivery_item_answered(struct delivery_queue *queue, struct delivery_item *item)
{
    item->answered = true;
    queue->sending_count--;
    queue->answered_count++;
    delivery_queue_pump(queue);
}

void delivery_item_finished(struct delivery_queue *queue, struct delivery_item *item, bool again)
{
    queue_remove(&item->queue);
    queue->item_count--;
    queue->sending_count -= !item->answered;
    queue->answered_count -= item->answered;
    queue->rewind = queue->rewind || again;
    free(item);
    delivery_queue_pump(queue);
}
