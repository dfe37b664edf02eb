#include "lib/base/rate.h"

#include <inttypes.h>
#include <stdio.h>

static const struct unit {
    const char *name, *word;
    int64_t ms;
} units[] = {{"s", "second", 1000}, {"min", "minute", 60000}, {"h", "hour", 3600000}, {"d", "day", 86400000}};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

/* NULL: a period that is not written as a rate. */
static const struct unit *unit_of(int64_t period_ms)
{
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (units[i].ms == period_ms)
            return &units[i];
    return NULL;
}

bool rate_parse(struct str s, struct rate *rate)
{
    size_t slash = str_find(s, '/');
    uint64_t requests;
    if (!str_to_uint64(str_of(s.data, slash == SIZE_MAX ? s.length : slash), &requests) ||
        requests > RATE_REQUESTS_MAX)
        return false;
    if (slash == SIZE_MAX && requests == 0) {
        *rate = (struct rate){0, 0};
        return true;
    }
    for (size_t i = 0; i < UNIT_COUNT && slash != SIZE_MAX; i++) {
        if (!str_equal(str_skip(s, slash + 1), str_from(units[i].name)))
            continue;
        *rate = (struct rate){(int64_t)requests, requests == 0 ? 0 : units[i].ms};
        return true;
    }
    return false;
}

const char *rate_format(struct rate rate, char out[RATE_SIZE])
{
    const struct unit *unit = unit_of(rate.period_ms);
    if (rate.requests == 0)
        snprintf(out, RATE_SIZE, "0");
    else if (unit != NULL)
        snprintf(out, RATE_SIZE, "%" PRId64 "/%s", rate.requests, unit->name);
    else
        snprintf(out, RATE_SIZE, "%" PRId64 "/%" PRId64 "ms", rate.requests, rate.period_ms);
    return out;
}

const char *rate_period(struct rate rate)
{
    const struct unit *unit = unit_of(rate.period_ms);
    return unit == NULL ? "period" : unit->word;
}
