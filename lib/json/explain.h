#ifndef LIB_JSON_EXPLAIN_H
#define LIB_JSON_EXPLAIN_H

#include "lib/base/error.h"
#include "lib/base/str.h"

/*
 * Finds out where and why json_parse refuses `source`; simdjson reports only that it is wrong. Slow, so only for
 * documents that were refused. Returns ERR_INVALID, or ERR_TOO_LARGE (nested deeper than `depth_max`), with a sentence
 * in `error`; OK when it finds nothing wrong.
 */
int json_explain(struct str source, unsigned depth_max, struct error *error);
/* The same, but the place is in `*at` (bytes from the beginning) and not in the sentence. */
int json_locate(struct str source, unsigned depth_max, size_t *at, struct error *error);

#endif
