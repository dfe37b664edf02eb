/* Kept connections (hub-ocpi(7), CALLS OF THE HUB) to servers that hang up whenever they like: a call that
 * dies on a kept connection before a byte of its answer is sent once more on a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "lib/http/client_internal.h"
#include "tests/unit/http_peer.h"

#define LARGE 200000u

static void open_bench_keeping(struct bench *bench, int64_t keepalive_idle_ms)
{
    bench_open(bench, 60000);
    bench_close_client(bench);
    bench->options.answer_max = 300000;
    bench->options.keepalive_idle_ms = keepalive_idle_ms;
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    bench->client = http_client_new(&bench->loop, &bench->options);
}

static void open_bench(struct bench *bench)
{
    open_bench_keeping(bench, 60000);
}

/* One call from start to end; a body makes it a PUT that the server echoes. */
static void send_call(struct bench *bench, struct probe *probe, const char *path, struct str body, bool once)
{
    probe_prepare(probe, bench, body.length > 0 ? HTTP_METHOD_PUT : HTTP_METHOD_GET, LOCAL, path);
    probe->call.body = body;
    probe->call.once = once;
    probe_start(probe);
    probe_wait(probe);
}

static void put(struct bench *bench, const char *path, struct str body)
{
    struct probe probe;

    send_call(bench, &probe, path, body, false);
    if (probe.call.result != OK)
        fail_msg("%s: %s", path, probe.call.error.text);
    assert_int_equal(probe.call.status, 200);
    assert_true(str_equal(probe.call.answer, body));
    probe_end(&probe);
}

/* `count` connections are kept afterwards, each of which will behave like that. */
static void keep(struct bench *bench, const char *path, size_t count)
{
    struct probe *probes = calloc(count, sizeof *probes);

    assert_non_null(probes);
    for (size_t i = 0; i < count; i++) {
        probe_prepare(&probes[i], bench, HTTP_METHOD_GET, LOCAL, path);
        probe_start(&probes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        probe_wait(&probes[i]);
        expect(&probes[i], OK, 200, "hello");
        probe_end(&probes[i]);
    }
    free(probes);
}

/* However the kept connection dies, and however often that has happened before. */
static void test_dies(void **state)
{
    static const char *const ways[] = {"/ok?then-deaf", "/ok?then-reset", "/ok?then-cut"};
    struct bench bench;
    char *large = malloc(LARGE);

    (void)state;
    assert_non_null(large);
    memset(large, 'z', LARGE);
    open_bench(&bench);
    for (unsigned round = 0; round < 8; round++)
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            keep(&bench, ways[i], 1);
            put(&bench, "/echo", STR("{}"));
            keep(&bench, ways[i], 1);
            put(&bench, "/echo", str_of(large, LARGE));
        }
    bench_close(&bench);
    free(large);
}

/* Several kept connections are dead: the second try takes a new one, not the next dead one. */
static void test_several_are_dead(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    keep(&bench, "/ok?then-deaf", 3);
    unsigned before = server_count(&bench.server, &bench.server.requests);
    unsigned accepted = server_count(&bench.server, &bench.server.accepted);
    put(&bench, "/echo", STR("{\"first\":1}"));
    assert_int_equal(server_count(&bench.server, &bench.server.requests), before + 2);
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), accepted + 1);
    bench_close(&bench);
}

/* The second try dies as well: that is the answer. */
static void test_once_more_only(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench);
    keep(&bench, "/ok?then-deaf", 2);
    unsigned before = server_count(&bench.server, &bench.server.requests);
    get(&bench, LOCAL, "/close", ERR_UNREACHABLE, 0, "closed the connection without an answer");
    assert_int_equal(server_count(&bench.server, &bench.server.requests), before + 2);
    /* nor is anything sent again that died on a new connection */
    bench_close_client(&bench);
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    bench.client = http_client_new(&bench.loop, &bench.options);
    before = server_count(&bench.server, &bench.server.requests);
    get(&bench, LOCAL, "/close", ERR_UNREACHABLE, 0, "closed the connection without an answer");
    assert_int_equal(server_count(&bench.server, &bench.server.requests), before + 1);
    bench_close(&bench);
}

/* A byte of the answer has come: the request has arrived, and is not sent again. */
static void test_half_an_answer(void **state)
{
    struct bench bench;
    struct probe probe;

    (void)state;
    open_bench(&bench);
    keep(&bench, "/ok?then-half", 2);
    unsigned before = server_count(&bench.server, &bench.server.requests);
    send_call(&bench, &probe, "/echo", STR("{}"), false);
    expect(&probe, ERR_UNREACHABLE, 200, "in the middle of its answer");
    probe_end(&probe);
    assert_int_equal(server_count(&bench.server, &bench.server.requests), before + 1);
    bench_close(&bench);
}

