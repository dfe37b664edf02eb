#ifndef HUBD_REGISTRY_LIMIT_H
#define HUBD_REGISTRY_LIMIT_H

#include <stdatomic.h>

#include "lib/base/rate.h"
#include "lib/base/str.h"
#include "lib/ocpi/modules.h"

/*
 * How often a party may send requests of a kind (hub-ocpi(7), LIMITS). A limit is a token bucket that holds
 * the requests of a whole period. Its state is one number, the time at which the bucket is full again (the
 * generic cell rate algorithm), so one atomic counts exactly over all loops without a lock.
 */
enum limit_kind { LIMIT_NONE, LIMIT_AUTHORIZE, LIMIT_COMMANDS, LIMIT_LOCATIONS, LIMIT_KIND_COUNT };

/* The state of one limit of one party; all zero: a full bucket. Lives as long as the registry, also when the
 * rate changes. */
struct limit_state {
    _Atomic int64_t full_at; /* monotonic ns; in the past: full */
    _Atomic int64_t refused; /* refused requests that are in no audit row yet */
    int64_t next_row;        /* when the next audit row may be written, monotonic ms; control loop only */
};

/*
 * Takes one request from the bucket at `now_us` (monotonic). Returns 0 when it may pass; else nothing was
 * taken, and the result is how many microseconds later a request may pass. A changed rate holds at once:
 * `full_at` stays, but never beyond the time that an empty bucket of the new rate needs. Thread safe.
 */
int64_t limit_take(struct limit_state *state, struct rate rate, int64_t now_us);
/* The wait of limit_take as Retry-After has it (RFC 9110 section 10.2.3): seconds, rounded up. */
static inline int64_t limit_retry_after(int64_t wait_us)
{
    return (wait_us + 999999) / 1000000;
}

struct conf;
struct store_limit;

/* "authorize", "commands", "locations": its name in the store, in hubctl and in the settings. Static. */
const char *limit_name(enum limit_kind kind);
/* The module of its requests. */
enum ocpi_module limit_module(enum limit_kind kind);
/* Its requests in the words of a sentence: "location lists". Static. */
const char *limit_requests(enum limit_kind kind);
/* The limit of that name; LIMIT_NONE when there is none. */
enum limit_kind limit_find(struct str name);
/* The rate in `row`; that of the setting when `row` is NULL. */
struct rate limit_rate(const struct conf *conf, const struct store_limit *row, enum limit_kind kind);

#define LIMIT_STRANGERS 256 /* buckets for callers without a token; addresses are hashed onto them */

#endif
