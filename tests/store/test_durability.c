#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/store/fixture.h"
#include "lib/store/verify.h"

/* What must hold when things go wrong: full queue, full disk, a killed process, a second opener. */

/* ---------------------------------------------------------------- reopening */

static void everything_is_there_again(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        put_object(f, STORE_SESSION, "IN-CPO", text(f, "S%d", i).data, "{\"v\":1}", 1000);
    int64_t sequence = get_object(f, STORE_SESSION, "IN-CPO", "S49").sequence;
    fixture_reopen(f);
    for (int i = 0; i < 50; i++)
        assert_str(get_object(f, STORE_SESSION, "IN-CPO", text(f, "S%d", i).data).body, "{\"v\":1}");
    put_object(f, STORE_SESSION, "IN-CPO", "NEW", "{}", 1000);
    assert_true(get_object(f, STORE_SESSION, "IN-CPO", "NEW").sequence > sequence);
}

static void existence(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    bool exists = true;
    assert_int_equal(store_exists(f.directory, &exists, NULL), OK);
    assert_false(exists);
    char deep[128];
    snprintf(deep, sizeof deep, "%s/a/b", f.directory);
    f.options.directory = deep;
    fixture_open(&f);
    assert_int_equal(store_exists(deep, &exists, NULL), OK);
    assert_true(exists);
    struct stat status;
    assert_int_equal(stat(deep, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    fixture_close(&f);
    f.options.directory = f.directory;
    fixture_remove(&f);
}

static int open_again(struct fixture *f, struct error *error)
{
    struct store *second = NULL;
    int result = store_open(&f->options, &second, error);
    assert_null(second);
    return result;
}

static void second_opener_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    assert_int_equal(open_again(f, &error), ERR_EXISTS);
    char pid[32];
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    assert_non_null(strstr(error.text, f->directory));
    put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{}", 1000); /* the first one goes on */
}

static void wrong_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    put_object(f, STORE_TARIFF, "IN-CPO", "T1", "{}", 1000);
    fixture_close(f);
    f->key_check[0] ^= 1;
    assert_int_equal(open_again(f, &error), ERR_REFUSED);
    assert_non_null(strstr(error.text, "key"));
    f->key_check[0] ^= 1;
    fixture_open(f);
    assert_int_equal(get_object(f, STORE_TARIFF, "IN-CPO", "T1").base.result, OK);
}

/* ---------------------------------------------------------------- full queue */

static uv_sem_t writer_may_go_on, writer_has_stopped;

static void stop_writer(void *context)
{
    (void)context;
    uv_sem_post(&writer_has_stopped);
    uv_sem_wait(&writer_may_go_on);
}

static void full_queue_is_busy(void **state)
{
    enum { MAX = 8, COUNT = 20 };
    struct fixture *f = *state;
    fixture_close(f);
    f->options.queue_max = MAX;
    fixture_open(f);
    uv_sem_init(&writer_may_go_on, 0);
    uv_sem_init(&writer_has_stopped, 0);
    store_set_commit_hook(f->store, stop_writer, NULL);
    struct store_apply *first = new_batch(f);
    add_audit(first, "stop", "IN-A");
    assert_int_equal(run_batch(f, first), OK);
    uv_sem_wait(&writer_has_stopped);
    struct store_apply *applies[COUNT];
    bool done[COUNT] = {false};
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(store_is_overloaded(f->store), i >= MAX * 3 / 4);
        applies[i] = new_batch(f);
        add_object(applies[i], STORE_SESSION, "IN-CPO", text(f, "S%d", i).data, "{}", 1000);
        applies[i]->callback = fixture_applied;
        applies[i]->context = &done[i];
        store_apply(f->client, applies[i]);
        assert_false(done[i]);
    }
    uv_sem_post(&writer_may_go_on);
    for (int i = 0; i < COUNT; i++) {
        while (!done[i])
            uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(applies[i]->result, i < MAX ? OK : ERR_BUSY);
    }
    assert_false(store_is_overloaded(f->store));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(get_object(f, STORE_SESSION, "IN-CPO", text(f, "S%d", i).data).base.result,
                         i < MAX ? OK : ERR_NOT_FOUND);
    uv_sem_destroy(&writer_may_go_on);
    uv_sem_destroy(&writer_has_stopped);
}

/* ---------------------------------------------------------------- full disk */

