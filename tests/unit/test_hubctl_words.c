/* What hubctl makes of words: a command line's become a request's parameters, people's times become moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hubctl/moment.h"
#include "hubctl/options.h"
#include "lib/base/env.h"

#define NOW_MS 1774828800000 /* 2026-03-30T00:00:00Z: in Berlin 02:00, a day after its clocks went forward */

static int64_t now_ms(void)
{
    return NOW_MS;
}

static int in_berlin(void **state)
{
    static const struct env_ops ops = {.wall_ms = now_ms};
    (void)state;
    env_replace(&ops);
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return 0;
}

static int at_home(void **state)
{
    (void)state;
    env_replace(NULL);
    unsetenv("TZ");
    tzset();
    return 0;
}

/* ---------------------------------------------------------------- moments */

static void test_times_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        int64_t before_now_ms; /* INT64_MIN: none of them */
    } rows[] = {
        {"now", 0},
        {"NOW", 0},
        {"90m", 90 * 60000},
        {"2d", 2 * 86400000},
        {"today", 2 * 3600000},
        {"yesterday", 25 * 3600000}, /* the day of 23 hours */
        {"2026-03-29", 25 * 3600000},
        {"2026-03-30", 2 * 3600000},
        {"2026-03-30T00:00:00", 2 * 3600000},
        {"2026-03-28T12:00:00", 37 * 3600000}, /* still winter */
        {"2026-03-30T00:00:00Z", 0},
        {"2026-03-30T00:00:00z", 0},
        {"2026-03-30T02:00:00+02:00", 0},
        {"2026-03-29T21:00:00-03:00", 0},
        {"2026-03-30T02:00:00.250", -250},
        {"tomorrow", INT64_MIN},
        {"2026-02-30", INT64_MIN},
        {"2026-03-30 ", INT64_MIN},
        {"", INT64_MIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t moment = 0;
        bool known = moment_parse(str_from(rows[i].text), &moment);
        if (known != (rows[i].before_now_ms != INT64_MIN) ||
            (known && NOW_MS - moment != rows[i].before_now_ms))
            fail_msg("\"%s\": %d, %lld ms before now", rows[i].text, known, (long long)(NOW_MS - moment));
    }
}

static void test_times_as_people_read_them(void **state)
{
    char out[MOMENT_SIZE];
    (void)state;
    assert_string_equal(moment_format(NOW_MS, true, out), "2026-03-30 00:00:00Z");
    assert_string_equal(moment_format(NOW_MS, false, out), "2026-03-30 02:00:00+02:00");
    assert_string_equal(moment_format(NOW_MS - 86400000, false, out), "2026-03-29 01:00:00+01:00");
    assert_string_equal(moment_clock(NOW_MS - 3600000, NOW_MS, false, out), "01:00:00+02:00");
    assert_string_equal(moment_clock(NOW_MS - 3600000, NOW_MS, true, out), "2026-03-29 23:00:00Z");
    assert_string_equal(moment_offset(12, out), "+12 ms");
    assert_string_equal(moment_offset(-12, out), "-12 ms");
    assert_string_equal(moment_age(12000, out), "12 s");
    assert_string_equal(moment_age(-7200000, out), "in 2 h");
}

/* ---------------------------------------------------------------- command lines */

#define WORDS_MAX 12

/* The words of a line, parted by single spaces. */
static int part(char *line, char **words)
{
    int count = 0;
    words[count++] = "hubctl";
    for (char *at = line; at != NULL && count < WORDS_MAX;) {
        words[count++] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
    }
    words[count] = NULL;
    return count;
}

static void check_line(const char *text, const char *params)
{
    char line[256];
    char *words[WORDS_MAX + 1];
    struct invocation invocation;
    snprintf(line, sizeof line, "%s", text);
    enum ctl_exit code = invocation_parse(&invocation, part(line, words), words);
    if ((code == CTL_EXIT_DONE) != (params != NULL))
        fail_msg("%s: exit %d", text, (int)code);
    if (params != NULL && !str_equal(invocation.params, str_from(params)))
        fail_msg("%s: " STR_FMT, text, STR_ARG(invocation.params));
    invocation_free(&invocation);
}

/* NULL: refused with CTL_EXIT_USAGE. */
static void test_a_line_becomes_parameters(void **state)
{
    static const struct {
        const char *line, *params;
    } rows[] = {
        {"status", "{}"},
        {"party show IN-ABC", "{\"id\":\"IN-ABC\"}"},
        {"party show --json IN-ABC", "{\"id\":\"IN-ABC\"}"},
        {"party show -- IN-ABC", "{\"id\":\"IN-ABC\"}"},
        {"party add IN-ABC --role CPO --name=ABC",
         "{\"id\":\"IN-ABC\",\"roles\":[\"CPO\"],\"name\":\"ABC\"}"},
        {"party show", NULL},
        {"party show IN-ABC IN-XYZ", NULL},
        {"party show IN-ABC --no-such-option", NULL},
        {"party show --role", NULL},
        {"party add IN-ABC --role BANK", NULL},
        {"party show 1", NULL},
        {"nothing show", NULL},
        {"party nothing", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_line(rows[i].line, rows[i].params);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_times_as_people_write_them, in_berlin, at_home),
        cmocka_unit_test_setup_teardown(test_times_as_people_read_them, in_berlin, at_home),
        cmocka_unit_test(test_a_line_becomes_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
