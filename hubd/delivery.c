#include "hubd/delivery_internal.h"

#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define POLL_MS    1000
#define WINDOW_MAX 256
#define READ_LIMIT 64

static void receiver_pump(struct delivery_receiver *receiver);
static void receiver_release_held(struct delivery_receiver *receiver);

int64_t delivery_backoff(const struct conf *conf, unsigned failures)
{
    int64_t pause = conf->retry_initial;
    for (unsigned i = 1; i < failures && pause < conf->retry_max; i++)
        pause *= 2;
    if (pause > conf->retry_max)
        pause = conf->retry_max;
    /* between 80 and 120 %: receivers that failed together do not come back together */
    return pause * 4 / 5 + (int64_t)env_random_below((uint64_t)pause * 2 / 5 + 1);
}

/* ---------------------------------------------------------------- receivers */

static struct delivery_receiver *delivery_find(struct delivery *delivery, const struct ocpi_party_key *key)
{
    for (struct delivery_receiver *r = delivery->receivers; r != NULL; r = r->next)
        if (ocpi_party_key_equal(&r->key, key))
            return r;
    struct delivery_receiver *receiver = calloc(1, sizeof *receiver);
    if (receiver == NULL)
        return NULL;
    receiver->magic = DELIVERY_RECEIVER_MAGIC;
    receiver->delivery = delivery;
    receiver->key = *key;
    queue_init(&receiver->items);
    receiver->next = delivery->receivers;
    delivery->receivers = receiver;
    receiver_release_held(receiver);
    return receiver;
}

/* May anything be sent to it now? OFFLINE pauses the queue; CONNECTED drains it (hub-contract 8). */
static bool receiver_is_ready(const struct delivery_receiver *receiver)
{
    struct hub *hub = receiver->delivery->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    struct registry_party *party = registry_find_party(snapshot, &receiver->key, OCPI_ROLE_EMSP);
    /* unknown and suspended ones are taken up too: their rows become held */
    bool ready =
        party == NULL || party->row.suspended ||
        (party->platform->row.status == STORE_PLATFORM_CONNECTED && party->platform->token.data != NULL);
    registry_release(hub->control_view, snapshot);
    return ready;
}

static bool receiver_lane_is_busy(const struct delivery_receiver *receiver, const struct delivery_item *item)
{
    for (struct queue *q = receiver->items.next; q != &item->queue; q = q->next)
        if (CONTAINER_OF(q, struct delivery_item, queue)->lane == item->lane)
            return true; /* an older message of the lane, sending or waiting, goes first */
    return false;
}

static bool receiver_has_item(const struct delivery_receiver *receiver, int64_t id)
{
    for (struct queue *q = receiver->items.next; q != &receiver->items; q = q->next)
        if (CONTAINER_OF(q, struct delivery_item, queue)->id == id)
            return true;
    return false;
}

static uint64_t receiver_lane(const struct store_delivery *row)
{
    return str_hash(row->module) ^ str_hash(row->owner) * 31 ^ str_hash(row->object) * 1009 ^
           (uint64_t)(row->kind < 0 ? row->id : 0);
}

/* In order of ids, so that of a lane the older message stands first. */
static void receiver_add_item(struct delivery_receiver *receiver, const struct store_delivery *row)
{
    struct delivery_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return; /* found again by the next poll */
    item->id = row->id;
    item->lane = receiver_lane(row);
    struct queue *before = &receiver->items;
    while (before->previous != &receiver->items &&
           CONTAINER_OF(before->previous, struct delivery_item, queue)->id > item->id)
        before = before->previous;
    queue_push(before, &item->queue);
    receiver->item_count++;
}

static void receiver_rows_read(struct store_read *base)
{
    struct delivery_receiver *receiver =
        MAGIC_CAST(struct delivery_receiver, base->context, DELIVERY_RECEIVER_MAGIC);
    struct store_due_read *read = &receiver->read;
    int64_t now = env_wall_ms();
    if (base->result != OK)
        log_error("delivery: the queue of %s cannot be read: %s", receiver->key.text, base->error.text);
    for (size_t i = 0; base->result == OK && i < read->count; i++) {
        if (read->rows[i].next_attempt <= now && !receiver_has_item(receiver, read->rows[i].id))
            receiver_add_item(receiver, &read->rows[i]);
        receiver->scanned = read->rows[i].id;
    }
    bool more = base->result == OK && read->count == READ_LIMIT;
    arena_free(&receiver->arena);
    receiver->reading = false;
    receiver->scan_again = receiver->scan_again || more;
    receiver_pump(receiver);
}

