#ifndef LIB_HTTP_SERVER_INTERNAL_H
#define LIB_HTTP_SERVER_INTERNAL_H

#include <llhttp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "lib/base/budget.h"
#include "lib/base/magic.h"
#include "lib/base/ring.h"
#include "lib/base/sm.h"
#include "lib/http/chunked.h"
#include "lib/http/server.h"

/*
 * The insides of the server, for lib/http/server_*.c and their test only.
 *
 *   server_listener.c    accept
 *   server.c             the server: its loop, its limits, its end
 *   server_connection.c  a connection from accept to close
 *   server_timer.c       timeouts of a connection
 *   server_read.c        reads from the socket
 *   server_request.c     parses heads and makes exchanges
 *   server_body.c        reads, keeps or discards bodies
 *   server_exchange.c    exchanges, refusals
 *   server_answer.c      turns a handler's answer into output
 *   server_output.c      writes output to the socket
 *
 * A connection owns its exchanges, in order of arrival; an exchange owns its output. The connection lives
 * until its socket is closed and the handler has answered every exchange. Nothing here waits: whatever
 * changes a connection ends in server_connection_advance, either directly (busy) or through the server's `dirty`
 * queue, which is worked off once per turn of the loop, before it sleeps.
 */

#define SERVER_SCRATCH   (64 * 1024) /* one read; shared by all connections of a loop */
#define SERVER_HEADERS   256         /* header lines of a request; more: 431 */
#define SERVER_PARTS     64          /* iovecs of one write */
#define SERVER_SPARE     64          /* recycled exchanges */
#define SERVER_KEEP      16384       /* bytes of memory that a recycled exchange may keep */
#define SERVER_LINGERING 1024        /* connections that may drain after a refusal; more are cut */
#define SERVER_SKIP      (64 * 1024) /* a body that nobody wants: longest one for which the connection stays */
#define SERVER_TICK_MS   250
#define SERVER_LINGER_US 5000000
#define SERVER_REFUSE_US 1000000

/* What a connection's reading side waits for; each has its own queue, which the constant duration keeps in
 * order. */
enum server_wait {
    WAIT_NONE,
    WAIT_FIRST_BYTE, /* of a stranger, which is a connection that never sent a complete head */
    WAIT_FIRST_HEAD, /* of a stranger that began to send it */
    WAIT_HEAD,
    WAIT_REFUSED,  /* a connection that is too many: for the head that its refusal answers to */
    WAIT_BODY,     /* the window over which a body's rate is judged */
    WAIT_BODY_END, /* the whole body */
    WAIT_IDLE,
    WAIT_LINGER,
    WAIT_WRITE, /* the window over which a reader's rate is judged */
    WAIT_COUNT
};

struct server_timer {
    struct ring link;
    int64_t deadline_us;
    enum server_wait kind;
};

/* A run of bytes on its way to the socket. */
struct server_output {
    struct server_output *next;
    struct iovec parts[3];
    unsigned first, count; /* parts[first..count) are still to be sent */
    char *memory;          /* freed when sent; may be NULL */
    size_t charged;        /* bytes of the budget, and of what the caller holds, that go with it */
    bool heap;             /* the struct itself is freed too */
    char prefix[20];       /* a chunk's size line */
};

enum exchange_state {
    EXCHANGE_RECEIVING,
    EXCHANGE_ASKING, /* its head is with the handler, who decides about the body */
    EXCHANGE_HANDLING,
    EXCHANGE_STREAMING,
    EXCHANGE_ANSWERED
};

struct answer_header {
    struct answer_header *next;
    struct str name, value;
};

#define EXCHANGE_MAGIC 0x48584348u
struct server_exchange {
    struct http_exchange shown;
    uint32_t magic;
    enum exchange_state state;
    struct server_connection *connection;
    struct ring link;     /* connection->exchanges or server->spare */
    struct buffer body;   /* of the request */
    bool http_1_0, close; /* close: this answer says so, and it is the last */
    bool aborted;         /* cut the connection where this answer would go on */
    bool discard;         /* HEAD, 204, 304: the body goes nowhere */
    bool unsafe;          /* its method is not GET, HEAD, OPTIONS or TRACE (RFC 9110 section 9.2.1) */
    bool expects;         /* 100-continue, and no byte of the body has come */
    struct answer_header *headers, **headers_end;
    struct server_output interim, answer, tail;
    struct server_output *output, **output_end;
    size_t waiting; /* bytes of `output` */
    void (*resume)(struct http_exchange *exchange, void *context);
    void *resume_context;
    bool asked; /* resume was called, the slice has not come */
    void (*turn)(struct http_exchange *exchange, void *context); /* waits for it; NULL: does not */
    void *turn_context;
    size_t body_held; /* bytes of `body` that the caller is charged with */
    bool chunked;
    size_t stream_left; /* bytes of the declared length still to come */
};

