#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/store/backup.h"
#include "tests/store/fixture.h"
#include "lib/store/verify.h"

/* A copy of the store while the store is written to, and everything that can be in its way. */

enum { LARGE = 64 * 1024, LARGES = 120 };

/* Enough that a copy takes many steps. */
static void fill(struct fixture *f)
{
    char *body = malloc(LARGE + 1);
    assert_non_null(body);
    memset(body, 'x', LARGE);
    body[0] = body[LARGE - 1] = '"';
    body[LARGE] = 0;
    for (int i = 0; i < LARGES; i++)
        assert_int_equal(put_object(f, STORE_CDR, "IN-CPO", text(f, "L%d", i).data, body, 1), OK);
    free(body);
}

/* A session and its CDR in one batch, with an audit row: in any copy there are both or none. */
static void put_pair(struct fixture *f, int number)
{
    struct store_apply *apply = new_batch(f);
    add_object(apply, STORE_SESSION, "IN-CPO", text(f, "S%d", number).data, "{}", 1);
    add_object(apply, STORE_CDR, "IN-CPO", text(f, "C%d", number).data, "{}", 1);
    add_audit(apply, "pair", "IN-CPO");
    assert_int_equal(run_batch(f, apply), OK);
}

static struct str path_of(struct fixture *f, const char *name)
{
    return text(f, "%s/%s", f->directory, name);
}

static bool is_there(struct fixture *f, const char *name)
{
    return access(path_of(f, name).data, F_OK) == 0;
}

/* ---------------------------------------------------------------- running one */

static void backed_up(struct store_backup *backup)
{
    *(bool *)backup->context = true;
}

static void begin_backup(struct fixture *f, struct store_backup *backup, const char *name, bool *done)
{
    *backup = (struct store_backup){
        .path = path_of(f, name).data, .callback = backed_up, .context = done, .log_max = backup->log_max};
    *done = false;
    store_backup_start(f->client, backup);
    assert_false(*done);
}

