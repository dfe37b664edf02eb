#include "lib/ctl/server_internal.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"

/* Gives the file to the group where this process may do so. Where it may not (it is neither root nor a member)
 * the file's mode still admits hubd's user. */
static void give_to_group(const char *path, const struct ctl_rules *rules)
{
    if (rules->has_admin_group && chown(path, (uid_t)-1, rules->admin_group) != 0)
        log_warn("admin socket: %s cannot be given to admin_group: %s", path, strerror(errno));
}

static int make_directory(const char *directory, const struct ctl_rules *rules, struct error *error)
{
    struct stat status;
    if (mkdir(directory, 0750) == 0) {
        give_to_group(directory, rules);
        /* mkdir's mode passes the umask; viewers must be able to reach the socket. */
        if (chmod(directory, rules->has_viewer_group ? 0755 : 0750) != 0)
            return error_set(error, ERR_IO, "admin_socket: chmod %s: %s", directory, strerror(errno));
        return OK;
    }
    if (errno != EEXIST)
        return error_set(error, ERR_IO,
                         "admin_socket: directory %s cannot be made: %s; make it or set admin_socket",
                         directory, strerror(errno));
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode))
        return error_set(error, ERR_REFUSED, "admin_socket: %s is no directory; set admin_socket", directory);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return error_set(error, ERR_REFUSED,
                         "admin_socket: directory %s belongs to another user; set admin_socket", directory);
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0)
        return error_set(error, ERR_REFUSED,
                         "admin_socket: directory %s may be written by everybody; chmod o-w it", directory);
    if (rules->has_viewer_group && (status.st_mode & S_IXOTH) == 0)
        log_warn("admin socket: viewer_group cannot reach %s (chmod o+x it)", directory);
    return OK;
}

/* OK: nobody answers there. */
static int probe(const struct sockaddr_un *address, struct error *error)
{
    int result = OK;
    int probe_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe_socket < 0)
        return error_set(error, ERR_IO, "admin_socket: %s", strerror(errno));
    if (connect(probe_socket, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN)
        result = error_set(
            error, ERR_EXISTS,
            "admin_socket %s: in use, another hubd answers there: stop it or set another admin_socket",
            address->sun_path);
    else if (errno != ECONNREFUSED && errno != ENOENT)
        result = error_set(error, ERR_IO, "admin_socket: %s: %s", address->sun_path, strerror(errno));
    close(probe_socket);
    return result;
}

int ctl_socket_prepare(const char *path, const struct ctl_rules *rules, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    if (!str_copy(str_from(path), address.sun_path, sizeof address.sun_path) || path[0] == '\0')
        return error_set(error, ERR_INVALID, "admin_socket: the path is empty or longer than 107 bytes");
    char copy[sizeof address.sun_path];
    memcpy(copy, address.sun_path, sizeof copy);
    int result = make_directory(dirname(copy), rules, error);
    if (result != OK)
        return result;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? OK : error_set(error, ERR_IO, "admin_socket: %s: %s", path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, ERR_REFUSED,
                         "admin_socket: %s is in the way and no socket; remove it or set admin_socket", path);
    result = probe(&address, error);
    if (result != OK)
        return result;
    if (unlink(path) != 0 && errno != ENOENT)
        return error_set(error, ERR_IO, "admin_socket: the dead socket %s cannot be removed: %s", path,
                         strerror(errno));
    log_info("admin socket: removed the one a stopped hubd left at %s", path);
    return OK;
}

int ctl_socket_open_up(const char *path, const struct ctl_rules *rules, struct error *error)
{
    give_to_group(path, rules);
    if (chmod(path, rules->has_viewer_group ? 0666 : 0660) != 0)
        return error_set(error, ERR_IO, "admin_socket: chmod %s: %s", path, strerror(errno));
    return OK;
}
