/* The HTTP server on a real socket: streams, slow readers, peers that go away, full and draining servers,
 * memory. */
#include "tests/unit/http_harness.h"

#include <malloc.h>
#include <sys/resource.h>

/* ---------------------------------------------------------------- streams */

static void test_chunked_out(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    harness.stream_slices = 5;
    harness.stream_size = 100000;
    peer_say(&peer, GET("/chunked") GET("/after"));
    struct answer answer = peer_answer(&peer);
    assert_int_equal(answer.body.length, 500000);
    assert_int_equal(answer.chunks, 5);
    assert_int_equal(answer.body.data[499999], 'e');
    answer = peer_answer(&peer);
    assert_str(answer.body, "GET /after ");
    harness.stream_given = 0;
    peer_say(&peer, GET("/sized"));
    answer = peer_answer(&peer);
    assert_int_equal(answer.body.length, 500000);
    harness.stream_given = 0;
    peer_say(&peer, GET("/short")); /* one byte less than declared: cut, not passed off as complete */
    for (int i = 0; i < TURNS && !peer.eof && !peer.reset; i++) {
        peer_read(&peer);
        turn(1);
    }
    assert_true(peer.reset);
    peer_close(&peer);
}

static void test_stream_abort(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    harness.stream_waits = true;
    harness.stream_slices = 2;
    harness.stream_size = 10;
    peer_say(&peer, GET("/chunked"));
    assert_true(harness.stream_asked);
    stream_step(harness.stream);
    turn(4);
    assert_true(harness.stream_asked);
    http_exchange_stream_abort(harness.stream);
    peer_wait_end(&peer);
    assert_true(peer.reset);
    peer_close(&peer);
}

static void test_slow_reader_is_bounded(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    harness.stream_slices = 2000;
    harness.stream_size = 16384;
    peer_say(&peer, GET("/chunked"));
    turn(3000);
    struct server_connection *connection =
        CONTAINER_OF(harness.server->connections.next, struct server_connection, link);
    assert_true(connection->waiting >= harness.server->limits.write_buffer_max);
    assert_true(connection->waiting <= harness.server->limits.write_buffer_max + 17000);
    assert_true(harness.stream_given < 1000);
    /* It reads a little: too little for the socket to become writable, enough to stay: 1 KiB a second. */
    for (int i = 0; i < 5; i++) {
        static char bytes[16384];
        size_t got = 0;
        for (int turns = 0; got < 65536 && turns < 5000; turns++) {
            ssize_t count = recv(peer.fd, bytes, sizeof bytes, 0);
            got += count > 0 ? (size_t)count : 0;
            turn(1);
        }
        assert_true(got >= 65536);
        tick(10000);
        assert_int_equal(http_server_connections(harness.server), 1);
    }
    /* Slower it is cut off; what was on its way may still count once. */
    for (int i = 0; i < 3; i++) {
        static char bytes[2000];
        recv(peer.fd, bytes, sizeof bytes, 0);
        turn(10);
        tick(10000);
    }
    assert_int_equal(http_server_connections(harness.server), 0);
    turn(10);
    assert_true(harness.stream_ended);
    peer_close(&peer);
}

static void test_slow_reader_gets_everything(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    harness.stream_slices = 200;
    harness.stream_size = 16384;
    peer_say(&peer, GET("/chunked"));
    struct answer answer = peer_answer(&peer);
    assert_int_equal(answer.body.length, 200 * 16384);
    peer_close(&peer);
}

/* A peer that sends requests and reads no answers is no longer read from. */
static void test_unread_answers_stop_reading(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_sized(&peer, 4096);
    char *request = malloc(100200);
    int head = snprintf(request, 200, "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    memset(request + head, 'x', 100000);
    size_t sent = 0;
    for (int idle = 0; idle < 100;) {
        ssize_t count = send(peer.fd, request + sent % (size_t)(head + 100000),
                             (size_t)(head + 100000) - sent % (size_t)(head + 100000), MSG_NOSIGNAL);
        idle = count > 0 ? 0 : idle + 1;
        sent += count > 0 ? (size_t)count : 0;
        assert_true(sent < 100000000);
        turn(1);
    }
    assert_true(harness.requests > 2);
    assert_true(server_bytes(harness.server) < 2500000);
    free(request);
    peer_close(&peer);
}

/* ---------------------------------------------------------------- peers that go away */

static void test_gone_peer(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer,
             GET("/hold/0") GET("/hold/1") "PUT /half HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabc");
    assert_int_equal(harness.held_count, 2);
    assert_false(harness.held[0]->gone);
    peer_close(&peer);
    assert_true(harness.held[0]->gone);
    assert_true(harness.held[1]->gone);
    hold_answer(1, "nobody");
    hold_answer(0, "nobody");
    turn(5);
    assert_int_equal(http_server_connections(harness.server), 0);
    assert_int_equal(harness.server->connection_count, 0);
}

