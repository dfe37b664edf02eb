/* Outbound calls (hub-ocpi(7), CALLS OF THE HUB): which hosts and addresses, DNS, limits, and the end of
 * calls and clients. Every test waits for events, none for time to pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/http_peer.h"

static void test_policy(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "http://127.0.0.2/x?" SECRET, ERR_REFUSED, 0, "127.0.0.2 is a loopback address");
    get(&bench, LOCAL, "http://169.254.169.254/latest", ERR_REFUSED, 0, "never calls");
    get(&bench, LOCAL, "http://[::1]/", ERR_REFUSED, 0, "::1 is the loopback address");
    get(&bench, LOCAL, "http://[::ffff:10.0.0.1]/", ERR_REFUSED, 0, "private");
    get(&bench, LOCAL, "http://2130706434/", ERR_REFUSED, 0, "127.0.0.2");
    get(&bench, LOCAL, "http://metadata.example/", ERR_REFUSED, 0, "metadata.example (169.254.169.254)");
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    assert_true(server_saw(&bench.server, "Host: good.example:"));
    get(&bench, "both.example", "/ok", OK, 200, "hello"); /* only the allowed address is pinned */
    get(&bench, LOCAL, "http://unknown.example/", ERR_UNREACHABLE, 0, "no address for unknown.example");
    bench_close(&bench);
}

/* Nobody listens at the first addresses: libcurl closes those sockets unannounced and their numbers come back
 * at once. */
static void test_next_address(void **state)
{
    struct bench bench;
    struct probe probes[20];

    (void)state;
    bench_open(&bench, 60000);
    assert_int_equal(url_policy_add(&bench.policy, STR("127.0.0.0/29"), NULL), OK);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 20; i++) {
            probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, i % 4 == 0 ? LOCAL : "next.example",
                          i % 2 == 0 ? "/ok-close" : "/ok");
            probe_start(&probes[i]);
        }
        for (size_t i = 0; i < 20; i++) {
            probe_wait(&probes[i]);
            expect(&probes[i], OK, 200, "hello");
            probe_end(&probes[i]);
        }
    }
    bench_close(&bench);
}

/* A listener whose queue is full drops what comes: connecting to it takes for ever. Returns the sockets that
 * keep it so. */
static void hole_open(int fds[4], const char *address, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, address, &name.sin_addr);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    for (int i = 1; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fds[i], (struct sockaddr *)&name, sizeof name);
    }
}

static void test_black_hole(void **state)
{
    struct bench bench;
    struct probe probe;
    char url[64];
    int fds[4];

    (void)state;
    bench_open(&bench, 60000);
    assert_int_equal(url_policy_add(&bench.policy, STR("127.0.0.3"), NULL), OK);
    hole_open(fds, "127.0.0.3", bench.server.port);
    snprintf(url, sizeof url, "http://127.0.0.3:%u/", bench.server.port);
    for (int i = 0; i < 3; i++) {
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, url);
        probe.call.timeout_ms = 20;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_TIMEOUT, 0, "no connection to 127.0.0.3");
        assert_false(probe.call.sent);
        probe_end(&probe);
        get(&bench, LOCAL, "/ok-close", OK, 200, "hello"); /* on the same descriptor */
    }
    /* Another address of the same host answers: first after a part of the call's time, from then on at once.
     */
    for (int i = 0; i < 20; i++) {
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, "hole.example", "/ok-close");
        probe.call.timeout_ms = 400;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, OK, 200, "hello");
        assert_true(i == 0 || probe.call.latency_us < 300000);
        probe_end(&probe);
    }
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    bench_close(&bench);
}

/* A name that points to an allowed address when it is checked and to another one a moment later. */
static void test_rebinding(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 0);
    get(&bench, "rebind.example", "/ok-close", OK, 200, "hello");
    get(&bench, "rebind.example", "/ok", ERR_REFUSED, 0, "rebind.example (127.0.0.2)");
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 1);
    bench_close(&bench);
}

/* The second look, at the address that is connected to: here the policy itself changes under an address that
 * is pinned already. */
static void test_connected_address(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, "good.example", "/ok-close", OK, 200, "hello");
    url_policy_free(&bench.policy);
    url_policy_init(&bench.policy, false);
    get(&bench, "good.example", "/ok", ERR_REFUSED, 0, "good.example (127.0.0.1) is a loopback address");
    assert_int_equal(bench.dns.asked, 1);
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 1);
    bench_close(&bench);
}

