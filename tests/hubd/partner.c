#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/hubd/partner.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"

#define ROWS_MAX  64
#define CALLS_MAX 4096

struct http_client {
    uv_loop_t *loop;
    struct ring flights;
};

/* A call under way. */
struct flight {
    struct ring queue;
    uv_timer_t timer;
    struct http_call *call; /* NULL: it has ended */
    struct partner_answer answer;
    size_t index; /* of the call that was noted */
    int64_t started;
};

static struct {
    struct arena arena;
    bool ready;
    struct {
        const char *method, *part;
        unsigned left; /* UINT_MAX: for ever */
        struct partner_answer answer;
    } rows[ROWS_MAX];
    size_t row_count;
    struct partner_call calls[CALLS_MAX];
    size_t call_count;
    unsigned under_way, most;
} partners;

/* ---------------------------------------------------------------- what tests say and see */

void partners_forget(void)
{
    if (partners.ready)
        arena_free(&partners.arena);
    memset(&partners, 0, sizeof partners);
    arena_init(&partners.arena, 0);
    partners.ready = true;
}

void partners_answer(const char *method, const char *part, unsigned times, struct partner_answer answer)
{
    assert_true(partners.row_count < ROWS_MAX);
    partners.rows[partners.row_count].method = method;
    partners.rows[partners.row_count].part = part;
    partners.rows[partners.row_count].left = times == 0 ? UINT_MAX : times;
    partners.rows[partners.row_count++].answer = answer;
}

size_t partners_count(void)
{
    return partners.call_count;
}

const struct partner_call *partners_call(size_t index)
{
    assert_true(index < partners.call_count);
    return &partners.calls[index];
}

struct str partners_header(const struct partner_call *call, const char *name)
{
    return http_header_find(call->headers, call->header_count, name);
}

unsigned partners_under_way(void)
{
    return partners.under_way;
}

unsigned partners_most_at_once(void)
{
    return partners.most;
}

/* ---------------------------------------------------------------- a call noted, and its row */

static bool text_has(struct str text, const char *part)
{
    return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

static struct partner_answer partners_find(const struct http_call *call)
{
    for (size_t i = partners.row_count; i > 0; i--) {
        if (partners.rows[i - 1].left == 0 ||
            (partners.rows[i - 1].method != NULL &&
             strcmp(partners.rows[i - 1].method, http_method_name(call->method)) != 0) ||
            (partners.rows[i - 1].part != NULL && !text_has(call->url, partners.rows[i - 1].part)))
            continue;
        partners.rows[i - 1].left -= partners.rows[i - 1].left != UINT_MAX;
        return partners.rows[i - 1].answer;
    }
    return (struct partner_answer)ANSWER_OK;
}

static size_t partners_note(const struct http_client *client, const struct http_call *call)
{
    assert_true(partners.call_count < CALLS_MAX);
    struct partner_call *noted = &partners.calls[partners.call_count];
    *noted = (struct partner_call){
        .at = env_monotonic_ms(),
        .method = call->method,
        .url = arena_copy(&partners.arena, call->url),
        .body = arena_copy(&partners.arena, call->body),
        .headers = arena_alloc(&partners.arena, (call->header_count + 1) * sizeof *noted->headers),
        .header_count = call->header_count,
        .client = client,
        .once = call->once,
    };
    for (size_t i = 0; i < call->header_count; i++)
        noted->headers[i] = (struct http_header){arena_copy(&partners.arena, call->headers[i].name),
                                                 arena_copy(&partners.arena, call->headers[i].value)};
    partners.under_way++;
    if (partners.under_way > partners.most)
        partners.most = partners.under_way;
    return partners.call_count++;
}

/* ---------------------------------------------------------------- the answer */

static struct str answer_body(struct arena *arena, const struct partner_answer *answer)
{
    if (answer->body != NULL)
        return arena_copy(arena, str_from(answer->body));
    if (answer->status_code == 0)
        return STR_NONE;
    return arena_printf(arena,
                        "{\"status_code\":%d,\"status_message\":\"as the table says\","
                        "\"timestamp\":\"2030-01-01T00:00:00Z\"}",
                        answer->status_code);
}

static void flight_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void flight_end(struct flight *flight, int result, const char *sentence)
{
    struct http_call *call = flight->call;
    flight->call = NULL;
    call->handle = NULL;
    ring_remove(&flight->queue);
    partners.under_way--;
    partners.calls[flight->index].ended = true;
    partners.calls[flight->index].result = result;
    call->result = result == OK ? OK : error_set(&call->error, result, "%s", sentence);
    call->latency_us = (env_monotonic_ms() - flight->started) * 1000;
    call->sent = flight->answer.http != 0 || flight->answer.died || flight->answer.hang;
    uv_close((uv_handle_t *)&flight->timer, flight_closed);
    call->callback(call);
}

static void flight_due(uv_timer_t *timer)
{
    struct flight *flight = timer->data;
    struct http_call *call = flight->call;
    const struct partner_answer *answer = &flight->answer;
    if (env_monotonic_ms() - flight->started >= call->timeout_ms) {
        flight_end(flight, ERR_TIMEOUT, "partner.example: no answer in time");
        return;
    }
    if (answer->http == 0) {
        flight_end(flight, answer->result, "partner.example: not reached");
        return;
    }
    call->status = answer->http;
    call->answer = answer_body(call->arena, answer);
    call->answer_headers = arena_alloc(call->arena, sizeof *call->answer_headers);
    if (answer->header != NULL)
        call->answer_headers[call->answer_header_count++] =
            (struct http_header){str_from(answer->header), str_from(answer->value)};
    flight_end(flight, OK, "");
}

static void flight_cancelled(uv_timer_t *timer)
{
    flight_end(timer->data, ERR_CLOSED, "given up");
}

/* ---------------------------------------------------------------- lib/http/client.h */

struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options)
{
    (void)options;
    struct http_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->loop = loop;
    ring_init(&client->flights);
    return client;
}

int http_client_reload(struct http_client *client, const struct http_client_options *options)
{
    (void)client;
    (void)options;
    return OK;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    while (!ring_is_empty(&client->flights))
        flight_end(CONTAINER_OF(client->flights.next, struct flight, queue), ERR_CLOSED, "given up");
    free(client);
}

void http_client_start(struct http_client *client, struct http_call *call)
{
    struct flight *flight = calloc(1, sizeof *flight);
    assert_non_null(flight);
    flight->call = call;
    flight->started = env_monotonic_ms();
    flight->index = partners_note(client, call);
    flight->answer = partners_find(call);
    ring_push(&client->flights, &flight->queue);
    call->handle = flight;
    uv_timer_init(client->loop, &flight->timer);
    flight->timer.data = flight;
    uv_update_time(client->loop);
    bool late = flight->answer.hang || flight->answer.after_ms > call->timeout_ms;
    uv_timer_start(&flight->timer, flight_due, (uint64_t)(late ? call->timeout_ms : flight->answer.after_ms),
                   0);
}

void http_client_cancel(struct http_client *client, struct http_call *call)
{
    (void)client;
    struct flight *flight = call->handle;
    if (flight != NULL)
        uv_timer_start(&flight->timer, flight_cancelled, 0, 0);
}
