#include "lib/store/sqlite/internal.h"

/* Deliveries one by one, lists of them, and the queues as counts. */

#define LIMIT_MAX 1000
/* Rows read between two looks at the clock. */
#define CHUNK 200

static unsigned bounded_limit(unsigned limit)
{
    return limit < LIMIT_MAX ? limit : LIMIT_MAX;
}

/* ---------------------------------------------------------------- what is due */

/* The rows of a statement that was begun with `result`, behind those that are there; their number or a
 * failure. */
static int take_due(struct store_reader *reader, struct store_due_read *r, enum sql_id id, int result)
{
    struct store_read *read = &r->base;
    struct sql_connection *c = &reader->connection;
    int taken = 0;
    for (; result > 0; result = sql_next(c, id), taken++) {
        r->rows[r->count++] = (struct store_delivery){
            .id = sql_integer(c, id, COL_DUE_ID),
            .kind = (int)sql_integer(c, id, COL_DUE_KIND),
            .attempts = (unsigned)sql_integer(c, id, COL_DUE_ATTEMPTS),
            .next_attempt = sql_integer(c, id, COL_DUE_NEXT_ATTEMPT),
            .created = sql_integer(c, id, COL_DUE_CREATED),
            .receiver = read_string(reader, read, id, COL_DUE_RECEIVER),
            .sender = read_string(reader, read, id, COL_DUE_SENDER),
            .module = read_string(reader, read, id, COL_DUE_MODULE),
            .method = read_string(reader, read, id, COL_DUE_METHOD),
            .owner = read_string(reader, read, id, COL_DUE_OWNER),
            .object = read_string(reader, read, id, COL_DUE_OBJECT),
            .failed = sql_integer(c, id, COL_DUE_FAILED),
            .url = read_string(reader, read, id, COL_DUE_URL),
            .correlation_id = read_string(reader, read, id, COL_DUE_CORRELATION_ID),
        };
    }
    sql_end(c, id);
    return result < 0 ? result : taken;
}

/* Keeps of those behind `from` what was never tried: in order of ids (`waiting`) only what waits for that,
 * since what was released or repeated has its own time. */
static void keep_untried(struct store_due_read *r, size_t from, bool waiting)
{
    size_t kept = from;
    for (size_t i = from; i < r->count; i++)
        if (r->rows[i].failed == 0 && r->rows[i].next_attempt <= (waiting ? 0 : r->now))
            r->rows[kept++] = r->rows[i];
    r->count = kept;
}

static int read_due_in_order(struct store_reader *reader, struct store_due_read *r, int64_t after,
                             unsigned limit)
{
    int result =
        sql_first(&reader->connection, SQL_DELIVERY_DUE,
                  SQL_VALUES(sql_t(r->queue.receiver), sql_t(r->queue.module), sql_i(after), sql_i(limit)));
    return take_due(reader, r, SQL_DELIVERY_DUE, result);
}

static int read_due_first(struct store_reader *reader, struct store_due_read *r, unsigned limit)
{
    int taken = limit == 0 ? 0 : read_due_in_order(reader, r, r->after, limit);
    if (taken > 0)
        r->after = r->rows[r->count - 1].id;
    r->more = taken > 0 && taken == (int)limit;
    keep_untried(r, 0, true);
    return taken;
}

/* The newest, and some from the middle on: where what fails stands in a long row, others may stand there. */
static int read_due_samples(struct store_reader *reader, struct store_due_read *r)
{
    size_t from = r->count;
    int result = sql_first(
        &reader->connection, SQL_DELIVERY_DUE_NEWEST,
        SQL_VALUES(sql_t(r->queue.receiver), sql_t(r->queue.module), sql_i(bounded_limit(r->sample))));
    result = take_due(reader, r, SQL_DELIVERY_DUE_NEWEST, result);
    if (result >= 0)
        result = read_due_in_order(reader, r, r->middle, bounded_limit(r->sample));
    keep_untried(r, from, false);
    return result;
}

