/* Memory, buffers, strings, errors and the doors to time and randomness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/base/env.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/utf8.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void assert_str(struct str actual, const char *expected)
{
    if (!str_equal(actual, str_from(expected)))
        fail_msg("\"" STR_FMT "\" instead of \"%s\"", STR_ARG(actual), expected);
}

/* ---------------------------------------------------------------- arena */

static void test_arena_alloc(void **state)
{
    struct arena arena;
    char *blocks[200];
    (void)state;
    arena_init(&arena, 0);
    assert_int_equal(arena_size(&arena), 0);
    for (size_t i = 0; i < COUNT(blocks); i++) {
        size_t size = i * 37 % 300 + 1;
        blocks[i] = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(blocks[i][at], 0);
        memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < COUNT(blocks); i++)
        for (size_t at = 0; at < i * 37 % 300 + 1; at++)
            assert_int_equal((uint8_t)blocks[i][at], (uint8_t)i);
    arena_free(&arena);
    assert_int_equal(arena_size(&arena), 0);
    assert_non_null(arena_alloc(&arena, 1));
    assert_in_range(arena_size(&arena), 1, 4096); /* what it was used for before does not count */
    arena_free(&arena);
}

static void test_arena_large(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 512);
    char *small = arena_copy_text(&arena, STR("small"));
    char *large = arena_alloc(&arena, 1000000);
    memset(large, 'x', 1000000);
    char *next = arena_alloc_raw(&arena, 16);
    /* The large block did not put the small one out of use. */
    assert_true(next > small && next < small + 512);
    assert_in_range(arena_size(&arena), 1000000, 1002000);
    assert_string_equal(small, "small");
    assert_null(arena_alloc_raw(&arena, SIZE_MAX));
    assert_null(arena_copy_text(&arena, str_of("x", SIZE_MAX)));
    arena_free(&arena);
}

static void test_arena_wipe(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 512);
    for (size_t size = 1; size < 100000; size *= 7) /* blocks of all kinds, with gaps of alignment in them */
        memset(arena_alloc_raw(&arena, size), 's', size);
    arena_wipe(&arena);
    assert_int_equal(arena_size(&arena), 0);
    assert_non_null(arena_alloc(&arena, 1));
    arena_free(&arena);
    arena_wipe(&arena);
}

static void test_arena_reset(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1024);
    char *first = arena_alloc(&arena, 100);
    memset(first, 'x', 100);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++)
            memset(arena_alloc_raw(&arena, 100), 'y', 100);
        arena_alloc_raw(&arena, 100000);
        arena_reset(&arena);
        assert_int_equal(arena_size(&arena), 1024);
        char *again = arena_alloc(&arena, 100);
        assert_ptr_equal(again, first);
        assert_int_equal(again[0], 0);
    }
    arena_free(&arena);
}

static void test_arena_text(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 64);
    struct str copy = arena_copy(&arena, STR("a\0b"));
    assert_int_equal(copy.length, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    copy = arena_copy(&arena, STR_NONE);
    assert_non_null(copy.data);
    assert_string_equal(copy.data, "");
    assert_string_equal(arena_copy_upper(&arena, STR("in*abc-\xC3\xA9")).data, "IN*ABC-\xC3\xA9");
    assert_string_equal(arena_copy_text(&arena, STR_NONE), "");
    char text[1001];
    memset(text, 'z', 1000);
    text[1000] = '\0';
    struct str made = arena_printf(&arena, "%s/%d", text, 42);
    assert_int_equal(made.length, 1003);
    assert_string_equal(made.data + 1000, "/42");
    for (int i = 0; i < 300; i++) { /* also where it just fits into a block, and where it just does not */
        struct str before = arena_copy(&arena, STR("before"));
        made = arena_printf(&arena, "%.*s", i, text);
        assert_int_equal(made.length, i);
        assert_memory_equal(made.data, text, (size_t)i);
        assert_int_equal(made.data[i], '\0');
        assert_string_equal(before.data, "before");
    }
    assert_string_equal(copy.data, "");
    arena_free(&arena);
}

/* ---------------------------------------------------------------- buffer */

