#ifndef HUBD_OUTBOX_RETRY_H
#define HUBD_OUTBOX_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a delivery is tried again, and when never (hub-ocpi(7), DELIVERY). Pure: time and chance come from the
 * caller, so that tests own 48 hours. Times are milliseconds of any clock that does not jump.
 */

struct retry_policy {
    int64_t initial_ms, max_ms; /* pause after the first failure; the longest */
    int64_t fresh_max_ms;       /* the longest of messages that were never tried; 0: the same */
};

/* The circuit breaker of a receiver's module; the worse the greater. */
enum retry_circuit {
    RETRY_CLOSED,    /* all is well: messages go out side by side */
    RETRY_HALF_OPEN, /* the pause is over: one message finds out whether the receiver is back */
    RETRY_OPEN       /* paused: nothing goes out */
};

struct retry {
    unsigned failures;    /* of the receiver in a row */
    int64_t paused_until; /* of the last failure */
    unsigned suspects; /* what failed for the first time among them, in parts of a pause: RETRY_BURST each */
    int64_t fresh_until; /* until when one that was never tried waits, too */
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
 * May a message go out now: side by side with others while the circuit is closed, else as the one that finds
 * out whether the receiver is back? `fresh`: it never failed. Such a one knows more than those that failed
 * before, so it waits as long as so many different messages have failed, not so many tries: where one message
 * fails again and again, the next one need not wait for it.
 */
bool retry_lets(const struct retry *retry, bool fresh, int64_t now);
/* Behind so many that failed with a pause each, so many messages that were never tried are tried one behind
 * the other where each is answered. */
#define RETRY_SINGLES 3
#define RETRY_BURST   128
/* How a try failed: with a message that never `failed` before; by an answer that may be about that message
 * alone; `asked_ms`: what Retry-After asked for, 0 if nothing. */
struct retry_failure {
    bool fresh, answered;
    int64_t asked_ms;
};
/*
 * A fault of the receiver. Others of the same pause count once: calls that were under way when the circuit
 * opened say nothing new, nor do those that were never tried and fail while the others wait. `answered`: the
 * receiver is there, so behind RETRY_SINGLES of those that were never tried RETRY_BURST go one after the
 * other, then comes a pause, each longer than the one before. Of the pause and Retry-After the longer one
 * holds.
 */
void retry_failed(struct retry *retry, const struct retry_policy *policy, const struct retry_failure *failure,
                  int64_t now, unsigned chance);
/* It answered as OCPI asks: the circuit closes. */
void retry_succeeded(struct retry *retry);
/* Tried again at once although the pause is not over (hubctl delivery retry, a new receiver URL, CONNECTED).
 */
void retry_resume(struct retry *retry);

/*
 * A moment that was stored, by a clock that may have been wrong: at most the longest pause from now on.
 * Whoever reads one back clamps it.
 */
int64_t retry_longest_pause(const struct retry_policy *policy);
int64_t retry_clamp(const struct retry_policy *policy, int64_t until, int64_t now);

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
 * Unpaused time, by which a message is too old (hub-ocpi(7), DELIVERY): runs while the receiver is CONNECTED,
 * whether its circuit is closed or not, from the message's first failed try on. It stands still while the
 * receiver is OFFLINE (tries go on, but kill nothing), suspended, or hubd is down.
 */
struct retry_clock {
    int64_t active_ms; /* up to `since` */
    int64_t since;     /* running from then on; -1: standing still */
};
/* Lets it run or stand still from `now` on. */
void retry_clock_run(struct retry_clock *clock, bool run, int64_t now);
int64_t retry_clock_read(const struct retry_clock *clock, int64_t now);

#endif
