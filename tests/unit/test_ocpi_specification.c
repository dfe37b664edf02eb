/*
 * The tables of lib/ocpi against the specification's own: its object definitions and example payloads, as
 * files that are not part of this repository. Skipped where they are not there: HUB_SHARED names the folder
 * that holds ocpi/objects.json and ocpi/examples, else it is `shared` beside the checkout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/ocpi/validate.h"

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

/* ---------------------------------------------------------------- reading */

static struct str file_read(struct arena *arena, const char *path)
{
    char chunk[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return STR_NONE;
    struct buffer bytes;
    buffer_init(&bytes, 0);
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buffer_append(&bytes, str_of(chunk, got));
    fclose(file);
    struct str copy = arena_copy(arena, buffer_str(&bytes));
    buffer_free(&bytes);
    return copy;
}

/* A file below ocpi/; NULL when there is no such folder. */
static const struct json_value *read_json(struct arena *arena, const char *folder, struct str name)
{
    const char *shared = getenv("HUB_SHARED");
    struct str path = arena_printf(arena, "%s/ocpi/%s" STR_FMT, shared != NULL ? shared : "../shared", folder,
                                   STR_ARG(name));
    struct str bytes = file_read(arena, path.data);
    const struct json_value *value;
    if (bytes.data == NULL && shared != NULL)
        fail_msg("HUB_SHARED: no file %s", path.data);
    if (bytes.data == NULL) {
        print_message("skipped: no file %s; HUB_SHARED may name the folder\n", path.data);
        return NULL;
    }
    assert_int_equal(json_parse(arena, bytes, JSON_DEPTH_MAX, &value, NULL), OK);
    return value;
}

/* ---------------------------------------------------------------- object definitions */

/* Where the tables differ from the published ones, and why. */
static const struct {
    const char *object, *field;
    int64_t max;
} longer[] = {
    /* follow Location's corrected maxima: a valid location must not make an invalid CDR */
    {"CdrLocation", "address", 255},
    {"CdrLocation", "state", 45},
};
static const struct {
    const char *enumeration, *also;
} more_values[] = {
    {"SessionStatus", "RESERVED"}, /* the chapter's text says so where its enum has RESERVATION */
    {"AllowedType", "UNKNOWN"},    /* the hub's own answer */
};

static const struct {
    const char *name;
    enum ocpi_type type;
} primitives[] = {
    {"string", OCPI_TYPE_STRING},   {"CiString", OCPI_TYPE_CISTRING}, {"DateTime", OCPI_TYPE_DATETIME},
    {"URL", OCPI_TYPE_URL},         {"number", OCPI_TYPE_NUMBER},     {"int", OCPI_TYPE_INT},
    {"boolean", OCPI_TYPE_BOOLEAN}, {"any", OCPI_TYPE_ANY},
};

static const struct {
    enum ocpi_form form;
    const char *pattern;
} forms[] = {
    {OCPI_FORM_FREE, ""},
    {OCPI_FORM_TOKEN, ""}, /* stands in Credentials' text only */
    {OCPI_FORM_LATITUDE, "-?[0-9]{1,2}\\.[0-9]{5,7}"},
    {OCPI_FORM_LONGITUDE, "-?[0-9]{1,3}\\.[0-9]{5,7}"},
    {OCPI_FORM_TIME_OF_DAY, "([0-1][0-9]|2[0-3]):[0-5][0-9]"},
    {OCPI_FORM_DATE, "([12][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"},
};

static int64_t member_number(const struct json_value *object, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;
    json_get_int64(object, key, &value);
    return value;
}

static bool type_agrees(const struct ocpi_field *field, struct str type)
{
    for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++)
        if (str_equal(type, str_from(primitives[i].name)))
            return field->type == primitives[i].type;
    if (field->type == OCPI_TYPE_ENUM)
        return str_equal(type, str_from(field->enumeration->name));
    return field->type == OCPI_TYPE_OBJECT && str_equal(type, str_from(field->object->name));
}

static int64_t expected_max(const char *object, const char *field, const struct json_value *row)
{
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
        if (strcmp(longer[i].object, object) == 0 && strcmp(longer[i].field, field) == 0)
            return longer[i].max;
    return member_number(row, "max_erratum", member_number(row, "max", 0));
}

static bool form_agrees(const struct ocpi_field *field, struct str pattern)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].form == field->form)
            return str_equal(pattern, str_from(forms[i].pattern));
    return false;
}

