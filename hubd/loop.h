#ifndef HUBD_LOOP_H
#define HUBD_LOOP_H

#include <uv.h>

#include "lib/base/ring.h"

/*
 * A libuv loop that other threads can give work to: a task posted from any thread runs on the loop's thread,
 * in the order of posting.
 */
struct loop_task {
    void (*run)(struct loop_task *task); /* owns the task from here */
    struct ring queue;
};

struct loop {
    uint32_t magic;
    uv_loop_t uv;
    uv_async_t wake;
    uv_mutex_t lock;
    struct ring tasks;
    unsigned index;
};

/* `index`: 0, 1, … among the hub's loops. Returns 0 or a negative error_code. */
int loop_init(struct loop *loop, unsigned index);
/* Queues the task. Thread safe. The task must live until `run` is called. */
void loop_post(struct loop *loop, struct loop_task *task);
/* Runs the tasks that are queued and takes no more. On the loop's thread. */
void loop_close(struct loop *loop);
/* Frees the loop after uv_run has returned. */
void loop_free(struct loop *loop);

#endif
