#ifndef LIB_STORE_SQLITE_INTERNAL_H
#define LIB_STORE_SQLITE_INTERNAL_H

#include <stdatomic.h>

#include "lib/base/magic.h"
#include "lib/store/audit_row.h"
#include "lib/store/audit_summary.h"
#include "lib/store/client.h"
#include "lib/store/inbox.h"
#include "lib/store/read.h"
#include "lib/store/sqlite/moments.h"
#include "lib/store/sqlite/sql.h"

/* ------------------------------------------------------------ the store
 * ------------------------------------------------------------ */

/* What the writer tells the readers about a kind; bumped after the commit, before anybody gets an answer. */
struct store_counters {
    atomic_llong objects; /* how many there are */
    atomic_llong created; /* ever created since the start */
    atomic_llong removed; /* deleted, or moved in a way that an old count does not know */
    atomic_llong changed; /* any of it, and any new content or time */
};

struct writer;

#define STORE_MAGIC 0x53544f52u
struct store {
    uint32_t magic;
    char *directory, *path;
    int lock; /* file descriptor of hub.lock */
    uint8_t audit_key[SHA256_SIZE];
    struct store_inbox inbox;
    unsigned lazy_delay_ms;
    struct writer *writer;
    uv_thread_t thread;
    bool running;
    atomic_int degraded;    /* how the last commit failed; OK: it did not */
    atomic_bool backing_up; /* a reader stays at one moment: the -wal file cannot start over */
    atomic_llong next_id;
    struct store_counters counters[STORE_KIND_COUNT];
    struct moments moments;
    /* Changes of rules and parties that a commit has begun with, and that are committed. */
    atomic_llong registry_begun, registry_committed;
    struct clock_mark clock; /* as it was at the opening */
    int64_t opened;          /* env_monotonic_ms */
    bool has_clock;
    void (*hook)(void *context);
    void *hook_context;
};

/* ------------------------------------------------------------ the writer
 * ------------------------------------------------------------ */

/* All that a batch changes outside the database: kept before it, put back when it is rolled back. */
struct writer_state {
    struct audit_chain chain;
    int64_t object_sequence, location_sequence, delivery_id; /* the last ones given */
    int64_t created[STORE_KIND_COUNT], removed[STORE_KIND_COUNT], changed[STORE_KIND_COUNT];
    int64_t moved[STORE_KIND_COUNT]; /* counterparty changed: old counts do not hold */
    int64_t registry;                /* changes of rules and parties since the start */
    int64_t party_changed;           /* the greatest last_updated that a party ever got */
    bool deliveries;                 /* changed */
    struct audit_summary summary;    /* of the block that the next audit row is in */
};

#define WRITER_MAGIC 0x57524954u
struct writer {
    uint32_t magic;
    struct store *store;
    struct sql_connection connection;
    struct hmac *hmac;
    struct buffer scratch, detail;   /* of the audit row at hand */
    const struct store_apply *batch; /* the one at hand */
    struct writer_state state;
    struct audit_chain committed; /* as the database has it */
    int64_t now;                  /* the wall clock of this group */
    int64_t arrival;              /* of what this group brings: as `now`, but never less than before */
    /* A delivery whose id was given when its object was put, so that the object's row is written once. */
    const struct store_op *promised;
    int64_t promised_id, promised_before;
    bool unchanged;               /* the last object of the batch under way was put as it was already */
    struct ring lazy;             /* taken from the inbox, not durable yet */
    int wal_pages, checkpoint_at; /* pages in the -wal file; how many call for a checkpoint */
    bool wal_behind;              /* some of them are not in the database file yet */
    int64_t head_logged;          /* monotonic ms; 0: not since the start */
    bool was_degraded, checkpoint_failed;
};

/* Reads the counters, the audit chain and prepares the statements; `connection` is handed over. Started by
 * store_open. */
int writer_new(struct store *store, const struct sql_connection *connection, struct error *error);
void writer_free(struct writer *writer);
void writer_main(void *store);

/* apply.c: one batch inside the open transaction. */
enum batch_outcome {
    BATCH_APPLIED,
    BATCH_REFUSED, /* apply->result says why; it left nothing behind */
    BATCH_SPOILED  /* it failed half way without a savepoint: the transaction must be rolled back and done
                      again with savepoints */
};
enum batch_outcome apply_batch(struct writer *writer, struct store_apply *apply, bool careful);
int apply_audit_row(struct writer *writer, const struct store_audit *row);

/* The ops: check every condition before the first write, return 0 or a code with the sentence in `error`. */
typedef int apply_function(struct writer *writer, struct store_op *op, struct error *error);
#define APPLY_DECLARE(NAME, function, may_refuse) apply_function apply_##function;
STORE_OPS(APPLY_DECLARE)
#undef APPLY_DECLARE
int apply_delete_location(struct writer *writer, struct store_op *op, struct error *error);

