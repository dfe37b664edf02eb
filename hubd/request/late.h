#ifndef HUBD_REQUEST_LATE_H
#define HUBD_REQUEST_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/env.h"

/*
 * A change that loses a race (ERR_CONFLICT) is recomputed and tried again for this long. The limit is a time and
 * not a count of tries (hub-ocpi(7), HTTP AND ANSWERS): a conflict is no sign of overload, since each time another
 * change was stored. Callers hardly wait longer than this.
 */
#define LATE_AFTER_US INT64_C(20000000)

/* Whether to give up. `began_us`: env_monotonic_us() of the first try. */
static inline bool late_since(int64_t began_us)
{
    return env_monotonic_us() - began_us > LATE_AFTER_US;
}

#endif
