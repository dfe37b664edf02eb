#include "tests/store/fixture.h"

/* Remote commands and what is asked of them. */

static int put_command(struct fixture *f, int64_t id, const char *name, const char *object, int64_t expires)
{
    struct store_apply *apply = new_batch(f);
    struct store_command *c = &add_op(apply, STORE_PUT_COMMAND)->u.command;
    *c = (struct store_command){
        .id = id,
        .command = str_from(name),
        .emsp = STR("IN-MSP"),
        .cpo = STR("IN-CPO"),
        .response_url = STR("https://msp/cb"),
        .object = str_from(object),
        .correlation_id = STR("corr"),
        .created = id * 10,
        .expires = expires,
    };
    memset(c->callback_hash, (int)id, sizeof c->callback_hash);
    return run_batch(f, apply);
}

static int update_command(struct fixture *f, int64_t id, unsigned from, enum store_command_state to,
                          const char *result, int64_t expires)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_UPDATE_COMMAND);
    op->u.command_update.id = id;
    op->u.command_update.from = from;
    op->u.command_update.state = to;
    op->u.command_update.result = str_from(result);
    op->u.command_update.result_body = result ? STR("{}") : STR_NONE;
    op->u.command_update.expires = expires;
    return run_batch(f, apply);
}

static struct store_command_read get_command(struct fixture *f, int64_t id)
{
    struct store_command_read read = {.id = id};
    RUN_READ(f, store_read_command, &read);
    return read;
}

static void commands(void **state)
{
    struct fixture *f = *state;
    const unsigned sent = 1u << STORE_COMMAND_SENT, accepted = 1u << STORE_COMMAND_ACCEPTED;
    assert_int_equal(put_command(f, 1, "RESERVE_NOW", "R1", 100), OK);
    assert_int_equal(put_command(f, 1, "RESERVE_NOW", "R1", 100), ERR_EXISTS);
    assert_int_equal(put_command(f, 2, "RESERVE_NOW", "R1", 50), OK);
    assert_int_equal(put_command(f, 3, "START_SESSION", "R1", 70), OK);
    struct store_command row = get_command(f, 1).row;
    assert_str(row.command, "RESERVE_NOW");
    assert_str(row.emsp, "IN-MSP");
    assert_str(row.cpo, "IN-CPO");
    assert_str(row.response_url, "https://msp/cb");
    assert_str(row.object, "R1");
    assert_str(row.correlation_id, "corr");
    assert_int_equal(row.state, STORE_COMMAND_SENT);
    assert_int_equal(row.created, 10);
    assert_int_equal(row.expires, 100);
    assert_int_equal(row.callback_hash[31], 1);
    assert_int_equal(get_command(f, 9).base.result, ERR_NOT_FOUND);

    uint8_t hash[32];
    memset(hash, 3, sizeof hash);
    struct store_command_read by_hash = {.callback_hash = hash};
    assert_int_equal(RUN_READ(f, store_read_command, &by_hash), OK);
    assert_int_equal(by_hash.row.id, 3);
    struct store_command_list about = {.reservation = STR("R1"), .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_commands, &about), OK);
    assert_int_equal(about.count, 2);
    assert_int_equal(about.rows[0].id, 2);
    assert_int_equal(about.rows[1].id, 1);
    about = (struct store_command_list){.reservation = STR("R1"), .emsp = STR("IN-OTH"), .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_commands, &about), OK);
    assert_int_equal(about.count, 0);
    about = (struct store_command_list){.reservation = STR("R1"), .not_emsp = STR("IN-OTH"), .limit = 1};
    assert_int_equal(RUN_READ(f, store_read_commands, &about), OK);
    assert_int_equal(about.count, 1);
    about = (struct store_command_list){.reservation = STR("R1"), .cpo = STR("IN-OTH"), .limit = 1};
    assert_int_equal(RUN_READ(f, store_read_commands, &about), OK);
    assert_int_equal(about.count, 0);

    assert_int_equal(update_command(f, 9, sent, STORE_COMMAND_ENDED, "X", 0), ERR_NOT_FOUND);
    assert_int_equal(update_command(f, 1, accepted, STORE_COMMAND_ENDED, "X", 0), ERR_CONFLICT);
    assert_int_equal(update_command(f, 1, sent | accepted, STORE_COMMAND_ACCEPTED, "ACCEPTED", 500), OK);
    assert_int_equal(update_command(f, 1, accepted, STORE_COMMAND_ACCEPTED, NULL, 0), OK);
    row = get_command(f, 1).row;
    assert_int_equal(row.state, STORE_COMMAND_ACCEPTED);
    assert_str(row.result, "ACCEPTED");
    assert_str(row.result_body, "{}");
    assert_int_equal(row.expires, 500);
}

static void command_lists(void **state)
{
    struct fixture *f = *state;
    for (int64_t id = 1; id <= 5; id++)
        put_command(f, id, "START_SESSION", "S", 100 - id * 10); /* 90 80 70 60 50 */
    update_command(f, 4, 1u << STORE_COMMAND_SENT, STORE_COMMAND_ENDED, "ACCEPTED", 0);
    struct store_command_list due = {.due = 80, .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_commands, &due), OK);
    assert_int_equal(due.count, 3);
    assert_int_equal(due.rows[0].id, 5);
    assert_int_equal(due.rows[1].id, 3);
    assert_int_equal(due.rows[2].id, 2);
    struct store_command_list list = {.limit = 2};
    assert_int_equal(RUN_READ(f, store_read_commands, &list), OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.rows[0].id, 5);
    list = (struct store_command_list){.before = list.rows[1].id, .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_commands, &list), OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.rows[0].id, 3);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(commands),
        STORE_TEST(command_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