static void test_reset_peer(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    harness.stream_waits = true;
    harness.stream_slices = 2;
    harness.stream_size = 10;
    peer_say(&peer, GET("/chunked") GET("/hold"));
    assert_true(harness.stream_asked);
    setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    peer_close(&peer);
    assert_true(harness.held[0]->gone);
    assert_true(harness.stream->gone);
    assert_int_equal(http_server_connections(harness.server), 0);
    stream_step(harness.stream);
    assert_true(harness.stream_ended);
    hold_answer(0, "nobody");
    turn(5);
    assert_int_equal(harness.server->connection_count, 0);
}

/* Shut for writing only: it still wants its answers, and costs no turns of the loop meanwhile. */
static void test_half_closed_peer(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, GET("/a") GET("/hold"));
    shutdown(peer.fd, SHUT_WR);
    turn(5);
    struct server_connection *connection =
        CONTAINER_OF(harness.server->connections.next, struct server_connection, link);
    assert_int_equal(connection->events, 0);
    assert_false(uv_is_active((uv_handle_t *)&connection->poll));
    assert_false(uv_is_active((uv_handle_t *)&harness.server->idle));
    assert_int_equal(peer_answer(&peer).status, 200);
    hold_answer(0, "still");
    struct answer answer = peer_answer(&peer);
    assert_str(answer.body, "still");
    assert_str(answer_header_value(&answer, "Connection"), "close");
    peer_wait_end(&peer);
    assert_true(peer.eof);
    peer_close(&peer);
    peer_open(&peer); /* with all requests in one write with the end */
    harness.stream_slices = 3;
    harness.stream_size = 10;
    peer_say(&peer, "");
    assert_true(send(peer.fd, GET("/chunked"), sizeof GET("/chunked") - 1, 0) > 0);
    shutdown(peer.fd, SHUT_WR);
    answer = peer_answer(&peer);
    assert_int_equal(answer.body.length, 30);
    peer_wait_end(&peer);
    peer_close(&peer);
    peer_open(&peer); /* in the middle of a body */
    peer_say(&peer, "PUT /half HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabc");
    shutdown(peer.fd, SHUT_WR);
    assert_int_equal(peer_answer(&peer).status, 400);
    peer_wait_end(&peer);
    peer_close(&peer);
    assert_null(strstr(harness.paths, "half"));
}

/* What is no HTTP behind a request that runs alone, or at the beginning of a body that was waited for, is refused
 * there and then: nothing else has to come first, least of all from a peer that sends no more. */
static void test_refused_behind_a_request(void **state)
{
    (void)state;
    struct peer peer;
    for (int ends = 0; ends < 2; ends++) {
        peer_open(&peer);
        peer_say(&peer, "PUT /hold HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n no HTTP");
        if (ends != 0)
            shutdown(peer.fd, SHUT_WR);
        turn(5);
        hold_answer((unsigned)ends, "held");
        assert_int_equal(peer_answer(&peer).status, 200);
        assert_int_equal(peer_answer(&peer).status, 400);
        peer_wait_end(&peer);
        peer_close(&peer);
        turn(5);
        assert_int_equal(harness.server->connection_count, 0);
    }
    peer_open(&peer);
    peer_say(&peer, "PUT /wait HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nno chunk");
    shutdown(peer.fd, SHUT_WR);
    turn(5);
    http_exchange_take_body(harness.waiting, SIZE_MAX);
    harness.waiting = NULL;
    assert_int_equal(peer_answer(&peer).status, 400);
    peer_wait_end(&peer);
    peer_close(&peer);
    turn(5);
    assert_int_equal(harness.server->connection_count, 0);
}

/* ---------------------------------------------------------------- full, drain */

static int full_setup(void **state)
{
    (void)state;
    harness_start(NULL, 2);
    return 0;
}