/* min_value and max_value, or as many digits as an int may have. */
static bool range_agrees(const struct ocpi_field *field, const struct json_value *row)
{
    int64_t low = member_number(row, "min_value", 0), high = member_number(row, "max_value", 0);
    if (high == 0 && member_number(row, "digits", 0) > 0) {
        high = 1;
        for (int64_t digits = member_number(row, "digits", 0); digits > 0; digits--)
            high *= 10;
        high--;
    }
    return field->minimum == low && field->maximum == high;
}

static void compare_field(const struct ocpi_object *object, const struct ocpi_field *field,
                          const struct json_value *row)
{
    static const char *const cards[] = {
        [OCPI_CARD_ONE] = "1", [OCPI_CARD_OPTIONAL] = "?", [OCPI_CARD_ANY] = "*", [OCPI_CARD_SOME] = "+"};
    const char *wrong = NULL;
    if (!str_equal(json_get_text(row, "name"), str_from(field->name)))
        wrong = "name";
    else if (!type_agrees(field, json_get_text(row, "type")))
        wrong = "type";
    else if (!str_equal(json_get_text(row, "card"), str_from(cards[field->card])))
        wrong = "cardinality";
    else if (expected_max(object->name, field->name, row) != (int64_t)field->max)
        wrong = "max";
    else if (!form_agrees(field, json_get_text(row, "pattern")))
        wrong = "pattern";
    else if (!range_agrees(field, row))
        wrong = "range";
    if (wrong != NULL)
        fail_msg("%s.%s: the %s differs: " STR_FMT, object->name, field->name, wrong, STR_ARG(row->raw));
}

/* Elements of lists are told apart by their object's key where that is one id. */
static void compare_key(const struct ocpi_object *object, const struct json_value *definition)
{
    const struct json_value *key = json_get(definition, "key");
    if (object->list_key == NULL)
        return;
    assert_non_null(key);
    assert_int_equal(key->count, 1);
    assert_true(str_equal(key->child->text, str_from(object->list_key->name)));
}

/* All objects, in both directions, field by field in the specification's order. */
static void test_objects(void **state)
{
    const struct json_value *file = read_json(*state, "", STR("objects.json"));
    if (file == NULL)
        skip();
    const struct json_value *objects = json_get(file, "objects");
    unsigned count = 0, fields = 0;
    while (ocpi_objects[count] != NULL)
        count++;
    assert_int_equal(objects->count, count);
    for (const struct json_value *row = objects->child; row != NULL; row = row->next) {
        const struct ocpi_object *object = ocpi_object_find(arena_copy_text(*state, row->key));
        if (object == NULL)
            fail_msg("no table of " STR_FMT, STR_ARG(row->key));
        const struct json_value *field = json_get(row, "fields")->child;
        for (unsigned i = 0; i < object->field_count; i++, field = field->next) {
            if (field == NULL)
                fail_msg("%s.%s is none of OCPI's fields", object->name, object->fields[i].name);
            compare_field(object, &object->fields[i], field);
        }
        if (field != NULL)
            fail_msg("%s lacks " STR_FMT, object->name, STR_ARG(json_get_text(field, "name")));
        compare_key(object, row);
        fields += object->field_count;
    }
    const struct json_value *counts = json_get(file, "counts");
    assert_int_equal(count, member_number(counts, "objects", 0));
    assert_int_equal(fields, member_number(counts, "fields", 0));
}

static void compare_also(const struct ocpi_enum *enumeration)
{
    const char *expected = NULL;
    for (size_t i = 0; i < sizeof more_values / sizeof more_values[0]; i++)
        if (strcmp(more_values[i].enumeration, enumeration->name) == 0)
            expected = more_values[i].also;
    if ((expected == NULL) != (enumeration->also == NULL) ||
        (expected != NULL && strcmp(expected, enumeration->also) != 0))
        fail_msg("%s takes %s too", enumeration->name, enumeration->also);
}

