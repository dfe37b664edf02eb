#include <uv.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bench.h"

/*
 * A partner platform that costs next to nothing: answers by path with bytes made at start, one thread,
 * keep-alive, pipelining in order. It stands behind hubd and behind what hubd is compared with; with --page
 * it also stands in for a hub when the driver tests itself.
 *
 * --record FILE appends "ID NANOSECONDS" (CLOCK_MONOTONIC) per session or CDR as its last byte is read;
 * --delay MS answers that much later. Prints "port N" when it listens.
 */

enum { READ_CHUNK = 65536, BODY_MAX = 8 << 20 };

struct answer {
    char *bytes;
    size_t length;
};

struct connection {
    uv_tcp_t tcp;
    uv_timer_t timer; /* runs while a delayed answer waits */
    char *in;
    size_t in_used, in_size;
    char *out; /* answers of what came in one read, sent with one write */
    size_t out_used, out_size;
    struct answer waiting; /* for the timer; borrowed */
    bool close_after;      /* the peer asked for it */
    int open_handles;
};

struct request {
    const char *method, *path, *body;
    size_t method_length, path_length, body_length; /* path without its query */
    size_t total;
    bool close;
};

static struct {
    struct answer versions, details, credentials, authorize, command, done, page, unknown;
} answers;
static FILE *record;
static uint64_t delay_ms;

static struct answer make_answer(const char *status, const char *body, size_t length)
{
    struct answer answer;
    answer.bytes = bench_resize(NULL, length + 256);
    int head = snprintf(answer.bytes, 256,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        status, length);
    memcpy(answer.bytes + head, body, length);
    answer.length = (size_t)head + length;
    return answer;
}

static struct answer make_envelope(const char *data)
{
    char body[4096];
    int length = snprintf(body, sizeof body,
                          "{%s%s%s\"status_code\":1000,\"status_message\":\"Success\",\"timestamp\":\"2026-"
                          "01-01T00:00:00.000Z\"}",
                          data[0] ? "\"data\":" : "", data, data[0] ? "," : "");
    return make_answer("200 OK", body, (size_t)length);
}

static void make_answers(int port, const char *page)
{
    char data[3072];
    snprintf(data, sizeof data, "[{\"version\":\"2.2.1\",\"url\":\"http://127.0.0.1:%d/ocpi/2.2.1\"}]", port);
    answers.versions = make_envelope(data);

    static const char *const modules[] = {"credentials", "tokens",    "commands", "sessions",
                                          "cdrs",        "locations", "tariffs"};
    size_t used = (size_t)snprintf(data, sizeof data, "{\"version\":\"2.2.1\",\"endpoints\":[");
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        used += (size_t)snprintf(
            data + used, sizeof data - used,
            "%s{\"identifier\":\"%s\",\"role\":\"RECEIVER\",\"url\":\"http://127.0.0.1:%d/ocpi/2.2.1/%s\"}",
            i > 0 ? "," : "", modules[i], port, modules[i]);
    snprintf(data + used, sizeof data - used, "]}");
    answers.details = make_envelope(data);

    snprintf(
        data, sizeof data,
        "{\"token\":\"stand-in\",\"url\":\"http://127.0.0.1:%d/ocpi/versions\",\"roles\":[{\"role\":\"HUB\","
        "\"party_id\":\"CIH\",\"country_code\":\"IN\",\"business_details\":{\"name\":\"Stand-in\"}}]}",
        port);
    answers.credentials = make_envelope(data);
    answers.authorize = make_envelope("{\"allowed\":\"ALLOWED\",\"authorization_reference\":\"REF-0001\"}");
    answers.command = make_envelope("{\"result\":\"ACCEPTED\",\"timeout\":30}");
    answers.done = make_envelope("");
    if (page != NULL) {
        size_t length;
        char *body = bench_read_file(page, &length);
        answers.page = make_answer("200 OK", body, length);
        free(body);
    } else {
        answers.page = make_envelope("[]");
    }
    static const char unknown[] = "{\"status_code\":2003,\"timestamp\":\"2026-01-01T00:00:00.000Z\"}";
    answers.unknown = make_answer("404 Not Found", unknown, sizeof unknown - 1);
}

