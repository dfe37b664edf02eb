#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/http/client_internal.h"

/* A call without a deadline gets one. */
#define DEFAULT_TIMEOUT_MS 30000
/* Bytes of a file of certificates. */
#define AUTHORITIES_MAX (4u * 1024 * 1024)

/* ---------------------------------------------------------------- callbacks of calls */

static void on_kick(uv_idle_t *idle)
{
    struct http_client *client = MAGIC_CAST(struct http_client, idle->data, CLIENT_MAGIC);

    uv_idle_stop(idle);
    client_origin_pump(client);
    if (client->curl_due)
        client_socket_run(client);
    client_deliver(client);
}

void client_kick(struct http_client *client)
{
    if (!client->closing)
        uv_idle_start(&client->kick, on_kick);
}

static void deliver_one(struct ring *node)
{
    struct http_call *call = CONTAINER_OF(node, struct http_call, queue);

    call->latency_us = env_monotonic_us() - call->latency_us;
    call->callback(call);
}

void client_deliver(struct http_client *client)
{
    struct ring *node;

    /* Only those due now: a callback that starts a call which fails at once must not keep us here. */
    ring_append(&client->delivering, &client->done);
    while ((node = ring_pop(&client->delivering)) != NULL)
        deliver_one(node);
    if (!ring_is_empty(&client->done))
        client_kick(client);
}

static void call_finish(struct http_client *client, struct http_call *call, int result)
{
    call->result = result;
    call->handle = NULL;
    ring_push(&client->done, &call->queue);
    client_kick(client);
}

/* ---------------------------------------------------------------- flights */

static void on_deadline(uv_timer_t *timer);

static struct client_flight *flight_take(struct http_client *client)
{
    struct ring *node = ring_pop(&client->spare_flights);
    struct client_flight *flight;

    if (node != NULL) {
        flight = CONTAINER_OF(node, struct client_flight, all);
    } else {
        flight = calloc(1, sizeof *flight);
        if (flight == NULL)
            return NULL;
        flight->magic = FLIGHT_MAGIC;
        flight->client = client;
        uv_timer_init(client->loop, &flight->timer);
        flight->timer.data = flight;
        client->open_handles++;
        ring_init(&flight->all);
        ring_init(&flight->queue);
    }
    flight->redirected = flight->sent_again = false;
    flight->attempt = 0;
    ring_push(&client->flights, &flight->all);
    return flight;
}

void client_flight_finish(struct client_flight *flight, int result)
{
    struct http_client *client = flight->client;
    struct http_call *call = flight->call;

    uv_timer_stop(&flight->timer);
    if (flight->transfer != NULL)
        client_transfer_release(flight);
    client_origin_leave(flight->origin, flight);
    flight->call = NULL;
    ring_remove(&flight->all);
    ring_push(&client->spare_flights, &flight->all);
    call_finish(client, call, result);
}

static void on_deadline(uv_timer_t *timer)
{
    struct client_flight *flight = MAGIC_CAST(struct client_flight, timer->data, FLIGHT_MAGIC);
    struct http_client *client = flight->client;
    struct http_call *call = flight->call;
    const struct client_origin *origin = flight->origin;
    long long after = (long long)flight->timeout_ms;
    int result = ERR_TIMEOUT;

    if (flight->transfer != NULL)
        call->sent = client_answer_was_sent(flight->transfer);
    if (call->sent)
        error_set(&call->error, ERR_TIMEOUT, "%s did not answer within %lld ms", origin->name, after);
    else if (flight->transfer != NULL)
        error_set(&call->error, ERR_TIMEOUT, "no connection to %s within %lld ms", origin->name, after);
    else if (!origin->literal && !origin->resolved)
        error_set(&call->error, ERR_TIMEOUT, "DNS gave no address for %s within %lld ms", origin->host,
                  after);
    else
        result =
            error_set(&call->error, ERR_SHORT,
                      "the hub has no free connection to %s within %lld ms: %u calls are under way to it, "
                      "%u to all",
                      origin->name, after, origin->active, client->active);
    client_flight_finish(flight, result);
    client_origin_pump(client);
    client_deliver(client);
}

/* ---------------------------------------------------------------- starting and giving up */

