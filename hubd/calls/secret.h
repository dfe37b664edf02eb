#ifndef HUBD_CALLS_SECRET_H
#define HUBD_CALLS_SECRET_H

#include "lib/base/arena.h"
#include "lib/base/str.h"

/*
 * Removes tokens from texts of partners. A partner may repeat the token that was presented to it in an error
 * message or a debug page, whole or in part, plain or encoded. It must not reach another partner, the log,
 * the audit or a screen. Forms that are recognised: the token itself; its Base64 and URL-safe Base64, also
 * within the Base64 of a longer text ("Token " before it); the Base64 of its Base64; its hexadecimal digits.
 * Each in any case, percent-encoded or with JSON escapes.
 */

/* This many consecutive characters of a form betray the token and do not occur in a sentence by chance. */
#define SECRET_PART 12

/* A shorter token occurs in sentences by chance, and is not treated as a secret. */
#define SECRET_MIN 6

/* `text` with "..." in place of each word that holds a part of one of the tokens; empty tokens are ignored.
 * Returns `text` when nothing is hidden, else a text in the arena; "..." when there is no memory. */
struct str secret_hide(struct arena *arena, const struct str *tokens, size_t count, struct str text);
/* Whether secret_hide would hide anything. */
bool secret_is_in(struct arena *arena, const struct str *tokens, size_t count, struct str text);

#endif
