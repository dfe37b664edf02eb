#ifndef HUBD_ROUTE_H
#define HUBD_ROUTE_H

#include "hubd/request.h"

/* Who receives this: the routing matrix and the rules that find the other party (hub-contract 5 Tokens and
 * Commands, 7). */

/* May `emsp` see and reach `cpo` now? */
bool route_is_enabled(const struct registry_snapshot *snapshot, const struct registry_party *emsp,
                      const struct registry_party *cpo);
/* The active rule of two parties, whichever of them is the eMSP; NULL when there is none. `drain` also finds
 * draining ones. */
const struct store_rule *route_find_rule(const struct registry_snapshot *snapshot,
                                         const struct registry_party *a, const struct registry_party *b,
                                         bool drain);
/* What is in the way of a message to `target`; `rule`: the pair's, as far as it counts for this message, NULL
 * when there is none. */
enum route_obstacle { ROUTE_FREE, ROUTE_SUSPENDED, ROUTE_UNROUTED };
enum route_obstacle route_find_obstacle(const struct registry_party *target, const struct store_rule *rule);
/* True when a message of request->party may go to `target` now; else answered: suspended 4003, NOT_ROUTED. */
bool route_check(struct request *request, const struct registry_party *target);

/* Where a push (session, CDR) for an eMSP stands: pending, or held with a reason. */
struct route_delivery {
    enum store_delivery_state state;
    const char *reason;                /* static; "" when pending */
    const struct registry_party *emsp; /* NULL: unknown */
};
/* The reasons of held deliveries: hubctl shows them, releases look for them. */
#define ROUTE_HELD_UNKNOWN_EMSP "unknown eMSP"
#define ROUTE_HELD_SUSPENDED    "suspended"
#define ROUTE_HELD_NO_RULE      "no rule"
#define ROUTE_HELD_NO_RECEIVER  "no receiver URL"
/*
 * `started`: start_date_time of the session, for rules that drain (INT64_MAX: never drains).
 */
struct route_delivery route_find_delivery(const struct registry_snapshot *snapshot,
                                          const struct registry_party *cpo, const struct ocpi_party_key *emsp,
                                          const char *module, int64_t started);

/* What names the other party. */
enum route_key {
    ROUTE_BY_NOTHING,
    ROUTE_BY_LOCATION, /* its owner */
    ROUTE_BY_SESSION,  /* its owner, or the eMSP whose session it is */
    ROUTE_BY_TOKEN     /* the eMSP last seen with it */
};

/*
 * Finds the party that a real-time message of request->party goes to: OCPI-to headers; else the party that
 * the object names; else (with `fallback`) the only routed one.
 */
struct route_search {
    struct request *request;
    unsigned role; /* OCPI_ROLE_CPO or OCPI_ROLE_EMSP: what is looked for */
    enum route_key key;
    struct str id;                  /* of the object, as received */
    const struct json_value *evses; /* list of evse_uids to narrow by, or NULL */
    bool fallback;                  /* an unknown object may go to the only routed party */
    /* Called later, or from inside route_search_start: `party`, or NULL with the reply to give. `foreign`:
     * the session exists but is another party's, or is unknown. */
    void (*found)(struct route_search *search, struct registry_party *party, enum reply reply,
                  struct str message);
    bool foreign;
    void *context;
    union {
        struct store_owners_read owners;
        struct store_token_users_read users;
    } read;
};
/* A search in the request's arena, to be completed and started; the id is what the audit shows. NULL:
 * answered. */
struct route_search *route_search_new(struct request *request, unsigned role, enum route_key key,
                                      struct str id,
                                      void (*found)(struct route_search *search, struct registry_party *party,
                                                    enum reply reply, struct str message));
void route_search_start(struct route_search *search);

#endif
