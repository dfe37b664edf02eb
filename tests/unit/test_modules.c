/* The modules' names and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/ocpi/modules.h"

static void test_names_are_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OCPI_MODULE_COUNT; i++)
        assert_int_equal(ocpi_module_find(str_from(ocpi_module_name((enum ocpi_module)i))), i);
    assert_string_equal(ocpi_module_name(OCPI_MODULE_CHARGINGPROFILES), "chargingprofiles");
}

static void test_others_are_other(void **state)
{
    static const char *const others[] = {"", "x_bookings", "Locations", "location", "locationss", "others"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(ocpi_module_find(str_from(others[i])), OCPI_MODULE_OTHER);
    assert_int_equal(ocpi_module_find(STR_NONE), OCPI_MODULE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_found),
        cmocka_unit_test(test_others_are_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
