#include <sqlite3.h>

#include "tests/store/audit_fixture.h"
#include "lib/store/verify.h"

/* Retention: what is old goes in slices, what stays can still be proven, and nobody else can make rows go. */

#define NEVER INT64_MIN
#define ALL   INT64_MAX

/* ---------------------------------------------------------------- helpers */

/* `count` rows, real-time and push in turns, one in each millisecond from `time` on. */
static void fill(struct fixture *f, int64_t time, int count)
{
    for (int i = 0; i < count; i++) {
        struct store_apply *apply = new_batch(f);
        struct store_audit *row = add_audit(apply, i % 2 ? "push" : "realtime", "IN-A");
        row->kind = i % 2 ? STORE_AUDIT_PUSH : STORE_AUDIT_REALTIME;
        row->time = time + i;
        assert_int_equal(run_batch(f, apply), OK);
    }
}

/* One slice; how many rows went. */
static int64_t prune_slice(struct fixture *f, int64_t realtime, int64_t rest, unsigned limit, bool *done)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_PRUNE_AUDIT);
    op->u.prune.before_realtime = realtime;
    op->u.prune.before = rest;
    op->u.prune.limit = limit;
    assert_int_equal(run_batch(f, apply), OK);
    *done = op->u.prune.done;
    return op->u.prune.pruned;
}

/* Slices until all is done. */
static int64_t prune(struct fixture *f, int64_t realtime, int64_t rest)
{
    int64_t pruned = 0;
    bool done = false;
    while (!done)
        pruned += prune_slice(f, realtime, rest, 100, &done);
    return pruned;
}

static struct store_audit_read kept(struct fixture *f, const char *action)
{
    struct store_audit_read read = all();
    read.action = str_from(action);
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    return read;
}

static int take_number(void *context, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    *(int64_t *)context = values[0] ? strtoll(values[0], NULL, 10) : 0;
    return 0;
}

/* Behind the hub's back; the number that a query gives. */
static int64_t sql(struct fixture *f, const char *text)
{
    char path[128];
    sqlite3 *db = NULL;
    int64_t number = 0;
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *problem = NULL;
    if (sqlite3_exec(db, text, take_number, &number, &problem) != SQLITE_OK)
        fail_msg("%s: %s", text, problem);
    sqlite3_close(db);
    return number;
}

static void tamper(struct fixture *f, const char *text)
{
    fixture_close(f);
    sql(f, text);
    fixture_open(f);
}

/* The chain breaks at that row, whatever the slices. */
static void breaks_at(struct fixture *f, int64_t row, const char *problem)
{
    static const unsigned limits[] = {1, 3, 1000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct store_verify_read read = verified(f, limits[i]);
        assert_int_equal(read.bad_sequence, row);
        assert_str(read.problem, problem);
    }
}

static int64_t gaps(struct fixture *f)
{
    return sql(f, "SELECT count(*) FROM audit_gap");
}

/* ---------------------------------------------------------------- what goes and what stays */

static void by_kind_and_age(void **state)
{
    struct fixture *f = *state;
    fill(f, 1000, 20); /* 1 realtime at 1000 … 20 push at 1019 */
    assert_int_equal(prune(f, 1006, NEVER), 3);
    assert_str(numbers(f, (struct store_audit_read[]){kept(f, "realtime")}), "7 9 11 13 15 17 19");
    assert_int_equal(kept(f, "push").count, 10);
    assert_int_equal(prune(f, NEVER, 1004), 2);
    assert_str(numbers(f, (struct store_audit_read[]){kept(f, "push")}), "6 8 10 12 14 16 18 20");
    assert_int_equal(prune(f, 1006, 1004), 0);
    struct store_verify_read read = verified(f, 100);
    assert_int_equal(read.bad_sequence, 0);
    assert_int_equal(read.pruned, 5);
    struct store_totals_read totals = {0};
    RUN_READ(f, store_read_totals, &totals);
    assert_int_equal(totals.audit_head, 22); /* two rounds took something away */
    assert_int_equal(totals.audit_rows, 17);
}

