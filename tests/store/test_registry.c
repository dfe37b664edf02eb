#include "tests/store/fixture.h"

/* Platforms, parties, tokens, receivers and rules. */

static int put_platform(struct fixture *f, int64_t id, int64_t revision, const char *url)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_PLATFORM)->u.platform = (struct store_platform){
        .id = id,
        .revision = revision,
        .status = STORE_PLATFORM_PLANNED,
        .credentials_url = str_from(url),
        .versions_url = STR("https://p/versions"),
        .token = STR("sealed"),
        .previous_token = str_of("\0\1\2", 3),
        .previous_token_until = 77,
        .encoding = STORE_ENCODING_RAW,
        .learned_raw = true,
        .allowed_hosts = STR("a.example b.example"),
        .proven = STR("https://p/versions https://p/2.2.1"),
        .roles = STR("[{\"role\":\"CPO\"}]"),
        .last_seen = 5,
        .created = 6,
        .updated = 7,
    };
    return run_batch(f, apply);
}

static int put_party(struct fixture *f, int64_t id, int64_t platform, int64_t revision, const char *key)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_PARTY)->u.party = (struct store_party){
        .id = id,
        .platform = platform,
        .revision = revision,
        .key = str_from(key),
        .country_code = STR("in"),
        .party_id = STR("cpo"),
        .roles = 3,
        .name = STR("A name"),
        .website = STR("https://w"),
        .suspended = true,
        .suspend_reason = STR("unpaid"),
        .last_updated = 100,
        .created = 50,
    };
    return run_batch(f, apply);
}

static void platforms(void **state)
{
    struct fixture *f = *state;
    int64_t id = store_new_id(f->store);
    assert_true(store_new_id(f->store) > id);
    assert_int_equal(put_platform(f, id, 0, "https://one"), OK);
    assert_int_equal(put_platform(f, id, 0, "https://two"), ERR_CONFLICT);
    assert_int_equal(put_platform(f, id, 2, "https://two"), ERR_CONFLICT);
    assert_int_equal(put_platform(f, id, 1, "https://three"), OK);
    assert_int_equal(put_platform(f, id + 1, 4, "https://x"), ERR_CONFLICT);
    struct store_registry_read read = registry(f);
    assert_int_equal(read.platform_count, 1);
    const struct store_platform *p = &read.platforms[0];
    assert_int_equal(p->id, id);
    assert_int_equal(p->revision, 2);
    assert_str(p->credentials_url, "https://three");
    assert_str(p->versions_url, "https://p/versions");
    assert_str(p->token, "sealed");
    assert_true(str_equal(p->previous_token, str_of("\0\1\2", 3)));
    assert_int_equal(p->previous_token_until, 77);
    assert_int_equal(p->encoding, STORE_ENCODING_RAW);
    assert_true(p->learned_raw);
    assert_str(p->allowed_hosts, "a.example b.example");
    assert_str(p->proven, "https://p/versions https://p/2.2.1");
    assert_str(p->roles, "[{\"role\":\"CPO\"}]");
    assert_int_equal(p->last_seen, 5);
    assert_int_equal(p->created, 6);
    assert_int_equal(p->updated, 7);
    fixture_reopen(f);
    assert_true(store_new_id(f->store) > id);
    for (int round = 0; round < 2; round++) {
        struct store_apply *apply = new_batch(f);
        add_op(apply, STORE_DELETE_PLATFORM)->u.id = id;
        assert_int_equal(run_batch(f, apply), round == 0 ? OK : ERR_NOT_FOUND);
    }
    assert_int_equal(registry(f).platform_count, 0);
}

