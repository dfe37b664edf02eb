/* OCPI's tables (lib/ocpi: objects). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ocpi/objects.h"

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

/* Exactly these fields refuse an object; hub-ocpi(7), VALIDATION has the same list. */
static const struct {
    const char *object, *fields;
} essentials[] = {
    {"Location", "country_code party_id id last_updated"},
    {"EVSE", "uid status last_updated"},
    {"Connector", "id last_updated"},
    {"Tariff", "country_code party_id id currency elements last_updated"},
    {"PriceComponent", "type price"},
    {"Session", "country_code party_id id start_date_time kwh cdr_token status last_updated"},
    {"CdrToken", "uid"},
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
    for (size_t i = 0; i < sizeof essentials / sizeof essentials[0]; i++)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_counts),
        cmocka_unit_test(test_tables_are_consistent),
        cmocka_unit_test(test_essential_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
