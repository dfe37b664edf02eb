#ifndef LIB_HTTP_SERVER_H
#define LIB_HTTP_SERVER_H

#include <stdatomic.h>
#include <sys/socket.h>
#include <uv.h>

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/http/addresses.h"
#include "lib/http/message.h"

/*
 * An HTTP/1.1 server (RFC 9112) on one libuv loop, which also serves HTTP/1.0. Heads are checked by prescan.h, then
 * parsed by llhttp. It supports keep-alive, chunked bodies in and out, Expect: 100-continue, HEAD (the handler answers
 * as for GET, the server drops the body) and pipelining: up to `pipeline_max` GETs of a connection are handled at the
 * same time, a request with an unsafe method is handled alone (RFC 9112 section 9.3.2), and answers go out in order.
 *
 * One http_server belongs to one loop and one thread. Its sockets come from an http_listener (one per process) through
 * http_server_adopt. Only functions that say "thread safe" may be called from another thread.
 */

struct http_limits {
    size_t head_max; /* request line + headers, bytes; over: 431 */
    size_t body_max; /* bytes; over: 413 */
    int64_t
        head_timeout_ms; /* head not complete in that time from its first byte (or from the accept): 408 */
    int64_t body_timeout_ms; /* body not complete in that time: 408 */
    int64_t rate_window_ms;  /* a body or an answer that moves slower than `rate_min` over such a time: 408 */
    int64_t rate_min;        /* bytes a second; a slow reader of an answer is cut off */
    /* A peer must have taken an answer `answer_timeout_ms` after the first byte that its socket did not take at once,
     * plus a second for every `answer_rate` bytes of the answer. Else the connection is cut. */
    int64_t answer_timeout_ms, answer_rate;
    int64_t idle_timeout_ms; /* keep-alive connection without a request: closed */
    unsigned pipeline_max;   /* requests of one connection in the handler at once, then reading stops */
    size_t write_buffer_max; /* bytes waiting for a slow reader before a stream source is paused */
    struct budget
        *budget; /* of all servers, borrowed; when it is used up, new requests are answered with 503 */
};

/* The defaults (hub-ocpi(7), LIMITS): 16 KiB, 4 MiB, 10 s, 60 s, 10 s, 1 KiB/s, 60 s, 64 KiB/s,
 * 75 s, 16, 256 KiB. */
void http_limits_default(struct http_limits *limits);

struct http_server;

/*
 * One request and its answer. Each callback below hands the exchange to the handler. The handler must then call exactly
 * one of http_exchange_take_body, http_exchange_send and http_exchange_stream_end, on the server's loop, in the callback
 * or at any time later. It must do so even when the peer has hung up meanwhile: `gone` is then true, and the answer is
 * dropped. After that call the exchange is the server's again. All parts of the request live in `arena`, which is freed
 * with the exchange.
 */
struct http_exchange {
    struct arena arena;
    struct http_server *server;
    enum http_method method; /* HEAD arrives as HTTP_METHOD_GET with `head` true */
    bool head;
    struct str target; /* as received, origin-form; absolute-form is reduced to its path and query */
    struct str path;   /* before '?', not decoded */
    struct str query;  /* behind '?', may be empty */
    struct http_header *headers;
    size_t header_count;
    struct str body;     /* complete, de-chunked */
    struct str peer;     /* the peer's address as text, for logs and audit */
    int64_t received_us; /* env_monotonic_us at the first byte of the request */
    /* Bytes of large bodies and answers that the server holds for this caller. The handler sets it when it knows the
     * caller; borrowed; NULL: not counted. */
    atomic_size_t *held;
    /* The peer has hung up, or will send no more: TCP cannot tell which before something is written. The handler answers
     * as always; the answer is written if the peer still reads. */
    bool gone;
    void *context; /* free for the handler */
};

