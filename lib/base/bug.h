#ifndef LIB_BASE_BUG_H
#define LIB_BASE_BUG_H

#include <stddef.h>

/*
 * A bug: something impossible has happened, so the state in memory is wrong, and going on could lose or invent a
 * message. hubd reports what happened and where, and aborts; the service manager starts it again, and it goes on from
 * what is on disk.
 *
 * When malloc(3) returns NULL:
 * - While hubd starts, the start fails: ERR_MEMORY, a line on stderr, exit code 78.
 * - For a request, a body, an answer or a list, whoever asked for it is refused: ERR_MEMORY, HTTP 503. Their memory is
 *   counted in a budget (budget.h).
 * - For a block of fixed size, at most a few hundred bytes, that hubd needs to store, send or finish an acknowledged
 *   message, it is a bug: such blocks come from must_alloc.
 */

/* Writes "BUG at FILE:LINE, FUNCTION: " and the formatted text (printf(3)) as one line to stderr, then calls abort(3).
 * Takes no lock and no memory, so any thread may call it in any state of the process. */
_Noreturn void bug_report(const char *file, int line, const char *function, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));
/* Reports a bug. The text names the object and what is impossible: BUG("session %s: ended twice", id). */
#define BUG(...) bug_report(__FILE__, __LINE__, __func__, __VA_ARGS__)

/* Returns `size` bytes, zeroed, never NULL; the caller owns them and calls free(3). When there is no memory it is a
 * BUG that names `what`. */
void *must_alloc(size_t size, const char *what) __attribute__((malloc, returns_nonnull, alloc_size(1)));

#endif
