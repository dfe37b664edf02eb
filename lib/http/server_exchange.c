#include "lib/http/server_internal.h"

#include <stdlib.h>

#include "lib/base/log.h"

/* The first block of a request's arena, which a recycled exchange keeps: a forwarded message fits into it. */
#define ARENA_BLOCK SERVER_KEEP

struct server_exchange *server_exchange_new(struct server_connection *connection)
{
    struct http_server *server = connection->server;
    struct ring *spare = ring_pop(&server->spare);
    struct server_exchange *exchange;
    if (spare != NULL) {
        exchange = CONTAINER_OF(spare, struct server_exchange, link);
        server->spare_count--;
        struct arena arena = exchange->shown.arena;
        struct buffer body = exchange->body;
        memset(exchange, 0, sizeof *exchange);
        exchange->shown.arena = arena;
        exchange->body = body;
    } else {
        exchange = calloc(1, sizeof *exchange);
        if (exchange == NULL)
            return NULL;
        arena_init(&exchange->shown.arena, ARENA_BLOCK);
        arena_charge(&exchange->shown.arena, server->limits.budget);
        buffer_charge(&exchange->body, server->limits.budget);
    }
    exchange->magic = EXCHANGE_MAGIC;
    exchange->connection = connection;
    exchange->headers_end = &exchange->headers;
    exchange->output_end = &exchange->output;
    exchange->body.maximum = server->limits.body_max;
    exchange->shown.server = server;
    exchange->shown.peer = str_from(connection->peer);
    exchange->shown.received_us = connection->began_us != 0 ? connection->began_us : server->now_us;
    ring_push(&connection->exchanges, &exchange->link);
    connection->exchange_count++;
    connection->unanswered++;
    return exchange;
}

void server_exchange_recycle(struct server_exchange *exchange)
{
    struct server_connection *connection = exchange->connection;
    struct http_server *server = connection->server;
    server_output_drop(exchange);
    ring_remove(&exchange->link);
    connection->exchange_count--;
    connection->active_us = server->now_us;
    exchange->magic = 0;
    if (exchange->body_held > 0)
        atomic_fetch_sub_explicit(exchange->shown.held, exchange->body_held, memory_order_relaxed);
    if (exchange->body.capacity > SERVER_KEEP)
        buffer_free(&exchange->body);
    buffer_clear(&exchange->body);
    if (server->spare_count < SERVER_SPARE && !server->freeing) {
        if (arena_size(&exchange->shown.arena) > SERVER_KEEP) {
            arena_free(&exchange->shown.arena);
            arena_init(&exchange->shown.arena, ARENA_BLOCK); /* not as large as the next block would be */
            arena_charge(&exchange->shown.arena, server->limits.budget);
        } else {
            arena_reset(&exchange->shown.arena);
        }
        ring_push(&server->spare, &exchange->link);
        server->spare_count++;
        return;
    }
    arena_free(&exchange->shown.arena);
    buffer_free(&exchange->body);
    free(exchange);
}

void server_request_refuse(struct server_connection *connection, int status, const char *reason)
{
    struct http_server *server = connection->server;
    if (server_body_is_skipped(connection)) { /* it is answered already */
        server_connection_set_state(connection, CONNECTION_STOPPED);
        return;
    }
    struct server_exchange *exchange =
        connection->receiving != NULL ? connection->receiving : server_exchange_new(connection);
    connection->receiving = NULL;
    connection->began_us = 0;
    if (exchange == NULL) {
        server_connection_close(connection, true);
        return;
    }
    log_debug("http: %s: refused with %d: %s", connection->peer, status, reason);
    server_connection_set_state(connection, CONNECTION_STOPPED);
    exchange->close = true;
    server_exchange_move(exchange, EXCHANGE_HANDLING);
    server->callbacks.refuse(&exchange->shown, status, reason, server->context);
}
