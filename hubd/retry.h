#ifndef HUBD_RETRY_H
#define HUBD_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a delivery is tried again, and when never (hub-contract 8). Pure: time and chance come from the
 * caller, so that tests own 48 hours. Times are milliseconds of any clock that does not jump.
 */

struct retry_policy {
    int64_t initial_ms, max_ms; /* pause after the first failure; the longest */
};

/* The circuit breaker of a receiver; the worse the greater. */
enum retry_circuit {
    RETRY_CLOSED,    /* all is well: messages go out side by side */
    RETRY_HALF_OPEN, /* the pause is over: one message finds out whether the receiver is back */
    RETRY_OPEN       /* paused: nothing goes out */
};

struct retry {
    unsigned failures;    /* of the receiver in a row */
    int64_t paused_until; /* of the last failure */
};

enum retry_circuit retry_circuit(const struct retry *retry, int64_t now);
/* "closed" "open" "half-open"; static. */
const char *retry_circuit_name(enum retry_circuit circuit);
/*
 * The pause after the n-th failure in a row: initial * 2^(n-1), at most max, between 80 and 120 % by `chance`
 * (0 to RETRY_CHANCE), so that receivers that failed together do not come back together.
 */
#define RETRY_CHANCE 1000000
int64_t retry_pause(const struct retry_policy *policy, unsigned failures, unsigned chance);
/*
 * A fault of the receiver. Others of the same pause count once: calls that were under way when the circuit
 * opened say nothing new. `asked_ms`: what Retry-After asked for, 0 if nothing; the longer one holds.
 */
void retry_failed(struct retry *retry, const struct retry_policy *policy, int64_t now, int64_t asked_ms,
                  unsigned chance);
/* It answered as OCPI asks: the circuit closes. */
void retry_succeeded(struct retry *retry);
/* Tried again at once although the pause is not over (hubctl delivery retry, a new receiver URL, CONNECTED).
 */
void retry_resume(struct retry *retry);

/* A time in the future that was read back: further ahead than the longest pause it was written by a wrong
 * clock, and is that pause ahead of `now`. */
int64_t retry_clamp(const struct retry_policy *policy, int64_t at, int64_t now);

/*
 * Retry-After (RFC 9110 10.2.3): seconds or an HTTP date, as milliseconds from `wall_ms` on; 0 when it is
 * neither or past, at most RETRY_AFTER_MAX_MS.
 */
#define RETRY_AFTER_MAX_MS (60 * 60 * 1000)
int64_t retry_after_parse(const char *text, int64_t wall_ms);

/*
 * A message's fault: three tries over an hour (with initial 1 s). The pause before the next try when it was
 * refused `refused` times (1 and 2), -1 when it was enough.
 */
int64_t retry_refused_pause(const struct retry_policy *policy, unsigned refused);

/*
 * How long a receiver's messages could have been sent: runs while it is connected, stands still while it is
 * OFFLINE, suspended or hubd is down. What a message's age is counted by, so that such time kills nothing.
 */
struct retry_clock {
    int64_t active_ms; /* up to `since` */
    int64_t since;     /* running from then on; -1: standing still */
};
/* Lets it run or stand still from `now` on. */
void retry_clock_run(struct retry_clock *clock, bool run, int64_t now);
int64_t retry_clock_read(const struct retry_clock *clock, int64_t now);

#endif
