/* Lists (hub-ocpi(7), PAGINATION): pages, date windows and counts while objects and rules change in between. */
#include "tests/hubd/objects.h"

#define SECOND  INT64_C(1000)
#define TARIFFS "/ocpi/2.2.1/tariffs"
#define T0      "2030-01-01T00:00:00Z"

/* Two CPOs, of which IN-MSP sees both; A0 to A3 are the one's, B0 and B1 the other's. */
static int setup(void **state)
{
    struct bench *bench = bench_open(BENCH_REQUESTS, NULL);
    bench_add_pair(bench);
    bench_add_party(bench, "IN-TWO", OCPI_ROLE_CPO);
    bench_set_rule(bench, "IN-MSP", "IN-TWO", STORE_RULE_ON);
    *state = bench;
    return 0;
}

static void put(struct bench *bench, const char *cpo, const char *id, const char *last_updated)
{
    struct str body = str_from(object_tariff(bench, id, last_updated));
    const char *party = cpo + sizeof "IN-" - 1;
    char *at = memmem(body.data, body.length, "\"CPO\"", 5);
    memcpy(at + 1, party, 3);
    struct bench_answer answer =
        bench_request(bench, cpo, "PUT", text(&bench->store, TARIFFS "/IN/%s/%s", party, id).data, body.data);
    assert_int_equal(answer.status_code, 1000);
}

/* One second lies between them, as on the hub's clock so in what they say. */
static void put_all(struct bench *bench)
{
    static const char *const objects[][2] = {{"IN-CPO", "A0"}, {"IN-TWO", "B0"}, {"IN-CPO", "A1"},
                                             {"IN-CPO", "A2"}, {"IN-TWO", "B1"}, {"IN-CPO", "A3"}};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        put(bench, objects[i][0], objects[i][1], text(&bench->store, "2030-01-01T00:00:%02zuZ", i).data);
        bench_advance(bench, SECOND);
    }
}

static void assert_page(struct bench *bench, const char *path, char *next, const char *expected)
{
    assert_str(bench_page(bench, "IN-MSP", path, next), expected);
}

static void assert_total(struct bench *bench, const char *path, const char *expected)
{
    struct bench_answer answer = bench_request(bench, "IN-MSP", "GET", path, NULL);
    assert_answer(answer, 200, 1000);
    assert_str(bench_header(&answer, "X-Total-Count"), expected);
}

/* Every page says how many there are with the same filters; a page that is over says nothing of a next one. */
static void pages_and_their_count(void **state)
{
    struct bench *bench = *state;
    char next[BENCH_LINK_MAX] = TARIFFS "?limit=4", beyond[BENCH_LINK_MAX];
    put_all(bench);
    assert_total(bench, next, "6");
    assert_page(bench, next, next, "A0 B0 A1 A2");
    assert_total(bench, next, "6");
    assert_page(bench, next, next, "B1 A3");
    assert_string_equal(next, "");
    assert_page(bench, TARIFFS "?limit=2&offset=3", next, "A2 B1"); /* who counts for himself */
    assert_page(bench, TARIFFS "?offset=6", beyond, "");
    assert_string_equal(beyond, "");
    assert_total(bench, TARIFFS "?offset=6", "6");
    struct bench_answer answer = bench_request(bench, "IN-MSP", "GET", TARIFFS "?limit=0", NULL);
    assert_answer(answer, 200, 2001);
}

/* From date_from on, up to but without date_to, by when the hub had it; the Link repeats both. */
static void windows_of_time(void **state)
{
    struct bench *bench = *state;
    char next[BENCH_LINK_MAX];
    put_all(bench);
    assert_page(bench, TARIFFS "?date_from=2030-01-01T00:00:01Z&date_to=2030-01-01T00:00:04Z&limit=2", next,
                "B0 A1");
    assert_total(bench, next, "3");
    assert_page(bench, next, next, "A2");
    assert_string_equal(next, "");
    assert_page(bench, TARIFFS "?date_to=2030-01-01T00:00:00Z", next, "");
    assert_page(bench, TARIFFS "?date_from=2030-01-01T00:00:06Z", next, "");
    assert_total(bench, TARIFFS "?date_from=2030-01-01T00:00:06Z", "0");
    assert_answer(bench_request(bench, "IN-MSP", "GET", TARIFFS "?date_from=yesterday", NULL), 200, 2001);
}

