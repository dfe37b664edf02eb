#ifndef LIB_BASE_ARENA_H
#define LIB_BASE_ARENA_H

#include "lib/base/str.h"

struct budget; /* lib/base/budget.h */

/*
 * Memory that is freed as a whole, such as all memory of a request. Allocations are zeroed, aligned for any type, and
 * live until arena_free or arena_reset. An arena is not thread safe, but one thread may hand it over to another.
 */
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t block_size;          /* of the first block, bytes; 0: 4096 */
    size_t next_size;           /* of the next block, bytes: blocks grow; 0: like the first */
    struct budget *budget;      /* its blocks are charged to it; NULL: to none */
    bool counted;               /* see arena_count */
};

/* Prepares an empty arena; allocates nothing. `block_size`: bytes of the first block, 0 for 4096. */
void arena_init(struct arena *arena, size_t block_size);
/*
 * Charges the arena's blocks to `budget` (borrowed) from now on. Call it before the first allocation. When the budget is
 * used up, allocations fail as if there were no memory. Only the first block is always granted, so that a refusal can
 * be written.
 */
void arena_charge(struct arena *arena, struct budget *budget);
/* Like arena_charge, for work that must not fail because others use up the budget: every block is granted. */
void arena_count(struct arena *arena, struct budget *budget);
/* Frees everything; the arena may be used again. */
void arena_free(struct arena *arena);
/* Like arena_free, for an arena that held secrets: overwrites its memory first. */
void arena_wipe(struct arena *arena);
/* Forgets every allocation but keeps the first block for reuse. */
void arena_reset(struct arena *arena);
/* Zeroed memory of `size` bytes (at least 1), or NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* Like arena_alloc, but the memory is not zeroed. */
void *arena_alloc_raw(struct arena *arena, size_t size);
/* Copies `s` and adds a terminating NUL; data == NULL when there is no memory. */
struct str arena_copy(struct arena *arena, struct str s);
/* Copies `s` as a C string; NULL when there is no memory. */
char *arena_copy_text(struct arena *arena, struct str s);
/* Formatted text (NUL-terminated behind `length`); data == NULL when there is no memory. */
struct str arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Copies `s` with ASCII letters in upper case, the folded form of a CiString; data == NULL when there is no memory. */
struct str arena_copy_upper(struct arena *arena, struct str s);
/* Bytes that the arena has from malloc(3), for tests of memory bounds. */
size_t arena_size(const struct arena *arena);

#endif
