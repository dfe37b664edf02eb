#ifndef LIB_STORE_OPS_H
#define LIB_STORE_OPS_H

#include "lib/base/clock.h"
#include "lib/store/rows.h"

/* The operations of a batch (store.h applies it): what each takes, its conditions, and what it returns. */

/* clang-format off */

/*
 * X(NAME, function, may_refuse), with what the operation takes and how it fails above each: makes enum
 * store_op_type, the declarations of the engine's functions apply_… and its table of them. An operation that
 * may refuse can fail for a reason of the domain; the others fail only with the database itself.
 */
#define STORE_OPS(X)                                                                                         \
    /* u.platform; if its revision differs (0: none stored): ERR_CONFLICT; it grows by 1 */                  \
    X(PUT_PLATFORM, put_platform, true)                                                                      \
    /* u.id, with its tokens; absent: ERR_NOT_FOUND */                                                       \
    X(DELETE_PLATFORM, delete_platform, true)                                                                \
    /* u.party; the same. A last_updated above the stored one becomes the greatest of all */                 \
    X(PUT_PARTY, put_party, true)                                                                            \
    /* u.id; its receivers and rules go with it; absent: ERR_NOT_FOUND */                                    \
    X(DELETE_PARTY, delete_party, true)                                                                      \
    /* u.token */                                                                                            \
    X(PUT_TOKEN, put_token, false)                                                                           \
    /* u.token: hash, used, content. Sets both if `used` is 0; gone: ERR_NOT_FOUND */                        \
    X(USE_TOKEN, use_token, true)                                                                            \
    /* u.token.hash; absent is no error */                                                                   \
    X(DELETE_TOKEN, delete_token, false)                                                                     \
    /* u.token_match */                                                                                      \
    X(DELETE_TOKENS, delete_tokens, false)                                                                   \
    /* u.token_match: sets expires = u.token_match.expires where it is later or 0 */                         \
    X(EXPIRE_TOKENS, expire_tokens, false)                                                                   \
    /* u.receiver; with another URL nothing is announced yet */                                                  \
    X(PUT_RECEIVER, put_receiver, false)                                                                     \
    /* u.receiver.party, .module; absent: ERR_NOT_FOUND */                                                   \
    X(DELETE_RECEIVER, delete_receiver, true)                                                                \
    /* the same where it was discovered; another, or none, is no error */                                    \
    X(WITHDRAW_RECEIVER, withdraw_receiver, false)                                                           \
    /* u.rule; STORE_RULE_OFF keeps the row */                                                               \
    X(PUT_RULE, put_rule, false)                                                                             \
    /* u.limit */                                                                                            \
    X(PUT_LIMIT, put_limit, false)                                                                           \
    /* u.limit.party, .module; absent: ERR_NOT_FOUND */                                                      \
    X(DELETE_LIMIT, delete_limit, true)                                                                      \
    /* u.refusal: `count` is added; those whose `last` is before `forgotten` go */                           \
    X(COUNT_REFUSAL, count_refusal, false)                                                                   \
    /* u.finding: `count` is added to what is there, `last` and `example` replace it */                      \
    X(COUNT_FINDING, count_finding, false)                                                                   \
    /* u.announced; without that receiver: ERR_NOT_FOUND */                                                  \
    X(SET_ANNOUNCED, set_announced, true)                                                                    \
    /* u.health; moves last_updated. Without token only PLANNED; absent: ERR_NOT_FOUND */                    \
    X(SET_STATUS, set_status, true)                                                                          \
    /* u.object: tariff, session, CDR */                                                                     \
    X(PUT_OBJECT, put_object, true)                                                                          \
    /* u.key; absent: ERR_NOT_FOUND */                                                                       \
    X(DELETE_OBJECT, delete_object, true)                                                                    \
    /* u.location: with all its EVSEs, replacing what was there */                                           \
    X(PUT_LOCATION, put_location, true)                                                                      \
    /* u.location: only the location without its EVSEs (PATCH); EVSEs stay */                                \
    X(SET_LOCATION, set_location, true)                                                                      \
    /* u.evse */                                                                                             \
    X(PUT_EVSE, put_evse, true)                                                                              \
    /* u.delivery */                                                                                         \
    X(PUT_DELIVERY, put_delivery, false)                                                                     \
    /* u.repeat */                                                                                           \
    X(REPEAT_DELIVERY, repeat_delivery, true)                                                                \
    /* u.finish */                                                                                           \
    X(FINISH_DELIVERY, finish_delivery, true)                                                                \
    /* u.lease; another holder's that has not run out: ERR_CONFLICT */                                       \
    X(LEASE_QUEUE, lease_queue, true)                                                                        \
    /* u.release: held -> pending */                                                                         \
    X(RELEASE_HELD, release_held, false)                                                                     \
    /* u.hold: pending -> held */                                                                            \
    X(HOLD_PENDING, hold_pending, false)                                                                     \
    /* u.hold: the same by module */                                                                         \
    X(HOLD_MODULE, hold_module, false)                                                                       \
    /* u.command */                                                                                          \
    X(PUT_COMMAND, put_command, true)                                                                        \
    /* u.command_update */                                                                                   \
    X(UPDATE_COMMAND, update_command, true)                                                                  \
    /* u.audit */                                                                                            \
    X(APPEND_AUDIT, append_audit, false)                                                                     \
    /* u.prune: rows older than `before`, real-time ones than `before_realtime` */                           \
    X(PRUNE_AUDIT, prune_audit, false)                                                                       \
    /* u.prune: delivered, superseded and dead ones that ended before `before` */                            \
    X(PRUNE_DELIVERIES, prune_deliveries, false)                                                             \
    /* u.prune: completed ones that no delivery needs and nobody updated since */                            \
    X(PRUNE_SESSIONS, prune_sessions, false)                                                                 \
    /* u.prune: those that no delivery needs */                                                              \
    X(PRUNE_CDRS, prune_cdrs, false)                                                                         \
    /* u.clock */                                                                                            \
    X(PUT_CLOCK, put_clock, false)                                                                           \
    /* u.clamp */                                                                                            \
    X(CLAMP_DEADLINES, clamp_deadlines, false)