/* All enums with all values. A VersionNumber is open because a partner may speak newer versions too. */
static void test_enums(void **state)
{
    const struct json_value *file = read_json(*state, "", STR("objects.json"));
    if (file == NULL)
        skip();
    const struct json_value *enums = json_get(file, "enums"), *meta = json_get(file, "enum_meta");
    unsigned count = 0;
    while (ocpi_enums[count] != NULL)
        count++;
    assert_int_equal(enums->count, count);
    for (const struct json_value *row = enums->child; row != NULL; row = row->next) {
        const struct ocpi_enum *enumeration = ocpi_enum_find(arena_copy_text(*state, row->key));
        if (enumeration == NULL)
            fail_msg("no enum " STR_FMT, STR_ARG(row->key));
        const char *const *value = enumeration->values;
        for (const struct json_value *one = row->child; one != NULL; one = one->next, value++)
            if (*value == NULL || !str_equal(one->text, str_from(*value)))
                fail_msg("%s: " STR_FMT ", the table has %s", enumeration->name, STR_ARG(one->text),
                         *value != NULL ? *value : "no more");
        assert_null(*value);
        bool open = json_get_boolean(json_get_raw(meta, row->key), "open", false) ||
                    strcmp(enumeration->name, "VersionNumber") == 0;
        assert_int_equal(enumeration->open, open);
        compare_also(enumeration);
    }
    assert_int_equal(count, member_number(json_get(file, "counts"), "enums", 0));
}

/* What holds for a type wherever it stands: the bounds of URL and DateTime. */
static void test_primitives(void **state)
{
    const struct json_value *file = read_json(*state, "", STR("objects.json"));
    if (file == NULL)
        skip();
    const struct json_value *rows = json_get(file, "primitives");
    assert_int_equal(rows->count, sizeof primitives / sizeof primitives[0]);
    int64_t url_max = member_number(json_get(rows, "URL"), "max", 0);
    for (int64_t length = url_max; length <= url_max + 1; length++) {
        struct ocpi_findings findings;
        const struct json_value *body;
        struct str text =
            arena_printf(*state, "{\"version\":\"2.2.1\",\"url\":\"https://%0*d\"}", (int)length - 8, 1);
        assert_int_equal(json_parse(*state, text, JSON_DEPTH_MAX, &body, NULL), OK);
        ocpi_validate(*state, ocpi_object_find("Version"), body, false, &findings);
        assert_int_equal(findings.finding_count, length - url_max);
    }
    assert_int_equal(member_number(json_get(rows, "DateTime"), "max", 0),
                     strlen("2026-01-31T12:00:00.1234Z"));
}

/* ---------------------------------------------------------------- example payloads */

static void print_findings(const struct ocpi_findings *findings)
{
    for (unsigned i = 0; i < findings->kept; i++)
        print_message("  %s%s " STR_FMT "\n", findings->list[i].essential ? "essential " : "",
                      ocpi_rule_name(findings->list[i].rule), STR_ARG(findings->list[i].message));
}

struct tally {
    unsigned files, valid, violating;
};

/* Validates what stands in one example file; its index entry says what it is and whether it is right. */
static void example_check(struct arena *arena, const struct json_value *entry, struct tally *tally)
{
    struct str form = json_get_text(entry, "form");
    const struct ocpi_object *object = ocpi_object_find(arena_copy_text(arena, json_get_text(entry, "type")));
    const struct json_value *value = read_json(arena, "examples/", entry->key);
    assert_non_null(object);
    assert_non_null(value);
    if (str_equal(form, STR("fragment")))
        value = value->child;
    if (str_starts_with(form, STR("enveloped")))
        value = json_get(value, "data");
    bool is_list = str_ends_with(form, STR("list"));
    const struct json_value *last = is_list ? NULL : value->next;
    for (const struct json_value *one = is_list ? value->child : value; one != last; one = one->next) {
        struct ocpi_findings findings;
        ocpi_validate(arena, object, one, str_equal(form, STR("patch")), &findings);
        bool valid = json_get_boolean(entry, "valid", true);
        if (valid != (findings.kept + findings.unknown_count == 0)) {
            print_findings(&findings);
            fail_msg(STR_FMT, STR_ARG(entry->key));
        }
        if (!valid) /* both lack a last_updated that is essential */
            assert_true(ocpi_findings_refuse(&findings, false));
    }
    tally->files++;
    *(json_get_boolean(entry, "valid", true) ? &tally->valid : &tally->violating) += 1;
}

static void test_examples(void **state)
{
    const struct json_value *index = read_json(*state, "examples/", STR("index.json"));
    if (index == NULL)
        skip();
    struct tally tally = {0, 0, 0};
    const struct json_value *files = json_get(index, "files");
    for (const struct json_value *entry = files->child; entry != NULL; entry = entry->next)
        example_check(*state, entry, &tally);
    assert_int_equal(tally.files, 60);
    assert_int_equal(tally.valid, 58);
    assert_int_equal(tally.violating, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_objects),
        TEST(test_enums),
        TEST(test_primitives),
        TEST(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
