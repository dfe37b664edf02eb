/* Byte-preserving changes and taking locations apart (lib/ocpi: patch, location). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/ocpi/equal.h"
#include "lib/ocpi/location.h"
#include "lib/ocpi/objects.h"
#include "lib/ocpi/patch.h"

static int arena_setup(void **state)
{
    static struct arena arena;
    arena_init(&arena, 0);
    *state = &arena;
    return 0;
}

static int arena_teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static const struct json_value *parse(struct arena *arena, struct str text)
{
    const struct json_value *value;
    struct error error;
    if (json_parse(arena, text, JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: " STR_FMT, error.text, STR_ARG(text));
    return value;
}

static void assert_text(struct str actual, const char *expected)
{
    if (!str_equal(actual, str_from(expected)))
        fail_msg("\n  " STR_FMT "\n  instead of\n  %s", STR_ARG(actual), expected);
}

/* ---------------------------------------------------------------- by example */

static void test_patch_apply(void **state)
{
    static const struct {
        const char *stored, *patch, *append, *result;
    } rows[] = {
        {"{\"a\":1,\"b\":2}", "{\"b\":3}", NULL, "{\"a\":1,\"b\":3}"},
        {"{\"a\":1,\"b\":2}", "{\"c\":[3],\"a\":{}}", NULL, "{\"a\":{},\"b\":2,\"c\":[3]}"},
        {"{}", "{\"a\":1}", NULL, "{\"a\":1}"},
        {"{ \n }", "{\"a\":1,\"b\":2}", NULL, "{\"a\":1,\"b\":2 \n }"},
        {"{\"a\":1}", "{}", NULL, "{\"a\":1}"},
        {"{\"a\":1}", "{\"a\":null}", NULL, "{\"a\":null}"},
        {"{\"a\":null}", "{\"a\":1}", NULL, "{\"a\":1}"},
        /* White space, number spelling, unknown fields and order stay. */
        {"{\n  \"kwh\" : 12.50 ,\n  \"x\" : 1e2\n}", "{ \"kwh\" : 13.00 , \"y\" : 0.0 }", NULL,
         "{\n  \"kwh\" : 13.00 ,\n  \"x\" : 1e2,\"y\":0.0\n}"},
        /* Escapes in names: the same name written differently; the stored spelling stays, a new one is the
           patch's. */
        {"{\"\\u0061\":1,\"q\\\"\":2}", "{\"a\":3,\"q\\u0022\":4,\"\\u006e\":5}", NULL,
         "{\"\\u0061\":3,\"q\\\"\":4,\"\\u006e\":5}"},
        /* A key twice: the first counts on both sides. */
        {"{\"a\":1,\"a\":2}", "{\"a\":3}", NULL, "{\"a\":3,\"a\":2}"},
        {"{\"a\":1}", "{\"a\":2,\"a\":3,\"b\":4,\"b\":5}", NULL, "{\"a\":2,\"b\":4}"},
        /* Names are compared exactly, unlike ids. */
        {"{\"a\":1}", "{\"A\":2}", NULL, "{\"a\":1,\"A\":2}"},
        /* Appended lists. */
        {"{\"l\":[1]}", "{\"l\":[2,3]}", NULL, "{\"l\":[2,3]}"},
        {"{\"l\":[1],\"z\":0}", "{\"l\":[2, 3]}", "l", "{\"l\":[1,2, 3],\"z\":0}"},
        {"{\"l\":[ 1 , {\"x\":[]} ]}", "{\"l\":[ {} ]}", "l", "{\"l\":[ 1 , {\"x\":[]},{} ]}"},
        {"{\"l\":[]}", "{\"l\":[2]}", "l", "{\"l\":[2]}"},
        {"{\"l\":null}", "{\"l\":[2]}", "l", "{\"l\":[2]}"},
        {"{\"a\":1}", "{\"l\":[2]}", "l", "{\"a\":1,\"l\":[2]}"},
        {"{\"l\":[1]}", "{\"l\":[]}", "l", "{\"l\":[1]}"},
        {"{\"l\":[1]}", "{\"l\":null}", "l", "{\"l\":[1]}"},
        {"{\"l\":[1]}", "{\"k\":[2]}", "l", "{\"l\":[1],\"k\":[2]}"},
        {"{\"a\":1}", "{\"l\":[],\"b\":2}", "l", "{\"a\":1,\"b\":2}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ocpi_patch_options options = {.append_list = rows[i].append};
        struct str result = ocpi_patch_apply(*state, parse(*state, str_from(rows[i].stored)),
                                             parse(*state, str_from(rows[i].patch)),
                                             rows[i].append != NULL ? &options : NULL);
        assert_text(result, rows[i].result);
    }
}

/* What equals a stored element as an OCPI value is there already. */
static void test_append_once(void **state)
{
    static const struct ocpi_patch_options once = {
        .append_list = "l", .element = &ocpi_charging_period, .moment = "start_date_time"};
    static const struct ocpi_patch_options only = {
        .append_list = "l", .element = &ocpi_charging_period, .moment = "start_date_time", .only_list = true};
#define P1  "{\"start_date_time\":\"2026-01-31T12:00:00Z\",\"tariff_id\":\"t\"}"
#define P1X "{ \"tariff_id\":\"T\", \"start_date_time\":\"2026-01-31T12:00:00.000Z\",\"dimensions\":null}"
#define P2  "{\"start_date_time\":\"2026-01-31T12:00:00Z\",\"tariff_id\":\"u\"}"
#define P3  "{\"start_date_time\":\"2026-01-31T13:00:00Z\"}"
    static const struct {
        const struct ocpi_patch_options *options;
        const char *stored, *patch, *result;
    } rows[] = {
        {&once, "{\"l\":[" P1 "]}", "{\"l\":[" P1 "]}", "{\"l\":[" P1 "]}"},
        {&once, "{\"l\":[" P1 " ]}", "{\"l\":[" P1X "," P2 "," P3 "]}", "{\"l\":[" P1 "," P2 "," P3 " ]}"},
        {&once, "{\"l\":[" P3 "]}", "{\"l\":[" P1 ", " P2 "]}", "{\"l\":[" P3 "," P1 ", " P2 "]}"},
        {&once, "{\"l\":[1]}", "{\"l\":[1,2]}", "{\"l\":[1,2]}"},
        {&once, "{\"l\":[]}", "{\"l\":[" P1 "," P1 "]}", "{\"l\":[" P1 "," P1 "]}"},
        {&only, "{\"l\":[" P1 "],\"a\":1}", "{\"a\":2,\"l\":[" P3 "],\"b\":3}",
         "{\"l\":[" P1 "," P3 "],\"a\":1}"},
        {&only, "{\"a\":1}", "{\"a\":2,\"l\":[" P3 "],\"b\":3}", "{\"a\":1,\"l\":[" P3 "]}"},
        {&only, "{\"a\":1}", "{\"a\":2,\"l\":null,\"b\":3}", "{\"a\":1}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_text(ocpi_patch_apply(*state, parse(*state, str_from(rows[i].stored)),
                                     parse(*state, str_from(rows[i].patch)), rows[i].options),
                    rows[i].result);
}

static void test_member_set(void **state)
{
    static const struct {
        const char *object, *key, *raw, *result;
    } rows[] = {
        {"{\"a\" : 1 }", "a", "\"x\"", "{\"a\" : \"x\" }"},
        {"{\"a\":1 }", "b", "2", "{\"a\":1,\"b\":2 }"},
        {"{}", "b\"c", "2", "{\"b\\\"c\":2}"},
        {"{\"\\u0061\":null}", "a", "[]", "{\"\\u0061\":[]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_text(ocpi_member_set(*state, parse(*state, str_from(rows[i].object)), str_from(rows[i].key),
                                    str_from(rows[i].raw)),
                    rows[i].result);
}

static void test_list_set(void **state)
{
    static const struct {
        const char *object, *id, *result;
        bool created;
    } rows[] = {
        {"{\"c\":[{\"id\":\"1\"},{\"id\":\"a\"} ]}", "A", "{\"c\":[{\"id\":\"1\"},NEW ]}", false},
        {"{\"c\":[ {\"id\":\"1\"} ], \"x\":0}", "2", "{\"c\":[ {\"id\":\"1\"},NEW ], \"x\":0}", true},
        {"{\"c\":[ ]}", "2", "{\"c\":[NEW]}", true},
        {"{\"c\":null,\"d\":1}", "2", "{\"c\":[NEW],\"d\":1}", true},
        {"{\"d\":1}", "2", "{\"d\":1,\"c\":[NEW]}", true},
        {"{}", "2", "{\"c\":[NEW]}", true},
        {"{\"c\":[5,{\"id\":2},{\"id\":\"2\"}]}", "2", "{\"c\":[5,{\"id\":2},NEW]}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json_value *object = parse(*state, str_from(rows[i].object));
        bool created = !rows[i].created;
        assert_text(ocpi_list_set(*state, object, "c", "id", str_from(rows[i].id), STR("NEW"), &created),
                    rows[i].result);
        assert_int_equal(created, rows[i].created);
        assert_int_equal(ocpi_list_find(object, "c", "id", str_from(rows[i].id)) == NULL, created);
    }
}

/* ---------------------------------------------------------------- by property, over made-up documents */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned sides)
{
    dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice->state >> 33) % sides;
}

