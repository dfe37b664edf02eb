#include "lib/store/sqlite/internal.h"

#include <stdio.h>

#include "lib/store/sqlite/audit.h"
#include "lib/store/verify.h"

/*
 * The check of the audit's chain: rows and gaps side by side, in the order of their numbers. Between two
 * slices rows behind and around the position may be pruned.
 */
struct verify_walk {
    struct audit_chain chain;
    int rows, gaps; /* of the two statements: 1 a row is there, 0 the end, negative: failed */
    int64_t pruned;
    const char *problem; /* a format for `place`, or NULL */
    int64_t place;
    const struct store_head *head; /* what the trail must contain, or NULL */
    bool met;
};

static bool report_bad_row(struct store_verify_read *r, int64_t sequence, const char *format)
{
    char text[240];
    snprintf(text, sizeof text, format, (long long)sequence);
    r->bad_sequence = sequence;
    r->problem = arena_copy(r->base.arena, str_from(text));
    r->done = true;
    return read_done(&r->base, r->problem.data ? OK : ERR_MEMORY);
}

static void set_problem(struct verify_walk *walk, int64_t place, const char *problem)
{
    walk->place = place;
    walk->problem = problem;
}

/* The chain has come to a row, or over a gap that begins behind `before`: is it the head that was given? */
static void meet_head(struct verify_walk *walk, int64_t before)
{
    const struct store_head *head = walk->head;
    if (!head || walk->met || walk->problem)
        return;
    bool same = crypto_equal(head->mac, walk->chain.mac, SHA256_SIZE);
    bool there = head->sequence == walk->chain.sequence;
    if (same && (there || head->sequence == 0))
        walk->met = true;
    else if (there)
        set_problem(walk, head->sequence, "row %lld is not the one that the given head names");
    else if (head->sequence > before && head->sequence < walk->chain.sequence)
        set_problem(walk, head->sequence,
                    "row %lld, which the given head names, was pruned: give a later head");
}

/* All rows have been seen and nothing of the given head. */
static bool miss_head(struct store_verify_read *r)
{
    const struct store_head *head = r->head;
    if (head->sequence > 0)
        return report_bad_row(
            r, head->sequence,
            "row %lld, which the given head names, is not there: the database is an older copy, or rows "
            "were cut off at its end");
    return report_bad_row(
        r, r->position + 1,
        "no row before row %lld has the given head: the database is an older copy, rows were cut off "
        "at its end, or that row was pruned");
}

/* All rows have been seen: the head must name the last one. */
static bool compare_head(struct store_reader *reader, struct store_verify_read *r,
                         const struct audit_chain *chain)
{
    struct sql_connection *c = &reader->connection;
    struct audit_chain head = {0};
    int result = sql_first(c, SQL_META_GET, SQL_VALUES(sql_t(STR("audit_head"))));
    if (result < 0)
        return read_fail(reader, &r->base, result);
    bool valid =
        result > 0 && audit_head_read(&head, reader->hmac, sql_string(c, SQL_META_GET, COL_META_GET_VALUE));
    sql_end(c, SQL_META_GET);
    if (!valid)
        return report_bad_row(r, chain->sequence,
                              "the record of the last row (%lld) is missing or was changed");
    if (head.sequence > chain->sequence)
        return report_bad_row(r, chain->sequence + 1, "row %lld is missing: rows were cut off at the end");
    if (head.sequence < chain->sequence)
        return report_bad_row(r, head.sequence + 1, "row %lld was added from outside");
    if (!crypto_equal(head.mac, chain->mac, SHA256_SIZE))
        return report_bad_row(r, chain->sequence, "row %lld was changed");
    if (r->head && !r->met)
        return miss_head(r);
    r->done = true;
    return read_done(&r->base, OK);
}

/* The current row follows the chain, or there is a problem. */
static void check_row(struct store_reader *reader, struct verify_walk *walk)
{
    struct sql_connection *c = &reader->connection;
    struct store_audit view = audit_view(c, SQL_AUDIT_RANGE);
    struct str mac = audit_view_mac(c, SQL_AUDIT_RANGE);
    int64_t sequence = walk->chain.sequence + 1;
    if (audit_chain_add(&walk->chain, reader->hmac, &reader->scratch, &view))
        set_problem(walk, sequence, "no memory to check row %lld");
    else if (mac.length != SHA256_SIZE || !crypto_equal(mac.data, walk->chain.mac, SHA256_SIZE))
        set_problem(walk, sequence, "row %lld was changed");
    else
        walk->rows = sql_next(c, SQL_AUDIT_RANGE);
    meet_head(walk, sequence - 1);
}

/* Where another gap begins inside this one; 0: nowhere. */
static int find_overlap(struct store_reader *reader, const struct audit_gap *gap, int64_t *place)
{
    struct sql_connection *c = &reader->connection;
    int result = sql_first(c, SQL_GAP_BEFORE, SQL_VALUES(sql_i(gap->end.sequence)));
    int64_t first = result > 0 ? sql_integer(c, SQL_GAP_BEFORE, COL_GAP_FIRST) : gap->first;
    sql_end(c, SQL_GAP_BEFORE);
    *place = first == gap->first ? 0 : first;
    return result < 0 ? result : OK;
}

