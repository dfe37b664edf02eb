#include "lib/store/sqlite/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new directory is durable only when its parent is. */
static void sync_parent(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == parent)
        slash[1] = 0;
    else if (slash)
        *slash = 0;
    int file = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return;
    fsync(file);
    close(file);
}

static int make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0) {
        sync_parent(path);
        return OK;
    }
    if (errno == EEXIST)
        return OK;
    return error_set(error, ERR_IO, "cannot make the folder %s: %s", path, strerror(errno));
}

int directory_make(const char *directory, struct error *error)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s", directory);
    if (length <= 0 || (size_t)length >= sizeof(path))
        return error_set(error, ERR_IO, "state_dir is empty or too long");
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return OK;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int result = make_one(path, error);
        *slash = '/';
        if (result)
            return result;
    }
    return make_one(path, error);
}

static void read_holder(int file, char *out, size_t size)
{
    ssize_t length = pread(file, out, size - 1, 0);
    out[length > 0 ? length : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

int lock_take(const char *directory, int *lock, struct error *error)
{
    char path[PATH_MAX], text[32];
    if (snprintf(path, sizeof(path), "%s/hub.lock", directory) >= (int)sizeof(path))
        return error_set(error, ERR_IO, "state_dir is too long");
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return error_set(error, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    /* flock, not fcntl: it also keeps a second opener of the same process out, and closing another descriptor
     * does not drop it. */
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        read_holder(file, text, sizeof(text));
        close(file);
        if (code != EWOULDBLOCK)
            return error_set(error, ERR_IO, "cannot lock %s: %s", path, strerror(code));
        return error_set(
            error, ERR_EXISTS,
            "%s is in use by another hubd (pid %s). Stop it first, or give this one its own state_dir.",
            directory, text[0] ? text : "unknown");
    }
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)length, 0) != length) {
        int code = errno;
        close(file);
        return error_set(error, ERR_IO, "cannot write %s: %s", path, strerror(code));
    }
    *lock = file;
    return OK;
}
