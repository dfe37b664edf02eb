#include "hubd/outbox/retry.h"

#include <limits.h>
#include <string.h>

#include "lib/base/timestamp.h"

enum retry_circuit retry_circuit(const struct retry *retry, int64_t now)
{
    if (retry->failures == 0)
        return RETRY_CLOSED;
    return now < retry->paused_until ? RETRY_OPEN : RETRY_HALF_OPEN;
}

const char *retry_circuit_name(enum retry_circuit circuit)
{
    switch (circuit) {
    case RETRY_CLOSED:
        return "closed";
    case RETRY_OPEN:
        return "open";
    case RETRY_HALF_OPEN:
        return "half-open";
    }
    return "closed";
}

int64_t retry_pause(const struct retry_policy *policy, unsigned failures, unsigned chance)
{
    int64_t pause = policy->initial_ms;
    for (unsigned i = 1; i < failures && pause < policy->max_ms; i++)
        pause *= 2;
    if (pause > policy->max_ms)
        pause = policy->max_ms;
    return pause * 4 / 5 + pause * 2 / 5 * (int64_t)chance / RETRY_CHANCE;
}

bool retry_lets(const struct retry *retry, bool fresh, int64_t now)
{
    return retry->failures == 0 || now >= (fresh ? retry->fresh_until : retry->paused_until);
}

/* The pause of those that were never tried. */
static int64_t retry_fresh_pause(struct retry *retry, const struct retry_policy *policy,
                                 const struct retry_failure *failure, unsigned chance)
{
    bool searching = failure->answered && retry->suspects >= RETRY_SINGLES * RETRY_BURST;
    unsigned before = retry->suspects / RETRY_BURST;
    if (failure->fresh || retry->suspects == 0)
        retry->suspects += searching ? 1 : RETRY_BURST;
    unsigned count = retry->suspects / RETRY_BURST;
    if (searching && count == before)
        return 0;
    int64_t pause = retry_pause(policy, count, chance);
    return policy->fresh_max_ms > 0 && pause > policy->fresh_max_ms ? policy->fresh_max_ms : pause;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void retry_failed(struct retry *retry, const struct retry_policy *policy, const struct retry_failure *failure,
                  int64_t now, unsigned chance)
{
    bool fresh_over = retry_lets(retry, true, now), over = retry_lets(retry, false, now);
    if (!fresh_over && !over)
        return;
    if (over || !failure->answered) {
        retry->failures++;
        retry->paused_until = now + retry_pause(policy, retry->failures, chance);
    }
    if (fresh_over)
        retry->fresh_until = now + retry_fresh_pause(retry, policy, failure, chance);
    retry->paused_until = longer(retry->paused_until, now + failure->asked_ms);
    if (failure->asked_ms > 0)
        retry->fresh_until = longer(retry->fresh_until, now + failure->asked_ms);
}

void retry_succeeded(struct retry *retry)
{
    *retry = (struct retry){0};
}

void retry_resume(struct retry *retry)
{
    retry->paused_until = retry->fresh_until = 0;
}

int64_t retry_longest_pause(const struct retry_policy *policy)
{
    int64_t longest = retry_pause(policy, UINT_MAX, RETRY_CHANCE);
    int64_t refused = retry_refused_pause(policy, 2);
    if (longest < RETRY_AFTER_MAX_MS)
        longest = RETRY_AFTER_MAX_MS;
    return longest < refused ? refused : longest;
}

int64_t retry_clamp(const struct retry_policy *policy, int64_t until, int64_t now)
{
    int64_t latest = now + retry_longest_pause(policy);
    return until < latest ? until : latest;
}

int64_t retry_after_parse(const char *text, int64_t wall_ms)
{
    struct str value = str_trim(str_from(text));
    int64_t seconds, after, date;
    if (str_to_int64(value, &seconds)) {
        after = seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
    } else if (timestamp_parse_http(value, &date)) {
        after = date - wall_ms;
    } else {
        return 0;
    }
    return after < 0 ? 0 : after > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : after;
}

int64_t retry_refused_pause(const struct retry_policy *policy, unsigned refused)
{
    static const int64_t times_initial[] = {600, 3000}; /* 10 and 50 minutes with the default of one second */
    if (refused == 0 || refused > sizeof times_initial / sizeof times_initial[0])
        return -1;
    return times_initial[refused - 1] * policy->initial_ms;
}

void retry_clock_run(struct retry_clock *clock, bool run, int64_t now)
{
    clock->active_ms = retry_clock_read(clock, now);
    clock->since = run ? now : -1;
}

int64_t retry_clock_read(const struct retry_clock *clock, int64_t now)
{
    return clock->active_ms + (clock->since < 0 || now < clock->since ? 0 : now - clock->since);
}
