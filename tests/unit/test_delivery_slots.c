#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hubd/outbox/slots.h"

/* How many messages go out side by side, whatever is under way. */

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static void test_hangs(void **state)
{
    static const struct {
        struct slots_call call;
        bool hangs, hangs_alone, gives_up, gives_up_alone; /* with a timeout of 30 s */
    } rows[] = {
        {{0, 0, false}, false, false, false, false},     {{1999, 10, false}, false, false, false, false},
        {{2000, 10, false}, true, true, false, true}, /* others pass in 10 ms */
        {{4999, 10, false}, true, true, false, true},    {{5000, 10, false}, true, true, true, true},
        {{29000, 10, true}, true, true, false, true},    /* has its whole time in its second try */
        {{29000, 0, false}, false, true, false, true},   /* nothing else passed: it may be the receiver */
        {{5000, 3000, false}, false, true, false, true}, /* others take their time as well */
        {{6000, 3000, false}, true, true, false, true},  {{11999, 3000, false}, true, true, false, true},
        {{12000, 3000, false}, true, true, true, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(slots_call_hangs(&rows[i].call, false), rows[i].hangs);
        assert_int_equal(slots_call_hangs(&rows[i].call, true), rows[i].hangs_alone);
        assert_int_equal(slots_may_give_up(&rows[i].call, false, 30000), rows[i].gives_up);
        assert_int_equal(slots_may_give_up(&rows[i].call, true, 30000), rows[i].gives_up_alone);
    }
    const struct slots_call early = {2000, 10, false};
    assert_true(slots_may_give_up(&early, false, 6000)); /* a third of a short wait */
}

static void test_places(void **state)
{
    static const struct {
        struct slots_load load;
        unsigned parallel;
        bool shared, fresh, again;
    } rows[] = {
        /* quick, doubtful, hanging, again */
        {{0, 0, 0, 0}, 16, false, true, true},     {{15, 0, 0, 0}, 16, false, true, true},
        {{16, 0, 0, 0}, 16, false, false, false},  {{4, 0, 0, 4}, 16, false, true, false},
        {{0, 0, 16, 0}, 16, false, true, true},    {{15, 0, 16, 0}, 16, false, true, true},
        {{16, 0, 16, 0}, 16, false, false, false}, {{0, 0, 47, 3}, 16, false, true, true},
        {{0, 0, 48, 0}, 16, false, false, false},  {{0, 16, 0, 0}, 16, false, true, false},
        {{3, 16, 0, 0}, 16, false, true, false},   {{4, 16, 0, 0}, 16, false, false, false},
        {{0, 47, 0, 0}, 16, false, true, false},   {{0, 48, 0, 0}, 16, false, false, false},
        {{0, 0, 16, 0}, 16, true, false, false},   {{0, 0, 15, 0}, 16, true, true, true},
        {{0, 16, 0, 0}, 16, true, false, false},   {{0, 0, 0, 0}, 1, false, true, true},
        {{1, 0, 0, 0}, 1, false, false, false},    {{0, 1, 0, 0}, 1, false, true, false},
        {{0, 0, 1, 1}, 1, false, true, false},     {{0, 0, 3, 0}, 1, false, false, false},
        {{0, 0, 0, 0}, 1, true, true, true},       {{0, 0, 1, 0}, 1, true, false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(slots_let_fresh(&rows[i].load, rows[i].parallel, rows[i].shared), rows[i].fresh);
        assert_int_equal(slots_let_again(&rows[i].load, rows[i].parallel, rows[i].shared), rows[i].again);
    }
}

static void test_count(void **state)
{
    static const struct slots_call calls[] = {
        {0, 0, false}, {1999, 0, true}, {2000, 0, false}, {2000, 1, true}, {2000, 1500, false}};
    struct slots_load load = {0}, alone = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        slots_count(&load, &calls[i], false);
        slots_count(&alone, &calls[i], true);
    }
    assert_int_equal(load.quick, 3);
    assert_int_equal(load.doubtful, 1);
    assert_int_equal(load.hanging, 1);
    assert_int_equal(load.again, 2);
    assert_int_equal(alone.quick, 2);
    assert_int_equal(alone.doubtful, 0);
    assert_int_equal(alone.hanging, 3);
    assert_int_equal(slots_all(&alone), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
