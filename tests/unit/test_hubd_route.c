/* How a reservation stands by the commands about it, and what a partner's sentence becomes
 * (hubd/messages/recipient.h, hubd/calls/sentence.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hubd/messages/recipient.h"
#include "hubd/calls/sentence.h"

#define NOW 1000000

/* A command as one line tells it: R RESERVE_NOW or C CANCEL_RESERVATION; s sent, a accepted and awaited, e
 * ended; its result. */
struct told {
    const char *line;
    bool accepted;
    int64_t valid_until;
};

static struct store_command row_of(const struct told *told)
{
    enum store_command_state state = told->line[1] == 's'   ? STORE_COMMAND_SENT
                                     : told->line[1] == 'a' ? STORE_COMMAND_ACCEPTED
                                                            : STORE_COMMAND_ENDED;
    return (struct store_command){.command =
                                      told->line[0] == 'R' ? STR("RESERVE_NOW") : STR("CANCEL_RESERVATION"),
                                  .emsp = STR("IN-EEE"),
                                  .cpo = STR("IN-CCC"),
                                  .state = state,
                                  .result = str_from(told->line + 2),
                                  .accepted = told->accepted,
                                  .valid_until = told->valid_until};
}

static void test_reservation_standing(void **state)
{
    (void)state;
    static const struct {
        struct told told[3]; /* newest first */
        enum recipient_standing standing;
    } rows[] = {
        {{{NULL, false, 0}}, RECIPIENT_NEVER},
        {{{"Rs", false, 0}}, RECIPIENT_UNCERTAIN},
        {{{"RaACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"ReACCEPTED", true, NOW + 1}}, RECIPIENT_HELD},
        {{{"ReACCEPTED", true, NOW}}, RECIPIENT_OVER},
        {{{"ReTIMEOUT", true, 0}}, RECIPIENT_HELD},
        {{{"ReTIMEOUT", false, 0}}, RECIPIENT_UNCERTAIN},
        {{{"ReTIMEOUT", false, NOW - 1}}, RECIPIENT_NEVER},
        {{{"ReREJECTED", false, 0}}, RECIPIENT_NEVER},
        {{{"ReEVSE_OCCUPIED", true, 0}}, RECIPIENT_NEVER},
        {{{"ReCANCELED_RESERVATION", true, 0}}, RECIPIENT_OVER},
        {{{"ReNOT_CONNECTED", false, 0}}, RECIPIENT_NEVER},
        {{{"CaACCEPTED", true, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"CeACCEPTED", true, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_OVER},
        {{{"CeREJECTED", true, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"CeTIMEOUT", true, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"ReREJECTED", false, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"Rs", false, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"Rs", false, 0}, {"CeACCEPTED", true, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_UNCERTAIN},
        {{{"RaACCEPTED", true, 0}, {"CeACCEPTED", true, 0}, {"ReACCEPTED", true, 0}}, RECIPIENT_HELD},
        {{{"CeACCEPTED", true, 0}, {"Rs", false, 0}}, RECIPIENT_OVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_command commands[3];
        size_t count = 0;
        for (; count < 3 && rows[i].told[count].line != NULL; count++)
            commands[count] = row_of(&rows[i].told[count]);
        enum recipient_standing standing =
            recipient_reservation_standing(commands, count, STR("IN-EEE"), STR("IN-CCC"), NOW);
        if (standing != rows[i].standing)
            fail_msg("row %zu: %d", i, (int)standing);
        assert_int_equal(recipient_reservation_standing(commands, count, STR("IN-FFF"), STR("IN-CCC"), NOW),
                         RECIPIENT_NEVER);
        assert_int_equal(recipient_reservation_standing(commands, count, STR("IN-EEE"), STR("IN-DDD"), NOW),
                         RECIPIENT_NEVER);
    }
}

static const struct registry_platform platform = {.token = {"secret-of-ours", 14}};

static void test_sentence_clean(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"EVSE 7 is out of order", "EVSE 7 is out of order"},
        {"", ""},
        {" \r\n\t ", ""},
        {"a\r\nb\x1b[31m", "a b [31m"},
        {"see https://10.0.0.1:8443/x?k=1 now", "see ... now"},
        {"db7.internal.example/ocpi is down", "... is down"},
        {"10.1.2.3:5432 refused", "... refused"},
        {"/location_id: unknown", "/location_id: unknown"},
        {"and/or 2001/2003", "and/or 2001/2003"},
        {"version 2.2.1 only", "version 2.2.1 only"},
        {"got (secret-of-ours)", "got (...)"},
        {"got c2VjcmV0LW9mLW91cnM=", "got ..."},
        {"\xe0\xa4\xa8\xe0\xa4\xb9", "\xe0\xa4\xa8\xe0\xa4\xb9"},
        {"bad \xff byte", "bad byte"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str clean = sentence_clean(&arena, &platform, str_from(rows[i].text));
        if (!str_equal(clean, str_from(rows[i].clean)))
            fail_msg("\"%s\": \"" STR_FMT "\"", rows[i].text, STR_ARG(clean));
    }
    char longest[4000];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(sentence_clean(&arena, &platform, str_of(longest, sizeof longest)).length,
                     SENTENCE_BYTES);
    for (size_t i = 0; i < sizeof longest; i += 2)
        memcpy(longest + i, "a ", 2);
    assert_true(sentence_clean(&arena, &platform, str_of(longest, sizeof longest)).length <= SENTENCE_BYTES);
    arena_free(&arena);
}

static void test_sentence_of_body(void **state)
{
    (void)state;
    static const struct {
        const char *body, *type, *sentence;
    } rows[] = {
        {"{\"detail\":\"no\",\"title\":\"Bad\"}", "", "no"},
        {"{\"detail\":[{\"msg\":\"field required\"}]}", "", "field required"},
        {"{\"status_message\":\"no\"}", "", "no"},
        {"{\"error\":{\"message\":\"no\"}}", "", "no"},
        {"{\"error\":\"no\"}", "", "no"},
        {"{\"errors\":[\"no\"]}", "", "no"},
        {"{\"x\":\"no\"}", "", ""},
        {"[1]", "", ""},
        {"no", "text/plain", "no"},
        {"no", "text/html", ""},
        {"", "text/plain", ""},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str sentence =
            sentence_of_body(&arena, &platform, str_from(rows[i].body), str_from(rows[i].type));
        if (!str_equal(sentence, str_from(rows[i].sentence)))
            fail_msg("%s: \"" STR_FMT "\"", rows[i].body, STR_ARG(sentence));
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reservation_standing),
        cmocka_unit_test(test_sentence_clean),
        cmocka_unit_test(test_sentence_of_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
