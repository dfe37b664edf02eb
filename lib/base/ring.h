#ifndef LIB_BASE_RING_H
#define LIB_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An intrusive doubly linked list: each element contains a struct ring, and so does whoever holds the list (the head).
 * The list owns nothing. Removal is O(1). Not thread safe.
 */
struct ring {
    struct ring *next, *previous;
};

static inline void ring_init(struct ring *head)
{
    head->next = head->previous = head;
}
static inline bool ring_is_empty(const struct ring *head)
{
    return head->next == head;
}
/* Appends `node` at the end of the list of `head`. */
static inline void ring_push(struct ring *head, struct ring *node)
{
    node->next = head;
    node->previous = head->previous;
    head->previous->next = node;
    head->previous = node;
}
/* Takes `node` out of its list and makes it a list of its own, so a second removal is harmless. */
static inline void ring_remove(struct ring *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    ring_init(node);
}
/* Takes the first node out, NULL when the list is empty. */
static inline struct ring *ring_pop(struct ring *head)
{
    if (ring_is_empty(head))
        return NULL;
    struct ring *node = head->next;
    ring_remove(node);
    return node;
}
/* Moves everything from `from` to the end of `to`. */
static inline void ring_append(struct ring *to, struct ring *from)
{
    if (ring_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    ring_init(from);
}

#endif
