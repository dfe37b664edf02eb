#include "hubd/loop.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/magic.h"

#define LOOP_MAGIC 0x4c4f4f50u

static void loop_run_tasks(uv_async_t *wake)
{
    struct loop *loop = MAGIC_CAST(struct loop, wake->data, LOOP_MAGIC);
    struct ring ready;
    ring_init(&ready);
    uv_mutex_lock(&loop->lock);
    ring_append(&ready, &loop->tasks);
    uv_mutex_unlock(&loop->lock);
    struct ring *node;
    while ((node = ring_pop(&ready)) != NULL) {
        struct loop_task *task = CONTAINER_OF(node, struct loop_task, queue);
        task->run(task);
    }
}

int loop_init(struct loop *loop, unsigned index)
{
    memset(loop, 0, sizeof *loop);
    loop->magic = LOOP_MAGIC;
    loop->index = index;
    ring_init(&loop->tasks);
    if (uv_loop_init(&loop->uv) != 0)
        return ERR_MEMORY;
    if (uv_mutex_init(&loop->lock) != 0)
        return ERR_MEMORY;
    if (uv_async_init(&loop->uv, &loop->wake, loop_run_tasks) != 0)
        return ERR_IO;
    loop->wake.data = loop;
    return OK;
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    uv_mutex_lock(&loop->lock);
    ring_init(&task->queue);
    ring_push(&loop->tasks, &task->queue);
    uv_mutex_unlock(&loop->lock);
    uv_async_send(&loop->wake);
}

void loop_close(struct loop *loop)
{
    loop_run_tasks(&loop->wake);
    uv_close((uv_handle_t *)&loop->wake, NULL);
}

void loop_free(struct loop *loop)
{
    uv_loop_close(&loop->uv);
    uv_mutex_destroy(&loop->lock);
    loop->magic = 0;
}
