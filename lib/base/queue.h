#ifndef LIB_BASE_QUEUE_H
#define LIB_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive doubly linked list: put a struct queue in your struct and in the head. The queue owns nothing;
 * removal is O(1). Not thread safe.
 */
struct queue {
    struct queue *next, *previous;
};

static inline void queue_init(struct queue *head)
{
    head->next = head->previous = head;
}
static inline bool queue_is_empty(const struct queue *head)
{
    return head->next == head;
}
/* Appends `node` at the end of the list of `head`. */
static inline void queue_push(struct queue *head, struct queue *node)
{
    node->next = head;
    node->previous = head->previous;
    head->previous->next = node;
    head->previous = node;
}
/* Takes `node` out of its list and makes it a list of its own, so a second removal is harmless. */
static inline void queue_remove(struct queue *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    queue_init(node);
}
/* Takes the first node out, NULL when the list is empty. */
static inline struct queue *queue_pop(struct queue *head)
{
    if (queue_is_empty(head))
        return NULL;
    struct queue *node = head->next;
    queue_remove(node);
    return node;
}
/* Moves everything from `from` to the end of `to`. */
static inline void queue_append(struct queue *to, struct queue *from)
{
    if (queue_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    queue_init(from);
}

#endif
