#include <llhttp.h>
#include <uv.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

/*
 * A CPO that sends COUNT objects, each once, over some keep-alive connections, and checks every answer: HTTP
 * 2xx and status_code 1000.
 *
 *   pusher --port N --path P --body FILE --count N [--from K] [--cycle C] [--prefix S] [--method PUT]
 * [--parties A,B…] [--connections 64] [--rate R] [--record FILE] [--header 'Name: value' …]
 *
 * In path and body {id} becomes PREFIX + 10 digits (K, K+1 …), {time} the time now and {party} one of the
 * parties in turn. With --cycle it begins again after C ids: COUNT changes of C objects, for what is changed
 * over and over. With --rate it is an open loop: push i is due at start + i/R whether or not earlier ones
 * were answered (it waits for a connection when all are busy; the longest wait is printed). Without it each
 * connection sends as fast as answers come.
 * --record writes "ID NANOSECONDS" (CLOCK_MONOTONIC), the moment each good answer was read. The last line is
 * JSON: count, failures, seconds, worst_delay_ms, first_failure.
 */

enum { ANSWER_KEPT = 4096, TEXT_MAX = 64, PARTIES_MAX = 64 };

struct worker {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    llhttp_t parser;
    char *request;
    size_t request_size;
    char answer[ANSWER_KEPT]; /* the first bytes of the body */
    size_t answer_used;
    long item; /* under way; -1: idle */
};

enum placeholder { PLACEHOLDER_ID, PLACEHOLDER_TIME, PLACEHOLDER_PARTY, PLACEHOLDER_COUNT };
static const char *const placeholders[] = {"{id}", "{time}", "{party}"};

/* Text with placeholders, cut into pieces: piece, placeholder, piece … */
struct text_template {
    const char *pieces[32];
    size_t lengths[32];
    enum placeholder kinds[32]; /* what follows the piece; PLACEHOLDER_COUNT: the end */
    size_t count;
    size_t fixed; /* bytes without placeholders */
    size_t slots;
};

/* What stands for the placeholders in one request. */
struct values {
    char texts[PLACEHOLDER_COUNT][TEXT_MAX];
};

static struct {
    int port, connections;
    long count, from, cycle;
    double rate;
    const char *method, *prefix;
    char *headers;
    const char *parties[PARTIES_MAX];
    int party_count;
} settings = {.connections = 64, .method = "PUT", .prefix = "BENCH"};
static struct text_template path, body;
static struct worker *workers;
static uv_timer_t pace;
static int64_t started, *answered;
static long sent, finished, failures;
static int64_t worst_delay;
static char first_failure[ANSWER_KEPT + 64];

static void template_init(struct text_template *template, const char *text)
{
    memset(template, 0, sizeof *template);
    for (;;) {
        const char *next = text + strlen(text);
        int kind = PLACEHOLDER_COUNT;
        for (int i = 0; i < PLACEHOLDER_COUNT; i++) {
            const char *found = strstr(text, placeholders[i]);
            if (found != NULL && found < next) {
                next = found;
                kind = i;
            }
        }
        if (template->count == 32)
            bench_die("too many placeholders");
        template->pieces[template->count] = text;
        template->lengths[template->count] = (size_t)(next - text);
        template->fixed += (size_t)(next - text);
        template->kinds[template->count++] = (enum placeholder)kind;
        if (kind == PLACEHOLDER_COUNT)
            return;
        template->slots++;
        text = next + strlen(placeholders[kind]);
    }
}

static size_t template_length(const struct text_template *template, const struct values *values)
{
    size_t length = template->fixed;
    for (size_t i = 0; i + 1 < template->count; i++)
        length += strlen(values->texts[template->kinds[i]]);
    return length;
}

static void template_fill(const struct text_template *template, char *out, const struct values *values)
{
    for (size_t i = 0; i < template->count; i++) {
        out = mempcpy(out, template->pieces[i], template->lengths[i]);
        if (template->kinds[i] < PLACEHOLDER_COUNT)
            out = stpcpy(out, values->texts[template->kinds[i]]);
    }
    *out = '\0';
}

static void wall_time(char *out, size_t size)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + used, size - used, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static void make_id(char *out, long item)
{
    long turn = settings.cycle > 0 ? item % settings.cycle : item;
    snprintf(out, TEXT_MAX, "%s%010ld", settings.prefix, settings.from + turn);
}

