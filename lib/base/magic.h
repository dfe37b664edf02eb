#ifndef LIB_BASE_MAGIC_H
#define LIB_BASE_MAGIC_H

#include <stdint.h>
#include <stddef.h>

#include "lib/base/bug.h"

/*
 * A callback's `void *` context is checked before it is used. Its struct has a member `uint32_t magic`, set to the
 * struct's own constant when a callback is registered with it and cleared when the struct ends. A context with any
 * other number has ended already, or is something else: a bug. The constant of one struct is no other's.
 *
 * tests/structure.py refuses a context that is used unchecked, and lists the few that need no check, with reasons.
 */
#define MAGIC_CAST(type, pointer, number)                                                                    \
    __extension__({                                                                                          \
        type *magic_object = (pointer);                                                                      \
        if (magic_object == NULL || magic_object->magic != (number))                                         \
            BUG("%p is no " #type ", or no longer", (void *)magic_object);                                   \
        magic_object;                                                                                        \
    })

/* The struct around a member. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
