#include "lib/http/resolver.h"

#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/http/resolver_internal.h"

/* Names kept at most. */
#define NAMES_MAX 1024
/* A name without addresses is not looked up again before, if the ttl is not shorter. */
#define NEGATIVE_MS 2000
/* One whose addresses serve on, after so many failures. */
#define BACKOFF_MAX_MS 30000
/* Old addresses serve at most so long after they were found (RFC 8767 section 4 says 1 to 3 days), and so
 * long after DNS began to say that there is no such name: that is also what a mistake in a zone looks like.
 */
#define STALE_MS  (INT64_C(24) * 60 * 60 * 1000)
#define DENIED_MS (INT64_C(10) * 60 * 1000)
/* Who was given old addresses may ask again after. */
#define STALE_AGAIN_MS 1000

/* ---------------------------------------------------------------- names; the lock is held */

void resolver_drop(struct http_resolver *resolver, struct resolver_name *name)
{
    ring_remove(&name->bucket);
    ring_remove(&name->age);
    resolver->name_count--;
    free(name);
}

/* Makes room for one more: drops the oldest name that nobody is busy with. False: all are busy. */
static bool make_room(struct http_resolver *resolver)
{
    if (resolver->name_count < NAMES_MAX)
        return true;
    for (struct ring *node = resolver->ages.next; node != &resolver->ages; node = node->next) {
        struct resolver_name *name = CONTAINER_OF(node, struct resolver_name, age);
        if (name->state == RESOLVER_IDLE) {
            resolver_drop(resolver, name);
            return true;
        }
    }
    return false;
}

static struct resolver_name *name_get(struct http_resolver *resolver, const char *host)
{
    struct ring *bucket = &resolver->buckets[str_hash(str_from(host)) % RESOLVER_BUCKETS];
    struct resolver_name *name;

    for (struct ring *node = bucket->next; node != bucket; node = node->next) {
        name = CONTAINER_OF(node, struct resolver_name, bucket);
        if (strcmp(name->host, host) == 0) {
            ring_remove(&name->age);
            ring_push(&resolver->ages, &name->age);
            return name;
        }
    }
    if (!make_room(resolver) || (name = calloc(1, sizeof *name)) == NULL)
        return NULL;
    if (!str_copy(str_from(host), name->host, sizeof name->host)) {
        free(name);
        return NULL;
    }
    name->next_ms = INT64_MIN;
    ring_init(&name->waiting);
    ring_init(&name->job);
    ring_push(bucket, &name->bucket);
    ring_push(&resolver->ages, &name->age);
    resolver->name_count++;
    return name;
}

/* ---------------------------------------------------------------- what is answered; the lock is held */

/* Addresses that may still be used, though they may be old. */
static bool has_addresses(const struct resolver_name *name, int64_t now)
{
    return name->addresses.count > 0 && now < name->found_ms + STALE_MS &&
           (name->denied_ms == 0 || now < name->denied_ms + DENIED_MS);
}

/* They are as DNS said less than a ttl ago. */
static bool is_fresh(const struct http_resolver *resolver, const struct resolver_name *name, int64_t now)
{
    return name->addresses.count > 0 && name->result == OK && now < name->found_ms + resolver->ttl_ms;
}

static void resolver_answer(const struct http_resolver *resolver, const struct resolver_name *name,
                            struct http_resolver_request *request, int64_t now)
{
    request->pending = false;
    request->error = name->error;
    request->result = has_addresses(name, now)     ? OK
                      : error_is_own(name->result) ? name->result
                                                   : ERR_UNREACHABLE;
    request->addresses.count = 0;
    if (request->result == OK)
        request->addresses = name->addresses;
    request->expires_ms = name->result == OK && name->found_ms + resolver->ttl_ms >= now
                              ? name->found_ms + resolver->ttl_ms
                              : now + STALE_AGAIN_MS;
}

static int64_t pause_after_failure(const struct http_resolver *resolver, const struct resolver_name *name,
                                   int64_t now)
{
    if (!has_addresses(name, now))
        return resolver->ttl_ms < NEGATIVE_MS ? resolver->ttl_ms : NEGATIVE_MS;
    unsigned doublings = name->failures < 5 ? name->failures - 1 : 4;
    int64_t pause = (int64_t)NEGATIVE_MS << doublings;
    return pause < BACKOFF_MAX_MS ? pause : BACKOFF_MAX_MS;
}

static void take_failure(struct http_resolver *resolver, struct resolver_name *name, int64_t now)
{
    if (name->result == ERR_NOT_FOUND && name->denied_ms == 0)
        name->denied_ms = now;
    if (name->failures++ == 0 && has_addresses(name, now))
        log_warn("http: %s; the addresses found before serve on", name->error.text);
    name->next_ms = now + pause_after_failure(resolver, name, now);
}

