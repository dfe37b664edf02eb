#ifndef TESTS_HUBD_OBJECTS_H
#define TESTS_HUBD_OBJECTS_H

#include "tests/hubd/fixture.h"

/* Objects of IN-CPO as it pushes them, and what partners see of them. Texts live as long as the bench. */

/* `emsp`: party_id of the cdr_token. */
const char *object_session(struct bench *bench, const char *id, const char *emsp, const char *last_updated);
const char *object_tariff(struct bench *bench, const char *id, const char *last_updated);
/* `more`: members before the last one, each with a comma behind it; may be "". */
const char *object_cdr(struct bench *bench, const char *id, const char *emsp, const char *more);
/* With the EVSE E1, AVAILABLE, and its connector 1. */
const char *object_location(struct bench *bench, const char *id, const char *last_updated);

void assert_answer(struct bench_answer answer, int status, int status_code);
bool bench_has(struct str text, const char *part);

/* The ids of a page, "A B", as `key` reads it; `next`: path and query of its Link, empty on the last page. */
#define BENCH_LINK_MAX 512
struct str bench_page(struct bench *bench, const char *key, const char *path, char next[BENCH_LINK_MAX]);

#endif