static int read_due_again(struct store_reader *reader, struct store_due_read *r, int64_t from, int64_t to)
{
    int result = sql_first(&reader->connection, SQL_DELIVERY_DUE_AGAIN,
                           SQL_VALUES(sql_t(r->queue.receiver), sql_t(r->queue.module), sql_i(from),
                                      sql_i(to), sql_i(bounded_limit(r->again))));
    return take_due(reader, r, SQL_DELIVERY_DUE_AGAIN, result);
}

bool read_due(struct store_reader *reader, struct store_read *read)
{
    struct store_due_read *r = CONTAINER_OF(read, struct store_due_read, base);
    unsigned limit = bounded_limit(r->limit);
    r->count = 0;
    r->more = false;
    r->rows = read_alloc(read, limit + 2 * (bounded_limit(r->sample) + bounded_limit(r->again)) + 1,
                         sizeof *r->rows);
    if (!r->rows)
        return true;
    int result = read_due_first(reader, r, limit);
    if (result >= 0 && r->sample > 0)
        result = read_due_samples(reader, r);
    if (result >= 0)
        result = read_due_again(reader, r, 1, r->now);
    if (result >= 0 && r->latest < INT64_MAX)
        result = read_due_again(reader, r, r->latest + 1, INT64_MAX);
    return result < 0 ? read_fail(reader, read, result) : read_done(read, OK);
}

/* ---------------------------------------------------------------- one with its body */

static enum store_hold_reason read_hold(const struct sql_connection *connection, enum sql_id id,
                                        enum sql_column column)
{
    int64_t hold = sql_integer(connection, id, column);
    return hold > STORE_HOLD_NONE && hold < STORE_HOLD_COUNT ? (enum store_hold_reason)hold : STORE_HOLD_NONE;
}

struct str read_reason(struct store_reader *reader, struct store_read *read, enum sql_id id,
                       enum sql_column hold, enum sql_column reason)
{
    enum store_hold_reason held = read_hold(&reader->connection, id, hold);
    return held != STORE_HOLD_NONE ? str_from(store_hold_name(held)) : read_string(reader, read, id, reason);
}

static void take_delivery(struct store_reader *reader, struct store_read *read, enum sql_id id,
                          struct store_delivery *row)
{
    const struct sql_connection *c = &reader->connection;
    *row = (struct store_delivery){
        .id = sql_integer(c, id, COL_DELIVERY_ID),
        .state = (enum store_delivery_state)sql_integer(c, id, COL_DELIVERY_STATE),
        .kind = (int)sql_integer(c, id, COL_DELIVERY_KIND),
        .attempts = (unsigned)sql_integer(c, id, COL_DELIVERY_ATTEMPTS),
        .next_attempt = sql_integer(c, id, COL_DELIVERY_NEXT_ATTEMPT),
        .created = sql_integer(c, id, COL_DELIVERY_CREATED),
        .done = sql_integer(c, id, COL_DELIVERY_DONE),
        .receiver = read_string(reader, read, id, COL_DELIVERY_RECEIVER),
        .sender = read_string(reader, read, id, COL_DELIVERY_SENDER),
        .module = read_string(reader, read, id, COL_DELIVERY_MODULE),
        .method = read_string(reader, read, id, COL_DELIVERY_METHOD),
        .owner = read_string(reader, read, id, COL_DELIVERY_OWNER),
        .object = read_string(reader, read, id, COL_DELIVERY_OBJECT),
        .hold = read_hold(c, id, COL_DELIVERY_HOLD),
        .reason = read_reason(reader, read, id, COL_DELIVERY_HOLD, COL_DELIVERY_REASON),
        .url = read_string(reader, read, id, COL_DELIVERY_URL),
        .correlation_id = read_string(reader, read, id, COL_DELIVERY_CORRELATION_ID),
        .last_error = read_string(reader, read, id, COL_DELIVERY_LAST_ERROR),
        .evse = read_string(reader, read, id, COL_DELIVERY_EVSE),
        .active_from = sql_integer(c, id, COL_DELIVERY_ACTIVE_FROM),
        .tries = read_string(reader, read, id, COL_DELIVERY_TRIES),
        .receipt = read_string(reader, read, id, COL_DELIVERY_RECEIPT),
        .name = read_string(reader, read, id, COL_DELIVERY_NAME),
        .failed = sql_integer(c, id, COL_DELIVERY_FAILED),
        .alone = (unsigned)sql_integer(c, id, COL_DELIVERY_ALONE),
        .refused = (unsigned)sql_integer(c, id, COL_DELIVERY_REFUSED),
        .via = read_string(reader, read, id, COL_DELIVERY_VIA),
    };
}

