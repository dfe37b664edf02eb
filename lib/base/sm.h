#ifndef LIB_BASE_SM_H
#define LIB_BASE_SM_H

#include <stdint.h>

#include "lib/base/bug.h"

/*
 * A state machine as a table: the name of each state, and which states may follow it. A transition that the table does
 * not allow is a BUG that names the machine, the object and both states.
 */
struct sm {
    const char *machine;      /* its name, for the BUG: "HTTP connection" */
    const char *const *names; /* by state */
    const uint32_t *next;     /* by state: SM_TO bits of the states that may follow it */
    unsigned count;           /* number of states, at most 32 */
};
#define SM_TO(state) (UINT32_C(1) << (state))

/* Checks that state `to` may follow state `from`; a BUG otherwise. `object`: its address goes into the BUG. */
static inline void sm_check(const struct sm *sm, unsigned from, unsigned to, const void *object)
{
    if (from >= sm->count || to >= sm->count || (sm->next[from] & SM_TO(to)) == 0)
        BUG("%s %p: %s may not become %s", sm->machine, object, from < sm->count ? sm->names[from] : "?",
            to < sm->count ? sm->names[to] : "?");
}

#endif
