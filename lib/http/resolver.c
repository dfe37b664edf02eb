#include "lib/http/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/base/magic.h"

#define RESOLVER_MAGIC 0x52534c56u /* "RSLV" */
#define BUCKETS        256
/* Names kept at most, and names that may wait for a thread. */
#define ENTRIES_MAX 1024
#define JOBS_MAX    256
/* How long a failure is remembered, if the ttl is not shorter. */
#define NEGATIVE_MS 2000

enum entry_state { ENTRY_IDLE, ENTRY_QUEUED, ENTRY_RUNNING };

/* One name. */
struct entry {
    struct queue bucket;
    struct queue age;     /* resolver->ages, oldest first */
    struct queue job;     /* resolver->jobs */
    struct queue waiting; /* requests */
    enum entry_state state;
    char host[HTTP_HOST_SIZE];
    int result;
    struct error error;
    struct http_addresses addresses;
    int64_t expires_ms;
};

/* One lock for everything: it is taken once per name and ttl, not once per call. */
struct http_resolver {
    uint32_t magic;
    unsigned references; /* the owner and each thread; a thread stuck in DNS may outlive the owner */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    int64_t ttl_ms;
    http_lookup *lookup;
    void *lookup_context;
    struct queue jobs, ages;
    size_t job_count, entry_count;
    struct queue buckets[BUCKETS];
    unsigned worker_count;
    struct worker {
        struct http_resolver *resolver;
        pthread_t thread;
        bool busy;
    } workers[];
};

static int lookup_getaddrinfo(void *context, const char *host, struct http_addresses *addresses,
                              struct error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;

    (void)context;
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code != 0)
        return error_set(error, ERR_UNREACHABLE, "no address for %s: %s", host,
                         code == EAI_SYSTEM ? "the system's resolver failed" : gai_strerror(code));
    addresses->count = 0;
    for (struct addrinfo *item = list; item != NULL && addresses->count < HTTP_ADDRESSES_MAX;
         item = item->ai_next) {
        union http_address *address = &addresses->list[addresses->count];
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
        return error_set(error, ERR_UNREACHABLE, "no address for %s", host);
    return OK;
}

/* ---- entries; the lock is held ---- */

static void entry_drop(struct http_resolver *resolver, struct entry *entry)
{
    queue_remove(&entry->bucket);
    queue_remove(&entry->age);
    resolver->entry_count--;
    free(entry);
}

/* Makes room for one more: drops the oldest name that nobody is busy with. False: all are busy. */
static bool entry_make_room(struct http_resolver *resolver)
{
    if (resolver->entry_count < ENTRIES_MAX)
        return true;
    for (struct queue *node = resolver->ages.next; node != &resolver->ages; node = node->next) {
        struct entry *entry = CONTAINER_OF(node, struct entry, age);
        if (entry->state == ENTRY_IDLE) {
            entry_drop(resolver, entry);
            return true;
        }
    }
    return false;
}

static struct entry *entry_get(struct http_resolver *resolver, const char *host)
{
    struct queue *bucket = &resolver->buckets[str_hash(str_from(host)) % BUCKETS];
    struct entry *entry;

    for (struct queue *node = bucket->next; node != bucket; node = node->next) {
        entry = CONTAINER_OF(node, struct entry, bucket);
        if (strcmp(entry->host, host) == 0) {
            queue_remove(&entry->age);
            queue_push(&resolver->ages, &entry->age);
            return entry;
        }
    }
    if (!entry_make_room(resolver) || (entry = calloc(1, sizeof *entry)) == NULL)
        return NULL;
    if (!str_copy(str_from(host), entry->host, sizeof entry->host)) {
        free(entry);
        return NULL;
    }
    entry->expires_ms = INT64_MIN;
    queue_init(&entry->waiting);
    queue_init(&entry->job);
    queue_push(bucket, &entry->bucket);
    queue_push(&resolver->ages, &entry->age);
    resolver->entry_count++;
    return entry;
}

