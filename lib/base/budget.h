#ifndef LIB_BASE_BUDGET_H
#define LIB_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * One count of the bytes that many owners on many threads hold, with a bound: what outsiders can make a
 * process keep is charged here, so that it refuses work instead of being killed for memory. Arenas and
 * buffers charge what they take from malloc once they are given a budget (arena_charge, buffer_charge).
 *
 * What counts, where a hub has one (`memory_max`): the arenas of requests with everything in them (heads,
 * decoded paths, trees of JSON, rows that were read, answers of partners), bodies that come in, bytes that
 * wait for a connection's turn, answers over 16 KiB that wait for a slow reader, deliveries under way with
 * their answers. What does not: the fixed cost of a connection (below 1 KiB) and of a socket in the kernel,
 * the registry, the store's caches, a loop's own scratch memory.
 *
 * A budget is thread safe, costs one atomic addition for each block (not for each request: recycled requests
 * keep their first block), and NULL stands for one without a bound.
 */
struct budget {
    atomic_size_t used;
    size_t maximum; /* bytes; 0: no bound */
};

static inline void budget_init(struct budget *budget, size_t maximum)
{
    atomic_init(&budget->used, 0);
    budget->maximum = maximum;
}

/* Charges `size` bytes that are held anyway: small ones, with which a refusal is written. */
static inline void budget_add(struct budget *budget, size_t size)
{
    if (budget != NULL)
        atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed);
}

static inline void budget_release(struct budget *budget, size_t size)
{
    if (budget != NULL)
        atomic_fetch_sub_explicit(&budget->used, size, memory_order_relaxed);
}

/* Charges `size` bytes; false, and nothing is charged, when they do not fit. */
static inline bool budget_take(struct budget *budget, size_t size)
{
    if (budget == NULL)
        return true;
    size_t before = atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed);
    if (budget->maximum == 0 || (before < budget->maximum && size <= budget->maximum - before))
        return true;
    budget_release(budget, size);
    return false;
}

/* Nothing more should be begun that needs memory. */
static inline bool budget_is_full(struct budget *budget)
{
    return budget != NULL && budget->maximum > 0 &&
           atomic_load_explicit(&budget->used, memory_order_relaxed) >= budget->maximum;
}

#endif
