#include "lib/ctl/server_internal.h"

#include <stdlib.h>

#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define READ_SIZE (64 * 1024)

/* One line on its way out. */
struct outgoing {
    uv_write_t write;
    struct buffer line;
    bool secret;
    struct ctl_connection *connection;
};

struct ctl_connection *ctl_connection_of(struct ring *node)
{
    return CONTAINER_OF(node, struct ctl_connection, queue);
}

size_t ctl_connection_queued(const struct ctl_connection *connection)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->pipe);
}

/* ---------------------------------------------------------------- the end of a connection */

void ctl_connection_maybe_free(struct ctl_connection *connection)
{
    if (!connection->closed || connection->in_flight > 0)
        return;
    struct ctl_server *server = connection->server;
    ring_remove(&connection->queue);
    server->connection_count -= connection->admitted ? 1 : 0;
    server->large_count -= connection->large ? 1 : 0;
    ctl_lines_free(&connection->lines);
    connection->magic = 0;
    free(connection);
    ctl_server_maybe_stopped(server);
}

/* Calls on_closed of all requests, or only of those that stream: their client is gone. A callback may end its
 * request, so the search begins again after each. */
static void tell_closed(struct ctl_connection *connection, bool only_streams)
{
    struct ring *node = connection->requests.next;
    while (node != &connection->requests) {
        struct ctl_request *request = CONTAINER_OF(node, struct ctl_request, queue);
        node = node->next;
        if (request->closed || (only_streams && (request->command->flags & CTL_STREAMS) == 0))
            continue;
        request->closed = true;
        if (request->on_closed != NULL) {
            request->on_closed(request);
            node = connection->requests.next;
        }
    }
}

static void connection_on_closed(uv_handle_t *handle)
{
    struct ctl_connection *connection = MAGIC_CAST(struct ctl_connection, handle->data, CTL_CONNECTION_MAGIC);
    connection->closed = true;
    connection->in_flight++; /* what ends now must not free the connection under us */
    tell_closed(connection, false);
    connection->in_flight--;
    ctl_connection_maybe_free(connection);
}

/* on_closed is called later, from the loop: a handler that is calling ctl_notify must not lose its request
 * during the call. */
void ctl_connection_close(struct ctl_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    uv_close((uv_handle_t *)&connection->pipe, connection_on_closed);
}

/* Nothing more can come and everything has gone out. */
static void maybe_close(struct ctl_connection *connection)
{
    if ((connection->ended || connection->broken) && connection->in_flight == 0 &&
        ctl_connection_queued(connection) == 0)
        ctl_connection_close(connection);
}

/* ---------------------------------------------------------------- writing */

static void free_outgoing(struct outgoing *outgoing)
{
    if (outgoing->secret)
        crypto_wipe(outgoing->line.data, outgoing->line.capacity);
    buffer_free(&outgoing->line);
    free(outgoing);
}

/* One at a time: what runs here may end requests or write again. */
static void drain_streams(struct ctl_connection *connection)
{
    struct ring *node = connection->requests.next;
    while (node != &connection->requests && !connection->closing &&
           ctl_connection_queued(connection) < CTL_OUTPUT_LOW) {
        struct ctl_request *request = CONTAINER_OF(node, struct ctl_request, queue);
        node = node->next;
        if (!request->waits_for_drain)
            continue;
        request->waits_for_drain = false;
        if (request->on_drain != NULL) {
            request->on_drain(request);
            node = connection->requests.next;
        }
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct outgoing *outgoing = CONTAINER_OF(write, struct outgoing, write);
    struct ctl_connection *connection =
        MAGIC_CAST(struct ctl_connection, outgoing->connection, CTL_CONNECTION_MAGIC);
    free_outgoing(outgoing);
    if (connection->closing)
        return;
    if (status < 0) {
        ctl_connection_close(connection);
        return;
    }
    drain_streams(connection);
    ctl_connection_process(connection);
}

/* Takes over the memory of `line`. */
void ctl_connection_send(struct ctl_connection *connection, struct buffer *line, bool secret)
{
    struct outgoing *outgoing = calloc(1, sizeof *outgoing);
    if (outgoing == NULL || line->failed) {
        free(outgoing);
        buffer_free(line);
        ctl_connection_close(connection);
        return;
    }
    outgoing->line = *line;
    outgoing->secret = secret;
    outgoing->connection = connection;
    uv_buf_t part = uv_buf_init(line->data, (unsigned)line->length);
    if (uv_write(&outgoing->write, (uv_stream_t *)&connection->pipe, &part, 1, on_written) != 0) {
        free_outgoing(outgoing);
        ctl_connection_close(connection);
    }
}

void ctl_connection_send_error(struct ctl_connection *connection, struct str id, enum ctl_code code,
                               const char *message, const char *hint)
{
    struct buffer line = {0};
    ctl_write_error(&line, id, code, message, hint);
    ctl_connection_send(connection, &line, false);
}

/* ---------------------------------------------------------------- reading */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    /* All connections share this memory: they are on one thread, and the bytes are copied before the next
     * read. */
    static _Thread_local char memory[READ_SIZE];
    (void)handle;
    *buffer = uv_buf_init(memory, sizeof memory);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct ctl_connection *connection = MAGIC_CAST(struct ctl_connection, stream->data, CTL_CONNECTION_MAGIC);
    if (count == 0)
        return;
    if (count < 0 && count != UV_EOF) {
        ctl_connection_close(connection);
        return;
    }
    if (count == UV_EOF) {
        connection->ended = true;
        uv_read_stop(stream);
        connection->reading = false;
        tell_closed(connection, true);
    } else {
        int result = ctl_lines_feed(&connection->lines, str_of(buffer->base, (size_t)count));
        crypto_wipe(buffer->base, (size_t)count);
        if (result != OK) {
            ctl_connection_close(connection);
            return;
        }
    }
    ctl_connection_process(connection);
}

