#include "lib/http/server_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/env.h"

void http_limits_default(struct http_limits *limits)
{
    *limits = (struct http_limits){
        .head_max = 16 * 1024,
        .body_max = 4 * 1024 * 1024,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 60000,
        .rate_window_ms = 10000,
        .rate_min = 1024,
        .answer_timeout_ms = 60000,
        .answer_rate = 64 * 1024,
        .idle_timeout_ms = 75000,
        .pipeline_max = 16,
        .write_buffer_max = 256 * 1024,
    };
}

static struct http_server *server_of(void *data)
{
    return MAGIC_CAST(struct http_server, data, SERVER_MAGIC);
}

/* ---------------------------------------------------------------- the turn of the loop */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* only keeps the loop from sleeping while there are dirty connections */
}

void server_mark(struct server_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->busy > 0)
        return;
    ring_remove(&connection->dirty);
    ring_push(&server->dirty, &connection->dirty);
    if (!uv_is_active((uv_handle_t *)&server->idle))
        uv_idle_start(&server->idle, on_idle);
}

/* Tells the end of a drain once. Before their deadline it also waits for the handlers to answer. */
static void tell_drained(struct http_server *server)
{
    bool over = server->now_us >= server->handlers_deadline_us;
    if (!server->draining || server->drained_told || !ring_is_empty(&server->connections) ||
        (server->connection_count > 0 && !over))
        return;
    server->drained_told = true;
    if (server->drained != NULL)
        server->drained(server->drained_context);
}

static void server_turn(struct http_server *server)
{
    struct ring batch;
    ring_init(&batch);
    ring_append(&batch, &server->dirty);
    for (struct ring *link; (link = ring_pop(&batch)) != NULL;)
        server_connection_advance(CONTAINER_OF(link, struct server_connection, dirty));
    if (ring_is_empty(&server->dirty))
        uv_idle_stop(&server->idle);
}

/* Runs once per turn, before the loop sleeps: answers that came in one turn go out together. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct http_server *server = server_of(prepare->data);
    if (ring_is_empty(&server->dirty) && !server->draining) {
        uv_idle_stop(&server->idle);
        return;
    }
    server->now_us = env_monotonic_us();
    server_turn(server);
    tell_drained(server);
}

/* ---------------------------------------------------------------- deadlines */

/* A handler has its request and will answer. */
static bool is_handled(const struct server_connection *connection)
{
    for (struct ring *link = connection->exchanges.next; link != &connection->exchanges; link = link->next)
        if (CONTAINER_OF(link, struct server_exchange, link)->state == EXCHANGE_HANDLING)
            return true;
    return false;
}

/* All connections, or those that wait for no handler. */
static void close_connections(struct http_server *server, bool all)
{
    for (struct ring *link = server->connections.next, *next; link != &server->connections; link = next) {
        struct server_connection *connection = CONTAINER_OF(link, struct server_connection, link);
        next = link->next;
        if (all || !is_handled(connection))
            server_connection_close(connection, true);
    }
}

static struct server_connection *connection_of_timer(struct server_timer *timer, enum server_wait kind)
{
    if (kind == WAIT_WRITE)
        return CONTAINER_OF(timer, struct server_connection, write_wait);
    return kind == WAIT_BODY_END ? CONTAINER_OF(timer, struct server_connection, body_wait)
                                 : CONTAINER_OF(timer, struct server_connection, wait);
}

void server_tick(struct http_server *server)
{
    server->now_us = env_monotonic_us();
    for (enum server_wait kind = WAIT_FIRST_BYTE; kind < WAIT_COUNT; kind++) {
        struct ring *waits = &server->waits[kind];
        while (!ring_is_empty(waits)) {
            struct server_timer *timer = CONTAINER_OF(waits->next, struct server_timer, link);
            if (timer->deadline_us > server->now_us)
                break;
            ring_remove(&timer->link);
            timer->kind = WAIT_NONE;
            server_connection_timed_out(connection_of_timer(timer, kind), kind);
        }
    }
    if (server->draining && server->now_us >= server->drain_deadline_us)
        close_connections(server, server->now_us >= server->handlers_deadline_us);
    if (server->connection_count == 0 && !server->draining && !server->freeing)
        uv_timer_stop(&server->timer);
}

static void server_on_timer(uv_timer_t *timer)
{
    server_tick(server_of(timer->data));
}

void server_start_timer(struct http_server *server)
{
    if (!server->freeing && !uv_is_active((uv_handle_t *)&server->timer))
        uv_timer_start(&server->timer, server_on_timer, SERVER_TICK_MS, SERVER_TICK_MS);
}

/* ---------------------------------------------------------------- sockets from the listener */

void http_server_adopt(struct http_server *server, const struct http_accepted *accepted)
{
    uv_mutex_lock(&server->inbox_lock);
    if (server->inbox_count == server->inbox_capacity) {
        size_t capacity = server->inbox_capacity * 2 + 16;
        struct http_accepted *grown = realloc(server->inbox, capacity * sizeof *grown);
        if (grown == NULL) {
            uv_mutex_unlock(&server->inbox_lock);
            close(accepted->fd);
            http_addresses_leave(accepted->address);
            return;
        }
        server->inbox = grown;
        server->inbox_capacity = capacity;
    }
    server->inbox[server->inbox_count++] = *accepted;
    atomic_fetch_add(accepted->refusing == NULL ? &server->open : &server->refused, 1);
    if (accepted->refusing == NULL)
        atomic_fetch_add(&server->strangers, 1);
    if (accepted->replaces)
        atomic_fetch_add(&server->replacing, 1);
    uv_mutex_unlock(&server->inbox_lock);
    uv_async_send(&server->async);
}