static void parties_and_health(void **state)
{
    struct fixture *f = *state;
    put_platform(f, 1, 0, "https://one");
    assert_int_equal(put_party(f, 2, 1, 0, "IN-CPO"), OK);
    assert_int_equal(put_party(f, 2, 1, 0, "IN-CPO"), ERR_CONFLICT);
    assert_int_equal(put_party(f, 3, 9, 0, "IN-MSP"), OK);
    struct store_registry_read read = registry(f);
    assert_int_equal(read.party_count, 2);
    const struct store_party *p = &read.parties[0];
    assert_int_equal(p->id, 2);
    assert_int_equal(p->platform, 1);
    assert_int_equal(p->revision, 1);
    assert_str(p->key, "IN-CPO");
    assert_str(p->country_code, "in");
    assert_str(p->party_id, "cpo");
    assert_int_equal(p->roles, 3);
    assert_str(p->name, "A name");
    assert_str(p->website, "https://w");
    assert_true(p->suspended);
    assert_str(p->suspend_reason, "unpaid");
    assert_true(p->last_updated == fixture_wall); /* of its commit, whatever was said */
    assert_int_equal(p->created, 50);
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_SET_STATUS);
    op->u.health.platform = 1;
    op->u.health.status = STORE_PLATFORM_CONNECTED;
    op->u.health.last_seen = 900;
    op->u.health.now = 1000;
    assert_int_equal(run_batch(f, apply), OK);
    read = registry(f);
    assert_int_equal(read.platforms[0].status, STORE_PLATFORM_CONNECTED);
    assert_int_equal(read.platforms[0].last_seen, 900);
    assert_true(read.parties[0].last_updated > fixture_wall);
    assert_true(read.parties[0].last_updated > read.parties[1].last_updated);
    /* a put that read the platform before the status changed must not put the old one back */
    assert_int_equal(put_platform(f, 1, 1, "https://late"), ERR_CONFLICT);
    assert_int_equal(put_platform(f, 1, read.platforms[0].revision, "https://late"), OK);
    assert_int_equal(registry(f).platforms[0].last_seen, 900);
    apply = new_batch(f);
    op = add_op(apply, STORE_SET_STATUS);
    op->u.health.platform = 8;
    assert_int_equal(run_batch(f, apply), ERR_NOT_FOUND);
}

static void party_takes_receivers_and_rules_along(void **state)
{
    struct fixture *f = *state;
    put_party(f, 2, 1, 0, "IN-CPO");
    put_party(f, 3, 1, 0, "IN-MSP");
    struct store_apply *apply = new_batch(f);
    for (int64_t party = 2; party <= 3; party++) {
        add_op(apply, STORE_PUT_RECEIVER)->u.receiver =
            (struct store_receiver){.party = party,
                                    .module = STR("sessions"),
                                    .url = STR("https://old"),
                                    .source = STORE_SOURCE_DISCOVERED};
        add_op(apply, STORE_PUT_RECEIVER)->u.receiver = (struct store_receiver){
            .party = party, .module = STR("sessions"), .url = STR("https://s"), .source = STORE_SOURCE_SET};
    }
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){3, 2, STORE_RULE_ON, 10};
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){3, 2, STORE_RULE_OFF, 20};
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){3, 9, STORE_RULE_DRAIN, 30};
    assert_int_equal(run_batch(f, apply), OK);
    struct store_registry_read read = registry(f);
    assert_int_equal(read.receiver_count, 2);
    assert_str(read.receivers[0].url, "https://s");
    assert_int_equal(read.receivers[0].source, STORE_SOURCE_SET);
    assert_str(read.receivers[0].module, "sessions");
    assert_int_equal(read.rule_count, 2);
    assert_int_equal(read.rules[0].state, STORE_RULE_OFF);
    assert_int_equal(read.rules[0].since, 20);
    apply = new_batch(f);
    add_op(apply, STORE_DELETE_PARTY)->u.id = 2;
    assert_int_equal(run_batch(f, apply), OK);
    read = registry(f);
    assert_int_equal(read.party_count, 1);
    assert_int_equal(read.receiver_count, 1);
    assert_int_equal(read.rule_count, 1);
    for (int round = 0; round < 2; round++) {
        apply = new_batch(f);
        add_op(apply, STORE_DELETE_RECEIVER)->u.receiver =
            (struct store_receiver){.party = 3, .module = STR("sessions")};
        assert_int_equal(run_batch(f, apply), round == 0 ? OK : ERR_NOT_FOUND);
    }
    apply = new_batch(f);
    add_op(apply, STORE_DELETE_PARTY)->u.id = 2;
    assert_int_equal(run_batch(f, apply), ERR_NOT_FOUND);
}

