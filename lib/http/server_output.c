#include "lib/http/server_internal.h"

#include <errno.h>
#include <stdlib.h>

void server_output_part(struct server_output *output, const char *data, size_t length)
{
    if (length > 0)
        output->parts[output->count++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = length};
}

void server_output_take(struct server_exchange *exchange, struct server_output *output, struct buffer *from)
{
    output->memory = from->data;
    output->charged = from->budget != NULL || from->capacity > SERVER_KEEP ? from->capacity : 0;
    if (from->budget == NULL && output->charged > 0)
        budget_add(exchange->shown.server->limits.budget, output->charged);
    if (exchange->shown.held != NULL && output->charged > SERVER_KEEP)
        atomic_fetch_add_explicit(exchange->shown.held, output->charged, memory_order_relaxed);
    *from = (struct buffer){.maximum = from->maximum, .budget = from->budget};
}

void server_output_add(struct server_exchange *exchange, struct server_output *output)
{
    size_t length = 0;
    for (unsigned i = output->first; i < output->count; i++)
        length += output->parts[i].iov_len;
    output->next = NULL;
    *exchange->output_end = output;
    exchange->output_end = &output->next;
    exchange->waiting += length;
    exchange->connection->waiting += length;
}

/* Takes the first output off the exchange and frees it. */
static void drop_first(struct server_exchange *exchange)
{
    struct server_output *output = exchange->output;
    exchange->output = output->next;
    if (exchange->output == NULL)
        exchange->output_end = &exchange->output;
    free(output->memory);
    output->memory = NULL;
    if (output->charged > 0)
        budget_release(exchange->shown.server->limits.budget, output->charged);
    if (exchange->shown.held != NULL && output->charged > SERVER_KEEP)
        atomic_fetch_sub_explicit(exchange->shown.held, output->charged, memory_order_relaxed);
    output->charged = 0;
    if (output->heap)
        free(output);
}

void server_output_drop(struct server_exchange *exchange)
{
    while (exchange->output != NULL)
        drop_first(exchange);
    exchange->connection->waiting -= exchange->waiting;
    exchange->waiting = 0;
}

static struct server_exchange *exchange_of(struct ring *link)
{
    return CONTAINER_OF(link, struct server_exchange, link);
}

/* Collects what may be sent now: answers in the order of the requests, up to the first that is not complete.
 */
static int gather(struct server_connection *connection, struct iovec *parts, size_t *total)
{
    int count = 0;
    *total = 0;
    for (struct ring *link = connection->exchanges.next; link != &connection->exchanges; link = link->next) {
        struct server_exchange *exchange = exchange_of(link);
        for (struct server_output *output = exchange->output; output != NULL; output = output->next) {
            for (unsigned i = output->first; i < output->count; i++) {
                if (count == SERVER_PARTS)
                    return count;
                parts[count++] = output->parts[i];
                *total += output->parts[i].iov_len;
            }
        }
        if (exchange->state != EXCHANGE_ANSWERED || exchange->aborted)
            break;
    }
    return count;
}

/* Notes that `sent` bytes of the exchange's output are gone; returns what is left of `sent`. */
static size_t consume(struct server_exchange *exchange, size_t sent)
{
    while (exchange->output != NULL) {
        struct server_output *output = exchange->output;
        for (; output->first < output->count; output->first++) {
            struct iovec *part = &output->parts[output->first];
            size_t taken = part->iov_len < sent ? part->iov_len : sent;
            exchange->waiting -= taken;
            exchange->connection->waiting -= taken;
            sent -= taken;
            if (taken < part->iov_len) {
                part->iov_base = (char *)part->iov_base + taken;
                part->iov_len -= taken;
                return 0;
            }
        }
        drop_first(exchange);
    }
    return sent;
}

/* Ends the exchanges whose answers are out. False when the connection was closed. */
static bool retire(struct server_connection *connection, size_t sent)
{
    while (!ring_is_empty(&connection->exchanges)) {
        struct server_exchange *exchange = exchange_of(connection->exchanges.next);
        sent = consume(exchange, sent);
        if (exchange->output != NULL || exchange->state != EXCHANGE_ANSWERED)
            break;
        if (exchange->aborted) {
            server_connection_close(connection, true);
            return false;
        }
        connection->answer_us = 0;
        connection->answer_from = connection->written;
        server_exchange_recycle(exchange);
    }
    return true;
}

void server_output_write(struct server_connection *connection)
{
    struct iovec parts[SERVER_PARTS];
    connection->blocked = false;
    for (;;) {
        size_t total;
        int count = gather(connection, parts, &total);
        if (count == 0) {
            retire(connection, 0);
            return;
        }
        ssize_t sent = connection->ops->writev(connection->stream, parts, count);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            connection->blocked = true;
            return;
        }
        if (sent < 0) {
            server_connection_close(connection, false);
            return;
        }
        connection->written += sent;
        if (!retire(connection, (size_t)sent))
            return;
        if ((size_t)sent < total) {
            connection->blocked = true;
            return;
        }
        if (count < SERVER_PARTS)
            return;
    }
}
