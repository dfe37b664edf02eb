#ifndef TESTS_UNIT_HTTP_HARNESS_H
#define TESTS_UNIT_HTTP_HARNESS_H

/*
 * A real server on a loopback socket in the test's own loop, and peers that speak raw bytes to it on the same
 * loop and thread. The clock is the test's: `harness.now_us` moves only when a test moves it, and server_tick
 * looks at the deadlines.
 */
/* no test uses all of it */
#pragma GCC diagnostic ignored "-Wunused-function"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/env.h"
#include "lib/http/server_internal.h"

#define HOLD_MAX 64
#define TURNS    200000

static struct harness {
    uv_loop_t loop;
    struct http_server *server;
    struct http_listener *listener;
    uint16_t port;
    int64_t now_us;
    unsigned requests; /* that reached the handler */
    unsigned heads;    /* that did */
    struct http_exchange *waiting;
    struct budget budget;
    char paths[4096]; /* theirs, each followed by a space */
    struct http_exchange *held[HOLD_MAX];
    unsigned held_count;
    bool drained;
    size_t stream_slices, stream_size, stream_given;
    bool stream_waits; /* the source answers its resumes only when told */
    bool stream_asked, stream_ended;
    struct http_exchange *stream;
    unsigned turns;     /* that came to those who waited for them */
    unsigned cut;       /* of them, when nobody was left to read */
    size_t turn_size;   /* of the answers */
    atomic_size_t mine; /* what the caller of "/mine…" holds */
} harness;

static int64_t fake_monotonic_us(void)
{
    return harness.now_us;
}

static int64_t fake_wall_ms(void)
{
    return 1785542399123; /* 2026-07-31T23:59:59Z, a Friday */
}

static void fake_random(void *out, size_t size)
{
    memset(out, 7, size);
}

/* ---------------------------------------------------------------- the handler: its behaviour is in the path */

static void stream_step(struct http_exchange *exchange)
{
    harness.stream_asked = false;
    if (exchange->gone || harness.stream_given == harness.stream_slices) {
        harness.stream_ended = true;
        http_exchange_stream_end(exchange);
        return;
    }
    struct buffer slice;
    buffer_init(&slice, 0);
    if (buffer_reserve(&slice, harness.stream_size)) {
        memset(slice.data, 'a' + (int)(harness.stream_given % 26), harness.stream_size);
        slice.length = harness.stream_size;
    }
    harness.stream_given++;
    http_exchange_stream_write(exchange, &slice);
}

static void on_resume(struct http_exchange *exchange, void *context)
{
    assert_ptr_equal(context, &harness);
    assert_false(harness.stream_asked);
    harness.stream_asked = true;
    if (!harness.stream_waits)
        stream_step(exchange);
}

static void begin_stream(struct http_exchange *exchange, size_t length)
{
    harness.stream = exchange;
    http_exchange_stream_begin(exchange, 200, length, on_resume, &harness);
    assert_false(harness.stream_asked);
}

static void answer_echo(struct http_exchange *exchange)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, http_method_name(exchange->method));
    buffer_append_byte(&body, ' ');
    buffer_append(&body, exchange->target);
    buffer_append_byte(&body, ' ');
    buffer_append(&body, exchange->body);
    http_exchange_header(exchange, "Content-Type", STR("text/plain"));
    struct str id = http_header_find(exchange->headers, exchange->header_count, "X-Request-ID");
    if (id.length > 0)
        http_exchange_header(exchange, "X-Request-ID", id);
    http_exchange_send(exchange, 200, &body);
}

/* "/mine/turn": a large answer, made when its turn has come. */
static void on_turn_came(struct http_exchange *exchange, void *context)
{
    assert_ptr_equal(context, &harness);
    harness.turns++;
    harness.cut += http_exchange_is_cut(exchange);
    struct buffer body;
    buffer_init(&body, 0);
    assert_true(buffer_reserve(&body, harness.turn_size));
    memset(body.data, 't', harness.turn_size);
    body.length = harness.turn_size;
    http_exchange_send(exchange, 200, &body);
}

static void on_request(struct http_exchange *exchange, void *context)
{
    assert_ptr_equal(context, &harness);
    harness.requests++;
    size_t used = strlen(harness.paths);
    snprintf(harness.paths + used, sizeof harness.paths - used, STR_FMT " ", STR_ARG(exchange->path));
    if (str_starts_with(exchange->path, STR("/hold"))) {
        assert_true(harness.held_count < HOLD_MAX);
        harness.held[harness.held_count++] = exchange;
    } else if (str_equal(exchange->path, STR("/chunked"))) {
        begin_stream(exchange, SIZE_MAX);
    } else if (str_equal(exchange->path, STR("/sized"))) {
        begin_stream(exchange, harness.stream_slices * harness.stream_size);
    } else if (str_equal(exchange->path, STR("/short"))) {
        begin_stream(exchange, harness.stream_slices * harness.stream_size + 1);
    } else if (str_equal(exchange->path, STR("/mine/turn"))) {
        http_exchange_await_turn(exchange, on_turn_came, &harness);
    } else if (str_equal(exchange->path, STR("/none"))) {
        http_exchange_send(exchange, 204, NULL);
    } else {
        answer_echo(exchange);
    }
}