/* What is deleted or changed while somebody pages: none comes twice, none that stays is left out. */
static void changes_while_somebody_pages(void **state)
{
    struct bench *bench = *state;
    char next[BENCH_LINK_MAX] = TARIFFS "?limit=2";
    put_all(bench);
    assert_page(bench, next, next, "A0 B0");
    assert_answer(bench_request(bench, "IN-CPO", "DELETE", TARIFFS "/IN/CPO/A0", NULL), 200, 1000);
    assert_answer(bench_request(bench, "IN-CPO", "DELETE", TARIFFS "/IN/CPO/A1", NULL), 200, 1000);
    put(bench, "IN-TWO", "B0", "2030-01-01T00:01:00Z");
    assert_total(bench, next, "4");
    assert_page(bench, next, next, "A2 B1");
    assert_page(bench, next, next, "A3"); /* B0 keeps its place: the next poll shows it */
    assert_string_equal(next, "");
}

/* A rule that is switched off in the middle hides the rest at once, and one that is switched on again shows it as new. */
static void a_rule_that_ends_while_somebody_pages(void **state)
{
    struct bench *bench = *state;
    char next[BENCH_LINK_MAX] = TARIFFS "?limit=2", again[BENCH_LINK_MAX];
    put_all(bench);
    assert_page(bench, next, next, "A0 B0");
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_OFF);
    assert_total(bench, next, "2");
    assert_page(bench, next, again, "B1");
    assert_string_equal(again, "");
    bench_set_rule(bench, "IN-MSP", "IN-TWO", STORE_RULE_DRAIN);
    assert_page(bench, next, again, "");
    assert_total(bench, next, "0");
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_ON);
    assert_page(bench, next, next, "A1 A2");
    assert_page(bench, next, next, "A3");
    assert_string_equal(next, "");
}

/* What changes after the first page is for the poll after this one: its date_from must be the first page's answer. */
static void all_pages_have_the_first_ones_moment(void **state)
{
    struct bench *bench = *state;
    char next[BENCH_LINK_MAX];
    put_all(bench);
    struct bench_answer first = bench_request(bench, "IN-MSP", "GET", TARIFFS "?limit=3", NULL);
    assert_true(bench_has(first.body, "\"timestamp\":\"2030-01-01T00:00:06.000Z\""));
    bench_page(bench, "IN-MSP", TARIFFS "?limit=3", next);
    bench_advance(bench, 30 * SECOND);
    put(bench, "IN-CPO", "A0", "2030-01-01T00:00:10Z");
    struct bench_answer second = bench_request(bench, "IN-MSP", "GET", next, NULL);
    assert_true(bench_has(second.body, "\"timestamp\":\"2030-01-01T00:00:06.000Z\""));
    assert_page(bench, TARIFFS "?date_from=2030-01-01T00:00:06Z", next, "A0");
}

/* Of CDRs an eMSP sees its own, a CPO what it sent, and others' are counted for nobody. */
static void cdrs_are_their_parties(void **state)
{
    static const char *const readers[][3] = {
        {"IN-MSP", "C0", "1"}, {"IN-EVE", "C1", "1"}, {"IN-NEW", "", "0"}};
    const char *settings[] = {"emsp_backfill=yes", NULL};
    struct bench *bench = bench_open(BENCH_REQUESTS, settings);
    char next[BENCH_LINK_MAX];
    bench_add_pair(bench);
    for (size_t i = 1; i < 3; i++) {
        bench_add_party(bench, readers[i][0], OCPI_ROLE_EMSP);
        bench_set_rule(bench, readers[i][0], "IN-CPO", STORE_RULE_ON);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(bench_request(bench, "IN-CPO", "POST", "/ocpi/2.2.1/cdrs",
                                       object_cdr(bench, readers[i][1], readers[i][0] + 3, ""))
                             .status_code,
                         1000);
    for (size_t i = 0; i < 3; i++) {
        struct bench_answer answer = bench_request(bench, readers[i][0], "GET", "/ocpi/2.2.1/cdrs", NULL);
        assert_str(bench_header(&answer, "X-Total-Count"), readers[i][2]);
        assert_str(bench_page(bench, readers[i][0], "/ocpi/2.2.1/cdrs", next), readers[i][1]);
    }
    assert_answer(bench_request(bench, "IN-EVE", "GET", "/ocpi/2.2.1/cdrs/IN/CPO/C0", NULL), 404, 2003);
    bench_close(bench);
    (void)state;
}

#define LIST_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIST_TEST(pages_and_their_count),
        LIST_TEST(windows_of_time),
        LIST_TEST(changes_while_somebody_pages),
        LIST_TEST(a_rule_that_ends_while_somebody_pages),
        LIST_TEST(all_pages_have_the_first_ones_moment),
        cmocka_unit_test(cdrs_are_their_parties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