static void anchor_row(void **state)
{
    struct fixture *f = *state;
    fill(f, 1000, 300);
    bool done = false;
    int slices = 0;
    for (; !done; slices++)
        prune_slice(f, 86400000, 1000, 10, &done);
    assert_true(slices > 10); /* one row for all of them */
    struct store_audit_read read = kept(f, "audit.pruned");
    assert_int_equal(read.count, 1);
    assert_int_equal(read.rows[0].row.kind, STORE_AUDIT_ANCHOR);
    assert_int_equal(read.rows[0].row.time, fixture_wall);
    assert_str(read.rows[0].row.actor, "hub");
    assert_str(read.rows[0].row.detail, "{\"rows\":150,\"realtime_before\":\"1970-01-02T00:00:00.000Z\","
                                        "\"before\":\"1970-01-01T00:00:01.000Z\"}");
    assert_int_equal(prune(f, 86400000, NEVER), 0);
    assert_int_equal(kept(f, "audit.pruned").count, 1);
}

static void newest_row_stays(void **state)
{
    struct fixture *f = *state;
    bool done = false;
    assert_int_equal(prune(f, ALL, ALL), 0); /* an empty audit */
    append(f, 1, "hub", "only", NULL, NULL, NULL);
    assert_int_equal(prune_slice(f, ALL, ALL, 100, &done), 0);
    assert_true(done);
    fixture_reopen(f);
    append(f, 2, "hub", "next", NULL, NULL, NULL);
    assert_int_equal(prune(f, ALL, ALL), 1);
    fixture_reopen(f);
    append(f, 3, "hub", "last", NULL, NULL, NULL);
    assert_str(numbers(f, (struct store_audit_read[]){kept(f, "*")}), "2 3 4"); /* with the anchor */
    verify(f, 1, 4);
}

/* As many gaps as real-time rows between pushes; they join when the pushes go, whatever the slices were. */
static void gaps_join(void **state)
{
    enum { ROWS = 400 };
    struct fixture *f = *state;
    fill(f, 1000, ROWS);
    assert_int_equal(prune(f, ALL, NEVER), ROWS / 2);
    assert_int_equal(gaps(f), ROWS / 2);
    verify(f, 7, ROWS + 1);
    int64_t first = prune(f, ALL, 1000 + ROWS / 2);
    assert_int_equal(first, ROWS / 4);
    assert_int_equal(gaps(f), ROWS / 4);
    verify(f, 7, ROWS + 2);
    prune(f, ALL, 1000 + ROWS);
    assert_int_equal(gaps(f), 1);
    assert_int_equal(sql(f, "SELECT last FROM audit_gap WHERE first = 1"), ROWS);
    verify(f, 7, ROWS + 3);
}

/* The other way round: the rest first, and what was kept between joins it. */
static void gaps_join_from_the_other_side(void **state)
{
    struct fixture *f = *state;
    fill(f, 1000, 20);
    prune(f, NEVER, 1020);
    assert_int_equal(gaps(f), 9); /* the newest row stays */
    verify(f, 3, 21);
    prune(f, 1020, NEVER);
    assert_int_equal(gaps(f), 1);
    verify(f, 3, 22);
}

static void slices_go_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    int64_t pruned = 0;
    bool done = false;
    fill(f, 1000, 60);
    for (int turn = 0; !done; turn++) {
        pruned += prune_slice(f, 1050, 1030, 4, &done);
        struct store_verify_read read = verified(f, 5);
        assert_int_equal(read.bad_sequence, 0);
        assert_int_equal(read.pruned, pruned);
        if (turn % 3 == 1)
            fixture_reopen(f);
    }
    assert_int_equal(pruned, 25 + 15);
    assert_int_equal(kept(f, "realtime").count, 5);
    assert_int_equal(kept(f, "push").count, 15);
    struct store_audit_read anchors = kept(f, "audit.pruned");
    assert_int_equal(anchors.count, 1);
    assert_true(str_starts_with(anchors.rows[0].row.detail, STR("{\"rows\":40,")));
}

