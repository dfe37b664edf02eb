#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/env.h"
#include "lib/http/client_internal.h"

/* See is_too_late. */
#define PATIENCE_PART 4

static struct ring *bucket_of(struct http_client *client, struct str key)
{
    return &client->origins[str_hash(key) % ORIGIN_BUCKETS];
}

static struct client_origin *lookup(struct http_client *client, struct str key)
{
    struct ring *bucket = bucket_of(client, key);

    for (struct ring *node = bucket->next; node != bucket; node = node->next) {
        struct client_origin *origin = CONTAINER_OF(node, struct client_origin, bucket);
        if (str_equal(str_of(origin->key, origin->key_length), key))
            return origin;
    }
    return NULL;
}

static void origin_free(struct client_origin *origin)
{
    http_resolver_cancel(origin->client->options.resolver, &origin->request);
    ring_remove(&origin->bucket);
    ring_remove(&origin->idle);
    ring_remove(&origin->ready);
    curl_url_cleanup(origin->root); /* spare transfers may still have it set; they never look at it again */
    free(origin);
}

static void set_idle(struct client_origin *origin)
{
    struct http_client *client = origin->client;

    ring_push(&client->idle_origins, &origin->idle);
    if (client->idle_origin_count < ORIGINS_IDLE_MAX)
        client->idle_origin_count++;
    else
        origin_free(CONTAINER_OF(client->idle_origins.next, struct client_origin, idle));
}

