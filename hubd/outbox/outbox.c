#include <stdlib.h>

#include "hubd/outbox/internal.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define POLL_MS 1000

static void delivery_look(struct delivery *delivery);
static void receiver_release_held(struct delivery_receiver *receiver);

/* ---------------------------------------------------------------- receivers */

static bool name_make(struct str text, struct delivery_name *name)
{
    memset(name, 0, sizeof *name);
    return str_copy(text, name->text, sizeof name->text);
}

static bool name_equal(const struct delivery_name *a, const struct delivery_name *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}

/* Where receivers of that name and others of its hash begin. */
static struct delivery_receiver **delivery_bucket(struct delivery *delivery, const struct delivery_name *name)
{
    return &delivery->buckets[str_hash(str_from(name->text)) % DELIVERY_BUCKETS];
}

/* The receiver of that name, NULL when it is not among them. */
static struct delivery_receiver *delivery_known(struct delivery *delivery, const struct delivery_name *name)
{
    struct delivery_receiver *receiver = *delivery_bucket(delivery, name);
    while (receiver != NULL && !name_equal(&receiver->name, name))
        receiver = receiver->same;
    return receiver;
}

/* The same, made when it is new; NULL: no memory. */
static struct delivery_receiver *delivery_find(struct delivery *delivery, const struct delivery_name *name)
{
    struct delivery_receiver *receiver = delivery_known(delivery, name);
    if (receiver != NULL)
        return receiver;
    receiver = calloc(1, sizeof *receiver);
    if (receiver == NULL)
        return NULL;
    receiver->delivery = delivery;
    receiver->name = *name;
    receiver->next = delivery->receivers;
    delivery->receivers = receiver;
    struct delivery_receiver **bucket = delivery_bucket(delivery, name);
    receiver->same = *bucket;
    *bucket = receiver;
    receiver_release_held(receiver);
    return receiver;
}

static struct delivery_queue *delivery_find_queue(struct delivery *delivery, const struct delivery_name *name,
                                                  struct str module)
{
    struct delivery_receiver *receiver = delivery_find(delivery, name);
    return receiver == NULL ? NULL : delivery_queue_of(receiver, module);
}

/* ---------------------------------------------------------------- releasing what was held */

struct release {
    struct arena arena;
    struct delivery_receiver *receiver;
    struct store_apply batch;
};

static void release_end(struct release *release)
{
    arena_free(&release->arena);
    free(release);
}

static void release_stored(struct store_apply *apply)
{
    struct release *release = apply->context;
    struct delivery *delivery = release->receiver->delivery;
    if (apply->result != OK)
        log_error_bounded("delivery: what was held for %s cannot be released: %s",
                          release->receiver->name.text, apply->error.text);
    release_end(release);
    delivery_look(delivery);
}

static void release_add(struct release *release, const char *reason, struct str module)
{
    struct store_op *op = store_batch_add(&release->batch, STORE_RELEASE_HELD);
    if (op == NULL)
        return;
    op->u.release.receiver = str_from(release->receiver->name.text);
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
    const struct registry_party *party =
        delivery_receiver_party(snapshot, str_from(receiver->name.text), NULL);
    arena_init(&release->arena, 0);
    release->receiver = receiver;
    store_batch_init(&release->batch, &release->arena);
    for (size_t i = 0; party != NULL && i < party->receiver_count; i++)
        release_add(release, ROUTING_HELD_NO_RECEIVER,
                    arena_copy(&release->arena, party->receivers[i].module));
    if (party != NULL && !party->row.suspended)
        release_add(release, ROUTING_HELD_SUSPENDED, STR(""));
    registry_release(hub->control_view, snapshot);
    release->batch.callback = release_stored;
    release->batch.context = release;
    if (release->batch.first == NULL)
        release_end(release);
    else
        store_apply(hub->control_store, &release->batch);
}

/* ---------------------------------------------------------------- what waits */

static void delivery_looked(struct store_read *base)
{
    struct delivery *delivery = CONTAINER_OF(base, struct delivery, waiting.base);
    struct store_waiting_read *read = &delivery->waiting;
    if (base->result != OK)
        log_error_bounded("delivery: the queues cannot be read: %s", base->error.text);
    for (size_t i = 0; base->result == OK && i < read->count; i++) {
        struct delivery_name name;
        struct delivery_queue *queue = name_make(read->queues[i].receiver, &name)
                                           ? delivery_find_queue(delivery, &name, read->queues[i].module)
                                           : NULL;
        if (queue == NULL)
            continue;
        queue->scan_again = queue->again = true; /* what is due by now, what no hint told */
        delivery_queue_pump(queue);
    }
    arena_free(&delivery->arena);
    delivery->looking = false;
    if (delivery->look_again)
        delivery_look(delivery);
}

/* From the start of every queue in which something waits. */
static void delivery_look(struct delivery *delivery)
{
    delivery->look_again = delivery->looking;
    if (delivery->looking || delivery->stopping)
        return;
    delivery->looking = true;
    arena_init(&delivery->arena, 0);
    memset(&delivery->waiting, 0, sizeof delivery->waiting);
    delivery->waiting.base.arena = &delivery->arena;
    delivery->waiting.base.callback = delivery_looked;
    store_read_waiting(delivery->hub->control_store, &delivery->waiting);
}

/* Behind every hint. */
static void delivery_poll(uv_timer_t *timer)
{
    struct delivery *delivery = timer->data;
    struct hub *hub = delivery->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    if (snapshot->number != delivery->known) { /* releases what was held for who is new here */
        struct arena arena;
        struct delivery_name name;
        arena_init(&arena, 0);
        for (size_t i = 0; i < snapshot->party_count; i++)
            if (name_make(delivery_receiver_name(snapshot, &snapshot->parties[i], &arena), &name))
                delivery_find(delivery, &name);
        arena_free(&arena);
        delivery->known = snapshot->number;
    }
    registry_release(hub->control_view, snapshot);
    delivery_look(delivery);
}