/* A reader that stands where rows are taken away goes on behind them, forwards and backwards. */
static void readers_go_on(void **state)
{
    struct fixture *f = *state;
    fill(f, 1000, 30);
    prune(f, 1020, 1020); /* 1 to 20 */
    struct store_audit_read read = all();
    read.after = 10;
    read.limit = 3;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "21 22 23");
    read = all();
    read.after = 23;
    read.backwards = true;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "22 21");
    read.after = 20;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.count, 0);
    assert_int_equal(read.scanned, 20); /* there is nothing further */
}

/* Rows before and around the place where a check stands go; it ends well all the same. */
static void pruning_during_a_check(void **state)
{
    struct fixture *f = *state;
    fill(f, 1000, 100);
    for (int64_t at = 0; at <= 100; at += 9) {
        struct store_verify_read read = {.limit = 1};
        while (read.position < at)
            assert_int_equal(RUN_READ(f, store_read_verify, &read), OK);
        prune(f, 1000 + at + 12, 1000 + at + 3);
        do
            assert_int_equal(RUN_READ(f, store_read_verify, &read), OK);
        while (!read.done);
        assert_int_equal(read.bad_sequence, 0);
    }
}

/* ---------------------------------------------------------------- tampering */

/* 1 to 10, of which 1 3 5 are pruned; 11 is the anchor. */
static void three_gaps(struct fixture *f)
{
    fill(f, 1000, 10);
    assert_int_equal(prune(f, 1006, NEVER), 3);
    assert_int_equal(gaps(f), 3);
}

static void missing_row_is_found(void **state)
{
    struct fixture *f = *state;
    three_gaps(f);
    tamper(f, "DELETE FROM audit WHERE sequence = 4");
    breaks_at(f, 4, "row 4 is missing");
}

static void missing_gap_is_found(void **state)
{
    struct fixture *f = *state;
    three_gaps(f);
    tamper(f, "DELETE FROM audit_gap WHERE first = 3");
    breaks_at(f, 3, "row 3 is missing");
}

static void changed_gap_is_found(void **state)
{
    static const char *const changes[] = {
        "UPDATE audit_gap SET last = 4 WHERE first = 3; DELETE FROM audit WHERE sequence = 4",
        "UPDATE audit_gap SET mac = zeroblob(32) WHERE first = 3",
        "UPDATE audit_gap SET seal = zeroblob(32) WHERE first = 3",
        "UPDATE audit_gap SET seal = x'' WHERE first = 3",
        "UPDATE audit_gap SET mac = x'00' WHERE first = 3",
        "UPDATE audit_gap SET last = 2 WHERE first = 3",
        "UPDATE audit_gap SET seal = (SELECT seal FROM audit_gap WHERE first = 5) WHERE first = 3",
    };
    struct fixture *f = *state;
    three_gaps(f);
    sql(f, "CREATE TABLE gap_copy AS SELECT * FROM audit_gap; CREATE TABLE row_copy AS SELECT * FROM audit");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        tamper(f, changes[i]);
        breaks_at(f, 3, "the record of pruned rows from row 3 on was changed or made up");
        tamper(f, "DELETE FROM audit_gap; INSERT INTO audit_gap SELECT * FROM gap_copy; "
                  "DELETE FROM audit; INSERT INTO audit SELECT * FROM row_copy");
        verify(f, 3, 11);
    }
}

static void gap_over_rows_that_are_there_is_found(void **state)
{
    struct fixture *f = *state;
    fill(f, 1000, 10);
    sql(f, "CREATE TABLE row_copy AS SELECT * FROM audit");
    prune(f, 1006, NEVER);
    tamper(f, "INSERT INTO audit SELECT * FROM row_copy WHERE sequence = 3");
    breaks_at(f, 3, "row 3 is there although it is recorded as pruned");
}

