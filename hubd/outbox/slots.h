#ifndef HUBD_OUTBOX_SLOTS_H
#define HUBD_OUTBOX_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How many messages of a queue go out side by side (hub-ocpi(7), DELIVERY), so that those that are never
 * answered do not keep the others waiting. The same for all modules. Pure: times and counts come from the
 * caller.
 *
 * `parallel` go out side by side. A call that hangs, which is one that others overtake, no longer takes a
 * place, up to SLOTS_TIMES * `parallel` calls in all. One that has been under way for as long while nothing
 * else was answered may hang as well, or the receiver is slow: then a part of the places finds out which.
 * Where even that is full and one waits for its first try, the call that hangs for the longest time is given
 * up. Those that failed before have one SLOTS_PART of the places. A receiver whose every answer takes its
 * time has no hanging calls: none is given up, and no more go out than `parallel` and that part.
 */
#define SLOTS_SLOW_MS    2000 /* no call hangs before */
#define SLOTS_GIVE_UP_MS 5000 /* the longest that one must hang before it may be given up */
#define SLOTS_TIMES      3
#define SLOTS_PART       4 /* of the places: for those that failed before; for finding out */

/* A call under way. */
struct slots_call {
    int64_t age_ms;
    int64_t beside_ms; /* shortest time that another took that was answered meanwhile; 0: none was */
    bool again;        /* it failed before */
};

/* Of a queue. */
struct slots_load {
    unsigned quick;    /* calls that take a place */
    unsigned doubtful; /* that take one, and may hang */
    unsigned hanging;  /* that take none */
    unsigned again;    /* of all those that failed before */
};

/* Whether others overtook it. `alone`: nobody else's messages go to its URL, time alone tells. */
bool slots_call_hangs(const struct slots_call *call, bool alone);
void slots_count(struct slots_load *load, const struct slots_call *call, bool alone);
unsigned slots_all(const struct slots_load *load);
/* May one that never failed begin? One that did (`again`)? `shared`: connections are short for all queues:
 * nothing beyond `parallel`. */
bool slots_let_fresh(const struct slots_load *load, unsigned parallel, bool shared);
bool slots_let_again(const struct slots_load *load, unsigned parallel, bool shared);
/*
 * May it be given up for one that waits? It must hang, `timeout_ms` being the longest wait for an answer. Of
 * those that failed before only `alone`: the others are so few that they take no fresh one's place, and a
 * message that only takes longer than others has its whole time in its second try.
 */
bool slots_may_give_up(const struct slots_call *call, bool alone, int64_t timeout_ms);

#endif
