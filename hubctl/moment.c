#include "hubctl/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/env.h"
#include "lib/base/timestamp.h"

#define DATE_LENGTH 10 /* 2026-01-31 */

/* The local time whose date and clock read as those of `utc_ms` in UTC. */
static int64_t as_local(int64_t utc_ms)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm fields;
    gmtime_r(&seconds, &fields);
    fields.tm_isdst = -1;
    return (int64_t)mktime(&fields) * 1000 + utc_ms % 1000;
}

static int64_t local_midnight(int64_t wall_ms, int days_back)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm fields;
    localtime_r(&seconds, &fields);
    fields.tm_hour = fields.tm_min = fields.tm_sec = 0;
    fields.tm_mday -= days_back;
    fields.tm_isdst = -1;
    return (int64_t)mktime(&fields) * 1000;
}

static bool has_zone(struct str text)
{
    char last = text.length > 0 ? text.data[text.length - 1] : 0;
    if (last == 'Z' || last == 'z')
        return true;
    struct str clock = str_skip(text, DATE_LENGTH);
    return str_find(clock, '+') != SIZE_MAX || str_find(clock, '-') != SIZE_MAX;
}

bool moment_parse(struct str text, int64_t *wall_ms)
{
    int64_t now = env_wall_ms(), value;
    static const struct {
        const char *word;
        int days_back; /* -1: now */
    } words[] = {{"now", -1}, {"today", 0}, {"yesterday", 1}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_equal_fold(text, str_from(words[i].word))) {
            *wall_ms = words[i].days_back < 0 ? now : local_midnight(now, words[i].days_back);
            return true;
        }
    }
    if (duration_parse(text, &value)) {
        *wall_ms = now - value;
        return true;
    }
    char whole[40];
    if (text.length == DATE_LENGTH) {
        snprintf(whole, sizeof whole, STR_FMT "T00:00:00", STR_ARG(text));
        text = str_from(whole);
    }
    if (!timestamp_parse(text, &value))
        return false;
    *wall_ms = has_zone(text) ? value : as_local(value);
    return true;
}

const char *moment_format(int64_t wall_ms, bool utc, char out[MOMENT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm fields;
    if (utc)
        gmtime_r(&seconds, &fields);
    else
        localtime_r(&seconds, &fields);
    size_t length = strftime(out, MOMENT_SIZE - 8, "%Y-%m-%d %H:%M:%S", &fields);
    long offset = utc ? 0 : fields.tm_gmtoff / 60, size = offset < 0 ? -offset : offset;
    if (utc)
        snprintf(out + length, MOMENT_SIZE - length, "Z");
    else
        snprintf(out + length, MOMENT_SIZE - length, "%c%02ld:%02ld", offset < 0 ? '-' : '+', size / 60 % 100,
                 size % 60);
    return out;
}

const char *moment_clock(int64_t wall_ms, int64_t now_ms, bool utc, char out[MOMENT_SIZE])
{
    char today[MOMENT_SIZE];
    moment_format(now_ms, utc, today);
    moment_format(wall_ms, utc, out);
    return strncmp(out, today, DATE_LENGTH) == 0 ? out + DATE_LENGTH + 1 : out;
}

const char *moment_offset(int64_t ms, char out[MOMENT_SIZE])
{
    char words[DURATION_WORDS_SIZE];
    snprintf(out, MOMENT_SIZE, "%c%s", ms < 0 ? '-' : '+', duration_words(ms, false, words));
    return out;
}

const char *moment_age(int64_t ms, char out[MOMENT_SIZE])
{
    char words[DURATION_WORDS_SIZE];
    snprintf(out, MOMENT_SIZE, "%s%s", ms < 0 ? "in " : "", duration_words(ms, true, words));
    return out;
}
