#include "lib/base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

static const struct unit {
    const char *name;
    uint64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

bool duration_parse(struct str s, int64_t *ms)
{
    size_t digits = 0;
    while (digits < s.length && s.data[digits] >= '0' && s.data[digits] <= '9')
        digits++;
    uint64_t count;
    if (!str_to_uint64(str_of(s.data, digits), &count))
        return false;
    struct str name = str_skip(s, digits);
    if (name.length == 0 && str_equal(s, STR("0"))) {
        *ms = 0;
        return true;
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (!str_equal(name, str_from(units[i].name)))
            continue;
        if (count > (uint64_t)INT64_MAX / units[i].ms)
            return false;
        *ms = (int64_t)(count * units[i].ms);
        return true;
    }
    return false;
}

const char *duration_format(int64_t ms, char out[24])
{
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    size_t i = 0;
    while (rest % units[i].ms != 0)
        i++;
    if (rest == 0)
        snprintf(out, 24, "0");
    else
        snprintf(out, 24, "%s%" PRIu64 "%s", ms < 0 ? "-" : "", rest / units[i].ms, units[i].name);
    return out;
}

static const struct {
    int64_t ms;
    const char *name;
} words[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
#define WORDS (sizeof(words) / sizeof(words[0]))

const char *duration_words(int64_t ms, bool whole, char out[DURATION_WORDS_SIZE])
{
    int64_t size = ms < 0 ? -(ms == INT64_MIN ? ms + 1 : ms) : ms;
    size_t i = 0;
    while (i < WORDS && size < words[i].ms)
        i++;
    if (whole && i == WORDS)
        i--;
    if (i == WORDS)
        snprintf(out, DURATION_WORDS_SIZE, "%lld ms", (long long)size);
    else if (whole || size % words[i].ms == 0)
        snprintf(out, DURATION_WORDS_SIZE, "%lld %s", (long long)(size / words[i].ms), words[i].name);
    else if (i == WORDS - 1)
        snprintf(out, DURATION_WORDS_SIZE, "%lld.%lld s", (long long)(size / 1000),
                 (long long)(size % 1000 / 100));
    else
        snprintf(out, DURATION_WORDS_SIZE, "%lld %s %lld %s", (long long)(size / words[i].ms), words[i].name,
                 (long long)(size % words[i].ms / words[i + 1].ms), words[i + 1].name);
    return out;
}