enum connection_state {
    CONNECTION_HEAD,    /* waits for a request, or reads its head */
    CONNECTION_BODY,    /* reads a body, or waits for the handler to say whether it wants one; without
                           `receiving` it is thrown away */
    CONNECTION_STOPPED, /* takes no more requests; answers go out, input is discarded */
    CONNECTION_LINGER,  /* everything is sent; waits for the peer to read it (RFC 9112 section 9.6) */
    CONNECTION_CLOSED   /* no socket; waits for its exchanges */
};

#define CONNECTION_MAGIC 0x48434f4eu
struct server_connection {
    uint32_t magic;
    enum connection_state state;
    struct http_server *server;
    uv_poll_t poll;
    const struct http_stream_ops *ops;
    void *stream;
    int fd;
    int events;        /* what uv_poll watches now */
    struct ring link;  /* server->connections */
    struct ring dirty; /* server->dirty */
    struct server_timer wait, body_wait, write_wait;
    struct ring exchanges; /* oldest first */
    unsigned exchange_count;
    unsigned unanswered;          /* of them not EXCHANGE_ANSWERED */
    bool unsafe;                  /* the last of these is unsafe: what follows waits for it */
    bool next_unsafe;             /* the head at the front of `input` is: it waits for those before it */
    const char *refusing;         /* every request is answered 503 with this sentence; NULL: none */
    struct http_address *address; /* where it is counted; NULL: nowhere */
    unsigned busy;                /* server_connection_advance follows anyway; not to be freed */
    struct server_exchange *receiving;
    struct buffer input; /* bytes not yet understood; no memory while there are none */
    size_t scanned;      /* http_prescan_end's */
    int64_t began_us;    /* first byte of the head that is coming in, 0 before it */
    uint64_t body_left;  /* of Content-Length */
    struct http_chunked chunked;
    size_t body_max;
    bool body_chunked;
    size_t skip_left;   /* bytes of a chunked body that may still be thrown away */
    size_t window_read; /* bytes of the body in this window of time */
    bool counted;       /* in server->open; else in server->refused */
    bool used;          /* had a request */
    bool stranger;      /* counted in server->strangers */
    bool http_1_0;      /* the last one was HTTP/1.0: no pipelining */
    bool eof, blocked, handle_closed;
    bool last_look;               /* draining: one read before it is called idle */
    int64_t opened_us, active_us; /* accept; last byte in or answer out */
    size_t waiting;               /* bytes of output of all exchanges */
    int64_t written;              /* bytes that the kernel took, ever */
    int64_t taken;                /* bytes that the peer had taken of them when write_wait began */
    int64_t answer_us;   /* since when the answer at the front waits for its reader; 0: it does not */
    int64_t answer_from; /* bytes `written` before it, about */
    size_t discard_left; /* bytes that may still be read for nothing */
    char peer[INET6_ADDRSTRLEN];
};

#define SERVER_MAGIC 0x48535256u
struct http_server {
    uint32_t magic;
    uv_loop_t *loop;
    struct http_limits limits;
    struct http_server_callbacks callbacks;
    void *context;
    struct ring connections; /* with a socket */
    size_t connection_count; /* all, also those without a socket */
    size_t lingering;
    size_t refusing; /* connections that wait for a head to refuse */
    struct ring dirty;
    struct ring waits[WAIT_COUNT];
    struct ring spare;
    unsigned spare_count;
    int64_t now_us;
    uv_async_t async;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t timer;
    unsigned handles; /* open ones of the four */
    bool draining, drained_told, freeing, closing;
    int64_t drain_deadline_us, handlers_deadline_us;
    void (*drained)(void *context);
    void *drained_context;
    int64_t date_second;
    char date[48];
    atomic_uint open, refused;
    atomic_uint strangers; /* of the open ones, those that never sent a complete head */
    atomic_uint replacing; /* accepted ones that take a stranger's place, not opened yet */
    uv_mutex_t inbox_lock; /* guards the three below, and nothing else is shared */
    struct http_accepted *inbox;
    size_t inbox_count, inbox_capacity;
    struct http_header header_scratch[SERVER_HEADERS];
    char scratch[SERVER_SCRATCH];
};

