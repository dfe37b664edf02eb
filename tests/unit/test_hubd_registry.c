/* What a snapshot and a draft of the registry find, against a search through all rows: random registries,
 * each number and each pair looked up. */
#include "tests/store/fixture.h"

#include "hubd/admin/declare/declare.h"
#include "hubd/registry/internal.h"

#define ROUNDS 60
#define IDS    70 /* numbers of rows, some of nobody */
#define NOW    1000
#define NAMES  6 /* ids of parties: several have the same */

struct world {
    struct fixture fixture;
    struct loop control;
    struct store_client *client;
    struct registry *registry;
};

static uint64_t seed;

static unsigned pick(unsigned count)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % count;
}

/* ---------------------------------------------------------------- a registry by chance */

static void make_platforms(struct store_registry_read *read, struct arena *arena)
{
    read->platforms = arena_alloc(arena, IDS * sizeof *read->platforms);
    read->tokens = arena_alloc(arena, 3 * IDS * sizeof *read->tokens);
    for (int64_t id = 1; id < IDS; id += 1 + pick(3)) {
        read->platforms[read->platform_count++] = (struct store_platform){
            .id = id, .status = pick(2) == 0 ? STORE_PLATFORM_PLANNED : STORE_PLATFORM_CONNECTED};
        for (unsigned left = pick(4); left > 0; left--) {
            struct store_token *token = &read->tokens[read->token_count++];
            *token = (struct store_token){.platform = id,
                                          .kind = pick(2) == 0 ? STORE_TOKEN_HUB : STORE_TOKEN_INITIAL,
                                          .expires = pick(3) == 0 ? NOW - 1 + (int64_t)pick(3) : 0};
            token->hash[0] = (uint8_t)pick(4); /* many begin alike */
            token->hash[8] = (uint8_t)read->token_count;
        }
    }
}

static void make_parties(struct store_registry_read *read, struct arena *arena)
{
    static const char *const modules[] = {"cdrs", "commands", "sessions"};
    read->parties = arena_alloc(arena, IDS * sizeof *read->parties);
    read->receivers = arena_alloc(arena, 3 * IDS * sizeof *read->receivers);
    for (int64_t id = 2; id < IDS; id += 1 + pick(3)) {
        for (size_t i = 0; i < 3; i++)
            if (pick(2) == 0)
                read->receivers[read->receiver_count++] =
                    (struct store_receiver){.party = id, .module = str_from(modules[i])};
        if (pick(8) == 0)
            continue; /* what is left of a party that is gone */
        read->parties[read->party_count++] = (struct store_party){
            .id = id,
            .platform = (int64_t)pick(IDS),
            .key = arena_printf(arena, "IN-AB%c", 'A' + (int)pick(NAMES)),
            .roles = pick(2) == 0 ? OCPI_ROLE_EMSP : OCPI_ROLE_CPO,
            .suspended = pick(5) == 0,
            .push = pick(2) == 0 ? STR("locations") : STR(""),
        };
    }
}

static void make_rules(struct store_registry_read *read, struct arena *arena)
{
    unsigned one_of = 1 + pick(40);
    read->rules = arena_alloc(arena, (size_t)IDS * IDS * sizeof *read->rules);
    for (int64_t emsp = 0; emsp < IDS; emsp++)
        for (int64_t cpo = 0; cpo < IDS; cpo++)
            if (pick(one_of) == 0)
                read->rules[read->rule_count++] =
                    (struct store_rule){emsp, cpo, (enum store_rule_state)pick(3), NOW};
}

static struct registry_snapshot *make_snapshot(struct world *world, struct store_registry_read *read)
{
    static const uint8_t key[32];
    struct arena arena;
    arena_init(&arena, 0);
    *read = (struct store_registry_read){0};
    make_platforms(read, &arena);
    make_parties(read, &arena);
    make_rules(read, &arena);
    struct registry_snapshot *snapshot = registry_snapshot_build(world->registry, key, &arena, read);
    assert_non_null(snapshot);
    return snapshot;
}

/* ---------------------------------------------------------------- what is to be found */

static const struct store_party *row_of(const struct store_registry_read *read, int64_t id)
{
    for (size_t i = 0; i < read->party_count; i++)
        if (read->parties[i].id == id)
            return &read->parties[i];
    return NULL;
}

static const struct store_platform *platform_of(const struct store_registry_read *read, int64_t id)
{
    for (size_t i = 0; i < read->platform_count; i++)
        if (read->platforms[i].id == id)
            return &read->platforms[i];
    return NULL;
}

static const struct store_rule *rule_of(const struct store_rule *rules, size_t count, int64_t emsp,
                                        int64_t cpo)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].emsp == emsp && rules[i].cpo == cpo)
            return &rules[i];
    return NULL;
}