/* Goes over a gap, if it is ours and nothing lies in it. 0 or an SQL failure. */
static int cross_gap(struct store_reader *reader, struct verify_walk *walk, const struct audit_gap *gap,
                     bool sealed)
{
    int64_t overlap = 0;
    int64_t row =
        walk->rows > 0 ? sql_integer(&reader->connection, SQL_AUDIT_RANGE, COL_AUDIT_SEQUENCE) : INT64_MAX;
    int result = sealed ? find_overlap(reader, gap, &overlap) : OK;
    if (!sealed) {
        set_problem(walk, gap->first, "the record of pruned rows from row %lld on was changed or made up");
    } else if (row <= gap->end.sequence) {
        set_problem(walk, row, "row %lld is there although it is recorded as pruned");
    } else if (overlap) {
        set_problem(walk, overlap, "row %lld is recorded as pruned twice");
    } else {
        int64_t before = walk->chain.sequence;
        walk->pruned += gap->end.sequence - before;
        walk->chain = gap->end;
        meet_head(walk, before);
    }
    return result;
}

/* Rows at the position were pruned after the last slice had checked them: then a gap reaches over it. */
static int cross_first_gap(struct store_reader *reader, struct verify_walk *walk)
{
    struct sql_connection *c = &reader->connection;
    struct audit_gap gap;
    bool reaches = false, sealed = false;
    int result = sql_first(c, SQL_GAP_BEFORE, SQL_VALUES(sql_i(walk->chain.sequence)));
    if (result > 0) {
        sealed = audit_gap_view(c, SQL_GAP_BEFORE, reader->hmac, &gap);
        reaches = gap.end.sequence > walk->chain.sequence;
    }
    sql_end(c, SQL_GAP_BEFORE);
    if (result < 0)
        return result;
    return reaches ? cross_gap(reader, walk, &gap, sealed) : OK;
}

/* One row or one gap further. 0 or an SQL failure. */
static int verify_step(struct store_reader *reader, struct verify_walk *walk)
{
    struct sql_connection *c = &reader->connection;
    struct audit_gap gap;
    int64_t next = walk->chain.sequence + 1;
    if (walk->gaps > 0 && sql_integer(c, SQL_GAP_RANGE, COL_GAP_FIRST) <= next) {
        bool sealed = audit_gap_view(c, SQL_GAP_RANGE, reader->hmac, &gap);
        int result = cross_gap(reader, walk, &gap, sealed);
        walk->gaps = sql_next(c, SQL_GAP_RANGE);
        return result;
    }
    if (walk->rows > 0 && sql_integer(c, SQL_AUDIT_RANGE, COL_AUDIT_SEQUENCE) == next)
        check_row(reader, walk);
    else
        set_problem(walk, next, "row %lld is missing");
    return OK;
}

static int verify_slice(struct store_reader *reader, struct verify_walk *walk, int64_t limit)
{
    struct sql_connection *c = &reader->connection;
    int64_t from = walk->chain.sequence;
    walk->rows = sql_first(c, SQL_AUDIT_RANGE, SQL_VALUES(sql_i(from), sql_i(limit + 1)));
    int result = cross_first_gap(reader, walk);
    walk->gaps = sql_first(c, SQL_GAP_RANGE, SQL_VALUES(sql_i(from), sql_i(limit + 1)));
    for (int64_t seen = 0; seen < limit && !result && !walk->problem; seen++) {
        if ((walk->rows <= 0 && walk->gaps <= 0) || (seen > 0 && reader_is_late(reader)))
            break;
        result = verify_step(reader, walk);
    }
    sql_end(c, SQL_AUDIT_RANGE);
    sql_end(c, SQL_GAP_RANGE);
    return result ? result : walk->rows < 0 ? walk->rows : walk->gaps < 0 ? walk->gaps : OK;
}

bool read_verify(struct store_reader *reader, struct store_read *read)
{
    struct store_verify_read *r = CONTAINER_OF(read, struct store_verify_read, base);
    struct verify_walk walk = {
        .chain = {.sequence = r->position}, .pruned = r->pruned, .head = r->head, .met = r->met};
    if (!reader->hmac)
        reader->hmac = hmac_new(reader->store->audit_key, SHA256_SIZE);
    if (!reader->hmac)
        return read_fail(reader, read, ERR_MEMORY);
    if (r->position)
        memcpy(walk.chain.mac, r->mac, SHA256_SIZE);
    int result = verify_slice(reader, &walk, r->limit ? r->limit : 1);
    if (result)
        return read_fail(reader, read, result);
    r->bad_sequence = 0;
    r->problem = STR_NONE;
    if (walk.problem)
        return report_bad_row(r, walk.place, walk.problem);
    r->position = walk.chain.sequence;
    r->pruned = walk.pruned;
    r->met = walk.met;
    memcpy(r->mac, walk.chain.mac, SHA256_SIZE);
    return walk.rows == 0 && walk.gaps == 0 ? compare_head(reader, r, &walk.chain) : read_done(read, OK);
}
