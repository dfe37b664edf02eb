#ifndef HUBCTL_CLIENT_H
#define HUBCTL_CLIENT_H

#include "hubctl/options.h"
#include "lib/json/reader.h"

/* The connection to hubd: one blocking socket with a deadline, requests one after the other. */
struct client {
    int socket;
    char path[256];
    struct ctl_lines lines;
    int64_t next_id;
    bool watches_output; /* while it waits: a reader of stdout that goes away ends hubctl */
    unsigned waiting;    /* requests without an answer */
};

enum client_event {
    CLIENT_RESULT,       /* `value` is the result */
    CLIENT_ERROR,        /* `value` is the error object */
    CLIENT_NOTIFICATION, /* `value` is the notification's params */
    CLIENT_TIMEOUT,
    CLIENT_CLOSED, /* hubd is gone */
    CLIENT_GARBAGE /* not our protocol */
};

/*
 * Connects: --socket, else HUBCTL_SOCKET, else hubd's default for this user, else the system's. Complains
 * unless `silent`. CTL_EXIT_DONE, CTL_EXIT_UNREACHABLE or CTL_EXIT_NOT_PERMITTED.
 */
enum ctl_exit client_open(struct client *client, const struct hubctl_options *options, bool silent);
void client_close(struct client *client);
/*
 * Reuses one connection for many commands in a row. While it is on, client_close keeps a connection on which
 * no request is open, and the next client_open to the same socket takes it if hubd has not closed it. false
 * switches it off and closes the connection that was kept.
 */
void client_keep(bool keep);
/* Sends a request. client_next reports a failure, after the messages that hubd sent before it hung up. */
void client_send(struct client *client, const char *method, struct str params, int64_t timeout_ms);
/* The next message; values live in `arena`. `timeout_ms` 0: waits as long as it takes. */
enum client_event client_next(struct client *client, struct arena *arena, int64_t timeout_ms,
                              const struct json_value **value);
/* Waits so long without a connection; a reader of stdout that goes away ends hubctl meanwhile. */
void client_wait_output(int ms);
/* Whether a whole message has arrived already, so that client_next would not wait. */
bool client_has_more(const struct client *client);

/* Complains about an event that is no answer; `change`: whether the request could have changed something. The
 * exit code that follows. */
enum ctl_exit client_explain(const struct client *client, enum client_event event, bool change,
                             int64_t timeout_ms);
/* Complains about an error object with its hint. */
enum ctl_exit client_explain_error(const struct json_value *error);

#endif