static int put_large(struct fixture *f, int number)
{
    static char body[60000];
    memset(body, 'x', sizeof body);
    struct store_apply *apply = new_batch(f);
    struct store_object_put *p =
        add_object(apply, STORE_CDR, "IN-CPO", text(f, "C%d", number).data, "", 1000);
    p->body = str_of(body, sizeof body);
    add_audit(apply, "cdr.post", "IN-CPO");
    return run_batch(f, apply);
}

static void verify(struct fixture *f)
{
    struct store_verify_read read = {.limit = 100};
    do {
        assert_int_equal(RUN_READ(f, store_read_verify, &read), OK);
        if (read.bad_sequence)
            fail_msg(STR_FMT, STR_ARG(read.problem));
    } while (!read.done);
}

/* The limit on file sizes stands for the full disk: writes behind it fail, and work again when it is lifted.
 */
static void full_disk(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1 << 20;
    int good = 0, result;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    while ((result = put_large(f, good)) == OK)
        assert_true(++good < 100);
    assert_int_equal(result, ERR_FULL);
    assert_true(good > 2);
    assert_true(store_is_overloaded(f->store));
    struct store_audit row = {.action = STR("kept")};
    assert_int_equal(store_audit_later(f->store, &row), OK);
    assert_int_equal(put_large(f, 1000), ERR_FULL); /* the row's commit fails with it */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(put_large(f, 1001), OK);
    assert_false(store_is_overloaded(f->store));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < good; i++)
            assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", text(f, "C%d", i).data).base.result, OK);
        assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", text(f, "C%d", good).data).base.result,
                         ERR_NOT_FOUND);
        assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", "C1000").base.result, ERR_NOT_FOUND);
        assert_int_equal(get_object(f, STORE_CDR, "IN-CPO", "C1001").base.result, OK);
        struct store_audit_read read = {
            .since = INT64_MIN, .until = INT64_MAX, .limit = 1000, .action = STR("kept")};
        assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
        assert_int_equal(read.count, 1);
        verify(f);
        fixture_reopen(f);
    }
}

/* Nobody writes any more because the store says it is degraded: it must find out by itself that it is not. */
static void recovers_without_writes(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; put_large(f, i) == OK; i++)
        assert_true(i < 100);
    assert_true(store_is_overloaded(f->store));
    setrlimit(RLIMIT_FSIZE, &before);
    while (store_is_overloaded(f->store)) /* bounded by the test's timeout */
        sched_yield();
    assert_int_equal(put_large(f, 2000), OK);
}

/* ---------------------------------------------------------------- kill -9 */

enum { OUTSTANDING = 24, BATCHES_MAX = 3000, ROUNDS = 20 };

/* Shared with the child: what it was told. */
struct promises {
    atomic_int acknowledged;
    atomic_int submitted;
    atomic_char told[BATCHES_MAX];
};

struct load {
    struct fixture *f;
    struct promises *promises;
    int round, number;
    struct arena arena;
    struct store_apply apply;
};

static void submit(struct load *load);

static void load_applied(struct store_apply *apply)
{
    struct load *load = apply->context;
    if (apply->result == OK) {
        atomic_store(&load->promises->told[load->number], 1);
        atomic_fetch_add(&load->promises->acknowledged, 1);
    }
    arena_free(&load->arena);
    submit(load);
}

static void submit(struct load *load)
{
    load->number = atomic_fetch_add(&load->promises->submitted, 1);
    if (load->number >= BATCHES_MAX)
        _exit(0);
    arena_init(&load->arena, 0);
    struct store_apply *apply = &load->apply;
    store_batch_init(apply, &load->arena);
    apply->callback = load_applied;
    apply->context = load;
    struct str id = arena_printf(&load->arena, "R%d-%d", load->round, load->number);
    add_object(apply, STORE_SESSION, "IN-CPO", id.data, "{\"body\":\"of some length, as a session has\"}",
               1000);
    struct store_op *delivery = add_op(apply, STORE_PUT_DELIVERY);
    delivery->u.delivery.coalesce = true;
    delivery->u.delivery.row = (struct store_delivery){
        .receiver = STR("IN-MSP"), .kind = STORE_SESSION, .owner = STR("IN-CPO"), .object = id};
    add_audit(apply, "session.put", "IN-CPO")->object = id;
    if (load->number % 5 == 0) /* some are refused at their end */
        add_object(apply, STORE_CDR, "IN-CPO", "ONCE", "{}", 1000)->conditions = STORE_IF_PRESENT;
    store_apply(load->f->client, apply);
}

