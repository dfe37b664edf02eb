#include "lib/store/sqlite/internal.h"

#include <stdlib.h>

#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

/* Batches in one commit at most: enough to share an fsync, few enough that the first does not wait long. */
#define GROUP_MAX 256
/* A probe while degraded, a checkpoint when nothing comes. */
#define QUIET_MS 1000
/* WAL pages from which a checkpoint follows the commit, and from which it waits for readers so that the file
 * starts over. */
#define CHECKPOINT_PAGES 2000
#define RESTART_PAGES    16000
#define HEAD_LOG_MS      (60 * 60 * 1000)

static int on_wal(void *context, sqlite3 *db, const char *name, int pages)
{
    struct writer *writer = MAGIC_CAST(struct writer, context, WRITER_MAGIC);
    (void)db;
    (void)name;
    if (pages < writer->wal_pages) /* it began anew */
        writer->checkpoint_at = CHECKPOINT_PAGES;
    writer->wal_pages = pages;
    writer->wal_behind = true;
    return SQLITE_OK;
}

static void checkpoint(struct writer *writer, int mode)
{
    int pages = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(writer->connection.db, NULL, mode, &pages, &moved);
    bool failed = code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY;
    if (failed && !writer->checkpoint_failed)
        log_error("database: checkpoint: %s", sqlite3_errmsg(writer->connection.db));
    writer->checkpoint_failed = failed; /* said once, tried again until it succeeds */
    /* Readers may keep some of it, or keep the file from starting over: the next try comes when as much has
     * been added again. */
    writer->wal_behind = code != SQLITE_OK || moved < pages;
    writer->checkpoint_at = writer->wal_pages + CHECKPOINT_PAGES;
}

/* ---------------------------------------------------------------- one commit */

static int begin_group(struct writer *writer)
{
    writer->connection.failed = false;
    writer->state.chain = writer->committed;
    writer->promised = NULL;
    return sql_run(&writer->connection, SQL_BEGIN_WRITE, SQL_NO_VALUES);
}

static void roll_back(struct writer *writer)
{
    /* SQLite rolls back by itself after some errors. */
    if (!sqlite3_get_autocommit(writer->connection.db))
        sql_run(&writer->connection, SQL_ROLLBACK, SQL_NO_VALUES);
}

/* False: it must be done again with savepoints, nothing of it is left. */
static bool apply_all(struct writer *writer, struct ring *batches, bool careful)
{
    for (struct ring *node = batches->next; node != batches; node = node->next) {
        struct store_apply *apply = CONTAINER_OF(node, struct store_apply, queue);
        apply->result = OK;
        if (apply_batch(writer, apply, careful) == BATCH_SPOILED)
            return false;
        if (sqlite3_get_autocommit(writer->connection.db))
            return true; /* the transaction is gone; the commit will say so */
    }
    return true;
}

static int append_lazy(struct writer *writer)
{
    for (struct ring *node = writer->lazy.next; node != &writer->lazy; node = node->next) {
        int result = apply_audit_row(writer, &CONTAINER_OF(node, struct store_lazy, queue)->row);
        if (result)
            return result;
    }
    return OK;
}

static int put_head(struct writer *writer)
{
    uint8_t head[AUDIT_HEAD_SIZE];
    /* While degraded the head is written for its own sake: the probe must write something. */
    if (writer->state.chain.sequence == writer->committed.sequence && !writer->was_degraded)
        return OK;
    audit_head_write(&writer->state.chain, writer->hmac, head);
    return sql_run(&writer->connection, SQL_META_PUT,
                   SQL_VALUES(sql_t(STR("audit_head")), sql_bytes(head, sizeof head)));
}

static int commit_once(struct writer *writer, struct ring *batches, bool careful, bool *again)
{
    int result = begin_group(writer);
    *again = false;
    if (!result && !apply_all(writer, batches, careful)) {
        *again = true;
        result = ERR_IO;
    }
    if (!result && sqlite3_get_autocommit(writer->connection.db))
        result = ERR_IO;
    if (!result)
        result = append_lazy(writer);
    if (!result)
        result = put_head(writer);
    if (!result)
        result = sql_run(&writer->connection, SQL_COMMIT, SQL_NO_VALUES);
    if (result)
        roll_back(writer);
    return result;
}

