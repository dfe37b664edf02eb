#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http/client_internal.h"

/* A connection is not used longer, so that a partner that moves to another address is followed. */
#define CONNECTION_LIFE_MAX_S 300L
/* Pins outlive every call; they are renewed by each call that might connect. */
#define PIN_LIFE_S 3600L
/* An attempt to connect gets this part of the call's time when there are more addresses to try. */
#define ATTEMPT_PART 4
/* A recycled body buffer above this is given back. */
#define BODY_KEEP_MAX 65536u

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct client_transfer *transfer = MAGIC_CAST(struct client_transfer, context, TRANSFER_MAGIC);
    struct client_origin *origin = transfer->flight->origin;

    (void)purpose;
    transfer->opened = true;
    /* The address that is really connected to, whatever was resolved before: DNS rebinding ends here. */
    int result = url_policy_check(transfer->client->options.policy, str_from(origin->host), &address->addr,
                                  &transfer->error);
    if (result != OK) {
        transfer->failure = result;
        return CURL_SOCKET_BAD;
    }
    curl_socket_t fd = client_socket_open(transfer->client, address);
    if (fd == CURL_SOCKET_BAD)
        transfer->failure = error_set(&transfer->error, error_of_lack(errno, ERR_UNREACHABLE),
                                      "%s was not called: %s", origin->name, strerrordesc_np(errno));
    return fd;
}

/*
 * Before a request goes out on a connection. When a kept one has died under it libcurl sends it again by
 * itself, on another kept one if there is one: that is stopped, see send_again.
 */
static int on_send(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct client_transfer *transfer = MAGIC_CAST(struct client_transfer, context, TRANSFER_MAGIC);

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (transfer->sends++ == 0)
        return CURL_PREREQFUNC_OK;
    if (!transfer->opened)
        return CURL_PREREQFUNC_ABORT;
    transfer->flight->sent_again = true;
    return CURL_PREREQFUNC_OK;
}

/* What stays the same for all calls; per call only what differs is set. */
static void set_constant_options(struct client_transfer *transfer)
{
    struct http_client *client = transfer->client;
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* what was asked for, not what dots make of it */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL); /* see client_coding.c */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, client_idle_max_s(client));
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, PIN_LIFE_S);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    struct curl_blob authorities = {client->authorities.data, client->authorities.length, CURL_BLOB_COPY};
    if (authorities.len > 0)
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authorities);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)client->options.answer_max);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, client_socket_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, client_answer_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, client_answer_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static struct client_transfer *transfer_new(struct http_client *client)
{
    struct client_transfer *transfer = calloc(1, sizeof *transfer);

    if (transfer == NULL)
        return NULL;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL) {
        free(transfer);
        return NULL;
    }
    transfer->magic = TRANSFER_MAGIC;
    transfer->client = client;
    transfer->generation = client->generation;
    transfer->method = HTTP_METHOD_OTHER;
    ring_init(&transfer->queue);
    buffer_init(&transfer->body, client->options.answer_max);
    buffer_charge(&transfer->body, client->options.budget);
    set_constant_options(transfer);
    return transfer;
}

void client_transfer_free(struct client_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    buffer_free(&transfer->body);
    client_gzip_end(&transfer->gzip);
    transfer->magic = 0;
    free(transfer);
}

static enum transfer_form form_of(const struct http_call *call)
{
    if (call->body.length > 0)
        return FORM_BODY;
    switch (call->method) {
    case HTTP_METHOD_POST:
    case HTTP_METHOD_PUT:
    case HTTP_METHOD_PATCH:
        return FORM_BODY;
    case HTTP_METHOD_HEAD:
        return FORM_HEAD;
    case HTTP_METHOD_GET:
    case HTTP_METHOD_DELETE:
    case HTTP_METHOD_OTHER:
        break;
    }
    return FORM_PLAIN;
}

/* Method and body. POSTFIELDS with any method: the body stays where it is and can be sent again on a fresh
 * connection. */
static CURLcode set_method(struct client_transfer *transfer, const struct http_call *call)
{
    enum transfer_form form = form_of(call);
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    if (form == FORM_BODY) {
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
        if (code == CURLE_OK)
            code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.length > 0 ? call->body.data : "");
        if (code == CURLE_OK && transfer->form != form)
            code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    } else if (transfer->form != form) {
        code = curl_easy_setopt(easy, form == FORM_HEAD ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1L);
    }
    transfer->form = form;
    if (code == CURLE_OK && transfer->method != call->method) {
        code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(call->method));
        transfer->method = code == CURLE_OK ? call->method : HTTP_METHOD_OTHER;
    }
    return code;
}

