/* Names of partners' hosts: what serves while DNS fails or hangs, and who waits for whom. The test owns the
 * clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/env.h"
#include "lib/http/resolver.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define TTL    (30 * SECOND)

static _Atomic int64_t the_time_ms;

static int64_t fake_wall_ms(void)
{
    return the_time_ms;
}

static int64_t fake_monotonic_us(void)
{
    return the_time_ms * 1000;
}

static void fake_random(void *out, size_t size)
{
    memset(out, 4, size);
}

static const struct env_ops ops = {fake_wall_ms, fake_monotonic_us, fake_random};

/* DNS: "hangs…" says nothing before it is let go; the others as `answers` says. */
enum answers { ANSWERS, FAILS, DENIES, HANGS };

/*
 * Each resolver has its own: the thread of one that is gone may begin its last lookup late, and must not be
 * counted in the next test. close_resolver lets it fail, so that
 * such a thread always ends.
 */
static struct dns {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum answers answers;
    unsigned asked, hanging;
    uint8_t last; /* byte of the address */
} all_dns[16], *dns;

static void dns_open(void)
{
    dns = dns == NULL ? all_dns : dns + 1;
    assert_true(dns < all_dns + sizeof all_dns / sizeof all_dns[0]);
    pthread_mutex_init(&dns->lock, NULL);
    pthread_cond_init(&dns->changed, NULL);
    dns->last = 1;
}

static bool hangs(const struct dns *asked, const char *host)
{
    return asked->answers == HANGS || (asked->answers != FAILS && strncmp(host, "hangs", 5) == 0);
}

static int lookup(void *context, const char *host, struct http_resolved *addresses, struct error *error)
{
    struct dns *asked = context;
    int result = OK;

    pthread_mutex_lock(&asked->lock);
    asked->asked++;
    asked->hanging++;
    pthread_cond_broadcast(&asked->changed);
    while (hangs(asked, host))
        pthread_cond_wait(&asked->changed, &asked->lock);
    asked->hanging--;
    pthread_cond_broadcast(&asked->changed);
    if (asked->answers == FAILS) {
        result = error_set(error, ERR_UNREACHABLE, "no address for %s: DNS fails", host);
    } else if (asked->answers == DENIES) {
        result = error_set(error, ERR_NOT_FOUND, "no address for %s: unknown", host);
    } else {
        union http_socket_address *address = &addresses->list[addresses->count++];
        address->v4 = (struct sockaddr_in){.sin_family = AF_INET};
        address->v4.sin_addr.s_addr = htonl(0x0a000000u + asked->last);
    }
    pthread_mutex_unlock(&asked->lock);
    return result;
}

/* What is asked from now on is answered so, with addresses that end in `last`. */
static void dns_set(enum answers answers, uint8_t last)
{
    pthread_mutex_lock(&dns->lock);
    dns->answers = answers;
    dns->last = last;
    pthread_cond_broadcast(&dns->changed);
    pthread_mutex_unlock(&dns->lock);
}

static unsigned dns_asked(void)
{
    pthread_mutex_lock(&dns->lock);
    unsigned asked = dns->asked;
    pthread_mutex_unlock(&dns->lock);
    return asked;
}

/* Waits until so many lookups have begun; until so many are under way. */
static void dns_wait(const unsigned *count, unsigned wanted)
{
    pthread_mutex_lock(&dns->lock);
    while (*count != wanted)
        pthread_cond_wait(&dns->changed, &dns->lock);
    pthread_mutex_unlock(&dns->lock);
}

/* ---------------------------------------------------------------- the asker */

static uv_loop_t loop;
static uv_async_t async;
static struct http_resolver_inbox inbox;
static struct http_resolver *resolver;

static void on_async(uv_async_t *handle)
{
    (void)handle;
}

static void open_resolver(unsigned threads_max)
{
    the_time_ms = 1000000;
    dns_open();
    uv_loop_init(&loop);
    uv_async_init(&loop, &async, on_async);
    inbox.async = &async;
    ring_init(&inbox.answered);
    resolver = http_resolver_new(threads_max, TTL);
    http_resolver_set_lookup(resolver, lookup, dns);
}

