/* The look at the raw head (lib/http/prescan.h) and the chunked coding (lib/http/chunked.h): tables, each row
 * also in small pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/http/chunked.h"
#include "lib/http/prescan.h"
#include "tests/unit/http_vectors.h"

static void check_row(const struct head_row *row, size_t index)
{
    const char *reason = http_prescan_check(row->head);
    bool right = row->reason == NULL ? reason == NULL : reason != NULL && strstr(reason, row->reason) != NULL;
    if (!right)
        fail_msg("row %zu (%.40s): %s, expected %s", index, row->head.data, reason, row->reason);
}

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        check_row(&heads[i], i);
}

/* Where http_prescan_end must see the end: the first empty line behind the request line. */
static size_t expected_end(struct str head)
{
    size_t scanned = 0;
    return http_prescan_end(head, &scanned);
}

static void test_end_in_pieces(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 3, 7};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct str head = heads[i].head;
        size_t end = expected_end(head);
        assert_true(end > 0);
        if (heads[i].reason == NULL)
            assert_int_equal(end, head.length);
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
            size_t scanned = 0, found = 0, length = 0;
            while (found == 0 && length < head.length) {
                length = length + steps[s] < head.length ? length + steps[s] : head.length;
                /* A copy of exactly that size, so that a sanitizer sees a read beyond it. */
                char *copy = malloc(length);
                memcpy(copy, head.data, length);
                found = http_prescan_end(str_of(copy, length), &scanned);
                free(copy);
                assert_true(found > 0 || scanned == length);
            }
            if (found != end)
                fail_msg("row %zu in pieces of %zu: end %zu, expected %zu", i, steps[s], found, end);
        }
    }
}

static void test_end_leaves_the_rest(void **state)
{
    (void)state;
    size_t scanned = 0;
    assert_int_equal(http_prescan_end(STR(G H END "GET /b"), &scanned), sizeof(G H END) - 1);
    scanned = 0;
    assert_int_equal(http_prescan_end(STR("\r\n" G H END G), &scanned), sizeof("\r\n" G H END) - 1);
    scanned = 0;
    assert_int_equal(http_prescan_end(STR_NONE, &scanned), 0);
    assert_int_equal(http_prescan_end(STR("\r\n"), &scanned), 0);
    assert_int_equal(http_prescan_end(STR("\r\n\r"), &scanned), 0);
}

static void test_incomplete_head(void **state)
{
    (void)state;
    assert_non_null(http_prescan_check(STR_NONE));
    assert_non_null(http_prescan_check(STR(G)));
    assert_non_null(http_prescan_check(STR(G H)));
    assert_non_null(http_prescan_check(STR(G H END "x")));
}

/* ---------------------------------------------------------------- chunked */

static void check_body(const struct chunked_row *row, size_t index, size_t step)
{
    struct http_chunked chunked;
    http_chunked_init(&chunked, 64);
    char body[64] = "";
    size_t length = 0, at = 0;
    const char *reason = NULL;
    enum http_chunked_result result = HTTP_CHUNKED_MORE;
    struct str piece = STR_NONE;
    while (result == HTTP_CHUNKED_MORE && at < row->bytes.length) {
        piece = str_of(row->bytes.data + at, step < row->bytes.length - at ? step : row->bytes.length - at);
        at += piece.length;
        struct str data;
        while ((result = http_chunked_next(&chunked, &piece, &data, &reason)) == HTTP_CHUNKED_DATA) {
            memcpy(body + length, data.data, data.length);
            length += data.length;
        }
    }
    if (row->body == NULL) {
        if (result != HTTP_CHUNKED_BAD || reason == NULL)
            fail_msg("chunked row %zu in pieces of %zu was accepted", index, step);
        return;
    }
    if (result != HTTP_CHUNKED_END || strcmp(body, row->body) != 0)
        fail_msg("chunked row %zu in pieces of %zu: %d %s", index, step, (int)result, reason);
    assert_int_equal(row->bytes.length - at + piece.length, strlen(row->rest));
}

static void test_chunked(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 3, 7, 1000};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++)
            check_body(&bodies[i], i, steps[s]);
}

static void test_chunked_bounds(void **state)
{
    (void)state;
    static const char *const begins[] = {"5;", "0\r\nX", "0\r\nX:"};
    for (size_t i = 0; i < 3; i++) {
        struct http_chunked chunked;
        http_chunked_init(&chunked, 64);
        struct str bytes = str_from(begins[i]), data;
        const char *reason;
        assert_int_equal(http_chunked_next(&chunked, &bytes, &data, &reason), HTTP_CHUNKED_MORE);
        int taken = 0;
        do {
            bytes = STR("a");
            taken++;
        } while (http_chunked_next(&chunked, &bytes, &data, &reason) == HTTP_CHUNKED_MORE && taken < 1000);
        assert_in_range(taken, 60, 66);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_end_in_pieces),
        cmocka_unit_test(test_end_leaves_the_rest),
        cmocka_unit_test(test_incomplete_head),
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_chunked_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
