/* A job of the admin commands: which slice follows, and what ends it. The test is the store: it finishes the reads. */
#include "tests/unit/ctl_server_harness.h"

#include "hubd/admin/internal.h"
#include "hubd/admin/job.h"

static struct admin admin = {.magic = ADMIN_MAGIC};
static struct job *job;
static struct store_read under_way;
static void (*after)(struct job *job); /* what the command does when its read has succeeded */
static int client, slices, answers, failures;

static void finish_slice(struct job *read)
{
    after(read);
}

static void begin_slice(struct job *next)
{
    slices++;
    under_way = job_read(next, finish_slice);
}

static void answer(struct job *ended)
{
    answers++;
    reply_text(job_end(ended), "{\"rows\":7}");
}

static void refuse(struct job *failed, int error_code, const struct error *error)
{
    failures++;
    ctl_fail(job_end(failed), ctl_code_from_error(error_code), error->text, NULL);
}

static const struct job_kind kind = {begin_slice, answer, refuse};

static void finish_read(int result, void (*then)(struct job *job))
{
    after = then;
    under_way.result = result;
    under_way.callback(&under_way);
}

/* Turns the loop until the server knows that the client has gone: it learns it when it writes. */
static void hang_up(struct ctl_request *request)
{
    struct buffer line = {0};
    buffer_append_text(&line, "{}");
    close(client);
    for (int i = 0; i < TURNS_MAX && answers == 0 && !request->closed; i++) {
        job_notify(job, &line);
        turn();
    }
    buffer_free(&line);
}

static int setup_job(void **state)
{
    slices = answers = failures = 0;
    setup(state);
    client = connect_client();
    send_text(client, later, strlen(later));
    for (int i = 0; i < TURNS_MAX && pending == NULL; i++)
        turn();
    assert_non_null(pending);
    pending->context = &admin;
    job = job_new(pending, sizeof *job, &kind);
    assert_non_null(job);
    job_next(job);
    assert_int_equal(slices, 1);
    return 0;
}

static int teardown_job(void **state)
{
    close(client);
    return teardown(state);
}

static void test_slices_until_the_answer(void **state)
{
    (void)state;
    finish_read(OK, job_next);
    assert_int_equal(slices, 2);
    finish_read(OK, answer);
    assert_non_null(strstr(read_line(client), "\"rows\":7"));
    assert_int_equal(slices, 2);
}

static void test_failed_read(void **state)
{
    (void)state;
    error_set(&under_way.error, ERR_IO, "disk gone");
    finish_read(ERR_IO, job_next);
    assert_non_null(strstr(read_line(client), "disk gone"));
    assert_int_equal(failures, 1);
}

static void test_optional_read_may_fail(void **state)
{
    (void)state;
    finish_read(OK, job_next);
    under_way = job_read_optional(job, finish_slice);
    finish_read(ERR_IO, answer);
    assert_non_null(strstr(read_line(client), "\"rows\":7"));
    assert_int_equal(failures, 0);
}

static void test_client_gone_while_reading(void **state)
{
    (void)state;
    struct ctl_request *request = pending;
    hang_up(request);
    assert_true(request->closed);
    assert_int_equal(answers, 0);
    finish_read(OK, job_next);
    assert_int_equal(answers, 1);
    assert_int_equal(slices, 1);
}

static void test_client_gone_while_waiting(void **state)
{
    (void)state;
    finish_read(OK, job_wait);
    assert_int_equal(slices, 1);
    hang_up(pending);
    assert_int_equal(answers, 1);
    assert_int_equal(slices, 1);
}

static void test_wake(void **state)
{
    (void)state;
    finish_read(OK, job_wait);
    assert_int_equal(slices, 1);
    job_wake(job);
    assert_int_equal(slices, 2);
    job_wake(job); /* rows came while the slice is read: it must not wait for the next ones */
    assert_int_equal(slices, 2);
    finish_read(OK, job_wait);
    assert_int_equal(slices, 3);
    finish_read(OK, answer);
}

/* The slice begins again after a conflict, and the next one counts its tries from the beginning. */
static void test_conflict(void **state)
{
    (void)state;
    after = job_next;
    job_batch(job);
    job->batch.result = ERR_CONFLICT;
    job->batch.callback(&job->batch);
    assert_int_equal(job->tries, 1);
    assert_int_equal(slices, 2);
    finish_read(OK, job_next);
    assert_int_equal(job->tries, 0);
    finish_read(OK, answer);
}

static void test_slow_reader(void **state)
{
    (void)state;
    struct buffer line = {0};
    buffer_printf(&line, "{\"filler\":\"%01000d\"}", 0);
    for (int i = 0; i < TURNS_MAX && !job->blocked; i++)
        job_notify(job, &line);
    assert_true(job->blocked);
    buffer_free(&line);
    finish_read(OK, job_next);
    assert_int_equal(slices, 1);
    for (int i = 0; i < TURNS_MAX && slices == 1; i++)
        read_line(client);
    assert_int_equal(slices, 2);
    finish_read(OK, job_next); /* it has read enough: nothing halts the job any more */
    assert_int_equal(slices, 3);
    finish_read(OK, answer);
}

#define JOB_TEST(test) cmocka_unit_test_setup_teardown(test, setup_job, teardown_job)

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as hubd does: the server writes to clients that have gone */
    const struct CMUnitTest tests[] = {
        JOB_TEST(test_slices_until_the_answer),
        JOB_TEST(test_failed_read),
        JOB_TEST(test_optional_read_may_fail),
        JOB_TEST(test_client_gone_while_reading),
        JOB_TEST(test_client_gone_while_waiting),
        JOB_TEST(test_wake),
        JOB_TEST(test_conflict),
        JOB_TEST(test_slow_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
