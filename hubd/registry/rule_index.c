#include "hubd/registry/rule_index.h"

bool rule_index_make(struct rule_index *index, struct arena *arena, const struct store_rule *rules,
                     size_t count, size_t room)
{
    size_t size = 16;
    while (size < room * 4)
        size *= 2;
    *index = (struct rule_index){rules, arena_alloc(arena, size * sizeof *index->slots), size};
    if (index->slots == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        rule_index_add(index, i);
    return true;
}

void rule_index_add(struct rule_index *index, size_t place)
{
    const struct store_rule *rule = &index->rules[place];
    *rule_index_slot(index, rule->emsp, rule->cpo) = (uint32_t)(place + 1);
}