/* clang-format on */

#define STORE_OP_TYPE(NAME, function, may_refuse) STORE_##NAME,
enum store_op_type { STORE_OPS(STORE_OP_TYPE) STORE_OP_COUNT };
#undef STORE_OP_TYPE

/* A stored last_updated that is further in the future than this makes nothing stale (hub-ocpi(7), HTTP AND
 * ANSWERS). */
#define STORE_FUTURE_MAX_MS (5 * 60 * 1000)
/* What must hold for an object that is put; more than one may. */
enum store_condition {
    STORE_IF_ABSENT = 1,    /* else ERR_EXISTS */
    STORE_IF_PRESENT = 2,   /* else ERR_NOT_FOUND */
    STORE_IF_REVISION = 4,  /* stored revision = `revision`, else ERR_CONFLICT */
    STORE_IF_NOT_OLDER = 8, /* stored time <= new one, or too far ahead (above), else ERR_STALE */
    /* session: one that is COMPLETED or INVALID takes another status only with a later time, else ERR_STALE
     */
    STORE_IF_NOT_ENDED = 16
};

struct store_object_put {
    enum store_kind kind;
    struct str owner, id;
    struct str body; /* as received, or patched */
    int64_t last_updated;
    uint8_t digest[16];      /* of the content: with an equal one `arrival` stays (an identical re-push) */
    struct str counterparty; /* session, CDR: folded key of cdr_token's party */
    struct str token_uid, token_type; /* session: of cdr_token; CDR: uid; folded; may be empty */
    struct str status;                /* session: its status; may be empty */
    struct str session;               /* CDR: folded session_id; may be empty */
    unsigned conditions;
    int64_t revision;
    bool created, changed; /* out */
};

struct store_evse_part {
    struct str uid; /* folded */
    struct str body;
    int64_t last_updated;
    uint8_t digest[16]; /* of its value: with an equal one nothing has changed, whatever the bytes are */
};

/* How much a change of an existing EVSE may make a location larger than its maximum, bytes. */
#define STORE_SIZE_LEEWAY 65536

struct store_location_put {
    struct str owner, id;
    struct str body; /* without EVSEs: ocpi_location_split */
    size_t children_at;
    int children_form; /* enum ocpi_children_form: 0 inside, 1 absent, 2 null */
    size_t updated_at, updated_length;
    struct str last_updated_text; /* with quotes, the owner's spelling */
    int64_t last_updated;
    uint8_t digest[16]; /* of the value without its EVSEs and last_updated */
    const struct store_evse_part *evses;
    size_t evse_count;
    unsigned conditions;
    int64_t revision;
    size_t size_max; /* bytes of the whole location that STORE_SET_LOCATION may not make it grow beyond, else
                        ERR_TOO_LARGE; 0: none */
    /* out */
    bool created, changed;
};

