#include "tests/store/fixture.h"

/* What the push of HubClientInfo rests on: the order of changes, and what was told. */

static int put_changed(struct fixture *f, int64_t id, int64_t revision, int64_t last_updated)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_PARTY)->u.party = (struct store_party){
        .id = id, .platform = 1, .revision = revision, .key = STR("IN-ABC"), .last_updated = last_updated};
    return run_batch(f, apply);
}

/* Whoever asks for what changed since a moment misses nothing, whatever the clock did and however long a
 * batch took to come: a change is of the moment of its commit, or later. */
static void changes_of_parties_have_an_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(registry(f).changed, 0);
    struct store_apply *apply = new_batch(f);
    struct store_platform *platform = &add_op(apply, STORE_PUT_PLATFORM)->u.platform;
    platform->id = 1;
    platform->token = STR("sealed");
    assert_int_equal(run_batch(f, apply), OK);
    int64_t start = fixture_wall, horizon = store_horizon(f->store);
    int64_t changes = store_registry_changes(f->store);
    assert_true(horizon == start);
    assert_int_equal(put_changed(f, 2, 0, start - 5000), OK); /* made long before it came */
    assert_int_equal(put_changed(f, 3, 0, start - 6000), OK); /* made before, came later */
    assert_true(store_registry_changes(f->store) == changes + 2);
    struct store_registry_read read = registry(f);
    assert_true(read.parties[0].last_updated == horizon);
    assert_true(read.parties[1].last_updated == horizon + 1);
    assert_true(read.changed == horizon + 1);
    assert_true(read.registry_changes == changes + 2);
    assert_int_equal(put_changed(f, 2, 1, horizon), OK); /* not moved by who put it */
    assert_true(registry(f).parties[0].last_updated == horizon);
    assert_true(store_registry_changes(f->store) == changes + 2);
    apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_SET_STATUS);
    op->u.health.platform = 1;
    op->u.health.status = STORE_PLATFORM_CONNECTED;
    op->u.health.now = 10; /* a clock that was set back */
    assert_int_equal(run_batch(f, apply), OK);
    read = registry(f);
    assert_true(read.parties[0].last_updated == start + 2);
    assert_true(read.parties[1].last_updated == start + 2);
    assert_int_equal(put_changed(f, 2, 7, start + 9000), ERR_CONFLICT);
    assert_true(registry(f).changed == start + 2);
    fixture_wall = start + 1000;
    horizon = store_horizon(f->store);
    apply = new_batch(f);
    add_op(apply, STORE_DELETE_PARTY)->u.id = 3;
    assert_int_equal(run_batch(f, apply), OK);
    assert_true(registry(f).changed == horizon);
    fixture_reopen(f);
    assert_true(registry(f).changed == horizon);
    fixture_wall = start;                                  /* set back */
    assert_int_equal(put_changed(f, 2, 3, start - 1), OK); /* a change, whatever time it says */
    assert_true(registry(f).parties[0].last_updated == horizon + 1);
}

static int set_announced(struct fixture *f, int64_t party, const char *module, int64_t before, int64_t now)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_SET_ANNOUNCED);
    op->u.announced.party = party;
    op->u.announced.module = str_from(module);
    op->u.announced.before = before;
    op->u.announced.now = now;
    return run_batch(f, apply);
}

static void put_clientinfo_receiver(struct fixture *f, const char *url)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_RECEIVER)->u.receiver = (struct store_receiver){.party = 2,
                                                                            .module = STR("hubclientinfo"),
                                                                            .url = str_from(url),
                                                                            .source = STORE_SOURCE_SET,
                                                                            .announced = 77};
    assert_int_equal(run_batch(f, apply), OK);
}

static void what_a_receiver_was_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(set_announced(f, 2, "hubclientinfo", 0, 9000), ERR_NOT_FOUND);
    assert_int_equal(put_changed(f, 2, 0, 5000), OK);
    int64_t changed = registry(f).changed;
    put_clientinfo_receiver(f, "https://one");
    assert_int_equal(registry(f).receivers[0].announced, 0);
    assert_int_equal(set_announced(f, 2, "sessions", 0, 9000), ERR_NOT_FOUND);
    assert_int_equal(set_announced(f, 2, "hubclientinfo", 0, changed - 1),
                     ERR_CONFLICT); /* it changed meanwhile */
    assert_int_equal(set_announced(f, 2, "hubclientinfo", 0, changed), OK);
    assert_int_equal(set_announced(f, 2, "hubclientinfo", 0, changed), ERR_CONFLICT); /* told meanwhile */
    put_clientinfo_receiver(f, "https://one");
    fixture_reopen(f);
    assert_true(registry(f).receivers[0].announced == changed);
    put_clientinfo_receiver(f, "https://two");
    assert_int_equal(registry(f).receivers[0].announced, 0);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(changes_of_parties_have_an_order),
        STORE_TEST(what_a_receiver_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