static void make_values(struct values *values, long item)
{
    make_id(values->texts[PLACEHOLDER_ID], item);
    wall_time(values->texts[PLACEHOLDER_TIME], TEXT_MAX);
    const char *party = settings.party_count > 0 ? settings.parties[item % settings.party_count] : "";
    snprintf(values->texts[PLACEHOLDER_PARTY], TEXT_MAX, "%s", party);
}

static void on_written(uv_write_t *write, int status)
{
    (void)write;
    if (status < 0)
        bench_die("connection lost while writing: %s", uv_strerror(status));
}

static int64_t due_at(long item)
{
    return started + (int64_t)((double)item * 1e9 / settings.rate);
}

/* Sends the next object on an idle connection if one is due. */
static bool send_next(struct worker *worker)
{
    if (worker->item >= 0 || sent == settings.count)
        return false;
    if (settings.rate > 0) {
        int64_t delay = bench_now_ns() - due_at(sent);
        if (delay < 0)
            return false;
        if (delay > worst_delay)
            worst_delay = delay;
    }
    struct values values;
    char target[4096];
    make_values(&values, sent);
    template_fill(&path, target, &values);
    size_t body_length = template_length(&body, &values);
    int head = snprintf(worker->request, worker->request_size,
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: "
                        "application/json\r\n%sContent-Length: %zu\r\n\r\n",
                        settings.method, target, settings.port, settings.headers, body_length);
    template_fill(&body, worker->request + head, &values);
    worker->item = sent++;
    uv_buf_t buffer = uv_buf_init(worker->request, (unsigned)((size_t)head + body_length));
    if (uv_write(&worker->write, (uv_stream_t *)&worker->tcp, &buffer, 1, on_written) < 0)
        bench_die("connection lost");
    return true;
}

/* The idle ones in turn: a server ends connections that rest for long. */
static void on_pace(uv_timer_t *timer)
{
    static int turn;
    (void)timer;
    for (int i = 0; i < settings.connections; i++) {
        struct worker *worker = &workers[turn];
        if (worker->item < 0 && !send_next(worker))
            break;
        turn = (turn + 1) % settings.connections;
    }
}

static int on_begin(llhttp_t *parser)
{
    struct worker *worker = parser->data;
    worker->answer_used = 0;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct worker *worker = parser->data;
    size_t room = sizeof worker->answer - worker->answer_used;
    size_t kept = length < room ? length : room;
    memcpy(worker->answer + worker->answer_used, at, kept);
    worker->answer_used += kept;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct worker *worker = parser->data;
    bool good = parser->status_code >= 200 && parser->status_code < 300 &&
                bench_status_code(worker->answer, worker->answer_used) == 1000;
    if (good)
        answered[worker->item] = bench_now_ns();
    else if (failures++ == 0)
        snprintf(first_failure, sizeof first_failure, "HTTP %d: %.*s", parser->status_code,
                 (int)worker->answer_used, worker->answer);
    worker->item = -1;
    if (++finished == settings.count)
        uv_stop(worker->tcp.loop);
    return 0;
}

static const llhttp_settings_t parser_settings = {
    .on_message_begin = on_begin, .on_body = on_body, .on_message_complete = on_complete};

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char shared[65536]; /* parsed before the next read */
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct worker *worker = stream->data;
    if (length < 0)
        bench_die("connection lost after %ld answers: %s", finished, uv_strerror((int)length));
    if (llhttp_execute(&worker->parser, buffer->base, (size_t)length) != HPE_OK)
        bench_die("not HTTP: %s", llhttp_get_error_reason(&worker->parser));
    send_next(worker);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct worker *worker = connect->data;
    if (status < 0)
        bench_die("127.0.0.1:%d: %s", settings.port, uv_strerror(status));
    uv_tcp_nodelay(&worker->tcp, 1);
    worker->item = -1;
    uv_read_start((uv_stream_t *)&worker->tcp, on_allocate, on_read);
    if (settings.rate <= 0)
        send_next(worker);
}

static void connect_workers(uv_loop_t *loop)
{
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", settings.port, &address);
    workers = calloc((size_t)settings.connections, sizeof *workers);
    if (workers == NULL)
        bench_die("no memory");
    for (int i = 0; i < settings.connections; i++) {
        struct worker *worker = &workers[i];
        worker->item = 0; /* not idle before it is connected */
        worker->request_size = 8192 + strlen(settings.headers) + body.fixed + body.slots * TEXT_MAX;
        worker->request = bench_resize(NULL, worker->request_size);
        llhttp_init(&worker->parser, HTTP_RESPONSE, &parser_settings);
        worker->parser.data = worker->tcp.data = worker->connect.data = worker;
        uv_tcp_init(loop, &worker->tcp);
        uv_tcp_connect(&worker->connect, &worker->tcp, (const struct sockaddr *)&address, on_connected);
    }
}

