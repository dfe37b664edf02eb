#include <sys/socket.h>

#include "lib/base/env.h"
#include "lib/http/client_internal.h"

/*
 * Connections that nobody uses at the moment. A server may hang up on one at any time, most do after 5 s or
 * more, and a request that meets its end on the way has to go out again; so the hub hangs up first. libcurl
 * counts in whole seconds, and looks at its connections only when it wants a new one: when an idle connection
 * has had its time, or the other side hangs up, its socket is shut down, which libcurl sees before it would
 * use it; then libcurl is made to look, so that the descriptor does not stay.
 */

/* libcurl looks at most once a second. */
#define SWEEP_AFTER_MS 1001
/* What a server says of its own timeout is shortened by this: its last moment is too late to begin. */
#define MARGIN_MS 500

static void idle_on_timer(uv_timer_t *timer);

static void arm(struct http_client *client, int64_t due_ms)
{
    int64_t now = env_monotonic_ms();

    if (client->closing || due_ms >= client->idle_due_ms)
        return;
    client->idle_due_ms = due_ms;
    uv_timer_start(&client->idle_timer, idle_on_timer, due_ms > now ? (uint64_t)(due_ms - now) : 0, 0);
}

int64_t client_idle_time(const struct http_client *client, struct str keep_alive)
{
    int64_t limit = client->options.keepalive_idle_ms;
    struct str part, name;
    uint64_t seconds;

    while (str_split(&keep_alive, ',', &part)) { /* "timeout=5, max=100" */
        name = str_trim(part);
        if (name.length > 8 && str_equal_fold(str_of(name.data, 8), STR("timeout=")) &&
            str_to_uint64(str_trim(str_skip(name, 8)), &seconds) && seconds < 3600) {
            int64_t announced = (int64_t)seconds * 1000 - MARGIN_MS;
            limit = announced < limit ? announced : limit;
        }
    }
    return limit < 0 ? 0 : limit;
}

void client_idle_begin(struct client_socket *socket, int64_t keep_ms)
{
    struct http_client *client = socket->client;

    ring_remove(&socket->queue);
    ring_push(&client->idle, &socket->queue);
    socket->idle_until_ms = env_monotonic_ms() + keep_ms;
    arm(client, socket->idle_until_ms);
}

void client_idle_hang_up(struct client_socket *socket)
{
    struct http_client *client = socket->client;
    char rest[256];

    ring_remove(&socket->queue);
    uv_poll_stop(&socket->poll);
    socket->events = 0;
    /* TLS says goodbye in a record; libcurl takes one that is not read for a sign of life. */
    while (recv(socket->fd, rest, sizeof rest, MSG_DONTWAIT) > 0)
        ;
    shutdown(socket->fd, SHUT_RDWR);
    if (!socket->hung_up)
        client->hung_up++;
    socket->hung_up = true;
    arm(client, client->swept_ms + SWEEP_AFTER_MS);
}

void client_idle_expire(struct http_client *client)
{
    int64_t now = env_monotonic_ms(), next = INT64_MAX;
    struct ring *after;

    if (now < client->idle_due_ms)
        return;
    client->idle_due_ms = INT64_MAX;
    for (struct ring *node = client->idle.next; node != &client->idle; node = after) {
        struct client_socket *socket = CONTAINER_OF(node, struct client_socket, queue);
        after = node->next;
        if (now >= socket->idle_until_ms)
            client_idle_hang_up(socket);
        else if (socket->idle_until_ms < next)
            next = socket->idle_until_ms;
    }
    arm(client, next);
    if (client->hung_up > 0)
        arm(client, client->swept_ms + SWEEP_AFTER_MS);
}

void client_idle_end_all(struct http_client *client)
{
    while (!ring_is_empty(&client->idle))
        client_idle_hang_up(CONTAINER_OF(client->idle.next, struct client_socket, queue));
}

/* ---------------------------------------------------------------- making libcurl look */

static curl_socket_t refuse_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context, (void)purpose, (void)address;
    return CURL_SOCKET_BAD;
}

/* A call to nowhere: before libcurl makes a connection it closes the dead ones, and then it gets no socket.
 */
static void sweep(struct http_client *client)
{
    if (client->sweeper == NULL && (client->sweeper = curl_easy_init()) != NULL) {
        curl_easy_setopt(client->sweeper, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(client->sweeper, CURLOPT_URL, "http://127.0.0.1:1/");
        curl_easy_setopt(client->sweeper, CURLOPT_PROXY, "");
        curl_easy_setopt(client->sweeper, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(client->sweeper, CURLOPT_OPENSOCKETFUNCTION, refuse_socket);
        curl_easy_setopt(client->sweeper, CURLOPT_MAXAGE_CONN, client_idle_max_s(client));
    }
    client->swept_ms = env_monotonic_ms();
    if (client->sweeper != NULL && !client->sweeping)
        client->sweeping = curl_multi_add_handle(client->multi, client->sweeper) == CURLM_OK;
}

void client_idle_swept(struct http_client *client)
{
    curl_multi_remove_handle(client->multi, client->sweeper);
    client->sweeping = false;
    if (client->hung_up > 0) /* it had looked shortly before */
        arm(client, client->swept_ms + SWEEP_AFTER_MS);
}

static void idle_on_timer(uv_timer_t *timer)
{
    struct http_client *client = MAGIC_CAST(struct http_client, timer->data, CLIENT_MAGIC);

    client->idle_due_ms = 0;
    client_idle_expire(client);
    if (client->hung_up > 0 && env_monotonic_ms() >= client->swept_ms + SWEEP_AFTER_MS)
        sweep(client);
}

long client_idle_max_s(const struct http_client *client)
{
    return (long)(client->options.keepalive_idle_ms / 1000 + 1);
}

void client_idle_free(struct http_client *client)
{
    if (client->sweeper != NULL)
        curl_easy_cleanup(client->sweeper);
    client->sweeper = NULL;
}
