#ifndef LIB_BASE_BUG_H
#define LIB_BASE_BUG_H

#include <stddef.h>

/*
 * What must never happen has happened: the state in memory cannot be trusted, and going on could lose or invent a
 * message. hubd says what and where, aborts, and starts again from what is on disk.
 *
 * Memory that is not there is a bug in one case only. The rule: what grows with a request, a body, an answer or a
 * list is counted in a budget (budget.h) and its lack is ERR_MEMORY, told to whoever asked (503). A block of fixed
 * size at most a few hundred bytes, without which an acknowledged message could not be stored, sent or finished, is
 * taken by must_alloc: without it nothing goes on. There is no third way.
 */

/* "BUG at FILE:LINE, FUNCTION: " and the formatted text (printf) as one line on stderr, then abort(3). No lock and no
 * allocation: any thread, whatever state the process is in. */
_Noreturn void bug_report(const char *file, int line, const char *function, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));
/* The text names what is impossible and the object: BUG("session %s: ended twice", id). */
#define BUG(...) bug_report(__FILE__, __LINE__, __func__, __VA_ARGS__)

/* Zeroed memory of a fixed, small size; never NULL. `what`: for the last line on stderr. free(3) gives it back. */
void *must_alloc(size_t size, const char *what) __attribute__((malloc, returns_nonnull, alloc_size(1)));

#endif