static void receiver_read(struct delivery_receiver *receiver)
{
    struct store_due_read *read = &receiver->read;
    if (receiver->rewind)
        receiver->scanned = 0;
    receiver->rewind = receiver->scan_again = false;
    receiver->reading = true;
    arena_init(&receiver->arena, 16384);
    memset(read, 0, sizeof *read);
    read->base.arena = &receiver->arena;
    read->base.callback = receiver_rows_read;
    read->base.context = receiver;
    read->receiver = ocpi_party_key_str(&receiver->key);
    read->after = receiver->scanned;
    read->limit = READ_LIMIT;
    store_read_due(receiver->delivery->hub->control_store, read);
}

static void receiver_pump(struct delivery_receiver *receiver)
{
    struct delivery *delivery = receiver->delivery;
    if (delivery->stopping || env_monotonic_ms() < receiver->paused_until || !receiver_is_ready(receiver))
        return;
    /* half open: one message finds out whether the receiver is back */
    unsigned parallel = receiver->failures > 0 ? 1 : (unsigned)delivery->hub->conf.delivery_parallel;
    struct queue *q = receiver->items.next;
    while (q != &receiver->items && receiver->sending_count < parallel) {
        struct delivery_item *item = CONTAINER_OF(q, struct delivery_item, queue);
        q = q->next;
        if (item->sending || receiver_lane_is_busy(receiver, item))
            continue;
        item->sending = true;
        receiver->sending_count++;
        delivery_send(receiver, item);
    }
    if ((receiver->scan_again || receiver->rewind) && !receiver->reading &&
        receiver->item_count < WINDOW_MAX - READ_LIMIT)
        receiver_read(receiver);
}

void delivery_item_finished(struct delivery_receiver *receiver, struct delivery_item *item,
                            enum delivery_verdict verdict, int64_t retry_after_ms)
{
    int64_t now = env_monotonic_ms();
    queue_remove(&item->queue);
    free(item);
    receiver->item_count--;
    receiver->sending_count--;
    if (verdict == DELIVERY_RECEIVER_FAULT) {
        if (now >= receiver->paused_until) { /* the others of the same pause count once */
            receiver->failures++;
            int64_t pause = delivery_backoff(&receiver->delivery->hub->conf, receiver->failures);
            receiver->paused_until = now + (retry_after_ms > pause ? retry_after_ms : pause);
        }
        receiver->rewind = true;
    } else if (verdict == DELIVERY_DONE || verdict == DELIVERY_MESSAGE_FAULT) {
        receiver->failures = 0; /* it is there and speaks OCPI */
    }
    receiver_pump(receiver);
}

/* ---------------------------------------------------------------- releasing what was held */

struct release {
    struct arena arena;
    struct delivery_receiver *receiver;
    struct store_apply batch;
};

static void release_stored(struct store_apply *apply)
{
    struct release *release = apply->context;
    struct delivery_receiver *receiver = release->receiver;
    if (apply->result != OK)
        log_error("delivery: what was held for %s cannot be released: %s", receiver->key.text,
                  apply->error.text);
    arena_free(&release->arena);
    free(release);
    receiver->rewind = true;
    receiver_pump(receiver);
}

static void release_add(struct release *release, const char *reason, struct str module)
{
    struct store_op *op = store_batch_add(&release->batch, STORE_RELEASE_HELD);
    if (op == NULL)
        return;
    op->u.release.receiver = ocpi_party_key_str(&release->receiver->key);
    op->u.release.reason = str_from(reason);
    op->u.release.module = module;
}

/*
 * What was held for a reason that the registry no longer knows: a receiver URL that is there now, a
 * suspension that ended. Runs at the start and after every change, when all loops have passed it, so that a
 * push that was judged by the registry before is not left behind.
 */
static void receiver_release_held(struct delivery_receiver *receiver)
{
    struct hub *hub = receiver->delivery->hub;
    struct release *release = calloc(1, sizeof *release);
    if (release == NULL || receiver->delivery->stopping) {
        free(release);
        return;
    }
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    struct registry_party *party = registry_find_party(snapshot, &receiver->key, OCPI_ROLE_EMSP);
    arena_init(&release->arena, 0);
    release->receiver = receiver;
    store_batch_init(&release->batch, &release->arena);
    for (size_t i = 0; party != NULL && i < party->receiver_count; i++)
        release_add(release, ROUTE_HELD_NO_RECEIVER, arena_copy(&release->arena, party->receivers[i].module));
    if (party != NULL && !party->row.suspended)
        release_add(release, ROUTE_HELD_SUSPENDED, STR(""));
    registry_release(hub->control_view, snapshot);
    release->batch.callback = release_stored;
    release->batch.context = release;
    store_apply(hub->control_store, &release->batch);
}

/* ---------------------------------------------------------------- hints */

