/*
 * What may be sent next of a queue (hub-ocpi(7), DELIVERY). A few rows at a time stand in memory: those that
 * were never tried, in order of their ids; of them the newest and some from anywhere; and those that are due
 * again. However many of one sort fail, the others get their turns: none is read through another.
 */
#include <stdlib.h>

#include "hubd/outbox/internal.h"
#include "hubd/outbox/slots.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define READ_LIMIT  64
#define READ_SAMPLE 4
#define READ_AGAIN  32
/* Their ends share commits; after a crash so many are sent again, which at-least-once allows. */
#define ANSWERED_MAX 64
/* Messages to URLs of their own, and what goes out beyond delivery_parallel: this part of the connections. */
#define SHARE_PART 4

static struct outbox_item *item_of(struct ring *link)
{
    return CONTAINER_OF(link, struct outbox_item, queue);
}

/* ---------------------------------------------------------------- reading */

static unsigned window_count(struct outbox_queue *queue, bool again)
{
    unsigned count = 0;
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next)
        count += (item_of(q)->due != 0) == again;
    return count;
}

static bool window_has(const struct outbox_queue *queue, int64_t id)
{
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_of(q)->id == id)
            return true;
    return false;
}

/* In order of ids. False: no memory. */
static bool window_add(struct outbox_queue *queue, const struct store_delivery *row)
{
    struct outbox_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return false;
    item->id = row->id;
    item->due = row->next_attempt;
    item->fresh = row->failed == 0;
    item->lane = str_hash(row->owner) * 31 ^ str_hash(row->object) * 1009 ^ str_hash(row->url) * 9973 ^
                 str_hash(row->correlation_id) * 99991;
    struct ring *before = &queue->items;
    while (before->previous != &queue->items && item_of(before->previous)->id > item->id)
        before = before->previous;
    ring_push(before, &item->queue);
    queue->item_count++;
    return true;
}

static void window_take(struct outbox_queue *queue)
{
    struct store_due_read *read = &queue->read;
    unsigned again = 0, added = 0;
    for (size_t i = 0; i < read->count; i++) {
        again += read->rows[i].next_attempt != 0;
        if (window_has(queue, read->rows[i].id))
            continue;
        if (!window_add(queue, &read->rows[i]))
            queue->rewind = true;
        added += read->rows[i].next_attempt != 0;
    }
    if (read->limit > 0)
        queue->scanned = read->after;
    queue->scan_again = queue->scan_again || read->more;
    queue->again = queue->again || (again >= read->again && added > 0);
}

static void window_rows_read(struct store_read *base)
{
    struct outbox_queue *queue = MAGIC_CAST(struct outbox_queue, base->context, OUTBOX_QUEUE_MAGIC);
    if (base->result == OK)
        window_take(queue);
    else
        log_error_bounded("delivery: the queue of %s for %s cannot be read: %s", queue->name,
                          queue->receiver->name.text, base->error.text);
    arena_free(&queue->arena);
    queue->reading = false;
    if (base->result == OK)
        outbox_queue_pump(queue); /* else the next poll reads again */
}

/* An id anywhere between the oldest and the newest that were seen. */
static int64_t window_middle(const struct outbox_queue *queue)
{
    if (ring_is_empty(&queue->items))
        return 0;
    int64_t oldest = item_of(queue->items.next)->id, newest = item_of(queue->items.previous)->id;
    return oldest + (int64_t)env_random_below((uint64_t)(newest - oldest) + 1);
}