static bool path_has(const struct request *request, const char *part)
{
    return memmem(request->path, request->path_length, part, strlen(part)) != NULL;
}

static bool path_ends(const struct request *request, const char *end)
{
    size_t length = strlen(end);
    return request->path_length >= length &&
           memcmp(request->path + request->path_length - length, end, length) == 0;
}

static struct answer choose_answer(const struct request *request)
{
    if (path_ends(request, "/authorize"))
        return answers.authorize;
    if (path_has(request, "/sessions") || path_has(request, "/cdrs"))
        return answers.done;
    if (path_has(request, "/commands/"))
        return answers.command;
    if (path_ends(request, "/versions"))
        return answers.versions;
    if (path_ends(request, "/2.2.1"))
        return answers.details;
    if (path_ends(request, "/credentials"))
        return answers.credentials;
    if (path_ends(request, "/locations"))
        return answers.page;
    return path_has(request, "/ocpi/") ? answers.done : answers.unknown;
}

/* A session's id is the path's last segment; a CDR's is its first "id" (the driver's CDRs begin with it). */
static void record_receipt(const struct request *request)
{
    const char *id;
    size_t length;
    if (path_has(request, "/sessions/")) {
        const char *slash = memrchr(request->path, '/', request->path_length);
        id = slash + 1;
        length = (size_t)(request->path + request->path_length - id);
    } else if (path_ends(request, "/cdrs")) {
        static const char key[] = "\"id\":\"";
        id = memmem(request->body, request->body_length, key, sizeof key - 1);
        if (id == NULL)
            return;
        id += sizeof key - 1;
        const char *quote = memchr(id, '"', (size_t)(request->body + request->body_length - id));
        length = quote != NULL ? (size_t)(quote - id) : 0;
    } else {
        return;
    }
    fprintf(record, "%.*s %lld\n", (int)length, id, (long long)bench_now_ns());
}

static bool header_is(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    return length > name_length && line[name_length] == ':' && strncasecmp(line, name, name_length) == 0;
}

/* 1: a whole request; 0: not yet; -1: not one this program can read. */
static int parse_request(const char *in, size_t length, struct request *request)
{
    const char *head_end = memmem(in, length, "\r\n\r\n", 4);
    if (head_end == NULL)
        return length > READ_CHUNK ? -1 : 0;
    memset(request, 0, sizeof *request);
    const char *line_end = memchr(in, '\r', length);
    const char *space = memchr(in, ' ', (size_t)(line_end - in));
    if (space == NULL)
        return -1;
    request->method = in;
    request->method_length = (size_t)(space - in);
    request->path = space + 1;
    for (const char *at = request->path; at < line_end && *at != ' ' && *at != '?'; at++)
        request->path_length++;
    while (line_end < head_end) {
        const char *line = line_end + 2;
        line_end = memchr(line, '\r', (size_t)(head_end + 1 - line));
        if (line_end == NULL)
            return -1;
        size_t line_length = (size_t)(line_end - line);
        if (header_is(line, line_length, "content-length"))
            request->body_length = strtoul(line + sizeof "content-length:" - 1, NULL, 10);
        else if (header_is(line, line_length, "transfer-encoding"))
            return -1;
        else if (header_is(line, line_length, "connection") && memmem(line, line_length, "close", 5) != NULL)
            request->close = true;
    }
    if (request->body_length > BODY_MAX)
        return -1;
    request->body = head_end + 4;
    request->total = (size_t)(request->body - in) + request->body_length;
    return request->total <= length ? 1 : 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    if (--connection->open_handles > 0)
        return;
    free(connection->in);
    free(connection->out);
    free(connection);
}

static void close_connection(struct connection *connection)
{
    if (uv_is_closing((uv_handle_t *)&connection->tcp))
        return;
    uv_close((uv_handle_t *)&connection->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
}

struct pending_write {
    uv_write_t request;
    char bytes[];
};

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->handle->data;
    free(write->data);
    if (status < 0 || connection->close_after)
        close_connection(connection);
}

