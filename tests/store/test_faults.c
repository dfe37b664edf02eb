#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/store/fixture.h"
#include "lib/store/verify.h"

/*
 * Faults below the engine, one after the other: power loss at every sync (what was not synced is kept, lost
 * or garbage, sector by sector), a sync that fails, memory that runs out, bytes that rot. For SQLite, by a
 * VFS and an allocator around its own.
 */

enum { WORK_MAX = 60 };

struct promises {
    int told[WORK_MAX];
};

/* ---------------------------------------------------------------- a disk that forgets */

struct unsynced {
    struct unsynced *next; /* newest first */
    sqlite3_file *real;
    sqlite3_int64 offset, size_before;
    int amount;
    char before[];
};

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
    bool tracked;
};

static sqlite3_vfs *real_vfs;
static struct unsynced *unsynced;
static uv_mutex_t shim_mutex;
static int syncs_left; /* until the power goes; 0: never */
static int sync_fails; /* the sync that fails, counted down; 0: none */
static unsigned seed;

static unsigned next_random(void)
{
    seed = seed * 1103515245u + 12345u;
    return seed >> 16;
}

#define REAL(file) (((struct shim_file *)(file))->real)

static void remember(sqlite3_file *real, int amount, sqlite3_int64 offset)
{
    struct unsynced *entry = calloc(1, sizeof *entry + (size_t)amount);
    if (!entry)
        abort();
    entry->real = real;
    entry->offset = offset;
    entry->amount = amount;
    real->pMethods->xFileSize(real, &entry->size_before);
    real->pMethods->xRead(real, entry->before, amount, offset); /* a short read leaves zeros */
    entry->next = unsynced;
    unsynced = entry;
}

static void forget(const sqlite3_file *real)
{
    for (struct unsynced **at = &unsynced; *at;) {
        struct unsynced *entry = *at;
        if (entry->real != real) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        free(entry);
    }
}

/* Newest first, so that an older state comes back under a newer one that is lost too. */
static void lose_power(void)
{
    for (struct unsynced *entry = unsynced; entry; entry = entry->next) {
        for (int at = 0; at < entry->amount; at += 512) {
            int amount = entry->amount - at < 512 ? entry->amount - at : 512;
            unsigned choice = next_random() % 5;
            if (choice < 2)
                continue; /* it reached the disk */
            if (choice == 4)
                for (int i = 0; i < amount; i++)
                    entry->before[at + i] = (char)next_random();
            entry->real->pMethods->xWrite(entry->real, entry->before + at, amount, entry->offset + at);
        }
        if (next_random() % 3 == 0)
            entry->real->pMethods->xTruncate(entry->real, entry->size_before);
    }
    _exit(9);
}

static int shim_close(sqlite3_file *file)
{
    uv_mutex_lock(&shim_mutex);
    forget(REAL(file));
    uv_mutex_unlock(&shim_mutex);
    int code = REAL(file)->pMethods->xClose(REAL(file));
    free(REAL(file));
    return code;
}
static int shim_read(sqlite3_file *file, void *data, int amount, sqlite3_int64 offset)
{
    return REAL(file)->pMethods->xRead(REAL(file), data, amount, offset);
}
static int shim_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
    if (((struct shim_file *)file)->tracked) {
        uv_mutex_lock(&shim_mutex);
        remember(REAL(file), amount, offset);
        uv_mutex_unlock(&shim_mutex);
    }
    return REAL(file)->pMethods->xWrite(REAL(file), data, amount, offset);
}
static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}
static int shim_sync(sqlite3_file *file, int flags)
{
    uv_mutex_lock(&shim_mutex);
    if (syncs_left > 0 && --syncs_left == 0)
        lose_power();
    bool fails = sync_fails > 0 && --sync_fails == 0;
    if (!fails)
        forget(REAL(file)); /* what a failed sync should have brought to the disk is as uncertain as before */
    uv_mutex_unlock(&shim_mutex);
    return fails ? SQLITE_IOERR_FSYNC : REAL(file)->pMethods->xSync(REAL(file), flags);
}
static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}
static int shim_lock(sqlite3_file *file, int lock)
{
    return REAL(file)->pMethods->xLock(REAL(file), lock);
}
static int shim_unlock(sqlite3_file *file, int lock)
{
    return REAL(file)->pMethods->xUnlock(REAL(file), lock);
}
static int shim_check(sqlite3_file *file, int *out)
{
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out);
}
static int shim_control(sqlite3_file *file, int op, void *argument)
{
    return REAL(file)->pMethods->xFileControl(REAL(file), op, argument);
}
static int shim_sector(sqlite3_file *file)
{
    (void)file;
    return 512;
}
static int shim_device(sqlite3_file *file)
{
    (void)file;
    return 0; /* no promise of atomic or ordered writes */
}
static int shim_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, out);
}
static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}
static void shim_barrier(sqlite3_file *file)
{
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}
static int shim_unmap(sqlite3_file *file, int remove_it)
{
    return REAL(file)->pMethods->xShmUnmap(REAL(file), remove_it);
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    static const sqlite3_io_methods methods = {
        2,           shim_close, shim_read,     shim_write,   shim_truncate, shim_sync,
        shim_size,   shim_lock,  shim_unlock,   shim_check,   shim_control,  shim_sector,
        shim_device, shim_map,   shim_shm_lock, shim_barrier, shim_unmap,    NULL,
        NULL};
    struct shim_file *shim = (struct shim_file *)file;
    (void)vfs;
    shim->base.pMethods = NULL;
    shim->real = calloc(1, (size_t)real_vfs->szOsFile);
    shim->tracked = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
    int code = shim->real ? real_vfs->xOpen(real_vfs, name, shim->real, flags, out) : SQLITE_NOMEM;
    if (shim->real && shim->real->pMethods)
        shim->base.pMethods = &methods;
    else
        free(shim->real);
    return code;
}

