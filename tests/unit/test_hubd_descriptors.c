/* How the file descriptors are shared out between partners, calls and everything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hubd/descriptors.h"

#define CONNECTIONS_MAX 10000

static void test_plenty(void **state)
{
    (void)state;
    for (unsigned loops = 2; loops <= 65; loops++) {
        struct descriptors wanted = descriptors_share(0, loops, CONNECTIONS_MAX);
        struct descriptors exact = descriptors_share(wanted.wanted, loops, CONNECTIONS_MAX);
        struct descriptors more = descriptors_share(UINT64_MAX, loops, CONNECTIONS_MAX);
        assert_int_equal(exact.inbound, CONNECTIONS_MAX);
        assert_int_equal(exact.outbound, 1024);
        assert_int_equal(exact.refused, 512);
        assert_int_equal(more.inbound, exact.inbound);
        assert_int_equal(more.outbound, exact.outbound);
        assert_int_equal(more.refused, exact.refused);
        assert_true(wanted.wanted > CONNECTIONS_MAX + loops * 1024);
    }
}

/* Whatever the limit is: all together stay below it, with room for everything that is no partner's. */
static void test_sum(void **state)
{
    (void)state;
    for (unsigned loops = 2; loops <= 65; loops += 7)
        for (uint64_t limit = 320 + (uint64_t)loops * 30; limit < 100000; limit += limit / 7) {
            struct descriptors share = descriptors_share(limit, loops, CONNECTIONS_MAX);
            uint64_t calls = (uint64_t)loops * (share.outbound + share.outbound / 8);
            assert_true(share.inbound + share.refused + calls + 128 + 64 <= limit);
            assert_true(share.inbound >= DESCRIPTORS_INBOUND_MIN);
            assert_true(share.outbound >= DESCRIPTORS_OUTBOUND_MIN);
        }
}

/* A quarter is for calls where partners could take all; what partners may not take is for calls, too. */
static void test_short(void **state)
{
    struct descriptors share = descriptors_share(4096, 5, CONNECTIONS_MAX);

    (void)state;
    assert_in_range(share.inbound, 2600, 2900);
    assert_in_range(share.outbound, 150, 190);
    share = descriptors_share(4096, 5, 100);
    assert_int_equal(share.inbound, 100);
    assert_in_range(share.outbound, 600, 700);
}

static void test_hardly_any(void **state)
{
    (void)state;
    for (uint64_t limit = 0; limit < 300; limit += 50) {
        struct descriptors share = descriptors_share(limit, 3, CONNECTIONS_MAX);
        assert_int_equal(share.inbound, DESCRIPTORS_INBOUND_MIN);
        assert_int_equal(share.outbound, DESCRIPTORS_OUTBOUND_MIN);
    }
    assert_int_equal(descriptors_share(0, 3, 1).inbound, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plenty),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_hardly_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
