#ifndef LIB_HTTP_CLIENT_INTERNAL_H
#define LIB_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <zlib.h>

#include "lib/base/magic.h"
#include "lib/http/client.h"
#include "lib/http/resolver.h"

/*
 * The inside of struct http_client, shared by its files:
 *   client.c           the calls: start, deadline, cancel, delivery of callbacks, life of the client
 *   client_origin.c    the hosts: addresses, policy, who waits for an address or a free connection
 *   client_request.c   the headers of a request
 *   client_transfer.c  one exchange with libcurl: options, body, addresses, redirect
 *   client_answer.c    what comes back: header and body callbacks, error sentences
 *   client_coding.c    gzip
 *   client_socket.c    libcurl's sockets and timer on libuv
 *   client_idle.c      how long an unused connection is kept
 *
 * A call is carried by a *flight*; a flight belongs to an *origin* (scheme, host, port) and waits there until
 * the origin has addresses and a connection may be used; then it gets a *transfer* (a recycled easy handle).
 * libcurl never queues and never resolves: it only gets calls that may run now, for names whose addresses it is given.
 * No callback of a caller runs while libcurl is on the stack.
 */

#define CLIENT_MAGIC   0x48434c49u /* "HCLI" */
#define FLIGHT_MAGIC   0x464c4954u /* "FLIT" */
#define TRANSFER_MAGIC 0x5452414eu /* "TRAN" */
#define SOCKET_MAGIC   0x534f434bu /* "SOCK" */

#define ORIGIN_BUCKETS 256
/* Hosts that are kept although no call to them is under way. */
#define ORIGINS_IDLE_MAX 256
/* "+host:port:", two addresses in brackets, a comma and the NUL. */
#define ORIGIN_PIN_SIZE (HTTP_HOST_SIZE + 128)

/* "Via: 1.1 ", a pseudonym of at most 53 bytes and the NUL. */
#define CLIENT_VIA_SIZE 64

/* An address that the policy allows, as CURLOPT_RESOLVE wants it. */
struct client_address {
    int family;
    char text[INET6_ADDRSTRLEN + 2];
};

struct client_origin {
    struct ring bucket; /* client->origins */
    struct ring idle;   /* client->idle_origins while no flight is here */
    struct ring ready;  /* client->ready while a waiting flight could start */
    char
        key[URL_ORIGIN_SIZE]; /* "https://host" or "https://host:8443": the canonical beginning of its URLs */
    size_t key_length;
    uint64_t number; /* of this origin among all that the client ever had */
    CURLU *root;     /* its URL with the path "/", parsed once: libcurl's URL of every call */
    char host[HTTP_HOST_SIZE];
    char name[HTTP_HOST_SIZE + 10]; /* "host:port", for sentences */
    uint16_t port;
    bool literal;                      /* the host is an address: nothing to resolve or pin */
    union http_socket_address address; /* of a literal */
    bool resolved;                     /* there are addresses */
    int64_t fresh_until_ms;            /* then ask again */
    bool resolving;
    struct http_resolver_request request;
    struct client_address addresses[HTTP_ADDRESSES_MAX];
    size_t address_count;
    size_t pair_count;      /* see client_origin_pin */
    size_t preferred;       /* the pair that answered last */
    struct ring unresolved; /* flights that wait for an address */
    struct ring waiting;    /* flights that wait for a free connection */
    unsigned active;        /* flights with a transfer */
    unsigned flights;       /* all of them */
    struct http_client *client;
};

struct client_flight {
    uint32_t magic;
    struct ring all;   /* client->flights or client->spare_flights */
    struct ring queue; /* origin->unresolved or origin->waiting */
    struct http_client *client;
    struct http_call *call;
    struct client_origin *origin;
    struct client_transfer *transfer; /* NULL while waiting */
    struct curl_slist *headers;       /* in the call's arena */
    char *url;                        /* in the call's arena: the origin's key and the target */
    bool active;                      /* counted in origin->active */
    bool redirected;
    bool sent_again;    /* after a kept connection died */
    int64_t timeout_ms; /* of the call */
    size_t pair;        /* of the origin's addresses, see client_origin_pin */
    size_t attempt;     /* pairs tried before */
    uv_timer_t timer;   /* the deadline of the whole call */
};

enum client_coding { CODING_NONE, CODING_GZIP, CODING_UNKNOWN };

/* A gzip stream that is being unpacked; all-zero is none. */
struct client_gzip {
    z_stream stream;
    bool begun, complete;
};

/* How an easy handle is set up for a request; changed only when the next call needs another. */
enum transfer_form { FORM_NONE, FORM_PLAIN, FORM_HEAD, FORM_BODY };

