#include "lib/store/sqlite/internal.h"

/* Deliveries and commands. */

#define STATE_BIT(state) (1u << (state))

/* ---------------------------------------------------------------- coalescing */

/* What the stored row of a session or CDR says about its deliveries. */
struct sent_object {
    int64_t sequence; /* 0: there is no such object */
    int64_t last_delivery;
    bool same_emsp; /* the object belongs to the delivery's receiver */
};

static int find_sent_object(struct writer *writer, const struct store_delivery *row,
                            struct sent_object *object)
{
    struct sql_connection *c = &writer->connection;
    *object = (struct sent_object){0};
    int result =
        sql_first(c, SQL_OBJECT_FIND, SQL_VALUES(sql_i(row->kind), sql_t(row->object), sql_t(row->owner)));
    if (result <= 0)
        return result;
    object->sequence = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_SEQUENCE);
    object->last_delivery = sql_integer(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_LAST_DELIVERY);
    object->same_emsp =
        str_equal(sql_string(c, SQL_OBJECT_FIND, COL_OBJECT_FIND_COUNTERPARTY), row->receiver);
    sql_end(c, SQL_OBJECT_FIND);
    return OK;
}

/* A session's lane is found through its object's row; *before is the delivery that came last. */
static int find_last_delivery(struct writer *writer, const struct store_delivery *row, int64_t *before)
{
    struct sent_object object;
    int result = find_sent_object(writer, row, &object);
    *before = object.last_delivery;
    if (result || object.sequence == 0)
        return result;
    return sql_run(&writer->connection, SQL_OBJECT_SET_DELIVERY,
                   SQL_VALUES(sql_i(object.sequence), sql_i(row->id)));
}

static int supersede(struct writer *writer, const struct store_delivery *row, int64_t before)
{
    if (row->kind < STORE_SESSION)
        return sql_run(&writer->connection, SQL_DELIVERY_SUPERSEDE_LANE,
                       SQL_VALUES(sql_t(row->receiver), sql_t(row->object), sql_t(row->owner),
                                  sql_t(row->module), sql_t(row->evse), sql_i(writer->now)));
    if (before == 0)
        return OK;
    return sql_run(&writer->connection, SQL_DELIVERY_SUPERSEDE,
                   SQL_VALUES(sql_i(before), sql_i(writer->now)));
}

static int insert_delivery(struct writer *writer, const struct store_delivery *row)
{
    return sql_run(&writer->connection, SQL_DELIVERY_INSERT,
                   SQL_VALUES(sql_i(row->id), sql_i(row->state), sql_i(row->kind), sql_i(row->attempts),
                              sql_i(row->next_attempt), sql_i(row->created ? row->created : writer->now),
                              sql_i(row->done), sql_t(row->receiver), sql_t(row->sender), sql_t(row->module),
                              sql_t(row->method), sql_t(row->owner), sql_t(row->object), sql_t(row->reason),
                              sql_t(row->url), sql_t(row->correlation_id), sql_t(row->last_error),
                              sql_b(row->kind < 0 ? row->body : STR_NONE), sql_t(row->evse), sql_t(row->name),
                              sql_t(row->via), sql_i(row->hold)));
}

