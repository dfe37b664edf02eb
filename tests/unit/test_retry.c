#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hubd/outbox/retry.h"

/* The retry schedule on a clock of the test's: 48 hours pass in a moment. */

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define MIDDLE (RETRY_CHANCE / 2) /* no jitter */

static const struct retry_policy policy = {SECOND, 15 * MINUTE, 0};

/* As of a receiver that does not answer. */
static void failed(struct retry *retry, const struct retry_policy *by, bool fresh, int64_t now, int64_t asked)
{
    const struct retry_failure failure = {fresh, false, asked};
    retry_failed(retry, by, &failure, now, MIDDLE);
}

static void test_pauses(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900};
    (void)state;
    for (unsigned i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        int64_t pause = seconds[i] * SECOND;
        assert_int_equal(retry_pause(&policy, i + 1, MIDDLE), pause);
        assert_int_equal(retry_pause(&policy, i + 1, 0), pause * 4 / 5);
        assert_int_equal(retry_pause(&policy, i + 1, RETRY_CHANCE), pause * 6 / 5);
    }
    assert_int_equal(retry_pause(&policy, 4000000000u, MIDDLE), 15 * MINUTE);
}

/* Closed, open, half open, and back. */
static void test_circuit(void **state)
{
    (void)state;
    struct retry retry = {0};
    assert_int_equal(retry_circuit(&retry, 0), RETRY_CLOSED);
    failed(&retry, &policy, true, 1000, 0);
    assert_int_equal(retry.paused_until, 2000);
    assert_int_equal(retry_circuit(&retry, 1999), RETRY_OPEN);
    failed(&retry, &policy, true, 1500, 0); /* under way when it opened */
    assert_int_equal(retry.failures, 1);
    assert_int_equal(retry_circuit(&retry, 2000), RETRY_HALF_OPEN);
    failed(&retry, &policy, true, 2000, 0);
    assert_int_equal(retry.paused_until, 4000);
    retry_resume(&retry);
    assert_int_equal(retry_circuit(&retry, 2100), RETRY_HALF_OPEN);
    failed(&retry, &policy, true, 2100, 0);
    assert_int_equal(retry.failures, 3);
    retry_succeeded(&retry);
    assert_int_equal(retry_circuit(&retry, 2200), RETRY_CLOSED);
    assert_string_equal(retry_circuit_name(RETRY_HALF_OPEN), "half-open");
}

/*
 * One message fails again and again: the next one, never tried, need not wait for its pause. Where different
 * ones fail, theirs grows as well.
 */
static void test_fresh(void **state)
{
    struct retry retry = {0};
    int64_t now = 0;
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        failed(&retry, &policy, i == 0, now, 0);
        assert_int_equal(retry.fresh_until, now + SECOND);
        assert_false(retry_lets(&retry, true, now + SECOND - 1));
        assert_true(retry_lets(&retry, true, now + SECOND));
        assert_int_equal(retry_lets(&retry, false, now + SECOND), i == 0);
        assert_true(retry_lets(&retry, false, retry.paused_until));
        now = retry.paused_until;
    }
    for (unsigned i = 2; i < 20; i++) {
        now = retry.fresh_until;
        failed(&retry, &policy, true, now, 0);
        assert_int_equal(retry.fresh_until, now + retry_pause(&policy, i, MIDDLE));
    }
    struct retry_policy capped = policy; /* what was never tried has a longest pause of its own */
    capped.fresh_max_ms = MINUTE;
    now = retry.fresh_until;
    failed(&retry, &capped, true, now, 0);
    assert_int_equal(retry.fresh_until, now + MINUTE);
    assert_int_equal(retry.paused_until, now + 15 * MINUTE);
    failed(&retry, &policy, true, retry.fresh_until, HOUR); /* asked for: by all */
    assert_int_equal(retry.fresh_until, retry.paused_until);
    retry_resume(&retry);
    assert_true(retry_lets(&retry, true, 0) && retry_lets(&retry, false, 0));
    retry_succeeded(&retry);
    assert_int_equal(retry.suspects, 0);
}

/*
 * A receiver that answers, if only with errors: RETRY_BURST messages that were never tried go one after the
 * other, then comes a pause, each longer; those that failed before keep to a schedule of their own.
 */
