/* The HTTP client against a scripted server on loopback (hub-contract 12). Every test waits for events, none
 * for time to pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http/client.h"
#include "lib/http/resolver.h"

#define SECRET "c2VjcmV0LXRva2Vu"

/* ---- the server: one thread per connection; the path says what to do ---- */

struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    unsigned accepted, requests, open, open_max;
    char last[8192]; /* the last request as it came, cut */
    struct peer {
        struct server *server;
        pthread_t thread;
        int fd;
    } peers[256];
    size_t peer_count;
};

static const struct script {
    const char *path, *answer;
    bool close;
} scripts[] = {
    {"/ok",
     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-One: 1 \r\nX-Empty:\r\nContent-Length: "
     "5\r\n\r\nhello",
     false},
    {"/ok-close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", true},
    {"/until-close", "HTTP/1.1 200 OK\r\n\r\nhello", true},
    {"/204", "HTTP/1.1 204 No Content\r\n\r\n", false},
    {"/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
    {"/404", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", false},
    {"/chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: t\r\n\r\n",
     false},
    {"/interim",
     "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: "
     "5\r\n\r\nhello",
     false},
    {"/dirty", "HTTP/1.1 200 OK\r\nX-Dirty: a\rb\r\nX-Clean: c\r\nContent-Length: 5\r\n\r\nhello", false},
    {"/head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false},
    {"/redirect", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /echo#part\r\nContent-Length: 0\r\n\r\n",
     false},
    {"/redirect-permanent",
     "HTTP/1.1 308 Permanent Redirect\r\nLocation: ../echo\r\nContent-Length: 4\r\n\r\nbody", false},
    {"/redirect-twice", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /redirect\r\nContent-Length: 0\r\n\r\n",
     false},
    {"/redirect-host",
     "HTTP/1.1 307 X\r\nLocation: http://localhost/ok?" SECRET "\r\nContent-Length: 0\r\n\r\n", false},
    {"/redirect-scheme", "HTTP/1.1 307 X\r\nLocation: https://127.0.0.1/ok\r\nContent-Length: 0\r\n\r\n",
     false},
    {"/redirect-port", "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/ok\r\nContent-Length: 0\r\n\r\n",
     false},
    {"/redirect-user", "HTTP/1.1 307 X\r\nLocation: //a:b@127.0.0.1/ok\r\nContent-Length: 0\r\n\r\n", false},
    {"/redirect-file", "HTTP/1.1 307 X\r\nLocation: file:///etc/hosts\r\nContent-Length: 0\r\n\r\n", false},
    {"/redirect-nowhere", "HTTP/1.1 307 X\r\nContent-Length: 0\r\n\r\n", false},
    {"/moved", "HTTP/1.1 301 Moved\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", false},
    {"/large-length", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", true},
    {"/garbage", "this is not HTTP at all\r\n\r\n", true},
    {"/garbage-length", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello", true},
    {"/garbage-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello", true},
    {"/close", "", true},
    {"/close-head", "HTTP/1.1 200 OK\r\nContent-", true},
    {"/close-body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true},
};

static void send_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        length -= (size_t)sent;
    }
}

/* Reads one request with its body; 0 at the end of the connection. */
static size_t receive(int fd, char *out, size_t size)
{
    size_t length = 0, whole = SIZE_MAX;

    while (length < whole) {
        if (length == size - 1)
            return 0;
        ssize_t got = recv(fd, out + length, size - 1 - length, 0);
        if (got <= 0)
            return 0;
        length += (size_t)got;
        out[length] = '\0';
        const char *end = strstr(out, "\r\n\r\n");
        if (whole == SIZE_MAX && end != NULL) {
            const char *field = strcasestr(out, "\r\nContent-Length:");
            whole = (size_t)(end + 4 - out);
            if (field != NULL && field < end)
                whole += strtoul(field + 17, NULL, 10);
        }
    }
    return length;
}

/* 2000 bytes in chunks, or a head of 100 kB, or the request's body back. */
static void send_made(int fd, const char *path, const char *request, size_t length)
{
    char text[512];

    if (strcmp(path, "/large-chunked") == 0) {
        send_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 47);
        for (int i = 0; i < 20; i++)
            send_all(fd,
                     "64\r\n012345678901234567890123456789012345678901234567890123456789012345678901234567890"
                     "1234567890123"
                     "456789\r\n",
                     106);
        send_all(fd, "0\r\n\r\n", 5);
    } else if (strcmp(path, "/large-head") == 0) {
        send_all(fd, "HTTP/1.1 200 OK\r\n", 17);
        memset(text, 'x', sizeof text);
        memcpy(text, "X: ", 3);
        memcpy(text + sizeof text - 2, "\r\n", 2);
        for (int i = 0; i < 200; i++)
            send_all(fd, text, sizeof text);
        send_all(fd, "Content-Length: 0\r\n\r\n", 21);
    } else { /* "/echo" */
        const char *body = strstr(request, "\r\n\r\n") + 4;
        size_t body_length = length - (size_t)(body - request);
        int head =
            snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nX-Method: %.*s\r\nContent-Length: %zu\r\n\r\n",
                     (int)strcspn(request, " "), request, body_length);
        send_all(fd, text, (size_t)head);
        send_all(fd, body, body_length);
    }
}

/* False: the connection ends. */
static bool answer(int fd, const char *request, size_t length)
{
    const char *target = strchr(request, ' ') + 1;
    char path[64];
    char wait;

    snprintf(path, sizeof path, "%.*s", (int)strcspn(target, " ?"), target);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        if (strcmp(scripts[i].path, path) == 0) {
            send_all(fd, scripts[i].answer, strlen(scripts[i].answer));
            return !scripts[i].close;
        }
    if (strcmp(path, "/slow") == 0) /* until the client hangs up */
        return recv(fd, &wait, 1, 0) > 0;
    if (strcmp(path, "/slow-body") == 0) {
        send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 40);
        return recv(fd, &wait, 1, 0) > 0;
    }
    send_made(fd, path, request, length);
    return true;
}

static void *serve(void *context)
{
    struct peer *peer = context;
    struct server *server = peer->server;
    char *request = malloc(300000);
    bool deaf = false;
    size_t length;

    while (request != NULL && (length = receive(peer->fd, request, 300000)) > 0) {
        pthread_mutex_lock(&server->lock);
        server->requests++;
        snprintf(server->last, sizeof server->last, "%s", request);
        pthread_mutex_unlock(&server->lock);
        if (deaf) /* hangs up on a connection that the client thinks alive, after having read the request */
            break;
        deaf = strstr(request, "/ok?then-deaf") != NULL;
        if (!answer(peer->fd, request, length))
            break;
    }
    pthread_mutex_lock(&server->lock);
    server->open--;
    shutdown(peer->fd, SHUT_WR);
    pthread_mutex_unlock(&server->lock);
    /* Lets the client close first, so that unread bytes do not turn the end into a reset. */
    while (request != NULL && recv(peer->fd, request, 300000, 0) > 0)
        ;
    free(request);
    return NULL;
}

static void *accept_all(void *context)
{
    struct server *server = context;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&server->lock);
        assert_true(server->peer_count < sizeof server->peers / sizeof server->peers[0]);
        struct peer *peer = &server->peers[server->peer_count++];
        *peer = (struct peer){.server = server, .fd = fd};
        server->accepted++;
        if (++server->open > server->open_max)
            server->open_max = server->open;
        pthread_create(&peer->thread, NULL, serve, peer);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

static void server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    *server = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    pthread_mutex_init(&server->lock, NULL);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->fd, 512), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, accept_all, server);
}

