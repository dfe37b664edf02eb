#ifndef LIB_HTTP_URL_OWN_H
#define LIB_HTTP_URL_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * Where this process listens, so that it is never made to call itself (hub-ocpi(7), CREDENTIALS). Filled
 * before the first call, then only read: by every loop, without a lock.
 */
#define URL_OWN_MAX 32

struct url_own {
    struct sockaddr_storage listeners[URL_OWN_MAX];
    size_t count;
};

/* One address and port more; more than URL_OWN_MAX are not kept. */
void url_own_add(struct url_own *own, const struct sockaddr *address);
/*
 * Whether a connection to `address` ends at one of the listeners. One that listens on every address is
 * reached by any of this machine's; the unspecified address (0.0.0.0, ::) as a target is the machine itself;
 * an IPv4 address and its IPv6-mapped form are the same (RFC 4291 section 2.5.5.2). `own` may be NULL.
 */
bool url_own_has(const struct url_own *own, const struct sockaddr *address);
/* Whether a connection from this machine to its own `port` may end at a listener, whatever the address. */
bool url_own_has_port(const struct url_own *own, unsigned port);

#endif
