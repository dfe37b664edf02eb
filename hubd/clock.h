#ifndef HUBD_CLOCK_H
#define HUBD_CLOCK_H

#include "hubd/hub.h"

/*
 * The hub's own time (lib/base/clock.h), stored in the database. A wall clock that jumps, or that the hub
 * does not trust, is logged and shown by `hubctl status`. When the hub trusts it again, and at every start,
 * stored deadlines that a wrong clock had set too far ahead are brought forward. The same timer makes the log
 * report the lines that it has suppressed. Control loop.
 */

/* Sets hub->kept_offset and hub->steady_offset. Call it when the store is open, before anything asks for the
 * time. */
void clock_open(struct hub *hub);
/* Starts the timer. 0 or a negative error_code. */
int clock_start(struct hub *hub);
/* Whether the hub does not trust the wall clock now. */
bool clock_is_distrusted(const struct hub *hub);
/* A sentence for people, in `arena`: that the wall clock is not trusted, else that it jumped within the last
 * hour; empty when neither is so. */
struct str clock_trouble(const struct hub *hub, struct arena *arena);
void clock_stop(struct hub *hub);
void clock_free(struct hub *hub);

#endif
