#include "lib/base/clock.h"

#include <stddef.h>

static bool within(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

int64_t clock_time(const struct clock *clock, int64_t steady)
{
    return steady + clock->offset;
}

int64_t clock_ahead(const struct clock *clock)
{
    return clock->wall_offset - clock->offset;
}

static int64_t even(const struct clock *clock, int64_t steady)
{
    return clock->even_before + steady - clock->even_since;
}

int64_t clock_until_confirmed(const struct clock *clock, int64_t steady)
{
    int64_t left = CLOCK_CONFIRM_MS - even(clock, steady);
    return left > 0 ? left : 0;
}

struct clock_mark clock_mark(const struct clock *clock, int64_t steady)
{
    return (struct clock_mark){clock_time(clock, steady), steady + clock->wall_offset,
                               clock->untrusted ? even(clock, steady) : -1};
}

static enum clock_event follow(struct clock *clock, enum clock_event event)
{
    clock->offset = clock->wall_offset;
    clock->untrusted = false;
    return event;
}

static enum clock_event begin_distrust(struct clock *clock, int64_t steady, int64_t even_before)
{
    clock->untrusted = true;
    clock->even_since = steady;
    clock->even_before = even_before;
    return CLOCK_JUMPED;
}

enum clock_event clock_begin(struct clock *clock, const struct clock_mark *mark, int64_t wall, int64_t steady)
{
    *clock = (struct clock){.offset = wall - steady, .wall_offset = wall - steady};
    if (mark == NULL || within(wall - mark->time, -CLOCK_STEP_MS, CLOCK_DOWN_MS))
        return mark != NULL && mark->even >= 0 ? CLOCK_RETURNED : CLOCK_EVEN;
    int64_t down = wall - mark->wall; /* by a wall clock that was in doubt already, and is the same */
    bool same = mark->even >= 0 && within(down, -CLOCK_STEP_MS, CLOCK_DOWN_MS);
    clock->offset = mark->time + (same && down > 0 ? down : 0) - steady;
    return begin_distrust(clock, steady, same ? mark->even : 0);
}

enum clock_event clock_look(struct clock *clock, int64_t wall, int64_t steady)
{
    int64_t jump = wall - steady - clock->wall_offset;
    clock->wall_offset = wall - steady;
    if (within(clock_ahead(clock), -CLOCK_STEP_MS, CLOCK_STEP_MS))
        return follow(clock, clock->untrusted ? CLOCK_RETURNED : CLOCK_EVEN);
    if (!clock->untrusted || !within(jump, -CLOCK_STEP_MS, CLOCK_STEP_MS))
        return begin_distrust(clock, steady, 0);
    return even(clock, steady) >= CLOCK_CONFIRM_MS ? follow(clock, CLOCK_CONFIRMED) : CLOCK_EVEN;
}
