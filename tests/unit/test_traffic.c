/* What goes over the hub, counted by the loops and told by the minute: with a clock of the tests' own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>
#include <cmocka.h>

#include "hubd/request/router.h"
#include "hubd/traffic.h"
#include "lib/base/env.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define LOOPS  3

static int64_t now_us;

static int64_t clock_us(void)
{
    return now_us;
}

static const struct env_ops clock_ops = {.monotonic_us = clock_us};

static int set_up(void **state)
{
    now_us = 1000 * MINUTE;
    env_replace(&clock_ops);
    *state = traffic_new(LOOPS);
    return *state == NULL;
}

static int tear_down(void **state)
{
    traffic_free(*state);
    env_replace(NULL);
    return 0;
}

/* The clock goes on, and the timer with it. */
static void pass(struct traffic *traffic, int64_t time_us)
{
    for (int64_t end = now_us + time_us; now_us < end;) {
        now_us += TRAFFIC_SAMPLE_MS * 1000;
        traffic_sample(traffic);
    }
}

static uint32_t set_of(const char *direction, const char *module)
{
    for (size_t i = 0; i < traffic_row_count(); i++)
        if (strcmp(traffic_direction(traffic_row(i)), direction) == 0 &&
            strcmp(traffic_module(traffic_row(i)), module) == 0)
            return UINT32_C(1) << i;
    fail_msg("no row for %s %s", direction, module);
    return 0;
}

static struct traffic_figures figures_of(struct traffic *traffic, const char *direction, const char *module)
{
    struct traffic_figures figures;
    traffic_read(traffic, set_of(direction, module), &figures);
    return figures;
}

static const struct route *route_of(const char *action)
{
    for (size_t i = 0; i < routes_count; i++)
        if (strcmp(routes[i].action, action) == 0)
            return &routes[i];
    fail_msg("no route does %s", action);
    return NULL;
}

static void ask(struct traffic *traffic, const char *action, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        traffic_count_request(traffic_counts_of(traffic, i % LOOPS), route_of(action)->module, false, 1000);
}

/* Rows tell their modules apart by the value; the name is only for people. */
static void test_rows_are_by_module(void **state)
{
    (void)state;
    for (size_t i = 0; i < traffic_row_count(); i++) {
        const struct traffic_row *row = traffic_row(i);
        assert_true(row->out ? i >= OCPI_MODULE_COUNT : row->module == (enum ocpi_module)i);
        for (size_t j = 0; j < i; j++)
            assert_true(traffic_row(j)->out != row->out || traffic_row(j)->module != row->module);
    }
    assert_string_equal(traffic_module(traffic_row(OCPI_MODULE_OTHER)), "others");
}

/* Every route is counted in the row of its module, in one alone; what has no row is among the others. */
static void test_rows(void **state)
{
    struct traffic *traffic = *state;
    for (size_t i = 0; i < routes_count; i++) {
        uint64_t before = figures_of(traffic, "in", ocpi_module_name(routes[i].module)).requests;
        traffic_count_request(traffic_counts_of(traffic, 0), routes[i].module, false, 1);
        assert_int_equal(figures_of(traffic, "in", ocpi_module_name(routes[i].module)).requests, before + 1);
    }
    traffic_count_request(traffic_counts_of(traffic, 1), OCPI_MODULE_OTHER, true, -1);
    traffic_count_request(traffic_counts_of(traffic, 1), routes_relay.module, false, 5);
    struct traffic_figures others = figures_of(traffic, "in", "others");
    assert_int_equal(others.requests, 2);
    assert_int_equal(others.failed, 1);
    traffic_count_delivery(traffic_counts_of(traffic, 0), OCPI_MODULE_CDRS, false, 5);
    traffic_count_delivery(traffic_counts_of(traffic, 0), ocpi_module_find(STR("x_bookings")), true, 5);
    assert_int_equal(figures_of(traffic, "out", "cdrs").requests, 1);
    assert_int_equal(figures_of(traffic, "out", "others").failed, 1);
    struct traffic_figures all;
    traffic_read(traffic, UINT32_MAX, &all);
    assert_int_equal(all.requests, routes_count + 4);
    assert_int_equal(all.failed, 2);
}

