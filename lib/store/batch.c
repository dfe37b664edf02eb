#include "lib/store/store.h"

void store_batch_init(struct store_apply *apply, struct arena *arena)
{
    *apply = (struct store_apply){.arena = arena};
    ring_init(&apply->queue);
}

struct store_op *store_batch_add(struct store_apply *apply, enum store_op_type type)
{
    struct store_op *op = apply->result == ERR_MEMORY ? NULL : arena_alloc(apply->arena, sizeof *op);
    if (!op) {
        apply->result = ERR_MEMORY;
        return NULL;
    }
    op->type = type;
    if (apply->last)
        apply->last->next = op;
    else
        apply->first = op;
    apply->last = op;
    return op;
}
