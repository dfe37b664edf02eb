/* Probes and statuses (hub-ocpi(7), PARTIES AND STATUSES): OFFLINE by silence, CONNECTED by any valid answer.
 * */
#include "tests/hubd/fixture.h"

#define SECOND  INT64_C(1000)
#define PROBE   (20 * SECOND) /* probe_interval, of which a probe is up to a tenth early or late */
#define OFFLINE (60 * SECOND) /* offline_after */
#define TICK    SECOND

static void assert_status(struct bench *bench, const char *key, const char *expected)
{
    assert_string_equal(registry_party_status(bench_party(bench, key)), expected);
}

static void set_status(struct store_platform *row, void *context)
{
    row->status = *(const enum store_platform_status *)context;
}

static int setup(void **state)
{
    struct bench *bench = bench_open(BENCH_OUTBOX | BENCH_HEALTH, NULL);
    bench_add_pair(bench);
    *state = bench;
    return 0;
}

/* How often an audit row of that action is there. */
static unsigned audit_count(struct bench *bench, const char *action)
{
    struct store_audit_read read = {
        .since = INT64_MIN, .until = INT64_MAX, .action = str_from(action), .limit = 1000};
    assert_int_equal(RUN_READ(&bench->store, store_read_audit, &read), OK);
    return (unsigned)read.count;
}

static void probes_go_on_evenly(void **state)
{
    struct bench *bench = *state;
    int64_t last = 0;
    unsigned count = 0;
    bench_advance(bench, 600 * SECOND);
    for (size_t i = 0; i < partners_count(); i++) {
        const struct partner_call *call = partners_call(i);
        assert_ptr_equal(call->client, bench->hub.probe_client); /* probes wait for no delivery */
        assert_int_equal(call->method, HTTP_METHOD_GET);
        if (!str_equal(call->url, STR("https://in-msp.example/versions")))
            continue;
        if (last != 0)
            assert_in_range(call->at - last, PROBE * 9 / 10, PROBE * 11 / 10 + TICK);
        last = call->at;
        count++;
    }
    assert_in_range(count, 26, 34);
    assert_status(bench, "IN-MSP", "CONNECTED");
}

/* The one that is silent is OFFLINE when its time is over, and nobody else; the first valid answer ends it. */
static void silence_is_offline(void **state)
{
    struct bench *bench = *state;
    bench_advance(bench, 100 * SECOND);
    partners_answer(NULL, "in-msp", 0, (struct partner_answer)ANSWER_REFUSED);
    int64_t heard = atomic_load(&bench_party(bench, "IN-MSP")->platform->runtime->last_answer_ms);
    int64_t left = heard + OFFLINE - env_monotonic_ms();
    bench_advance(bench, left);
    assert_status(bench, "IN-MSP", "CONNECTED");
    bench_advance(bench, TICK + 1);
    assert_status(bench, "IN-MSP", "OFFLINE");
    assert_status(bench, "IN-CPO", "CONNECTED");
    assert_int_equal(audit_count(bench, "party.offline"), 1);
    bench_advance(bench, 300 * SECOND);
    assert_int_equal(audit_count(bench, "party.offline"), 1);
    partners_answer(NULL, "in-msp", 0, (struct partner_answer)ANSWER_OK);
    bench_advance(bench, PROBE * 11 / 10 + TICK);
    assert_status(bench, "IN-MSP", "CONNECTED");
    assert_int_equal(audit_count(bench, "party.connected"), 1);
}

