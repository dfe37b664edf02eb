#include "lib/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bug.h"
#include "lib/base/magic.h"
#include "lib/base/paths.h"
#include "lib/store/client.h"

#define STORE_BACKUP_MAGIC 0x57bac409u

static struct store_backup *backup_of(void *data)
{
    return MAGIC_CAST(struct store_backup, data, STORE_BACKUP_MAGIC);
}

/* ---------------------------------------------------------------- the file */

/* What errno says, about the path that people gave. */
static int file_failure(struct error *error, const struct store_backup *backup, const char *what)
{
    int number = errno;
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return error_set(error, ERR_NOT_FOUND, "%s: its directory does not exist", backup->path);
    case EEXIST:
        return error_set(error, ERR_EXISTS, "%s: the file exists already", backup->path);
    case EACCES:
    case EPERM:
    case EROFS:
        return error_set(error, ERR_REFUSED, "%s: hubd may not write there: %s", backup->path,
                         strerror(number));
    default:
        return error_set(error, ERR_IO, "%s: %s: %s", backup->path, what, strerror(number));
    }
}

/* Nothing is overwritten. Looked at early for a clear word; the name is given without overwriting, too. */
static int check_free(const struct store_backup *backup, struct error *error)
{
    struct stat status;
    if (lstat(backup->path, &status) == 0)
        return error_set(error, ERR_EXISTS, "%s: %s", backup->path,
                         S_ISDIR(status.st_mode) ? "this is a directory" : "the file exists already");
    return errno == ENOENT ? OK : file_failure(error, backup, "cannot be looked at");
}

/* Whether the open file can be what a killed hubd left. */
static bool is_leftover(int file)
{
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 07777) == 0600 && status.st_nlink == 1;
}

/* Anything else stays, and so does one in the works: it is locked. */
static int remove_leftover(const struct store_backup *backup, struct error *error)
{
    int file = open(backup->partial, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), result = OK;
    if (file < 0 || !is_leftover(file))
        result =
            error_set(error, ERR_EXISTS, "%s: it is in the way, and no backup has left it", backup->partial);
    else if (flock(file, LOCK_EX | LOCK_NB) != 0)
        result = error_set(error, ERR_BUSY, "%s: another backup is writing it", backup->path);
    else if (unlink(backup->partial) != 0)
        result = file_failure(error, backup, "what a killed backup left cannot be removed");
    if (file >= 0)
        close(file);
    return result;
}

static int make_partial(const struct store_backup *backup, int *file, struct error *error)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    *file = open(backup->partial, flags, 0600);
    if (*file < 0 && errno == EEXIST) {
        int result = remove_leftover(backup, error);
        if (result)
            return result;
        *file = open(backup->partial, flags, 0600);
    }
    if (*file < 0)
        return file_failure(error, backup, "cannot be made");
    if (fchmod(*file, 0600) == 0 && flock(*file, LOCK_EX | LOCK_NB) == 0)
        return OK;
    int result = file_failure(error, backup, "cannot be prepared");
    close(*file);
    unlink(backup->partial);
    return result;
}

/* Not every file system can do it in one step; there it is two names for a moment. */
static int give_name(const char *partial, const char *path)
{
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return link(partial, path) == 0 && unlink(partial) == 0 ? 0 : -1;
}

/* Others may have rights in its directory. */
static bool is_still_there(const struct store_backup *backup, int file)
{
    struct stat ours, found;
    return fstat(file, &ours) == 0 && lstat(backup->partial, &found) == 0 && found.st_dev == ours.st_dev &&
           found.st_ino == ours.st_ino;
}

/* The whole copy gets its name, durably; or nothing is left. */
static int name_backup(struct store_backup *backup, int file, struct error *error)
{
    struct stat status;
    if (backup_is_cancelled(backup))
        return error_set(error, ERR_CLOSED, "cancelled");
    if (fsync(file) != 0 || fstat(file, &status) != 0)
        return file_failure(error, backup, "cannot be made durable");
    if (!is_still_there(backup, file))
        return error_set(error, ERR_IO, "%s: its file was taken away while it was written", backup->partial);
    if (give_name(backup->partial, backup->path) != 0)
        return file_failure(error, backup, "cannot get its name");
    if (paths_sync_parent(backup->path) != OK) {
        int result = file_failure(error, backup, "its directory cannot be made durable");
        unlink(backup->path);
        return result;
    }
    backup->bytes = status.st_size;
    return OK;
}

static int make_backup(struct store_backup *backup, struct error *error)
{
    int file;
    int result = check_free(backup, error);
    if (!result)
        result = make_partial(backup, &file, error);
    if (result)
        return result;
    result = backup_write(backup->client->store, backup, file, error);
    if (!result)
        result = name_backup(backup, file, error);
    if (result && is_still_there(backup, file))
        unlink(backup->partial); /* while it is locked: it is ours */
    close(file);
    return result;
}

/* ---------------------------------------------------------------- the thread */

static void run(void *argument)
{
    struct store_backup *backup = backup_of(argument);
    backup->result = make_backup(backup, &backup->error);
    uv_async_send(&backup->ended);
}

static void backup_on_handle_closed(uv_handle_t *handle)
{
    struct store_backup *backup = backup_of(handle->data);
    uv_mutex_destroy(&backup->mutex);
    free(backup->partial);
    backup->magic = 0;
    backup->client->under_way--;
    backup->callback(backup);
}

static void on_ended(uv_async_t *handle)
{
    struct store_backup *backup = backup_of(handle->data);
    uv_thread_join(&backup->thread);
    uv_close((uv_handle_t *)handle, backup_on_handle_closed);
}

/* A start that failed answers as the thread would have. */
static void fail_start(struct store_backup *backup)
{
    backup->result = error_set(&backup->error, ERR_MEMORY, "no memory for a backup");
    uv_close((uv_handle_t *)&backup->ended, backup_on_handle_closed);
}

void store_backup_start(struct store_client *client, struct store_backup *backup)
{
    backup->magic = STORE_BACKUP_MAGIC;
    backup->client = client;
    client->under_way++;
    backup->ended.data = backup;
    if (uv_async_init(client->wake.loop, &backup->ended, on_ended) || uv_mutex_init(&backup->mutex))
        BUG("no handle or lock for a backup: no loop and no lock works any more");
    if (asprintf(&backup->partial, "%s.partial", backup->path) < 0) {
        backup->partial = NULL;
        fail_start(backup);
    } else if (uv_thread_create(&backup->thread, run, backup)) {
        fail_start(backup);
    }
}

enum store_backup_stage store_backup_progress(const struct store_backup *backup, int64_t *copied,
                                              int64_t *total)
{
    *total = atomic_load(&backup->total);
    *copied = atomic_load(&backup->copied);
    return (enum store_backup_stage)atomic_load(&backup->stage);
}

void store_backup_cancel(struct store_backup *backup)
{
    atomic_store(&backup->cancelled, true);
    uv_mutex_lock(&backup->mutex);
    if (backup->interrupt)
        backup->interrupt(backup->interrupted);
    uv_mutex_unlock(&backup->mutex);
}

bool backup_watch(struct store_backup *backup, void (*interrupt)(void *context), void *context)
{
    uv_mutex_lock(&backup->mutex);
    backup->interrupt = interrupt;
    backup->interrupted = context;
    uv_mutex_unlock(&backup->mutex);
    return !backup_is_cancelled(backup);
}