static void answer(const struct entry *entry, struct http_resolver_request *request)
{
    request->result = entry->result;
    request->error = entry->error;
    request->addresses = entry->addresses;
    request->expires_ms = entry->expires_ms;
    request->pending = false;
}

/* ---- threads ---- */

static void release(struct http_resolver *resolver)
{
    /* The lock is held on entry; the last one out frees. */
    bool last = --resolver->references == 0;

    pthread_mutex_unlock(&resolver->lock);
    if (!last)
        return;
    while (!queue_is_empty(&resolver->ages))
        entry_drop(resolver, CONTAINER_OF(resolver->ages.next, struct entry, age));
    pthread_cond_destroy(&resolver->wake);
    pthread_mutex_destroy(&resolver->lock);
    resolver->magic = 0;
    free(resolver);
}

static void finish_entry(struct entry *entry, int64_t ttl_ms)
{
    struct queue *node;

    entry->state = ENTRY_IDLE;
    entry->expires_ms = env_monotonic_ms() + ttl_ms;
    while ((node = queue_pop(&entry->waiting)) != NULL) {
        struct http_resolver_request *request = CONTAINER_OF(node, struct http_resolver_request, queue);
        answer(entry, request);
        queue_push(&request->inbox->answered, &request->queue);
        uv_async_send(request->inbox->async);
    }
}

/* Answers one question; the lock is released while DNS is asked. */
static void work(struct http_resolver *resolver, struct entry *entry)
{
    char host[HTTP_HOST_SIZE];
    struct http_addresses addresses = {0};
    struct error error = {0};
    http_lookup *lookup = resolver->lookup;
    void *context = resolver->lookup_context;

    entry->state = ENTRY_RUNNING;
    str_copy(str_from(entry->host), host, sizeof host);
    pthread_mutex_unlock(&resolver->lock);
    int result = lookup(context, host, &addresses, &error);
    pthread_mutex_lock(&resolver->lock);
    entry->result = result;
    entry->addresses = addresses;
    entry->error = error;
    finish_entry(entry, result == OK || resolver->ttl_ms < NEGATIVE_MS ? resolver->ttl_ms : NEGATIVE_MS);
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    struct http_resolver *resolver = MAGIC_CAST(struct http_resolver, worker->resolver, RESOLVER_MAGIC);

    pthread_mutex_lock(&resolver->lock);
    while (!resolver->stopping) {
        struct queue *node = queue_pop(&resolver->jobs);
        if (node == NULL) {
            pthread_cond_wait(&resolver->wake, &resolver->lock);
            continue;
        }
        resolver->job_count--;
        worker->busy = true;
        work(resolver, CONTAINER_OF(node, struct entry, job));
        worker->busy = false;
    }
    release(resolver);
    return NULL;
}

/* ---- for the client ---- */

static bool refuse(struct http_resolver_request *request, const char *host, const char *why)
{
    request->result = error_set(&request->error, ERR_UNREACHABLE, "no address for %s: %s", host, why);
    request->addresses.count = 0;
    request->expires_ms = env_monotonic_ms();
    return true;
}

bool http_resolver_ask(struct http_resolver *resolver, struct http_resolver_request *request,
                       struct http_resolver_inbox *inbox, const char *host)
{
    bool answered = true;

    request->asked = true;
    request->pending = false;
    queue_init(&request->queue);
    pthread_mutex_lock(&resolver->lock);
    struct entry *entry = entry_get(resolver, host);
    if (entry == NULL) {
        refuse(request, host, "too many names are being looked up");
        goto out;
    }
    if (entry->state == ENTRY_IDLE && env_monotonic_ms() < entry->expires_ms) {
        answer(entry, request);
        goto out;
    }
    if (entry->state == ENTRY_IDLE && resolver->job_count >= JOBS_MAX) {
        refuse(request, host, "too many names wait for DNS");
        goto out;
    }
    if (entry->state == ENTRY_IDLE) {
        entry->state = ENTRY_QUEUED;
        queue_push(&resolver->jobs, &entry->job);
        resolver->job_count++;
        pthread_cond_signal(&resolver->wake);
    }
    request->pending = true;
    request->inbox = inbox;
    queue_push(&entry->waiting, &request->queue);
    answered = false;
out:
    pthread_mutex_unlock(&resolver->lock);
    return answered;
}

