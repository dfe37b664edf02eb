#ifndef HUBD_REQUEST_LATE_H
#define HUBD_REQUEST_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/env.h"

/*
 * How long a change that met another one (ERR_CONFLICT: what it was made of was changed meanwhile) is made
 * anew. That two met is no overload, so tries are not counted (hub-ocpi(7), HTTP AND ANSWERS): each time
 * somebody's change was stored. Only who asked hardly waits any longer than this.
 */
#define LATE_AFTER_US INT64_C(20000000)

/* `began_us`: env_monotonic_us() when it was first tried. True: no more tries. */
static inline bool late_since(int64_t began_us)
{
    return env_monotonic_us() - began_us > LATE_AFTER_US;
}

#endif
