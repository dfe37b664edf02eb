#ifndef HUBD_ROUTE_H
#define HUBD_ROUTE_H

#include "hubd/request.h"

/* Who receives this: the routing matrix and the rules that find a CPO (hub-contract 5 Tokens and Commands,
 * 7). */

/* May `emsp` see and reach `cpo` now? */
bool route_is_enabled(const struct registry_snapshot *snapshot, const struct registry_party *emsp,
                      const struct registry_party *cpo);

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

/*
 * Finds the CPO that a real-time message of request->party (an eMSP) goes to: OCPI-to headers; else the owner
 * of the object named; else (with `fallback`) the only routed CPO.
 */
struct route_search {
    struct request *request;
    int kind;      /* enum store_kind of the object named: STORE_LOCATION, STORE_SESSION; -1: none named */
    struct str id; /* its id as received */
    const struct json_value *evses; /* list of evse_uids to narrow by, or NULL */
    bool fallback;                  /* an unknown object may go to the only routed CPO */
    /* Called later, or from inside route_search_start: `cpo`, or NULL with the reply to give. `foreign`: the
     * session exists but is another eMSP's, or is unknown. */
    void (*found)(struct route_search *search, struct registry_party *cpo, enum reply reply,
                  struct str message);
    bool foreign;
    void *context;
    struct store_owners_read read;
};
void route_search_start(struct route_search *search);

#endif
