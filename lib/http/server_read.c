#include "lib/http/server_internal.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/env.h"

/* ---------------------------------------------------------------- the plain-TCP row of the stream table */

static int stream_fd(void *stream)
{
    return (int)(intptr_t)stream;
}

static ssize_t plain_read(void *stream, void *out, size_t size)
{
    return recv(stream_fd(stream), out, size, 0);
}

/* sendmsg for MSG_NOSIGNAL: a peer that hung up is no reason for SIGPIPE. */
static ssize_t plain_writev(void *stream, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
    return sendmsg(stream_fd(stream), &message, MSG_NOSIGNAL);
}

static void plain_close(void *stream)
{
    close(stream_fd(stream));
}

const struct http_stream_ops http_plain_stream = {"tcp", plain_read, plain_writev, plain_close};

/* ---------------------------------------------------------------- bytes in */

static void discard(struct server_connection *connection, size_t length)
{
    connection->discard_left -= length < connection->discard_left ? length : connection->discard_left;
    if (connection->discard_left == 0 && connection->state == CONNECTION_LINGER)
        server_connection_close(connection, false);
}

/* `length` new bytes, either in the shared scratch or already at the end of `input`. */
static void received(struct server_connection *connection, size_t length, bool in_scratch)
{
    struct buffer *input = &connection->input;
    connection->active_us = connection->server->now_us;
    connection->window_read += length;
    if (connection->state > CONNECTION_BODY) {
        discard(connection, length);
        return;
    }
    if (in_scratch) {
        struct str bytes = str_of(connection->server->scratch, length);
        size_t used = server_request_feed(connection, bytes);
        if (connection->state <= CONNECTION_BODY && used < length)
            buffer_append(input, str_skip(bytes, used));
    } else {
        input->length += length;
        size_t used = server_request_feed(connection, buffer_str(input));
        if (connection->state <= CONNECTION_BODY)
            buffer_consume(input, used);
    }
    if (input->failed)
        server_connection_close(connection, true);
    else if (connection->state > CONNECTION_BODY || input->length == 0)
        buffer_free(input);
}

bool server_connection_read_once(struct server_connection *connection)
{
    struct http_server *server = connection->server;
    struct buffer *input = &connection->input;
    bool in_scratch = connection->state > CONNECTION_BODY || input->length == 0;
    if (!in_scratch && !buffer_reserve(input, 4096)) {
        server_connection_close(connection, true);
        return false;
    }
    char *at = in_scratch ? server->scratch : input->data + input->length;
    size_t size = in_scratch ? sizeof server->scratch : input->capacity - input->length;
    ssize_t length = connection->ops->read(connection->stream, at, size);
    if (length < 0) {
        if (errno == EINTR)
            return true;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            server_connection_close(connection, false);
        return false;
    }
    if (length == 0) {
        connection->eof = true;
        for (struct ring *link = connection->exchanges.next; link != &connection->exchanges;
             link = link->next)
            if (CONTAINER_OF(link, struct server_exchange, link)->state == EXCHANGE_HANDLING ||
                CONTAINER_OF(link, struct server_exchange, link)->state == EXCHANGE_ASKING)
                CONTAINER_OF(link, struct server_exchange, link)->shown.gone = true;
        return false;
    }
    received(connection, (size_t)length, in_scratch);
    return (size_t)length == size;
}

void server_connection_read(struct server_connection *connection)
{
    connection->busy++;
    /* A few at most: the others on this loop want their turn. */
    for (int i = 0; i < 4 && server_connection_wants_read(connection); i++)
        if (!server_connection_read_once(connection))
            break;
    connection->busy--;
    server_connection_advance(connection);
}

void server_connection_on_poll(uv_poll_t *poll, int status, int events)
{
    struct server_connection *connection = MAGIC_CAST(struct server_connection, poll->data, CONNECTION_MAGIC);
    connection->server->now_us = env_monotonic_us();
    if (status < 0)
        server_connection_close(connection, false);
    else if ((events & UV_READABLE) != 0 && server_connection_wants_read(connection))
        server_connection_read(connection);
    else
        server_connection_advance(connection);
}
