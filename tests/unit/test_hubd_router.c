/* The router table: every path of hub-ocpi(7) finds its row, methods not offered are known, the versions
 * document comes from the same rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hubd/request/router.h"
#include "lib/json/reader.h"
#include "lib/json/writer.h"
#include "lib/ocpi/party.h"

struct row {
    enum http_method method;
    const char *path;
    const char *action; /* NULL: not found */
    unsigned params;
};

static const struct row rows[] = {
    {HTTP_METHOD_GET, "/ocpi/versions", "versions.get", 0},
    {HTTP_METHOD_GET, "/ocpi/versions/", "versions.get", 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1", "versions.get", 0},
    {HTTP_METHOD_GET, "/ocpi//2.2.1//locations", "location.list", 0},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/locations/IN/ABC/L1", "location.put", 3},
    {HTTP_METHOD_PATCH, "/ocpi/2.2.1/locations/IN/ABC/L1/E1/", "evse.patch", 4},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/locations//IN/ABC/L1/E1/1", "connector.put", 5},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/locations/L1", "location.get", 1},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/locations/IN/ABC/L1/E1/1", "location.get", 5},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/tokens/IN/XYZ/T1/authorize", "token.authorize", 3},
    {HTTP_METHOD_POST, "/ocpi/2.2.1/commands/START_SESSION", "command.post", 1},
    {HTTP_METHOD_POST, "/ocpi/2.2.1/commands/callback/abc", "command.result", 1},
    {HTTP_METHOD_POST, "/ocpi/2.2.1/cdrs", "cdr.post", 0},
    {HTTP_METHOD_POST, "/ocpi/2.2.1/cdrs/IN/ABC/C1", "cdr.post", 3},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/hubclientinfo/IN/ABC", "hubclientinfo.get", 2},
    /* joined without a slash */
    {HTTP_METHOD_POST, "/ocpi/2.2.1/commandsSTART_SESSION", "command.post", 1},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/locationsIN/C/L1", "location.put", 3},
    {HTTP_METHOD_PATCH, "/ocpi/2.2.1/locationsIN/C/L1/E/1", "connector.patch", 5},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/sessionsIN/ABC/S1", "session.put", 3},
    {HTTP_METHOD_POST, "/ocpi/2.2.1/tokensUID/authorize", "token.authorize", 1},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/tokensIN/XYZ/T1/authorize/", "token.authorize", 3},
    {HTTP_METHOD_GET, "/ocpi//2.2.1//locations1", "location.get", 1},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/hubclientinfoIN/ABC", "hubclientinfo.get", 2},
    {HTTP_METHOD_PUT, "/ocpi/2.2.1/chargingprofilesS1", "chargingprofile.put", 1},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/sessions:sender", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/locations%49N", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/credentialsX", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/LOCATIONSIN/C/L1", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1locations", NULL, 0},
    {HTTP_METHOD_GET, "/", NULL, 0},
    {HTTP_METHOD_GET, "/versions", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.1.1/locations", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/locations/1/2/3/4/5/6", NULL, 0},
    {HTTP_METHOD_GET, "/ocpi/2.2.1/1/2/3/4/5/6/7/8/9/10/11/12", NULL, 0},
};

/* Rows are looked for by the module that their path names behind the version. */
static void test_modules(void **state)
{
    (void)state;
    for (size_t i = 0; i < routes_count; i++) {
        struct str rest = str_from(routes[i].path), version, module;
        assert_true(str_split(&rest, '/', &version));
        if (str_split(&rest, '/', &module))
            assert_true(ocpi_module_find(module) == routes[i].module);
    }
}

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct router_match match;
        router_find(0, rows[i].method, str_from(rows[i].path), &match);
        if (rows[i].action == NULL) {
            assert_false(match.known);
            continue;
        }
        if (match.route == NULL)
            fail_msg("no row for %s", rows[i].path);
        assert_string_equal(match.route->action, rows[i].action);
        assert_int_equal(match.param_count, rows[i].params);
    }
}