static void write_record(const char *path_name)
{
    FILE *file = fopen(path_name, "w");
    if (file == NULL)
        bench_die("%s: %s", path_name, strerror(errno));
    for (long i = 0; i < settings.count; i++) {
        char id[TEXT_MAX];
        make_id(id, i);
        if (answered[i] != 0)
            fprintf(file, "%s %lld\n", id, (long long)answered[i]);
    }
    if (fclose(file) != 0)
        bench_die("%s: %s", path_name, strerror(errno));
}

static void add_header(const char *header)
{
    size_t used = settings.headers != NULL ? strlen(settings.headers) : 0;
    settings.headers = bench_resize(settings.headers, used + strlen(header) + 3);
    sprintf(settings.headers + used, "%s%s", header, header[0] ? "\r\n" : "");
}

static void set_parties(char *list)
{
    for (char *rest = list, *party; (party = strsep(&rest, ",")) != NULL;) {
        if (settings.party_count == PARTIES_MAX || strlen(party) >= TEXT_MAX)
            bench_die("--parties: more than %d, or a long one", PARTIES_MAX);
        settings.parties[settings.party_count++] = party;
    }
}

/* For the JSON of the last line. */
static void print_escaped(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text >= 0x20)
            putchar(*text);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"path", required_argument, NULL, 'a'},
        {"body", required_argument, NULL, 'b'},    {"count", required_argument, NULL, 'n'},
        {"from", required_argument, NULL, 'f'},    {"prefix", required_argument, NULL, 'x'},
        {"method", required_argument, NULL, 'm'},  {"connections", required_argument, NULL, 'c'},
        {"rate", required_argument, NULL, 'r'},    {"record", required_argument, NULL, 'o'},
        {"header", required_argument, NULL, 'h'},  {"cycle", required_argument, NULL, 'y'},
        {"parties", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    const char *path_text = NULL, *body_file = NULL, *record = NULL;
    add_header("");
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            settings.port = (int)bench_number("port", optarg, 1, 65535);
            break;
        case 'a':
            path_text = optarg;
            break;
        case 'b':
            body_file = optarg;
            break;
        case 'n':
            settings.count = bench_number("count", optarg, 1, 100000000);
            break;
        case 'f':
            settings.from = bench_number("from", optarg, 0, 1000000000);
            break;
        case 'y':
            settings.cycle = bench_number("cycle", optarg, 1, 1000000000);
            break;
        case 't':
            set_parties(optarg);
            break;
        case 'x':
            settings.prefix = optarg;
            if (strlen(optarg) > 24)
                bench_die("--prefix: longer than 24 bytes");
            break;
        case 'm':
            settings.method = optarg;
            break;
        case 'c':
            settings.connections = (int)bench_number("connections", optarg, 1, 10000);
            break;
        case 'r':
            settings.rate = (double)bench_number("rate", optarg, 1, 1000000);
            break;
        case 'o':
            record = optarg;
            break;
        case 'h':
            add_header(optarg);
            break;
        default:
            bench_die("usage: pusher --port N --path P --body FILE --count N [options; see pusher.c]");
        }
    }
    if (settings.port == 0 || path_text == NULL || body_file == NULL || settings.count == 0)
        bench_die("--port, --path, --body and --count are needed");
    signal(SIGPIPE, SIG_IGN);
    size_t length;
    template_init(&path, path_text);
    template_init(&body, bench_read_file(body_file, &length));
    if (path.fixed + path.slots * TEXT_MAX > 4000)
        bench_die("--path: too long");
    answered = calloc((size_t)settings.count, sizeof *answered);
    if (answered == NULL)
        bench_die("no memory");

    uv_loop_t *loop = uv_default_loop();
    started = bench_now_ns();
    connect_workers(loop);
    if (settings.rate > 0) {
        uv_timer_init(loop, &pace);
        uv_timer_start(&pace, on_pace, 1, 1);
    }
    uv_run(loop, UV_RUN_DEFAULT);

    if (record != NULL)
        write_record(record);
    printf("{\"count\":%ld,\"failures\":%ld,\"seconds\":%.3f,\"worst_delay_ms\":%.3f,\"first_failure\":\"",
           finished, failures, (double)(bench_now_ns() - started) / 1e9, (double)worst_delay / 1e6);
    print_escaped(first_failure);
    printf("\"}\n");
    return failures == 0 && finished == settings.count ? 0 : 1;
}
