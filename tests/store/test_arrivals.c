#include <sqlite3.h>

#include "tests/store/fixture.h"

/* When something arrived, and up to when a page has seen all that arrived: with the clock and the commit in
 * our hands. */

static const struct store_owner_filter owner = {{"IN-AAA", 6}, INT64_MIN};

static struct store_page_read page_from(struct fixture *f, enum store_kind kind, int64_t from)
{
    struct store_page_read page = {
        .kind = kind,
        .owners = &owner,
        .owner_count = 1,
        .date_from = from,
        .date_to = INT64_MAX,
        .limit = 1000,
        .bytes_max = 1 << 22,
    };
    assert_int_equal(RUN_READ(f, store_read_page, &page), OK);
    return page;
}

static struct store_op *fill_location(struct store_apply *apply, const char *id, const char *body)
{
    struct store_op *op = add_op(apply, STORE_PUT_LOCATION);
    struct store_location_put *p = &op->u.location;
    p->owner = owner.owner;
    p->id = str_from(id);
    p->body = str_from(body);
    p->children_at = p->body.length - 1;
    p->children_form = 1;
    p->last_updated = 1;
    uint64_t hash = str_hash(p->body);
    memcpy(p->digest, &hash, sizeof hash);
    return op;
}

static void put_tariff(struct fixture *f, const char *id, const char *body)
{
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_TARIFF, "IN-AAA", id, body, 1);
    assert_int_equal(run_batch(f, apply), OK);
}

static int own_clock_setup(void **state)
{
    fixture_own_clock(1000000);
    return fixture_setup(state);
}

static int own_clock_teardown(void **state)
{
    int result = fixture_teardown(state);
    env_replace(NULL);
    return result;
}

/* Another connection holds the database, so that the writer has stamped its batch and cannot commit it. */
static sqlite3 *hold_commits(const struct fixture *f)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void let_commit(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A page that is read while a commit is under way promises no more than what it shows. */
static void page_during_a_slow_commit(void **state)
{
    struct fixture *f = *state;
    put_tariff(f, "T0", "{0}");
    assert_int_equal(page_from(f, STORE_LOCATION, INT64_MIN).horizon, 1000000);
    fixture_wall += 1000;
    assert_int_equal(page_from(f, STORE_LOCATION, INT64_MIN).horizon, 1001000);
    sqlite3 *held = hold_commits(f);
    bool done = false;
    struct store_apply *apply = new_batch(f);
    fill_location(apply, "L1", "{}");
    apply->callback = fixture_applied;
    apply->context = &done;
    store_apply(f->client, apply);
    struct store_page_read page;
    do { /* until the writer has begun */
        fixture_wall++;
        page = page_from(f, STORE_LOCATION, INT64_MIN);
    } while (page.horizon == fixture_wall);
    assert_int_equal(page.item_count, 0);
    fixture_wall += 50;
    assert_int_equal(page_from(f, STORE_LOCATION, INT64_MIN).horizon, page.horizon);
    let_commit(held);
    while (!done)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(apply->result, OK);
    assert_int_equal(page_from(f, STORE_LOCATION, page.horizon).item_count, 1);
    /* and it goes on with the clock */
    struct store_page_read after = page_from(f, STORE_LOCATION, INT64_MIN);
    assert_int_equal(after.horizon, fixture_wall);
    fixture_wall++;
    assert_int_equal(page_from(f, STORE_LOCATION, after.horizon + 1).item_count, 0);
}

/* The wall clock goes back: what arrives then is still in the window that begins at the last answer. */
static void clock_goes_back(void **state)
{
    struct fixture *f = *state;
    struct store_page_read page = page_from(f, STORE_TARIFF, INT64_MIN);
    fixture_wall -= 600000;
    put_tariff(f, "T1", "{1}");
    struct store_page_read next = page_from(f, STORE_TARIFF, page.horizon);
    assert_int_equal(next.item_count, 1);
    assert_true(next.horizon >= page.horizon);
    put_tariff(f, "T2", "{2}");
    assert_int_equal(page_from(f, STORE_TARIFF, next.horizon).total, 2);
    fixture_wall += 700000;
    next = page_from(f, STORE_TARIFF, INT64_MIN);
    assert_int_equal(next.horizon, fixture_wall);
    fixture_wall++;
    put_tariff(f, "T3", "{3}");
    assert_int_equal(page_from(f, STORE_TARIFF, next.horizon).item_count, 1);
}

/* Also over a restart: the audit tells how late it was. */
static void clock_goes_back_while_it_is_closed(void **state)
{
    struct fixture *f = *state;
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_TARIFF, "IN-AAA", "T1", "{1}", 1);
    add_op(apply, STORE_APPEND_AUDIT)->u.audit.action = STR("tariff.put");
    assert_int_equal(run_batch(f, apply), OK);
    struct store_page_read page = page_from(f, STORE_TARIFF, INT64_MIN);
    fixture_wall -= 600000;
    fixture_reopen(f);
    put_tariff(f, "T2", "{2}");
    assert_true(page_from(f, STORE_TARIFF, page.horizon).item_count >= 1);
}

/* A rule shows what its CPO has from its commit on; who goes by an older registry can tell. */
static void rules_arrive_with_their_commit(void **state)
{
    struct fixture *f = *state;
    struct store_registry_read before = {0};
    assert_int_equal(RUN_READ(f, store_read_registry, &before), OK);
    assert_int_equal(before.registry_changes, store_registry_changes(f->store));
    fixture_wall += 5;
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){1, 2, STORE_RULE_ON, 0};
    assert_int_equal(run_batch(f, apply), OK);
    assert_true(store_registry_changes(f->store) != before.registry_changes);
    struct store_registry_read after = {0};
    assert_int_equal(RUN_READ(f, store_read_registry, &after), OK);
    assert_int_equal(after.registry_changes, store_registry_changes(f->store));
    assert_int_equal(after.rule_count, 1);
    assert_true(after.rules[0].since >= before.horizon);
    assert_int_equal(after.rules[0].since, fixture_wall);
    /* a batch that is refused changes nothing */
    apply = new_batch(f);
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){1, 3, STORE_RULE_ON, 0};
    add_op(apply, STORE_DELETE_PARTY)->u.id = 99;
    assert_int_equal(run_batch(f, apply), ERR_NOT_FOUND);
    assert_int_equal(after.registry_changes, store_registry_changes(f->store));
}

#define ARRIVAL_TEST(function) cmocka_unit_test_setup_teardown(function, own_clock_setup, own_clock_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARRIVAL_TEST(page_during_a_slow_commit),
        ARRIVAL_TEST(clock_goes_back),
        ARRIVAL_TEST(clock_goes_back_while_it_is_closed),
        ARRIVAL_TEST(rules_arrive_with_their_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
