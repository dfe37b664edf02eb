/* The clock of a test: env's, and libuv's on the test's own thread. */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/hubd/clock.h"
#include "lib/base/env.h"

#define STEADY_START_US INT64_C(1000000000)    /* never 0, which means "never" to many */
#define WALL_START_MS   INT64_C(1893456000000) /* 2030-01-01: no test depends on today */

static _Atomic int64_t steady_us = STEADY_START_US;
static _Atomic uint64_t seed;
static _Thread_local bool owned; /* libuv's clock on this thread */

static int64_t clock_wall(void)
{
    return WALL_START_MS + (steady_us - STEADY_START_US) / 1000;
}

static int64_t clock_steady(void)
{
    return steady_us;
}

/* SplitMix64: the same numbers in every run, none of them twice. */
static void clock_random(void *out, size_t size)
{
    unsigned char *bytes = out;
    while (size > 0) {
        uint64_t z = atomic_fetch_add(&seed, UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        size_t part = size < sizeof z ? size : sizeof z;
        __builtin_memcpy(bytes, &z, part);
        bytes += part;
        size -= part;
    }
}

void test_clock_own(void)
{
    static const struct env_ops ops = {clock_wall, clock_steady, clock_random};
    steady_us = STEADY_START_US;
    seed = 1;
    owned = true;
    env_replace(&ops);
}

void test_clock_advance(int64_t ms)
{
    steady_us += ms * 1000;
}

/*
 * libuv has no door for another clock: it calls this function of the C library. The program's own definition
 * goes before the library's. Other threads (the store's writer waits with a deadline) keep the real time.
 */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!owned || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE))
        return (int)syscall(SYS_clock_gettime, clock, now);
    *now = (struct timespec){.tv_sec = steady_us / 1000000, .tv_nsec = steady_us % 1000000 * 1000};
    return 0;
}
