/* Outbound calls (hub-ocpi(7), CALLS OF THE HUB): what is sent, what comes back, what goes wrong. Every test
 * waits for events, none for time to pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <zlib.h>

#include "tests/unit/http_peer.h"

static void test_answers(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    get(&bench, LOCAL, "/404", OK, 404, "no");
    get(&bench, LOCAL, "/204", OK, 204, "");
    get(&bench, LOCAL, "/empty", OK, 200, "");
    get(&bench, LOCAL, "/chunked", OK, 200, "hello");
    get(&bench, LOCAL, "/interim", OK, 200, "hello");
    get(&bench, LOCAL, "/moved", OK, 301, "");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    get(&bench, LOCAL, "/until-close", OK, 200, "hello");
    get(&bench, LOCAL, "/ok-close", OK, 200, "hello");
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 3);
    bench_close(&bench);
}

static struct str answer_header(const struct probe *probe, const char *name)
{
    return http_header_find(probe->call.answer_headers, probe->call.answer_header_count, name);
}

static void test_answer_headers(void **state)
{
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
    probe_start(&probe);
    probe_wait(&probe);
    assert_int_equal(probe.call.answer_header_count, 4);
    assert_true(str_equal(answer_header(&probe, "x-one"), STR("1")));
    assert_true(str_equal(answer_header(&probe, "content-type"), STR("application/json")));
    assert_int_equal(answer_header(&probe, "x-empty").length, 0);
    probe_end(&probe);

    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/interim");
    probe_start(&probe);
    probe_wait(&probe);
    assert_null(answer_header(&probe, "x-early").data);
    assert_true(str_equal(answer_header(&probe, "x-one"), STR("1")));
    probe_end(&probe);

    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/chunked");
    probe_start(&probe);
    probe_wait(&probe);
    assert_null(answer_header(&probe, "x-trailer").data);
    probe_end(&probe);

    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/dirty");
    probe_start(&probe);
    probe_wait(&probe);
    assert_null(answer_header(&probe, "x-dirty").data);
    assert_true(str_equal(answer_header(&probe, "x-clean"), STR("c")));
    probe_end(&probe);
    bench_close(&bench);
}

static void test_request_headers(void **state)
{
    struct bench bench;
    struct probe probe;
    struct http_header headers[] = {
        {STR("Authorization"), STR("Token " SECRET)},
        {STR("X-Request-ID"), STR("  abc ")},
        {STR("X-Empty"), STR("")},
        {STR("Content-Type"), STR("application/json")},
        {STR("Content-Length"), STR("99")},
        {STR("host"), STR("evil.example")},
        {STR("Transfer-Encoding"), STR("chunked")},
        {STR("Expect"), STR("100-continue")},
    };

    (void)state;
    bench_open(&bench, 60000);
    probe_prepare(&probe, &bench, HTTP_METHOD_POST, LOCAL, "/ok?a=b");
    probe.call.headers = headers;
    probe.call.header_count = sizeof headers / sizeof headers[0];
    probe.call.body = STR("{}");
    probe_start(&probe);
    memset(headers, 0, sizeof headers); /* copied by start */
    probe_wait(&probe);
    expect(&probe, OK, 200, "hello");
    assert_true(probe.call.sent);
    assert_true(server_saw(&bench.server, "POST /ok?a=b HTTP/1.1\r\n"));
    assert_true(server_saw(&bench.server, "\r\nAuthorization: Token " SECRET "\r\n"));
    assert_true(server_saw(&bench.server, "\r\nX-Request-ID: abc\r\n"));
    assert_true(server_saw(&bench.server, "\r\nX-Empty:\r\n"));
    assert_true(server_saw(&bench.server, "\r\nContent-Type: application/json\r\n"));
    assert_true(server_saw(&bench.server, "\r\nContent-Length: 2\r\n"));
    assert_true(server_saw(&bench.server, "\r\nHost: 127.0.0.1:"));
    assert_false(server_saw(&bench.server, "evil.example"));
    assert_false(server_saw(&bench.server, "chunked"));
    assert_false(server_saw(&bench.server, "Expect"));
    assert_true(server_saw(&bench.server, "\r\nAccept-Encoding: gzip\r\n"));
    probe_end(&probe);
    bench_close(&bench);
}

