/* What the HTTP server does between a request's head and its body: who decides, what is kept, in which order
 * requests of a connection run, how slow a peer may be, what the budget says. */
#include "tests/unit/http_harness.h"

#define PUT(path, length, body) "PUT " path " HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n\r\n" body

/* ---------------------------------------------------------------- the head decides */

/* Nothing of a body is kept before the handler wants it, and none of it goes in front of another request. */
static void test_denied_body(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        PUT("/deny", "5", "GET /"),
        "PUT /deny HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\nX: y\r\n\r\n",
        PUT("/deny", "0", ""),
        "GET /deny HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        for (int pieces = 0; pieces < 2; pieces++) {
            struct peer peer;
            peer_open(&peer);
            struct str bytes = str_from(bodies[i]);
            for (size_t at = 0; pieces && at < bytes.length; at++)
                peer_send(&peer, str_of(bytes.data + at, 1));
            if (!pieces)
                peer_send(&peer, bytes);
            struct answer answer = peer_answer(&peer);
            assert_int_equal(answer.status, 401);
            assert_null(answer_header_value(&answer, "Connection").data);
            peer_say(&peer, GET("/next"));
            answer = peer_answer(&peer);
            assert_str(answer.body, "GET /next ");
            peer_close(&peer);
        }
    assert_null(strstr(harness.paths, "deny"));
}

/* A long body that nobody wants ends the connection, and takes no memory. */
static void test_denied_long_body(void **state)
{
    (void)state;
    char block[4096];
    memset(block, 'x', sizeof block);
    for (int chunked = 0; chunked < 2; chunked++) {
        struct peer peer;
        peer_open(&peer);
        peer_say(&peer, chunked ? "PUT /deny HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n100000\r\n"
                                : "PUT /deny HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
        assert_int_equal(peer_answer(&peer).status, 401);
        for (int i = 0; i < 64; i++) {
            peer_send(&peer, str_of(block, sizeof block));
            assert_true(atomic_load(&harness.budget.used) <= 65536);
        }
        peer_wait_end(&peer);
        assert_int_equal(peer.taken, peer.length);
        peer_close(&peer);
    }
    assert_int_equal(harness.requests, 0);
}

/* Who is refused by its head is not asked to go on. */
static void test_expect_denied(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "PUT /deny HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    struct answer answer = peer_answer(&peer);
    assert_int_equal(answer.status, 401);
    assert_str(answer_header_value(&answer, "Connection"), "close");
    peer_wait_end(&peer);
    peer_close(&peer);
}

static void test_late_decision(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, PUT("/wait", "4", "bo"));
    peer_say(&peer, "dy" GET("/behind"));
    tick(100000); /* the handler's time is not the peer's */
    assert_int_equal(harness.requests, 0);
    assert_silent(&peer);
    http_exchange_take_body(harness.waiting, SIZE_MAX);
    harness.waiting = NULL;
    struct answer answer = peer_answer(&peer);
    assert_str(answer.body, "PUT /wait body");
    answer = peer_answer(&peer);
    assert_str(answer.body, "GET /behind ");
    peer_say(&peer, PUT("/wait", "4", "body") GET("/behind"));
    struct buffer body;
    buffer_init(&body, 0);
    http_exchange_send(harness.waiting, 404, &body);
    harness.waiting = NULL;
    assert_int_equal(peer_answer(&peer).status, 404);
    assert_int_equal(peer_answer(&peer).status, 200);
    peer_say(&peer, "PUT /wait HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_silent(&peer);
    http_exchange_take_body(harness.waiting, SIZE_MAX);
    harness.waiting = NULL;
    assert_int_equal(peer_answer(&peer).status, 100);
    peer_say(&peer, "body");
    assert_int_equal(peer_answer(&peer).status, 200);
    peer_close(&peer);
}

/* The peer goes while the handler decides, and while the body comes in. */
static void test_gone_before_body(void **state)
{
    (void)state;
    for (int answer = 0; answer < 2; answer++) {
        struct peer peer;
        peer_open(&peer);
        peer_say(&peer, PUT("/wait", "400", "bo"));
        setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        peer_close(&peer);
        if (answer)
            http_exchange_send(harness.waiting, 404, NULL);
        else
            http_exchange_take_body(harness.waiting, SIZE_MAX);
        harness.waiting = NULL;
        turn(10);
        assert_int_equal(harness.server->connection_count, 0);
    }
    assert_int_equal(harness.requests, 0);
}

static void test_smaller_limit(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {PUT("/small", "10", "0123456789"), 200},
        {PUT("/small", "11", "0123456789"), 413},
        {"PUT /small HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
         200},
        {"PUT /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n", 413},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peer peer;
        peer_open(&peer);
        peer_say(&peer, rows[i].request);
        assert_int_equal(peer_answer(&peer).status, rows[i].status);
        peer_close(&peer);
    }
}