static void close_resolver(void)
{
    dns_set(FAILS, 1);
    http_resolver_free(resolver);
    dns_wait(&dns->hanging, 0);
    uv_close((uv_handle_t *)&async, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Asks and waits for the answer; the last byte of the address, 0 when there is none. */
static unsigned ask(const char *host)
{
    struct http_resolver_request request = {0};

    if (!http_resolver_ask(resolver, &request, &inbox, host))
        while (http_resolver_take(resolver, &inbox) != &request)
            uv_run(&loop, UV_RUN_ONCE);
    http_resolver_cancel(resolver, &request);
    if (request.result == OK)
        return ntohl(request.addresses.list[0].v4.sin_addr.s_addr) & 0xff;
    assert_int_equal(request.result, ERR_UNREACHABLE);
    assert_non_null(strstr(request.error.text, host));
    assert_int_equal(request.addresses.count, 0);
    return 0;
}

static int last_error; /* of the last lookup, as ask_at_once was told */

/* The same for what must be answered without waiting. */
static unsigned ask_at_once(const char *host)
{
    struct http_resolver_request request = {0};

    assert_true(http_resolver_ask(resolver, &request, &inbox, host));
    http_resolver_cancel(resolver, &request);
    assert_true(request.expires_ms > the_time_ms && request.expires_ms <= the_time_ms + TTL);
    last_error = request.error.code;
    return request.result == OK ? ntohl(request.addresses.list[0].v4.sin_addr.s_addr) & 0xff : 0;
}

/* Until the answer is another one, asking as a client would: time goes on meanwhile, as a lookup that was
 * under way may have begun a pause anew. */
static void wait_answer(const char *host, unsigned wanted)
{
    for (int i = 0; ask_at_once(host) != wanted; i++) {
        assert_true(i < 20000);
        poll(NULL, 0, 1);
        the_time_ms += SECOND;
    }
}

/* Old addresses serve at once, and new ones soon, without anybody waiting for DNS. */
static void test_renewed(void **state)
{
    (void)state;
    open_resolver(4);
    assert_int_equal(ask("a.example"), 1);
    dns_set(ANSWERS, 2);
    the_time_ms += TTL - 1;
    assert_int_equal(ask_at_once("a.example"), 1);
    assert_int_equal(dns_asked(), 1);
    the_time_ms += 2;
    assert_int_equal(ask_at_once("a.example"), 1);
    wait_answer("a.example", 2);
    assert_int_equal(dns_asked(), 2);
    close_resolver();
}

/* While DNS fails, says nothing, or denies the name, known addresses serve: for a day, or ten minutes. */
static void test_stale(void **state)
{
    static const struct {
        enum answers answers;
        int64_t serves_ms;
    } rows[] = {{FAILS, 24 * HOUR}, {HANGS, 24 * HOUR}, {DENIES, 10 * MINUTE}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_resolver(4);
        assert_int_equal(ask("a.example"), 1);
        int64_t found_ms = the_time_ms;
        the_time_ms += TTL + 1;
        dns_set(rows[i].answers, 1);
        int64_t step = rows[i].serves_ms / 97;
        do /* until DNS has been asked */
            assert_int_equal(ask_at_once("a.example"), 1);
        while (rows[i].answers != HANGS && last_error == OK);
        for (; the_time_ms < found_ms + rows[i].serves_ms - step; the_time_ms += step)
            assert_int_equal(ask_at_once("a.example"), 1);
        if (rows[i].answers == HANGS)
            dns_set(FAILS, 1);
        the_time_ms = found_ms + rows[i].serves_ms + TTL + 2 * SECOND;
        assert_int_equal(ask("a.example"), 0);
        the_time_ms += 3 * SECOND;
        dns_set(ANSWERS, 1);
        assert_int_equal(ask("a.example"), 1);
        close_resolver();
    }
}

/* DNS that fails is asked more and more seldom, and as soon as it answers all is as before. */
static void test_back(void **state)
{
    (void)state;
    open_resolver(4);
    assert_int_equal(ask("a.example"), 1);
    the_time_ms += TTL + 1;
    dns_set(FAILS, 1);
    assert_int_equal(ask_at_once("a.example"), 1);
    dns_wait(&dns->asked, 2);
    for (int i = 0; i < 3600; i++) {
        the_time_ms += SECOND;
        assert_int_equal(ask_at_once("a.example"), 1);
    }
    assert_in_range(dns_asked(), 2, 3600 / 30 + 10);
    dns_set(ANSWERS, 9);
    the_time_ms += 31 * SECOND;
    ask_at_once("a.example");
    wait_answer("a.example", 9);
    close_resolver();
}

/* Names that never get an answer, twice as many as one would think of: a new one is looked up beside them. */
static void test_many_hang(void **state)
{
    enum { COUNT = 48 };
    struct http_resolver_request requests[COUNT] = {0};
    char host[32];

    (void)state;
    open_resolver(64);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(host, sizeof host, "hangs-%u.example", i);
        assert_false(http_resolver_ask(resolver, &requests[i], &inbox, host));
    }
    dns_wait(&dns->hanging, COUNT);
    assert_int_equal(ask("good.example"), 1);
    dns_wait(&dns->hanging, COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        http_resolver_cancel(resolver, &requests[i]);
    close_resolver();
}

/* Names that are known to hang share half of the threads. */
static void test_slow_ones_share(void **state)
{
    enum { COUNT = 16, THREADS = 16 };
    struct http_resolver_request requests[COUNT] = {0};
    char host[32];

    (void)state;
    open_resolver(THREADS);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            snprintf(host, sizeof host, "hangs-%u.example", i);
            assert_false(http_resolver_ask(resolver, &requests[i], &inbox, host));
        }
        dns_wait(&dns->hanging, round == 0 ? THREADS : THREADS / 2);
        if (round == 0) { /* all fail now, late */
            the_time_ms += 20 * SECOND;
            dns_set(FAILS, 1);
            dns_wait(&dns->hanging, 0);
            for (unsigned i = 0; i < COUNT;)
                if (http_resolver_take(resolver, &inbox) != NULL)
                    i++;
            dns_set(ANSWERS, 1);
            the_time_ms += 5 * SECOND;
        }
    }
    for (unsigned i = 0; i < THREADS / 2; i++) {
        snprintf(host, sizeof host, "good-%u.example", i);
        assert_int_equal(ask(host), 1);
    }
    dns_wait(&dns->hanging, THREADS / 2);
    for (unsigned i = 0; i < COUNT; i++)
        http_resolver_cancel(resolver, &requests[i]);
    close_resolver();
}

int main(void)
{
    env_replace(&ops); /* for good: threads that hung may still end when their test is over */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renewed),   cmocka_unit_test(test_stale),           cmocka_unit_test(test_back),
        cmocka_unit_test(test_many_hang), cmocka_unit_test(test_slow_ones_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
