#include "lib/base/env.h"

#include "lib/base/bug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t real_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void real_random(void *out, size_t size)
{
    uint8_t *bytes = out;
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            BUG("the kernel gives no random bytes");
        bytes += got;
        size -= (size_t)got;
    }
}

static const struct env_ops real = {real_wall_ms, real_monotonic_us, real_random};
static const struct env_ops *current = &real;

int64_t env_wall_ms(void)
{
    return current->wall_ms != NULL ? current->wall_ms() : real_wall_ms();
}

int64_t env_monotonic_us(void)
{
    return current->monotonic_us != NULL ? current->monotonic_us() : real_monotonic_us();
}

void env_random(void *out, size_t size)
{
    if (current->random != NULL)
        current->random(out, size);
    else
        real_random(out, size);
}

void env_random_id(void *out, size_t size)
{
    static _Thread_local uint8_t pool[1024];
    static _Thread_local size_t left; /* at its end */
    if (current->random != NULL || size > sizeof pool) {
        env_random(out, size);
        return;
    }
    if (left < size) {
        real_random(pool, sizeof pool);
        left = sizeof pool;
    }
    memcpy(out, pool + sizeof pool - left, size);
    left -= size;
}

uint64_t env_random_below(uint64_t bound)
{
    /* Numbers of the last, incomplete round would favour the small ones: draw again. */
    uint64_t incomplete = (UINT64_MAX % bound + 1) % bound;
    uint64_t drawn;
    do {
        env_random(&drawn, sizeof drawn);
    } while (drawn > UINT64_MAX - incomplete);
    return drawn % bound;
}

void env_replace(const struct env_ops *ops)
{
    current = ops != NULL ? ops : &real;
}
