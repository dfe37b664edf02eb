#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include <uv.h>

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/ring.h"
#include "lib/store/ops.h"

/*
 * What the hub stores. No SQL and no database engine is visible here.
 *
 * Writing: a caller hands over a batch of operations (ops.h: objects, deliveries, audit rows …) with their conditions.
 * It is applied completely or not at all. One writer thread takes the batches that wait, applies each in a SAVEPOINT of
 * its own, and commits them together with one fsync. A callback with OK means that the batch is durable.
 *
 * Reading is asynchronous, too. The request struct must live until its callback, which is called later on the client's
 * loop, never from inside the call. So must all texts and bytes that it points to. Results live in the request's arena.
 *
 * Party keys are folded, "IN-ABC" (lib/ocpi/party.h), and so are object ids (upper case); bodies keep the owner's
 * spelling. Times are wall-clock milliseconds.
 */

struct store;
struct store_client;

struct store_options {
    const char *directory;    /* state_dir, with the database hub.db, and hub.lock against a second hubd */
    const uint8_t *audit_key; /* 32 bytes, copied: the HMAC key of the audit chain */
    const uint8_t *key_check; /* 32 bytes, copied: derived from key_file; another database's is refused */
    unsigned queue_max;       /* batches waiting at most; over: ERR_BUSY. 0: 4096 */
    unsigned lazy_delay_ms;   /* longest wait of store_audit_later rows. 0: 250 */
};

/* Whether there is a database in `directory`. OK or ERR_IO. */
int store_exists(const char *directory, bool *exists, struct error *error);
/*
 * Opens or creates the database, migrates it, and starts the writer thread. Blocks; call it when hubd starts. Each error
 * has a sentence with the remedy, and nothing was changed: ERR_EXISTS (in use by another hubd), ERR_CONFLICT (a newer database, a changed
 * migration, or another program's database), ERR_REFUSED (key file does not belong to it), ERR_IO.
 */
int store_open(const struct store_options *options, struct store **store, struct error *error);
/* Commits the queued batches, stops the writer thread and closes the database. All clients must have been freed. */
void store_close(struct store *store);
/* Sets a function that the writer thread calls after each commit that appended audit rows or changed deliveries; it may
 * only wake a loop. Call it before the first batch. */
void store_set_commit_hook(struct store *store, void (*hook)(void *context), void *context);
/* The stored mark of the clocks (lib/base/clock.h) when the database was opened; without one, the time of the last audit
 * row. False: a new database. */
bool store_clock(const struct store *store, struct clock_mark *mark);
/* Whether the write queue is three quarters full or the last commit failed: real-time requests should be refused with
 * 503. Thread safe. */
bool store_is_overloaded(const struct store *store);
/* Why the store is overloaded: the error of the last commit (ERR_FULL, ERR_IO …), else ERR_BUSY; OK: it is not. Thread
 * safe. */
int store_obstacle(const struct store *store);
/* The number of changes of rules and parties since the store was opened, those being committed included. Thread safe. */
int64_t store_registry_changes(const struct store *store);
/* A moment (ms, wall clock): rules that are not committed yet will have this `since` or a later one, parties this
 * last_updated or a later one. Thread safe. */
int64_t store_horizon(struct store *store);
/* A new number for a platform, party or command; unique and growing. Thread safe. */
int64_t store_new_id(struct store *store);

/* Makes a loop's client: a read-only connection, and the queue of answers of the writer. NULL: failed, with a sentence. */
struct store_client *store_client_new(struct store *store, uv_loop_t *loop, struct error *error);
/* No request may be under way. Closes its handles; the loop must run on for that. */
void store_client_free(struct store_client *client);
/* Requests of this client whose callback is still to come, for an orderly end. Loop thread only. */
size_t store_client_under_way(const struct store_client *client);

/* ==================== writing ==================== */
/* A batch. Its operations live in the arena, in the order in which they are applied. */
struct store_apply {
    struct arena *arena;
    struct store_op *first, *last;
    void (*callback)(struct store_apply *apply);
    void *context;
    /* out */
    int result; /* OK; ERR_BUSY (queue full), ERR_IO (disk full …), ERR_UNCERTAIN, ERR_MEMORY, or the code of
                   the condition that failed */
    const struct store_op *failed; /* the op whose condition failed */
    struct error error;
    /* own */
    struct store_client *client;
    struct ring queue;
};

