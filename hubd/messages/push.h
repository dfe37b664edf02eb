#ifndef HUBD_MESSAGES_PUSH_H
#define HUBD_MESSAGES_PUSH_H

#include "hubd/request/request.h"
#include "hubd/registry/routing.h"

/*
 * The common end of every push: one batch with the object, its delivery and its audit row; the answer when it
 * is durable. Changes of one object come one after the other (hubd/request/line.h), so a conflict means that another
 * node changed it between read and write: it runs `again`, for as long as a partner waits for its answer.
 */
struct push {
    uint32_t magic; /* own */
    struct request *request;
    struct store_apply batch;
    void (*again)(struct push *push); /* NULL where nothing was merged */
    bool (*failed)(
        struct push *push); /* sees other results first; true when it answered (or goes on). May be NULL */
    struct str owner, id;   /* folded keys of the object */
    bool created;           /* what was merged is new inside its parent (connectors) */
    int64_t last_updated;   /* of what was pushed, ms */
    struct str body;        /* what is to be stored */
    unsigned conditions;    /* and under which conditions; with the revision that was read */
    int64_t revision;
    struct ocpi_party_key emsp; /* session, CDR: whom it is for (push_find_emsp) */
    struct str status, message; /* of its audit row and answer; absent: "1000", and what OCPI says */
    /* own */
    void (*next)(struct push *push);
    unsigned places; /* taken of request->places */
};

/* A push in the request's arena; owner from request->party, id folded. NULL: no memory (answered). `size`: of
 * the struct that begins with it. */
struct push *push_new(struct request *request, struct str id, size_t size);
/*
 * The same for …/{country_code}/{party_id}/{id}: the body is validated and must agree with the URL
 * (OCPI 2.2.1, Transport: Client Owned Object Push). NULL: answered.
 */
struct push *push_new_owned(struct request *request, const struct ocpi_object *object, bool partial,
                            size_t size);
/* A batch to fill, empty again for each try. */
void push_begin(struct push *push);
/*
 * Goes on with `next` when it is the push's turn to change its object, which may be at once. A part of a
 * location is changed by those who stand in the location's line (LINE_SHARED) and then in the part's own:
 * `evse` is its folded uid, else empty. Answered with 503 when its turn came later than partners wait.
 */
void push_in_line(struct push *push, enum store_kind kind, struct str evse, enum line_mode mode,
                  void (*next)(struct push *push));
/*
 * Finds out whom a session or CDR is for, sets push->emsp and goes on with `next` (hub-ocpi(7), SESSIONS):
 * the party that cdr_token names; where it names none, as OCPI 2.2 has it, the one in OCPI-to, else `known`
 * (whose it is already, or empty), else the one whose accepted START_SESSION carried the same
 * authorization_reference. Answered with 2001 when there is none, or OCPI-to names another (pushes of
 * sessions and CDRs always take the outbox).
 */
void push_find_emsp(struct push *push, const struct json_value *cdr_token, struct str reference,
                    struct str known, void (*next)(struct push *push));
/* Adds the delivery of a session or CDR to its eMSP, in the state that the routing says. */
void push_add_delivery(struct push *push, enum store_kind kind, enum ocpi_module module, const char *method,
                       int64_t started);
/*
 * Adds the deliveries of a location, EVSE or tariff to every eMSP that has the CPO's pushed to it
 * (hub-ocpi(7), LOCATIONS), behind the op of the object; an object that is as it was is sent to nobody.
 * `evse`: folded uid, the delivery is of that EVSE alone; or empty. `gone`: the body of an object that was
 * deleted, else STR_NONE.
 */
void push_add_listeners(struct push *push, enum store_kind kind, struct str evse, struct str gone);
/* Adds the audit row, applies, answers: 200 or 201, stale, busy … */
void push_apply(struct push *push);

/* The audit row of a push that is not applied, "stale" or "conflict", with the sentence that the caller gets.
 * False: it cannot be kept, answered with 503. */
bool push_audit_refused(struct push *push, struct str status, struct str message);
/* Older than what is stored: a row in the audit, 1000, nothing applied (hub-ocpi(7), HTTP AND ANSWERS). */
void push_answer_stale(struct push *push);

/* Merged it would be more than a PUT may bring: answered with 413 and what helps. */
void push_answer_too_large(struct push *push, const char *remedy);

/* The body's member as time; false when it is absent or no time (validation has refused that before). */
bool push_time(const struct json_value *object, const char *member, int64_t *time);
/* Reads a stored object first (PATCH): `read` is called with it; unknown: 404. */
struct push_read {
    uint32_t magic; /* own */
    struct push *push;
    struct store_object_read read;
    void (*done)(struct push_read *read);
};
/* Reads kind/owner/id (and EVSE) of `push` and calls `done` when it is there; answers otherwise. */
void push_read_stored(struct push *push, enum store_kind kind, struct str evse, bool without_evses,
                      void (*done)(struct push_read *read));
/* Parses what was read; NULL when answered. */
const struct json_value *push_parse_stored(struct push_read *read);

#endif