void outbox_window_read(struct outbox_queue *queue)
{
    struct outbox *outbox = queue->receiver->outbox;
    struct store_due_read *read = &queue->read;
    unsigned first = window_count(queue, false), again = window_count(queue, true);
    bool room = first < OUTBOX_WINDOW - READ_LIMIT;
    bool scan = (queue->scan_again || queue->rewind) && room;
    if (queue->reading || (!scan && !(queue->again && again < OUTBOX_WINDOW)))
        return;
    const struct retry_policy policy = outbox_policy(outbox);
    if (scan && queue->rewind)
        queue->scanned = 0;
    queue->rewind = queue->rewind && !scan;
    queue->scan_again = queue->scan_again && !scan;
    queue->again = false;
    queue->reading = true;
    arena_init(&queue->arena, 16384);
    memset(read, 0, sizeof *read);
    read->base.arena = &queue->arena;
    read->base.callback = window_rows_read;
    read->base.context = queue;
    read->queue.receiver = str_from(queue->receiver->name.text);
    read->queue.module = str_from(queue->name);
    read->after = queue->scanned;
    read->now = hub_steady_ms(outbox->hub);
    read->latest = read->now + retry_longest_pause(&policy);
    read->limit = scan ? READ_LIMIT : 0;
    read->sample = queue->wary > 0 && first <= OUTBOX_WINDOW ? READ_SAMPLE : 0;
    read->middle = window_middle(queue);
    read->again = READ_AGAIN + again;
    store_read_due(outbox->hub->control_store, read);
}

/* ---------------------------------------------------------------- choosing */

/* What is under way. */
struct window_load {
    struct slots_load slots;
    bool trial; /* one begun since the receiver was last suspected */
};

static struct slots_call item_call(const struct outbox_item *item, int64_t now)
{
    return (struct slots_call){now - item->started, item->beside_ms, !item->fresh};
}

static struct window_load window_load(const struct outbox_queue *queue, int64_t now)
{
    struct window_load load = {0};
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next) {
        const struct outbox_item *item = item_of(q);
        if (item->started == 0 || item->answered)
            continue;
        const struct slots_call call = item_call(item, now);
        slots_count(&load.slots, &call, queue->module->alone);
        load.trial = load.trial || item->trial;
    }
    return load;
}

void outbox_window_passed(struct outbox_queue *queue, const struct outbox_item *passed, int64_t now)
{
    int64_t took = now - passed->started;
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next) {
        struct outbox_item *item = item_of(q);
        if (item != passed && item->started != 0 && (item->beside_ms == 0 || item->beside_ms > took))
            item->beside_ms = took > 0 ? took : 1;
    }
}

/* One of its lane is under way; of a command's results also: an older one waits. */
static bool lane_is_busy(const struct outbox_queue *queue, const struct outbox_item *item)
{
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_of(q)->lane == item->lane && item_of(q) != item &&
            (item_of(q)->started != 0 || (queue->module->alone && item_of(q)->id < item->id)))
            return true;
    return false;
}

static bool item_waits(const struct outbox_queue *queue, const struct outbox_item *item, bool fresh)
{
    return item->started == 0 && item->fresh == fresh && !lane_is_busy(queue, item);
}

static struct outbox_item *find_oldest(const struct outbox_queue *queue)
{
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_waits(queue, item_of(q), true))
            return item_of(q);
    return NULL;
}

static struct outbox_item *find_newest(const struct outbox_queue *queue)
{
    for (struct ring *q = queue->items.previous; q != &queue->items; q = q->previous)
        if (item_waits(queue, item_of(q), true))
            return item_of(q);
    return NULL;
}

/* Any: a run that fails may have both ends. */
static struct outbox_item *find_any(const struct outbox_queue *queue)
{
    uint64_t count = 0;
    struct outbox_item *found = NULL;
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_waits(queue, item_of(q), true) && env_random_below(++count) == 0)
            found = item_of(q);
    return found;
}

/* Of those that failed before the one that has been due for the longest time: they take turns. */
static struct outbox_item *find_again(const struct outbox_queue *queue)
{
    struct outbox_item *first = NULL;
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_waits(queue, item_of(q), false) && (first == NULL || item_of(q)->due < first->due))
            first = item_of(q);
    return first;
}

/*
 * The turns of the sorts. While something fails or hangs (`wary`) both ends of what waits get theirs, and its
 * middle, so that a run of messages that fail, wherever it stands, does not hide those that would arrive.
 */
