#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include <uv.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/queue.h"
#include "lib/store/rows.h"

/*
 * What the hub keeps, in the domain's words. No SQL and no engine shows here.
 *
 * Writing: a caller hands over a finished batch (objects + deliveries + audit rows …), which is applied
 * atomically or not at all; conditions travel inside. One writer thread takes what has queued, each batch in
 * its own SAVEPOINT, one commit, one fsync, then answers all: a callback with OK means durable. Reading:
 * every call is asynchronous too; the caller owns the request struct until its callback, which comes later on
 * the client's loop, never from inside the call. All text and bytes handed in must live until the callback;
 * everything handed out lives in the request's arena.
 *
 * Party keys are folded "IN-ABC" (lib/ocpi/party.h), object ids folded to upper case; the bodies keep the
 * owner's spelling. Times are wall-clock milliseconds.
 */

struct store;
struct store_client;

struct store_options {
    const char *directory;    /* state_dir; the database is hub.db in it, hub.lock keeps a second hubd out */
    const uint8_t *audit_key; /* 32 bytes, copied: the HMAC key of the audit chain */
    const uint8_t *key_check; /* 32 bytes, copied: derived from key_file; another database's is refused */
    unsigned queue_max;       /* batches waiting at most; over: ERR_BUSY. 0: 4096 */
    unsigned lazy_delay_ms;   /* longest wait of store_audit_later rows. 0: 250 */
};

/* Whether `directory` holds a database (key files are only made together with an empty one). ERR_IO. */
int store_exists(const char *directory, bool *exists, struct error *error);
/*
 * Opens or creates, migrates, starts the writer thread. Blocking; call at start. Errors, each a sentence with
 * the remedy, nothing changed: ERR_EXISTS (in use by another hubd), ERR_CONFLICT (a newer database, a changed
 * migration, or another program's database), ERR_REFUSED (key file does not belong to it), ERR_IO.
 */
int store_open(const struct store_options *options, struct store **store, struct error *error);
/* Writes what is queued, stops the writer, checkpoints, closes. All clients must have been freed. */
void store_close(struct store *store);
/* Called on the writer thread after a commit that appended audit rows or changed deliveries: only to wake a
 * loop. Set before the first apply. */
void store_set_commit_hook(struct store *store, void (*hook)(void *context), void *context);
/*
 * What the database remembers of the clocks, as of its opening; without STORE_PUT_CLOCK ever, the time of the
 * last audit row. False: a new database.
 */
bool store_clock(const struct store *store, struct clock_mark *mark);
/* Thread safe: true while the write queue is three quarters full or the last commit failed (degraded):
 * real-time work answers 503 first. */
bool store_is_overloaded(const struct store *store);
/* A new number for a platform, party or command; unique and growing. Thread safe. */
int64_t store_new_id(struct store *store);

/* One per loop: its read-only connection and its way back from the writer. NULL: failed, with a sentence. */
struct store_client *store_client_new(struct store *store, uv_loop_t *loop, struct error *error);
/* No request may be under way. Closes its handles; the loop must run on for that. */
void store_client_free(struct store_client *client);
/* Requests of this client whose callback is still to come, for an orderly end. Loop thread only. */
size_t store_client_under_way(const struct store_client *client);

