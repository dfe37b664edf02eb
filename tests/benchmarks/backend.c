#include <uv.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend.h"
#include "bench.h"

/*
 * Partner platforms that cost next to nothing, one a port: answer by path with bytes made at start, one
 * thread, keep-alive, pipelining in order. They stand behind hubd and behind what hubd is compared with; with
 * --page one also stands in for a hub when the driver tests itself.
 *
 *   backend [--record FILE] [--page FILE] --port N [--delay MS | --mute | --down] [--port N …]
 *
 * --record FILE appends "ID NANOSECONDS" (CLOCK_MONOTONIC) per session, CDR or GET versions ("versions") as
 * its last byte is read. What stands behind a port is how it goes wrong between SIGUSR1 and SIGUSR2, before
 * and after which it is well: answers that much later, never answers, or refuses connections. Prints "port N"
 * per port that listens.
 */

enum { READ_CHUNK = 65536, BODY_MAX = 8 << 20, PORTS_MAX = 64 };

/* How a port goes wrong. */
enum trouble { TROUBLE_NONE, TROUBLE_LATE, TROUBLE_MUTE, TROUBLE_DOWN };

/* One partner. */
struct partner {
    uv_tcp_t listener;
    int port;
    enum trouble trouble;
    uint64_t delay_ms; /* TROUBLE_LATE */
    struct connection *connections;
    struct backend_answers answers;
};

struct connection {
    struct partner *partner;
    struct connection *next, *previous; /* of the partner */
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

static struct partner partners[PORTS_MAX];
static size_t partner_count;
static bool trouble; /* between the signals */
static FILE *record;

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
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        connection->partner->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
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
    const struct partner *partner = connection->partner;
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
            backend_record_receipt(record, &request);
        struct answer answer = backend_answers_choose(&partner->answers, &request);
        enum trouble now = trouble ? partner->trouble : TROUBLE_NONE;
        if (now == TROUBLE_LATE) {
            connection->waiting = answer;
            uv_timer_start(&connection->timer, on_delay_over, partner->delay_ms, 0);
        } else if (now != TROUBLE_MUTE) {
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
    struct partner *partner = listener->data;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        bench_die("no memory for a connection");
    uv_tcp_init(listener->loop, &connection->tcp);
    uv_timer_init(listener->loop, &connection->timer);
    connection->tcp.data = connection->timer.data = connection;
    connection->open_handles = 2;
    connection->partner = partner;
    connection->next = partner->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    partner->connections = connection;
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) < 0) {
        close_connection(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read);
}

/* Takes the port; whoever connects is refused unless it listens. */
static void open_listener(struct partner *partner, bool listens)
{
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", partner->port, &address);
    uv_tcp_init(uv_default_loop(), &partner->listener);
    partner->listener.data = partner;
    int code = uv_tcp_bind(&partner->listener, (const struct sockaddr *)&address, 0);
    if (code == 0 && listens)
        code = uv_listen((uv_stream_t *)&partner->listener, 1024, on_connection);
    if (code < 0)
        bench_die("127.0.0.1:%d: %s", partner->port, uv_strerror(code));
    int size = sizeof address;
    uv_tcp_getsockname(&partner->listener, (struct sockaddr *)&address, &size);
    partner->port = ntohs(address.sin_port);
}

static void on_listener_closed(uv_handle_t *listener)
{
    open_listener(listener->data, !trouble);
}

static void change_partner(struct partner *partner)
{
    if (partner->trouble != TROUBLE_DOWN && (partner->trouble != TROUBLE_MUTE || trouble))
        return;
    /* what was left unanswered ends with its connection */
    while (partner->connections != NULL)
        close_connection(partner->connections);
    if (partner->trouble == TROUBLE_DOWN && !uv_is_closing((uv_handle_t *)&partner->listener))
        uv_close((uv_handle_t *)&partner->listener, on_listener_closed);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle;
    if (trouble == (number == SIGUSR1))
        return;
    trouble = number == SIGUSR1;
    for (size_t i = 0; i < partner_count; i++)
        change_partner(&partners[i]);
}

static void watch_signals(uv_loop_t *loop)
{
    static const int numbers[] = {SIGUSR1, SIGUSR2};
    static uv_signal_t handles[sizeof numbers / sizeof numbers[0]];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uv_signal_init(loop, &handles[i]);
        uv_signal_start(&handles[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

static void add_partner(const char *port)
{
    if (partner_count == PORTS_MAX)
        bench_die("--port: more than %d", PORTS_MAX);
    partners[partner_count++].port = (int)bench_number("port", port, 0, 65535);
}

static void set_trouble(enum trouble kind, uint64_t delay_ms)
{
    if (partner_count == 0)
        bench_die("--delay, --mute and --down stand behind the --port that they are of");
    partners[partner_count - 1].trouble = kind;
    partners[partner_count - 1].delay_ms = delay_ms;
}

static void open_record(const char *path)
{
    record = fopen(path, "a");
    if (record == NULL)
        bench_die("%s: %s", path, strerror(errno));
    setvbuf(record, NULL, _IOLBF, 0);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"record", required_argument, NULL, 'r'},
                                            {"page", required_argument, NULL, 'g'},
                                            {"delay", required_argument, NULL, 'd'},
                                            {"mute", no_argument, NULL, 'm'},
                                            {"down", no_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    const char *page = NULL;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            add_partner(optarg);
            break;
        case 'r':
            open_record(optarg);
            break;
        case 'g':
            page = optarg;
            break;
        case 'd':
            set_trouble(TROUBLE_LATE, (uint64_t)bench_number("delay", optarg, 1, 600000));
            break;
        case 'm':
            set_trouble(TROUBLE_MUTE, 0);
            break;
        case 'x':
            set_trouble(TROUBLE_DOWN, 0);
            break;
        default:
            bench_die("usage: backend --port N … [options; see backend.c]");
        }
    }
    if (partner_count == 0)
        bench_die("--port is needed");
    uv_loop_t *loop = uv_default_loop();
    watch_signals(loop);
    for (size_t i = 0; i < partner_count; i++) {
        open_listener(&partners[i], true);
        backend_answers_make(&partners[i].answers, partners[i].port, page);
        printf("port %d\n", partners[i].port);
    }
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
