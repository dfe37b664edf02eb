#ifndef HUBD_PUSH_H
#define HUBD_PUSH_H

#include "hubd/request.h"
#include "hubd/route.h"

/*
 * The common end of every push: one batch with the object, its delivery and its audit row; the answer when it
 * is durable. A conflict (somebody changed the object between read and write) runs `again`.
 */
struct push {
    struct request *request;
    struct store_apply batch;
    void (*again)(struct push *push); /* NULL where nothing was merged */
    bool (*failed)(
        struct push *push); /* sees other results first; true when it answered (or goes on). May be NULL */
    unsigned tries;
    struct str owner, id; /* folded keys of the object */
    bool created;         /* what was merged is new inside its parent (connectors) */
    int64_t last_updated; /* of what was pushed, ms */
};

/* A push in the request's arena; owner from request->party, id folded. NULL: no memory (answered). */
struct push *push_new(struct request *request, struct str id);
/*
 * The same for …/{country_code}/{party_id}/{id}: the body is validated and must agree with the URL
 * (OCPI 2.2.1, Transport: Client Owned Object Push). NULL: answered.
 */
struct push *push_new_owned(struct request *request, const struct ocpi_object *object, bool partial);
/* A batch to fill, empty again for each try. */
void push_begin(struct push *push);
/*
 * The eMSP that cdr_token names. False when answered: no party, or OCPI-to headers name another one (pushes
 * of sessions and CDRs always take the outbox, hub-contract 5).
 */
bool push_find_emsp(struct push *push, const struct json_value *object, struct ocpi_party_key *emsp);
/* Adds the delivery of a session or CDR to the eMSP named, in the state that the routing says. */
void push_add_delivery(struct push *push, enum store_kind kind, const char *module, const char *method,
                       const struct ocpi_party_key *emsp, int64_t started);
/*
 * Adds the deliveries of a location, EVSE or tariff to every eMSP that has the CPO's pushed to it
 * (hub-contract 5), behind the op of the object; an object that is as it was is sent to nobody. `evse`:
 * folded uid, the delivery is of that EVSE alone; or empty. `gone`: the body of an object that was deleted,
 * else STR_NONE.
 */
void push_add_listeners(struct push *push, enum store_kind kind, struct str evse, struct str gone);
/* Adds the audit row, applies, answers: 200 or 201, stale, busy … */
void push_apply(struct push *push);

/* The audit row of a push that is not applied, "stale" or "conflict", with the sentence that the caller gets.
 * False: it cannot be kept, answered with 503. */
bool push_audit_refused(struct push *push, struct str status, struct str message);
/* Older than what is stored: a row in the audit, 1000, nothing applied (hub-contract 2). */
void push_answer_stale(struct push *push);

/* The body's member as time; false when it is absent or no time (validation has refused that before). */
bool push_time(const struct json_value *object, const char *member, int64_t *time);
/* First 16 bytes of SHA-256 of the body. */
void push_digest(struct str body, uint8_t digest[16]);

/* Reads a stored object first (PATCH): `read` is called with it; unknown: 404. */
struct push_read {
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
