/* A search of the audit for something rare passes over what cannot have it, and finds the same. */
#include "tests/store/audit_fixture.h"

#include <sqlite3.h>

#define ROWS    5000
#define PER_RUN 250

static const char *const rare[] = {"IN-RA1", "IN-RA2", "IN-RA3"};
#define RARE (sizeof(rare) / sizeof(rare[0]))

static void execute(struct fixture *f, const char *sql)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Rows of 40 parties; a rare one at the edges of blocks and within, in each of the three places. */
static void fill(struct fixture *f)
{
    static const int at[] = {1, 1023, 1024, 2047, 2500, 4095, 4096, 4990};
    for (int row = 1; row <= ROWS;) {
        struct store_apply *apply = new_batch(f);
        for (int i = 0; i < PER_RUN && row <= ROWS; i++, row++) {
            struct store_audit *audit =
                add_audit(apply, "token.authorize", text(f, "IN-P%02d", row % 40).data);
            audit->time = 1000 + row;
            for (size_t j = 0; j < sizeof at / sizeof at[0]; j++) {
                if (at[j] != row)
                    continue;
                if (j % 3 == 0)
                    audit->party = STR("IN-RA1");
                else if (j % 3 == 1)
                    audit->sender = STR("IN-RA2");
                else
                    audit->receiver = STR("IN-RA3");
                audit->action = j == 4 ? STR("party.remove") : audit->action;
            }
        }
        assert_int_equal(run_batch(f, apply), OK);
        if (row % 1750 == 1)
            fixture_reopen(f); /* the block under way is known again */
    }
}

/* All matches, and in how many calls. */
static struct str find(struct fixture *f, struct store_audit_read filter, unsigned *calls)
{
    struct str found = STR("");
    int64_t after = 0;
    for (*calls = 0;; ++*calls) {
        struct store_audit_read read = filter;
        read.after = after;
        read.limit = 100;
        assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
        if (read.count > 0)
            found = arena_printf(&f->arena, STR_FMT "%s" STR_FMT, STR_ARG(found), found.length > 0 ? " " : "",
                                 STR_ARG(numbers(f, &read)));
        if (read.scanned == after)
            return found;
        after = read.count == read.limit ? read.rows[read.count - 1].sequence : read.scanned;
    }
}

static struct store_audit_read filters(size_t i, bool backwards)
{
    struct store_audit_read read = all();
    read.backwards = backwards;
    if (i < RARE)
        read.party = str_from(rare[i]);
    else if (i == RARE)
        read.party = STR("IN-NOBODY");
    else if (i == RARE + 1)
        read.action = STR("party.remove");
    else if (i == RARE + 2)
        read.since = 1000 + 4900;
    else if (i == RARE + 3)
        read.until = 1000 + 40;
    else if (i == RARE + 4)
        read.action = STR("party.*");
    else
        read.party = STR("IN-P07");
    return read;
}
#define FILTERS (RARE + 6)

static void finds_the_same(void **state)
{
    struct fixture *f = *state;
    struct str with[FILTERS][2];
    unsigned calls, whole;
    fill(f);
    for (size_t i = 0; i < FILTERS; i++)
        for (int back = 0; back < 2; back++)
            with[i][back] = find(f, filters(i, back), &calls);
    assert_string_equal(with[0][0].data, "1 2047 4096");
    unsigned few, all_calls;
    find(f, filters(RARE, false), &few);
    execute(f, "DELETE FROM audit_summary");
    find(f, filters(RARE, false), &all_calls);
    assert_true(few * 3 < all_calls);
    for (size_t i = 0; i < FILTERS; i++)
        for (int back = 0; back < 2; back++) {
            struct str without = find(f, filters(i, back), &whole);
            if (!str_equal(without, with[i][back]) && back == 0)
                fail_msg("filter %zu: with \"%s\", without \"%s\"", i, with[i][back].data, without.data);
        }
}

/* Forwards or backwards, each match comes once. */
static void both_ways(void **state)
{
    struct fixture *f = *state;
    unsigned calls;
    fill(f);
    for (size_t i = 0; i < FILTERS; i++) {
        struct str forwards = find(f, filters(i, false), &calls),
                   backwards = find(f, filters(i, true), &calls);
        size_t counts[2] = {forwards.length > 0, backwards.length > 0};
        for (size_t j = 0; j < forwards.length; j++)
            counts[0] += forwards.data[j] == ' ';
        for (size_t j = 0; j < backwards.length; j++)
            counts[1] += backwards.data[j] == ' ';
        assert_int_equal(counts[0], counts[1]);
        assert_true(counts[0] > 0 || i == RARE);
    }
}

/* Who empties a summary hides nothing: it is not believed. */
static void is_proven(void **state)
{
    struct fixture *f = *state;
    unsigned calls;
    fill(f);
    struct str before = find(f, filters(0, false), &calls);
    execute(f, "UPDATE audit_summary SET bits = zeroblob(1024)");
    assert_true(str_equal(find(f, filters(0, false), &calls), before));
    execute(f, "UPDATE audit_summary SET newest = 0, oldest = 0");
    assert_true(str_equal(find(f, filters(0, false), &calls), before));
}

/* A batch that is refused across the edge of a block leaves its summary as it was. */
static void refused_at_the_edge(void **state)
{
    struct fixture *f = *state;
    unsigned calls;
    for (int row = 1; row < 1020; row++)
        append(f, 1000 + row, "a", "x", row == 5 ? "IN-RA1" : "IN-P01", "", "");
    struct store_apply *apply = new_batch(f);
    for (int i = 0; i < 10; i++)
        add_audit(apply, "x", "IN-P02");
    struct store_op *op = store_batch_add(apply, STORE_DELETE_PLATFORM);
    op->u.id = 4711;
    assert_int_equal(run_batch(f, apply), ERR_NOT_FOUND);
    for (int row = 1020; row < 1100; row++)
        append(f, 1000 + row, "a", "x", "IN-P01", "", "");
    assert_true(str_equal(find(f, filters(0, false), &calls), STR("5")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_the_same, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(both_ways, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(is_proven, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(refused_at_the_edge, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