static void install_shim(int syncs)
{
    static sqlite3_vfs shim;
    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs;
    shim.pNext = NULL;
    shim.zName = "shim";
    shim.szOsFile = sizeof(struct shim_file);
    shim.xOpen = shim_open;
    uv_mutex_init(&shim_mutex);
    syncs_left = syncs;
    seed = (unsigned)syncs * 7919u;
    sqlite3_vfs_register(&shim, 1);
}

/* ---------------------------------------------------------------- the work that is interrupted */

static int work_once(struct fixture *f, int i)
{
    static char filler[9000];
    memset(filler, 'x', sizeof filler - 1);
    struct store_apply *apply = new_batch(f);
    struct str id = text(f, "S%d", i);
    add_object(apply, STORE_SESSION, "IN-CPO", id.data, i % 7 ? "{\"v\":1}" : filler, 1000);
    struct store_op *delivery = add_op(apply, STORE_PUT_DELIVERY);
    delivery->u.delivery.coalesce = true;
    delivery->u.delivery.row = (struct store_delivery){
        .receiver = STR("IN-MSP"), .kind = STORE_SESSION, .owner = STR("IN-CPO"), .object = id};
    add_audit(apply, "session.put", "IN-CPO")->object = id;
    return run_batch(f, apply);
}

static void work(struct fixture *f, struct promises *promises)
{
    for (int i = 0; i < WORK_MAX; i++) {
        if (work_once(f, i) == OK)
            promises->told[i] = 1;
        arena_reset(&f->arena);
        if (i % 20 == 19)
            fixture_reopen(f); /* checkpoints, and a file that begins anew */
    }
}

static bool verifies(struct fixture *f, int64_t *rows)
{
    struct store_verify_read read = {.limit = 100};
    do {
        if (RUN_READ(f, store_read_verify, &read) != OK)
            return false;
    } while (!read.done);
    *rows = read.position;
    return read.bad_sequence == 0;
}

static int check_work(struct fixture *f, const struct promises *promises, int round)
{
    int there = 0;
    int64_t rows = 0;
    struct store_due_read due = {.queue = {.receiver = STR("IN-MSP")}, .limit = 1000};
    assert_int_equal(RUN_READ(f, store_read_due, &due), OK);
    for (int i = 0; i < WORK_MAX; i++) {
        struct str id = text(f, "S%d", i);
        bool session = get_object(f, STORE_SESSION, "IN-CPO", id.data).base.result == OK, delivery = false;
        for (size_t j = 0; j < due.count; j++)
            delivery = delivery || str_equal(due.rows[j].object, id);
        if (promises->told[i] && !session)
            fail_msg("round %d: batch %d was acknowledged and is lost", round, i);
        assert_int_equal(session, delivery);
        there += session;
    }
    assert_true(verifies(f, &rows));
    assert_int_equal(rows, there);
    return there;
}

