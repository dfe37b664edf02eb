#include "lib/store/audit_summary.h"

#include "lib/store/sqlite/audit.h"
#include "lib/store/sqlite/internal.h"

/* ---------------------------------------------------------------- writing */

static int put_summary(struct writer *writer)
{
    const struct audit_summary *summary = &writer->state.summary;
    uint8_t seal[SHA256_SIZE];
    audit_summary_seal(summary, writer->hmac, seal);
    return sql_run(&writer->connection, SQL_SUMMARY_PUT,
                   SQL_VALUES(sql_i(summary->block), sql_i(summary->oldest), sql_i(summary->newest),
                              sql_bytes(summary->bits, sizeof summary->bits), sql_bytes(seal, sizeof seal)));
}

int summary_add_row(struct writer *writer, int64_t sequence, const struct store_audit *row)
{
    struct audit_summary *summary = &writer->state.summary;
    if (summary->block != audit_summary_of(sequence))
        audit_summary_begin(summary, audit_summary_of(sequence));
    audit_summary_add(summary, row);
    return audit_summary_of(sequence + 1) == summary->block ? OK : put_summary(writer);
}

int summary_load(struct writer *writer)
{
    struct sql_connection *c = &writer->connection;
    struct audit_summary *summary = &writer->state.summary;
    int64_t block = audit_summary_of(writer->state.chain.sequence + 1), first = audit_summary_first(block);
    audit_summary_begin(summary, block);
    int result = sql_first(c, SQL_AUDIT_RANGE, SQL_VALUES(sql_i(first - 1), sql_i(1 << AUDIT_SUMMARY_SHIFT)));
    for (; result > 0; result = sql_next(c, SQL_AUDIT_RANGE)) {
        struct store_audit row = audit_view(c, SQL_AUDIT_RANGE);
        audit_summary_add(summary, &row);
    }
    sql_end(c, SQL_AUDIT_RANGE);
    return result < 0 ? result : OK;
}

/* ---------------------------------------------------------------- reading */

/* Whether a block has a summary, ours, that says that nothing wanted is in it. 1, 0 or an SQL failure. */
static int is_passed_over(struct store_reader *reader, const struct store_audit_read *r, int64_t block)
{
    struct sql_connection *c = &reader->connection;
    struct audit_summary summary = {.block = block};
    uint8_t seal[SHA256_SIZE];
    int result = sql_first(c, SQL_SUMMARY_GET, SQL_VALUES(sql_i(block)));
    if (result > 0) {
        struct str bits = sql_string(c, SQL_SUMMARY_GET, COL_SUMMARY_GET_BITS),
                   kept = sql_string(c, SQL_SUMMARY_GET, COL_SUMMARY_GET_SEAL);
        summary.oldest = sql_integer(c, SQL_SUMMARY_GET, COL_SUMMARY_GET_OLDEST);
        summary.newest = sql_integer(c, SQL_SUMMARY_GET, COL_SUMMARY_GET_NEWEST);
        result = bits.length == sizeof summary.bits && kept.length == sizeof seal;
        if (result > 0)
            memcpy(summary.bits, bits.data, sizeof summary.bits);
        if (result > 0 && !audit_summary_may_have(&summary, r))
            audit_summary_seal(&summary, reader->hmac, seal); /* only what is believed must be proven */
        else
            result = 0;
        result = result > 0 && crypto_equal(kept.data, seal, sizeof seal);
    }
    sql_end(c, SQL_SUMMARY_GET);
    return result;
}

int summary_skip(struct store_reader *reader, const struct store_audit_read *r, int64_t *from)
{
    if (!reader->hmac)
        reader->hmac = hmac_new(reader->store->audit_key, SHA256_SIZE);
    if (!reader->hmac)
        return OK; /* row by row, then */
    for (unsigned seen = 0; seen == 0 || !reader_is_late(reader); seen++) {
        int64_t block = audit_summary_of(r->backwards ? *from - 1 : *from + 1);
        int result = *from > 1 || !r->backwards ? is_passed_over(reader, r, block) : 0;
        if (result <= 0)
            return result;
        int64_t edge = r->backwards ? audit_summary_first(block) : audit_summary_first(block + 1) - 1;
        *from = edge > 0 ? edge : 1;
    }
    return OK;
}