static void clear_answer(struct http_call *call)
{
    call->result = OK;
    call->error.code = OK;
    call->error.text[0] = '\0';
    call->status = 0;
    call->answer_headers = NULL;
    call->answer_header_count = 0;
    call->answer = STR_NONE;
    call->sent = false;
    call->handle = NULL;
    ring_init(&call->queue);
    call->latency_us = env_monotonic_us(); /* the start, until the callback */
}

void http_client_start(struct http_client *client, struct http_call *call)
{
    struct client_origin *origin = NULL;
    struct curl_slist *headers = NULL;
    char *url = NULL;
    int result = OK;

    clear_answer(call);
    if (client->closing)
        result = error_set(&call->error, ERR_CLOSED, "the hub is shutting down");
    else if (call->method == HTTP_METHOD_OTHER)
        result = error_set(&call->error, ERR_INVALID, "the hub does not send this method");
    if (result == OK)
        result = client_request_headers(client, call, &headers, &call->error);
    if (result == OK)
        result = client_origin_find(client, call->arena, call->url, &origin, &url, &call->error);
    struct client_flight *flight = result == OK ? flight_take(client) : NULL;
    if (result == OK && flight == NULL)
        result = error_set(&call->error, ERR_MEMORY, "no memory for a call");
    if (result != OK) {
        call_finish(client, call, result);
        return;
    }
    flight->call = call;
    flight->headers = headers;
    flight->url = url;
    call->handle = flight;
    uv_update_time(client->loop);
    flight->timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : DEFAULT_TIMEOUT_MS;
    uv_timer_start(&flight->timer, on_deadline, (uint64_t)flight->timeout_ms, 0);
    client_origin_admit(origin, flight);
    client_kick(client);
}

static void give_up(struct http_call *call)
{
    call->answer = STR_NONE;
    call->answer_header_count = 0;
    call->status = 0;
    call->result = error_set(&call->error, ERR_CLOSED, "the call was given up");
}

void http_client_cancel(struct http_client *client, struct http_call *call)
{
    if (call->handle == NULL) {
        /* It has ended, and its callback is due; or that has been called, and this changes nothing. */
        if (!ring_is_empty(&call->queue))
            give_up(call);
        return;
    }
    struct client_flight *flight = MAGIC_CAST(struct client_flight, call->handle, FLIGHT_MAGIC);
    if (flight->transfer != NULL)
        call->sent = client_answer_was_sent(flight->transfer);
    give_up(call);
    client_flight_finish(flight, ERR_CLOSED);
    client_kick(client);
}

/* ---------------------------------------------------------------- life */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void client_handle_closed(struct http_client *client)
{
    if (--client->open_handles > 0)
        return;
    client->magic = 0;
    buffer_free(&client->authorities);
    free(client);
}

static void client_on_handle_closed(uv_handle_t *handle)
{
    client_handle_closed(MAGIC_CAST(struct http_client, handle->data, CLIENT_MAGIC));
}

static void on_flight_closed(uv_handle_t *handle)
{
    struct client_flight *flight = MAGIC_CAST(struct client_flight, handle->data, FLIGHT_MAGIC);
    struct http_client *client = flight->client;

    flight->magic = 0;
    free(flight);
    client_handle_closed(client);
}

static void on_answers(uv_async_t *async)
{
    struct http_client *client = MAGIC_CAST(struct http_client, async->data, CLIENT_MAGIC);

    client_origin_answers(client);
    client_origin_pump(client);
    client_deliver(client);
}

static void init_lists(struct http_client *client)
{
    ring_init(&client->inbox.answered);
    ring_init(&client->done);
    ring_init(&client->delivering);
    ring_init(&client->flights);
    ring_init(&client->spare_flights);
    ring_init(&client->spare_transfers);
    ring_init(&client->ended);
    ring_init(&client->released);
    ring_init(&client->idle);
    ring_init(&client->idle_origins);
    ring_init(&client->ready);
    for (size_t i = 0; i < ORIGIN_BUCKETS; i++)
        ring_init(&client->origins[i]);
}

