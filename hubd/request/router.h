#ifndef HUBD_REQUEST_ROUTER_H
#define HUBD_REQUEST_ROUTER_H

#include "hubd/registry/limit.h"
#include "lib/base/buffer.h"
#include "lib/http/message.h"
#include "lib/ocpi/modules.h"

/*
 * Finds the row of the table of routes for a request. A row says module, interface, method, path, who may
 * call, what is audited, and which function handles it. The versions document is made from the same table.
 */
#define ROUTE_PARAMS_MAX 6

enum route_access {
    ROUTE_HUB_TOKEN,   /* a hub token */
    ROUTE_INITIAL_TOO, /* a hub token or an initial token (versions, credentials) */
    ROUTE_OPEN         /* no authentication: the secret is in the path (command callbacks) */
};

enum route_interface { ROUTE_SENDER = 1, ROUTE_RECEIVER = 2 };

enum route_audit {
    ROUTE_AUDIT_NONE,    /* GETs served from the store are counted and leave no row */
    ROUTE_AUDIT_PUSH,    /* the row is written in the transaction of the change */
    ROUTE_AUDIT_REALTIME /* the row is durable within a second after the answer */
};

/* The body that a route takes. ANY: any JSON or none, for what the hub only passes on. */
enum route_body { ROUTE_BODY_NONE, ROUTE_BODY_OPTIONAL, ROUTE_BODY_OBJECT, ROUTE_BODY_ANY };

enum route_flag {
    ROUTE_OWNER = 1,   /* the first two parameters name the calling party, else 403 */
    ROUTE_BACKFILL = 2 /* the row counts only while the setting emsp_backfill is on */
};
#define ROUTE_CONDITIONS ROUTE_BACKFILL /* flags of rows that need a setting */

struct conf;
struct request;

struct route {
    enum ocpi_module module;
    unsigned interfaces; /* enum route_interface bits, for the versions document; 0: not listed */
    enum http_method method;
    const char *path; /* below /ocpi/, e.g. "2.2.1/locations/{country_code}/{party_id}/{location_id}" */
    enum route_access access;
    unsigned roles; /* enum ocpi_role bits; the calling party needs one of them. 0: any platform */
    unsigned flags; /* enum route_flag */
    enum route_body body;
    enum route_audit audit;
    const char *action; /* audit action, "session.put" */
    void (*handle)(struct request *request);
    /* The rest is zero in most rows. */
    enum limit_kind limit; /* how often a party may call it */
    const char *result;    /* member of a success's data that becomes the audit row's status */
    /* Decides, before the body is read, whether the request goes on: calls request_take_body, or answers.
     * NULL: it goes on. */
    void (*admit)(struct request *request);
    size_t body_max; /* bytes, 0: the setting's */
    /* Handles, in place of `handle`, a request whose OCPI-to headers name another party: passes it on. NULL:
     * `handle` does. */
    void (*directed)(struct request *request);
};

/* The table, in hubd/modules/routes.c: the functions that its rows name are above this room. */
extern const struct route routes[];
extern const size_t routes_count;
/* The route of requests to modules that the hub does not know, with any method: OCPI-to headers must name
 * another party. */
extern const struct route routes_relay;

struct router_match {
    const struct route *route; /* NULL: there is no such path, or (`known`) it has no such method */
    bool known;
    bool glued;                          /* the path was found by router_unglue */
    bool functional;                     /* below a functional module, or one that no row names */
    struct str params[ROUTE_PARAMS_MAX]; /* raw, still percent-encoded */
    unsigned param_count;
    unsigned allowed;  /* bits 1 << enum http_method of the path's methods */
    unsigned off;      /* ROUTE_CONDITIONS that are not met and because of which there is no row */
    struct str module; /* the unknown module of a path below 2.2.1; else NULL data */
};

/* Splits a path into segments, views of it, and leaves empty ones out ("//", a slash at the end). Returns how
 * many; -1: more than ROUTE_SEGMENTS_MAX. */
#define ROUTE_SEGMENTS_MAX 12
int router_split(struct str path, struct str segments[ROUTE_SEGMENTS_MAX]);
/* Splits a segment that begins with a module's name ("locationsIN") in two; `segments` begin with "ocpi".
 * Returns the new count, or `count` when there is no such segment. */
int router_unglue(struct str segments[ROUTE_SEGMENTS_MAX], int count);

/* The ROUTE_CONDITIONS that the settings meet. */
unsigned router_conditions(const struct conf *conf);
/*
 * Finds the row of a path. Empty segments do not count; of rows that match, the first one is taken. When no
 * row matches, a path whose module and next segment lack the slash between them ("locationsIN/ABC/L1") is
 * tried as if it had one (hub-ocpi(7), TOLERANCE).
 */
void router_find(unsigned conditions, enum http_method method, struct str path, struct router_match *match);
/* Whether the route belongs to a functional module, which has routing headers (OCPI 2.2.1, Transport: Message
 * Routing). */
bool router_is_functional(const struct route *route);
/* Writes the value of the Allow header (RFC 9110 section 10.2.1). */
void router_write_allow(unsigned allowed, struct buffer *out);
/* Writes the endpoints of the version details as a JSON array. */
struct json_writer;
void router_write_endpoints(unsigned conditions, struct json_writer *writer, const char *base_url);

#endif