static void test_names_are_cached(void **state)
{
    struct bench bench;
    struct probe probes[20];

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 20; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, "good.example", "/ok");
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    get(&bench, "GOOD.example", "/ok", OK, 200, "hello");
    assert_int_equal(bench.dns.asked, 1);
    get(&bench, LOCAL, "http://unknown.example/", ERR_UNREACHABLE, 0, "no address");
    get(&bench, LOCAL, "http://unknown.example/", ERR_UNREACHABLE, 0, "no address");
    assert_int_equal(bench.dns.asked, 2);
    bench_close(&bench);
}

/* A dead DNS server holds one thread of the pool per name, not the loop and not the calls to other hosts. */
static void test_dead_dns(void **state)
{
    struct bench bench;
    struct probe dead[3];

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 3; i++) {
        probe_prepare(&dead[i], &bench, HTTP_METHOD_GET, LOCAL, "http://dead.example/");
        dead[i].call.timeout_ms = i < 2 ? 200 : 20000;
        probe_start(&dead[i]);
    }
    dns_wait_hanging(&bench.dns, 1);
    for (int i = 0; i < 5; i++) {
        get(&bench, LOCAL, "/ok", OK, 200, "hello");
        get(&bench, "good.example", "/ok", OK, 200, "hello");
    }
    for (size_t i = 0; i < 2; i++) {
        probe_wait(&dead[i]);
        expect(&dead[i], ERR_TIMEOUT, 0, "DNS gave no address for dead.example within 200 ms");
        assert_false(dead[i].call.sent);
        probe_end(&dead[i]);
    }
    /* Both threads held: known names and addresses work on, and a new name waits without blocking them. */
    struct probe other;
    probe_prepare(&other, &bench, HTTP_METHOD_GET, LOCAL, "http://dead2.example/");
    probe_start(&other);
    dns_wait_hanging(&bench.dns, 2);
    struct probe queued;
    probe_prepare(&queued, &bench, HTTP_METHOD_GET, LOCAL, "http://dead3.example/");
    queued.call.timeout_ms = 20;
    probe_start(&queued);
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    probe_wait(&queued);
    expect(&queued, ERR_TIMEOUT, 0, "DNS gave no address");
    probe_end(&queued);
    assert_int_equal(dead[2].callbacks + other.callbacks, 0);
    /* Freed while threads hang: the callbacks come now. */
    bench_close_client(&bench);
    expect(&dead[2], ERR_CLOSED, 0, "shutting down");
    expect(&other, ERR_CLOSED, 0, "shutting down");
    probe_end(&dead[2]);
    probe_end(&other);
    bench_close(&bench);
}

static void test_connection_limit(void **state)
{
    struct bench bench;
    struct probe probes[50];

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.connections_per_host = 3;
    uv_loop_init(&bench.loop);
    bench.client = http_client_new(&bench.loop, &bench.options);
    for (size_t i = 0; i < 50; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, LOCAL, "/ok");
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < 50; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 3);
    /* All connections held: the next call's deadline counts while it waits. */
    for (size_t i = 0; i < 4; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, LOCAL, "/slow");
        probes[i].call.timeout_ms = i < 3 ? 20000 : 20;
        probe_start(&probes[i]);
    }
    probe_wait(&probes[3]);
    expect(&probes[3], ERR_SHORT, 0, "no free connection to 127.0.0.1");
    assert_false(probes[3].call.sent);
    /* Given up ones make room. */
    http_client_cancel(bench.client, &probes[0].call);
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    bench_close_client(&bench);
    for (size_t i = 0; i < 4; i++)
        probe_end(&probes[i]);
    bench_close(&bench);
}

static void test_total_limit(void **state)
{
    struct bench bench;
    struct probe probes[30];

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.connections_total = 2;
    uv_loop_init(&bench.loop);
    bench.client = http_client_new(&bench.loop, &bench.options);
    for (size_t i = 0; i < 30; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET,
                      i % 3 == 0   ? LOCAL
                      : i % 3 == 1 ? "good.example"
                                   : "both.example",
                      "/ok");
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < 30; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    bench_close(&bench);
}

