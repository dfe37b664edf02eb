#ifndef HUBD_LIMITS_H
#define HUBD_LIMITS_H

#include <stdatomic.h>

#include "lib/base/rate.h"
#include "lib/base/str.h"

/*
 * How often a party may ask for something (hub-contract 10). A limit is a token bucket that holds a whole
 * period's requests. What is kept of it is one number, the time at which it is full again (the generic cell
 * rate algorithm), so that it is exact over all loops without a lock.
 */
enum limit_kind { LIMIT_NONE, LIMIT_AUTHORIZE, LIMIT_COMMANDS, LIMIT_LOCATIONS, LIMIT_KIND_COUNT };

/* What a party has taken of one limit; zero: nothing yet. Lives as long as the registry, whatever rate is set
 * meanwhile. */
struct limit_state {
    _Atomic int64_t full_at; /* monotonic ns; in the past: full */
    _Atomic int64_t refused; /* requests that no row of the audit tells yet */
    int64_t next_row;        /* monotonic ms; control loop only */
};

/*
 * Takes one request at `now_us` (monotonic). 0: it may pass; else how many microseconds later one would, and
 * nothing was taken. Thread safe. A changed rate holds at once: what was taken keeps its share of the bucket,
 * and nobody waits longer for the first request than the new rate says.
 */
int64_t limit_take(struct limit_state *state, struct rate rate, int64_t now_us);
/* The same wait for Retry-After: the first whole second at which it is over. */
static inline int64_t limit_retry_after(int64_t wait_us)
{
    return (wait_us + 999999) / 1000000;
}

struct conf;
struct hub;
struct request;
struct store_limit;

/* "authorize" "commands" "locations": in the store, in hubctl, in the settings' names. */
const char *limits_name(enum limit_kind kind);
/* LIMIT_NONE when there is no such limit. */
enum limit_kind limits_find(struct str name);
/* The rate of a row, or of the setting where there is none (NULL). */
struct rate limits_rate(const struct conf *conf, const struct store_limit *row, enum limit_kind kind);

/* Whether request->party may ask this now. False: answered with 429 and Retry-After (hub-contract 2). */
bool limits_admit(struct request *request);

/*
 * Answers 404 with `message` to somebody without a token who has guessed a secret of a path wrong. Beyond
 * LIMIT_GUESSES a minute from one address (on one loop) it is 429, and a second late: guessing costs the hub
 * next to nothing then, and those who know their secret are not held up, whatever address they share.
 */
#define LIMIT_STRANGERS 256 /* addresses told apart, about */
#define LIMIT_GUESSES   60
void limits_refuse_stranger(struct request *request, struct str message);

/* The control loop tells the audit what was refused: a row per party and limit in a minute at most, since a
 * partner that hammers must not fill it. 0 or a negative error_code. */
int limits_start(struct hub *hub);
/* Tells the rest. */
void limits_stop(struct hub *hub);
void limits_free(struct hub *hub);

#endif
