#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hubd/calls/secret.h"
#include "lib/base/crypto.h"

/* Tokens in what partners say: every form of every part is found, and nothing else is. */

static const char *const tokens[] = {"kq3V-x_9TzP0aLrW7mYdEh2uGbNsCf5J", "a/b+c=d?e&f%g~h!i",
                                     "0123456789abcdef0123", "6b1f7c1e-4a55-4d8e-9e0e-0f8f2c9b3a77"};

static struct str percent(struct arena *arena, struct str text, bool all)
{
    struct str out = STR("");
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        bool plain = (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
        out = plain && !all
                  ? arena_printf(arena, STR_FMT "%c", STR_ARG(out), byte)
                  : arena_printf(arena, STR_FMT "%%%02X", STR_ARG(out), (unsigned)(unsigned char)byte);
    }
    return out;
}

static struct str swap_case(struct arena *arena, struct str text)
{
    struct str copy = arena_copy(arena, text);
    for (size_t i = 0; i < copy.length; i++)
        if ((copy.data[i] | 0x20) >= 'a' && (copy.data[i] | 0x20) <= 'z')
            ((char *)(uintptr_t)copy.data)[i] = (char)(copy.data[i] ^ 0x20);
    return copy;
}

static struct str hex(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, 2 * text.length + 1);
    return str_from(hex_encode((const uint8_t *)text.data, text.length, out));
}

#define BASIC_MAX 12
static unsigned basic_forms(struct arena *arena, struct str token, struct str forms[BASIC_MAX])
{
    struct str coded = base64_encode(arena, token);
    unsigned count = 0;
    forms[count++] = token;
    forms[count++] = coded;
    forms[count++] = base64url_encode(arena, token);
    forms[count++] = hex(arena, token);
    forms[count++] = base64_encode(arena, coded);
    for (int i = 0; i < 3; i++) {
        struct str said =
            arena_printf(arena, "%.*sToken " STR_FMT "\r\n", i, "::", STR_ARG(i == 1 ? token : coded));
        forms[count++] = base64_encode(arena, said);
        forms[count++] = base64url_encode(arena, said);
    }
    return count;
}

/* In the middle of a sentence, whose own words stay. */
static void assert_hidden(struct arena *arena, struct str token, struct str form)
{
    static const char *const around[][2] = {
        {"cannot read ", " today"}, {"cannot read '", "', today"}, {"cannot read {\"t\":\"", "\"} today"}};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        struct str text = arena_printf(arena, "%s" STR_FMT "%s", around[i][0], STR_ARG(form), around[i][1]);
        struct str shown = secret_hide(arena, &token, 1, text);
        assert_true(secret_is_in(arena, &token, 1, text));
        if (!str_starts_with(shown, STR("cannot read ")) || !str_ends_with(shown, STR(" today")) ||
            secret_is_in(arena, &token, 1, shown))
            fail_msg(STR_FMT " became " STR_FMT, STR_ARG(text), STR_ARG(shown));
    }
}

static void test_every_form(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        struct str token = str_from(tokens[i]), forms[BASIC_MAX];
        unsigned count = basic_forms(&arena, token, forms);
        for (unsigned j = 0; j < count; j++) {
            assert_hidden(&arena, token, forms[j]);
            assert_hidden(&arena, token, swap_case(&arena, forms[j]));
            assert_hidden(&arena, token, percent(&arena, forms[j], false));
            assert_hidden(&arena, token, percent(&arena, forms[j], true));
            assert_hidden(&arena, token, percent(&arena, percent(&arena, forms[j], true), false));
        }
    }
    arena_free(&arena);
}

/* Cut short at either end, as a log does. */
static void test_parts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        struct str token = str_from(tokens[i]);
        for (size_t from = 0; from + 16 <= token.length; from++) {
            struct str part = str_of(token.data + from, 16);
            assert_hidden(&arena, token, part);
        }
        assert_false(secret_is_in(&arena, &token, 1, str_of(token.data, SECRET_PART - 1)));
    }
    arena_free(&arena);
}

static void test_escapes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct str token = STR("ab/cd+ef/gh+ij/kl");
    assert_hidden(&arena, token, STR("ab\\/cd+ef\\/gh+ij\\/kl"));
    assert_hidden(&arena, token, STR("ab\\u002fcd\\u002Bef\\u002Fgh\\u002bij\\u002fkl"));
    assert_hidden(&arena, token, STR("key=ab/cd+ef/gh+ij/kl"));
    arena_free(&arena);
}

/* What is no token stays as it came, and a short token is hidden whole. */
static void test_nothing_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "EVSE 7 is out of order",
        "%",
        "%2",
        "100%",
        "\\u00",
        "\\",
        "\xff\xfe%zz",
        "session IN-ABC-2026-11-30-000017 of 7f1e2d3c-0000-4000-8000-1234567890ab is unknown"};
    struct arena arena;
    arena_init(&arena, 0);
    struct str given[] = {str_from(tokens[0]), STR_NONE, STR("")};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str text = str_from(texts[i]), shown = secret_hide(&arena, given, 3, text);
        assert_true(str_equal(text, shown));
        assert_ptr_equal(shown.data, text.data);
    }
    struct str small = STR("s3cr3t");
    assert_true(str_equal(secret_hide(&arena, &small, 1, STR("bad S3CR3T, sorry")), STR("bad ..., sorry")));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
