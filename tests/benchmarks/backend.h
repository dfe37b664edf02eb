#ifndef TESTS_BENCHMARKS_BACKEND_H
#define TESTS_BENCHMARKS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How the backend's files fit together: backend.c accepts and parses, backend_answers.c knows what to say. */

/* Bytes of a whole HTTP answer. */
struct answer {
    char *bytes;
    size_t length;
};

/* What a partner of one port says; the first two name the port. */
struct backend_answers {
    struct answer versions, details, credentials, authorize, command, done, page, unknown;
};

/* Pieces of what was read; gone when that is. */
struct request {
    const char *method, *path, *body;
    size_t method_length, path_length, body_length; /* path without its query */
    size_t total;
    bool close;
};

/* Made once, kept to the end. `page`: a file with the body of a list of locations; NULL: an empty list. */
void backend_answers_make(struct backend_answers *answers, int port, const char *page);
/* By the path; borrowed from `answers`. */
struct answer backend_answers_choose(const struct backend_answers *answers, const struct request *request);
/* Appends "ID NANOSECONDS" to `record` if the request brings a session or a CDR. */
void backend_record_receipt(FILE *record, const struct request *request);

#endif
