/* hubctl's formatter: one answer in its forms people, TSV, JSON, field and quiet, with values that are
 * awkward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/matrix.h"
#include "hubctl/print.h"

static const struct ctl_column part_columns[] = {
    {"name", "NAME", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, ""},
    {"count", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, ""},
    {.key = NULL},
};
static const struct ctl_column columns[] = {
    {"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, ""},
    {"text", "TEXT", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, ""},
    {"list", "LIST", CTL_COLUMN_LIST, CTL_SEEN_ALWAYS, NULL, ""},
    {"status", "STATUS", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, ""},
    {"number", "NUMBER", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, ""},
    {"offset", "AFTER", CTL_COLUMN_OFFSET, CTL_SEEN_WIDE, NULL, ""},
    {"time", "TIME", CTL_COLUMN_TIME, CTL_SEEN_WIDE, NULL, ""},
    {"pipe", "PIPE", CTL_COLUMN_TEXT, CTL_SEEN_PIPED, NULL, ""},
    {"deep", "DEEP", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, ""},
    {"parts", "PARTS", CTL_COLUMN_SECTION, CTL_SEEN_JSON, part_columns, ""},
    {.key = NULL},
};
static const struct ctl_column card_columns[] = {
    {"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, ""},
    {"text", "TEXT", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, ""},
    {"parts", "PARTS", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, part_columns, ""},
    {.key = NULL},
};
static const struct ctl_command list_command = {
    .noun = "thing", .verb = "list", .method = "thing.list", .output = CTL_OUTPUT_LIST, .columns = columns};
static const struct ctl_command card_command = {.noun = "thing",
                                                .verb = "show",
                                                .method = "thing.show",
                                                .output = CTL_OUTPUT_CARD,
                                                .columns = card_columns};
static const struct ctl_command change_command = {
    .noun = "thing", .verb = "set", .method = "thing.set", .output = CTL_OUTPUT_CHANGE, .columns = columns};
static const struct ctl_command stream_command = {
    .noun = "thing", .verb = "tail", .method = "thing.tail", .output = CTL_OUTPUT_STREAM, .columns = columns};

/* ---------------------------------------------------------------- what is printed */

static struct arena arena;
static char printed[65536];

static const struct json_value *parse(const char *json)
{
    const struct json_value *value;
    struct error error = {0};
    if (json_parse(&arena, str_from(json), JSON_DEPTH_MAX, &value, &error) != OK)
        fail_msg("%s: %s", json, error.text);
    return value;
}

static struct hubctl_options options;

/* A printer of a form, as print_init would make it for a terminal of that width (0: a pipe). */
static struct printer make(const struct ctl_command *command, enum form form, size_t width, bool color)
{
    struct printer printer = {.options = &options, .command = command, .form = form};
    printer.style = (struct style){.people = width > 0, .utc = true, .width = width, .color = color};
    options.no_pager = true;
    return printer;
}

enum what { ROW, TABLE, CARD, CHANGE, MATRIX };

/* The grid of an answer, as it is collected from its pages. */
static void print_grid(struct printer *printer, const struct json_value *answer)
{
    const struct json_value *const rows[] = {json_get(answer, "rows")->child};
    print_matrix(printer, json_get(answer, "cpos"), rows, 1);
}

/* Prints with stdout in a file; the text. */
static const char *print(struct printer *printer, enum what what, const char *json)
{
    const struct json_value *value = parse(json);
    const struct json_value *const rows[] = {value};
    FILE *file = tmpfile();
    fflush(stdout);
    int before = dup(STDOUT_FILENO);
    assert_non_null(file);
    dup2(fileno(file), STDOUT_FILENO);
    if (what == ROW)
        print_row(printer, value);
    else if (what == TABLE)
        print_table(printer, rows, 1, STR_NONE);
    else if (what == CARD)
        print_card(printer, value);
    else if (what == CHANGE)
        print_change(printer, value);
    else
        print_grid(printer, value);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(file);
    printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
    fclose(file);
    return printed;
}

static const char *print_as(enum form form, enum what what, const char *json)
{
    struct printer printer = make(what == CARD     ? &card_command
                                  : what == CHANGE ? &change_command
                                                   : &list_command,
                                  form, form == FORM_PEOPLE ? 200 : 0, false);
    return print(&printer, what, json);
}

/* ---------------------------------------------------------------- pipes */

