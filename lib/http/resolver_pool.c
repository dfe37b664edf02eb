#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/http/resolver_internal.h"

/* Names that may wait for a thread. */
#define JOBS_MAX 256
/* Threads that stay when there is nothing to do. */
#define THREADS_IDLE 4
/* A lookup that takes longer makes its name a slow one. */
#define SLOW_MS 1000

/*
 * A thread is made when all others are busy, so that a name whose DNS server hangs delays nobody as long as
 * there may be another. Slow names share half of the threads: however many there are, the others have the
 * rest.
 */

static struct resolver_name *take_job(struct http_resolver *resolver)
{
    struct ring *node = ring_pop(&resolver->jobs);
    unsigned slow_max = resolver->threads_max > 1 ? resolver->threads_max / 2 : 1;

    if (node == NULL && resolver->slow_count < slow_max && (node = ring_pop(&resolver->slow_jobs)) != NULL)
        resolver->slow_count++;
    if (node == NULL)
        return NULL;
    resolver->job_count--;
    return CONTAINER_OF(node, struct resolver_name, job);
}

/* Answers one question; the lock is released while DNS is asked. */
static void work(struct http_resolver *resolver, struct resolver_name *name)
{
    char host[HTTP_HOST_SIZE];
    struct http_resolved addresses = {0};
    struct error error = {0};
    http_lookup *lookup = resolver->lookup;
    void *context = resolver->lookup_context;
    bool was_slow = name->slow;
    int64_t begun = env_monotonic_ms();

    name->state = RESOLVER_RUNNING;
    str_copy(str_from(name->host), host, sizeof host);
    pthread_mutex_unlock(&resolver->lock);
    int result = lookup(context, host, &addresses, &error);
    pthread_mutex_lock(&resolver->lock);
    name->slow = result != OK || env_monotonic_ms() - begun > SLOW_MS;
    resolver->slow_count -= was_slow;
    resolver_take(resolver, name, result, &addresses, &error);
}

static void *thread_run(void *argument)
{
    struct http_resolver *resolver = MAGIC_CAST(struct http_resolver, argument, RESOLVER_MAGIC);

    pthread_mutex_lock(&resolver->lock);
    while (!resolver->stopping) {
        struct resolver_name *name = take_job(resolver);
        if (name != NULL) {
            work(resolver, name);
        } else if (resolver->idle_count >= THREADS_IDLE) {
            break;
        } else {
            resolver->idle_count++;
            pthread_cond_wait(&resolver->wake, &resolver->lock);
            resolver->idle_count--;
        }
    }
    resolver->thread_count--;
    pthread_cond_broadcast(&resolver->ended);
    resolver_release(resolver);
    return NULL;
}

/* Makes a thread if nobody is free for what waits. False: there is none at all. */
static bool make_thread(struct http_resolver *resolver)
{
    pthread_t thread;

    if (resolver->idle_count >= resolver->job_count || resolver->thread_count >= resolver->threads_max)
        return true;
    if (pthread_create(&thread, NULL, thread_run, resolver) == 0) {
        pthread_detach(thread);
        resolver->references++;
        resolver->thread_count++;
    }
    return resolver->thread_count > 0;
}

bool resolver_queue(struct http_resolver *resolver, struct resolver_name *name)
{
    if (resolver->job_count >= JOBS_MAX)
        return false;
    name->state = RESOLVER_QUEUED;
    ring_push(name->slow ? &resolver->slow_jobs : &resolver->jobs, &name->job);
    resolver->job_count++;
    if (!make_thread(resolver)) {
        resolver_unqueue(resolver, name);
        return false;
    }
    pthread_cond_signal(&resolver->wake);
    return true;
}

void resolver_unqueue(struct http_resolver *resolver, struct resolver_name *name)
{
    ring_remove(&name->job);
    resolver->job_count--;
    name->state = RESOLVER_IDLE;
}

void resolver_release(struct http_resolver *resolver)
{
    bool last = --resolver->references == 0;

    pthread_mutex_unlock(&resolver->lock);
    if (!last)
        return;
    while (!ring_is_empty(&resolver->ages))
        resolver_drop(resolver, CONTAINER_OF(resolver->ages.next, struct resolver_name, age));
    pthread_cond_destroy(&resolver->wake);
    pthread_cond_destroy(&resolver->ended);
    pthread_mutex_destroy(&resolver->lock);
    resolver->magic = 0;
    free(resolver);
}

/* ---------------------------------------------------------------- life */

/* What a failure of getaddrinfo is; without a socket it says that DNS fails. */
static int lookup_result(int code, int number)
{
    if (code == EAI_NONAME || code == EAI_NODATA)
        return ERR_NOT_FOUND;
    return code == EAI_MEMORY ? ERR_MEMORY : error_of_lack(number, ERR_UNREACHABLE);
}

static int lookup_getaddrinfo(void *context, const char *host, struct http_resolved *addresses,
                              struct error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;

    (void)context;
    errno = 0;
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code != 0)
        return error_set(error, lookup_result(code, errno), "no address for %s: %s", host,
                         code == EAI_SYSTEM ? "the system's resolver failed" : gai_strerror(code));
    addresses->count = 0;
    for (struct addrinfo *item = list; item != NULL && addresses->count < HTTP_ADDRESSES_MAX;
         item = item->ai_next) {
        union http_socket_address *address = &addresses->list[addresses->count];
        if (item->ai_family == AF_INET && item->ai_addrlen == sizeof address->v4)
            memcpy(&address->v4, item->ai_addr, sizeof address->v4);
        else if (item->ai_family == AF_INET6 && item->ai_addrlen == sizeof address->v6)
            memcpy(&address->v6, item->ai_addr, sizeof address->v6);
        else
            continue;
        addresses->count++;
    }
    freeaddrinfo(list);
    if (addresses->count == 0)
        return error_set(error, ERR_NOT_FOUND, "no address for %s", host);
    return OK;
}

struct http_resolver *http_resolver_new(unsigned threads_max, int64_t ttl_ms)
{
    struct http_resolver *resolver = calloc(1, sizeof *resolver);

    if (resolver == NULL)
        return NULL;
    resolver->magic = RESOLVER_MAGIC;
    resolver->references = 1;
    resolver->ttl_ms = ttl_ms;
    resolver->threads_max = threads_max == 0 ? 1 : threads_max;
    resolver->lookup = lookup_getaddrinfo;
    pthread_mutex_init(&resolver->lock, NULL);
    pthread_cond_init(&resolver->wake, NULL);
    pthread_cond_init(&resolver->ended, NULL);
    ring_init(&resolver->jobs);
    ring_init(&resolver->slow_jobs);
    ring_init(&resolver->ages);
    for (size_t i = 0; i < RESOLVER_BUCKETS; i++)
        ring_init(&resolver->buckets[i]);
    return resolver;
}

/* Threads stuck in DNS are left to themselves; the last one back frees. */
void http_resolver_free(struct http_resolver *resolver)
{
    if (resolver == NULL)
        return;
    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = true;
    pthread_cond_broadcast(&resolver->wake);
    while (resolver->idle_count > 0)
        pthread_cond_wait(&resolver->ended, &resolver->lock);
    resolver_release(resolver);
}

void http_resolver_set_lookup(struct http_resolver *resolver, http_lookup *lookup, void *context)
{
    pthread_mutex_lock(&resolver->lock);
    resolver->lookup = lookup;
    resolver->lookup_context = context;
    pthread_mutex_unlock(&resolver->lock);
}