static void test_buffer_grow(void **state)
{
    struct buffer buffer = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        buffer_printf(&buffer, "%04d", i);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 4000);
    assert_memory_equal(buffer.data + 3996, "0999", 4);
    buffer_consume(&buffer, 3990);
    assert_str(buffer_str(&buffer), "9709980999");
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 100);
    assert_int_equal(buffer.length, 0);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    buffer_printf(&buffer, "%s!", text);
    assert_int_equal(buffer.length, 2000);
    assert_int_equal(buffer.data[1999], '!');
    buffer_free(&buffer);
    assert_null(buffer.data);
}

static void test_buffer_maximum(void **state)
{
    struct buffer buffer;
    (void)state;
    buffer_init(&buffer, 10);
    buffer_append(&buffer, STR("12345678"));
    buffer_append_byte(&buffer, '9');
    assert_false(buffer.failed);
    buffer_append_text(&buffer, "ab");
    assert_true(buffer.failed);
    assert_str(buffer_str(&buffer), "123456789");
    /* Sticky: what would fit does nothing either. */
    buffer_append_byte(&buffer, 'a');
    assert_int_equal(buffer.length, 9);
    assert_false(buffer_reserve(&buffer, 1));
    buffer_clear(&buffer);
    buffer_printf(&buffer, "%s", "0123456789");
    assert_false(buffer.failed);
    assert_in_range(buffer.capacity, 10, 10);
    buffer_append(&buffer, STR_NONE);
    assert_false(buffer.failed);
    buffer_append_byte(&buffer, 'a');
    assert_true(buffer.failed);
    buffer_clear(&buffer);
    assert_false(buffer_reserve(&buffer, SIZE_MAX));
    buffer_free(&buffer);
    assert_int_equal(buffer.maximum, 10);
}

static void test_buffer_int(void **state)
{
    static const int64_t values[] = {0, 1, -1, 9, 10, -10, 1234567890123, INT64_MAX, INT64_MIN};
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        struct buffer buffer = {0};
        char expected[32];
        snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
        buffer_append_int(&buffer, values[i]);
        assert_str(buffer_str(&buffer), expected);
        buffer_free(&buffer);
    }
}

/* ---------------------------------------------------------------- str */

static void test_str_compare(void **state)
{
    (void)state;
    assert_true(str_equal(STR_NONE, STR("")));
    assert_true(str_equal(str_from(NULL), STR_NONE));
    assert_false(str_equal(STR("abc"), STR("abd")));
    assert_false(str_equal(STR("abc"), STR("ab")));
    assert_true(str_equal_fold(STR("In*aBc-1"), STR("iN*AbC-1")));
    assert_false(str_equal_fold(STR("abc"), STR("abcd")));
    assert_true(str_is_visible(STR("!aZ~")) && str_is_visible(STR_NONE));
    assert_false(str_is_visible(STR("a b")) || str_is_visible(STR("a\x7f")) ||
                 str_is_visible(STR("\xC3\xA9")));
    assert_false(str_has_control(STR("a \xC3\xA9")) || str_has_control(STR("\xC2")));
    assert_true(str_has_control(STR("a\t")) && str_has_control(STR("\x7f")) &&
                str_has_control(STR("\xC2\x9B")));
    /* Only letters fold: these differ by the same bit. */
    assert_false(str_equal_fold(STR("@[`"), STR("`{@")));
    assert_false(str_equal_fold(STR("\xC3\xA9"), STR("\xC3\x89")));
    assert_true(str_starts_with(STR("Token abc"), STR("Token ")));
    assert_false(str_starts_with(STR("To"), STR("Token")));
    assert_true(str_starts_with(STR("x"), STR_NONE));
    assert_true(str_ends_with(STR("a.json"), STR(".json")));
    assert_false(str_ends_with(STR("json"), STR(".json")));
    assert_true(str_ends_with(STR_NONE, STR("")));
    assert_int_equal(str_hash(STR("")), 0xcbf29ce484222325);
    assert_int_equal(str_hash(STR("a")), 0xaf63dc4c8601ec8c);
    assert_int_equal(str_hash(STR("foobar")), 0x85944171f73967e8);
}

static void test_str_parts(void **state)
{
    (void)state;
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_str(str_skip(STR("abc"), 9), "");
    assert_null(str_skip(STR_NONE, 3).data);
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_str(str_trim(STR(" \t ")), "");
    assert_str(str_trim(STR("\n")), "\n");
    assert_int_equal(str_find(STR("abcabc"), 'c'), 2);
    assert_int_equal(str_find(STR("abc"), 'x'), SIZE_MAX);
    assert_int_equal(str_find(STR_NONE, 'x'), SIZE_MAX);
}