static void space(struct dice *dice, struct buffer *out)
{
    static const char *const spaces[] = {"", "", "", " ", "\n  ", "\t"};
    buffer_append_text(out, spaces[roll(dice, 6)]);
}

static void value_write(struct dice *dice, struct buffer *out, unsigned depth)
{
    static const char *const plain[] = {"null", "true", "12.50", "-1e3", "\"\"", "\"a\\\"}],\\u00e9\"",
                                        "[]",   "{ }"};
    unsigned kind = roll(dice, depth > 2 ? 8 : 10);
    if (kind < 8) {
        buffer_append_text(out, plain[kind]);
        return;
    }
    buffer_append_text(out, kind == 8 ? "[" : "{");
    unsigned count = roll(dice, 4);
    for (unsigned i = 0; i < count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        space(dice, out);
        if (kind == 9)
            buffer_printf(out, "\"k%u\":", i);
        value_write(dice, out, depth + 1);
        space(dice, out);
    }
    buffer_append_text(out, kind == 8 ? "]" : "}");
}

/* An object of up to `members` members with names from a pool of that size, so that they meet in two
 * documents. */
static void object_write(struct dice *dice, struct buffer *out, unsigned members)
{
    unsigned count = roll(dice, members + 1);
    buffer_append_text(out, "{");
    space(dice, out);
    for (unsigned i = 0; i < count; i++) {
        unsigned name = roll(dice, members);
        buffer_append_text(out, i > 0 ? "," : "");
        space(dice, out);
        buffer_printf(out, roll(dice, 4) == 0 ? "\"\\u0066%u\"" : "\"f%u\"", name);
        space(dice, out);
        buffer_append_text(out, ":");
        space(dice, out);
        value_write(dice, out, 0);
        space(dice, out);
    }
    buffer_append_text(out, "}");
}

