/* Times as text (RFC 3339, OCPI 2.2.1 Types 16.2) and durations and rates of settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <time.h>

#include "lib/base/rate.h"
#include "lib/base/timestamp.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The parsers must leave this alone when they refuse. */
#define UNTOUCHED INT64_C(-77)

static const struct time_case {
    const char *text;
    int64_t wall_ms;
    bool ocpi; /* OCPI's own form too */
} good[] = {
    {"1970-01-01T00:00:00.000Z", 0, true},
    {"2026-01-31T12:00:00Z", INT64_C(1769860800000), true},
    {"2026-01-31T12:00:00", INT64_C(1769860800000), true},
    {"2026-01-31T12:00:00.1Z", INT64_C(1769860800100), true},
    {"2026-01-31T12:00:00.12Z", INT64_C(1769860800120), true},
    {"2026-01-31T12:00:00.123", INT64_C(1769860800123), true},
    {"2026-01-31T12:00:00.1239Z", INT64_C(1769860800123), true},
    {"2026-01-31T12:00:00.12345", INT64_C(1769860800123), false},
    {"2026-01-31T12:00:00.12345Z", INT64_C(1769860800123), false},
    {"2026-01-31T12:00:00.123456789012345678901234567890Z", INT64_C(1769860800123), false},
    {"2026-01-31t12:00:00z", INT64_C(1769860800000), false},
    {"2026-01-31 12:00:00", INT64_C(1769860800000), false},
    {"2026-01-31T12:00:00+05:30", INT64_C(1769841000000), false},
    {"2026-01-31T12:00:00.5-08:00", INT64_C(1769889600500), false},
    {"2026-01-31T12:00:00+0530", INT64_C(1769841000000), false},
    {"2026-01-31T12:00:00+05", INT64_C(1769842800000), false},
    {"2026-01-31T12:00:00-00:00", INT64_C(1769860800000), false},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000), true},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000), true},
    {"1969-12-31T23:59:59.999Z", -1, true},
    {"2016-12-31T23:59:60Z", INT64_C(1483228800000), true},
    {"0000-01-01T00:00:00Z", INT64_C(-62167219200000), true},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999), true},
};

static const char *const bad[] = {
    "",
    "now",
    "2026-01-31",
    "2026-01-31T",
    "2026-01-31T12:00",
    "2026-01-31T12:00Z",
    "2026-01-31T12:00:0",
    "2026-1-31T12:00:00Z",
    "26-01-31T12:00:00Z",
    "02026-01-31T12:00:00Z",
    "+2026-01-31T12:00:00Z",
    "2026-00-31T12:00:00Z",
    "2026-13-31T12:00:00Z",
    "2026-01-00T12:00:00Z",
    "2026-01-32T12:00:00Z",
    "2026-02-31T12:00:00Z",
    "2026-04-31T12:00:00Z",
    "2026-02-29T12:00:00Z",
    "1900-02-29T12:00:00Z",
    "2100-02-29T12:00:00Z",
    "2024-02-30T12:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    "2026-01-31T12:00:61Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00.",
    "2026-01-31T12:00:00ZZ",
    "2026-01-31T12:00:00Z ",
    " 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00+",
    "2026-01-31T12:00:00+5:30",
    "2026-01-31T12:00:00+05:3",
    "2026-01-31T12:00:00+05:",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+05:60",
    "2026-01-31T12:00:00Z+05:30",
    "2026-01-31X12:00:00Z",
    "2026/01/31T12:00:00Z",
    "2026-01-31T12.00.00Z",
    "2026-01-31T-1:00:00Z",
    "2026-01-31T12:00:00\xC2\xA0Z",
};

static void test_parse_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t value = UNTOUCHED;
        print_message("%s\n", good[i].text);
        assert_true(timestamp_parse(str_from(good[i].text), &value));
        assert_int_equal(value, good[i].wall_ms);
        value = UNTOUCHED;
        assert_int_equal(timestamp_parse_ocpi(str_from(good[i].text), &value), good[i].ocpi);
        assert_int_equal(value, good[i].ocpi ? good[i].wall_ms : UNTOUCHED);
    }
}