/* The refusal of the server's own has the head to answer to. */
static void test_refusals_have_the_head(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "PUT /x HTTP/1.1\r\n" HOST "X-Request-ID: r1\r\nContent-Length: 4194305\r\n\r\n");
    struct answer answer = peer_answer(&peer);
    assert_int_equal(answer.status, 413);
    assert_str(answer_header_value(&answer, "X-Request-ID"), "r1");
    peer_close(&peer);
    peer_open(&peer);
    peer_say(&peer, "PUT /x HTTP/1.1\r\n" HOST "X-Request-ID: r2\r\nContent-Length: 9\r\n\r\nabc");
    tick(10000);
    answer = peer_answer(&peer);
    assert_int_equal(answer.status, 408);
    assert_str(answer_header_value(&answer, "X-Request-ID"), "r2");
    peer_close(&peer);
    peer_open(&peer);
    peer_say(&peer, "PUT /x HTTP/1.1\r\n" HOST "X-Request-ID: r3\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n");
    answer = peer_answer(&peer);
    assert_int_equal(answer.status, 400);
    assert_str(answer_header_value(&answer, "X-Request-ID"), "r3");
    peer_close(&peer);
}

/* ---------------------------------------------------------------- order (RFC 9112 section 9.3.2) */

static void test_unsafe_runs_alone(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, PUT("/hold/put", "1", "a") GET("/hold/get1") GET("/hold/get2") PUT("/hold/put2", "1", "b")
                        GET("/hold/get3"));
    assert_int_equal(harness.requests, 1);
    hold_answer(0, "0");
    assert_int_equal(peer_answer(&peer).status, 200);
    assert_int_equal(harness.requests, 3); /* both GETs, side by side; the next PUT waits for both */
    hold_answer(2, "2");
    assert_silent(&peer);
    assert_int_equal(harness.requests, 3);
    hold_answer(1, "1");
    assert_int_equal(peer_answer(&peer).status, 200);
    assert_int_equal(peer_answer(&peer).status, 200);
    assert_int_equal(harness.requests, 4);
    assert_silent(&peer);
    tick(60000); /* what waits for its turn is not late */
    hold_answer(3, "3");
    assert_int_equal(peer_answer(&peer).status, 200);
    assert_int_equal(harness.requests, 5);
    hold_answer(4, "4");
    assert_int_equal(peer_answer(&peer).status, 200);
    assert_str(str_from(harness.paths), "/hold/put /hold/get1 /hold/get2 /hold/put2 /hold/get3 ");
    peer_close(&peer);
}

/* Every method but the safe ones; unknown ones are not safe. */
static void test_which_methods_run_alone(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        bool alone;
    } rows[] = {{"GET", false},  {"HEAD", false},  {"OPTIONS", false}, {"PUT", true}, {"POST", true},
                {"PATCH", true}, {"DELETE", true}, {"BREW", true},     {"get", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peer peer;
        char text[256];
        unsigned before = harness.requests, held = harness.held_count;
        peer_open(&peer);
        snprintf(text, sizeof text, "%s /hold/1 HTTP/1.1\r\n" HOST "\r\nGET /hold/2 HTTP/1.1\r\n" HOST "\r\n",
                 rows[i].method);
        peer_say(&peer, text);
        assert_int_equal(harness.requests - before, rows[i].alone ? 1 : 2);
        hold_answer(held, "1");
        turn(5);
        hold_answer(held + 1, "2");
        turn(5);
        peer_close(&peer);
    }
}