/* The stored object (of a location maybe one EVSE) as it is now; the body stays empty when it is gone. */
static int take_body(struct store_reader *reader, struct store_read *read, struct store_delivery *row)
{
    struct store_object_read object = {
        .base = {.arena = read->arena},
        .kind = (enum store_kind)row->kind,
        .owner = row->owner,
        .id = row->object,
        .evse = row->evse,
    };
    read_object(reader, &object.base);
    row->body = object.body;
    return object.base.result == ERR_NOT_FOUND ? OK : object.base.result;
}

/* Finds an older pending delivery that must arrive before this one. */
static int take_older(struct store_reader *reader, struct store_delivery_read *r)
{
    struct sql_connection *c = &reader->connection;
    const struct store_delivery *row = &r->row;
    r->older = r->older_attempt = 0;
    if (row->url.length == 0 || row->state != STORE_DELIVERY_PENDING)
        return OK;
    int result = sql_first(c, SQL_DELIVERY_OLDER,
                           SQL_VALUES(sql_t(row->receiver), sql_t(row->object), sql_t(row->url),
                                      sql_t(row->correlation_id), sql_i(row->id)));
    if (result <= 0)
        return result;
    r->older = sql_integer(c, SQL_DELIVERY_OLDER, COL_DELIVERY_OLDER_ID);
    r->older_attempt = sql_integer(c, SQL_DELIVERY_OLDER, COL_DELIVERY_OLDER_NEXT_ATTEMPT);
    sql_end(c, SQL_DELIVERY_OLDER);
    return OK;
}

bool read_delivery(struct store_reader *reader, struct store_read *read)
{
    struct store_delivery_read *r = CONTAINER_OF(read, struct store_delivery_read, base);
    struct sql_connection *c = &reader->connection;
    int result = sql_first(c, SQL_DELIVERY_READ, SQL_VALUES(sql_i(r->id)));
    if (result < 0)
        return read_fail(reader, read, result);
    if (result == 0)
        return read_done(read, ERR_NOT_FOUND);
    take_delivery(reader, read, SQL_DELIVERY_READ, &r->row);
    if (r->row.kind < 0)
        r->row.body = read_string(reader, read, SQL_DELIVERY_READ, COL_DELIVERY_READ_BODY);
    r->row.evse_name = read_string(reader, read, SQL_DELIVERY_READ, COL_DELIVERY_READ_EVSE_NAME);
    sql_end(c, SQL_DELIVERY_READ);
    result = r->row.kind < 0 || read->result ? OK : take_body(reader, read, &r->row);
    if (result == OK && !read->result)
        result = take_older(reader, r);
    return result ? read_fail(reader, read, result) : read_done(read, OK);
}

/* ---------------------------------------------------------------- lists */

/* The states that have an index by queue. */
static const struct parked {
    enum store_delivery_state state;
    enum sql_id queue, list, count;
} parked[] = {
    {STORE_DELIVERY_PENDING, SQL_PENDING_QUEUE, SQL_PENDING_LIST, SQL_PENDING_COUNT},
    {STORE_DELIVERY_HELD, SQL_HELD_QUEUE, SQL_HELD_LIST, SQL_HELD_COUNT},
    {STORE_DELIVERY_DEAD, SQL_DEAD_QUEUE, SQL_DEAD_LIST, SQL_DEAD_COUNT},
};
#define PARKED_STATES (sizeof(parked) / sizeof(parked[0]))

