#ifndef HUBD_MESSAGES_FORWARD_H
#define HUBD_MESSAGES_FORWARD_H

#include "hubd/calls/outbound.h"
#include "hubd/request/request.h"
#include "hubd/registry/routing.h"

/*
 * A real-time forward of a request to a party's interface: same method, new X-Request-ID, same
 * X-Correlation-ID, FROM the caller, TO the target (OCPI 2.2.1, Transport: Message Routing). Sets
 * request->target.
 */
enum forward_outcome {
    FORWARD_ANSWERED,     /* an envelope came: outbound.answer */
    FORWARD_INVALID,      /* an answer came, but no OCPI */
    FORWARD_TIMEOUT,      /* sent, and no answer: the outcome is unknown */
    FORWARD_NOT_CONNECTED /* OFFLINE and not its turn for a trial, not exchanged, no URL of the interface,
                             unreachable, refused by the URL policy */
};

struct forward {
    uint32_t magic; /* own */
    struct request *request;
    struct registry_party *target;
    const char *module; /* as in the URL: the hub also passes on modules that it does not know */
    bool sender;        /* the target's SENDER interface is meant, else its RECEIVER */
    struct str path;    /* below the interface's URL, with query; raw */
    struct str body;
    int64_t timeout_ms;
    bool once;          /* not idempotent: must not arrive twice */
    const char *unwrap; /* as of struct outbound */
    void (*done)(struct forward *forward, enum forward_outcome outcome, struct str why);
    void *context;
    struct outbound outbound;
};

/* The answer's status_message as the caller gets it: of an error only what other partners may read
 * (hubd/calls/sentence.h). */
struct str forward_message(const struct forward *forward);
/* What the partner said of an error, in the envelope or in whatever it answered instead, in the same way;
 * empty when it said nothing. */
struct str forward_error(const struct forward *forward);
/* `done` is called exactly once, maybe from inside. */
void forward_start(struct forward *forward);
/* The URL of the interface that is meant, STR_NONE when the target has none. */
struct str forward_base(const struct forward *forward);

/* What would keep a message from the target's interface now, in the order in which its way looks at it; but
 * for OFFLINE ones, of which every 5 s one is tried. `rule` as for routing_find_obstacle; `base`: the
 * interface's URL, STR_NONE when the target has none. */
enum forward_obstacle {
    FORWARD_FREE,
    FORWARD_SUSPENDED,
    FORWARD_UNROUTED,
    FORWARD_NO_URL,
    FORWARD_NOT_EXCHANGED,
    FORWARD_OFFLINE
};
enum forward_obstacle forward_find_obstacle(const struct registry_party *target,
                                            const struct store_rule *rule, struct str base);
/* May a message go to the target's interface now: nothing is in the way, or it is OFFLINE and has its trial.
 */
bool forward_may_go(const struct registry_party *target, const struct store_rule *rule, struct str base);

#endif
