/* The HTTP server (lib/http/server.h) on a real socket, spoken to in raw bytes: requests, refusals, timeouts.
 */
#include "tests/unit/http_harness.h"

/* ---------------------------------------------------------------- the straight way */

static void test_get(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "GET /a/b?c=d HTTP/1.1\r\n" HOST "X-Request-ID: 1 2\r\nX-Empty:\r\n\r\n");
    struct answer answer = peer_answer(&peer);
    assert_int_equal(answer.status, 200);
    assert_str(answer.body, "GET /a/b?c=d ");
    assert_str(answer_header_value(&answer, "Date"), "Fri, 31 Jul 2026 23:59:59 GMT");
    assert_str(answer_header_value(&answer, "Content-Type"), "text/plain");
    assert_str(answer_header_value(&answer, "X-Request-ID"), "1 2");
    assert_null(answer_header_value(&answer, "Connection").data);
    assert_silent(&peer);
    peer_close(&peer);
    assert_int_equal(http_server_connections(harness.server), 0);
}

static void test_split_everywhere(void **state)
{
    (void)state;
    static const char request[] = "\r\nPUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                  "5;e=1\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n"
                                  "PUT /y HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";
    for (size_t step = 1; step < sizeof request; step = step < 8 ? step + 1 : step + 13) {
        struct peer peer;
        peer_open(&peer);
        for (size_t at = 0; at < sizeof request - 1; at += step) {
            size_t left = sizeof request - 1 - at;
            peer_send(&peer, str_of(request + at, step < left ? step : left));
        }
        struct answer answer = peer_answer(&peer);
        assert_str(answer.body, "PUT /x hello!");
        answer = peer_answer(&peer);
        assert_str(answer.body, "PUT /y abc");
        peer_close(&peer);
    }
}

static void test_pipelining_keeps_order(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, GET("/hold/0") GET("/hold/1") GET("/b") GET("/hold/3"));
    assert_int_equal(harness.requests, 4);
    hold_answer(2, "three");
    hold_answer(1, "one");
    assert_silent(&peer);
    hold_answer(0, "zero");
    static const char *const expected[] = {"zero", "one", "GET /b ", "three"};
    for (size_t i = 0; i < 4; i++) {
        struct answer answer = peer_answer(&peer);
        assert_str(answer.body, expected[i]);
    }
    assert_silent(&peer);
    peer_close(&peer);
}

static void test_pipeline_is_bounded(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    for (int i = 0; i < 40; i++)
        peer_say(&peer, GET("/hold"));
    assert_int_equal(harness.requests, 16);
    for (unsigned i = 0; i < 40; i++) {
        assert_true(harness.held_count > i);
        hold_answer(i, "x");
        assert_int_equal(peer_answer(&peer).status, 200);
    }
    assert_int_equal(harness.requests, 40);
    assert_silent(&peer);
    peer_close(&peer);
}

static void test_many_pipelined_at_once(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    struct buffer bytes;
    buffer_init(&bytes, 0);
    for (int i = 0; i < 3000; i++)
        buffer_append_text(&bytes, GET("/many"));
    peer_send(&peer, buffer_str(&bytes));
    buffer_free(&bytes);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(peer_answer(&peer).status, 200);
    peer_close(&peer);
    assert_int_equal(harness.requests, 3000);
}

/* Requests without end, as fast as the kernel takes them: each turn of the loop serves a few, so that others
 * have theirs, and what has come is read no faster than it is answered. */
static void test_a_flood_has_its_turn_only(void **state)
{
    (void)state;
    struct peer peer;
    struct buffer bytes;
    peer_open(&peer);
    buffer_init(&bytes, 0);
    for (int i = 0; i < 20000; i++)
        buffer_append_text(&bytes, GET("/"));
    struct str rest = buffer_str(&bytes);
    for (int i = 0; i < TURNS && harness.requests < 20000; i++) {
        ssize_t sent = rest.length > 0 ? send(peer.fd, rest.data, rest.length, MSG_NOSIGNAL) : 0;
        rest = str_skip(rest, sent > 0 ? (size_t)sent : 0);
        unsigned before = harness.requests;
        turn(1);
        assert_in_range(harness.requests - before, 0, 64);
        assert_in_range(server_bytes(harness.server), 0, 512 * 1024);
        peer_read(&peer);
    }
    assert_int_equal(harness.requests, 20000);
    buffer_free(&bytes);
    peer_close(&peer);
}

