/* The routing matrix (hub-ocpi(7), ROUTING): every rule, party and receiver against what becomes of a push.
 * */
#include "tests/hubd/fixture.h"

#include "hubd/outbox/address.h"
#include "hubd/registry/routing.h"

#define SINCE INT64_C(5000)

enum rule { RULE_NEVER, RULE_OFF, RULE_ON, RULE_DRAINS, RULE_COUNT };

/* A column of the matrix: an eMSP of its own for each, so that one registry holds them all. */
struct column {
    enum rule rule;
    bool suspended, receiver;
};

static const char *key_of(struct bench *bench, const struct column *column)
{
    return text(&bench->store, "IN-R%d%d", (int)column->rule, column->suspended * 2 + column->receiver).data;
}

static void put_rule(struct bench *bench, const char *emsp, enum rule rule)
{
    static const enum store_rule_state states[] = {
        [RULE_OFF] = STORE_RULE_OFF, [RULE_ON] = STORE_RULE_ON, [RULE_DRAINS] = STORE_RULE_DRAIN};
    struct store_apply *apply = new_batch(&bench->store);
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){
        bench_party(bench, emsp)->row.id, bench_party(bench, "IN-CPO")->row.id, states[rule], SINCE};
    assert_int_equal(run_batch(&bench->store, apply), OK);
}

static void add_column(struct bench *bench, const struct column *column)
{
    const char *key = key_of(bench, column);
    bench_add_party(bench, key, OCPI_ROLE_EMSP);
    if (column->receiver)
        bench_set_receiver(bench, key, "sessions", NULL);
    if (column->suspended)
        bench_set_suspended(bench, key, true);
    if (column->rule != RULE_NEVER)
        put_rule(bench, key, column->rule);
}

/* What is in the way first names the reason: suspended, no rule, no receiver. */
static const char *expected_reason(const struct column *column, int64_t started)
{
    bool routed = column->rule == RULE_ON || (column->rule == RULE_DRAINS && started <= SINCE);
    return column->suspended ? "suspended" : !routed ? "no rule" : !column->receiver ? "no receiver URL" : "";
}

static void check_column(struct bench *bench, const struct registry_snapshot *snapshot,
                         const struct column *column)
{
    static const int64_t starts[] = {INT64_MIN, SINCE - 1, SINCE, SINCE + 1, INT64_MAX};
    const struct registry_party *cpo = bench_party(bench, "IN-CPO"),
                                *emsp = bench_party(bench, key_of(bench, column));
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct routing_delivery found =
            routing_find_delivery(snapshot, cpo, &emsp->key, OCPI_MODULE_SESSIONS, starts[i]);
        assert_string_equal(store_hold_name(found.hold), expected_reason(column, starts[i]));
        assert_int_equal(found.state, store_hold_name(found.hold)[0] == '\0' ? STORE_DELIVERY_PENDING
                                                                             : STORE_DELIVERY_HELD);
        assert_ptr_equal(found.emsp, emsp);
    }
    assert_int_equal(routing_is_enabled(snapshot, emsp, cpo), column->rule == RULE_ON);
    for (int drain = 0; drain < 2; drain++) {
        bool counts = column->rule == RULE_ON || (drain == 1 && column->rule == RULE_DRAINS);
        const struct store_rule *rule = routing_find_rule(snapshot, emsp, cpo, drain == 1);
        assert_int_equal(rule != NULL, counts);
        assert_ptr_equal(routing_find_rule(snapshot, cpo, emsp, drain == 1), rule); /* whoever asks */
        assert_int_equal(routing_find_obstacle(emsp, rule), column->suspended ? ROUTING_SUSPENDED
                                                            : counts          ? ROUTING_FREE
                                                                              : ROUTING_UNROUTED);
    }
}

static void the_matrix(void **state)
{
    struct bench *bench = *state;
    struct column columns[RULE_COUNT * 4];
    const size_t count = sizeof columns / sizeof columns[0];
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    for (size_t i = 0; i < count; i++) {
        columns[i] = (struct column){(enum rule)(i / 4), (i & 1) != 0, (i & 2) != 0};
        add_column(bench, &columns[i]);
    }
    bench_refresh(bench);
    struct registry_snapshot *snapshot = registry_hold(bench->hub.control_view);
    for (size_t i = 0; i < count; i++)
        check_column(bench, snapshot, &columns[i]);
    struct ocpi_party_key nobody;
    assert_true(ocpi_party_key_parse(STR("IN-NIX"), &nobody, NULL, NULL, NULL));
    const struct registry_party *cpo = bench_party(bench, "IN-CPO");
    struct routing_delivery found = routing_find_delivery(snapshot, cpo, &nobody, OCPI_MODULE_SESSIONS, 0);
    assert_string_equal(store_hold_name(found.hold), "unknown eMSP");
    assert_null(found.emsp);
    /* a CPO is no eMSP, whatever its key */
    assert_string_equal(
        store_hold_name(routing_find_delivery(snapshot, cpo, &cpo->key, OCPI_MODULE_SESSIONS, 0).hold),
        "unknown eMSP");
    registry_release(bench->hub.control_view, snapshot);
}

/* ---------------------------------------------------------------- a row's address */

struct message {
    const char *module, *receiver, *sender;
    int kind;
    const char *body, *url;
    enum outbox_action action;
    const char *reason;
};