/* ---------------------------------------------------------------- hints */

static bool delivery_add_hint(struct delivery *delivery, const struct delivery_hint *hint)
{
    size_t i = 0;
    while (i < delivery->hint_count && (!name_equal(&delivery->hints[i].module, &hint->module) ||
                                        !name_equal(&delivery->hints[i].receiver, &hint->receiver)))
        i++;
    if (i < delivery->hint_count)
        return true;
    if (i == delivery->hint_capacity) {
        size_t capacity = i == 0 ? 16 : i * 2;
        struct delivery_hint *grown = realloc(delivery->hints, capacity * sizeof *grown);
        if (grown == NULL)
            return false; /* only a hint: the poll is behind it */
        delivery->hints = grown;
        delivery->hint_capacity = capacity;
    }
    delivery->hints[delivery->hint_count++] = *hint;
    return true;
}

static void delivery_hint(struct hub *hub, struct str receiver, struct str module)
{
    struct delivery *delivery = hub->delivery;
    struct delivery_hint hint;
    if (delivery == NULL || !name_make(receiver, &hint.receiver) || !name_make(module, &hint.module))
        return;
    uv_mutex_lock(&delivery->lock);
    bool added = delivery_add_hint(delivery, &hint);
    uv_mutex_unlock(&delivery->lock);
    if (added)
        uv_async_send(&delivery->wake);
}

void delivery_wake(struct hub *hub, struct str receiver, struct str module)
{
    delivery_hint(hub, receiver, module);
}

void delivery_resume(struct hub *hub, struct str receiver)
{
    delivery_hint(hub, receiver, STR(""));
}

/* All that have this key: "IN-ABC" and "IN-ABC:CPO". */
static void delivery_resume_key(struct delivery *delivery, const struct delivery_name *name)
{
    struct str key = str_from(name->text);
    delivery_find(delivery, name);
    for (struct delivery_receiver *r = delivery->receivers; r != NULL; r = r->next) {
        struct str own = str_from(r->name.text), rest = str_skip(own, key.length);
        if (!str_starts_with(own, key) || (rest.length > 0 && rest.data[0] != ':'))
            continue;
        for (struct delivery_queue *q = r->queues; q != NULL; q = q->next)
            retry_resume(&q->retry);
        receiver_release_held(r);
    }
    delivery_look(delivery);
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
        struct str module = str_from(hints[i].module.text);
        if (module.length == 0) {
            delivery_resume_key(delivery, &hints[i].receiver);
            continue;
        }
        struct delivery_queue *queue = delivery_find_queue(delivery, &hints[i].receiver, module);
        if (queue == NULL)
            continue;
        queue->scan_again = true;
        delivery_queue_pump(queue);
    }
    free(hints);
}

/* ---------------------------------------------------------------- what people see */

const char *delivery_circuit(const struct hub *hub, struct str receiver, struct str module, int64_t *retry_at)
{
    int64_t now = hub_steady_ms(hub), wall = env_wall_ms();
    enum retry_circuit worst = RETRY_CLOSED;
    *retry_at = 0;
    struct delivery_name name;
    const struct delivery_receiver *known =
        name_make(receiver, &name) ? delivery_known(hub->delivery, &name) : NULL;
    for (const struct delivery_queue *q = known == NULL ? NULL : known->queues; q != NULL; q = q->next) {
        if (module.length > 0 && !str_equal(str_from(q->name), module))
            continue;
        enum retry_circuit circuit = retry_circuit(&q->retry, now);
        int64_t at = wall + q->retry.paused_until - now;
        if (circuit > worst)
            worst = circuit;
        if (circuit == RETRY_OPEN && (*retry_at == 0 || at < *retry_at))
            *retry_at = at;
    }
    return retry_circuit_name(worst);
}

int64_t delivery_next_try(const struct hub *hub, const struct store_delivery *row)
{
    int64_t now = hub_steady_ms(hub), next = row->next_attempt;
    struct delivery_name name;
    const struct delivery_receiver *known =
        name_make(row->receiver, &name) ? delivery_known(hub->delivery, &name) : NULL;
    if (row->state != STORE_DELIVERY_PENDING)
        return 0;
    for (const struct delivery_queue *q = known == NULL ? NULL : known->queues; q != NULL; q = q->next) {
        int64_t pause = row->failed == 0 ? q->retry.fresh_until : q->retry.paused_until;
        if (str_equal(str_from(q->name), row->module) && q->retry.failures > 0 && pause > next)
            next = pause;
    }
    return next == 0 ? 0 : env_wall_ms() + (next > now ? next - now : 0);
}

/* ---------------------------------------------------------------- life */

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
    uuid_make(delivery->holder);
    hub->delivery = delivery;
    return uv_timer_start(&delivery->poll, delivery_poll, 0, delivery_poll_interval(&hub->conf)) == 0
               ? OK
               : ERR_IO;
}

void delivery_drain(struct hub *hub)
{
    hub->delivery->stopping = true;
}

bool delivery_is_idle(const struct hub *hub)
{
    return hub->delivery->under_way == 0;
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
        delivery->receivers = receiver->next;
        while (receiver->queues != NULL) {
            struct delivery_queue *queue = receiver->queues;
            receiver->queues = queue->next;
            delivery_queue_free(queue);
        }
        free(receiver);
    }
    uv_mutex_destroy(&delivery->lock);
    free(delivery->hints);
    free(delivery);
    hub->delivery = NULL;
}