static const struct json_value *made(struct arena *arena, struct dice *dice, unsigned members)
{
    struct buffer text;
    buffer_init(&text, 0);
    object_write(dice, &text, members);
    const struct json_value *value = parse(arena, buffer_str(&text));
    buffer_free(&text);
    return value;
}

/* Members that are the first of their name. */
static unsigned first_members(const struct json_value *object)
{
    unsigned count = 0;
    for (const struct json_value *member = object->child; member != NULL; member = member->next)
        count += json_get_raw(object, member->key) == member;
    return count;
}

static void patch_check(struct arena *arena, const struct json_value *stored, const struct json_value *patch)
{
    struct str text = ocpi_patch_apply(arena, stored, patch, NULL);
    const struct json_value *result = parse(arena, text);
    unsigned added = 0;
    for (const struct json_value *member = patch->child; member != NULL; member = member->next) {
        const struct json_value *first = json_get_raw(patch, member->key);
        const struct json_value *now = json_get_raw(result, member->key);
        assert_non_null(now);
        assert_true(str_equal(now->raw, first->raw));
        added += first == member && json_get_raw(stored, member->key) == NULL;
    }
    assert_int_equal(result->count, stored->count + added);
    assert_int_equal(first_members(result), first_members(stored) + added);
    const struct json_value *now = result->child;
    for (const struct json_value *member = stored->child; member != NULL;
         member = member->next, now = now->next) {
        assert_true(str_equal(now->raw_key, member->raw_key));
        bool is_first = json_get_raw(stored, member->key) == member;
        if (!is_first || json_get_raw(patch, member->key) == NULL)
            assert_true(str_equal(now->raw, member->raw));
    }
    /* What is put back is as it was, to the byte. */
    if (added == 0)
        assert_true(str_equal(ocpi_patch_apply(arena, result, stored, NULL), stored->raw));
    assert_true(str_equal(ocpi_patch_apply(arena, stored, stored, NULL), stored->raw));
}

static void test_patch_property(void **state)
{
    for (unsigned seed = 0; seed < 3000; seed++) {
        struct dice dice = {seed};
        unsigned members = seed % 10 == 0 ? 60 : 8; /* short and long member lists are searched differently */
        const struct json_value *stored = made(*state, &dice, members);
        const struct json_value *patch = made(*state, &dice, members);
        patch_check(*state, stored, patch);
        arena_reset(*state);
    }
}

/* ---------------------------------------------------------------- locations */

/* What the store's reader does: the pieces in their place again. */
static void join(const struct ocpi_location_parts *parts, struct buffer *out)
{
    bool is_list = parts->children_form == OCPI_CHILDREN_INSIDE;
    buffer_append(out, str_of(parts->body.data, parts->children_at));
    if (parts->children_form == OCPI_CHILDREN_NULL)
        buffer_append_text(out, "null");
    for (size_t i = 0; is_list && i < parts->evse_count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        buffer_append(out, parts->evses[i]->raw);
    }
    buffer_append(out, str_skip(parts->body, parts->children_at));
}