static void test_answered(void **state)
{
    const struct retry_failure fresh = {true, true, 0}, again = {false, true, 0};
    struct retry retry = {0};
    int64_t now = 0;
    (void)state;
    for (unsigned i = 1; i <= RETRY_SINGLES; i++) { /* it may be away behind something that answers */
        retry_failed(&retry, &policy, &fresh, now, MIDDLE);
        assert_int_equal(retry.fresh_until, now + retry_pause(&policy, i, MIDDLE));
        now = retry.fresh_until;
    }
    unsigned failures = retry.failures;
    retry.paused_until = now + HOUR;
    for (unsigned burst = 1; burst <= 5; burst++) {
        now = retry.fresh_until;
        for (unsigned i = 1; i < RETRY_BURST; i++) {
            retry_failed(&retry, &policy, &fresh, now, MIDDLE);
            assert_true(retry_lets(&retry, true, now));
            assert_int_equal(retry.failures, failures); /* they prolong no other's pause */
        }
        retry_failed(&retry, &policy, &fresh, now, MIDDLE);
        assert_int_equal(retry.fresh_until, now + retry_pause(&policy, RETRY_SINGLES + burst, MIDDLE));
    }
    retry.paused_until = retry.fresh_until - 5 * MINUTE;
    retry.failures = 1;
    for (unsigned i = 2; i < 6; i++) { /* while those wait: no storm of these */
        now = retry.paused_until;
        assert_true(now < retry.fresh_until);
        retry_failed(&retry, &policy, &again, now, MIDDLE);
        assert_int_equal(retry.failures, i);
        assert_int_equal(retry.paused_until, now + retry_pause(&policy, i, MIDDLE));
    }
    failed(&retry, &policy, true, now = retry.fresh_until, 0); /* away now: no more bursts */
    assert_int_equal(retry.fresh_until, now + retry_pause(&policy, 9, MIDDLE));
    failed(&retry, &policy, true, now = retry.fresh_until, HOUR);
    assert_int_equal(retry.fresh_until, now + HOUR);
    assert_true(retry.paused_until >= now + HOUR);
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *text;
        int64_t after;
    } rows[] = {
        {"7", 7 * SECOND},
        {" 0 ", 0},
        {"-5", 0},
        {"86400", HOUR},
        {"99999999999999999999", 0},
        {"soon", 0},
        {"", 0},
        {"Sun, 06 Nov 1994 08:50:07 GMT", 30 * SECOND},
        {"Sun, 06 Nov 1994 08:49:07 GMT", 0},
        {"Mon, 07 Nov 1994 08:49:37 GMT", HOUR},
        {"Sun, 06 Nov 1994 08:50:07", 0},
        {"Sun, 06 Nov 1994 08:50:07 GMT and more", 0},
    };
    const int64_t wall = INT64_C(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(retry_after_parse(rows[i].text, wall), rows[i].after);
    assert_int_equal(retry_after_parse(NULL, wall), 0);
    struct retry retry = {0};
    failed(&retry, &policy, true, 0, 30 * SECOND); /* the longer one holds */
    assert_int_equal(retry.paused_until, 30 * SECOND);
    failed(&retry, &policy, true, 30 * SECOND, SECOND);
    assert_int_equal(retry.paused_until, 32 * SECOND);
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(retry_refused_pause(&policy, 1), 10 * MINUTE);
    assert_int_equal(retry_refused_pause(&policy, 2), 50 * MINUTE);
    assert_int_equal(retry_refused_pause(&policy, 3), -1);
    assert_int_equal(retry_refused_pause(&policy, 0), -1);
}

/*
 * A receiver that is dead for 48 hours, OFFLINE from hour 10 to hour 20: every try at its millisecond; a
 * session dies after 24 hours of time in which it could have been sent, at hour 34; a CDR is still alive.
 */
static void test_48_hours(void **state)
{
    (void)state;
    struct retry retry = {0};
    struct retry_clock clock = {0, -1};
    const int64_t session_give_up = 24 * HOUR, cdr_give_up = 14 * 24 * HOUR;
    int64_t now = 0, expected = 0, session_dead = -1;
    int64_t pause = SECOND;
    unsigned tries = 0;
    retry_clock_run(&clock, true, 0);
    while (now < 48 * HOUR) {
        if (retry_circuit(&retry, now) != RETRY_OPEN && clock.since >= 0) {
            assert_int_equal(now, expected);
            tries++;
            failed(&retry, &policy, true, now, 0);
            if (session_dead < 0 && retry_clock_read(&clock, now) > session_give_up)
                session_dead = now;
            assert_true(retry_clock_read(&clock, now) < cdr_give_up);
            expected = now + pause;
            if (expected > 10 * HOUR && expected < 20 * HOUR)
                expected = 20 * HOUR; /* at once when it is back */
            pause = pause * 2 > 15 * MINUTE ? 15 * MINUTE : pause * 2;
        }
        now = retry.paused_until;
        if (clock.since >= 0 && now > 10 * HOUR && now < 20 * HOUR) {
            retry_clock_run(&clock, false, 10 * HOUR);
            now = 20 * HOUR;
            retry_clock_run(&clock, true, now);
            retry_resume(&retry);
        }
    }
    /* 1023 s in ten doubling pauses, then every 15 minutes: 39 tries more before hour 10, one at hour 20 … */
    int64_t before = 1 + 10 + (10 * HOUR - 1023 * SECOND) / (15 * MINUTE);
    int64_t after = 1 + (28 * HOUR - 1) / (15 * MINUTE);
    assert_int_equal(tries, before + after);
    assert_int_equal(session_dead, 34 * HOUR + 15 * MINUTE);
    assert_int_equal(retry_clock_read(&clock, 48 * HOUR), 38 * HOUR);
}

/* What a wrong clock has written waits no longer than anything may. */
static void test_clamp(void **state)
{
    const struct retry_policy usual = {SECOND, 15 * MINUTE, 0}, slow = {SECOND, 24 * HOUR, 0};

    (void)state;
    assert_int_equal(retry_longest_pause(&usual), HOUR);
    assert_int_equal(retry_clamp(&usual, 0, 10 * HOUR), 0);
    assert_int_equal(retry_clamp(&usual, 10 * HOUR + 15 * MINUTE, 10 * HOUR), 10 * HOUR + 15 * MINUTE);
    assert_int_equal(retry_clamp(&usual, 11 * HOUR, 10 * HOUR), 11 * HOUR); /* Retry-After may ask for it */
    assert_int_equal(retry_clamp(&usual, 34 * HOUR, 10 * HOUR), 11 * HOUR);
    assert_int_equal(retry_clamp(&slow, 34 * HOUR, 10 * HOUR), 34 * HOUR);
    assert_int_equal(retry_clamp(&slow, 401 * 24 * HOUR, 0), 24 * HOUR + 24 * HOUR / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses),   cmocka_unit_test(test_circuit),  cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_48_hours), cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_answered), cmocka_unit_test(test_clamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
