#include "hubd/descriptors.h"

#define FOR_ADMIN  128 /* connections of hubctl, see lib/ctl/server.h */
#define FOR_FILES  64  /* database, key, backup, log, listening sockets, certificates */
#define FOR_NAMES  128 /* what getaddrinfo opens, on the resolver's threads */
#define FOR_PROBES (DESCRIPTORS_PROBES + DESCRIPTORS_PROBES / OUTBOUND_TWO)
#define FOR_LOOP   12 /* epoll, eventfd, pipes, a reader of the database */
/* Connections that may be answered 503 at the same time: one in so many descriptors, within these bounds. */
#define REFUSED_PART 24
#define REFUSED_MIN  16
#define REFUSED_MAX  512
/*
 * Connections of a loop to partners, and how many of them are opened over IPv6 and IPv4 at once (RFC 8305).
 */
#define OUTBOUND_MAX 1024
#define OUTBOUND_TWO 8 /* one of so many */

static uint64_t at_least(uint64_t value, uint64_t minimum)
{
    return value > minimum ? value : minimum;
}

static uint64_t at_most(uint64_t value, uint64_t maximum)
{
    return value < maximum ? value : maximum;
}

struct descriptors descriptors_share(uint64_t limit, unsigned loops, unsigned connections_max)
{
    uint64_t refused = at_most(at_least(limit / REFUSED_PART, REFUSED_MIN), REFUSED_MAX);
    uint64_t fixed = FOR_ADMIN + FOR_FILES + FOR_NAMES + FOR_PROBES + (uint64_t)loops * FOR_LOOP;
    uint64_t beside = fixed + refused;
    uint64_t calls = (uint64_t)loops * (OUTBOUND_MAX + OUTBOUND_MAX / OUTBOUND_TWO);
    uint64_t rest = limit > beside ? limit - beside : 0;
    /* Calls get what connections_max leaves, but at least a quarter. */
    uint64_t left = rest > connections_max ? rest - connections_max : 0;
    uint64_t outbound = at_most(at_least(left, rest / 4), calls);
    uint64_t inbound = at_most(rest - outbound, connections_max);
    uint64_t each = outbound / loops * OUTBOUND_TWO / (OUTBOUND_TWO + 1);

    return (struct descriptors){
        .wanted = fixed + REFUSED_MAX + connections_max + calls,
        .refused = (unsigned)refused,
        .inbound = (unsigned)at_most(at_least(inbound, DESCRIPTORS_INBOUND_MIN), connections_max),
        .outbound = (unsigned)at_least(each, DESCRIPTORS_OUTBOUND_MIN),
    };
}
