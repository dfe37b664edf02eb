#include "tests/store/fixture.h"

/* Tariffs, sessions and CDRs: conditions, what counts as changed, atomic batches, owners. */

static void put_and_get(void **state)
{
    struct fixture *f = *state;
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p = add_object(apply, STORE_SESSION, "IN-CPO", "S1", "{\"kwh\":1.50}", 1000);
    p->counterparty = STR("IN-MSP");
    p->token_uid = STR("TOKEN1");
    p->status = STR("ACTIVE");
    assert_int_equal(run_batch(f, apply), OK);
    assert_true(p->created);
    assert_true(p->changed);
    struct store_object_read read = get_object(f, STORE_SESSION, "IN-CPO", "S1");
    assert_int_equal(read.base.result, OK);
    assert_str(read.body, "{\"kwh\":1.50}");
    assert_int_equal(read.revision, 1);
    assert_int_equal(read.last_updated, 1000);
    assert_str(read.counterparty, "IN-MSP");
    assert_str(read.token_uid, "TOKEN1");
    assert_str(read.status, "ACTIVE");
    assert_true(read.sequence > 0);
    assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", "S1").base.result, ERR_NOT_FOUND);
    assert_int_equal(get_object(f, STORE_SESSION, "IN-ZZZ", "S1").base.result, ERR_NOT_FOUND);
}

static void update_counts_revisions(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{\"a\":1}", 1000), OK);
    struct store_object_read first = get_object(f, STORE_TARIFF, "IN-CPO", "T1");
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p = add_object(apply, STORE_TARIFF, "IN-CPO", "T1", "{\"a\":2}", 2000);
    assert_int_equal(run_batch(f, apply), OK);
    assert_false(p->created);
    assert_true(p->changed);
    struct store_object_read second = get_object(f, STORE_TARIFF, "IN-CPO", "T1");
    assert_str(second.body, "{\"a\":2}");
    assert_int_equal(second.revision, 2);
    assert_int_equal(second.sequence, first.sequence);
    /* the same again is no change */
    apply = new_batch(f);
    p = add_object(apply, STORE_TARIFF, "IN-CPO", "T1", "{\"a\":2}", 2000);
    assert_int_equal(run_batch(f, apply), OK);
    assert_false(p->changed);
}

static int put_with(struct fixture *f, const char *id, unsigned conditions, int64_t revision,
                    int64_t last_updated)
{
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p = add_object(
        apply, STORE_CDR, "IN-CPO", id, text(f, "{\"at\":%lld}", (long long)last_updated).data, last_updated);
    p->conditions = conditions;
    p->revision = revision;
    int result = run_batch(f, apply);
    if (result)
        assert_ptr_equal(apply->failed, apply->first);
    return result;
}

static void conditions(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_with(f, "C1", STORE_IF_PRESENT, 0, 1000), ERR_NOT_FOUND);
    assert_int_equal(put_with(f, "C1", STORE_IF_REVISION, 3, 1000), ERR_CONFLICT);
    assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", "C1").base.result, ERR_NOT_FOUND);
    assert_int_equal(put_with(f, "C1", STORE_IF_ABSENT | STORE_IF_NOT_OLDER, 0, 1000), OK);
    assert_int_equal(put_with(f, "C1", STORE_IF_ABSENT, 0, 1000), ERR_EXISTS);
    assert_int_equal(put_with(f, "C1", STORE_IF_PRESENT | STORE_IF_REVISION, 1, 1001), OK);
    assert_int_equal(put_with(f, "C1", STORE_IF_PRESENT | STORE_IF_REVISION, 1, 1002), ERR_CONFLICT);
    assert_int_equal(put_with(f, "C1", STORE_IF_REVISION, 2, 1003), OK);
    assert_int_equal(put_with(f, "C1", STORE_IF_NOT_OLDER, 0, 1002), ERR_STALE);
    assert_int_equal(put_with(f, "C1", STORE_IF_NOT_OLDER, 0, 1003), OK);
    assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", "C1").last_updated, 1003);
}

/* A stored time more than 5 minutes ahead of the clock is not believed (hub-ocpi(7), HTTP AND ANSWERS). */
static void stale_but_future(void **state)
{
    struct fixture *f = *state;
    int64_t now = fixture_wall, limit = 5 * 60 * 1000;
    assert_int_equal(put_with(f, "C1", 0, 0, now + limit), OK);
    assert_int_equal(put_with(f, "C1", STORE_IF_NOT_OLDER, 0, now), ERR_STALE);
    assert_int_equal(put_with(f, "C1", 0, 0, now + limit + 1), OK);
    assert_int_equal(put_with(f, "C1", STORE_IF_NOT_OLDER, 0, now), OK);
    assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", "C1").last_updated, now);
}

