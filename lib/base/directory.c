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
    snprintf(parent, sizeof(parent), "%s", path);
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
    int length = snprintf(path, sizeof(path), "%s", directory);
    if (length <= 0 || (size_t)length >= sizeof(path))
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