/* summary.c: adds a row to the summary of its block, and stores the summary with the block's last row. summary_load
 * makes the unfinished block's, when the writer starts. */
int summary_add_row(struct writer *writer, int64_t sequence, const struct store_audit *row);
int summary_load(struct writer *writer);
/* clock.c: reads what store_clock answers, when the writer starts. */
int apply_load_clock(struct store *store, struct sql_connection *connection);
/* The wall clock; where it is far behind, the time known when the store was opened and what has passed since. */
int64_t store_latest(const struct store *store, int64_t wall);

/* The row of meta that keeps writer_state.party_changed: 8 bytes of this machine. */
#define META_PARTY_CHANGED "party_changed"
/* Reads it, for the writer's start and for readers. */
int read_party_changed(struct sql_connection *connection, int64_t *changed);

/* The row of meta in which STORE_PRUNE_AUDIT remembers where it stands: this struct, as this machine has it.
 */
#define META_PRUNE "audit_prune"
enum prune_part { PRUNE_REALTIME, PRUNE_REST, PRUNE_PARTS };
struct prune_state {
    int64_t cursor[PRUNE_PARTS]; /* every row up to this one was looked at, and is kept for good or gone */
    int64_t pruned;              /* rows, ever */
    int64_t untold;              /* of them since the last row `audit.pruned` */
};
/* All zero before the first time. 0 or an SQL failure. */
int apply_load_prune_state(struct sql_connection *connection, struct prune_state *state);

/* What the conditions of a put compare: the stored row, and what the op asks of it. */
struct stored {
    bool present;
    int64_t revision, last_updated;
};
struct sqlite_condition {
    unsigned conditions;
    int64_t revision, last_updated;
};
int apply_check_conditions(const struct writer *writer, const struct stored *stored,
                           const struct sqlite_condition *wanted, struct error *error, const char *what,
                           struct str id);
/* Passes on an SQL failure. */
int apply_failure(struct writer *writer, int result, struct error *error);

/* A location's EVSEs have the places [evse_place(sequence), evse_place(sequence + 1)). */
#define EVSE_PLACES ((int64_t)1 << 20)
static inline int64_t evse_place(int64_t location)
{
    return location * EVSE_PLACES;
}

/* ------------------------------------------------------------ the readers
 * ------------------------------------------------------------ */

struct count_cache;

struct store_reader {
    struct store *store;
    struct sql_connection connection;
    struct hmac *hmac; /* for verify, made at first use */
    struct buffer scratch;
    struct count_cache *counts; /* of pages */
    int64_t turn_end;           /* env_monotonic_us */
    int64_t horizon;            /* what this turn does not see arrives then or later */
    int64_t registry_changes;   /* of rules and parties, that it sees at least */
    /* The store's counters as they were before this turn's transaction began: what is read is at least as
     * new. */
    int64_t created[STORE_KIND_COUNT], removed[STORE_KIND_COUNT], changed[STORE_KIND_COUNT];
};

/*
 * A read: returns true when it is done with read->result set, false when it wants another turn. It runs
 * inside a read transaction that lasts for this turn only.
 */
typedef bool read_function(struct store_reader *reader, struct store_read *read);
#define READ_DECLARE(NAME, name, type) read_function read_##name;
STORE_READS(READ_DECLARE)
#undef READ_DECLARE

/* Ends a read with a failure of the connection or of memory; always true. */
bool read_fail(struct store_reader *reader, struct store_read *read, int result);
bool read_done(struct store_read *read, int result);
/* True when this turn's time is used up. */
bool reader_is_late(const struct store_reader *reader);
/* summary.c: moves `from`, which means what `after` means in struct store_audit_read, over blocks in which nothing
 * wanted can be, as far as the turn lasts. */
int summary_skip(struct store_reader *reader, const struct store_audit_read *r, int64_t *from);
/* Memory of the request; NULL sets read->result to ERR_MEMORY, which sticks. */
void *read_alloc(struct store_read *read, size_t count, size_t size);
/* Copies of the current row's column in the request's arena; the failure sticks the same way. */
struct str read_string(struct store_reader *reader, struct store_read *read, enum sql_id id,
                       enum sql_column column);
/* The reason of a delivery for people: the name of what holds it, else the text that is stored. */
struct str read_reason(struct store_reader *reader, struct store_read *read, enum sql_id id,
                       enum sql_column hold, enum sql_column reason);

/* Appends a location as served, the current row of SQL_LOCATION_READ or SQL_LOCATION_READ_AT; ends that
 * statement. */
int read_append_location(struct store_reader *reader, enum sql_id id, struct buffer *out);

void page_count_free(struct count_cache *cache);

#endif
