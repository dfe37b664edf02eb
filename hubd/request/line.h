#ifndef HUBD_REQUEST_LINE_H
#define HUBD_REQUEST_LINE_H

#include "hubd/loop.h"

/*
 * Puts changes of one object in order (hub-ocpi(7), HTTP AND ANSWERS). A request that changes an object takes
 * a place in the object's line first. LINE_ALONE is for a change that is computed from the stored object
 * (PATCH): nobody else may change the object meanwhile, so no change is lost. LINE_SHARED is for a change
 * that does not read the object (PUT), or that concerns a part of it: any number at the same time, the store
 * orders them. Places are given first come, first served. An empty line takes no memory, and lines are
 * independent of each other.
 */
enum line_mode { LINE_SHARED, LINE_ALONE };

struct line;
struct lines;

/* A place in a line. The caller owns it and keeps it from line_enter to line_leave. */
struct line_place {
    struct line *line; /* NULL: in no line */
    enum line_mode mode;
    void (*turn)(struct line_place *place); /* called on `loop` when its turn comes, if it had to wait */
    struct loop *loop;
    void *context;
    /* own */
    struct loop_task task;
    struct ring waiting;
};

/* Makes the table of lines. NULL: no memory. */
struct lines *lines_new(void);
/* Frees the table; all lines must be empty. */
void lines_free(struct lines *lines);
/*
 * Takes a place in the line `key`, a hash of the object's id. Two objects with the same hash share a line,
 * which costs time only. Returns 1 when it is the place's turn at once; 0 when place->turn will be called,
 * exactly once; ERR_MEMORY when the place is in no line. Thread safe.
 */
int line_enter(struct lines *lines, uint64_t key, struct line_place *place, enum line_mode mode);
/* Leaves the line after the place's turn and wakes the next one. Does nothing for a place in no line. Thread
 * safe. */
void line_leave(struct lines *lines, struct line_place *place);

#endif