static void test_tsv(void **state)
{
    static const struct {
        const char *json, *line;
    } rows[] = {
        {"{}", "\t\t\t\t\t\t\t\n"},
        {"{\"id\":\"a\",\"text\":null,\"list\":[],\"deep\":\"x\",\"unknown\":1}", "a\t\t\t\t\t\t\t\n"},
        {"{\"id\":\"a\\tb\",\"text\":\"one\\ntwo\\r\",\"pipe\":\"back\\\\slash\"}",
         "a\\tb\tone\\ntwo\\r\t\t\t\t\t\tback\\\\slash\n"},
        {"{\"text\":\"\\u0000\\u001b[31m\\u007f\"}", "\t\\x00\\x1b[31m\\x7f\t\t\t\t\t\t\n"},
        {"{\"text\":\"\\u0085\\u009b\\u00a0\\u00bf\"}", "\t\\u0085\\u009b\u00a0\u00bf\t\t\t\t\t\t\n"},
        {"{\"text\":\"日本 e\u0301 😀\"}", "\t日本 e\u0301 😀\t\t\t\t\t\t\n"},
        {"{\"list\":[\"CPO\",\"a,b\",5,true,{\"x\":1}]}", "\t\tCPO,a,b,5,true,{\"x\":1}\t\t\t\t\t\n"},
        {"{\"number\":123456789012345678901234567890,\"offset\":-5,\"status\":\"CONNECTED\"}",
         "\t\t\tCONNECTED\t123456789012345678901234567890\t-5\t\t\n"},
        {"{\"number\":1.50e3,\"time\":\"2026-01-31T12:00:00.123Z\"}",
         "\t\t\t\t1.50e3\t\t2026-01-31T12:00:00.123Z\t\n"},
        {"{\"text\":true,\"time\":\"soon\",\"number\":{\"a\":[1]}}", "\ttrue\t\t\t{\"a\":[1]}\t\tsoon\t\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(print_as(FORM_TSV, ROW, rows[i].json), rows[i].line);
}

static void test_json(void **state)
{
    const char *awkward = "{\"id\":\"a\\tb\\u009b\",\"number\":1.50,\"new\": {\"x\" :[ ]},\"text\":null}";
    (void)state;
    options.json_fields = NULL;
    assert_string_equal(print_as(FORM_JSON, ROW, awkward),
                        "{\"id\":\"a\\tb\\u009b\",\"number\":1.50,\"new\": {\"x\" :[ ]},\"text\":null}\n");
    options.json_fields = "number, id,list";
    assert_string_equal(print_as(FORM_JSON, ROW, awkward),
                        "{\"number\":1.50,\"id\":\"a\\tb\\u009b\",\"list\":null}\n");
    assert_string_equal(print_as(FORM_JSON, CARD, "{\"id\":\"a\"}"),
                        "{\"number\":null,\"id\":\"a\",\"list\":null}\n");
    options.json_fields = NULL;
    struct printer terminal = make(&list_command, FORM_JSON, 80, false);
    assert_string_equal(print(&terminal, ROW, "{\"id\":\"\x7f\xc2\x9b\xc2\xa0\\t\"}"),
                        "{\"id\":\"\\u007f\\u009b\xc2\xa0\\t\"}\n");
}

static void test_field_and_quiet(void **state)
{
    static const struct {
        const char *json, *piped, *shown;
    } rows[] = {
        {"{\"text\":\"a\\tb\\\\\"}", "a\tb\\\n", "a\tb\\\n"},
        {"{\"text\":\"one\\ntwo\\u001b[2J\"}", "one\ntwo\033[2J\n", "one\ntwo^[[2J\n"},
        {"{\"text\":\"\\u009b\"}", "\xc2\x9b\n", "\\u009b\n"},
        {"{\"text\":[\"a\",\"b\",null,5]}", "a,b,null,5\n", "a,b,null,5\n"},
        {"{\"text\":[]}", "\n", "\n"},
        {"{\"text\":[[1],{\"a\":2}]}", "[[1],{\"a\":2}]\n", "[[1],{\"a\":2}]\n"},
        {"{\"text\":{\"a\":1.0}}", "{\"a\":1.0}\n", "{\"a\":1.0}\n"},
        {"{\"text\":false}", "false\n", "false\n"},
        {"{\"text\":1e400000}", NULL, NULL},
        {"{\"text\":null}", "\n", "\n"},
        {"{}", "\n", "\n"},
    };
    (void)state;
    options.field = "text";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json_value *value;
        if (rows[i].piped == NULL) { /* no number that anybody could hold: no JSON for us */
            assert_int_not_equal(json_parse(&arena, str_from(rows[i].json), JSON_DEPTH_MAX, &value, NULL),
                                 OK);
            continue;
        }
        struct printer terminal = make(&list_command, FORM_FIELD, 80, false);
        assert_string_equal(print_as(FORM_FIELD, ROW, rows[i].json), rows[i].piped);
        assert_string_equal(print_as(FORM_FIELD, CARD, rows[i].json), rows[i].piped);
        assert_string_equal(print(&terminal, ROW, rows[i].json), rows[i].shown);
    }
    options.field = NULL;
    assert_string_equal(print_as(FORM_QUIET, ROW, "{\"id\":\"IN-ABC\",\"text\":\"x\"}"), "IN-ABC\n");
    assert_string_equal(
        print_as(FORM_QUIET, CHANGE, "{\"id\":\"IN-ABC\",\"message\":\"party IN-ABC added\"}"), "IN-ABC\n");
    assert_string_equal(print_as(FORM_QUIET, ROW, "{\"id\":17}"), "17\n");
    assert_string_equal(print_as(FORM_QUIET, ROW, "{}"), "\n");
}

static void test_change(void **state)
{
    const char *json = "{\"id\":\"a\",\"message\":\"thing a\\u0007 set\",\"hints\":[\"more\"]}";
    (void)state;
    assert_string_equal(print_as(FORM_TSV, CHANGE, json), "thing a^G set\n");
    assert_string_equal(print_as(FORM_PEOPLE, CHANGE, json), "thing a^G set\n");
}

static void test_card_in_a_pipe(void **state)
{
    (void)state;
    assert_string_equal(
        print_as(
            FORM_TSV, CARD,
            "{\"id\":\"a\",\"text\":\"x\\ty\",\"parts\":[{\"name\":\"n\\n\",\"count\":1},{\"name\":2}]}"),
        "id\ta\ntext\tx\\ty\nparts\tn\\n\t1\nparts\t2\t\n");
    assert_string_equal(print_as(FORM_TSV, CARD, "{}"), "id\t\ntext\t\n");
}

/* ---------------------------------------------------------------- people */

static void test_table(void **state)
{
    struct printer printer = make(&list_command, FORM_PEOPLE, 100, true);
    (void)state;
    assert_string_equal(print(&printer, TABLE,
                              "{\"id\":\"a\",\"list\":[\"x\",\"y\"],\"status\":\"OFFLINE\",\"number\":7,"
                              "\"offset\":1500,\"time\":\"2026-01-31T12:00:00Z\",\"pipe\":\"p\"}"),
                        "ID LIST STATUS  NUMBER  AFTER TIME\n"
                        "a  x, y \033[31mOFFLINE\033[0m      7 +1.5 s 2026-01-31 12:00:00Z\n");
    printer.style.color = false;
    assert_string_equal(
        print(&printer, TABLE, "{\"id\":null,\"text\":\"a\\u001b\\tb\\\\\",\"status\":\"NEW\"}"),
        "ID TEXT    STATUS\n-  a^[\\tb\\ NEW\n");
}

/* Wide columns go, texts are cut between letters, and a record is all there is. */
static void test_narrow_table(void **state)
{
    const char *json = "{\"id\":\"a\",\"text\":\"日本日本日本日本日本\",\"status\":\"OK\",\"offset\":1,"
                       "\"time\":\"2026-01-31T12:00:00Z\"}";
    struct printer printer = make(&list_command, FORM_PEOPLE, 60, false);
    (void)state;
    assert_string_equal(print(&printer, TABLE, json),
                        "ID TEXT                 STATUS AFTER TIME\n"
                        "a  日本日本日本日本日本 OK     +1 ms 2026-01-31 12:00:00Z\n");
    printer.style.width = 50;
    assert_string_equal(print(&printer, TABLE, json), "ID TEXT          STATUS AFTER TIME\n"
                                                      "a  日本日本日本… OK     +1 ms 2026-01-31 12:00:00Z\n");
    printer.style.width = 30;
    assert_string_equal(print(&printer, TABLE, json), "ID TEXT          STATUS AFTER\n"
                                                      "a  日本日本日本… OK     +1 ms\n");
    printer.style.width = 22;
    assert_string_equal(print(&printer, TABLE, json), "ID TEXT        STATUS\n"
                                                      "a  日本日本日… OK\n");
    printer.style.width = 21;
    assert_string_equal(print(&printer, TABLE, json), "ID      a\n"
                                                      "TEXT    日本日本日本日本日本\n"
                                                      "STATUS  OK\n"
                                                      "AFTER   +1 ms\n"
                                                      "TIME    2026-01-31 12:00:00Z\n");
}

static void test_card(void **state)
{
    struct printer printer = make(&card_command, FORM_PEOPLE, 80, false);
    (void)state;
    assert_string_equal(
        print(&printer, CARD, "{\"id\":\"a\",\"text\":null,\"parts\":[{\"name\":\"n\",\"count\":1}]}"),
        "ID  a\n\nPARTS\n  NAME COUNT\n  n        1\n");
    assert_string_equal(print(&printer, CARD, "{\"id\":\"a\",\"text\":\"t\",\"parts\":[]}"),
                        "ID    a\nTEXT  t\n");
}

/* Columns grow with what comes; control bytes stay out. */
static void test_stream(void **state)
{
    struct printer printer = make(&stream_command, FORM_PEOPLE, 54, false);
    (void)state;
    assert_string_equal(
        print(&printer, ROW, "{\"id\":\"a-long-identifier\",\"text\":\"\\u001b\",\"number\":5}"),
        "ID                 TEXT    LIST    STATUS  NUMBER\n"
        "a-long-identifier  ^[      -       -            5\n");
    assert_string_equal(print(&printer, ROW, "{\"id\":\"b\",\"text\":\"longer than that\",\"number\":12}"),
                        "b                  longer than that  -       -           12\n");
}

static void test_matrix(void **state)
{
    const char *json = "{\"cpos\":[\"IN-AAA\",\"IN-BBB\"],\"rows\":[{\"emsp\":\"IN-XYZ\",\"rules\":"
                       "{\"IN-AAA\":\"on\",\"IN-BBB\":\"drain\"}}]}";
    struct printer printer = make(&list_command, FORM_PEOPLE, 80, true);
    (void)state;
    assert_string_equal(print(&printer, MATRIX, json),
                        "       IN-AAA IN-BBB\nIN-XYZ      \033[32mx\033[0m      \033[33md\033[0m\n\n"
                        "1 eMSP down, 2 CPOs across; x on, d draining, . off\n");
    printer.style = (struct style){.people = true, .width = 10};
    assert_string_equal(print(&printer, MATRIX, json),
                        "   IN- A B\n       A B\n       A B\nIN-XYZ x d\n\n"
                        "1 eMSP down, 2 CPOs across;\nx on, d draining, . off\n");
    printer.style.width = 9; /* not even two beside each other */
    assert_string_equal(print(&printer, MATRIX, json),
                        "   IN- A\n       A\n       A\nIN-XYZ x\n\n   IN- B\n       B\n       B\nIN-XYZ d\n\n"
                        "1 eMSP down, 2 CPOs across;\nx on, d draining, . off\n");
    const struct json_value *const row = parse("{\"emsp\":\"IN-XYZ\"}");
    assert_null(matrix_render(parse("[]"), &row, 1, &printer.style));
    assert_null(matrix_render(parse("\"x\""), &row, 1, &printer.style));
    assert_null(matrix_render(NULL, &row, 1, &printer.style));
    assert_null(matrix_render(parse("[\"IN-AAA\"]"), NULL, 0, &printer.style));
    const char *line = "{\"emsp\":\"IN-XYZ\",\"rules\":{\"IN-AAA\":\"on\",\"IN-BBB\":\"drain\"}}";
    struct ctl_command matrix_command = list_command;
    matrix_command.output = CTL_OUTPUT_MATRIX;
    printer = make(&matrix_command, FORM_TSV, 0, false);
    assert_string_equal(print(&printer, ROW, line), "IN-XYZ\tIN-AAA\ton\nIN-XYZ\tIN-BBB\tdrain\n");
    printer.form = FORM_JSON;
    assert_string_equal(print(&printer, ROW, line),
                        "{\"emsp\":\"IN-XYZ\",\"rules\":{\"IN-AAA\":\"on\",\"IN-BBB\":\"drain\"}}\n");
}

/* ---------------------------------------------------------------- widths */

static void test_widths(void **state)
{
    static const struct {
        const char *text;
        size_t width, cut_to;
        const char *cut;
    } rows[] = {
        {"", 0, 1, ""},
        {"abc", 3, 3, "abc"},
        {"abc", 3, 2, "a…"},
        {"abc", 3, 1, "…"},
        {"日本", 4, 4, "日本"},
        {"日本", 4, 3, "日…"},
        {"日本", 4, 2, "…"},
        {"e\u0301e\u0301e\u0301", 3, 2, "e\u0301…"},
        {"\xff\xfe\xfd", 3, 2, "\xff…"}, /* invalid bytes count as a column each */
        {"\xe6\x97", 2, 1, "…"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer text = {0};
        assert_int_equal(value_width(str_from(rows[i].text)), rows[i].width);
        buffer_append_text(&text, rows[i].text);
        value_cut(&text, rows[i].cut_to);
        buffer_append_byte(&text, '\0');
        assert_string_equal(text.data, rows[i].cut);
        buffer_free(&text);
    }
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return setlocale(LC_ALL, "C.UTF-8") != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tsv),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_field_and_quiet),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_card_in_a_pipe),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_narrow_table),
        cmocka_unit_test(test_card),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
