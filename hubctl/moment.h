#ifndef HUBCTL_MOMENT_H
#define HUBCTL_MOMENT_H

#include "lib/base/str.h"

/*
 * Reads a time as people type it: RFC 3339; a time without a zone or a date alone, which are local; "now",
 * "today", "yesterday" (local midnight); a duration ("90m"), which means that long ago. Returns false when it
 * is none of these.
 */
bool moment_parse(struct str text, int64_t *wall_ms);
/* Writes "2026-01-31 17:30:00+05:30" in local time or UTC; `out` has MOMENT_SIZE bytes. Returns `out`. */
#define MOMENT_SIZE 64
const char *moment_format(int64_t wall_ms, bool utc, char out[MOMENT_SIZE]);
/* The same, without the date when `now_ms` has the same one. Returns a place in `out`. */
const char *moment_clock(int64_t wall_ms, int64_t now_ms, bool utc, char out[MOMENT_SIZE]);
/* How long after something: "+12 ms", "+3.4 s", "+2 h 5 min"; the two greatest units that are not zero. */
const char *moment_offset(int64_t ms, char out[MOMENT_SIZE]);

/* How long ago (or ahead, when negative): "12 s", "3 min", "in 2 h"; the greatest unit. */
const char *moment_age(int64_t ms, char out[MOMENT_SIZE]);

#endif