/* ---------------------------------------------------------------- server.c */
/* Looks at every deadline; the coarse timer's work, called by tests that own the clock. */
void server_tick(struct http_server *server);
/* Has server_connection_advance called before the loop sleeps. */
void server_mark(struct server_connection *connection);
/* Has the coarse timer run. */
void server_start_timer(struct http_server *server);
/* Memory of all connections and their exchanges, for tests that assert bounds. */
size_t server_bytes(const struct http_server *server);
/* Closes and frees what http_server_free left for the last connection. */
void server_maybe_free(struct http_server *server);

/* ---------------------------------------------------------------- server_connection.c */
/* Takes over its socket. Closes it when there is no memory. */
void server_connection_open(struct http_server *server, struct http_accepted *accepted);
/* Writes, reads on, resumes streams, sets timers and events: everything that may now happen. */
void server_connection_advance(struct server_connection *connection);
/* Which state of a connection may follow which. */
extern const struct sm server_connection_states;
void server_connection_set_state(struct server_connection *connection, enum connection_state state);
/* Closes the socket, with a reset if the peer must see that an answer is incomplete. */
void server_connection_close(struct server_connection *connection, bool reset);
void server_connection_maybe_free(struct server_connection *connection);
/* Notes that the connection has sent a complete head: it is no stranger. */
void server_connection_is_known(struct server_connection *connection);
/* Closes the stranger that a new connection replaces: the oldest of those that sent nothing, else of those
 * that sent a part of a head. False: there is none any more. */
bool server_connection_replace(struct http_server *server);
/* True when another request may be taken. */
bool server_connection_may_parse(const struct server_connection *connection);
bool server_connection_wants_read(const struct server_connection *connection);

/* ---------------------------------------------------------------- server_timer.c */
/* Sets the timers for what the connection waits for now. */
void server_timers_set(struct server_connection *connection);
void server_timers_stop(struct server_connection *connection);
/* Begins the time of a new body. */
void server_timers_begin_body(struct server_connection *connection);
void server_connection_timed_out(struct server_connection *connection, enum server_wait kind);

/* ---------------------------------------------------------------- server_read.c */
extern const struct http_stream_ops http_plain_stream;
/* One read(2). False when there is nothing more to read now. */
bool server_connection_read_once(struct server_connection *connection);
/* A few reads, then server_connection_advance. */
void server_connection_read(struct server_connection *connection);
void server_connection_on_poll(uv_poll_t *poll, int status, int events);

/* ---------------------------------------------------------------- server_request.c */
/* Takes requests off the front of `bytes`; returns the number of bytes used. */
size_t server_request_feed(struct server_connection *connection, struct str bytes);
void server_request_end_of_input(struct server_connection *connection);

/* ---------------------------------------------------------------- server_body.c */
/* Take what they need of the body off the front of `bytes`; return the number of bytes used. */
size_t server_body_by_length(struct server_connection *connection, struct str bytes);
size_t server_body_by_chunks(struct server_connection *connection, struct str bytes);
/* The head was answered: throws the body away, or stops where that is too much. */
void server_body_skip(struct server_exchange *exchange);
/* A body is thrown away, or stays unread while the handler decides. */
bool server_body_is_skipped(const struct server_connection *connection);
bool server_body_is_held(const struct server_connection *connection);

/* ---------------------------------------------------------------- server_exchange.c */
/* An exchange at the end of the connection's queue, EXCHANGE_RECEIVING; NULL without memory. */
struct server_exchange *server_exchange_new(struct server_connection *connection);
/* Takes it out of the queue and frees it, or keeps its memory for the next. */
void server_exchange_recycle(struct server_exchange *exchange);
/* Has the request that is coming in refused by the handler and stops reading. */
void server_request_refuse(struct server_connection *connection, int status, const char *reason);

/* ---------------------------------------------------------------- server_answer.c */
/* Which state of an exchange may follow which. */
extern const struct sm server_exchange_states;
void server_exchange_move(struct server_exchange *exchange, enum exchange_state next);
void server_answer_send(struct server_exchange *exchange, int status, struct buffer *body);
/* The exchange that waits for its turn and has it now; NULL: none. */
struct server_exchange *server_answer_next_turn(struct server_connection *connection);

/* ---------------------------------------------------------------- server_output.c */
void server_output_add(struct server_exchange *exchange, struct server_output *output);
void server_output_part(struct server_output *output, const char *data, size_t length);
/* Takes over the memory of `from`, and what it is charged with; the caller is charged too. */
void server_output_take(struct server_exchange *exchange, struct server_output *output, struct buffer *from);
/* Frees the output that is not sent. */
void server_output_drop(struct server_exchange *exchange);
/* Writes what may go out, in order, and ends the exchanges that are done. May close the connection. */
void server_output_write(struct server_connection *connection);

#endif