static int put_session(struct fixture *f, const char *status, int64_t last_updated, unsigned conditions)
{
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p = add_object(apply, STORE_SESSION, "IN-CPO", "S1", "{}", last_updated);
    p->status = str_from(status);
    p->conditions = conditions;
    return run_batch(f, apply);
}

/* A session that has ended takes another status only with a later time, however far ahead its own is. */
static void ended_session(void **state)
{
    struct fixture *f = *state;
    const unsigned conditions = STORE_IF_NOT_OLDER | STORE_IF_NOT_ENDED;
    const int64_t ahead = fixture_wall + 3600 * 1000;
    assert_int_equal(put_session(f, "ACTIVE", 1000, conditions), OK);
    assert_int_equal(put_session(f, "COMPLETED", 1000, conditions), OK);
    assert_int_equal(put_session(f, "ACTIVE", 1000, conditions), ERR_STALE);
    assert_int_equal(put_session(f, "INVALID", 1000, conditions), ERR_STALE);
    assert_int_equal(put_session(f, "COMPLETED", 1000, conditions), OK);
    assert_int_equal(put_session(f, "ACTIVE", 1001, conditions), OK);
    assert_int_equal(put_session(f, "INVALID", ahead, conditions), OK);
    assert_int_equal(put_session(f, "ACTIVE", fixture_wall, conditions), ERR_STALE);
    assert_int_equal(put_session(f, "ACTIVE", fixture_wall, STORE_IF_NOT_OLDER), OK);
}

static void start_command(struct fixture *f, int64_t id, const char *emsp, const char *cpo,
                          const char *reference, enum store_command_state state, const char *result)
{
    struct store_apply *apply = new_batch(f);
    struct store_command *row = &add_op(apply, STORE_PUT_COMMAND)->u.command;
    row->id = id;
    memset(row->callback_hash, (int)id, sizeof row->callback_hash);
    row->command = STR("START_SESSION");
    row->emsp = str_from(emsp);
    row->cpo = str_from(cpo);
    row->reference = str_from(reference);
    if (state != STORE_COMMAND_SENT) {
        struct store_op *op = add_op(apply, STORE_UPDATE_COMMAND);
        op->u.command_update.id = id;
        op->u.command_update.from = 7;
        op->u.command_update.state = state;
        op->u.command_update.result = str_from(result);
        op->u.command_update.accepted =
            state == STORE_COMMAND_ACCEPTED || str_equal(str_from(result), STR("ACCEPTED"));
    }
    assert_int_equal(run_batch(f, apply), OK);
}

static struct store_starter_read starter(struct fixture *f, const char *cpo, const char *reference)
{
    struct store_starter_read read = {.cpo = str_from(cpo), .reference = str_from(reference)};
    RUN_READ(f, store_read_starter, &read);
    return read;
}

/* Whose accepted START_SESSION carried a reference. */
static void who_started(void **state)
{
    struct fixture *f = *state;
    start_command(f, 1, "IN-AAA", "IN-CPO", "SENT", STORE_COMMAND_SENT, "");
    start_command(f, 2, "IN-AAA", "IN-CPO", "REFUSED", STORE_COMMAND_ENDED, "REJECTED");
    start_command(f, 3, "IN-AAA", "IN-CPO", "R", STORE_COMMAND_ACCEPTED, "ACCEPTED");
    start_command(f, 4, "IN-AAA", "IN-CPO", "R", STORE_COMMAND_ENDED, "ACCEPTED");
    start_command(f, 5, "IN-BBB", "IN-OTH", "R", STORE_COMMAND_ACCEPTED, "ACCEPTED");
    start_command(f, 6, "IN-AAA", "IN-CPO", "", STORE_COMMAND_ACCEPTED, "ACCEPTED");
    assert_str(starter(f, "IN-CPO", "R").emsp, "IN-AAA");
    assert_false(starter(f, "IN-CPO", "R").several);
    assert_int_equal(starter(f, "IN-CPO", "SENT").base.result, ERR_NOT_FOUND);
    assert_int_equal(starter(f, "IN-CPO", "REFUSED").base.result, ERR_NOT_FOUND);
    assert_int_equal(starter(f, "IN-CPO", "").base.result, ERR_NOT_FOUND);
    /* it stays accepted, whatever comes of it; and another eMSP's makes it nobody's */
    start_command(f, 7, "IN-BBB", "IN-CPO", "R", STORE_COMMAND_ACCEPTED, "ACCEPTED");
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_UPDATE_COMMAND);
    op->u.command_update.id = 7;
    op->u.command_update.from = 7;
    op->u.command_update.state = STORE_COMMAND_ENDED;
    op->u.command_update.result = STR("TIMEOUT");
    assert_int_equal(run_batch(f, apply), OK);
    assert_true(starter(f, "IN-CPO", "R").several);
}

