#include "tests/store/audit_fixture.h"

/* The audit: dense numbers, filters, both directions, rows without an answer, the chain. */

static void columns(void **state)
{
    struct fixture *f = *state;
    const struct store_audit row = {
        .kind = STORE_AUDIT_REALTIME,
        .actor = STR("uid:1000 alice"),
        .action = STR("token.authorize"),
        .party = STR("IN-A"),
        .module = STR("tokens"),
        .method = STR("PUT"),
        .sender = STR("IN-B"),
        .receiver = STR("IN-C"),
        .object = STR("O1"),
        .status = STR("1000"),
        .latency_ms = 17,
        .request_id = STR("req"),
        .correlation_id = STR("corr"),
        .detail = STR("{\"a\":1}"),
    };
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_APPEND_AUDIT)->u.audit = row;
    assert_int_equal(run_batch(f, apply), OK);
    struct store_audit_read read = all();
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.count, 1);
    assert_int_equal(read.scanned, 1);
    const struct store_audit *got = &read.rows[0].row;
    assert_int_equal(read.rows[0].sequence, 1);
    assert_int_equal(got->kind, row.kind);
    assert_int_equal(got->time, fixture_wall);
    assert_int_equal(got->latency_ms, 17);
    assert_str(got->actor, "uid:1000 alice");
    assert_str(got->action, "token.authorize");
    assert_str(got->party, "IN-A");
    assert_str(got->module, "tokens");
    assert_str(got->method, "PUT");
    assert_str(got->sender, "IN-B");
    assert_str(got->receiver, "IN-C");
    assert_str(got->object, "O1");
    assert_str(got->status, "1000");
    assert_str(got->request_id, "req");
    assert_str(got->correlation_id, "corr");
    assert_str(got->detail, "{\"a\":1}");
    verify(f, 10, 1);
}

static void filters(void **state)
{
    struct fixture *f = *state;
    append(f, 100, "uid:0 root", "party.add", "IN-A", NULL, NULL);
    append(f, 200, "party IN-A", "session.put", NULL, "IN-A", "IN-B");
    append(f, 300, "uid:1000 alice", "party.remove", "IN-B", NULL, NULL);
    append(f, 400, "party IN-B", "token.authorize", NULL, "IN-B", "IN-A");
    append(f, 500, "hub", "delivery.done", NULL, "IN-C", "IN-D");
    const struct {
        int64_t since, until;
        const char *party, *action, *actor, *expected;
    } rows[] = {
        {INT64_MIN, INT64_MAX, NULL, NULL, NULL, "1 2 3 4 5"},
        {200, 500, NULL, NULL, NULL, "2 3 4"},
        {INT64_MIN, INT64_MAX, "IN-A", NULL, NULL, "1 2 4"},
        {INT64_MIN, INT64_MAX, NULL, "party.*", NULL, "1 3"},
        {INT64_MIN, INT64_MAX, NULL, "party.add", NULL, "1"},
        {INT64_MIN, INT64_MAX, NULL, "party", NULL, ""},
        {INT64_MIN, INT64_MAX, NULL, "*", NULL, "1 2 3 4 5"},
        {INT64_MIN, INT64_MAX, NULL, NULL, "alice", "3"},
        {INT64_MIN, INT64_MAX, NULL, NULL, "uid:", "1 3"},
        {150, INT64_MAX, "IN-B", "party.*", "uid:1000", "3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_audit_read read = all();
        read.since = rows[i].since;
        read.until = rows[i].until;
        read.party = str_from(rows[i].party);
        read.action = str_from(rows[i].action);
        read.actor = str_from(rows[i].actor);
        assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
        assert_str(numbers(f, &read), rows[i].expected);
        assert_int_equal(read.scanned, 5);
    }
}

static void both_directions(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++)
        append(f, 100 + i, "hub", i % 2 ? "odd" : "even", NULL, NULL, NULL);
    struct store_audit_read read = all();
    read.limit = 3;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "1 2 3");
    assert_int_equal(read.scanned, 3);
    read.after = read.scanned;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "4 5 6");
    read = all();
    read.backwards = true;
    read.limit = 3;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "10 9 8");
    read.after = read.scanned;
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "7 6 5");
    read = all();
    read.action = STR("none such");
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.count, 0);
    assert_int_equal(read.scanned, 10);
    read.after = 10; /* the end: scanned does not move */
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.scanned, 10);
}