/* Every request names who sends it, behind those that it came through before. */
static void test_via(void **state)
{
    const struct http_header before = {STR("via"), STR("1.0 first, HTTP/1.1 second:80 (a, \"b\")")};
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.via = "hub-0123456789abcdef";
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    bench.client = http_client_new(&bench.loop, &bench.options);
    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/redirect");
    probe_start(&probe);
    probe_wait(&probe);
    assert_true(server_saw(&bench.server, "\r\nVia: 1.1 hub-0123456789abcdef\r\n"));
    probe_end(&probe);
    probe_prepare(&probe, &bench, HTTP_METHOD_POST, LOCAL, "/ok");
    probe.call.headers = &before;
    probe.call.header_count = 1;
    probe_start(&probe);
    probe_wait(&probe);
    assert_true(
        server_saw(&bench.server,
                   "\r\nvia: 1.0 first, HTTP/1.1 second:80 (a, \"b\")\r\nVia: 1.1 hub-0123456789abcdef\r\n"));
    probe_end(&probe);
    bench_close(&bench);
}

static void test_via_names(void **state)
{
    static const struct {
        const char *first, *second;
        bool found;
    } rows[] = {
        {"1.1 hub-1", NULL, true},
        {"1.1 proxy, 1.1 HUB-1:8080 (comment), 2 other", NULL, true},
        {"1.1 proxy", "1.1 hub-1", true},
        {"1.1 (a, \\) b) hub-1", "1.1 x", true},
        {"HTTP/1.1\thub-1", NULL, true},
        {"1.1 hub-2", "1.1 hub", false},
        {"", "", false},
        {"hub-", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_header headers[] = {{STR("X-Other"), STR("1.1 hub-1")},
                                        {STR("via"), str_from(rows[i].first)},
                                        {STR("VIA"), str_from(rows[i].second)}};
        assert_int_equal(http_via_names(headers, 3, STR("hub-1")), rows[i].found);
        assert_false(http_via_names(headers, 3, STR_NONE));
        assert_false(http_via_names(headers, 1, STR("hub-1")));
    }
}

static void test_header_injection(void **state)
{
    static const struct http_header cases[] = {
        {STR("X-A"), STR("a\r\nX-B: b")}, {STR("X-A"), STR("a\nb")},     {STR("X-A"), {"a\0b", 3}},
        {STR("X A"), STR("a")},           {STR("X-A:"), STR("a")},       {STR(""), STR("a")},
        {STR("X-A\r\nX-B"), STR("a")},    {STR("X-\xc3\xa4"), STR("a")},
    };
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct probe probe;
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, "/ok");
        probe.call.headers = &cases[i];
        probe.call.header_count = 1;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_INVALID, 0, "header 1");
        assert_false(probe.call.sent);
        probe_end(&probe);
    }
    assert_int_equal(server_count(&bench.server, &bench.server.requests), 0);
    bench_close(&bench);
}

static void exchange(struct bench *bench, enum http_method method, const char *path, struct str body,
                     const char *request_part)
{
    struct probe probe;

    probe_prepare(&probe, bench, method, LOCAL, path);
    probe.call.body = body;
    probe_start(&probe);
    probe_wait(&probe);
    if (probe.call.result != OK)
        fail_msg("%s %s: %s", http_method_name(method), path, probe.call.error.text);
    if (method != HTTP_METHOD_HEAD) {
        assert_true(str_equal(probe.call.answer, body));
        assert_true(str_equal(answer_header(&probe, "X-Method"), str_from(http_method_name(method))));
    }
    if (!server_saw(&bench->server, request_part))
        fail_msg("%s %s: \"%s\" did not arrive", http_method_name(method), path, request_part);
    probe_end(&probe);
}

