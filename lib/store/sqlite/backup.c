#include "lib/store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/size.h"
#include "lib/store/sqlite/internal.h"

/*
 * Pages are copied from a read-only connection inside one read transaction: without it the copy would begin
 * anew with every commit of the writer, and it makes no second writer or checkpointer. Meanwhile the -wal
 * file cannot start over, so it grows by what is written; the writer does not wait for that (backing_up), and
 * a copy that takes too long for the hub's writes is given up.
 *
 * The directory may be another user's, who can put another file under the name of ours at any time. So all of
 * it goes into the open file: hubd's rights overwrite nothing, and nobody else's file gets what is stored.
 */
#define STEP_PAGES 256 /* between two looks at whether it is to go on */
#define SYNC_BYTES                                                                                           \
    ((int64_t)64 << 20) /* handed to the disk at once, or the hub's commits would wait for more */
#define LOG_MIN ((int64_t)1 << 30)

struct copy {
    struct store *store;
    struct store_backup *backup;
    int file;
    struct sql_connection source, target;
    int64_t page_size;
    int64_t log_limit; /* bytes of the -wal file */
    int64_t synced;    /* bytes */
    struct error *error;
};

static int is_cancelled(struct copy *copy)
{
    return error_set(copy->error, ERR_CLOSED, "cancelled");
}

/* SQLite's code, with what the operating system said to it. */
static int failed(struct copy *copy, struct sql_connection *connection, int code, const char *path)
{
    int number = connection->db ? sqlite3_system_errno(connection->db) : 0;
    return error_set(copy->error, (code & 0xff) == SQLITE_NOMEM ? ERR_MEMORY : ERR_IO, "%s: %s%s%s", path,
                     sqlite3_errstr(code), number ? ": " : "", number ? strerror(number) : "");
}

static int system_failed(struct copy *copy)
{
    return error_set(copy->error, ERR_IO, "%s: %s", copy->backup->path, strerror(errno));
}

static int64_t log_size(const struct copy *copy)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s-wal", copy->store->path);
    return stat(path, &status) == 0 ? status.st_size : 0;
}

/* ---------------------------------------------------------------- the copy */

static int open_both(struct copy *copy)
{
    static const char *const target_settings[] = {"PRAGMA journal_mode=MEMORY", "PRAGMA synchronous=OFF",
                                                  "PRAGMA locking_mode=EXCLUSIVE"};
    struct error reason = {0};
    int result = sql_open(&copy->source, copy->store->path, false, &reason);
    if (!result)
        result = sql_open_file(&copy->target, copy->backup->partial, copy->file, true, &reason);
    for (size_t i = 0; !result && i < sizeof target_settings / sizeof target_settings[0]; i++) {
        result = sql_execute(&copy->target, target_settings[i]);
        if (result)
            reason = copy->target.error;
    }
    return result ? error_set(copy->error, result, "%s", reason.text) : OK;
}

/* The moment of the copy: the transaction is what the pages are read in. */
static int begin_copy(struct copy *copy)
{
    int64_t pages, rows;
    int result = sql_execute(&copy->source, "BEGIN");
    if (!result) /* BEGIN alone begins nothing */
        result = sql_pragma(&copy->source, "SELECT count(*) FROM meta", &rows);
    if (!result)
        result = sql_pragma(&copy->source, "PRAGMA page_count", &pages);
    if (!result)
        result = sql_pragma(&copy->source, "PRAGMA page_size", &copy->page_size);
    if (result)
        return error_set(copy->error, result, "%s", copy->source.error.text);
    int64_t bytes = pages * copy->page_size, allowed = copy->backup->log_max;
    if (allowed == 0)
        allowed = bytes > LOG_MIN ? bytes : LOG_MIN;
    copy->log_limit = log_size(copy) + allowed;
    atomic_store(&copy->backup->total, bytes);
    atomic_store(&copy->backup->stage, STORE_BACKUP_COPIES);
    return OK;
}

/* Whether the rest of the copy fits. A disk that is filled to the brim may be the hub's own: it would refuse
 * partners' pushes. */
static int check_room(const struct copy *copy)
{
    struct statvfs room;
    char wanted[SIZE_TEXT], there[SIZE_TEXT];
    int64_t copied, total;
    store_backup_progress(copy->backup, &copied, &total);
    if (fstatvfs(copy->file, &room) != 0 || room.f_blocks == 0) /* some network file systems do not say */
        return OK;
    int64_t available = (int64_t)room.f_bavail * (int64_t)room.f_frsize;
    return available >= total - copied
               ? OK
               : error_set(copy->error, ERR_IO, "%s: %s are needed, %s are free there", copy->backup->path,
                           size_format(total - copied, wanted), size_format(available, there));
}

