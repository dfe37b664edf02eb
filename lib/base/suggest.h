#ifndef LIB_BASE_SUGGEST_H
#define LIB_BASE_SUGGEST_H

#include "lib/base/str.h"

/*
 * "Did you mean …?": finds the candidate nearest to a misspelt word. The distance is the number of inserted, deleted,
 * replaced and swapped letters; upper and lower case, and '-' and '_', are the same. Owns nothing; the candidates must
 * outlive the call of suggest_best.
 */
struct suggest {
    struct str word;
    const char *best;
    size_t distance;
};

void suggest_begin(struct suggest *suggest, struct str word);
/* Offers a candidate. NULL and empty ones are ignored. Of candidates with the same distance the first wins. */
void suggest_offer(struct suggest *suggest, const char *candidate);
/* The nearest candidate; NULL when more than a third of the nearest one differs. */
const char *suggest_best(const struct suggest *suggest);

#endif
