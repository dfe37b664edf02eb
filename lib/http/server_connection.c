#include "lib/http/server_internal.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------- state */

static const uint32_t connection_next[] = {
    [CONNECTION_HEAD] = SM_TO(CONNECTION_BODY) | SM_TO(CONNECTION_STOPPED) | SM_TO(CONNECTION_CLOSED),
    [CONNECTION_BODY] = SM_TO(CONNECTION_HEAD) | SM_TO(CONNECTION_STOPPED) | SM_TO(CONNECTION_CLOSED),
    [CONNECTION_STOPPED] = SM_TO(CONNECTION_LINGER) | SM_TO(CONNECTION_CLOSED),
    [CONNECTION_LINGER] = SM_TO(CONNECTION_CLOSED),
    [CONNECTION_CLOSED] = 0,
};
static const char *const connection_names[] = {
    [CONNECTION_HEAD] = "head",     [CONNECTION_BODY] = "body",     [CONNECTION_STOPPED] = "stopped",
    [CONNECTION_LINGER] = "linger", [CONNECTION_CLOSED] = "closed",
};
const struct sm server_connection_states = {"HTTP connection", connection_names, connection_next,
                                            sizeof connection_next / sizeof connection_next[0]};

void server_connection_set_state(struct server_connection *connection, enum connection_state state)
{
    sm_check(&server_connection_states, connection->state, state, connection);
    if (connection->state == CONNECTION_LINGER)
        connection->server->lingering--;
    connection->state = state;
    if (state == CONNECTION_LINGER)
        connection->server->lingering++;
    /* As much as a well-meaning client may still be sending, so that it gets to read why it was refused. */
    if (state == CONNECTION_STOPPED)
        connection->discard_left = connection->server->limits.body_max + (1 << 20);
}

bool server_connection_may_parse(const struct server_connection *connection)
{
    const struct http_limits *limits = &connection->server->limits;
    unsigned most = connection->http_1_0 || limits->pipeline_max == 0 ? 1 : limits->pipeline_max;
    /* RFC 9112 section 9.3.2: an unsafe request runs alone. */
    bool turn = !connection->unsafe && !(connection->next_unsafe && connection->unanswered > 0);
    return connection->state == CONNECTION_HEAD && turn && connection->exchange_count < most &&
           connection->waiting <= limits->write_buffer_max;
}

bool server_connection_wants_read(const struct server_connection *connection)
{
    if (connection->eof)
        return false;
    switch (connection->state) {
    case CONNECTION_HEAD:
        /* No faster than it is answered. Behind an unsafe request too: to notice that the peer has gone. */
        return connection->input.length <= connection->server->limits.head_max &&
               (server_connection_may_parse(connection) || connection->unsafe || connection->next_unsafe);
    case CONNECTION_BODY:
        return !server_body_is_held(connection);
    case CONNECTION_STOPPED:
    case CONNECTION_LINGER:
        return connection->discard_left > 0;
    case CONNECTION_CLOSED:
        break;
    }
    return false;
}

/* ---------------------------------------------------------------- the end */

void server_connection_maybe_free(struct server_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->state != CONNECTION_CLOSED || !connection->handle_closed || connection->busy > 0 ||
        !ring_is_empty(&connection->exchanges))
        return;
    ring_remove(&connection->dirty);
    connection->magic = 0;
    free(connection);
    server->connection_count--;
    server_maybe_free(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct server_connection *connection =
        MAGIC_CAST(struct server_connection, handle->data, CONNECTION_MAGIC);
    connection->handle_closed = true;
    server_connection_maybe_free(connection);
}

/* The peer is gone: handlers must still answer, sources must still end, everything else goes at once. */
static void abandon_exchanges(struct server_connection *connection)
{
    for (struct ring *link = connection->exchanges.next, *next; link != &connection->exchanges; link = next) {
        struct server_exchange *exchange = CONTAINER_OF(link, struct server_exchange, link);
        next = link->next;
        exchange->shown.gone = true;
        server_output_drop(exchange);
        if (exchange->state == EXCHANGE_RECEIVING || exchange->state == EXCHANGE_ANSWERED) /* ours */
            server_exchange_recycle(exchange);
    }
    connection->receiving = NULL;
}

void server_connection_close(struct server_connection *connection, bool reset)
{
    struct http_server *server = connection->server;
    if (connection->state == CONNECTION_CLOSED)
        return;
    server_connection_set_state(connection, CONNECTION_CLOSED);
    server_timers_stop(connection);
    uv_close((uv_handle_t *)&connection->poll, on_handle_closed);
    if (reset)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
    connection->ops->close(connection->stream);
    connection->fd = -1;
    buffer_free(&connection->input);
    ring_remove(&connection->link);
    if (connection->refusing != NULL)
        server->refusing--;
    atomic_fetch_sub(connection->counted ? &server->open : &server->refused, 1);
    server_connection_is_known(connection);
    http_addresses_leave(connection->address);
    abandon_exchanges(connection);
    server_mark(connection);
}