static void test_head_and_none(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "HEAD /h HTTP/1.1\r\n" HOST "\r\n");
    struct answer answer = peer_answer_to(&peer, true);
    assert_str(answer_header_value(&answer, "Content-Length"), "7");
    assert_silent(&peer);
    harness.stream_slices = 3;
    harness.stream_size = 10;
    peer_say(&peer, "HEAD /chunked HTTP/1.1\r\n" HOST "\r\n");
    answer = peer_answer_to(&peer, true);
    assert_int_equal(answer.status, 200);
    turn(10);
    assert_true(harness.stream_ended);
    peer_say(&peer, GET("/none"));
    answer = peer_answer(&peer);
    assert_int_equal(answer.status, 204);
    assert_null(answer_header_value(&answer, "Content-Length").data);
    assert_silent(&peer);
    peer_close(&peer);
}

static void test_other_methods_reach_the_handler(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n",
        "BREW /pot HTTP/1.1\r\n" HOST "\r\n", "TRACE /t HTTP/1.1\r\n" HOST "\r\n",
        "get /low HTTP/1.1\r\n" HOST "\r\n",  "SOURCE /s HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab",
    };
    static const char *const bodies[] = {"? * ", "? a:1 ", "? /pot ", "? /t ", "? /low ", "? /s ab"};
    struct peer peer;
    peer_open(&peer);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        peer_say(&peer, requests[i]);
        struct answer answer = peer_answer(&peer);
        assert_str(answer.body, bodies[i]);
    }
    peer_close(&peer);
}

static void test_absolute_form_and_upgrade(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "GET http://other/p?q=1 HTTP/1.1\r\n" HOST "\r\n"
                    "GET https://other HTTP/1.1\r\n" HOST "\r\n"
                    "GET http://other?q HTTP/1.1\r\n" HOST "\r\n"
                    "GET /up HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" GET("//IN//x"));
    static const char *const bodies[] = {"GET /p?q=1 ", "GET / ", "GET /?q ", "GET /up ", "GET //IN//x "};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct answer answer = peer_answer(&peer);
        assert_str(answer.body, bodies[i]);
    }
    assert_string_equal(harness.paths, "/p / / /up //IN//x ");
    peer_close(&peer);
}

static void test_close_and_http_1_0(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET("/never"),
        "GET /a HTTP/1.0\r\n\r\n" GET("/never"),
    };
    for (size_t i = 0; i < 2; i++) {
        struct peer peer;
        peer_open(&peer);
        peer_say(&peer, requests[i]);
        struct answer answer = peer_answer(&peer);
        assert_str(answer_header_value(&answer, "Connection"), "close");
        peer_wait_end(&peer);
        assert_true(peer.eof);
        assert_int_equal(peer.taken, peer.length);
        peer_close(&peer);
    }
    assert_int_equal(harness.requests, 2);
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct answer answer = peer_answer(&peer);
    assert_str(answer_header_value(&answer, "Connection"), "keep-alive");
    harness.stream_slices = 2;
    harness.stream_size = 4;
    peer_say(&peer, "GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer = peer_answer(&peer);
    assert_str(answer_header_value(&answer, "Connection"), "close");
    assert_null(answer_header_value(&answer, "Transfer-Encoding").data);
    peer_wait_end(&peer);
    assert_str(str_of(peer.data + peer.taken, peer.length - peer.taken), "aaaabbbb");
    peer_close(&peer);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer,
             GET("/hold") "PUT /e HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n");
    assert_silent(&peer); /* its turn comes behind the first answer */
    hold_answer(0, "first");
    struct answer answer = peer_answer(&peer);
    assert_str(answer.body, "first");
    answer = peer_answer(&peer);
    assert_int_equal(answer.status, 100);
    peer_say(&peer, "body");
    answer = peer_answer(&peer);
    assert_str(answer.body, "PUT /e body");
    /* The body has come along: no 100. HTTP/1.0 knows none. */
    peer_say(&peer, "PUT /e HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
    assert_int_equal(peer_answer(&peer).status, 200);
    peer_say(&peer, "PUT /e HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4194305\r\n\r\n");
    assert_int_equal(peer_answer(&peer).status, 413);
    peer_wait_end(&peer);
    assert_true(peer.eof);
    peer_close(&peer);
}

/* ---------------------------------------------------------------- refusals */

struct refused_row {
    const char *bytes;
    int status;
};