static void delete_object(void **state)
{
    struct fixture *f = *state;
    put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{}", 1000);
    for (int round = 0; round < 2; round++) {
        struct store_apply *apply = new_batch(f);
        struct store_op *op = add_op(apply, STORE_DELETE_OBJECT);
        op->u.key.kind = STORE_TARIFF;
        op->u.key.owner = STR("IN-CPO");
        op->u.key.id = STR("T1");
        assert_int_equal(run_batch(f, apply), round == 0 ? OK : ERR_NOT_FOUND);
    }
    assert_int_equal(get_object(f, STORE_TARIFF, "IN-CPO", "T1").base.result, ERR_NOT_FOUND);
}

/* ---------------------------------------------------------------- atomicity */

static int64_t audit_head(struct fixture *f)
{
    struct store_totals_read totals = {0};
    assert_int_equal(RUN_READ(f, store_read_totals, &totals), OK);
    return totals.audit_head;
}

static void last_op_refused_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    put_object(f, STORE_CDR, "IN-CPO", "C1", "{}", 1000);
    int64_t head = audit_head(f);
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", "S1", "{}", 1000);
    struct store_op *delivery = add_op(apply, STORE_PUT_DELIVERY);
    delivery->u.delivery.row = (struct store_delivery){
        .receiver = STR("IN-MSP"), .kind = STORE_SESSION, .owner = STR("IN-CPO"), .object = STR("S1")};
    delivery->u.delivery.coalesce = true;
    add_audit(apply, "session.put", "IN-CPO");
    struct store_object_put *p = add_object(apply, STORE_CDR, "IN-CPO", "C1", "{\"x\":1}", 1000);
    p->conditions = STORE_IF_ABSENT;
    assert_int_equal(run_batch(f, apply), ERR_EXISTS);
    assert_ptr_equal(apply->failed, apply->last);
    assert_int_equal(get_object(f, STORE_SESSION, "IN-CPO", "S1").base.result, ERR_NOT_FOUND);
    assert_str(get_object(f, STORE_CDR, "IN-CPO", "C1").body, "{}");
    assert_int_equal(audit_head(f), head);
    struct store_due_read due = {.queue = {.receiver = STR("IN-MSP")}, .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_due, &due), OK);
    assert_int_equal(due.count, 0);
    struct store_totals_read totals = {0};
    RUN_READ(f, store_read_totals, &totals);
    assert_int_equal(totals.objects[STORE_SESSION], 0);
    assert_int_equal(totals.objects[STORE_CDR], 1);
}

/* Many batches of one commit: the refused ones harm no other. */
static void neighbours_are_left_alone(void **state)
{
    enum { COUNT = 60 };
    struct fixture *f = *state;
    struct store_apply *applies[COUNT];
    bool done[COUNT] = {false};
    for (int i = 0; i < COUNT; i++) {
        applies[i] = new_batch(f);
        add_object(applies[i], STORE_SESSION, "IN-CPO", text(f, "S%d", i).data, "{}", 1000);
        add_audit(applies[i], "session.put", "IN-CPO");
        struct store_object_put *p = add_object(applies[i], STORE_CDR, "IN-CPO",
                                                i % 3 == 2 ? "SAME" : text(f, "C%d", i).data, "{}", 1000);
        p->conditions = STORE_IF_ABSENT;
        applies[i]->callback = fixture_applied;
        applies[i]->context = &done[i];
        store_apply(f->client, applies[i]);
    }
    int good = 0;
    for (int i = 0; i < COUNT; i++) {
        while (!done[i])
            uv_run(&f->loop, UV_RUN_ONCE);
        bool expected = i % 3 != 2 || i == 2;
        assert_int_equal(applies[i]->result, expected ? OK : ERR_EXISTS);
        struct store_object_read read = get_object(f, STORE_SESSION, "IN-CPO", text(f, "S%d", i).data);
        assert_int_equal(read.base.result, expected ? OK : ERR_NOT_FOUND);
        good += expected;
    }
    assert_int_equal(audit_head(f), good);
}