/* ---------------------------------------------------------------- tokens */

static void put_token(struct fixture *f, uint8_t mark, int64_t platform, enum store_token_kind kind,
                      int64_t expires)
{
    struct store_apply *apply = new_batch(f);
    struct store_token *t = &add_op(apply, STORE_PUT_TOKEN)->u.token;
    memset(t->hash, mark, sizeof t->hash);
    t->platform = platform;
    t->kind = kind;
    t->fingerprint = STR("0a1b2c3d");
    t->created = mark;
    t->expires = expires;
    assert_int_equal(run_batch(f, apply), OK);
}

static int use_token(struct fixture *f, uint8_t mark, int64_t when)
{
    struct store_apply *apply = new_batch(f);
    struct store_token *t = &add_op(apply, STORE_USE_TOKEN)->u.token;
    memset(t->hash, mark, sizeof t->hash);
    t->used = when;
    return run_batch(f, apply);
}

static const struct store_token *find_token(struct fixture *f, uint8_t mark)
{
    struct store_registry_read read = registry(f);
    for (size_t i = 0; i < read.token_count; i++) {
        if (read.tokens[i].hash[0] == mark && read.tokens[i].hash[31] == mark)
            return &read.tokens[i];
    }
    return NULL;
}

static void match(struct fixture *f, enum store_op_type type, int kind, int except, bool unused,
                  int64_t expires)
{
    uint8_t hash[32];
    memset(hash, except, sizeof hash);
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, type);
    op->u.token_match.platform = 1;
    op->u.token_match.kind = kind;
    op->u.token_match.except = except ? hash : NULL;
    op->u.token_match.unused_only = unused;
    op->u.token_match.expires = expires;
    assert_int_equal(run_batch(f, apply), OK);
}

/* As store.h says: who builds on it finds rows by searching in halves. */
static void the_registry_is_ordered(void **state)
{
    struct fixture *f = *state;
    static const int64_t ids[] = {7, 3, 9, 1};
    struct store_apply *apply = new_batch(f);
    for (size_t i = 0; i < 4; i++) {
        put_platform(f, ids[i], 0, "https://p");
        put_party(f, ids[i], ids[3 - i], 0, "IN-ABC");
        for (size_t j = 0; j < 4; j++) {
            add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){ids[i], ids[j], STORE_RULE_ON, 1};
            add_op(apply, STORE_PUT_TOKEN)->u.token = (struct store_token){
                .hash = {(uint8_t)(9 * i + j)}, .platform = ids[j], .created = (int64_t)j};
            add_op(apply, STORE_PUT_RECEIVER)->u.receiver =
                (struct store_receiver){.party = ids[j],
                                        .module = text(f, "m%zu", i),
                                        .url = STR("https://s"),
                                        .source = STORE_SOURCE_SET};
        }
    }
    assert_int_equal(run_batch(f, apply), OK);
    struct store_registry_read r = registry(f);
    assert_true(r.platform_count == 4 && r.party_count == 4);
    assert_true(r.token_count == 16 && r.receiver_count == 16 && r.rule_count == 16);
    for (size_t i = 1; i < 4; i++)
        assert_true(r.platforms[i - 1].id < r.platforms[i].id && r.parties[i - 1].id < r.parties[i].id);
    for (size_t i = 1; i < 16; i++) {
        assert_true(r.tokens[i - 1].platform <= r.tokens[i].platform);
        assert_true(r.receivers[i - 1].party <= r.receivers[i].party);
        assert_true(r.rules[i - 1].emsp < r.rules[i].emsp ||
                    (r.rules[i - 1].emsp == r.rules[i].emsp && r.rules[i - 1].cpo < r.rules[i].cpo));
    }
}

