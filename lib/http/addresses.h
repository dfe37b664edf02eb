#ifndef LIB_HTTP_ADDRESSES_H
#define LIB_HTTP_ADDRESSES_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Counts the open connections from each address, over all servers. An IPv6 /64 network counts as one address, since its
 * owner may use any address in it; an IPv4-mapped IPv6 address counts as the IPv4 address. All functions take constant
 * time. They take a lock, but are called only when a connection opens or closes, not for a request.
 */
struct http_addresses;
struct http_address;

/* NULL: no memory. */
struct http_addresses *http_addresses_new(void);
/* Call it when nothing enters any more. The memory is freed when the last counted connection has left. NULL is fine. */
void http_addresses_free(struct http_addresses *addresses);
/*
 * Counts one more connection from `peer`; pass *address to http_addresses_leave when it closes. False: there are
 * `maximum` already, or there is no memory; nothing is counted and *address is NULL. A peer that is neither IPv4 nor
 * IPv6 is not counted: true, and *address is NULL. Thread safe.
 */
bool http_addresses_enter(struct http_addresses *addresses, const struct sockaddr_storage *peer,
                          unsigned maximum, struct http_address **address);
/* Counts one connection less. Thread safe. NULL is fine. */
void http_addresses_leave(struct http_address *address);

#endif
