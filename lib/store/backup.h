#ifndef LIB_STORE_BACKUP_H
#define LIB_STORE_BACKUP_H

#include <stdatomic.h>

#include "lib/store/store.h"

/*
 * Copies the whole database, as of one moment, to a new file while the hub runs (hubctl-backup(1)). A thread of its own
 * makes the copy; no loop and no writer waits for it.
 *
 * The copy is written to `path`.partial (0600), synced and checked, and then renamed to `path`. So `path` is always a
 * complete backup, even if hubd is killed or the machine stops. The next backup to the same path removes an old .partial.
 */
enum store_backup_stage { STORE_BACKUP_BEGINS, STORE_BACKUP_COPIES, STORE_BACKUP_CHECKS };

struct store_backup {
    const char *path; /* absolute; lives until the callback */
    /* Bytes that other writes may add to the write-ahead log meanwhile, since it cannot be reset before the copy is made.
     * With more the backup fails. 0: the size of the database, at least 1 GiB. */
    int64_t log_max;
    void (*callback)(
        struct store_backup *backup); /* on the client's loop; the struct is the caller's again */
    void *context;
    /*
     * out; each failure has left no file:
     * OK; ERR_EXISTS (`path` is there already); ERR_NOT_FOUND (no such directory); ERR_REFUSED (not allowed
     * to write there); ERR_BUSY (a backup is under way); ERR_CLOSED (cancelled); ERR_IO (disk full, a damaged
     * database …); ERR_MEMORY
     */
    int result;
    struct error error;
    int64_t bytes; /* of the file */
    /* own */
    uint32_t magic;
    struct store_client *client;
    char *partial;
    uv_thread_t thread;
    uv_async_t ended;
    uv_mutex_t mutex; /* guards `interrupt` */
    void (*interrupt)(void *context);
    void *interrupted;
    atomic_bool cancelled;
    atomic_int stage; /* enum store_backup_stage */
    atomic_llong copied, total;
};

/* Begins one. `path`, log_max, callback and context are set, the rest is zero. */
void store_backup_start(struct store_client *client, struct store_backup *backup);
/* How far it is; bytes copied, and to be copied (0: not known yet). Any thread. */
enum store_backup_stage store_backup_progress(const struct store_backup *backup, int64_t *copied,
                                              int64_t *total);
/* Makes it end soon, with ERR_CLOSED unless it is done by then. Any thread, until the callback. */
void store_backup_cancel(struct store_backup *backup);

/* ---------------------------------------------------------------- for the engine, on the backup's thread */

/* Sets what store_backup_cancel calls from another thread; NULL before what it works on goes. False: it was
 * cancelled already. */
bool backup_watch(struct store_backup *backup, void (*interrupt)(void *context), void *context);
static inline bool backup_is_cancelled(const struct store_backup *backup)
{
    return atomic_load(&backup->cancelled);
}

/*
 * Of the engine: writes the copy into backup->partial, which is there and empty and open as `file`, and
 * checks it; counts in `copied` and `total`. One at a time: ERR_BUSY. Syncing at the end and naming are the
 * caller's.
 */
int backup_write(struct store *store, struct store_backup *backup, int file, struct error *error);

#endif