static void test_str_split(void **state)
{
    static const char *const expected[] = {"a", "", "b", ""};
    struct str rest = STR("a,,b,"), part;
    size_t count = 0;
    (void)state;
    while (str_split(&rest, ',', &part)) {
        assert_true(count < COUNT(expected));
        assert_str(part, expected[count++]);
    }
    assert_int_equal(count, COUNT(expected));
    rest = STR("");
    assert_true(str_split(&rest, ',', &part));
    assert_int_equal(part.length, 0);
    assert_false(str_split(&rest, ',', &part));
    rest = STR_NONE;
    assert_false(str_split(&rest, ',', &part));
}

static const struct number_case {
    const char *text;
    bool is_signed, is_unsigned;
    int64_t value;
} numbers[] = {
    {"0", true, true, 0},
    {"007", true, true, 7},
    {"-1", true, false, -1},
    {"-0", true, false, 0},
    {"9223372036854775807", true, true, INT64_MAX},
    {"9223372036854775808", false, true, 0},
    {"-9223372036854775808", true, false, INT64_MIN},
    {"-9223372036854775809", false, false, 0},
    {"18446744073709551615", false, true, 0},
    {"18446744073709551616", false, false, 0},
    {"99999999999999999999999", false, false, 0},
    {"", false, false, 0},
    {"-", false, false, 0},
    {"+1", false, false, 0},
    {"--1", false, false, 0},
    {" 1", false, false, 0},
    {"1 ", false, false, 0},
    {"1.0", false, false, 0},
    {"0x1", false, false, 0},
};

static void test_str_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct number_case *number = &numbers[i];
        int64_t value = 77;
        uint64_t other = 77;
        print_message("\"%s\"\n", number->text);
        assert_int_equal(str_to_int64(str_from(number->text), &value), number->is_signed);
        assert_int_equal(value, number->is_signed ? number->value : 77);
        assert_int_equal(str_to_uint64(str_from(number->text), &other), number->is_unsigned);
    }
    uint64_t largest = 0;
    assert_true(str_to_uint64(STR("18446744073709551615"), &largest));
    assert_true(largest == UINT64_MAX);
}

static struct str print(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct str print(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct str text = str_print(out, size, format, arguments);
    va_end(arguments);
    return text;
}

static void test_str_print(void **state)
{
    char out[4];
    (void)state;
    assert_true(str_equal(print(out, sizeof out, "%s%d", "a", 12), STR("a12")));
    assert_true(str_equal(print(out, sizeof out, "%s", "abcd"), STR("abc")));
    assert_string_equal(out, "abc");
    assert_int_equal(print(out, sizeof out, "%s", "").length, 0);
    assert_int_equal(print(out, 1, "%s", "a").length, 0);
}

static void test_str_copy(void **state)
{
    char out[4] = "xxx";
    (void)state;
    assert_true(str_copy(STR("abc"), out, sizeof out));
    assert_string_equal(out, "abc");
    assert_false(str_copy(STR("abcd"), out, sizeof out));
    assert_string_equal(out, "");
    assert_true(str_copy_upper(STR("a-z"), out, sizeof out));
    assert_string_equal(out, "A-Z");
    assert_true(str_copy(STR_NONE, out, 1));
    assert_string_equal(out, "");
    assert_false(str_copy(STR_NONE, out, 0));
}

static const struct utf8_case {
    const char *bytes;
    size_t size;
} characters[] = {
    {"", 0},
    {"a", 1},
    {"\x7F", 1},
    {"\xC2\x80", 2},
    {"\xDF\xBF", 2},
    {"\xE0\xA0\x80", 3},
    {"\xED\x9F\xBF", 3},
    {"\xEE\x80\x80", 3},
    {"\xF0\x90\x80\x80", 4},
    {"\xF4\x8F\xBF\xBF", 4},
    {"\x80", 0},
    {"\xC1\x81", 0},
    {"\xC2", 0},
    {"\xC2\x41", 0},
    {"\xE0\x9F\xBF", 0},
    {"\xED\xA0\x80", 0},
    {"\xE2\x82", 0},
    {"\xF0\x8F\xBF\xBF", 0},
    {"\xF4\x90\x80\x80", 0},
    {"\xF0\x9F\x98", 0},
    {"\xF5\x80\x80\x80", 0},
    {"\xFF", 0},
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(characters); i++) {
        /* A copy without a byte to spare, for AddressSanitizer. */
        size_t length = strlen(characters[i].bytes);
        char *exact = malloc(length + 1);
        assert_non_null(exact);
        memcpy(exact, characters[i].bytes, length);
        exact = realloc(exact, length > 0 ? length : 1);
        assert_int_equal(utf8_character(str_of(exact, length)), characters[i].size);
        free(exact);
    }
}