struct http_server_callbacks {
    /*
     * A request's head is complete. Answer it, or call http_exchange_take_body. Until then nothing more is read from
     * the connection, and no "100 Continue" is sent. NULL: every body is read.
     */
    void (*head)(struct http_exchange *exchange, void *context);
    /* The request is complete. When the peer hangs up while it sends its body, the exchange ends without this
     * callback. */
    void (*request)(struct http_exchange *exchange, void *context);
    /*
     * The server refuses a request (400, 408, 413, 431, 503). Answer it with `status`; the handler makes the body,
     * since the server knows nothing of OCPI. The exchange's `headers` are empty when the head could not be read. Its
     * `context` is what `head` set, NULL when `head` was not called. The connection is closed afterwards. `reason` is
     * a sentence for people, static, without any text from the peer.
     */
    void (*refuse)(struct http_exchange *exchange, int status, const char *reason, void *context);
};

/* Creates a server on `loop`; `limits` are copied. NULL when there is no memory. */
struct http_server *http_server_new(uv_loop_t *loop, const struct http_limits *limits,
                                    const struct http_server_callbacks *callbacks, void *context);
/* Replaces the limits (reload); open connections take them from their next request on. Loop thread only. */
void http_server_set_limits(struct http_server *server, const struct http_limits *limits);
/*
 * Begins to shut down. Idle connections are closed at once, the others after their current answer (with Connection:
 * close). At `deadline_ms` the remaining connections are cut, except those whose request is with a handler: these are
 * cut at `handlers_ms`, which is not earlier. Both are ms from now. `drained` is called on the loop when the last
 * connection is closed.
 */
void http_server_drain(struct http_server *server, int64_t deadline_ms, int64_t handlers_ms,
                       void (*drained)(void *context), void *context);
/* Ends both times of http_server_drain now. */
void http_server_hurry(struct http_server *server);
/*
 * Frees a server that is drained or was never used; open connections are cut. The loop must run on until the handles are
 * closed. Exchanges that are with handlers stay valid and must still be answered on the loop; the memory is freed with
 * the last of them.
 */
void http_server_free(struct http_server *server);
/* The number of open connections. Thread safe. */
unsigned http_server_connections(const struct http_server *server);
/* The number of connections that are being refused. Thread safe. */
unsigned http_server_refusals(const struct http_server *server);
/* The number of strangers: open connections that never sent a complete request head, without those that
 * http_accepted.replaces will close. Thread safe. */
unsigned http_server_strangers(const struct http_server *server);
/* The number of adopted connections that will replace a stranger and are not open yet. Thread safe. */
unsigned http_server_replacing(const struct http_server *server);
/* A connection on its way from the listener to a server. */
struct http_accepted {
    int fd;               /* non-blocking */
    const char *refusing; /* a static sentence: its first request is refused with 503; NULL: served */
    bool replaces;        /* a stranger is closed for it; if there is none, it is refused with http_full */
    struct http_address *address; /* counts it until it is closed (addresses.h); NULL: it is not counted */
};
/* Hands a connection to the server, which owns the socket from now on. Thread safe. */
void http_server_adopt(struct http_server *server, const struct http_accepted *accepted);

/* The reason with which the first request of a connection beyond `connections_max` is refused. */
extern const char http_full[];

/* ---------------------------------------------------------------- answering */

/*
 * Has the body read, then `request` called; at once when the body is complete or there is none. Call it in `head` or
 * later. `body_max`: bytes, at most limits.body_max; SIZE_MAX: limits.body_max; a longer body is refused with 413. The
 * exchange must not be touched afterwards.
 */
void http_exchange_take_body(struct http_exchange *exchange, size_t body_max);

/*
 * Waits until a large answer may be made: calls `turn` when all earlier answers of this connection are made and no more
 * than write_buffer_max bytes of them wait for the peer, which may be at once. Also called when the connection closes
 * meanwhile. Call it at most once for an exchange, before the answer is begun.
 */
void http_exchange_await_turn(struct http_exchange *exchange,
                              void (*turn)(struct http_exchange *exchange, void *context), void *context);