static void test_full_hub(void **state)
{
    (void)state;
    struct peer one, two, three;
    peer_open(&one);
    peer_open(&two);
    peer_say(&one, GET("/one"));
    assert_int_equal(peer_answer(&one).status, 200);
    peer_say(&two, GET("/two"));
    assert_int_equal(peer_answer(&two).status, 200);
    peer_open(&three);
    assert_int_equal(http_server_connections(harness.server), 2);
    peer_say(&three, GET("/late"));
    struct answer answer = peer_answer(&three);
    assert_int_equal(answer.status, 503);
    assert_str(answer_header_value(&answer, "Retry-After"), "1");
    peer_wait_end(&three);
    assert_true(three.eof);
    peer_close(&three);
    peer_close(&one);
    peer_open(&three);
    peer_say(&three, GET("/again"));
    assert_int_equal(peer_answer(&three).status, 200);
    peer_close(&two);
    peer_close(&three);
}

/* Those that said nothing go first, the oldest of them; then those with a part of a head; others never. */
static void test_full_of_strangers(void **state)
{
    (void)state;
    struct peer half, silent, known, late;
    peer_open(&half);
    peer_say(&half, "GET /half HTTP/1.1\r\n");
    peer_open(&silent);
    peer_open(&known); /* instead of the silent one */
    peer_wait_end(&silent);
    assert_true(silent.eof || silent.reset);
    peer_say(&known, GET("/known"));
    assert_int_equal(peer_answer(&known).status, 200);
    peer_say(&known, "GET /again HTTP/1.1\r\n");
    peer_open(&late); /* instead of the half head */
    peer_wait_end(&half);
    assert_true(half.eof || half.reset);
    assert_int_equal(http_server_connections(harness.server), 2);
    assert_int_equal(http_server_strangers(harness.server), 1);
    peer_say(&late, GET("/late"));
    assert_int_equal(peer_answer(&late).status, 200);
    assert_int_equal(http_server_strangers(harness.server), 0);
    peer_say(&known, "Host: x\r\n\r\n");
    assert_int_equal(peer_answer(&known).status, 200);
    for (int i = 0; i < 3; i++) { /* none is a stranger: the next one is too many */
        struct peer over;
        peer_open(&over);
        peer_say(&over, GET("/over"));
        assert_int_equal(peer_answer(&over).status, 503);
        peer_close(&over);
    }
    peer_close(&half);
    peer_close(&silent);
    peer_close(&known);
    peer_close(&late);
    assert_int_equal(http_server_connections(harness.server), 0);
    assert_int_equal(http_server_replacing(harness.server), 0);
}

/* What a stranger has sent by the time that its place is wanted counts: it is no stranger. */
static void test_stranger_that_speaks_in_time(void **state)
{
    (void)state;
    struct peer one, two, three;
    peer_open(&one);
    peer_open(&two);
    assert_true(send(one.fd, GET("/one"), sizeof GET("/one") - 1, 0) > 0);
    peer_open(&three);
    assert_int_equal(peer_answer(&one).status, 200);
    peer_wait_end(&two);
    peer_say(&three, GET("/three"));
    assert_int_equal(peer_answer(&three).status, 200);
    peer_close(&one);
    peer_close(&two);
    peer_close(&three);
}

