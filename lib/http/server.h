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
 * HTTP/1.1 server (RFC 9112) on one libuv loop: llhttp behind a pre-scan that refuses what llhttp 8.1.0 lets
 * through. Keep-alive, pipelining (GETs of a connection may be handled side by side up to `pipeline_max`;
 * whatever is not safe waits for all before it, and all behind it wait for it, RFC 9112 section 9.3.2;
 * answers go out in order), chunked bodies in and out, Expect: 100-continue, HEAD (the handler answers as for
 * GET, the server drops the body), HTTP/1.0. One http_server belongs to one loop and one thread. Sockets come
 * from an http_listener (one per process, on its own loop) through http_server_adopt, which is the only
 * function that another thread may call.
 */

struct http_limits {
    size_t head_max; /* request line + headers, bytes; over: 431 */
    size_t body_max; /* bytes; over: 413 */
    int64_t
        head_timeout_ms; /* head not complete in that time from its first byte (or from the accept): 408 */
    int64_t body_timeout_ms; /* body not complete in that time: 408 */
    int64_t rate_window_ms;  /* a body or an answer that moves slower than `rate_min` over such a time: 408 */
    int64_t rate_min;        /* bytes a second; a slow reader of an answer is cut off */
    /* The whole of an answer, from its first byte that the peer's socket did not take at once: so long, and a
     * second for every `answer_rate` bytes of it. Whoever has not taken it then is cut off. */
    int64_t answer_timeout_ms, answer_rate;
    int64_t idle_timeout_ms; /* keep-alive connection without a request: closed */
    unsigned pipeline_max;   /* requests of one connection in the handler at once, then reading stops */
    size_t write_buffer_max; /* bytes waiting for a slow reader before a stream source is paused */
    struct budget *budget;   /* of all servers together, borrowed; full: new requests are answered 503 */
};

/* The defaults (hub-ocpi(7), LIMITS): 16 KiB, 4 MiB, 10 s, 60 s, 10 s, 1 KiB/s, 60 s, 64 KiB/s,
 * 75 s, 16, 256 KiB. */
void http_limits_default(struct http_limits *limits);

struct http_server;

/*
 * One request and its answer. It is the handler's from one of the callbacks below until the handler's side
 * has called http_exchange_take_body, http_exchange_send or http_exchange_stream_end; exactly one of them
 * must be called for each callback, on the server's loop, in the callback or any time later, even when the
 * peer has hung up meanwhile (`gone` is then true and the answer is dropped). Everything of the request lives
 * in `arena`, which is freed with the exchange.
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
    atomic_size_t *held; /* set by the handler as soon as it knows who is calling, borrowed: bytes of large
                            bodies and answers that the server holds for this caller; NULL: not counted */
    bool gone;     /* the peer hung up, or at least will send no more (TCP cannot tell before something is
                      written). Answering is still     required; it is written if anybody is left to read it, so a
                      handler that goes on may answer as always */
    void *context; /* free for the handler */
};

struct http_server_callbacks {
    /*
     * A request's head is complete, nothing of its body was kept: answer it, or have the body read with
     * http_exchange_take_body. Until one of them nothing more is read from the connection, and no
     * "100 Continue" goes out. NULL: every body is read.
     */
    void (*head)(struct http_exchange *exchange, void *context);
    /* The request is complete. Between `head` and this the exchange is the server's: a peer that goes away
     * while its body comes in takes it along without a word. */
    void (*request)(struct http_exchange *exchange, void *context);
    /*
     * The server itself must refuse (400, 408, 413, 431, 503): answer it with `status`, so that this room
     * needs to know nothing of OCPI. `headers` are empty when the head could not be read; `context` of the
     * exchange is what `head` left there, NULL when it was not called. The connection is closed afterwards.
     * `reason` is a sentence for people, static, without anything that came from the peer.
     */
    void (*refuse)(struct http_exchange *exchange, int status, const char *reason, void *context);
};

/* Creates a server on `loop`; `limits` are copied. NULL when there is no memory. */
struct http_server *http_server_new(uv_loop_t *loop, const struct http_limits *limits,
                                    const struct http_server_callbacks *callbacks, void *context);
/* Replaces the limits (reload); open connections take them from their next request on. Loop thread only. */
void http_server_set_limits(struct http_server *server, const struct http_limits *limits);
/*
 * Begins to shut down: idle connections close, the others after the answer they are working on (with
 * Connection: close). `drained` is called on the loop when the last connection is gone; after `deadline_ms`
 * the rest is cut, but for requests that a handler has and will answer: those after `handlers_ms`, which is
 * not less.
 */
void http_server_drain(struct http_server *server, int64_t deadline_ms, int64_t handlers_ms,
                       void (*drained)(void *context), void *context);
/* After that: both times are over now. */
void http_server_hurry(struct http_server *server);
/*
 * Frees a drained (or never used) server; what is still open is cut. Its loop must still run for closing
 * handles. Exchanges that are in handlers stay valid and must still be answered on the loop; the memory goes
 * with the last of them.
 */
