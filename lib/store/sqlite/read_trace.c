#include "lib/store/sqlite/internal.h"

#include <stdlib.h>

#include "lib/store/sqlite/audit.h"

/*
 * One exchange. What is to be looked up stands in a list of keys, to which rows about an object add the
 * correlation ids that they have; each key is read newest first, block by block of the audit and in chunks,
 * over as many turns as it takes.
 */
#define LIMIT_MAX        1000
#define CHUNK            50
#define CORRELATIONS_MAX 50
#define KEYS_MAX         (CORRELATIONS_MAX + 2) /* and an object's id, and a request's */

struct trace_key {
    enum sql_id statement; /* SQL_AUDIT_OF_OBJECT, …_REQUEST, …_CORRELATION */
    struct str text;
};

struct trace_walk {
    struct trace_key keys[KEYS_MAX];
    unsigned key_count, key; /* the one being read */
    int64_t block, before; /* of it: rows in this block with smaller numbers are to come, then older blocks */
    int64_t newest, oldest; /* blocks */
};

/* Once each; one too many is left out. */
static void add_key(struct trace_walk *trace, enum sql_id statement, struct str text)
{
    if (text.length == 0 || trace->key_count == KEYS_MAX)
        return;
    for (unsigned i = 0; i < trace->key_count; i++)
        if (trace->keys[i].statement == statement && str_equal(trace->keys[i].text, text))
            return;
    trace->keys[trace->key_count++] = (struct trace_key){statement, text};
}

/* The correlation ids of commands; 0 or an SQL failure. */
static int add_commands(struct store_reader *reader, struct store_trace_read *r, struct trace_walk *trace)
{
    struct sql_connection *c = &reader->connection;
    int64_t number;
    int result = OK;
    if (str_to_int64(r->id, &number)) {
        result = sql_first(c, SQL_COMMAND_BY_ID, SQL_VALUES(sql_i(number)));
        if (result > 0)
            add_key(trace, SQL_AUDIT_OF_CORRELATION,
                    read_string(reader, &r->base, SQL_COMMAND_BY_ID, COL_COMMAND_CORRELATION_ID));
        sql_end(c, SQL_COMMAND_BY_ID);
    }
    if (result < 0)
        return result;
    result = sql_first(c, SQL_COMMAND_OF_CALLBACK, SQL_VALUES(sql_t(r->id), sql_i(CORRELATIONS_MAX)));
    for (; result > 0; result = sql_next(c, SQL_COMMAND_OF_CALLBACK))
        add_key(trace, SQL_AUDIT_OF_CORRELATION,
                read_string(reader, &r->base, SQL_COMMAND_OF_CALLBACK, COL_CALLBACK_CORRELATION_ID));
    return result;
}

static void start_key(struct trace_walk *trace)
{
    trace->block = trace->newest;
    trace->before = INT64_MAX;
}

static int trace_begin(struct store_reader *reader, struct store_trace_read *r)
{
    struct trace_walk *trace = r->base.state = read_alloc(&r->base, 1, sizeof *trace);
    r->limit = r->limit < LIMIT_MAX ? r->limit : LIMIT_MAX;
    r->rows = read_alloc(&r->base, r->limit + 1, sizeof *r->rows);
    if (r->base.result)
        return r->base.result;
    r->count = 0;
    r->more = false;
    *trace = (struct trace_walk){0};
    int result = sql_number(&reader->connection, SQL_AUDIT_SEQUENCE, &trace->newest);
    if (!result)
        result = sql_number(&reader->connection, SQL_AUDIT_FIRST, &trace->oldest);
    if (result)
        return result;
    trace->newest >>= AUDIT_BLOCK_BITS;
    trace->oldest >>= AUDIT_BLOCK_BITS;
    start_key(trace);
    add_key(trace, SQL_AUDIT_OF_OBJECT, arena_copy_upper(r->base.arena, r->id));
    add_key(trace, SQL_AUDIT_OF_REQUEST, r->id);
    add_key(trace, SQL_AUDIT_OF_CORRELATION, r->id);
    return add_commands(reader, r, trace);
}

static bool has_row(const struct store_trace_read *r, int64_t sequence)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->rows[i].sequence == sequence)
            return true;
    return false;
}

/* A chunk of the current key: 1 when there may be more of it, 0 at its end, negative on failure. */
static int trace_chunk(struct store_reader *reader, struct store_trace_read *r, struct trace_walk *trace)
{
    struct sql_connection *c = &reader->connection;
    const struct trace_key key = trace->keys[trace->key];
    int seen = 0;
    int result =
        sql_first(c, key.statement,
                  SQL_VALUES(sql_t(key.text), sql_i(trace->block), sql_i(trace->before), sql_i(CHUNK)));
    for (; result > 0 && !r->more; result = sql_next(c, key.statement), seen++) {
        struct store_audit view = audit_view(c, key.statement);
        trace->before = sql_integer(c, key.statement, COL_AUDIT_SEQUENCE);
        if (has_row(r, trace->before))
            continue;
        r->more = r->count == r->limit;
        if (r->more || !audit_take(&r->base, trace->before, &view, &r->rows[r->count]))
            break;
        if (key.statement != SQL_AUDIT_OF_CORRELATION)
            add_key(trace, SQL_AUDIT_OF_CORRELATION, r->rows[r->count].row.correlation_id);
        r->count++;
    }
    sql_end(c, key.statement);
    if (seen < CHUNK)
        trace->block--;
    return result < 0 ? result : trace->block >= trace->oldest;
}

static int by_sequence(const void *a, const void *b)
{
    int64_t left = ((const struct store_audit_row *)a)->sequence;
    int64_t right = ((const struct store_audit_row *)b)->sequence;
    return (left > right) - (left < right);
}

bool read_trace(struct store_reader *reader, struct store_read *read)
{
    struct store_trace_read *r = CONTAINER_OF(read, struct store_trace_read, base);
    int result = read->state ? OK : trace_begin(reader, r);
    struct trace_walk *trace = read->state;
    while (!result && !read->result && !r->more && trace->key < trace->key_count) {
        result = trace_chunk(reader, r, trace);
        if (result == 0) {
            trace->key++;
            start_key(trace);
        }
        result = result < 0 ? result : OK;
        if (!result && reader_is_late(reader))
            return false;
    }
    if (result < 0)
        return read_fail(reader, read, result);
    qsort(r->rows, r->count, sizeof *r->rows, by_sequence);
    return read_done(read, OK);
}
