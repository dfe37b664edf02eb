/* Settings: the table, its sources, every complaint with its place, printing, reloading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/conf/conf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char file_path[64];

/* The text as a settings file; its path is file_path. */
static const char *write_file(const char *text, size_t length)
{
    snprintf(file_path, sizeof file_path, "/tmp/test-conf-XXXXXX");
    int descriptor = mkstemp(file_path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, length), length);
    close(descriptor);
    return file_path;
}

struct outcome {
    struct conf conf;
    int result;
    char problems[4096];
};

static void load(struct outcome *outcome, const char *text, char *const *environment,
                 const char *const *overrides, size_t count)
{
    struct buffer problems = {0};
    const char *path = write_file(text, strlen(text));
    outcome->result = conf_load(&outcome->conf, path, environment, overrides, count, &problems);
    buffer_append_byte(&problems, '\0');
    snprintf(outcome->problems, sizeof outcome->problems, "%s", problems.data);
    buffer_free(&problems);
    unlink(path);
}

static const struct conf_setting *find(const char *name)
{
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (strcmp(conf_settings[i].name, name) == 0)
            return &conf_settings[i];
    }
    fail_msg("no setting %s", name);
    return NULL;
}

static const char *value_of(const struct conf *conf, const char *name)
{
    static char text[4096];
    struct buffer value = {0};
    conf_value(conf, find(name), &value);
    snprintf(text, sizeof text, STR_FMT, STR_ARG(buffer_str(&value)));
    buffer_free(&value);
    return text;
}

/* ---------------------------------------------------------------- the table */

static void test_every_field_has_a_row(void **state)
{
    (void)state;
    static unsigned char covered[sizeof(struct conf)];
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        assert_true(setting->help != NULL && strlen(setting->help) > 20);
        assert_true(setting->offset + setting->size <= sizeof(struct conf));
        for (size_t j = 0; j < setting->size; j++)
            assert_int_equal(covered[setting->offset + j]++, 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(conf_settings[j].name, setting->name);
        assert_int_equal(setting->type == CONF_CHOICE, setting->choices != NULL);
    }
    /* What no row covers can only be padding in front of an int64_t. */
    size_t gap = 0;
    for (size_t i = 0; i < sizeof(struct conf); i++) {
        gap = covered[i] ? 0 : gap + 1;
        assert_true(gap < sizeof(int64_t));
    }
}

static void test_defaults(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"country_code", "IN"},
        {"party_id", "CIH"},
        {"name", "ChargeIndia Hub"},
        {"listen", "127.0.0.1:8080"},
        {"base_url", "http://127.0.0.1:8080"},
        {"request_head_max", "16k"},
        {"request_body_max", "4m"},
        {"head_timeout", "10s"},
        {"body_timeout", "60s"},
        {"idle_timeout", "75s"},
        {"connections_max", "10000"},
        {"connections_per_address", "256"},
        {"memory_max", "1g"},
        {"answer_max", "4m"},
        {"forward_timeout", "5s"},
        {"command_forward_timeout", "25s"},
        {"command_timeout", "30s"},
        {"discovery_timeout", "10s"},
        {"probe_interval", "20s"},
        {"probe_timeout", "5s"},
        {"offline_after", "60s"},
        {"delivery_timeout", "30s"},
        {"delivery_parallel", "16"},
        {"retry_initial", "1s"},
        {"retry_max", "15m"},
        {"retry_give_up", "24h"},
        {"retry_give_up_cdrs", "14d"},
        {"token_overlap", "24h"},
        {"initial_token_ttl", "7d"},
        {"discovery", "try"},
        {"validation", "tolerant"},
        {"limit_authorize", "100/min"},
        {"limit_commands", "50/min"},
        {"limit_locations", "200/min"},
        {"emsp_backfill", "no"},
        {"allow_private_networks", "no"},
        {"response_url_any_host", "no"},
        {"allow_networks", ""},
        {"log_level", "info"},
        {"log_format", "text"},
    };
    struct outcome *outcome = calloc(1, sizeof *outcome);
    load(outcome, "state_dir = /tmp/x\n", NULL, NULL, 0);
    assert_string_equal(outcome->problems, "");
    assert_int_equal(outcome->result, OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome again;
        load(&again, "", NULL, NULL, 0);
        /* "24h" may be printed as "1d": compare what it means. */
        char line[600];
        snprintf(line, sizeof line, "%s = %s\n", rows[i][0], rows[i][1]);
        load(&again, line, NULL, NULL, 0);
        assert_int_equal(again.result, OK);
        const struct conf_setting *setting = find(rows[i][0]);
        assert_memory_equal((char *)&again.conf + setting->offset, (char *)&outcome->conf + setting->offset,
                            setting->size);
    }
    assert_string_equal(outcome->conf.key_file, "/tmp/x/hub.key");
    assert_int_equal(outcome->conf.probe_interval, 20000);
    assert_int_equal(outcome->conf.request_body_max, 4 << 20);
    free(outcome);
}