static void tokens(void **state)
{
    struct fixture *f = *state;
    put_token(f, 1, 1, STORE_TOKEN_INITIAL, 500);
    put_token(f, 2, 1, STORE_TOKEN_HUB, 0);
    put_token(f, 3, 1, STORE_TOKEN_HUB, 0);
    put_token(f, 4, 2, STORE_TOKEN_HUB, 0);
    assert_str(find_token(f, 1)->fingerprint, "0a1b2c3d");
    assert_int_equal(find_token(f, 1)->kind, STORE_TOKEN_INITIAL);
    assert_int_equal(find_token(f, 1)->expires, 500);
    assert_int_equal(use_token(f, 2, 40), OK);
    assert_int_equal(use_token(f, 2, 50), OK);
    assert_int_equal(find_token(f, 2)->used, 40);
    assert_int_equal(use_token(f, 9, 50), ERR_NOT_FOUND);
    match(f, STORE_EXPIRE_TOKENS, -1, 3, false, 300);
    assert_int_equal(find_token(f, 1)->expires, 300);
    assert_int_equal(find_token(f, 2)->expires, 300);
    assert_int_equal(find_token(f, 3)->expires, 0);
    assert_int_equal(find_token(f, 4)->expires, 0);
    match(f, STORE_EXPIRE_TOKENS, STORE_TOKEN_HUB, 0, false, 400); /* never later */
    assert_int_equal(find_token(f, 2)->expires, 300);
    assert_int_equal(find_token(f, 3)->expires, 400);
    match(f, STORE_DELETE_TOKENS, STORE_TOKEN_HUB, 0, true, 0); /* unused only */
    assert_null(find_token(f, 3));
    assert_non_null(find_token(f, 2));
    assert_non_null(find_token(f, 1));
    match(f, STORE_DELETE_TOKENS, -1, 1, false, 0);
    assert_null(find_token(f, 2));
    assert_non_null(find_token(f, 1));
    for (int round = 0; round < 2; round++) {
        struct store_apply *apply = new_batch(f);
        memset(add_op(apply, STORE_DELETE_TOKEN)->u.token.hash, 1, 32);
        assert_int_equal(run_batch(f, apply), OK);
    }
    assert_null(find_token(f, 1));
    assert_non_null(find_token(f, 4));
    /* a platform takes its tokens along */
    put_platform(f, 2, 0, "https://two");
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_DELETE_PLATFORM)->u.id = 2;
    assert_int_equal(run_batch(f, apply), OK);
    assert_null(find_token(f, 4));
}

static void put_limit(struct fixture *f, int64_t party, const char *module, int64_t requests)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_PUT_LIMIT)->u.limit = (struct store_limit){party, str_from(module), requests, 60000};
    assert_int_equal(run_batch(f, apply), OK);
}

static int delete_limit(struct fixture *f, int64_t party, const char *module)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_DELETE_LIMIT)->u.limit =
        (struct store_limit){.party = party, .module = str_from(module)};
    return run_batch(f, apply);
}

static void limits(void **state)
{
    struct fixture *f = *state;
    put_party(f, 2, 1, 0, "IN-CPO");
    put_limit(f, 2, "commands", 10);
    put_limit(f, 0, "authorize", 5);
    put_limit(f, 2, "commands", 20);
    struct store_registry_read read = registry(f);
    assert_int_equal(read.limit_count, 2);
    assert_int_equal(read.limits[0].party, 0);
    assert_str(read.limits[0].module, "authorize");
    assert_int_equal(read.limits[1].requests, 20);
    assert_int_equal(read.limits[1].period_ms, 60000);
    assert_int_equal(delete_limit(f, 0, "commands"), ERR_NOT_FOUND);
    assert_int_equal(delete_limit(f, 0, "authorize"), OK);
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_DELETE_PARTY)->u.id = 2;
    assert_int_equal(run_batch(f, apply), OK);
    assert_int_equal(registry(f).limit_count, 0); /* a party takes its own along */
}

