/* URLs and the addresses that the hub may call (hub-ocpi(7), CALLS OF THE HUB). The address table follows
 * those of Svix and Convoy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "lib/http/url.h"

/* ---------------------------------------------------------------- parsing */

static const struct parse_case {
    const char *text, *scheme, *host;
    uint16_t port;
    const char *path, *query;
} good[] = {
    {"http://partner.example", "http", "partner.example", 80, "/", ""},
    {"https://partner.example", "https", "partner.example", 443, "/", ""},
    {"https://partner.example/", "https", "partner.example", 443, "/", ""},
    {"https://partner.example:8443/ocpi/2.2.1", "https", "partner.example", 8443, "/ocpi/2.2.1", ""},
    {"HTTPS://Partner.EXAMPLE/Path", "https", "partner.example", 443, "/Path", ""},
    {"http://partner.example?limit=5", "http", "partner.example", 80, "/", "limit=5"},
    {"http://partner.example/a?b=c&d=%20e", "http", "partner.example", 80, "/a", "b=c&d=%20e"},
    {"http://partner.example/a?x=http://other@host/", "http", "partner.example", 80, "/a",
     "x=http://other@host/"},
    {"http://partner.example/a%2Fb", "http", "partner.example", 80, "/a%2Fb", ""},
    {"http://10.0.0.1:80/x", "http", "10.0.0.1", 80, "/x", ""},
    {"http://[::1]:8080/x", "http", "::1", 8080, "/x", ""},
    {"http://[2001:DB8::1]/", "http", "2001:db8::1", 80, "/", ""},
    {"http://partner.example:65535/", "http", "partner.example", 65535, "/", ""},
    /* Addresses in other clothes must show what they are before the policy sees them. */
    {"http://2130706433/", "http", "127.0.0.1", 80, "/", ""},
    {"http://0x7f.1/", "http", "127.0.0.1", 80, "/", ""},
    {"http://0177.0.0.1/", "http", "127.0.0.1", 80, "/", ""},
    {"http://127.1/", "http", "127.0.0.1", 80, "/", ""},
};

static const char *const bad[] = {
    "",
    "partner.example",
    "/ocpi",
    "//partner.example/",
    "ftp://partner.example/",
    "file:///etc/hosts",
    "gopher://partner.example/",
    "http:partner.example",
    "http:/partner.example",
    "http://",
    "http:///path",
    "https://:443/",
    "http://user@partner.example/",
    "http://user:secret@partner.example/",
    "http://partner.example@127.0.0.1/",
    "http://partner.example/#fragment",
    "http://partner.example/a b",
    "http://partner.example/a\tb",
    "http://partner.example/a\r\nX: y",
    "http://partner.example\\@127.0.0.1/",
    "http://partner.example:0/",
    "http://partner.example:65536/",
    "http://partner.example:8o/",
    "http://partner.example:-1/",
    "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://[::1]x/",
    "http://b\xc3\xbc\x63her.example/",
    "http://par tner.example/",
    " http://partner.example/",
    "http://partner.example/ ",
};

static void assert_text(struct str found, const char *expected)
{
    if (!str_equal(found, str_from(expected)))
        fail_msg("expected \"%s\", found \"" STR_FMT "\"", expected, STR_ARG(found));
}

static void test_parse_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct arena arena;
        struct error error;
        struct url url;
        arena_init(&arena, 0);
        if (url_parse(&arena, str_from(good[i].text), &url, &error) != OK)
            fail_msg("%s: %s", good[i].text, error.text);
        assert_text(url.scheme, good[i].scheme);
        assert_text(url.host, good[i].host);
        assert_int_equal(url.port, good[i].port);
        assert_text(url.path, good[i].path);
        assert_text(url.query, good[i].query);
        arena_free(&arena);
    }
}

static void test_parse_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena arena;
        struct error error = {0};
        struct url url;
        arena_init(&arena, 0);
        if (url_parse(&arena, str_from(bad[i]), &url, &error) != ERR_INVALID)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(error.code, ERR_INVALID);
        assert_true(strlen(error.text) > 5);
        assert_null(strstr(error.text, "secret"));
        arena_free(&arena);
    }
}

