#include "tests/store/fixture.h"

/* What an exchange of credentials leaves: discovered receivers, what an initial token served. */

/* Only what a discovery found is withdrawn; what is set, or is not there, is no error. */
static void withdrawn_receivers(void **state)
{
    struct fixture *f = *state;
    static const char *const sources[] = {"discovered", "set"};
    struct store_apply *apply = new_batch(f);
    for (size_t i = 0; i < 2; i++)
        add_op(apply, STORE_PUT_RECEIVER)->u.receiver =
            (struct store_receiver){.party = 2,
                                    .module = str_from(sources[i]),
                                    .url = STR("https://u"),
                                    .source = i == 0 ? STORE_SOURCE_DISCOVERED : STORE_SOURCE_SET};
    assert_int_equal(run_batch(f, apply), OK);
    apply = new_batch(f);
    for (size_t i = 0; i < 2; i++)
        add_op(apply, STORE_WITHDRAW_RECEIVER)->u.receiver =
            (struct store_receiver){.party = 2, .module = str_from(sources[i])};
    add_op(apply, STORE_WITHDRAW_RECEIVER)->u.receiver =
        (struct store_receiver){.party = 2, .module = STR("none")};
    assert_int_equal(run_batch(f, apply), OK);
    struct store_registry_read read = registry(f);
    assert_int_equal(read.receiver_count, 1);
    assert_int_equal(read.receivers[0].source, STORE_SOURCE_SET);
}

/* What the first use of an initial token held stays. */
static void token_content(void **state)
{
    struct fixture *f = *state;
    struct store_apply *apply = new_batch(f);
    struct store_token *token = &add_op(apply, STORE_PUT_TOKEN)->u.token;
    memset(token->hash, 7, sizeof token->hash);
    token->kind = STORE_TOKEN_INITIAL;
    token->fingerprint = STR("0a1b2c3d");
    assert_int_equal(run_batch(f, apply), OK);
    for (int64_t time = 5; time <= 6; time++) {
        apply = new_batch(f);
        struct store_token *t = &add_op(apply, STORE_USE_TOKEN)->u.token;
        memset(t->hash, 7, sizeof t->hash);
        t->used = time;
        t->content = time == 5 ? str_of("\0first", 6) : STR("second");
        assert_int_equal(run_batch(f, apply), OK);
    }
    struct store_registry_read read = registry(f);
    assert_int_equal(read.token_count, 1);
    assert_int_equal(read.tokens[0].used, 5);
    assert_true(str_equal(read.tokens[0].content, str_of("\0first", 6)));
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(withdrawn_receivers),
        STORE_TEST(token_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
