#include "lib/store/sqlite/internal.h"

#include <stdio.h>
#include <sys/stat.h>

/* The audit: filtered reading, the check of its chain; and the totals. */

/* Rows looked at in one call; a caller goes on at `scanned`. */
#define SCAN_ROWS 500
#define LIMIT_MAX 1000

#define FIRST_TEXT 4 /* column of the first text, in the order of audit_row_texts */
#define MAC_COLUMN (FIRST_TEXT + AUDIT_TEXTS)

/* The current row; its texts are views. */
static struct store_audit row_view(const struct connection *c, enum sql_id id)
{
    struct str texts[AUDIT_TEXTS];
    struct store_audit row = {
        .kind = (enum store_audit_kind)sql_integer(c, id, 1),
        .time = sql_integer(c, id, 2),
        .latency_ms = sql_integer(c, id, 3),
    };
    for (int i = 0; i < AUDIT_TEXTS; i++)
        texts[i] = sql_string(c, id, FIRST_TEXT + i);
    audit_row_set_texts(&row, texts);
    return row;
}

static bool contains(struct str text, struct str part)
{
    return part.length == 0 ||
           (text.length >= part.length && memmem(text.data, text.length, part.data, part.length) != NULL);
}

static bool audit_wants(const struct store_audit_read *r, const struct store_audit *row)
{
    if (row->time < r->since || row->time >= r->until)
        return false;
    if (r->party.length && !str_equal(row->party, r->party) && !str_equal(row->sender, r->party) &&
        !str_equal(row->receiver, r->party))
        return false;
    struct str action = r->action;
    if (str_ends_with(action, STR("*"))) {
        if (!str_starts_with(row->action, str_of(action.data, action.length - 1)))
            return false;
    } else if (action.length && !str_equal(row->action, action)) {
        return false;
    }
    return contains(row->actor, r->actor);
}

static bool take_row(struct store_audit_read *r, int64_t sequence, const struct store_audit *view)
{
    struct store_audit_row *out = &r->rows[r->count];
    char *memory = read_alloc(&r->base, audit_row_bytes(view) + 1, 1);
    if (!memory)
        return false;
    out->sequence = sequence;
    audit_row_copy(&out->row, view, memory);
    r->count++;
    return true;
}

static int start_audit(struct reader *reader, const struct store_audit_read *r)
{
    struct connection *c = &reader->connection;
    if (!r->backwards)
        return sql_first(c, SQL_AUDIT_RANGE, SQL_VALUES(sql_i(r->after), sql_i(SCAN_ROWS)));
    int64_t newest = 0, from = r->after;
    if (from == 0) {
        int result = sql_number(c, SQL_AUDIT_SEQUENCE, &newest);
        if (result)
            return result;
        from = newest + 1;
    }
    return sql_first(c, SQL_AUDIT_RANGE_BACK, SQL_VALUES(sql_i(from), sql_i(SCAN_ROWS)));
}

bool read_audit(struct reader *reader, struct store_read *read)
{
    struct store_audit_read *r = CONTAINER_OF(read, struct store_audit_read, base);
    struct connection *c = &reader->connection;
    enum sql_id id = r->backwards ? SQL_AUDIT_RANGE_BACK : SQL_AUDIT_RANGE;
    unsigned limit = r->limit < LIMIT_MAX ? r->limit : LIMIT_MAX;
    r->count = 0;
    r->scanned = r->after;
    r->rows = read_alloc(read, limit + 1, sizeof(*r->rows));
    if (!r->rows)
        return true;
    int result = start_audit(reader, r);
    for (; result > 0 && r->count < limit; result = sql_next(c, id)) {
        struct store_audit view = row_view(c, id);
        r->scanned = sql_integer(c, id, 0);
        if (audit_wants(r, &view) && !take_row(r, r->scanned, &view))
            break;
    }
    sql_end(c, id);
    return result < 0 ? read_fail(reader, read, result) : read_done(read, OK);
}

/* ---------------------------------------------------------------- verify */

static bool bad(struct store_verify_read *r, int64_t sequence, const char *format)
{
    char text[160];
    snprintf(text, sizeof(text), format, (long long)sequence);
    r->bad_sequence = sequence;
    r->problem = arena_copy(r->base.arena, str_from(text));
    r->done = true;
    return read_done(&r->base, r->problem.data ? OK : ERR_MEMORY);
}