/* After the commit and before the answers, so that a reader who knows of the change recounts. */
static bool publish_counters(struct writer *writer)
{
    struct writer_state *state = &writer->state;
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++) {
        struct store_counters *counters = &writer->store->counters[kind];
        if (state->created[kind] != state->removed[kind])
            atomic_fetch_add(&counters->objects, state->created[kind] - state->removed[kind]);
        if (state->created[kind])
            atomic_fetch_add(&counters->created, state->created[kind]);
        if (state->removed[kind] + state->moved[kind])
            atomic_fetch_add(&counters->removed, state->removed[kind] + state->moved[kind]);
        if (state->changed[kind] + state->created[kind] + state->removed[kind])
            atomic_fetch_add(&counters->changed, 1);
        state->created[kind] = state->removed[kind] = state->changed[kind] = state->moved[kind] = 0;
    }
    atomic_store(&writer->store->registry_committed, state->registry);
    bool worth_a_word = state->deliveries || state->chain.sequence != writer->committed.sequence;
    state->deliveries = false;
    writer->committed = state->chain;
    return worth_a_word;
}

/* A head written down outside the database shows a later one that was made up (hub-audit(5), THE CHAIN). */
static void log_head(struct writer *writer)
{
    char mac[2 * SHA256_SIZE + 1];
    int64_t now = env_monotonic_ms();
    if (writer->committed.sequence == 0 ||
        (writer->head_logged != 0 && now - writer->head_logged < HEAD_LOG_MS))
        return;
    writer->head_logged = now;
    log_info("audit: the head is row %lld, %s", (long long)writer->committed.sequence,
             hex_encode(writer->committed.mac, SHA256_SIZE, mac));
}

static void set_degraded(struct writer *writer, int result)
{
    bool degraded = result != OK;
    if (degraded != writer->was_degraded) {
        if (degraded)
            log_error_bounded("database: %s; writes are refused until it accepts them again",
                              writer->connection.error.text);
        else
            log_bounded(LOG_INFO, "database: writes are accepted again");
    }
    writer->was_degraded = degraded;
    atomic_store(&writer->store->degraded, result);
}

static void answer_all(struct writer *writer, struct ring *batches, int result)
{
    struct ring touched;
    ring_init(&touched);
    for (struct ring *node; (node = ring_pop(batches)) != NULL;) {
        struct store_apply *apply = CONTAINER_OF(node, struct store_apply, queue);
        if (result) {
            apply->failed = NULL;
            int code = writer->connection.error.code == ERR_FULL ? ERR_FULL : ERR_IO;
            apply->result = error_set(&apply->error, code, "%s", writer->connection.error.text);
        }
        client_collect(&touched, apply);
    }
    client_send_all(&touched);
}

static void commit_group(struct writer *writer, struct ring *batches)
{
    struct writer_state before = writer->state;
    bool again, hook = false;
    writer->now = env_wall_ms();
    writer->arrival = moments_begin(&writer->store->moments);
    int result = commit_once(writer, batches, false, &again);
    if (again) {
        writer->state = before;
        result = commit_once(writer, batches, true, &again);
    }
    if (result) {
        writer->state = before;
    } else {
        hook = publish_counters(writer);
        log_head(writer);
    }
    moments_end(&writer->store->moments);
    atomic_store(&writer->store->registry_begun, writer->state.registry);
    set_degraded(writer, result);
    if (!result)
        inbox_free_lazy(&writer->store->inbox, &writer->lazy);
    answer_all(writer, batches, result);
    if (hook && writer->store->hook)
        writer->store->hook(writer->store->hook_context);
    /* not for a reader that will not go soon */
    bool restart = writer->wal_pages >= RESTART_PAGES && !atomic_load(&writer->store->backing_up);
    if (writer->wal_pages >= writer->checkpoint_at)
        checkpoint(writer, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE);
}

/* ---------------------------------------------------------------- the thread */

void writer_main(void *argument)
{
    struct store *store = MAGIC_CAST(struct store, argument, STORE_MAGIC);
    struct writer *writer = store->writer;
    struct ring batches;
    ring_init(&batches);
    for (;;) {
        bool restless = writer->was_degraded || !ring_is_empty(&writer->lazy) || writer->wal_behind;
        enum inbox_event event = inbox_take(&store->inbox, &batches, GROUP_MAX, &writer->lazy,
                                            store->lazy_delay_ms, restless ? QUIET_MS : 0);
        if (event == INBOX_STOP)
            break;
        if (event == INBOX_WORK || writer->was_degraded || !ring_is_empty(&writer->lazy))
            commit_group(writer, &batches);
        else
            checkpoint(writer, SQLITE_CHECKPOINT_PASSIVE);
    }
    if (!ring_is_empty(&writer->lazy))
        commit_group(writer, &batches);
    if (!ring_is_empty(&writer->lazy))
        log_error("database: audit rows are lost at the end: %s", writer->connection.error.text);
    checkpoint(writer, SQLITE_CHECKPOINT_TRUNCATE);
}

/* ---------------------------------------------------------------- start and end */

