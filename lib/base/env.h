#ifndef LIB_BASE_ENV_H
#define LIB_BASE_ENV_H

#include <stddef.h>
#include <stdint.h>

/*
 * The only source of time and randomness, so that tests can replace both. Use the monotonic clock for intervals, and
 * the wall clock for what is stored or shown. Thread safe.
 */
struct env_ops {
    int64_t (*wall_ms)(void);      /* milliseconds since 1970-01-01 UTC */
    int64_t (*monotonic_us)(void); /* microseconds since some start, never backwards */
    void (*random)(void *out, size_t size);
};

int64_t env_wall_ms(void);
int64_t env_monotonic_us(void);
static inline int64_t env_monotonic_ms(void)
{
    return env_monotonic_us() / 1000;
}
/* Fills `out` with `size` bytes of cryptographic randomness. Aborts the process when the kernel gives none: a token that
 * can be guessed is worse than no hub. */
void env_random(void *out, size_t size);
/* The same for ids, which are no secrets: asks the kernel once for many of them. Not for secrets: their bytes would stay
 * in memory before they are used. */
void env_random_id(void *out, size_t size);
/* A uniformly random number in [0, bound); bound > 0. For jitter. */
uint64_t env_random_below(uint64_t bound);
/*
 * Replaces the clocks and the randomness, for tests. A NULL member keeps the real one; NULL as `ops` restores all.
 * `ops` must outlive its use. Call it before any thread starts.
 */
void env_replace(const struct env_ops *ops);

#endif
