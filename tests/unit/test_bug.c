/* What must never happen says what and where, and ends the process: seen from a child that does it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/magic.h"
#include "lib/base/sm.h"
#include "tests/unit/death.h"

static void say_bug(void)
{
    BUG("session %s: ended %d times", "S1", 2);
}

static void test_says_what_and_where(void **state)
{
    (void)state;
    assert_int_equal(death_run(say_bug), SIGABRT);
    assert_ptr_equal(strstr(death_said, "BUG at "), death_said);
    assert_non_null(strstr(death_said, "tests/unit/test_bug.c:"));
    assert_non_null(strstr(death_said, ", say_bug: session S1: ended 2 times\n"));
}

static void say_much(void)
{
    static char text[8000];
    memset(text, 'x', sizeof text - 1);
    BUG("%s", text);
}

static void test_one_line_of_any_length(void **state)
{
    (void)state;
    assert_int_equal(death_run(say_much), SIGABRT);
    assert_in_range(strlen(death_said), 900, 1024);
    assert_ptr_equal(strchr(death_said, '\n'), death_said + strlen(death_said) - 1);
}

/* ---------------------------------------------------------------- magic numbers */

#define THING_MAGIC 0x5448494eu
struct thing {
    uint32_t magic;
};

static void cast_another(void)
{
    struct thing gone = {0};
    void *context = &gone;
    (void)MAGIC_CAST(struct thing, context, THING_MAGIC);
}

static void cast_nothing(void)
{
    void *context = NULL;
    (void)MAGIC_CAST(struct thing, context, THING_MAGIC);
}

static void cast_it(void)
{
    struct thing thing = {THING_MAGIC};
    void *context = &thing;
    (void)MAGIC_CAST(struct thing, context, THING_MAGIC);
}

static void test_casts_name_the_type(void **state)
{
    (void)state;
    assert_int_equal(death_run(cast_it), 0);
    assert_int_equal(death_run(cast_another), SIGABRT);
    assert_non_null(strstr(death_said, " is no struct thing, or no longer"));
    assert_int_equal(death_run(cast_nothing), SIGABRT);
    assert_non_null(strstr(death_said, " is no struct thing, or no longer"));
}

/* ---------------------------------------------------------------- memory */

static void ask_for_too_much(void)
{
    volatile size_t size = PTRDIFF_MAX;
    free(must_alloc(size, "the whole world"));
}

static void test_memory_that_must_be_there(void **state)
{
    (void)state;
    char *some = must_alloc(100, "a test");
    for (int i = 0; i < 100; i++)
        assert_int_equal(some[i], 0);
    free(some);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they end it with words of their own */
    assert_int_equal(death_run(ask_for_too_much), SIGABRT);
    assert_non_null(strstr(death_said, "no memory for the whole world"));
#else
    (void)ask_for_too_much;
#endif
}

/* ---------------------------------------------------------------- state machines */

enum light { RED, GREEN, YELLOW, LIGHTS };
static const uint32_t light_next[] = {[RED] = SM_TO(GREEN), [GREEN] = SM_TO(YELLOW), [YELLOW] = SM_TO(RED)};
static const char *const light_names[] = {[RED] = "red", [GREEN] = "green", [YELLOW] = "yellow"};
static const struct sm light_states = {"light", light_names, light_next, LIGHTS};
static unsigned from, to;

static void move(void)
{
    sm_check(&light_states, from, to, &light_states);
}

static void test_only_what_the_table_has(void **state)
{
    (void)state;
    for (from = 0; from <= LIGHTS; from++)
        for (to = 0; to <= LIGHTS; to++) {
            bool right = from < LIGHTS && to == (from + 1) % LIGHTS;
            assert_int_equal(death_run(move), right ? 0 : SIGABRT);
            if (!right)
                assert_non_null(strstr(death_said, "light 0x"));
        }
    from = RED;
    to = YELLOW;
    assert_int_equal(death_run(move), SIGABRT);
    assert_non_null(strstr(death_said, ": red may not become yellow\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_what_and_where),     cmocka_unit_test(test_one_line_of_any_length),
        cmocka_unit_test(test_casts_name_the_type),     cmocka_unit_test(test_memory_that_must_be_there),
        cmocka_unit_test(test_only_what_the_table_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