/* The peer that goes away is noticed while a request waits for its turn; what waits is bounded. */
static void test_waiting_is_bounded(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, PUT("/hold", "0", ""));
    for (int i = 0; i < 3000; i++)
        if (send(peer.fd, PUT("/x", "100", ""), sizeof PUT("/x", "100", "") - 1, MSG_NOSIGNAL) > 0)
            turn(1);
    assert_true(server_bytes(harness.server) < 200000);
    assert_false(harness.held[0]->gone);
    setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    peer_close(&peer);
    hold_answer(0, "nobody");
    turn(10);
    peer_open(&peer);
    peer_say(&peer, PUT("/hold", "0", ""));
    shutdown(peer.fd, SHUT_WR);
    turn(5);
    assert_true(harness.held[1]->gone);
    hold_answer(1, "x");
    peer_close(&peer);
    turn(10);
    assert_int_equal(harness.server->connection_count, 0);
}

/* ---------------------------------------------------------------- how slow */

static void send_many(struct peer *peer, size_t count)
{
    static char block[65536];
    memset(block, 'x', sizeof block);
    for (; count > 0; count -= count < sizeof block ? count : sizeof block)
        peer_send(peer, str_of(block, count < sizeof block ? count : sizeof block));
}

static void test_body_rate(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, PUT("/x", "1000000", ""));
    for (int i = 0; i < 5; i++) { /* a little over 1 KiB a second is fine for as long as the whole may take */
        send_many(&peer, 10300);
        tick(10000);
        assert_silent(&peer);
    }
    send_many(&peer, 10300);
    tick(10000);
    assert_int_equal(peer_answer(&peer).status, 408); /* 60 s */
    peer_wait_end(&peer);
    peer_close(&peer);
    peer_open(&peer);
    peer_say(&peer, PUT("/x", "1000000", ""));
    send_many(&peer, 100000);
    tick(10000);
    assert_silent(&peer);
    send_many(&peer, 10000); /* what came early is no credit */
    tick(10000);
    assert_int_equal(peer_answer(&peer).status, 408);
    peer_wait_end(&peer);
    peer_close(&peer);
    assert_int_equal(harness.requests, 0);
}

/* Each body has its own time, also where one follows the other without a pause. */
static void test_body_after_body(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, PUT("/x", "3", "a"));
    for (int i = 0; i < 20; i++) {
        tick(9000);
        peer_say(&peer, "bc" PUT("/x", "3", "a"));
        assert_int_equal(peer_answer(&peer).status, 200);
    }
    tick(10000);
    assert_int_equal(peer_answer(&peer).status, 408);
    peer_close(&peer);
}

/* A body that nobody wants is under the same clock, and is answered once. */
static void test_skipped_body_is_timed(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, PUT("/deny", "9", "abc"));
    assert_int_equal(peer_answer(&peer).status, 401);
    tick(10000);
    peer_wait_end(&peer);
    assert_int_equal(peer.taken, peer.length);
    peer_close(&peer);
}

/* ---------------------------------------------------------------- memory */

static int budget_setup(void **state)
{
    (void)state;
    harness_start(NULL, 10000);
    harness.budget.maximum = 1024 * 1024;
    return 0;
}

static void test_budget(void **state)
{
    (void)state;
    struct peer full[3], peer;
    for (int i = 0; i < 3; i++)
        peer_open(&full[i]);
    for (int i = 0; i < 2; i++) {
        peer_say(&full[i], PUT("/x", "700000", ""));
        send_many(&full[i], 400000);
    }
    send_many(&full[0], 290000);
    struct answer answer = peer_answer(&full[1]); /* or the first: one of them went over */
    assert_int_equal(answer.status, 503);
    assert_str(answer_header_value(&answer, "Retry-After"), "1");
    assert_true(atomic_load(&harness.budget.used) <= harness.budget.maximum);
    send_many(&full[0], 10000);
    assert_int_equal(peer_answer(&full[0]).status, 200);
    for (int i = 0; i < 3; i++)
        peer_close(&full[i]);
    turn(5);
    harness.budget.maximum = 1; /* recycled requests keep their first block */
    peer_open(&peer);
    peer_say(&peer, GET("/a"));
    assert_int_equal(peer_answer(&peer).status, 503);
    peer_close(&peer);
    harness.budget.maximum = 0;
    peer_open(&peer);
    peer_say(&peer, GET("/a"));
    assert_int_equal(peer_answer(&peer).status, 200);
    peer_close(&peer);
}

