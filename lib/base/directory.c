#include "lib/base/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int paths_sync_parent(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == parent)
        slash[1] = 0;
    else if (slash)
        *slash = 0;
    int file = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return ERR_IO;
    int result = fsync(file) == 0 ? OK : ERR_IO;
    close(file);
    return result;
}

static int make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0) {
        paths_sync_parent(path); /* some file systems cannot; the folder is there all the same */
        return OK;
    }
    if (errno == EEXIST)
        return OK;
    return error_set(error, ERR_IO, "cannot make the folder %s: %s", path, strerror(errno));
}

int paths_make_directory(const char *directory, struct error *error)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s", directory);
    if (length <= 0 || (size_t)length >= sizeof path)
        return error_set(error, ERR_IO, "the folder's name is empty or too long");
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

/* ---------------------------------------------------------------- whose it is */

static bool is_trusted(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

int paths_check_folder(const char *directory, struct error *error)
{
    struct stat status;
    if (stat(directory, &status) != 0)
        return error_set(error, ERR_IO, "cannot look at the folder %s: %s", directory, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return error_set(error, ERR_REFUSED, "%s is no folder", directory);
    if (!is_trusted(status.st_uid) && geteuid() != 0) /* root works in others' folders: containers */
        return error_set(
            error, ERR_REFUSED,
            "the folder %s belongs to another user (uid %u): chown it to the user that hubd runs as",
            directory, (unsigned)status.st_uid);
    if ((status.st_mode & S_IWOTH) != 0)
        return error_set(error, ERR_REFUSED, "the folder %s may be written by everybody: chmod o-w %s",
                         directory, directory);
    return OK;
}

int paths_check_file(int file, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return error_set(error, ERR_IO, "cannot look at %s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERR_REFUSED, "%s is no plain file: move it away", path);
    if (!is_trusted(status.st_uid))
        return error_set(
            error, ERR_REFUSED,
            "%s belongs to another user (uid %u): chown it to the user that hubd runs as, or move it "
            "away",
            path, (unsigned)status.st_uid);
    return OK;
}

bool paths_is_own(const char *path)
{
    char folder[PATH_MAX];
    struct stat status;
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return false;
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    slash[slash == folder ? 1 : 0] = '\0';
    return stat(folder, &status) == 0 && status.st_uid == geteuid();
}
