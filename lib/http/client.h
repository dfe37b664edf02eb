#ifndef LIB_HTTP_CLIENT_H
#define LIB_HTTP_CLIENT_H

#include <uv.h>

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/ring.h"
#include "lib/http/message.h"
#include "lib/http/url.h"

/*
 * Outbound HTTP: libcurl's multi socket interface on one libuv loop. Keep-alive connections are reused; TLS
 * is verified; environment proxies are ignored; only http and https; at most one redirect (307 or 308, method
 * and body kept) and only to the same scheme, host and port; answers over `answer_max` are refused; gzip is
 * asked for and unpacked, a byte order mark before a body left out. Names are
 * resolved before curl sees them by a resolver pool of its own threads, checked against the URL policy,
 * pinned with CURLOPT_RESOLVE; the connected address is checked again in the open-socket callback, so that
 * DNS rebinding does not pass (hub-ocpi(7), CALLS OF THE HUB). One client belongs to one loop and one thread.
 */

/* Resolves names on its own threads so that a dead DNS server stops no loop; shared by all clients of the
 * process, thread safe. Answers are renewed after `ttl_ms`. */
struct http_resolver;
struct http_resolver *http_resolver_new(unsigned threads_max, int64_t ttl_ms);
void http_resolver_free(struct http_resolver *resolver);

struct http_client_options {
    const struct url_policy *policy; /* borrowed; must outlive the client */
    struct http_resolver *resolver;  /* borrowed */
    size_t answer_max;               /* bytes of an answer's body; over: ERR_TOO_LARGE */
    unsigned connections_per_host;   /* at once; more calls wait */
    unsigned connections_total;
    struct budget *budget;     /* that answers on their way are charged to, borrowed; NULL: none */
    int64_t keepalive_idle_ms; /* longest time that a connection is kept which nobody uses; 0: not at all */
    const char *ca_file;       /* NULL: the system's */
    /* Pseudonym that every request carries as `Via: 1.1 NAME` (RFC 9110 section 7.6.3), behind those in the
     * call's own headers; copied; NULL: none. */
    const char *via;
};

struct http_client;
struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options);
/*
 * Takes over `policy`, `ca_file` and `keepalive_idle_ms` for the calls from here on; connections that are
 * kept are hung up, and the file is read again. ERR_IO: it cannot be read; nothing has changed.
 */
int http_client_reload(struct http_client *client, const struct http_client_options *options);
/* Cancels what is under way (callbacks with ERR_CLOSED, from inside this call) and closes its handles; the
 * loop must run on to finish closing. */
void http_client_free(struct http_client *client);

/* Why a server is not trusted. */
enum http_untrusted {
    HTTP_TRUSTED,
    HTTP_UNTRUSTED_TLS,       /* no TLS could be agreed on */
    HTTP_UNTRUSTED_AUTHORITY, /* nobody that the hub knows vouches for its certificate, or its chain is cut */
    HTTP_UNTRUSTED_DATES,     /* the certificate has expired, or does not hold yet */
    HTTP_UNTRUSTED_NAME,      /* it is another host's */
    HTTP_UNTRUSTED_OTHER      /* the certificate does not verify for another reason */
};

/*
 * One call; all-zero but for the in fields. The caller owns the struct and everything in it until `callback`
 * has returned; the callback comes later on the client's loop, exactly once, never from inside
 * http_client_start. `arena` must be the caller's; the answer's headers and body live in it.
 */
struct http_call {
    /* in */
    struct arena *arena;
    enum http_method method;
    struct str url;
    /* Copied by start. Host, Content-Length, Transfer-Encoding, Connection, Expect and the like are the
     * client's own and left out. */
    const struct http_header *headers;
    size_t header_count;
    struct str body; /* not copied; sent with Content-Length; empty with PUT/POST/PATCH: Content-Length 0 */
    int64_t timeout_ms; /* whole call with resolving, connecting and waiting for a free connection; 0: 30 s */
    /* Must not arrive twice (commands): goes out on a connection of its own, which is closed behind it.
     * Others use kept connections, and go out once more on a new one when a kept one dies before a byte of
     * the answer has come (hub-ocpi(7), CALLS OF THE HUB). */
    bool once;
    void (*callback)(struct http_call *call);
    void *context;
    /* out */
    /*
     * OK: an HTTP answer came, whatever its status (301, 302, 303 too: they are not followed). ERR_TIMEOUT:
     * not in time, also while resolving or connecting. ERR_SHORT: this side had no connection free in time,
     * or no descriptor or port: nothing was sent, and nothing was learnt of the other side. ERR_UNREACHABLE:
     * resolving, connecting or TLS failed, or the connection broke. ERR_REFUSED: the URL policy forbids the
     * address, or a redirect (307, 308; `status` says so) leads elsewhere or is the second. ERR_TOO_LARGE:
     * body over answer_max or head over 64 KiB. ERR_INVALID: URL or headers, nothing was sent; or the answer
     * is no HTTP, or in a content coding that cannot be read (`coding`). ERR_CLOSED, ERR_MEMORY.
     */
    int result;
    struct error error;            /* the sentence: which host, what happened; never a secret */
    enum http_untrusted untrusted; /* of ERR_UNREACHABLE: why TLS failed */
    const char *coding; /* of ERR_INVALID: what is wrong with the answer's content coding, "answered with …",
                           static; NULL: it is not that */
    int status;         /* HTTP status, 0 when none */
    struct http_header *answer_headers;
    size_t answer_header_count;
    struct str answer;  /* body */
    int64_t latency_us; /* from start to callback */
    bool sent; /* bytes of the request went out: the other side may have acted on it. False: it cannot have */
    /* own */
    struct ring queue;
    void *handle;
};

/* Starts a call. Always ends in the callback. */
void http_client_start(struct http_client *client, struct http_call *call);
/* Gives up: the callback comes later with ERR_CLOSED. */
void http_client_cancel(struct http_client *client, struct http_call *call);

#endif
