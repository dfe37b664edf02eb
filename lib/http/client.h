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
 * An HTTP client: libcurl's multi socket interface on one libuv loop. One client belongs to one loop and one thread.
 *
 * It reuses keep-alive connections, verifies TLS, and ignores the environment's proxies. It speaks http and https only.
 * It follows at most one redirect (307 or 308, with method and body), and only to the same scheme, host and port. It
 * refuses answers over `answer_max`, asks for gzip and unpacks it, and removes a byte order mark before a body.
 *
 * Host names are resolved before libcurl sees them. Their addresses are checked against the URL policy and handed to
 * libcurl with CURLOPT_RESOLVE. The address of each new connection is checked again in the open-socket callback, against
 * DNS rebinding (hub-ocpi(7), CALLS OF THE HUB).
 */

/* Resolves names on threads of its own, so that a dead DNS server blocks no loop. All clients of the process share it;
 * thread safe. Answers are renewed after `ttl_ms`. */
struct http_resolver;
struct http_resolver *http_resolver_new(unsigned threads_max, int64_t ttl_ms);
void http_resolver_free(struct http_resolver *resolver);

struct http_client_options {
    const struct url_policy *policy; /* borrowed; must outlive the client */
    struct http_resolver *resolver;  /* borrowed */
    size_t answer_max;               /* bytes of an answer's body; over: ERR_TOO_LARGE */
    unsigned connections_per_host;   /* at once; more calls wait */
    unsigned connections_total;
    struct budget *budget;     /* answers that come in are charged to it; borrowed; NULL: to none */
    int64_t keepalive_idle_ms; /* longest time that an unused connection is kept; 0: none is kept */
    const char *ca_file;       /* NULL: the system's */
    /* Pseudonym that every request carries as `Via: 1.1 NAME` (RFC 9110 section 7.6.3), behind those in the
     * call's own headers; copied; NULL: none. */
    const char *via;
};

struct http_client;
struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options);
/*
 * Replaces `policy`, `ca_file` and `keepalive_idle_ms` for later calls, reads the file again, and closes unused
 * connections. ERR_IO: the file cannot be read; nothing has changed.
 */
int http_client_reload(struct http_client *client, const struct http_client_options *options);
/* Cancels the calls under way (their callbacks are called with ERR_CLOSED, from inside this function) and closes the
 * client's handles. The loop must run on until they are closed. */
void http_client_free(struct http_client *client);

/* Why TLS with a server failed. */
enum http_untrusted {
    HTTP_TRUSTED,
    HTTP_UNTRUSTED_TLS,       /* no TLS could be agreed on */
    HTTP_UNTRUSTED_AUTHORITY, /* the certificate's issuer is not trusted, or the chain is incomplete */
    HTTP_UNTRUSTED_DATES,     /* the certificate has expired, or is not valid yet */
    HTTP_UNTRUSTED_NAME,      /* the certificate is another host's */
    HTTP_UNTRUSTED_OTHER      /* the certificate does not verify for another reason */
};

/*
 * One call. Set the `in` fields; everything else is zero. The struct and all that its `in` fields point to must live
 * until `callback` is called. It is called exactly once, later, on the client's loop, never from inside
 * http_client_start. The answer's headers and body live in `arena`.
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
    /* The request must not arrive twice (commands): it gets a new connection, which is closed afterwards. Other
     * requests use kept connections. When a kept one breaks before the first byte of the answer, they are sent again
     * on a new one (hub-ocpi(7), CALLS OF THE HUB). */
    bool once;
    void (*callback)(struct http_call *call);
    void *context;
    /* out */
    /*
     * OK: an HTTP answer came, with any status (also 301, 302 and 303, which are not followed).
     * ERR_TIMEOUT: no answer in time; this includes resolving and connecting.
     * ERR_SHORT: this process had no free connection in time, or no descriptor or port. Nothing was sent.
     * ERR_UNREACHABLE: resolving, connecting or TLS failed, or the connection broke.
     * ERR_REFUSED: the URL policy forbids the address, or a redirect (`status` is 307 or 308) leads to another origin
     * or is the second one.
     * ERR_TOO_LARGE: the body is over answer_max, or the head over 64 KiB.
     * ERR_INVALID: the URL or a header is invalid, and nothing was sent; or the answer is no HTTP, or its content
     * coding cannot be read (`coding`).
     * ERR_CLOSED: the call was cancelled. ERR_MEMORY.
     */
    int result;
    struct error error;            /* the sentence: which host, what happened; never a secret */
    enum http_untrusted untrusted; /* of ERR_UNREACHABLE: why TLS failed */
    /* Of ERR_INVALID: what is wrong with the answer's content coding, "answered with …", static; NULL: nothing. */
    const char *coding;
    int status; /* HTTP status, 0 when none */
    struct http_header *answer_headers;
    size_t answer_header_count;
    struct str answer;  /* body */
    int64_t latency_us; /* from start to callback */
    bool sent;          /* bytes of the request went out, so the other side may have acted on it */
    /* own */
    struct ring queue;
    void *handle;
};

/* Starts a call. Always ends in the callback. */
void http_client_start(struct http_client *client, struct http_call *call);
/* Cancels a call: its callback is called later, with ERR_CLOSED. */
void http_client_cancel(struct http_client *client, struct http_call *call);

#endif
