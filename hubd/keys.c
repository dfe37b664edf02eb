#include "hubd/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/env.h"
#include "lib/base/paths.h"

#define SECRET_SIZE 32
#define FILE_SIZE   (2 * SECRET_SIZE + 1)

/* Suffix of a key whose database is not durable yet: a first start that is interrupted begins again. */
static int keys_new_path(const char *path, char out[PATH_MAX], struct error *error)
{
    return snprintf(out, PATH_MAX, "%s.new", path) < PATH_MAX
               ? OK
               : error_set(error, ERR_INVALID, "key_file: the path is too long");
}

static int keys_create(const char *path, struct error *error)
{
    uint8_t secret[SECRET_SIZE];
    char text[FILE_SIZE + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, ERR_IO, "key_file %s: cannot be made: %s", path, strerror(errno));
    env_random(secret, sizeof secret);
    hex_encode(secret, sizeof secret, text);
    text[FILE_SIZE - 1] = '\n';
    bool written = write(fd, text, FILE_SIZE) == FILE_SIZE && fsync(fd) == 0 && paths_sync_parent(path) == 0;
    int reason = errno;
    crypto_wipe(secret, sizeof secret);
    crypto_wipe(text, sizeof text);
    close(fd);
    if (written)
        return OK;
    unlink(path);
    return error_set(error, ERR_IO, "key_file %s: cannot be written: %s", path, strerror(reason));
}

static int keys_read(const char *path, uint8_t secret[SECRET_SIZE], struct error *error)
{
    char text[FILE_SIZE + 1];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP)
        return error_set(error, ERR_REFUSED, "key_file %s: a symbolic link: set key_file to the file itself",
                         path);
    if (fd < 0)
        return error_set(
            error, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
            errno == ENOENT
                ? "key_file %s: %s, but there is a database: put the key file that belongs to it there"
                : "key_file %s: cannot be read: %s: make it readable for hubd's user",
            path, strerror(errno));
    if (paths_check_file(fd, path, error) != OK) {
        close(fd);
        return error->code;
    }
    ssize_t length = fstat(fd, &status) == 0 ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (length >= 0 && (status.st_mode & 077) != 0)
        return error_set(error, ERR_REFUSED, "key_file %s: others may read it (mode %04o): chmod 0600 %s",
                         path, (unsigned)status.st_mode & 07777, path);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    bool good = length == FILE_SIZE - 1 && hex_decode(str_of(text, (size_t)length), secret, SECRET_SIZE);
    crypto_wipe(text, sizeof text);
    return good ? OK
                : error_set(error, ERR_INVALID,
                            "key_file %s: not 64 hexadecimal digits: put back the file that hubd made (or "
                            "its backup)",
                            path);
}

static int keys_derive(const uint8_t secret[SECRET_SIZE], struct keys *keys)
{
    struct {
        const char *purpose;
        uint8_t *out;
    } parts[] = {{"hubd seal 1", keys->seal},
                 {"hubd audit 1", keys->audit},
                 {"hubd check 1", keys->check},
                 {"hubd via 1", keys->via}};
    struct hmac *hmac = hmac_new(secret, SECRET_SIZE);
    if (hmac == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hmac_begin(hmac);
        hmac_update(hmac, parts[i].purpose, strlen(parts[i].purpose));
        hmac_end(hmac, parts[i].out);
    }
    hmac_free(hmac);
    return OK;
}

static bool keys_is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Chooses the file to read. `path` without a database means that the database was lost. `path`.new belongs to
 * a database that is being made, or to none yet. */
static int keys_choose(const char *path, const char *fresh_path, bool exists, bool *fresh,
                       struct error *error)
{
    struct error reason;
    uint8_t secret[SECRET_SIZE];
    *fresh = false;
    if (exists) {
        *fresh = !keys_is_there(path) && keys_is_there(fresh_path);
        return OK;
    }
    if (keys_is_there(path))
        return error_set(
            error, ERR_REFUSED,
            "key_file %s is there, but state_dir has no database that belongs to it: is state_dir "
            "right and mounted? Restore hub.db from a backup (hubctl backup -h), or, to begin "
            "with an empty hub, move the key away",
            path);
    *fresh = true;
    int result = keys_read(fresh_path, secret, &reason);
    crypto_wipe(secret, sizeof secret);
    if (result == OK)
        return OK;
    if (result == ERR_INVALID && unlink(fresh_path) != 0) /* half written */
        return error_set(error, ERR_IO, "key_file %s: cannot be removed: %s", fresh_path, strerror(errno));
    return result == ERR_INVALID || result == ERR_NOT_FOUND ? keys_create(fresh_path, error)
                                                            : error_set(error, result, "%s", reason.text);
}

int keys_load(const char *path, bool exists, struct keys *keys, struct error *error)
{
    uint8_t secret[SECRET_SIZE];
    char fresh_path[PATH_MAX];
    int result = keys_new_path(path, fresh_path, error);
    if (result == OK)
        result = keys_choose(path, fresh_path, exists, &keys->fresh, error);
    if (result == OK)
        result = keys_read(keys->fresh ? fresh_path : path, secret, error);
    if (result == OK && keys_derive(secret, keys) != OK)
        result = error_set(error, ERR_MEMORY, "no memory");
    crypto_wipe(secret, sizeof secret);
    return result;
}

int keys_settle(const char *path, struct error *error)
{
    char fresh_path[PATH_MAX];
    int result = keys_new_path(path, fresh_path, error);
    if (result == OK && (rename(fresh_path, path) != 0 || paths_sync_parent(path) != OK))
        result = error_set(error, ERR_IO, "key_file %s: cannot be given its name: %s", path, strerror(errno));
    return result;
}