static void flush_answers(struct connection *connection)
{
    if (connection->out_used == 0)
        return;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    uv_buf_t buffer = uv_buf_init(connection->out, (unsigned)connection->out_used);
    int sent = uv_try_write(stream, &buffer, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    size_t left = connection->out_used - done;
    connection->out_used = 0;
    if (sent < 0 && sent != UV_EAGAIN) {
        close_connection(connection);
    } else if (left > 0) {
        struct pending_write *write = bench_resize(NULL, sizeof *write + left);
        memcpy(write->bytes, connection->out + done, left);
        write->request.data = write;
        uv_buf_t rest = uv_buf_init(write->bytes, (unsigned)left);
        if (uv_write(&write->request, stream, &rest, 1, on_written) < 0) {
            free(write);
            close_connection(connection);
        }
    } else if (connection->close_after) {
        close_connection(connection);
    }
}

static void add_answer(struct connection *connection, struct answer answer)
{
    if (connection->out_used + answer.length > connection->out_size) {
        connection->out_size = (connection->out_used + answer.length) * 2;
        connection->out = bench_resize(connection->out, connection->out_size);
    }
    memcpy(connection->out + connection->out_used, answer.bytes, answer.length);
    connection->out_used += answer.length;
}

static void on_delay_over(uv_timer_t *timer);

/* Answers every whole request that is there; with a delay one at a time. */
static void serve(struct connection *connection)
{
    size_t done = 0;
    struct request request;
    int found = 0;
    while (!connection->close_after && !uv_is_active((uv_handle_t *)&connection->timer)) {
        found = parse_request(connection->in + done, connection->in_used - done, &request);
        if (found <= 0)
            break;
        done += request.total;
        connection->close_after = request.close;
        if (record != NULL)
            record_receipt(&request);
        struct answer answer = choose_answer(&request);
        if (delay_ms > 0) {
            connection->waiting = answer;
            uv_timer_start(&connection->timer, on_delay_over, delay_ms, 0);
        } else {
            add_answer(connection, answer);
        }
    }
    if (done > 0) {
        connection->in_used -= done;
        memmove(connection->in, connection->in + done, connection->in_used);
    }
    if (found < 0)
        close_connection(connection);
    else
        flush_answers(connection);
}

static void on_delay_over(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    add_answer(connection, connection->waiting);
    serve(connection);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct connection *connection = handle->data;
    if (connection->in_size - connection->in_used < READ_CHUNK / 2) {
        connection->in_size = connection->in_size * 2 + READ_CHUNK;
        connection->in = bench_resize(connection->in, connection->in_size);
    }
    *buffer = uv_buf_init(connection->in + connection->in_used,
                          (unsigned)(connection->in_size - connection->in_used));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    (void)buffer;
    struct connection *connection = stream->data;
    if (length < 0) {
        close_connection(connection);
        return;
    }
    connection->in_used += (size_t)length;
    serve(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        return;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        bench_die("no memory for a connection");
    uv_tcp_init(listener->loop, &connection->tcp);
    uv_timer_init(listener->loop, &connection->timer);
    connection->tcp.data = connection->timer.data = connection;
    connection->open_handles = 2;
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) < 0) {
        close_connection(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"record", required_argument, NULL, 'r'},
                                            {"delay", required_argument, NULL, 'd'},
                                            {"page", required_argument, NULL, 'g'},
                                            {NULL, 0, NULL, 0}};
    int port = 0;
    const char *page = NULL;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            port = (int)bench_number("port", optarg, 0, 65535);
            break;
        case 'r':
            record = fopen(optarg, "a");
            if (record == NULL)
                bench_die("%s: %s", optarg, strerror(errno));
            setvbuf(record, NULL, _IOLBF, 0);
            break;
        case 'd':
            delay_ms = (uint64_t)bench_number("delay", optarg, 0, 600000);
            break;
        case 'g':
            page = optarg;
            break;
        default:
            bench_die("usage: backend [--port N] [--record FILE] [--delay MS] [--page FILE]");
        }
    }
    signal(SIGPIPE, SIG_IGN);

    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(loop, &listener);
    int code = uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0);
    if (code == 0)
        code = uv_listen((uv_stream_t *)&listener, 1024, on_connection);
    if (code < 0)
        bench_die("127.0.0.1:%d: %s", port, uv_strerror(code));
    int size = sizeof address;
    uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &size);
    make_answers(ntohs(address.sin_port), page);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