/* By number: the same party as by going through all. */
static void check_party(const struct registry_snapshot *snapshot, int64_t id, bool there)
{
    const struct registry_party *found = registry_find_party_id(snapshot, id), *seen = NULL;
    for (size_t i = 0; i < snapshot->party_count; i++)
        if (snapshot->parties[i].row.id == id)
            seen = &snapshot->parties[i];
    assert_ptr_equal(found, seen);
    assert_int_equal(found != NULL, there);
}

static void check_receivers(const struct registry_party *party, const struct store_registry_read *read)
{
    size_t count = 0;
    for (size_t i = 0; i < read->receiver_count; i++) {
        const struct store_receiver *receiver = &read->receivers[i];
        if (receiver->party != party->row.id)
            continue;
        assert_true(str_equal(party->receivers[count].module, receiver->module));
        assert_ptr_equal(registry_receiver(party, receiver->module), &party->receivers[count]);
        assert_int_equal(party->receivers[count++].party, party->row.id);
    }
    assert_int_equal(party->receiver_count, count);
}

static void check_tokens(const struct registry_snapshot *snapshot, const struct store_registry_read *read,
                         int64_t platform)
{
    size_t count = 0, found;
    bool good = false;
    const struct store_token *tokens = registry_tokens_of(snapshot, platform, &found);
    for (size_t i = 0; i < read->token_count; i++) {
        const struct store_token *token = &read->tokens[i];
        if (token->platform != platform)
            continue;
        bool expired = token->expires != 0 && token->expires <= NOW;
        assert_ptr_equal(&tokens[count++], token);
        assert_ptr_equal(registry_find_token(snapshot, token->hash, NOW), expired ? NULL : token);
        good = good || (token->kind == STORE_TOKEN_HUB && !expired);
    }
    assert_int_equal(found, count);
    assert_int_equal(registry_has_hub_token(snapshot, platform, NOW), good);
}

static void check_rule(const struct registry_snapshot *snapshot, const struct store_rule *rules,
                       const struct registry_party *emsp, const struct registry_party *cpo)
{
    const struct store_rule *rule = rule_of(rules, snapshot->rule_count, emsp->row.id, cpo->row.id);
    bool on = rule != NULL && rule->state == STORE_RULE_ON,
         drains = rule != NULL && rule->state == STORE_RULE_DRAIN;
    assert_ptr_equal(registry_rule_of(snapshot, emsp, cpo), rule);
    assert_ptr_equal(registry_find_rule(snapshot, emsp, cpo, false), on ? rule : NULL);
    assert_ptr_equal(registry_find_rule(snapshot, emsp, cpo, true), on || drains ? rule : NULL);
}

static bool listens(const struct registry_party *cpo, const struct registry_party *emsp)
{
    unsigned times = 0;
    for (const struct registry_listener *listener = cpo->listeners; listener != NULL;
         listener = listener->next)
        times += listener->emsp == emsp;
    assert_true(times < 2);
    return times > 0;
}

static void check_pairs(const struct registry_snapshot *snapshot, const struct store_rule *rules)
{
    for (size_t i = 0; i < snapshot->party_count; i++)
        for (size_t j = 0; j < snapshot->party_count; j++)
            check_rule(snapshot, rules, &snapshot->parties[i], &snapshot->parties[j]);
}

static void check_listeners(const struct registry_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *emsp = &snapshot->parties[i];
        bool may =
            emsp->push != 0 && !emsp->row.suspended && emsp->platform->row.status != STORE_PLATFORM_PLANNED;
        for (size_t j = 0; j < snapshot->party_count; j++) {
            const struct registry_party *cpo = &snapshot->parties[j];
            assert_int_equal(listens(cpo, emsp),
                             may && registry_find_rule(snapshot, emsp, cpo, false) != NULL);
        }
    }
}

static void test_a_snapshot_finds_what_was_read(void **state)
{
    struct world *world = *state;
    for (seed = 1; seed <= ROUNDS; seed++) {
        uint64_t begun = seed;
        struct store_registry_read read;
        struct registry_snapshot *snapshot = make_snapshot(world, &read);
        for (int64_t id = -1; id <= IDS; id++) {
            const struct store_party *row = row_of(&read, id);
            const struct registry_platform *platform = registry_find_platform(snapshot, id);
            assert_int_equal(platform != NULL, platform_of(&read, id) != NULL);
            assert_true(platform == NULL || platform->row.id == id);
            check_party(snapshot, id, row != NULL && platform_of(&read, row->platform) != NULL);
            check_tokens(snapshot, &read, id);
        }
        for (size_t i = 0; i < snapshot->party_count; i++)
            check_receivers(&snapshot->parties[i], &read);
        check_pairs(snapshot, read.rules);
        check_listeners(snapshot);
        registry_snapshot_free(snapshot);
        seed = begun;
    }
}