static void test_parse_lengths(void **state)
{
    char text[2100] = "http://partner.example/";
    struct arena arena;
    struct error error;
    struct url url;

    (void)state;
    arena_init(&arena, 0);
    size_t start = strlen(text);
    memset(text + start, 'a', sizeof text - start);
    assert_int_equal(url_parse(&arena, str_of(text, 2048), &url, &error), OK);
    assert_int_equal(url.path.length, 2048 - start + 1);
    assert_int_equal(url_parse(&arena, str_of(text, 2049), &url, &error), ERR_INVALID);
    memset(text + 7, 'a', 254);
    text[7 + 254] = '/';
    assert_int_equal(url_parse(&arena, str_of(text, 300), &url, &error), ERR_INVALID);
    text[9] = '\0';
    assert_int_equal(url_parse(&arena, str_of(text, 20), &url, &error), ERR_INVALID);
    arena_free(&arena);
}

static void test_same_origin(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"http://a.example/x", "http://a.example:80/y?z", true},
        {"https://a.example/", "https://A.EXAMPLE:443/", true},
        {"http://a.example/", "https://a.example/", false},
        {"http://a.example/", "http://a.example:81/", false},
        {"http://a.example/", "http://b.example/", false},
        {"http://a.example/", "http://a.example.b/", false},
        {"http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", true},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url a, b;
        assert_int_equal(url_parse(&arena, str_from(cases[i].a), &a, NULL), OK);
        assert_int_equal(url_parse(&arena, str_from(cases[i].b), &b, NULL), OK);
        if (url_same_origin(&a, &b) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    arena_free(&arena);
}

