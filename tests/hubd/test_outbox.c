/* The outbox's pump (hub-ocpi(7), DELIVERY): order, parallel tries, leases, pauses, giving up, held and released. */
#include "tests/hubd/fixture.h"

/* ---------------------------------------------------------------- order */

static void delivers_in_order(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    int64_t one = bench_push(bench, "IN-MSP", "S1"), two = bench_push(bench, "IN-MSP", "S2");
    bench_settle(bench);
    assert_calls(bench, 0, "S1 S2");
    assert_state(bench, one, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, two, STORE_DELIVERY_DELIVERED, "");
    assert_str(partners_call(0)->url, "https://in-msp.example/sessions/IN/CPO/S1");
    assert_int_equal(partners_call(0)->method, HTTP_METHOD_PUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(delivers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
