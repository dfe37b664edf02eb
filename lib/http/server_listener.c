#include "lib/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/base/ring.h"
#include "lib/http/url_own.h"

#define LISTENER_MAGIC  0x484c4953u
#define LISTENING_MAGIC 0x48534f43u
#define ACCEPT_BATCH    64   /* then the others on this loop have their turn */
#define PAUSE_MS        100  /* without any descriptor left, and none in reserve */
#define BACKLOG         4096 /* the kernel takes the smaller of this and somaxconn */

struct listening {
    uint32_t magic;
    struct http_listener *listener;
    struct ring link;
    uv_poll_t poll;
    int fd;
};

struct http_listener {
    uint32_t magic;
    uv_loop_t *loop;
    struct http_server **servers;
    size_t server_count;
    unsigned connections_max, per_address, refusals_max;
    struct http_addresses *addresses;
    struct ring sockets; /* struct listening */
    uv_timer_t pause;
    int reserve;  /* given up to answer one more connection when descriptors have run out; -1: used */
    bool starved; /* said so in the log */
    unsigned handles;
};

/* ---------------------------------------------------------------- accepting */

const char http_full[] = "the hub is full";

/* Why a connection from there is refused; else NULL, and it is counted. */
static const char *count_address(struct http_listener *listener, const struct sockaddr_storage *peer,
                                 struct http_address **address)
{
    if (listener->per_address == 0)
        return NULL;
    return http_addresses_enter(listener->addresses, peer, listener->per_address, address)
               ? NULL
               : "there are too many connections from this address";
}

/* What the servers have. */
struct crowd {
    struct http_server *fewest, *strangest; /* with the fewest connections; with most strangers, or NULL */
    unsigned total, refused;                /* refused: and those that wait for a stranger's place */
};

static struct crowd count_crowd(const struct http_listener *listener)
{
    struct crowd crowd = {.fewest = listener->servers[0]};
    unsigned least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < listener->server_count; i++) {
        struct http_server *server = listener->servers[i];
        unsigned connections = http_server_connections(server), strangers = http_server_strangers(server);
        crowd.total += connections;
        crowd.refused += http_server_refusals(server) + http_server_replacing(server);
        if (connections < least) {
            least = connections;
            crowd.fewest = server;
        }
        if (strangers > most) {
            most = strangers;
            crowd.strangest = server;
        }
    }
    return crowd;
}

static void hand_over(struct http_listener *listener, int fd, const struct sockaddr_storage *peer,
                      const char *refusing)
{
    const struct crowd crowd = count_crowd(listener);
    struct http_accepted accepted = {.fd = fd, .refusing = refusing};
    bool is_full = crowd.total >= listener->connections_max;
    if (accepted.refusing == NULL && is_full && crowd.strangest == NULL)
        accepted.refusing = http_full;
    if (accepted.refusing == NULL)
        accepted.refusing = count_address(listener, peer, &accepted.address);
    accepted.replaces = is_full && accepted.refusing == NULL;
    if ((accepted.refusing != NULL || accepted.replaces) && crowd.refused >= listener->refusals_max) {
        close(fd); /* a flood: their descriptors are needed for what is not refused */
        http_addresses_leave(accepted.address);
    } else {
        http_server_adopt(accepted.replaces ? crowd.strangest : crowd.fewest, &accepted);
    }
}

