/* Whom the admin socket hangs up on, so that nobody holds a place for ever. */
#include "tests/unit/ctl_server_harness.h"

static int64_t shift_us;

static int64_t shifted_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + shift_us;
}

static void pass(int64_t ms)
{
    shift_us += ms * 1000;
    ctl_server_sweep(server);
    for (int i = 0; i < 10; i++)
        turn();
}

static bool is_open(int client)
{
    char byte;
    return recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static int setup_shifted(void **state)
{
    static const struct env_ops ops = {.monotonic_us = shifted_us};
    env_replace(&ops);
    return setup(state);
}

static int teardown_shifted(void **state)
{
    int result = teardown(state);
    env_replace(NULL);
    return result;
}

#define ASK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"party.show\",\"params\":{\"id\":\"IN-ABC\"}}\n"

static void test_idle_ends(void **state)
{
    (void)state;
    int idle = connect_client(), asks = connect_client();
    turn();
    pass(CTL_IDLE_MS - 1000);
    send_text(asks, ASK, strlen(ASK));
    assert_non_null(strstr(read_line(asks), "IN-ABC"));
    pass(2000);
    assert_false(is_open(idle));
    assert_true(is_open(asks)); /* it has asked something meanwhile */
    pass(CTL_IDLE_MS);
    assert_false(is_open(asks));
    close(idle);
    close(asks);
}

/* What is under way is waited for, however long it takes. */
static void test_work_is_not_idle(void **state)
{
    (void)state;
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\"}\n";
    int client = connect_client();
    send_text(client, text, strlen(text));
    for (int i = 0; i < TURNS_MAX && pending == NULL; i++)
        turn();
    assert_non_null(pending);
    pass(CTL_IDLE_MS * 3);
    assert_true(is_open(client));
    reply_text(pending, "{}");
    assert_non_null(strstr(read_line(client), "\"id\":7"));
    pass(CTL_IDLE_MS / 2);
    assert_true(is_open(client));
    pass(CTL_IDLE_MS);
    assert_false(is_open(client));
    close(client);
}

/* A byte now and then does not keep a request open. */
static void test_half_a_request_ends(void **state)
{
    (void)state;
    int client = connect_client();
    size_t sent = 0;
    for (int64_t passed = 0; passed < CTL_HALF_MS; passed += CTL_HALF_MS / 10) {
        assert_true(is_open(client));
        send_text(client, &ASK[sent++], 1);
        turn();
        turn();
        pass(CTL_HALF_MS / 10);
    }
    pass(CTL_HALF_MS / 10);
    assert_false(is_open(client));
    close(client);
}

/* A stream that nobody reads holds its place and its memory for a time only. */
static void test_stalled_reader_ends(void **state)
{
    (void)state;
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"audit.tail\"}\n";
    int client = connect_client();
    send_text(client, text, strlen(text));
    for (int i = 0; i < 100; i++)
        turn();
    assert_true(stream.blocked);
    pass(0);
    pass(CTL_STALLED_MS / 2);
    assert_int_equal(stream.closes, 0);
    pass(CTL_STALLED_MS);
    assert_int_equal(stream.closes, 1);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_idle_ends, setup_shifted, teardown_shifted),
        cmocka_unit_test_setup_teardown(test_work_is_not_idle, setup_shifted, teardown_shifted),
        cmocka_unit_test_setup_teardown(test_half_a_request_ends, setup_shifted, teardown_shifted),
        cmocka_unit_test_setup_teardown(test_stalled_reader_ends, setup_shifted, teardown_shifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