void store_batch_init(struct store_apply *apply, struct arena *arena);
/* Appends an op of that type and returns it to be filled; NULL when there is no memory (apply then fails with
 * ERR_MEMORY). */
struct store_op *store_batch_add(struct store_apply *apply, enum store_op_type type);
/* Hands the batch over. The callback comes later on the client's loop, exactly once. */
void store_apply(struct store_client *client, struct store_apply *apply);
/*
 * Appends an audit row without an answer: copied, durable within lazy_delay_ms with the next commit. ERR_BUSY
 * when a hard bound is reached (store_is_overloaded warns long before).
 */
int store_audit_later(struct store *store, const struct store_audit *row);

/* ==================== reading ==================== */
/*
 * A read. Short reads (who owns an id, which queues wait …) go first. Reads of objects and lists follow, at least one in
 * each turn of the loop; each caller gets one in turn.
 */
struct store_read {
    struct arena *arena;
    void (*callback)(struct store_read *read);
    void *context;
    int64_t caller; /* any number that stands for the caller */
    /* Called before anything is read. Returns OK, or the result with which the read ends at once. NULL: it is always
     * wanted. */
    int (*wanted)(struct store_read *read);
    /* out */
    int result; /* OK, ERR_NOT_FOUND, ERR_IO, ERR_MEMORY */
    struct error error;
    /* own */
    int type;
    void *state; /* of a read that takes several turns */
    struct ring queue;
};

/* The whole registry. Platforms and parties are ordered by id, tokens by platform, receivers and limits by
 * party, rules by eMSP and CPO. */
struct store_registry_read {
    struct store_read base;
    struct store_platform *platforms;
    size_t platform_count;
    struct store_party *parties;
    size_t party_count;
    struct store_token *tokens;
    size_t token_count;
    struct store_receiver *receivers;
    size_t receiver_count;
    struct store_rule *rules;
    size_t rule_count;
    struct store_limit *limits;
    size_t limit_count;
    int64_t changed; /* the last_updated of the last change of a party, removals included */
    int64_t horizon; /* as store_horizon: later changes have this time or a later one */
    int64_t
        registry_changes; /* of rules and parties since the store was opened, so many are there at least */
};
void store_read_registry(struct store_client *client, struct store_registry_read *read);

/* One stored object. */
struct store_object_read {
    struct store_read base;
    enum store_kind kind;
    struct str owner, id;
    struct str evse;    /* STORE_LOCATION: folded uid of one EVSE; empty: the whole location */
    bool without_evses; /* STORE_LOCATION: only the location's own part (for PATCH), with the put fields below
                         */
    /* out */
    struct str body;
    int64_t revision; /* of the EVSE row when `evse` is given */
    int64_t last_updated, sequence;
    struct str counterparty, token_uid, status;
    size_t children_at; /* without_evses */
    int children_form;
    size_t updated_at,
        updated_length; /* without_evses; the body's own spelling, which an EVSE may have overtaken */
    struct str last_updated_text; /* with quotes */
};
void store_read_object(struct store_client *client, struct store_object_read *read);

/* The owners of an object with that id: commands and authorizations name no owner. */
struct store_owner {
    struct str owner, counterparty, status; /* status: of a session */
    /* Of a location with several owners, EVSEs that are REMOVED aside: it has any or never had one; it has
     * those asked for. */
    bool alive, has_evses;
};
struct store_owners_read {
    struct store_read base;
    enum store_kind kind;
    struct str id;
    const struct str *evses; /* folded uids; may be NULL */
    size_t evse_count;
    struct store_owner *owners; /* out; all, by key */
    size_t owner_count;
};
void store_read_owners(struct store_client *client, struct store_owners_read *read);

/* The eMSPs that used a token, in sessions and in commands that a CPO accepted; each once. */
struct store_token_users_read {
    struct store_read base;
    struct str token_uid, token_type; /* folded; with a type no uses of other ones */
    /* out */
    struct str *emsps; /* party keys */
    size_t count;
};
void store_read_token_users(struct store_client *client, struct store_token_users_read *read);

