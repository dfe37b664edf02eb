#ifndef HUBD_HUB_H
#define HUBD_HUB_H

#include "hubd/descriptors.h"
#include "hubd/registry/limit.h"
#include "hubd/loop.h"
#include "hubd/registry/registry.h"
#include "lib/base/budget.h"
#include "lib/base/env.h"
#include "lib/conf/conf.h"
#include "lib/http/client.h"
#include "lib/http/server.h"

/*
 * What the process is made of. Built by main, borrowed by everybody else. `control` runs the admin socket,
 * the registry, delivery, health and command timers; `workers` serve partners' requests and real-time
 * forwards.
 */
struct lines;
struct outbox;
struct health;
struct clientinfo;
struct commands;
struct limits;
struct retention;
struct admin;
struct quality;
struct traffic;
struct clock_watch;
struct traffic_counts;
struct outbound_observer;

#define HUB_VIA_SIZE 24 /* "hub-", 16 hex digits and the NUL */

struct worker {
    struct loop loop;
    uv_thread_t thread;
    struct hub *hub;
    struct conf conf; /* this loop's copy of the settings, renewed on its own thread after a reload */
    struct http_server *server;
    struct http_client *client; /* real-time calls */
    struct store_client *store;
    struct registry_view *view;
    struct quality *quality; /* findings counted on this loop */
    struct traffic_counts *traffic;
    struct limit_state strangers[LIMIT_STRANGERS]; /* by address; this loop only */
    unsigned active;                               /* requests without their answer; this loop only */
    size_t broadcasting;                           /* bytes that broadcasts under way hold; this loop only */
    _Atomic bool idle;                             /* drained: no request left */
    _Atomic bool ended;                            /* its loop has nothing left to do */
    struct worker_ending *ending;
};

struct hub {
    struct conf conf;          /* the control loop's; what a reload may change, workers read in their own */
    struct ocpi_party_key key; /* the hub's own */
    struct loop control;
    struct store *store;
    struct store_client *control_store;
    struct registry *registry;
    struct registry_view *control_view;
    struct http_client *control_client; /* deliveries, discovery */
    struct http_client *probe_client;   /* probes: they wait for no delivery */
    struct http_resolver *resolver;
    struct url_policy *policy; /* replaced whole by a reload */
    struct url_own own;        /* where the hub itself listens */
    struct descriptors descriptors;
    struct budget memory; /* of all loops: memory_max */
    struct http_listener *listener;
    struct worker *workers;
    unsigned worker_count;
    struct lines *lines; /* changes of one object, one after the other */
    struct outbox *outbox;
    struct health *health;
    struct clientinfo *clientinfo;
    struct commands *commands;
    struct limits *limits;
    struct retention *retention;
    struct admin *admin;
    struct traffic *traffic;
    const struct outbound_observer *observer; /* of every call to a partner; NULL: nobody */
    struct clock_watch *clock;
    int64_t started_wall, started_steady;
    int64_t steady_offset;       /* the hub's time minus the monotonic clock at the start, ms */
    _Atomic int64_t kept_offset; /* the same as it is now: clock.h moves it when the wall clock is sure */
    _Atomic bool draining;
    uint8_t seal_key[32], audit_key[32];
    /*
     * The pseudonym in the `Via` of every call that the hub makes (RFC 9110 section 7.6.3), derived from
     * key_file. A request with it (http_via_names) has come back to where it came from: a partner's URL leads
     * to the hub itself (hub-ocpi(7), CREDENTIALS).
     */
    char via[HUB_VIA_SIZE];
};

/* The hub's time (clock.h) as it was at the start plus what has passed since: for deadlines that no
 * correction of the clock may touch. */
static inline int64_t hub_steady_ms(const struct hub *hub)
{
    return env_monotonic_ms() + hub->steady_offset;
}

/* The hub's time: by it tokens end and what is kept grows old, since the wall clock may be wrong. Any thread.
 */
static inline int64_t hub_kept_ms(const struct hub *hub)
{
    return env_monotonic_ms() + atomic_load_explicit(&hub->kept_offset, memory_order_relaxed);
}

#endif