/* ==================== writing ==================== */
enum store_op_type {
    STORE_PUT_PLATFORM, /* u.platform; if its revision differs (0: none stored): ERR_CONFLICT; it grows by 1
                         */
    STORE_DELETE_PLATFORM, /* u.id, with its tokens; absent: ERR_NOT_FOUND */
    STORE_PUT_PARTY, /* u.party; the same. A last_updated above the stored one becomes the greatest of all */
    STORE_DELETE_PARTY,  /* u.id; its receivers and rules go with it; absent: ERR_NOT_FOUND */
    STORE_PUT_TOKEN,     /* u.token */
    STORE_USE_TOKEN,     /* u.token: hash and used. Sets `used` if 0; ERR_NOT_FOUND when the token is gone */
    STORE_DELETE_TOKEN,  /* u.token.hash; absent is no error */
    STORE_DELETE_TOKENS, /* u.token_match */
    STORE_EXPIRE_TOKENS, /* u.token_match: sets expires = u.token_match.expires where it is later or 0 */
    STORE_PUT_RECEIVER,  /* u.receiver; another URL has been told nothing */
    STORE_DELETE_RECEIVER, /* u.receiver.party, .module; absent: ERR_NOT_FOUND */
    STORE_PUT_RULE,        /* u.rule; STORE_RULE_OFF keeps the row */
    STORE_PUT_LIMIT,       /* u.limit */
    STORE_DELETE_LIMIT,    /* u.limit.party, .module; absent: ERR_NOT_FOUND */
    STORE_COUNT_REFUSAL,   /* u.refusal: `count` is added; those whose `last` is before `forgotten` go */
    STORE_COUNT_FINDING,   /* u.finding: `count` is added to what is there, `last` and `example` replace it */
    STORE_SET_TOLD,        /* u.told; without that receiver: ERR_NOT_FOUND */
    STORE_SET_STATUS,    /* u.health; moves last_updated. Without token only PLANNED; absent: ERR_NOT_FOUND */
    STORE_PUT_OBJECT,    /* u.object: tariff, session, CDR */
    STORE_DELETE_OBJECT, /* u.key; absent: ERR_NOT_FOUND */
    STORE_PUT_LOCATION,  /* u.location: with all its EVSEs, replacing what was there */
    STORE_SET_LOCATION,  /* u.location: only the location without its EVSEs (PATCH); EVSEs stay */
    STORE_PUT_EVSE,      /* u.evse */
    STORE_PUT_DELIVERY,  /* u.delivery */
    STORE_REPEAT_DELIVERY,  /* u.repeat */
    STORE_FINISH_DELIVERY,  /* u.finish */
    STORE_LEASE_QUEUE,      /* u.lease; another holder's that has not run out: ERR_CONFLICT */
    STORE_RELEASE_HELD,     /* u.release: held -> pending */
    STORE_HOLD_PENDING,     /* u.hold: pending -> held */
    STORE_PUT_COMMAND,      /* u.command */
    STORE_UPDATE_COMMAND,   /* u.command_update */
    STORE_APPEND_AUDIT,     /* u.audit */
    STORE_PRUNE_AUDIT,      /* u.prune: rows older than `before`, real-time ones than `before_realtime` */
    STORE_PRUNE_DELIVERIES, /* u.prune: delivered, superseded and dead ones that ended before `before` */
    STORE_PRUNE_SESSIONS,   /* u.prune: completed ones that no delivery needs and nobody updated since */
    STORE_PRUNE_CDRS,       /* u.prune: those that no delivery needs */
    STORE_PUT_CLOCK,        /* u.clock */
    STORE_CLAMP_DEADLINES   /* u.clamp */
};

/* A stored last_updated further ahead of the clock than this makes nothing stale (hub-contract 2). */
#define STORE_FUTURE_MAX_MS   (5 * 60 * 1000)
#define STORE_TOKEN_USERS_MAX 8
/* What must hold for an object that is put; more than one may. */
enum store_condition {
    STORE_IF_ABSENT = 1,   /* else ERR_EXISTS */
    STORE_IF_PRESENT = 2,  /* else ERR_NOT_FOUND */
    STORE_IF_REVISION = 4, /* stored revision = `revision`, else ERR_CONFLICT */
    STORE_IF_NOT_OLDER = 8 /* stored time <= new one, or too far ahead (above), else ERR_STALE */
};

struct store_object_put {
    enum store_kind kind;
    struct str owner, id;
    struct str body; /* as received, or patched */
    int64_t last_updated;
    uint8_t digest[16];      /* of the content: with an equal one `arrival` stays (an identical re-push) */
    struct str counterparty; /* session, CDR: folded key of cdr_token's party */
    struct str token_uid;    /* session, CDR: folded; may be empty */
    struct str status;       /* session: its status; may be empty */
    struct str session;      /* CDR: folded session_id; may be empty */
    unsigned conditions;
    int64_t revision;
    bool created, changed; /* out */
};

struct store_evse_part {
    struct str uid; /* folded */
    struct str body;
    int64_t last_updated;
};