void http_server_free(struct http_server *server);
/* Thread safe: connections now open, to pick the loop with the fewest. */
unsigned http_server_connections(const struct http_server *server);
/* Thread safe: those that are being refused. */
unsigned http_server_refusals(const struct http_server *server);
/* Thread safe: open ones that never sent a complete head, and whose place nobody was given. */
unsigned http_server_strangers(const struct http_server *server);
/* Thread safe: connections that were given the place of such a one, and are not open yet. */
unsigned http_server_replacing(const struct http_server *server);
/* A connection on its way from the listener to a server. */
struct http_accepted {
    int fd;                       /* non-blocking */
    const char *refusing;         /* a static sentence: its first request is refused with 503; NULL: served */
    bool replaces;                /* a stranger is closed for it; with none left it is refused as too many */
    struct http_address *address; /* counted there until it is closed; NULL: nowhere */
};
/* Thread safe: the server owns the socket from here. */
void http_server_adopt(struct http_server *server, const struct http_accepted *accepted);

/* What the first request of a connection that is too many is refused with; static. */
extern const char http_full[];

/* ---------------------------------------------------------------- answering */

/*
 * In `head` or later: has the body read, then `request` called (at once, when it is there already or there is
 * none). `body_max`: bytes, at most the limits' (SIZE_MAX: these); more is refused with 413. The exchange
 * must not be touched afterwards.
 */
void http_exchange_take_body(struct http_exchange *exchange, size_t body_max);

/*
 * Before an answer that may be large is made: calls `turn` when all answers before it on this connection are
 * made, and no more than write_buffer_max of them waits for the reader; at once where that is so already.
 * Once, and before the answer is begun. When the connection is closed meanwhile it is called all the same.
 */
void http_exchange_await_turn(struct http_exchange *exchange,
                              void (*turn)(struct http_exchange *exchange, void *context), void *context);
/* Nobody is left to read the answer: the connection is closed, by whichever side (`gone` may be only half).
 */
bool http_exchange_is_cut(const struct http_exchange *exchange);
/* Its caller holds a quarter of the budget: it must take some of its answers before it asks for more. */
bool http_exchange_is_over_share(const struct http_exchange *exchange);

/* Adds an answer header; `name` static, `value` copied into the arena (control bytes become spaces).
 * Content-Length, Date, Connection and Transfer-Encoding are the server's own. */
void http_exchange_header(struct http_exchange *exchange, const char *name, struct str value);
/*
 * The complete answer. Takes over the memory of `body` (left empty), which is charged to no budget or to the
 * server's. `body` may be NULL for none. With `body->failed` the connection is cut. In answer to a head: a
 * body that is short is read and thrown away, for a longer one the connection is closed.
 */
void http_exchange_send(struct http_exchange *exchange, int status, struct buffer *body);
/*
 * An answer in slices: begin, then write until end. `resume` is called on the loop whenever another slice may
 * be written (never from inside begin or write); one http_exchange_stream_write per resume. With `length` =
 * SIZE_MAX chunked coding is used (HTTP/1.0: the connection is closed at the end). After `gone` the source
 * ends with http_exchange_stream_end at its next resume. A source that fails midway calls
 * http_exchange_stream_abort: the connection is cut so that the peer sees the answer is incomplete.
 */
void http_exchange_stream_begin(struct http_exchange *exchange, int status, size_t length,
                                void (*resume)(struct http_exchange *exchange, void *context), void *context);
/* Takes over the memory of `slice`. */
void http_exchange_stream_write(struct http_exchange *exchange, struct buffer *slice);
void http_exchange_stream_end(struct http_exchange *exchange);
void http_exchange_stream_abort(struct http_exchange *exchange);

/* ---------------------------------------------------------------- listening */

/*
 * Accepts on any number of addresses and hands each socket to the server with the fewest connections. With
 * `connections_max` of all reached it takes the place of the oldest stranger (one that never sent a complete
 * request head; those that sent nothing first) of the server that has most of them, so that who opens
 * connections and says nothing keeps nobody out. Without any stranger, or with `per_address` of its peer's
 * address (0: any number; see addresses.h) reached, a new connection is handed over to be refused, unless
 * `refusals_max` are being refused already: then it is closed at once. Out of file descriptors it keeps one
 * in reserve to answer the same. Lives on its own loop (any).
 */
struct http_listener;
struct http_listener *http_listener_new(uv_loop_t *loop, struct http_server *const *servers,
                                        size_t server_count, unsigned connections_max, unsigned per_address,
                                        unsigned refusals_max);
/* "[::]" is IPv6 alone; a name is bound on each of its addresses (with port 0 on the first). Binds and
 * listens on "host:port" ("[::1]:8080", port 0 = any free one; the real address is written to `bound` if not
 * NULL). Errors: ERR_INVALID, ERR_IO with a sentence that names the address and the remedy (e.g. port in
 * use). */
int http_listener_bind(struct http_listener *listener, const char *address, char *bound, size_t bound_size,
                       struct error *error);
/* Adds the addresses that it is bound to. */
struct url_own;
void http_listener_note(const struct http_listener *listener, struct url_own *own);
/* Stops accepting; open sockets of the servers stay. Frees itself when its handles are closed. */
void http_listener_close(struct http_listener *listener);

/* ---------------------------------------------------------------- the stream table: how bytes move; TLS slips in under it */

/* Reads and writes like read(2)/writev(2) on a non-blocking transport. The plain-TCP row is the only one so
 * far. */
struct http_stream_ops {
    const char *name;
    ssize_t (*read)(void *stream, void *out, size_t size);
    ssize_t (*writev)(void *stream, const struct iovec *parts, int count);
    void (*close)(void *stream);
};

#endif
