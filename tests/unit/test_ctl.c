/* The command table, its parameter check, the messages' framing, who may speak. The server is in
 * test_ctl_server.c. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "hubd/admin/internal.h"
#include "lib/ctl/access.h"
#include "lib/ctl/commands.h"
#include "lib/ctl/table.h"
#include "lib/ctl/params.h"
#include "lib/ctl/protocol.h"
#include "tests/unit/death.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---------------------------------------------------------------- the table */

static void check_help(const struct ctl_command *command)
{
    const char *purpose = command->purpose;
    if (purpose == NULL || strlen(purpose) <= 10 || purpose[strlen(purpose) - 1] == '.')
        fail_msg("%s: its purpose is \"%s\"; wanted are more than 10 characters, no full stop at the end",
                 command->method, purpose != NULL ? purpose : "");
    if (ctl_noun_purpose(command->noun) == NULL)
        fail_msg("%s: its noun has no purpose", command->method);
    for (size_t i = 0; i < 2; i++) {
        char beginning[64];
        snprintf(beginning, sizeof beginning, "hubctl %s", command->noun);
        /* maybe at the end of a pipe */
        if (command->examples[i] == NULL || strstr(command->examples[i], beginning) == NULL)
            fail_msg("%s: its example %zu is \"%s\"; wanted is one with \"%s\"", command->method, i + 1,
                     command->examples[i] != NULL ? command->examples[i] : "", beginning);
    }
    if (strcmp(command->examples[0], command->examples[1]) == 0)
        fail_msg("%s: both examples are \"%s\"; wanted are two", command->method, command->examples[0]);
}

static void check_params(const struct ctl_command *command)
{
    bool optional_seen = false;
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        assert_true(param->help != NULL && strlen(param->help) > 2);
        assert_int_equal(param->type == CTL_CHOICE, param->choices != NULL);
        assert_true(ctl_param_word(param) != NULL || param->choices != NULL);
        /* a file that stays here or that hubd makes, or one whose secret is sent and wiped */
        assert_true(param->type != CTL_FILE || param->key == NULL || command->access == CTL_ACCESS_ADMIN);
        assert_true(param->type != CTL_SECRET_FILE ||
                    (param->key != NULL && !param->positional && (command->flags & CTL_TOKENS) != 0));
        if (param->positional)
            assert_false(optional_seen &&
                         param->required); /* or the command line could not tell them apart */
        optional_seen = optional_seen || (param->positional && !param->required);
        for (const struct ctl_param *before = command->params; before != param; before++) {
            assert_string_not_equal(before->name, param->name);
            assert_true(param->letter == 0 || before->letter != param->letter);
            assert_true(before->key == NULL || param->key == NULL || strcmp(before->key, param->key) != 0);
        }
    }
}

static void check_columns(const struct ctl_command *command)
{
    size_t shown = 0;
    bool identified = command->columns == NULL;
    for (const struct ctl_column *column = command->columns; column != NULL && column->key != NULL;
         column++) {
        assert_true(column->heading != NULL && column->help != NULL);
        assert_int_equal(column->kind == CTL_COLUMN_SECTION || column->kind == CTL_COLUMN_COUNTS,
                         column->section != NULL);
        shown += column->seen == CTL_SEEN_ALWAYS || column->seen == CTL_SEEN_WIDE ? 1 : 0;
        identified = identified || strcmp(column->key, ctl_id_key(command)) == 0;
    }
    assert_true(identified);
    assert_true(command->output == CTL_OUTPUT_TEXT || shown > 0);
}