static bool has_more_addresses(const struct client_flight *flight)
{
    return flight->origin->resolved && flight->attempt + 1 < flight->origin->pair_count;
}

/* Pins the name to the addresses of this attempt; one of several attempts must not use up the call's time. */
static CURLcode set_addresses(struct client_transfer *transfer)
{
    struct client_flight *flight = transfer->flight;
    int64_t timeout_ms = 0;
    CURLcode code = CURLE_OK;

    if (!flight->origin->literal) {
        client_origin_pin(flight->origin, flight->pair, transfer->pin, sizeof transfer->pin);
        transfer->pin_list.data = transfer->pin;
        code = curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, &transfer->pin_list);
        if (has_more_addresses(flight))
            timeout_ms = flight->timeout_ms / ATTEMPT_PART + 1;
    }
    if (code == CURLE_OK && transfer->connect_timeout_ms != timeout_ms) {
        code = curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
        transfer->connect_timeout_ms = timeout_ms;
    }
    return code;
}

/*
 * Where to. libcurl takes a URL apart, puts it together again and takes the parts out, byte by byte, for each
 * transfer; so it is given the parsed root of the origin, and the rest as the request target.
 */
static CURLcode set_target(struct client_transfer *transfer)
{
    const struct client_origin *origin = transfer->flight->origin;
    CURLcode code = CURLE_OK;

    if (transfer->origin != origin->number) {
        code = curl_easy_setopt(transfer->easy, CURLOPT_URL, NULL); /* what it made of another root */
        if (code == CURLE_OK)
            code = curl_easy_setopt(transfer->easy, CURLOPT_CURLU, origin->root);
        transfer->origin = code == CURLE_OK ? origin->number : 0;
    }
    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_REQUEST_TARGET,
                                transfer->flight->url + origin->key_length);
    return code;
}

/* A call that must not arrive twice has a connection of its own; the second try of another begins one that
 * is kept. */
static CURLcode set_connection(struct client_transfer *transfer)
{
    bool once = transfer->flight->call->once, fresh = once || transfer->flight->sent_again;
    CURLcode code = CURLE_OK;

    if (transfer->fresh != fresh)
        code = curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    if (code == CURLE_OK && transfer->once != once)
        code = curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, once ? 1L : 0L);
    transfer->fresh = fresh;
    transfer->once = once;
    transfer->opened = false;
    transfer->sends = 0;
    return code;
}

/* URL, addresses and start; also for the next address, the second try and the second round of a redirect. */
static int launch(struct client_transfer *transfer)
{
    CURLcode code = set_target(transfer);

    client_answer_reset(transfer);
    if (code == CURLE_OK)
        code = set_connection(transfer);
    if (code == CURLE_OK)
        code = set_addresses(transfer);
    if (code != CURLE_OK || curl_multi_add_handle(transfer->client->multi, transfer->easy) != CURLM_OK)
        return ERR_MEMORY;
    return OK;
}

int client_transfer_start(struct client_flight *flight)
{
    struct http_client *client = flight->client;
    struct ring *node = ring_pop(&client->spare_transfers);
    struct client_transfer *transfer =
        node != NULL ? CONTAINER_OF(node, struct client_transfer, queue) : transfer_new(client);

    if (transfer == NULL)
        return ERR_MEMORY;
    transfer->flight = flight;
    flight->transfer = transfer;
    flight->pair = flight->origin->preferred;
    CURLcode code = set_method(transfer, flight->call);
    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, flight->headers);
    return code == CURLE_OK ? launch(transfer) : ERR_MEMORY;
}

void client_transfer_release(struct client_flight *flight)
{
    struct client_transfer *transfer = flight->transfer;
    struct http_client *client = transfer->client;

    /* Cuts a running transfer; harmless for one that libcurl does not hold. */
    curl_multi_remove_handle(client->multi, transfer->easy);
    client_socket_settle(client);
    if (transfer->pin[0] != '\0') {
        curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, NULL); /* not read yet perhaps */
        transfer->pin[0] = '\0';
    }
    if (transfer->body.capacity > BODY_KEEP_MAX)
        buffer_free(&transfer->body);
    client_gzip_end(&transfer->gzip);
    transfer->flight = NULL;
    flight->transfer = NULL;
    if (transfer->generation == client->generation)
        ring_push(&client->spare_transfers, &transfer->queue);
    else
        client_transfer_free(transfer);
}

