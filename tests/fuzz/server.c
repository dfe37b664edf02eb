/*
 * The way in of the HTTP server (lib/http/server_request.c, server_body.c): a connection's requests are the same
 * whether their bytes come at once or in pieces, with the same limits, and it ends when its peer does. The
 * first byte is the size of the pieces. What the handler does is in the path: /deny, /small, /hold.
 */
#include <unistd.h>

#include "lib/base/env.h"
#include "lib/http/server_internal.h"
#include "tests/fuzz/fuzz.h"

#define PIECES_MAX 64 /* each is a turn of the loop */
#define TURNS_MAX  64
#define HOLD_MAX   16 /* as many as a connection may have in the handler at once */

static uv_loop_t loop;
static struct http_server *server;
static struct http_exchange *held[HOLD_MAX];
static size_t held_count;
static struct buffer transcript;

/* ---------------------------------------------------------------- the handler */

static void answer(struct http_exchange *exchange, int status)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_append_text(&body, "answer");
    http_exchange_send(exchange, status, &body);
}

static void write_down(const struct http_exchange *exchange)
{
    buffer_printf(&transcript, "%s%s " STR_FMT "?" STR_FMT, exchange->head ? "HEAD as " : "",
                  http_method_name(exchange->method), STR_ARG(exchange->path), STR_ARG(exchange->query));
    for (size_t i = 0; i < exchange->header_count; i++)
        buffer_printf(&transcript, "|" STR_FMT ":" STR_FMT, STR_ARG(exchange->headers[i].name),
                      STR_ARG(exchange->headers[i].value));
    buffer_append_byte(&transcript, '\n');
}

/* Who says Expect may say no more once the head is answered, and how much of the body had come then decides
 * whether the connection goes on. */
static void on_head(struct http_exchange *exchange, void *context)
{
    (void)context;
    bool expects = http_header_find(exchange->headers, exchange->header_count, "Expect").length > 0;
    write_down(exchange);
    if (str_starts_with(exchange->path, STR("/deny")) && !expects)
        answer(exchange, 401);
    else
        http_exchange_take_body(exchange, str_starts_with(exchange->path, STR("/small")) ? 10 : SIZE_MAX);
}

static void on_request(struct http_exchange *exchange, void *context)
{
    (void)context;
    buffer_printf(&transcript, "body %zu: ", exchange->body.length);
    buffer_append(&transcript, exchange->body);
    buffer_append_byte(&transcript, '\n');
    if (str_starts_with(exchange->path, STR("/hold"))) {
        FUZZ_HOLD(held_count < HOLD_MAX);
        held[held_count++] = exchange;
    } else {
        answer(exchange, 200);
    }
}

/* What is no head is 400 as soon as its first byte says so, and 431 where more of it came before anybody looked:
 * both are written down as one. */
static void on_refuse(struct http_exchange *exchange, int status, const char *reason, void *context)
{
    (void)context;
    FUZZ_HOLD(reason != NULL && status >= 400);
    buffer_printf(&transcript, "refused %d\n", status == 431 ? 400 : status);
    answer(exchange, status);
}

/* ---------------------------------------------------------------- the connection */

/* It stands still: no deadline comes, however slow the machine is. */
static int64_t standing_us(void)
{
    return 1000000;
}

static void begin_server(void)
{
    static const struct env_ops ops = {.monotonic_us = standing_us};
    static const struct http_server_callbacks callbacks = {on_head, on_request, on_refuse};
    struct http_limits limits;
    env_replace(&ops);
    http_limits_default(&limits);
    limits.head_max = 512;
    limits.body_max = 256;
    limits.pipeline_max = HOLD_MAX;
    FUZZ_HOLD(uv_loop_init(&loop) == 0);
    server = http_server_new(&loop, &limits, &callbacks, NULL);
    FUZZ_HOLD(server != NULL);
}

/* The loop once, and answers to what is held. */
static void turn(int peer)
{
    char answers[4096];
    uv_run(&loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < held_count; i++)
        answer(held[i], 200);
    held_count = 0;
    while (peer >= 0 && recv(peer, answers, sizeof answers, MSG_DONTWAIT) > 0)
        continue;
}

static void send_pieces(int peer, struct str bytes, size_t step)
{
    for (size_t at = 0; at < bytes.length; at += step) {
        size_t length = bytes.length - at < step ? bytes.length - at : step;
        if (send(peer, bytes.data + at, length, MSG_NOSIGNAL) != (ssize_t)length)
            break; /* the server has closed it */
        turn(peer);
    }
}

/* What the handler saw of a connection that brings these bytes, in `transcript`. */
static void run_connection(struct str bytes, size_t step)
{
    int pair[2];
    buffer_clear(&transcript);
    FUZZ_HOLD(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    http_server_adopt(server, &(struct http_accepted){.fd = pair[0]});
    turn(pair[1]);
    send_pieces(pair[1], bytes, step);
    shutdown(pair[1], SHUT_WR);
    for (int i = 0; i < TURNS_MAX; i++)
        turn(pair[1]);
    close(pair[1]);
    for (int i = 0; i < TURNS_MAX && server->connection_count > 0; i++)
        turn(-1);
    FUZZ_HOLD(server->connection_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (server == NULL)
        begin_server();
    struct str bytes = str_of((const char *)data + 1, size - 1);
    size_t least = bytes.length / PIECES_MAX + 1;
    size_t step = data[0] % 16u + 1;
    run_connection(bytes, bytes.length);
    struct buffer whole = transcript;
    buffer_init(&transcript, 0);
    run_connection(bytes, step < least ? least : step);
    FUZZ_HOLD(str_equal(buffer_str(&whole), buffer_str(&transcript)));
    buffer_free(&whole);
    return 0;
}