static void test_every_command_is_whole(void **state)
{
    (void)state;
    assert_true(ctl_command_count() > 30);
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        char method[64];
        snprintf(method, sizeof method, "%s%s%s", command->noun, command->verb != NULL ? "." : "",
                 command->verb != NULL ? command->verb : "");
        assert_string_equal(command->method, method);
        assert_ptr_equal(ctl_command_by_method(str_from(method)), command);
        assert_ptr_equal(ctl_command_by_words(command->noun, command->verb), command);
        check_help(command);
        check_params(command);
        check_columns(command);
        bool dangerous = (command->flags & CTL_DANGEROUS) != 0;
        assert_int_equal(dangerous, command->danger != NULL);
        assert_true(!dangerous || command->access == CTL_ACCESS_ADMIN);
        /* What changes something needs the right to. */
        assert_true(command->output != CTL_OUTPUT_CHANGE || command->access == CTL_ACCESS_ADMIN);
        assert_int_equal(command->output == CTL_OUTPUT_TOKEN, (command->flags & CTL_SECRET) != 0);
    }
    assert_null(ctl_command_at(ctl_command_count()));
    assert_null(ctl_command_by_words("party", NULL));
    assert_null(ctl_command_by_words("party", "lst"));
    assert_null(ctl_command_of_noun("prty"));
}

/* Each is of a section that is there, and names a command for the rest of it. */
static void test_digests(void **state)
{
    (void)state;
    for (const struct ctl_digest *digest = ctl_digests; digest->method != NULL; digest++) {
        const struct ctl_command *command = ctl_command_by_method(str_from(digest->method));
        assert_non_null(command);
        const struct ctl_column *column = command->columns;
        while (column->key != NULL && strcmp(column->key, digest->key) != 0)
            column++;
        assert_int_equal(column->kind, CTL_COLUMN_SECTION);
        assert_ptr_equal(ctl_digest_of(command, column), digest);
        assert_true(digest->empty != NULL && digest->at_most > 0 && strncmp(digest->more, "hubctl ", 7) == 0);
    }
}

static void test_examples_of_options_exist(void **state)
{
    (void)state;
    static const char *const global[] = {"json", "field", "timeout", "utc"};
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        for (size_t j = 0; j < 2; j++) {
            for (const char *at = strstr(command->examples[j], " --"); at != NULL;
                 at = strstr(at + 3, " --")) {
                struct str name = str_of(at + 3, strcspn(at + 3, " ='\""));
                bool known = false;
                char noun[32], verb[32] = "";
                const char *begin = command->examples[j], *next = begin;
                for (; next != NULL && next < at; next = strstr(next + 1, "hubctl "))
                    begin = next; /* the last one in front of the option */
                sscanf(begin, "hubctl %31s %31s", noun, verb);
                const struct ctl_command *shown =
                    ctl_command_by_words(noun, verb); /* an example may go on with another one */
                if (shown == NULL)
                    shown = ctl_command_by_words(noun, NULL);
                assert_non_null(shown);
                for (const struct ctl_param *param = shown->params; param != NULL && param->name != NULL;
                     param++)
                    known = known || str_equal(name, str_from(param->name));
                for (size_t k = 0; k < COUNT(global); k++)
                    known = known || str_equal(name, str_from(global[k]));
                if (!known)
                    fail_msg("%s has no option of \"%s\"", command->method, command->examples[j]);
            }
        }
    }
}

static void test_hubd_handles_every_command(void **state)
{
    (void)state;
    const char *what = NULL;
    if (!ctl_handlers_fit(admin_handlers, admin_handler_count, &what))
        fail_msg("%s has no handler, two, or no row", what);
    assert_false(ctl_handlers_fit(admin_handlers, admin_handler_count - 1, &what));
    assert_string_equal(what, admin_handlers[admin_handler_count - 1].method);
    const struct ctl_handler local[] = {{"help", admin_version}};
    assert_false(ctl_handlers_fit(local, 1, &what));
    assert_string_equal(what, "help");
}

/* As hubd does, but without its last handler. */
static void start_with_a_gap(void)
{
    const struct ctl_server_options options = {.handlers = admin_handlers,
                                               .handler_count = admin_handler_count - 1};
    struct ctl_server *server;
    struct error error;
    (void)ctl_server_start(NULL, &options, &server, &error);
}