static void server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    for (size_t i = 0; i < server->peer_count; i++) {
        shutdown(server->peers[i].fd, SHUT_RDWR);
        pthread_join(server->peers[i].thread, NULL);
        close(server->peers[i].fd);
    }
    pthread_mutex_destroy(&server->lock);
}

static unsigned server_count(struct server *server, const unsigned *field)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = *field;
    pthread_mutex_unlock(&server->lock);
    return count;
}

static bool server_saw(struct server *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    bool found = strstr(server->last, text) != NULL;
    pthread_mutex_unlock(&server->lock);
    return found;
}

/* ---- DNS ---- */

/* good.example: 127.0.0.1. rebind.example: 127.0.0.1 once, then 127.0.0.2. both.example: a private and a
 * listed address. dead.example: no answer until let go. */
struct dns {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned asked, hanging;
    bool let_go;
};

static void add_address(struct http_addresses *addresses, const char *text)
{
    union http_address *address = &addresses->list[addresses->count++];

    address->v4 = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address->v4.sin_addr);
}

static int scripted_lookup(void *context, const char *host, struct http_addresses *addresses,
                           struct error *error)
{
    struct dns *dns = context;
    int result = OK;

    pthread_mutex_lock(&dns->lock);
    unsigned before = dns->asked++;
    if (strncmp(host, "dead", 4) == 0) {
        dns->hanging++;
        pthread_cond_broadcast(&dns->changed);
        while (!dns->let_go)
            pthread_cond_wait(&dns->changed, &dns->lock);
        dns->hanging--;
        pthread_cond_broadcast(&dns->changed);
        result = error_set(error, ERR_UNREACHABLE, "no address for %s: DNS is dead", host);
    } else if (strcmp(host, "good.example") == 0) {
        add_address(addresses, "127.0.0.1");
    } else if (strcmp(host, "rebind.example") == 0) {
        add_address(addresses, before == 0 ? "127.0.0.1" : "127.0.0.2");
    } else if (strcmp(host, "both.example") == 0) {
        add_address(addresses, "10.0.0.1");
        add_address(addresses, "127.0.0.1");
    } else if (strcmp(host, "hole.example") == 0) {
        add_address(addresses, "127.0.0.3");
        add_address(addresses, "127.0.0.1");
    } else if (strcmp(host, "next.example") == 0) {
        add_address(addresses, "127.0.0.3");
        add_address(addresses, "127.0.0.4");
        add_address(addresses, "127.0.0.1");
    } else if (strcmp(host, "metadata.example") == 0) {
        add_address(addresses, "169.254.169.254");
    } else {
        result = error_set(error, ERR_UNREACHABLE, "no address for %s: unknown", host);
    }
    pthread_mutex_unlock(&dns->lock);
    return result;
}

