#include "lib/store/sqlite/internal.h"

#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/timestamp.h"
#include "lib/store/sqlite/audit.h"

/*
 * Retention (hub-audit(5), RETENTION). A slice ends when the writer was held for about SLICE_US: whoever
 * pushes waits no longer than that.
 *
 * Kept and pruned rows may alternate, since real-time rows go sooner than the others. Each gap then stands
 * for one row and lies between two that are kept, so there are never more gaps than rows, and they join when
 * what is between them goes.
 */
#define SLICE_US 2000
#define ROWS_MAX 64 /* removed: each touches pages all over the indexes, which the commit has to write */

struct doomed {
    int64_t id;   /* or sequence */
    int64_t time; /* of objects: what they are ordered by */
    uint8_t mac[SHA256_SIZE];
};

struct pruner {
    struct writer *writer;
    int64_t slice_end; /* env_monotonic_us */
    unsigned limit;
    enum prune_part part; /* of the audit */
    int64_t before;
    enum store_kind kind;          /* of objects */
    int64_t scanned, scanned_time; /* looked at up to this row */
    bool done;
    struct doomed rows[ROWS_MAX];
    unsigned count, removed; /* of `rows` */
    struct audit_chain chain;
    struct audit_gap run; /* removed and not recorded yet; first 0: none */
};

static struct pruner pruner_begin(struct writer *writer, unsigned limit)
{
    struct pruner pruner = {.writer = writer, .slice_end = env_monotonic_us() + SLICE_US};
    pruner.limit = limit;
    return pruner;
}

/* At least one row is looked at, and one removed, in a slice, however slow the disk is. */
static bool slice_is_over(const struct pruner *p, unsigned steps)
{
    return steps > 0 && env_monotonic_us() >= p->slice_end;
}

/* ---------------------------------------------------------------- gaps */

/* Stores the run as a gap; a stored gap that begins at the same row is replaced. */
static int record_run(struct pruner *p)
{
    uint8_t seal[SHA256_SIZE];
    if (p->run.first == 0)
        return OK;
    audit_gap_seal(&p->run, p->writer->hmac, seal);
    int result = sql_run(&p->writer->connection, SQL_GAP_PUT,
                         SQL_VALUES(sql_i(p->run.first), sql_i(p->run.end.sequence),
                                    sql_bytes(p->run.end.mac, SHA256_SIZE), sql_bytes(seal, SHA256_SIZE)));
    p->run.first = 0;
    return result;
}

/* The authentic gap that a statement finds, if it does; one that was tampered with joins nothing, or a new
 * seal would make it good. 1, 0 or an SQL failure. */
static int find_gap(struct pruner *p, enum sql_id id, int64_t sequence, struct audit_gap *gap)
{
    struct sql_connection *c = &p->writer->connection;
    int result = sql_first(c, id, SQL_VALUES(sql_i(sequence)));
    if (result > 0 && !audit_gap_view(c, id, p->writer->hmac, gap))
        result = 0;
    sql_end(c, id);
    return result;
}

/* Adds a removed row to the run and joins the run with the stored gaps on both sides of it. */
static int extend_run(struct pruner *p, const struct doomed *row)
{
    struct audit_gap gap;
    int result = OK;
    if (p->run.first == 0 || p->run.end.sequence + 1 != row->id) {
        result = record_run(p);
        if (!result)
            result = find_gap(p, SQL_GAP_BEFORE, row->id - 1, &gap);
        if (result < 0)
            return result;
        p->run.first = result > 0 && gap.end.sequence == row->id - 1 ? gap.first : row->id;
    }
    p->run.end.sequence = row->id;
    memcpy(p->run.end.mac, row->mac, SHA256_SIZE);
    result = find_gap(p, SQL_GAP_AT, row->id + 1, &gap);
    if (result <= 0)
        return result;
    p->run.end = gap.end;
    return sql_run(&p->writer->connection, SQL_GAP_DELETE, SQL_VALUES(sql_i(gap.first)));
}

/* ---------------------------------------------------------------- which rows */

static void set_chain(struct audit_chain *chain, int64_t sequence, struct str mac)
{
    chain->sequence = mac.length == SHA256_SIZE ? sequence : -1;
    if (mac.length == SHA256_SIZE)
        memcpy(chain->mac, mac.data, SHA256_SIZE);
}

/* Sets p->chain to the chain's value at a row: that of the row, or of the gap that ends with it. Without either
 * chain.sequence is -1. */
