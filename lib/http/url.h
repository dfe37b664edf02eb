#ifndef LIB_HTTP_URL_H
#define LIB_HTTP_URL_H

#include <sys/socket.h>

#include "lib/base/arena.h"
#include "lib/base/error.h"
#include "lib/http/url_own.h"

/* The longest name of the DNS, in bytes (RFC 1035 2.3.4). */
#define URL_HOST_MAX 253
/* "https://" + "[" host "]" + ":65535" and the NUL. */
#define URL_ORIGIN_SIZE (URL_HOST_MAX + 17)

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
/* "https://a.example:8443", an IPv6 address in brackets (RFC 3986 3.2.2), written to `out`. The scheme's own port is
 * written only with `standard_port`. URL_ORIGIN_SIZE bytes are enough for each. */
struct str url_origin(const struct url *url, bool standard_port, char *out, size_t size);

/* Parts of a URL that is known to be one, cut out of its text without a parser. */

/* What stands before the path: "https://a.example:8443". */
struct str url_text_origin(struct str text);
/* The host alone, an IPv6 address in its brackets; empty when there is none. */
struct str url_text_host(struct str text);
/* The URL without its query, which may carry a secret. */
struct str url_text_without_query(struct str text);

/* `base`, one slash, `rest`: OCPI's URLs are written with and without a slash at the end. */
struct str url_join(struct arena *arena, struct str base, struct str rest);

/*
 * Which addresses the hub may call (hub-ocpi(7), CALLS OF THE HUB).
 *
 * Private, loopback, shared (100.64/10), multicast and reserved addresses are refused, unless `allow_private` is set or
 * one of the networks contains them. The same holds for an IPv6 address that contains such an IPv4 address (mapped,
 * compatible, translated, 6to4, NAT64, Teredo, ISATAP). Link-local addresses (169.254/16, fe80::/10) and other addresses
 * of cloud metadata services are always refused.
 */
struct url_policy {
    bool allow_private;
    struct url_network *networks; /* owned; from url_policy_add */
    size_t network_count;
    const struct url_own *own; /* where this process listens: always refused; borrowed, may be NULL */
};

void url_policy_init(struct url_policy *policy, bool allow_private);
void url_policy_free(struct url_policy *policy);
/* Adds one entry of allow_networks: CIDR ("10.1.0.0/16", "fd00::/8", a bare address) or a host name whose
 * addresses are then allowed. */
int url_policy_add(struct url_policy *policy, struct str entry, struct error *error);
/* Whether `address` may be called: OK, or ERR_REFUSED with the reason. `host`: the name it was found by, which may be
 * among the allowed ones; may be empty. */
int url_policy_check(const struct url_policy *policy, struct str host, const struct sockaddr *address,
                     struct error *error);

#endif
