#ifndef HUBCTL_MOMENT_H
#define HUBCTL_MOMENT_H

#include "lib/base/str.h"

/*
 * Times as people write and read them. Written: RFC 3339; without a zone, or as a date alone, local time;
 * "now", "today", "yesterday" (local midnight); a duration ("90m") is that long ago. False when it is none of
 * these.
 */
bool moment_parse(struct str text, int64_t *wall_ms);
/* Read: "2026-01-31 17:30:00+05:30" in local time or UTC; `out` has MOMENT_SIZE bytes. Returns `out`. */
#define MOMENT_SIZE 64
const char *moment_format(int64_t wall_ms, bool utc, char out[MOMENT_SIZE]);
/* The same, without its date when that is the date of `now_ms`. Returns a place in `out`. */
const char *moment_clock(int64_t wall_ms, int64_t now_ms, bool utc, char out[MOMENT_SIZE]);
/* How long after something: "+12 ms", "+3.4 s", "+2 h 5 min"; the two greatest units that say something. */
const char *moment_offset(int64_t ms, char out[MOMENT_SIZE]);

/* How long ago (or ahead, when negative): "12 s", "3 min", "in 2 h"; the greatest unit. */
const char *moment_age(int64_t ms, char out[MOMENT_SIZE]);

#endif
