#ifndef HUBD_REGISTRY_RULE_INDEX_H
#define HUBD_REGISTRY_RULE_INDEX_H

#include "lib/base/arena.h"
#include "lib/store/store.h"

/*
 * Finds the rule of a pair of parties in constant time: a hash table with open addressing whose size grows
 * with the rules, not with the possible pairs. Every message looks a rule up (hub-ocpi(7), ROUTING).
 */
struct rule_index {
    const struct store_rule *rules; /* borrowed */
    uint32_t *slots;                /* place in `rules` + 1; 0: free */
    size_t size;                    /* number of slots, a power of two; at least three quarters are free */
};

/* Builds the index of the first `count` of `rules`, in the arena, with space for `room` rules in all. No pair
 * may occur twice. False: no memory. */
bool rule_index_make(struct rule_index *index, struct arena *arena, const struct store_rule *rules,
                     size_t count, size_t room);
/* Adds rules[place], whose pair must not be in the index yet; within `room`. */
void rule_index_add(struct rule_index *index, size_t place);

/* The slot of a pair, or the free one where it belongs. Row ids are consecutive numbers: the odd factors
 * spread them over the whole table. */
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

/* The rule of a pair, given by the ids of the parties' rows, in any state; NULL: there never was one. */
static inline const struct store_rule *rule_index_find(const struct rule_index *index, int64_t emsp,
                                                       int64_t cpo)
{
    uint32_t place = *rule_index_slot(index, emsp, cpo);
    return place == 0 ? NULL : &index->rules[place - 1];
}

#endif
