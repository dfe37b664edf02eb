#ifndef LIB_HTTP_ADDRESSES_H
#define LIB_HTTP_ADDRESSES_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * How many connections are open from each address, over all servers. An IPv6 peer has a whole network to
 * choose addresses from: there a /64 counts as one; an IPv4 address written as IPv6 is the IPv4 one. Constant
 * time; the lock is taken when a connection opens and when it closes, never for a request.
 */
struct http_addresses;
struct http_address;

/* NULL without memory. */
struct http_addresses *http_addresses_new(void);
/* Nobody enters any more. The memory goes when the last of those who are counted has left. NULL is fine. */
void http_addresses_free(struct http_addresses *addresses);
/*
 * Thread safe: counts one more from `peer`, who leaves with *address. False: there are `maximum` from there
 * already (or no memory); nothing was counted and *address is NULL. What is neither IPv4 nor IPv6 is not
 * counted: true with NULL.
 */
bool http_addresses_enter(struct http_addresses *addresses, const struct sockaddr_storage *peer,
                          unsigned maximum, struct http_address **address);
/* Thread safe. NULL is fine. */
void http_addresses_leave(struct http_address *address);

#endif