/* An address as host needs no DNS. */
static void set_literal(struct client_origin *origin)
{
    union http_socket_address *address = &origin->address;

    if (inet_pton(AF_INET, origin->host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        origin->literal = true;
    } else if (inet_pton(AF_INET6, origin->host, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        origin->literal = true;
    }
}

static struct client_origin *origin_new(struct http_client *client, struct str key, const struct url *url)
{
    struct client_origin *origin = calloc(1, sizeof *origin);
    char root[URL_ORIGIN_SIZE + 1];

    if (origin == NULL)
        return NULL;
    origin->root = curl_url();
    snprintf(root, sizeof root, STR_FMT "/", STR_ARG(key));
    if (origin->root == NULL || curl_url_set(origin->root, CURLUPART_URL, root, 0) != CURLUE_OK) {
        curl_url_cleanup(origin->root);
        free(origin);
        return NULL;
    }
    origin->number = ++client->origins_made;
    origin->client = client;
    origin->port = url->port;
    str_copy(key, origin->key, sizeof origin->key);
    origin->key_length = key.length;
    str_copy(url->host, origin->host, sizeof origin->host);
    bool bracket = str_find(url->host, ':') != SIZE_MAX;
    snprintf(origin->name, sizeof origin->name, bracket ? "[%s]:%u" : "%s:%u", origin->host, origin->port);
    set_literal(origin);
    ring_init(&origin->idle);
    ring_init(&origin->ready);
    ring_init(&origin->unresolved);
    ring_init(&origin->waiting);
    ring_push(bucket_of(client, key), &origin->bucket);
    set_idle(origin);
    return origin;
}

/* ---------------------------------------------------------------- from URL to origin */

/* The part before the path of a URL that looks canonical already, STR_NONE when a real parse is needed. */
static struct str plain_key(struct str text)
{
    if (text.length > 2048 ||
        (!str_starts_with(text, STR("https://")) && !str_starts_with(text, STR("http://"))))
        return STR_NONE;
    struct str origin = url_text_origin(text);
    for (size_t i = origin.length; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte <= 0x20 || byte >= 0x7f || byte == '#')
            return STR_NONE;
    }
    return origin;
}

int client_origin_find(struct http_client *client, struct arena *arena, struct str text,
                       struct client_origin **origin, char **url, struct error *error)
{
    char buffer[URL_ORIGIN_SIZE];
    struct url parts;
    struct str key = plain_key(text);

    /* Nearly every call goes to a known host: what was parsed once need not be parsed again. */
    *origin = key.length == 0 ? NULL : lookup(client, key);
    if (*origin != NULL && key.length < text.length && text.data[key.length] == '/') {
        *url = arena_copy_text(arena, text);
        return *url == NULL ? error_set(error, ERR_MEMORY, "no memory for a URL") : OK;
    }
    int result = url_parse(arena, text, &parts, error);
    if (result != OK)
        return result;
    key = url_origin(&parts, false, buffer, sizeof buffer);
    *origin = lookup(client, key);
    if (*origin == NULL)
        *origin = origin_new(client, key, &parts);
    struct str whole = arena_printf(arena, STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(key), STR_ARG(parts.path),
                                    parts.query.length > 0 ? "?" : "", STR_ARG(parts.query));
    if (*origin == NULL || whole.data == NULL)
        return error_set(error, ERR_MEMORY, "no memory for a URL");
    *url = arena_copy_text(arena, whole);
    return *url == NULL ? error_set(error, ERR_MEMORY, "no memory for a URL") : OK;
}

/* ---------------------------------------------------------------- names */

/*
 * Takes over the addresses that the policy allows. ERR_REFUSED when there is none; the old ones stay then for
 * the transfers that are under way.
 */
static int take_addresses(struct client_origin *origin, struct error *error)
{
    const struct http_resolved *addresses = &origin->request.addresses;
    struct client_address allowed[HTTP_ADDRESSES_MAX];
    size_t count = 0, v4 = 0, v6 = 0;

    for (size_t i = 0; i < addresses->count; i++) {
        const union http_socket_address *address = &addresses->list[i];
        char text[INET6_ADDRSTRLEN];
        bool is_v4 = address->any.sa_family == AF_INET;
        const void *bytes =
            is_v4 ? (const void *)&address->v4.sin_addr : (const void *)&address->v6.sin6_addr;
        if (url_policy_check(origin->client->options.policy, str_from(origin->host), &address->any,
                             count == 0 ? error : NULL) != OK ||
            inet_ntop(address->any.sa_family, bytes, text, sizeof text) == NULL)
            continue;
        allowed[count].family = address->any.sa_family;
        snprintf(allowed[count].text, sizeof allowed[count].text, is_v4 ? "%s" : "[%s]", text);
        count++;
        v4 += is_v4;
        v6 += !is_v4;
    }
    if (count == 0)
        return ERR_REFUSED;
    memcpy(origin->addresses, allowed, count * sizeof allowed[0]);
    origin->address_count = count;
    origin->pair_count = v4 > v6 ? v4 : v6;
    return OK;
}

void client_origin_pin(const struct client_origin *origin, size_t number, char *out, size_t size)
{
    size_t pair = number % origin->pair_count, v4 = 0, v6 = 0;
    int at = snprintf(out, size, "+%s:%u:", origin->host, origin->port);
    const char *comma = "";

    for (size_t i = 0; i < origin->address_count; i++) {
        const struct client_address *address = &origin->addresses[i];
        size_t *seen = address->family == AF_INET ? &v4 : &v6;
        if ((*seen)++ != pair)
            continue;
        at += snprintf(out + at, size - (size_t)at, "%s%s", comma, address->text);
        comma = ",";
    }
}

static void fail_all(struct ring *flights, int result, const struct error *error)
{
    struct ring *node;

    while ((node = ring_pop(flights)) != NULL) {
        struct client_flight *flight = CONTAINER_OF(node, struct client_flight, queue);
        error_set(&flight->call->error, result, "%s", error->text);
        client_flight_finish(flight, result);
    }
}

static void set_ready(struct client_origin *origin)
{
    struct http_client *client = origin->client;

    if (!ring_is_empty(&origin->waiting) && origin->active < client->options.connections_per_host &&
        ring_is_empty(&origin->ready))
        ring_push(&client->ready, &origin->ready);
}

/* The resolver has answered. */
static void take_answer(struct client_origin *origin)
{
    struct http_resolver_request *request = &origin->request;
    int result = request->result;

    origin->resolving = false;
    if (result == OK) {
        result = take_addresses(origin, &request->error);
        origin->resolved = result == OK;
        origin->fresh_until_ms = request->expires_ms;
        if (result != OK)
            fail_all(&origin->waiting, result, &request->error);
    }
    if (result == OK)
        ring_append(&origin->waiting, &origin->unresolved);
    else
        fail_all(&origin->unresolved, result, &request->error);
    set_ready(origin);
}

static void ask(struct client_origin *origin)
{
    struct http_client *client = origin->client;

    if (origin->resolving)
        return;
    origin->resolving = true;
    if (http_resolver_ask(client->options.resolver, &origin->request, &client->inbox, origin->host))
        take_answer(origin);
}

void client_origin_answers(struct http_client *client)
{
    struct http_resolver_request *request;

    while ((request = http_resolver_take(client->options.resolver, &client->inbox)) != NULL)
        take_answer(CONTAINER_OF(request, struct client_origin, request));
}

/* ---------------------------------------------------------------- who may start */

void client_origin_admit(struct client_origin *origin, struct client_flight *flight)
{
    struct http_client *client = origin->client;
    struct http_call *call = flight->call;

    flight->origin = origin;
    if (origin->flights++ == 0) {
        ring_remove(&origin->idle);
        client->idle_origin_count--;
    }
    if (origin->literal) {
        int result = url_policy_check(client->options.policy, str_from(origin->host), &origin->address.any,
                                      &call->error);
        if (result != OK) {
            client_flight_finish(flight, result);
            return;
        }
        ring_push(&origin->waiting, &flight->queue);
    } else {
        bool fresh = origin->resolved && env_monotonic_ms() < origin->fresh_until_ms;
        ring_push(fresh ? &origin->waiting : &origin->unresolved, &flight->queue);
        if (!fresh)
            ask(origin); /* answered at once where old addresses serve */
    }
    set_ready(origin);
}

void client_origin_leave(struct client_origin *origin, struct client_flight *flight)
{
    ring_remove(&flight->queue);
    flight->origin = NULL;
    if (flight->active) {
        flight->active = false;
        origin->active--;
        origin->client->active--;
    }
    set_ready(origin);
    if (--origin->flights == 0)
        set_idle(origin);
}

/* Whoever is called has at least a quarter of a call's time, else what was short was this side's patience. */
static bool is_too_late(const struct client_flight *flight)
{
    int64_t waited_ms = (env_monotonic_us() - flight->call->latency_us) / 1000; /* since its start */

    if (waited_ms <= flight->timeout_ms - flight->timeout_ms / PATIENCE_PART)
        return false;
    error_set(&flight->call->error, ERR_SHORT,
              "%s was not called: %lld of %lld ms had passed before there was a free connection",
              flight->origin->name, (long long)waited_ms, (long long)flight->timeout_ms);
    return true;
}

void client_origin_pump(struct http_client *client)
{
    struct ring *node;

    client_idle_expire(client);
    while (client->active < client->options.connections_total && (node = ring_pop(&client->ready)) != NULL) {
        struct client_origin *origin = CONTAINER_OF(node, struct client_origin, ready);
        if ((node = ring_pop(&origin->waiting)) == NULL)
            continue;
        struct client_flight *flight = CONTAINER_OF(node, struct client_flight, queue);
        if (is_too_late(flight)) {
            client_flight_finish(flight, ERR_SHORT);
            continue;
        }
        flight->active = true;
        client->active++;
        origin->active++;
        set_ready(origin);
        int result = client_transfer_start(flight);
        if (result != OK) {
            error_set(&flight->call->error, result, "no memory to call %s", origin->name);
            client_flight_finish(flight, result);
        }
    }
}

void client_origin_free_all(struct http_client *client)
{
    for (size_t i = 0; i < ORIGIN_BUCKETS; i++)
        while (!ring_is_empty(&client->origins[i]))
            origin_free(CONTAINER_OF(client->origins[i].next, struct client_origin, bucket));
}
