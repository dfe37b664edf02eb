/* The log's lines as they arrive at the other end of stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/env.h"
#include "lib/base/log.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int64_t noon(void)
{
    return INT64_C(1769860800000);
}

static int kept_stderr, reading;

/* From here on stderr is a pipe. Its 64 KiB hold all that a test writes. */
static void capture_begin(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    reading = ends[0];
}

/* Puts stderr back and gives what was written, NUL-terminated. */
static char *capture_end(void)
{
    static char text[65536 + 1];
    size_t length = 0;
    ssize_t got;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    while ((got = read(reading, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(reading);
    text[length] = '\0';
    return text;
}

static const struct line_case {
    const char *message, *text, *json;
} lines[] = {
    {"hubd is ready", "hubd is ready", "hubd is ready"},
    {"", "", ""},
    {"\xC3\xA9 \xF0\x9F\x98\x80", "\xC3\xA9 \xF0\x9F\x98\x80", "\xC3\xA9 \xF0\x9F\x98\x80"},
    {"a\nb\tc\rd", "a\\nb\\tc\\rd", "a\\nb\\tc\\rd"},
    {"\x1B[31mred\x7F", "\\x1b[31mred\\x7f", "\\u001b[31mred\\u007f"},
    /* C1 controls steer terminals too. */
    {"\xC2\x9B!", "\\xc2\\x9b!", "\\u009b!"},
    {"say \"no\" \\", "say \"no\" \\", "say \\\"no\\\" \\\\"},
    {"bad \xFF\xC3 bytes", "bad \\xff\\xc3 bytes", "bad \xEF\xBF\xBD\xEF\xBF\xBD bytes"},
};

static void test_lines(void **state)
{
    char expected[512];
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        log_set_format(LOG_TEXT);
        capture_begin();
        log_warn("%s", lines[i].message);
        snprintf(expected, sizeof expected, "2026-01-31T12:00:00.000Z warn %s\n", lines[i].text);
        assert_string_equal(capture_end(), expected);

        log_set_format(LOG_JSON);
        capture_begin();
        log_error("%s", lines[i].message);
        snprintf(expected, sizeof expected,
                 "{\"time\":\"2026-01-31T12:00:00.000Z\",\"level\":\"error\",\"message\":\"%s\"}\n",
                 lines[i].json);
        assert_string_equal(capture_end(), expected);
    }
    log_set_format(LOG_TEXT);
}

static int evaluated;

static int count_evaluation(void)
{
    return ++evaluated;
}

static void test_levels(void **state)
{
    (void)state;
    capture_begin();
    log_set_level(LOG_WARN);
    log_error("1");
    log_warn("2");
    log_info("3");
    log_debug("%d", count_evaluation());
    log_set_level(LOG_DEBUG);
    log_info("4");
    log_debug("%d", count_evaluation() + 4);
    log_set_level(LOG_INFO);
    assert_string_equal(capture_end(), "2026-01-31T12:00:00.000Z error 1\n"
                                       "2026-01-31T12:00:00.000Z warn 2\n"
                                       "2026-01-31T12:00:00.000Z info 4\n"
                                       "2026-01-31T12:00:00.000Z debug 5\n");
    assert_int_equal(evaluated, 1);
    assert_true(log_enabled(LOG_INFO));
    assert_false(log_enabled(LOG_DEBUG));
}

/* A long message is cut, but its line still ends as one and stays within an atomic write to a pipe. */
static void test_long(void **state)
{
    static char message[20000];
    (void)state;
    for (size_t fill = 0; fill < 3; fill++) {
        const char *filling = fill == 0 ? "x" : fill == 1 ? "\x01" : "\"";
        memset(message, filling[0], sizeof message - 1);
        for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
            log_set_format((enum log_format)format);
            capture_begin();
            log_info("%s", message);
            const char *line = capture_end();
            size_t length = strlen(line);
            assert_in_range(length, 3000, 4096);
            assert_ptr_equal(strchr(line, '\n'), line + length - 1);
            if (format == LOG_JSON)
                assert_string_equal(line + length - 3, "\"}\n");
        }
    }
    log_set_format(LOG_TEXT);
}

static void test_errno_kept(void **state)
{
    (void)state;
    capture_begin();
    close(STDERR_FILENO);
    errno = ENOENT;
    log_error("into the void");
    int after = errno;
    capture_end();
    assert_int_equal(after, ENOENT);
}

#define THREADS 4
#define LINES   100

static void *write_lines(void *argument)
{
    int number = *(const int *)argument;
    for (int i = 0; i < LINES; i++)
        log_info("%d%d%d%d %d%d%d%d", number, number, number, number, number, number, number, number);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], count = 0;
    (void)state;
    capture_begin();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, write_lines, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char *rest = capture_end();
    for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n"), count++) {
        char d = line[30];
        const char expected[] = {d, d, d, d, ' ', d, d, d, d, '\0'};
        assert_int_equal(strlen(line), 39);
        assert_memory_equal(line, "2026-01-31T12:00:00.000Z info ", 30);
        assert_string_equal(line + 30, expected);
    }
    assert_int_equal(count, THREADS * LINES);
}

static int64_t steady_us = 1000;

static int64_t steady(void)
{
    return steady_us;
}

static int count_lines(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void knock(int from, int to)
{
    for (int i = from; i < to; i++)
        log_warn_bounded("refused %d", i);
}

/* A place in the source says a few lines in a time; the others are counted and the count is told, by the next
 * line or without one. */
static void test_bounded(void **state)
{
    (void)state;
    capture_begin();
    knock(0, 1000);
    char *text = capture_end();
    assert_int_equal(count_lines(text), LOG_BURST);
    assert_null(strstr(text, "not logged"));
    steady_us += LOG_WINDOW_MS * INT64_C(1000);
    capture_begin();
    knock(1000, 1001);
    text = capture_end();
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "refused 1000 (995 more like it were not logged)\n"));
    capture_begin();
    knock(1001, 1011);
    log_tell_held(); /* their window is not over */
    assert_int_equal(count_lines(capture_end()), LOG_BURST - 1);
    steady_us += LOG_WINDOW_MS * INT64_C(1000);
    capture_begin();
    log_tell_held();
    log_tell_held();
    text = capture_end();
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "6 more lines were not logged of the kind \"refused %d\"\n"));
}

/* Another place is not held back by it. */
static void test_bounded_apart(void **state)
{
    (void)state;
    capture_begin();
    knock(0, 100);
    log_error_bounded("another");
    assert_non_null(strstr(capture_end(), "error another\n"));
}

int main(void)
{
    const struct env_ops ops = {.wall_ms = noon, .monotonic_us = steady};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_levels),  cmocka_unit_test(test_long),
        cmocka_unit_test(test_errno_kept),    cmocka_unit_test(test_threads), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_bounded_apart),
    };
    env_replace(&ops);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
