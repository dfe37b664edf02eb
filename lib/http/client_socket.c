#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http/client_internal.h"

/*
 * libcurl 7.88 closes a socket that failed to connect without saying so first, and a new socket may then get
 * the same number. Hence two rules here: a socket stays registered after libcurl lost interest only if its
 * transfer ended well (then its end is announced by client_socket_close), and a new socket evicts whatever is
 * registered under its number.
 */

static struct client_socket *find(const struct http_client *client, curl_socket_t fd)
{
    return fd >= 0 && (size_t)fd < client->socket_slots ? client->sockets[fd] : NULL;
}

static void poll_closed(uv_handle_t *handle)
{
    struct client_socket *socket = MAGIC_CAST(struct client_socket, handle->data, SOCKET_MAGIC);
    struct http_client *client = socket->client;

    socket->magic = 0;
    free(socket);
    client_handle_closed(client);
}

/* Unregisters at once; the memory goes when libuv is done with it. */
static void forget(struct client_socket *socket)
{
    socket->client->sockets[socket->fd] = NULL;
    if (socket->hung_up)
        socket->client->hung_up--;
    ring_remove(&socket->queue);
    uv_close((uv_handle_t *)&socket->poll, poll_closed);
}

static bool make_slot(struct http_client *client, curl_socket_t fd)
{
    size_t slots = client->socket_slots == 0 ? 64 : client->socket_slots;

    if ((size_t)fd < client->socket_slots)
        return true;
    while (slots <= (size_t)fd)
        slots *= 2;
    struct client_socket **grown = realloc(client->sockets, slots * sizeof(struct client_socket *));
    if (grown == NULL)
        return false;
    for (size_t i = client->socket_slots; i < slots; i++)
        grown[i] = NULL;
    client->sockets = grown;
    client->socket_slots = slots;
    return true;
}

static struct client_socket *remember(struct http_client *client, curl_socket_t fd)
{
    if (!make_slot(client, fd))
        return NULL;
    struct client_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    if (uv_poll_init(client->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->magic = SOCKET_MAGIC;
    socket->client = client;
    socket->fd = fd;
    socket->poll.data = socket;
    ring_init(&socket->queue);
    uv_unref((uv_handle_t *)&socket->poll); /* the deadlines of the calls keep the loop running */
    client->open_handles++;
    client->sockets[fd] = socket;
    return socket;
}

/* ---------------------------------------------------------------- libcurl's work and what comes of it */

/* The connection of a transfer that ended well lives on: its socket stays registered. */
static void keep_sockets(struct http_client *client, const struct client_transfer *transfer)
{
    struct str keep_alive = http_header_find(transfer->headers, transfer->header_count, "Keep-Alive");
    struct ring *next;

    for (struct ring *node = client->released.next; node != &client->released; node = next) {
        struct client_socket *socket = CONTAINER_OF(node, struct client_socket, queue);
        next = node->next;
        if (socket->released_by == transfer->easy && socket->was_readable)
            client_idle_begin(socket, transfer->generation == client->generation
                                          ? client_idle_time(client, keep_alive)
                                          : 0);
    }
}

void client_socket_settle(struct http_client *client)
{
    struct ring *node;

    while ((node = ring_pop(&client->released)) != NULL)
        forget(CONTAINER_OF(node, struct client_socket, queue));
}

static void collect(struct http_client *client)
{
    CURLMsg *message;
    struct ring *node;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *private = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        if (message->easy_handle == client->sweeper) {
            client_idle_swept(client);
            continue;
        }
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct client_transfer *transfer =
            MAGIC_CAST(struct client_transfer, (void *)private, TRANSFER_MAGIC);
        transfer->code = message->data.result;
        ring_push(&client->ended, &transfer->queue);
        if (transfer->code == CURLE_OK)
            keep_sockets(client, transfer);
    }
    client_socket_settle(client);
    while ((node = ring_pop(&client->ended)) != NULL)
        client_transfer_ended(CONTAINER_OF(node, struct client_transfer, queue));
    client_origin_pump(client);
}

void client_socket_run(struct http_client *client)
{
    int running;

    client->curl_due = false;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(client);
}

static void socket_event(uv_poll_t *poll, int status, int events)
{
    struct client_socket *socket = MAGIC_CAST(struct client_socket, poll->data, SOCKET_MAGIC);
    struct http_client *client = socket->client;
    int flags = 0, running;

    if (!socket->watched) {
        client_idle_hang_up(socket); /* the peer has closed it, or speaks without being asked */
        return;
    }
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(client->multi, socket->fd, flags, &running);
    collect(client);
    client_deliver(client);
}

static void timer_event(uv_timer_t *timer)
{
    struct http_client *client = MAGIC_CAST(struct http_client, timer->data, CLIENT_MAGIC);

    client_socket_run(client);
    client_deliver(client);
}

/* ---------------------------------------------------------------- libcurl's callbacks */

static void watch(struct client_socket *socket, int events)
{
    socket->watched = true;
    socket->was_readable = socket->was_readable || (events & UV_READABLE) != 0;
    ring_remove(&socket->queue);
    if (socket->events != events && uv_poll_start(&socket->poll, events, socket_event) == 0)
        socket->events = events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct http_client *client = MAGIC_CAST(struct http_client, context, CLIENT_MAGIC);
    struct client_socket *socket = find(client, fd);

    (void)socket_context;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            socket->watched = false;
            socket->released_by = easy;
            ring_remove(&socket->queue);
            ring_push(&client->released, &socket->queue);
        }
        return 0;
    }
    /* Without memory for it the socket is not watched and its calls end at their deadlines. */
    if (socket == NULL && (socket = remember(client, fd)) == NULL)
        return 0;
    watch(socket, ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0));
    return 0;
}

static int multi_on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_client *client = MAGIC_CAST(struct http_client, context, CLIENT_MAGIC);

    (void)multi;
    if (client->closing)
        return 0;
    if (timeout_ms == 0) {
        client->curl_due = true;
        client_kick(client);
    } else if (timeout_ms > 0) {
        uv_timer_start(&client->timer, timer_event, (uint64_t)timeout_ms, 0);
    } else {
        uv_timer_stop(&client->timer);
    }
    return 0;
}

curl_socket_t client_socket_open(struct http_client *client, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
    struct client_socket *stale = find(client, fd);

    if (stale != NULL) {
        /* libcurl may not notice that the number has changed its meaning, and then does not ask again. */
        int events = stale->watched ? stale->events : 0;
        forget(stale);
        struct client_socket *fresh = events == 0 ? NULL : remember(client, fd);
        if (fresh != NULL)
            watch(fresh, events);
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

int client_socket_close(void *context, curl_socket_t fd)
{
    struct http_client *client = MAGIC_CAST(struct http_client, context, CLIENT_MAGIC);
    struct client_socket *socket = find(client, fd);

    if (socket != NULL)
        forget(socket);
    return close(fd);
}

void client_socket_setup(struct http_client *client)
{
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, multi_on_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->options.connections_total);
    /* Idle ones give way to new ones. */
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)client->options.connections_total);
}

void client_socket_free_all(struct http_client *client)
{
    for (size_t i = 0; i < client->socket_slots; i++)
        if (client->sockets[i] != NULL)
            forget(client->sockets[i]);
    free(client->sockets);
    client->sockets = NULL;
    client->socket_slots = 0;
}