static void how_a_party_is_judged_and_what_is_pushed_to_it(void **state)
{
    struct fixture *f = *state;
    struct store_apply *apply = new_batch(f);
    struct store_party *party = &add_op(apply, STORE_PUT_PARTY)->u.party;
    *party = (struct store_party){
        .id = 4, .key = STR("IN-ABC"), .validation = STORE_VALIDATION_STRICT, .push = STR("locations")};
    assert_int_equal(run_batch(f, apply), OK);
    fixture_reopen(f);
    struct store_registry_read read = registry(f);
    assert_int_equal(read.parties[0].validation, STORE_VALIDATION_STRICT);
    assert_str(read.parties[0].push, "locations");
    apply = new_batch(f);
    party = &add_op(apply, STORE_PUT_PARTY)->u.party;
    *party = (struct store_party){.id = 4, .revision = 1, .key = STR("IN-ABC")};
    assert_int_equal(run_batch(f, apply), OK);
    read = registry(f);
    assert_int_equal(read.parties[0].validation, STORE_VALIDATION_DEFAULT);
    assert_str(read.parties[0].push, "");
}

static void count_finding(struct fixture *f, const char *party, const char *field, int64_t count,
                          int64_t last, const char *example)
{
    struct store_apply *apply = new_batch(f);
    add_op(apply, STORE_COUNT_FINDING)->u.finding.row = (struct store_finding){
        .party = str_from(party),
        .module = STR("locations"),
        .object = STR("Connector"),
        .field = str_from(field),
        .rule = STR("enum"),
        .count = count,
        .last = last,
        .example = str_from(example),
    };
    assert_int_equal(run_batch(f, apply), OK);
}

static void findings(void **state)
{
    struct fixture *f = *state;
    count_finding(f, "IN-XYZ", "standard", 1, 10, "L1");
    count_finding(f, "IN-ABC", "standard", 2, 20, "L2");
    count_finding(f, "IN-ABC", "format", 1, 30, "L3");
    count_finding(f, "IN-ABC", "standard", 2, 40, "L4");
    count_finding(f, "IN-ABC", "standard", 1, 35, "LATE"); /* another loop's, handed over later */
    struct store_findings_read read = {.limit = 10};
    assert_int_equal(RUN_READ(f, store_read_findings, &read), OK);
    assert_int_equal(read.count, 3);
    const struct store_finding *row = &read.rows[1];
    assert_str(row->party, "IN-ABC");
    assert_str(row->module, "locations");
    assert_str(row->object, "Connector");
    assert_str(row->field, "standard");
    assert_str(row->rule, "enum");
    assert_int_equal(row->count, 5);
    assert_int_equal(row->first, 20);
    assert_int_equal(row->last, 40);
    assert_str(row->example, "L4");
    struct store_findings_read one = {.party = STR("IN-ABC"), .limit = 1, .skip = 1};
    assert_int_equal(RUN_READ(f, store_read_findings, &one), OK);
    assert_int_equal(one.count, 1);
    assert_str(one.rows[0].field, "standard");
    struct store_findings_read none = {.party = STR("IN-NON"), .limit = 10};
    assert_int_equal(RUN_READ(f, store_read_findings, &none), OK);
    assert_int_equal(none.count, 0);
}

static void count_refusal(struct fixture *f, const char *module, const char *object, int64_t time)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_COUNT_REFUSAL);
    op->u.refusal.row = (struct store_refusal){.party = STR("IN-CPO"),
                                               .module = str_from(module),
                                               .object = str_from(object),
                                               .count = 1,
                                               .first = time,
                                               .last = time};
    op->u.refusal.forgotten = time - 1000;
    op->u.refusal.objects_max = 3;
    assert_int_equal(run_batch(f, apply), OK);
}

