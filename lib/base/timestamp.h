#ifndef LIB_BASE_TIMESTAMP_H
#define LIB_BASE_TIMESTAMP_H

#include "lib/base/str.h"

/* "2026-01-31T12:00:00.000Z" and the NUL. */
#define TIMESTAMP_SIZE 25

/* Writes RFC 3339 UTC with milliseconds and Z: the form of every time the hub makes (hub-ocpi(7), HTTP AND
 * ANSWERS). Returns `out`. */
const char *timestamp_format(int64_t wall_ms, char out[TIMESTAMP_SIZE]);
/*
 * Reads RFC 3339 leniently: fraction of any length (cut to milliseconds), "Z", nothing (= UTC) or a numeric
 * offset, "T", "t" or a space between date and time. Calendar-checked (no 31 February), second 60 accepted.
 * False when it is no such time.
 */
bool timestamp_parse(struct str s, int64_t *wall_ms);
/*
 * OCPI's DateTime exactly (OCPI 2.2.1 Types 16.2, at most 25 characters): YYYY-MM-DDTHH:MM:SS[.f{1,4}][Z], no
 * offset.
 */
bool timestamp_parse_ocpi(struct str s, int64_t *wall_ms);
/* HTTP's form of it, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, Date/Time Formats); at most 63 characters. */
bool timestamp_parse_http(struct str s, int64_t *wall_ms);
/* A calendar month "2026-01" in UTC: its first moment and that of the next one. */
bool month_parse(struct str s, int64_t *from, int64_t *until);
/* A duration with unit `ms s m h d` ("250ms", "10s", "7d"); a bare number is not accepted except "0". */
bool duration_parse(struct str s, int64_t *ms);
/* The shortest exact form, e.g. 90000 -> "90s"; returns `out`. */
const char *duration_format(int64_t ms, char out[24]);
/*
 * How long it is, for people: the two greatest units of days, hours, minutes and seconds, "401 d", "1 h 5
 * min", "3.4 s", "250 ms"; `whole`: the greatest alone, "1 h", and no less than seconds. Without a sign.
 * Returns `out`.
 */
#define DURATION_WORDS_SIZE 56
const char *duration_words(int64_t ms, bool whole, char out[DURATION_WORDS_SIZE]);

#endif
