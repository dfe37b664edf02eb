#ifndef HUBD_ROUTER_H
#define HUBD_ROUTER_H

#include "hubd/limits.h"
#include "lib/base/buffer.h"
#include "lib/http/message.h"

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
    ROUTE_AUDIT_NONE,    /* GETs served from the store are counted, not rowed */
    ROUTE_AUDIT_PUSH,    /* its row is in the transaction of its effect */
    ROUTE_AUDIT_REALTIME /* durable within a second after the answer */
};

enum route_body { ROUTE_BODY_NONE, ROUTE_BODY_OPTIONAL, ROUTE_BODY_OBJECT };

/* Settings that a row needs, as bits: while it is off, the row is not there. */
enum route_setting { ROUTE_ALWAYS = 0, ROUTE_EMSP_BACKFILL = 1 };

struct conf;
struct request;

struct route {
    const char *module;  /* ModuleID, "versions" for the two version endpoints */
    unsigned interfaces; /* enum route_interface bits, for the versions document; 0: not listed */
    enum http_method method;
    const char *path; /* below /ocpi/, e.g. "2.2.1/locations/{country_code}/{party_id}/{location_id}" */
    enum route_access access;
    unsigned roles;  /* enum ocpi_role bits that the calling party needs one of; 0: any platform */
    bool owner_path; /* the first two parameters name the calling party, else 403 */
    enum route_body body;
    enum route_audit audit;
    const char *action; /* audit action, "session.put" */
    void (*handle)(struct request *request);
    /* Few rows need the rest. */
    enum limit_kind limit; /* how often a party may ask it */
    unsigned settings;     /* enum route_setting bits */
};

extern const struct route router_routes[];
extern const size_t router_route_count;

struct router_match {
    const struct route *route; /* NULL: no path like this (known = false), or another method (known = true) */
    bool known;
    struct str params[ROUTE_PARAMS_MAX]; /* raw, still percent-encoded */
    unsigned param_count;
    unsigned allowed; /* bits 1 << enum http_method of the path's methods */
};

/* The enum route_setting bits that are on. */
unsigned router_settings(const struct conf *conf);
/* Paths match with or without a trailing slash, with "//" collapsed. Of rows that match alike the first one
 * counts. */
void router_find(unsigned settings, enum http_method method, struct str path, struct router_match *match);
/* A functional module: routing headers mean something there (OCPI 2.2.1, Transport: Message Routing). */
bool route_is_functional(const struct route *route);
/* The value of the Allow header. */
void router_write_allow(unsigned allowed, struct buffer *out);
/* The endpoints of the versions document as a JSON array. */
struct json_writer;
void router_write_endpoints(unsigned settings, struct json_writer *writer, const char *base_url);

#endif
