#ifndef HUBD_LOOP_H
#define HUBD_LOOP_H

#include <uv.h>

#include "lib/base/ring.h"

/*
 * A libuv loop on a thread, with a door for other threads: a task posted from anywhere runs on the loop's
 * thread, in order of posting.
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

/* 0 or a negative error_code. */
int loop_init(struct loop *loop, unsigned index);
/* Thread safe. The task must live until it ran. */
void loop_post(struct loop *loop, struct loop_task *task);
/* Closes the door (from the loop's thread); tasks still queued are run first. */
void loop_close(struct loop *loop);
/* After the loop has ended. */
void loop_free(struct loop *loop);

#endif