static struct promises *new_promises(void)
{
    struct promises *promises =
        mmap(NULL, sizeof *promises, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(promises, MAP_FAILED);
    return promises;
}

/* ---------------------------------------------------------------- power loss */

/* What is interrupted, and what must hold when the power is back; the promises are the child's. */
struct interrupted {
    void (*work)(struct fixture *f, struct promises *promises);
    void (*check)(struct fixture *f, const struct promises *promises, int round, bool to_its_end);
};

static void lose_power_at_every_sync(const struct interrupted *interrupted)
{
    struct promises *promises = new_promises();
    for (int syncs = 1;; syncs++) {
        struct fixture f;
        int status = 0;
        fixture_make(&f);
        memset(promises, 0, sizeof *promises);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            install_shim(syncs);
            fixture_open(&f);
            interrupted->work(&f, promises);
            fixture_close(&f);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        fixture_open(&f);
        interrupted->check(&f, promises, syncs, WEXITSTATUS(status) == 0);
        fixture_close(&f);
        fixture_remove(&f);
        if (WEXITSTATUS(status) == 0) { /* it ran to its end: every sync has been tried */
            assert_true(syncs > 10);
            break;
        }
        assert_int_equal(WEXITSTATUS(status), 9);
    }
    munmap(promises, sizeof *promises);
}

static void check_pushes(struct fixture *f, const struct promises *promises, int round, bool to_its_end)
{
    int there = check_work(f, promises, round);
    assert_int_equal(put_object(f, STORE_TARIFF, "IN-CPO", "T", "{}", 1), OK);
    if (to_its_end)
        assert_int_equal(there, WORK_MAX);
}

static void power_loss_at_every_sync(void **state)
{
    static const struct interrupted pushes = {work, check_pushes};
    (void)state;
    lose_power_at_every_sync(&pushes);
}

/* ---------------------------------------------------------------- retention, interrupted */

enum { OLD_ROWS = 40, PRUNE_ROWS = 6 };

/* One slice; true when nothing is left to do. */
static bool prune_slice(struct fixture *f)
{
    struct store_apply *apply = new_batch(f);
    struct store_op *op = add_op(apply, STORE_PRUNE_AUDIT);
    op->u.prune.before_realtime = 2000;
    op->u.prune.before = 1000 + OLD_ROWS / 2;
    op->u.prune.limit = PRUNE_ROWS;
    return run_batch(f, apply) == OK && op->u.prune.done;
}

/* Real-time rows and others in turns; the former go, and of the others the older half. */
static void prune_old_rows(struct fixture *f, struct promises *promises)
{
    for (int i = 0; i < OLD_ROWS; i++) {
        struct store_apply *apply = new_batch(f);
        struct store_audit *row = add_audit(apply, "old", "IN-CPO");
        row->kind = i % 2 ? STORE_AUDIT_PUSH : STORE_AUDIT_REALTIME;
        row->time = 1000 + i;
        promises->told[i] = run_batch(f, apply) == OK;
    }
    for (bool done = false; !done;)
        done = prune_slice(f);
}

/* The chain holds at each place where it stopped; and it comes to the same end from there. */
static void check_pruned(struct fixture *f, const struct promises *promises, int round, bool to_its_end)
{
    int64_t rows = 0;
    int told = 0;
    (void)round;
    (void)to_its_end;
    for (int i = 0; i < OLD_ROWS; i++)
        told += promises->told[i];
    assert_true(verifies(f, &rows));
    assert_true(rows >= told);
    for (bool done = false; !done;)
        done = prune_slice(f);
    assert_true(verifies(f, &rows));
    if (told < OLD_ROWS)
        return;
    struct store_audit_read read = {
        .since = INT64_MIN, .until = INT64_MAX, .limit = 1000, .action = STR("old")};
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.count, OLD_ROWS / 4);
    read.action = STR("audit.pruned"); /* one, for all slices before and after the loss */
    assert_int_equal(RUN_READ(f, store_read_audit, &read), OK);
    assert_int_equal(read.count, 1);
    assert_true(str_starts_with(read.rows[0].row.detail, STR("{\"rows\":30,")));
}

static void power_loss_while_pruning(void **state)
{
    static const struct interrupted retention = {prune_old_rows, check_pruned};
    (void)state;
    lose_power_at_every_sync(&retention);
}

/* ---------------------------------------------------------------- a sync that fails */

/* EIO of each fsync in turn, the power lost at the end: nothing acknowledged is gone, and the store went on.
 */