static void delivery_hint(struct hub *hub, struct str receiver, bool resume)
{
    struct delivery *delivery = hub->delivery;
    struct ocpi_party_key key;
    if (delivery == NULL || !ocpi_party_key_parse(receiver, &key, NULL, NULL, NULL))
        return;
    uv_mutex_lock(&delivery->lock);
    size_t i = 0;
    while (i < delivery->hint_count && !ocpi_party_key_equal(&delivery->hints[i].key, &key))
        i++;
    if (i == delivery->hint_capacity) {
        size_t capacity = delivery->hint_capacity == 0 ? 16 : delivery->hint_capacity * 2;
        struct delivery_hint *grown = realloc(delivery->hints, capacity * sizeof *grown);
        if (grown == NULL) {
            uv_mutex_unlock(&delivery->lock);
            return; /* only a hint: the poll is behind it */
        }
        delivery->hints = grown;
        delivery->hint_capacity = capacity;
    }
    if (i == delivery->hint_count)
        delivery->hints[delivery->hint_count++] = (struct delivery_hint){key, false};
    delivery->hints[i].resume = delivery->hints[i].resume || resume;
    uv_mutex_unlock(&delivery->lock);
    uv_async_send(&delivery->wake);
}

void delivery_wake(struct hub *hub, struct str receiver)
{
    delivery_hint(hub, receiver, false);
}

void delivery_resume(struct hub *hub, struct str receiver)
{
    delivery_hint(hub, receiver, true);
}

static void delivery_take_hints(uv_async_t *wake)
{
    struct delivery *delivery = wake->data;
    uv_mutex_lock(&delivery->lock);
    struct delivery_hint *hints = delivery->hints;
    size_t count = delivery->hint_count;
    delivery->hints = NULL;
    delivery->hint_count = delivery->hint_capacity = 0;
    uv_mutex_unlock(&delivery->lock);
    for (size_t i = 0; i < count; i++) {
        struct delivery_receiver *receiver = delivery_find(delivery, &hints[i].key);
        if (receiver == NULL)
            continue;
        if (hints[i].resume) {
            receiver->paused_until = 0;
            receiver_release_held(receiver);
        }
        receiver->scan_again = true;
        receiver_pump(receiver);
    }
    free(hints);
}

/* Behind every hint: all eMSPs, from the start of their queues unless they are busy. */
static void delivery_poll(uv_timer_t *timer)
{
    struct delivery *delivery = timer->data;
    struct hub *hub = delivery->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    for (size_t i = 0; i < snapshot->party_count; i++)
        if ((snapshot->parties[i].row.roles & OCPI_ROLE_EMSP) != 0)
            delivery_find(delivery, &snapshot->parties[i].key);
    registry_release(hub->control_view, snapshot);
    for (struct delivery_receiver *r = delivery->receivers; r != NULL; r = r->next) {
        r->rewind = true; /* what was not due when it was passed, what could not be stored */
        receiver_pump(r);
    }
}

/* Pauses end between polls too: with a short retry_initial the poll follows it. */
static uint64_t delivery_poll_interval(const struct conf *conf)
{
    int64_t half = conf->retry_initial / 2;
    return half < 20 ? 20 : half > POLL_MS ? POLL_MS : (uint64_t)half;
}

int delivery_start(struct hub *hub)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL)
        return ERR_MEMORY;
    delivery->hub = hub;
    if (uv_mutex_init(&delivery->lock) != 0 || uv_timer_init(&hub->control.uv, &delivery->poll) != 0 ||
        uv_async_init(&hub->control.uv, &delivery->wake, delivery_take_hints) != 0)
        return ERR_IO;
    delivery->poll.data = delivery->wake.data = delivery;
    hub->delivery = delivery;
    return uv_timer_start(&delivery->poll, delivery_poll, 0, delivery_poll_interval(&hub->conf)) == 0
               ? OK
               : ERR_IO;
}

void delivery_stop(struct hub *hub)
{
    hub->delivery->stopping = true;
    uv_close((uv_handle_t *)&hub->delivery->poll, NULL);
    uv_close((uv_handle_t *)&hub->delivery->wake, NULL);
}

void delivery_free(struct hub *hub)
{
    struct delivery *delivery = hub->delivery;
    while (delivery->receivers != NULL) {
        struct delivery_receiver *receiver = delivery->receivers;
        struct queue *node;
        delivery->receivers = receiver->next;
        while ((node = queue_pop(&receiver->items)) != NULL)
            free(CONTAINER_OF(node, struct delivery_item, queue));
        free(receiver);
    }
    uv_mutex_destroy(&delivery->lock);
    free(delivery->hints);
    free(delivery);
    hub->delivery = NULL;
}
