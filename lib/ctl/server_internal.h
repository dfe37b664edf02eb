#ifndef LIB_CTL_SERVER_INTERNAL_H
#define LIB_CTL_SERVER_INTERNAL_H

#include "lib/ctl/server.h"

/* Shared by server.c (listening), connection.c (one client), request.c (one request) and socket.c (the file).
 */

#define CTL_CONNECTIONS_MAX 128
#define CTL_IN_FLIGHT_MAX   16
#define CTL_IDLE_MS         (5 * 60 * 1000)  /* without a request */
#define CTL_HALF_MS         (30 * 1000)      /* from a request's first byte to its last */
#define CTL_STALLED_MS      (15 * 60 * 1000) /* in which a client takes none of what waits for it */
#define CTL_SWEEP_MS        5000
#define CTL_LINE_USUAL      (128 * 1024) /* bytes of a line that every client may send at any time */
#define CTL_LARGE_MAX       4            /* clients that may have a longer one here at a time */
#define CTL_OUTPUT_HIGH     (256 * 1024) /* bytes queued for a client: above, it is a slow reader */
#define CTL_OUTPUT_LOW      (64 * 1024)  /* below, its streams go on */

struct ctl_server {
    uint32_t magic;
    uv_pipe_t pipe;
    struct ctl_server_options options; /* texts not kept */
    struct ctl_rules rules;
    struct ring connections;
    unsigned connection_count; /* of those that have a place */
    unsigned large_count;      /* connections that are `large` */
    uv_timer_t sweep;
    unsigned handles; /* open: the pipe and the timer */
    bool stopping;
    void (*stopped)(void *context);
    void *stopped_context;
};

#define CTL_CONNECTION_MAGIC 0x63746c63u

struct ctl_connection {
    uint32_t magic;
    uv_pipe_t pipe;
    struct ctl_server *server;
    struct ctl_peer peer;
    enum ctl_level level;
    struct ctl_lines lines;
    struct ring requests; /* in flight */
    unsigned in_flight;
    /* Since when, as env_monotonic_ms: it has asked nothing and nothing is under way; the request that is
     * coming in has begun (0: none has); it has taken nothing. */
    int64_t idle_since, half_since, stalled_since;
    size_t queued; /* bytes that waited for it at stalled_since */
    bool admitted; /* it has one of the places */
    bool reading, processing;
    bool large_in_flight; /* a request in flight came in a line of more than CTL_LINE_USUAL */
    bool large;           /* that, or has sent more than it of a line that has not ended */
    bool ended;           /* the client sends no more */
    bool broken;          /* what it sends cannot be understood any more: close when all is written */
    bool closing, closed;
    struct ring queue;
};

/* Takes the next client from the listening pipe. */
void ctl_connection_accept(struct ctl_server *server);
/* Hangs up if the client has been idle, at half a request, or has read nothing, for too long. */
void ctl_connection_sweep(struct ctl_connection *connection, int64_t now);
/* The same for all of a server. */
void ctl_server_sweep(struct ctl_server *server);
/* Hangs up; requests in flight go on without their client. */
void ctl_connection_close(struct ctl_connection *connection);
/* The connection of a queue node in server->connections. */
struct ctl_connection *ctl_connection_of(struct ring *node);
/* Begins as many of the requests that have arrived as there is room for, and reads on when there is. */
void ctl_connection_process(struct ctl_connection *connection);
/* Bytes that the client has not taken yet. */
size_t ctl_connection_queued(const struct ctl_connection *connection);
/* Sends a whole line and takes over its memory; a secret one is wiped afterwards. A failure hangs up. */
void ctl_connection_send(struct ctl_connection *connection, struct buffer *line, bool secret);
void ctl_connection_send_error(struct ctl_connection *connection, struct str id, enum ctl_code code,
                               const char *message, const char *hint);
/* After a request has ended on a closed connection. */
void ctl_connection_maybe_free(struct ctl_connection *connection);
/* Examines one line and either answers it or calls its handler (request.c). */
void ctl_request_begin(struct ctl_connection *connection, struct str line);

/* Called when a connection is gone for good, and when the pipe is. */
void ctl_server_maybe_stopped(struct ctl_server *server);
const struct ctl_handler *ctl_server_handler(const struct ctl_server *server, struct str method);

/* Makes the parent directory, refuses a live server's socket, removes a dead one's. */
int ctl_socket_prepare(const char *path, const struct ctl_rules *rules, struct error *error);
/* Group and mode of the bound socket. */
int ctl_socket_open_up(const char *path, const struct ctl_rules *rules, struct error *error);

#endif