/* What proves that the partner's own system is there, and what anything before it may say as well. */
static void which_answers_are_signs_of_life(void **state)
{
    static const struct {
        struct partner_answer answer;
        bool alive;
    } cases[] = {
        {ANSWER_OCPI(1000), true},
        {ANSWER_OCPI(2001), true},
        {ANSWER_OCPI(3000), true},
        {{.http = 404, .status_code = 2000}, true},
        {{.http = 429, .status_code = 2000}, true},
        {ANSWER_HTTP(204), true},
        {{.http = 401, .status_code = 2001}, false},
        {{.http = 500, .status_code = 3000}, false},
        {{.http = 404, .body = "<html>not found</html>"}, false},
        {{.http = 200, .body = "<html>welcome</html>"}, false},
        {ANSWER_DIED, false},
        {ANSWER_HANG, false},
    };
    struct bench *bench = *state;
    enum store_platform_status offline = STORE_PLATFORM_OFFLINE;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_set_platform(bench, "IN-MSP", set_status, &offline);
        partners_answer(NULL, "in-msp", 0, cases[i].answer);
        bench_advance(bench, 2 * PROBE + 10 * SECOND);
        if ((strcmp(registry_party_status(bench_party(bench, "IN-MSP")), "CONNECTED") == 0) != cases[i].alive)
            fail_msg("answer %zu: %s", i, registry_party_status(bench_party(bench, "IN-MSP")));
    }
}

/* A delivery that is answered is a sign of life too, and what waited goes at once. */
static void a_delivery_brings_it_back(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, "in-msp", 0, (struct partner_answer)ANSWER_REFUSED);
    int64_t ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = bench_push(bench, "IN-MSP", text(&bench->store, "S%d", i).data);
    bench_advance(bench, 2000 * SECOND);
    assert_status(bench, "IN-MSP", "OFFLINE");
    partners_answer(NULL, "in-msp.example/sessions", 0, (struct partner_answer)ANSWER_OK);
    outbox_resume(&bench->hub, STR("IN-MSP"));
    bench_settle(bench);
    assert_status(bench, "IN-MSP", "CONNECTED");
    for (int i = 0; i < 5; i++)
        assert_state(bench, ids[i], STORE_DELIVERY_DELIVERED, "");
}

/* The probe brings it back: its queue does not wait for the end of its pause. */
static void connected_ends_the_pause(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, "in-msp", 0, (struct partner_answer)ANSWER_REFUSED);
    int64_t id = bench_push(bench, "IN-MSP", "S1");
    bench_advance(bench, 3000 * SECOND); /* pauses are a quarter of an hour by now */
    partners_answer(NULL, "in-msp", 0, (struct partner_answer)ANSWER_OK);
    bench_advance(bench, PROBE * 11 / 10 + TICK);
    assert_state(bench, id, STORE_DELIVERY_DELIVERED, "");
}

static void who_was_never_connected_is_not_asked(void **state)
{
    struct bench *bench = *state;
    enum store_platform_status planned = STORE_PLATFORM_PLANNED;
    bench_set_platform(bench, "IN-MSP", set_status, &planned);
    bench_advance(bench, 300 * SECOND);
    for (size_t i = 0; i < partners_count(); i++)
        assert_null(memmem(partners_call(i)->url.data, partners_call(i)->url.length, "in-msp", 6));
    assert_status(bench, "IN-MSP", "PLANNED");
}

/* While the process itself stood still nobody could answer it. */
static void its_own_silence_is_nobodys(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, NULL, 0, (struct partner_answer)ANSWER_REFUSED);
    bench_advance(bench, 10 * SECOND);
    test_clock_advance(10 * OFFLINE);
    bench_advance(bench, OFFLINE - TICK);
    assert_status(bench, "IN-MSP", "CONNECTED");
    bench_advance(bench, 3 * TICK);
    assert_status(bench, "IN-MSP", "OFFLINE");
}

/* A probe that the hub itself could not make says nothing of the partner. */
static void what_the_hub_lacks_is_nobodys(void **state)
{
    struct bench *bench = *state;
    partners_answer(NULL, "in-msp", 0, (struct partner_answer){.result = ERR_SHORT});
    bench_advance(bench, 20 * OFFLINE);
    assert_status(bench, "IN-MSP", "CONNECTED");
}

#define HEALTH_TEST(function) cmocka_unit_test_setup_teardown(function, setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEALTH_TEST(probes_go_on_evenly),
        HEALTH_TEST(silence_is_offline),
        HEALTH_TEST(which_answers_are_signs_of_life),
        HEALTH_TEST(a_delivery_brings_it_back),
        HEALTH_TEST(connected_ends_the_pause),
        HEALTH_TEST(who_was_never_connected_is_not_asked),
        HEALTH_TEST(its_own_silence_is_nobodys),
        HEALTH_TEST(what_the_hub_lacks_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
