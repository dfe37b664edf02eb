#ifndef LIB_BASE_BUDGET_H
#define LIB_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Counts the bytes of memory that outsiders make the process use, on all threads, and bounds them: the process refuses
 * work before it runs out of memory. An arena or a buffer that has a budget (arena_charge, buffer_charge) charges all
 * it takes from malloc(3).
 *
 * hubd has one budget, of `memory_max` bytes. Charged are the arenas of requests (heads, decoded paths, JSON trees, rows
 * from the store, answers of partners), request bodies, bytes of a pipelined request that waits for its turn, answers
 * over 16 KiB that wait for a slow reader, and deliveries under way with their answers. Not charged are the fixed cost
 * of a connection (below 1 KiB) and of a socket in the kernel, the registry, the store's caches, and the scratch memory
 * of the loops.
 *
 * Blocks larger than BUDGET_SMALL may use three quarters of the budget. The last quarter is for small requests, such as
 * authorizations, so that lists and large objects, bodies and answers cannot block them.
 *
 * One caller (a partner's platform) may use a quarter for its bodies over 16 KiB and for the answers over 16 KiB that
 * wait for it (`http_exchange.held`). Beyond that, this caller alone is refused: its next large body, and its next read
 * of a list or object. Callers without a valid token use next to nothing: their bodies are not kept and their answers
 * are short.
 *
 * A budget is thread safe. Each block costs one atomic addition; a recycled request keeps its first block and costs
 * none. NULL as a budget means no bound.
 */
#define BUDGET_SMALL (64 * 1024)

struct budget {
    atomic_size_t used;
    size_t maximum; /* bytes; 0: no bound */
};

static inline void budget_init(struct budget *budget, size_t maximum)
{
    atomic_init(&budget->used, 0);
    budget->maximum = maximum;
}

/* Bytes that large blocks may use. */
static inline size_t budget_large(const struct budget *budget)
{
    return budget->maximum - budget->maximum / 4;
}

/* Charges `size` bytes, even beyond the maximum: for small blocks that a refusal needs. */
static inline void budget_add(struct budget *budget, size_t size)
{
    if (budget != NULL)
        atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed);
}

/* Gives back `size` bytes that were charged. */
static inline void budget_release(struct budget *budget, size_t size)
{
    if (budget != NULL)
        atomic_fetch_sub_explicit(&budget->used, size, memory_order_relaxed);
}

/* Charges `size` bytes. False: they do not fit, and nothing is charged. */
static inline bool budget_take(struct budget *budget, size_t size)
{
    if (budget == NULL)
        return true;
    size_t before = atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed);
    size_t most = size > BUDGET_SMALL ? budget_large(budget) : budget->maximum;
    if (most == 0 || (before < most && size <= most - before))
        return true;
    budget_release(budget, size);
    return false;
}

/* Whether `size` bytes or more are charged. */
static inline bool budget_holds(struct budget *budget, size_t size)
{
    return budget != NULL && budget->maximum > 0 &&
           atomic_load_explicit(&budget->used, memory_order_relaxed) >= size;
}

/* Whether the budget is used up: begin nothing that needs memory. */
static inline bool budget_is_full(struct budget *budget)
{
    return budget != NULL && budget_holds(budget, budget->maximum);
}

/* Whether the part for large blocks is used up: begin nothing large. */
static inline bool budget_is_full_of_large(struct budget *budget)
{
    return budget != NULL && budget_holds(budget, budget_large(budget));
}

/* Whether `held` bytes are the quarter that one caller may use. */
static inline bool budget_is_share(const struct budget *budget, size_t held)
{
    return budget != NULL && budget->maximum > 0 && held >= budget->maximum / 4;
}

#endif