/* ---------------------------------------------------------------- strangers */

#define REPLACE_LOOKS 8 /* at what strangers have sent by now */

void server_connection_is_known(struct server_connection *connection)
{
    if (!connection->stranger)
        return;
    connection->stranger = false;
    atomic_fetch_sub(&connection->server->strangers, 1);
}

static struct server_connection *oldest_stranger(struct http_server *server)
{
    for (enum server_wait kind = WAIT_FIRST_BYTE; kind <= WAIT_FIRST_HEAD; kind++)
        if (!ring_is_empty(&server->waits[kind]))
            return CONTAINER_OF(server->waits[kind].next, struct server_connection, wait.link);
    return NULL;
}

bool server_connection_replace(struct http_server *server)
{
    struct server_connection *stranger = oldest_stranger(server);
    for (unsigned looks = 0; looks < REPLACE_LOOKS && stranger != NULL; looks++) {
        server_connection_read(stranger); /* what came in this turn of the loop counts */
        if (stranger->state == CONNECTION_CLOSED)
            return true;
        struct server_connection *oldest = oldest_stranger(server);
        if (oldest == stranger)
            break;
        stranger = oldest;
    }
    if (stranger != NULL)
        server_connection_close(stranger, true);
    return stranger != NULL;
}

/* Everything is sent: say so to the peer and give it time to read (RFC 9112 section 9.6). */
static void connection_finish(struct server_connection *connection)
{
    if (connection->eof || connection->server->lingering >= SERVER_LINGERING ||
        shutdown(connection->fd, SHUT_WR) != 0) {
        server_connection_close(connection, false);
        return;
    }
    server_connection_set_state(connection, CONNECTION_LINGER);
}

/* ---------------------------------------------------------------- what may happen next */

/* Reads on in what has come; true when that took bytes, or ended in a refusal, which may take none. */
static bool feed_input(struct server_connection *connection)
{
    struct buffer *input = &connection->input;
    if (connection->state > CONNECTION_BODY || input->length == 0)
        return false;
    size_t used = server_request_feed(connection, buffer_str(input));
    if (connection->state <= CONNECTION_BODY)
        buffer_consume(input, used);
    if (connection->state > CONNECTION_BODY || input->length == 0)
        buffer_free(input);
    return used > 0 || connection->state > CONNECTION_BODY;
}

/* Writes and reads on until neither gets further; true when only fairness stopped it: a turn is as many
 * requests as may be handled side by side. */
static bool run(struct server_connection *connection)
{
    for (;;) {
        server_output_write(connection);
        if (connection->state == CONNECTION_CLOSED)
            return false;
        if (feed_input(connection)) {
            server_output_write(connection);
            return connection->state != CONNECTION_CLOSED;
        }
        bool ended = connection->eof && !server_body_is_held(connection) &&
                     (connection->state == CONNECTION_BODY || server_connection_may_parse(connection));
        if (!ended)
            return false;
        server_request_end_of_input(connection);
    }
}

/* Without memory for all, a stream has one slice at a time. */
static bool may_ask_for_more(const struct server_exchange *exchange)
{
    const struct http_limits *limits = &exchange->connection->server->limits;
    return exchange->waiting == 0 ||
           (exchange->waiting < limits->write_buffer_max && !budget_is_full_of_large(limits->budget) &&
            !http_exchange_is_over_share(&exchange->shown));
}

/* The stream whose source may be asked for a slice now. Without a peer every source is asked, so that it can
 * end. */
static struct server_exchange *stream_to_resume(struct server_connection *connection)
{
    for (struct ring *link = connection->exchanges.next; link != &connection->exchanges; link = link->next) {
        struct server_exchange *exchange = CONTAINER_OF(link, struct server_exchange, link);
        bool closed = connection->state == CONNECTION_CLOSED;
        if (exchange->state == EXCHANGE_STREAMING && !exchange->asked &&
            (closed || may_ask_for_more(exchange)))
            return exchange;
        if (!closed)
            break;
    }
    return NULL;
}

static void set_events(struct server_connection *connection)
{
    int events = (server_connection_wants_read(connection) ? UV_READABLE : 0) |
                 (connection->blocked ? UV_WRITABLE : 0);
    if (events == connection->events)
        return;
    connection->events = events;
    if (events == 0)
        uv_poll_stop(&connection->poll);
    else
        uv_poll_start(&connection->poll, events, server_connection_on_poll);
}