static void dns_wait_hanging(struct dns *dns, unsigned count)
{
    pthread_mutex_lock(&dns->lock);
    while (dns->hanging < count)
        pthread_cond_wait(&dns->changed, &dns->lock);
    pthread_mutex_unlock(&dns->lock);
}

/* ---- the bench: server, DNS, loop, client ---- */

struct bench {
    struct server server;
    struct dns dns;
    struct url_policy policy;
    struct http_resolver *resolver;
    struct http_client_options options;
    uv_loop_t loop;
    struct http_client *client;
};

static void bench_open(struct bench *bench, int64_t ttl_ms)
{
    memset(bench, 0, sizeof *bench);
    server_start(&bench->server);
    pthread_mutex_init(&bench->dns.lock, NULL);
    pthread_cond_init(&bench->dns.changed, NULL);
    url_policy_init(&bench->policy, false);
    assert_int_equal(url_policy_add(&bench->policy, STR("127.0.0.1"), NULL), OK);
    bench->resolver = http_resolver_new(2, ttl_ms);
    http_resolver_set_lookup(bench->resolver, scripted_lookup, &bench->dns);
    bench->options = (struct http_client_options){.policy = &bench->policy,
                                                  .resolver = bench->resolver,
                                                  .answer_max = 1000,
                                                  .connections_per_host = 64,
                                                  .connections_total = 128};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    bench->client = http_client_new(&bench->loop, &bench->options);
    assert_non_null(bench->client);
}

static void bench_close_client(struct bench *bench)
{
    http_client_free(bench->client);
    bench->client = NULL;
    assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

static void bench_close(struct bench *bench)
{
    if (bench->client != NULL)
        bench_close_client(bench);
    pthread_mutex_lock(&bench->dns.lock);
    bench->dns.let_go = true;
    pthread_cond_broadcast(&bench->dns.changed);
    pthread_mutex_unlock(&bench->dns.lock);
    http_resolver_free(bench->resolver);
    /* A thread that hung is on its own now: it must be out of our memory before that goes. */
    pthread_mutex_lock(&bench->dns.lock);
    while (bench->dns.hanging > 0)
        pthread_cond_wait(&bench->dns.changed, &bench->dns.lock);
    pthread_mutex_unlock(&bench->dns.lock);
    url_policy_free(&bench->policy);
    server_stop(&bench->server);
}

/* ---- calls ---- */

struct probe {
    struct http_call call;
    struct arena arena;
    char url[256];
    unsigned callbacks;
    bool starting;
    struct bench *bench;
    struct http_call *cancel_this;
    bool free_client;
};

static void on_answer(struct http_call *call)
{
    struct probe *probe = call->context;

    assert_false(probe->starting);
    probe->callbacks++;
    if (probe->cancel_this != NULL)
        http_client_cancel(probe->bench->client, probe->cancel_this);
    if (probe->free_client) {
        http_client_free(probe->bench->client);
        probe->bench->client = NULL;
    }
}

static void probe_prepare(struct probe *probe, struct bench *bench, enum http_method method, const char *host,
                          const char *path)
{
    memset(probe, 0, sizeof *probe);
    arena_init(&probe->arena, 0);
    if (strstr(path, "://") != NULL)
        snprintf(probe->url, sizeof probe->url, "%s", path);
    else
        snprintf(probe->url, sizeof probe->url, "http://%s:%u%s", host, bench->server.port, path);
    probe->bench = bench;
    probe->call.arena = &probe->arena;
    probe->call.method = method;
    probe->call.url = str_from(probe->url);
    probe->call.timeout_ms = 20000;
    probe->call.callback = on_answer;
    probe->call.context = probe;
}

static void probe_start(struct probe *probe)
{
    probe->starting = true;
    http_client_start(probe->bench->client, &probe->call);
    probe->starting = false;
}

static void probe_wait(struct probe *probe)
{
    while (probe->callbacks == 0)
        assert_true(uv_run(&probe->bench->loop, UV_RUN_ONCE) != 0 || probe->callbacks > 0);
    assert_int_equal(probe->callbacks, 1);
}

static void probe_end(struct probe *probe)
{
    assert_int_equal(probe->callbacks, 1);
    assert_null(strstr(probe->call.error.text, SECRET));
    arena_free(&probe->arena);
}

static void expect(struct probe *probe, int result, int status, const char *text)
{
    struct http_call *call = &probe->call;

    if (call->result != result || call->status != status)
        fail_msg("%s: %s, HTTP %d, \"%s\"", probe->url, error_name(call->result), call->status,
                 call->error.text);
    if (result != OK && strstr(call->error.text, text) == NULL)
        fail_msg("%s: sentence \"%s\" lacks \"%s\"", probe->url, call->error.text, text);
    if (result != OK && call->error.code != result)
        fail_msg("%s: error.code %d", probe->url, call->error.code);
    if (result == OK && !str_equal(call->answer, str_from(text)))
        fail_msg("%s: body \"" STR_FMT "\"", probe->url, STR_ARG(call->answer));
    assert_true(call->latency_us >= 0);
}

/* One GET from start to end. */
static void get(struct bench *bench, const char *host, const char *path, int result, int status,
                const char *text)
{
    struct probe probe;

    probe_prepare(&probe, bench, HTTP_METHOD_GET, host, path);
    probe_start(&probe);
    probe_wait(&probe);
    expect(&probe, result, status, text);
    probe_end(&probe);
}

#define LOCAL "127.0.0.1"

static void test_answers(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    get(&bench, LOCAL, "/404", OK, 404, "no");
    get(&bench, LOCAL, "/204", OK, 204, "");
    get(&bench, LOCAL, "/empty", OK, 200, "");
    get(&bench, LOCAL, "/chunked", OK, 200, "hello");
    get(&bench, LOCAL, "/interim", OK, 200, "hello");
    get(&bench, LOCAL, "/moved", OK, 301, "");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    get(&bench, LOCAL, "/until-close", OK, 200, "hello");
    get(&bench, LOCAL, "/ok-close", OK, 200, "hello");
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 3);
    bench_close(&bench);
}

