/* OCPI's tables, and the specification's examples validated along them (lib/ocpi: objects, validate). */
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

/* ---------------------------------------------------------------- the tables */

static bool word_in(const char *words, const char *word)
{
    struct str rest = str_from(words), part;
    while (str_split(&rest, ' ', &part))
        if (str_equal(part, str_from(word)))
            return true;
    return false;
}

static void test_table_counts(void **state)
{
    unsigned objects = 0, fields = 0, enums = 0, values = 0;
    (void)state;
    for (; ocpi_objects[objects] != NULL; objects++)
        fields += ocpi_objects[objects]->field_count;
    for (; ocpi_enums[enums] != NULL; enums++)
        for (unsigned i = 0; ocpi_enums[enums]->values[i] != NULL; i++)
            values++;
    assert_int_equal(objects, 56);
    assert_int_equal(fields, 300);
    assert_int_equal(enums, 34);
    assert_int_equal(values, 233);
}

static void test_tables_are_consistent(void **state)
{
    (void)state;
    for (unsigned i = 0; ocpi_objects[i] != NULL; i++) {
        const struct ocpi_object *object = ocpi_objects[i];
        const struct ocpi_field *list_key = NULL;
        assert_ptr_equal(ocpi_object_find(object->name), object);
        assert_in_range(object->field_count, 1, 64);
        for (unsigned j = 0; j < object->field_count; j++) {
            const struct ocpi_field *field = &object->fields[j];
            assert_int_equal(field->name_length, strlen(field->name));
            assert_int_equal(field->type == OCPI_TYPE_ENUM, field->enumeration != NULL);
            assert_int_equal(field->type == OCPI_TYPE_OBJECT, field->object != NULL);
            for (unsigned k = 0; k < j; k++)
                assert_string_not_equal(field->name, object->fields[k].name);
            if (field->list_key)
                list_key = field;
        }
        assert_ptr_equal(object->list_key, list_key);
    }
    for (unsigned i = 0; ocpi_enums[i] != NULL; i++)
        assert_ptr_equal(ocpi_enum_find(ocpi_enums[i]->name), ocpi_enums[i]);
    assert_null(ocpi_object_find("Nothing"));
    assert_null(ocpi_enum_find("Nothing"));
}

/* Exactly these fields refuse an object; the list is the contract with the partners. */
static const struct {
    const char *object, *fields;
} essentials[] = {
    {"Location", "country_code party_id id last_updated"},
    {"EVSE", "uid status last_updated"},
    {"Connector", "id last_updated"},
    {"Tariff", "country_code party_id id currency elements last_updated"},
    {"PriceComponent", "type price"},
    {"Session", "country_code party_id id start_date_time kwh cdr_token status last_updated"},
    {"CdrToken", "country_code party_id uid"},
    {"CDR",
     "country_code party_id id start_date_time end_date_time cdr_token currency total_cost total_energy "
     "last_updated"},
    {"Credentials", "token url roles"},
    {"CredentialsRole", "role party_id country_code"},
    {"StartSession", "response_url token location_id"},
    {"ReserveNow", "response_url token location_id reservation_id expiry_date"},
    {"StopSession", "response_url session_id"},
    {"CancelReservation", "response_url reservation_id"},
    {"UnlockConnector", "response_url location_id"},
    {"Token", "uid"},
};

static const char *essentials_of(const char *object)
{
    for (size_t i = 0; i < sizeof(essentials) / sizeof(essentials[0]); i++)
        if (strcmp(essentials[i].object, object) == 0)
            return essentials[i].fields;
    return "";
}

static void test_essential_flags(void **state)
{
    (void)state;
    for (unsigned i = 0; ocpi_objects[i] != NULL; i++) {
        const char *words = essentials_of(ocpi_objects[i]->name);
        unsigned found = 0, wanted = *words == '\0' ? 0 : 1;
        for (const char *c = words; *c != '\0'; c++)
            wanted += *c == ' ';
        for (unsigned j = 0; j < ocpi_objects[i]->field_count; j++) {
            const struct ocpi_field *field = &ocpi_objects[i]->fields[j];
            if (field->essential != word_in(words, field->name))
                fail_msg("%s.%s", ocpi_objects[i]->name, field->name);
            found += field->essential;
        }
        assert_int_equal(found, wanted);
    }
}

/* ---------------------------------------------------------------- the specification's examples */

static void print_findings(const struct ocpi_findings *findings)
{
    for (unsigned i = 0; i < findings->kept; i++)
        print_message("  %s%s " STR_FMT "\n", findings->list[i].essential ? "essential " : "",
                      ocpi_rule_name(findings->list[i].rule), STR_ARG(findings->list[i].message));
}

/* The specification's example payloads are not part of this repository. */
static struct str example_read(struct arena *arena, const char *folder, struct str name)
{
    char path[1000], chunk[4096];
    snprintf(path, sizeof(path), "%s/" STR_FMT, folder, STR_ARG(name));
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return STR_NONE;
    struct buffer bytes;
    buffer_init(&bytes, 0);
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), file)) > 0;)
        buffer_append(&bytes, str_of(chunk, got));
    fclose(file);
    struct str copy = arena_copy(arena, buffer_str(&bytes));
    buffer_free(&bytes);
    return copy;
}

static const struct json_value *example_parse(struct arena *arena, const char *folder, struct str name)
{
    struct str bytes = example_read(arena, folder, name);
    const struct json_value *value;
    if (bytes.data == NULL)
        return NULL;
    assert_int_equal(json_parse(arena, bytes, JSON_DEPTH_MAX, &value, NULL), OK);
    return value;
}

struct tally {
    unsigned files, valid, violating;
};

/* Validates what stands in one example file; its index entry says what it is and whether it is right. */
static void example_check(struct arena *arena, const char *folder, const struct json_value *entry,
                          struct tally *tally)
{
    struct str form = json_get_text(entry, "form");
    const struct ocpi_object *object = ocpi_object_find(arena_copy_text(arena, json_get_text(entry, "type")));
    const struct json_value *value = example_parse(arena, folder, entry->key);
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
        if (valid != (findings.kept == 0)) {
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
    const char *folder = getenv("OCPI_EXAMPLES");
    if (folder == NULL)
        folder = "../shared/ocpi/examples";
    const struct json_value *index = example_parse(*state, folder, STR("index.json"));
    if (index == NULL) {
        print_message("no examples in %s (OCPI_EXAMPLES): skipped\n", folder);
        skip();
    }
    struct tally tally = {0, 0, 0};
    const struct json_value *files = json_get(index, "files");
    for (const struct json_value *entry = files->child; entry != NULL; entry = entry->next)
        example_check(*state, folder, entry, &tally);
    assert_int_equal(tally.files, 60);
    assert_int_equal(tally.valid, 58);
    assert_int_equal(tally.violating, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table_counts),
        TEST(test_tables_are_consistent),
        TEST(test_essential_flags),
        TEST(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