/* ---------------------------------------------------------------- sources */

static void test_file(void **state)
{
    (void)state;
    struct outcome outcome;
    load(&outcome,
         "\xEF\xBB\xBF# a comment\n"
         "; another\n"
         "\n"
         "listen = 127.0.0.1:8081\n"
         "listen = [::1]:8081, *:8082\n"
         "  probe_interval = 250ms\n"
         "base_url=https://hub.example.org/\r\n"
         "allow_networks = 10.0.0.0/8 , fd00::/8,cpo.internal\n"
         "log_level = debug ; as long as we look\n"
         "allow_private_networks = yes\n"
         "request_body_max = 512k\n"
         "threads = 2",
         NULL, NULL, 0);
    assert_string_equal(outcome.problems, "");
    assert_int_equal(outcome.conf.listen.count, 3);
    assert_string_equal(outcome.conf.listen.items[1], "[::1]:8081");
    assert_int_equal(outcome.conf.probe_interval, 250);
    assert_string_equal(outcome.conf.base_url, "https://hub.example.org");
    assert_string_equal(value_of(&outcome.conf, "allow_networks"), "10.0.0.0/8, fd00::/8, cpo.internal");
    assert_int_equal(outcome.conf.log_level, LOG_DEBUG);
    assert_true(outcome.conf.allow_private_networks);
    assert_int_equal(outcome.conf.request_body_max, 512 * 1024);
    assert_int_equal(outcome.conf.threads, 2);
}

static void test_later_sources_are_stronger(void **state)
{
    (void)state;
    char *const environment[] = {"PATH=/bin",
                                 "HUBD_NAME=From env",
                                 "HUBD_LISTEN=127.0.0.1:2,127.0.0.1:3",
                                 "HUBD_PROBE_INTERVAL=2s",
                                 "HUBD_BIN=/somewhere",
                                 NULL};
    const char *const overrides[] = {"probe-interval=3s", "listen=127.0.0.1:4", "listen=127.0.0.1:5",
                                     "log_level=warn", "log_level=error"};
    struct outcome outcome;
    load(&outcome, "name = From file\nlisten = 127.0.0.1:1\nprobe_interval = 1s\nparty_id = FIL\n",
         environment, overrides, COUNT(overrides));
    assert_string_equal(outcome.problems, "");
    assert_string_equal(outcome.conf.party_id, "FIL");
    assert_string_equal(outcome.conf.name, "From env");
    assert_int_equal(outcome.conf.probe_interval, 3000);
    assert_string_equal(value_of(&outcome.conf, "listen"), "127.0.0.1:4, 127.0.0.1:5");
    assert_string_equal(outcome.conf.base_url, "http://127.0.0.1:4");
    assert_int_equal(outcome.conf.log_level, LOG_ERROR);
}

/* ---------------------------------------------------------------- complaints */

