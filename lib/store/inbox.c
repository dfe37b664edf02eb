#include "lib/store/inbox.h"

#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/base/magic.h"
#include "lib/store/audit_row.h"

/* Far more than the pause between two commits; reached only while the disk refuses. */
#define LAZY_COUNT_MAX 65536
#define LAZY_BYTES_MAX ((size_t)32 << 20)

int inbox_init(struct store_inbox *inbox, unsigned batch_max)
{
    *inbox = (struct store_inbox){.batch_max = batch_max ? batch_max : 4096};
    ring_init(&inbox->batches);
    ring_init(&inbox->lazy);
    atomic_init(&inbox->waiting, 0);
    if (uv_mutex_init(&inbox->mutex))
        return ERR_MEMORY;
    if (uv_cond_init(&inbox->wake)) {
        uv_mutex_destroy(&inbox->mutex);
        return ERR_MEMORY;
    }
    return OK;
}

void inbox_destroy(struct store_inbox *inbox)
{
    inbox_free_lazy(inbox, &inbox->lazy);
    uv_cond_destroy(&inbox->wake);
    uv_mutex_destroy(&inbox->mutex);
}

bool inbox_push(struct store_inbox *inbox, struct store_apply *apply)
{
    uv_mutex_lock(&inbox->mutex);
    unsigned waiting = atomic_load_explicit(&inbox->waiting, memory_order_relaxed);
    bool room = waiting < inbox->batch_max && !inbox->stopping;
    if (room) {
        ring_push(&inbox->batches, &apply->queue);
        atomic_store_explicit(&inbox->waiting, waiting + 1, memory_order_relaxed);
        if (waiting == 0)
            uv_cond_signal(&inbox->wake);
    }
    uv_mutex_unlock(&inbox->mutex);
    return room;
}

int inbox_push_lazy(struct store_inbox *inbox, const struct store_audit *row)
{
    size_t size = sizeof(struct store_lazy) + audit_row_bytes(row);
    struct store_lazy *lazy = malloc(size);
    if (!lazy)
        return ERR_MEMORY;
    lazy->size = size;
    audit_row_copy(&lazy->row, row, (char *)(lazy + 1));
    if (lazy->row.time == 0)
        lazy->row.time = env_wall_ms();
    uv_mutex_lock(&inbox->mutex);
    bool room = inbox->lazy_count < LAZY_COUNT_MAX && inbox->lazy_bytes + size <= LAZY_BYTES_MAX;
    if (room) {
        bool first = ring_is_empty(&inbox->lazy);
        ring_push(&inbox->lazy, &lazy->queue);
        inbox->lazy_count++;
        inbox->lazy_bytes += size;
        if (first)
            uv_cond_signal(&inbox->wake);
    }
    uv_mutex_unlock(&inbox->mutex);
    if (!room)
        free(lazy);
    return room ? OK : ERR_BUSY;
}

/* Waits until something is to be handed out; the mutex is held. */
static enum inbox_event wait_for_work(struct store_inbox *inbox, unsigned lazy_ms, unsigned quiet_ms)
{
    for (;;) {
        if (!ring_is_empty(&inbox->batches))
            return INBOX_WORK;
        bool lazy = !ring_is_empty(&inbox->lazy);
        if (inbox->stopping)
            return lazy ? INBOX_WORK : INBOX_STOP;
        unsigned wait_ms = lazy ? lazy_ms : quiet_ms;
        if (wait_ms == 0 && !lazy) {
            uv_cond_wait(&inbox->wake, &inbox->mutex);
            continue;
        }
        if (uv_cond_timedwait(&inbox->wake, &inbox->mutex, (uint64_t)wait_ms * 1000000) == UV_ETIMEDOUT)
            return lazy || !ring_is_empty(&inbox->batches) ? INBOX_WORK : INBOX_QUIET;
    }
}

enum inbox_event inbox_take(struct store_inbox *inbox, struct ring *batches, unsigned max, struct ring *lazy,
                            unsigned lazy_ms, unsigned quiet_ms)
{
    uv_mutex_lock(&inbox->mutex);
    enum inbox_event event = wait_for_work(inbox, lazy_ms, quiet_ms);
    unsigned waiting = atomic_load_explicit(&inbox->waiting, memory_order_relaxed);
    for (; max > 0 && waiting > 0; max--, waiting--)
        ring_push(batches, ring_pop(&inbox->batches));
    atomic_store_explicit(&inbox->waiting, waiting, memory_order_relaxed);
    ring_append(lazy, &inbox->lazy);
    uv_mutex_unlock(&inbox->mutex);
    return event;
}

void inbox_free_lazy(struct store_inbox *inbox, struct ring *lazy)
{
    size_t count = 0, bytes = 0;
    for (struct ring *node; (node = ring_pop(lazy)) != NULL;) {
        struct store_lazy *row = CONTAINER_OF(node, struct store_lazy, queue);
        count++;
        bytes += row->size;
        free(row);
    }
    uv_mutex_lock(&inbox->mutex);
    inbox->lazy_count -= count;
    inbox->lazy_bytes -= bytes;
    uv_mutex_unlock(&inbox->mutex);
}

void inbox_stop(struct store_inbox *inbox)
{
    uv_mutex_lock(&inbox->mutex);
    inbox->stopping = true;
    uv_cond_signal(&inbox->wake);
    uv_mutex_unlock(&inbox->mutex);
}

bool inbox_is_crowded(const struct store_inbox *inbox)
{
    unsigned waiting = atomic_load_explicit(&inbox->waiting, memory_order_relaxed);
    return waiting >= inbox->batch_max - inbox->batch_max / 4;
}