/* What of a request's head the handler saw decides about its body: "/deny…" is refused by its head, "/wait…"
 * is decided later, "/small…" may bring ten bytes. */
static void on_head(struct http_exchange *exchange, void *context)
{
    assert_ptr_equal(context, &harness);
    harness.heads++;
    assert_int_equal(exchange->body.length, 0);
    exchange->context = &harness;
    if (str_starts_with(exchange->path, STR("/mine")))
        exchange->held = &harness.mine;
    if (str_starts_with(exchange->path, STR("/wait"))) {
        assert_null(harness.waiting);
        harness.waiting = exchange;
    } else if (str_starts_with(exchange->path, STR("/deny"))) {
        struct buffer body;
        buffer_init(&body, 0);
        buffer_append_text(&body, "denied");
        http_exchange_send(exchange, 401, &body);
    } else {
        bool small = str_starts_with(exchange->path, STR("/small"));
        http_exchange_take_body(exchange, small ? 10 : SIZE_MAX);
    }
}

static void on_refuse(struct http_exchange *exchange, int status, const char *reason, void *context)
{
    assert_ptr_equal(context, &harness);
    struct buffer body;
    buffer_init(&body, 0);
    buffer_printf(&body, "refused %d %s", status, reason);
    struct str id = http_header_find(exchange->headers, exchange->header_count, "X-Request-ID");
    if (id.length > 0)
        http_exchange_header(exchange, "X-Request-ID", id);
    if (status == 503)
        http_exchange_header(exchange, "Retry-After", STR("1"));
    http_exchange_send(exchange, status, &body);
}

static void on_drained(void *context)
{
    assert_ptr_equal(context, &harness);
    assert_false(harness.drained);
    harness.drained = true;
}

/* ---------------------------------------------------------------- life */

static unsigned harness_per_address; /* 0: any number */

static void harness_start(void (*change)(struct http_limits *limits), unsigned connections_max)
{
    static const struct env_ops ops = {fake_wall_ms, fake_monotonic_us, fake_random};
    env_replace(&ops);
    memset(&harness, 0, sizeof harness);
    harness.now_us = 1000000;
    assert_int_equal(uv_loop_init(&harness.loop), 0);
    struct http_limits limits;
    http_limits_default(&limits);
    limits.budget = &harness.budget;
    if (change != NULL)
        change(&limits);
    struct http_server_callbacks callbacks = {on_head, on_request, on_refuse};
    harness.server = http_server_new(&harness.loop, &limits, &callbacks, &harness);
    assert_non_null(harness.server);
    harness.listener =
        http_listener_new(&harness.loop, &harness.server, 1, connections_max, harness_per_address, 1024);
    assert_non_null(harness.listener);
    char bound[64];
    struct error error;
    assert_int_equal(http_listener_bind(harness.listener, "127.0.0.1:0", bound, sizeof bound, &error), OK);
    harness.port = (uint16_t)strtoul(strrchr(bound, ':') + 1, NULL, 10);
}

static void turn(int count)
{
    for (int i = 0; i < count; i++)
        uv_run(&harness.loop, UV_RUN_NOWAIT);
}

static void tick(int64_t milliseconds)
{
    harness.now_us += milliseconds * 1000;
    server_tick(harness.server);
    turn(4);
}

/* Work left over would make the loop spin instead of sleep. */
static void assert_loop_sleeps(void)
{
    turn(4);
    assert_false(uv_is_active((uv_handle_t *)&harness.server->idle));
    assert_true(uv_backend_timeout(&harness.loop) != 0);
}

static void harness_stop(void)
{
    if (harness.server != NULL)
        assert_loop_sleeps();
    http_listener_close(harness.listener);
    http_server_free(harness.server);
    for (int i = 0; i < TURNS && uv_loop_alive(&harness.loop); i++)
        uv_run(&harness.loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&harness.loop), 0);
    assert_int_equal(atomic_load(&harness.budget.used), 0);
    assert_int_equal(atomic_load(&harness.mine), 0);
    env_replace(NULL);
}

/* ---------------------------------------------------------------- raw peers */

struct peer {
    int fd;
    bool eof, reset;
    size_t length, taken; /* bytes received; bytes of them that next_answer took */
    char *data;
    size_t capacity;
};

