#ifndef HUBD_OUTBOX_TRIES_H
#define HUBD_OUTBOX_TRIES_H

#include "lib/base/arena.h"

/*
 * Every try of a delivery, as the text that its row keeps (struct store_delivery.tries). A line is
 *   <wall_ms> <http> <status_code> <latency_ms> <text>\n
 * The first 3 and the last 17 are kept; the row's `attempts` counts them all.
 */
#define OUTBOX_TRIES_FIRST 3
#define OUTBOX_TRIES_LAST  17
#define OUTBOX_TRY_TEXT    200 /* bytes of text at most */

struct outbox_try {
    int64_t time;       /* wall ms of its end */
    int http;           /* status; 0: no answer */
    int status_code;    /* of the OCPI envelope; 0: none */
    int64_t latency_ms; /* from the call to the answer, or to giving up */
    struct str text;    /* what went wrong, as one line; empty: nothing */
};

/*
 * `tries` with one more behind it, in the arena; data NULL when there is no memory. The text is cut, and what
 * is no character of a line in it (line ends, control bytes, broken UTF-8) becomes a space.
 */
struct str outbox_tries_add(struct arena *arena, struct str tries, const struct outbox_try *try);
/* Cuts the next line off `*rest`, oldest first; the text is a view. False at the end. Lines of another form
 * are passed over. */
bool outbox_tries_next(struct str *rest, struct outbox_try *try);

#endif