static struct outbox_item *choose_by_turn(struct outbox_queue *queue, bool fresh, bool again, bool wary)
{
    static struct outbox_item *(*const turns[])(const struct outbox_queue *queue) = {find_oldest, find_newest,
                                                                                     find_any, find_again};
    const unsigned count = sizeof turns / sizeof turns[0];
    for (unsigned i = 0; i < count; i++) {
        unsigned turn = (queue->turn + i) % count;
        bool allowed = turns[turn] == find_again ? again : fresh && (turns[turn] == find_oldest || wary);
        struct outbox_item *item = allowed ? turns[turn](queue) : NULL;
        if (item == NULL)
            continue;
        item->turn = turn;
        queue->turn = (turn + 1) % count;
        queue->wary -= queue->wary > 0;
        return item;
    }
    return NULL;
}

/* While the receiver is suspected, or OFFLINE, one message at a time finds out how it is. */
static struct outbox_item *choose_trial(struct outbox_queue *queue, const struct window_load *load,
                                        int64_t now)
{
    if (load->trial)
        return NULL;
    struct outbox_item *item = choose_by_turn(queue, retry_lets(&queue->retry, true, now),
                                              retry_lets(&queue->retry, false, now), queue->wary > 0);
    if (item != NULL)
        item->trial = true;
    return item;
}

/*
 * The connections that many queues share are used up. Messages to URLs of their own have their part of them,
 * of which each receiver may have one.
 */
static bool share_is_used(const struct outbox_queue *queue)
{
    const struct outbox *outbox = queue->receiver->outbox;
    unsigned used = queue->module->alone ? outbox->alone : outbox->under_way;
    return used >= outbox->hub->descriptors.outbound / SHARE_PART;
}

/* Which of two that hang gives up its place: one in its first try before others, of them the older. */
static bool hangs_more(const struct outbox_item *item, const struct outbox_item *than)
{
    if (than == NULL || item->fresh != than->fresh)
        return than == NULL || item->fresh;
    return item->started < than->started;
}

/* Where one waits for its first try one that hangs makes room for it, one at a time. */
static void window_make_room(struct outbox_queue *queue, int64_t now)
{
    struct outbox_item *slowest = NULL;
    int64_t timeout = queue->receiver->outbox->hub->conf.delivery_timeout;
    if (find_oldest(queue) == NULL)
        return;
    for (struct ring *q = queue->items.next; q != &queue->items; q = q->next) {
        struct outbox_item *item = item_of(q);
        const struct slots_call call = item_call(item, now);
        if (item->given_up)
            return;
        if (item->call != NULL && slots_may_give_up(&call, queue->module->alone, timeout) &&
            hangs_more(item, slowest))
            slowest = item;
    }
    if (slowest != NULL)
        outbox_give_up(slowest);
}

static struct outbox_item *choose_beside(struct outbox_queue *queue, const struct slots_load *load,
                                         int64_t now)
{
    unsigned parallel = (unsigned)queue->receiver->outbox->hub->conf.delivery_parallel;
    bool alone = queue->module->alone, shared = share_is_used(queue);
    if (alone && shared)
        parallel = 1;
    bool fresh = slots_let_fresh(load, parallel, shared);
    if (!fresh)
        window_make_room(queue, now);
    return choose_by_turn(queue, fresh, slots_let_again(load, parallel, shared),
                          alone || queue->wary > 0 || load->doubtful + load->hanging > 0);
}

struct outbox_item *outbox_window_choose(struct outbox_queue *queue, int64_t now)
{
    if (queue->answered_count >= ANSWERED_MAX)
        return NULL;
    struct window_load load = window_load(queue, now);
    bool suspected = !queue->module->alone && (queue->retry.failures > 0 || queue->offline);
    struct outbox_item *item =
        suspected ? choose_trial(queue, &load, now) : choose_beside(queue, &load.slots, now);
    if (item == NULL)
        return NULL;
    item->started = now;
    item->passes = queue->passes;
    item->beside_ms = 0;
    return item;
}