/* Where a walk over (state, queue, id) stands between two turns. */
struct delivery_walk {
    size_t state; /* index of parked[] */
    struct store_queue_key queue;
    bool inside; /* of this queue's rows; else the next one is to be found */
    int64_t id;
    struct store_queue_row *row; /* of read_queues */
    size_t capacity;
};

/* 1: walk->queue is the next one of the walk's state; 0: there is none; negative: failed. */
static int next_queue(struct store_reader *reader, struct store_read *read, struct delivery_walk *walk)
{
    enum sql_id id = parked[walk->state].queue;
    int result = sql_first(&reader->connection, id,
                           SQL_VALUES(sql_t(walk->queue.receiver), sql_t(walk->queue.module)));
    if (result <= 0)
        return result;
    walk->queue.receiver = read_string(reader, read, id, COL_PARKED_QUEUE_RECEIVER);
    walk->queue.module = read_string(reader, read, id, COL_PARKED_QUEUE_MODULE);
    sql_end(&reader->connection, id);
    return read->result ? read->result : 1;
}

/* Room for one more of `count` rows; what is returned holds the old ones. NULL: no memory. */
static void *room_for_one(struct store_read *read, void *rows, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return rows;
    size_t larger = *capacity ? *capacity * 2 : 16;
    void *room = read_alloc(read, larger, size);
    if (room && count)
        memcpy(room, rows, count * size);
    *capacity = room ? larger : *capacity;
    return room;
}

static struct delivery_walk *walk_of(struct store_read *read)
{
    if (!read->state)
        read->state = read_alloc(read, 1, sizeof(struct delivery_walk));
    return read->state;
}

static bool list_wants(const struct store_delivery_list *r, const struct sql_connection *c, enum sql_id id)
{
    if (r->state >= 0 && sql_integer(c, id, COL_DELIVERY_STATE) != r->state)
        return false;
    return r->receiver.length == 0 || str_equal(sql_string(c, id, COL_DELIVERY_RECEIVER), r->receiver) ||
           str_equal(sql_string(c, id, COL_DELIVERY_SENDER), r->receiver);
}

/* Keeps the `limit` smallest ids in order. False when the row cannot be among them. */
static bool list_insert(struct store_reader *reader, struct store_delivery_list *r, enum sql_id id,
                        unsigned limit)
{
    int64_t number = sql_integer(&reader->connection, id, COL_DELIVERY_ID);
    if (r->count == limit && number > r->rows[limit - 1].id)
        return false;
    size_t at = r->count < limit ? r->count++ : limit - 1;
    for (; at > 0 && r->rows[at - 1].id > number; at--)
        r->rows[at] = r->rows[at - 1];
    take_delivery(reader, &r->base, id, &r->rows[at]);
    return true;
}

/* A chunk of one queue's rows: 1 when there is more, 0 at its end, negative on failure. */
static int list_chunk(struct store_reader *reader, struct store_delivery_list *r, struct delivery_walk *walk,
                      unsigned limit)
{
    struct sql_connection *c = &reader->connection;
    enum sql_id id = parked[walk->state].list;
    int seen = 0;
    bool useful = true;
    int result = sql_first(
        c, id,
        SQL_VALUES(sql_t(walk->queue.receiver), sql_t(walk->queue.module), sql_i(walk->id), sql_i(CHUNK)));
    for (; result > 0 && useful; result = sql_next(c, id), seen++) {
        walk->id = sql_integer(c, id, COL_DELIVERY_ID);
        if (list_wants(r, c, id))
            useful = list_insert(reader, r, id, limit);
    }
    sql_end(c, id);
    if (result < 0)
        return result;
    return useful && seen == CHUNK;
}

/* One step through what the partial indexes hold of the states asked for: 1 go on, 0 the end, negative a
 * failure. */