static int find_chain(struct pruner *p, int64_t sequence)
{
    struct sql_connection *c = &p->writer->connection;
    struct audit_gap gap;
    p->chain = (struct audit_chain){0};
    if (sequence == 0)
        return OK;
    int result = sql_first(c, SQL_AUDIT_MAC, SQL_VALUES(sql_i(sequence)));
    if (result > 0)
        set_chain(&p->chain, sequence, sql_string(c, SQL_AUDIT_MAC, COL_AUDIT_MAC_MAC));
    sql_end(c, SQL_AUDIT_MAC);
    if (result != 0)
        return result < 0 ? result : OK;
    result = find_gap(p, SQL_GAP_BEFORE, sequence, &gap);
    bool ends = result > 0 && gap.end.sequence == sequence;
    p->chain.sequence = -1;
    if (ends)
        p->chain = gap.end;
    return result < 0 ? result : OK;
}

/*
 * Whether the row is the one that was written: who makes a row look old must not have hubd itself take it
 * away. 1, 0 or a failure.
 */
static int row_verifies(struct pruner *p, int64_t sequence, const struct store_audit *row, struct str mac)
{
    int result = p->chain.sequence == sequence - 1 ? OK : find_chain(p, sequence - 1);
    if (result || p->chain.sequence != sequence - 1)
        return result;
    if (audit_chain_add(&p->chain, p->writer->hmac, &p->writer->scratch, row))
        return sql_failure(&p->writer->connection, SQLITE_NOMEM, "audit");
    return mac.length == SHA256_SIZE && crypto_equal(mac.data, p->chain.mac, SHA256_SIZE);
}

/* Looks at the current row: false at the first one of its part that is too young, or after a failure. */
static bool judge_row(struct pruner *p, int *failure)
{
    struct sql_connection *c = &p->writer->connection;
    struct store_audit row = audit_view(c, SQL_AUDIT_RANGE);
    struct str mac = audit_view_mac(c, SQL_AUDIT_RANGE);
    int64_t sequence = sql_integer(c, SQL_AUDIT_RANGE, COL_AUDIT_SEQUENCE);
    bool own = (row.kind == STORE_AUDIT_REALTIME) == (p->part == PRUNE_REALTIME);
    if (sequence >= p->writer->state.chain.sequence || (own && row.time >= p->before))
        return false;
    int verifies = own ? row_verifies(p, sequence, &row, mac) : 0;
    if (verifies < 0) {
        *failure = verifies;
        return false;
    }
    if (own && verifies == 0)
        log_error_bounded(
            "audit: row %lld is old, but does not verify: it is kept; see `hubctl audit verify`",
            (long long)sequence);
    set_chain(&p->chain, sequence, mac);
    if (verifies > 0) {
        p->rows[p->count].id = sequence;
        memcpy(p->rows[p->count++].mac, p->chain.mac, SHA256_SIZE);
    }
    p->scanned = sequence;
    return true;
}

/* ---------------------------------------------------------------- a slice */

/* The rows of a statement from its first one on (`result`, as sql_first gave it), as far as they may go and
 * the slice lasts. */
static int scan_rows(struct pruner *p, enum sql_id id, int result,
                     bool (*judge)(struct pruner *p, int *failure))
{
    struct sql_connection *c = &p->writer->connection;
    unsigned seen = 0;
    int failure = OK;
    bool going = true;
    p->count = p->removed = 0;
    while (result > 0 && going && p->count < ROWS_MAX && !slice_is_over(p, seen)) {
        going = judge(p, &failure);
        seen += going;
        if (going)
            result = sql_next(c, id);
    }
    sql_end(c, id);
    p->done = !going || (result == 0 && seen < p->limit);
    return failure ? failure : result < 0 ? result : OK;
}

/* What is not removed in this slice is looked at again in the next one. */
static int remove_rows(struct pruner *p, enum sql_id statement)
{
    int result = OK;
    for (; p->removed < p->count && !result; p->removed++) {
        const struct doomed *row = &p->rows[p->removed];
        if (slice_is_over(p, p->removed)) {
            p->scanned = row->id - 1;
            p->scanned_time = row->time;
            p->done = false;
            break;
        }
        result = sql_run(&p->writer->connection, statement, SQL_VALUES(sql_i(row->id)));
        if (!result && statement == SQL_AUDIT_DELETE)
            result = extend_run(p, row);
    }
    return result ? result : record_run(p);
}

/* ---------------------------------------------------------------- the audit */