static void wait_backup(struct fixture *f, const bool *done)
{
    while (!*done)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static struct store_backup back_up(struct fixture *f, const char *name)
{
    struct store_backup backup = {0};
    bool done;
    begin_backup(f, &backup, name, &done);
    wait_backup(f, &done);
    return backup;
}

static void refused(struct fixture *f, const char *name, int code, const char *words)
{
    struct store_backup backup = back_up(f, name);
    assert_int_equal(backup.result, code);
    if (!strstr(backup.error.text, words))
        fail_msg("\"%s\" does not say \"%s\"", backup.error.text, words);
}

/* ---------------------------------------------------------------- the copy */

/* The copy as a store of its own, which goes on from there. */
static void open_copy(struct fixture *copy, struct fixture *f, const char *name)
{
    fixture_make(copy);
    assert_int_equal(rename(path_of(f, name).data, path_of(copy, "hub.db").data), 0);
    fixture_open(copy);
}

static void verify(struct fixture *f)
{
    struct store_verify_read read = {.limit = 100};
    do {
        assert_int_equal(RUN_READ(f, store_read_verify, &read), OK);
        assert_int_equal(read.bad_sequence, 0);
    } while (!read.done);
}

static int64_t audit_rows(struct fixture *f)
{
    struct store_totals_read totals = {0};
    assert_int_equal(RUN_READ(f, store_read_totals, &totals), OK);
    return totals.audit_rows;
}

/* Everything acknowledged before it began, and of the rest whole batches in their order. */
static void of_one_moment(void **state)
{
    struct fixture *f = *state, copy;
    struct store_backup backup = {0};
    bool done;
    fill(f);
    int before = 20, number;
    for (number = 0; number < before; number++)
        put_pair(f, number);
    begin_backup(f, &backup, "copy", &done);
    while (!done) /* each waits for its commit, and so lets the backup's end in */
        put_pair(f, number++);
    assert_int_equal(backup.result, OK);
    assert_true(number > before);
    put_pair(f, number++); /* the log starts over as ever */

    struct stat status;
    assert_int_equal(stat(backup.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, backup.bytes);
    assert_false(is_there(f, "copy.partial"));
    open_copy(&copy, f, "copy");
    int held = 0;
    for (int i = 0; i < number; i++) {
        int session = get_object(&copy, STORE_SESSION, "IN-CPO", text(f, "S%d", i).data).base.result;
        assert_int_equal(get_object(&copy, STORE_CDR, "IN-CPO", text(f, "C%d", i).data).base.result, session);
        held += session == OK;
        assert_int_equal(session, i < held ? OK : ERR_NOT_FOUND);
    }
    assert_in_range(held, before, number - 1);
    assert_int_equal(audit_rows(&copy), held);
    verify(&copy);
    put_pair(&copy, number);
    verify(&copy);
    fixture_close(&copy);
    fixture_remove(&copy);
}

/* Without a -wal file beside it and where nobody may write, as an archive is. */
static void complete_by_itself(void **state)
{
    struct fixture *f = *state;
    put_pair(f, 1);
    assert_int_equal(back_up(f, "copy").result, OK);
    unsigned char versions[2];
    int file = open(path_of(f, "copy").data, O_RDONLY);
    assert_int_equal(pread(file, versions, 2, 18), 2);
    close(file);
    assert_int_equal(versions[0], 1);
    assert_int_equal(versions[1], 1);
    assert_false(is_there(f, "copy-wal"));
    assert_false(is_there(f, "copy-journal"));
}

static void tells_how_far(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup = {0};
    bool done;
    int64_t copied, total;
    fill(f);
    begin_backup(f, &backup, "copy", &done);
    while (!done) {
        enum store_backup_stage stage = store_backup_progress(&backup, &copied, &total);
        assert_true(stage == STORE_BACKUP_BEGINS || total > LARGES * LARGE);
        assert_in_range(copied, 0, total);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(store_backup_progress(&backup, &copied, &total), STORE_BACKUP_CHECKS);
    assert_int_equal(total, backup.bytes);
    assert_int_equal(copied, total);
}

/* ---------------------------------------------------------------- its end before the end */

static void cancelled(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup = {0};
    bool done;
    fill(f);
    begin_backup(f, &backup, "copy", &done);
    store_backup_cancel(&backup);
    wait_backup(f, &done);
    assert_int_equal(backup.result, ERR_CLOSED);
    assert_false(is_there(f, "copy"));
    assert_false(is_there(f, "copy.partial"));
    assert_int_equal(back_up(f, "copy").result, OK);
}

/* The hub's own disk is not filled by a log that cannot start over. */
static void given_up_for_the_log(void **state)
{
    struct fixture *f = *state;
    struct store_backup backup;
    bool done;
    fill(f);
    fixture_reopen(f); /* the log is empty */
    int number = 0;
    do {
        backup.log_max = 1;
        unlink(path_of(f, "copy").data);
        begin_backup(f, &backup, "copy", &done);
        while (!done)
            put_pair(f, number++);
    } while (backup.result == OK); /* it was faster than a commit: bounded by the test's timeout */
    assert_int_equal(backup.result, ERR_IO);
    assert_non_null(strstr(backup.error.text, "given up"));
    assert_false(is_there(f, "copy"));
    assert_false(is_there(f, "copy.partial"));
}

/* The limit on file sizes stands for the full disk. */
static void full_disk(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, small;
    fill(f);
    fixture_reopen(f); /* nothing of the store is written while it stands */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    refused(f, "copy", ERR_IO, strerror(EFBIG));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(is_there(f, "copy"));
    assert_false(is_there(f, "copy.partial"));
    put_pair(f, 1);
    assert_int_equal(back_up(f, "copy").result, OK);
}

/* What cannot be restored is not called a backup. */
static void damaged_database(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    char garbage[4096];
    fill(f);
    fixture_close(f); /* everything is in the one file */
    memset(garbage, 0xff, sizeof garbage);
    int file = open(path_of(f, "hub.db").data, O_WRONLY);
    assert_int_equal(fstat(file, &status), 0);
    off_t place = status.st_size / 2 / (off_t)sizeof garbage * (off_t)sizeof garbage;
    assert_int_equal(pwrite(file, garbage, sizeof garbage, place), sizeof garbage);
    close(file);
    fixture_open(f);
    refused(f, "copy", ERR_IO, "damaged");
    assert_false(is_there(f, "copy"));
    assert_false(is_there(f, "copy.partial"));
}

/* ---------------------------------------------------------------- what is in the way */

static void put_file(struct fixture *f, const char *name, mode_t mode)
{
    int file = open(path_of(f, name).data, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(file, "mine", 4), 4);
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

static void is_untouched(struct fixture *f, const char *name)
{
    char bytes[8];
    int file = open(path_of(f, name).data, O_RDONLY);
    assert_int_equal(read(file, bytes, sizeof bytes), 4);
    assert_memory_equal(bytes, "mine", 4);
    close(file);
}

static void never_overwrites(void **state)
{
    struct fixture *f = *state;
    put_file(f, "copy", 0644);
    refused(f, "copy", ERR_EXISTS, "exists already");
    is_untouched(f, "copy");
    assert_int_equal(symlink("nowhere", path_of(f, "link").data), 0);
    refused(f, "link", ERR_EXISTS, "exists already");
    assert_false(is_there(f, "nowhere"));
    assert_int_equal(mkdir(path_of(f, "folder").data, 0700), 0);
    refused(f, "folder", ERR_EXISTS, "directory");
    refused(f, "none/copy", ERR_NOT_FOUND, "its directory does not exist");
    refused(f, "copy/copy", ERR_NOT_FOUND, "its directory does not exist");
    refused(f, text(f, "%0255d", 0).data, ERR_IO, strerror(ENAMETOOLONG));
}

/* A .partial goes when a killed hubd can have left it, and only then. */
static void leftovers(void **state)
{
    struct fixture *f = *state;
    put_file(f, "copy.partial", 0600);
    int file = open(path_of(f, "copy.partial").data, O_RDONLY);
    assert_int_equal(flock(file, LOCK_EX), 0);
    refused(f, "copy", ERR_BUSY, "another backup");
    is_untouched(f, "copy.partial");
    close(file);
    assert_int_equal(back_up(f, "copy").result, OK);
    assert_false(is_there(f, "copy.partial"));

    put_file(f, "other.partial", 0644);
    refused(f, "other", ERR_EXISTS, "in the way");
    is_untouched(f, "other.partial");
    put_file(f, "mine", 0600);
    assert_int_equal(symlink("mine", path_of(f, "third.partial").data), 0);
    refused(f, "third", ERR_EXISTS, "in the way");
    is_untouched(f, "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(of_one_moment), STORE_TEST(complete_by_itself),   STORE_TEST(tells_how_far),
        STORE_TEST(cancelled),     STORE_TEST(never_overwrites),     STORE_TEST(leftovers),
        STORE_TEST(full_disk),     STORE_TEST(given_up_for_the_log), STORE_TEST(damaged_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