static void test_a_gap_is_a_bug(void **state)
{
    (void)state;
    char said[128];
    snprintf(said, sizeof said, "ctl_server_start: admin method %s: no handler, two, or no row",
             admin_handlers[admin_handler_count - 1].method);
    assert_int_equal(death_run(start_with_a_gap), SIGABRT);
    assert_non_null(strstr(death_said, said));
}

static void test_discover_tells_the_table(void **state)
{
    (void)state;
    struct buffer text = {0};
    struct json_writer writer;
    struct arena arena;
    const struct json_value *value;
    arena_init(&arena, 0);
    json_writer_init(&writer, &text);
    ctl_discover(&writer);
    assert_int_equal(json_parse(&arena, buffer_str(&text), JSON_DEPTH_MAX, &value, NULL), OK);
    const struct json_value *methods = json_get(value, "methods");
    assert_int_equal(methods->count, admin_handler_count);
    for (const struct json_value *method = methods->child; method != NULL; method = method->next) {
        const struct ctl_command *command = ctl_command_by_method(json_get_text(method, "name"));
        assert_non_null(command);
        assert_true(str_equal(json_get_text(method, "help"), str_from(command->purpose)));
        for (const struct json_value *param = json_get(method, "params")->child; param != NULL;
             param = param->next) {
            const struct ctl_param *row = ctl_param_by_key(command, json_get_text(param, "name"));
            assert_int_equal(row->type == CTL_SECRET_FILE,
                             str_equal(json_get_text(param, "type"), STR("secret")));
        }
    }
    buffer_free(&text);
    arena_free(&arena);
}

/* ---------------------------------------------------------------- parameters */

static int check(const char *method, const char *json, struct error *error)
{
    struct arena arena;
    const struct json_value *params;
    arena_init(&arena, 0);
    assert_int_equal(json_parse(&arena, str_from(json), JSON_DEPTH_MAX, &params, NULL), OK);
    memset(error, 0, sizeof *error);
    int result = ctl_params_check(ctl_command_by_method(str_from(method)), params, error);
    arena_free(&arena);
    return result;
}

static void test_good_params(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":[\"CPO\"]}"},
        {"party.add",
         "{\"id\":\"in*a1c\",\"roles\":[\"cpo\",\"EMSP\"],\"name\":\"\u20ac\",\"platform\":\"new\"}"},
        {"party.show", "{\"id\":\"INABC\"}"},
        {"party.show", "{\"id\":\"IN/ABC:EMSP\"}"},
        {"party.list", "{}"},
        {"party.list", "{\"role\":null}"},
        {"token.issue", "{\"id\":\"IN-ABC\",\"ttl\":\"7d\",\"force\":false}"},
        {"token.revoke", "{\"id\":\"IN-ABC\",\"all\":true}"},
        {"token.revoke", "{\"id\":\"IN-ABC\",\"fingerprint\":\"0011aabb\",\"all\":false}"},
        {"delivery.show", "{\"id\":0}"},
        {"delivery.retry", "{\"party\":\"IN-ABC\"}"},
        {"party.connect", "{\"id\":\"IN-ABC\",\"versions_url\":\"https://a\",\"token\":\"!~\"}"},
        {"party.connect", "{\"id\":\"IN-ABC\",\"versions_url\":\"https://a\",\"token\":"
                          "\"0123456789012345678901234567890123456789012345678901234567890123\"}"},
        {"delivery.reconcile", "{\"month\":\"2026-12\"}"},
        {"audit.tail", "{\"follow\":true,\"last\":0,\"since\":\"2026-01-31T12:00:00Z\"}"},
    };
    struct error error;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (check(rows[i][0], rows[i][1], &error) != OK)
            fail_msg("%s %s: %s", rows[i][0], rows[i][1], error.text);
    }
    assert_int_equal(ctl_params_check(ctl_command_by_method(STR("status")), NULL, &error), OK);
    assert_int_equal(ctl_params_check(ctl_command_by_method(STR("party.show")), NULL, &error), ERR_INVALID);
}

#define CONNECT(token) "{\"id\":\"IN-ABC\",\"versions_url\":\"https://a\",\"token\":" token "}"

