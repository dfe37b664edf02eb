#ifndef LIB_HTTP_RESOLVER_INTERNAL_H
#define LIB_HTTP_RESOLVER_INTERNAL_H

#include <pthread.h>

#include "lib/base/magic.h"
#include "lib/http/resolver.h"

/*
 * The inside of struct http_resolver. resolver.c has the cache of names and answers requests, resolver_pool.c has the
 * threads. One lock guards everything.
 */

#define RESOLVER_MAGIC   0x52534c56u /* "RSLV" */
#define RESOLVER_BUCKETS 256

enum resolver_state { RESOLVER_IDLE, RESOLVER_QUEUED, RESOLVER_RUNNING };

/* One name. */
struct resolver_name {
    struct ring bucket;
    struct ring age;     /* resolver->ages, oldest first */
    struct ring job;     /* resolver->jobs or resolver->slow_jobs */
    struct ring waiting; /* requests */
    enum resolver_state state;
    bool slow; /* its last lookup failed or took long */
    char host[HTTP_HOST_SIZE];
    int result; /* of the last lookup */
    struct error error;
    unsigned failures;              /* since one succeeded */
    struct http_resolved addresses; /* the last that were found; none: count 0 */
    int64_t found_ms;               /* when */
    int64_t denied_ms;              /* since when DNS says that there is no such name; 0: it does not */
    int64_t next_ms;                /* no lookup before */
};

struct http_resolver {
    uint32_t magic;
    unsigned references; /* the owner and each thread; a thread stuck in DNS may outlive the owner */
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* a job, or the end */
    pthread_cond_t ended; /* an idle thread has ended */
    bool stopping;
    int64_t ttl_ms;
    http_lookup *lookup;
    void *lookup_context;
    struct ring jobs, slow_jobs, ages;
    size_t job_count, name_count; /* both kinds of jobs */
    struct ring buckets[RESOLVER_BUCKETS];
    unsigned threads_max, thread_count, idle_count, slow_count;
};

/* ---------------------------------------------------------------- resolver.c; the lock is held */

/* Stores the result of a lookup and answers the requests that wait for it. */
void resolver_take(struct http_resolver *resolver, struct resolver_name *name, int result,
                   const struct http_resolved *addresses, const struct error *error);
void resolver_drop(struct http_resolver *resolver, struct resolver_name *name);

/* ---------------------------------------------------------------- resolver_pool.c; the lock is held */

/* Queues the name for a thread. False: too many wait, or there is no thread. */
bool resolver_queue(struct http_resolver *resolver, struct resolver_name *name);
/* Removes the name from the queue. */
void resolver_unqueue(struct http_resolver *resolver, struct resolver_name *name);
/* Releases a reference, and the lock. The last reference frees the resolver. */
void resolver_release(struct http_resolver *resolver);

#endif