/* A gap that was ours once and has become part of a greater one. */
static void old_gap_is_found(void **state)
{
    struct fixture *f = *state;
    three_gaps(f);
    sql(f, "CREATE TABLE gap_copy AS SELECT * FROM audit_gap WHERE first = 3");
    prune(f, 1006, 1006); /* 1 to 6 */
    assert_int_equal(gaps(f), 1);
    tamper(f, "INSERT INTO audit_gap SELECT * FROM gap_copy");
    breaks_at(f, 3, "row 3 is recorded as pruned twice");
}

/* Who makes a row look old must not have the hub take it away. */
static void changed_row_is_not_pruned(void **state)
{
    static const char *const changes[] = {
        "UPDATE audit SET time = 0 WHERE sequence = 8",
        "UPDATE audit SET kind = 2 WHERE sequence = 2",
        "UPDATE audit SET party = 'IN-X' WHERE sequence = 3",
        "UPDATE audit SET mac = zeroblob(32) WHERE sequence = 3",
        "DELETE FROM audit WHERE sequence = 3",
    };
    static const int64_t broken[] = {8, 2, 3, 3, 3};
    struct fixture *f = *state;
    fill(f, 1000, 10);
    sql(f, "CREATE TABLE row_copy AS SELECT * FROM audit");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        tamper(f, changes[i]);
        prune(f, 1006, 1004);
        fixture_reopen(f);
        assert_int_equal(verified(f, 100).bad_sequence, broken[i]);
        tamper(f, "DELETE FROM audit_gap; DELETE FROM meta WHERE name = 'audit_prune'; DELETE FROM audit; "
                  "INSERT INTO audit SELECT * FROM row_copy");
        tamper(f, "SELECT 1"); /* the head of before is gone with its row */
    }
}

/* A changed gap is not made good by those that come to lie beside it. */
static void changed_gap_joins_nothing(void **state)
{
    struct fixture *f = *state;
    three_gaps(f);
    tamper(f, "UPDATE audit_gap SET last = 4 WHERE first = 3; DELETE FROM audit WHERE sequence = 4");
    prune(f, 1006, 1006); /* 2 and 6 */
    breaks_at(f, 3, "the record of pruned rows from row 3 on was changed or made up");
}

/* ---------------------------------------------------------------- deliveries */

static int64_t add_delivery(struct fixture *f, int64_t created, enum store_delivery_state state, int64_t done)
{
    struct store_apply *apply = new_batch(f);
    struct store_delivery *row = &add_op(apply, STORE_PUT_DELIVERY)->u.delivery.row;
    row->receiver = STR("IN-MSP");
    row->kind = -1;
    row->module = STR("commands");
    row->state = state;
    row->created = created;
    row->done = done;
    assert_int_equal(run_batch(f, apply), OK);
    return row->id;
}

/* Slices of deliveries, sessions or CDRs until all is done; how many went. */
static int64_t prune_all(struct fixture *f, enum store_op_type type, int64_t before, unsigned limit)
{
    int64_t pruned = 0, after = 0, after_time = 0;
    for (bool done = false; !done;) {
        struct store_apply *apply = new_batch(f);
        struct store_op *op = add_op(apply, type);
        op->u.prune.before = before;
        op->u.prune.limit = limit;
        op->u.prune.after = after;
        op->u.prune.after_time = after_time;
        assert_int_equal(run_batch(f, apply), OK);
        pruned += op->u.prune.pruned;
        after = op->u.prune.after;
        after_time = op->u.prune.after_time;
        done = op->u.prune.done;
    }
    return pruned;
}