static struct str answer_header(const struct probe *probe, const char *name)
{
    return http_header_find(probe->call.answer_headers, probe->call.answer_header_count, name);
}

static void test_answer_headers(void **state)
{
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    probe_start(&probe);
    probe_wait(&probe);
    assert_int_equal(probe.call.answer_header_count, 4);
    assert_true(str_equal(answer_header(&probe, "x-one"), STR("1")));
    assert_true(str_equal(answer_header(&probe, "content-type"), STR("application/json")));
    assert_int_equal(answer_header(&probe, "x-empty").length, 0);
    probe_end(&probe);

    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/interim");
    probe_start(&probe);
    probe_wait(&probe);
    assert_null(answer_header(&probe, "x-early").data);
    assert_true(str_equal(answer_header(&probe, "x-one"), STR("1")));
    probe_end(&probe);

    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/chunked");
    probe_start(&probe);
    probe_wait(&probe);
    assert_null(answer_header(&probe, "x-trailer").data);
    probe_end(&probe);

    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/dirty");
    probe_start(&probe);
    probe_wait(&probe);
    assert_null(answer_header(&probe, "x-dirty").data);
    assert_true(str_equal(answer_header(&probe, "x-clean"), STR("c")));
    probe_end(&probe);
    bench_close(&bench);
}

static void test_request_headers(void **state)
{
    struct bench bench;
    struct probe probe;
    struct http_header headers[] = {
        {STR("Authorization"), STR("Token " SECRET)},
        {STR("X-Request-ID"), STR("  abc ")},
        {STR("X-Empty"), STR("")},
        {STR("Content-Type"), STR("application/json")},
        {STR("Content-Length"), STR("99")},
        {STR("host"), STR("evil.example")},
        {STR("Transfer-Encoding"), STR("chunked")},
        {STR("Expect"), STR("100-continue")},
    };

    (void)state;
    bench_open(&bench, 60000);
    probe_prepare(&probe, &bench, HTTP_METHOD_POST, LOCAL, "/ok?a=b");
    probe.call.headers = headers;
    probe.call.header_count = sizeof headers / sizeof headers[0];
    probe.call.body = STR("{}");
    probe_start(&probe);
    memset(headers, 0, sizeof headers); /* copied by start */
    probe_wait(&probe);
    expect(&probe, OK, 200, "hello");
    assert_true(probe.call.sent);
    assert_true(server_saw(&bench.server, "POST /ok?a=b HTTP/1.1\r\n"));
    assert_true(server_saw(&bench.server, "\r\nAuthorization: Token " SECRET "\r\n"));
    assert_true(server_saw(&bench.server, "\r\nX-Request-ID: abc\r\n"));
    assert_true(server_saw(&bench.server, "\r\nX-Empty:\r\n"));
    assert_true(server_saw(&bench.server, "\r\nContent-Type: application/json\r\n"));
    assert_true(server_saw(&bench.server, "\r\nContent-Length: 2\r\n"));
    assert_true(server_saw(&bench.server, "\r\nHost: 127.0.0.1:"));
    assert_false(server_saw(&bench.server, "evil.example"));
    assert_false(server_saw(&bench.server, "chunked"));
    assert_false(server_saw(&bench.server, "Expect"));
    assert_false(server_saw(&bench.server, "Accept-Encoding"));
    probe_end(&probe);
    bench_close(&bench);
}

static void test_header_injection(void **state)
{
    static const struct http_header cases[] = {
        {STR("X-A"), STR("a\r\nX-B: b")}, {STR("X-A"), STR("a\nb")},     {STR("X-A"), {"a\0b", 3}},
        {STR("X A"), STR("a")},           {STR("X-A:"), STR("a")},       {STR(""), STR("a")},
        {STR("X-A\r\nX-B"), STR("a")},    {STR("X-\xc3\xa4"), STR("a")},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct probe probe;
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
        probe.call.headers = &cases[i];
        probe.call.header_count = 1;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_INVALID, 0, "header 1");
        assert_false(probe.call.sent);
        probe_end(&probe);
    }
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 0);
    bench_close(&bench);
}