/* A bar for each minute, the newest last; what is older than a quarter of an hour is in the totals only. */
static void test_minutes(void **state)
{
    struct traffic *traffic = *state;
    for (unsigned minute = 1; minute <= 20; minute++) {
        pass(traffic, MINUTE - 10 * SECOND);
        ask(traffic, "location.list", minute);
        pass(traffic, 10 * SECOND);
    }
    struct traffic_figures figures = figures_of(traffic, "in", "locations");
    assert_int_equal(figures.requests, 210);
    for (unsigned i = 0; i < TRAFFIC_MINUTES; i++)
        assert_int_equal(figures.minutes[i], 6 + i);
    assert_int_equal(figures.recent, 195);
    assert_true(figures.per_minute_1 == 20 && figures.per_minute_5 == 18 && figures.per_minute_15 == 13);
    pass(traffic, 2 * MINUTE);
    figures = figures_of(traffic, "in", "locations");
    assert_int_equal(figures.minutes[TRAFFIC_MINUTES - 1], 0);
    assert_int_equal(figures.minutes[TRAFFIC_MINUTES - 3], 20);
    assert_true(figures.per_minute_1 == 0);
    pass(traffic, 100 * MINUTE);
    figures = figures_of(traffic, "in", "locations");
    assert_int_equal(figures.recent, 0);
    assert_int_equal(figures.p95_us, -1);
    assert_int_equal(figures.requests, 210);
}

/* Right after the start, and between two samples, what was counted is there at once. */
static void test_young(void **state)
{
    struct traffic *traffic = *state;
    now_us += SECOND;
    ask(traffic, "session.put", 3);
    struct traffic_figures figures = figures_of(traffic, "in", "sessions");
    assert_int_equal(figures.minutes[TRAFFIC_MINUTES - 1], 3);
    assert_int_equal(figures.recent, 3);
    assert_true(figures.per_minute_1 == 3 && figures.per_minute_15 == 3);
    pass(traffic, 3 * MINUTE);
    figures = figures_of(traffic, "in", "sessions");
    assert_int_equal(figures.recent, 3);
    assert_true(figures.per_minute_1 == 0 && figures.per_minute_15 < 1.01 && figures.per_minute_15 > 0.9);
}

/* hubd stood still, or its timer came late: nothing is lost, nothing is told twice. */
static void test_late_timer(void **state)
{
    struct traffic *traffic = *state;
    pass(traffic, MINUTE);
    ask(traffic, "cdr.post", 7);
    now_us += 10 * MINUTE;
    struct traffic_figures figures = figures_of(traffic, "in", "cdrs");
    assert_int_equal(figures.recent, 7);
    traffic_sample(traffic);
    assert_int_equal(figures_of(traffic, "in", "cdrs").recent, 7);
    now_us += 1000 * MINUTE;
    traffic_sample(traffic);
    assert_int_equal(figures_of(traffic, "in", "cdrs").recent, 0);
}

/* Of latencies from 10 microseconds to a minute, half and 95 % within a quarter. */
static void test_latencies(void **state)
{
    struct traffic *traffic = *state;
    for (int64_t latency = 100; latency <= 60 * SECOND; latency = latency * 7 / 5) {
        pass(traffic, 20 * MINUTE);
        for (unsigned i = 0; i < 90; i++)
            traffic_count_request(traffic_counts_of(traffic, i % LOOPS), route_of("cdr.post")->module, false,
                                  latency);
        for (unsigned i = 0; i < 10; i++)
            traffic_count_request(traffic_counts_of(traffic, 0), route_of("cdr.post")->module, false,
                                  latency * 20);
        struct traffic_figures figures = figures_of(traffic, "in", "cdrs");
        assert_in_range(figures.p50_us, latency * 3 / 4, latency * 5 / 4);
        if (latency * 20 < 100 * SECOND)
            assert_in_range(figures.p95_us, latency * 15, latency * 25);
        else
            assert_true(figures.p95_us > 90 * SECOND);
    }
}

static void count_much(void *argument)
{
    for (unsigned i = 0; i < 100000; i++)
        traffic_count_request(argument, routes[i % routes_count].module, i % 10 == 0, i);
}

/* Loops count side by side while the control loop reads: nothing is lost, and no sum goes back. */
static void test_threads(void **state)
{
    struct traffic *traffic = *state;
    uv_thread_t threads[LOOPS];
    uint64_t last = 0;
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(uv_thread_create(&threads[i], count_much, traffic_counts_of(traffic, i)), 0);
    for (unsigned i = 0; i < 1000; i++) {
        struct traffic_figures figures;
        traffic_read(traffic, UINT32_MAX, &figures);
        assert_true(figures.requests >= last);
        last = figures.requests;
    }
    for (unsigned i = 0; i < LOOPS; i++)
        uv_thread_join(&threads[i]);
    struct traffic_figures figures;
    traffic_read(traffic, UINT32_MAX, &figures);
    assert_int_equal(figures.requests, LOOPS * 100000);
    assert_int_equal(figures.failed, LOOPS * 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_by_module),
        cmocka_unit_test_setup_teardown(test_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_minutes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_young, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_timer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_latencies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
