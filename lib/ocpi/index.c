/* Finding texts again among many; see index.h. */
#include "lib/ocpi/index.h"

#include <stdlib.h>

int ocpi_index_init(struct ocpi_index *index, struct arena *arena, uint32_t capacity, enum ocpi_index_by by)
{
    index->by = by;
    index->count = 0;
    index->starts = NULL;
    index->entries = index->local;
    if (capacity > OCPI_INDEX_SHORT)
        index->entries = arena_alloc(arena, capacity * sizeof(struct ocpi_entry));
    return index->entries != NULL ? OK : ERR_MEMORY;
}

static unsigned char upper(char c)
{
    return (unsigned char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static uint64_t hash_folded(struct str text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ upper(text.data[i])) * 1099511628211u;
    return hash;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_keys(const void *left, const void *right)
{
    const struct ocpi_entry *a = left, *b = right;
    int order = compare_numbers(a->hash, b->hash);
    if (order == 0)
        order = compare_numbers(a->value->key.length, b->value->key.length);
    if (order == 0 && a->value->key.length > 0)
        order = memcmp(a->value->key.data, b->value->key.data, a->value->key.length);
    return order != 0 ? order : compare_numbers(a->order, b->order);
}

static int compare_texts(const void *left, const void *right)
{
    const struct ocpi_entry *a = left, *b = right;
    int order = compare_numbers(a->hash, b->hash);
    if (order == 0)
        order = compare_numbers(a->value->text.length, b->value->text.length);
    for (size_t i = 0; order == 0 && i < a->value->text.length; i++)
        order = upper(a->value->text.data[i]) - upper(b->value->text.data[i]);
    return order != 0 ? order : compare_numbers(a->order, b->order);
}

static void sort_run(struct ocpi_entry *entries, size_t count, enum ocpi_index_by by)
{
    int (*compare)(const void *, const void *) = by == OCPI_INDEX_BY_KEY ? compare_keys : compare_texts;
    if (count > OCPI_INDEX_SHORT) {
        qsort(entries, count, sizeof *entries, compare);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct ocpi_entry moved = entries[i];
        size_t at = i;
        for (; at > 0 && compare(&entries[at - 1], &moved) > 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = moved;
    }
}

/* Spread by the first bits of the hash into runs of a few, then each run sorted: what collides on purpose
 * costs a qsort. */
int ocpi_index_sort(struct ocpi_index *index, struct arena *arena)
{
    if (index->count <= OCPI_INDEX_SHORT)
        return OK;
    unsigned bits = 1;
    while (index->count >> bits > 4)
        bits++;
    uint32_t runs = (uint32_t)1 << bits;
    index->shift = 64 - bits;
    index->starts = arena_alloc(arena, (runs + 2) * sizeof *index->starts); /* zeroed */
    struct ocpi_entry *sorted = arena_alloc(arena, index->count * sizeof *sorted);
    if (index->starts == NULL || sorted == NULL)
        return ERR_MEMORY;
    /* Counted two places ahead: after the sums the place ahead is where a run grows, and in the end where it
     * began. */
    for (uint32_t i = 0; i < index->count; i++) {
        struct ocpi_entry *entry = &index->entries[i];
        entry->hash =
            index->by == OCPI_INDEX_BY_KEY ? str_hash(entry->value->key) : hash_folded(entry->value->text);
        index->starts[(entry->hash >> index->shift) + 2]++;
    }
    for (uint32_t run = 2; run < runs + 2; run++)
        index->starts[run] += index->starts[run - 1];
    for (uint32_t i = 0; i < index->count; i++)
        sorted[index->starts[(index->entries[i].hash >> index->shift) + 1]++] = index->entries[i];
    for (uint32_t run = 0; run < runs; run++)
        sort_run(sorted + index->starts[run], index->starts[run + 1] - index->starts[run], index->by);
    index->entries = sorted;
    return OK;
}

struct ocpi_entry *ocpi_index_find(struct ocpi_index *index, struct str key)
{
    if (index->starts == NULL) {
        for (uint32_t i = 0; i < index->count; i++)
            if (str_equal(index->entries[i].value->key, key))
                return &index->entries[i];
        return NULL;
    }
    /* The lowest place not below (hash, key, order 0) is the first of its equals. */
    struct json_value value = {.key = key};
    struct ocpi_entry wanted = {.hash = str_hash(key), .value = &value};
    uint64_t run = wanted.hash >> index->shift;
    uint32_t low = index->starts[run], high = index->starts[run + 1], end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_keys(&index->entries[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && str_equal(index->entries[low].value->key, key) ? &index->entries[low] : NULL;
}
