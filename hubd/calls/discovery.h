#ifndef HUBD_CALLS_DISCOVERY_H
#define HUBD_CALLS_DISCOVERY_H

#include "hubd/calls/outbound.h"

/*
 * Finds a partner's endpoints: GETs the URL that it gave, which may be that of a versions list or of version
 * details, tries "versions" in place of its last segment, and GETs the details of 2.2.1 (OCPI 2.2.1,
 * Credentials: Registration; hub-ocpi(7), CREDENTIALS).
 */
#define DISCOVERY_ENDPOINTS_MAX 128

struct discovery_endpoint {
    struct str module;     /* ModuleID */
    bool sender, receiver; /* InterfaceRole; both where the partner names none */
    struct str url;        /* accepted by partner_url_read as a base */
};

struct discovery {
    uint32_t magic; /* own */
    /* in; must live until the callback */
    struct arena *arena;
    struct hub *hub;
    int64_t timeout_ms; /* of each document */
    struct http_client *client;
    struct str token, url;
    /* A URL that answered an earlier discovery; tried last, if it is on the same host. May be empty. */
    struct str learned;
    bool raw_first; /* present the token raw at the first try, else in Base64 */
    /* Instead of `token`: the registry's token of `platform`, whose snapshot each call holds. */
    struct registry_view *view;
    int64_t platform;
    struct str correlation_id;                          /* STR_NONE: each call makes one */
    bool (*is_alive)(const struct ocpi_answer *answer); /* as in outbound.h */
    /* Called before each call, to show progress; `document`: "versions" or "version details". May be NULL. */
    void (*asks)(struct discovery *discovery, const char *document, struct str url);
    void (*done)(struct discovery *discovery);
    void *context;
    /* out */
    int status;              /* OCPI: 1000; 3001 the call failed, 3002 no version 2.2.1, 3003 no endpoints */
    struct str message;      /* why it failed */
    bool unauthorized;       /* a call was answered 401, 403 or with a 2xxx code, in both encodings */
    struct str versions_url; /* the versions list; without one, the version details */
    bool used_raw;           /* the token's encoding that worked */
    struct discovery_endpoint endpoints[DISCOVERY_ENDPOINTS_MAX];
    size_t endpoint_count;
    bool partial;       /* more are listed than DISCOVERY_ENDPOINTS_MAX */
    struct str refused; /* endpoints with unacceptable URLs, and why; empty: none */
    struct str proven;  /* on success: the URLs that answered, space separated */
    /* own */
    struct outbound outbound;
    struct str candidates[4];
    int statuses[4]; /* HTTP, of candidates that answered with no such document */
    unsigned candidate, candidate_count;
    struct str other_version; /* URL of details of another version; NULL data: none found */
};

/* Begins; `done` is called later, once. */
void discovery_start(struct discovery *discovery);
/* Whether `url` is on the host that the partner's token came with: it is presented to no other (hub-ocpi(7),
 * CALLS OF THE HUB). */
bool discovery_same_host(const struct discovery *discovery, struct str url);
/* `url` with its last path segment replaced by "versions"; `url` itself when it ends so (hub-ocpi(7),
 * HEALTH). */
struct str discovery_versions_url(struct arena *arena, struct str url);
/* Whether the endpoint is the one that a module key (interfaces.h) means for a party with those roles. */
bool discovery_offers(const struct discovery_endpoint *endpoint, unsigned roles, struct str key);

/* ---------------------------------------------------------------- reading a document: discovery_read.c */

enum discovery_document { DISCOVERY_NOTHING, DISCOVERY_LIST, DISCOVERY_DETAILS };
/* Which document a 2xx answer holds. `*found`: the versions list, or the object with `endpoints`. */
enum discovery_document discovery_look(struct arena *arena, const struct outbound *outbound,
                                       const struct json_value **found);
/* For outbound.accepts: takes a document as a valid answer, whatever it is wrapped in. */
bool discovery_accepts(const struct outbound *outbound);
/* Whether the document offers version 2.2.1. */
bool discovery_has_221(enum discovery_document kind, const struct json_value *found);
/* Whether a version's name means 2.2.1: "2.2.1", "v2.2.1", "2.2.1-d2". */
bool discovery_is_221(struct str name);
/* Adds the endpoints of version details to the discovery. */
void discovery_take_endpoints(struct discovery *discovery, const struct json_value *details);

#endif
