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
 * One partner request on its one straight way, in two steps. When its head is there: route, token, role and
 * party, rate; who is refused by these has no byte of a body kept. When its body is there: token and party
 * again (they may have been revoked while a slow body came), JSON, module, envelope. What every route needs
 * is done here once, so that no module can forget it. A module gets a checked request and ends it with
 * exactly one request_answer* or request_stream call, at once or later on the same loop.
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
    struct registry_snapshot *snapshot; /* held until the answer */
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX]; /* percent-decoded path parameters */
    struct str raw_params[ROUTE_PARAMS_MAX];
    unsigned param_count;
    const struct store_token *token;    /* what the caller presented; NULL on open routes */
    struct str token_text;              /* the same as text, for the credentials module only */
    struct registry_platform *platform; /* the caller's; NULL on open routes */
    struct registry_party *party;       /* the caller (FROM); set where the route names roles */
    struct registry_party *target;      /* the party this went to, once known: audit and answer headers */
    bool has_to;                        /* OCPI-to headers were sent */
    struct ocpi_party_key to;
    const struct json_value *body; /* NULL when empty (only where the route allows it) */
    struct arena tree; /* its values, where it is large: request_free_tree; their texts live in `arena`. Of a
                          GET: the object that was read */
    bool complete;     /* the body is here */
    int64_t complete_us; /* when it was, env_monotonic_us */
    bool glued;          /* the path's module and what follows it are one segment */
    bool functional;     /* the path is below a functional module, even when no route was found */
    /* who is calling, while the body comes in and no snapshot is held */
    struct {
        uint8_t token[32];
        int64_t platform;
        struct ocpi_party_key party;
        bool has_token, has_party;
    } kept;
    struct str request_id, correlation_id;
    int64_t now;         /* wall clock at the start, ms */
    struct str object;   /* id for the audit */
    struct str location; /* audit: location_id of the body; request_audit_keep */
    struct str receiver; /* audit: the party a push is for, where it is not the target of a forward */
    struct str audit_correlation_id;  /* of the exchange that it belongs to; STR_NONE: its own */
    int64_t command;                  /* audit: number of the command that it is about; 0: none */
    const struct outbound *forwarded; /* audit: the call that passed it on, when that has ended; NULL: none */
    bool audited;                     /* its audit row is already in a batch */
    bool by_server;    /* refused by the HTTP server: how long it took tells nothing about the hub */
    bool nobody_asked; /* the party that it names was not let to be asked: the hub itself answers */
    const struct ocpi_count *counts; /* what the body broke without being refused for it; NULL: nothing */
    bool counted;                    /* these have been counted (quality_count) */
    struct line_place places[2];     /* in the lines of what it changes, given up with the answer or sooner */
    int64_t answer_time;             /* the envelope's timestamp, ms; 0: when it is written */
    const struct ocpi_findings *refused; /* what validation refused the body for; NULL: it did not */
    const char *refused_for; /* the rule, where no table was broken and the status does not say it; or NULL */
    struct str result;       /* audit: how it ended, ALLOWED, REJECTED …; empty: as its status says */
    struct str reason;       /* audit: why, as the caller was told */
};

/* The http_server's callbacks; `context` is the struct worker. */
void request_head(struct http_exchange *exchange, void *context);
void request_complete(struct http_exchange *exchange, void *context);
void request_server_refused(struct http_exchange *exchange, int status, const char *reason, void *context);

/* For a route's `admit`: the body may come. The request must not be touched afterwards. */
void request_take_body(struct request *request);
/* What it changes is stored, and others may go on with that before the answer. */
void request_leave_lines(struct request *request);
/* What was parsed of the body is needed no more, only its bytes: `body` is NULL from here on. Texts that were
 * taken out of it stay; what the audit shows of it must have been taken (request_audit_keep). */
void request_free_tree(struct request *request);

/* Ends the request with a row of the table. `message`: STR_NONE for the code's text; `data`: finished JSON or
 * STR_NONE. Both may live in the arena. */