static void failed_sync(void **state)
{
    struct promises *promises = new_promises();
    (void)state;
    for (int fails = 1;; fails++) {
        struct fixture f;
        int status = 0, told = 0;
        fixture_make(&f);
        memset(promises, 0, sizeof *promises);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            install_shim(0);
            seed = (unsigned)fails * 7919u;
            fixture_open(&f);
            sync_fails = fails;
            work(&f, promises);
            if (sync_fails > 0)
                _exit(0);
            lose_power();
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        fixture_open(&f);
        check_work(&f, promises, fails);
        for (int i = 0; i < WORK_MAX; i++)
            told += promises->told[i];
        fixture_close(&f);
        fixture_remove(&f);
        if (WEXITSTATUS(status) == 0) {
            assert_int_equal(told, WORK_MAX);
            assert_true(fails > WORK_MAX); /* every sync has failed once */
            break;
        }
        assert_true(told >= WORK_MAX - 1); /* one batch may be told of the failure, the next ones are fine */
    }
    munmap(promises, sizeof *promises);
}

/* ---------------------------------------------------------------- no memory */

static sqlite3_mem_methods real_memory;
static atomic_int allocations_left; /* 0: all succeed */

static bool refuses(void)
{
    return atomic_load(&allocations_left) > 0 && atomic_fetch_sub(&allocations_left, 1) == 1;
}
static void *shim_malloc(int size)
{
    return refuses() ? NULL : real_memory.xMalloc(size);
}
static void *shim_realloc(void *old, int size)
{
    return refuses() ? NULL : real_memory.xRealloc(old, size);
}

static void out_of_memory_child(struct fixture *f, struct promises *promises)
{
    sqlite3_shutdown(); /* the tests before this one have used it */
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods memory = real_memory;
    memory.xMalloc = shim_malloc;
    memory.xRealloc = shim_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK)
        _exit(2);
    fixture_open(f);
    for (int i = 0; i < WORK_MAX; i++) {
        atomic_store(&allocations_left, i * 2 + 1);
        promises->told[i] = work_once(f, i) == OK;
        get_object(f, STORE_SESSION, "IN-CPO", "S0");
        atomic_store(&allocations_left, 0);
        arena_reset(&f->arena);
    }
    check_work(f, promises, 0);
    fixture_close(f);
    _exit(0);
}

/* Every allocation of a push fails once: the batch is applied or refused, and all goes on. */
static void out_of_memory(void **state)
{
    struct promises *promises = new_promises();
    struct fixture f;
    int status = 0, told = 0;
    (void)state;
    fixture_make(&f);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        out_of_memory_child(&f, promises);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    for (int i = 0; i < WORK_MAX; i++)
        told += promises->told[i];
    assert_true(told < WORK_MAX); /* some did fail */
    assert_true(told > 0);
    fixture_open(&f);
    check_work(&f, promises, 0);
    fixture_close(&f);
    fixture_remove(&f);
    munmap(promises, sizeof *promises);
}

/* ---------------------------------------------------------------- rot */

static void rot(struct fixture *f, unsigned round)
{
    char path[128];
    snprintf(path, sizeof path, "%s/hub.db", f->directory);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    seed = round * 31 + 1;
    for (int i = 0; i < 20; i++) {
        long at = (long)((next_random() << 12 ^ next_random()) % (unsigned)size);
        fseek(file, at, SEEK_SET);
        fputc((int)(next_random() & 0xff), file);
    }
    fclose(file);
}

/* Whatever the bytes say, there is an answer and no crash. */
static void damaged_file(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct fixture f;
        struct promises promises;
        struct error error;
        fixture_make(&f);
        fixture_open(&f);
        work(&f, &promises);
        fixture_close(&f);
        rot(&f, round);
        if (store_open(&f.options, &f.store, &error) == OK) {
            f.client = store_client_new(f.store, &f.loop, &error);
            if (f.client) {
                int64_t rows;
                for (int i = 0; i < WORK_MAX; i += 3) {
                    get_object(&f, STORE_SESSION, "IN-CPO", text(&f, "S%d", i).data);
                    work_once(&f, i);
                }
                struct store_delivery_list list = {.state = -1, .limit = 1000};
                RUN_READ(&f, store_read_deliveries, &list);
                verifies(&f, &rows);
                store_client_free(f.client);
                uv_run(&f.loop, UV_RUN_DEFAULT);
            }
            store_close(f.store);
        } else {
            assert_true(error.text[0] != 0);
        }
        fixture_remove(&f);
    }
}

int main(void)
{
    fixture_own_clock(1700000000000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_loss_at_every_sync),
        cmocka_unit_test(failed_sync),
        cmocka_unit_test(power_loss_while_pruning),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