static void test_split(void **state)
{
    static const struct {
        const char *location, *body;
        size_t children_at;
        enum ocpi_children_form form;
        size_t evse_count;
    } rows[] = {
        {"{\"evses\":[{\"uid\":\"1\"} , {\"uid\":\"2\"}],\"last_updated\":\"T\"}",
         "{\"evses\":[],\"last_updated\":\"T\"}", 10, OCPI_CHILDREN_INSIDE, 2},
        {"{\"last_updated\":\"T\",\"evses\": [ ] }", "{\"last_updated\":\"T\",\"evses\": [] }", 30,
         OCPI_CHILDREN_INSIDE, 0},
        {"{\"last_updated\":\"T\" }", "{\"last_updated\":\"T\" }", 20, OCPI_CHILDREN_ABSENT, 0},
        {"{\"evses\":null,\"last_updated\":\"T\"}", "{\"evses\":,\"last_updated\":\"T\"}", 9,
         OCPI_CHILDREN_NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ocpi_location_parts parts;
        assert_int_equal(ocpi_location_split(*state, parse(*state, str_from(rows[i].location)), &parts), OK);
        assert_text(parts.body, rows[i].body);
        assert_int_equal(parts.children_at, rows[i].children_at);
        assert_int_equal(parts.children_form, rows[i].form);
        assert_int_equal(parts.evse_count, rows[i].evse_count);
        assert_text(str_of(parts.body.data + parts.updated_at, parts.updated_length), "\"T\"");
        struct str without =
            ocpi_location_without_evses(*state, parts.body, parts.children_at, parts.children_form);
        assert_text(json_get_text(parse(*state, without), "last_updated"), "T");
    }
}

/* Members in any order, EVSEs of any content. */
static const struct json_value *made_location(struct arena *arena, struct dice *dice, bool spaced)
{
    struct buffer text;
    buffer_init(&text, 0);
    const char *comma = "";
    unsigned turn = roll(dice, 4), evses = roll(dice, 4);
    buffer_append_text(&text, "{");
    for (unsigned i = 0; i < 4; i++, comma = ",") {
        unsigned what = (i + turn) % 4;
        if (what == 0 && evses == 0)
            what = 3; /* no "evses" at all */
        buffer_append_text(&text, comma);
        space(dice, &text);
        if (what == 0 && evses == 1) {
            buffer_append_text(&text, "\"evses\":null");
        } else if (what == 0) {
            unsigned count = roll(dice, 4);
            buffer_append_text(&text, "\"evses\":[");
            for (unsigned n = 0; n < count; n++) {
                buffer_append_text(&text, n > 0 ? (spaced ? " ,\n" : ",") : "");
                object_write(dice, &text, 4);
            }
            buffer_append_text(&text, spaced ? " ]" : "]");
        } else if (what == 1) {
            buffer_printf(&text, "\"last_updated\" : \"2026-01-31T12:00:%02uZ\"", roll(dice, 60));
        } else {
            buffer_printf(&text, "\"x%u\":", i);
            value_write(dice, &text, 0);
        }
        space(dice, &text);
    }
    buffer_append_text(&text, "}");
    const struct json_value *value = parse(arena, buffer_str(&text));
    buffer_free(&text);
    return value;
}

static void test_split_property(void **state)
{
    unsigned forms[3] = {0, 0, 0};
    for (unsigned seed = 0; seed < 3000; seed++) {
        struct dice dice = {seed};
        struct ocpi_location_parts parts;
        struct buffer joined;
        const struct json_value *location = made_location(*state, &dice, seed % 2 == 0);
        assert_int_equal(ocpi_location_split(*state, location, &parts), OK);
        forms[parts.children_form]++;
        buffer_init(&joined, 0);
        join(&parts, &joined);
        assert_true(ocpi_equal(NULL, parse(*state, buffer_str(&joined)), location, NULL));
        if (seed % 2 != 0)
            assert_true(str_equal(buffer_str(&joined), location->raw));
        assert_true(str_equal(str_of(parts.body.data + parts.updated_at, parts.updated_length),
                              json_get(location, "last_updated")->raw));
        buffer_free(&joined);
        arena_reset(*state);
    }
    for (size_t i = 0; i < 3; i++)
        assert_in_range(forms[i], 100, 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_patch_apply),    TEST(test_append_once), TEST(test_member_set),     TEST(test_list_set),
        TEST(test_patch_property), TEST(test_split),       TEST(test_split_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
