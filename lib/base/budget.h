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
 * Large blocks, over BUDGET_SMALL, get three quarters of it: what is left is for the small requests by which
 * drivers charge, so that no lists, large objects or bodies, and no slow readers of such, keep them out.
 *
 * One caller (a partner's platform) gets a quarter (`http_exchange.held`): its bodies over 16 KiB and the
 * answers over 16 KiB that wait for it are counted there too. Over it, only this caller is refused its next
 * large body, and the reading of its next list or object. Strangers hold nothing: their bodies are not kept,
 * their answers are short.
 *
 * A budget is thread safe, costs one atomic addition for each block (not for each request: recycled requests
 * keep their first block), and NULL stands for one without a bound.
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

/* Bytes of it that large blocks may fill. */
static inline size_t budget_large(const struct budget *budget)
{
    return budget->maximum - budget->maximum / 4;
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
    size_t most = size > BUDGET_SMALL ? budget_large(budget) : budget->maximum;
    if (most == 0 || (before < most && size <= most - before))
        return true;
    budget_release(budget, size);
    return false;
}

static inline bool budget_holds(struct budget *budget, size_t size)
{
    return budget != NULL && budget->maximum > 0 &&
           atomic_load_explicit(&budget->used, memory_order_relaxed) >= size;
}

/* Nothing more should be begun that needs memory. */
static inline bool budget_is_full(struct budget *budget)
{
    return budget != NULL && budget_holds(budget, budget->maximum);
}

/* Nothing large should be begun. */
static inline bool budget_is_full_of_large(struct budget *budget)
{
    return budget != NULL && budget_holds(budget, budget_large(budget));
}

/* One caller has its quarter of it. */
static inline bool budget_is_share(const struct budget *budget, size_t held)
{
    return budget != NULL && budget->maximum > 0 && held >= budget->maximum / 4;
}

#endif
