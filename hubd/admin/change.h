#ifndef HUBD_ADMIN_CHANGE_H
#define HUBD_ADMIN_CHANGE_H

#include "hubd/admin/refusal.h"
#include "hubd/hub.h"

/*
 * The one way for an admin change: one at a time, on the control loop, `build` turns the request and the
 * current snapshot into a store batch with its audit row; the batch is applied; the registry is read again;
 * when every loop has passed the new snapshot the request is answered. When somebody changed a row in between
 * (ERR_CONFLICT) the registry is read again and `build` runs anew, as often as it takes (hubd/request/late.h), so it
 * must begin from nothing each time.
 */
#define CHANGE_MAGIC     0x4348414eu
#define CHANGE_HINTS_MAX 4

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
    /* set by change_done */
    struct str id, message;
    const char *what;
    bool unchanged; /* nothing to apply */
    struct str hints[CHANGE_HINTS_MAX];
    size_t hint_count;
    /* set by build where it is wanted */
    void *context;     /* of change_begin_with, change_step */
    struct str resume; /* party key: its deliveries are tried at once after the commit */
    struct str secret; /* token issue: wiped after the answer */
    void (*reply)(struct change *change, struct json_writer *writer); /* NULL: the usual answer */
    void (*committed)(struct change *change);
    /*
     * What the change brings with it, when every loop knows it and before the answer: fills the next batch
     * and returns true as long as there is one. `done`: the first op of the follow-up before, NULL at first.
     */
    bool (*follow)(struct change *change, const struct store_op *done);
    /* build goes on later, by itself, and says change_built when it has finished. Until then it is this
     * change's turn, and the snapshot is held. */
    bool building;
    int64_t expires; /* for reply */
    struct str fingerprint;
    int64_t number;       /* for committed and follow */
    struct str emsp, cpo; /* party keys, for follow */
    /* own */
    bool (*build)(struct change *change);
    void (*then)(struct change *change);
    struct registry_snapshot *held;
    int64_t began_us; /* its turn, monotonic */
    bool registry;
    struct ring queue;
};

/* Takes its turn. `build` returns false after refusal_set(&change->refusal, …). `registry`: whether snapshots
 * are affected. */
void change_begin(struct ctl_request *request, bool (*build)(struct change *change), bool registry);

/* The same with a context for `build`, of the request's arena. */
void change_begin_with(struct ctl_request *request, bool (*build)(struct change *change), bool registry,
                       void *context);

/*
 * One step of a request that takes longer than a change may hold up others: takes its turn like any change,
 * but in place of the answer calls `then`, with `refusal.code` CTL_OK when it is done and known everywhere.
 * The request goes on and is answered later: by a further step, or by change_reply from inside `then`.
 * `change` is memory of the request's that no other step is using. Snapshots are affected.
 */
void change_step(struct change *change, struct ctl_request *request, bool (*build)(struct change *change),
                 void (*then)(struct change *change), void *context);
/* The members of the usual answer, for a `reply` that adds to them. */
void change_write_reply(struct change *change, struct json_writer *writer);
/* The end of a build that set `building`. `good`: as build returns it. */
void change_built(struct change *change, bool good);
/* Answers the request with what the change did. Ends the request, and with it the change. */
void change_reply(struct change *change);

/* ---- for build; what is handed in must live as long as the request's arena, or be of the snapshot's rows
 * (they are kept until the commit) ---- */

/* What was done: "added" and the line for people. Always true, so that build ends with `return
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
