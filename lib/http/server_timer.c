#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "lib/http/server_internal.h"

static void timer_stop(struct server_timer *timer)
{
    ring_remove(&timer->link);
    timer->kind = WAIT_NONE;
}

static void timer_set(struct http_server *server, struct server_timer *timer, enum server_wait kind,
                      int64_t deadline_us)
{
    if (timer->kind == kind && timer->deadline_us == deadline_us)
        return;
    timer_stop(timer);
    if (kind == WAIT_NONE)
        return;
    timer->kind = kind;
    timer->deadline_us = deadline_us;
    ring_push(&server->waits[kind], &timer->link);
}

void server_timers_stop(struct server_connection *connection)
{
    timer_stop(&connection->wait);
    timer_stop(&connection->body_wait);
    timer_stop(&connection->write_wait);
}

/* ---------------------------------------------------------------- what is late */

/* Bytes of all answers so far that the peer's kernel has taken: ours holds megabytes of what was written. */
static int64_t bytes_taken(const struct server_connection *connection)
{
    int unacknowledged = 0;
    if (ioctl(connection->fd, SIOCOUTQ, &unacknowledged) != 0)
        unacknowledged = 0;
    return connection->written - unacknowledged;
}

/* `bytes` in a window of time are fewer than a peer must move. */
static bool is_too_slow(const struct server_connection *connection, int64_t bytes)
{
    const struct http_limits *limits = &connection->server->limits;
    return bytes < limits->rate_min * limits->rate_window_ms / 1000;
}

/* The answer at the front has waited for its reader for longer than its bytes, as far as they are known, may
 * take: a reader at the least rate would hold four megabytes for an hour. */
static bool is_overdue(const struct server_connection *connection)
{
    const struct http_limits *limits = &connection->server->limits;
    int64_t size = connection->written - connection->answer_from + (int64_t)connection->waiting;
    int64_t most_us = limits->answer_timeout_ms * 1000 + size * 1000000 / limits->answer_rate;
    return connection->answer_us != 0 && connection->server->now_us - connection->answer_us > most_us;
}

void server_connection_timed_out(struct server_connection *connection, enum server_wait kind)
{
    switch (kind) {
    case WAIT_FIRST_BYTE:
    case WAIT_FIRST_HEAD:
    case WAIT_HEAD:
        server_request_refuse(connection, 408, "the request head did not come in time");
        break;
    case WAIT_REFUSED:
        server_request_refuse(connection, 503, connection->refusing);
        break;
    case WAIT_BODY:
        if (is_too_slow(connection, (int64_t)connection->window_read))
            server_request_refuse(connection, 408, "the request body comes too slowly");
        break;
    case WAIT_BODY_END:
        server_request_refuse(connection, 408, "the request body did not come in time");
        break;
    case WAIT_IDLE:
    case WAIT_LINGER:
        server_connection_close(connection, false);
        break;
    case WAIT_WRITE:
        if (is_too_slow(connection, bytes_taken(connection) - connection->taken) || is_overdue(connection))
            server_connection_close(connection, true);
        break;
    case WAIT_NONE:
    case WAIT_COUNT:
        break;
    }
    server_connection_advance(connection);
}

/* ---------------------------------------------------------------- what is waited for */

/* A window over which a rate is judged begins, unless one is open. True: it has begun. */
static bool timer_window(struct server_connection *connection, struct server_timer *timer,
                         enum server_wait kind, int64_t time_ms)
{
    struct http_server *server = connection->server;
    if (timer->kind == kind)
        return false;
    timer_set(server, timer, kind, server->now_us + (time_ms > 0 ? time_ms : 1) * 1000);
    return true;
}

void server_timers_begin_body(struct server_connection *connection)
{
    if (connection->body_wait.kind == WAIT_NONE)
        return;
    timer_stop(&connection->body_wait);
    timer_stop(&connection->wait);
}

static void set_body_timers(struct server_connection *connection)
{
    const struct http_limits *limits = &connection->server->limits;
    if (connection->state != CONNECTION_BODY || server_body_is_held(connection)) {
        timer_stop(&connection->body_wait);
        return;
    }
    timer_window(connection, &connection->body_wait, WAIT_BODY_END, limits->body_timeout_ms);
    if (timer_window(connection, &connection->wait, WAIT_BODY, limits->rate_window_ms))
        connection->window_read = 0;
}

static void set_write_timer(struct server_connection *connection)
{
    if (connection->blocked && connection->answer_us == 0)
        connection->answer_us = connection->server->now_us;
    if (!connection->blocked)
        timer_stop(&connection->write_wait);
    else if (timer_window(connection, &connection->write_wait, WAIT_WRITE,
                          connection->server->limits.rate_window_ms))
        connection->taken = bytes_taken(connection);
}

void server_timers_set(struct server_connection *connection)
{
    const struct http_limits *limits = &connection->server->limits;
    struct http_server *server = connection->server;
    enum server_wait kind = WAIT_NONE;
    int64_t deadline = 0;
    if (connection->used || connection->state != CONNECTION_HEAD || connection->exchange_count > 0)
        server_connection_is_known(connection);
    set_body_timers(connection);
    set_write_timer(connection);
    if (connection->state == CONNECTION_BODY && !server_body_is_held(connection))
        return;
    if (connection->state == CONNECTION_LINGER) {
        kind = WAIT_LINGER;
        deadline =
            connection->wait.kind == kind ? connection->wait.deadline_us : server->now_us + SERVER_LINGER_US;
    } else if (connection->state == CONNECTION_HEAD && connection->refusing != NULL) {
        kind = WAIT_REFUSED;
        deadline = connection->opened_us + SERVER_REFUSE_US;
    } else if (connection->state == CONNECTION_HEAD && connection->began_us != 0 &&
               server_connection_may_parse(connection)) {
        kind = connection->stranger ? WAIT_FIRST_HEAD : WAIT_HEAD;
        deadline = connection->began_us + limits->head_timeout_ms * 1000;
    } else if (connection->state == CONNECTION_HEAD && connection->exchange_count == 0) {
        kind = connection->used ? WAIT_IDLE : WAIT_FIRST_BYTE;
        deadline = connection->used ? connection->active_us + limits->idle_timeout_ms * 1000
                                    : connection->opened_us + limits->head_timeout_ms * 1000;
    }
    timer_set(server, &connection->wait, kind, deadline);
}