static void test_out_of_descriptors(void **state)
{
    (void)state;
    struct peer first, second;
    peer_open(&first);
    second = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct rlimit before, tight;
    getrlimit(RLIMIT_NOFILE, &before);
    tight = before;
    int next = dup(0);
    close(next);
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(harness.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(second.fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(second.fd, F_SETFL, O_NONBLOCK);
    turn(10);
    assert_true(send(second.fd, GET("/full"), sizeof GET("/full") - 1, 0) > 0);
    int status = peer_answer(&second).status;
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(status, 503);
    peer_close(&second);
    peer_say(&first, GET("/still"));
    assert_int_equal(peer_answer(&first).status, 200);
    peer_close(&first);
}

static void test_drain(void **state)
{
    (void)state;
    struct peer idle, busy, late, unread;
    peer_open(&idle);
    peer_open(&busy);
    peer_open(&unread);
    peer_say(&busy, GET("/hold/0") GET("/hold/1"));
    assert_true(send(unread.fd, GET("/in-time"), sizeof GET("/in-time") - 1, 0) > 0);
    http_server_drain(harness.server, 10000, 10000, on_drained, &harness);
    peer_wait_end(&idle);
    assert_true(idle.eof);
    struct answer answer = peer_answer(&unread);
    assert_int_equal(answer.status, 200);
    assert_str(answer_header_value(&answer, "Connection"), "close");
    peer_open(&late);
    answer = peer_answer(&late);
    assert_int_equal(answer.status, 503);
    assert_str(answer_header_value(&answer, "Retry-After"), "1");
    hold_answer(0, "zero");
    answer = peer_answer(&busy);
    assert_null(answer_header_value(&answer, "Connection").data);
    hold_answer(1, "one");
    answer = peer_answer(&busy);
    assert_str(answer.body, "one");
    assert_str(answer_header_value(&answer, "Connection"), "close");
    peer_wait_end(&busy);
    assert_false(harness.drained);
    peer_close(&busy);
    peer_close(&late);
    peer_close(&unread);
    turn(5);
    assert_true(harness.drained);
    peer_close(&idle);
}

static void test_drain_deadline(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer_say(&peer, GET("/hold"));
    http_server_drain(harness.server, 10000, 10000, on_drained, &harness);
    turn(5);
    tick(9999);
    assert_false(harness.drained);
    tick(1);
    assert_true(harness.drained);
    assert_true(harness.held[0]->gone);
    peer_wait_end(&peer);
    peer_close(&peer);
    /* The handler may answer even when the server has been freed. */
    http_server_free(harness.server);
    turn(5);
    hold_answer(0, "at last");
    turn(5);
    harness.server = NULL;
}

static void test_drain_without_connections(void **state)
{
    (void)state;
    http_server_drain(harness.server, 10000, 10000, on_drained, &harness);
    assert_false(harness.drained);
    turn(3);
    assert_true(harness.drained);
}

static void test_listen_errors(void **state)
{
    (void)state;
    static const char *const bad[] = {"127.0.0.1",       "127.0.0.1:", "127.0.0.1:x",
                                      "127.0.0.1:65536", ":80",        "::1:80"};
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(http_listener_bind(harness.listener, bad[i], NULL, 0, &error), ERR_INVALID);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", harness.port);
    assert_int_equal(http_listener_bind(harness.listener, address, NULL, 0, &error), ERR_IO);
    assert_non_null(strstr(error.text, address));
    assert_non_null(strstr(error.text, "another"));
}

/* ---------------------------------------------------------------- memory */

#define IDLE_PEERS 1000

static size_t used_memory(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void test_idle_connections_are_cheap(void **state)
{
    (void)state;
    static struct peer peers[IDLE_PEERS];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * IDLE_PEERS + 64)
        skip();
    size_t before = used_memory();
    for (size_t i = 0; i < IDLE_PEERS; i++) {
        peer_open(&peers[i]);
        peer_say(&peers[i], "PUT /idle HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\n");
        peer_say(&peers[i], "012345678901234567890123456789");
        assert_int_equal(peer_answer(&peers[i]).status, 200);
        free(peers[i].data);
        peers[i] = (struct peer){.fd = peers[i].fd};
    }
    assert_int_equal(http_server_connections(harness.server), IDLE_PEERS);
    size_t all = used_memory() - before;
    print_message("an idle connection: %zu bytes, with libuv's and malloc's share %zu\n",
                  server_bytes(harness.server) / IDLE_PEERS, all / IDLE_PEERS);
    assert_true(server_bytes(harness.server) / IDLE_PEERS < 1024);
    assert_true(all / IDLE_PEERS < 4096);
    for (size_t i = 0; i < IDLE_PEERS; i++)
        peer_close(&peers[i]);
}

/* Allocations per request do not grow with the number of requests. */
static void test_memory_is_recycled(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    size_t before = 0;
    for (int i = 0; i < 2000; i++) {
        peer_say(&peer, "PUT /r HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        assert_int_equal(peer_answer(&peer).status, 200);
        peer.length = peer.taken = 0;
        if (i == 10)
            before = used_memory();
    }
    assert_true(used_memory() <= before + 1024);
    assert_int_equal(harness.server->spare_count, 1);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_chunked_out),
        SERVER_TEST(test_stream_abort),
        SERVER_TEST(test_slow_reader_is_bounded),
        SERVER_TEST(test_slow_reader_gets_everything),
        SERVER_TEST(test_unread_answers_stop_reading),
        SERVER_TEST(test_gone_peer),
        SERVER_TEST(test_reset_peer),
        SERVER_TEST(test_half_closed_peer),
        SERVER_TEST(test_refused_behind_a_request),
        cmocka_unit_test_setup_teardown(test_full_hub, full_setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_of_strangers, full_setup, teardown),
        cmocka_unit_test_setup_teardown(test_stranger_that_speaks_in_time, full_setup, teardown),
        SERVER_TEST(test_out_of_descriptors),
        SERVER_TEST(test_drain),
        SERVER_TEST(test_drain_deadline),
        SERVER_TEST(test_drain_without_connections),
        SERVER_TEST(test_listen_errors),
        SERVER_TEST(test_idle_connections_are_cheap),
        SERVER_TEST(test_memory_is_recycled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