static int init_handles(struct http_client *client)
{
    if (uv_async_init(client->loop, &client->async, on_answers) != 0)
        return ERR_IO;
    uv_idle_init(client->loop, &client->kick);
    uv_timer_init(client->loop, &client->timer);
    uv_timer_init(client->loop, &client->idle_timer);
    client->async.data = client->kick.data = client->timer.data = client->idle_timer.data = client;
    client->idle_due_ms = INT64_MAX;
    client->inbox.async = &client->async;
    client->open_handles = 4;
    /* Only calls keep the loop running. */
    uv_unref((uv_handle_t *)&client->async);
    uv_unref((uv_handle_t *)&client->timer);
    uv_unref((uv_handle_t *)&client->idle_timer);
    return OK;
}

/* libcurl would read the file for each connection: whatever becomes of it, what was read serves on. */
static bool read_authorities(struct http_client *client, const char *path)
{
    struct buffer read;
    char piece[4096];
    size_t count;
    FILE *file = path == NULL ? NULL : fopen(path, "re");

    if (path != NULL && file == NULL)
        return false;
    buffer_init(&read, AUTHORITIES_MAX);
    while (file != NULL && (count = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(&read, str_of(piece, count));
    bool good = !read.failed && (file == NULL || ferror(file) == 0);
    if (file != NULL)
        fclose(file);
    buffer_free(good ? &client->authorities : &read);
    if (good)
        client->authorities = read;
    return good;
}

struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_client *client = calloc(1, sizeof *client);

    pthread_once(&once, init_curl);
    if (client == NULL)
        return NULL;
    client->magic = CLIENT_MAGIC;
    client->loop = loop;
    client->options = *options;
    if (client->options.connections_total == 0)
        client->options.connections_total = 1;
    if (client->options.connections_per_host == 0)
        client->options.connections_per_host = 1;
    if (options->via != NULL)
        snprintf(client->via, sizeof client->via, "Via: 1.1 %s", options->via);
    client->multi = curl_multi_init();
    buffer_init(&client->authorities, AUTHORITIES_MAX);
    init_lists(client);
    if (client->multi == NULL || !read_authorities(client, options->ca_file) || init_handles(client) != OK) {
        curl_multi_cleanup(client->multi);
        buffer_free(&client->authorities);
        free(client);
        return NULL;
    }
    client_socket_setup(client);
    return client;
}

int http_client_reload(struct http_client *client, const struct http_client_options *options)
{
    struct ring *node;

    if (!read_authorities(client, options->ca_file))
        return ERR_IO;
    client->generation++;
    client->options.policy = options->policy;
    client->options.keepalive_idle_ms = options->keepalive_idle_ms;
    while ((node = ring_pop(&client->spare_transfers)) != NULL)
        client_transfer_free(CONTAINER_OF(node, struct client_transfer, queue));
    client_idle_end_all(client);
    return OK;
}

/* Every call under way, and every one whose callback is due. */
static void end_all(struct http_client *client)
{
    struct ring *node;

    while (!ring_is_empty(&client->flights)) {
        struct client_flight *flight = CONTAINER_OF(client->flights.next, struct client_flight, all);
        if (flight->transfer != NULL)
            flight->call->sent = client_answer_was_sent(flight->transfer);
        error_set(&flight->call->error, ERR_CLOSED, "the hub is shutting down");
        client_flight_finish(flight, ERR_CLOSED);
    }
    while ((node = ring_pop(&client->delivering)) != NULL || (node = ring_pop(&client->done)) != NULL)
        deliver_one(node);
}

void http_client_free(struct http_client *client)
{
    struct ring *node;

    if (client == NULL)
        return;
    client->closing = true;
    end_all(client);
    while ((node = ring_pop(&client->spare_transfers)) != NULL)
        client_transfer_free(CONTAINER_OF(node, struct client_transfer, queue));
    client_origin_free_all(client);
    client_idle_free(client);
    curl_multi_cleanup(client->multi);
    client->multi = NULL;
    client_socket_free_all(client);
    while ((node = ring_pop(&client->spare_flights)) != NULL)
        uv_close((uv_handle_t *)&CONTAINER_OF(node, struct client_flight, all)->timer, on_flight_closed);
    uv_close((uv_handle_t *)&client->kick, client_on_handle_closed);
    uv_close((uv_handle_t *)&client->timer, client_on_handle_closed);
    uv_close((uv_handle_t *)&client->idle_timer, client_on_handle_closed);
    uv_close((uv_handle_t *)&client->async, client_on_handle_closed);
}