static int list_step(struct store_reader *reader, struct store_delivery_list *r, struct delivery_walk *walk,
                     unsigned limit)
{
    if (walk->state == PARKED_STATES)
        return 0;
    int result = 0;
    if (walk->inside) {
        result = list_chunk(reader, r, walk, limit);
        walk->inside = result > 0;
        return result < 0 ? result : 1;
    }
    if (r->state < 0 || (int)parked[walk->state].state == r->state)
        result = next_queue(reader, &r->base, walk);
    if (result < 0)
        return result;
    walk->inside = result > 0;
    walk->id = r->after;
    if (result == 0) {
        walk->state++;
        walk->queue = (struct store_queue_key){STR_NONE, STR_NONE};
    }
    return 1;
}

/* Without an index for the state: by id through the table. 1: more, 0: the end, negative: failed. */
static int scan_step(struct store_reader *reader, struct store_delivery_list *r, struct delivery_walk *walk,
                     unsigned limit)
{
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = SQL_DELIVERY_SCAN;
    int seen = 0;
    int result = sql_first(c, id, SQL_VALUES(sql_i(walk->id), sql_i(CHUNK)));
    for (; result > 0 && r->count < limit; result = sql_next(c, id), seen++) {
        walk->id = sql_integer(c, id, COL_DELIVERY_ID);
        if (list_wants(r, c, id))
            take_delivery(reader, &r->base, id, &r->rows[r->count++]);
    }
    sql_end(c, id);
    if (result < 0)
        return result;
    return seen == CHUNK && r->count < limit;
}

bool read_deliveries(struct store_reader *reader, struct store_read *read)
{
    struct store_delivery_list *r = CONTAINER_OF(read, struct store_delivery_list, base);
    unsigned limit = bounded_limit(r->limit);
    bool first = read->state == NULL;
    struct delivery_walk *walk = walk_of(read);
    if (first && walk) {
        walk->id = r->after;
        r->count = 0;
        r->rows = read_alloc(read, limit + 1, sizeof *r->rows);
    }
    if (read->result || limit == 0)
        return true;
    bool indexed = r->state == -1 || r->state == STORE_DELIVERY_PENDING || r->state == STORE_DELIVERY_HELD ||
                   r->state == STORE_DELIVERY_DEAD;
    for (;;) {
        int result = indexed ? list_step(reader, r, walk, limit) : scan_step(reader, r, walk, limit);
        if (result < 0)
            return read_fail(reader, read, result);
        if (result == 0 || read->result)
            return read_done(read, OK);
        if (reader_is_late(reader))
            return false;
    }
}

/* ---------------------------------------------------------------- queues */

/* The row of the walk's receiver, made when it is new; NULL: no memory. */
static struct store_queue_row *row_of_receiver(struct store_queues_read *r, struct delivery_walk *walk)
{
    for (size_t i = 0; i < r->count; i++) {
        if (str_equal(r->rows[i].receiver, walk->queue.receiver))
            return &r->rows[i];
    }
    struct store_queue_row *rows =
        room_for_one(&r->base, r->rows, r->count, &walk->capacity, sizeof *r->rows);
    if (!rows)
        return NULL;
    r->rows = rows;
    r->rows[r->count] = (struct store_queue_row){.receiver = walk->queue.receiver};
    return &r->rows[r->count++];
}

static int note_oldest_pending(struct store_reader *reader, struct delivery_walk *walk)
{
    struct sql_connection *c = &reader->connection;
    int64_t *oldest = &walk->row->oldest_pending;
    int result =
        sql_first(c, SQL_PENDING_LIST,
                  SQL_VALUES(sql_t(walk->queue.receiver), sql_t(walk->queue.module), sql_i(0), sql_i(1)));
    int64_t created = result > 0 ? sql_integer(c, SQL_PENDING_LIST, COL_DELIVERY_CREATED) : 0;
    if (result > 0 && (*oldest == 0 || created < *oldest))
        *oldest = created;
    sql_end(c, SQL_PENDING_LIST);
    return result < 0 ? result : OK;
}

