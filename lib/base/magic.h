#ifndef LIB_BASE_MAGIC_H
#define LIB_BASE_MAGIC_H

#include <stdint.h>
#include <stddef.h>

#include "lib/base/bug.h"

/*
 * A `void *` that comes back from a callback is checked: the struct's first member is `uint32_t magic`, set
 * with its own constant at creation and cleared at the end. A wrong one is a bug that must not run on.
 *
 * Whatever has a life of its own has a magic number: what is allocated and freed, and what a handle, a timer or a
 * partner's answer may find again later. A block of a request's arena that waits for one read or write of the store
 * has none: the store calls back exactly once, a request is freed only by its answer, and that answer checks the
 * request's own number.
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