/* ---------------------------------------------------------------- error, env */

static void test_error(void **state)
{
    struct error error = {0};
    char text[2000];
    (void)state;
    assert_int_equal(error_set(&error, ERR_NOT_FOUND, "no party %s", "IN-ABC"), ERR_NOT_FOUND);
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_string_equal(error.text, "no party IN-ABC");
    assert_int_equal(error_set(&error, ERR_IO, "while reading: %s", error.text), ERR_IO);
    assert_string_equal(error.text, "while reading: no party IN-ABC");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&error, ERR_INVALID, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_int_equal(error_set(NULL, ERR_BUSY, "%d", 1), ERR_BUSY);
    assert_string_equal(error_name(ERR_NOT_FOUND), "not found");
    for (int code = OK; code >= ERR_SHORT; code--)
        assert_string_not_equal(error_name(code), "unknown error");
    assert_string_equal(error_name(1), "unknown error");
    assert_string_equal(error_name(ERR_SHORT - 1), "unknown error");
}

static void test_size(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {12897485, "12.3 MiB"},
                 {1048575, "1.0 MiB"},
                 {INT64_C(5) << 30, "5.0 GiB"},
                 {INT64_MAX, "8388608.0 TiB"}};
    char text[SIZE_TEXT];
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_string_equal(size_format(sizes[i].bytes, text), sizes[i].text);
}

static int64_t fixed_wall(void)
{
    return 1234;
}

static uint64_t counter;

static void counting_random(void *out, size_t size)
{
    uint64_t number = UINT64_MAX - counter++;
    memcpy(out, &number, size < sizeof number ? size : sizeof number);
}

static void test_env(void **state)
{
    const struct env_ops ops = {.wall_ms = fixed_wall, .random = counting_random};
    uint8_t a[32] = {0}, b[32] = {0};
    (void)state;
    assert_true(env_wall_ms() > INT64_C(1700000000000));
    int64_t start = env_monotonic_us();
    assert_true(env_monotonic_us() >= start);
    env_random(a, sizeof a);
    env_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    for (int i = 0; i < 100; i++) { /* more than is drawn at once */
        memcpy(b, a, sizeof a);
        env_random_id(a, sizeof a);
        assert_memory_not_equal(a, b, sizeof a);
    }
    for (uint64_t bound = 1; bound < 50; bound++)
        assert_true(env_random_below(bound) < bound);
    env_replace(&ops);
    assert_int_equal(env_wall_ms(), 1234);
    assert_true(env_monotonic_us() >= start);
    /* 2^64 - 1 is the one number of an incomplete round of three: it is drawn again. */
    counter = 0;
    assert_int_equal(env_random_below(3), (UINT64_MAX - 1) % 3);
    assert_int_equal(counter, 2);
    counter = 0;
    assert_int_equal(env_random_below(16), 15);
    assert_int_equal(counter, 1);
    counter = 0;
    env_random_id(a, sizeof(uint64_t));
    assert_int_equal(counter, 1);
    env_replace(NULL);
    assert_true(env_wall_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_alloc),
        cmocka_unit_test(test_arena_large),
        cmocka_unit_test(test_arena_wipe),
        cmocka_unit_test(test_arena_reset),
        cmocka_unit_test(test_arena_text),
        cmocka_unit_test(test_buffer_grow),
        cmocka_unit_test(test_buffer_maximum),
        cmocka_unit_test(test_buffer_int),
        cmocka_unit_test(test_str_compare),
        cmocka_unit_test(test_str_parts),
        cmocka_unit_test(test_str_split),
        cmocka_unit_test(test_str_numbers),
        cmocka_unit_test(test_str_print),
        cmocka_unit_test(test_str_copy),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