static void test_parameters_are_the_segments(void **state)
{
    (void)state;
    struct router_match match;
    router_find(0, HTTP_METHOD_PUT, STR("/ocpi/2.2.1/sessions/in/abc/S%201/"), &match);
    assert_non_null(match.route);
    assert_true(str_equal(match.params[0], STR("in")));
    assert_true(str_equal(match.params[2], STR("S%201")));
}

static void test_other_methods_are_known(void **state)
{
    (void)state;
    struct router_match match;
    struct buffer allow = {0};
    router_find(0, HTTP_METHOD_DELETE, STR("/ocpi/2.2.1/locations/IN/ABC/L1"), &match);
    assert_null(match.route);
    assert_true(match.known);
    router_write_allow(match.allowed, &allow);
    assert_true(str_equal(buffer_str(&allow), STR("GET, HEAD, PUT, PATCH")));
    buffer_free(&allow);
    router_find(0, HTTP_METHOD_OTHER, STR("/ocpi/2.2.1/cdrs"), &match);
    assert_null(match.route);
    assert_true(match.known);
}

/* Each (identifier, role) once, absolute URLs, credentials under both roles; CDRs to be pulled only while
 * that is offered. */
static void check_versions_document(unsigned conditions)
{
    struct buffer out = {0};
    struct json_writer writer;
    struct arena arena;
    const struct json_value *list;
    unsigned credentials = 0, callbacks = 0, backfills = 0;
    arena_init(&arena, 0);
    json_writer_init(&writer, &out);
    router_write_endpoints(conditions, &writer, "https://hub.example");
    assert_int_equal(json_parse(&arena, buffer_str(&out), 64, &list, NULL), OK);
    for (const struct json_value *a = list->child; a != NULL; a = a->next) {
        struct str identifier = json_get_text(a, "identifier"), role = json_get_text(a, "role");
        assert_true(str_starts_with(json_get_text(a, "url"), STR("https://hub.example/ocpi/2.2.1/")));
        assert_true(str_ends_with(json_get_text(a, "url"), identifier));
        credentials += str_equal(identifier, STR("credentials"));
        callbacks += str_equal(identifier, STR("versions"));
        backfills += str_equal(role, STR("SENDER")) && str_equal(identifier, STR("cdrs"));
        for (const struct json_value *b = a->next; b != NULL; b = b->next)
            assert_false(str_equal(identifier, json_get_text(b, "identifier")) &&
                         str_equal(role, json_get_text(b, "role")));
    }
    assert_int_equal(credentials, 2);
    assert_int_equal(callbacks, 0);
    assert_int_equal(backfills, conditions == ROUTE_BACKFILL);
    arena_free(&arena);
    buffer_free(&out);
}

static void test_versions_document(void **state)
{
    (void)state;
    check_versions_document(0);
    check_versions_document(ROUTE_BACKFILL);
}

/* The row's path with something for each parameter. */
static void sample_path(const struct route *route, char *out, size_t size)
{
    struct str rest = str_from(route->path), part;
    size_t length = (size_t)snprintf(out, size, "/ocpi");
    while (str_split(&rest, '/', &part))
        length += (size_t)snprintf(out + length, size - length, "/" STR_FMT,
                                   STR_ARG(part.data[0] == '{' ? STR("X1") : part));
}

static bool is_listed(unsigned conditions, const char *module, const char *role)
{
    struct buffer out = {0};
    struct json_writer writer;
    struct arena arena;
    const struct json_value *list;
    bool found = false;
    arena_init(&arena, 0);
    json_writer_init(&writer, &out);
    router_write_endpoints(conditions, &writer, "https://hub.example");
    assert_int_equal(json_parse(&arena, buffer_str(&out), 64, &list, NULL), OK);
    for (const struct json_value *entry = list->child; entry != NULL; entry = entry->next)
        found = found || (str_equal(json_get_text(entry, "identifier"), str_from(module)) &&
                          str_equal(json_get_text(entry, "role"), str_from(role)));
    arena_free(&arena);
    buffer_free(&out);
    return found;
}