static void exchange(struct bench *bench, enum http_method method, const char *path, struct str body,
                     const char *request_part)
{
    struct probe probe;

    probe_prepare(&probe, bench, method, LOCAL, path);
    probe.call.body = body;
    probe_start(&probe);
    probe_wait(&probe);
    if (probe.call.result != OK)
        fail_msg("%s %s: %s", http_method_name(method), path, probe.call.error.text);
    if (method != HTTP_METHOD_HEAD) {
        assert_true(str_equal(probe.call.answer, body));
        assert_true(str_equal(answer_header(&probe, "X-Method"), str_from(http_method_name(method))));
    }
    if (!server_saw(&bench->server, request_part))
        fail_msg("%s %s: \"%s\" did not arrive", http_method_name(method), path, request_part);
    probe_end(&probe);
}

static void test_bodies(void **state)
{
    struct bench bench;
    char *large = malloc(200000);

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.answer_max = 300000;
    uv_loop_init(&bench.loop);
    bench.client = http_client_new(&bench.loop, &bench.options);
    memset(large, 'z', 200000);
    /* Every pair of forms on one recycled handle. */
    for (int round = 0; round < 2; round++) {
        exchange(&bench, HTTP_METHOD_PUT, "/echo", STR("{\"a\":1}"), "PUT /echo");
        exchange(&bench, HTTP_METHOD_GET, "/echo", STR_NONE, "GET /echo");
        exchange(&bench, HTTP_METHOD_POST, "/echo", STR("[]"), "POST /echo");
        exchange(&bench, HTTP_METHOD_PATCH, "/echo", STR("{\"b\":2}"), "PATCH /echo");
        exchange(&bench, HTTP_METHOD_HEAD, "/head", STR_NONE, "HEAD /head");
        exchange(&bench, HTTP_METHOD_DELETE, "/echo", STR_NONE, "DELETE /echo");
        exchange(&bench, HTTP_METHOD_DELETE, "/echo", STR("x"), "DELETE /echo");
        exchange(&bench, HTTP_METHOD_HEAD, "/head", STR_NONE, "HEAD /head");
        exchange(&bench, HTTP_METHOD_PUT, "/echo", STR_NONE, "Content-Length: 0\r\n");
        exchange(&bench, HTTP_METHOD_POST, "/echo", STR_NONE, "Content-Length: 0\r\n");
        exchange(&bench, HTTP_METHOD_GET, "/echo", STR("q"), "GET /echo");
        exchange(&bench, HTTP_METHOD_PUT, "/echo", str_of(large, 200000), "Content-Length: 200000\r\n");
        assert_false(server_saw(&bench.server, "Content-Type"));
    }
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
    free(large);
}

/* The server reads the second request on a connection and hangs up without a word: the request is sent again,
 * body and all. */
static void test_stale_connection(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "/ok?then-deaf", OK, 200, "hello");
    exchange(&bench, HTTP_METHOD_PUT, "/echo", STR("{\"kept\":true}"), "{\"kept\":true}");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 2);
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 3);
    bench_close(&bench);
}

static void test_redirects(void **state)
{
    static const char *const refused[] = {"/redirect-host", "/redirect-scheme", "/redirect-port",
                                          "/redirect-user", "/redirect-file"};
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    for (int i = 0; i < 2; i++) {
        struct http_header header = {STR("Authorization"), STR("Token " SECRET)};
        probe_prepare(&probe, &bench, HTTP_METHOD_PUT, LOCAL, i == 0 ? "/redirect" : "/redirect-permanent");
        probe.call.body = STR("{\"kept\":true}");
        probe.call.headers = &header;
        probe.call.header_count = 1;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, OK, 200, "{\"kept\":true}");
        assert_true(str_equal(answer_header(&probe, "X-Method"), STR("PUT")));
        assert_true(server_saw(&bench.server, "PUT /echo HTTP/1.1\r\n"));
        assert_true(server_saw(&bench.server, "Token " SECRET));
        assert_null(answer_header(&probe, "Location").data);
        probe_end(&probe);
    }
    get(&bench, LOCAL, "/redirect-twice", ERR_REFUSED, 307, "more than once");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        get(&bench, LOCAL, refused[i], ERR_REFUSED, 307, "another scheme, host or port");
    get(&bench, LOCAL, "/redirect-nowhere", OK, 307, "");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
}

static void test_bad_answers(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "/large-length", ERR_TOO_LARGE, 200, "too large");
    get(&bench, LOCAL, "/large-chunked", ERR_TOO_LARGE, 200, "body that is too large");
    get(&bench, LOCAL, "/large-head", ERR_TOO_LARGE, 200, "head that is too large");
    get(&bench, LOCAL, "/garbage", ERR_INVALID, 0, "not HTTP");
    get(&bench, LOCAL, "/garbage-length", ERR_INVALID, 200, "not HTTP");
    get(&bench, LOCAL, "/garbage-chunk", ERR_INVALID, 200, "not HTTP");
    get(&bench, LOCAL, "/close", ERR_UNREACHABLE, 0, "closed the connection without an answer");
    get(&bench, LOCAL, "/close-body", ERR_UNREACHABLE, 200, "in the middle of its answer");
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    bench_close(&bench);
}

