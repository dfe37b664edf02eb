#ifndef LIB_HTTP_URL_OWN_H
#define LIB_HTTP_URL_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * The addresses on which this process listens, so that no partner can make it call itself (hub-ocpi(7), CREDENTIALS).
 * Filled before the first call, then only read, by every loop without a lock.
 */
#define URL_OWN_MAX 32

struct url_own {
    struct sockaddr_storage listeners[URL_OWN_MAX];
    size_t count;
};

/* Adds an address with its port; those beyond URL_OWN_MAX are ignored. */
void url_own_add(struct url_own *own, const struct sockaddr *address);
/*
 * Whether a connection to `address` reaches one of the listeners. A listener on the unspecified address (0.0.0.0, ::) is
 * reached by every address of this machine; the unspecified address as a target means this machine. An IPv4 address and
 * its IPv6-mapped form are equal (RFC 4291 section 2.5.5.2). `own` may be NULL.
 */
bool url_own_has(const struct url_own *own, const struct sockaddr *address);
/* Whether one of the listeners has this port, on any address. */
bool url_own_has_port(const struct url_own *own, unsigned port);

#endif
