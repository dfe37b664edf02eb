#include <stdlib.h>

#include "hubd/outbox/internal.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define POLL_MS 1000

static void outbox_look(struct outbox *outbox);
static void receiver_release_held(struct outbox_receiver *receiver);

/* ---------------------------------------------------------------- receivers */

static bool name_make(struct str text, struct outbox_name *name)
{
    memset(name, 0, sizeof *name);
    return str_copy(text, name->text, sizeof name->text);
}

static bool name_equal(const struct outbox_name *a, const struct outbox_name *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}

/* Where receivers of that name and others of its hash begin. */
static struct outbox_receiver **outbox_bucket(struct outbox *outbox, const struct outbox_name *name)
{
    return &outbox->buckets[str_hash(str_from(name->text)) % OUTBOX_BUCKETS];
}

/* The receiver of that name, NULL when it is not among them. */
static struct outbox_receiver *outbox_known(struct outbox *outbox, const struct outbox_name *name)
{
    struct outbox_receiver *receiver = *outbox_bucket(outbox, name);
    while (receiver != NULL && !name_equal(&receiver->name, name))
        receiver = receiver->same;
    return receiver;
}

/* The same, made when it is new; NULL: no memory. */
static struct outbox_receiver *outbox_find(struct outbox *outbox, const struct outbox_name *name)
{
    struct outbox_receiver *receiver = outbox_known(outbox, name);
    if (receiver != NULL)
        return receiver;
    receiver = calloc(1, sizeof *receiver);
    if (receiver == NULL)
        return NULL;
    receiver->outbox = outbox;
    receiver->name = *name;
    receiver->next = outbox->receivers;
    outbox->receivers = receiver;
    struct outbox_receiver **bucket = outbox_bucket(outbox, name);
    receiver->same = *bucket;
    *bucket = receiver;
    receiver_release_held(receiver);
    return receiver;
}

static struct outbox_queue *outbox_find_queue(struct outbox *outbox, const struct outbox_name *name,
                                              struct str module)
{
    struct outbox_receiver *receiver = outbox_find(outbox, name);
    return receiver == NULL ? NULL : outbox_queue_of(receiver, module);
}

/* ---------------------------------------------------------------- releasing what was held */

#define RELEASE_MAGIC 0x52454c53u

struct release {
    uint32_t magic;
    struct arena arena;
    struct outbox_receiver *receiver;
    struct store_apply batch;
};

static void release_end(struct release *release)
{
    release->magic = 0;
    arena_free(&release->arena);
    free(release);
}

static void release_stored(struct store_apply *apply)
{
    struct release *release = MAGIC_CAST(struct release, apply->context, RELEASE_MAGIC);
    struct outbox *outbox = release->receiver->outbox;
    if (apply->result != OK)
        log_error_bounded("delivery: what was held for %s cannot be released: %s",
                          release->receiver->name.text, apply->error.text);
    release_end(release);
    outbox_look(outbox);
}

static void release_add(struct release *release, enum store_hold_reason reason, struct str module)
{
    struct store_op *op = store_batch_add(&release->batch, STORE_RELEASE_HELD);
    if (op == NULL)
        return;
    op->u.release.receiver = str_from(release->receiver->name.text);
    op->u.release.reason = reason;
    op->u.release.module = module;
}

/*
 * What was held for a reason that the registry no longer knows: a receiver URL that is there now, a
 * suspension that ended. Runs at the start and after every change, when all loops have passed it, so that a
 * push that was judged by the registry before is not left behind.
 */
static void receiver_release_held(struct outbox_receiver *receiver)
{
    struct hub *hub = receiver->outbox->hub;
    struct release *release = calloc(1, sizeof *release);
    if (release == NULL || receiver->outbox->stopping) {
        free(release);
        return;
    }
    release->magic = RELEASE_MAGIC;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    const struct registry_party *party = outbox_receiver_party(snapshot, str_from(receiver->name.text), NULL);
    arena_init(&release->arena, 0);
    release->receiver = receiver;
    store_batch_init(&release->batch, &release->arena);
    for (size_t i = 0; party != NULL && i < party->receiver_count; i++)
        release_add(release, STORE_HOLD_NO_URL, arena_copy(&release->arena, party->receivers[i].module));
    if (party != NULL && !party->row.suspended)
        release_add(release, STORE_HOLD_SUSPENDED, STR(""));
    registry_release(hub->control_view, snapshot);
    release->batch.callback = release_stored;
    release->batch.context = release;
    if (release->batch.first == NULL)
        release_end(release);
    else
        store_apply(hub->control_store, &release->batch);
}

