#include "lib/http/server_internal.h"

#include "lib/base/bug.h"

/* ---------------------------------------------------------------- the complete request */

static void dispatch(struct server_connection *connection)
{
    struct http_server *server = connection->server;
    struct server_exchange *exchange = connection->receiving;
    connection->receiving = NULL;
    connection->used = true;
    server_exchange_move(exchange, EXCHANGE_HANDLING);
    exchange->shown.body = buffer_str(&exchange->body);
    if (exchange->close || server->draining)
        server_connection_set_state(connection, CONNECTION_STOPPED);
    else if (connection->state == CONNECTION_BODY)
        server_connection_set_state(connection, CONNECTION_HEAD);
    server->callbacks.request(&exchange->shown, server->context);
}

/* ---------------------------------------------------------------- bodies */

bool server_body_is_skipped(const struct server_connection *connection)
{
    return connection->state == CONNECTION_BODY && connection->receiving == NULL;
}

bool server_body_is_held(const struct server_connection *connection)
{
    return connection->state == CONNECTION_BODY && connection->receiving != NULL &&
           connection->receiving->state == EXCHANGE_ASKING;
}

void server_body_skip(struct server_exchange *exchange)
{
    struct server_connection *connection = exchange->connection;
    bool none = !connection->body_chunked && connection->body_left == 0;
    bool is_short = connection->body_chunked || connection->body_left <= SERVER_SKIP;
    connection->receiving = NULL;
    connection->used = true;
    connection->skip_left = SERVER_SKIP;
    server_timers_begin_body(connection);
    if (exchange->close || connection->server->draining || (!none && (!is_short || exchange->expects)))
        server_connection_set_state(connection, CONNECTION_STOPPED);
    else if (none)
        server_connection_set_state(connection, CONNECTION_HEAD);
}

static void body_complete(struct server_connection *connection)
{
    if (connection->receiving != NULL)
        dispatch(connection);
    else
        server_connection_set_state(connection, CONNECTION_HEAD);
}

/* The caller may hold no more: its other bodies, and answers, fill its share. */
static bool is_over_share(const struct server_exchange *exchange)
{
    size_t held = atomic_load_explicit(exchange->shown.held, memory_order_relaxed);
    return budget_is_share(exchange->shown.server->limits.budget, held - exchange->body_held);
}

/* Keeps more of the body; what is large is counted as the caller's. False: refused. */
static bool keep(struct server_exchange *exchange, struct str data)
{
    struct buffer *body = &exchange->body;
    atomic_size_t *held = exchange->shown.held;
    bool grows = held != NULL && body->length + data.length > SERVER_KEEP &&
                 body->length + data.length > exchange->body_held;
    if (grows && is_over_share(exchange)) {
        server_request_refuse(exchange->connection, 503,
                              "the caller's other bodies and answers take up its share of the hub's memory");
        return false;
    }
    buffer_append(body, data);
    if (body->failed) {
        server_request_refuse(exchange->connection, 503, "the hub has no memory left for the body");
    } else if (grows) {
        atomic_fetch_add_explicit(held, body->capacity - exchange->body_held, memory_order_relaxed);
        exchange->body_held = body->capacity;
    }
    return !body->failed;
}

/* Keeps a chunk's data, or throws it away. False: refused. */
static bool take_chunk(struct server_connection *connection, struct str data)
{
    if (connection->receiving != NULL)
        return keep(connection->receiving, data);
    bool fits = data.length <= connection->skip_left;
    connection->skip_left -= fits ? data.length : connection->skip_left;
    if (!fits)
        server_connection_set_state(connection, CONNECTION_STOPPED);
    return fits;
}

/* What has come of a chunked body, with the chunk that is announced. */
static bool chunks_are_too_large(const struct server_connection *connection, size_t coming)
{
    if (connection->receiving == NULL)
        return false;
    size_t body_max = connection->body_max;
    return connection->chunked.left > body_max ||
           connection->receiving->body.length + coming + connection->chunked.left > body_max;
}

size_t server_body_by_length(struct server_connection *connection, struct str bytes)
{
    struct server_exchange *exchange = connection->receiving;
    size_t length = bytes.length < connection->body_left ? bytes.length : (size_t)connection->body_left;
    connection->body_left -= length;
    if (exchange != NULL && !keep(exchange, str_of(bytes.data, length)))
        return length;
    if (connection->body_left == 0)
        body_complete(connection);
    return length;
}

size_t server_body_by_chunks(struct server_connection *connection, struct str bytes)
{
    struct str rest = bytes;
    for (;;) {
        struct str data;
        const char *reason = NULL;
        enum http_chunked_result result = http_chunked_next(&connection->chunked, &rest, &data, &reason);
        if (result == HTTP_CHUNKED_BAD) {
            server_request_refuse(connection, 400, reason);
            break;
        }
        if (result == HTTP_CHUNKED_END) {
            body_complete(connection);
            break;
        }
        if (chunks_are_too_large(connection, result == HTTP_CHUNKED_DATA ? data.length : 0)) {
            server_request_refuse(connection, 413, "the body is too large");
            break;
        }
        if (result == HTTP_CHUNKED_MORE || !take_chunk(connection, data))
            break;
    }
    return bytes.length - rest.length;
}

/* ---------------------------------------------------------------- the handler wants it */

/* The handler wants the body of a connection that is still there. */
static void read_body(struct server_exchange *exchange, size_t body_max)
{
    struct server_connection *connection = exchange->connection;
    size_t most = connection->server->limits.body_max;
    connection->body_max = body_max < most ? body_max : most;
    server_timers_begin_body(connection);
    exchange->body.maximum = connection->body_max;
    if (connection->body_left > connection->body_max) {
        server_request_refuse(connection, 413, "the body is too large");
        return;
    }
    if (!connection->body_chunked && connection->body_left == 0) {
        dispatch(connection);
        return;
    }
    if (!connection->body_chunked)
        exchange->body.maximum = (size_t)connection->body_left; /* grows to that, not to the next power */
    buffer_reserve(&exchange->body,
                   connection->body_left < SERVER_SCRATCH ? (size_t)connection->body_left : SERVER_SCRATCH);
    if (exchange->expects) {
        server_output_part(&exchange->interim, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        server_output_add(exchange, &exchange->interim);
    }
}

void http_exchange_take_body(struct http_exchange *shown, size_t body_max)
{
    struct server_exchange *exchange = MAGIC_CAST(
        struct server_exchange, CONTAINER_OF(shown, struct server_exchange, shown), EXCHANGE_MAGIC);
    struct server_connection *connection = exchange->connection;
    server_exchange_move(exchange, EXCHANGE_RECEIVING);
    if (connection->state == CONNECTION_CLOSED) {
        server_exchange_recycle(exchange);
        server_connection_maybe_free(connection);
        return;
    }
    server_mark(connection); /* does nothing where the connection goes on anyway */
    read_body(exchange, body_max);
}