static void test_bad_urls(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "ftp://127.0.0.1/", ERR_INVALID, 0, "http");
    get(&bench, LOCAL, "http://a:" SECRET "@127.0.0.1/", ERR_INVALID, 0, "user information");
    get(&bench, LOCAL, "http://127.0.0.1/#x", ERR_INVALID, 0, "fragment");
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    get(&bench, LOCAL, "/ok#x", ERR_INVALID, 0, "fragment"); /* also on the way for known hosts */
    get(&bench, LOCAL, "/o k", ERR_INVALID, 0, "percent-encoded");
    get(&bench, LOCAL, "/a/../ok", OK, 200, "hello");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
}

static void test_timeouts(void **state)
{
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    const char *const paths[] = {"/slow", "/slow-body"};
    for (size_t i = 0; i < 2; i++) {
        struct http_header header = {STR("Authorization"), STR("Token " SECRET)};
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, paths[i]);
        probe.call.timeout_ms = 30;
        probe.call.headers = &header;
        probe.call.header_count = 1;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_TIMEOUT, 0, "did not answer within 30 ms");
        assert_true(probe.call.sent);
        assert_true(probe.call.latency_us >= 29000);
        probe_end(&probe);
    }
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    bench_close(&bench);
}

/* Nobody listens; TLS spoken to a plain server. */
static void test_no_connection(void **state)
{
    struct bench bench;
    struct server other;
    struct probe probe;
    char url[64];

    (void)state;
    server_start(&other);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/x?" SECRET, other.port);
    server_stop(&other);
    bench_open(&bench, 60000);
    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, url);
    for (int i = 0; i < 3; i++) {
        probe.callbacks = 0;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_UNREACHABLE, 0, "does not accept connections: Connection refused");
        assert_false(probe.call.sent);
    }
    probe_end(&probe);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", bench.server.port);
    struct probe cut;
    probe_prepare(&cut, &bench, HTTP_METHOD_GET, LOCAL, url);
    cut.call.timeout_ms = 30; /* the server waits for a request that TLS never sends in the clear */
    probe_start(&cut);
    probe_wait(&cut);
    expect(&cut, ERR_TIMEOUT, 0, "no connection to 127.0.0.1");
    assert_false(cut.call.sent);
    probe_end(&cut);
    bench_close(&bench);
}

static void test_policy(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "http://127.0.0.2/x?" SECRET, ERR_REFUSED, 0, "127.0.0.2 is a loopback address");
    get(&bench, LOCAL, "http://169.254.169.254/latest", ERR_REFUSED, 0, "never calls");
    get(&bench, LOCAL, "http://[::1]/", ERR_REFUSED, 0, "::1 is the loopback address");
    get(&bench, LOCAL, "http://[::ffff:10.0.0.1]/", ERR_REFUSED, 0, "private");
    get(&bench, LOCAL, "http://2130706434/", ERR_REFUSED, 0, "127.0.0.2");
    get(&bench, LOCAL, "http://metadata.example/", ERR_REFUSED, 0, "metadata.example (169.254.169.254)");
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    assert_true(server_saw(&bench.server, "Host: good.example:"));
    get(&bench, "both.example", "/ok", OK, 200, "hello"); /* only the allowed address is pinned */
    get(&bench, LOCAL, "http://unknown.example/", ERR_UNREACHABLE, 0, "no address for unknown.example");
    bench_close(&bench);
}

/* Nobody listens at the first addresses: libcurl closes those sockets unannounced and their numbers come back
 * at once. */
static void test_next_address(void **state)
{
    struct bench bench;
    struct probe probes[20];

    (void)state;
    bench_open(&bench, 60000);
    assert_int_equal(url_policy_add(&bench.policy, STR("127.0.0.0/29"), NULL), OK);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 20; i++) {
            probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, i % 4 == 0 ? LOCAL : "next.example",
                          i % 2 == 0 ? "/ok-close" : "/ok");
            probe_start(&probes[i]);
        }
        for (size_t i = 0; i < 20; i++) {
            probe_wait(&probes[i]);
            expect(&probes[i], OK, 200, "hello");
            probe_end(&probes[i]);
        }
    }
    bench_close(&bench);
}

/* A listener whose queue is full drops what comes: connecting to it takes for ever. Returns the sockets that
 * keep it so. */
static void hole_open(int fds[4], const char *address, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, address, &name.sin_addr);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    for (int i = 1; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fds[i], (struct sockaddr *)&name, sizeof name);
    }
}

