#ifndef LIB_BASE_ENV_H
#define LIB_BASE_ENV_H

#include <stddef.h>
#include <stdint.h>

/*
 * The only door to time and randomness, so that tests own both. Intervals use the monotonic clock, what is
 * stored or shown the wall clock. Thread safe.
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
/* Cryptographic randomness; aborts the process when the kernel gives none, since a weak token opens the
 * network. */
void env_random(void *out, size_t size);
/* The same for ids, which are shown to everybody: the kernel is asked once for many of them. Not for secrets,
 * whose bytes would lie here before they are used. */
void env_random_id(void *out, size_t size);
/* A uniform number in [0, bound); bound > 0. For jitter and the like. */
uint64_t env_random_below(uint64_t bound);
/*
 * Replaces the source for tests (NULL restores the real one; a NULL member keeps that one real). `ops` must
 * outlive its use. Call before any thread starts.
 */
void env_replace(const struct env_ops *ops);

#endif