static void test_join(void **state)
{
    static const char *const cases[][3] = {
        {"http://a.example/ocpi", "IN/ABC", "http://a.example/ocpi/IN/ABC"},
        {"http://a.example/ocpi/", "IN/ABC", "http://a.example/ocpi/IN/ABC"},
        {"http://a.example/ocpi", "/IN/ABC", "http://a.example/ocpi/IN/ABC"},
        {"http://a.example/ocpi/", "/IN/ABC", "http://a.example/ocpi/IN/ABC"},
        {"http://a.example/ocpi", "", "http://a.example/ocpi/"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text(url_join(&arena, str_from(cases[i][0]), str_from(cases[i][1])), cases[i][2]);
    arena_free(&arena);
}

/* ---------------------------------------------------------------- policy */

static const struct sockaddr *address_of(const char *text, struct sockaddr_storage *storage)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(storage, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(storage, &v6, sizeof v6);
    else
        fail_msg("no address: %s", text);
    return (const struct sockaddr *)storage;
}

static int check(const struct url_policy *policy, const char *host, const char *address, struct error *error)
{
    struct sockaddr_storage storage = {0};

    return url_policy_check(policy, str_from(host), address_of(address, &storage), error);
}

/* PUBLIC always; PRIVATE with allow_private or when listed; NEVER never. */
enum expectation { PUBLIC, PRIVATE, NEVER };

static const struct {
    const char *address;
    enum expectation expected;
} addresses[] = {
    /* each network of the table: the last address before it, its first, its last, the first behind it */
    {"0.0.0.0", PRIVATE},
    {"0.255.255.255", PRIVATE},
    {"1.0.0.0", PUBLIC},
    {"9.255.255.255", PUBLIC},
    {"10.0.0.0", PRIVATE},
    {"10.255.255.255", PRIVATE},
    {"11.0.0.0", PUBLIC},
    {"100.63.255.255", PUBLIC},
    {"100.64.0.0", PRIVATE},
    {"100.100.100.199", PRIVATE},
    {"100.100.100.200", NEVER},
    {"100.127.255.255", PRIVATE},
    {"100.128.0.0", PUBLIC},
    {"126.255.255.255", PUBLIC},
    {"127.0.0.0", PRIVATE},
    {"127.0.0.1", PRIVATE},
    {"127.255.255.255", PRIVATE},
    {"128.0.0.0", PUBLIC},
    {"169.253.255.255", PUBLIC},
    {"169.254.0.0", NEVER},
    {"169.254.169.254", NEVER},
    {"169.254.255.255", NEVER},
    {"169.255.0.0", PUBLIC},
    {"172.15.255.255", PUBLIC},
    {"172.16.0.0", PRIVATE},
    {"172.31.255.255", PRIVATE},
    {"172.32.0.0", PUBLIC},
    {"191.255.255.255", PUBLIC},
    {"192.0.0.0", PRIVATE},
    {"192.0.0.191", PRIVATE},
    {"192.0.0.192", NEVER},
    {"192.0.0.255", PRIVATE},
    {"168.63.129.15", PUBLIC},
    {"168.63.129.16", NEVER},
    {"192.0.1.0", PUBLIC},
    {"192.0.2.1", PRIVATE},
    {"192.0.3.0", PUBLIC},
    {"192.88.99.1", PRIVATE},
    {"192.167.255.255", PUBLIC},
    {"192.168.0.0", PRIVATE},
    {"192.168.255.255", PRIVATE},
    {"192.169.0.0", PUBLIC},
    {"198.17.255.255", PUBLIC},
    {"198.18.0.0", PRIVATE},
    {"198.19.255.255", PRIVATE},
    {"198.20.0.0", PUBLIC},
    {"198.51.100.7", PRIVATE},
    {"203.0.113.255", PRIVATE},
    {"203.0.114.0", PUBLIC},
    {"223.255.255.255", PUBLIC},
    {"224.0.0.1", PRIVATE},
    {"239.255.255.255", PRIVATE},
    {"240.0.0.0", PRIVATE},
    {"255.255.255.254", PRIVATE},
    {"255.255.255.255", PRIVATE},
    {"8.8.8.8", PUBLIC},
    {"93.184.216.34", PUBLIC},
    /* IPv6 */
    {"::", PRIVATE},
    {"::1", PRIVATE},
    {"::2", PRIVATE},
    {"fe7f:ffff::", PRIVATE},
    {"fe80::", NEVER},
    {"fe80::1", NEVER},
    {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NEVER},
    {"fec0::1", PRIVATE},
    {"feff::1", PRIVATE},
    {"fbff:ffff::", PRIVATE},
    {"fc00::", PRIVATE},
    {"fd00:ec2::253", PRIVATE},
    {"fd00:ec2::254", NEVER},
    {"fd20:ce::254", NEVER},
    {"fd00:42::42", NEVER},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", PRIVATE},
    {"ff02::1", PRIVATE},
    {"ff0e::1", PRIVATE},
    {"100::1", PRIVATE},
    {"1fff::1", PRIVATE},
    {"2000::1", PUBLIC},
    {"2001:1ff:ffff::", PRIVATE},
    {"2001:200::1", PUBLIC},
    {"2001:db8::1", PRIVATE},
    {"2001:db9::1", PUBLIC},
    {"2001:4860:4860::8888", PUBLIC},
    {"2606:2800:220:1:248:1893:25c8:1946", PUBLIC},
    {"3ffe::1", PUBLIC},
    {"3fff::1", PRIVATE},
    {"4000::1", PRIVATE},
    /* IPv4 in IPv6 clothes */
    {"::ffff:127.0.0.1", PRIVATE},
    {"::ffff:10.1.2.3", PRIVATE},
    {"::ffff:169.254.169.254", NEVER},
    {"::ffff:8.8.8.8", PUBLIC},
    {"::127.0.0.1", PRIVATE},
    {"::8.8.8.8", PRIVATE},
    {"::ffff:0:127.0.0.1", PRIVATE},
    {"64:ff9b::7f00:1", PRIVATE},
    {"64:ff9b::10.0.0.1", PRIVATE},
    {"64:ff9b::169.254.169.254", NEVER},
    {"64:ff9b::8.8.8.8", PUBLIC},
    {"64:ff9b:1::8.8.8.8", PRIVATE},
    {"2002:7f00:1::", PRIVATE},
    {"2002:a00:1::1", PRIVATE},
    {"2002:a9fe:a9fe::", NEVER},
    {"2002:808:808::1", PUBLIC},
    {"2001:0:7f00:1::", PRIVATE},
    {"2001::1", PRIVATE},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", PRIVATE},
    {"2001:0:4136:e378:8000:63bf:5601:5601", NEVER}, /* client 169.254.169.254, bits turned over */
    {"2001:0:a9fe:a9fe:0:0:0:0", NEVER},             /* server */
    {"::169.254.169.254", NEVER},
    {"::ffff:0:169.254.169.254", NEVER},
    {"64:ff9b::100.100.100.200", NEVER},
    {"64:ff9b:1::169.254.169.254", NEVER},
    {"64:ff9b:1:ffff:1:2:a9fe:a9fe", NEVER},
    {"64:ff9b:1:a9fe:a9:fe00::", NEVER},     /* behind 48 bits */
    {"64:ff9b:1:00a9:fe:a9fe::", NEVER},     /* 56 */
    {"64:ff9b:1:0:00a9:fea9:fe00::", NEVER}, /* 64 */
    {"64:ff9b:1::10.0.0.1", PRIVATE},
    {"2002:6464:64c8::", NEVER},
    {"2002:c000:c0::1", NEVER},
    {"2606:4700::200:5efe:a9fe:a9fe", NEVER}, /* ISATAP */
    {"2606:4700::5efe:a00:1", PRIVATE},
    {"2606:4700::5efe:808:808", PUBLIC},
    {"2606:4700::a9fe:a9fe", PUBLIC},
};

static void test_policy_table(void **state)
{
    struct url_policy strict, open, listed;

    (void)state;
    url_policy_init(&strict, false);
    url_policy_init(&open, true);
    url_policy_init(&listed, false);
    assert_int_equal(url_policy_add(&listed, STR("0.0.0.0/0"), NULL), OK);
    assert_int_equal(url_policy_add(&listed, STR("::/0"), NULL), OK);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        const char *address = addresses[i].address;
        struct error error = {0};
        int result = check(&strict, "partner.example", address, &error);
        if (result != (addresses[i].expected == PUBLIC ? OK : ERR_REFUSED))
            fail_msg("%s: %d %s", address, result, error.text);
        if (result != OK && (error.code != ERR_REFUSED || strstr(error.text, "partner.example") == NULL))
            fail_msg("%s: %s", address, error.text);
        result = check(&open, "", address, &error);
        if (result != (addresses[i].expected == NEVER ? ERR_REFUSED : OK))
            fail_msg("%s with allow_private: %d %s", address, result, error.text);
        result = check(&listed, "", address, &error);
        if (result != (addresses[i].expected == NEVER ? ERR_REFUSED : OK))
            fail_msg("%s listed: %d %s", address, result, error.text);
    }
    url_policy_free(&strict);
    url_policy_free(&open);
    url_policy_free(&listed);
}

static void test_policy_listed_networks(void **state)
{
    static const struct {
        const char *entry, *inside, *outside;
    } cases[] = {
        {"10.1.0.0/16", "10.1.255.255", "10.2.0.0"},
        {"10.1.0.0/16", "10.1.0.0", "10.0.255.255"},
        {"10.1.0.0/16", "::ffff:10.1.2.3", "::ffff:10.2.2.3"},
        {"10.1.2.128/25", "10.1.2.128", "10.1.2.127"},
        {"10.1.2.128/25", "10.1.2.255", "10.1.3.0"},
        {"10.1.2.3", "10.1.2.3", "10.1.2.4"},
        {"10.1.2.3/32", "10.1.2.3", "10.1.2.2"},
        {" 192.168.0.0/17 ", "192.168.127.255", "192.168.128.0"},
        {"fd00::/8", "fdff::1", "fc00::1"},
        {"fd12:3456::/33", "fd12:3456:7fff::1", "fd12:3456:8000::1"},
        {"::1", "::1", "::2"},
        {"[::1]", "::1", "127.0.0.1"},
        {"127.0.0.0/8", "127.9.9.9", "10.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url_policy policy;
        struct error error;
        url_policy_init(&policy, false);
        if (url_policy_add(&policy, str_from(cases[i].entry), &error) != OK)
            fail_msg("%s: %s", cases[i].entry, error.text);
        if (check(&policy, "", cases[i].inside, &error) != OK)
            fail_msg("%s in %s: %s", cases[i].inside, cases[i].entry, error.text);
        if (check(&policy, "", cases[i].outside, &error) != ERR_REFUSED)
            fail_msg("%s in %s", cases[i].outside, cases[i].entry);
        url_policy_free(&policy);
    }
}

static void test_policy_listed_hosts(void **state)
{
    struct url_policy policy;

    (void)state;
    url_policy_init(&policy, false);
    assert_int_equal(url_policy_add(&policy, STR("Partner.internal"), NULL), OK);
    assert_int_equal(url_policy_add(&policy, STR("localhost"), NULL), OK);
    assert_int_equal(check(&policy, "partner.INTERNAL", "10.0.0.1", NULL), OK);
    assert_int_equal(check(&policy, "partner.internal.", "fd00::1", NULL), OK);
    assert_int_equal(check(&policy, "localhost", "127.0.0.1", NULL), OK);
    assert_int_equal(check(&policy, "other.internal", "10.0.0.1", NULL), ERR_REFUSED);
    assert_int_equal(check(&policy, "x.partner.internal", "10.0.0.1", NULL), ERR_REFUSED);
    assert_int_equal(check(&policy, "", "10.0.0.1", NULL), ERR_REFUSED);
    assert_int_equal(check(&policy, "partner.internal", "169.254.169.254", NULL), ERR_REFUSED);
    assert_int_equal(check(&policy, "partner.internal", "fe80::1", NULL), ERR_REFUSED);
    url_policy_free(&policy);
}

static void test_policy_bad_entries(void **state)
{
    static const char *const entries[] = {
        "",       "/",          "10.0.0.0/",         "10.0.0.0/33",  "10.0.0.0/-1", "10.0.0.0/x",
        "10.0.0", "10.0.0.256", "10.1.2.3/16",       "fd00::/129",   "fd00::1/8",   "a b",
        "a..b",   ".",          "http://a.example/", "a.example:80", "*.example",   "10.0.0.0/8,10.1.0.0/16"};
    struct url_policy policy;

    (void)state;
    url_policy_init(&policy, false);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct error error = {0};
        if (url_policy_add(&policy, str_from(entries[i]), &error) != ERR_INVALID)
            fail_msg("accepted: \"%s\"", entries[i]);
        assert_true(strlen(error.text) > 5);
    }
    assert_int_equal(policy.network_count, 0);
    url_policy_free(&policy);
}

static void test_policy_other_families(void **state)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct url_policy policy;

    (void)state;
    url_policy_init(&policy, true);
    assert_int_equal(url_policy_check(&policy, STR_NONE, (const struct sockaddr *)&local, NULL), ERR_REFUSED);
    url_policy_free(&policy);
}