/* The eMSP whose START_SESSION with that authorization_reference a CPO accepted; ERR_NOT_FOUND: there is none. */
struct store_starter_read {
    struct store_read base;
    struct str cpo;       /* party key */
    struct str reference; /* folded; an empty one is nobody's */
    /* out */
    struct str emsp; /* party key */
    bool several;    /* another eMSP's too */
};
void store_read_starter(struct store_client *client, struct store_starter_read *read);

/* Findings, by party, module, object, field and rule. */
struct store_findings_read {
    struct store_read base;
    struct str party; /* empty: all */
    unsigned limit;   /* at most 1000 */
    uint64_t skip;
    struct store_finding *rows;
    size_t count;
};
void store_read_findings(struct store_client *client, struct store_findings_read *read);

/*
 * Refused sessions and CDRs, by party and module: those that were refused the last time at `since` or later
 * and whose content has not changed since, so that what was refused may be lost.
 */
struct store_refusals_read {
    struct store_read base;
    struct str party; /* empty: all */
    int64_t since;
    /* out */
    struct store_refusal *rows;
    size_t count;
};
#define STORE_REFUSALS_MAX 1000
void store_read_refusals(struct store_client *client, struct store_refusals_read *read);

/*
 * A page of a list, oldest first, in the order of first arrival, which never changes while objects are
 * updated (hub-ocpi(7), PAGINATION). An object of owner o matches when its last_updated, or the arrival of
 * its last changed content, or owner o's visible_since lies in [date_from, date_to).
 */
struct store_owner_filter {
    struct str owner;
    int64_t visible_since; /* rule enabled at; INT64_MIN when it does not count */
};
struct store_page_item {
    int64_t sequence;
    struct str owner; /* the filter's */
    struct str id;
    size_t size; /* bytes of the body as served, an upper bound within a few bytes */
};
struct store_page_read {
    struct store_read base;
    enum store_kind kind;
    const struct store_owner_filter *owners;
    size_t owner_count;
    struct str counterparty;    /* empty: any */
    int64_t date_from, date_to; /* INT64_MIN / INT64_MAX: open */
    int64_t after; /* only objects with a greater sequence; 0 from the start. With it deep pages cost what the
                      first does */
    uint64_t skip; /* after that, leave out so many */
    unsigned limit;   /* at most 1000 */
    size_t bytes_max; /* the page ends before this is exceeded (at least one item) */
    /* out */
    uint64_t total; /* all that match, whatever after, skip and limit */
    struct store_page_item *items;
    size_t item_count;
    bool more;       /* something matches behind the last item */
    int64_t horizon; /* what this page does not show because it became visible later has arrived then or
                        later: the next window that begins there has it */
};
void store_read_page(struct store_client *client, struct store_page_read *read);

/* The bodies of a page's items in slices, joined by commas; items that vanished meanwhile are left out. */
struct store_bodies_read {
    struct store_read base;
    enum store_kind kind;
    const struct store_page_item *items;
    size_t item_count;
    size_t slice_max;   /* stop after the body that reaches so many bytes */
    struct buffer *out; /* appended to */
    bool need_comma;    /* in/out: a body was written before */
    size_t position;    /* in/out: the next item; item_count when done */
};
void store_read_bodies(struct store_client *client, struct store_bodies_read *read);

/* Deliveries. */
struct store_queue_key { /* what is sent in order and pauses together */
    struct str receiver, module;
};
struct store_waiting_read { /* the queues in which something is pending */
    struct store_read base;
    struct store_queue_key *queues;
    size_t count;
};
void store_read_waiting(struct store_client *client, struct store_waiting_read *read);

/* What may be sent of a queue: what was never tried, in order; of that the newest, and some behind `middle`;
 * and what is due again, the longest due first. */
struct store_due_read {
    struct store_read base;
    struct store_queue_key queue;
    int64_t after;       /* in/out: ids up to it were looked at for their first try */
    int64_t middle;      /* an id; those behind it are the second kind of sample */
    int64_t now, latest; /* a next_attempt behind `latest` was stored by a wrong clock: it is due, too */
    unsigned limit, sample, again; /* of the first sort, of each sample, of the last; a row may come twice */
    struct store_delivery *rows;   /* out: without bodies and texts that are only for people */
    size_t count;
    bool more; /* of the first sort */
};
void store_read_due(struct store_client *client, struct store_due_read *read);

