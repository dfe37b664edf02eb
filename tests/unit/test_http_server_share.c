/* What one caller can hold of a server on a real socket: answers that it does not take, bodies, requests that
 * wait for their turn. */
#include "tests/unit/http_harness.h"

#define BIG ((size_t)8 << 20) /* more than the kernel takes for a reader that does not read */

static void say_turns(struct peer *peer, int count)
{
    struct buffer bytes;
    buffer_init(&bytes, 0);
    for (int i = 0; i < count; i++)
        buffer_append_text(&bytes, GET("/mine/turn"));
    peer_send(peer, buffer_str(&bytes));
    buffer_free(&bytes);
    turn(50);
}

static size_t read_some(struct peer *peer, size_t wanted)
{
    static char bytes[16384];
    size_t got = 0;
    for (int turns = 0; got < wanted && turns < 5000; turns++) {
        ssize_t count = recv(peer->fd, bytes, sizeof bytes, 0);
        got += count > 0 ? (size_t)count : 0;
        turn(1);
    }
    return got;
}

/* ---------------------------------------------------------------- turns */

static void test_large_answers_one_by_one(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    harness.turn_size = BIG;
    peer_say(&peer, GET("/hold"));
    say_turns(&peer, 5);
    assert_int_equal(harness.requests, 6); /* they are there, but nothing is made for the later ones */
    hold_answer(0, "x");
    turn(50);
    assert_int_equal(harness.turns, 1);
    assert_true(atomic_load(&harness.mine) >= BIG && atomic_load(&harness.mine) < 2 * BIG);
    assert_int_equal(peer_answer(&peer).body.length, 1);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(peer_answer(&peer).body.length, BIG);
    assert_int_equal(harness.turns, 5);
    assert_int_equal(harness.cut, 0);
    peer_close(&peer);
}