struct client_transfer {
    uint32_t magic;
    struct ring queue; /* client->spare_transfers while free, client->ended when libcurl is done with it */
    struct http_client *client;
    struct client_flight *flight; /* NULL while free */
    CURL *easy;
    unsigned generation; /* of the client's options that are set in libcurl */
    CURLcode code;       /* how libcurl ended it */
    enum transfer_form form;
    enum http_method method;
    uint64_t origin;            /* number of the one whose root is set in libcurl; 0: none */
    bool once, fresh;           /* as set in libcurl */
    bool opened;                /* a socket was made for this start, so no kept connection is used */
    unsigned sends;             /* how often the request went out since the start */
    int64_t connect_timeout_ms; /* as set in libcurl; 0: its default, which outlasts every deadline */
    struct curl_slist pin_list; /* for CURLOPT_RESOLVE */
    char pin[ORIGIN_PIN_SIZE];
    /* the answer so far */
    struct buffer body;
    struct http_header *headers; /* in the call's arena */
    size_t header_count, header_capacity, head_bytes;
    bool head_done;
    struct client_gzip gzip;
    int failure;        /* why a callback stopped the transfer, OK if none did */
    struct error error; /* its sentence */
    char curl_error[CURL_ERROR_SIZE];
};

/* A socket of libcurl's. It stays registered while its connection is idle, which saves two system calls per
 * call. */
struct client_socket {
    uint32_t magic;
    struct http_client *client;
    uv_poll_t poll;
    curl_socket_t fd;
    int events;            /* registered with libuv */
    bool watched;          /* libcurl wants events */
    bool was_readable;     /* libcurl once waited for input: the connection was established */
    CURL *released_by;     /* the transfer after which libcurl no longer watched it */
    struct ring queue;     /* client->released, or client->idle while its connection is kept and not used */
    int64_t idle_until_ms; /* in client->idle: then it is hung up */
    bool hung_up;          /* by client_idle_hang_up; libcurl has not closed it yet */
};

struct http_client {
    uint32_t magic;
    uv_loop_t *loop;
    CURLM *multi;
    struct http_client_options options;
    struct buffer authorities; /* what ca_file held when it was read; empty: the system's only */
    unsigned generation;       /* of the options */
    char via[CLIENT_VIA_SIZE]; /* the whole line, empty: none */
    uv_idle_t kick;            /* runs libcurl and the callbacks in the next loop iteration */
    uv_timer_t timer;          /* libcurl's */
    uv_async_t async;          /* the resolver's */
    unsigned open_handles;
    bool closing;
    bool curl_due; /* libcurl wants to run at once */
    struct http_resolver_inbox inbox;
    struct ring done, delivering; /* calls whose callback is due */
    struct ring flights, spare_flights;
    struct ring spare_transfers, ended;
    struct ring released; /* sockets that libcurl stopped watching in this run */
    struct ring idle;     /* sockets of unused connections */
    uv_timer_t idle_timer;
    int64_t idle_due_ms; /* when idle_timer fires: no idle connection ends before; INT64_MAX: not set */
    unsigned hung_up;    /* sockets that libcurl has still to close */
    CURL *sweeper;       /* makes libcurl close them; NULL before the first */
    bool sweeping;
    int64_t swept_ms;
    struct client_socket **sockets; /* by file descriptor */
    size_t socket_slots;
    struct ring origins[ORIGIN_BUCKETS];
    uint64_t origins_made;
    struct ring idle_origins; /* least recently used first */
    size_t idle_origin_count;
    struct ring ready;
    unsigned active;
};

/* ---------------------------------------------------------------- client.c */

/* Ends a flight: `call` gets `result` (its sentence is already in call->error) and its callback in the next
 * loop iteration. */
void client_flight_finish(struct client_flight *flight, int result);
/* Asks for a run of libcurl and of the due callbacks in the next loop iteration. */
void client_kick(struct http_client *client);
/* Runs the due callbacks. Only from a callback of libuv's, last. */
void client_deliver(struct http_client *client);
/* For uv_close of the client's handles. */
void client_handle_closed(struct http_client *client);

/* ---------------------------------------------------------------- client_origin.c */

/* The origin of a URL, made if it is new, and the URL in canonical form in `arena`: the origin's key, then a
 * target that begins with '/'. ERR_INVALID, ERR_MEMORY. */
int client_origin_find(struct http_client *client, struct arena *arena, struct str text,
                       struct client_origin **origin, char **url, struct error *error);
