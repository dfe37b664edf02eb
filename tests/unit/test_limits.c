/* Rate limits (hub-ocpi(7), LIMITS): the bucket with a clock of the tests' own, what a changed rate does,
 * many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>
#include <cmocka.h>

#include "hubd/registry/limit.h"
#include "lib/conf/conf.h"
#include "lib/ctl/commands.h"
#include "lib/store/rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS           INT64_C(1000) /* in microseconds, as the clock */
#define SECOND       (1000 * MS)
#define MINUTE       (60 * SECOND)
#define HOUR         (60 * MINUTE)
#define DAY          (24 * HOUR)
#define YEAR         (365 * DAY)

static struct rate rate_of(const char *text)
{
    struct rate rate;
    assert_true(rate_parse(str_from(text), &rate));
    return rate;
}

/* How many pass at that moment, at most `tries`. */
static unsigned passing(struct limit_state *state, struct rate rate, int64_t now, unsigned tries)
{
    unsigned count = 0;
    while (count < tries && limit_take(state, rate, now) == 0)
        count++;
    return count;
}

static const struct {
    const char *rate;
    unsigned burst;
    int64_t period;
} rates[] = {
    {"100/min", 100, MINUTE},  {"1/min", 1, MINUTE},       {"7/min", 7, MINUTE},           {"1/s", 1, SECOND},
    {"3/s", 3, SECOND},        {"99999/s", 99999, SECOND}, {"1000000/s", 1000000, SECOND}, {"1/d", 1, DAY},
    {"999983/d", 999983, DAY}, {"50/h", 50, HOUR},
};

/* Exactly the period's requests at once; one more each time a period's share has passed, not a microsecond
 * before; all of them again after a period. */
static void test_burst_then_one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct rate rate = rate_of(rates[i].rate);
        struct limit_state limit = {0};
        int64_t now = 12345 * SECOND + 678;
        print_message("%s\n", rates[i].rate);
        assert_int_equal(passing(&limit, rate, now, 2 * rates[i].burst), rates[i].burst);
        for (unsigned round = 0; round < 5; round++) {
            int64_t wait = limit_take(&limit, rate, now);
            int64_t share = rates[i].period / rates[i].burst;
            assert_in_range(wait, share > 1 ? share - 1 : 1, share + 1);
            if (wait > 1)
                assert_int_equal(limit_take(&limit, rate, now + wait - 1), 1);
            assert_int_equal(limit_take(&limit, rate, now + wait), 0);
            assert_true(limit_take(&limit, rate, now + wait) > 0);
            now += wait;
        }
        assert_int_equal(passing(&limit, rate, now + rates[i].period, 2 * rates[i].burst), rates[i].burst);
    }
}

/* What was not taken is not saved up beyond one period's requests, however long nobody came. */
static void test_a_long_pause_fills_it_once(void **state)
{
    (void)state;
    static const int64_t pauses[] = {MINUTE, HOUR, YEAR, 100 * YEAR};
    for (size_t i = 0; i < COUNT(pauses); i++) {
        struct limit_state limit = {0};
        struct rate rate = rate_of("100/min");
        assert_int_equal(passing(&limit, rate, SECOND, 1000), 100);
        assert_int_equal(passing(&limit, rate, SECOND + pauses[i], 1000), 100);
    }
    struct limit_state limit = {0};
    struct rate rate = rate_of("100/min");
    assert_int_equal(passing(&limit, rate, SECOND, 40), 40);
    assert_int_equal(passing(&limit, rate, SECOND + 6 * SECOND, 1000), 70);
}

/* At the second that Retry-After names a request passes, at the one before it does not. */
static void test_retry_after(void **state)
{
    (void)state;
    static const char *const texts[] = {"100/min", "7/min", "1/min", "1/s", "99999/s", "50/h", "3/d"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct rate rate = rate_of(texts[i]);
        for (int64_t pause = 0; pause < 3 * SECOND; pause += 333333) {
            struct limit_state limit = {0}, early = {0};
            passing(&limit, rate, HOUR, 200000);
            int64_t now = HOUR + pause, wait;
            while ((wait = limit_take(&limit, rate, now)) == 0)
                ;
            early.full_at = limit.full_at;
            int64_t seconds = limit_retry_after(wait);
            assert_true(seconds >= 1);
            assert_true(limit_take(&early, rate, now + (seconds - 1) * SECOND) > 0);
            assert_int_equal(limit_take(&limit, rate, now + seconds * SECOND), 0);
        }
    }
}

/* A refused request takes nothing: a partner that hammers gets its share all the same. */
static void test_hammering_costs_nothing(void **state)
{
    (void)state;
    struct limit_state limit = {0};
    struct rate rate = rate_of("60/min");
    unsigned passed = 0;
    for (int64_t now = SECOND; now < SECOND + MINUTE; now += 10 * MS)
        passed += limit_take(&limit, rate, now) == 0;
    assert_int_equal(passed, 60 + 59); /* the burst, and one each further second */
}

static void test_no_limit(void **state)
{
    (void)state;
    struct limit_state limit = {0};
    assert_int_equal(passing(&limit, rate_of("0"), SECOND, 100000), 100000);
    assert_int_equal(passing(&limit, rate_of("0/min"), SECOND, 100000), 100000);
    assert_int_equal(passing(&limit, rate_of("10/min"), SECOND, 1000), 10);
    assert_int_equal(limit_take(&limit, rate_of("0"), SECOND), 0);
}

