/* The text that keeps every try of a delivery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hubd/outbox/tries.h"

#define ALL (OUTBOX_TRIES_FIRST + OUTBOX_TRIES_LAST)

static int setup(void **state)
{
    static struct arena arena;
    arena_init(&arena, 0);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static void assert_text(struct str actual, const char *expected)
{
    if (!str_equal(actual, str_from(expected)))
        fail_msg("is \"" STR_FMT "\", expected \"%s\"", STR_ARG(actual), expected);
}

static void test_lines(void **state)
{
    struct arena *arena = *state;
    struct outbox_try refused = {1700000000123, 200, 2001, 17, STR("HTTP 200, status_code 2001 /id: what?")};
    struct outbox_try lost = {1700000001000, 0, 0, 5000, STR("connection refused")};
    struct outbox_try done = {1700000002000, 201, 1000, 3, STR_NONE};
    struct str tries = outbox_tries_add(arena, STR_NONE, &refused);
    tries = outbox_tries_add(arena, tries, &lost);
    tries = outbox_tries_add(arena, tries, &done);
    assert_text(tries, "1700000000123 200 2001 17 HTTP 200, status_code 2001 /id: what?\n"
                       "1700000001000 0 0 5000 connection refused\n"
                       "1700000002000 201 1000 3 \n");
    struct outbox_try try;
    struct str rest = tries;
    assert_true(outbox_tries_next(&rest, &try));
    assert_int_equal(try.time, refused.time);
    assert_int_equal(try.http, 200);
    assert_int_equal(try.status_code, 2001);
    assert_int_equal(try.latency_ms, 17);
    assert_text(try.text, "HTTP 200, status_code 2001 /id: what?");
    assert_true(outbox_tries_next(&rest, &try));
    assert_int_equal(try.http, 0);
    assert_text(try.text, "connection refused");
    assert_true(outbox_tries_next(&rest, &try));
    assert_text(try.text, "");
    assert_false(outbox_tries_next(&rest, &try));
    assert_false(outbox_tries_next(&rest, &try));
}

/* Whatever a partner answers becomes one line of bounded length. */
static void test_text_is_one_line(void **state)
{
    static const struct {
        const char *text, *kept;
    } rows[] = {
        {"a\nb\r\nc\td\x7f", "a b  c d "},
        {"a\xff\xfe"
         "b",
         "a  b"},
        {"स्टेशन", "स्टेशन"},
        {" ", " "},
    };
    struct arena *arena = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outbox_try try = {1, 500, 0, 2, str_from(rows[i].text)};
        struct str rest = outbox_tries_add(arena, STR_NONE, &try);
        assert_true(outbox_tries_next(&rest, &try));
        assert_text(try.text, rows[i].kept);
        assert_false(outbox_tries_next(&rest, &try));
    }
    char longer[3 * OUTBOX_TRY_TEXT];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + OUTBOX_TRY_TEXT - 2, "\xe0\xa4\xb8", 3); /* would be cut in the middle */
    struct outbox_try try = {1, 500, 0, 2, str_of(longer, sizeof longer)};
    struct str rest = outbox_tries_add(arena, STR_NONE, &try);
    assert_true(outbox_tries_next(&rest, &try));
    assert_int_equal(try.text.length, OUTBOX_TRY_TEXT - 2);
    memset(longer, 'x', sizeof longer);
    try.text = str_of(longer, sizeof longer);
    rest = outbox_tries_add(arena, STR_NONE, &try);
    assert_true(outbox_tries_next(&rest, &try));
    assert_int_equal(try.text.length, OUTBOX_TRY_TEXT);
}

/* The first ones tell how it began, the last ones how it stands. */
static void test_first_and_last_are_kept(void **state)
{
    struct arena *arena = *state;
    struct str tries = STR_NONE;
    for (int count = 1; count <= 100; count++) {
        struct outbox_try try = {count, 503, 0, 1, STR("busy")}, found;
        tries = outbox_tries_add(arena, tries, &try);
        struct str rest = tries;
        int seen = 0, expected = 1;
        while (outbox_tries_next(&rest, &found)) {
            assert_int_equal(found.time, expected);
            seen++;
            bool gap = count > ALL && seen == OUTBOX_TRIES_FIRST;
            expected = gap ? count - OUTBOX_TRIES_LAST + 1 : expected + 1;
        }
        assert_int_equal(seen, count < ALL ? count : ALL);
        assert_int_equal(expected, count + 1);
    }
}

static void test_other_lines_are_passed_over(void **state)
{
    (void)state;
    struct str rest = STR("\nnonsense\n1 2 x 4 text\n1 2 3\n7 200 1000 9 fine\n");
    struct outbox_try try;
    assert_true(outbox_tries_next(&rest, &try));
    assert_int_equal(try.time, 7);
    assert_text(try.text, "fine");
    assert_false(outbox_tries_next(&rest, &try));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_is_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_and_last_are_kept, setup, teardown),
        cmocka_unit_test(test_other_lines_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