/* A filter that seldom matches goes through the audit in bounded steps. */
static void long_scans(void **state)
{
    enum { ROWS = 3000 };
    struct fixture *f = *state;
    for (int block = 0; block < ROWS / 100; block++) {
        struct store_apply *apply = new_batch(f);
        for (int i = 0; i < 100; i++)
            add_audit(apply, block * 100 + i == 2500 ? "needle" : "hay", "IN-A");
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct store_audit_read read = all();
    read.action = STR("needle");
    int found = 0, calls = 0;
    for (int64_t before = -1; before < read.after; calls++) {
        before = read.after;
        assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
        found += (int)read.count;
        read.after = read.scanned;
    }
    assert_int_equal(found, 1);
    assert_int_equal(read.scanned, ROWS);
    assert_true(calls > 2);
    verify(f, 100000, ROWS);
    verify(f, 7, ROWS);
}

static void refused_batches_leave_no_hole(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        struct store_apply *apply = new_batch(f);
        add_audit(apply, "before", "IN-A");
        add_object(apply, STORE_CDR, "IN-CPO", "C1", "{}", 1000)->conditions = STORE_IF_ABSENT;
        add_audit(apply, "behind", "IN-A");
        assert_int_equal(run_batch(f, apply), i ? ERR_EXISTS : OK);
    }
    append(f, 1, "hub", "last", NULL, NULL, NULL);
    struct store_audit_read read = all();
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_str(numbers(f, &read), "1 2 3");
    verify(f, 100, 3);
}

/* ---------------------------------------------------------------- without an answer */

static void lazy_rows(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        char action[16] = "lazy";
        struct store_audit row = {.kind = STORE_AUDIT_REALTIME, .action = str_from(action), .latency_ms = i};
        assert_int_equal(store_audit_later(f->store, &row), OK);
        memset(action, 'x', sizeof action); /* it was copied */
    }
    append(f, 1, "hub", "eager", NULL, NULL, NULL); /* takes them along */
    struct store_audit_read read = all();
    read.action = STR("lazy");
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.count, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(read.rows[i].row.latency_ms, i);
        assert_int_equal(read.rows[i].row.time, fixture_wall);
    }
    verify(f, 100, 6);
    struct store_audit row = {.action = STR("at the end")};
    assert_int_equal(store_audit_later(f->store, &row), OK);
    fixture_reopen(f);
    verify(f, 100, 7);
}

static atomic_bool lazy_is_durable;

static void on_commit(void *context)
{
    (void)context;
    atomic_store(&lazy_is_durable, true);
}

/* Alone they become durable too, after lazy_delay_ms. */
static void lazy_rows_alone(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    f->options.lazy_delay_ms = 1;
    fixture_open(f);
    atomic_store(&lazy_is_durable, false);
    store_set_commit_hook(f->store, on_commit, NULL);
    struct store_audit row = {.action = STR("alone")};
    assert_int_equal(store_audit_later(f->store, &row), OK);
    while (!atomic_load(&lazy_is_durable)) {
        struct store_totals_read totals = {0};
        RUN_READ(f, store_read_totals, &totals);
        arena_reset(&f->arena);
    }
    verify(f, 10, 1);
}

static void lazy_rows_are_bounded(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    f->options.lazy_delay_ms = 3600 * 1000;
    fixture_open(f);
    static char detail[4000];
    memset(detail, 'd', sizeof detail);
    struct store_audit row = {.action = STR("many"), .detail = str_of(detail, sizeof detail)};
    int64_t count = 0;
    int result;
    while ((result = store_audit_later(f->store, &row)) == OK)
        assert_true(++count < 100000);
    assert_int_equal(result, ERR_BUSY);
    append(f, 1, "hub", "eager", NULL, NULL, NULL);
    assert_int_equal(store_audit_later(f->store, &row), OK); /* room again */
    verify(f, 1000, count + 1);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(columns),
        STORE_TEST(filters),
        STORE_TEST(both_directions),
        STORE_TEST(long_scans),
        STORE_TEST(refused_batches_leave_no_hole),
        STORE_TEST(lazy_rows),
        STORE_TEST(lazy_rows_alone),
        STORE_TEST(lazy_rows_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
