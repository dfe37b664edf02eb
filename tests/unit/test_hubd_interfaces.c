/* Which interfaces of a partner the hub calls, and under which key its URL is kept and found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hubd/registry/interfaces.h"
#include "hubd/registry/registry.h"
#include "lib/ctl/commands.h"

static void test_keys(void **state)
{
    static const struct {
        unsigned roles;
        const char *module;
        bool receiver;
        const char *key; /* NULL: not called */
    } rows[] = {
        {OCPI_ROLE_CPO, "tokens", true, "tokens"},
        {OCPI_ROLE_CPO, "tokens", false, NULL},
        {OCPI_ROLE_EMSP, "tokens", false, "tokens:sender"},
        {OCPI_ROLE_EMSP, "tokens", true, NULL},
        {OCPI_ROLE_CPO | OCPI_ROLE_EMSP, "tokens", true, "tokens"},
        {OCPI_ROLE_CPO | OCPI_ROLE_EMSP, "tokens", false, "tokens:sender"},
        {OCPI_ROLE_EMSP, "sessions", true, "sessions"},
        {OCPI_ROLE_CPO, "sessions", false, "sessions:sender"},
        {OCPI_ROLE_CPO, "cdrs", false, "cdrs:sender"},
        {OCPI_ROLE_CPO, "locations", false, "locations:sender"},
        {OCPI_ROLE_CPO, "tariffs", false, "tariffs:sender"},
        {OCPI_ROLE_EMSP, "chargingprofiles", false, "chargingprofiles:sender"},
        {OCPI_ROLE_SCSP, "chargingprofiles", false, "chargingprofiles:sender"},
        {OCPI_ROLE_CPO, "chargingprofiles", true, "chargingprofiles"},
        {OCPI_ROLE_EMSP, "hubclientinfo", true, "hubclientinfo"},
        {OCPI_ROLE_EMSP, "commands", true, NULL},
        {OCPI_ROLE_EMSP, "credentials", true, "credentials"},
        {OCPI_ROLE_NAP, "credentials", false, "credentials"},
        {OCPI_ROLE_CPO | OCPI_ROLE_EMSP, "nlxyz_custom", true, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str key =
            interfaces_key(rows[i].roles, ocpi_module_find(str_from(rows[i].module)), rows[i].receiver);
        struct str expected = rows[i].key == NULL ? STR_NONE : str_from(rows[i].key);
        if (!str_equal(key, expected))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(key));
    }
}

static void test_every_key_is_there_once(void **state)
{
    (void)state;
    size_t count = 0;
    for (; interfaces_key_at(count).data != NULL; count++)
        for (size_t i = 0; i < count; i++)
            assert_false(str_equal(interfaces_key_at(i), interfaces_key_at(count)));
    assert_true(count >= 15);
}

/* hubctl knows no OCPI, so the command table spells the keys itself: exactly those that the hub calls, and the
 * versions endpoint. */
static void test_the_command_table_has_every_key(void **state)
{
    (void)state;
    const struct ctl_param *param =
        ctl_param_by_key(ctl_command_by_method(STR("receiver.set")), STR("module"));
    size_t choices = 0, keys = 0;
    while (param->choices[choices] != NULL)
        choices++;
    for (; interfaces_key_at(keys).data != NULL; keys++) {
        if (!ctl_param_allows(param, interfaces_key_at(keys)))
            fail_msg(STR_FMT " is no choice of hubctl receiver set", STR_ARG(interfaces_key_at(keys)));
    }
    assert_true(ctl_param_allows(param, str_from(ocpi_module_name(OCPI_MODULE_VERSIONS))));
    assert_int_equal(choices, keys + 1);
}

static struct registry_party party_of(unsigned roles, const struct store_receiver *receivers, size_t count)
{
    return (struct registry_party){.row.roles = roles, .receivers = receivers, .receiver_count = count};
}

static void assert_url(struct str url, const char *expected)
{
    struct str wanted = expected == NULL ? STR_NONE : str_from(expected);
    if (!str_equal(url, wanted))
        fail_msg("url " STR_FMT ", not %s", STR_ARG(url), expected == NULL ? "none" : expected);
}

static void test_sender_url(void **state)
{
    (void)state;
    const struct store_receiver both[] = {
        {.party = 1, .module = STR("tokens"), .url = STR("https://a/r")},
        {.party = 1, .module = STR("tokens:sender"), .url = STR("https://a/s")},
    };
    struct registry_party emsp = party_of(OCPI_ROLE_EMSP, both, 2), plain = party_of(OCPI_ROLE_EMSP, both, 1);
    struct registry_party mixed = party_of(OCPI_ROLE_CPO | OCPI_ROLE_EMSP, both, 2);
    struct registry_party mixed_plain = party_of(OCPI_ROLE_CPO | OCPI_ROLE_EMSP, both, 1);
    struct registry_party none = party_of(OCPI_ROLE_EMSP, NULL, 0);
    assert_url(registry_sender_url(&emsp, OCPI_MODULE_TOKENS), "https://a/s");
    assert_url(registry_sender_url(&plain, OCPI_MODULE_TOKENS), "https://a/r"); /* it can only be meant so */
    assert_url(registry_sender_url(&mixed, OCPI_MODULE_TOKENS), "https://a/s");
    assert_url(registry_sender_url(&mixed_plain, OCPI_MODULE_TOKENS),
               NULL); /* that is where the CPO takes tokens */
    assert_url(registry_sender_url(&none, OCPI_MODULE_TOKENS), NULL);
    assert_url(registry_receiver_url(&mixed, OCPI_MODULE_TOKENS), "https://a/r");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_every_key_is_there_once),
        cmocka_unit_test(test_the_command_table_has_every_key),
        cmocka_unit_test(test_sender_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
