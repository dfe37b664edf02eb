#ifndef HUBD_ADMIN_JOB_H
#define HUBD_ADMIN_JOB_H

#include "hubd/hub.h"
#include "lib/ctl/server.h"
#include "lib/store/store.h"

/*
 * A command that works through many rows of the store: in slices, each of which is one read, or one read and one
 * batch. Only one slice is under way at a time, so the store and the control loop serve others in between, and
 * memory is that of one slice. A client that reads slowly halts the job. A client that hangs up ends it when the
 * slice at hand is finished; batches that were applied stay.
 *
 * The command's own struct has a `struct job` as its first member and comes from job_new. Every step ends with one
 * of job_apply, job_next, job_wait, job_end, or a read of the store whose base is of job_read.
 */
struct job;

struct job_kind {
    /* Begins the next slice with a read of the store, or ends the job because there is none. */
    void (*slice)(struct job *job);
    /* The client has gone, or `slice` is out of rows: answers the request that job_end returns. */
    void (*answer)(struct job *job);
    /* The store failed with this error: refuses the request that job_end returns. `error` lives until then. */
    void (*fail)(struct job *job, int error_code, const struct error *error);
};

#define JOB_MAGIC 0x4a4f4221u

struct job {
    uint32_t magic;
    struct ctl_request *request;
    struct hub *hub;
    struct arena arena;       /* of one slice: emptied before each */
    struct store_apply batch; /* of the slice */
    unsigned tries;           /* of the slice, which had a conflict each time before */
    /* own */
    const struct job_kind *kind;
    void (*then)(struct job *job); /* of the read or batch under way */
    int64_t began_us;              /* the first try of the slice, monotonic */
    bool busy;                     /* a read or batch is under way */
    bool optional;                 /* the read under way may fail */
    bool blocked;                  /* the client reads more slowly than the job writes */
    bool waiting;                  /* in job_wait */
    bool woken;                    /* job_wake was called since the slice began */
};

/* A zeroed struct of `size` bytes in the request's arena, whose first member is a struct job that is ready to run.
 * NULL: there is no memory, and the request has been answered. */
void *job_new(struct ctl_request *request, size_t size, const struct job_kind *kind);
/* The job is over: frees its memory and returns the request, which the caller answers. */
struct ctl_request *job_end(struct job *job);

/* The base of a read that the caller starts at once. `then` runs when it succeeded; when it failed, the job fails. */
struct store_read job_read(struct job *job, void (*then)(struct job *job));
/* The same for a read whose failure `then` handles: it runs in any case and finds the result in the read. */
struct store_read job_read_optional(struct job *job, void (*then)(struct job *job));

/* Empties job->batch, for store_batch_add. */
void job_batch(struct job *job);
/*
 * Applies job->batch; `then` runs when it is stored. When a row was changed or removed after it was read
 * (ERR_CONFLICT, ERR_NOT_FOUND), the slice begins again with job->tries one higher, until it is late
 * (hubd/request/late.h). Any other error fails the job.
 */
void job_apply(struct job *job, void (*then)(struct job *job));

/* Sends the client a notification, or how far the job is (ctl_notify, ctl_progress). When the client reads too slowly
 * the next slice waits for it. */
void job_notify(struct job *job, const struct buffer *line);
void job_report(struct job *job, struct str message, int64_t done, int64_t total);

/* The slice is finished: begins the next one, or answers when the client has gone. */
void job_next(struct job *job);
/* The same, but the next slice waits for job_wake. It does not when job_wake was called since this slice began. */
void job_wait(struct job *job);
void job_wake(struct job *job);

#endif