/* What is listed has a request that finds its function; what has one is listed. */
static void check_listed_is_answered(unsigned conditions)
{
    static const char *const roles[] = {[ROUTE_SENDER] = "SENDER", [ROUTE_RECEIVER] = "RECEIVER"};
    for (size_t i = 0; i < routes_count; i++)
        for (unsigned interface = ROUTE_SENDER; interface <= ROUTE_RECEIVER; interface <<= 1) {
            const enum ocpi_module module = routes[i].module;
            bool answered = false;
            for (size_t j = 0; j < routes_count; j++) {
                struct router_match match;
                char path[256];
                if (routes[j].module != module)
                    continue;
                sample_path(&routes[j], path, sizeof path);
                router_find(conditions, routes[j].method, str_from(path), &match);
                answered = answered || (match.route != NULL && (match.route->interfaces & interface) != 0);
            }
            assert_int_equal(answered, is_listed(conditions, ocpi_module_name(module), roles[interface]));
        }
}

static void test_listed_is_answered(void **state)
{
    (void)state;
    check_listed_is_answered(0);
    check_listed_is_answered(ROUTE_BACKFILL);
}

/* A row that needs a setting is not offered without it, and stands before its like. */
static void test_rows_of_a_setting(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool known; /* without the setting, under any method */
        unsigned roles, roles_with;
    } paths[] = {
        {"/ocpi/2.2.1/sessions", true, 0, OCPI_ROLE_EMSP},
        {"/ocpi/2.2.1/cdrs", true, 0, OCPI_ROLE_EMSP},
        {"/ocpi/2.2.1/sessions/IN/ABC/S1", true, OCPI_ROLE_CPO, OCPI_ROLE_EMSP | OCPI_ROLE_CPO},
        {"/ocpi/2.2.1/cdrs/IN/ABC/C1", true, OCPI_ROLE_CPO, OCPI_ROLE_EMSP | OCPI_ROLE_CPO},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct router_match match;
        router_find(0, HTTP_METHOD_GET, str_from(paths[i].path), &match);
        assert_int_equal(match.known, paths[i].known);
        assert_int_equal(match.off, match.route == NULL ? ROUTE_BACKFILL : 0);
        assert_int_equal(match.route == NULL ? 0 : match.route->roles, paths[i].roles);
        router_find(ROUTE_BACKFILL, HTTP_METHOD_GET, str_from(paths[i].path), &match);
        assert_int_equal(match.route == NULL ? 0 : match.route->roles, paths[i].roles_with);
    }
}

/* Real-time calls and the big list, nothing else (hub-ocpi(7), LIMITS). */
static void test_what_is_limited(void **state)
{
    (void)state;
    for (size_t i = 0; i < routes_count; i++) {
        struct str action = str_from(routes[i].action);
        enum limit_kind expected = str_equal(action, STR("token.authorize")) ? LIMIT_AUTHORIZE
                                   : str_equal(action, STR("command.post"))  ? LIMIT_COMMANDS
                                   : str_equal(action, STR("location.list")) ? LIMIT_LOCATIONS
                                                                             : LIMIT_NONE;
        assert_int_equal(routes[i].limit, expected);
    }
}

/* What the pipeline relies on. */
static void test_rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes[i];
        assert_non_null(route->handle);
        assert_non_null(route->action);
        assert_true(route->flags == 0 || route->roles != 0);
        assert_true(route->limit == LIMIT_NONE || route->roles != 0);
        assert_true(route->access != ROUTE_OPEN || route->roles == 0);
        /* what is served from the store is counted, not rowed; all else leaves its row */
        assert_true(route->method == HTTP_METHOD_GET || route->audit != ROUTE_AUDIT_NONE);
        assert_true(route->method != HTTP_METHOD_GET || route->audit != ROUTE_AUDIT_PUSH);
        for (size_t j = 0; j < i; j++)
            assert_false(route->method == routes[j].method &&
                         (route->flags & ROUTE_CONDITIONS) == (routes[j].flags & ROUTE_CONDITIONS) &&
                         str_equal(str_from(route->path), str_from(routes[j].path)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_parameters_are_the_segments),
        cmocka_unit_test(test_other_methods_are_known),
        cmocka_unit_test(test_versions_document),
        cmocka_unit_test(test_rows_of_a_setting),
        cmocka_unit_test(test_listed_is_answered),
        cmocka_unit_test(test_what_is_limited),
        cmocka_unit_test(test_rows_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
