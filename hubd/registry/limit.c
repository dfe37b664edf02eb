#include "hubd/registry/limit.h"

#include "lib/conf/conf.h"
#include "lib/store/store.h"

#define US 1000 /* in ns */
#define MS INT64_C(1000000)
/* Loops read the clock before they take: a bucket that is overdrawn by less than this was used by another
 * loop with a later reading. */
#define SLACK (1000 * MS)

static const struct limit_row {
    const char *name;
    enum ocpi_module module; /* for the audit */
    const char *what;        /* for sentences */
    size_t setting;          /* in struct conf */
} limit_rows[LIMIT_KIND_COUNT] = {
    [LIMIT_AUTHORIZE] = {"authorize", OCPI_MODULE_TOKENS, "authorize requests",
                         offsetof(struct conf, limit_authorize)},
    [LIMIT_COMMANDS] = {"commands", OCPI_MODULE_COMMANDS, "commands", offsetof(struct conf, limit_commands)},
    [LIMIT_LOCATIONS] = {"locations", OCPI_MODULE_LOCATIONS, "location lists",
                         offsetof(struct conf, limit_locations)},
};

/* ---------------------------------------------------------------- the bucket */

int64_t limit_take(struct limit_state *state, struct rate rate, int64_t now_us)
{
    if (rate.requests <= 0)
        return 0;
    int64_t now = now_us * US, one = rate.period_ms * MS / rate.requests, whole = one * rate.requests;
    int64_t full_at = atomic_load(&state->full_at);
    for (;;) {
        int64_t from = full_at;
        if (from < now)
            from = now;
        else if (from > now + whole + SLACK) /* taken at a slower rate */
            from = now + whole;
        int64_t wait = from + one - (now + whole);
        int64_t next = wait > 0 ? from : from + one;
        if (next == full_at || atomic_compare_exchange_weak(&state->full_at, &full_at, next))
            return wait > 0 ? (wait + US - 1) / US : 0;
    }
}

/* ---------------------------------------------------------------- which limits there are */

const char *limit_name(enum limit_kind kind)
{
    return limit_rows[kind].name;
}

enum ocpi_module limit_module(enum limit_kind kind)
{
    return limit_rows[kind].module;
}

const char *limit_requests(enum limit_kind kind)
{
    return limit_rows[kind].what;
}

enum limit_kind limit_find(struct str name)
{
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++)
        if (str_equal_fold(name, str_from(limit_rows[kind].name)))
            return kind;
    return LIMIT_NONE;
}

struct rate limit_rate(const struct conf *conf, const struct store_limit *row, enum limit_kind kind)
{
    if (row != NULL)
        return (struct rate){row->requests, row->period_ms};
    return *(const struct rate *)((const char *)conf + limit_rows[kind].setting);
}