static void test_small_answers_do_not_wait(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    harness.turn_size = 100;
    say_turns(&peer, 16);
    assert_int_equal(harness.turns, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(peer_answer(&peer).body.length, 100);
    peer_close(&peer);
}

static void test_turns_behind_a_handler(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    harness.turn_size = 100;
    peer_say(&peer, GET("/hold"));
    say_turns(&peer, 3);
    assert_int_equal(harness.turns, 0);
    hold_answer(0, "x");
    turn(5);
    assert_int_equal(harness.turns, 3);
    peer_close(&peer);
}

static void test_turns_behind_a_stream(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    harness.turn_size = 100;
    harness.stream_slices = 3;
    harness.stream_size = 1000;
    struct buffer bytes;
    buffer_init(&bytes, 0);
    buffer_append_text(&bytes, GET("/chunked") GET("/mine/turn") GET("/mine/turn"));
    peer_send(&peer, buffer_str(&bytes));
    buffer_free(&bytes);
    assert_int_equal(peer_answer(&peer).body.length, 3000);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(peer_answer(&peer).body.length, 100);
    peer_close(&peer);
}

/* Those whose turn never came are told so, each once, when the connection has gone. */
static void test_turns_of_the_gone(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    harness.turn_size = BIG;
    peer_say(&peer, GET("/hold"));
    say_turns(&peer, 5);
    hold_answer(0, "x");
    turn(50);
    peer_close(&peer);
    turn(100);
    assert_int_equal(http_server_connections(harness.server), 0);
    assert_int_equal(harness.turns, 5);
    assert_int_equal(harness.cut, 4);
    assert_int_equal(atomic_load(&harness.mine), 0);
}

/* A request that comes beside a long pipeline is handled behind those of one turn: two times what may be
 * handled side by side. */
static void test_a_pipeline_is_taken_in_turns(void **state)
{
    (void)state;
    struct peer flood, other;
    struct buffer bytes;
    peer_open(&flood);
    peer_open(&other);
    turn(10); /* both are accepted */
    buffer_init(&bytes, 0);
    for (int i = 0; i < 200; i++)
        buffer_append_text(&bytes, GET("/f"));
    assert_int_equal(send(flood.fd, bytes.data, bytes.length, 0), bytes.length);
    assert_true(send(other.fd, GET("/other"), strlen(GET("/other")), 0) >
                0); /* in the same turn of the loop */
    buffer_free(&bytes);
    while (harness.requests < 200)
        turn(1);
    const char *at = strstr(harness.paths, "/other");
    assert_non_null(at);
    assert_true(at - harness.paths <= 2 * 16 * (ptrdiff_t)strlen("/f "));
    peer_close(&flood);
    peer_close(&other);
}

/* ---------------------------------------------------------------- the whole of an answer */

/* Far above the least rate, and still an answer ends: 60 s and a second for each 64 KiB. */
static void test_an_answer_ends(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    harness.turn_size = BIG;
    say_turns(&peer, 1);
    int windows = 0;
    while (windows < 100 && http_server_connections(harness.server) == 1) {
        assert_true(read_some(&peer, 40000) >= 40000); /* of 10 s */
        tick(10000);
        windows++;
    }
    assert_true(windows >= 6 + 12 && windows <= 6 + 13 + 2); /* 128 s for its 8 MiB */
    peer_close(&peer);
}

/* Who is quick enough has time for any number of them on one connection. */
static void test_the_next_answer_has_its_own_time(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    harness.turn_size = BIG;
    say_turns(&peer, 4);
    for (size_t got = 0; got < 4 * BIG;) {
        size_t more = read_some(&peer, 800000);
        assert_true(more >= 800000 || got + more >= 4 * BIG);
        got += more;
        tick(10000);
    }
    assert_int_equal(harness.turns, 4);
    peer_close(&peer);
}

/* ---------------------------------------------------------------- bodies */

#define PUT(path, length) "PUT " path " HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n\r\n"

static void send_many(struct peer *peer, size_t count)
{
    static char bytes[400000];
    memset(bytes, 'x', sizeof bytes);
    peer_send(peer, str_of(bytes, count));
}

static int share_setup(void **state)
{
    (void)state;
    harness_start(NULL, 10000);
    harness.budget.maximum = 4 * 1024 * 1024;
    return 0;
}

/* One caller's bodies fill its quarter, not more; what others send is taken. */
static void test_bodies_of_one_caller(void **state)
{
    (void)state;
    enum { MANY = 12 };
    struct peer peers[MANY], other;
    unsigned refused = 0;
    for (int i = 0; i < MANY; i++) {
        peer_open(&peers[i]);
        peer_say(&peers[i], PUT("/mine", "400000"));
        send_many(&peers[i], 390000);
    }
    assert_true(atomic_load(&harness.mine) <= harness.budget.maximum / 4 + 2 * 400000);
    peer_open(&other);
    peer_say(&other, PUT("/other", "400000"));
    send_many(&other, 400000);
    assert_int_equal(peer_answer(&other).status, 200);
    for (int i = 0; i < MANY; i++) {
        struct answer answer;
        peer_read(&peers[i]);
        refused += take_answer(&peers[i], false, &answer) && answer.status == 503;
    }
    assert_true(refused >= MANY - 5 && refused < MANY);
    for (int i = 0; i < MANY; i++)
        peer_close(&peers[i]);
    peer_close(&other);
    turn(5);
    assert_int_equal(atomic_load(&harness.mine), 0);
}

/* ---------------------------------------------------------------- the part for small requests */

static void test_large_blocks_leave_room(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, (size_t)1 << 20);
    while (budget_take(&budget, 100000))
        ;
    assert_true(atomic_load(&budget.used) <= (3u << 20) / 4);
    assert_true(budget_take(&budget, BUDGET_SMALL));
    assert_false(budget_is_full(&budget));
    while (budget_take(&budget, 1000))
        ;
    assert_true(atomic_load(&budget.used) > (1u << 20) - 1000);
    assert_true(budget_is_full_of_large(&budget));
    budget_init(&budget, 0);
    assert_true(budget_take(&budget, SIZE_MAX / 2));
    assert_false(budget_is_full_of_large(&budget));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_large_answers_one_by_one),
        SERVER_TEST(test_small_answers_do_not_wait),
        SERVER_TEST(test_turns_behind_a_handler),
        SERVER_TEST(test_turns_behind_a_stream),
        SERVER_TEST(test_turns_of_the_gone),
        SERVER_TEST(test_a_pipeline_is_taken_in_turns),
        SERVER_TEST(test_an_answer_ends),
        SERVER_TEST(test_the_next_answer_has_its_own_time),
        cmocka_unit_test_setup_teardown(test_bodies_of_one_caller, share_setup, teardown),
        cmocka_unit_test(test_large_blocks_leave_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