#define CHUNKED "POST /first HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
static const struct refused_row refused[] = {
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 44\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length : 0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0b"
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST /first HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
     400},
    {"POST /first HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"GET /first HTTP/1.1\nHost: a\n\n", 400},
    {"GET /first HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"GET /first HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400},
    {"GET /first HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET /first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"GET /first HTTP/1.1\r\n\r\n", 400},
    {"GET /first HTTP/1.1\r\n" HOST "X:\rY: b\r\n\r\n", 400},
    {"GET /first HTTP/1.2\r\n" HOST "\r\n", 400},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"GET /first#x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET first HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /first\r\n\r\n", 400},
    {"\r\n\r\n\r\nGET /first HTTP/1.1\r\n" HOST "\r\n", 400},
    {"\x16\x03\x01\x02", 400},
    {CHUNKED "FFFFFFFFFFFFFFFFF\r\n", 400},
    {CHUNKED "FFFFFFFFFFFFFFFF\r\n", 413},
    {CHUNKED "400001\r\n", 413},
    {CHUNKED "-1\r\n", 400},
    {CHUNKED "5\r\nhelloXX0\r\n\r\n", 400},
    {CHUNKED "5\r\nhello\n0\r\n\r\n", 400},
    {CHUNKED "5\nhello\r\n0\r\n\r\n", 400},
    {CHUNKED "5\r\r\nhello\r\n0\r\n\r\n", 400},
    {CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n", 400},
    {CHUNKED "0\r\nGET /x HTTP/1.1\r\n\r\n", 400},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: 4194305\r\n\r\n", 413},
    {"POST /first HTTP/1.1\r\n" HOST "Content-Length: 9999999999999999999\r\n\r\n", 413},
};

static void refuse_row(const struct refused_row *row, bool byte_by_byte, bool after_good)
{
    struct peer peer;
    peer_open(&peer);
    if (after_good)
        peer_say(&peer, GET("/good"));
    struct str bytes = str_from(row->bytes);
    for (size_t i = 0; byte_by_byte && i < bytes.length; i++)
        peer_send(&peer, str_of(bytes.data + i, 1));
    if (!byte_by_byte)
        peer_send(&peer, bytes);
    peer_say(&peer, GET("/smuggled"));
    if (after_good)
        assert_int_equal(peer_answer(&peer).status, 200);
    struct answer answer = peer_answer(&peer);
    if (answer.status != row->status)
        fail_msg("%s: %d, expected %d", row->bytes, answer.status, row->status);
    assert_str(answer_header_value(&answer, "Connection"), "close");
    assert_true(str_starts_with(answer.body, STR("refused ")));
    peer_wait_end(&peer);
    assert_true(peer.eof);
    assert_int_equal(peer.taken, peer.length);
    peer_close(&peer);
    if (strstr(harness.paths, "smuggled") != NULL || strstr(harness.paths, "first") != NULL)
        fail_msg("%s: reached the handler: %s", row->bytes, harness.paths);
}

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        refuse_row(&refused[i], false, false);
        refuse_row(&refused[i], true, false);
        refuse_row(&refused[i], false, true);
        harness.paths[0] = '\0';
    }
    turn(4);
    assert_int_equal(http_server_connections(harness.server), 0);
}