/* ---------------------------------------------------------------- what waits */

static void outbox_looked(struct store_read *base)
{
    struct outbox *outbox = CONTAINER_OF(base, struct outbox, waiting.base);
    struct store_waiting_read *read = &outbox->waiting;
    if (base->result != OK)
        log_error_bounded("delivery: the queues cannot be read: %s", base->error.text);
    for (size_t i = 0; base->result == OK && i < read->count; i++) {
        struct outbox_name name;
        struct outbox_queue *queue = name_make(read->queues[i].receiver, &name)
                                         ? outbox_find_queue(outbox, &name, read->queues[i].module)
                                         : NULL;
        if (queue == NULL)
            continue;
        queue->scan_again = queue->again = true; /* what is due by now, what no hint told */
        outbox_queue_pump(queue);
    }
    arena_free(&outbox->arena);
    outbox->looking = false;
    if (outbox->look_again)
        outbox_look(outbox);
}

/* From the start of every queue in which something waits. */
static void outbox_look(struct outbox *outbox)
{
    outbox->look_again = outbox->looking;
    if (outbox->looking || outbox->stopping)
        return;
    outbox->looking = true;
    arena_init(&outbox->arena, 0);
    memset(&outbox->waiting, 0, sizeof outbox->waiting);
    outbox->waiting.base.arena = &outbox->arena;
    outbox->waiting.base.callback = outbox_looked;
    store_read_waiting(outbox->hub->control_store, &outbox->waiting);
}

/* Behind every hint. */
static void outbox_poll(uv_timer_t *timer)
{
    struct outbox *outbox = MAGIC_CAST(struct outbox, timer->data, OUTBOX_MAGIC);
    struct hub *hub = outbox->hub;
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    if (snapshot->number != outbox->known) { /* releases what was held for who is new here */
        struct arena arena;
        struct outbox_name name;
        arena_init(&arena, 0);
        for (size_t i = 0; i < snapshot->party_count; i++)
            if (name_make(outbox_receiver_name(snapshot, &snapshot->parties[i], &arena), &name))
                outbox_find(outbox, &name);
        arena_free(&arena);
        outbox->known = snapshot->number;
    }
    registry_release(hub->control_view, snapshot);
    outbox_look(outbox);
}

/* ---------------------------------------------------------------- hints */

static bool outbox_add_hint(struct outbox *outbox, const struct outbox_hint *hint)
{
    size_t i = 0;
    while (i < outbox->hint_count && (!name_equal(&outbox->hints[i].module, &hint->module) ||
                                      !name_equal(&outbox->hints[i].receiver, &hint->receiver)))
        i++;
    if (i < outbox->hint_count)
        return true;
    if (i == outbox->hint_capacity) {
        size_t capacity = i == 0 ? 16 : i * 2;
        struct outbox_hint *grown = realloc(outbox->hints, capacity * sizeof *grown);
        if (grown == NULL)
            return false; /* only a hint: the poll is behind it */
        outbox->hints = grown;
        outbox->hint_capacity = capacity;
    }
    outbox->hints[outbox->hint_count++] = *hint;
    return true;
}

static void outbox_hint(struct hub *hub, struct str receiver, struct str module)
{
    struct outbox *outbox = hub->outbox;
    struct outbox_hint hint;
    if (outbox == NULL || !name_make(receiver, &hint.receiver) || !name_make(module, &hint.module))
        return;
    uv_mutex_lock(&outbox->lock);
    bool added = outbox_add_hint(outbox, &hint);
    uv_mutex_unlock(&outbox->lock);
    if (added)
        uv_async_send(&outbox->wake);
}

void outbox_wake(struct hub *hub, struct str receiver, struct str module)
{
    outbox_hint(hub, receiver, module);
}

void outbox_resume(struct hub *hub, struct str receiver)
{
    outbox_hint(hub, receiver, STR(""));
}

/* All that have this key: "IN-ABC" and "IN-ABC:CPO". */
static void outbox_resume_key(struct outbox *outbox, const struct outbox_name *name)
{
    struct str key = str_from(name->text);
    outbox_find(outbox, name);
    for (struct outbox_receiver *r = outbox->receivers; r != NULL; r = r->next) {
        struct str own = str_from(r->name.text), rest = str_skip(own, key.length);
        if (!str_starts_with(own, key) || (rest.length > 0 && rest.data[0] != ':'))
            continue;
        for (struct outbox_queue *q = r->queues; q != NULL; q = q->next)
            retry_resume(&q->retry);
        receiver_release_held(r);
    }
    outbox_look(outbox);
}

