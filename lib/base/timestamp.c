#include "lib/base/timestamp.h"

#include <time.h>

#define DAY_MS    INT64_C(86400000)
#define OCPI_SIZE 25
/* 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say. */
#define WALL_MS_MIN INT64_C(-62167219200000)
#define WALL_MS_MAX INT64_C(253402300799999)

struct calendar {
    int64_t year;
    int64_t month, day; /* from 1 */
};

/*
 * Days since 1970-01-01 of a date of the Gregorian calendar and back, in eras of 400 years that start in
 * March, so that the leap day comes last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
static int64_t days_from_calendar(struct calendar date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct calendar calendar_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_index = (5 * day_of_year + 2) / 153;
    int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
    return (struct calendar){
        .year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_index + 2) / 5 + 1,
    };
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static char *put(char *out, int64_t number, int digits, char behind)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
    out[digits] = behind;
    return out + digits + 1;
}

const char *timestamp_format(int64_t wall_ms, char out[TIMESTAMP_SIZE])
{
    if (wall_ms < WALL_MS_MIN)
        wall_ms = WALL_MS_MIN;
    if (wall_ms > WALL_MS_MAX)
        wall_ms = WALL_MS_MAX;
    int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - (DAY_MS - 1)) / DAY_MS;
    int64_t of_day = wall_ms - days * DAY_MS;
    struct calendar date = calendar_from_days(days);
    char *at = put(out, date.year, 4, '-');
    at = put(at, date.month, 2, '-');
    at = put(at, date.day, 2, 'T');
    at = put(at, of_day / 3600000, 2, ':');
    at = put(at, of_day / 60000 % 60, 2, ':');
    at = put(at, of_day / 1000 % 60, 2, '.');
    at = put(at, of_day % 1000, 3, 'Z');
    *at = '\0';
    return out;
}

/* Takes exactly `digits` digits off the front of `*s`. */
static bool take_number(struct str *s, size_t digits, int64_t *number)
{
    if (s->length < digits)
        return false;
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        char digit = s->data[i];
        if (digit < '0' || digit > '9')
            return false;
        *number = *number * 10 + (digit - '0');
    }
    *s = str_skip(*s, digits);
    return true;
}

static bool take_byte(struct str *s, const char *accepted)
{
    if (s->length == 0 || s->data[0] == '\0' || strchr(accepted, s->data[0]) == NULL)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* YYYY-MM-DDTHH:MM:SS without what may follow. */
static bool take_date_time(struct str *s, const char *between, int64_t *wall_ms)
{
    struct calendar date;
    int64_t hour, minute, second;
    bool read = take_number(s, 4, &date.year) && take_byte(s, "-") && take_number(s, 2, &date.month) &&
                take_byte(s, "-") && take_number(s, 2, &date.day) && take_byte(s, between) &&
                take_number(s, 2, &hour) && take_byte(s, ":") && take_number(s, 2, &minute) &&
                take_byte(s, ":") && take_number(s, 2, &second);
    if (!read || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_in_month(date.year, date.month) || hour > 23 || minute > 59 || second > 60)
        return false;
    *wall_ms = days_from_calendar(date) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
    return true;
}

/* Digits behind the '.'; false when there are none. `*count` tells how many. */
static bool take_fraction(struct str *s, size_t *count, int64_t *ms)
{
    int64_t digit, scale = 100;
    *ms = 0;
    for (*count = 0; take_number(s, 1, &digit); (*count)++) {
        *ms += digit * scale;
        scale /= 10;
    }
    return *count > 0;
}

/* "+05:30", also "+0530" and "+05", which ISO 8601 has. */
static bool take_offset(struct str *s, int64_t *ms)
{
    int64_t hours, minutes = 0;
    bool behind = s->length > 0 && s->data[0] == '-';
    if (!take_byte(s, "+-") || !take_number(s, 2, &hours))
        return false;
    if (s->length > 0) {
        take_byte(s, ":");
        if (!take_number(s, 2, &minutes))
            return false;
    }
    *ms = (hours * 60 + minutes) * 60000 * (behind ? -1 : 1);
    return hours <= 23 && minutes <= 59;
}

bool timestamp_parse(struct str s, int64_t *wall_ms)
{
    int64_t time, ms = 0, offset = 0;
    size_t digits;
    if (!take_date_time(&s, "Tt ", &time))
        return false;
    if (take_byte(&s, ".,") && !take_fraction(&s, &digits, &ms))
        return false;
    if (s.length > 0 && !take_byte(&s, "Zz") && !take_offset(&s, &offset))
        return false;
    if (s.length > 0)
        return false;
    *wall_ms = time + ms - offset;
    return true;
}

bool timestamp_parse_ocpi(struct str s, int64_t *wall_ms)
{
    int64_t time, ms = 0;
    size_t digits = 0;
    if (s.length > OCPI_SIZE || !take_date_time(&s, "T", &time))
        return false;
    if (take_byte(&s, ".") && (!take_fraction(&s, &digits, &ms) || digits > 4))
        return false;
    take_byte(&s, "Z");
    if (s.length > 0)
        return false;
    *wall_ms = time + ms;
    return true;
}

bool month_parse(struct str s, int64_t *from, int64_t *until)
{
    uint64_t year, month;
    struct str digits = str_skip(s, 5);
    if (s.length != 7 || s.data[4] != '-' || !str_to_uint64(str_of(s.data, 4), &year) ||
        !str_to_uint64(digits, &month) || month < 1 || month > 12)
        return false;
    int64_t next = (int64_t)month % 12 + 1, next_year = (int64_t)year + (next == 1 ? 1 : 0);
    *from = days_from_calendar((struct calendar){(int64_t)year, (int64_t)month, 1}) * DAY_MS;
    *until = days_from_calendar((struct calendar){next_year, next, 1}) * DAY_MS;
    return true;
}

bool timestamp_parse_http(struct str s, int64_t *wall_ms)
{
    struct tm date = {0};
    char copy[64];
    const char *end =
        str_copy(s, copy, sizeof copy) ? strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &date) : NULL;
    if (end == NULL || *end != '\0')
        return false;
    *wall_ms = (int64_t)timegm(&date) * 1000;
    return true;
}