static void test_a_changed_rate_holds_at_once(void **state)
{
    (void)state;
    struct limit_state limit = {0};
    int64_t now = SECOND;
    /* down: half of the bucket was taken and stays taken */
    assert_int_equal(passing(&limit, rate_of("100/min"), now, 50), 50);
    assert_int_equal(passing(&limit, rate_of("10/min"), now, 1000), 5);
    assert_int_equal(limit_take(&limit, rate_of("10/min"), now), 6 * SECOND);
    /* up: from an empty bucket the next one comes at the new pace */
    assert_int_equal(limit_take(&limit, rate_of("100/min"), now), 600 * MS);
    assert_int_equal(limit_take(&limit, rate_of("100/min"), now + 600 * MS), 0);
    /* up from a slow rate: nobody waits by the old one */
    struct limit_state slow = {0};
    assert_int_equal(passing(&slow, rate_of("10/d"), now, 1000), 10);
    assert_true(limit_take(&slow, rate_of("10/d"), now) > HOUR);
    assert_int_equal(limit_take(&slow, rate_of("100/min"), now), 600 * MS);
    assert_int_equal(limit_take(&slow, rate_of("100/min"), now + 600 * MS - 1), 1);
    assert_int_equal(limit_take(&slow, rate_of("100/min"), now + 600 * MS), 0);
    assert_int_equal(passing(&slow, rate_of("100/min"), now + 600 * MS + MINUTE, 1000), 100);
}

/* A loop that read the clock a moment before another one neither gains nor loses. */
static void test_clocks_of_two_loops(void **state)
{
    (void)state;
    struct limit_state limit = {0};
    struct rate rate = rate_of("10/min");
    int64_t now = HOUR;
    assert_int_equal(passing(&limit, rate, now, 1000), 10);
    assert_int_equal(limit_take(&limit, rate, now - 20 * MS), 6 * SECOND + 20 * MS);
    assert_int_equal(limit_take(&limit, rate, now), 6 * SECOND);
}

/* ---------------------------------------------------------------- threads */

#define THREADS 4
#define TRIES   50000

static struct limit_state shared_limit;
static struct rate shared_rate;

static void take_many(void *argument)
{
    unsigned *passed = argument;
    for (unsigned i = 0; i < TRIES; i++)
        *passed += limit_take(&shared_limit, shared_rate, HOUR) == 0;
}

static void test_threads_together_get_the_burst(void **state)
{
    (void)state;
    static const char *const texts[] = {"1/min", "100/min", "10000/min", "1000000/h"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        uv_thread_t threads[THREADS];
        unsigned passed[THREADS] = {0}, sum = 0;
        shared_limit = (struct limit_state){0};
        shared_rate = rate_of(texts[i]);
        for (unsigned t = 0; t < THREADS; t++)
            assert_int_equal(uv_thread_create(&threads[t], take_many, &passed[t]), 0);
        for (unsigned t = 0; t < THREADS; t++) {
            assert_int_equal(uv_thread_join(&threads[t]), 0);
            sum += passed[t];
        }
        int64_t all = THREADS * TRIES;
        assert_int_equal(sum, shared_rate.requests < all ? shared_rate.requests : all);
    }
}

/* ---------------------------------------------------------------- which rate holds */

static void test_names(void **state)
{
    (void)state;
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++)
        assert_int_equal(limit_find(str_from(limit_name(kind))), kind);
    assert_int_equal(limit_find(STR("Authorize")), LIMIT_AUTHORIZE);
    assert_int_equal(limit_find(STR("tariffs")), LIMIT_NONE);
    assert_int_equal(limit_find(STR_NONE), LIMIT_NONE);
}

/* What hubctl offers is what there is. */
static void test_the_command_table_offers_each(void **state)
{
    (void)state;
    static const char *const verbs[] = {"set", "unset"};
    for (size_t i = 0; i < COUNT(verbs); i++) {
        const struct ctl_command *command = ctl_command_by_words("limit", verbs[i]);
        assert_non_null(command);
        const char *const *choice = ctl_param_by_key(command, STR("module"))->choices;
        for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++)
            assert_string_equal(*choice++, limit_name(kind));
        assert_null(*choice);
    }
}

static void test_a_row_is_stronger_than_the_setting(void **state)
{
    (void)state;
    struct conf *conf = calloc(1, sizeof *conf);
    conf->limit_authorize = rate_of("1/s");
    conf->limit_commands = rate_of("2/min");
    conf->limit_locations = rate_of("3/h");
    assert_int_equal(limit_rate(conf, NULL, LIMIT_AUTHORIZE).requests, 1);
    assert_int_equal(limit_rate(conf, NULL, LIMIT_COMMANDS).period_ms, 60000);
    assert_int_equal(limit_rate(conf, NULL, LIMIT_LOCATIONS).requests, 3);
    struct store_limit row = {.requests = 9, .period_ms = 1000};
    assert_int_equal(limit_rate(conf, &row, LIMIT_COMMANDS).requests, 9);
    assert_int_equal(limit_rate(conf, &row, LIMIT_COMMANDS).period_ms, 1000);
    row = (struct store_limit){.requests = 0};
    assert_int_equal(limit_rate(conf, &row, LIMIT_COMMANDS).requests, 0);
    free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_one_by_one),
        cmocka_unit_test(test_a_long_pause_fills_it_once),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_hammering_costs_nothing),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_a_changed_rate_holds_at_once),
        cmocka_unit_test(test_clocks_of_two_loops),
        cmocka_unit_test(test_threads_together_get_the_burst),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_command_table_offers_each),
        cmocka_unit_test(test_a_row_is_stronger_than_the_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