/* Streams to slow readers share the budget, and still come to their end. */
static void test_budget_of_streams(void **state)
{
    (void)state;
    struct peer peers[40];
    harness.stream_slices = 1000000;
    harness.stream_size = 32768;
    harness.stream_waits = false;
    for (int i = 0; i < 40; i++) {
        peer_open_sized(&peers[i], 4096);
        peer_say(&peers[i], GET("/chunked"));
    }
    for (int i = 0; i < 2000; i++)
        turn(1);
    /* one slice each at most, once the budget is full */
    assert_true(atomic_load(&harness.budget.used) < harness.budget.maximum + 40 * 70000);
    harness.stream_slices = harness.stream_given;
    unsigned whole = 0;
    for (int i = 0; i < 40; i++) {
        struct answer answer = peer_answer(&peers[i]);
        assert_true(answer.status == 200 || answer.status == 503);
        if (answer.status == 200)
            assert_int_equal(answer.body.length % 32768, 0);
        whole += answer.status == 200;
        peer_close(&peers[i]);
    }
    assert_true(whole > 1);
}

/* ---------------------------------------------------------------- connections of one address */

static int address_setup(void **state)
{
    (void)state;
    harness_per_address = 3;
    harness_start(NULL, 10000);
    harness_per_address = 0;
    return 0;
}

static void test_per_address(void **state)
{
    (void)state;
    struct peer peers[4];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            peer_open(&peers[i]);
        peer_say(&peers[3], "GET /late HTTP/1.1\r\n" HOST "X-Request-ID: late\r\n\r\n");
        struct answer answer = peer_answer(&peers[3]);
        assert_int_equal(answer.status, 503);
        assert_str(answer_header_value(&answer, "Retry-After"), "1");
        assert_str(answer_header_value(&answer, "X-Request-ID"), "late");
        assert_true(strstr(answer.body.data, "from this address") != NULL);
        peer_wait_end(&peers[3]);
        peer_close(&peers[3]);
        peer_open(&peers[3]); /* says nothing, or not all */
        if (round > 0)
            peer_say(&peers[3], "GET /late HTTP/1.1\r\n");
        assert_silent(&peers[3]);
        tick(1000);
        assert_int_equal(peer_answer(&peers[3]).status, 503);
        peer_say(&peers[2], GET("/fine"));
        assert_int_equal(peer_answer(&peers[2]).status, 200);
        for (int i = 0; i < 4; i++)
            peer_close(&peers[i]);
        turn(5);
    }
}

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        address.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        address.ss_family = AF_INET6;
    return address;
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool same;
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"2001:db8::1", "2001:db8::ffff:1", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::1", "127.0.0.1", false},
        {"::1", "0.0.0.0", false},
        {"2001:db8::1", "32.1.13.184", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_addresses *addresses = http_addresses_new();
        struct http_address *one = NULL, *two = NULL;
        struct sockaddr_storage first = address_of(rows[i].first), second = address_of(rows[i].second);
        assert_true(http_addresses_enter(addresses, &first, 1, &one));
        assert_int_equal(http_addresses_enter(addresses, &second, 1, &two), !rows[i].same);
        assert_int_equal(two == NULL, rows[i].same);
        http_addresses_free(addresses); /* the last who leaves frees it */
        http_addresses_leave(one);
        http_addresses_leave(two);
    }
    struct http_addresses *addresses = http_addresses_new();
    static struct http_address *entries[20000];
    for (uint32_t i = 0; i < 20000; i++) {
        struct sockaddr_storage address = {.ss_family = AF_INET};
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(i / 2);
        assert_true(http_addresses_enter(addresses, &address, 2, &entries[i]));
    }
    for (uint32_t i = 0; i < 20000; i++)
        http_addresses_leave(entries[(i * 7919u) % 20000]);
    http_addresses_free(addresses);
}

#define BUDGET_TEST(name) cmocka_unit_test_setup_teardown(name, budget_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_denied_body),
        SERVER_TEST(test_denied_long_body),
        SERVER_TEST(test_expect_denied),
        SERVER_TEST(test_late_decision),
        SERVER_TEST(test_gone_before_body),
        SERVER_TEST(test_smaller_limit),
        SERVER_TEST(test_refusals_have_the_head),
        SERVER_TEST(test_unsafe_runs_alone),
        SERVER_TEST(test_which_methods_run_alone),
        SERVER_TEST(test_waiting_is_bounded),
        SERVER_TEST(test_body_rate),
        SERVER_TEST(test_body_after_body),
        SERVER_TEST(test_skipped_body_is_timed),
        BUDGET_TEST(test_budget),
        BUDGET_TEST(test_budget_of_streams),
        cmocka_unit_test_setup_teardown(test_per_address, address_setup, teardown),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
