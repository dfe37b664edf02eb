/*
 * What may be sent next of a queue (hub-contract 8). A few rows at a time stand in memory: those that were
 * never tried, in order of their ids; of them the newest and some from anywhere; and those that are due
 * again. However many of one sort fail, the others get their turns: none is read through another.
 */
#include <stdlib.h>

#include "hubd/delivery_internal.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define READ_LIMIT  64
#define READ_SAMPLE 4
#define READ_AGAIN  32
/* Their ends share commits; after a crash so many are sent again, which at-least-once allows. */
#define ANSWERED_MAX 64
/* A message with a URL of its own that is not answered for so long no longer takes another's place. */
#define SLOW_MS 1000
/* Such ones at once for a receiver: so many times what goes out side by side; for all: this part of the
 * connections. */
#define SLOW_TIMES 3
#define ALONE_PART 4

static struct delivery_item *item_of(struct queue *link)
{
    return CONTAINER_OF(link, struct delivery_item, queue);
}

/* ---------------------------------------------------------------- reading */

static unsigned window_count(struct delivery_queue *queue, bool again)
{
    unsigned count = 0;
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next)
        count += (item_of(q)->due != 0) == again;
    return count;
}

static bool window_has(const struct delivery_queue *queue, int64_t id)
{
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_of(q)->id == id)
            return true;
    return false;
}

/* In order of ids. False: no memory. */
static bool window_add(struct delivery_queue *queue, const struct store_delivery *row)
{
    struct delivery_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return false;
    item->id = row->id;
    item->due = row->next_attempt;
    item->fresh = row->failed == 0;
    item->lane =
        queue->module->alone ? (uint64_t)row->id : str_hash(row->owner) * 31 ^ str_hash(row->object) * 1009;
    struct queue *before = &queue->items;
    while (before->previous != &queue->items && item_of(before->previous)->id > item->id)
        before = before->previous;
    queue_push(before, &item->queue);
    queue->item_count++;
    return true;
}

static void window_take(struct delivery_queue *queue)
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
    struct delivery_queue *queue = MAGIC_CAST(struct delivery_queue, base->context, DELIVERY_QUEUE_MAGIC);
    if (base->result == OK)
        window_take(queue);
    else
        log_error_bounded("delivery: the queue of %s for %s cannot be read: %s", queue->name,
                          queue->receiver->name.text, base->error.text);
    arena_free(&queue->arena);
    queue->reading = false;
    if (base->result == OK)
        delivery_queue_pump(queue); /* else the next poll reads again */
}

/* An id anywhere between the oldest and the newest that were seen. */
static int64_t window_middle(const struct delivery_queue *queue)
{
    if (queue_is_empty(&queue->items))
        return 0;
    int64_t oldest = item_of(queue->items.next)->id, newest = item_of(queue->items.previous)->id;
    return oldest + (int64_t)env_random_below((uint64_t)(newest - oldest) + 1);
}

void delivery_window_read(struct delivery_queue *queue)
{
    struct delivery *delivery = queue->receiver->delivery;
    struct store_due_read *read = &queue->read;
    unsigned first = window_count(queue, false), again = window_count(queue, true);
    bool room = first < DELIVERY_WINDOW - READ_LIMIT;
    bool scan = (queue->scan_again || queue->rewind) && room;
    if (queue->reading || (!scan && !(queue->again && again < DELIVERY_WINDOW)))
        return;
    const struct retry_policy policy = delivery_policy(delivery);
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
    read->now = hub_steady_ms(delivery->hub);
    read->latest = read->now + retry_longest_pause(&policy);
    read->limit = scan ? READ_LIMIT : 0;
    read->sample = queue->wary > 0 && first <= DELIVERY_WINDOW ? READ_SAMPLE : 0;
    read->middle = window_middle(queue);
    read->again = READ_AGAIN + again;
    store_read_due(delivery->hub->control_store, read);
}

/* ---------------------------------------------------------------- choosing */

/* What is under way. */
struct window_load {
    unsigned sending; /* takes one of the places of its sort */
    unsigned again;   /* of those that failed before */
    unsigned all;
    bool trial; /* begun since the receiver was last suspected */
};

static struct window_load window_load(const struct delivery_queue *queue, int64_t now)
{
    struct window_load load = {0};
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next) {
        const struct delivery_item *item = item_of(q);
        if (item->started == 0 || item->answered)
            continue;
        load.all++;
        load.sending += !queue->module->alone || now - item->started < SLOW_MS;
        load.again += !item->fresh;
        load.trial = load.trial || item->trial;
    }
    return load;
}

/* Another one of its lane is under way. */
static bool lane_is_busy(const struct delivery_queue *queue, const struct delivery_item *item)
{
    for (struct queue *q = queue->items.next; q != &queue->items && !queue->module->alone; q = q->next)
        if (item_of(q)->started != 0 && item_of(q)->lane == item->lane)
            return true;
    return false;
}