static void take_reserve(struct http_listener *listener)
{
    if (listener->reserve < 0)
        listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_one(struct listening *listening, struct sockaddr_storage *peer)
{
    socklen_t size = sizeof *peer;
    return accept4(listening->fd, (struct sockaddr *)peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void on_listen(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct http_listener *listener = MAGIC_CAST(struct http_listener, timer->data, LISTENER_MAGIC);
    take_reserve(listener);
    for (struct ring *link = listener->sockets.next; link != &listener->sockets; link = link->next)
        uv_poll_start(&CONTAINER_OF(link, struct listening, link)->poll, UV_READABLE, on_listen);
}

/* Out of descriptors: answers one with the reserve; without it stops for a moment instead of spinning. */
static void out_of_descriptors(struct listening *listening)
{
    struct http_listener *listener = listening->listener;
    if (!listener->starved)
        log_warn_bounded(
            "http: out of file descriptors; raise RLIMIT_NOFILE or lower the number of connections");
    listener->starved = true;
    if (listener->reserve >= 0) {
        close(listener->reserve);
        listener->reserve = -1;
        struct sockaddr_storage peer;
        int fd = accept_one(listening, &peer);
        if (fd >= 0)
            hand_over(listener, fd, &peer, http_full);
    }
    for (struct ring *link = listener->sockets.next; link != &listener->sockets; link = link->next)
        uv_poll_stop(&CONTAINER_OF(link, struct listening, link)->poll);
    uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
    struct listening *listening = MAGIC_CAST(struct listening, poll->data, LISTENING_MAGIC);
    (void)events;
    if (status < 0)
        return;
    take_reserve(listening->listener);
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage peer;
        int fd = accept_one(listening, &peer);
        if (fd >= 0) {
            listening->listener->starved = false;
            hand_over(listening->listener, fd, &peer, NULL);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (error_is_own(error_of_lack(errno, OK)))
            out_of_descriptors(listening);
        return;
    }
}

/* ---------------------------------------------------------------- binding */

/* Splits "host:port" or "[v6]:port". */
static int split_address(const char *address, char *host, size_t host_size, char *port, size_t port_size,
                         struct error *error)
{
    const char *colon = strrchr(address, ':');
    struct str name = str_of(address, colon != NULL ? (size_t)(colon - address) : 0);
    uint64_t number;
    if (colon == NULL || !str_to_uint64(str_from(colon + 1), &number) || number > 65535)
        return error_set(error, ERR_INVALID, "listen %s: expected host:port with a port of 0 to 65535",
                         address);
    if (name.length >= 2 && name.data[0] == '[' && name.data[name.length - 1] == ']')
        name = str_of(name.data + 1, name.length - 2);
    else if (str_find(name, ':') != SIZE_MAX)
        return error_set(error, ERR_INVALID, "listen %s: write an IPv6 address in brackets, as [::1]:8080",
                         address);
    if (name.length == 0)
        return error_set(error, ERR_INVALID, "listen %s: no host; 0.0.0.0 stands for every IPv4 address",
                         address);
    if (!str_copy(name, host, host_size) || !str_copy(str_from(colon + 1), port, port_size))
        return error_set(error, ERR_INVALID, "listen %s: too long", address);
    return OK;
}

static int open_socket(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    /* "[::]" means IPv6 alone, so that "0.0.0.0" with the same port may stand beside it. */
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void write_bound(int fd, char *bound, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    getsockname(fd, (struct sockaddr *)&address, &length);
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(bound, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(bound, size, "%s:%u", host, ntohs(v4->sin_port));
    }
}

static int watch(struct http_listener *listener, int fd)
{
    struct listening *listening = calloc(1, sizeof *listening);
    if (listening == NULL || uv_poll_init(listener->loop, &listening->poll, fd) != 0) {
        free(listening);
        close(fd);
        return ERR_MEMORY;
    }
    listening->magic = LISTENING_MAGIC;
    listening->listener = listener;
    listening->fd = fd;
    listening->poll.data = listening;
    listener->handles++;
    ring_push(&listener->sockets, &listening->link);
    uv_poll_start(&listening->poll, UV_READABLE, on_listen);
    return OK;
}

static const char *remedy(int number)
{
    switch (number) {
    case EADDRINUSE:
        return "; another program listens there, choose another port or stop it";
    case EACCES:
        return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
        return "; this machine has no such address";
    default:
        return "";
    }
}

int http_listener_bind(struct http_listener *listener, const char *address, char *bound, size_t bound_size,
                       struct error *error)
{
    char host[256], port[8];
    int result = split_address(address, host, sizeof host, port, sizeof port, error);
    if (result != OK)
        return result;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int found = getaddrinfo(host, port, &hints, &list);
    if (found != 0)
        return error_set(error, ERR_INVALID, "listen %s: %s", address, gai_strerror(found));
    unsigned opened = 0;
    for (struct addrinfo *info = list; info != NULL && result == OK; info = info->ai_next) {
        int fd = open_socket(info);
        if (fd < 0) {
            /* "localhost" may name ::1 on a machine without IPv6: the addresses it has are enough. */
            bool absent = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
            if (!absent || (info->ai_next == NULL && opened == 0))
                result = error_set(error, ERR_IO, "listen %s: %s%s", address, strerror(errno), remedy(errno));
            continue;
        }
        if (opened++ == 0 && bound != NULL)
            write_bound(fd, bound, bound_size);
        if (watch(listener, fd) != OK)
            result = error_set(error, ERR_MEMORY, "listen %s: no memory", address);
        if (strcmp(port, "0") == 0)
            break; /* each further address would get another port */
    }
    freeaddrinfo(list);
    return result;
}

void http_listener_note(const struct http_listener *listener, struct url_own *own)
{
    for (const struct ring *link = listener->sockets.next; link != &listener->sockets; link = link->next) {
        const struct listening *listening =
            CONTAINER_OF((struct ring *)(uintptr_t)link, struct listening, link);
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof address;
        if (getsockname(listening->fd, (struct sockaddr *)&address, &length) == 0)
            url_own_add(own, (const struct sockaddr *)&address);
    }
}

/* ---------------------------------------------------------------- life */

struct http_listener *http_listener_new(uv_loop_t *loop, struct http_server *const *servers,
                                        size_t server_count, unsigned connections_max, unsigned per_address,
                                        unsigned refusals_max)
{
    struct http_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return NULL;
    listener->servers = calloc(server_count, sizeof(struct http_server *));
    listener->addresses = http_addresses_new();
    if (listener->servers == NULL || listener->addresses == NULL) {
        http_addresses_free(listener->addresses);
        free(listener->servers);
        free(listener);
        return NULL;
    }
    memcpy(listener->servers, servers, server_count * sizeof(struct http_server *));
    listener->magic = LISTENER_MAGIC;
    listener->loop = loop;
    listener->server_count = server_count;
    listener->connections_max = connections_max;
    listener->per_address = per_address;
    listener->refusals_max = refusals_max;
    listener->reserve = -1;
    listener->handles = 1;
    ring_init(&listener->sockets);
    uv_timer_init(loop, &listener->pause);
    listener->pause.data = listener;
    take_reserve(listener);
    return listener;
}

static void release(struct http_listener *listener)
{
    if (--listener->handles > 0)
        return;
    if (listener->reserve >= 0)
        close(listener->reserve);
    listener->magic = 0;
    http_addresses_free(listener->addresses);
    free(listener->servers);
    free(listener);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct listening *listening = MAGIC_CAST(struct listening, handle->data, LISTENING_MAGIC);
    struct http_listener *listener = listening->listener;
    listening->magic = 0;
    free(listening);
    release(listener);
}

static void on_pause_closed(uv_handle_t *handle)
{
    release(MAGIC_CAST(struct http_listener, handle->data, LISTENER_MAGIC));
}

void http_listener_close(struct http_listener *listener)
{
    if (listener == NULL)
        return;
    for (struct ring *link; (link = ring_pop(&listener->sockets)) != NULL;) {
        struct listening *listening = CONTAINER_OF(link, struct listening, link);
        uv_close((uv_handle_t *)&listening->poll, on_socket_closed);
        close(listening->fd);
    }
    uv_close((uv_handle_t *)&listener->pause, on_pause_closed);
}