/* Whether the connection is closed, by either side, so that nobody will read the answer. */
bool http_exchange_is_cut(const struct http_exchange *exchange);
/* Whether the caller uses its quarter of the budget (`held`): it must read some answers before it gets more. */
bool http_exchange_is_over_share(const struct http_exchange *exchange);

/* Adds an answer header; `name` static, `value` copied into the arena (control bytes become spaces).
 * Content-Length, Date, Connection and Transfer-Encoding are the server's own. */
void http_exchange_header(struct http_exchange *exchange, const char *name, struct str value);
/*
 * Sends the complete answer. Takes over the memory of `body` and leaves it empty; the buffer must have no budget, or the
 * server's. NULL: no body. When `body->failed` is set, the connection is cut. After an answer in `head` the server reads
 * and discards a short request body; for a longer one it closes the connection.
 */
void http_exchange_send(struct http_exchange *exchange, int status, struct buffer *body);
/*
 * Begins an answer that is sent in slices. `resume` is called on the loop whenever the next slice may be written, never
 * from inside begin or write. Each time, call exactly one of http_exchange_stream_write, http_exchange_stream_end and
 * http_exchange_stream_abort, then or later; when `gone` is true, call end. Abort is for a source that fails: it cuts the
 * connection, so that the peer sees that the answer is incomplete. `length`: bytes of the body; SIZE_MAX: not known,
 * chunked coding is used (with HTTP/1.0 the connection is closed at the end).
 */
void http_exchange_stream_begin(struct http_exchange *exchange, int status, size_t length,
                                void (*resume)(struct http_exchange *exchange, void *context), void *context);
/* Takes over the memory of `slice`. */
void http_exchange_stream_write(struct http_exchange *exchange, struct buffer *slice);
void http_exchange_stream_end(struct http_exchange *exchange);
void http_exchange_stream_abort(struct http_exchange *exchange);

/* ---------------------------------------------------------------- listening */

/*
 * Accepts connections on any number of addresses and hands each to the server with the fewest connections. It may run on
 * any loop.
 *
 * When `connections_max` are open, a new connection replaces a stranger, that is one that never sent a complete request
 * head: the oldest of the server with the most strangers, those that sent nothing first. So silent connections cannot
 * keep others out. When there is no stranger, or the peer's address has `per_address` connections (addresses.h; 0: no
 * bound), the new connection's first request is refused. When `refusals_max` are being refused already, it is closed at
 * once. One file descriptor is kept in reserve, so that a connection can be refused when there is no other.
 */
struct http_listener;
struct http_listener *http_listener_new(uv_loop_t *loop, struct http_server *const *servers,
                                        size_t server_count, unsigned connections_max, unsigned per_address,
                                        unsigned refusals_max);
/* Binds "host:port" and listens. "[::1]:8080" is an IPv6 address; "[::]" takes IPv6 connections only; a name is bound on
 * each of its addresses, with port 0 on the first only. Port 0 means any free port; the real address is written to
 * `bound` unless that is NULL. Errors: ERR_INVALID, ERR_IO with a sentence that names the address and the remedy. */
int http_listener_bind(struct http_listener *listener, const char *address, char *bound, size_t bound_size,
                       struct error *error);
/* Adds the addresses that the listener is bound to. */
struct url_own;
void http_listener_note(const struct http_listener *listener, struct url_own *own);
/* Stops accepting; the servers' connections stay open. The listener is freed when its handles are closed. */
void http_listener_close(struct http_listener *listener);

/* ---------------------------------------------------------------- streams */

/* How a connection reads and writes: like read(2), writev(2) and close(2) on a non-blocking socket. Plain TCP is the only
 * one. */
struct http_stream_ops {
    const char *name;
    ssize_t (*read)(void *stream, void *out, size_t size);
    ssize_t (*writev)(void *stream, const struct iovec *parts, int count);
    void (*close)(void *stream);
};

#endif
