#include "lib/store/sqlite/internal.h"

/*
 * What may refuse needs a savepoint unless it is the batch's first op (every op checks its conditions before it
 * writes). When another op fails, the whole group is done again with savepoints: a savepoint makes SQLite copy
 * every page that the batch touches first, so a batch that needs none has none.
 */
static const struct {
    apply_function *apply;
    bool may_refuse;
} ops[STORE_OP_COUNT] = {
#define APPLY_OP(NAME, function, may_refuse) [STORE_##NAME] = {apply_##function, may_refuse},
    STORE_OPS(APPLY_OP)
#undef APPLY_OP
};

int apply_failure(struct writer *writer, int result, struct error *error)
{
    return error_set(error, result, "%s", writer->connection.error.text);
}

int apply_check_conditions(const struct writer *writer, const struct stored *stored,
                           const struct sqlite_condition *wanted, struct error *error, const char *what,
                           struct str id)
{
    unsigned conditions = wanted->conditions;
    if ((conditions & STORE_IF_ABSENT) && stored->present)
        return error_set(error, ERR_EXISTS, "%s " STR_FMT " exists", what, STR_ARG(id));
    if ((conditions & STORE_IF_PRESENT) && !stored->present)
        return error_set(error, ERR_NOT_FOUND, "%s " STR_FMT ": no such object", what, STR_ARG(id));
    if ((conditions & STORE_IF_REVISION) && wanted->revision != (stored->present ? stored->revision : 0))
        return error_set(error, ERR_CONFLICT, "%s " STR_FMT " was changed meanwhile", what, STR_ARG(id));
    if ((conditions & STORE_IF_NOT_OLDER) && stored->present && stored->last_updated > wanted->last_updated &&
        stored->last_updated <= store_latest(writer->store, writer->now) + STORE_FUTURE_MAX_MS)
        return error_set(error, ERR_STALE, "%s " STR_FMT " is older than what is stored", what, STR_ARG(id));
    return OK;
}

static bool needs_savepoint(const struct store_apply *apply)
{
    if (!apply->first)
        return false;
    for (const struct store_op *op = apply->first->next; op; op = op->next) {
        if (ops[op->type].may_refuse)
            return true;
    }
    return false;
}

/* A STORE_PUT_DELIVERY with only_if_changed further on in the batch needs to know. */
static void note_change(struct writer *writer, const struct store_op *op)
{
    if (op->type == STORE_PUT_OBJECT)
        writer->unchanged = !op->u.object.changed;
    else if (op->type == STORE_PUT_LOCATION || op->type == STORE_SET_LOCATION)
        writer->unchanged = !op->u.location.changed;
    else if (op->type == STORE_PUT_EVSE)
        writer->unchanged = !op->u.evse.changed;
    else if (op->type == STORE_DELETE_OBJECT)
        writer->unchanged = false;
}

static int apply_ops(struct writer *writer, struct store_apply *apply)
{
    writer->unchanged = false;
    for (struct store_op *op = apply->first; op; op = op->next) {
        int result = ops[op->type].apply(writer, op, &apply->error);
        if (result) {
            apply->failed = op;
            return result;
        }
        note_change(writer, op);
    }
    return OK;
}

static void undo_batch(struct writer *writer)
{
    struct sql_connection *c = &writer->connection;
    if (sqlite3_get_autocommit(c->db))
        return; /* SQLite has undone the whole transaction */
    int result = sql_run(c, SQL_ROLLBACK_TO, SQL_NO_VALUES);
    if (!result)
        result = sql_run(c, SQL_RELEASE, SQL_NO_VALUES);
    /* Half a batch must never be committed: without the savepoint the whole group goes. */
    if (result && !sqlite3_get_autocommit(c->db))
        sql_run(c, SQL_ROLLBACK, SQL_NO_VALUES);
}

enum batch_outcome apply_batch(struct writer *writer, struct store_apply *apply, bool careful)
{
    struct writer_state before = writer->state;
    bool savepoint = careful || needs_savepoint(apply);
    writer->batch = apply;
    writer->connection.failed = false;
    int result = savepoint ? sql_run(&writer->connection, SQL_SAVEPOINT, SQL_NO_VALUES) : OK;
    if (!result)
        result = apply_ops(writer, apply);
    if (!result && savepoint)
        result = sql_run(&writer->connection, SQL_RELEASE, SQL_NO_VALUES);
    writer->promised = NULL;
    apply->result = result;
    if (!result)
        return BATCH_APPLIED;
    if (savepoint)
        undo_batch(writer);
    else if (writer->connection.failed || apply->failed != apply->first)
        return BATCH_SPOILED;
    writer->state = before;
    return BATCH_REFUSED;
}

/* ---------------------------------------------------------------- audit */

int apply_audit_row(struct writer *writer, const struct store_audit *given)
{
    struct store_audit row = *given;
    if (row.time == 0)
        row.time = writer->now;
    struct audit_chain before = writer->state.chain;
    int result = audit_chain_add(&writer->state.chain, writer->hmac, &writer->scratch, &row);
    if (result)
        return sql_failure(&writer->connection, SQLITE_NOMEM, "audit");
    const struct audit_chain *chain = &writer->state.chain;
    result =
        sql_run(&writer->connection, SQL_AUDIT_INSERT,
                SQL_VALUES(sql_i(chain->sequence), sql_i(row.kind), sql_i(row.time), sql_i(row.latency_ms),
                           sql_t(row.actor), sql_t(row.action), sql_t(row.party), sql_t(row.module),
                           sql_t(row.method), sql_t(row.sender), sql_t(row.receiver), sql_t(row.object),
                           sql_t(row.status), sql_t(row.request_id), sql_t(row.correlation_id),
                           sql_t(row.detail), sql_bytes(chain->mac, SHA256_SIZE)));
    if (!result)
        result = summary_add_row(writer, chain->sequence, &row);
    if (result)
        writer->state.chain = before;
    return result;
}

/* Puts the numbers of the batch's deliveries in front of the row's detail; one that was not needed has no number.
 * False: no memory. */
static bool name_deliveries(struct writer *writer, const struct store_op *audit, struct store_audit *row)
{
    struct buffer *detail = &writer->detail;
    int64_t only = 0;
    unsigned count = 0;
    buffer_clear(detail);
    buffer_append_text(detail, "{\"deliveries\":[");
    for (const struct store_op *op = writer->batch->first; op != audit; op = op->next) {
        if (op->type != STORE_PUT_DELIVERY || op->u.delivery.row.id == 0)
            continue;
        only = op->u.delivery.row.id;
        buffer_printf(detail, count++ > 0 ? ",%lld" : "%lld", (long long)only);
    }
    buffer_append_byte(detail, ']');
    if (count == 0)
        return true;
    if (count == 1) {
        buffer_clear(detail);
        buffer_printf(detail, "{\"delivery\":%lld", (long long)only);
    }
    buffer_append_text(detail, row->detail.length > 2 ? "," : "}");
    if (row->detail.length > 2)
        buffer_append(detail, str_skip(row->detail, 1));
    row->detail = buffer_str(detail);
    return !detail->failed;
}

int apply_append_audit(struct writer *writer, struct store_op *op, struct error *error)
{
    struct store_audit row = op->u.audit;
    int result = row.names_deliveries && !name_deliveries(writer, op, &row)
                     ? sql_failure(&writer->connection, SQLITE_NOMEM, "audit")
                     : apply_audit_row(writer, &row);
    return result ? apply_failure(writer, result, error) : OK;
}
