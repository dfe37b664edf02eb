#ifndef HUBD_REGISTRY_RULE_INDEX_H
#define HUBD_REGISTRY_RULE_INDEX_H

#include "lib/base/arena.h"
#include "lib/store/store.h"

/*
 * Finds the rule of a pair in a list of rules in one step: a table with open addressing, whose size follows
 * the rules there are and not the pairs there could be. Every message asks it (hub-ocpi(7), ROUTING).
 */
struct rule_index {
    const struct store_rule *rules; /* borrowed */
    uint32_t *slots;                /* place in `rules` + 1; 0: free */
    size_t size;                    /* of slots, a power of two; at least three of four are free */
};

/* Of the first `count` of `rules`, each pair at most once, with room for `room` in all; lives in the arena.
 * False: no memory. */
bool rule_index_make(struct rule_index *index, struct arena *arena, const struct store_rule *rules,
                     size_t count, size_t room);
/* Adds the rule at that place of the list; within the room, and its pair is not there yet. */
void rule_index_add(struct rule_index *index, size_t place);

/* Where the pair's place stands, or belongs. Rows are numbered one after the other: the odd factors spread
 * neighbours over the whole table. */
static inline uint32_t *rule_index_slot(const struct rule_index *index, int64_t emsp, int64_t cpo)
{
    uint64_t hash = (uint64_t)emsp * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)cpo;
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    size_t at = (size_t)(hash >> 32) & (index->size - 1);
    for (; index->slots[at] != 0; at = (at + 1) & (index->size - 1)) {
        const struct store_rule *rule = &index->rules[index->slots[at] - 1];
        if (rule->emsp == emsp && rule->cpo == cpo)
            break;
    }
    return &index->slots[at];
}

/* The pair's rule whatever its state; NULL: there never was one. By the numbers of the parties' rows. */
static inline const struct store_rule *rule_index_find(const struct rule_index *index, int64_t emsp,
                                                       int64_t cpo)
{
    uint32_t place = *rule_index_slot(index, emsp, cpo);
    return place == 0 ? NULL : &index->rules[place - 1];
}

#endif
