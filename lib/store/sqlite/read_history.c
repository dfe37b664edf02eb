#include "lib/store/history.h"
#include "lib/store/sqlite/internal.h"

/* Lists of what happened in a period. */

#define LIMIT_MAX 1000
/* Rows read between two looks at the clock; rows read in one call. */
#define CHUNK    200
#define LOOK_MAX 20000
/* Bytes of bodies after which a page ends. */
#define BODIES_MAX ((size_t)1 << 20)

static unsigned bounded_limit(unsigned limit)
{
    return limit < LIMIT_MAX ? limit : LIMIT_MAX;
}

/* How far a call has come between two turns. */
struct progress {
    unsigned looked;
    size_t bytes;
};

/* The array of a list's rows; the first turn allocates it for `limit` rows. read->result: ERR_MEMORY. */
static void *begin_list(struct store_read *read, unsigned limit, size_t size, void *rows)
{
    if (read->state)
        return rows;
    read->state = read_alloc(read, 1, sizeof(struct progress));
    return read_alloc(read, (size_t)bounded_limit(limit) + 1, size);
}

/* ---------------------------------------------------------------- lists in the order of a time */

struct span_list {
    enum sql_id id; /* its row begins with SQL_ROW_SPAN */
    /* Takes the current row as the row `at` of the list; false when it is not wanted. */
    bool (*take)(struct store_reader *reader, struct store_read *read, enum sql_id id, size_t at);
};

static bool span_wants(const struct store_span *span, const struct sql_connection *c, enum sql_id id)
{
    return span->party.length == 0 || str_equal(sql_string(c, id, COL_SPAN_SENDER), span->party) ||
           str_equal(sql_string(c, id, COL_SPAN_RECEIVER), span->party);
}

/* 1: there is more, 0: the end, negative: failed. */
static int span_chunk(struct store_reader *reader, struct store_read *read, const struct span_list *list,
                      struct store_span *span, size_t *count)
{
    struct sql_connection *c = &reader->connection;
    enum sql_id id = list->id;
    int seen = 0;
    int result = sql_first(
        c, id,
        SQL_VALUES(sql_i(span->after_time), sql_i(span->after_number), sql_i(span->until), sql_i(CHUNK)));
    for (; result > 0 && *count < bounded_limit(span->limit); result = sql_next(c, id), seen++) {
        span->after_time = sql_integer(c, id, COL_SPAN_TIME);
        span->after_number = sql_integer(c, id, COL_SPAN_NUMBER);
        if (span_wants(span, c, id) && list->take(reader, read, id, *count))
            ++*count;
    }
    sql_end(c, id);
    if (result < 0)
        return result;
    return result > 0 || seen == CHUNK;
}

/* A turn of such a list, after begin_list. */
static bool read_span(struct store_reader *reader, struct store_read *read, const struct span_list *list,
                      struct store_span *span, size_t *count)
{
    struct progress *progress = read->state;
    if (read->result)
        return true;
    if (progress->looked == 0)
        *count = 0;
    for (;;) {
        int result = span_chunk(reader, read, list, span, count);
        if (result < 0)
            return read_fail(reader, read, result);
        span->more = result > 0;
        progress->looked += CHUNK;
        if (!span->more || *count == bounded_limit(span->limit) || progress->looked >= LOOK_MAX ||
            read->result)
            return read_done(read, OK);
        if (reader_is_late(reader))
            return false;
    }
}

/* ---------------------------------------------------------------- the lists */

static bool take_receipt(struct store_reader *reader, struct store_read *read, enum sql_id id, size_t at)
{
    struct store_receipts_read *r = CONTAINER_OF(read, struct store_receipts_read, base);
    const struct sql_connection *c = &reader->connection;
    enum store_delivery_state state = (enum store_delivery_state)sql_integer(c, id, COL_RECEIPT_STATE);
    if (r->states && !(r->states & (1u << state)))
        return false;
    r->rows[at] = (struct store_receipt){
        .created = sql_integer(c, id, COL_SPAN_TIME),
        .id = sql_integer(c, id, COL_SPAN_NUMBER),
        .sender = read_string(reader, read, id, COL_SPAN_SENDER),
        .receiver = read_string(reader, read, id, COL_SPAN_RECEIVER),
        .state = state,
        .attempts = (unsigned)sql_integer(c, id, COL_RECEIPT_ATTEMPTS),
        .done = sql_integer(c, id, COL_RECEIPT_DONE),
        .received = sql_integer(c, id, COL_RECEIPT_RECEIVED),
        .cdr = read_string(reader, read, id, COL_RECEIPT_CDR),
        .reason = read_reason(reader, read, id, COL_RECEIPT_HOLD, COL_RECEIPT_REASON),
        .last_error = read_string(reader, read, id, COL_RECEIPT_LAST_ERROR),
        .receipt = read_string(reader, read, id, COL_RECEIPT_RECEIPT),
        .session = read_string(reader, read, id, COL_RECEIPT_SESSION),
    };
    return true;
}

bool read_receipts(struct store_reader *reader, struct store_read *read)
{
    static const struct span_list list = {SQL_RECEIPT_LIST, take_receipt};
    struct store_receipts_read *r = CONTAINER_OF(read, struct store_receipts_read, base);
    r->rows = begin_list(read, r->span.limit, sizeof *r->rows, r->rows);
    return read_span(reader, read, &list, &r->span, &r->count);
}

