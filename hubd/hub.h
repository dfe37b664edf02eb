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
 * The parts of the process. service.c builds and frees them; every room borrows the hub. The `control` loop
 * runs the admin socket, the registry, deliveries, probes and the time limits of commands; the `workers`
 * serve partners' requests and forward them in real time.
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

#define WORKER_MAGIC 0x574f524bu
struct worker {
    uint32_t magic;
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
    unsigned active;                               /* requests not answered yet; this loop only */
    size_t broadcasting;                           /* bytes that broadcasts under way hold; this loop only */
    _Atomic bool idle;                             /* after worker_drain: no request is left */
    _Atomic bool ended;                            /* after worker_finish: the thread may be joined */
    struct worker_ending *ending;
};

struct hub {
    struct conf conf;          /* the control loop's; workers read their own copy, see struct worker */
    struct ocpi_party_key key; /* the hub's own */
    struct loop control;
    struct store *store;
    struct store_client *control_store;
    struct registry *registry;
    struct registry_view *control_view;
    struct http_client *control_client; /* deliveries, discovery */
    struct http_client *probe_client;   /* probes, so that they never wait for a delivery */
    struct http_resolver *resolver;
    struct url_policy *policy; /* replaced whole by a reload */
    struct url_own own;        /* where the hub itself listens */
    struct descriptors descriptors;
    struct budget memory; /* of all loops: memory_max */
    struct http_listener *listener;
    struct worker *workers;
    unsigned worker_count;
    struct lines *lines; /* order changes of one object (hubd/request/line.h) */
    struct outbox *outbox;
    struct health *health;
    struct clientinfo *clientinfo;
    struct commands *commands;
    struct limits *limits;
    struct retention *retention;
    struct admin *admin;
    struct traffic *traffic;
    const struct outbound_observer *observer; /* is told of every call to a partner; NULL: nobody is */
    struct clock_watch *clock;
    int64_t started_wall, started_steady;
    int64_t steady_offset;       /* the hub's time minus the monotonic clock, at the start; ms */
    _Atomic int64_t kept_offset; /* the same now, ms: clock.c corrects it when it trusts the wall clock */
    _Atomic bool draining;
    uint8_t seal_key[32], audit_key[32];
    /*
     * The hub's pseudonym in the `Via` header of every call that it makes (RFC 9110 section 7.6.3), derived
     * from key_file. A request that carries it (http_via_names) was sent by this hub: a partner's URL leads
     * back here (hub-ocpi(7), CREDENTIALS).
     */
    char via[HUB_VIA_SIZE];
};

/* The hub's time (clock.h) at the start plus the monotonic time since then, ms. For deadlines that a
 * correction of the clock must not move. Any thread. */
static inline int64_t hub_steady_ms(const struct hub *hub)
{
    return env_monotonic_ms() + hub->steady_offset;
}

/* The hub's time now, ms. Tokens expire and stored rows age by it, since the wall clock may be wrong. Any
 * thread. */
static inline int64_t hub_kept_ms(const struct hub *hub)
{
    return env_monotonic_ms() + atomic_load_explicit(&hub->kept_offset, memory_order_relaxed);
}

#endif