static void settle(struct server_connection *connection)
{
    bool nothing = ring_is_empty(&connection->exchanges);
    bool idle =
        connection->state == CONNECTION_HEAD && connection->began_us == 0 && connection->input.length == 0;
    if (connection->server->draining && idle) {
        if (nothing)
            server_connection_close(connection, false);
        else
            server_connection_set_state(connection, CONNECTION_STOPPED);
    }
    if (connection->state == CONNECTION_STOPPED && nothing)
        connection_finish(connection);
    if (connection->state == CONNECTION_LINGER && connection->eof)
        server_connection_close(connection, false);
    if (connection->state == CONNECTION_CLOSED)
        return;
    server_timers_set(connection);
    set_events(connection);
}

/* Whose turn has come begins its answer; the stream at the front goes on. True: something may have changed.
 */
static bool call_handlers(struct server_connection *connection)
{
    struct server_exchange *next = server_answer_next_turn(connection);
    if (next != NULL) {
        void (*turn)(struct http_exchange *, void *) = next->turn;
        next->turn = NULL;
        turn(&next->shown, next->turn_context);
    }
    struct server_exchange *stream = stream_to_resume(connection);
    if (stream != NULL) {
        stream->asked = true;
        stream->resume(&stream->shown, stream->resume_context);
    }
    return next != NULL || stream != NULL;
}

void server_connection_advance(struct server_connection *connection)
{
    connection->busy++;
    ring_remove(&connection->dirty);
    if (connection->last_look && server_connection_wants_read(connection))
        server_connection_read_once(connection);
    connection->last_look = false;
    bool again = connection->state != CONNECTION_CLOSED && run(connection);
    if (call_handlers(connection)) {
        if (connection->state != CONNECTION_CLOSED)
            again = run(connection) || again;
        again = again || server_answer_next_turn(connection) != NULL || stream_to_resume(connection) != NULL;
    }
    if (connection->state != CONNECTION_CLOSED)
        settle(connection);
    connection->busy--;
    if (again)
        server_mark(connection);
    server_connection_maybe_free(connection);
}

/* ---------------------------------------------------------------- the beginning */

static void name_peer(struct server_connection *connection)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getpeername(connection->fd, (struct sockaddr *)&address, &size) != 0)
        return;
    const void *bytes = address.ss_family == AF_INET6
                            ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                            : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    if (address.ss_family == AF_INET || address.ss_family == AF_INET6)
        inet_ntop(address.ss_family, bytes, connection->peer, sizeof connection->peer);
}

static void connection_init(struct server_connection *connection, struct http_server *server,
                            const struct http_accepted *accepted)
{
    int fd = accepted->fd;
    connection->magic = CONNECTION_MAGIC;
    connection->server = server;
    connection->ops = &http_plain_stream;
    connection->stream = (void *)(intptr_t)fd;
    connection->fd = fd;
    connection->counted = connection->stranger = accepted->refusing == NULL;
    connection->address = accepted->address;
    connection->opened_us = connection->active_us = server->now_us;
    connection->poll.data = connection;
    buffer_charge(&connection->input, server->limits.budget);
    ring_init(&connection->dirty);
    ring_init(&connection->wait.link);
    ring_init(&connection->body_wait.link);
    ring_init(&connection->write_wait.link);
    ring_init(&connection->exchanges);
    ring_push(&server->connections, &connection->link);
    server->connection_count++;
    server_start_timer(server);
    name_peer(connection);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* One that was accepted does not come to be, or is refused after all. */
static void uncount(struct http_server *server, const struct http_accepted *accepted)
{
    atomic_fetch_sub(accepted->refusing == NULL ? &server->open : &server->refused, 1);
    if (accepted->refusing == NULL)
        atomic_fetch_sub(&server->strangers, 1);
}

/* A stranger's place may be gone by now: then it is refused as one too many. */
static void take_place(struct http_server *server, struct http_accepted *accepted)
{
    atomic_fetch_sub(&server->replacing, 1);
    if (server_connection_replace(server))
        return;
    uncount(server, accepted);
    accepted->refusing = http_full;
    atomic_fetch_add(&server->refused, 1);
}

void server_connection_open(struct http_server *server, struct http_accepted *accepted)
{
    if (accepted->replaces)
        take_place(server, accepted);
    struct server_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL || uv_poll_init(server->loop, &connection->poll, accepted->fd) != 0) {
        free(connection);
        close(accepted->fd);
        http_addresses_leave(accepted->address);
        uncount(server, accepted);
        return;
    }
    connection_init(connection, server, accepted);
    connection->refusing = server->draining ? "the hub is shutting down" : accepted->refusing;
    if (connection->refusing != NULL)
        server->refusing++;
    /* The first request has mostly come with the connection. */
    connection->busy++;
    server_connection_read_once(connection);
    if (connection->refusing != NULL && connection->state == CONNECTION_HEAD &&
        (server->draining || server->refusing > SERVER_LINGERING))
        server_request_refuse(connection, 503, connection->refusing);
    connection->busy--;
    server_connection_read(connection);
}
