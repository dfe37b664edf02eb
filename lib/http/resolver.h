#ifndef LIB_HTTP_RESOLVER_H
#define LIB_HTTP_RESOLVER_H

#include <netinet/in.h>
#include <uv.h>

#include "lib/base/error.h"
#include "lib/base/ring.h"
#include "lib/http/client.h"

/*
 * The inside of struct http_resolver, for the client and for tests: a bounded queue of names, threads that call
 * getaddrinfo(3) and are started when needed, and a bounded cache of addresses.
 *
 * Requests for the same name share one lookup, so a name whose DNS server hangs occupies one thread only. Names that
 * were slow occupy at most half of the threads together. Once addresses of a name are known, requests are answered from
 * the cache at once, and a thread renews them meanwhile. While DNS fails or hangs they are used for one more day
 * (RFC 8767). A cancelled request does not stop the thread that works on it.
 *
 * All functions are thread safe, and none waits for DNS.
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

/* Receives the answers for one loop. `async` is woken; its callback must call http_resolver_take until it returns
 * NULL. */
struct http_resolver_inbox {
    uv_async_t *async;
    struct ring answered;
};

/* One request for addresses. The caller owns it; it must live until it is answered or cancelled. All-zero: not in use. */
struct http_resolver_request {
    struct ring queue; /* own: in the name's list of requests, or in the inbox */
    struct http_resolver_inbox *inbox;
    bool asked;   /* the caller's note that `queue` is in use */
    bool pending; /* under the resolver's lock */
    int result;   /* OK, ERR_UNREACHABLE (no such name, DNS failed, queue full), ERR_MEMORY */
    struct error error;
    struct http_resolved addresses;
    int64_t expires_ms; /* env_monotonic_ms */
};

/*
 * Asks for the addresses of `host`. True: `request` is answered already (from the cache, or refused because the queue is
 * full). False: the answer comes through `inbox`.
 */
bool http_resolver_ask(struct http_resolver *resolver, struct http_resolver_request *request,
                       struct http_resolver_inbox *inbox, const char *host);
/* The next answered request of `inbox`; NULL when there is none. */
struct http_resolver_request *http_resolver_take(struct http_resolver *resolver,
                                                 struct http_resolver_inbox *inbox);
/* Cancels a request, answered or not; does nothing for one that is not in use. It will not come through the inbox. */
void http_resolver_cancel(struct http_resolver *resolver, struct http_resolver_request *request);

/*
 * Looks a name up, on a thread of the pool; may block. Fills `addresses` and returns OK; or fills `error` and returns
 * ERR_UNREACHABLE (DNS failed) or ERR_NOT_FOUND (there is no such name). The default calls getaddrinfo(3). Tests set
 * their own before the first request, for DNS that is slow, dead, or changes its answer.
 */
typedef int http_lookup(void *context, const char *host, struct http_resolved *addresses,
                        struct error *error);
void http_resolver_set_lookup(struct http_resolver *resolver, http_lookup *lookup, void *context);

#endif