static void peer_open_sized(struct peer *peer, int receive_buffer)
{
    *peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(peer->fd >= 0);
    if (receive_buffer > 0)
        setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(harness.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    /* The kernel completes the handshake without us. */
    assert_int_equal(connect(peer->fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    turn(3);
}

static void peer_open(struct peer *peer)
{
    peer_open_sized(peer, 0);
}

static void peer_close(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    free(peer->data);
    *peer = (struct peer){.fd = -1};
    turn(3);
}

static void peer_read(struct peer *peer)
{
    while (!peer->eof && !peer->reset) {
        if (peer->capacity - peer->length < 65536) {
            peer->capacity = peer->capacity * 2 + 65537;
            peer->data = realloc(peer->data, peer->capacity);
        }
        ssize_t count = recv(peer->fd, peer->data + peer->length, peer->capacity - peer->length - 1, 0);
        if (count < 0) {
            peer->reset = errno != EAGAIN;
            return;
        }
        peer->eof = count == 0;
        peer->length += (size_t)count;
        peer->data[peer->length] = '\0';
    }
}

static void peer_send(struct peer *peer, struct str bytes)
{
    for (int i = 0; bytes.length > 0; i++) {
        assert_true(i < TURNS);
        ssize_t count = send(peer->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN)
            return;
        if (count > 0)
            bytes = str_skip(bytes, (size_t)count);
        else
            peer_read(peer);
        turn(1);
    }
    turn(2);
}

static void peer_say(struct peer *peer, const char *text)
{
    peer_send(peer, str_from(text));
}

/* Turns the loop until the server hangs up. */
static void peer_wait_end(struct peer *peer)
{
    for (int i = 0; i < TURNS && !peer->eof && !peer->reset; i++) {
        peer_read(peer);
        turn(1);
    }
    assert_true(peer->eof || peer->reset);
}

struct answer {
    int status;
    struct str head, body;
    size_t chunks;
};

static struct str answer_header_value(const struct answer *answer, const char *name)
{
    struct str rest = answer->head, line;
    while (str_split(&rest, '\n', &line)) {
        size_t colon = str_find(line, ':');
        if (colon != SIZE_MAX && str_equal_fold(str_of(line.data, colon), str_from(name)))
            return str_trim(str_of(line.data + colon + 1, line.length - colon - 2));
    }
    return STR_NONE;
}

/* De-chunks in place; false while it is not complete. */
static bool take_chunks(struct peer *peer, size_t at, struct answer *answer)
{
    char *out = peer->data + at;
    size_t length = 0;
    for (;;) {
        char *line_end = peer->length > at ? memmem(peer->data + at, peer->length - at, "\r\n", 2) : NULL;
        if (line_end == NULL)
            return false;
        size_t size = strtoul(peer->data + at, NULL, 16);
        size_t begin = (size_t)(line_end - peer->data) + 2;
        if (peer->length < begin + size + 2)
            return false;
        assert_memory_equal(peer->data + begin + size, "\r\n", 2);
        at = begin + size + 2;
        if (size == 0)
            break;
        memmove(out + length, peer->data + begin, size);
        length += size;
        answer->chunks++;
    }
    answer->body = str_of(out, length);
    peer->taken = at;
    return true;
}

static bool take_answer(struct peer *peer, bool head_only, struct answer *answer)
{
    *answer = (struct answer){0};
    char *begin = peer->data != NULL ? peer->data + peer->taken : NULL;
    char *end = begin != NULL ? memmem(begin, peer->length - peer->taken, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return false;
    answer->head = str_of(begin, (size_t)(end + 2 - begin));
    assert_memory_equal(begin, "HTTP/1.1 ", 9);
    answer->status = (int)strtol(begin + 9, NULL, 10);
    size_t at = (size_t)(end + 4 - peer->data);
    struct str length = answer_header_value(answer, "Content-Length");
    uint64_t number = 0;
    if (!head_only && str_equal(answer_header_value(answer, "Transfer-Encoding"), STR("chunked"))) {
        /* On a copy of the state: nothing is moved before all of it is there. */
        return memmem(peer->data + at, peer->length - at, "0\r\n\r\n", 5) != NULL &&
               take_chunks(peer, at, answer);
    }
    if (length.length > 0)
        assert_true(str_to_uint64(length, &number));
    if (head_only)
        number = 0;
    if (peer->length < at + number)
        return false;
    answer->body = str_of(peer->data + at, number);
    peer->taken = at + number;
    return true;
}

static struct answer peer_answer_to(struct peer *peer, bool head_only)
{
    struct answer answer;
    for (int i = 0; i < TURNS; i++) {
        peer_read(peer);
        if (take_answer(peer, head_only, &answer))
            return answer;
        assert_false(peer->eof || peer->reset);
        turn(1);
    }
    fail_msg("no answer; so far: %.200s", peer->data != NULL ? peer->data + peer->taken : "");
    return answer;
}

static struct answer peer_answer(struct peer *peer)
{
    return peer_answer_to(peer, false);
}

static void assert_str(struct str s, const char *text)
{
    if (!str_equal(s, str_from(text)))
        fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(s), text);
}

/* Nothing more has come, and the connection is open. */
static void assert_silent(struct peer *peer)
{
    turn(8);
    peer_read(peer);
    assert_int_equal(peer->length, peer->taken);
    assert_false(peer->eof || peer->reset);
    assert_loop_sleeps();
}

/* ---------------------------------------------------------------- what every test of the server begins and ends with */

#define HOST      "Host: hub\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static void hold_answer(unsigned index, const char *text)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, text);
    http_exchange_send(harness.held[index], 200, &body);
    harness.held[index] = NULL;
}

static int default_setup(void **state)
{
    (void)state;
    harness_start(NULL, 10000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_stop();
    return 0;
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, default_setup, teardown)

#endif
