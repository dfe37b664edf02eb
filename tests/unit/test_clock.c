/* Which time a hub lives by when its wall clock is wrong, at the start and while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/clock.h"

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define NOON   INT64_C(1769860800000)

/* The true time, and a wall clock that is wrong by so much. */
static int64_t truth, wrong, started;
static struct clock hub;

static int64_t steady(void)
{
    return truth - started;
}

static enum clock_event start(const struct clock_mark *mark)
{
    started = truth - 5 * SECOND;
    return clock_begin(&hub, mark, truth + wrong, steady());
}

static enum clock_event pass(int64_t time)
{
    enum clock_event event = CLOCK_EVEN;
    for (int64_t end = truth + time; truth < end;) {
        truth += 30 * SECOND;
        enum clock_event seen = clock_look(&hub, truth + wrong, steady());
        event = seen != CLOCK_EVEN ? seen : event;
    }
    return event;
}

static struct clock_mark stop(int64_t down)
{
    struct clock_mark mark = clock_mark(&hub, steady());
    truth += down;
    return mark;
}

static int64_t error_ms(void)
{
    return clock_time(&hub, steady()) - truth;
}

static int setup(void **state)
{
    (void)state;
    truth = NOON;
    wrong = 0;
    assert_int_equal(start(NULL), CLOCK_EVEN);
    assert_int_equal(pass(HOUR), CLOCK_EVEN);
    return 0;
}

static const int64_t wrongs[] = {401 * DAY, -401 * DAY, 25 * HOUR,        -25 * HOUR,       DAY,
                                 -DAY,      2 * HOUR,   -5 * 60 * SECOND, 330 * 60 * SECOND};
#define WRONGS (sizeof(wrongs) / sizeof(wrongs[0]))

/* Jumps while it runs: its own time stays true, and nothing is sure until the clock is back. */
static void test_jumps(void **state)
{
    for (size_t i = 0; i < WRONGS; i++) {
        setup(state);
        wrong = wrongs[i];
        assert_int_equal(pass(HOUR), CLOCK_JUMPED);
        assert_true(hub.untrusted);
        assert_int_equal(clock_ahead(&hub), wrong);
        assert_int_equal(error_ms(), 0);
        wrong = 0;
        assert_int_equal(pass(60 * SECOND), CLOCK_RETURNED);
        assert_false(hub.untrusted);
        assert_int_equal(error_ms(), 0);
    }
}

/* Started with a wrong clock, corrected while it runs or at the next start. */
static void test_wrong_start(void **state)
{
    for (size_t i = 0; i < WRONGS; i++) {
        for (int restarts = 0; restarts < 2; restarts++) {
            setup(state);
            struct clock_mark mark = stop(20 * SECOND);
            wrong = wrongs[i];
            assert_int_equal(start(&mark), CLOCK_JUMPED);
            assert_true(hub.untrusted);
            assert_int_equal(error_ms(), -20 * SECOND); /* how long it was down cannot be known */
            pass(HOUR);
            assert_true(hub.untrusted);
            mark = stop(10 * SECOND);
            wrong = 0;
            if (restarts)
                assert_int_equal(start(&mark), CLOCK_RETURNED);
            else
                assert_int_equal(pass(60 * SECOND), CLOCK_RETURNED);
            assert_false(hub.untrusted);
            assert_int_equal(error_ms(), 0);
        }
    }
}

/* A clock that was wrong before, or a hub that was down for weeks: believed after a day of even running,
 * which restarts do not begin anew. */
static void test_confirmed(void **state)
{
    setup(state);
    struct clock_mark mark = stop(30 * DAY);
    assert_int_equal(start(&mark), CLOCK_JUMPED);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pass(3 * HOUR - 60 * SECOND), CLOCK_EVEN);
        assert_true(hub.untrusted);
        mark = stop(30 * 60 * SECOND);
        assert_int_equal(start(&mark), CLOCK_JUMPED); /* it is still in doubt, and says so */
    }
    assert_int_equal(pass(HOUR), CLOCK_CONFIRMED);
    assert_int_equal(error_ms(), 0);
    assert_false(hub.untrusted);
}

/* Another jump in doubt begins the day anew. */
static void test_uneven(void **state)
{
    setup(state);
    wrong = 3 * DAY;
    pass(23 * HOUR);
    wrong = 4 * DAY;
    assert_int_equal(pass(23 * HOUR), CLOCK_JUMPED);
    assert_true(hub.untrusted);
    assert_int_equal(error_ms(), 0);
    assert_in_range(clock_until_confirmed(&hub, steady()), HOUR - 60 * SECOND, HOUR + 60 * SECOND);
    assert_int_equal(pass(2 * HOUR), CLOCK_CONFIRMED);
    assert_int_equal(error_ms(), 4 * DAY);
}

/* What a time service does every day is no jump: a second here and there, and drift. */
static void test_small_steps(void **state)
{
    setup(state);
    for (int i = 0; i < 1000; i++) {
        wrong += i % 7 * SECOND - 2 * SECOND;
        assert_int_equal(pass(30 * SECOND), CLOCK_EVEN);
        assert_false(hub.untrusted);
        assert_int_equal(error_ms(), wrong);
    }
}

/* A restart, an upgrade, a short maintenance: no question. */
static void test_short_downtime(void **state)
{
    static const int64_t downs[] = {0, SECOND, 10 * 60 * SECOND, 59 * 60 * SECOND};
    for (size_t i = 0; i < sizeof downs / sizeof downs[0]; i++) {
        setup(state);
        struct clock_mark mark = stop(downs[i]);
        assert_int_equal(start(&mark), CLOCK_EVEN);
        assert_false(hub.untrusted);
        assert_int_equal(error_ms(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jumps),       cmocka_unit_test(test_wrong_start),
        cmocka_unit_test(test_confirmed),   cmocka_unit_test(test_uneven),
        cmocka_unit_test(test_small_steps), cmocka_unit_test(test_short_downtime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