/* All rows have been seen: the head must name the last one. */
static bool compare_head(struct reader *reader, struct store_verify_read *r, const struct audit_chain *chain)
{
    struct connection *c = &reader->connection;
    struct audit_chain head = {0};
    int result = sql_first(c, SQL_META_GET, SQL_VALUES(sql_t(STR("audit_head"))));
    if (result < 0)
        return read_fail(reader, &r->base, result);
    bool valid = result > 0 && audit_head_read(&head, reader->hmac, sql_string(c, SQL_META_GET, 0));
    sql_end(c, SQL_META_GET);
    if (!valid)
        return bad(r, chain->sequence, "the record of the last row (%lld) is missing or was changed");
    if (head.sequence > chain->sequence)
        return bad(r, chain->sequence + 1, "row %lld is missing: rows were cut off at the end");
    if (head.sequence < chain->sequence)
        return bad(r, head.sequence + 1, "row %lld was added from outside");
    if (!crypto_equal(head.mac, chain->mac, SHA256_SIZE))
        return bad(r, chain->sequence, "row %lld was changed");
    r->done = true;
    return read_done(&r->base, OK);
}

/* NULL: the row follows the chain; else what is wrong with the row *place. */
static const char *check_row(struct reader *reader, struct audit_chain *chain, int64_t *place)
{
    const struct connection *c = &reader->connection;
    struct store_audit view = row_view(c, SQL_AUDIT_RANGE);
    struct str mac = sql_string(c, SQL_AUDIT_RANGE, MAC_COLUMN);
    *place = chain->sequence + 1;
    if (sql_integer(c, SQL_AUDIT_RANGE, 0) != *place)
        return "row %lld is missing";
    if (audit_chain_add(chain, reader->hmac, &reader->scratch, &view))
        return "no memory to check row %lld";
    if (mac.length != SHA256_SIZE || !crypto_equal(mac.data, chain->mac, SHA256_SIZE))
        return "row %lld was changed";
    return NULL;
}

bool read_verify(struct reader *reader, struct store_read *read)
{
    struct store_verify_read *r = CONTAINER_OF(read, struct store_verify_read, base);
    struct connection *c = &reader->connection;
    int64_t limit = r->limit ? r->limit : 1, seen = 0, place = 0;
    struct audit_chain chain = {.sequence = r->position};
    const char *problem = NULL;
    if (!reader->hmac)
        reader->hmac = hmac_new(reader->store->audit_key, SHA256_SIZE);
    if (!reader->hmac)
        return read_fail(reader, read, ERR_MEMORY);
    if (r->position)
        memcpy(chain.mac, r->mac, SHA256_SIZE);
    int result = sql_first(c, SQL_AUDIT_RANGE, SQL_VALUES(sql_i(r->position), sql_i(limit + 1)));
    for (; result > 0 && seen < limit && !problem; seen++) {
        problem = check_row(reader, &chain, &place);
        if (problem || reader_is_late(reader))
            break;
        result = sql_next(c, SQL_AUDIT_RANGE);
    }
    sql_end(c, SQL_AUDIT_RANGE);
    if (result < 0)
        return read_fail(reader, read, result);
    r->bad_sequence = 0;
    r->problem = STR_NONE;
    if (problem)
        return bad(r, place, problem);
    r->position = chain.sequence;
    memcpy(r->mac, chain.mac, SHA256_SIZE);
    return result == 0 ? compare_head(reader, r, &chain) : read_done(read, OK);
}

/* ---------------------------------------------------------------- totals */

static int64_t file_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

bool read_totals(struct reader *reader, struct store_read *read)
{
    struct store_totals_read *r = CONTAINER_OF(read, struct store_totals_read, base);
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++)
        r->objects[kind] = atomic_load(&reader->store->counters[kind].objects);
    int result = sql_number(&reader->connection, SQL_AUDIT_SEQUENCE, &r->audit_head);
    if (result)
        return read_fail(reader, read, result);
    r->audit_rows = r->audit_head; /* dense from 1 */
    struct str wal = arena_printf(read->arena, "%s-wal", reader->store->path);
    if (!wal.data)
        return read_fail(reader, read, ERR_MEMORY);
    r->database_bytes = file_size(reader->store->path);
    r->wal_bytes = file_size(wal.data);
    return read_done(read, OK);
}
