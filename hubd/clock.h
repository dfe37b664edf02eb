#ifndef HUBD_CLOCK_H
#define HUBD_CLOCK_H

#include "hubd/hub.h"

/*
 * The hub's own time (lib/base/clock.h), kept in the database. When the wall clock jumps or is in doubt it is
 * logged and shown in status; when it is sure again, and at each start, deadlines that it has spoilt are
 * pulled in. Also tells now and then what the log holds back. Control loop.
 */

/* Before anything else asks for the time, with the store open: sets hub->kept_offset and hub->steady_offset.
 */
void clock_open(struct hub *hub);
int clock_start(struct hub *hub);
bool clock_is_distrusted(const struct hub *hub);
/* What people should know of the wall clock, in `arena`: that it is in doubt, else that it jumped within the
 * last hour; empty when all is well. */
struct str clock_trouble(const struct hub *hub, struct arena *arena);
void clock_stop(struct hub *hub);
void clock_free(struct hub *hub);

#endif