static int load_counters(struct writer *writer)
{
    struct sql_connection *c = &writer->connection;
    struct store *store = writer->store;
    int64_t number = 0;
    int result = sql_number(c, SQL_MAX_ID, &number);
    atomic_init(&store->next_id, number + 1);
    if (!result)
        result = sql_number(c, SQL_MAX_OBJECT, &writer->state.object_sequence);
    if (!result)
        result = sql_number(c, SQL_MAX_LOCATION, &writer->state.location_sequence);
    if (!result)
        result = sql_number(c, SQL_MAX_DELIVERY, &writer->state.delivery_id);
    if (!result)
        result = read_party_changed(c, &writer->state.party_changed);
    if (!result)
        result = sql_number(c, SQL_COUNT_LOCATIONS, &number);
    atomic_init(&store->counters[STORE_LOCATION].objects, number);
    if (result)
        return result;
    for (result = sql_first(c, SQL_COUNT_OBJECTS, SQL_NO_VALUES); result > 0;
         result = sql_next(c, SQL_COUNT_OBJECTS)) {
        int64_t kind = sql_integer(c, SQL_COUNT_OBJECTS, COL_COUNT_OBJECTS_KIND);
        if (kind > STORE_LOCATION && kind < STORE_KIND_COUNT)
            atomic_init(&store->counters[kind].objects,
                        sql_integer(c, SQL_COUNT_OBJECTS, COL_COUNT_OBJECTS_COUNT));
    }
    return result;
}

/*
 * The chain goes on from the head. A head that does not fit the rows was tampered with: the chain then leaves
 * a hole or a break, so that every later verify says so.
 */
static int load_chain(struct writer *writer)
{
    struct sql_connection *c = &writer->connection;
    struct audit_chain head = {0}, last = {0};
    bool valid = false;
    int result = sql_first(c, SQL_META_GET, SQL_VALUES(sql_t(STR("audit_head"))));
    if (result < 0)
        return result;
    if (result > 0)
        valid = audit_head_read(&head, writer->hmac, sql_string(c, SQL_META_GET, COL_META_GET_VALUE));
    sql_end(c, SQL_META_GET);
    result = sql_first(c, SQL_AUDIT_LAST, SQL_NO_VALUES);
    if (result < 0)
        return result;
    if (result > 0)
        last.sequence = sql_integer(c, SQL_AUDIT_LAST, COL_AUDIT_LAST_SEQUENCE);
    moments_init(&writer->store->moments,
                 result > 0 ? sql_integer(c, SQL_AUDIT_LAST, COL_AUDIT_LAST_TIME) : 0);
    sql_end(c, SQL_AUDIT_LAST);
    if (!valid || head.sequence != last.sequence)
        log_error(
            "audit: the last row is %lld, the head says %lld%s: rows were taken away or added from outside; "
            "`hubctl audit verify` shows where",
            (long long)last.sequence, (long long)head.sequence, valid ? "" : " (not authentic)");
    if (!valid)
        head.sequence = last.sequence + 1;
    else if (head.sequence < last.sequence)
        head.sequence = last.sequence;
    writer->state.chain = writer->committed = head;
    return OK;
}

int writer_new(struct store *store, const struct sql_connection *connection, struct error *error)
{
    struct writer *writer = calloc(1, sizeof *writer);
    struct hmac *hmac = hmac_new(store->audit_key, SHA256_SIZE);
    if (!writer || !hmac) {
        free(writer);
        hmac_free(hmac);
        return error_set(error, ERR_MEMORY, "no memory for the writer");
    }
    writer->magic = WRITER_MAGIC;
    writer->store = store;
    writer->connection = *connection;
    writer->hmac = hmac;
    writer->checkpoint_at = CHECKPOINT_PAGES;
    ring_init(&writer->lazy);
    store->writer = writer;
    int result = sql_prepare(&writer->connection, SQL_WRITER, error);
    if (result)
        return result;
    sqlite3_wal_hook(writer->connection.db, on_wal, writer);
    result = load_counters(writer);
    if (!result)
        result = load_chain(writer);
    if (!result)
        result = summary_load(writer);
    if (!result)
        result = apply_load_clock(store, &writer->connection);
    if (!result) /* hub.lock is ours: whoever had a queue is gone */
        result = sql_run(&writer->connection, SQL_QUEUE_END_LEASES, SQL_NO_VALUES);
    return result ? error_set(error, result, "%s", writer->connection.error.text) : OK;
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    sql_close(&writer->connection);
    inbox_free_lazy(&writer->store->inbox, &writer->lazy);
    hmac_free(writer->hmac);
    buffer_free(&writer->scratch);
    buffer_free(&writer->detail);
    writer->magic = 0;
    free(writer);
}
