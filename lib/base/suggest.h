#ifndef LIB_BASE_SUGGEST_H
#define LIB_BASE_SUGGEST_H

#include "lib/base/str.h"

/*
 * "Did you mean …?": the candidate nearest to a misspelt word. Distance counts inserted, deleted, replaced
 * and swapped letters, case and
 * '-' against '_' aside. Owns nothing; candidates must outlive the call of suggest_best.
 */
struct suggest {
    struct str word;
    const char *best;
    size_t distance;
};

void suggest_begin(struct suggest *suggest, struct str word);
/* NULL and empty candidates are passed over. Of equally near ones the first stays. */
void suggest_offer(struct suggest *suggest, const char *candidate);
/* NULL when nothing offered is near enough to be meant (more than a third of it differs). */
const char *suggest_best(const struct suggest *suggest);

#endif