static void test_each_problem_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *problem;
    } rows[] = {
        {"prob_interval = 1s", "prob_interval: no such setting; did you mean probe_interval?"},
        {"colour = red", "colour: no such setting; hubd --print-config lists all"},
        {"probe_interval = soon", "probe_interval: \"soon\": no duration"},
        {"probe_interval = 10", "probe_interval: \"10\": no duration"},
        {"probe_interval = 1ms", "probe_interval: \"1ms\": out of range; write 100ms to 1d"},
        {"probe_interval =", "probe_interval: \"\": no duration"},
        {"request_body_max = 4x", "request_body_max: \"4x\": no size"},
        {"request_body_max = 99999999999999g", "request_body_max: \"99999999999999g\": no size"},
        {"limit_commands = 100", "limit_commands: \"100\": no rate; write 1 to 1000000 per s, min, h or d"},
        {"limit_commands = 5/week", "limit_commands: \"5/week\": no rate"},
        {"threads = many", "threads: \"many\": no whole number"},
        {"threads = -1", "threads: \"-1\": out of range"},
        {"allow_private_networks = maybe", "allow_private_networks: \"maybe\": neither yes nor no"},
        {"log_level = loud", "log_level: \"loud\": unknown; write one of: error, warn, info, debug"},
        {"country_code = IND", "country_code: \"IND\": too long"},
        {"country_code = 1N", "country_code: \"1N\": write the two letters"},
        {"party_id = AB", "party_id: \"AB\": write three letters or digits"},
        {"listen = 8080", "listen: \"8080\": write host:port"},
        {"listen = 127.0.0.1:0", "listen: \"127.0.0.1:0\": the port must be 1 to 65535"},
        {"listen = ::1:8080", "listen: \"::1:8080\": an IPv6 address needs brackets"},
        {"listen = 127.0.0.1:1, 127.0.0.1:1",
         "listen: \"127.0.0.1:1, 127.0.0.1:1\": 127.0.0.1:1 is there twice"},
        {"base_url = hub.example.org", "base_url: \"hub.example.org\": write the public address"},
        {"base_url = https://hub.example.org/?x",
         "base_url: \"https://hub.example.org/?x\": must be scheme, host, port and path only"},
        {"allow_networks = 10.0.0.0/33", "allow_networks: \"10.0.0.0/33\": write a network"},
        {"allow_networks = 10.0.0/8", "allow_networks: \"10.0.0/8\": write a network"},
        {"name =", "name: \"\": must not be empty"},
        {"just words", "just words: no value; write name = value"},
        {"[section]\nname = X", "name: stands in a [section]"},
        {"name = A\nname = B", "name: \"B\": already set in line 1; remove one of them"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome outcome;
        char expected[400];
        load(&outcome, rows[i].line, NULL, NULL, 0);
        assert_int_equal(outcome.result, ERR_INVALID);
        snprintf(expected, sizeof expected, "%s:%d: %s", file_path,
                 strchr(rows[i].line, '\n') != NULL ? 2 : 1, rows[i].problem);
        if (strncmp(outcome.problems, expected, strlen(expected)) != 0)
            fail_msg("%s\ngave:     %sexpected: %s", rows[i].line, outcome.problems, expected);
        assert_int_equal(outcome.problems[strlen(outcome.problems) - 1], '\n');
        assert_null(strchr(strchr(outcome.problems, '\n') + 1, '\n')); /* that one only */
    }
}

static void test_all_problems_at_once(void **state)
{
    (void)state;
    char *const environment[] = {"HUBD_LISTN=127.0.0.1:1", "HUBD_THREADS=x", NULL};
    const char *const overrides[] = {"log-level=x", "nonsense=1", "name"};
    static const char *const expected[] = {
        ":1: prob_interval: ", ":3: threads: ", "HUBD_LISTN: no such setting; did you mean listen?",
        "HUBD_THREADS: ",      "--log-level: ", "--nonsense: ",
        "--name: no value"};
    struct outcome outcome;
    load(&outcome, "prob_interval = 1s\n\nthreads = y\n", environment, overrides, COUNT(overrides));
    const char *at = outcome.problems;
    for (size_t i = 0; i < COUNT(expected); i++) {
        at = strstr(at, expected[i]);
        if (at == NULL)
            fail_msg("\"%s\" not (or not in this order) in:\n%s", expected[i], outcome.problems);
    }
}

static void test_what_two_settings_must_agree_on(void **state)
{
    (void)state;
    struct outcome outcome;
    load(&outcome, "retry_initial = 1h\n", NULL, NULL, 0);
    assert_string_equal(outcome.problems, "retry_initial: longer than retry_max; make it shorter\n");
    load(&outcome, "listen =\n", NULL, NULL, 0);
    assert_string_equal(outcome.problems, "listen: none given; write host:port, e.g. 127.0.0.1:8080\n");
    char line[400] = "admin_socket = /";
    memset(line + strlen(line), 'x', 120);
    load(&outcome, line, NULL, NULL, 0);
    assert_non_null(strstr(outcome.problems, ": a socket's path has at most 107 bytes"));
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct buffer problems = {0};
    struct conf conf;
    assert_int_equal(conf_load(&conf, "/nonexistent/hubd.conf", NULL, NULL, 0, &problems), ERR_INVALID);
    assert_true(str_starts_with(buffer_str(&problems), STR("/nonexistent/hubd.conf: no such file")));
    buffer_clear(&problems);
    assert_int_equal(conf_load(&conf, "/tmp", NULL, NULL, 0, &problems), ERR_INVALID);
    assert_true(str_starts_with(buffer_str(&problems), STR("/tmp: ")));
    buffer_free(&problems);
}