static void ended_deliveries_go(void **state)
{
    struct fixture *f = *state;
    add_delivery(f, 1000, STORE_DELIVERY_DELIVERED, 1100);
    add_delivery(f, 1001, STORE_DELIVERY_PENDING, 0);
    add_delivery(f, 1002, STORE_DELIVERY_DELIVERED, 1500); /* it took long */
    add_delivery(f, 1003, STORE_DELIVERY_DEAD, 1100);
    add_delivery(f, 1004, STORE_DELIVERY_HELD, 0);
    add_delivery(f, 1005, STORE_DELIVERY_SUPERSEDED, 1006);
    add_delivery(f, 1300, STORE_DELIVERY_DELIVERED, 1301);
    int64_t newest = add_delivery(f, 1000, STORE_DELIVERY_DELIVERED, 1001);
    assert_int_equal(prune_all(f, STORE_PRUNE_DELIVERIES, 1200, 2), 3);
    struct store_delivery_list list = {.state = -2, .limit = 100};
    assert_int_equal(RUN_READ(f, store_read_deliveries, &list), OK);
    assert_int_equal(list.count, 5);
    assert_int_equal(prune_all(f, STORE_PRUNE_DELIVERIES, INT64_MAX, 100), 2);
    list = (struct store_delivery_list){.state = -2, .limit = 100};
    assert_int_equal(RUN_READ(f, store_read_deliveries, &list), OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.rows[0].state, STORE_DELIVERY_PENDING);
    assert_int_equal(list.rows[1].state, STORE_DELIVERY_HELD);
    assert_int_equal(list.rows[2].id, newest); /* its number must not be given again */
    fixture_reopen(f);
    assert_int_equal(add_delivery(f, 2000, STORE_DELIVERY_PENDING, 0), newest + 1);
}

/* ---------------------------------------------------------------- sessions and CDRs */

/* An object that comes now, with a delivery in that state; -1: without. The delivery's number. */
static int64_t push_object(struct fixture *f, enum store_kind kind, const char *id, const char *status,
                           int64_t updated, int state)
{
    struct store_apply *apply = new_batch(f);
    add_object(apply, kind, "IN-CPO", id, "{}", updated)->status = str_from(status);
    struct store_op *op = state < 0 ? NULL : add_op(apply, STORE_PUT_DELIVERY);
    if (op) {
        op->u.delivery.coalesce = kind == STORE_SESSION;
        op->u.delivery.row = (struct store_delivery){.receiver = STR("IN-MSP"),
                                                     .kind = (int)kind,
                                                     .owner = STR("IN-CPO"),
                                                     .object = str_from(id),
                                                     .state = (enum store_delivery_state)state};
    }
    assert_int_equal(run_batch(f, apply), OK);
    return op ? op->u.delivery.row.id : 0;
}

static bool is_there(struct fixture *f, enum store_kind kind, const char *id)
{
    return get_object(f, kind, "IN-CPO", id).base.result == OK;
}

static int64_t count_objects(struct fixture *f, enum store_kind kind)
{
    struct store_totals_read totals = {0};
    RUN_READ(f, store_read_totals, &totals);
    return totals.objects[kind];
}

static void end_delivery(struct fixture *f, int64_t id)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_FINISH_DELIVERY);
    op->u.finish.id = id;
    op->u.finish.state = STORE_DELIVERY_DELIVERED;
    op->u.finish.done = fixture_wall;
    assert_int_equal(run_batch(f, apply), OK);
}

static void completed_sessions_go(void **state)
{
    struct fixture *f = *state;
    int64_t wall = fixture_wall;
    fixture_wall = 1000;
    push_object(f, STORE_SESSION, "DONE", "COMPLETED", 900, STORE_DELIVERY_DELIVERED);
    push_object(f, STORE_SESSION, "DONE-2", "COMPLETED", 900, -1);
    push_object(f, STORE_SESSION, "GOING-ON", "ACTIVE", 900, STORE_DELIVERY_DELIVERED);
    push_object(f, STORE_SESSION, "HELD", "COMPLETED", 901, STORE_DELIVERY_HELD);
    int64_t waiting = push_object(f, STORE_SESSION, "WAITS", "COMPLETED", 902, STORE_DELIVERY_PENDING);
    push_object(f, STORE_SESSION, "YOUNG", "COMPLETED", 5000, STORE_DELIVERY_DELIVERED);
    push_object(f, STORE_CDR, "CDR", NULL, 900, STORE_DELIVERY_DELIVERED);
    fixture_wall = 6000;
    push_object(f, STORE_SESSION, "CAME-LATE", "COMPLETED", 900, STORE_DELIVERY_DELIVERED);
    assert_int_equal(prune_all(f, STORE_PRUNE_SESSIONS, 2000, 1), 2);
    assert_false(is_there(f, STORE_SESSION, "DONE"));
    assert_int_equal(count_objects(f, STORE_SESSION), 5);
    end_delivery(f, waiting);
    assert_int_equal(prune_all(f, STORE_PRUNE_SESSIONS, 2000, 100), 1);
    assert_int_equal(prune_all(f, STORE_PRUNE_SESSIONS, INT64_MAX, 100), 1); /* not the newest object */
    assert_true(is_there(f, STORE_SESSION, "GOING-ON"));
    assert_true(is_there(f, STORE_SESSION, "HELD"));
    assert_true(is_there(f, STORE_SESSION, "CAME-LATE"));
    assert_true(is_there(f, STORE_CDR, "CDR"));
    fixture_wall = wall;
}