int apply_put_delivery(struct writer *writer, struct store_op *op, struct error *error)
{
    struct store_delivery *row = &op->u.delivery.row;
    int64_t before = 0;
    int result = OK;
    row->id = 0;
    if (op->u.delivery.only_if_changed && writer->unchanged)
        return OK;
    if (writer->promised == op) {
        row->id = writer->promised_id;
        before = writer->promised_before;
    } else {
        row->id = ++writer->state.delivery_id;
        if (row->kind >= STORE_SESSION)
            result = find_last_delivery(writer, row, &before);
    }
    writer->state.deliveries = true;
    if (!result && op->u.delivery.coalesce)
        result = supersede(writer, row, before);
    if (!result)
        result = insert_delivery(writer, row);
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- repeating a delivery */

/* *state of a delivery, -1: there is none. */
static int find_state(struct writer *writer, int64_t id, int64_t *state)
{
    struct sql_connection *c = &writer->connection;
    *state = -1;
    int result = sql_first(c, SQL_DELIVERY_STATE, SQL_VALUES(sql_i(id)));
    if (result <= 0)
        return result;
    *state = sql_integer(c, SQL_DELIVERY_STATE, COL_DELIVERY_STATE_STATE);
    sql_end(c, SQL_DELIVERY_STATE);
    return OK;
}

/* Inserts the delivery under the id that the stored object has in its body, in the owner's spelling. */
static int insert_named(struct writer *writer, struct store_delivery *row, int64_t object)
{
    struct sql_connection *c = &writer->connection;
    int found = sql_first(c, SQL_OBJECT_NAME, SQL_VALUES(sql_i(object)));
    row->name = found > 0 ? sql_string(c, SQL_OBJECT_NAME, COL_OBJECT_NAME_NAME) : STR_NONE;
    int result = found < 0 ? found : insert_delivery(writer, row);
    row->name = STR_NONE; /* the statement's own */
    sql_end(c, SQL_OBJECT_NAME);
    return result;
}

int apply_repeat_delivery(struct writer *writer, struct store_op *op, struct error *error)
{
    struct store_delivery *row = &op->u.repeat;
    struct sql_connection *c = &writer->connection;
    struct sent_object object;
    int64_t state = -1;
    int result = find_sent_object(writer, row, &object);
    if (!result)
        result = find_state(writer, object.last_delivery, &state);
    if (result)
        return apply_failure(writer, result, error);
    if (!object.same_emsp || state == STORE_DELIVERY_PENDING)
        return error_set(error, ERR_CONFLICT, STR_FMT " of " STR_FMT " was changed meanwhile",
                         STR_ARG(row->object), STR_ARG(row->owner));
    writer->state.deliveries = true;
    if (state == STORE_DELIVERY_HELD || state == STORE_DELIVERY_DEAD) {
        row->id = object.last_delivery;
        result =
            sql_run(c, SQL_DELIVERY_AGAIN, SQL_VALUES(sql_i(row->id), sql_i(row->state), sql_i(row->hold)));
    } else {
        row->id = ++writer->state.delivery_id;
        result = sql_run(c, SQL_OBJECT_SET_DELIVERY, SQL_VALUES(sql_i(object.sequence), sql_i(row->id)));
        if (!result)
            result = insert_named(writer, row, object.sequence);
        if (!result) /* it is still the message that came that way */
            result =
                sql_run(c, SQL_DELIVERY_KEEP_VIA, SQL_VALUES(sql_i(row->id), sql_i(object.last_delivery)));
    }
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- queues */

/* What is kept of a queue; a new one is all zero. 0 or an SQL failure. */
static int find_queue(struct writer *writer, struct str receiver, struct store_queue *queue, int64_t *until,
                      struct str holder, bool *own)
{
    struct sql_connection *c = &writer->connection;
    *queue = (struct store_queue){.receiver = receiver};
    *until = 0;
    *own = false;
    int result = sql_first(c, SQL_QUEUE_FIND, SQL_VALUES(sql_t(receiver)));
    if (result <= 0)
        return result;
    queue->fence = sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_FENCE);
    *own = str_equal(sql_string(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_HOLDER), holder);
    *until = sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_LEASE_UNTIL);
    queue->failures = (unsigned)sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_FAILURES);
    queue->paused_until = sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_PAUSED_UNTIL);
    queue->active_ms = sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_ACTIVE_MS);
    queue->suspects = (unsigned)sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_SUSPECTS);
    queue->fresh_until = sql_integer(c, SQL_QUEUE_FIND, COL_QUEUE_FIND_FRESH_UNTIL);
    sql_end(c, SQL_QUEUE_FIND);
    return OK;
}

int apply_lease_queue(struct writer *writer, struct store_op *op, struct error *error)
{
    struct str receiver = op->u.lease.receiver, holder = op->u.lease.holder;
    struct store_queue *queue = &op->u.lease.queue;
    int64_t until;
    bool own;
    int result = find_queue(writer, receiver, queue, &until, holder, &own);
    if (result)
        return apply_failure(writer, result, error);
    bool alive = until > writer->now;
    if (alive && !own)
        return error_set(error, ERR_CONFLICT, "the queue of " STR_FMT " is another worker's",
                         STR_ARG(receiver));
    if (!alive) /* the last holder may still be sending: a new fence makes its late results be refused */
        queue->fence++;
    result =
        sql_run(&writer->connection, SQL_QUEUE_LEASE,
                SQL_VALUES(sql_t(receiver), sql_i(queue->fence), sql_t(holder), sql_i(op->u.lease.until)));
    return result ? apply_failure(writer, result, error) : OK;
}

