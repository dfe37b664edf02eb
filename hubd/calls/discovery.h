#ifndef HUBD_CALLS_DISCOVERY_H
#define HUBD_CALLS_DISCOVERY_H

#include "hubd/calls/outbound.h"

/*
 * Finds a partner's endpoints: GETs what it gave as `url` - a versions list or a version details document,
 * with or without `versions` beside it - and the details of 2.2.1 (OCPI 2.2.1, Credentials: Registration;
 * hub-ocpi(7), CREDENTIALS).
 */
#define DISCOVERY_ENDPOINTS_MAX 128

struct discovery_endpoint {
    struct str module;     /* ModuleID */
    bool sender, receiver; /* InterfaceRole; both where the partner names none */
    struct str url;        /* as partner_url_read takes a base */
};

struct discovery {
    /* in; must live until the callback */
    struct arena *arena;
    struct hub *hub;
    int64_t timeout_ms; /* of each document */
    struct http_client *client;
    struct str token, url;
    struct str
        learned; /* asked last, where it is on the same host: what answered another time; may be empty */
    bool raw_first;
    struct registry_view *view; /* instead of `token`: what the registry has for `platform`, held per call */
    int64_t platform;
    struct str correlation_id;                          /* STR_NONE: a new one per call */
    bool (*is_alive)(const struct ocpi_answer *answer); /* as in outbound.h */
    /* Told before each call, for those who wait: "versions" or "version details". May be NULL. */
    void (*asks)(struct discovery *discovery, const char *document, struct str url);
    void (*done)(struct discovery *discovery);
    void *context;
    /* out */
    int status;              /* OCPI: 1000; 3001 cannot be called, 3002 no 2.2.1, 3003 no endpoints */
    struct str message;      /* why not */
    bool unauthorized;       /* a call was answered 401, 403 or with a 2xxx code, in both encodings */
    struct str versions_url; /* what answered: the versions list, where there is none the details */
    bool used_raw;           /* the token's encoding that worked */
    struct discovery_endpoint endpoints[DISCOVERY_ENDPOINTS_MAX];
    size_t endpoint_count;
    bool partial;       /* more endpoints are listed than are taken */
    struct str refused; /* endpoints whose URLs are not taken, and why; empty: none */
    struct str proven;  /* on success: the URLs that answered, space separated */
    /* own */
    struct outbound outbound;
    struct str candidates[4];
    int statuses[4]; /* HTTP, of the candidates that answered something else */
    unsigned candidate, candidate_count;
    struct str other_version; /* details of another version were found, where; else NULL data */
};

void discovery_start(struct discovery *discovery);
/* The partner's token only goes to the host that came with it (hub-ocpi(7), CALLS OF THE HUB): whether `url`
 * is on it. */
bool discovery_same_host(const struct discovery *discovery, struct str url);
/* `url` with its last path segment replaced by "versions"; itself when it ends so already (hub-ocpi(7),
 * HEALTH).
 */
struct str discovery_versions_url(struct arena *arena, struct str url);
/* Whether the endpoint is what a party of those roles has for a receiver's key (interfaces.h). */
bool discovery_offers(const struct discovery_endpoint *endpoint, unsigned roles, struct str key);

/* ---------------------------------------------------------------- reading a document: discovery_read.c */

enum discovery_document { DISCOVERY_NOTHING, DISCOVERY_LIST, DISCOVERY_DETAILS };
/* What a 2xx answer holds: `*found` is the versions list, or the object with `endpoints`. */
enum discovery_document discovery_look(struct arena *arena, const struct outbound *outbound,
                                       const struct json_value **found);
/* For outbound's `accepts`: a document, in whatever wrapping, is a valid answer of the partner's. */
bool discovery_accepts(const struct outbound *outbound);
/* A document that was found offers the hub's version. */
bool discovery_has_221(enum discovery_document kind, const struct json_value *found);
/* "2.2.1", "v2.2.1", "2.2.1-d2". */
bool discovery_is_221(struct str name);
/* Adds the endpoints of version details. */
void discovery_take_endpoints(struct discovery *discovery, const struct json_value *details);

#endif
