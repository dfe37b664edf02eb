#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hubd/outbox/fault.h"

/* Whose fault: every kind of end of a try, with every knowledge about the others of the queue. */

#define NO_ANSWER                                                                                            \
    {                                                                                                        \
        .sent = true                                                                                         \
    }
#define NO_CONNECTION                                                                                        \
    {                                                                                                        \
        .sent = false                                                                                        \
    }
#define HTTP(status)                                                                                         \
    {                                                                                                        \
        .http = (status), .sent = true                                                                       \
    }
#define OCPI(status, c)                                                                                      \
    {                                                                                                        \
        .http = (status), .sent = true, .envelope = true, .status_code = (c)                                 \
    }

static const struct fault_case nothing_known = {0};
static const struct fault_case passed_beside = {.passed_beside = true};
static const struct fault_case passed_since = {.passed_since = true};
static const struct fault_case own_url = {.alone = true};

static const struct fault_answer doubtful[] = {
    NO_ANSWER, HTTP(401),       HTTP(403),       HTTP(404),       HTTP(405),       HTTP(408), HTTP(425),
    HTTP(500), OCPI(500, 3000), HTTP(502),       HTTP(503),       HTTP(504),       HTTP(200), OCPI(200, 3000),
    HTTP(204), HTTP(302),       OCPI(404, 2003), OCPI(200, 4001), OCPI(503, 1000),
};
#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static void test_either(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(doubtful); i++) {
        if (doubtful[i].http == 204)
            continue; /* not empty: a body that is no envelope */
        assert_int_equal(fault_judge(&doubtful[i], &nothing_known), FAULT_RECEIVER);
        assert_int_equal(fault_judge(&doubtful[i], &passed_beside), FAULT_MESSAGE);
        assert_int_equal(fault_judge(&doubtful[i], &passed_since), FAULT_MESSAGE);
    }
}

/* What the hub lacked is nobody's, whoever was taken and wherever the message goes. */
static void test_own(void **state)
{
    static const struct fault_answer own[] = {{.own = true}, {.own = true, .sent = true}};
    static const struct fault_case *const known[] = {&nothing_known, &passed_beside, &passed_since, &own_url};
    (void)state;
    for (size_t i = 0; i < COUNT(own); i++)
        for (size_t j = 0; j < COUNT(known); j++)
            assert_int_equal(fault_judge(&own[i], known[j]), FAULT_HUB);
}

/* What no call can be made of is the message's own, and tells of nobody. */
static void test_impossible(void **state)
{
    static const struct fault_answer never = {.impossible = true};
    static const struct fault_case *const known[] = {&nothing_known, &passed_beside, &passed_since, &own_url};
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++)
        assert_int_equal(fault_judge(&never, known[i]), FAULT_UNSENDABLE);
}

/* After which of the answers the next message is asked for at once. */
static void test_may_be_messages(void **state)
{
    static const struct fault_answer messages[] = {HTTP(404), HTTP(405),       HTTP(500), HTTP(501),
                                                   HTTP(200), OCPI(200, 3000), HTTP(302)},
                                     receivers[] = {NO_ANSWER,
                                                    NO_CONNECTION,
                                                    HTTP(401),
                                                    HTTP(403),
                                                    HTTP(408),
                                                    HTTP(425),
                                                    HTTP(429),
                                                    HTTP(502),
                                                    HTTP(503),
                                                    HTTP(504),
                                                    {.http = 500, .sent = true, .asked_ms = 1}};
    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++)
        assert_true(fault_may_be_messages(&messages[i]));
    for (size_t i = 0; i < COUNT(receivers); i++)
        assert_false(fault_may_be_messages(&receivers[i]));
}

/* Without a connection it is the receiver's, whoever was taken before. */
static void test_no_connection(void **state)
{
    static const struct fault_answer answer = NO_CONNECTION;
    (void)state;
    assert_int_equal(fault_judge(&answer, &passed_beside), FAULT_RECEIVER);
    assert_int_equal(fault_judge(&answer, &passed_since), FAULT_RECEIVER);
    assert_int_equal(fault_judge(&answer, &own_url), FAULT_MESSAGE);
}

/* A receiver that asks for peace speaks of itself, unless others were taken since it asked for the same. */
static void test_retry_after(void **state)
{
    static const struct fault_answer asked = {.http = 503, .sent = true, .asked_ms = 1000},
                                     throttled = HTTP(429);
    (void)state;
    assert_int_equal(fault_judge(&asked, &passed_beside), FAULT_RECEIVER);
    assert_int_equal(fault_judge(&asked, &passed_since), FAULT_MESSAGE);
    assert_int_equal(fault_judge(&throttled, &passed_beside), FAULT_RECEIVER);
    assert_int_equal(fault_judge(&throttled, &passed_since), FAULT_MESSAGE);
}

static void test_refused(void **state)
{
    static const struct fault_answer refused[] = {
        HTTP(400), OCPI(400, 2001), HTTP(409),       HTTP(410),       HTTP(413),      HTTP(415),
        HTTP(422), OCPI(200, 2000), OCPI(200, 2003), OCPI(201, 2999), OCPI(422, 1000)};
    static const struct fault_case *const known[] = {&nothing_known, &passed_beside, &passed_since, &own_url};
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++)
        for (size_t j = 0; j < COUNT(known); j++)
            assert_int_equal(fault_judge(&refused[i], known[j]), FAULT_REFUSED);
}

static void test_own_url(void **state)
{
    static const struct fault_answer forgotten[] = {HTTP(404), OCPI(404, 2003), HTTP(405), HTTP(410)};
    static const struct fault_answer alone[] = {NO_ANSWER, NO_CONNECTION, HTTP(401),
                                                HTTP(403), HTTP(429),     HTTP(500),
                                                HTTP(503), HTTP(200),     OCPI(200, 3000)};
    (void)state;
    for (size_t i = 0; i < COUNT(forgotten); i++)
        assert_int_equal(fault_judge(&forgotten[i], &own_url), FAULT_REFUSED);
    for (size_t i = 0; i < COUNT(alone); i++)
        assert_int_equal(fault_judge(&alone[i], &own_url), FAULT_MESSAGE);
}

static void test_taken(void **state)
{
    static const struct fault_answer taken[] = {
        OCPI(200, 1000),
        OCPI(201, 1001),
        {.http = 200, .sent = true, .empty = true},
        {.http = 204, .sent = true, .empty = true},
        {.http = 404, .sent = true, .gone_is_right = true},
        {.http = 200, .sent = true, .envelope = true, .status_code = 2003, .gone_is_right = true},
    };
    static const struct fault_answer empty_error = {.http = 500, .sent = true, .empty = true};
    (void)state;
    for (size_t i = 0; i < COUNT(taken); i++) {
        assert_int_equal(fault_judge(&taken[i], &nothing_known), FAULT_NONE);
        assert_int_equal(fault_judge(&taken[i], &own_url), FAULT_NONE);
    }
    assert_int_equal(fault_judge(&empty_error, &nothing_known), FAULT_RECEIVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_either),        cmocka_unit_test(test_own),
        cmocka_unit_test(test_impossible),    cmocka_unit_test(test_may_be_messages),
        cmocka_unit_test(test_no_connection), cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_own_url),
        cmocka_unit_test(test_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