/* A worker's fence must be the last one that was given out. */
static int check_fence(struct writer *writer, const struct store_queue *queue, struct error *error)
{
    struct store_queue stored;
    int64_t until;
    bool own;
    int result = find_queue(writer, queue->receiver, &stored, &until, STR_NONE, &own);
    if (result)
        return apply_failure(writer, result, error);
    return stored.fence == queue->fence
               ? OK
               : error_set(error, ERR_CONFLICT, "the queue " STR_FMT " has another worker now",
                           STR_ARG(queue->receiver));
}

static int write_queue(struct writer *writer, const struct store_queue *queue)
{
    return sql_run(&writer->connection, SQL_QUEUE_UPDATE,
                   SQL_VALUES(sql_t(queue->receiver), sql_i(queue->failures), sql_i(queue->paused_until),
                              sql_i(queue->active_ms), sql_i(queue->suspects), sql_i(queue->fresh_until)));
}

/* ---------------------------------------------------------------- results of tries */

/*
 * What a state may become. A superseded one stays so unless it turns out delivered: its newer message follows
 * anyway.
 */
static const unsigned may_become[] = {
    [STORE_DELIVERY_PENDING] = STATE_BIT(STORE_DELIVERY_PENDING) | STATE_BIT(STORE_DELIVERY_DELIVERED) |
                               STATE_BIT(STORE_DELIVERY_HELD) | STATE_BIT(STORE_DELIVERY_DEAD) |
                               STATE_BIT(STORE_DELIVERY_SUPERSEDED),
    [STORE_DELIVERY_DELIVERED] = 0,
    [STORE_DELIVERY_HELD] = STATE_BIT(STORE_DELIVERY_PENDING) | STATE_BIT(STORE_DELIVERY_DELIVERED) |
                            STATE_BIT(STORE_DELIVERY_HELD) | STATE_BIT(STORE_DELIVERY_DEAD) |
                            STATE_BIT(STORE_DELIVERY_SUPERSEDED),
    [STORE_DELIVERY_DEAD] = STATE_BIT(STORE_DELIVERY_PENDING) | STATE_BIT(STORE_DELIVERY_DELIVERED) |
                            STATE_BIT(STORE_DELIVERY_HELD) | STATE_BIT(STORE_DELIVERY_DEAD) |
                            STATE_BIT(STORE_DELIVERY_SUPERSEDED),
    [STORE_DELIVERY_SUPERSEDED] = STATE_BIT(STORE_DELIVERY_DELIVERED) | STATE_BIT(STORE_DELIVERY_SUPERSEDED),
};

