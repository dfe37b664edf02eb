#include "tests/hubd/objects.h"

#include "lib/json/reader.h"

#define CDR_TOKEN                                                                                            \
    "\"cdr_token\":{\"country_code\":\"IN\",\"party_id\":\"%s\",\"uid\":\"T1\",\"type\":\"RFID\","           \
    "\"contract_id\":\"C1\"}"
#define OWNED_BY_CPO "{\"country_code\":\"IN\",\"party_id\":\"CPO\",\"id\":\"%s\","

const char *object_session(struct bench *bench, const char *id, const char *emsp, const char *last_updated)
{
    return arena_printf(&bench->arena,
                        OWNED_BY_CPO
                        "\"start_date_time\":\"2029-12-31T23:00:00Z\",\"kwh\":1," CDR_TOKEN
                        ",\"auth_method\":\"WHITELIST\",\"location_id\":\"L1\",\"evse_uid\":\"E1\","
                        "\"connector_id\":\"1\",\"currency\":\"INR\",\"status\":\"ACTIVE\","
                        "\"last_updated\":\"%s\"}",
                        id, emsp, last_updated)
        .data;
}

const char *object_tariff(struct bench *bench, const char *id, const char *last_updated)
{
    return arena_printf(&bench->arena,
                        OWNED_BY_CPO "\"currency\":\"INR\",\"elements\":[{\"price_components\":[{\"type\":"
                                     "\"ENERGY\",\"price\":1,\"step_size\":1}]}],\"last_updated\":\"%s\"}",
                        id, last_updated)
        .data;
}

const char *object_cdr(struct bench *bench, const char *id, const char *emsp, const char *more)
{
    return arena_printf(
               &bench->arena,
               OWNED_BY_CPO
               "\"start_date_time\":\"2029-12-31T22:00:00Z\",\"end_date_time\":\"2029-12-31T23:00:00Z\","
               "\"session_id\":\"S1\"," CDR_TOKEN ",\"auth_method\":\"WHITELIST\",\"cdr_location\":{"
               "\"id\":\"L1\",\"address\":\"Road 1\",\"city\":\"Pune\",\"country\":\"IND\",\"coordinates\":"
               "{\"latitude\":\"12.934612\",\"longitude\":\"77.611158\"},\"evse_uid\":\"E1\",\"evse_id\":"
               "\"IN*CPO*E1\",\"connector_id\":\"1\",\"connector_standard\":\"IEC_62196_T2\","
               "\"connector_format\":\"SOCKET\",\"connector_power_type\":\"AC_3_PHASE\"},"
               "\"currency\":\"INR\",\"charging_periods\":[{\"start_date_time\":\"2029-12-31T22:00:00Z\","
               "\"dimensions\":[{\"type\":\"ENERGY\",\"volume\":4.2}]}],\"total_cost\":{\"excl_vat\":77},"
               "\"total_energy\":4.2,\"total_time\":1,%s\"last_updated\":\"2029-12-31T23:00:00Z\"}",
               id, emsp, more)
        .data;
}

const char *object_location(struct bench *bench, const char *id, const char *last_updated)
{
    return arena_printf(
               &bench->arena,
               OWNED_BY_CPO
               "\"publish\":true,\"address\":\"Road 1\",\"city\":\"Pune\",\"country\":\"IND\","
               "\"coordinates\":{\"latitude\":\"12.934612\",\"longitude\":\"77.611158\"},\"evses\":[{"
               "\"uid\":\"E1\",\"status\":\"AVAILABLE\",\"connectors\":[{\"id\":\"1\",\"standard\":"
               "\"IEC_62196_T2\",\"format\":\"SOCKET\",\"power_type\":\"AC_3_PHASE\",\"max_voltage\":415,"
               "\"max_amperage\":32,\"last_updated\":\"%s\"}],\"last_updated\":\"%s\"}],"
               "\"time_zone\":\"Asia/Kolkata\",\"last_updated\":\"%s\"}",
               id, last_updated, last_updated, last_updated)
        .data;
}

void assert_answer(struct bench_answer answer, int status, int status_code)
{
    if (answer.status != status || answer.status_code != status_code)
        fail_msg("answered %d with %d, expected %d with %d: " STR_FMT, answer.status, answer.status_code,
                 status, status_code, STR_ARG(answer.body));
}

bool bench_has(struct str text, const char *part)
{
    return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

struct str bench_page(struct bench *bench, const char *key, const char *path, char next[BENCH_LINK_MAX])
{
    struct bench_answer answer = bench_request(bench, key, "GET", path, NULL);
    assert_answer(answer, 200, 1000);
    struct str ids = STR("");
    const struct json_value *body = NULL;
    assert_int_equal(json_parse(&bench->arena, answer.body, 16, &body, NULL), OK);
    for (const struct json_value *entry = json_get(body, "data")->child; entry != NULL; entry = entry->next)
        ids = arena_printf(&bench->arena, STR_FMT "%s" STR_FMT, STR_ARG(ids), ids.length > 0 ? " " : "",
                           STR_ARG(json_get_text(entry, "id")));
    struct str link = bench_header(&answer, "Link");
    next[0] = '\0';
    const char *from = memmem(link.data, link.length, "/ocpi/", 6), *to = memchr(link.data, '>', link.length);
    if (from != NULL && to != NULL)
        snprintf(next, BENCH_LINK_MAX, "%.*s", (int)(to - from), from);
    return ids;
}
