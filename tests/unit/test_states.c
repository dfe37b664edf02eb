/* The tables of states: every one is whole, every state is reached and left, and a move that a table does not have ends
 * the process. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hubd/admin/connect/connect.h"
#include "hubd/messages/commands.h"
#include "hubd/outbox/internal.h"
#include "lib/http/server_internal.h"
#include "tests/unit/death.h"

/* A machine begins in its first state and ends in its last. */
static const struct machine {
    const struct sm *sm;
    const char *machine, *first, *last;
    unsigned count;
    bool stays; /* the last state may follow itself */
} machines[] = {
    {&server_connection_states, "HTTP connection", "head", "closed", CONNECTION_CLOSED + 1, false},
    {&server_exchange_states, "HTTP exchange", "receiving", "answered", EXCHANGE_ANSWERED + 1, false},
    {&outbox_sending_states, "delivery try", "reading", "ended", 6, false},
    {&commands_states, "command", "sent", "ended", STORE_COMMAND_ENDED + 1, true},
    {&connect_states, "registration by the account team", "begun", "ended", CONNECT_ENDED + 1, false},
};
#define MACHINES (sizeof machines / sizeof machines[0])

/* ---------------------------------------------------------------- the tables */

static void test_each_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t m = 0; m < MACHINES; m++) {
        const struct sm *sm = machines[m].sm;
        assert_string_equal(sm->machine, machines[m].machine);
        assert_int_equal(sm->count, machines[m].count);
        assert_in_range(sm->count, 2, 32);
        for (unsigned i = 0; i < sm->count; i++) {
            assert_non_null(sm->names[i]);
            assert_int_not_equal(sm->names[i][0], '\0');
            for (unsigned j = 0; j < i; j++)
                assert_string_not_equal(sm->names[i], sm->names[j]);
        }
        assert_string_equal(sm->names[0], machines[m].first);
        assert_string_equal(sm->names[sm->count - 1], machines[m].last);
    }
}

/* The states that can be reached from `from`, itself included. */
static uint32_t reached(const struct sm *sm, unsigned from)
{
    uint32_t found = SM_TO(from), before = 0;
    while (found != before) {
        before = found;
        for (unsigned i = 0; i < sm->count; i++)
            if ((found & SM_TO(i)) != 0)
                found |= sm->next[i];
    }
    return found;
}

static void test_each_state_is_reached_and_leads_to_the_end(void **state)
{
    (void)state;
    for (size_t m = 0; m < MACHINES; m++) {
        const struct sm *sm = machines[m].sm;
        uint32_t all = (uint32_t)((UINT64_C(1) << sm->count) - 1);
        assert_int_equal(reached(sm, 0), all); /* and no bit of a state that does not exist */
        for (unsigned i = 0; i < sm->count; i++)
            assert_true((reached(sm, i) & SM_TO(sm->count - 1)) != 0);
    }
}

static void test_nothing_leaves_the_last_state(void **state)
{
    (void)state;
    for (size_t m = 0; m < MACHINES; m++) {
        const struct sm *sm = machines[m].sm;
        assert_int_equal(sm->next[sm->count - 1], machines[m].stays ? SM_TO(sm->count - 1) : 0);
    }
}

/* ---------------------------------------------------------------- moves that a table does not have */

static const struct sm *moved;
static unsigned from, to;
static int object;

static void check_move(void)
{
    sm_check(moved, from, to, &object);
}

static void test_each_forbidden_move_names_object_and_states(void **state)
{
    (void)state;
    for (size_t m = 0; m < MACHINES; m++) {
        moved = machines[m].sm;
        for (from = 0; from < moved->count; from++)
            for (to = 0; to < moved->count; to++) {
                char expected[200];
                if ((moved->next[from] & SM_TO(to)) != 0) {
                    check_move();
                    continue;
                }
                snprintf(expected, sizeof expected, ": %s %p: %s may not become %s\n", moved->machine,
                         (void *)&object, moved->names[from], moved->names[to]);
                assert_int_equal(death_run(check_move), SIGABRT);
                assert_non_null(strstr(death_said, expected));
            }
    }
}

/* ---------------------------------------------------------------- those who move ask their table */

static void reopen_connection(void)
{
    static struct server_connection connection = {.state = CONNECTION_CLOSED};
    server_connection_set_state(&connection, CONNECTION_HEAD);
}

static void answer_twice(void)
{
    static struct server_exchange exchange = {.state = EXCHANGE_ANSWERED};
    server_exchange_move(&exchange, EXCHANGE_ANSWERED);
}

static void accept_an_ended_command(void)
{
    static struct store_op op;
    commands_set_move(&op, COMMANDS_OPEN | 1u << STORE_COMMAND_ENDED, STORE_COMMAND_ACCEPTED);
}

static void store_after_the_end(void)
{
    static struct connect connect = {.state = CONNECT_ENDED};
    connect_move(&connect, CONNECT_STORING);
}

static void test_moving_functions_ask_their_table(void **state)
{
    (void)state;
    static const struct {
        void (*move)(void);
        const char *said;
    } moves[] = {{reopen_connection, ": closed may not become head\n"},
                 {answer_twice, ": answered may not become answered\n"},
                 {accept_an_ended_command, ": accepted may not become accepted\n"},
                 {store_after_the_end, ": ended may not become storing\n"}};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        assert_int_equal(death_run(moves[i].move), SIGABRT);
        assert_non_null(strstr(death_said, moves[i].said));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_has_a_name_of_its_own),
        cmocka_unit_test(test_each_state_is_reached_and_leads_to_the_end),
        cmocka_unit_test(test_nothing_leaves_the_last_state),
        cmocka_unit_test(test_each_forbidden_move_names_object_and_states),
        cmocka_unit_test(test_moving_functions_ask_their_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