/* Whether another request may be heard now. */
static bool has_room(const struct ctl_connection *connection)
{
    return !connection->closing && !connection->broken && connection->in_flight < CTL_IN_FLIGHT_MAX &&
           ctl_connection_queued(connection) < CTL_OUTPUT_HIGH;
}

static void update_reading(struct ctl_connection *connection)
{
    bool enough = connection->large_in_flight && ctl_lines_pending(&connection->lines) > CTL_LINE_USUAL;
    bool want = has_room(connection) && !connection->ended && !enough;
    if (want == connection->reading || connection->closing)
        return;
    connection->reading = want;
    if (!want)
        uv_read_stop((uv_stream_t *)&connection->pipe);
    else if (uv_read_start((uv_stream_t *)&connection->pipe, on_allocate, on_read) != 0)
        ctl_connection_close(connection);
}

/* What cannot be understood, or not now: the answer, and the end. */
static void break_off(struct ctl_connection *connection, enum ctl_code code, const char *message,
                      const char *hint)
{
    ctl_connection_send_error(connection, STR("null"), code, message, hint);
    connection->broken = true;
}

/* Long lines take memory until they are answered; so only a few clients may be at one. */
static void watch_length(struct ctl_connection *connection)
{
    struct ctl_server *server = connection->server;
    bool large = connection->large_in_flight || ctl_lines_pending(&connection->lines) > CTL_LINE_USUAL;
    if (large == connection->large || connection->broken || connection->closing)
        return;
    if (large && server->large_count == CTL_LARGE_MAX) {
        break_off(connection, CTL_BUSY, "too many large documents at a time",
                  "the same command again, later");
        return;
    }
    connection->large = large;
    server->large_count = large ? server->large_count + 1 : server->large_count - 1;
}

/* Bytes that come in do not count, only whole requests: else a byte a minute would hold a place for ever. */
static void note_time(struct ctl_connection *connection, bool asked)
{
    int64_t now = env_monotonic_ms();
    bool half =
        ctl_lines_pending(&connection->lines) > 0 && has_room(connection) && !connection->large_in_flight;
    if (asked || connection->in_flight > 0)
        connection->idle_since = now;
    if (!half || asked)
        connection->half_since = half ? now : 0;
    else if (connection->half_since == 0)
        connection->half_since = now;
}

void ctl_connection_process(struct ctl_connection *connection)
{
    struct str line;
    if (connection->processing)
        return;
    connection->processing = true;
    bool asked = false;
    while (has_room(connection) && !connection->large_in_flight) { /* its memory is not free yet */
        int result = ctl_lines_next(&connection->lines, &line);
        if (result == ERR_NOT_FOUND)
            break;
        if (result == ERR_TOO_LARGE) {
            break_off(connection, CTL_BAD_REQUEST, "a message of more than 16 MiB", NULL);
        } else if (str_trim(line).length > 0) {
            asked = true;
            ctl_request_begin(connection, line);
            crypto_wipe((char *)(uintptr_t)line.data, line.length); /* a token may have been in it */
        }
    }
    connection->processing = false;
    note_time(connection, asked);
    watch_length(connection);
    if (!connection->closing) {
        update_reading(connection);
        maybe_close(connection);
    }
}

