#include "lib/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/budget.h"
#include "lib/base/crypto.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN
#endif
#endif
#ifdef ARENA_ASAN
/* Unused bytes are forbidden ones, so that a stale or overrunning pointer is found although malloc knows only
 * the block. */
#include <sanitizer/asan_interface.h>
#define HIDE(data, size)   ASAN_POISON_MEMORY_REGION(data, size)
#define REVEAL(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#else
#define HIDE(data, size)   ((void)(data), (void)(size))
#define REVEAL(data, size) ((void)(data), (void)(size))
#endif

#define ALIGNMENT      _Alignof(max_align_t)
#define BLOCK_SIZE     4096
#define BLOCK_SIZE_MAX ((size_t)256 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t capacity; /* bytes in `data` */
    size_t used;
    bool large; /* made for one allocation over the block size */
    _Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t block_size)
{
    *arena = (struct arena){.block_size = block_size};
}

void arena_charge(struct arena *arena, struct budget *budget)
{
    arena->budget = budget;
}

void arena_count(struct arena *arena, struct budget *budget)
{
    arena->budget = budget;
    arena->counted = true;
}

static void free_block(const struct arena *arena, struct arena_block *block)
{
    budget_release(arena->budget, block->capacity + sizeof *block);
    REVEAL(block->data, block->capacity);
    free(block);
}

void arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free_block(arena, block);
    }
    arena->next_size = 0;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block != NULL; block = block->next) {
        REVEAL(block->data, block->used);
        crypto_wipe(block->data, block->used);
    }
    arena_free(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = NULL;
    arena->next_size = 0;
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->large) {
            free_block(arena, block);
            continue;
        }
        /* The list is newest first: what stays in the end is the first one. */
        if (kept != NULL)
            free_block(arena, kept);
        kept = block;
    }
    if (kept == NULL)
        return;
    kept->next = NULL;
    kept->used = 0;
    HIDE(kept->data, kept->capacity);
    arena->blocks = kept;
}

/* A block from malloc, charged; the first one of an arena always is, whatever the budget says. */
static struct arena_block *take_block(struct arena *arena, size_t total, bool large)
{
    if (arena->counted || (arena->blocks == NULL && !large))
        budget_add(arena->budget, total);
    else if (!budget_take(arena->budget, total))
        return NULL;
    struct arena_block *block = malloc(total);
    if (block == NULL)
        budget_release(arena->budget, total);
    return block;
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t total = arena->next_size > 0                             ? arena->next_size
                   : arena->block_size > sizeof(struct arena_block) ? arena->block_size
                                                                    : BLOCK_SIZE;
    bool large = size > total - sizeof(struct arena_block);
    if (large && size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    if (large)
        total = size + sizeof(struct arena_block);
    struct arena_block *block = take_block(arena, total, large);
    if (block == NULL)
        return NULL;
    block->capacity = total - sizeof(struct arena_block);
    block->used = 0;
    block->large = large;
    HIDE(block->data, block->capacity);
    if (large && arena->blocks != NULL) {
        /* It will be full at once: the block in use stays in front. */
        block->next = arena->blocks->next;
        arena->blocks->next = block;
        return block;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    if (!large && total < BLOCK_SIZE_MAX)
        arena->next_size = total * 2;
    return block;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
    struct arena_block *block = arena->blocks;
    size_t from = block == NULL ? 0 : (block->used + alignment - 1) & ~(alignment - 1);
    if (block == NULL || from > block->capacity || size > block->capacity - from) {
        block = add_block(arena, size);
        if (block == NULL)
            return NULL;
        from = 0;
    }
    block->used = from + size;
    REVEAL(block->data + from, size);
    return block->data + from;
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
    return take(arena, size, ALIGNMENT);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *data = take(arena, size, ALIGNMENT);
    return data == NULL ? NULL : memset(data, 0, size);
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *data = s.length == SIZE_MAX ? NULL : take(arena, s.length + 1, 1);
    if (data == NULL)
        return STR_NONE;
    if (s.length > 0)
        memcpy(data, s.data, s.length);
    data[s.length] = '\0';
    return str_of(data, s.length);
}

char *arena_copy_text(struct arena *arena, struct str s)
{
    char *data = s.length == SIZE_MAX ? NULL : take(arena, s.length + 1, 1);
    if (data == NULL)
        return NULL;
    str_copy(s, data, s.length + 1);
    return data;
}

struct str arena_copy_upper(struct arena *arena, struct str s)
{
    char *data = s.length == SIZE_MAX ? NULL : take(arena, s.length + 1, 1);
    if (data == NULL)
        return STR_NONE;
    str_copy_upper(s, data, s.length + 1);
    return str_of(data, s.length);
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    struct str made = STR_NONE;
    struct arena_block *block = arena->blocks;
    size_t room = block == NULL ? 0 : block->capacity - block->used;
    char *rest = block == NULL ? NULL : block->data + block->used;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    /* It nearly always fits into what is left of the block, and is formatted once. */
    REVEAL(rest, room);
    int length = vsnprintf(rest, room, format, arguments);
    HIDE(rest, room);
    bool fits = length >= 0 && (size_t)length < room;
    char *data = length < 0 ? NULL : take(arena, (size_t)length + 1, 1);
    if (data != NULL && (fits || vsnprintf(data, (size_t)length + 1, format, again) == length))
        made = str_of(data, (size_t)length);
    va_end(again);
    va_end(arguments);
    return made;
}

size_t arena_size(const struct arena *arena)
{
    size_t size = 0;
    for (const struct arena_block *block = arena->blocks; block != NULL; block = block->next)
        size += sizeof *block + block->capacity;
    return size;
}
