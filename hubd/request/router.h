#ifndef HUBD_REQUEST_ROUTER_H
#define HUBD_REQUEST_ROUTER_H

#include "hubd/registry/limit.h"
#include "lib/base/buffer.h"
#include "lib/http/message.h"
#include "lib/ocpi/modules.h"

/*
 * The one table of paths: module, interface, method, path, who may call, what is audited, and the function
 * that does it. The versions document is made from it.
 */
#define ROUTE_PARAMS_MAX 6

enum route_access {
    ROUTE_HUB_TOKEN,   /* a hub token */
    ROUTE_INITIAL_TOO, /* an initial token will do (versions, credentials) */
    ROUTE_OPEN         /* no authentication: the secret is in the path (command callbacks) */
};

enum route_interface { ROUTE_SENDER = 1, ROUTE_RECEIVER = 2 };

enum route_audit {
    ROUTE_AUDIT_NONE,    /* GETs served from the store are counted and leave no row */
    ROUTE_AUDIT_PUSH,    /* its row is in the transaction of its effect */
    ROUTE_AUDIT_REALTIME /* durable within a second after the answer */
};

/* ANY: any JSON or none, for what the hub only passes on. */
enum route_body { ROUTE_BODY_NONE, ROUTE_BODY_OPTIONAL, ROUTE_BODY_OBJECT, ROUTE_BODY_ANY };

enum route_flag {
    ROUTE_OWNER = 1,   /* the first two parameters name the calling party, else 403 */
    ROUTE_BACKFILL = 2 /* only while the setting emsp_backfill is on; else the method is not offered there */
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
    unsigned roles; /* enum ocpi_role bits that the calling party needs one of; 0: any platform */
    unsigned flags; /* enum route_flag */
    enum route_body body;
    enum route_audit audit;
    const char *action; /* audit action, "session.put" */
    void (*handle)(struct request *request);
    /* Few rows need the rest. */
    enum limit_kind limit; /* how often a party may ask it */
    const char *result;    /* member of a success's data that says how it ended: the audit row's status */
    /* Looks at the request before its body is read: goes on with request_take_body, or answers. NULL: goes
     * on. */
    void (*admit)(struct request *request);
    size_t body_max; /* bytes, 0: the setting's */
    /* OCPI-to headers that name another party: this passes the request on to it, the module is not asked.
     * NULL: the module is. */
    void (*directed)(struct request *request);
};

/* The table is hubd/modules/routes.c: it stands above this room, with the functions that its rows name. */
extern const struct route routes[];
extern const size_t routes_count;
/* A module that the hub does not know, with any method: only for requests that OCPI-to headers direct. */
extern const struct route routes_relay;

struct router_match {
    const struct route *route; /* NULL: no path like this (known = false), or another method (known = true) */
    bool known;
    bool glued;      /* the module's name and what follows it are one segment of the path */
    bool functional; /* below a functional module, or one that no row names */
    struct str params[ROUTE_PARAMS_MAX]; /* raw, still percent-encoded */
    unsigned param_count;
    unsigned allowed;  /* bits 1 << enum http_method of the path's methods */
    unsigned off;      /* no row for this method because of these conditions, which are not met */
    struct str module; /* of a path below 2.2.1 whose module no row names; NULL data else */
};

/* The segments of a path, empty ones ("//", trailing slash) left out; -1: more than ROUTE_SEGMENTS_MAX. */
#define ROUTE_SEGMENTS_MAX 12
int router_split(struct str path, struct str segments[ROUTE_SEGMENTS_MAX]);
/* Cuts the module's name off the segment that begins with it (`segments` begin with "ocpi"); returns the new
 * count, or `count` where there is nothing to cut. */
int router_unglue(struct str segments[ROUTE_SEGMENTS_MAX], int count);

/* Those of ROUTE_CONDITIONS that are met. */
unsigned router_conditions(const struct conf *conf);
/*
 * Paths match with or without a trailing slash, with "//" collapsed. Of rows that match alike the first one
 * counts. A partner that joins a module's URL and the rest without a slash ("locationsIN/ABC/L1") is
 * understood where no row matches otherwise (hub-ocpi(7), TOLERANCE).
 */
void router_find(unsigned conditions, enum http_method method, struct str path, struct router_match *match);
/* A functional module: routing headers mean something there (OCPI 2.2.1, Transport: Message Routing). */
bool router_is_functional(const struct route *route);
/* The value of the Allow header. */
void router_write_allow(unsigned allowed, struct buffer *out);
/* The endpoints of the versions document as a JSON array. */
struct json_writer;
void router_write_endpoints(unsigned conditions, struct json_writer *writer, const char *base_url);

#endif