void resolver_take(struct http_resolver *resolver, struct resolver_name *name, int result,
                   const struct http_resolved *addresses, const struct error *error)
{
    int64_t now = env_monotonic_ms();
    struct ring *node;

    name->state = RESOLVER_IDLE;
    name->result = result;
    name->error = *error;
    if (result == OK) {
        if (name->failures > 0 && name->addresses.count > 0)
            log_info("http: DNS has addresses for %s again", name->host);
        name->addresses = *addresses;
        name->found_ms = now;
        name->next_ms = now + resolver->ttl_ms;
        name->denied_ms = 0;
        name->failures = 0;
    } else {
        take_failure(resolver, name, now);
    }
    while ((node = ring_pop(&name->waiting)) != NULL) {
        struct http_resolver_request *request = CONTAINER_OF(node, struct http_resolver_request, queue);
        resolver_answer(resolver, name, request, now);
        ring_push(&request->inbox->answered, &request->queue);
        uv_async_send(request->inbox->async);
    }
}

/* ---------------------------------------------------------------- for the client */

static void resolver_refuse(struct http_resolver_request *request, const char *host, const char *why)
{
    request->result = error_set(&request->error, ERR_SHORT, "no address for %s: %s", host, why);
    request->addresses.count = 0;
    request->expires_ms = env_monotonic_ms();
}

/*
 * The answer that there is at once: addresses of less than a ttl ago, or older ones while DNS is asked again
 * beside it, so that it adds no latency, or a failure of a moment ago. False: there is none. Without a ttl
 * nothing but a failure of DNS lets old ones serve.
 */
static bool answer_at_once(struct http_resolver *resolver, struct resolver_name *name,
                           struct http_resolver_request *request, int64_t now)
{
    bool usable = has_addresses(name, now), is_idle = name->state == RESOLVER_IDLE;
    bool old_ones_serve = usable && (resolver->ttl_ms > 0 || name->result != OK);

    if (!is_fresh(resolver, name, now) && !old_ones_serve &&
        (usable || name->result == OK || !is_idle || now >= name->next_ms))
        return false;
    if (old_ones_serve && is_idle && now >= name->next_ms)
        resolver_queue(resolver, name);
    resolver_answer(resolver, name, request, now);
    return true;
}

bool http_resolver_ask(struct http_resolver *resolver, struct http_resolver_request *request,
                       struct http_resolver_inbox *inbox, const char *host)
{
    bool answered = true;

    request->asked = true;
    request->pending = false;
    ring_init(&request->queue);
    pthread_mutex_lock(&resolver->lock);
    struct resolver_name *name = name_get(resolver, host);
    if (name == NULL) {
        resolver_refuse(request, host, "too many names are being looked up");
    } else if (answer_at_once(resolver, name, request, env_monotonic_ms())) {
        /* nothing to wait for */
    } else if (name->state == RESOLVER_IDLE && !resolver_queue(resolver, name)) {
        resolver_refuse(request, host, "too many names wait for DNS");
    } else {
        request->pending = true;
        request->inbox = inbox;
        ring_push(&name->waiting, &request->queue);
        answered = false;
    }
    pthread_mutex_unlock(&resolver->lock);
    return answered;
}

struct http_resolver_request *http_resolver_take(struct http_resolver *resolver,
                                                 struct http_resolver_inbox *inbox)
{
    pthread_mutex_lock(&resolver->lock);
    struct ring *node = ring_pop(&inbox->answered);
    pthread_mutex_unlock(&resolver->lock);
    return node == NULL ? NULL : CONTAINER_OF(node, struct http_resolver_request, queue);
}

/* A name that nobody waits for any more need not hold a thread, unless its addresses are to be renewed. */
static void drop_unwanted_jobs(struct http_resolver *resolver, struct ring *jobs)
{
    struct ring *next;

    for (struct ring *node = jobs->next; node != jobs; node = next) {
        struct resolver_name *name = CONTAINER_OF(node, struct resolver_name, job);
        next = node->next;
        if (ring_is_empty(&name->waiting) && name->addresses.count == 0)
            resolver_unqueue(resolver, name);
    }
}

void http_resolver_cancel(struct http_resolver *resolver, struct http_resolver_request *request)
{
    if (!request->asked)
        return;
    pthread_mutex_lock(&resolver->lock);
    bool was_pending = request->pending;
    ring_remove(&request->queue);
    request->pending = request->asked = false;
    if (was_pending) {
        drop_unwanted_jobs(resolver, &resolver->jobs);
        drop_unwanted_jobs(resolver, &resolver->slow_jobs);
    }
    pthread_mutex_unlock(&resolver->lock);
}
