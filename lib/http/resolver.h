#ifndef LIB_HTTP_RESOLVER_H
#define LIB_HTTP_RESOLVER_H

#include <netinet/in.h>
#include <uv.h>

#include "lib/base/error.h"
#include "lib/base/ring.h"
#include "lib/http/client.h"

/*
 * The inside of struct http_resolver, for the client and its tests: threads that call getaddrinfo, made as
 * they are needed, a bounded queue before them and a bounded cache of answers behind them. Questions for the
 * same name share one lookup, so that a name whose DNS server hangs holds one thread, however many calls want
 * it, and slow names together hold at most half of the threads. Addresses that were found once are answered
 * at once from then on, and renewed beside it: while DNS fails or hangs they serve for a day (RFC 8767). A
 * question gives up by http_resolver_cancel; the thread that works on it is left to itself. All functions are
 * thread safe; nothing here blocks on DNS.
 */

#define HTTP_ADDRESSES_MAX 16
/* Longest host name and the NUL. */
#define HTTP_HOST_SIZE 256

union http_socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct http_resolved {
    size_t count;
    union http_socket_address list[HTTP_ADDRESSES_MAX]; /* in the order to try; ports are 0 */
};

/* Where the answers for one loop arrive. `async` is woken; its callback calls http_resolver_take until NULL.
 */
struct http_resolver_inbox {
    uv_async_t *async;
    struct ring answered;
};

/* One question; the asker owns it and keeps it until it is answered or cancelled. All-zero is an idle one. */
struct http_resolver_request {
    struct ring queue; /* in the entry's waiting list or the inbox; own */
    struct http_resolver_inbox *inbox;
    bool asked;   /* the asker's own note that `queue` is in use */
    bool pending; /* under the resolver's lock */
    int result;   /* OK, ERR_UNREACHABLE (no such name, DNS failed, queue full), ERR_MEMORY */
    struct error error;
    struct http_resolved addresses;
    int64_t expires_ms; /* env_monotonic_ms */
};

/*
 * Asks for the addresses of `host`. True: answered at once (from the cache, or refused because the queue is
 * full). False: the answer comes through `inbox`.
 */
bool http_resolver_ask(struct http_resolver *resolver, struct http_resolver_request *request,
                       struct http_resolver_inbox *inbox, const char *host);
/* The next answered question of `inbox`, NULL when there is none. */
struct http_resolver_request *http_resolver_take(struct http_resolver *resolver,
                                                 struct http_resolver_inbox *inbox);
/* Forgets a question, answered or not; harmless when it is idle. Afterwards the inbox is not woken for it. */
void http_resolver_cancel(struct http_resolver *resolver, struct http_resolver_request *request);

/*
 * What a thread of the pool does with a name; may block. Fills `addresses` and returns OK, or with the
 * sentence ERR_UNREACHABLE (DNS failed) or ERR_NOT_FOUND (it says that there is no such name). Tests put
 * their own in place before the first question, to simulate rebinding and slow or dead DNS; the default is
 * getaddrinfo.
 */
typedef int http_lookup(void *context, const char *host, struct http_resolved *addresses,
                        struct error *error);
void http_resolver_set_lookup(struct http_resolver *resolver, http_lookup *lookup, void *context);

#endif
