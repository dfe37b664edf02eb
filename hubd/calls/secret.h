#ifndef HUBD_CALLS_SECRET_H
#define HUBD_CALLS_SECRET_H

#include "lib/base/arena.h"
#include "lib/base/str.h"

/*
 * Tokens in what partners say. A partner may repeat what was presented to it in an error message or a debug
 * page, whole or cut, as it came or encoded; neither another partner, nor the log, the audit or a screen may
 * have it. The one place that knows the forms: the token itself, its Base64 and URL-safe Base64 at any place
 * of a longer text ("Token " before it), the Base64 of that Base64, and its hexadecimal digits; each in any
 * case, percent-encoded or with JSON escapes.
 */

/* So many characters in a row of a form give a token away, and are not in a sentence by chance. */
#define SECRET_PART 12

/* A shorter token is in any sentence by chance, and is no secret. */
#define SECRET_MIN 6

/* `text` with "..." for each word that holds a part of one of the tokens; empty ones are none. `text` itself
 * when there is nothing to hide, else in the arena; "..." when there is no memory. */
struct str secret_hide(struct arena *arena, const struct str *tokens, size_t count, struct str text);
/* Whether it would hide anything. */
bool secret_is_in(struct arena *arena, const struct str *tokens, size_t count, struct str text);

#endif
