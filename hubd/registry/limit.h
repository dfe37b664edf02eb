#ifndef HUBD_REGISTRY_LIMIT_H
#define HUBD_REGISTRY_LIMIT_H

#include <stdatomic.h>

#include "lib/base/rate.h"
#include "lib/base/str.h"

/*
 * How often a party may ask for something (hub-ocpi(7), LIMITS). A limit is a token bucket that holds a whole
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
struct store_limit;

/* "authorize" "commands" "locations": in the store, in hubctl, in the settings' names. */
const char *limit_name(enum limit_kind kind);
/* Its module (ModuleID) and its requests in a sentence: "location lists". */
const char *limit_module(enum limit_kind kind);
const char *limit_requests(enum limit_kind kind);
/* LIMIT_NONE when there is no such limit. */
enum limit_kind limit_find(struct str name);
/* The rate of a row, or of the setting where there is none (NULL). */
struct rate limit_rate(const struct conf *conf, const struct store_limit *row, enum limit_kind kind);

#define LIMIT_STRANGERS 256 /* addresses told apart, about */

#endif