/* Never while a delivery of it has not ended, however old it is and however many it has. */
static void old_cdrs_go(void **state)
{
    struct fixture *f = *state;
    int64_t wall = fixture_wall;
    fixture_wall = 1000;
    push_object(f, STORE_CDR, "SENT", NULL, 900, STORE_DELIVERY_DELIVERED);
    push_object(f, STORE_CDR, "DEAD", NULL, 900, STORE_DELIVERY_DEAD);
    push_object(f, STORE_CDR, "HELD", NULL, 900, STORE_DELIVERY_HELD);
    int64_t first = push_object(f, STORE_CDR, "TWICE", NULL, 900, STORE_DELIVERY_PENDING);
    struct store_apply *again = new_batch(f); /* a replay */
    struct store_delivery *row = &add_op(again, STORE_PUT_DELIVERY)->u.delivery.row;
    *row = (struct store_delivery){
        .receiver = STR("IN-MSP"), .kind = STORE_CDR, .owner = STR("IN-CPO"), .object = STR("TWICE")};
    assert_int_equal(run_batch(f, again), OK);
    push_object(f, STORE_SESSION, "SESSION", "COMPLETED", 900, STORE_DELIVERY_DELIVERED);
    fixture_wall = 6000;
    push_object(f, STORE_CDR, "YOUNG", NULL, 900, STORE_DELIVERY_DELIVERED);
    assert_int_equal(prune_all(f, STORE_PRUNE_CDRS, 2000, 1), 2);
    assert_false(is_there(f, STORE_CDR, "SENT"));
    assert_false(is_there(f, STORE_CDR, "DEAD"));
    end_delivery(f, first);
    assert_int_equal(prune_all(f, STORE_PRUNE_CDRS, 2000, 100), 0);
    end_delivery(f, row->id);
    assert_int_equal(prune_all(f, STORE_PRUNE_CDRS, 2000, 100), 1);
    assert_true(is_there(f, STORE_CDR, "HELD"));
    assert_true(is_there(f, STORE_CDR, "YOUNG"));
    assert_true(is_there(f, STORE_SESSION, "SESSION"));
    assert_int_equal(count_objects(f, STORE_CDR), 2);
    fixture_wall = wall;
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(by_kind_and_age),
        STORE_TEST(anchor_row),
        STORE_TEST(newest_row_stays),
        STORE_TEST(gaps_join),
        STORE_TEST(gaps_join_from_the_other_side),
        STORE_TEST(slices_go_on_after_a_restart),
        STORE_TEST(readers_go_on),
        STORE_TEST(pruning_during_a_check),
        STORE_TEST(missing_row_is_found),
        STORE_TEST(missing_gap_is_found),
        STORE_TEST(changed_gap_is_found),
        STORE_TEST(gap_over_rows_that_are_there_is_found),
        STORE_TEST(old_gap_is_found),
        STORE_TEST(changed_row_is_not_pruned),
        STORE_TEST(changed_gap_joins_nothing),
        STORE_TEST(ended_deliveries_go),
        STORE_TEST(completed_sessions_go),
        STORE_TEST(old_cdrs_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