/* After a step: whether to go on. */
static int look_around(struct copy *copy, sqlite3_backup *pages)
{
    char size[SIZE_TEXT];
    int64_t copied = (sqlite3_backup_pagecount(pages) - sqlite3_backup_remaining(pages)) * copy->page_size;
    atomic_store(&copy->backup->copied, copied);
    if (backup_is_cancelled(copy->backup))
        return is_cancelled(copy);
    if (copied - copy->synced >= SYNC_BYTES) {
        copy->synced = copied;
        int result = fdatasync(copy->file) == 0 ? check_room(copy) : system_failed(copy);
        if (result)
            return result;
    }
    if (log_size(copy) > copy->log_limit)
        return error_set(copy->error, ERR_IO,
                         "%s: given up: the hub's log has come to %s, it is written faster than the copy",
                         copy->backup->path, size_format(copy->log_limit, size));
    return OK;
}

static int copy_pages(struct copy *copy)
{
    sqlite3_backup *pages = sqlite3_backup_init(copy->target.db, "main", copy->source.db, "main");
    if (!pages)
        return failed(copy, &copy->target, sqlite3_errcode(copy->target.db), copy->backup->path);
    int code, result = OK;
    while (!result && (code = sqlite3_backup_step(pages, STEP_PAGES)) == SQLITE_OK)
        result = look_around(copy, pages);
    int end = sqlite3_backup_finish(pages);
    if (result)
        return result;
    if (code == SQLITE_DONE)
        code = end;
    return code == SQLITE_OK ? OK : failed(copy, &copy->target, code, copy->backup->path);
}

/* ---------------------------------------------------------------- the check */

/* Format of a database without -wal file: two bytes of the header. So the copy is complete by itself, and can
 * be read where nobody may write. */
static int leave_wal(struct copy *copy)
{
    static const unsigned char versions[2] = {1, 1};
    return pwrite(copy->file, versions, sizeof versions, 18) == (ssize_t)sizeof versions
               ? OK
               : system_failed(copy);
}

static void interrupt(void *db)
{
    sqlite3_interrupt(db);
}

/* The file that is about to get its name, read as a restored one would be. */
static int check_copy(struct copy *copy)
{
    struct sql_connection copied;
    struct error reason = {0};
    sqlite3_stmt *check = NULL;
    atomic_store(&copy->backup->copied, atomic_load(&copy->backup->total));
    atomic_store(&copy->backup->stage, STORE_BACKUP_CHECKS);
    int result = sql_open_file(&copied, copy->backup->partial, copy->file, false, &reason);
    if (result)
        return error_set(copy->error, result, "%s: %s", copy->backup->path, reason.text);
    int code = sqlite3_prepare_v2(copied.db, "PRAGMA quick_check(1)", -1, &check, NULL);
    bool going = backup_watch(copy->backup, interrupt, copied.db);
    if (code == SQLITE_OK && going)
        code = sqlite3_step(check);
    const char *verdict = code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : NULL;
    backup_watch(copy->backup, NULL, NULL);
    if (backup_is_cancelled(copy->backup))
        result = is_cancelled(copy);
    else if (!verdict)
        result = failed(copy, &copied, code, copy->backup->path);
    else if (strcmp(verdict, "ok") != 0)
        result = error_set(copy->error, ERR_IO, "%s: the copy is damaged, and so the database may be: %s",
                           copy->backup->path, verdict);
    sqlite3_finalize(check);
    sql_close(&copied);
    return result;
}

static int copy_all(struct copy *copy)
{
    int result = open_both(copy);
    if (!result)
        result = begin_copy(copy);
    if (!result)
        result = check_room(copy);
    if (!result)
        result = copy_pages(copy);
    sql_close(&copy->target);
    sql_close(&copy->source); /* the log may start over */
    return result;
}

int backup_write(struct store *store, struct store_backup *backup, int file, struct error *error)
{
    struct copy copy = {.store = store, .backup = backup, .file = file, .error = error};
    if (atomic_exchange(&store->backing_up, true))
        return error_set(error, ERR_BUSY, "another backup is under way");
    int result = copy_all(&copy);
    atomic_store(&store->backing_up, false);
    if (!result)
        result = leave_wal(&copy);
    return result ? result : check_copy(&copy);
}
