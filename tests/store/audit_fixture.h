#ifndef TESTS_STORE_AUDIT_FIXTURE_H
#define TESTS_STORE_AUDIT_FIXTURE_H

#include "tests/store/fixture.h"
#include "lib/store/verify.h"

/* What tests of the audit share: rows in, rows out, the chain. */

static inline void append(struct fixture *f, int64_t time, const char *actor, const char *action,
                          const char *party, const char *sender, const char *receiver)
{
    struct store_apply *apply = new_batch(f);
    struct store_audit *row = add_audit(apply, action, party);
    row->time = time;
    row->actor = str_from(actor);
    row->sender = str_from(sender);
    row->receiver = str_from(receiver);
    assert_int_equal(run_batch(f, apply), OK);
}

static inline struct str numbers(struct fixture *f, const struct store_audit_read *read)
{
    char line[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < read->count && used < sizeof line - 8; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%lld", i ? " " : "",
                                 (long long)read->rows[i].sequence);
    return arena_copy(&f->arena, str_of(line, used));
}

static inline struct store_audit_read all(void)
{
    return (struct store_audit_read){.since = INT64_MIN, .until = INT64_MAX, .limit = 1000};
}

/* The whole chain, in slices. */
static inline struct store_verify_read verified(struct fixture *f, unsigned limit)
{
    struct store_verify_read read = {.limit = limit};
    do
        assert_int_equal(RUN_READ(f, store_read_verify, &read), OK);
    while (!read.done);
    return read;
}

/* It holds, up to row `last`. */
static inline void verify(struct fixture *f, unsigned limit, int64_t last)
{
    struct store_verify_read read = verified(f, limit);
    if (read.bad_sequence)
        fail_msg("row %lld: " STR_FMT, (long long)read.bad_sequence, STR_ARG(read.problem));
    assert_int_equal(read.position, last);
}

#endif
