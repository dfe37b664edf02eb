#ifndef LIB_BASE_ARENA_H
#define LIB_BASE_ARENA_H

#include "lib/base/str.h"

struct budget; /* lib/base/budget.h */

/*
 * Memory that is freed whole: one arena per request. Not thread safe; it may be handed from one thread to
 * another. Allocations are aligned for any type, zeroed, and live until arena_free or arena_reset.
 */
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t block_size;          /* of the first block, bytes; 0: 4096 */
    size_t next_size;           /* of the next one: they grow; 0: as the first */
    struct budget *budget;      /* that its blocks are charged to; NULL: none */
    bool counted;               /* charged, but never refused */
};

/* Prepares an empty arena; allocates nothing. `block_size`: bytes of the first block, 0 for 4096. */
void arena_init(struct arena *arena, size_t block_size);
/*
 * Charges its blocks from here on to `budget` (borrowed), before anything is allocated. Over the budget
 * allocations fail as if there were no memory; the first block is only charged, so that a refusal can be
 * written.
 */
void arena_charge(struct arena *arena, struct budget *budget);
/* The same for work that must not fail for what others hold: its blocks are charged and never refused. */
void arena_count(struct arena *arena, struct budget *budget);
/* Frees everything; the arena may be used again. */
void arena_free(struct arena *arena);
/* The same for an arena that held secrets: overwrites what was allocated first. */
void arena_wipe(struct arena *arena);
/* Forgets every allocation but keeps the first block for reuse. */
void arena_reset(struct arena *arena);
/* Zeroed memory of `size` bytes (at least 1), or NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same without zeroing, for memory that is filled at once. */
void *arena_alloc_raw(struct arena *arena, size_t size);
/* Copies, with a terminating NUL behind; data == NULL when there is no memory. */
struct str arena_copy(struct arena *arena, struct str s);
/* The same as a C string, NULL when there is no memory. */
char *arena_copy_text(struct arena *arena, struct str s);
/* Formatted text (NUL-terminated behind `length`); data == NULL when there is no memory. */
struct str arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Copies with ASCII letters in upper case: the folded form of a CiString. */
struct str arena_copy_upper(struct arena *arena, struct str s);
/* Bytes held from malloc, for tests that assert memory bounds. */
size_t arena_size(const struct arena *arena);

#endif
