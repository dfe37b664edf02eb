#ifndef HUBD_DESCRIPTORS_H
#define HUBD_DESCRIPTORS_H

#include <stdint.h>

/*
 * Shares out the file descriptors that the system allows (RLIMIT_NOFILE) among all loops. The database, the
 * admin socket with its connections, the resolver and the log get theirs first; partners' connections and the
 * hub's own calls share the rest. When there are too few, calls wait for each other and more partners are
 * answered 503, but no open() fails with EMFILE, and hubctl can always connect.
 */
struct descriptors {
    uint64_t wanted;   /* the limit at which no share would have to be cut */
    unsigned refused;  /* connections that may be answered 503 at the same time; more are closed unanswered */
    unsigned inbound;  /* partners' connections at the same time, at most connections_max */
    unsigned outbound; /* connections to partners at the same time, per loop */
};

/* The shares of `limit` descriptors over `loops` loops, the control loop counted. No share is less than
 * DESCRIPTORS_INBOUND_MIN or DESCRIPTORS_OUTBOUND_MIN, even when the limit is too low for that. */
#define DESCRIPTORS_INBOUND_MIN  16
#define DESCRIPTORS_OUTBOUND_MIN 2
#define DESCRIPTORS_PROBES       16 /* probes at the same time, beside all other calls */
struct descriptors descriptors_share(uint64_t limit, unsigned loops, unsigned connections_max);

#endif