int apply_finish_delivery(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int64_t id = op->u.finish.id;
    enum store_delivery_state state = op->u.finish.state;
    int result = sql_first(c, SQL_DELIVERY_STATE, SQL_VALUES(sql_i(id)));
    if (result < 0)
        return apply_failure(writer, result, error);
    int64_t stored = result == 0 ? -1 : sql_integer(c, SQL_DELIVERY_STATE, COL_DELIVERY_STATE_STATE);
    sql_end(c, SQL_DELIVERY_STATE);
    if (op->u.finish.unless_ended) {
        op->u.finish.unless_ended =
            stored >= 0 && stored != STORE_DELIVERY_DELIVERED && stored != STORE_DELIVERY_SUPERSEDED;
        if (!op->u.finish.unless_ended)
            return OK;
    }
    if (result == 0)
        return error_set(error, ERR_NOT_FOUND, "delivery %lld: no such delivery", (long long)id);
    if (stored < 0 || stored > STORE_DELIVERY_SUPERSEDED)
        return apply_failure(writer, sql_failure(c, SQLITE_CORRUPT, "delivery"), error);
    if (stored == STORE_DELIVERY_DELIVERED)
        return error_set(error, ERR_CONFLICT, "delivery %lld has been delivered", (long long)id);
    const struct store_queue *queue = op->u.finish.queue;
    /* a failed try changes nothing when the delivery was held, or ended, while the try was under way */
    bool failed_meanwhile = queue && state == STORE_DELIVERY_PENDING && stored != STORE_DELIVERY_PENDING;
    bool stays = failed_meanwhile || !(may_become[stored] & STATE_BIT(state));
    result = queue ? check_fence(writer, queue, error) : OK;
    if (result)
        return result;
    writer->state.deliveries = true;
    result = sql_run(
        c, SQL_DELIVERY_FINISH,
        SQL_VALUES(sql_i(id), sql_i(state), sql_t(op->u.finish.reason), sql_i(op->u.finish.attempts),
                   sql_i(op->u.finish.next_attempt), sql_t(op->u.finish.last_error), sql_i(op->u.finish.done),
                   sql_i(op->u.finish.active_from), sql_t(op->u.finish.tries), sql_t(op->u.finish.receipt),
                   sql_i(op->u.finish.failed), sql_i(op->u.finish.alone), sql_i(stays),
                   sql_i(op->u.finish.hold), sql_i(op->u.finish.refused)));
    if (!result && queue)
        result = write_queue(writer, queue);
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_release_held(struct writer *writer, struct store_op *op, struct error *error)
{
    int result = sql_run(
        &writer->connection, SQL_DELIVERY_RELEASE,
        SQL_VALUES(sql_t(op->u.release.receiver), sql_i(op->u.release.reason), sql_t(op->u.release.module)));
    if (result)
        return apply_failure(writer, result, error);
    op->u.release.count = sql_changes(&writer->connection);
    writer->state.deliveries |= op->u.release.count > 0;
    return OK;
}

static int hold_rows(struct writer *writer, struct store_op *op, enum sql_id statement, struct str by,
                     struct error *error)
{
    int result = sql_run(
        &writer->connection, statement,
        SQL_VALUES(sql_t(op->u.hold.receiver), sql_t(by), sql_i(op->u.hold.reason), sql_i(op->u.hold.limit)));
    if (result)
        return apply_failure(writer, result, error);
    op->u.hold.count = sql_changes(&writer->connection);
    writer->state.deliveries |= op->u.hold.count > 0;
    return OK;
}

int apply_hold_pending(struct writer *writer, struct store_op *op, struct error *error)
{
    return hold_rows(writer, op, SQL_DELIVERY_HOLD, op->u.hold.sender, error);
}

int apply_hold_module(struct writer *writer, struct store_op *op, struct error *error)
{
    return hold_rows(writer, op, SQL_DELIVERY_HOLD_MODULE, op->u.hold.module, error);
}

/* ---------------------------------------------------------------- commands */

int apply_put_command(struct writer *writer, struct store_op *op, struct error *error)
{
    const struct store_command *row = &op->u.command;
    struct sql_connection *c = &writer->connection;
    int result = sql_first(c, SQL_COMMAND_STATE, SQL_VALUES(sql_i(row->id)));
    sql_end(c, SQL_COMMAND_STATE);
    if (result > 0)
        return error_set(error, ERR_EXISTS, "command %lld exists", (long long)row->id);
    if (!result)
        result = sql_run(
            c, SQL_COMMAND_INSERT,
            SQL_VALUES(sql_i(row->id), sql_i(row->state), sql_i(row->created), sql_i(row->expires),
                       sql_bytes(row->callback_hash, sizeof row->callback_hash), sql_t(row->command),
                       sql_t(row->emsp), sql_t(row->cpo), sql_t(row->object), sql_t(row->response_url),
                       sql_t(row->result), sql_t(row->correlation_id), sql_t(row->token_uid),
                       sql_b(row->result_body), sql_t(row->token_type), sql_i(row->valid_until),
                       sql_t(row->reference), sql_i(row->state == STORE_COMMAND_ACCEPTED), sql_t(row->name)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_update_command(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int64_t id = op->u.command_update.id;
    int result = sql_first(c, SQL_COMMAND_STATE, SQL_VALUES(sql_i(id)));
    if (result < 0)
        return apply_failure(writer, result, error);
    if (result == 0)
        return error_set(error, ERR_NOT_FOUND, "command %lld: no such command", (long long)id);
    int64_t stored = sql_integer(c, SQL_COMMAND_STATE, COL_COMMAND_STATE_STATE);
    struct str unless = op->u.command_update.unless_result;
    bool taken =
        unless.length > 0 && str_equal(unless, sql_string(c, SQL_COMMAND_STATE, COL_COMMAND_STATE_RESULT));
    sql_end(c, SQL_COMMAND_STATE);
    if (stored < 0 || stored > STORE_COMMAND_ENDED)
        return apply_failure(writer, sql_failure(c, SQLITE_CORRUPT, "command"), error);
    if (taken || !(op->u.command_update.from & STATE_BIT(stored)))
        return error_set(error, ERR_CONFLICT, "command %lld was changed meanwhile", (long long)id);
    result =
        sql_run(c, SQL_COMMAND_UPDATE,
                SQL_VALUES(sql_i(id), sql_i(op->u.command_update.state), sql_t(op->u.command_update.result),
                           sql_b(op->u.command_update.result_body), sql_i(op->u.command_update.expires),
                           sql_t(op->u.command_update.callback_correlation_id),
                           sql_i(op->u.command_update.accepted)));
    return result ? apply_failure(writer, result, error) : OK;
}
