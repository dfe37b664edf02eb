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
/* True when a message of request->party may go to `target`, which the caller has named; else answered:
 * suspended 4003, NOT_ROUTED. `rule` as above. */
bool route_admit(struct request *request, const struct registry_party *target, const struct store_rule *rule);

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

/* ---------------------------------------------------------------- who is meant */

/* What names the other party. */
enum route_key {
    ROUTE_BY_NOTHING,     /* the only one that can be reached */
    ROUTE_BY_LOCATION,    /* its owner */
    ROUTE_BY_SESSION,     /* its owner, or the eMSP whose session it is */
    ROUTE_BY_RESERVATION, /* the CPO that accepted it from this eMSP */
    ROUTE_BY_TOKEN        /* the eMSP that used it */
};

/*
 * The one search for the party that a message of request->party is meant for (hub-contract 5, Tokens and
 * Commands): OCPI-to headers; else the party that the object names; else (with `fallback`) the only one there
 * is. Only parties count that the caller may reach: known, of the role, by an active rule. Of them those come
 * first of which the object can still be meant: a location with EVSEs that are not REMOVED and with those
 * asked for, a session that runs, a reservation that stands, a party that is not suspended. A session or
 * reservation must be the caller's own, whatever OCPI-to says.
 *
 * It ends with `found`, or in one of these ways, with the request answered: several parties of the best kind,
 * 2001 asking for OCPI-to headers; known only at parties without a rule, NOT_ROUTED that names none; the one
 * found is suspended, 4003; unknown to the hub, or another eMSP's: `unknown`, or 404 where that is NULL.
 */
struct route_search {
    /* in */
    struct request *request;
    unsigned role; /* OCPI_ROLE_CPO or OCPI_ROLE_EMSP: what is looked for; 0 with OCPI-to: whoever it names */
    enum route_key key;
    struct str id;                  /* of the object, as received */
    const struct json_value *evses; /* list of evse_uids to narrow a location by, or NULL */
    struct str evse;                /* one more, or STR_NONE */
    struct str token_type;          /* TokenType to narrow a token by, or STR_NONE */
    bool fallback;                  /* an unknown object may go to the only party that can be reached */
    bool stored;                    /* it is served from the store: the platform's own counts too, a suspended
                                       party as well */
    void (*found)(struct route_search *search, struct registry_party *party);
    void (*unknown)(struct route_search *search);
    void *context;
    /* own */
    struct registry_party *best; /* the last one of the best kind so far */
    unsigned best_rank, best_count;
    struct registry_party *unrouted; /* one without a rule that was met; NULL: none */
    union {
        struct store_owners_read owners;
        struct store_token_users_read users;
        struct store_command_list reservations;
    } read;
};
/* A search in the request's arena, to be completed and started. NULL: answered. */
struct route_search *
route_search_new(struct request *request, unsigned role, enum route_key key, struct str id,
                 void (*found)(struct route_search *search, struct registry_party *party));
/* Ends as told above, later or from inside. */
void route_search_start(struct route_search *search);

/* How a reservation stands at a CPO, by the commands about it (hub-contract 5, Commands). The greater the
 * weaker. */
enum route_standing {
    ROUTE_HELD,      /* accepted, and neither over nor cancelled */
    ROUTE_UNCERTAIN, /* asked for, and the CPO has not said anything: it may be held */
    ROUTE_OVER,      /* was held: cancelled, or its time is over */
    ROUTE_NEVER      /* refused, or not asked for here */
};
#define ROUTE_RESERVATIONS_MAX 256 /* commands about one that are looked at */
/* `rows`: newest first, as store_read_commands gives them; of those only the pair's count. */
enum route_standing route_reservation_standing(const struct store_command *rows, size_t count,
                                               struct str emsp, struct str cpo, int64_t now);

#endif