struct store_location_put {
    struct str owner, id;
    struct str body; /* without EVSEs: ocpi_location_split */
    size_t children_at;
    int children_form; /* enum ocpi_children_form: 0 inside, 1 absent, 2 null */
    size_t updated_at, updated_length;
    struct str last_updated_text; /* with quotes, the owner's spelling */
    int64_t last_updated;
    uint8_t digest[16];
    const struct store_evse_part *evses;
    size_t evse_count;
    unsigned conditions;
    int64_t revision;
    bool created, changed; /* out */
};

struct store_evse_put {
    struct str owner, location; /* parent missing: ERR_NOT_FOUND */
    struct store_evse_part evse;
    struct str
        last_updated_text; /* with quotes; spliced into the location when it moves it forward, never back */
    unsigned conditions;   /* about the EVSE; STORE_IF_REVISION about the EVSE row */
    int64_t revision;
    bool created, changed; /* out */
};

struct store_op {
    enum store_op_type type;
    union {
        int64_t id;
        struct store_platform platform;
        struct store_party party;
        struct store_token token;
        /* kind -1: both. except: a hash to leave alone or NULL. unused_only: those with used = 0. */
        struct {
            int64_t platform;
            int kind;
            const uint8_t *except;
            bool unused_only;
            int64_t expires;
        } token_match;
        struct store_receiver receiver;
        struct store_rule rule;
        struct store_limit limit;
        /* With `fields_max` a party has at most so many fields of that rule, whatever is counted later:
         * further ones go under the field `others`. */
        struct {
            struct store_finding row;
            unsigned fields_max; /* 0: no bound */
            struct str others;
        } finding;
        /* Of a party and module at most `objects_max` are kept by id, whatever comes later has none. */
        struct {
            struct store_refusal row;
            int64_t forgotten;
            unsigned objects_max;
        } refusal;
        /* ERR_CONFLICT when the receiver's `told` is not `before` any more, or a party was changed or removed
         * after `now`: what was handed over with it is then not the latest. */
        struct {
            int64_t party;
            struct str module;
            int64_t before, now;
        } told;
        struct {
            int64_t platform;
            enum store_platform_status status;
            int64_t last_seen, heard;
            struct str last_error; /* empty: what is stored stays */
            int64_t now;
        } health;
        struct store_object_put object;
        struct {
            enum store_kind kind;
            struct str owner, id;
        } key;
        struct store_location_put location;
        struct store_evse_put evse;
        /*
         * A body by reference (kind >= 0) is read when it is sent; empty then when the object is gone. With
         * `coalesce` older undelivered ones (pending, held) of the same lane become superseded: of the same
         * receiver, module, owner and object, whatever their kind and method; one with `evse` takes only its
         * like along. With `only_if_changed` there is no delivery (delivery.id stays 0) when the last object,
         * location or EVSE before it in the batch was put as it was already. The writer sets delivery.id.
         * Cheapest right behind the STORE_PUT_OBJECT of its object.
         */
        struct {
            struct store_delivery row;
            bool coalesce, only_if_changed;
        } delivery;
        /*
         * A stored session or CDR goes to its eMSP again. When its last delivery is held or dead, that one
         * goes on as if it were new, in the state and for the reason given here; else this row is put. Out:
         * its id. ERR_CONFLICT: the object is on its way already, gone, or another eMSP's.
         */
        struct store_delivery repeat;
        /* Only from pending, held, dead or superseded rows; delivered: ERR_CONFLICT; gone: ERR_NOT_FOUND.
         * PENDING: another try at next_attempt. A superseded row stays so unless it is now DELIVERED. */
        struct {
            int64_t id;
            enum store_delivery_state state;
            struct str reason;
            unsigned attempts, alone;
            int64_t next_attempt, failed;
            struct str last_error;
            int64_t done;
            bool unless_ended;   /* else nothing is done, no error; out: it had not */
            int64_t active_from; /* as in the row */
            struct str tries;    /* empty: as it is */
            struct str receipt;
            /* Of a worker: what the queue remembers from here on; a fence that is not the last one given:
             * ERR_CONFLICT, nothing is done. NULL: not a worker's word. */
            const struct store_queue *queue;
        } finish;
        /* Given until `until` by the writer's clock, again to the same holder with the same fence. The store
         * of a single node gives up all leases when it is opened. */
        struct {
            struct str receiver, holder;
            int64_t until;
            struct store_queue queue; /* out */
        } lease;
        /* Of one receiver, one reason, one module (empty: any). Out: how many. */
        struct {
            struct str receiver, reason, module;
            int64_t count;
        } release;
        /* What a receiver waits for of a sender's objects; `limit` rows at most. Out: how many. */
        struct {
            struct str receiver, sender, reason;
            unsigned limit;
            int64_t count;
        } hold;
        struct store_command command;
        /* ERR_CONFLICT unless the stored state is one of `from` (bit 1 << state). Empty texts and 0 leave
         * what is stored. */
        struct {
            int64_t id;
            unsigned from;
            enum store_command_state state;
            struct str result, result_body, callback_correlation_id;
            int64_t expires;
            struct str
                unless_result; /* also ERR_CONFLICT when this is the stored result; empty: no condition */
        } command_update;
        struct store_audit audit;
        /*
         * Retention, in slices that hold the writer for a few milliseconds: again until `done`. The newest
         * row stays, so that numbers are not given twice.
         *
         * Audit: goes on where the last slice stopped, also after a restart. What is taken away leaves a gap
         * that store_read_verify crosses; a row that does not verify stays, as its own proof. With the last
         * slice comes a row `audit.pruned` that tells how many went since the one before.
         */
        struct clock_mark clock;
        /* Deadlines further ahead of `now` than they can be: tokens in overlap end after `overlap`, initial
         * ones and open commands within their own time, else `command`. `changed` (out): there were some. */
        struct {
            int64_t now, overlap, command;
            bool changed;
        } clamp;
        struct {
            int64_t before, before_realtime; /* INT64_MIN: none */
            unsigned limit;                  /* rows looked at, at most */
            int64_t after, after_time;       /* all but audit, in/out: where it stands; begin with 0 */
            /* out */
            int64_t pruned;
            bool done; /* nothing else is old enough */
        } prune;
    } u;
    struct store_op *next;
};

