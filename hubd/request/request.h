#ifndef HUBD_REQUEST_REQUEST_H
#define HUBD_REQUEST_REQUEST_H

#include "hubd/hub.h"
#include "hubd/request/late.h"
#include "hubd/request/line.h"
#include "hubd/calls/outbound.h"
#include "hubd/request/router.h"
#include "lib/json/reader.h"
#include "lib/ocpi/objects.h"
#include "lib/ocpi/status.h"
#include "lib/store/store.h"

/*
 * How the hub serves one request of a partner, in two steps. When the head has arrived (request_head): route,
 * token, role, party, rate limit; a request that is refused here never has its body kept in memory. When the
 * body has arrived (request_complete): token and party are looked up again, since they may have been revoked
 * while a slow body came in; then JSON, the module's handler, the envelope. Checks that every route needs are
 * made here once, so that no module can forget them. A module gets a checked request and ends it with exactly
 * one call of request_answer* or request_stream_begin, at once or later, on the same loop.
 */

/* How a request ends: rows of request_replies (hub-ocpi(7), HTTP AND ANSWERS). */
enum reply {
    REPLY_OK,
    REPLY_CREATED,
    REPLY_UNAUTHORIZED,
    REPLY_NOT_JSON,
    REPLY_TOO_LARGE,
    REPLY_INVALID,
    REPLY_FORBIDDEN,
    REPLY_UNKNOWN,
    REPLY_METHOD,
    REPLY_RATE,
    REPLY_NOT_ROUTED,
    REPLY_UNKNOWN_RECEIVER,
    REPLY_FORWARD_TIMEOUT,
    REPLY_NOT_CONNECTED,
    REPLY_FAILED,
    REPLY_BUSY,
    REPLY_LOOP /* it carries the hub's own Via */
};
struct request_reply_row {
    int http, ocpi;
    const char *what; /* came in, for hub-ocpi(7) */
};
extern const struct request_reply_row request_replies[]; /* indexed by enum reply */
extern const size_t request_reply_count;

struct request {
    uint32_t magic;
    struct http_exchange *exchange;
    struct arena *arena; /* the exchange's; lives until the answer */
    struct worker *worker;
    struct hub *hub;
    struct registry_snapshot *snapshot; /* held until the answer, but for the time the body comes in */
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX]; /* percent-decoded path parameters */
    struct str raw_params[ROUTE_PARAMS_MAX];
    unsigned param_count;
    const struct store_token *token;    /* what the caller presented; NULL on open routes */
    struct str token_text;              /* the same as text, for the credentials module only */
    struct registry_platform *platform; /* the caller's; NULL on open routes */
    struct registry_party *party;       /* the caller (OCPI-from); set where the route names roles */
    struct registry_party *target;      /* whom the request was passed on to, once known: audit and headers */
    bool has_to;                        /* OCPI-to headers were sent */
    struct ocpi_party_key to;
    const struct json_value *body; /* NULL when empty (only where the route allows it) */
    /*
     * Memory of the body's values where it is large, freed by request_free_tree; their texts live in `arena`.
     * In a GET: memory of the object that was read from the store.
     */
    struct arena tree;
    bool complete;       /* the body has arrived */
    int64_t complete_us; /* when it had, env_monotonic_us */
    bool glued;          /* the path's module and what follows it are one segment (router_unglue) */
    bool functional;     /* the path is below a functional module, even when no route was found */
    /* Who is calling, kept while the body comes in and no snapshot is held. */
    struct {
        uint8_t token[32]; /* SHA-256 */
        int64_t platform;
        struct ocpi_party_key party;
        bool has_token, has_party;
    } kept;
    struct str request_id, correlation_id;
    int64_t now;                 /* wall clock at the start, ms */
    struct line_place places[2]; /* in the lines of what it changes; left with the answer or sooner */
    int64_t answer_time;         /* the envelope's timestamp, ms; 0: when it is written */
    /*
     * For the audit row.
     */
    struct str object;                /* id of what the request is about */
    struct str location;              /* location_id of the body (request_audit_keep) */
    struct str receiver;              /* the party a push is for, where it is not `target` */
    struct str audit_correlation_id;  /* of the exchange that it belongs to; STR_NONE: its own */
    int64_t command;                  /* number of the command that it is about; 0: none */
    const struct outbound *forwarded; /* the call that passed it on, once that has ended; NULL: none */
    bool audited;                     /* its audit row is already in a batch */
    struct str result;                /* ALLOWED, REJECTED …; empty: the row has the status of the answer */
    struct str reason;                /* why, in the words of the answer */
    /*
     * For the statistics of traffic and quality.
     */
    bool by_server; /* refused by the HTTP server: its latency says nothing about the hub */
    bool
        nobody_asked; /* the party that it names was not asked, since it may not be: the hub itself answers */
    const struct ocpi_count *counts;     /* what the body broke without being refused for it; NULL: nothing */
    bool counted;                        /* `counts` have been counted (quality_count) */
    const struct ocpi_findings *refused; /* what validation refused the body for; NULL: it did not */
    /* The rule that the body broke, where it is in no table and the status does not tell it; else NULL. */
    const char *refused_for;
};

