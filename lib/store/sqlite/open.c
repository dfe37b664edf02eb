#include "lib/store/sqlite/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/paths.h"
#include "lib/store/sqlite/lock.h"
#include "lib/store/sqlite/migrate.h"

static uv_once_t configured = UV_ONCE_INIT;

/* A file with a header only is what a first start leaves that was cut off. What cannot be read counts as a
 * database: opening it says why. */
static bool has_tables(const char *path)
{
    struct sql_connection connection;
    struct error error;
    int64_t tables = 1;
    uv_once(&configured, sql_configure);
    if (sql_open(&connection, path, true, &error))
        return true;
    if (sql_pragma(&connection, "SELECT count(*) FROM sqlite_schema", &tables))
        tables = 1;
    sql_close(&connection);
    return tables > 0;
}

int store_exists(const char *directory, bool *exists, struct error *error)
{
    char path[PATH_MAX];
    struct stat status;
    *exists = false;
    if (snprintf(path, sizeof path, "%s/hub.db", directory) >= (int)sizeof path)
        return error_set(error, ERR_IO, "state_dir is too long");
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? OK
                               : error_set(error, ERR_IO, "cannot look at %s: %s", path, strerror(errno));
    *exists = status.st_size > 0 && (!S_ISREG(status.st_mode) || has_tables(path));
    return OK;
}

/* SQLite would make it 0644; its -wal and -shm take the mode of the file. */
static int make_file(const char *path, struct error *error)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file < 0 && errno == ELOOP)
        return error_set(error, ERR_REFUSED,
                         "%s is a symbolic link: set state_dir to the folder where the file is", path);
    if (file < 0)
        return error_set(error, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    struct stat status;
    int result = paths_check_file(file, path, error);
    if (!result && (fstat(file, &status) != 0 || (status.st_size == 0 && fchmod(file, 0600) != 0)))
        result = error_set(error, ERR_IO, "cannot prepare %s: %s", path, strerror(errno));
    if (!result && status.st_size == 0)
        paths_sync_parent(path); /* some file systems cannot */
    close(file);
    return result;
}

static int open_database(struct store *store, const struct store_options *options, struct error *error)
{
    struct sql_connection connection;
    bool created;
    int result = make_file(store->path, error);
    if (!result)
        result = sql_open(&connection, store->path, true, error);
    if (result == ERR_CONFLICT)
        return error_set(error, result,
                         "%s is no database of a hub. Move it away, or choose another state_dir.",
                         store->path);
    if (result)
        return result;
    result = migrate(&connection, options, &created, error);
    if (result) {
        sql_close(&connection);
        return result;
    }
    return writer_new(store, &connection, error);
}

static void free_store(struct store *store)
{
    if (store->running) {
        inbox_stop(&store->inbox);
        uv_thread_join(&store->thread);
    }
    writer_free(store->writer);
    inbox_destroy(&store->inbox);
    if (store->lock >= 0)
        close(store->lock);
    crypto_wipe(store->audit_key, sizeof store->audit_key);
    free(store->directory);
    free(store->path);
    store->magic = 0;
    free(store);
}

static struct store *new_store(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    if (inbox_init(&store->inbox, options->queue_max)) {
        free(store);
        return NULL;
    }
    store->magic = STORE_MAGIC;
    store->lock = -1;
    store->lazy_delay_ms = options->lazy_delay_ms ? options->lazy_delay_ms : 250;
    memcpy(store->audit_key, options->audit_key, SHA256_SIZE);
    store->directory = strdup(options->directory);
    if (asprintf(&store->path, "%s/hub.db", options->directory) < 0)
        store->path = NULL;
    if (!store->directory || !store->path) {
        free_store(store);
        return NULL;
    }
    return store;
}

int store_open(const struct store_options *options, struct store **out, struct error *error)
{
    *out = NULL;
    uv_once(&configured, sql_configure);
    struct store *store = new_store(options);
    if (!store)
        return error_set(error, ERR_MEMORY, "no memory for the store");
    int result = paths_make_directory(store->directory, error);
    if (!result)
        result = paths_check_folder(store->directory, error);
    if (!result)
        result = lock_take(store->directory, &store->lock, error);
    if (!result)
        result = open_database(store, options, error);
    if (!result && uv_thread_create(&store->thread, writer_main, store))
        result = error_set(error, ERR_MEMORY, "cannot start the writer thread");
    if (result) {
        free_store(store);
        return result;
    }
    store->running = true;
    *out = store;
    return OK;
}

void store_close(struct store *store)
{
    if (store)
        free_store(store);
}

void store_set_commit_hook(struct store *store, void (*hook)(void *context), void *context)
{
    store->hook_context = context;
    store->hook = hook;
}

bool store_is_overloaded(const struct store *store)
{
    return store_obstacle(store) != OK;
}

int store_obstacle(const struct store *store)
{
    int result = atomic_load(&store->degraded);
    return result != OK ? result : inbox_is_crowded(&store->inbox) ? ERR_BUSY : OK;
}

int64_t store_registry_changes(const struct store *store)
{
    return atomic_load(&store->registry_begun);
}

int64_t store_horizon(struct store *store)
{
    return moments_horizon(&store->moments);
}

int64_t store_new_id(struct store *store)
{
    return atomic_fetch_add(&store->next_id, 1);
}

bool store_submit(struct store *store, struct store_apply *apply)
{
    return inbox_push(&store->inbox, apply);
}

int store_audit_later(struct store *store, const struct store_audit *row)
{
    return inbox_push_lazy(&store->inbox, row);
}
