#include "lib/store/sqlite/moments.h"

#include "lib/base/env.h"

/* The clock that never goes back; whoever reads it later gets no less. */
static int64_t tick(struct moments *moments)
{
    long long now = env_wall_ms(), last = atomic_load(&moments->last);
    while (now > last)
        if (atomic_compare_exchange_weak(&moments->last, &last, now))
            return now;
    return last;
}

void moments_init(struct moments *moments, int64_t last)
{
    atomic_init(&moments->last, last);
    atomic_init(&moments->committed, INT64_MAX);
}

/*
 * Twice: a reader that has looked between the two sees the first as the bound; one that looked before the
 * first was noted has read the clock before the second did.
 */
int64_t moments_begin(struct moments *moments)
{
    atomic_store(&moments->committed, tick(moments));
    return tick(moments);
}

void moments_end(struct moments *moments)
{
    atomic_store(&moments->committed, INT64_MAX);
}

int64_t moments_horizon(struct moments *moments)
{
    int64_t now = tick(moments), bound = atomic_load(&moments->committed);
    return bound < now ? bound : now;
}
