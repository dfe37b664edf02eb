#include <sqlite3.h>

#include "hubd/request/quality.h"
#include "lib/ocpi/validate.h"
#include "tests/store/fixture.h"

/* A worker's table of findings (hubd: quality): every count gets to the store once, whatever the store does
 * meanwhile, and the table has bounds. */

struct bench {
    struct fixture store;
    struct hub hub;
    struct worker worker;
};

static const struct route route = {.module = OCPI_MODULE_LOCATIONS};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct error error = {0};
    fixture_make(&b->store);
    fixture_open(&b->store);
    assert_int_equal(loop_init(&b->worker.loop, 1), OK);
    b->worker.hub = &b->hub;
    b->worker.store = store_client_new(b->store.store, &b->worker.loop.uv, &error);
    assert_non_null(b->worker.store);
    b->worker.quality = quality_new(&b->worker);
    assert_non_null(b->worker.quality);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    quality_free(b->worker.quality);
    store_client_free(b->worker.store);
    loop_close(&b->worker.loop);
    uv_run(&b->worker.loop.uv, UV_RUN_DEFAULT);
    loop_free(&b->worker.loop);
    fixture_close(&b->store);
    fixture_remove(&b->store);
    free(b);
    return 0;
}

/* ---------------------------------------------------------------- counting and reading */

/* One body of party number `party` in which that field broke that rule `count` times. */
static void count(struct bench *b, unsigned party, const char *field, enum ocpi_rule rule, unsigned times,
                  const char *object)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct ocpi_count row = {.object = "Connector", .field = str_from(field), .rule = rule, .count = times};
    struct registry_party caller = {0};
    snprintf(caller.key.text, sizeof caller.key.text, "IN-%c%c%c", digits[party / 1296 % 36],
             digits[party / 36 % 36], digits[party % 36]);
    struct request request = {
        .worker = &b->worker,
        .hub = &b->hub,
        .route = &route,
        .party = &caller,
        .object = str_from(object),
        .counts = &row,
        .now = fixture_wall++,
    };
    quality_count(&request);
    quality_count(&request); /* again for the same request: no second time */
}

static void settle(struct bench *b)
{
    while (!quality_settle(b->worker.quality))
        uv_run(&b->worker.loop.uv, UV_RUN_ONCE);
}

/* What is under way gets its answer. */
static void answer(struct bench *b)
{
    while (store_client_under_way(b->worker.store) > 0)
        uv_run(&b->worker.loop.uv, UV_RUN_ONCE);
}

static struct store_findings_read list(struct bench *b, const char *party)
{
    struct store_findings_read read = {.party = str_from(party), .limit = 1000};
    assert_int_equal(RUN_READ(&b->store, store_read_findings, &read), OK);
    return read;
}

/* The sum of all counts. */
static int64_t stored(struct bench *b)
{
    struct store_findings_read read = {.limit = 1000};
    int64_t sum = 0;
    do {
        assert_int_equal(RUN_READ(&b->store, store_read_findings, &read), OK);
        for (size_t i = 0; i < read.count; i++)
            sum += read.rows[i].count;
        read.skip += read.count;
    } while (read.count > 0);
    return sum;
}