static void test_bad_params(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"party.add", "[]", "params must be an object"},
        {"party.add", "{\"roles\":[\"CPO\"]}", "ID is missing"},
        {"party.add", "{\"id\":\"IN-ABC\"}", "--role is missing"},
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":[]}", "--role is missing"},
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":\"CPO\"}", "--role: must be an array"},
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":[\"CPPO\"]}", "did you mean CPO?"},
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":[\"CPO\"],\"nme\":\"x\"}",
         "party.add has no parameter \"nme\""},
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":[\"CPO\"],\"name\":\"a\\nb\"}",
         "--name: must not contain control"},
        {"party.add", "{\"id\":\"IN-ABC\",\"roles\":[\"CPO\"],\"name\":7}", "--name: must be a text"},
        {"party.show", "{\"id\":\"IN-ABCD\"}", "ID: no party id"},
        {"party.show", "{\"id\":\"I1-ABC\"}", "ID: no party id"},
        {"party.show", "{\"id\":\"IN_ABC\"}", "ID: no party id"},
        {"party.show", "{\"id\":\"NOT A PARTY\"}", "ID: no party id"},
        {"party.show", "{\"id\":\"\"}", "ID: no party id"},
        {"party.suspend", "{\"id\":\"IN-ABC\",\"reason\":\"\"}", "--reason: must not be empty"},
        {"token.issue", "{\"id\":\"IN-ABC\",\"ttl\":\"soon\"}", "--ttl: no duration"},
        {"token.issue", "{\"id\":\"IN-ABC\",\"force\":1}", "--force: must be true or false"},
        {"token.revoke", "{\"id\":\"IN-ABC\"}", "give FINGERPRINT or --all"},
        {"token.revoke", "{\"id\":\"IN-ABC\",\"all\":true,\"fingerprint\":\"00\"}",
         "give only one of FINGERPRINT or --all"},
        {"delivery.show", "{\"id\":\"42\"}", "N: no number"},
        {"delivery.show", "{\"id\":-1}", "N: no number"},
        {"delivery.show", "{\"id\":1.5}", "N: no number"},
        {"delivery.show", "{\"id\":99999999999999999999}", "N: no number"},
        {"delivery.retry", "{\"party\":\"IN-ABC\",\"all\":true}", "give only one of N or --party or --all"},
        {"audit.tail", "{\"since\":\"yesterday\"}", "--since: no time"},
        {"party.connect", CONNECT("null"), "--token-file is missing"},
        {"party.connect", CONNECT("17"), "--token-file: must be a text"},
        {"party.connect", CONNECT("\"\""), "--token-file: no token in it"},
        {"party.connect", CONNECT("\"s3cret \""), "--token-file: no token: white space"},
        {"party.connect", CONNECT("\"s3cret\\n\""), "--token-file: no token: white space"},
        {"party.connect", CONNECT("\"s3cret\\u0000\""), "--token-file: no token: white space"},
        {"party.connect", CONNECT("\"s3cret\\u007f\""), "--token-file: no token: white space"},
        {"party.connect", CONNECT("\"s3cret\\u00e9\""), "--token-file: no token: white space"},
        {"party.connect", CONNECT("\"s3cret78901234567890123456789012345678901234567890123456789012345\""),
         "--token-file: more than the 64 characters"},
        {"delivery.reconcile", "{\"month\":\"2026-13\"}", "--month: no month; write it as 2026-01"},
        {"delivery.reconcile", "{}", "--month is missing"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error;
        assert_int_equal(check(rows[i][0], rows[i][1], &error), ERR_INVALID);
        if (strstr(error.text, rows[i][2]) == NULL)
            fail_msg("%s %s\ngave:     %s\nexpected: %s", rows[i][0], rows[i][1], error.text, rows[i][2]);
        assert_null(strstr(error.text, "s3cret"));
    }
}

/* ---------------------------------------------------------------- messages and lines */

