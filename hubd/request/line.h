#ifndef HUBD_REQUEST_LINE_H
#define HUBD_REQUEST_LINE_H

#include "hubd/loop.h"

/*
 * Changes of one object are done one after the other (hub-ocpi(7), HTTP AND ANSWERS): whoever changes an
 * object takes a place in its line. LINE_ALONE is for those that read what is stored and write what they made
 * of it (PATCH); they have the object for themselves, so that none of them writes over another's change.
 * LINE_SHARED is for those that replace it unread (PUT), or that change a part of it: any number at once,
 * since the store orders them. First come, first served: nobody overtakes one that waits. A line costs
 * nothing while nobody stands in it, and what happens in one line concerns no other.
 */
enum line_mode { LINE_SHARED, LINE_ALONE };

struct line;
struct lines;

/* In the memory of who waits, from line_enter to line_leave. */
struct line_place {
    struct line *line; /* NULL: in none */
    enum line_mode mode;
    void (*turn)(struct line_place *place); /* called on `loop` when its turn comes later */
    struct loop *loop;
    void *context;
    /* own */
    struct loop_task task;
    struct ring waiting;
};

/* NULL: no memory. */
struct lines *lines_new(void);
/* Nobody may stand in a line any more. */
void lines_free(struct lines *lines);
/*
 * Takes a place in the line `key`, a hash of what is changed: two objects with one hash wait for each other
 * without need, nothing worse. 1: it is its turn at once; 0: place->turn will be called, exactly once;
 * ERR_MEMORY: it is in no line. Thread safe.
 */
int line_enter(struct lines *lines, uint64_t key, struct line_place *place, enum line_mode mode);
/* Gives the place up after its turn, and the turn to whom it is due. In no line: does nothing. Thread safe.
 */
void line_leave(struct lines *lines, struct line_place *place);

#endif