struct http_resolver_request *http_resolver_take(struct http_resolver *resolver,
                                                 struct http_resolver_inbox *inbox)
{
    pthread_mutex_lock(&resolver->lock);
    struct queue *node = queue_pop(&inbox->answered);
    pthread_mutex_unlock(&resolver->lock);
    return node == NULL ? NULL : CONTAINER_OF(node, struct http_resolver_request, queue);
}

/* A name that nobody waits for any more need not hold a thread. */
static void drop_unwanted_jobs(struct http_resolver *resolver)
{
    struct queue *next;

    for (struct queue *node = resolver->jobs.next; node != &resolver->jobs; node = next) {
        struct entry *entry = CONTAINER_OF(node, struct entry, job);
        next = node->next;
        if (!queue_is_empty(&entry->waiting))
            continue;
        queue_remove(node);
        resolver->job_count--;
        entry->state = ENTRY_IDLE;
    }
}

void http_resolver_cancel(struct http_resolver *resolver, struct http_resolver_request *request)
{
    if (!request->asked)
        return;
    pthread_mutex_lock(&resolver->lock);
    bool was_pending = request->pending;
    queue_remove(&request->queue);
    request->pending = request->asked = false;
    if (was_pending)
        drop_unwanted_jobs(resolver);
    pthread_mutex_unlock(&resolver->lock);
}

void http_resolver_set_lookup(struct http_resolver *resolver, http_lookup *lookup, void *context)
{
    pthread_mutex_lock(&resolver->lock);
    resolver->lookup = lookup;
    resolver->lookup_context = context;
    pthread_mutex_unlock(&resolver->lock);
}

/* ---- life ---- */

struct http_resolver *http_resolver_new(unsigned threads, int64_t ttl_ms)
{
    if (threads == 0)
        threads = 1;
    struct http_resolver *resolver = calloc(1, sizeof *resolver + threads * sizeof resolver->workers[0]);
    if (resolver == NULL)
        return NULL;
    resolver->magic = RESOLVER_MAGIC;
    resolver->references = 1;
    resolver->ttl_ms = ttl_ms;
    resolver->lookup = lookup_getaddrinfo;
    pthread_mutex_init(&resolver->lock, NULL);
    pthread_cond_init(&resolver->wake, NULL);
    queue_init(&resolver->jobs);
    queue_init(&resolver->ages);
    for (size_t i = 0; i < BUCKETS; i++)
        queue_init(&resolver->buckets[i]);
    pthread_mutex_lock(&resolver->lock);
    for (unsigned i = 0; i < threads; i++) {
        resolver->workers[i].resolver = resolver;
        if (pthread_create(&resolver->workers[i].thread, NULL, worker_run, &resolver->workers[i]) != 0)
            break;
        resolver->references++;
        resolver->worker_count++;
    }
    if (resolver->worker_count == 0) {
        release(resolver);
        return NULL;
    }
    pthread_mutex_unlock(&resolver->lock);
    return resolver;
}

void http_resolver_free(struct http_resolver *resolver)
{
    if (resolver == NULL)
        return;
    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = true;
    pthread_cond_broadcast(&resolver->wake);
    for (unsigned i = 0; i < resolver->worker_count; i++) {
        struct worker *worker = &resolver->workers[i];
        if (worker->busy) {
            pthread_detach(
                worker->thread); /* it may be stuck in DNS; it frees the resolver when it comes back */
            continue;
        }
        pthread_mutex_unlock(&resolver->lock);
        pthread_join(worker->thread, NULL);
        pthread_mutex_lock(&resolver->lock);
    }
    release(resolver);
}
