#ifndef HUBD_MESSAGES_RELAY_H
#define HUBD_MESSAGES_RELAY_H

#include "hubd/messages/forward.h"
#include "hubd/request/request.h"

/*
 * Passing a request on to another party and its answer back (OCPI 2.2.1, Transport: Message Routing;
 * hub-ocpi(7), ROUTING): method, path below the module, query and body as they came; status, data
 * and message of the answer as they are, `Link` and `Location` made to point at the hub. A response_url in
 * the body or the query is replaced by a callback of the hub's, kept as a command (hubd/messages/commands.h) so that
 * the later result finds its way.
 */
struct relay {
    uint32_t magic; /* own */
    /* in */
    struct request *request;
    struct registry_party *target;
    const char *module;               /* whose interface is called */
    bool sender;                      /* the SENDER interface, else RECEIVER */
    const char *command;              /* what a callback is kept as; NULL: "METHOD module" */
    struct str object;                /* id of what it is about, as the caller spells it; kept with it */
    struct str token_uid, token_type; /* folded; kept with it */
    struct str reference;             /* folded authorization_reference; kept with it */
    int64_t valid_until;              /* of a reservation; kept with it */
    int64_t timeout_ms;
    bool once;                        /* must not arrive twice */
    const struct ocpi_object *answer; /* what must come back, with an outcome; NULL: anything */
    /* own */
    struct forward forward;
    struct store_command row;
    struct store_apply batch;
    int http_status, ocpi_status;
    struct str message, data;
};

/*
 * Sends it; ends the request. The target must have passed the routing (recipient_search). What goes
 * wrong: 4002 sent and no answer, 4003 not connected, 4000 an answer that is no OCPI, 2001 a response_url
 * that may not be called.
 */
void relay_start(struct relay *relay);
/* A relay of the request's module with the real-time timeout, in its arena. NULL: answered. */
struct relay *relay_new(struct request *request, struct registry_party *target);
/* The request's OCPI-to names the party: found, checked against the routing, and relayed. Ends the request.
 */
void relay_directed(struct request *request);
/* The hub may call that response_url: its host is one that the calling platform registered, or any may be
 * (settings). False: answered with 2001 (hub-ocpi(7), CALLS OF THE HUB). */
bool relay_check_response_url(struct request *request, struct str url);

/* ---------------------------------------------------------------- for this room */

/* The response_url of the body, else of the query; STR_NONE when there is none. False: answered, it stands in
 * several places, or where only some readers see it. */
bool relay_find_response_url(struct request *request, struct str *url, bool *in_body);
/* Puts the hub's callback in the place of `url` and fills the row it is kept by. False: answered. */
bool relay_replace_url(struct relay *relay, struct str url, bool in_body);
/* Answers with what came back. */
void relay_answer(struct relay *relay);
/* Link, Location and the headers of pages of the partner's answer, as the hub gives them on. */
void relay_copy_headers(struct relay *relay);

#endif
