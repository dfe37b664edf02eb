#ifndef HUBD_CALLS_OUTBOUND_H
#define HUBD_CALLS_OUTBOUND_H

#include "hubd/hub.h"
#include "lib/json/reader.h"
#include "lib/ocpi/status.h"

/*
 * The one way to call a partner: forwards in real time, deliveries, probes, discovery. A call presents the
 * partner's token: in Base64 first, after a 401 once raw, then the previous token within its overlap; each
 * platform remembers what worked. See `exchanging` for the exchange. It sends message ids and routing
 * headers, and reads the answer leniently (hub-ocpi(7), AUTHENTICATION, CALLS OF THE HUB, TOLERANCE). The
 * token is sent only to hosts that the platform registered. A valid answer counts as a sign of life of the
 * partner.
 */
struct outbound {
    uint32_t magic; /* own */
    /* in; all must live until the callback */
    struct arena *arena;
    struct hub *hub;
    struct http_client *client;
    struct registry_view *view;
    /* Held from the start to the callback. NULL with `token` set: in an exchange, when the registry has no
     * token yet. */
    struct registry_snapshot *snapshot;
    const struct registry_platform *platform;
    struct str token; /* without `platform`: the token to present */
    bool raw_first;   /* without `platform`: present it raw first; else what worked last is set here */
    /*
     * A call of the exchange or of a discovery. A partner that cannot read the token's encoding may also
     * answer 403, or 2xx with a 2xxx code: then the token is presented once more in the other encoding. When
     * both are refused, the callback gets the answer that says more than 401; of two alike the first.
     */
    bool exchanging;
    enum http_method method;
    struct str url;
    struct str body;
    /* The URL was built from one of the platform's receivers: its host needs no check. */
    bool trusted;
    bool routed; /* a functional module: send OCPI-from and OCPI-to headers */
    struct str from_country, from_party, to_country, to_party;
    struct str correlation_id; /* STR_NONE: the call makes one */
    struct str via;            /* the Via of the request that is passed on; STR_NONE: the hub's own call */
    bool once;                 /* must not arrive twice, so never repeated on another connection: commands */
    const char *unwrap;        /* member that may hold the expected object (ocpi_answer_read), or NULL */
    /* Whether an answer is valid that is neither in the envelope nor an empty 2xx; the fields below `out` are
     * set. NULL: no other is. */
    bool (*accepts)(const struct outbound *outbound);
    bool (*is_alive)(const struct ocpi_answer *answer); /* whether it is a sign of life; NULL: if valid */
    int64_t timeout_ms;
    void (*callback)(struct outbound *outbound);
    void *context;
    /* out */
    int result;                /* OK: an HTTP answer came; else as struct http_call.result */
    int status;                /* HTTP */
    struct ocpi_answer answer; /* what could be read, whatever the status */
    struct str error;          /* a sentence, when `result` is not OK */
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
    } refused; /* the answer that the callback gets if no try succeeds */
    unsigned attempt;
    int64_t deadline_ms; /* monotonic, of all tries together */
    bool overlap, previous_first;
};

/* Observes all calls to partners (hub.observer): so that rooms above this one learn from them. */
struct outbound_observer {
    /* Any loop, before the call's own callback. `valid`: the answer is one that OCPI knows. */
    void (*ended)(const struct outbound *outbound, bool valid);
};

void outbound_start(struct outbound *outbound);
/* Sets `view`, `snapshot` (held) and `platform`, so that the call presents the platform's token. False: there
 * is no such platform, and nothing is held. */
bool outbound_hold_platform(struct outbound *outbound, struct registry_view *view, int64_t platform);
/* Cancels a call under way: the callback comes later with ERR_CLOSED. */
void outbound_cancel(struct outbound *outbound);

/* Whether an ended call was never sent, since HTTP cannot express it (the URL is too long, for instance). It
 * then says nothing about the partner. */
bool outbound_is_impossible(const struct outbound *outbound);

/* Whether two URLs have the same host, whatever scheme and port. */
bool outbound_same_host(struct arena *arena, struct str one, struct str other);
/* Whether one of `urls`, space separated, is on the host of `url`. */
bool outbound_has_host(struct arena *arena, struct str urls, struct str url);
/*
 * Whether the host of `url` is proven to be the platform's: an exchange with it succeeded, or the account
 * team set a receiver there or allowed it. That a partner lists it is not enough
 * (hub-ocpi(7), CALLS OF THE HUB).
 */
bool outbound_host_is_proven(struct arena *arena, const struct registry_platform *platform, struct str url);
/* Whether it is proven, or a discovery found a receiver there: the platform's token may be sent to it. */
bool outbound_host_is_registered(struct arena *arena, const struct registry_platform *platform,
                                 struct str url);
/* What prevents calls to this platform in real time: no exchange yet, or it does not answer. */
enum outbound_obstacle { OUTBOUND_FREE, OUTBOUND_NOT_EXCHANGED, OUTBOUND_OFFLINE };
enum outbound_obstacle outbound_find_obstacle(const struct registry_platform *platform);
/* Whether this platform may be called in real time now. CONNECTED: yes. OFFLINE: once in 5 s, and asking
 * takes that turn. PLANNED or without token: no (hub-ocpi(7), TOKENS). */
bool outbound_may_try(const struct registry_platform *platform);

#endif