/* ---------------------------------------------------------------- who stays too long */

/* Whether what waits for the client is as it was, for too long. */
static bool is_stalled(struct ctl_connection *connection, int64_t now)
{
    size_t queued = ctl_connection_queued(connection);
    if (queued == 0 || queued < connection->queued || connection->stalled_since == 0)
        connection->stalled_since = now;
    connection->queued = queued;
    return now - connection->stalled_since > CTL_STALLED_MS;
}

void ctl_connection_sweep(struct ctl_connection *connection, int64_t now)
{
    if (connection->closing)
        return;
    if (connection->in_flight > 0)
        connection->idle_since = now;
    bool idle = now - connection->idle_since > CTL_IDLE_MS && ctl_connection_queued(connection) == 0;
    bool half = connection->half_since != 0 && now - connection->half_since > CTL_HALF_MS;
    if (is_stalled(connection, now) || idle || half)
        ctl_connection_close(connection);
}

/* ---------------------------------------------------------------- accepting */

/* How many connections one user of a level may have, and how many of all must be left free when it comes. */
static const struct {
    unsigned share, spare;
} places[] = {
    [CTL_LEVEL_NONE] = {0, 0},
    [CTL_LEVEL_READ] = {16, 48},
    [CTL_LEVEL_ALL] = {64, 16},
    [CTL_LEVEL_OWNER] = {CTL_CONNECTIONS_MAX, 0},
};

/* Takes a place for the connection, which holds it until its last request has ended. Returns false when there
 * is none: the connection is refused and holds no place. */
static bool take_place(struct ctl_connection *connection)
{
    struct ctl_server *server = connection->server;
    unsigned own = 0;
    for (struct ring *node = server->connections.next; node != &server->connections; node = node->next)
        own += ctl_connection_of(node)->admitted && ctl_connection_of(node)->peer.uid == connection->peer.uid;
    connection->admitted = own < places[connection->level].share &&
                           server->connection_count + places[connection->level].spare < CTL_CONNECTIONS_MAX;
    server->connection_count += connection->admitted ? 1 : 0;
    return connection->admitted;
}

/* Nobody to talk to: one line into the empty socket buffer, which always fits, and the end. */
static void turn_away(struct ctl_connection *connection, enum ctl_code code, const char *message,
                      const char *hint)
{
    struct buffer line = {0};
    ctl_write_error(&line, STR("null"), code, message, hint);
    uv_buf_t part = uv_buf_init(line.data, (unsigned)line.length);
    if (!line.failed)
        (void)uv_try_write((uv_stream_t *)&connection->pipe, &part, 1);
    buffer_free(&line);
    ctl_connection_close(connection);
}

static int learn_peer(struct ctl_connection *connection)
{
    uv_os_fd_t descriptor;
    struct error error = {0};
    if (uv_fileno((uv_handle_t *)&connection->pipe, &descriptor) != 0 ||
        ctl_peer_read(descriptor, &connection->peer, &error) != OK) {
        log_warn_bounded("admin socket: %s", error.text);
        return ERR_IO;
    }
    connection->level = ctl_peer_level(&connection->peer, &connection->server->rules);
    return OK;
}

void ctl_connection_accept(struct ctl_server *server)
{
    struct ctl_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        log_error_bounded("admin socket: no memory for a connection");
        return;
    }
    connection->magic = CTL_CONNECTION_MAGIC;
    connection->server = server;
    ctl_lines_init(&connection->lines, CTL_REQUEST_MAX);
    ring_init(&connection->requests);
    ring_push(&server->connections, &connection->queue);
    uv_pipe_init(server->pipe.loop, &connection->pipe, 0);
    connection->pipe.data = connection;
    if (uv_accept((uv_stream_t *)&server->pipe, (uv_stream_t *)&connection->pipe) != 0 ||
        learn_peer(connection) != OK) {
        ctl_connection_close(connection);
        return;
    }
    const struct ctl_server_options *options = &server->options;
    if (connection->level == CTL_LEVEL_NONE) {
        if (options->refused != NULL)
            options->refused(&connection->peer, STR("connect"), options->context);
        turn_away(connection, CTL_NOT_PERMITTED, "you may not use this hub's admin socket",
                  "ask for membership of hubd's admin_group or viewer_group");
    } else if (!take_place(connection)) {
        turn_away(connection, CTL_BUSY, "too many connections to the admin socket",
                  "close other hubctl first");
    } else {
        connection->idle_since = env_monotonic_ms();
        update_reading(connection);
    }
}