void request_answer(struct request *request, enum reply reply, struct str message, struct str data);
/* The same with a formatted message. */
void request_answerf(struct request *request, enum reply reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* With a code of its own: what a partner answered is passed through; 3001 to 3003 of the credentials module.
 */
void request_answer_code(struct request *request, int http_status, int ocpi_status, struct str message,
                         struct str data);
/* REPLY_OK with the JSON in `data`, whose memory is wiped and freed here. */
void request_answer_data(struct request *request, struct buffer *data);
/* For an error_code of the store: 404, 503, 500 …; never for the ones a module handles itself. */
void request_answer_error(struct request *request, int error);
/*
 * A list answer in slices: sets the headers and begins the stream; then write with http_exchange_stream_write
 * and end with request_stream_end (the stream's source must not touch the request afterwards).
 */
void request_stream_begin(struct request *request,
                          void (*resume)(struct http_exchange *exchange, void *context), void *context);
void request_stream_end(struct request *request, bool complete);

/*
 * The path behind the module's own segment, "" or "IN/ABC/T1/authorize": raw, without empty segments; lives
 * in the arena (data == NULL: no memory).
 */
struct str request_subpath(struct request *request);
/* Validates the body; false when it was refused (the request is then answered). `partial`: PATCH. */
bool request_validate(struct request *request, const struct ocpi_object *object, bool partial);
/* An id that a URL can name: not empty, no "." or ".." even between slashes (a receiver's server would
 * climb), no NUL. */
bool request_is_id(struct str id);
/* True when the body's member equals the path parameter (folded); else answered with 2001. An absent member
 * is fine. */
bool request_check_member(struct request *request, const char *member, struct str expected);
/*
 * Goes on with the newest registry, after a conflict: platform, token and parties are looked up again. False
 * when the token is gone (answered with 401).
 */
bool request_renew(struct request *request);
/* Partners hardly wait longer for an answer once they have sent all (hubd/request/late.h): no more tries, 503. */
static inline bool request_is_late(const struct request *request)
{
    return late_since(request->complete_us);
}
/* OCPI-to names another party than the hub and the caller (OCPI 2.2.1, Transport: Message Routing). */
bool request_is_directed(const struct request *request);
/* Folded copy of an id, for the store. */
struct str request_fold(struct request *request, struct str id);
/* The party that is calling: FROM, else the first of the platform; NULL when nobody is known. */
const struct registry_party *request_caller(const struct request *request);
/* The party's key as text in the arena's lifetime of the snapshot. */
struct str request_party_key(const struct registry_party *party);

/* A sentence as it stands in an audit row: not longer than that takes. */
struct str request_audit_text(struct str text);
/* A word as OCPI's results are, ALLOWED, REJECTED …: then it is the row's status. */
bool request_is_result(struct str text);
/* What the request is about, in the caller's spelling: as its module said, else from its path or body. */
struct str request_object(struct request *request);
/* Takes out of the body what its audit row shows; while that is there. */
void request_audit_keep(struct request *request);
/* How it ends, for its audit row: `message` as the caller is told, `data` of a success where the route has a
 * result. */
void request_audit_end(struct request *request, int ocpi_status, struct str message, struct str data);
/* Fills an audit row about this request (strings live as long as the request). */
void request_audit_fill(struct request *request, struct store_audit *row, struct str status);
/* Adds it to a batch, with the number of a delivery that is in there; the request is then not audited a
 * second time when it is answered. */
void request_audit_batch(struct request *request, struct store_apply *batch, struct str status);

/* ---------------------------------------------------------------- for this room: body.c */

/* The systems that passed the request on, all its Via headers as one; for whatever is sent because of it. */
struct str request_via(const struct request *request);
/* Reads the JSON of a route that has any. False: answered. */
bool request_parse_body(struct request *request);

/* ---------------------------------------------------------------- for this room: caller.c */

/* The header's value, STR_NONE when it is absent. */
struct str request_header(const struct request *request, const char *name);
/* A pair of headers as a key: 0 absent, 1 read, -1 unusable. */
int request_header_key(const struct request *request, const char *country, const char *party,
                       struct ocpi_party_key *key);
/* Sets token, token_text and platform by the Authorization header. */
bool request_authenticate(struct request *request);
/* All parties of the calling platform are. */
bool request_is_suspended(const struct request *request);
/* Sets request->party for routes that name roles (hub-ocpi(7), ROUTING); before the body is there
 * it stays NULL where only that can tell. False: answered. */
bool request_find_party(struct request *request);
/* Lets the snapshot go while the body comes in, and takes the newest one afterwards: false when the caller is
 * not welcome any more, with `token` and `platform` NULL. */
void request_leave(struct request *request);
bool request_return(struct request *request);

#endif
