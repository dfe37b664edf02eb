#ifndef HUBD_CLOCK_H
#define HUBD_CLOCK_H

#include "hubd/hub.h"

/*
 * The hub's own time (lib/base/clock.h), kept in the database. When the wall clock is in doubt it is logged
 * and shown in status; when it is sure again, and at each start, deadlines that it has spoilt are pulled in.
 * Also tells now and then what the log holds back. Control loop.
 */

/* Before anything else asks for the time, with the store open: sets hub->kept_offset and hub->steady_offset.
 */
void clock_open(struct hub *hub);
int clock_start(struct hub *hub);
/* Whether it is in doubt, and then what people should know of it, in `arena` (`what` may be NULL). */
bool clock_in_doubt(const struct hub *hub, struct arena *arena, struct str *what);
void clock_stop(struct hub *hub);
void clock_free(struct hub *hub);

#endif