static void test_black_hole(void **state)
{
    struct bench bench;
    struct probe probe;
    char url[64];
    int fds[4];

    (void)state;
    bench_open(&bench, 60000);
    assert_int_equal(url_policy_add(&bench.policy, STR("127.0.0.3"), NULL), OK);
    hole_open(fds, "127.0.0.3", bench.server.port);
    snprintf(url, sizeof url, "http://127.0.0.3:%u/", bench.server.port);
    for (int i = 0; i < 3; i++) {
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, url);
        probe.call.timeout_ms = 20;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_TIMEOUT, 0, "no connection to 127.0.0.3");
        assert_false(probe.call.sent);
        probe_end(&probe);
        get(&bench, LOCAL, "/ok-close", OK, 200, "hello"); /* on the same descriptor */
    }
    /* Another address of the same host answers: first after a part of the call's time, from then on at once.
     */
    for (int i = 0; i < 20; i++) {
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, "hole.example", "/ok-close");
        probe.call.timeout_ms = 400;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, OK, 200, "hello");
        assert_true(i == 0 || probe.call.latency_us < 300000);
        probe_end(&probe);
    }
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    bench_close(&bench);
}

/* A name that points to an allowed address when it is checked and to another one a moment later. */
static void test_rebinding(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 0);
    get(&bench, "rebind.example", "/ok-close", OK, 200, "hello");
    get(&bench, "rebind.example", "/ok", ERR_REFUSED, 0, "rebind.example (127.0.0.2)");
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 1);
    bench_close(&bench);
}

/* The second look, at the address that is connected to: here the policy itself changes under an address that
 * is pinned already. */
static void test_connected_address(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, "good.example", "/ok-close", OK, 200, "hello");
    url_policy_free(&bench.policy);
    url_policy_init(&bench.policy, false);
    get(&bench, "good.example", "/ok", ERR_REFUSED, 0, "good.example (127.0.0.1) is a loopback address");
    assert_int_equal(bench.dns.asked, 1);
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 1);
    bench_close(&bench);
}

static void test_names_are_cached(void **state)
{
    struct bench bench;
    struct probe probes[20];

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 20; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, "good.example", "/ok");
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    get(&bench, "GOOD.example", "/ok", OK, 200, "hello");
    assert_int_equal(bench.dns.asked, 1);
    get(&bench, LOCAL, "http://unknown.example/", ERR_UNREACHABLE, 0, "no address");
    get(&bench, LOCAL, "http://unknown.example/", ERR_UNREACHABLE, 0, "no address");
    assert_int_equal(bench.dns.asked, 2);
    bench_close(&bench);
}

/* A dead DNS server holds one thread of the pool per name, not the loop and not the calls to other hosts. */
static void test_dead_dns(void **state)
{
    struct bench bench;
    struct probe dead[3];

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 3; i++) {
        probe_prepare(&dead[i], &bench, HTTP_METHOD_GET, LOCAL, "http://dead.example/");
        dead[i].call.timeout_ms = i < 2 ? 200 : 20000;
        probe_start(&dead[i]);
    }
    dns_wait_hanging(&bench.dns, 1);
    for (int i = 0; i < 5; i++) {
        get(&bench, LOCAL, "/ok", OK, 200, "hello");
        get(&bench, "good.example", "/ok", OK, 200, "hello");
    }
    for (size_t i = 0; i < 2; i++) {
        probe_wait(&dead[i]);
        expect(&dead[i], ERR_TIMEOUT, 0, "DNS gave no address for dead.example within 200 ms");
        assert_false(dead[i].call.sent);
        probe_end(&dead[i]);
    }
    /* Both threads held: known names and addresses work on, and a new name waits without blocking them. */
    struct probe other;
    probe_prepare(&other, &bench, HTTP_METHOD_GET, LOCAL, "http://dead2.example/");
    probe_start(&other);
    dns_wait_hanging(&bench.dns, 2);
    struct probe queued;
    probe_prepare(&queued, &bench, HTTP_METHOD_GET, LOCAL, "http://dead3.example/");
    queued.call.timeout_ms = 20;
    probe_start(&queued);
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    probe_wait(&queued);
    expect(&queued, ERR_TIMEOUT, 0, "DNS gave no address");
    probe_end(&queued);
    assert_int_equal(dead[2].callbacks + other.callbacks, 0);
    /* Freed while threads hang: the callbacks come now. */
    bench_close_client(&bench);
    expect(&dead[2], ERR_CLOSED, 0, "shutting down");
    expect(&other, ERR_CLOSED, 0, "shutting down");
    probe_end(&dead[2]);
    probe_end(&other);
    bench_close(&bench);
}

static void test_connection_limit(void **state)
{
    struct bench bench;
    struct probe probes[50];

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.connections_per_host = 3;
    uv_loop_init(&bench.loop);
    bench.client = http_client_new(&bench.loop, &bench.options);
    for (size_t i = 0; i < 50; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, LOCAL, "/ok");
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < 50; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 3);
    /* All connections held: the next call's deadline counts while it waits. */
    for (size_t i = 0; i < 4; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, LOCAL, "/slow");
        probes[i].call.timeout_ms = i < 3 ? 20000 : 20;
        probe_start(&probes[i]);
    }
    probe_wait(&probes[3]);
    expect(&probes[3], ERR_TIMEOUT, 0, "no free connection to 127.0.0.1");
    assert_false(probes[3].call.sent);
    /* Given up ones make room. */
    http_client_cancel(bench.client, &probes[0].call);
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    bench_close_client(&bench);
    for (size_t i = 0; i < 4; i++)
        probe_end(&probes[i]);
    bench_close(&bench);
}