struct store_delivery_read { /* one with its body, as it must be sent now */
    struct store_read base;
    int64_t id;
    struct store_delivery row;
    int64_t older;         /* out: of a pending one with a URL of its own: an older one of its lane (receiver,
                              object, URL, correlation id) that is pending before it; 0: none */
    int64_t older_attempt; /* out: that one's next_attempt */
};
void store_read_delivery(struct store_client *client, struct store_delivery_read *read);

struct store_delivery_list { /* newest last */
    struct store_read base;
    int state;           /* enum store_delivery_state, -1: pending, held and dead; -2: all */
    struct str receiver; /* empty: any; matches receiver or sender */
    int64_t after;
    unsigned limit;
    struct store_delivery *rows; /* without bodies */
    size_t count;
};
void store_read_deliveries(struct store_client *client, struct store_delivery_list *read);

#define STORE_ALONE_MAX 10000
struct store_queue_row { /* per receiver, for start-up and `status` */
    struct str receiver;
    int64_t pending, held, dead;
    int64_t alone; /* of the pending ones: failed while others arrived; STORE_ALONE_MAX a module at most */
    int64_t oldest_pending; /* created, 0: none */
};
struct store_queues_read {
    struct store_read base;
    struct store_queue_row *rows;
    size_t count;
    int64_t newest; /* the greatest id of a delivery, counted or not; 0: there is none */
};
void store_read_queues(struct store_client *client, struct store_queues_read *read);

/* Commands. */
struct store_command_read {
    struct store_read base;
    const uint8_t *callback_hash; /* by it, or NULL */
    int64_t id;                   /* by it, or 0 */
    struct store_command row;
};
void store_read_command(struct store_client *client, struct store_command_read *read);
struct store_command_list {
    struct store_read base;
    int64_t due;    /* > 0: only not ended ones with expires <= due, soonest first; 0: newest first */
    int64_t before; /* > 0: ids below it */
    unsigned limit;
    /* With `reservation` (folded): the RESERVE_NOW and CANCEL_RESERVATION of that id, newest first. */
    struct str reservation, emsp, not_emsp, cpo; /* of one eMSP, of all but one, of one CPO; empty: any */
    struct store_command *rows;
    size_t count;
};
void store_read_commands(struct store_client *client, struct store_command_list *read);

/* Audit. Sequences are given densely: 1, 2, 3 …, and retention takes some away; the cursor text is hubd's
 * matter. */
struct store_audit_row {
    int64_t sequence;
    struct store_audit row;
};
struct store_audit_read {
    struct store_read base;
    int64_t after;  /* greater sequences; with `backwards`: smaller ones than this (0: from the newest) */
    bool backwards; /* newest first, to find the last n */
    int64_t since, until;         /* INT64_MIN / INT64_MAX: open */
    struct str party;             /* matches party, sender or receiver; empty: any */
    struct str action;            /* equal, or a prefix when it ends in '*'; empty: any */
    struct str actor;             /* a part of it; empty: any */
    unsigned limit;               /* rows returned at most */
    struct store_audit_row *rows; /* out */
    size_t count;
    /* The last sequence looked at: where to go on even when nothing matched, since a call looks at a bounded
     * number of rows. Equal to `after`: there is nothing further. */
    int64_t scanned;
};
void store_read_audit(struct store_client *client, struct store_audit_read *read);

/*
 * The rows of an exchange: those with `id` as correlation id, those of the command with that number or with a
 * callback of that correlation id, and those about an object of that id with all that share a correlation id
 * with them. In order of their numbers; the newest ones when there are more than `limit`.
 */
struct store_trace_read {
    struct store_read base;
    struct str id;                /* as people write it; objects are found by it folded, too */
    unsigned limit;               /* at most 1000 */
    struct store_audit_row *rows; /* out */
    size_t count;
    bool more; /* there are older ones */
};
void store_read_trace(struct store_client *client, struct store_trace_read *read);

/* Totals for `status`. */
struct store_totals_read {
    struct store_read base;
    int64_t objects[STORE_KIND_COUNT];
    int64_t object_head; /* the last sequence given to a tariff, session or CDR that is still there */
    int64_t audit_rows, audit_head, database_bytes, wal_bytes;
};
void store_read_totals(struct store_client *client, struct store_totals_read *read);

#endif
