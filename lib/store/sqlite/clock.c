#include "lib/store/sqlite/internal.h"

#include "lib/base/env.h"

/* What the database remembers of the clocks, and the deadlines that a wrong one has spoilt. */

#define META_CLOCK "clock" /* struct clock_mark, as this machine has it */

int64_t store_latest(const struct store *store, int64_t wall)
{
    int64_t known = store->has_clock ? store->clock.time + env_monotonic_ms() - store->opened : wall;
    return wall > known ? wall : known;
}

int apply_load_clock(struct store *store, struct sql_connection *c)
{
    store->opened = env_monotonic_ms();
    int result = sql_first(c, SQL_META_GET, SQL_VALUES(sql_t(STR(META_CLOCK))));
    struct str stored = result > 0 ? sql_string(c, SQL_META_GET, COL_META_GET_VALUE) : STR_NONE;
    store->has_clock = stored.length == sizeof store->clock;
    if (store->has_clock)
        memcpy(&store->clock, stored.data, sizeof store->clock);
    sql_end(c, SQL_META_GET);
    if (result < 0 || store->has_clock)
        return result < 0 ? result : OK;
    result = sql_first(c, SQL_AUDIT_LAST_TIME, SQL_NO_VALUES);
    int64_t last = result > 0 ? sql_integer(c, SQL_AUDIT_LAST_TIME, COL_AUDIT_LAST_TIME_TIME) : 0;
    sql_end(c, SQL_AUDIT_LAST_TIME);
    store->has_clock = result > 0;
    store->clock = (struct clock_mark){last, last, -1};
    return result < 0 ? result : OK;
}

bool store_clock(const struct store *store, struct clock_mark *mark)
{
    *mark = store->clock;
    return store->has_clock;
}

int apply_put_clock(struct writer *writer, struct store_op *op, struct error *error)
{
    int result = sql_run(&writer->connection, SQL_META_PUT,
                         SQL_VALUES(sql_t(STR(META_CLOCK)), sql_bytes(&op->u.clock, sizeof op->u.clock)));
    return result ? apply_failure(writer, result, error) : OK;
}

int apply_clamp_deadlines(struct writer *writer, struct store_op *op, struct error *error)
{
    struct sql_connection *c = &writer->connection;
    int64_t now = op->u.clamp.now, overlap = op->u.clamp.overlap;
    sqlite3_int64 before = sqlite3_total_changes64(c->db);
    int result = sql_run(c, SQL_TOKENS_CLAMP_HUB, SQL_VALUES(sql_i(now), sql_i(overlap)));
    if (!result)
        result = sql_run(c, SQL_TOKENS_CLAMP_INITIAL, SQL_VALUES(sql_i(now)));
    if (!result)
        result = sql_run(c, SQL_PLATFORMS_CLAMP, SQL_VALUES(sql_i(now), sql_i(overlap)));
    if (!result)
        result = sql_run(c, SQL_COMMANDS_CLAMP, SQL_VALUES(sql_i(now), sql_i(op->u.clamp.command)));
    op->u.clamp.changed = sqlite3_total_changes64(c->db) != before;
    return result ? apply_failure(writer, result, error) : OK;
}
