#ifndef HUBD_CALLS_OUTBOUND_H
#define HUBD_CALLS_OUTBOUND_H

#include "hubd/hub.h"
#include "lib/json/reader.h"
#include "lib/ocpi/status.h"

/*
 * The one way to call a partner: real-time forwards, deliveries, probes, discovery. Adds the partner's token
 * (Base64 first, after a 401 once in the other form, then the previous token inside its overlap; what worked
 * is remembered per platform; see `exchanging`), the message ids and routing headers, and reads the answer
 * leniently (hub-ocpi(7), AUTHENTICATION, CALLS OF THE HUB, TOLERANCE). A token only goes to hosts that the platform registered. A valid answer
 * is a sign of life.
 */
struct outbound {
    /* in; all must live until the callback */
    struct arena *arena;
    struct hub *hub;
    struct http_client *client;
    struct registry_view *view;
    struct registry_snapshot *snapshot; /* held from here to the callback; or NULL with `token` set (the
                                           exchange, before the registry knows) */
    const struct registry_platform *platform;
    struct str token; /* only without platform: what to present */
    bool raw_first;   /* in only without platform; else what worked last */
    /* A call of the exchange or of discovery: a partner that cannot read the token's form may also say so by
     * 403, or by 2xx with a 2xxx code; then the token is presented once more in the other form. When both
     * are refused, the answer that says more than 401 stands, the first of two alike. */
    bool exchanging;
    enum http_method method;
    struct str url;
    struct str body;
    bool
        trusted; /* the URL was built from one of the platform's own receivers: no need to look its host up */
    bool routed; /* a functional module: OCPI-from/to headers */
    struct str from_country, from_party, to_country, to_party;
    struct str correlation_id; /* STR_NONE: a new one */
    struct str via;            /* the Via of the request that is passed on; STR_NONE: the hub's own call */
    bool once;                 /* must not arrive twice: commands */
    const char *unwrap;        /* a member of the one object that is expected (ocpi_answer_read), or NULL */
    /* Takes what is valid for this call besides an answer in the envelope and an empty 2xx; the callback's
     * fields are set. NULL: nothing does. */
    bool (*accepts)(const struct outbound *outbound);
    bool (*is_alive)(const struct ocpi_answer *answer); /* NULL: every valid answer is a sign of life */
    int64_t timeout_ms;
    void (*callback)(struct outbound *outbound);
    void *context;
    /* out */
    int result;                /* OK: an HTTP answer came; else as struct http_call.result */
    int status;                /* HTTP */
    struct ocpi_answer answer; /* of a 2xx or error answer alike */
    struct str error;          /* sentence when result is not OK */
    struct http_header *answer_headers;
    size_t answer_header_count;
    struct str raw_answer;
    int64_t latency_ms;
    char request_id[37]; /* X-Request-ID used */
    bool used_raw;       /* the encoding of the last try */
    /* own */
    struct http_call call;
    struct outbound_refused {
        int weight; /* see outbound_refusal; 0: none yet */
        int status;
        struct http_header *headers;
        size_t header_count;
        struct str body;
    } refused; /* what stands if no try succeeds */
    unsigned attempt;
    int64_t deadline_ms; /* monotonic, of all tries together */
    bool overlap, previous_first;
};

/* Who learns how partners are from the calls to them (the hub's `observer`); stands above this room. */
struct outbound_observer {
    /* Any loop, before the call's own callback. `valid`: the answer is one that OCPI knows. */
    void (*ended)(const struct outbound *outbound, bool valid);
};

void outbound_start(struct outbound *outbound);
/* Sets `platform`, and `view` and `snapshot` holding it, in place of `token`. False: there is no such
 * platform, nothing is held. */
bool outbound_hold_platform(struct outbound *outbound, struct registry_view *view, int64_t platform);
/* Gives up a call under way: its callback comes later with ERR_CLOSED. */
void outbound_cancel(struct outbound *outbound);

/* A call that ended: none was made, since HTTP has no such request (a URL that is too long, say). That says
 * nothing of the partner. */
bool outbound_is_impossible(const struct outbound *outbound);

/* Two URLs on one host, whatever scheme and port. */
bool outbound_same_host(struct arena *arena, struct str one, struct str other);
/* Whether one of `urls`, space separated, is on the host of `url`. */
bool outbound_has_host(struct arena *arena, struct str urls, struct str url);
/*
 * True when `url`'s host counts as the platform's own: an exchange with it succeeded, or the account team set
 * a receiver there or allowed it. What a partner merely names is not enough (hub-ocpi(7), CALLS OF THE HUB).
 */
bool outbound_host_is_proven(struct arena *arena, const struct registry_platform *platform, struct str url);
/* The same, or the host of a receiver that a discovery found: where the platform's token may go. */
bool outbound_host_is_registered(struct arena *arena, const struct registry_platform *platform,
                                 struct str url);
/* What is in the way of calling this platform in real time: no exchange yet, or no answer of late. */
enum outbound_obstacle { OUTBOUND_FREE, OUTBOUND_NOT_EXCHANGED, OUTBOUND_OFFLINE };
enum outbound_obstacle outbound_find_obstacle(const struct registry_platform *platform);
/*
 * May this platform be called in real time now? CONNECTED: yes. OFFLINE: one trial every 5 s. PLANNED or
 * without token: no (hub-ocpi(7), TOKENS).
 */
bool outbound_may_try(const struct registry_platform *platform);

#endif