static void test_a_message_is_one_line(void **state)
{
    (void)state;
    struct buffer out = {0};
    ctl_write_request(&out, 7, "party.show", STR("{\n \"id\": \"IN-ABC\"\r\n}"));
    buffer_append_byte(&out, '\0');
    assert_string_equal(
        out.data,
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"party.show\",\"params\":{  \"id\": \"IN-ABC\"  }}\n");
    buffer_clear(&out);
    ctl_write_error(&out, STR("\"x\""), CTL_NOT_FOUND, "party IN-ABC: no\nsuch \"party\"",
                    "hubctl party list");
    buffer_append_byte(&out, '\0');
    assert_string_equal(out.data, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":2,\"message\":"
                                  "\"party IN-ABC: no\\nsuch \\\"party\\\"\","
                                  "\"data\":{\"code\":\"not_found\",\"hint\":\"hubctl party list\"}}}\n");
    buffer_clear(&out);
    ctl_write_notification(&out, "audit.tail", STR("{}"));
    buffer_append_byte(&out, '\0');
    assert_string_equal(out.data, "{\"jsonrpc\":\"2.0\",\"method\":\"audit.tail\",\"params\":{}}\n");
    buffer_free(&out);
}

static void test_lines_split_at_every_byte(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":1}\n\n{\"b\":\"\\n\"}\r\nrest";
    static const char *const expected[] = {"{\"a\":1}", "", "{\"b\":\"\\n\"}"};
    size_t length = sizeof text - 1;
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            struct ctl_lines lines;
            struct str line;
            size_t count = 0;
            size_t cuts[] = {0, first, second, length};
            ctl_lines_init(&lines, 100);
            for (size_t i = 0; i < 3; i++) {
                assert_int_equal(ctl_lines_feed(&lines, str_of(text + cuts[i], cuts[i + 1] - cuts[i])), OK);
                while (ctl_lines_next(&lines, &line) == OK) {
                    assert_true(count < COUNT(expected));
                    assert_true(str_equal(line, str_from(expected[count++])));
                }
            }
            assert_int_equal(count, COUNT(expected));
            assert_int_equal(ctl_lines_pending(&lines), 4);
            ctl_lines_free(&lines);
        }
    }
}

static void test_lines_have_a_maximum(void **state)
{
    (void)state;
    struct ctl_lines lines;
    struct str line;
    ctl_lines_init(&lines, 4);
    assert_int_equal(ctl_lines_feed(&lines, STR("1234\n12345\n")), OK);
    assert_int_equal(ctl_lines_next(&lines, &line), OK);
    assert_int_equal(ctl_lines_next(&lines, &line), ERR_TOO_LARGE);
    ctl_lines_free(&lines);
    ctl_lines_init(&lines, 4);
    assert_int_equal(ctl_lines_feed(&lines, STR("1234")), OK);
    assert_int_equal(ctl_lines_next(&lines, &line), ERR_NOT_FOUND);
    assert_int_equal(ctl_lines_feed(&lines, STR("5")), OK);
    assert_int_equal(ctl_lines_next(&lines, &line), ERR_TOO_LARGE);
    ctl_lines_free(&lines);
}

static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(ctl_code_exit(CTL_INVALID), 1);
    assert_int_equal(ctl_code_exit(CTL_NOT_FOUND), 1);
    assert_int_equal(ctl_code_exit(CTL_CONFLICT), 1);
    assert_int_equal(ctl_code_exit(CTL_NOT_PERMITTED), 4);
    assert_int_equal(ctl_code_exit(CTL_UNCERTAIN), 5);
    assert_int_equal(ctl_code_exit(12345), 1);
    assert_string_equal(ctl_code_name(CTL_NO_METHOD), "no_method");
    assert_string_equal(ctl_code_name(12345), "internal");
    assert_int_equal(ctl_code_from_error(ERR_EXISTS), CTL_CONFLICT);
    assert_int_equal(ctl_code_from_error(ERR_BUSY), CTL_BUSY);
    assert_int_equal(ctl_code_from_error(ERR_UNCERTAIN), CTL_UNCERTAIN);
    assert_int_equal(ctl_code_from_error(ERR_MEMORY), CTL_INTERNAL);
}