/* ---------------------------------------------------------------- where the process itself listens */

static void own_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(out, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(out, &v6, sizeof v6);
}

static const struct own_case {
    const char *listener, *target;
    uint16_t port;
    bool own;
} own_cases[] = {
    {"127.0.0.1", "127.0.0.1", 8080, true},  {"127.0.0.1", "::ffff:127.0.0.1", 8080, true},
    {"127.0.0.1", "0.0.0.0", 8080, true},    {"127.0.0.1", "::", 8080, true},
    {"127.0.0.1", "127.0.0.1", 8081, false}, /* a partner on the same machine */
    {"127.0.0.1", "127.0.0.2", 8080, false}, {"127.0.0.1", "192.0.2.7", 8080, false},
    {"0.0.0.0", "127.0.0.1", 8080, true},    {"0.0.0.0", "127.9.9.9", 8080, true},
    {"0.0.0.0", "192.0.2.7", 8080, false},   {"::", "::1", 8080, true},
    {"::", "2001:db8::7", 8080, false},      {"192.0.2.7", "192.0.2.7", 8080, true},
    {"192.0.2.7", "127.0.0.1", 8080, false},
};

static void test_own_listeners(void **state)
{
    struct sockaddr_storage address;
    (void)state;
    for (size_t i = 0; i < sizeof own_cases / sizeof own_cases[0]; i++) {
        const struct own_case *row = &own_cases[i];
        struct url_own own = {0};
        struct url_policy policy;
        struct error error;
        own_address(row->listener, 8080, &address);
        url_own_add(&own, (const struct sockaddr *)&address);
        own_address(row->target, row->port, &address);
        if (url_own_has(&own, (const struct sockaddr *)&address) != row->own)
            fail_msg("%s at %s", row->target, row->listener);
        url_policy_init(&policy, true);
        policy.own = &own;
        assert_int_equal(
            url_policy_check(&policy, STR("a.example"), (const struct sockaddr *)&address, &error),
            row->own ? ERR_REFUSED : OK);
        url_policy_free(&policy);
    }
    assert_false(url_own_has(NULL, (const struct sockaddr *)&address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_listeners),
        cmocka_unit_test(test_parse_good),
        cmocka_unit_test(test_parse_bad),
        cmocka_unit_test(test_parse_lengths),
        cmocka_unit_test(test_same_origin),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_policy_table),
        cmocka_unit_test(test_policy_listed_networks),
        cmocka_unit_test(test_policy_listed_hosts),
        cmocka_unit_test(test_policy_bad_entries),
        cmocka_unit_test(test_policy_other_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