static bool take_unbilled(struct store_reader *reader, struct store_read *read, enum sql_id id, size_t at)
{
    struct store_unbilled_read *r = CONTAINER_OF(read, struct store_unbilled_read, base);
    if (sql_integer(&reader->connection, id, COL_UNBILLED_BILLED))
        return false;
    r->rows[at] = (struct store_unbilled){
        .last_updated = sql_integer(&reader->connection, id, COL_SPAN_TIME),
        .owner = read_string(reader, read, id, COL_SPAN_SENDER),
        .emsp = read_string(reader, read, id, COL_SPAN_RECEIVER),
        .session = read_string(reader, read, id, COL_UNBILLED_SESSION),
    };
    return true;
}

bool read_unbilled(struct store_reader *reader, struct store_read *read)
{
    static const struct span_list list = {SQL_UNBILLED_LIST, take_unbilled};
    struct store_unbilled_read *r = CONTAINER_OF(read, struct store_unbilled_read, base);
    r->rows = begin_list(read, r->span.limit, sizeof *r->rows, r->rows);
    return read_span(reader, read, &list, &r->span, &r->count);
}

static bool take_conflict(struct store_reader *reader, struct store_read *read, enum sql_id id, size_t at)
{
    struct store_conflicts_read *r = CONTAINER_OF(read, struct store_conflicts_read, base);
    if (!str_equal(sql_string(&reader->connection, id, COL_CONFLICT_ACTION), r->action))
        return false;
    r->rows[at] = (struct store_conflict){
        .time = sql_integer(&reader->connection, id, COL_SPAN_TIME),
        .sender = read_string(reader, read, id, COL_SPAN_SENDER),
        .receiver = read_string(reader, read, id, COL_SPAN_RECEIVER),
        .object = read_string(reader, read, id, COL_CONFLICT_OBJECT),
    };
    return true;
}

bool read_conflicts(struct store_reader *reader, struct store_read *read)
{
    static const struct span_list list = {SQL_CONFLICT_LIST, take_conflict};
    struct store_conflicts_read *r = CONTAINER_OF(read, struct store_conflicts_read, base);
    r->rows = begin_list(read, r->span.limit, sizeof *r->rows, r->rows);
    return read_span(reader, read, &list, &r->span, &r->count);
}

/* ---------------------------------------------------------------- what is stored */

static bool stored_wants(const struct store_stored_read *r, const struct sql_connection *c)
{
    int64_t last_updated = sql_integer(c, SQL_STORED_LIST, COL_STORED_LAST_UPDATED),
            arrival = sql_integer(c, SQL_STORED_LIST, COL_STORED_ARRIVAL);
    if (r->owner.length > 0 && !str_equal(sql_string(c, SQL_STORED_LIST, COL_STORED_OWNER), r->owner))
        return false;
    return (last_updated >= r->since && last_updated < r->until) ||
           (arrival >= r->since && arrival < r->until);
}

static void take_stored(struct store_reader *reader, struct store_stored_read *r, struct progress *progress)
{
    const enum sql_id id = SQL_STORED_LIST;
    struct store_stored *row = &r->rows[r->count++];
    row->owner = read_string(reader, &r->base, id, COL_STORED_OWNER);
    row->id = read_string(reader, &r->base, id, COL_STORED_ID);
    row->state = (int)sql_integer(&reader->connection, id, COL_STORED_STATE);
    if (r->bodies)
        row->body = read_string(reader, &r->base, id, COL_STORED_BODY);
    progress->bytes += row->body.length;
}

/* As span_chunk. */
static int stored_chunk(struct store_reader *reader, struct store_stored_read *r, struct progress *progress)
{
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = SQL_STORED_LIST;
    int seen = 0;
    int result = sql_first(c, id, SQL_VALUES(sql_t(r->emsp), sql_i(r->kind), sql_i(r->after), sql_i(CHUNK)));
    for (; result > 0 && r->count < bounded_limit(r->limit) && progress->bytes < BODIES_MAX;
         result = sql_next(c, id), seen++) {
        r->after = sql_integer(c, id, COL_STORED_SEQUENCE);
        if (stored_wants(r, c))
            take_stored(reader, r, progress);
    }
    sql_end(c, id);
    if (result < 0)
        return result;
    return result > 0 || seen == CHUNK;
}

bool read_stored(struct store_reader *reader, struct store_read *read)
{
    struct store_stored_read *r = CONTAINER_OF(read, struct store_stored_read, base);
    r->rows = begin_list(read, r->limit, sizeof *r->rows, r->rows);
    struct progress *progress = read->state;
    if (read->result)
        return true;
    if (progress->looked == 0)
        r->count = 0;
    for (;;) {
        int result = stored_chunk(reader, r, progress);
        if (result < 0)
            return read_fail(reader, read, result);
        r->more = result > 0;
        progress->looked += CHUNK;
        if (!r->more || r->count == bounded_limit(r->limit) || progress->bytes >= BODIES_MAX ||
            progress->looked >= LOOK_MAX || read->result)
            return read_done(read, OK);
        if (reader_is_late(reader))
            return false;
    }
}
