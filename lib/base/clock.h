#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decides whether the wall clock is to be trusted (hubd(8), LOG), so that a wrong clock does not expire everything at
 * once. The hub has a time of its own. It equals the wall clock as long as the wall clock advances like the steady
 * clock. The wall clock is untrusted when it jumps, or when hubd starts and finds it far from where it was when hubd
 * stopped. The hub's time then advances with the steady clock. The wall clock is trusted again when it comes back to
 * the hub's time, or when it has advanced evenly for a day.
 *
 * Tokens expire and retention counts by the hub's time. While the wall clock is untrusted, retention deletes nothing.
 *
 * These functions read no clock and store nothing: the caller passes both clocks in ms (`wall` since 1970-01-01 UTC,
 * `steady` since any start) and stores the mark.
 */

/* A jump up to this is a correction or a drift: the hub's time follows it. */
#define CLOCK_STEP_MS INT64_C(60000)
/* A hub that was down for less than this trusts the wall clock at its start. */
#define CLOCK_DOWN_MS INT64_C(3600000)
/* An untrusted wall clock that has advanced evenly for this long is trusted again. */
#define CLOCK_CONFIRM_MS INT64_C(86400000)

struct clock {
    int64_t offset;      /* the hub's time minus the steady clock */
    int64_t wall_offset; /* the wall clock minus the steady clock, at the last look */
    bool untrusted;
    int64_t even_since;  /* while untrusted: steady time from which the wall clock has advanced evenly */
    int64_t even_before; /* while untrusted: ms that it had advanced evenly before this start */
};

/* What the database stores of it. */
struct clock_mark {
    int64_t time; /* the hub's time */
    int64_t wall; /* the wall clock, at the same moment */
    int64_t even; /* while untrusted: ms that the wall clock had advanced evenly; else -1 */
};

enum clock_event {
    CLOCK_EVEN,     /* nothing has changed */
    CLOCK_JUMPED,   /* the wall clock is untrusted from now on */
    CLOCK_RETURNED, /* the wall clock is back at the hub's time, and trusted */
    CLOCK_CONFIRMED /* the wall clock advanced evenly for a day: the hub's time is the wall clock's now */
};

/* Begins, when hubd starts. `mark`: the stored one; NULL in a new database, where the wall clock is trusted. */
enum clock_event clock_begin(struct clock *clock, const struct clock_mark *mark, int64_t wall,
                             int64_t steady);
/* Looks at both clocks. Call it at least every few minutes. */
enum clock_event clock_look(struct clock *clock, int64_t wall, int64_t steady);
/* The hub's time. */
int64_t clock_time(const struct clock *clock, int64_t steady);
/* How far the wall clock is ahead of the hub's time, ms; negative: behind. */
int64_t clock_ahead(const struct clock *clock);
/* While untrusted: ms until the wall clock is trusted again, if it advances evenly. */
int64_t clock_until_confirmed(const struct clock *clock, int64_t steady);
/* The mark to be stored now. */
struct clock_mark clock_mark(const struct clock *clock, int64_t steady);

#endif