/* What must not arrive twice has a connection of its own, which nobody waits for afterwards. */
static void test_once(void **state)
{
    struct bench bench;
    struct probe probe;

    (void)state;
    open_bench(&bench);
    keep(&bench, "/ok?then-deaf", 2);
    unsigned before = server_count(&bench.server, &bench.server.requests);
    for (int i = 0; i < 50; i++) {
        send_call(&bench, &probe, "/echo", STR("{}"), true);
        expect(&probe, OK, 200, "{}");
        probe_end(&probe);
    }
    send_call(&bench, &probe, "/close", STR("{}"), true);
    expect(&probe, ERR_UNREACHABLE, 0, "without an answer");
    probe_end(&probe);
    assert_int_equal(server_count(&bench.server, &bench.server.requests), before + 51);
    server_wait_open(&bench.server, 2);
    bench_close(&bench);
}

/* The server hangs up soon after each answer, without having said so. */
static void test_hangs_up_soon(void **state)
{
    static const unsigned pauses_us[] = {0, 100, 500, 1000};
    struct bench bench;
    char path[64];

    (void)state;
    open_bench(&bench);
    for (size_t i = 0; i < sizeof pauses_us / sizeof pauses_us[0]; i++)
        for (int call = 0; call < 50; call++) {
            snprintf(path, sizeof path, "/echo?then-close=%u", pauses_us[i]);
            put(&bench, path, STR("{\"uid\":\"T1\"}"));
        }
    bench_close(&bench);
}

/* ---------------------------------------------------------------- how long one is kept */

static void test_times(void **state)
{
    static const struct {
        const char *told;
        int64_t keep_ms;
    } rows[] = {
        {NULL, 4000},
        {"timeout=5", 4000},
        {"timeout=5, max=100", 4000},
        {"max=100, Timeout=2", 1500},
        {"timeout=60", 4000},
        {"timeout=4", 3500},
        {" timeout= 1 ", 500},
        {"timeout=0", 0},
        {"timeout=", 4000},
        {"timeout=-1", 4000},
        {"timeout=99999999999999999999", 4000},
        {"timeout=soon", 4000},
        {"timeout=3,timeout=2", 1500},
        {",,", 4000},
    };
    struct http_client client = {.options = {.keepalive_idle_ms = 4000}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (client_idle_time(&client, str_from(rows[i].told)) != rows[i].keep_ms)
            fail_msg("Keep-Alive: %s", rows[i].told);
}

static unsigned count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void nothing(uv_timer_t *timer)
{
    (void)timer;
}

/* Turns the loop, with nothing to do, until the connections are gone at the server and the descriptors here.
 */
static void wait_gone(struct bench *bench, unsigned descriptors)
{
    uv_timer_t busy; /* a loop without anything to do would not turn */

    uv_timer_init(&bench->loop, &busy);
    uv_timer_start(&busy, nothing, 0, 1);
    for (int i = 0;
         server_count(&bench->server, &bench->server.open) > 0 || count_descriptors() > descriptors; i++) {
        if (i == 20000)
            fail_msg("%u connections are open, %u descriptors of %u", bench->server.open, count_descriptors(),
                     descriptors);
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&busy, NULL);
    uv_run(&bench->loop, UV_RUN_ONCE);
}

/* An idle connection is closed in its time, though no other call is made: after ours, or what the server says
 * of its own, and when the server has hung up. The server's ends stay open in here until the bench closes. */
static void test_idle_end(void **state)
{
    static const struct {
        int64_t keep_ms;
        const char *path;
        unsigned left; /* descriptors of the server's */
    } rows[] = {{50, "/ok", 7},           {0, "/ok", 7},
                {60000, "/keep-1", 7},    {60000, "/keep-0", 7},
                {50, "/ok?then-deaf", 7}, {60000, "/ok?then-close=500", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench bench;
        open_bench_keeping(&bench, rows[i].keep_ms);
        get(&bench, LOCAL, "/ok-close", OK, 200, "hello"); /* what the first call leaves open */
        unsigned before = count_descriptors();
        keep(&bench, rows[i].path, 7);
        wait_gone(&bench, before + rows[i].left);
        bench_close(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dies),           cmocka_unit_test(test_several_are_dead),
        cmocka_unit_test(test_once_more_only), cmocka_unit_test(test_half_an_answer),
        cmocka_unit_test(test_once),           cmocka_unit_test(test_hangs_up_soon),
        cmocka_unit_test(test_times),          cmocka_unit_test(test_idle_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