/* "module objects/count", of what was refused at `since` or later. */
static const char *refused(struct fixture *f, int64_t since)
{
    static char text[200];
    struct store_refusals_read read = {.since = since};
    size_t length = 0;
    assert_int_equal(RUN_READ(f, store_read_refusals, &read), OK);
    text[0] = '\0';
    for (size_t i = 0; i < read.count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, STR_FMT " %lld/%lld;",
                                   STR_ARG(read.rows[i].module), (long long)read.rows[i].objects,
                                   (long long)read.rows[i].count);
    return text;
}

/* What was refused stands until its content came, or it was forgotten; few are kept by name. */
static void refusals(void **state)
{
    struct fixture *f = *state;
    int64_t now = env_wall_ms();
    count_refusal(f, "sessions", "S1", now);
    count_refusal(f, "sessions", "S1", now - 1);
    count_refusal(f, "sessions", "S2", now);
    count_refusal(f, "cdrs", "S1", now);
    count_refusal(f, "tariffs", "T1", now); /* comes again by itself */
    assert_string_equal(refused(f, now), "cdrs 1/1;sessions 2/3;");
    assert_string_equal(refused(f, now + 1), "");
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", "S1", "{}", now);
    assert_int_equal(run_batch(f, apply), OK);
    assert_string_equal(refused(f, now), "cdrs 1/1;sessions 1/1;");
    count_refusal(f, "sessions", "S3", now);
    count_refusal(f, "sessions", "S4", now); /* no room for its name */
    count_refusal(f, "sessions", "S5", now);
    assert_string_equal(refused(f, now), "cdrs 1/1;sessions 3/4;");
    count_refusal(f, "sessions", "S6", now + 1001);
    assert_string_equal(refused(f, 0), "cdrs 1/1;sessions 1/1;");
}

/* Bounded for good: what came first keeps its row, the rest goes together. */
static void findings_by_so_many_names(void **state)
{
    struct fixture *f = *state;
    count_finding(f, "IN-ABC", "standard", 7, 10, "L1");
    count_finding(f, "IN-XYZ", "other", 1, 10, "L1");
    struct store_apply *apply = new_batch(f);
    for (int i = 0; i < 20; i++) {
        struct store_op *op = add_op(apply, STORE_COUNT_FINDING);
        op->u.finding.row = (struct store_finding){
            .party = STR("IN-ABC"),
            .module = STR("locations"),
            .object = STR("Connector"),
            .field = text(f, "x%02d", i % 10),
            .rule = STR("unknown"),
            .count = 1,
            .last = 20 + i,
            .example = text(f, "L%d", i),
        };
        op->u.finding.fields_max = 4;
        op->u.finding.others = STR("*");
    }
    assert_int_equal(run_batch(f, apply), OK);
    struct store_findings_read read = {.party = STR("IN-ABC"), .limit = 100};
    assert_int_equal(RUN_READ(f, store_read_findings, &read), OK);
    assert_int_equal(read.count, 1 + 4 + 1);
    const struct store_finding *others = &read.rows[0]; /* "*" is before all letters */
    assert_str(others->field, "*");
    assert_int_equal(others->count, 12);
    assert_int_equal(others->first, 24);
    assert_str(others->example, "L19");
    assert_str(read.rows[1].field, "standard");
    for (int i = 2; i < 6; i++) {
        assert_str(read.rows[i].field, text(f, "x%02d", i - 2).data);
        assert_int_equal(read.rows[i].count, 2);
    }
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(platforms),
        STORE_TEST(parties_and_health),
        STORE_TEST(party_takes_receivers_and_rules_along),
        STORE_TEST(the_registry_is_ordered),
        STORE_TEST(tokens),
        STORE_TEST(limits),
        STORE_TEST(how_a_party_is_judged_and_what_is_pushed_to_it),
        STORE_TEST(findings),
        STORE_TEST(refusals),
        STORE_TEST(findings_by_so_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
