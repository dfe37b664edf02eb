#ifndef HUBD_ADMIN_CHANGE_H
#define HUBD_ADMIN_CHANGE_H

#include "hubd/admin/refusal.h"
#include "hubd/hub.h"

/*
 * The one way of every admin command that changes something. Changes run one at a time, on the control loop:
 *
 * 1. `build` turns the request and the current snapshot of the registry into a batch for the store, with its audit row.
 * 2. The batch is applied. When somebody else changed a row meanwhile (ERR_CONFLICT), the registry is read again and
 *    `build` runs again, until it is late (hubd/request/late.h). So it must begin from nothing each time.
 * 3. The registry is read again, and every loop takes the new snapshot.
 * 4. Follow-ups run, if `build` asked for any.
 * 5. The request is answered.
 */
#define CHANGE_MAGIC     0x4348414eu
#define CHANGE_HINTS_MAX 4

struct change_follow;

struct change {
    uint32_t magic;
    struct hub *hub;
    struct ctl_request *request;
    struct arena *arena; /* the request's: lives until the answer */
    const struct json_value *params;
    int64_t now;
    const struct registry_snapshot *snapshot; /* only within build */
    struct store_apply batch;
    struct refusal refusal;
    void *context; /* the command's own struct: of change_begin_with, change_step */
    /* set by change_done and change_unchanged */
    struct str id, message;
    const char *what;
    bool unchanged; /* there is nothing to apply */
    struct str hints[CHANGE_HINTS_MAX];
    size_t hint_count;
    /* set by build where it is wanted */
    void (*reply)(struct change *change, struct json_writer *writer); /* NULL: the usual answer */
    bool building; /* build goes on later and calls change_built; until then the snapshot is held */
    /* own */
    bool (*build)(struct change *change);
    void (*then)(struct change *change);
    struct change_follow *follows;
    struct registry_snapshot *held;
    int64_t began_us; /* its turn, monotonic */
    bool registry;
    struct ring queue;
};

/* Begins a change that runs when those before it have ended. `build` returns false after
 * refusal_set(&change->refusal, …). `registry`: whether the change touches what is in a snapshot. */
void change_begin(struct ctl_request *request, bool (*build)(struct change *change), bool registry);

/* The same with the command's own struct, which lives in the request's arena. */
void change_begin_with(struct ctl_request *request, bool (*build)(struct change *change), bool registry,
                       void *context);

/*
 * One step of a request that must not keep other changes waiting until its end. It runs like any change that touches
 * snapshots, but calls `then` in place of the answer, with `refusal.code` CTL_OK when the change is stored and every
 * loop knows it. The request is answered later: after a further step, or by change_reply from inside `then`. `change`
 * is memory of the request's arena that no other step is using.
 */
void change_step(struct change *change, struct ctl_request *request, bool (*build)(struct change *change),
                 void (*then)(struct change *change), void *context);
/* The members of the usual answer, for a `reply` that adds to them. */
void change_write_reply(struct change *change, struct json_writer *writer);
/* Ends a build that set `building`. `good`: as build returns it. */
void change_built(struct change *change, bool good);
/* Answers the request with what the change did. Ends the request, and with it the change. */
void change_reply(struct change *change);

/* ---------------------------------------------------------------- for build */

/* Texts that are handed in live as long as the request's arena, or are of the snapshot's rows, which are kept until the
 * batch is applied. */

/* What was done: a word for programs ("added") and a line for people. Always true, so that build ends with `return
 * change_done(…)`. */
bool change_done(struct change *change, struct str id, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Nothing to do: "party IN-ABC unchanged". */
bool change_unchanged(struct change *change, struct str id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void change_hint(struct change *change, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends an op; NULL when there is no memory: the batch then fails by itself. */
struct store_op *change_op(struct change *change, enum store_op_type type);
/*
 * Asks for a follow-up, once the change is stored and every loop knows it. `run` fills change->batch and returns true
 * as long as there is something to apply; `done` is the first op of its batch before, NULL at first. Follow-ups run in
 * the order in which they were asked for. `context` lives as long as the request's arena.
 */
void change_follow(struct change *change,
                   bool (*run)(struct change *change, void *context, const struct store_op *done),
                   void *context);
/* A follow-up that comes before all others: the deliveries to this party are tried at once. */
void change_resume(struct change *change, const struct ocpi_party_key *party);
/*
 * The audit row. `before` and `after`: JSON values without secrets, or empty; they become detail
 * {"before":…,"after":…}.
 */
void change_audit(struct change *change, const char *action, struct str party, struct str before,
                  struct str after);

/* A row for the audit by this request's peer: actor, kind, status "ok". Texts live in the request's arena. */
void change_audit_fill(struct ctl_request *request, struct store_audit *row, const char *action);
/* {"before":…,"after":…} in the arena. */
struct str change_detail(struct arena *arena, struct str before, struct str after);

#endif