/* Callbacks of http_server; `context` is the struct worker. */
void request_head(struct http_exchange *exchange, void *context);
void request_complete(struct http_exchange *exchange, void *context);
void request_server_refused(struct http_exchange *exchange, int status, const char *reason, void *context);

/* For a route's `admit`: lets the body come in. The caller must not touch the request afterwards. */
void request_take_body(struct request *request);
/* Leaves the lines of the objects that the request has changed: the change is stored, and others may change
 * the objects before this request is answered. */
void request_leave_lines(struct request *request);
/*
 * Frees what was parsed of the body: `body` is NULL afterwards, its bytes and the texts taken from it stay.
 * Call request_audit_keep before, where the audit row shows something of the body.
 */
void request_free_tree(struct request *request);

/* ---------------------------------------------------------------- answering */

/* Ends the request as that row of request_replies says. `message`: STR_NONE for the status code's own text;
 * `data`: finished JSON or STR_NONE. Both may live in the arena. */
void request_answer(struct request *request, enum reply reply, struct str message, struct str data);
/* The same with a formatted message. */
void request_answerf(struct request *request, enum reply reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with statuses that are in no row: a partner's answer that is passed through, and 3001 to 3003 of
 * the credentials module. */
void request_answer_code(struct request *request, int http_status, int ocpi_status, struct str message,
                         struct str data);
/* REPLY_OK with the JSON in `data`, whose memory is wiped and freed here. */
void request_answer_data(struct request *request, struct buffer *data);
/* For an error_code of the store: 404, 503, 500 …. A module handles the codes that it expects itself. */
void request_answer_error(struct request *request, int error);
/*
 * Answers with a list in slices: sets the headers and begins the stream. The caller writes with
 * http_exchange_stream_write, is called by `resume` when there is room again, and ends with
 * request_stream_end. `context` must not use the request after that.
 */
void request_stream_begin(struct request *request,
                          void (*resume)(struct http_exchange *exchange, void *context), void *context);
/* `complete` false: the list could not be finished, the connection is cut. */
void request_stream_end(struct request *request, bool complete);

/* ---------------------------------------------------------------- reading and checking */

/* The header's value, STR_NONE when it is absent. */
struct str request_header(const struct request *request, const char *name);
/* The value of all Via headers together: to be sent on with whatever is sent because of this request. */
struct str request_via(const struct request *request);
/* The path behind the module's segment, "" or "IN/ABC/T1/authorize": not decoded, without empty segments, in
 * the arena (data == NULL: no memory). */
struct str request_subpath(struct request *request);
/* Validates the body against the object's table; `partial`: a PATCH. False: the request was answered. */
bool request_validate(struct request *request, const struct ocpi_object *object, bool partial);
/* Whether a URL can name this id: not empty, no NUL, no "." or ".." as a whole segment (a receiver's server
 * would go up a directory). */
bool request_is_id(struct str id);
/* Whether the body's member equals the path parameter, letters' case aside; an absent member does. False: the
 * request was answered with 2001. */
bool request_check_member(struct request *request, const char *member, struct str expected);
/* The request that is a callback's context, for as long as it is unanswered; anything else is a bug (bug.h). */
struct request *request_of(void *context);
/* Takes the newest snapshot after a conflict and looks platform, token and parties up again. False: the token
 * is gone and the request was answered with 401. */
bool request_renew(struct request *request);
/* Whether the change has met others for so long that it is tried no more (hubd/request/late.h): 503. */
static inline bool request_is_late(const struct request *request)
{
    return late_since(request->complete_us);
}
/* Whether OCPI-to names another party than the hub and the caller (OCPI 2.2.1, Transport: Message
 * Routing). */
bool request_is_directed(const struct request *request);
/* Folded copy of an id, as the store has it; in the arena. */
struct str request_fold(struct request *request, struct str id);
/* The party's key as text; lives as long as the snapshot. */
struct str request_party_key(const struct registry_party *party);

/* ---------------------------------------------------------------- the audit row: audit.c */

/* `text`, cut to what an audit row holds of a sentence. */
struct str request_audit_text(struct str text);
/* Whether `text` has the form of an OCPI result (ALLOWED, REJECTED …) and may be an audit row's status. */
bool request_is_result(struct str text);
/* Copies what the audit row shows of the body. Call it while `body` is set. */
void request_audit_keep(struct request *request);
/* Fills an audit row about this request; its texts live as long as the request. */
void request_audit_fill(struct request *request, struct store_audit *row, struct str status);
/* Adds the audit row to a batch, with the number of a delivery in that batch. The request leaves no second
 * row when it is answered. */
void request_audit_batch(struct request *request, struct store_apply *batch, struct str status);

#endif
