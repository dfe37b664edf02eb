#ifndef TESTS_UNIT_CTL_SERVER_HARNESS_H
#define TESTS_UNIT_CTL_SERVER_HARNESS_H

/* A server of the admin socket on a loop that the test turns, with handlers of each kind, and its clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/env.h"
#include "lib/ctl/server_internal.h"

#define TURNS_MAX   20000
#define STREAM_ROWS 20000

static const char __attribute__((unused)) later[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n";
static const char __attribute__((unused)) tail[] =
    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"audit.tail\"}\n";

static uv_loop_t loop;
static struct ctl_server *server;
static char directory[64], path[108];
static unsigned refused_count;
static bool stopped;

/* ---------------------------------------------------------------- handlers under test */

/* Requests that are answered later; `pending` is the newest. */
static struct ctl_request *waiting[64], *pending;
static size_t waiting_count;
static struct {
    int sent, drains, closes;
    bool blocked;
} stream;

static inline void reply_text(struct ctl_request *request, const char *text)
{
    struct buffer result = {0};
    buffer_append_text(&result, text);
    ctl_reply(request, &result);
    buffer_free(&result);
}

static inline void run_show(struct ctl_request *request)
{
    struct str text =
        arena_printf(&request->arena, "{\n\"id\":\"" STR_FMT "\",\"uid\":%u}",
                     STR_ARG(json_get_text(request->params, "id")), (unsigned)request->peer.uid);
    reply_text(request, text.data);
}

static inline void run_fail(struct ctl_request *request)
{
    ctl_fail(request, CTL_CONFLICT, "party IN-ABC: there", "hubctl party list");
}

static inline void run_later(struct ctl_request *request)
{
    pending = waiting[waiting_count++] = request;
}

static inline void send_rows(struct ctl_request *request)
{
    stream.blocked = false;
    while (stream.sent < STREAM_ROWS && !stream.blocked) {
        struct buffer row = {0};
        buffer_printf(&row, "{\"n\":%d,\"filler\":\"%0200d\"}", stream.sent++, 0);
        stream.blocked = !ctl_notify(request, &row);
        buffer_free(&row);
    }
    if (stream.sent == STREAM_ROWS)
        reply_text(request, "{}");
}

static inline void on_drain(struct ctl_request *request)
{
    stream.drains++;
    send_rows(request);
}

static inline void on_closed(struct ctl_request *request)
{
    stream.closes++;
    ctl_fail(request, CTL_INTERNAL, "nobody reads this", NULL);
}

static inline void run_stream(struct ctl_request *request)
{
    request->on_drain = on_drain;
    request->on_closed = on_closed;
    send_rows(request);
}

static const struct ctl_handler handlers[] = {
    {"party.show", run_show}, {"party.add", run_fail}, {"status", run_later}, {"audit.tail", run_stream}};

/* ---------------------------------------------------------------- the harness */

static inline void on_refused(const struct ctl_peer *peer, struct str method, void *context)
{
    (void)peer;
    (void)method;
    (void)context;
    refused_count++;
}

static inline void on_stopped(void *context)
{
    *(bool *)context = true;
}

static inline int start_at(const char *where, struct ctl_server **out, struct error *error)
{
    struct ctl_server_options options = {.path = where,
                                         .handlers = handlers,
                                         .handler_count = sizeof handlers / sizeof handlers[0],
                                         .partial = true,
                                         .refused = on_refused};
    memset(error, 0, sizeof *error);
    return ctl_server_start(&loop, &options, out, error);
}

static inline void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static inline int setup(void **state)
{
    (void)state;
    struct error error;
    memset(&stream, 0, sizeof stream);
    pending = NULL;
    waiting_count = 0;
    stopped = false;
    uv_loop_init(&loop);
    snprintf(directory, sizeof directory, "/tmp/test-ctl-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/sub/admin.sock", directory);
    assert_int_equal(start_at(path, &server, &error), OK);
    return 0;
}

static inline void stop_server(void)
{
    ctl_server_stop(server, on_stopped, &stopped);
    for (int i = 0; i < TURNS_MAX && !stopped; i++)
        turn();
    assert_true(stopped);
}

static inline int teardown(void **state)
{
    (void)state;
    char sub[120];
    if (!stopped)
        stop_server();
    turn();
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(access(path, F_OK), -1); /* the file goes with the server */
    snprintf(sub, sizeof sub, "%s/sub", directory);
    rmdir(sub);
    rmdir(directory);
    return 0;
}

static inline int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static inline void send_text(int client, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client, text, length, MSG_NOSIGNAL);
        if (sent > 0) {
            text += sent;
            length -= (size_t)sent;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return;
        }
        turn();
    }
}

/* The next line (without its end), or "" when the server hung up. */
static inline const char *read_line(int client)
{
    static char line[4096];
    size_t length = 0;
    for (int i = 0; i < TURNS_MAX; i++) {
        turn();
        ssize_t count = recv(client, line + length, 1, 0);
        if (count == 0 || (count < 0 && errno == ECONNRESET))
            return "";
        if (count < 0) {
            struct pollfd wait = {.fd = client, .events = POLLIN};
            poll(&wait, 1, 1);
            continue;
        }
        if (line[length] == '\n') {
            line[length] = '\0';
            return line;
        }
        length++;
        assert_true(length < sizeof line);
        i = 0;
    }
    fail_msg("the server does not answer");
    return NULL;
}

static inline const char *ask(int client, const char *request)
{
    send_text(client, request, strlen(request));
    return read_line(client);
}

#endif