/* Adds a flight. It may finish at once; its callback is called later. */
void client_origin_admit(struct client_origin *origin, struct client_flight *flight);
/* Removes a flight. */
void client_origin_leave(struct client_origin *origin, struct client_flight *flight);
/*
 * Writes the pin for CURLOPT_RESOLVE with pair number `number` (any; they go round) of the origin's
 * addresses: one IPv6 and one IPv4 address, which libcurl races (RFC 8305). libcurl 7.88 gets stuck between
 * two addresses of one family when it is driven by sockets, so it never sees more.
 */
void client_origin_pin(const struct client_origin *origin, size_t number, char *out, size_t size);
/* Starts the flights that may start. */
void client_origin_pump(struct http_client *client);
/* Takes the resolver's answers. */
void client_origin_answers(struct http_client *client);
/* Frees all, when no flight is left. */
void client_origin_free_all(struct http_client *client);

/* ---------------------------------------------------------------- client_request.c */

/* A call's headers and the client's own in the call's arena, as libcurl wants them. ERR_INVALID, ERR_MEMORY.
 */
int client_request_headers(struct http_client *client, struct http_call *call, struct curl_slist **list,
                           struct error *error);

/* ---------------------------------------------------------------- client_transfer.c */

/* Gives the flight a transfer and starts it. ERR_MEMORY. */
int client_transfer_start(struct client_flight *flight);
/* Takes the transfer away from the flight; a running one is cut. */
void client_transfer_release(struct client_flight *flight);
/* libcurl has ended a transfer: redirect, or the end of the flight. */
void client_transfer_ended(struct client_transfer *transfer);
void client_transfer_free(struct client_transfer *transfer);

/* ---------------------------------------------------------------- client_answer.c */

size_t client_answer_header(char *data, size_t size, size_t count, void *context);
size_t client_answer_body(char *data, size_t size, size_t count, void *context);
/* Makes room for another answer on the same transfer. */
void client_answer_reset(struct client_transfer *transfer);
/* Fills the call's out fields from a complete answer. OK or ERR_MEMORY. */
int client_answer_take(struct client_transfer *transfer);
/* The result and sentence for a transfer that failed. */
int client_answer_failure(struct client_transfer *transfer, CURLcode code);
/* True when bytes of the request went out. */
bool client_answer_was_sent(struct client_transfer *transfer);

/* ---------------------------------------------------------------- client_socket.c */

/* Sets libcurl's callbacks on the multi handle. */
void client_socket_setup(struct http_client *client);
/* Runs libcurl for its timer, and ends what it has ended. */
void client_socket_run(struct http_client *client);
/* Must follow every call that lets libcurl drop sockets: unregisters those that may be gone. */
void client_socket_settle(struct http_client *client);
/* A socket for CURLOPT_OPENSOCKETFUNCTION, known to this client. */
curl_socket_t client_socket_open(struct http_client *client, const struct curl_sockaddr *address);
/* CURLOPT_CLOSESOCKETFUNCTION; `context` is the client. */
int client_socket_close(void *context, curl_socket_t fd);
/* After curl_multi_cleanup: unregisters what is left. */
void client_socket_free_all(struct http_client *client);

/* ---------------------------------------------------------------- client_coding.c */

/* How the body behind these headers is coded. */
enum client_coding client_coding_find(const struct http_header *headers, size_t count);
/*
 * Unpacks some more of a body and appends it to `out`, which does not grow beyond `max` bytes. The body was
 * whole if `complete` is set after its last byte. ERR_TOO_LARGE, ERR_INVALID (that is no gzip), ERR_MEMORY.
 */
int client_gzip_read(struct client_gzip *gzip, struct str bytes, struct buffer *out, size_t max);
void client_gzip_end(struct client_gzip *gzip);

/* ---------------------------------------------------------------- client_idle.c */

/* How long, in ms, a connection is kept after an answer with this `Keep-Alive` header (STR_NONE: without). */
int64_t client_idle_time(const struct http_client *client, struct str keep_alive);
/* The same in whole seconds and longer, for libcurl's own rule. */
long client_idle_max_s(const struct http_client *client);
/* Notes that the socket's connection is unused from now on, and kept for `keep_ms`. */
void client_idle_begin(struct client_socket *socket, int64_t keep_ms);
/* Closes idle connections whose time is over. Called before each call that might use one. */
void client_idle_expire(struct http_client *client);
/* Closes an idle connection at once; all of them. */
void client_idle_hang_up(struct client_socket *socket);
void client_idle_end_all(struct http_client *client);
/* libcurl has ended client->sweeper. */
void client_idle_swept(struct http_client *client);
void client_idle_free(struct http_client *client);

#endif
