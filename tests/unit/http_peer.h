#ifndef TESTS_UNIT_HTTP_PEER_H
#define TESTS_UNIT_HTTP_PEER_H

/* What the tests of the HTTP client share: a scripted server of raw sockets, and DNS that says what a test
 * needs, and one call from start to end. Included once, after cmocka.h. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http/client.h"
#include "lib/http/resolver.h"

/* Must never be found in a sentence. */
#define SECRET "c2VjcmV0LXRva2Vu"

/* ---------------------------------------------------------------- the server: one thread per connection; the path says what to do */

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
    } peers[1024];
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
    {"/keep-1", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=7\r\nContent-Length: 5\r\n\r\nhello", false},
    {"/keep-0", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 5\r\n\r\nhello", false},
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
    {"/close-line", "HTTP/1.1 200 OK\r\n", true},
    {"/close-body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true},
};

static inline void send_all(int fd, const char *text, size_t length)
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
static inline size_t receive(int fd, char *out, size_t size)
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
static inline void send_made(int fd, const char *path, const char *request, size_t length)
{
    char text[512];

    if (strncmp(path, "/coded-", 7) == 0) { /* the request's body back, which the path says to be coded so */
        const char *body = strstr(request, "\r\n\r\n") + 4;
        size_t body_length = length - (size_t)(body - request);
        int head = snprintf(text, sizeof text,
                            "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                            path + 7, body_length);
        send_all(fd, text, (size_t)head);
        send_all(fd, body, body_length);
    } else if (strcmp(path, "/large-chunked") == 0) {
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
static inline bool answer(int fd, const char *request, size_t length)
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

/* What becomes of a connection after a request with this in its query was answered. */
enum manner { MANNER_KEEP, MANNER_DEAF, MANNER_HALF, MANNER_RESET, MANNER_CUT, MANNER_CLOSE };
static const struct {
    const char *query;
    enum manner manner;
} manners[] = {
    {"?then-deaf", MANNER_DEAF},   /* reads the next request and hangs up without a word */
    {"?then-half", MANNER_HALF},   /* answers the next request half */
    {"?then-reset", MANNER_RESET}, /* resets when the next request has come */
    {"?then-cut", MANNER_CUT},     /* resets when the next request has begun to come */
    {"?then-close=", MANNER_CLOSE} /* closes after so many microseconds */
};

/* Closes at once, with RST where bytes are unread or `reset` says so; nothing more comes or goes. */
static inline void slam(struct peer *peer, bool reset)
{
    struct linger linger = {.l_onoff = reset};

    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    pthread_mutex_lock(&peer->server->lock);
    close(peer->fd);
    peer->fd = -1;
    pthread_mutex_unlock(&peer->server->lock);
}

/* The second part of `manner`, with the next request. False: the connection ends. */
static inline bool behave(struct peer *peer, enum manner manner)
{
    switch (manner) {
    case MANNER_DEAF:
        return false;
    case MANNER_HALF:
        send_all(peer->fd, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel", 42);
        return false;
    case MANNER_RESET:
        slam(peer, true);
        return false;
    case MANNER_KEEP:
    case MANNER_CUT:
    case MANNER_CLOSE:
        break;
    }
    return true;
}

static inline enum manner read_manner(struct peer *peer, const char *request)
{
    char byte;

    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        const char *found = strstr(request, manners[i].query);
        if (found == NULL)
            continue;
        if (manners[i].manner == MANNER_CLOSE) {
            struct timespec patience = {.tv_nsec =
                                            (long)strtoul(found + strlen(manners[i].query), NULL, 10) * 1000};
            ppoll(NULL, 0, &patience, NULL);
            slam(peer, false);
        } else if (manners[i].manner == MANNER_CUT && recv(peer->fd, &byte, 1, 0) > 0) {
            slam(peer, true);
        }
        return manners[i].manner;
    }
    return MANNER_KEEP;
}

static inline void *serve(void *context)
{
    struct peer *peer = context;
    struct server *server = peer->server;
    char *request = malloc(300000);
    enum manner manner = MANNER_KEEP;
    size_t length;

    while (request != NULL && peer->fd >= 0 && (length = receive(peer->fd, request, 300000)) > 0) {
        pthread_mutex_lock(&server->lock);
        server->requests++;
        snprintf(server->last, sizeof server->last, "%s", request);
        pthread_mutex_unlock(&server->lock);
        if (!behave(peer, manner) || !answer(peer->fd, request, length))
            break;
        manner = read_manner(peer, request);
    }
    pthread_mutex_lock(&server->lock);
    server->open--;
    if (peer->fd >= 0)
        shutdown(peer->fd, SHUT_WR);
    pthread_mutex_unlock(&server->lock);
    /* Lets the client close first, so that unread bytes do not turn the end into a reset. */
    while (request != NULL && peer->fd >= 0 && recv(peer->fd, request, 300000, 0) > 0)
        ;
    free(request);
    return NULL;
}

static inline void *accept_all(void *context)
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

static inline void server_start(struct server *server)
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

static inline void server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    for (size_t i = 0; i < server->peer_count; i++) {
        pthread_mutex_lock(&server->lock);
        if (server->peers[i].fd >= 0)
            shutdown(server->peers[i].fd, SHUT_RDWR);
        pthread_mutex_unlock(&server->lock);
        pthread_join(server->peers[i].thread, NULL);
        if (server->peers[i].fd >= 0)
            close(server->peers[i].fd);
    }
    pthread_mutex_destroy(&server->lock);
}

static inline unsigned server_count(struct server *server, const unsigned *field)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = *field;
    pthread_mutex_unlock(&server->lock);
    return count;
}

/* Waits until no more than so many connections are open. */
static inline void server_wait_open(struct server *server, unsigned count)
{
    for (int i = 0; server_count(server, &server->open) > count; i++) {
        if (i == 20000)
            fail_msg("%u connections are open", server_count(server, &server->open));
        poll(NULL, 0, 1);
    }
}

static inline bool server_saw(struct server *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    bool found = strstr(server->last, text) != NULL;
    pthread_mutex_unlock(&server->lock);
    return found;
}

/* ---------------------------------------------------------------- DNS */

/* good.example: 127.0.0.1. rebind.example: 127.0.0.1 once, then 127.0.0.2. both.example: a private and a
 * listed address. dead.example: no answer until let go. */
struct dns {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned asked, hanging;
    bool released;
};

static inline void add_address(struct http_resolved *addresses, const char *text)
{
    union http_socket_address *address = &addresses->list[addresses->count++];

    address->v4 = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address->v4.sin_addr);
}

static inline int scripted_lookup(void *context, const char *host, struct http_resolved *addresses,
                                  struct error *error)
{
    struct dns *dns = context;
    int result = OK;

    pthread_mutex_lock(&dns->lock);
    unsigned before = dns->asked++;
    if (strncmp(host, "dead", 4) == 0) {
        dns->hanging++;
        pthread_cond_broadcast(&dns->changed);
        while (!dns->released)
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

static inline void dns_wait_hanging(struct dns *dns, unsigned count)
{
    pthread_mutex_lock(&dns->lock);
    while (dns->hanging < count)
        pthread_cond_wait(&dns->changed, &dns->lock);
    pthread_mutex_unlock(&dns->lock);
}

/* ---------------------------------------------------------------- the bench: server, DNS, loop, client */

struct bench {
    struct server server;
    struct dns dns;
    struct url_policy policy;
    struct http_resolver *resolver;
    struct http_client_options options;
    uv_loop_t loop;
    struct http_client *client;
};

static inline void bench_open(struct bench *bench, int64_t ttl_ms)
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
                                                  .connections_total = 128,
                                                  .keepalive_idle_ms = 60000};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    bench->client = http_client_new(&bench->loop, &bench->options);
    assert_non_null(bench->client);
}

static inline void bench_close_client(struct bench *bench)
{
    http_client_free(bench->client);
    bench->client = NULL;
    assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

static inline void bench_close(struct bench *bench)
{
    if (bench->client != NULL)
        bench_close_client(bench);
    pthread_mutex_lock(&bench->dns.lock);
    bench->dns.released = true;
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

/* ---------------------------------------------------------------- calls */

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

static inline void on_answer(struct http_call *call)
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

static inline void probe_prepare(struct probe *probe, struct bench *bench, enum http_method method,
                                 const char *host, const char *path)
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

static inline void probe_start(struct probe *probe)
{
    probe->starting = true;
    http_client_start(probe->bench->client, &probe->call);
    probe->starting = false;
}

static inline void probe_wait(struct probe *probe)
{
    while (probe->callbacks == 0)
        assert_true(uv_run(&probe->bench->loop, UV_RUN_ONCE) != 0 || probe->callbacks > 0);
    assert_int_equal(probe->callbacks, 1);
}

static inline void probe_end(struct probe *probe)
{
    assert_int_equal(probe->callbacks, 1);
    assert_null(strstr(probe->call.error.text, SECRET));
    arena_free(&probe->arena);
}

static inline void expect(struct probe *probe, int result, int status, const char *text)
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
static inline void get(struct bench *bench, const char *host, const char *path, int result, int status,
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

#endif