static void child(const struct fixture *parent, struct promises *promises, int round)
{
    static struct load loads[OUTSTANDING];
    static struct fixture f;
    f = *parent;
    uv_loop_init(&f.loop);
    fixture_open(&f);
    for (int i = 0; i < OUTSTANDING; i++) {
        loads[i] = (struct load){.f = &f, .promises = promises, .round = round};
        submit(&loads[i]);
    }
    uv_run(&f.loop, UV_RUN_DEFAULT);
    _exit(1);
}

static bool mark_of(struct str id, int round, char *present)
{
    int number;
    char line[64], expected[64];
    if (!str_copy(id, line, sizeof line))
        return false;
    snprintf(expected, sizeof expected, "R%d-", round);
    if (strncmp(line, expected, strlen(expected)) != 0)
        return false;
    number = (int)strtol(line + strlen(expected), NULL, 10);
    assert_in_range(number, 0, BATCHES_MAX - 1);
    assert_int_equal(present[number], 0);
    present[number] = 1;
    return true;
}

static void find_rows(struct fixture *f, int round, char *sessions, char *deliveries, char *audit)
{
    for (int i = 0; i < BATCHES_MAX; i++) {
        sessions[i] =
            get_object(f, STORE_SESSION, "IN-CPO", text(f, "R%d-%d", round, i).data).base.result == OK;
        arena_reset(&f->arena);
    }
    struct store_due_read due = {.queue = {.receiver = STR("IN-MSP")}, .limit = 1000};
    do {
        assert_int_equal(RUN_READ(f, store_read_due, &due), OK);
        for (size_t i = 0; i < due.count; i++) {
            mark_of(due.rows[i].object, round, deliveries);
            due.after = due.rows[i].id;
        }
        arena_reset(&f->arena);
    } while (due.count > 0);
    struct store_audit_read read = {.since = INT64_MIN, .until = INT64_MAX, .limit = 1000};
    do {
        read.after = read.scanned;
        assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
        for (size_t i = 0; i < read.count; i++)
            mark_of(read.rows[i].row.object, round, audit);
        arena_reset(&f->arena);
    } while (read.scanned > read.after);
}

static void check_round(struct fixture *f, const struct promises *promises, int round)
{
    static char sessions[BATCHES_MAX], deliveries[BATCHES_MAX], audit[BATCHES_MAX];
    memset(sessions, 0, sizeof sessions);
    memset(deliveries, 0, sizeof deliveries);
    memset(audit, 0, sizeof audit);
    find_rows(f, round, sessions, deliveries, audit);
    for (int i = 0; i < BATCHES_MAX; i++) {
        if (atomic_load(&promises->told[i]) && !sessions[i])
            fail_msg("round %d: batch %d was acknowledged and is lost", round, i);
        if (sessions[i] != deliveries[i] || sessions[i] != audit[i])
            fail_msg("round %d: batch %d is half there", round, i);
        if (sessions[i] && i % 5 == 0)
            fail_msg("round %d: batch %d was refused and is there", round, i);
    }
    verify(f);
}

static void killed_under_load(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f);
    struct promises *promises =
        mmap(NULL, sizeof *promises, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(promises, MAP_FAILED);
    int total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        memset((void *)promises, 0, sizeof *promises);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(&f, promises, round);
        int until = (round * 37) % 400, status;
        while (atomic_load(&promises->acknowledged) < until && waitpid(pid, &status, WNOHANG) == 0)
            sched_yield();
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        total += atomic_load(&promises->acknowledged);
        fixture_open(&f);
        check_round(&f, promises, round);
        fixture_close(&f);
    }
    assert_true(total > ROUNDS);
    munmap(promises, sizeof *promises);
    fixture_remove(&f);
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        STORE_TEST(everything_is_there_again), cmocka_unit_test(existence),
        STORE_TEST(second_opener_is_refused),  STORE_TEST(wrong_key_is_refused),
        STORE_TEST(full_queue_is_busy),        STORE_TEST(full_disk),
        STORE_TEST(recovers_without_writes),   cmocka_unit_test(killed_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
