#ifndef TESTS_HUBD_FIXTURE_H
#define TESTS_HUBD_FIXTURE_H

#include "tests/store/delivery_fixture.h"

#include "hubd/outbox/outbox.h"
#include "hubd/worker.h"
#include "tests/hubd/clock.h"
#include "tests/hubd/partner.h"

/*
 * A hub for unit tests: the real store in a folder of its own, the real registry, control loop and rooms, and
 * if a test wants it the real worker, all on the test's thread; with partners by table (partner.h), and with
 * a clock that only the test moves (clock.h). Nothing sleeps: bench_settle turns the loops until nothing is
 * left to do at this moment, bench_advance goes from timer to timer.
 */

enum bench_loop { BENCH_CONTROL = 1, BENCH_WORKER = 2 };

enum bench_room { BENCH_OUTBOX = 1, BENCH_HEALTH = 2, BENCH_REQUESTS = 4 /* a worker, and what it needs */ };

struct bench {
    struct fixture store; /* the test's own client: RUN_READ, run_batch … of tests/store */
    struct hub hub;
    struct worker worker;
    unsigned rooms;
    unsigned stopped; /* enum bench_loop bits */
    struct arena arena;
};

/* Opens a hub with these rooms; `settings`: "name=value", NULL behind the last; may be NULL. */
struct bench *bench_open(unsigned rooms, const char *const *settings);
void bench_close(struct bench *bench);
/* As if hubd had ended and begun again: the store stays, `rooms` are opened anew. */
void bench_restart(struct bench *bench);

/* cmocka's setup and teardown of one test with the outbox alone. */
int bench_setup(void **state);
int bench_teardown(void **state);
#define BENCH_TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

/* ---------------------------------------------------------------- time */

/* Until nothing is under way but calls whose answer takes its time. */
void bench_settle(struct bench *bench);
/* Moves the clock, from timer to timer: each is called when it is due. */
void bench_advance(struct bench *bench, int64_t ms);
/* The same in strides of `stride_ms`, as on a machine that is late: for hours and days. */
void bench_pass(struct bench *bench, int64_t ms, int64_t stride_ms);
/* These loops stand still, as threads that get no turn, until it is called with 0; the others go on. */
void bench_stop(struct bench *bench, unsigned loops);
/* Milliseconds since the hub was opened. */
int64_t bench_time(const struct bench *bench);

/* ---------------------------------------------------------------- the registry */

/* A CONNECTED platform with one party, whose host is <key>.example; the hub presents "<key>-token" to it, it presents
 * "<key>-hub" to the hub. The party's id, which is the platform's as well. */
int64_t bench_add_party(struct bench *bench, const char *key, unsigned roles);
/* `url` NULL: "https://<key>.example/<module>", set by the account team. */
void bench_set_receiver(struct bench *bench, const char *key, const char *module, const char *url);
void bench_set_rule(struct bench *bench, const char *emsp, const char *cpo, enum store_rule_state state);
void bench_set_suspended(struct bench *bench, const char *key, bool suspended);
/* Modules whose objects are sent to it unasked: "locations tariffs". */
void bench_set_pushed(struct bench *bench, const char *key, const char *modules);
void bench_set_platform(struct bench *bench, const char *key,
                        void (*change)(struct store_platform *row, void *context), void *context);
/* The registry is read again, and all loops have passed it. Every bench_set_ ends with it. */
void bench_refresh(struct bench *bench);
/* The party as the control loop sees it, until the next turn. */
const struct registry_party *bench_party(struct bench *bench, const char *key);
/* IN-CPO and IN-MSP with receivers for sessions, cdrs, commands, and a rule. */
void bench_add_pair(struct bench *bench);

/* ---------------------------------------------------------------- messages */

/* A session of IN-CPO for `receiver`, with its delivery; the hub is told. The delivery's number. */
int64_t bench_push(struct bench *bench, const char *receiver, const char *id);
/* A command's result for `receiver`, to a URL of its own. */
int64_t bench_push_result(struct bench *bench, const char *receiver, const char *url, const char *body);
struct store_delivery bench_row(struct bench *bench, int64_t id);
void assert_state(struct bench *bench, int64_t id, enum store_delivery_state state, const char *reason);
/* Last part of the URL of each call from `from` on, space between them: "S1 S2". */
struct str bench_calls(struct bench *bench, size_t from);
#define assert_calls(bench, from, expected) assert_str(bench_calls(bench, from), expected)

/* ---------------------------------------------------------------- requests of partners: BENCH_REQUESTS */

struct bench_answer {
    int status;            /* HTTP; 0: none yet */
    int status_code;       /* of the envelope; 0: none */
    struct str head, body; /* in the bench's arena */
};
/* Party `key` asks on a connection of its own; `path` begins with "/ocpi", `body` NULL: none. */
struct bench_answer bench_request(struct bench *bench, const char *key, const char *method, const char *path,
                                  const char *body);
/* The same in two steps, for what waits: asks, and turns the loops; the connection. */
int bench_ask(struct bench *bench, const char *key, const char *method, const char *path, const char *body);
/* What has come on it by now; it is closed. Status 0: nothing yet, and the partner has gone. */
struct bench_answer bench_hear(struct bench *bench, int connection);
/* The value of the answer's header, "" when there is none. */
struct str bench_header(const struct bench_answer *answer, const char *name);

#endif
