#ifndef HUBD_DESCRIPTORS_H
#define HUBD_DESCRIPTORS_H

#include <stdint.h>

/*
 * How the file descriptors that the system allows (RLIMIT_NOFILE) are shared out, over all loops together:
 * first come the database, the admin socket and its connections, names and logs, whatever partners do; then
 * partners' connections and the hub's own calls. With too few of them calls wait for each other and more
 * partners are answered 503, but nobody meets EMFILE, least of all hubctl.
 */
struct descriptors {
    uint64_t wanted;   /* that nothing need be shortened */
    unsigned refused;  /* connections that are being refused at once; more are hung up on */
    unsigned inbound;  /* connections of partners at once, at most connections_max */
    unsigned outbound; /* connections to partners at once, of each loop */
};

/* `limit`: what is allowed; `loops`: with the control loop. Never less than DESCRIPTORS_INBOUND_MIN and
 * DESCRIPTORS_OUTBOUND_MIN, even where that is more than allowed. */
#define DESCRIPTORS_INBOUND_MIN  16
#define DESCRIPTORS_OUTBOUND_MIN 2
#define DESCRIPTORS_PROBES       16 /* probes at once, whatever else is under way */
struct descriptors descriptors_share(uint64_t limit, unsigned loops, unsigned connections_max);

#endif