static void test_bodies(void **state)
{
    struct bench bench;
    char *large = malloc(200000);

    (void)state;
    bench_open(&bench, 60000);
    bench_close_client(&bench);
    bench.options.answer_max = 300000;
    uv_loop_init(&bench.loop);
    bench.client = http_client_new(&bench.loop, &bench.options);
    memset(large, 'z', 200000);
    /* Every pair of forms on one recycled handle. */
    for (int round = 0; round < 2; round++) {
        exchange(&bench, HTTP_METHOD_PUT, "/echo", STR("{\"a\":1}"), "PUT /echo");
        exchange(&bench, HTTP_METHOD_GET, "/echo", STR_NONE, "GET /echo");
        exchange(&bench, HTTP_METHOD_POST, "/echo", STR("[]"), "POST /echo");
        exchange(&bench, HTTP_METHOD_PATCH, "/echo", STR("{\"b\":2}"), "PATCH /echo");
        exchange(&bench, HTTP_METHOD_HEAD, "/head", STR_NONE, "HEAD /head");
        exchange(&bench, HTTP_METHOD_DELETE, "/echo", STR_NONE, "DELETE /echo");
        exchange(&bench, HTTP_METHOD_DELETE, "/echo", STR("x"), "DELETE /echo");
        exchange(&bench, HTTP_METHOD_HEAD, "/head", STR_NONE, "HEAD /head");
        exchange(&bench, HTTP_METHOD_PUT, "/echo", STR_NONE, "Content-Length: 0\r\n");
        exchange(&bench, HTTP_METHOD_POST, "/echo", STR_NONE, "Content-Length: 0\r\n");
        exchange(&bench, HTTP_METHOD_GET, "/echo", STR("q"), "GET /echo");
        exchange(&bench, HTTP_METHOD_PUT, "/echo", str_of(large, 200000), "Content-Length: 200000\r\n");
        assert_false(server_saw(&bench.server, "Content-Type"));
    }
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
    free(large);
}

/* The server reads the next request on a connection and hangs up without a word: the request is sent again,
 * body and all, however often that has happened before. */
static void test_stale_connection(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    for (unsigned round = 1; round <= 20; round++) {
        get(&bench, LOCAL, "/ok?then-deaf", OK, 200, "hello");
        exchange(&bench, HTTP_METHOD_PUT, "/echo", STR("{\"kept\":true}"), "{\"kept\":true}");
        assert_int_equal(server_count(&bench.server, &bench.server.accepted), round + 1);
        assert_int_equal(server_count(&bench.server, &bench.server.requests), round * 3);
    }
    bench_close(&bench);
}

static void test_redirects(void **state)
{
    static const char *const refused[] = {"/redirect-host", "/redirect-scheme", "/redirect-port",
                                          "/redirect-user", "/redirect-file"};
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    for (int i = 0; i < 2; i++) {
        struct http_header header = {STR("Authorization"), STR("Token " SECRET)};
        probe_prepare(&probe, &bench, HTTP_METHOD_PUT, LOCAL, i == 0 ? "/redirect" : "/redirect-permanent");
        probe.call.body = STR("{\"kept\":true}");
        probe.call.headers = &header;
        probe.call.header_count = 1;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, OK, 200, "{\"kept\":true}");
        assert_true(str_equal(answer_header(&probe, "X-Method"), STR("PUT")));
        assert_true(server_saw(&bench.server, "PUT /echo HTTP/1.1\r\n"));
        assert_true(server_saw(&bench.server, "Token " SECRET));
        assert_null(answer_header(&probe, "Location").data);
        probe_end(&probe);
    }
    get(&bench, LOCAL, "/redirect-twice", ERR_REFUSED, 307, "more than once");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        get(&bench, LOCAL, refused[i], ERR_REFUSED, 307, "another scheme, host or port");
    get(&bench, LOCAL, "/redirect-nowhere", OK, 307, "");
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
}