static const struct message messages[] = {
    {"sessions", "IN-MSP", "IN-CPO", STORE_SESSION, "{}", "", OUTBOX_SEND, ""},
    {"sessions", "IN-MSP", "IN-CPO", STORE_SESSION, "", "", OUTBOX_DROP, "the object is gone"},
    {"sessions", "IN-NIX", "IN-CPO", STORE_SESSION, "{}", "", OUTBOX_HOLD, "unknown eMSP"},
    {"sessions", "IN-MSP", "IN-NIX", STORE_SESSION, "{}", "", OUTBOX_HOLD, "unknown eMSP"},
    {"sessions", "IN-OLD", "IN-CPO", STORE_SESSION, "{}", "", OUTBOX_HOLD, "no rule"},
    {"commands", "IN-OLD", "IN-CPO", -1, "{}", "https://in-old.example/1", OUTBOX_SEND, ""},
    {"commands", "IN-OLD", "IN-CPO", -1, "{}", "", OUTBOX_HOLD, "no receiver URL"},
    {"commands", "IN-OFF", "IN-CPO", -1, "{}", "https://in-off.example/1", OUTBOX_HOLD, "suspended"},
    {"locations", "IN-MSP", "IN-CPO", STORE_LOCATION, "{}", "", OUTBOX_DROP, "push is off"},
    {"tariffs", "IN-NIX", "IN-CPO", STORE_TARIFF, "{}", "", OUTBOX_DROP, "the party is gone"},
    {"hubclientinfo", "IN-NIX", "", -1, "{}", "", OUTBOX_DROP, "the party is gone"},
    {"hubclientinfo", "IN-MSP", "", -1, "{}", "", OUTBOX_DROP, "no receiver URL"},
};

static void where_a_row_may_go(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    bench_add_party(bench, "IN-OLD", OCPI_ROLE_EMSP);
    bench_add_party(bench, "IN-OFF", OCPI_ROLE_EMSP);
    bench_set_suspended(bench, "IN-OFF", true);
    struct registry_snapshot *snapshot = registry_hold(bench->hub.control_view);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        const struct message *message = &messages[i];
        struct store_delivery row = {.kind = message->kind,
                                     .receiver = str_from(message->receiver),
                                     .sender = str_from(message->sender),
                                     .url = str_from(message->url),
                                     .body = str_from(message->body)};
        struct outbox_address address;
        outbox_address_find(snapshot, outbox_module_find(str_from(message->module)), &row, &address);
        const char *reason = address.action == OUTBOX_HOLD ? store_hold_name(address.hold) : address.reason;
        if (address.action != message->action || strcmp(reason, message->reason) != 0)
            fail_msg("message %zu: %d \"%s\"", i, (int)address.action, reason);
    }
    registry_release(bench->hub.control_view, snapshot);
}

/* ---------------------------------------------------------------- a change while a request is under way */

/* Who holds a snapshot sees what was, as long as it is held; the change is answered when all loops have passed. */
static void an_old_snapshot_stays_whole(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    struct registry_snapshot *old = registry_hold(bench->hub.control_view);
    const struct registry_party *emsp = bench_party(bench, "IN-MSP"), *cpo = bench_party(bench, "IN-CPO");
    for (int i = 0; i < 3; i++) {
        bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_OFF);
        bench_set_receiver(bench, "IN-MSP", "sessions",
                           text(&bench->store, "https://in-msp.example/%d", i).data);
    }
    struct registry_snapshot *fresh = registry_hold(bench->hub.control_view);
    assert_ptr_not_equal(fresh, old);
    assert_int_equal(fresh->number, old->number + 6);
    assert_true(routing_is_enabled(old, emsp, cpo));
    assert_str(registry_receiver_url(emsp, OCPI_MODULE_SESSIONS), "https://in-msp.example/sessions");
    assert_false(routing_is_enabled(fresh, bench_party(bench, "IN-MSP"), bench_party(bench, "IN-CPO")));
    assert_str(registry_receiver_url(bench_party(bench, "IN-MSP"), OCPI_MODULE_SESSIONS),
               "https://in-msp.example/2");
    /* what changes without a snapshot is one for all */
    assert_ptr_equal(bench_party(bench, "IN-MSP")->platform->runtime, emsp->platform->runtime);
    registry_release(bench->hub.control_view, old);
    registry_release(bench->hub.control_view, fresh);
}

/* A delivery that is on the wire goes on with the registry it began with, the next one with the new one. */
static void a_try_keeps_its_snapshot(void **state)
{
    struct bench *bench = *state;
    bench_add_pair(bench);
    partners_answer(NULL, "S1", 1, (struct partner_answer){.http = 401, .after_ms = 500});
    int64_t one = bench_push(bench, "IN-MSP", "S1");
    bench_settle(bench);
    bench_set_receiver(bench, "IN-MSP", "sessions", "https://in-msp.example/new");
    int64_t two = bench_push(bench, "IN-MSP", "S2");
    bench_advance(bench, 500);
    assert_state(bench, one, STORE_DELIVERY_DELIVERED, "");
    assert_state(bench, two, STORE_DELIVERY_DELIVERED, "");
    assert_str(partners_call(1)->url, "https://in-msp.example/new/IN/CPO/S2");
    assert_str(partners_call(2)->url,
               "https://in-msp.example/sessions/IN/CPO/S1"); /* the token's other form */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(the_matrix),
        BENCH_TEST(where_a_row_may_go),
        BENCH_TEST(an_old_snapshot_stays_whole),
        BENCH_TEST(a_try_keeps_its_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