static void test_cancel(void **state)
{
    struct bench bench;
    struct probe slow, unresolved, fresh, failed, canceller;

    (void)state;
    bench_open(&bench, 60000);
    probe_prepare(&slow, &bench, HTTP_METHOD_GET, LOCAL, "/slow");
    probe_prepare(&unresolved, &bench, HTTP_METHOD_GET, LOCAL, "http://dead.example/");
    probe_prepare(&fresh, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    probe_prepare(&failed, &bench, HTTP_METHOD_GET, LOCAL, "http://127.0.0.2/");
    probe_start(&slow);
    probe_start(&unresolved);
    get(&bench, LOCAL, "/ok", OK, 200, "hello"); /* by now both are under way */
    probe_start(&fresh);
    probe_start(&failed);
    struct probe *const all[] = {&slow, &unresolved, &fresh, &failed};
    for (size_t i = 0; i < 4; i++) {
        http_client_cancel(bench.client, &all[i]->call);
        http_client_cancel(bench.client, &all[i]->call);
        assert_int_equal(all[i]->callbacks, 0);
    }
    for (size_t i = 0; i < 4; i++) {
        probe_wait(all[i]);
        expect(all[i], ERR_CLOSED, 0, "given up");
        http_client_cancel(bench.client, &all[i]->call); /* too late, harmless */
        probe_end(all[i]);
    }
    /* From inside a callback: its own call, then another. */
    probe_prepare(&canceller, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    canceller.cancel_this = &canceller.call;
    probe_start(&canceller);
    probe_wait(&canceller);
    expect(&canceller, OK, 200, "hello");
    probe_end(&canceller);
    probe_prepare(&slow, &bench, HTTP_METHOD_GET, LOCAL, "/slow");
    probe_prepare(&canceller, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    canceller.cancel_this = &slow.call;
    probe_start(&slow);
    probe_start(&canceller);
    probe_wait(&slow);
    expect(&slow, ERR_CLOSED, 0, "given up");
    probe_end(&slow);
    probe_end(&canceller);
    bench_close(&bench);
}

static void test_free_during_calls(void **state)
{
    struct bench bench;
    struct probe probes[10], last;

    (void)state;
    /* At once, before anything ran. */
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 10; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, i % 2 ? "good.example" : LOCAL,
                      i == 4 ? "ftp://x/" : "/ok");
        probe_start(&probes[i]);
    }
    http_client_free(bench.client);
    bench.client = NULL;
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(probes[i].call.result, i == 4 ? ERR_INVALID : ERR_CLOSED);
        probe_end(&probes[i]);
    }
    assert_int_equal(uv_run(&bench.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
    bench_close(&bench);
    /* From inside a callback, with others on the wire and in the queue. */
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 10; i++) {
        probe_prepare(&probes[i], &bench, HTTP_METHOD_GET, LOCAL, i == 9 ? "http://dead.example/" : "/slow");
        probe_start(&probes[i]);
    }
    probe_prepare(&last, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    last.free_client = true;
    probe_start(&last);
    probe_wait(&last);
    for (size_t i = 0; i < 10; i++) {
        expect(&probes[i], ERR_CLOSED, 0, "shutting down");
        probe_end(&probes[i]);
    }
    probe_end(&last);
    assert_int_equal(uv_run(&bench.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bench.loop), 0);
    bench_close(&bench);
}

/* An idle client keeps no loop running, so that a program ends when its work is done. */
static void test_idle_client(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    assert_int_equal(uv_run(&bench.loop, UV_RUN_DEFAULT), 0);
    get(&bench, "good.example", "/ok", OK, 200, "hello");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
}

/* One transfer serves calls to one host after the other: each goes where it belongs, also when it is sent a
 * second time because a kept connection died. */
static void test_hosts_in_turn(void **state)
{
    static const char *const hosts[] = {LOCAL, "good.example"};
    static const char *const targets[][2] = {{"/ok?then-deaf", "GET /ok?then-deaf HTTP/1.1\r\n"},
                                             {"/ok?a=b", "GET /ok?a=b HTTP/1.1\r\n"},
                                             {"?a=b", "GET /?a=b HTTP/1.1\r\n"},
                                             {"", "GET / HTTP/1.1\r\n"},
                                             {"/a//b/../c/%2e", "GET /a//b/../c/%2e HTTP/1.1\r\n"}};
    struct bench bench;
    char line[64];

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < 2 * sizeof hosts / sizeof hosts[0]; i++) {
        const char *host = hosts[i % 2];
        snprintf(line, sizeof line, "\r\nHost: %s:%u\r\n", host, bench.server.port);
        for (size_t j = 0; j < sizeof targets / sizeof targets[0]; j++) {
            get(&bench, host, targets[j][0], OK, 200, j < 2 ? "hello" : "");
            assert_true(server_saw(&bench.server, targets[j][1]));
            assert_true(server_saw(&bench.server, line));
        }
    }
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_next_address),
        cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_rebinding),
        cmocka_unit_test(test_connected_address),
        cmocka_unit_test(test_names_are_cached),
        cmocka_unit_test(test_dead_dns),
        cmocka_unit_test(test_connection_limit),
        cmocka_unit_test(test_total_limit),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_free_during_calls),
        cmocka_unit_test(test_idle_client),
        cmocka_unit_test(test_hosts_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