/* A batch under construction; ops live in the arena, in the order they are applied. */
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
    struct queue queue;
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
struct store_read {
    struct arena *arena;
    void (*callback)(struct store_read *read);
    void *context;
    /* out */
    int result; /* OK, ERR_NOT_FOUND, ERR_IO, ERR_MEMORY */
    struct error error;
    /* own */
    int type;
    void *state; /* of a read that takes several turns */
    struct queue queue;
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
    int64_t changed; /* the last_updated of the last change of a party; a removal counts too */
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

/* Who owns an object of that id (commands and authorize name no owner). */
struct store_owner {
    struct str owner, counterparty;
    bool has_evses; /* every one of the EVSEs asked for is there */
};
struct store_owners_read {
    struct store_read base;
    enum store_kind kind;
    struct str id;
    const struct str *evses; /* folded uids; may be NULL */
    size_t evse_count;
    struct store_owner *owners; /* out; at most 64 */
    size_t owner_count;
};
void store_read_owners(struct store_client *client, struct store_owners_read *read);

/* Which eMSPs used a token lately, in sessions and commands, each once, the last one first. */
struct store_token_users_read {
    struct store_read base;
    struct str token_uid; /* folded */
    /* out */
    struct str emsps[STORE_TOKEN_USERS_MAX]; /* party keys */
    size_t count;
};
void store_read_token_users(struct store_client *client, struct store_token_users_read *read);

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
 * updated (hub-contract 6). An object of owner o matches when its last_updated, or the arrival of its last
 * changed content, or owner o's visible_since lies in [date_from, date_to).
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
    bool more; /* something matches behind the last item */
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
};
void store_read_queues(struct store_client *client, struct store_queues_read *read);

/* Commands. */
struct store_command_read {
    struct store_read base;
    const uint8_t *callback_hash; /* by it, or NULL */
    int64_t id;                   /* by it, or 0 */
    struct str emsp,
        reservation; /* else: the newest RESERVE_NOW of that eMSP with that folded reservation id */
    struct store_command row;
};
void store_read_command(struct store_client *client, struct store_command_read *read);
struct store_command_list {
    struct store_read base;
    int64_t due;    /* > 0: only not ended ones with expires <= due, soonest first; 0: newest first */
    int64_t before; /* > 0: ids below it */
    unsigned limit;
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