static void test_bad_answers(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "/large-length", ERR_TOO_LARGE, 200, "too large");
    get(&bench, LOCAL, "/large-chunked", ERR_TOO_LARGE, 200, "body that is too large");
    get(&bench, LOCAL, "/large-head", ERR_TOO_LARGE, 200, "head that is too large");
    get(&bench, LOCAL, "/garbage", ERR_INVALID, 0, "not HTTP");
    get(&bench, LOCAL, "/garbage-length", ERR_INVALID, 200, "not HTTP");
    get(&bench, LOCAL, "/garbage-chunk", ERR_INVALID, 200, "not HTTP");
    get(&bench, LOCAL, "/close", ERR_UNREACHABLE, 0, "closed the connection without an answer");
    get(&bench, LOCAL, "/close-head", ERR_UNREACHABLE, 200, "in the middle of its answer");
    get(&bench, LOCAL, "/close-line", ERR_UNREACHABLE, 200, "in the middle of its answer");
    get(&bench, LOCAL, "/close-body", ERR_UNREACHABLE, 200, "in the middle of its answer");
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    bench_close(&bench);
}

/* `text` as gzip, `repeat` times. */
static size_t pack(const char *text, size_t repeat, char *out, size_t size)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)size;
    for (size_t i = 0; i < repeat; i++) {
        stream.next_in = (unsigned char *)(uintptr_t)text;
        stream.avail_in = (unsigned)strlen(text);
        assert_int_equal(deflate(&stream, Z_NO_FLUSH), Z_OK);
    }
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return size - stream.avail_out;
}

static void coded(struct bench *bench, const char *path, struct str body, int result, const char *text)
{
    struct probe probe;

    probe_prepare(&probe, bench, HTTP_METHOD_PUT, LOCAL, path);
    probe.call.body = body;
    probe_start(&probe);
    probe_wait(&probe);
    expect(&probe, result, 200, text);
    probe_end(&probe);
}

static void test_codings(void **state)
{
    char hello[256], large[200000];
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    size_t length = pack("hello", 1, hello, sizeof hello);
    coded(&bench, "/coded-gzip", str_of(hello, length), OK, "hello");
    coded(&bench, "/coded-X-GZIP", str_of(hello, length), OK, "hello");
    coded(&bench, "/coded-identity", STR("hello"), OK, "hello");
    coded(&bench, "/coded-identity,gzip", str_of(hello, length), OK, "hello");
    coded(&bench, "/coded-gzip", STR_NONE, OK, "");
    coded(&bench, "/coded-br", STR("hello"), ERR_INVALID, "coding that was not asked for");
    coded(&bench, "/coded-deflate", STR("hello"), ERR_INVALID, "coding that was not asked for");
    coded(&bench, "/coded-gzip,gzip", str_of(hello, length), ERR_INVALID, "coding that was not asked for");
    coded(&bench, "/coded-gzip", STR("hello"), ERR_INVALID, "gzip that is broken");
    for (size_t cut = 1; cut < length; cut++)
        coded(&bench, "/coded-gzip", str_of(hello, cut), ERR_INVALID, "gzip that is cut off");
    hello[length - 5] ^= 1; /* of the check sum */
    coded(&bench, "/coded-gzip", str_of(hello, length), ERR_INVALID, "gzip that is broken");
    hello[length - 5] ^= 1;
    length += pack(" world", 1, hello + length, sizeof hello - length); /* two members */
    coded(&bench, "/coded-gzip", str_of(hello, length), OK, "hello world");
    /* As much as may be, one byte more, and a few bytes that stand for 40 MB. */
    length = pack("0123456789", 100, large, sizeof large);
    assert_true(length < 100);
    char whole[1001] = "";
    for (int i = 0; i < 100; i++)
        memcpy(whole + 10 * i, "0123456789", 11);
    coded(&bench, "/coded-gzip", str_of(large, length), OK, whole);
    length = pack("12345678901", 91, large, sizeof large);
    coded(&bench, "/coded-gzip", str_of(large, length), ERR_TOO_LARGE, "too large");
    length = pack("0123456789", 4000000, large, sizeof large);
    coded(&bench, "/coded-gzip", str_of(large, length), ERR_TOO_LARGE, "too large");
    coded(&bench, "/coded-identity", STR("\xef\xbb\xbf{}"), OK, "{}");
    coded(&bench, "/coded-identity", STR("\xef\xbb\xbf"), OK, "");
    coded(&bench, "/coded-identity", STR("\xef\xbb"), OK, "\xef\xbb");
    length = pack("\xef\xbb\xbf[1]", 1, hello, sizeof hello);
    coded(&bench, "/coded-gzip", str_of(hello, length), OK, "[1]");
    bench_close(&bench);
}