/* ---------------------------------------------------------------- the end */

/* Where a Location leads (RFC 3986 section 5); STR_NONE when there is no memory. */
static struct str resolve(const struct client_flight *flight, struct str location)
{
    struct arena *arena = flight->call->arena;
    const char *text = arena_copy_text(arena, location);
    char *resolved = NULL;
    CURLU *url = curl_url();

    if (url != NULL && text != NULL &&
        curl_url_set(url, CURLUPART_URL, flight->url, CURLU_PATH_AS_IS) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        curl_url_get(url, CURLUPART_URL, &resolved, 0);
    struct str target = arena_copy(arena, str_from(resolved));
    curl_free(resolved);
    curl_url_cleanup(url);
    return target;
}

/*
 * One redirect to the same origin is followed with method and body (307, 308: RFC 9110
 * sections 15.4.8, 15.4.9). True: the transfer runs again. Otherwise
 * `*result` is what the call ends with.
 */
static bool follow_redirect(struct client_transfer *transfer, long status, int *result)
{
    struct client_flight *flight = transfer->flight;
    struct http_call *call = flight->call;
    struct client_origin *origin;
    struct str location = http_header_find(transfer->headers, transfer->header_count, "Location");

    if ((status != 307 && status != 308) || location.length == 0)
        return false;
    *result = ERR_REFUSED;
    if (flight->redirected) {
        error_set(&call->error, ERR_REFUSED, "%s redirects more than once", flight->origin->name);
        return false;
    }
    struct str target = resolve(flight, location);
    size_t fragment = str_find(target, '#');
    if (fragment != SIZE_MAX)
        target.length = fragment;
    if (client_origin_find(transfer->client, call->arena, target, &origin, &flight->url, NULL) != OK ||
        origin != flight->origin) {
        error_set(&call->error, ERR_REFUSED,
                  "%s redirects to another scheme, host or port, which the hub does not follow",
                  flight->origin->name);
        return false;
    }
    flight->redirected = true;
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    *result = launch(transfer);
    if (*result != OK)
        error_set(&call->error, *result, "no memory to call %s", origin->name);
    return *result == OK;
}

/* A host with several addresses is unreachable only when none of them answers. True: the transfer runs again.
 */
static bool try_next_address(struct client_transfer *transfer, CURLcode code)
{
    struct client_flight *flight = transfer->flight;

    if ((code != CURLE_COULDNT_CONNECT && code != CURLE_OPERATION_TIMEDOUT) || transfer->failure != OK ||
        flight->call->sent || !has_more_addresses(flight))
        return false;
    flight->attempt++;
    flight->pair++;
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    return launch(transfer) == OK;
}

/*
 * A kept connection died under the request, and not a byte of the answer had come: the partner had hung up
 * meanwhile, as it may at any time (RFC 9112 section 9.3.1). The request goes out once more, on a new
 * connection. True: the transfer runs again.
 */
static bool send_again(struct client_transfer *transfer, CURLcode code)
{
    struct client_flight *flight = transfer->flight;
    bool broke = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
                 code == CURLE_ABORTED_BY_CALLBACK; /* by on_send */

    if (!broke || flight->sent_again || transfer->opened || transfer->sends == 0 ||
        transfer->head_bytes > 0 || transfer->failure != OK)
        return false;
    flight->sent_again = true;
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
    return launch(transfer) == OK;
}

/* The next calls begin with what worked. */
static void remember_address(struct client_flight *flight)
{
    if (flight->attempt > 0)
        flight->origin->preferred = flight->pair % flight->origin->pair_count;
    flight->attempt = 0;
}

void client_transfer_ended(struct client_transfer *transfer)
{
    CURLcode code = transfer->code;
    struct client_flight *flight = transfer->flight;
    long status = 0;
    int result = OK;

    flight->call->sent = client_answer_was_sent(transfer);
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (try_next_address(transfer, code) || send_again(transfer, code))
        return;
    if (code == CURLE_OK && !transfer->head_done)
        code =
            CURLE_PARTIAL_FILE; /* to libcurl a connection closed in the head is an answer without a body */
    if (code == CURLE_OK)
        remember_address(flight);
    if (code == CURLE_OK && follow_redirect(transfer, status, &result))
        return;
    flight->call->status = (int)status;
    if (code != CURLE_OK)
        result = client_answer_failure(transfer, code);
    else if (result == OK)
        result = client_answer_take(transfer);
    client_flight_finish(flight, result);
}