static void outbox_take_hints(uv_async_t *wake)
{
    struct outbox *outbox = MAGIC_CAST(struct outbox, wake->data, OUTBOX_MAGIC);
    uv_mutex_lock(&outbox->lock);
    struct outbox_hint *hints = outbox->hints;
    size_t count = outbox->hint_count;
    outbox->hints = NULL;
    outbox->hint_count = outbox->hint_capacity = 0;
    uv_mutex_unlock(&outbox->lock);
    for (size_t i = 0; i < count; i++) {
        struct str module = str_from(hints[i].module.text);
        if (module.length == 0) {
            outbox_resume_key(outbox, &hints[i].receiver);
            continue;
        }
        struct outbox_queue *queue = outbox_find_queue(outbox, &hints[i].receiver, module);
        if (queue == NULL)
            continue;
        queue->scan_again = true;
        outbox_queue_pump(queue);
    }
    free(hints);
}

/* ---------------------------------------------------------------- what people see */

enum retry_circuit outbox_circuit(const struct hub *hub, struct str receiver, struct str module,
                                  int64_t *retry_at)
{
    int64_t now = hub_steady_ms(hub), wall = env_wall_ms();
    enum retry_circuit worst = RETRY_CLOSED;
    *retry_at = 0;
    struct outbox_name name;
    const struct outbox_receiver *known =
        name_make(receiver, &name) ? outbox_known(hub->outbox, &name) : NULL;
    for (const struct outbox_queue *q = known == NULL ? NULL : known->queues; q != NULL; q = q->next) {
        if (module.length > 0 && !str_equal(str_from(q->name), module))
            continue;
        enum retry_circuit circuit = retry_circuit(&q->retry, now);
        int64_t at = wall + q->retry.paused_until - now;
        if (circuit > worst)
            worst = circuit;
        if (circuit == RETRY_OPEN && (*retry_at == 0 || at < *retry_at))
            *retry_at = at;
    }
    return worst;
}

int64_t outbox_next_try(const struct hub *hub, const struct store_delivery *row)
{
    int64_t now = hub_steady_ms(hub), next = row->next_attempt;
    struct outbox_name name;
    const struct outbox_receiver *known =
        name_make(row->receiver, &name) ? outbox_known(hub->outbox, &name) : NULL;
    if (row->state != STORE_DELIVERY_PENDING)
        return 0;
    for (const struct outbox_queue *q = known == NULL ? NULL : known->queues; q != NULL; q = q->next) {
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

int outbox_start(struct hub *hub)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (outbox == NULL)
        return ERR_MEMORY;
    outbox->magic = OUTBOX_MAGIC;
    outbox->hub = hub;
    hub->outbox = outbox;
    if (uv_mutex_init(&outbox->lock) != 0 || uv_timer_init(&hub->control.uv, &outbox->poll) != 0 ||
        uv_async_init(&hub->control.uv, &outbox->wake, outbox_take_hints) != 0)
        return ERR_IO;
    outbox->poll.data = outbox->wake.data = outbox;
    uuid_make(outbox->holder);
    return uv_timer_start(&outbox->poll, outbox_poll, 0, delivery_poll_interval(&hub->conf)) == 0 ? OK
                                                                                                  : ERR_IO;
}

void outbox_drain(struct hub *hub)
{
    hub->outbox->stopping = true;
}

bool outbox_is_idle(const struct hub *hub)
{
    return hub->outbox->under_way == 0;
}

void outbox_stop(struct hub *hub)
{
    hub->outbox->stopping = true;
    uv_close((uv_handle_t *)&hub->outbox->poll, NULL);
    uv_close((uv_handle_t *)&hub->outbox->wake, NULL);
}

void outbox_free(struct hub *hub)
{
    struct outbox *outbox = hub->outbox;
    while (outbox->receivers != NULL) {
        struct outbox_receiver *receiver = outbox->receivers;
        outbox->receivers = receiver->next;
        while (receiver->queues != NULL) {
            struct outbox_queue *queue = receiver->queues;
            receiver->queues = queue->next;
            outbox_queue_free(queue);
        }
        free(receiver);
    }
    uv_mutex_destroy(&outbox->lock);
    free(outbox->hints);
    outbox->magic = 0;
    free(outbox);
    hub->outbox = NULL;
}