int apply_load_prune_state(struct sql_connection *c, struct prune_state *state)
{
    *state = (struct prune_state){0};
    int result = sql_first(c, SQL_META_GET, SQL_VALUES(sql_t(STR(META_PRUNE))));
    struct str stored = result > 0 ? sql_string(c, SQL_META_GET, COL_META_GET_VALUE) : STR_NONE;
    if (stored.length == sizeof *state)
        memcpy(state, stored.data, sizeof *state);
    sql_end(c, SQL_META_GET);
    return result < 0 ? result : OK;
}

/* Appends the audit row that says how many rows were removed and how old they were, in the transaction that
 * removes the last of them. */
static int append_anchor(struct writer *writer, const struct prune_state *state, const int64_t *before)
{
    static const char *const names[PRUNE_PARTS] = {"realtime_before", "before"};
    char detail[160], time[TIMESTAMP_SIZE];
    int used = snprintf(detail, sizeof detail, "{\"rows\":%lld", (long long)state->untold);
    for (int i = 0; i < PRUNE_PARTS; i++)
        if (before[i] != INT64_MIN)
            used += snprintf(detail + used, sizeof detail - (size_t)used, ",\"%s\":\"%s\"", names[i],
                             timestamp_format(before[i], time));
    used += snprintf(detail + used, sizeof detail - (size_t)used, "}");
    struct store_audit row = {.kind = STORE_AUDIT_ANCHOR,
                              .actor = STR("hub"),
                              .action = STR("audit.pruned"),
                              .status = STR("ok"),
                              .latency_ms = -1,
                              .detail = str_of(detail, (size_t)used)};
    return apply_audit_row(writer, &row);
}

int apply_prune_audit(struct writer *writer, struct store_op *op, struct error *error)
{
    const int64_t before[PRUNE_PARTS] = {op->u.prune.before_realtime, op->u.prune.before};
    struct pruner p = pruner_begin(writer, op->u.prune.limit);
    struct sql_connection *c = &writer->connection;
    struct prune_state state, was;
    int result = apply_load_prune_state(c, &state);
    was = state;
    p.done = true;
    for (int part = 0; part < PRUNE_PARTS && !result && p.done; part++) {
        if (before[part] == INT64_MIN)
            continue;
        p.part = (enum prune_part)part;
        p.before = before[part];
        p.scanned = state.cursor[part];
        p.chain.sequence = -1;
        result = sql_first(c, SQL_AUDIT_RANGE, SQL_VALUES(sql_i(p.scanned), sql_i(p.limit)));
        result = scan_rows(&p, SQL_AUDIT_RANGE, result, judge_row);
        if (!result)
            result = remove_rows(&p, SQL_AUDIT_DELETE);
        state.cursor[part] = p.scanned;
        state.pruned += p.removed;
        state.untold += p.removed;
    }
    op->u.prune.pruned = state.pruned - was.pruned;
    op->u.prune.done = p.done;
    if (!result && p.done && state.untold > 0) {
        result = sql_run(c, SQL_SUMMARY_PRUNE, SQL_NO_VALUES);
        if (!result)
            result = append_anchor(writer, &state, before);
        state.untold = 0;
    }
    if (!result && memcmp(&state, &was, sizeof state) != 0)
        result =
            sql_run(c, SQL_META_PUT, SQL_VALUES(sql_t(STR(META_PRUNE)), sql_bytes(&state, sizeof state)));
    return result ? apply_failure(writer, result, error) : OK;
}

/* ---------------------------------------------------------------- deliveries */

/* The current row; false: it and all behind it are too young. */
static bool judge_delivery(struct pruner *p, int *failure)
{
    (void)failure;
    struct sql_connection *c = &p->writer->connection;
    int64_t id = sql_integer(c, SQL_DELIVERY_ENDED, COL_DELIVERY_ENDED_ID),
            state = sql_integer(c, SQL_DELIVERY_ENDED, COL_DELIVERY_ENDED_STATE);
    int64_t created = sql_integer(c, SQL_DELIVERY_ENDED, COL_DELIVERY_ENDED_CREATED),
            done = sql_integer(c, SQL_DELIVERY_ENDED, COL_DELIVERY_ENDED_DONE);
    bool waits = state == STORE_DELIVERY_PENDING || state == STORE_DELIVERY_HELD;
    if (id >= p->writer->state.delivery_id || created >= p->before)
        return false;
    if (!waits && done < p->before)
        p->rows[p->count++].id = id;
    p->scanned = id;
    return true;
}

