#ifndef LIB_JSON_EXPLAIN_H
#define LIB_JSON_EXPLAIN_H

#include "lib/base/error.h"
#include "lib/base/str.h"

/*
 * Says where and why `source` is not the JSON that json_parse takes: simdjson tells only that something is
 * wrong. Slow, so for refused documents only. Returns ERR_INVALID or ERR_TOO_LARGE (nested deeper than
 * `depth_max`) with the sentence in `error`; OK when it finds nothing wrong.
 */
int json_explain(struct str source, unsigned depth_max, struct error *error);
/* The same, with the place in `*at`, bytes from the beginning, instead of in the sentence. */
int json_locate(struct str source, unsigned depth_max, size_t *at, struct error *error);

#endif