/* ---------------------------------------------------------------- who may */

static void test_access(void **state)
{
    (void)state;
    const struct ctl_rules both = {
        .own = 500, .has_admin_group = true, .has_viewer_group = true, .admin_group = 10, .viewer_group = 20};
    const struct ctl_rules none = {.own = 500, .admin_group = 10, .viewer_group = 20};
    static const struct {
        uid_t uid;
        gid_t groups[3];
        enum ctl_level with_groups, without;
    } rows[] = {
        {0, {1, 2, 3}, CTL_LEVEL_OWNER, CTL_LEVEL_OWNER},  {500, {1, 2, 3}, CTL_LEVEL_OWNER, CTL_LEVEL_OWNER},
        {501, {1, 2, 3}, CTL_LEVEL_NONE, CTL_LEVEL_NONE},  {501, {10, 2, 3}, CTL_LEVEL_ALL, CTL_LEVEL_NONE},
        {501, {1, 2, 10}, CTL_LEVEL_ALL, CTL_LEVEL_NONE},  {501, {20, 2, 3}, CTL_LEVEL_READ, CTL_LEVEL_NONE},
        {501, {1, 20, 3}, CTL_LEVEL_READ, CTL_LEVEL_NONE}, {501, {20, 10, 3}, CTL_LEVEL_ALL, CTL_LEVEL_NONE},
        {501, {0, 0, 0}, CTL_LEVEL_NONE, CTL_LEVEL_NONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(ctl_rules_decide(&both, rows[i].uid, rows[i].groups, 3), rows[i].with_groups);
        assert_int_equal(ctl_rules_decide(&none, rows[i].uid, rows[i].groups, 3), rows[i].without);
    }
    const struct ctl_command *read = ctl_command_by_method(STR("party.list")),
                             *change = ctl_command_by_method(STR("party.add"));
    assert_true(ctl_level_allows(CTL_LEVEL_READ, read, NULL));
    assert_false(ctl_level_allows(CTL_LEVEL_READ, change, NULL));
    assert_true(ctl_level_allows(CTL_LEVEL_ALL, change, NULL));
    assert_false(ctl_level_allows(CTL_LEVEL_NONE, read, NULL));
    const struct json_value word = {.type = JSON_STRING}, nothing = {.type = JSON_NULL};
    const struct json_value with = {.type = JSON_OBJECT, .child = &word},
                            without = {.type = JSON_OBJECT, .child = &nothing};
    const struct ctl_command *shows = ctl_command_by_method(STR("log.level"));
    assert_true(ctl_level_allows(CTL_LEVEL_READ, shows, NULL) &&
                ctl_level_allows(CTL_LEVEL_READ, shows, &without));
    assert_false(ctl_level_allows(CTL_LEVEL_READ, shows, &with));
    assert_false(ctl_level_allows(CTL_LEVEL_READ, change, &without));
}

static void test_unknown_group_is_named(void **state)
{
    (void)state;
    struct ctl_rules rules;
    struct error error;
    assert_int_equal(ctl_rules_make(&rules, "", NULL, &error), OK);
    assert_false(rules.has_admin_group || rules.has_viewer_group);
    assert_int_equal(rules.own, geteuid());
    assert_int_equal(ctl_rules_make(&rules, NULL, "no-such-group-here", &error), ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "viewer_group: there is no group \"no-such-group-here\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_whole),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_examples_of_options_exist),
        cmocka_unit_test(test_hubd_handles_every_command),
        cmocka_unit_test(test_a_gap_is_a_bug),
        cmocka_unit_test(test_discover_tells_the_table),
        cmocka_unit_test(test_good_params),
        cmocka_unit_test(test_bad_params),
        cmocka_unit_test(test_a_message_is_one_line),
        cmocka_unit_test(test_lines_split_at_every_byte),
        cmocka_unit_test(test_lines_have_a_maximum),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_unknown_group_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
