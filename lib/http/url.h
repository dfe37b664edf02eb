#ifndef LIB_HTTP_URL_H
#define LIB_HTTP_URL_H

#include <sys/socket.h>

#include "lib/base/arena.h"
#include "lib/base/error.h"
#include "lib/http/url_own.h"

/* A URL in parts (parsed by libcurl's URL API, RFC 3986). All parts live in the arena given. */
struct url {
    struct str scheme; /* "http" or "https", lower case */
    struct str host;   /* lower case, no brackets */
    uint16_t port;     /* the scheme's default when not written */
    struct str path;   /* begins with '/', never empty */
    struct str query;  /* without '?', may be empty */
};

/* Parses an absolute http(s) URL without user information, at most 2048 bytes; a fragment is refused.
 * ERR_INVALID with what is wrong. */
int url_parse(struct arena *arena, struct str text, struct url *url, struct error *error);
/* The same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);
/* `base` + '/' + `rest` with exactly one slash between them (OCPI joins are written both ways, rules 3). */
struct str url_join(struct arena *arena, struct str base, struct str rest);

/*
 * Which addresses the hub may call (hub-ocpi(7), CALLS OF THE HUB). Refused: private, loopback, shared
 * (100.64/10), multicast, reserved and link-local addresses, also where an IPv6 address carries them (mapped,
 * compatible, translated, 6to4, NAT64, Teredo, ISATAP), unless allow_private or a listed network contains
 * them; link-local ones (169.254/16, fe80::/10) and other addresses of cloud metadata services never.
 */
struct url_policy {
    bool allow_private;
    struct url_network *networks; /* owned; from url_policy_add */
    size_t network_count;
    const struct url_own *own; /* where this process itself listens: never called; borrowed, may be NULL */
};

void url_policy_init(struct url_policy *policy, bool allow_private);
void url_policy_free(struct url_policy *policy);
/* Adds one entry of allow_networks: CIDR ("10.1.0.0/16", "fd00::/8", a bare address) or a host name whose
 * addresses are then allowed. */
int url_policy_add(struct url_policy *policy, struct str entry, struct error *error);
/* `host` is the name that was asked for (for listed hosts), may be empty. ERR_REFUSED with the reason. */
int url_policy_check(const struct url_policy *policy, struct str host, const struct sockaddr *address,
                     struct error *error);

#endif
