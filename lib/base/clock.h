#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How far the wall clock can be trusted (hubd(8), LOG: a jump of it expires nothing in bulk). The hub
 * keeps a time of its own: it is the wall clock's as long as that moves as time does. When the wall clock
 * jumps, or is not near where it was left at the last start, the hub's own time goes on from where it was, by
 * the steady clock, and the wall clock is in doubt: until it comes back to the hub's time, or has run evenly
 * for a day.
 *
 * What is kept grows old, and tokens end, by this time; and nothing is deleted for its age in doubt. Pure:
 * the caller reads both clocks (milliseconds: `wall` since 1970, `steady` since any start) and keeps the
 * mark.
 */

/* As far as this the wall clock is set right or drifts, and is simply followed. */
#define CLOCK_STEP_MS INT64_C(60000)
/* How long a hub may have been down without a question. */
#define CLOCK_DOWN_MS INT64_C(3600000)
/* A wall clock in doubt that has run evenly for so long is right. */
#define CLOCK_CONFIRM_MS INT64_C(86400000)

struct clock {
    int64_t offset;      /* the hub's time minus the steady clock */
    int64_t wall_offset; /* the wall clock minus the steady clock, at the last look */
    bool doubt;
    int64_t even_since;  /* steady, in doubt: the wall clock has run evenly from then on */
    int64_t even_before; /* and so long before this start */
};

/* What a database remembers of it. */
struct clock_mark {
    int64_t time; /* the hub's */
    int64_t wall; /* the wall clock, at the same moment */
    int64_t even; /* in doubt: how long the wall clock had run evenly, else -1 */
};

enum clock_event {
    CLOCK_EVEN,     /* nothing to say */
    CLOCK_JUMPED,   /* in doubt from now on, or again */
    CLOCK_RETURNED, /* the wall clock is where the hub's time is */
    CLOCK_CONFIRMED /* the hub's time is the wall clock's from now on */
};

/* At the start. `mark`: the last one, NULL in a new database, where the wall clock is all there is. */
enum clock_event clock_begin(struct clock *clock, const struct clock_mark *mark, int64_t wall,
                             int64_t steady);
/* Now and then, at least every few minutes. */
enum clock_event clock_look(struct clock *clock, int64_t wall, int64_t steady);
/* The hub's time. */
int64_t clock_time(const struct clock *clock, int64_t steady);
/* How far the wall clock is ahead of it, ms; negative: behind. */
int64_t clock_ahead(const struct clock *clock);
/* In doubt: how long until the wall clock is believed, if it runs evenly. */
int64_t clock_until_confirmed(const struct clock *clock, int64_t steady);
struct clock_mark clock_mark(const struct clock *clock, int64_t steady);

#endif
