#ifndef LIB_OCPI_INDEX_H
#define LIB_OCPI_INDEX_H

#include "lib/json/reader.h"

/*
 * Finding texts again among many, for this room only: an array that is scanned while it is short and sorted
 * by hash when it is long, so that neither 10 000 EVSEs nor a body made of keys that collide on purpose
 * becomes quadratic. Short ones live in the struct, long ones in the arena.
 */
#define OCPI_INDEX_SHORT 16

/* What is compared: the names of members exactly, or texts with letters folded. */
enum ocpi_index_by { OCPI_INDEX_BY_KEY, OCPI_INDEX_BY_TEXT };

struct ocpi_entry {
    uint64_t hash;
    const struct json_value *value;
    uint32_t order; /* position in the source */
    bool used;      /* the caller's mark */
};

struct ocpi_index {
    enum ocpi_index_by by;
    uint32_t count;
    struct ocpi_entry *entries; /* long ones sorted by (hash, text, order) */
    uint32_t *starts;           /* of the entries whose hash begins with the same bits; NULL when short */
    unsigned shift;
    struct ocpi_entry local[OCPI_INDEX_SHORT];
};

/* An empty index with room for `capacity` entries; ERR_MEMORY. */
int ocpi_index_init(struct ocpi_index *index, struct arena *arena, uint32_t capacity, enum ocpi_index_by by);
static inline void ocpi_index_add(struct ocpi_index *index, const struct json_value *value, uint32_t order)
{
    index->entries[index->count++] = (struct ocpi_entry){.value = value, .order = order};
}
/* To be called once, when all are added; ERR_MEMORY. */
int ocpi_index_sort(struct ocpi_index *index, struct arena *arena);
/* The first entry of the source with that key, in a sorted index by key; NULL when there is none. */
struct ocpi_entry *ocpi_index_find(struct ocpi_index *index, struct str key);

#endif
