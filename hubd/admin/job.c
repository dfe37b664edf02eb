#include "hubd/admin/job.h"

#include "hubd/admin/internal.h"
#include "hubd/request/late.h"
#include "lib/base/env.h"

#define SLICE_BYTES 65536

static struct job *job_of(void *context)
{
    return MAGIC_CAST(struct job, context, JOB_MAGIC);
}

static void run_slice(struct job *job)
{
    arena_reset(&job->arena);
    job->waiting = false;
    job->woken = false;
    if (job->request->closed)
        job->kind->answer(job);
    else
        job->kind->slice(job);
}

/* ---------------------------------------------------------------- the client's side */

static void job_on_drain(struct ctl_request *request)
{
    struct job *job = job_of(request->state);
    job->blocked = false;
    if (!job->busy && !job->waiting)
        run_slice(job);
}

/* While the store is busy its callback finds that the client has gone. */
static void job_on_closed(struct ctl_request *request)
{
    struct job *job = job_of(request->state);
    if (!job->busy)
        job->kind->answer(job);
}

void job_notify(struct job *job, const struct buffer *line)
{
    job->blocked = !ctl_notify(job->request, line) || job->blocked;
}

void job_report(struct job *job, struct str message, int64_t done, int64_t total)
{
    job->blocked = !ctl_progress(job->request, message, done, total) || job->blocked;
}

/* ---------------------------------------------------------------- from begin to end */

void *job_new(struct ctl_request *request, size_t size, const struct job_kind *kind)
{
    struct job *job = arena_alloc(&request->arena, size);
    if (job == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return NULL;
    }
    job->magic = JOB_MAGIC;
    job->request = request;
    job->hub = admin_hub(request);
    job->kind = kind;
    job->began_us = env_monotonic_us();
    arena_init(&job->arena, SLICE_BYTES);
    request->state = job;
    request->on_drain = job_on_drain;
    request->on_closed = job_on_closed;
    return job;
}

struct ctl_request *job_end(struct job *job)
{
    struct ctl_request *request = job->request;
    arena_free(&job->arena);
    job->magic = 0;
    request->state = NULL;
    request->on_drain = NULL;
    request->on_closed = NULL;
    return request;
}

void job_next(struct job *job)
{
    job->tries = 0;
    job->began_us = env_monotonic_us();
    job->waiting = false;
    if (!job->blocked || job->request->closed)
        run_slice(job);
}

void job_wait(struct job *job)
{
    job->waiting = !job->woken && !job->request->closed;
    if (!job->waiting)
        job_next(job);
}

void job_wake(struct job *job)
{
    job->woken = true;
    if (job->waiting)
        job_next(job);
}

/* ---------------------------------------------------------------- reads and batches */

static void job_on_read(struct store_read *base)
{
    struct job *job = job_of(base->context);
    job->busy = false;
    if (base->result == OK || job->optional)
        job->then(job);
    else
        job->kind->fail(job, base->result, &base->error);
}

struct store_read job_read(struct job *job, void (*then)(struct job *job))
{
    job->then = then;
    job->busy = true;
    job->optional = false;
    return (struct store_read){.arena = &job->arena, .callback = job_on_read, .context = job};
}

struct store_read job_read_optional(struct job *job, void (*then)(struct job *job))
{
    struct store_read base = job_read(job, then);
    job->optional = true;
    return base;
}

static void job_on_applied(struct store_apply *batch)
{
    struct job *job = job_of(batch->context);
    bool conflict = batch->result == ERR_CONFLICT || batch->result == ERR_NOT_FOUND;
    job->busy = false;
    if (batch->result == OK) {
        job->then(job);
    } else if (conflict && !late_since(job->began_us)) {
        job->tries++;
        run_slice(job);
    } else {
        job->kind->fail(job, batch->result, &batch->error);
    }
}

void job_batch(struct job *job)
{
    store_batch_init(&job->batch, &job->arena);
    job->batch.callback = job_on_applied;
    job->batch.context = job;
}

void job_apply(struct job *job, void (*then)(struct job *job))
{
    job->then = then;
    job->busy = true;
    store_apply(job->hub->control_store, &job->batch);
}
