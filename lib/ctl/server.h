#ifndef LIB_CTL_SERVER_H
#define LIB_CTL_SERVER_H

#include <uv.h>

#include "lib/base/arena.h"
#include "lib/base/ring.h"
#include "lib/ctl/access.h"
#include "lib/ctl/protocol.h"

/*
 * hubd's end of the admin socket, on one libuv loop. SO_PEERCRED identifies the peer; its level (access.h),
 * found when it connects, and the command's row decide what it may do. Parameters are checked against the table
 * before a handler is called; rpc.discover is answered from the table. Requests of one connection may overlap.
 *
 * The process must ignore SIGPIPE (libuv writes with write(2)).
 *
 * Bounds: 128 connections. One viewer may have 16, all viewers 80, one other admin 64, viewers and admins
 * together 112: the rest is for root and hubd's own user. hubd closes a connection that has made no request for
 * 5 minutes, has not completed a request within 30 s of its first byte, or has read nothing of its output for
 * 15 minutes. A connection may have 16 requests in flight and send lines of 16 MiB. Of requests longer than
 * 128 KiB one per connection and four in all may exist, from their first byte to their answer. hubd stops
 * reading from a client that does not read, and its streams wait: nothing here blocks the loop or grows without
 * bound.
 */
struct ctl_server;
struct ctl_connection;

/*
 * One request, from its handler's call until ctl_reply or ctl_fail. The handler must call exactly one of them,
 * also after the client hung up (then nothing is sent). `arena` is freed with the request. Handlers may answer
 * at once or later, on the loop's thread only.
 */
struct ctl_request {
    uint32_t magic;
    struct arena arena;
    const struct ctl_command *command;
    const struct json_value *params; /* an object that passed ctl_params_check; in the arena */
    struct ctl_peer peer;
    void *context; /* of the server's options */
    bool closed;   /* the client is gone */
    /* The handler's, for streams: called when ctl_notify may go on, and when the client hangs up (then end
     * the request soon). May be NULL. */
    void *state;
    void (*on_drain)(struct ctl_request *request);
    void (*on_closed)(struct ctl_request *request);
    /* own */
    struct ctl_connection *connection;
    struct str id;
    bool waits_for_drain, large;
    struct ring queue;
};

struct ctl_handler {
    const char *method;
    void (*run)(struct ctl_request *request);
};

struct ctl_server_options {
    const char *path;        /* of the socket */
    const char *admin_group; /* names; NULL or "": none */
    const char *viewer_group;
    const struct ctl_handler
        *handlers; /* borrowed; one for every row of the command table that is not local */
    size_t handler_count;
    bool partial; /* tests: a table with gaps is all right */
    void *context;
    /* A refused try: `method` "connect" when the peer may nothing at all. May be NULL. */
    void (*refused)(const struct ctl_peer *peer, struct str method, void *context);
};

/*
 * Binds and listens. Mode 0660, or 0666 with a viewer_group; a missing parent directory is made (0750); the
 * file of a dead server is removed. Errors, with the remedy: ERR_EXISTS (a live server), ERR_NOT_FOUND (no
 * such group), ERR_REFUSED (something else is in the way), ERR_IO. Handlers that do not cover the command table
 * are a bug (bug.h).
 */
int ctl_server_start(uv_loop_t *loop, const struct ctl_server_options *options, struct ctl_server **server,
                     struct error *error);
/*
 * Stops listening, removes the socket file, closes all connections (streams learn it by on_closed). `stopped`
 * (may be NULL) is called on the loop when the last request has ended; the server is freed then.
 */
void ctl_server_stop(struct ctl_server *server, void (*stopped)(void *context), void *context);

/* Whether the handlers cover the command table, each row once and no more; else `*what` names the first that
 * does not fit. */
bool ctl_handlers_fit(const struct ctl_handler *handlers, size_t count, const char **what);

/* The request that is a callback's context, for as long as it is unanswered; anything else is a bug (bug.h). */
struct ctl_request *ctl_request_of(void *context);
/* Ends the request with a result (one JSON value). A buffer that failed becomes an internal error. */
void ctl_reply(struct ctl_request *request, const struct buffer *result);
/* Ends the request with an error. `message` for people: lower case, names the object; `hint` may be NULL. */
void ctl_fail(struct ctl_request *request, enum ctl_code code, const char *message, const char *hint);
/* The same with what is wrong in particular: `problems` is a JSON array of sentences, empty: none. */
void ctl_fail_problems(struct ctl_request *request, enum ctl_code code, const char *message, const char *hint,
                       struct str problems);
/*
 * Sends a notification of the request's method. Returns false when the client reads slower than hubd writes:
 * this one is still sent, but send no more until on_drain. After the client has gone it returns true and sends
 * nothing.
 */
bool ctl_notify(struct ctl_request *request, const struct buffer *params);
/*
 * Reports how far long work has come, before its answer: {"message":…,"done":…,"total":…}. hubctl shows it on a
 * terminal, and its timeout begins again. `message` says what is done by now ("412 deliveries written");
 * `total` 0: not known. Returns what ctl_notify returns.
 */
bool ctl_progress(struct ctl_request *request, struct str message, int64_t done, int64_t total);

#endif