static void test_parse_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t value = UNTOUCHED;
        print_message("\"%s\"\n", bad[i]);
        assert_false(timestamp_parse(str_from(bad[i]), &value));
        assert_false(timestamp_parse_ocpi(str_from(bad[i]), &value));
        assert_int_equal(value, UNTOUCHED);
    }
    assert_false(timestamp_parse(STR_NONE, &(int64_t){0}));
    assert_false(timestamp_parse(STR("2026-01-31\00012:00:00Z"), &(int64_t){0}));
}

static void test_format(void **state)
{
    char text[TIMESTAMP_SIZE];
    (void)state;
    assert_string_equal(timestamp_format(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(timestamp_format(INT64_C(1769860800123), text), "2026-01-31T12:00:00.123Z");
    assert_string_equal(timestamp_format(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(timestamp_format(INT64_MIN, text), "0000-01-01T00:00:00.000Z");
    assert_string_equal(timestamp_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
}

/* Every day from 1600 to 2400, against the C library. */
static void test_every_day(void **state)
{
    struct tm first = {.tm_year = 1600 - 1900, .tm_mday = 1}, last = {.tm_year = 2400 - 1900, .tm_mday = 1};
    int64_t from = timegm(&first), to = timegm(&last);
    (void)state;
    for (int64_t second = from; second < to; second += 86400) {
        char text[TIMESTAMP_SIZE], expected[64];
        time_t time = (time_t)(second + 45296);
        struct tm parts;
        int64_t back;
        gmtime_r(&time, &parts);
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.789Z", &parts);
        assert_string_equal(timestamp_format((int64_t)time * 1000 + 789, text), expected);
        assert_true(timestamp_parse_ocpi(str_from(text), &back));
        assert_int_equal(back, (int64_t)time * 1000 + 789);
    }
}

static const struct duration_case {
    const char *text;
    int64_t ms;
    const char *shortest;
} durations[] = {
    {"0", 0, "0"},
    {"0s", 0, "0"},
    {"250ms", 250, "250ms"},
    {"1000ms", 1000, "1s"},
    {"10s", 10000, "10s"},
    {"90s", 90000, "90s"},
    {"120s", 120000, "2m"},
    {"5m", 300000, "5m"},
    {"36h", 129600000, "36h"},
    {"7d", INT64_C(604800000), "7d"},
    {"007d", INT64_C(604800000), "7d"},
    {"400d", INT64_C(34560000000), "400d"},
    {"9223372036854775807ms", INT64_MAX, "9223372036854775807ms"},
};

static const char *const no_durations[] = {
    "",
    "1",
    "00",
    "s",
    "-1s",
    "+1s",
    "1 s",
    " 1s",
    "1s ",
    "1S",
    "1x",
    "1mss",
    "1.5s",
    "1h30m",
    "1w",
    "9223372036854775808ms",
    "106751991168d",
    "99999999999999999999s",
};

static void test_duration(void **state)
{
    char text[24];
    (void)state;
    for (size_t i = 0; i < COUNT(durations); i++) {
        int64_t ms = UNTOUCHED;
        print_message("%s\n", durations[i].text);
        assert_true(duration_parse(str_from(durations[i].text), &ms));
        assert_int_equal(ms, durations[i].ms);
        assert_string_equal(duration_format(ms, text), durations[i].shortest);
        assert_true(duration_parse(str_from(text), &ms));
        assert_int_equal(ms, durations[i].ms);
    }
    for (size_t i = 0; i < COUNT(no_durations); i++) {
        int64_t ms = UNTOUCHED;
        print_message("\"%s\"\n", no_durations[i]);
        assert_false(duration_parse(str_from(no_durations[i]), &ms));
        assert_int_equal(ms, UNTOUCHED);
    }
    assert_string_equal(duration_format(-90000, text), "-90s");
    assert_string_equal(duration_format(INT64_MIN, text), "-9223372036854775808ms");
}

/* ---------------------------------------------------------------- rates */

static const struct {
    const char *text;
    int64_t requests, period_ms;
    const char *written, *word;
} rates[] = {
    {"100/min", 100, 60000, "100/min", "minute"},
    {"1/s", 1, 1000, "1/s", "second"},
    {"007/h", 7, 3600000, "7/h", "hour"},
    {"1000000/d", 1000000, 86400000, "1000000/d", "day"},
    {"0", 0, 0, "0", "period"},
    {"0/min", 0, 0, "0", "period"},
};

static const char *const no_rates[] = {
    "",
    "/",
    "100",
    "/min",
    "100/",
    "100/m",
    "100/Min",
    "100 /min",
    "-1/min",
    "1.5/s",
    "1000001/s",
    "1/min/min",
    "99999999999999999999/s",
    "0/",
};

static void test_words(void **state)
{
    static const struct {
        int64_t ms;
        const char *two, *whole;
    } rows[] = {{0, "0 ms", "0 s"},
                {250, "250 ms", "0 s"},
                {-3400, "3.4 s", "3 s"},
                {90000, "1 min 30 s", "1 min"},
                {3900000, "1 h 5 min", "1 h"},
                {INT64_C(34646400000), "401 d", "401 d"},
                {INT64_C(34646401000), "401 d 0 h", "401 d"}};
    char text[DURATION_WORDS_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(duration_words(rows[i].ms, false, text), rows[i].two);
        assert_string_equal(duration_words(rows[i].ms, true, text), rows[i].whole);
    }
}

static void test_rate(void **state)
{
    char text[RATE_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct rate rate = {UNTOUCHED, UNTOUCHED};
        print_message("%s\n", rates[i].text);
        assert_true(rate_parse(str_from(rates[i].text), &rate));
        assert_int_equal(rate.requests, rates[i].requests);
        assert_int_equal(rate.period_ms, rates[i].period_ms);
        assert_string_equal(rate_format(rate, text), rates[i].written);
        assert_string_equal(rate_period(rate), rates[i].word);
    }
    for (size_t i = 0; i < COUNT(no_rates); i++) {
        struct rate rate = {UNTOUCHED, UNTOUCHED};
        print_message("\"%s\"\n", no_rates[i]);
        assert_false(rate_parse(str_from(no_rates[i]), &rate));
        assert_int_equal(rate.requests, UNTOUCHED);
    }
    assert_string_equal(rate_format((struct rate){5, 250}, text), "5/250ms");
}

/* A month begins where the one before ends, in every year that can be written. */
static void test_month(void **state)
{
    static const char *const bad[] = {"",       "2026",    "2026-00",    "2026-13", "2026-1", "2026/01",
                                      "202-01", "2026-1a", "2026-01-01", "2026-+1", "-026-01"};
    char text[TIMESTAMP_SIZE];
    const int64_t day = 86400000;
    int64_t from, until, before = INT64_MIN;
    (void)state;
    assert_true(month_parse(STR("2026-12"), &from, &until));
    assert_string_equal(timestamp_format(from, text), "2026-12-01T00:00:00.000Z");
    assert_string_equal(timestamp_format(until, text), "2027-01-01T00:00:00.000Z");
    assert_true(month_parse(STR("2024-02"), &from, &until));
    assert_string_equal(timestamp_format(until - 1, text), "2024-02-29T23:59:59.999Z");
    for (int month = 0; month < 12 * 9999; month++) {
        char written[16];
        snprintf(written, sizeof written, "%04d-%02d", month / 12, month % 12 + 1);
        assert_true(month_parse(str_from(written), &from, &until));
        assert_true(before == INT64_MIN || from == before);
        assert_true(until - from >= 28 * day && until - from <= 31 * day);
        before = until;
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        print_message("\"%s\"\n", bad[i]);
        assert_false(month_parse(str_from(bad[i]), &from, &until));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_good), cmocka_unit_test(test_parse_bad), cmocka_unit_test(test_format),
        cmocka_unit_test(test_every_day),  cmocka_unit_test(test_duration),  cmocka_unit_test(test_rate),
        cmocka_unit_test(test_month),      cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
