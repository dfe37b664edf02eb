#ifndef HUBD_MESSAGES_RECIPIENT_H
#define HUBD_MESSAGES_RECIPIENT_H

#include "hubd/registry/routing.h"
#include "hubd/request/request.h"

/* Who a message of a partner is meant for: the search for the other party (hub-ocpi(7), TOKENS, COMMANDS,
 * ROUTING). */

/* True when a message of request->party may go to `target`, which the caller has named; else answered:
 * suspended 4003, NOT_ROUTED. `rule`: the rule that lets it pass, NULL when there is none. */
bool recipient_admit(struct request *request, const struct registry_party *target,
                     const struct store_rule *rule);

/* ---------------------------------------------------------------- who is meant */

/* What names the other party. */
enum recipient_key {
    RECIPIENT_BY_NOTHING,     /* the only one that can be reached */
    RECIPIENT_BY_LOCATION,    /* its owner */
    RECIPIENT_BY_SESSION,     /* its owner, or the eMSP whose session it is */
    RECIPIENT_BY_RESERVATION, /* the CPO that accepted it from this eMSP */
    RECIPIENT_BY_TOKEN        /* the eMSP that used it */
};

/*
 * The one search for the party that a message of request->party is meant for
 * (hub-ocpi(7), TOKENS, COMMANDS): OCPI-to headers; else the party that the object names; else (with
 * `fallback`) the only one there is. Only parties count that the caller may reach: known, of the role, by an
 * active rule. Of them those come first of which the object can still be meant: a location with EVSEs that
 * are not REMOVED and with those asked for, a session that runs, a reservation that stands, a party that is
 * not suspended. A session or reservation must be the caller's own, whatever OCPI-to says.
 *
 * It ends with `found`, or in one of these ways, with the request answered: several parties of the best kind,
 * 2001 asking for OCPI-to headers; known only at parties without a rule, NOT_ROUTED that names none; the one
 * found is suspended, 4003; unknown to the hub, or another eMSP's: `unknown`, or 404 where that is NULL.
 */
struct recipient_search {
    uint32_t magic; /* own */
    /* in */
    struct request *request;
    unsigned role; /* OCPI_ROLE_CPO or OCPI_ROLE_EMSP: what is looked for; 0 with OCPI-to: whoever it names */
    enum recipient_key key;
    struct str id;                  /* of the object, as received */
    const struct json_value *evses; /* list of evse_uids to narrow a location by, or NULL */
    struct str evse;                /* one more, or STR_NONE */
    struct str token_type;          /* TokenType to narrow a token by, or STR_NONE */
    bool fallback;                  /* an unknown object may go to the only party that can be reached */
    bool stored;                    /* it is served from the store: the platform's own counts too, a suspended
                                       party as well */
    void (*found)(struct recipient_search *search, struct registry_party *party);
    void (*unknown)(struct recipient_search *search);
    void *context;
    /* own */
    struct registry_party *best; /* the last one of the best kind so far */
    unsigned best_rank, best_count;
    struct registry_party *unrouted; /* one without a rule that was met; NULL: none */
    union {
        struct store_read base; /* the beginning of each */
        struct store_owners_read owners;
        struct store_token_users_read users;
        struct store_command_list reservations;
    } read;
};
/* A search in the request's arena, to be completed and started. NULL: answered. */
struct recipient_search *
recipient_search_new(struct request *request, unsigned role, enum recipient_key key, struct str id,
                     void (*found)(struct recipient_search *search, struct registry_party *party));
/* Ends as told above, later or from inside. */
void recipient_search_start(struct recipient_search *search);

/* How a reservation stands at a CPO, by the commands about it (hub-ocpi(7), COMMANDS). The greater the
 * weaker. */
enum recipient_standing {
    RECIPIENT_HELD,      /* accepted, and neither over nor cancelled */
    RECIPIENT_UNCERTAIN, /* asked for, and the CPO has not said anything: it may be held */
    RECIPIENT_OVER,      /* was held: cancelled, or its time is over */
    RECIPIENT_NEVER      /* refused, or not asked for here */
};
#define RECIPIENT_RESERVATIONS_MAX 256 /* commands about one that are looked at */
/* `rows`: newest first, as store_read_commands gives them; of those only the pair's count. */
enum recipient_standing recipient_reservation_standing(const struct store_command *rows, size_t count,
                                                       struct str emsp, struct str cpo, int64_t now);

#endif