/* ---------------------------------------------------------------- a draft */

static void take(struct declare_draft *draft, struct store_op op)
{
    assert_true(declare_draft_take(draft, &op));
}

static void take_parties(struct declare_draft *draft, const struct store_party *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        take(draft, (struct store_op){.type = STORE_PUT_PLATFORM, .u.platform = {.id = rows[i].platform}});
        take(draft, (struct store_op){.type = STORE_PUT_PARTY, .u.party = rows[i]});
    }
}

/* Many more rules than there is room for at the beginning; those that are there already are replaced. */
static size_t take_rules(struct declare_draft *draft, struct store_rule *rules, size_t count)
{
    for (unsigned left = 500; left > 0; left--) {
        struct store_rule rule = {pick(2 * IDS), pick(2 * IDS), (enum store_rule_state)pick(3), NOW + left};
        struct store_rule *old = (struct store_rule *)(uintptr_t)rule_of(rules, count, rule.emsp, rule.cpo);
        *(old != NULL ? old : &rules[count++]) = rule;
        take(draft, (struct store_op){.type = STORE_PUT_RULE, .u.rule = rule});
    }
    return count;
}

static void check_draft(const struct declare_draft *draft, const struct store_rule *rules, size_t count)
{
    const struct registry_snapshot *snapshot = &draft->snapshot;
    assert_int_equal(snapshot->rule_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(snapshot->rules[i].state, rules[i].state);
        assert_int_equal(snapshot->rules[i].since, rules[i].since);
        assert_ptr_equal(rule_of(snapshot->rules, count, rules[i].emsp, rules[i].cpo), &snapshot->rules[i]);
    }
    check_pairs(snapshot, snapshot->rules);
    for (size_t i = 0; i + 1 < snapshot->party_count; i++)
        assert_true(memcmp(snapshot->parties[i].key.text, snapshot->parties[i + 1].key.text,
                           sizeof snapshot->parties[i].key.text) <= 0);
}

static void test_a_draft_finds_what_it_has_taken(void **state)
{
    struct world *world = *state;
    for (seed = 1; seed <= ROUNDS; seed++) {
        uint64_t begun = seed;
        struct store_registry_read read;
        struct registry_snapshot *snapshot = make_snapshot(world, &read);
        struct declare_draft draft;
        struct arena arena;
        struct store_party rows[20];
        arena_init(&arena, 0);
        struct store_rule *rules = arena_alloc(&arena, (read.rule_count + 500) * sizeof *rules);
        memcpy(rules, read.rules, read.rule_count * sizeof *rules);
        for (size_t i = 0; i < 20; i++) /* from above and from below, on a few platforms of their own */
            rows[i] = (struct store_party){.id = i % 2 == 0 ? IDS + (int64_t)i : -(int64_t)i,
                                           .platform = IDS + (int64_t)pick(5),
                                           .key = arena_printf(&arena, "IN-AB%c", 'A' + (int)pick(NAMES)),
                                           .roles = OCPI_ROLE_CPO};
        assert_true(declare_draft_begin(&draft, &arena, snapshot, 20));
        take_parties(&draft, rows, 20);
        check_draft(&draft, rules, take_rules(&draft, rules, read.rule_count));
        for (int64_t id = -20; id < 2 * IDS; id++)
            check_party(&draft.snapshot, id,
                        registry_find_party_id(snapshot, id) != NULL ||
                            (id >= IDS && id < IDS + 20 && id % 2 == 0) || (id < 0 && id % 2 != 0));
        arena_free(&arena);
        registry_snapshot_free(snapshot);
        seed = begun;
    }
}

/* ---------------------------------------------------------------- a registry to build them for */

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct error error = {0};
    static const uint8_t key[32];
    if (world == NULL)
        return -1;
    fixture_make(&world->fixture);
    fixture_open(&world->fixture);
    struct store_client *client;
    if (loop_init(&world->control, 0) != OK ||
        (client = store_client_new(world->fixture.store, &world->control.uv, &error)) == NULL ||
        registry_open(&world->control, world->fixture.store, client, key, &world->registry, &error) != OK)
        return -1;
    world->client = client;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    registry_close(world->registry);
    store_client_free(world->client);
    loop_close(&world->control);
    uv_run(&world->control.uv, UV_RUN_DEFAULT);
    loop_free(&world->control);
    fixture_close(&world->fixture);
    fixture_remove(&world->fixture);
    free(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_snapshot_finds_what_was_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_draft_finds_what_it_has_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