static int count_alone(struct store_reader *reader, struct delivery_walk *walk)
{
    struct sql_connection *c = &reader->connection;
    int result =
        sql_first(c, SQL_ALONE_COUNT,
                  SQL_VALUES(sql_t(walk->queue.receiver), sql_t(walk->queue.module), sql_i(STORE_ALONE_MAX)));
    walk->row->alone += result > 0 ? sql_integer(c, SQL_ALONE_COUNT, COL_NUMBER_NUMBER) : 0;
    sql_end(c, SQL_ALONE_COUNT);
    return result < 0 ? result : OK;
}

static int count_chunk(struct store_reader *reader, struct delivery_walk *walk)
{
    struct sql_connection *c = &reader->connection;
    const enum sql_id id = parked[walk->state].count;
    const int64_t chunk = (int64_t)10 * CHUNK;
    int result = sql_first(
        c, id,
        SQL_VALUES(sql_t(walk->queue.receiver), sql_t(walk->queue.module), sql_i(walk->id), sql_i(chunk)));
    if (result <= 0)
        return result;
    int64_t count = sql_integer(c, id, COL_SLICE_COUNT);
    walk->id = sql_integer(c, id, COL_SLICE_LAST);
    sql_end(c, id);
    if (parked[walk->state].state == STORE_DELIVERY_PENDING)
        walk->row->pending += count;
    else if (parked[walk->state].state == STORE_DELIVERY_HELD)
        walk->row->held += count;
    else
        walk->row->dead += count;
    return count == chunk;
}

/* As list_step, counting. */
static int queues_step(struct store_reader *reader, struct store_queues_read *r, struct delivery_walk *walk)
{
    if (walk->state == PARKED_STATES)
        return 0;
    if (walk->inside) {
        int result = count_chunk(reader, walk);
        walk->inside = result > 0;
        return result < 0 ? result : 1;
    }
    int result = next_queue(reader, &r->base, walk);
    if (result < 0)
        return result;
    if (result == 0) {
        walk->state++;
        walk->queue = (struct store_queue_key){STR_NONE, STR_NONE};
        return 1;
    }
    walk->inside = true;
    walk->id = 0;
    walk->row = row_of_receiver(r, walk);
    if (!walk->row)
        return ERR_MEMORY;
    if (parked[walk->state].state == STORE_DELIVERY_PENDING)
        result = note_oldest_pending(reader, walk);
    if (result >= 0 && parked[walk->state].state == STORE_DELIVERY_PENDING)
        result = count_alone(reader, walk);
    return result < 0 ? result : 1;
}

bool read_queues(struct store_reader *reader, struct store_read *read)
{
    struct store_queues_read *r = CONTAINER_OF(read, struct store_queues_read, base);
    bool begins = !read->state;
    if (begins)
        r->count = 0;
    struct delivery_walk *walk = walk_of(read);
    if (!walk)
        return true;
    int found = begins ? sql_number(&reader->connection, SQL_MAX_DELIVERY, &r->newest) : OK;
    if (found)
        return read_fail(reader, read, found);
    for (;;) {
        int result = queues_step(reader, r, walk);
        if (result < 0)
            return read_fail(reader, read, result);
        if (result == 0)
            return read_done(read, OK);
        if (reader_is_late(reader))
            return false;
    }
}

/* ---------------------------------------------------------------- queues that wait */

bool read_waiting(struct store_reader *reader, struct store_read *read)
{
    struct store_waiting_read *r = CONTAINER_OF(read, struct store_waiting_read, base);
    if (!read->state)
        r->count = 0;
    struct delivery_walk *walk = walk_of(read); /* it begins at the first state, which is pending */
    if (!walk)
        return true;
    for (;;) {
        int result = next_queue(reader, read, walk);
        if (result < 0)
            return read_fail(reader, read, result);
        if (result == 0)
            return read_done(read, OK);
        struct store_queue_key *queues =
            room_for_one(read, r->queues, r->count, &walk->capacity, sizeof *r->queues);
        if (!queues)
            return true;
        r->queues = queues;
        r->queues[r->count++] = walk->queue;
        if (reader_is_late(reader))
            return false;
    }
}