static void test_bad_urls(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, 60000);
    get(&bench, LOCAL, "ftp://127.0.0.1/", ERR_INVALID, 0, "http");
    get(&bench, LOCAL, "http://a:" SECRET "@127.0.0.1/", ERR_INVALID, 0, "user information");
    get(&bench, LOCAL, "http://127.0.0.1/#x", ERR_INVALID, 0, "fragment");
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    get(&bench, LOCAL, "/ok#x", ERR_INVALID, 0, "fragment"); /* also on the way for known hosts */
    get(&bench, LOCAL, "/o k", ERR_INVALID, 0, "percent-encoded");
    get(&bench, LOCAL, "/a/../ok", OK, 200, ""); /* asked for as it is written */
    assert_int_equal(server_count(&bench.server, &bench.server.accepted), 1);
    bench_close(&bench);
}

static void test_timeouts(void **state)
{
    struct bench bench;
    struct probe probe;

    (void)state;
    bench_open(&bench, 60000);
    const char *const paths[] = {"/slow", "/slow-body"};
    for (size_t i = 0; i < 2; i++) {
        struct http_header header = {STR("Authorization"), STR("Token " SECRET)};
        probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, paths[i]);
        probe.call.timeout_ms = 30;
        probe.call.headers = &header;
        probe.call.header_count = 1;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_TIMEOUT, 0, "did not answer within 30 ms");
        assert_true(probe.call.sent);
        assert_true(probe.call.latency_us >= 29000);
        probe_end(&probe);
    }
    get(&bench, LOCAL, "/ok", OK, 200, "hello");
    bench_close(&bench);
}

/* Nobody listens; TLS spoken to a plain server. */
static void test_no_connection(void **state)
{
    struct bench bench;
    struct server other;
    struct probe probe;
    char url[64];

    (void)state;
    server_start(&other);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/x?" SECRET, other.port);
    server_stop(&other);
    bench_open(&bench, 60000);
    probe_prepare(&probe, &bench, HTTP_METHOD_GET, LOCAL, url);
    for (int i = 0; i < 3; i++) {
        probe.callbacks = 0;
        probe_start(&probe);
        probe_wait(&probe);
        expect(&probe, ERR_UNREACHABLE, 0, "does not accept connections: Connection refused");
        assert_false(probe.call.sent);
    }
    probe_end(&probe);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", bench.server.port);
    struct probe cut;
    probe_prepare(&cut, &bench, HTTP_METHOD_GET, LOCAL, url);
    cut.call.timeout_ms = 30; /* the server waits for a request that TLS never sends in the clear */
    probe_start(&cut);
    probe_wait(&cut);
    expect(&cut, ERR_TIMEOUT, 0, "no connection to 127.0.0.1");
    assert_false(cut.call.sent);
    probe_end(&cut);
    bench_close(&bench);
}

int main(void)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY",
                                          "all_proxy"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answer_headers),
        cmocka_unit_test(test_request_headers),
        cmocka_unit_test(test_header_injection),
        cmocka_unit_test(test_via),
        cmocka_unit_test(test_via_names),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_stale_connection),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_no_connection),
    };

    /* All tests run with a proxy that nobody answers for: the environment must not matter. */
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
        setenv(proxies[i], "http://127.0.0.1:1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