/* The store cannot count while the table has another name. */
static void rename_table(struct bench *b, const char *from, const char *to)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(text(&b->store, "%s/hub.db", b->store.directory).data, &db), SQLITE_OK);
    struct str sql = text(&b->store, "ALTER TABLE %s RENAME TO %s", from, to);
    assert_int_equal(sqlite3_exec(db, sql.data, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* ---------------------------------------------------------------- cases */

static void sums_by_kind(void **state)
{
    struct bench *b = *state;
    assert_true(quality_settle(b->worker.quality)); /* nothing came: nothing is written */
    int64_t begin = fixture_wall;
    count(b, 1, "standard", OCPI_RULE_ENUM, 3, "L1");
    count(b, 1, "standard", OCPI_RULE_LENGTH, 1, "L1");
    count(b, 2, "standard", OCPI_RULE_ENUM, 1, "L2");
    count(b, 1, "standard", OCPI_RULE_ENUM, 4, "L3");
    count(b, 1, "", OCPI_RULE_UNKNOWN, 1, "");
    settle(b);
    assert_int_equal(list(b, "").count, 4);
    struct store_findings_read read = list(b, "IN-001");
    assert_int_equal(read.count, 3);
    assert_str(read.rows[0].field, "");
    assert_str(read.rows[0].rule, "unknown");
    assert_str(read.rows[0].example, "");
    assert_str(read.rows[1].rule, "enum");
    assert_int_equal(read.rows[1].count, 7);
    assert_int_equal(read.rows[1].first, begin);
    assert_int_equal(read.rows[1].last, begin + 3);
    assert_str(read.rows[1].example, "L3");
    assert_str(read.rows[2].rule, "length");
}

/* An id longer than OCPI's longest is cut, not refused. */
static void long_examples(void **state)
{
    struct bench *b = *state;
    count(b, 1, "id", OCPI_RULE_LENGTH, 1, text(&b->store, "%0300d", 7).data);
    settle(b);
    assert_int_equal(list(b, "").rows[0].example.length, 128);
}

/* More kinds than a table holds: it leaves when it is full, and not one count is lost. */
static void many_kinds(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 2000; i++) {
        count(b, i, "standard", OCPI_RULE_ENUM, 2, "L1");
        answer(b);
    }
    settle(b);
    assert_int_equal(stored(b), 4000);
    assert_int_equal(list(b, "IN-1JJ").rows[0].count, 2);
}

/* While the store does not answer, two tables are all there is; what was in them is kept. */
static void bounded_while_the_store_is_silent(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 3000; i++)
        count(b, i, "standard", OCPI_RULE_ENUM, 1, "L1");
    for (unsigned i = 0; i < 3000; i++) /* known kinds still count, as far as they are in the open table */
        count(b, 600, "standard", OCPI_RULE_ENUM, 1, "L1");
    settle(b);
    assert_int_equal(stored(b), 512 + 512 + 3000);
}

/* What could not be stored is tried again with what came since. */
static void tried_again(void **state)
{
    struct bench *b = *state;
    rename_table(b, "finding", "hidden");
    for (unsigned i = 0; i < 600; i++) { /* leaves at the 513th, and comes back */
        count(b, i, "standard", OCPI_RULE_ENUM, 1, "L1");
        answer(b);
    }
    rename_table(b, "hidden", "finding");
    settle(b);
    assert_int_equal(stored(b), 600);
}

/* At the end a store that refuses does not keep the hub from ending. */
static void given_up_at_the_end(void **state)
{
    struct bench *b = *state;
    rename_table(b, "finding", "hidden");
    count(b, 1, "standard", OCPI_RULE_ENUM, 1, "L1");
    settle(b);
    rename_table(b, "hidden", "finding");
    settle(b);
    assert_int_equal(stored(b), 0);
}

/* Invented names: few between two flushes, few in all, each counted. */
static void invented_names(void **state)
{
    struct bench *b = *state;
    for (unsigned turn = 0; turn < 10; turn++) {
        for (unsigned i = 0; i < 1000; i++)
            count(b, 1, text(&b->store, "x%u-%u", turn, i).data, OCPI_RULE_UNKNOWN, 1, "L1");
        settle(b);
    }
    struct store_findings_read read = list(b, "IN-001");
    assert_int_equal(read.count, 64 + 1);
    assert_str(read.rows[0].field, OCPI_FIELD_OTHERS);
    assert_int_equal(read.rows[0].count, 10000 - 64);
    count(b, 1, "x0-0", OCPI_RULE_UNKNOWN, 5, "L2");
    count(b, 2, "mine", OCPI_RULE_UNKNOWN, 1, "L2");
    settle(b);
    assert_int_equal(list(b, "IN-001").rows[1].count, 6); /* x0-0 has its row for good */
    assert_str(list(b, "IN-002").rows[0].field, "mine");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        TEST(sums_by_kind),   TEST(long_examples),
        TEST(many_kinds),     TEST(bounded_while_the_store_is_silent),
        TEST(tried_again),    TEST(given_up_at_the_end),
        TEST(invented_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
