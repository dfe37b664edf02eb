/*
 * Whose queue it is (hub-ocpi(7), DELIVERY): a worker takes a lease of each queue that it works on, and every
 * result that it stores carries the lease's fence, so that one that died or paused cannot acknowledge late.
 * With the lease comes what the queue remembers over a restart: its circuit and its clock.
 */
#include <stdlib.h>

#include "hubd/outbox/internal.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define LEASE_MS 30000

/* One request for a lease. */
#define LEASE_MAGIC 0x4c454153u

struct lease {
    uint32_t magic;
    struct arena arena;
    struct outbox_queue *queue;
    struct store_apply batch;
    int64_t until;
};

static struct str lease_key(const struct outbox_queue *queue, struct arena *arena)
{
    return arena_printf(arena, "%s %s", queue->receiver->name.text, queue->name);
}

/* Another fence than before: what the last holder left behind is where this one goes on. */
static void lease_take(struct outbox_queue *queue, const struct store_queue *stored, int64_t until)
{
    if (queue->fence != stored->fence) {
        const struct retry_policy policy = outbox_policy(queue->receiver->outbox);
        int64_t now = hub_steady_ms(queue->receiver->outbox->hub);
        queue->retry = (struct retry){
            .failures = stored->failures,
            .paused_until = retry_clamp(&policy, stored->paused_until, now),
            .suspects = stored->suspects,
            .fresh_until = retry_clamp(&policy, stored->fresh_until, now),
        };
        queue->rewind = queue->again = true;
        queue->clock = (struct retry_clock){stored->active_ms, -1};
    }
    queue->fence = stored->fence;
    queue->leased_until = until;
}

static void lease_answered(struct store_apply *apply)
{
    struct lease *lease = MAGIC_CAST(struct lease, apply->context, LEASE_MAGIC);
    struct outbox_queue *queue = lease->queue;
    queue->leasing = false;
    if (apply->result == OK)
        lease_take(queue, &apply->first->u.lease.queue, lease->until);
    else if (apply->result == ERR_CONFLICT)
        log_debug("delivery: %s for %s is another worker's", queue->name, queue->receiver->name.text);
    else
        log_error_bounded("delivery: %s for %s cannot be leased: %s", queue->name, queue->receiver->name.text,
                          apply->error.text);
    bool own = apply->result == OK;
    lease->magic = 0;
    arena_free(&lease->arena);
    free(lease);
    if (own)
        outbox_queue_pump(queue); /* else the next poll asks again */
}

static void lease_ask(struct outbox_queue *queue, int64_t now)
{
    struct outbox *outbox = queue->receiver->outbox;
    struct lease *lease = queue->leasing ? NULL : calloc(1, sizeof *lease);
    if (lease == NULL)
        return;
    queue->leasing = true;
    lease->magic = LEASE_MAGIC;
    lease->queue = queue;
    lease->until = now + LEASE_MS;
    arena_init(&lease->arena, 0);
    store_batch_init(&lease->batch, &lease->arena);
    struct store_op *op = store_batch_add(&lease->batch, STORE_LEASE_QUEUE);
    if (op != NULL) {
        op->u.lease.receiver = lease_key(queue, &lease->arena);
        op->u.lease.holder = str_from(outbox->holder);
        op->u.lease.until = env_wall_ms() + LEASE_MS;
    }
    lease->batch.callback = lease_answered;
    lease->batch.context = lease;
    store_apply(outbox->hub->control_store, &lease->batch);
}

bool outbox_queue_is_own(struct outbox_queue *queue, int64_t now)
{
    if (now > queue->leased_until - LEASE_MS / 2)
        lease_ask(queue, now);
    return now < queue->leased_until;
}

void outbox_queue_expire_lease(struct outbox_queue *queue)
{
    queue->leased_until = 0;
}

const struct store_queue *outbox_queue_state(const struct outbox_queue *queue, struct arena *arena,
                                             int64_t now)
{
    struct store_queue *state = arena_alloc(arena, sizeof *state);
    if (state == NULL)
        return NULL;
    *state = (struct store_queue){
        .receiver = lease_key(queue, arena),
        .fence = queue->fence,
        .failures = queue->retry.failures,
        .paused_until = queue->retry.paused_until,
        .suspects = queue->retry.suspects,
        .fresh_until = queue->retry.fresh_until,
        .active_ms = retry_clock_read(&queue->clock, now),
    };
    return state->receiver.data == NULL ? NULL : state;
}