static bool item_waits(const struct delivery_queue *queue, const struct delivery_item *item, bool fresh)
{
    return item->started == 0 && item->fresh == fresh && !lane_is_busy(queue, item);
}

static struct delivery_item *find_oldest(const struct delivery_queue *queue)
{
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_waits(queue, item_of(q), true))
            return item_of(q);
    return NULL;
}

static struct delivery_item *find_newest(const struct delivery_queue *queue)
{
    for (struct queue *q = queue->items.previous; q != &queue->items; q = q->previous)
        if (item_waits(queue, item_of(q), true))
            return item_of(q);
    return NULL;
}

/* Any: a run that fails may have both ends. */
static struct delivery_item *find_any(const struct delivery_queue *queue)
{
    uint64_t count = 0;
    struct delivery_item *found = NULL;
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_waits(queue, item_of(q), true) && env_random_below(++count) == 0)
            found = item_of(q);
    return found;
}

/* Of those that failed before the one that has been due for the longest time: they take turns. */
static struct delivery_item *find_again(const struct delivery_queue *queue)
{
    struct delivery_item *first = NULL;
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next)
        if (item_waits(queue, item_of(q), false) && (first == NULL || item_of(q)->due < first->due))
            first = item_of(q);
    return first;
}

/*
 * The turns of the sorts. While something fails both ends of what waits get theirs, and its middle, so that a
 * run of messages that fail, wherever it stands, does not hide those that would arrive.
 */
static struct delivery_item *choose_by_turn(struct delivery_queue *queue, bool fresh, bool again)
{
    static struct delivery_item *(*const turns[])(const struct delivery_queue *queue) = {
        find_oldest, find_newest, find_any, find_again};
    const unsigned count = sizeof turns / sizeof turns[0];
    for (unsigned i = 0; i < count; i++) {
        unsigned turn = (queue->turn + i) % count;
        bool allowed = turns[turn] == find_again
                           ? again
                           : fresh && (turns[turn] == find_oldest || queue->wary > 0 || queue->module->alone);
        struct delivery_item *item = allowed ? turns[turn](queue) : NULL;
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
static struct delivery_item *choose_trial(struct delivery_queue *queue, const struct window_load *load,
                                          int64_t now)
{
    if (load->trial)
        return NULL;
    struct delivery_item *item =
        choose_by_turn(queue, retry_lets(&queue->retry, true, now), retry_lets(&queue->retry, false, now));
    if (item != NULL)
        item->trial = true;
    return item;
}

/* Those that failed before never take all places. */
static unsigned window_places_again(const struct delivery_queue *queue, unsigned parallel)
{
    unsigned places = parallel / (queue->module->alone ? 4 : 2);
    return places == 0 ? 1 : places;
}

/*
 * Messages to URLs of their own: those that hang hold connections, so many for each receiver and so many for
 * all; each receiver may have one.
 */
static bool window_is_full(const struct delivery_queue *queue, const struct window_load *load,
                           unsigned parallel)
{
    const struct delivery *delivery = queue->receiver->delivery;
    bool share_is_used = delivery->alone >= delivery->hub->descriptors.outbound / ALONE_PART;
    return load->all >= parallel * SLOW_TIMES || (queue->module->alone && share_is_used && load->all > 0);
}

/* Which of two that hang gives up its place: one in its first try before others, of them the older. */
static bool hangs_more(const struct delivery_item *item, const struct delivery_item *than)
{
    if (than == NULL || item->fresh != than->fresh)
        return than == NULL || item->fresh;
    return item->started < than->started;
}

/* Where one waits for its first try one that hangs makes room for it, one at a time. */
static void window_make_room(struct delivery_queue *queue, int64_t now)
{
    struct delivery_item *slowest = NULL;
    if (!queue->module->alone || find_oldest(queue) == NULL)
        return;
    for (struct queue *q = queue->items.next; q != &queue->items; q = q->next) {
        struct delivery_item *item = item_of(q);
        if (item->given_up)
            return;
        if (item->call != NULL && now - item->started >= SLOW_MS && hangs_more(item, slowest))
            slowest = item;
    }
    if (slowest != NULL)
        delivery_give_up(slowest);
}

struct delivery_item *delivery_window_choose(struct delivery_queue *queue, int64_t now)
{
    unsigned parallel = (unsigned)queue->receiver->delivery->hub->conf.delivery_parallel;
    struct window_load load = window_load(queue, now);
    bool alone = queue->module->alone;
    struct delivery_item *item;
    if (queue->answered_count >= ANSWERED_MAX)
        return NULL;
    if (!alone && (queue->retry.failures > 0 || queue->offline))
        item = choose_trial(queue, &load, now);
    else if (load.sending >= parallel || window_is_full(queue, &load, parallel))
        item = NULL;
    else
        item = choose_by_turn(queue, true, load.again < window_places_again(queue, parallel));
    if (item == NULL && window_is_full(queue, &load, parallel))
        window_make_room(queue, now);
    if (item == NULL)
        return NULL;
    item->started = now;
    item->passes = queue->passes;
    return item;
}