/* Removes what was found, and tells how far it came. */
static int end_slice(struct pruner *p, enum sql_id statement, struct store_op *op, struct error *error,
                     int result)
{
    if (!result)
        result = remove_rows(p, statement);
    op->u.prune.after = p->scanned;
    op->u.prune.after_time = p->scanned_time;
    op->u.prune.pruned = p->removed;
    op->u.prune.done = p->done;
    return result ? apply_failure(p->writer, result, error) : OK;
}

static struct pruner pruner_go_on(struct writer *writer, const struct store_op *op)
{
    struct pruner p = pruner_begin(writer, op->u.prune.limit);
    p.before = op->u.prune.before;
    p.scanned = op->u.prune.after;
    p.scanned_time = op->u.prune.after_time;
    return p;
}

int apply_prune_deliveries(struct writer *writer, struct store_op *op, struct error *error)
{
    struct pruner p = pruner_go_on(writer, op);
    int result =
        sql_first(&writer->connection, SQL_DELIVERY_ENDED, SQL_VALUES(sql_i(p.scanned), sql_i(p.limit)));
    result = scan_rows(&p, SQL_DELIVERY_ENDED, result, judge_delivery);
    return end_slice(&p, SQL_DELIVERY_DELETE, op, error, result);
}

/* ---------------------------------------------------------------- sessions and CDRs */

/* Whether a delivery that has not ended would lose its body: a session's last one, any of a CDR's. 1, 0 or a
 * failure. */
static int object_waits(struct pruner *p, enum sql_id id)
{
    struct sql_connection *c = &p->writer->connection;
    int64_t last = sql_integer(c, id, COL_OLD_OBJECT_LAST_DELIVERY);
    int result;
    if (p->kind == STORE_SESSION) {
        result = sql_first(c, SQL_DELIVERY_STATE, SQL_VALUES(sql_i(last)));
        int64_t state = result > 0 ? sql_integer(c, SQL_DELIVERY_STATE, COL_DELIVERY_STATE_STATE)
                                   : STORE_DELIVERY_DELIVERED;
        sql_end(c, SQL_DELIVERY_STATE);
        return result < 0 ? result : state == STORE_DELIVERY_PENDING || state == STORE_DELIVERY_HELD;
    }
    result = sql_first(c, SQL_CDR_WAITS,
                       SQL_VALUES(sql_t(sql_string(c, id, COL_OLD_OBJECT_ID)),
                                  sql_t(sql_string(c, id, COL_OLD_OBJECT_OWNER))));
    sql_end(c, SQL_CDR_WAITS);
    return result;
}

/* The current row; false: it and all behind it are too young. What somebody still waits for stays, and the
 * newest one, since pages go by its number. */
static bool judge_object(struct pruner *p, int *failure)
{
    const enum sql_id id = p->kind == STORE_SESSION ? SQL_SESSION_ENDED : SQL_CDR_OLD;
    const struct sql_connection *c = &p->writer->connection;
    int64_t sequence = sql_integer(c, id, COL_OLD_OBJECT_SEQUENCE),
            time = sql_integer(c, id, COL_OLD_OBJECT_AGE),
            arrival = sql_integer(c, id, COL_OLD_OBJECT_ARRIVAL);
    if (time >= p->before)
        return false;
    bool goes = arrival < p->before && sequence != p->writer->state.object_sequence;
    int waits = goes ? object_waits(p, id) : 0;
    if (waits < 0) {
        *failure = waits;
        return false;
    }
    if (goes && waits == 0) {
        p->rows[p->count].id = sequence;
        p->rows[p->count++].time = time;
    }
    p->scanned = sequence;
    p->scanned_time = time;
    return true;
}

static int prune_objects(struct writer *writer, struct store_op *op, struct error *error,
                         enum store_kind kind)
{
    const enum sql_id id = kind == STORE_SESSION ? SQL_SESSION_ENDED : SQL_CDR_OLD;
    struct pruner p = pruner_go_on(writer, op);
    p.kind = kind;
    int result = sql_first(&writer->connection, id,
                           SQL_VALUES(sql_i(p.scanned_time), sql_i(p.scanned), sql_i(p.limit)));
    result = scan_rows(&p, id, result, judge_object);
    result = end_slice(&p, SQL_OBJECT_DELETE, op, error, result);
    writer->state.removed[kind] += p.removed;
    return result;
}

int apply_prune_sessions(struct writer *writer, struct store_op *op, struct error *error)
{
    return prune_objects(writer, op, error, STORE_SESSION);
}

int apply_prune_cdrs(struct writer *writer, struct store_op *op, struct error *error)
{
    return prune_objects(writer, op, error, STORE_CDR);
}
