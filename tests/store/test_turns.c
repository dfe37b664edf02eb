/* In which order a loop's reads are made: look-ups first, callers by turns, and what nobody wants not at all.
 */
#include "tests/store/fixture.h"

#define MANY 6

struct turns {
    struct fixture *f;
    char order[64]; /* a letter for each read, as they ended */
    size_t ended;
    struct one {
        struct turns *all;
        struct store_object_read object;
        char letter;
        int wanted;
        bool asked;
    } reads[4 * MANY];
    size_t count;
};

static void turn_ended(struct store_read *read)
{
    struct one *one = read->context;
    one->all->order[one->all->ended++] = one->letter;
}

static int turn_wanted(struct store_read *read)
{
    struct one *one = read->context;
    one->asked = true;
    return one->wanted;
}

static struct one *ask(struct turns *turns, int64_t caller, char letter, int wanted)
{
    struct one *one = &turns->reads[turns->count++];
    *one = (struct one){.all = turns, .letter = letter, .wanted = wanted};
    one->object = (struct store_object_read){.kind = STORE_SESSION, .owner = STR("IN-CPO"), .id = STR("S1")};
    one->object.base = (struct store_read){.arena = &turns->f->arena,
                                           .callback = turn_ended,
                                           .context = one,
                                           .caller = caller,
                                           .wanted = turn_wanted};
    store_read_object(turns->f->client, &one->object);
    assert_false(one->asked); /* its turn is later */
    return one;
}

static void wait_all(struct turns *turns, size_t count)
{
    while (turns->ended < count)
        uv_run(&turns->f->loop, UV_RUN_ONCE);
}

static void test_callers_by_turns(void **state)
{
    struct turns turns = {.f = *state};
    for (int i = 0; i < MANY; i++)
        ask(&turns, 1, 'a', OK);
    ask(&turns, 2, 'b', OK);
    ask(&turns, 3, 'c', OK);
    ask(&turns, 2, 'b', OK);
    wait_all(&turns, turns.count);
    assert_string_equal(turns.order, "abcabaaaa");
}

static void test_look_ups_first(void **state)
{
    struct turns turns = {.f = *state};
    for (int i = 0; i < MANY; i++)
        ask(&turns, 1, 'a', OK);
    struct one quick = {.all = &turns, .letter = 'q'};
    struct store_owners_read owners = {.kind = STORE_SESSION, .id = STR("S1")};
    owners.base.arena = &turns.f->arena;
    owners.base.callback = turn_ended;
    owners.base.context = &quick;
    store_read_owners(turns.f->client, &owners);
    wait_all(&turns, turns.count + 1);
    assert_string_equal(turns.order, "qaaaaaa");
}

static void test_what_nobody_wants(void **state)
{
    struct turns turns = {.f = *state};
    struct one *given_up = ask(&turns, 1, 'x', ERR_CLOSED);
    struct one *taken = ask(&turns, 1, 'a', OK);
    wait_all(&turns, 2);
    assert_true(given_up->asked && taken->asked);
    assert_int_equal(given_up->object.base.result, ERR_CLOSED);
    assert_null(given_up->object.base.state);
    assert_int_equal(taken->object.base.result, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_callers_by_turns),
        STORE_TEST(test_look_ups_first),
        STORE_TEST(test_what_nobody_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
