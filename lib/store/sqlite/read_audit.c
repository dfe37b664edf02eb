#include "lib/store/sqlite/internal.h"

#include <sys/stat.h>

#include "lib/store/sqlite/audit.h"

/* The audit, filtered; and the totals. */

/* Rows looked at in one call; a caller goes on at `scanned`. */
#define SCAN_ROWS 500
#define LIMIT_MAX 1000

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

/* The first row to look at; blocks of rows in which nothing wanted is are passed over. */
static int start_audit(struct store_reader *reader, struct store_audit_read *r)
{
    struct sql_connection *c = &reader->connection;
    int64_t newest = 0, from = r->after;
    if (r->backwards && from == 0) {
        int result = sql_number(c, SQL_AUDIT_SEQUENCE, &newest);
        if (result)
            return result;
        from = newest + 1;
    }
    int64_t begun = from;
    int result = summary_skip(reader, r, &from);
    if (result)
        return result;
    if (from != begun)
        r->scanned = from;
    return sql_first(c, r->backwards ? SQL_AUDIT_RANGE_BACK : SQL_AUDIT_RANGE,
                     SQL_VALUES(sql_i(from), sql_i(SCAN_ROWS)));
}

bool read_audit(struct store_reader *reader, struct store_read *read)
{
    struct store_audit_read *r = CONTAINER_OF(read, struct store_audit_read, base);
    struct sql_connection *c = &reader->connection;
    enum sql_id id = r->backwards ? SQL_AUDIT_RANGE_BACK : SQL_AUDIT_RANGE;
    unsigned limit = r->limit < LIMIT_MAX ? r->limit : LIMIT_MAX;
    r->count = 0;
    r->scanned = r->after;
    r->rows = read_alloc(read, limit + 1, sizeof *r->rows);
    if (!r->rows)
        return true;
    int result = start_audit(reader, r);
    for (; result > 0 && r->count < limit; result = sql_next(c, id)) {
        struct store_audit view = audit_view(c, id);
        r->scanned = sql_integer(c, id, COL_AUDIT_SEQUENCE);
        if (audit_wants(r, &view) && !audit_take(read, r->scanned, &view, &r->rows[r->count++]))
            break;
    }
    sql_end(c, id);
    return result < 0 ? read_fail(reader, read, result) : read_done(read, OK);
}

/* ---------------------------------------------------------------- totals */

static int64_t file_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

bool read_totals(struct store_reader *reader, struct store_read *read)
{
    struct store_totals_read *r = CONTAINER_OF(read, struct store_totals_read, base);
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++)
        r->objects[kind] = atomic_load(&reader->store->counters[kind].objects);
    int result = sql_number(&reader->connection, SQL_AUDIT_SEQUENCE, &r->audit_head);
    if (!result)
        result = sql_number(&reader->connection, SQL_MAX_OBJECT, &r->object_head);
    if (result)
        return read_fail(reader, read, result);
    struct prune_state pruned;
    result = apply_load_prune_state(&reader->connection, &pruned);
    if (result)
        return read_fail(reader, read, result);
    r->audit_rows = r->audit_head - pruned.pruned;
    struct str wal = arena_printf(read->arena, "%s-wal", reader->store->path);
    if (!wal.data)
        return read_fail(reader, read, ERR_MEMORY);
    r->database_bytes = file_size(reader->store->path);
    r->wal_bytes = file_size(wal.data);
    return read_done(read, OK);
}