static void empty_batch(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run_batch(f, new_batch(f)), OK);
}

/* ---------------------------------------------------------------- owners */

static void owners_of_an_id(void **state)
{
    struct fixture *f = *state;
    put_object(f, STORE_SESSION, "IN-BBB", "S1", "{}", 1000);
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-AAA", "S1", "{}", 1000)->counterparty = STR("IN-MSP");
    add_object(apply, STORE_CDR, "IN-CCC", "S1", "{}", 1000);
    assert_int_equal(run_batch(f, apply), OK);
    struct store_owners_read read = {.kind = STORE_SESSION, .id = STR("S1")};
    assert_int_equal(RUN_READ(f, store_read_owners, &read), OK);
    assert_int_equal(read.owner_count, 2);
    assert_str(read.owners[0].owner, "IN-AAA");
    assert_str(read.owners[0].counterparty, "IN-MSP");
    assert_str(read.owners[1].owner, "IN-BBB");
    read = (struct store_owners_read){.kind = STORE_SESSION, .id = STR("S2")};
    assert_int_equal(RUN_READ(f, store_read_owners, &read), OK);
    assert_int_equal(read.owner_count, 0);
}

static void bodies_are_bytes(void **state)
{
    struct fixture *f = *state;
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p = add_object(apply, STORE_CDR, "IN-CPO", "C1", "", 1000);
    size_t size = 300000;
    char *body = arena_alloc(&f->arena, size);
    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i * 7);
    p->body = str_of(body, size);
    assert_int_equal(run_batch(f, apply), OK);
    struct store_object_read read = get_object(f, STORE_CDR, "IN-CPO", "C1");
    assert_true(str_equal(read.body, p->body));
}

static void use_in_session(struct fixture *f, const char *id, const char *emsp, const char *uid)
{
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p = add_object(apply, STORE_SESSION, "IN-CPO", id, id, 1);
    p->counterparty = str_from(emsp);
    p->token_uid = str_from(uid);
    assert_int_equal(run_batch(f, apply), OK);
}

static void use_in_command(struct fixture *f, const char *emsp, const char *uid, bool accepted)
{
    struct store_apply *apply = new_batch(f);
    struct store_command *row = &add_op(apply, STORE_PUT_COMMAND)->u.command;
    row->id = store_new_id(f->store);
    memcpy(row->callback_hash, &row->id, sizeof row->id);
    row->emsp = str_from(emsp);
    row->token_uid = str_from(uid);
    row->created = fixture_wall;
    struct store_op *op = accepted ? add_op(apply, STORE_UPDATE_COMMAND) : NULL;
    if (op != NULL) {
        op->u.command_update.id = row->id;
        op->u.command_update.from = 1u << STORE_COMMAND_SENT;
        op->u.command_update.state = STORE_COMMAND_ACCEPTED;
        op->u.command_update.accepted = true;
    }
    assert_int_equal(run_batch(f, apply), OK);
}

static struct store_token_users_read users(struct fixture *f, const char *uid)
{
    struct store_token_users_read read = {.token_uid = str_from(uid)};
    assert_int_equal(RUN_READ(f, store_read_token_users, &read), OK);
    return read;
}

static struct store_token_users_read users_of_type(struct fixture *f, const char *uid, const char *type)
{
    struct store_token_users_read read = {.token_uid = str_from(uid), .token_type = str_from(type)};
    assert_int_equal(RUN_READ(f, store_read_token_users, &read), OK);
    return read;
}

/* Each eMSP once, whether it was seen in a session or in a command that was accepted, however often. */
static void who_used_a_token(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(users(f, "UID").count, 0);
    use_in_session(f, "S1", "IN-AAA", "UID");
    use_in_command(f, "IN-BBB", "UID", true);
    use_in_session(f, "S2", "IN-CCC", "UID");
    use_in_session(f, "S3", "IN-DDD", "OTHER");
    use_in_command(f, "IN-AAA", "UID", true);
    use_in_command(f, "IN-EEE", "UID", false);
    struct store_token_users_read read = users(f, "UID");
    assert_int_equal(read.count, 3);
    assert_str(read.emsps[0], "IN-AAA");
    assert_str(read.emsps[1], "IN-CCC");
    assert_str(read.emsps[2], "IN-BBB");
    for (int i = 0; i < 200; i++)
        use_in_session(f, text(f, "M%d", i).data, "IN-ZZZ", "UID");
    assert_int_equal(users(f, "UID").count, 4);
    assert_int_equal(users(f, "").count, 0);
}