static void test_a_line_too_long_is_no_two_lines(void **state)
{
    (void)state;
    struct outcome outcome;
    char *text = calloc(1, 20000);
    snprintf(text, 20000, "name = ");
    memset(text + 7, 'x', 15000);
    strncat(text, "\nparty_id = ABC\nthreads = x\n", 100);
    load(&outcome, text, NULL, NULL, 0);
    assert_non_null(strstr(outcome.problems, ":1: line: too long"));
    assert_non_null(strstr(outcome.problems, ":3: threads: "));
    assert_string_equal(outcome.conf.party_id, "ABC");
    free(text);
}

/* ---------------------------------------------------------------- printing and reloading */

static void test_printed_settings_can_be_read_back(void **state)
{
    (void)state;
    struct outcome first, second;
    struct buffer printed = {0};
    load(&first,
         "listen = 0.0.0.0:80\nlisten = [::]:80\nbase_url = https://x.example/hub\nallow_networks = "
         "10.0.0.0/8\n"
         "retry_give_up = 36h\nlog_format = json\nstate_dir = /tmp/y\nlimit_authorize = 5000/h\n",
         NULL, NULL, 0);
    conf_print(&first.conf, &printed);
    buffer_append_byte(&printed, '\0');
    load(&second, printed.data, NULL, NULL, 0);
    assert_string_equal(second.problems, "");
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        assert_memory_equal((char *)&first.conf + setting->offset, (char *)&second.conf + setting->offset,
                            setting->size);
        /* Every setting stands there once, commented out when it is at its default. */
        char line[80];
        snprintf(line, sizeof line, "\n%s = ", setting->name);
        bool set = strstr(printed.data, line) != NULL;
        snprintf(line, sizeof line, "\n#%s = ", setting->name);
        assert_int_equal(set, strstr(printed.data, line) == NULL);
    }
    assert_non_null(strstr(printed.data, "\nretry_give_up = 36h\n"));
    assert_non_null(strstr(printed.data, "\nlimit_authorize = 5000/h\n"));
    assert_non_null(strstr(printed.data, "\n#limit_commands = 50/min\n"));
    assert_non_null(strstr(printed.data, "\n#probe_interval = 20s\n"));
    buffer_free(&printed);
}

static void test_reload_takes_what_it_may(void **state)
{
    (void)state;
    struct outcome running, fresh;
    struct buffer restart = {0};
    load(&running, "probe_interval = 1s\nthreads = 1\nlisten = 127.0.0.1:1\n", NULL, NULL, 0);
    load(&fresh,
         "probe_interval = 2s\nthreads = 2\nlisten = 127.0.0.1:2\nlog_level = debug\nlimit_commands = 0\n"
         "limit_locations = 10/s\nemsp_backfill = on\n",
         NULL, NULL, 0);
    conf_reload(&running.conf, &fresh.conf, &restart);
    assert_int_equal(running.conf.probe_interval, 2000);
    assert_int_equal(running.conf.log_level, LOG_DEBUG);
    assert_int_equal(running.conf.threads, 1);
    assert_int_equal(running.conf.limit_commands.requests, 0);
    assert_int_equal(running.conf.limit_locations.requests, 10);
    assert_int_equal(running.conf.limit_locations.period_ms, 1000);
    assert_true(running.conf.emsp_backfill);
    buffer_append_byte(&restart, '\0');
    assert_string_equal(restart.data, "listen, base_url, threads");
    buffer_free(&restart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_has_a_row),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_later_sources_are_stronger),
        cmocka_unit_test(test_each_problem_is_named_with_its_line),
        cmocka_unit_test(test_all_problems_at_once),
        cmocka_unit_test(test_what_two_settings_must_agree_on),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_a_line_too_long_is_no_two_lines),
        cmocka_unit_test(test_printed_settings_can_be_read_back),
        cmocka_unit_test(test_reload_takes_what_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