static void test_total_limit(void **state)
{
    struct bench bench;
    struct probe probes[30];

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.connections_total = 2;
    uv_loop_init(&bench.loop);
    bench.client = http_client_new(&bench.loop, &bench.options);
    for (size_t i = 0; i < 30; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET,
                      i % 3 == 0   ? LOCAL
                      : i % 3 == 1 ? "good.example"
                                   : "both.example",
                      "/ok");
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < 30; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    bench_close(&bench);
}

static void test_cancel(void **state)
{
    struct bench bench;
    struct probe slow, unresolved, fresh, failed, canceller;

    (void)state;
    bench_open(&bench, 60000);
    probe_prepare(&slow, &bench, HTTP_METHOD_GET, LOCAL, "/slow");
    probe_prepare(&unresolved, &bench, HTTP_METHOD_GET, LOCAL, "http://dead.example/");
    probe_prepare(&fresh, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    probe_prepare(&failed, &bench, HTTP_METHOD_GET, LOCAL, "http://127.0.0.2/");
    probe_start(&slow);
    probe_start(&unresolved);
    get(&bench, LOCAL, "/ok", OK, 200, "hello"); /* by now both are under way */
    probe_start(&fresh);
    probe_start(&failed);
    struct probe *const all[] = {&slow, &unresolved, &fresh, &failed};
    for (size_t i = 0; i < 4; i++) {
        http_client_cancel(bench.client, &all[i]->call);
        http_client_cancel(bench.client, &all[i]->call);
        assert_int_equal(all[i]->callbacks, 0);
    }
    for (size_t i = 0; i < 4; i++) {
        probe_wait(all[i]);
        expect(all[i], ERR_CLOSED, 0, "given up");
        http_client_cancel(bench.client, &all[i]->call); /* too late, harmless */
        probe_end(all[i]);
    }
    /* From inside a callback: its own call, then another. */
    probe_prepare(&canceller, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    canceller.cancel_this = &canceller.call;
    probe_start(&canceller);
    probe_wait(&canceller);
    expect(&canceller, OK, 200, "hello");
    probe_end(&canceller);
    probe_prepare(&slow, &bench, HTTP_METHOD_GET, LOCAL, "/slow");
    probe_prepare(&canceller, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    canceller.cancel_this = &slow.call;
    probe_start(&slow);
    probe_start(&canceller);
    probe_wait(&slow);
    expect(&slow, ERR_CLOSED, 0, "given up");
    probe_end(&slow);
    probe_end(&canceller);
    bench_close(&bench);
}

static void test_free_during_calls(void **state)
{
    struct bench bench;
    struct probe probes[10], last;

    (void)state;
    /* At once, before anything ran. */
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 10; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, i % 2 ? "good.example" : LOCAL,
                      i == 4 ? "ftp://x/" : "/ok");
        probe_start(&probes[i]);
    }
    http_client_free(bench.client);
    bench.client = NULL;
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(probes[i].call.result, i == 4 ? ERR_INVALID : ERR_CLOSED);
        probe_end(&probes[i]);
    }
    assert_int_equal(uv_run(&bench.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
    bench_close(&bench);
    /* From inside a callback, with others on the wire and in the queue. */
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 10; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, LOCAL, i == 9 ? "http://dead.example/" : "/slow");
        probe_start(&probes[i]);
    }
    probe_prepare(&last, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    last.free_client = true;
    probe_start(&last);
    probe_wait(&last);
    for (size_t i = 0; i < 10; i++) {
        expect(&probes[i], ERR_CLOSED, 0, "shutting down");
        probe_end(&probes[i]);
    }
    probe_end(&last);
    assert_int_equal(uv_run(&bench.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
    bench_close(&bench);
}

/* An idle client keeps no loop running, so that a program ends when its work is done. */
static void test_idle_client(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    assert_int_equal(uv_run(&bench.loop, UV_RUN_DEFAULT), 0);
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
}

int main(void)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY",
                                          "all_proxy"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),          cmocka_unit_test(test_answer_headers),
        cmocka_unit_test(test_request_headers),  cmocka_unit_test(test_header_injection),
        cmocka_unit_test(test_bodies),           cmocka_unit_test(test_stale_connection),
        cmocka_unit_test(test_redirects),        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_bad_urls),         cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_no_connection),    cmocka_unit_test(test_policy),
        cmocka_unit_test(test_next_address),     cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_rebinding),        cmocka_unit_test(test_connected_address),
        cmocka_unit_test(test_names_are_cached), cmocka_unit_test(test_dead_dns),
        cmocka_unit_test(test_connection_limit), cmocka_unit_test(test_total_limit),
        cmocka_unit_test(test_cancel),           cmocka_unit_test(test_free_during_calls),
        cmocka_unit_test(test_idle_client),
    };

    /* All tests run with a proxy that nobody answers for: the environment must not matter. */
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
        setenv(proxies[i], "http://127.0.0.1:1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