static void test_head_limits(void **state)
{
    (void)state;
    static char head[20000];
    static const size_t pads[] = {16300, 17000};
    for (int i = 0; i < 2; i++) {
        memset(head, 'x', sizeof head);
        struct peer peer;
        peer_open(&peer);
        peer_say(&peer, "GET /h HTTP/1.1\r\n" HOST "X: ");
        peer_send(&peer, str_of(head, pads[i]));
        peer_say(&peer, "\r\n\r\n");
        assert_int_equal(peer_answer(&peer).status, i == 0 ? 200 : 431);
        peer_close(&peer);
    }
    struct peer peer;
    peer_open(&peer); /* never ends */
    peer_send(&peer, str_of(head, 16385));
    assert_int_equal(peer_answer(&peer).status, 431);
    peer_close(&peer);
    peer_open(&peer);
    peer_say(&peer, "GET /h HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 256; i++)
        peer_say(&peer, "X: 1\r\n");
    peer_say(&peer, "\r\n");
    assert_int_equal(peer_answer(&peer).status, 431);
    peer_close(&peer);
    assert_int_equal(harness.requests, 1);
}

static void test_large_bodies(void **state)
{
    (void)state;
    size_t size = 4194304;
    char *body = malloc(size + 1);
    memset(body, 'b', size + 1);
    for (int over = 0; over < 2; over++) {
        struct peer peer;
        peer_open(&peer);
        peer_say(&peer, CHUNKED);
        for (size_t at = 0; at < size; at += 65536) {
            peer_say(&peer, "10000\r\n");
            peer_send(&peer, str_of(body, 65536));
            peer_say(&peer, "\r\n");
        }
        peer_say(&peer, over ? "1\r\nb\r\n0\r\n\r\n" : "0\r\n\r\n");
        struct answer answer = peer_answer(&peer);
        assert_int_equal(answer.status, over ? 413 : 200);
        if (!over)
            assert_int_equal(answer.body.length, size + strlen("POST /first "));
        peer_close(&peer);
    }
    struct peer peer;
    peer_open(&peer); /* a client that sends all before it reads still gets to read the refusal */
    peer_say(&peer, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 4194305\r\n\r\n");
    peer_send(&peer, str_of(body, size + 1));
    assert_int_equal(peer_answer(&peer).status, 413);
    peer_wait_end(&peer);
    assert_true(peer.eof);
    peer_close(&peer);
    free(body);
}

/* ---------------------------------------------------------------- time */

static void test_head_timeout(void **state)
{
    (void)state;
    struct peer silent, slow, second;
    peer_open(&silent);
    peer_open(&slow);
    peer_open(&second);
    peer_say(&second, GET("/a"));
    assert_int_equal(peer_answer(&second).status, 200);
    tick(4000);
    peer_say(&slow, "GET / HT");
    peer_say(&second, "GET / HT");
    tick(5999);
    peer_say(&slow, "TP");
    assert_silent(&silent);
    assert_silent(&slow);
    tick(1); /* 10 s from the accept */
    assert_int_equal(peer_answer(&silent).status, 408);
    assert_silent(&slow);
    tick(4000); /* 10 s from the first byte, however many came since */
    assert_int_equal(peer_answer(&slow).status, 408);
    assert_int_equal(peer_answer(&second).status, 408);
    peer_wait_end(&second);
    peer_close(&silent);
    peer_close(&slow);
    peer_close(&second);
}

static void test_body_and_idle_timeout(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na");
    tick(5000);
    peer_say(&peer, "b");
    tick(4999);
    assert_silent(&peer);
    tick(1); /* 10 s, however many bytes came since: fewer than 10 KiB */
    assert_int_equal(peer_answer(&peer).status, 408);
    peer_wait_end(&peer);
    peer_close(&peer);
    peer_open(&peer);
    peer_say(&peer, GET("/a"));
    assert_int_equal(peer_answer(&peer).status, 200);
    tick(74000);
    peer_say(&peer, GET("/hold"));
    tick(100000); /* the handler is slow, not the peer */
    hold_answer(0, "late");
    struct answer answer = peer_answer(&peer);
    assert_str(answer.body, "late");
    tick(74999);
    assert_silent(&peer);
    tick(1);
    peer_wait_end(&peer);
    assert_true(peer.eof);
    assert_int_equal(peer.taken, peer.length);
    peer_close(&peer);
    assert_int_equal(harness.requests, 2);
}

static void test_linger_ends(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, "nonsense\r\n\r\n");
    assert_int_equal(peer_answer(&peer).status, 400);
    peer_wait_end(&peer);
    assert_int_equal(http_server_connections(harness.server), 1);
    tick(5000);
    assert_int_equal(http_server_connections(harness.server), 0);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_get),
        SERVER_TEST(test_split_everywhere),
        SERVER_TEST(test_pipelining_keeps_order),
        SERVER_TEST(test_pipeline_is_bounded),
        SERVER_TEST(test_many_pipelined_at_once),
        SERVER_TEST(test_a_flood_has_its_turn_only),
        SERVER_TEST(test_head_and_none),
        SERVER_TEST(test_other_methods_reach_the_handler),
        SERVER_TEST(test_absolute_form_and_upgrade),
        SERVER_TEST(test_close_and_http_1_0),
        SERVER_TEST(test_expect_continue),
        SERVER_TEST(test_refusals),
        SERVER_TEST(test_head_limits),
        SERVER_TEST(test_large_bodies),
        SERVER_TEST(test_head_timeout),
        SERVER_TEST(test_body_and_idle_timeout),
        SERVER_TEST(test_linger_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
