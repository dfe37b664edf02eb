#ifndef LIB_BASE_SM_H
#define LIB_BASE_SM_H

#include <stdint.h>

#include "lib/base/bug.h"

/*
 * State machines as tables: which state may follow which, and what they are called. A move that the table does not
 * have is a bug that names machine and states. A move costs a shift and a bit test.
 */
struct sm {
    const char *machine;      /* "connection" */
    const char *const *names; /* by state */
    const uint32_t *next;     /* by state: SM_TO bits of those that may follow */
    unsigned count;           /* of states, at most 32 */
};
#define SM_TO(state) (UINT32_C(1) << (state))

/* Aborts unless `to` may follow `from`. `object`: for the report. */
static inline void sm_check(const struct sm *sm, unsigned from, unsigned to, const void *object)
{
    if (from >= sm->count || to >= sm->count || (sm->next[from] & SM_TO(to)) == 0)
        BUG("%s %p: %s may not become %s", sm->machine, object, from < sm->count ? sm->names[from] : "?",
            to < sm->count ? sm->names[to] : "?");
}

#endif