struct store_evse_put {
    struct str owner, location; /* parent missing: ERR_NOT_FOUND */
    struct store_evse_part evse;
    struct str
        last_updated_text; /* with quotes; spliced into the location when it moves it forward, never back */
    unsigned conditions;   /* about the EVSE; STORE_IF_REVISION about the EVSE row */
    int64_t revision;
    size_t size_max; /* as above; of an EVSE that is there already STORE_SIZE_LEEWAY more */
    /* out */
    bool created, changed;
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
        /* `fields_max` bounds the fields that a party has for one rule; findings of further fields are counted under
         * the field `others`. */
        struct {
            struct store_finding row;
            unsigned fields_max; /* 0: no bound */
            struct str others;
        } finding;
        /* For a party and module at most `objects_max` objects are kept by id; further ones are counted without an id. */
        struct {
            struct store_refusal row;
            int64_t forgotten;
            unsigned objects_max;
        } refusal;
        /* ERR_CONFLICT when the receiver's `announced` is not `before` any more, or a party was changed or removed
         * after `now`: the batch's messages are then not the latest. */
        struct {
            int64_t party;
            struct str module;
            int64_t before, now;
        } announced;
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
         * With kind >= 0 the body is the stored object, read when the delivery is sent; empty when the object does
         * not exist then. With `coalesce` older pending and held deliveries of the same lane become superseded. A
         * lane is a receiver, module, owner and object, of any kind and method; a delivery with `evse` supersedes
         * only those of the same EVSE. With `only_if_changed` no delivery is put (row.id stays 0) when the last
         * object, location or EVSE before it in the batch was unchanged. Out: row.id. Cheapest right after the
         * STORE_PUT_OBJECT of its object.
         */
        struct {
            struct store_delivery row;
            bool coalesce, only_if_changed;
        } delivery;
        /*
         * Sends a stored session or CDR to its eMSP again. When its last delivery is held or dead, that row becomes
         * like new, with the state and reason given here; else this row is put. Out: the row's id. ERR_CONFLICT: a
         * delivery of the object is pending, the object does not exist, or it is another eMSP's.
         */
        struct store_delivery repeat;
        /* The result of a try. A delivered row: ERR_CONFLICT; no row: ERR_NOT_FOUND. PENDING: it is tried again at
         * next_attempt. A superseded row stays superseded unless it is DELIVERED now. */
        struct {
            int64_t id;
            enum store_delivery_state state;
            enum store_hold_reason hold; /* of HELD; as in the row, with an empty reason */
            struct str reason;
            unsigned attempts, alone, refused;
            int64_t next_attempt, failed;
            struct str last_error;
            int64_t done;
            bool unless_ended;   /* an ended row is left alone, without an error; out: it had not ended */
            int64_t active_from; /* as in the row */
            struct str tries;    /* empty: unchanged */
            struct str receipt;
            /* The queue's new state, from the holder of its lease. ERR_CONFLICT, and nothing is done, when its fence
             * is not the newest one. NULL: not from a holder. */
            const struct store_queue *queue;
        } finish;
        /* The lease lasts until `until` by the writer's clock. The same holder renews it with the same fence. All
         * leases end when the store is opened. */
        struct {
            struct str receiver, holder;
            int64_t until;
            struct store_queue queue; /* out */
        } lease;
        /* The held deliveries of one receiver, with one reason (NONE: any) and module (empty: any). Out: `count`. */
        struct {
            struct str receiver, module;
            enum store_hold_reason reason;
            int64_t count;
        } release;
        /* The pending deliveries of a sender's objects to a receiver; `limit` rows at most. Out: `count`. */
        struct {
            struct str receiver, sender;
            enum store_hold_reason reason;
            struct str module; /* STORE_HOLD_MODULE: of any sender, those that go to the receiver's URL */
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
            bool accepted; /* true: sets it; false: unchanged */
            struct str
                unless_result; /* also ERR_CONFLICT when this is the stored result; empty: no condition */
        } command_update;
        struct store_audit audit;
        struct clock_mark clock;
        /* Shortens deadlines that a wrong clock has set too far ahead of `now`: of tokens in overlap to `overlap`, of
         * initial tokens and open commands to their own lifetime, else to `command`. Out: `changed`, some were. */
        struct {
            int64_t now, overlap, command;
            bool changed;
        } clamp;
        /*
         * Retention, in slices that occupy the writer for a few milliseconds: repeat until `done`. The newest row
         * stays, so that no number is given twice.
         *
         * Audit: each slice begins where the last one stopped, also after a restart. Deleted rows leave a gap, which
         * store_read_verify accepts. A row that does not verify is not deleted, since it proves a manipulation. The
         * last slice appends a row `audit.pruned` with the number of rows deleted since the one before.
         */
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

#endif
