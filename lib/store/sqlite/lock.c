#include "lib/store/sqlite/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/paths.h"

static void read_holder(int file, char *out, size_t size)
{
    ssize_t length = pread(file, out, size - 1, 0);
    out[length > 0 ? length : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

int lock_take(const char *directory, int *lock, struct error *error)
{
    char path[PATH_MAX], text[32];
    if (snprintf(path, sizeof path, "%s/hub.lock", directory) >= (int)sizeof path)
        return error_set(error, ERR_IO, "state_dir is too long");
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file < 0 && errno == ELOOP)
        return error_set(error, ERR_REFUSED, "%s is a symbolic link: remove it", path);
    if (file < 0)
        return error_set(error, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    if (paths_check_file(file, path, error)) {
        close(file);
        return error->code;
    }
    /* flock, not fcntl: it also keeps a second opener of the same process out, and closing another descriptor
     * does not drop it. */
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        read_holder(file, text, sizeof text);
        close(file);
        if (code != EWOULDBLOCK)
            return error_set(error, ERR_IO, "cannot lock %s: %s", path, strerror(code));
        return error_set(
            error, ERR_EXISTS,
            "%s is in use by another hubd (pid %s). Stop it first, or give this one its own state_dir.",
            directory, text[0] ? text : "unknown");
    }
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)length, 0) != length) {
        int code = errno;
        close(file);
        return error_set(error, ERR_IO, "cannot write %s: %s", path, strerror(code));
    }
    *lock = file;
    return OK;
}