/* One uid may be an RFID card of one eMSP and an app's of another; where the type is not known, it may be
 * any. */
static void who_used_a_token_of_a_type(void **state)
{
    struct fixture *f = *state;
    use_in_session(f, "S1", "IN-AAA", "UID");
    struct store_apply *apply = new_batch(f);
    struct store_object_put *put = &add_op(apply, STORE_PUT_OBJECT)->u.object;
    *put = (struct store_object_put){.kind = STORE_SESSION,
                                     .owner = STR("IN-CPO"),
                                     .id = STR("S2"),
                                     .body = STR("{}"),
                                     .counterparty = STR("IN-BBB"),
                                     .token_uid = STR("UID"),
                                     .token_type = STR("RFID")};
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(users(f, "UID").count, 2);
    assert_int_equal(users_of_type(f, "UID", "RFID").count, 2);
    struct store_token_users_read read = users_of_type(f, "UID", "APP_USER");
    assert_int_equal(read.count, 1);
    assert_str(read.emsps[0], "IN-AAA");
    apply = new_batch(f); /* the same token by another type: as it is now */
    put = &add_op(apply, STORE_PUT_OBJECT)->u.object;
    *put = (struct store_object_put){.kind = STORE_SESSION,
                                     .owner = STR("IN-CPO"),
                                     .id = STR("S2"),
                                     .body = STR("{}"),
                                     .counterparty = STR("IN-BBB"),
                                     .token_uid = STR("UID"),
                                     .token_type = STR("APP_USER"),
                                     .digest = {1}};
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(users_of_type(f, "UID", "APP_USER").count, 2);
    assert_int_equal(users_of_type(f, "UID", "RFID").count, 1);
}

/* ---------------------------------------------------------------- reads of one turn */

/* As another thread would: a loop and a client of its own, and it is durable when this returns. */
static void put_elsewhere(struct fixture *f, const char *id)
{
    struct fixture other = {.store = f->store};
    uv_loop_init(&other.loop);
    arena_init(&other.arena, 0);
    other.client = store_client_new(f->store, &other.loop, NULL);
    assert_non_null(other.client);
    assert_int_equal(put_object(&other, STORE_SESSION, "IN-CPO", id, "{}", 1000), OK);
    store_client_free(other.client);
    uv_run(&other.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&other.loop), 0);
    arena_free(&other.arena);
}

struct look {
    struct fixture *f;
    struct store_object_read first, second, behind;
    unsigned ended;
};

static void looked(struct store_read *read)
{
    ((struct look *)read->context)->ended++;
}

static void look(struct look *look, struct store_object_read *read, void (*callback)(struct store_read *read))
{
    *read = (struct store_object_read){.kind = STORE_SESSION, .owner = STR("IN-CPO"), .id = STR("S1")};
    read->base.arena = &look->f->arena;
    read->base.context = look;
    read->base.callback = callback;
    store_read_object(look->f->client, read);
}

static void looked_first(struct store_read *read)
{
    struct look *all = read->context;
    assert_int_equal(read->result, ERR_NOT_FOUND);
    put_elsewhere(all->f, "S1");
    look(all, &all->behind, looked);
    looked(read);
}

/* Reads that wait together see one moment; one that is asked for later sees what was done before it. */
static void reads_of_a_turn(void **state)
{
    struct look all = {.f = *state};
    look(&all, &all.first, looked_first);
    look(&all, &all.second, looked);
    while (all.ended < 3)
        uv_run(&all.f->loop, UV_RUN_ONCE);
    assert_int_equal(all.second.base.result, ERR_NOT_FOUND);
    assert_int_equal(all.behind.base.result, OK);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(put_and_get),
        STORE_TEST(update_counts_revisions),
        STORE_TEST(conditions),
        STORE_TEST(stale_but_future),
        STORE_TEST(ended_session),
        STORE_TEST(who_started),
        STORE_TEST(delete_object),
        STORE_TEST(last_op_refused_leaves_nothing),
        STORE_TEST(neighbours_are_left_alone),
        STORE_TEST(empty_batch),
        STORE_TEST(owners_of_an_id),
        STORE_TEST(bodies_are_bytes),
        STORE_TEST(who_used_a_token),
        STORE_TEST(who_used_a_token_of_a_type),
        STORE_TEST(reads_of_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