static void on_async(uv_async_t *async)
{
    struct http_server *server = server_of(async->data);
    uv_mutex_lock(&server->inbox_lock);
    struct http_accepted *inbox = server->inbox;
    size_t count = server->inbox_count;
    server->inbox = NULL;
    server->inbox_count = server->inbox_capacity = 0;
    uv_mutex_unlock(&server->inbox_lock);
    server->now_us = env_monotonic_us();
    for (size_t i = 0; i < count; i++)
        server_connection_open(server, &inbox[i]);
    free(inbox);
}

unsigned http_server_refusals(const struct http_server *server)
{
    return atomic_load(&server->refused);
}

unsigned http_server_strangers(const struct http_server *server)
{
    unsigned strangers = atomic_load(&server->strangers), replacing = atomic_load(&server->replacing);
    return strangers > replacing ? strangers - replacing : 0;
}

unsigned http_server_replacing(const struct http_server *server)
{
    return atomic_load(&server->replacing);
}

unsigned http_server_connections(const struct http_server *server)
{
    return atomic_load(&server->open);
}

/* ---------------------------------------------------------------- life */

static void server_init(struct http_server *server, uv_loop_t *loop)
{
    server->magic = SERVER_MAGIC;
    server->loop = loop;
    server->now_us = env_monotonic_us();
    server->date_second = -1;
    ring_init(&server->connections);
    ring_init(&server->dirty);
    ring_init(&server->spare);
    for (int kind = 0; kind < WAIT_COUNT; kind++)
        ring_init(&server->waits[kind]);
    server->async.data = server->prepare.data = server->idle.data = server->timer.data = server;
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_limits *limits,
                                    const struct http_server_callbacks *callbacks, void *context)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    if (uv_mutex_init(&server->inbox_lock) != 0) {
        free(server);
        return NULL;
    }
    if (uv_async_init(loop, &server->async, on_async) != 0) {
        uv_mutex_destroy(&server->inbox_lock);
        free(server);
        return NULL;
    }
    server_init(server, loop);
    server->limits = *limits;
    server->callbacks = *callbacks;
    server->context = context;
    uv_prepare_init(loop, &server->prepare);
    uv_idle_init(loop, &server->idle);
    uv_timer_init(loop, &server->timer);
    server->handles = 4;
    uv_prepare_start(&server->prepare, on_prepare);
    return server;
}

void http_server_set_limits(struct http_server *server, const struct http_limits *limits)
{
    server->limits = *limits;
}

void http_server_drain(struct http_server *server, int64_t deadline_ms, int64_t handlers_ms,
                       void (*drained)(void *context), void *context)
{
    server->now_us = env_monotonic_us();
    server->draining = true;
    server->drain_deadline_us = server->now_us + deadline_ms * 1000;
    server->handlers_deadline_us = server->now_us + handlers_ms * 1000;
    server->drained = drained;
    server->drained_context = context;
    /* A request that is on its way in the socket's buffer is still answered. */
    for (struct ring *link = server->connections.next; link != &server->connections; link = link->next) {
        struct server_connection *connection = CONTAINER_OF(link, struct server_connection, link);
        connection->last_look = true;
        server_mark(connection);
    }
    server_start_timer(server);
    if (!uv_is_active((uv_handle_t *)&server->idle))
        uv_idle_start(&server->idle, on_idle);
}

void http_server_hurry(struct http_server *server)
{
    server->drain_deadline_us = server->handlers_deadline_us = 0;
}

static void free_memory(struct http_server *server)
{
    for (struct ring *link; (link = ring_pop(&server->spare)) != NULL;) {
        struct server_exchange *exchange = CONTAINER_OF(link, struct server_exchange, link);
        arena_free(&exchange->shown.arena);
        buffer_free(&exchange->body);
        free(exchange);
    }
    for (size_t i = 0; i < server->inbox_count; i++) {
        close(server->inbox[i].fd);
        http_addresses_leave(server->inbox[i].address);
    }
    free(server->inbox);
    uv_mutex_destroy(&server->inbox_lock);
    server->magic = 0;
    free(server);
}

static void server_on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = server_of(handle->data);
    if (--server->handles == 0)
        free_memory(server);
}

void server_maybe_free(struct http_server *server)
{
    if (!server->freeing || server->closing || server->connection_count > 0)
        return;
    server->closing = true;
    uv_close((uv_handle_t *)&server->prepare, server_on_handle_closed);
    uv_close((uv_handle_t *)&server->idle, server_on_handle_closed);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    server->freeing = true;
    close_connections(server, true);
    uv_close((uv_handle_t *)&server->async, server_on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, server_on_handle_closed);
    /* The turn goes on for exchanges that are still in handlers, but does not keep the loop alive. */
    uv_unref((uv_handle_t *)&server->prepare);
    server_maybe_free(server);
}

size_t server_bytes(const struct http_server *server)
{
    size_t bytes = 0;
    for (struct ring *link = server->connections.next; link != &server->connections; link = link->next) {
        const struct server_connection *connection = CONTAINER_OF(link, struct server_connection, link);
        bytes += sizeof *connection + connection->input.capacity + connection->waiting;
        for (struct ring *at = connection->exchanges.next; at != &connection->exchanges; at = at->next) {
            const struct server_exchange *exchange = CONTAINER_OF(at, struct server_exchange, link);
            bytes += sizeof *exchange + arena_size(&exchange->shown.arena) + exchange->body.capacity;
        }
    }
    return bytes;
}
