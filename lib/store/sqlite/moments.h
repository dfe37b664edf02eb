#ifndef LIB_STORE_SQLITE_MOMENTS_H
#define LIB_STORE_SQLITE_MOMENTS_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * The times of arrivals, and up to when a reader has seen all of them (hub-ocpi(7), PAGINATION: what becomes
 * visible only after a list was answered is in the window that begins at that answer). An arrival is stamped
 * before the commit that makes it visible, so a reader's own clock would promise too much while a commit is
 * under way. The clock here never goes back, whatever the wall clock does: nothing is stamped below what a
 * reader has been promised. Thread safe; one writer.
 */
struct moments {
    atomic_llong last;      /* the greatest moment ever given or promised */
    atomic_llong committed; /* of the writer: nothing below it is to come; INT64_MAX: it commits nothing */
};

/* `last`: the last moment known from before the start. */
void moments_init(struct moments *moments, int64_t last);
/* The writer begins a commit: what arrives with it is stamped with the result. */
int64_t moments_begin(struct moments *moments);
/* It has ended, one way or the other: readers that begin now see it. */
void moments_end(struct moments *moments);
/* Before a reader begins: what it does not see will have arrived at the result or later. */
int64_t moments_horizon(struct moments *moments);

#endif
