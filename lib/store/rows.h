#ifndef LIB_STORE_ROWS_H
#define LIB_STORE_ROWS_H

#include "lib/base/str.h"

/* The rows of the store; store.h and ops.h read and write them. */

enum store_kind { STORE_LOCATION, STORE_TARIFF, STORE_SESSION, STORE_CDR, STORE_KIND_COUNT };

enum store_platform_status { STORE_PLATFORM_PLANNED, STORE_PLATFORM_CONNECTED, STORE_PLATFORM_OFFLINE };
enum store_token_encoding { STORE_ENCODING_AUTO, STORE_ENCODING_BASE64, STORE_ENCODING_RAW };

struct store_platform {
    int64_t id;
    int64_t revision; /* 0: new; else the one that was read, checked on put */
    enum store_platform_status status;
    struct str credentials_url; /* what the partner gave as `url`; empty before the exchange */
    struct str versions_url; /* list or details that last worked in an exchange or discovery; may be empty */
    struct str token;        /* sealed: what the hub presents to the partner; empty before the exchange */
    struct str previous_token; /* sealed, for the overlap after a rotation */
    int64_t previous_token_until;
    enum store_token_encoding encoding; /* fixed by the account team; AUTO: Base64 first */
    bool learned_raw;                   /* AUTO: raw was what worked last */
    struct str allowed_hosts;           /* space separated, party set --allow-host */
    struct str proven; /* URLs at which an exchange succeeded, space separated; their hosts are its own */
    bool from_hub;     /* OCPI-from of the hub's calls is the hub, not the party whose message it passes on */
    struct str
        roles; /* JSON of the credentials roles[] as received (business_details and unknown fields kept) */
    int64_t last_seen;     /* last valid answer, as of the last write */
    int64_t heard;         /* last request of the partner's, as of the last write */
    struct str last_error; /* of the last call without a valid answer, as of the last write */
    int64_t created, updated;
};

/* How strictly objects of a party are judged; DEFAULT: as the setting `validation` says. */
enum store_validation { STORE_VALIDATION_DEFAULT, STORE_VALIDATION_TOLERANT, STORE_VALIDATION_STRICT };

struct store_party {
    int64_t id, platform;
    int64_t revision;                  /* as above */
    struct str key;                    /* folded "IN-ABC" */
    struct str country_code, party_id; /* spelling of registration */
    unsigned roles;                    /* enum ocpi_role bits */
    struct str name, website;
    bool suspended;
    struct str suspend_reason;
    enum store_validation validation;
    bool forward_unknown_sessions; /* a CPO: commands about sessions that the hub never heard of may go to it
                                    */
    struct str push; /* modules whose objects are sent to it unasked, space separated: "locations tariffs" */
    /* For HubClientInfo: when status or data last changed. The writer makes each change's value greater than all before,
     * of any party and whatever the clock says. */
    int64_t last_updated;
    int64_t created;
};

enum store_token_kind { STORE_TOKEN_INITIAL, STORE_TOKEN_HUB };

struct store_token {
    uint8_t hash[32]; /* SHA-256 of the token; the token itself is never stored */
    int64_t platform;
    enum store_token_kind kind;
    struct str fingerprint; /* 8 hex digits for people */
    int64_t created;
    int64_t expires;    /* 0: never */
    int64_t used;       /* initial: time of the POST it served, 0: not yet; hub: time of first use */
    struct str content; /* initial: keyed digest of what that POST held; may be empty */
};

/* Who gave the URL of a receiver: the account team, or the partner's version details. */
enum store_receiver_source { STORE_SOURCE_SET, STORE_SOURCE_DISCOVERED };
/* "set" "discovered": for people and in the database; static. */
const char *store_source_name(enum store_receiver_source source);

struct store_receiver {
    int64_t party;
    struct str module; /* tokens commands sessions cdrs versions hubclientinfo … */
    struct str url;    /* base, without trailing slash */
    enum store_receiver_source source;
    /* out: HubClientInfo objects with a last_updated up to this were added to the outbox for it; 0: none */
    int64_t announced;
};

enum store_rule_state { STORE_RULE_OFF, STORE_RULE_ON, STORE_RULE_DRAIN };

struct store_rule {
    int64_t emsp, cpo; /* party ids */
    enum store_rule_state state;
    int64_t since; /* of the state; put with 0: from the commit on */
};

/* How often a party may ask for something (hub-ocpi(7), LIMITS). */
struct store_limit {
    int64_t party;     /* 0: everybody without a limit of its own */
    struct str module; /* "authorize" "commands" "locations" */
    int64_t requests;  /* in `period_ms`; 0: no limit */
    int64_t period_ms;
};

/* How often a party's objects broke one rule of OCPI's tables. */
struct store_finding {
    struct str party;         /* key */
    struct str module;        /* ModuleID */
    struct str object, field; /* OCPI's table and field, "Connector" "standard" */
    struct str rule;          /* "missing", "enum" … */
    int64_t count;
    int64_t refused; /* of these: in objects that were refused for it */
    int64_t first, last;
    struct str example; /* id of the object that was the last to break it */
};

/* One object of a party that was refused; what is read counts those of one party and module. */
struct store_refusal {
    struct str party;  /* key */
    struct str module; /* ModuleID */
    struct str object; /* folded id, empty: it could not be read; not set when read */
    int64_t objects;   /* only when read: how many */
    int64_t count;     /* times */
    int64_t first, last;
};

enum store_audit_kind { STORE_AUDIT_ADMIN, STORE_AUDIT_PUSH, STORE_AUDIT_REALTIME, STORE_AUDIT_ANCHOR };

/* One row of the audit. Absent texts are empty. */
struct store_audit {
    enum store_audit_kind kind;
    int64_t time;      /* 0: the writer's clock */
    struct str actor;  /* "uid:1000 alice", "party IN-ABC", "hub" */
    struct str action; /* "party.add", "session.put", "token.authorize", "delivery.done" … */
    struct str party;  /* whom it is about */
    struct str module, method;
    struct str sender, receiver; /* JSON keys `from` and `to` */
    struct str object;           /* id of the object */
    struct str status;           /* "ok", an OCPI status code, "stale", "held" … */
    int64_t latency_ms;          /* -1: does not apply */
    struct str request_id, correlation_id;
    struct str detail; /* JSON object, no secrets; may be empty */
    /* In a batch: the numbers of the deliveries put before it, where there are any, become the first member
     * of `detail`, as "delivery":7 or "deliveries":[7,8]. */
    bool names_deliveries;
};

enum store_delivery_state {
    STORE_DELIVERY_PENDING,
    STORE_DELIVERY_DELIVERED,
    STORE_DELIVERY_HELD,
    STORE_DELIVERY_DEAD,
    STORE_DELIVERY_SUPERSEDED /* a newer state of the same object took its place before it was sent, or it was
                                 dropped: `reason` */
};

/*
 * Why a delivery is held: identifier, the number that is stored, the name for people. Append only: databases
 * have the numbers.
 */
#define STORE_HOLD_REASONS(X)                                                                                \
    X(STORE_HOLD_NONE, 0, "")                                                                                \
    X(STORE_HOLD_UNKNOWN_EMSP, 1, "unknown eMSP")                                                            \
    X(STORE_HOLD_SUSPENDED, 2, "suspended")                                                                  \
    X(STORE_HOLD_NO_RULE, 3, "no rule")                                                                      \
    X(STORE_HOLD_NO_URL, 4, "no receiver URL")
enum store_hold_reason {
#define STORE_HOLD_NUMBER(identifier, number, name) identifier = (number),
    STORE_HOLD_REASONS(STORE_HOLD_NUMBER)
#undef STORE_HOLD_NUMBER
        STORE_HOLD_COUNT
};
/* Static; "" for NONE, and for what is no reason. */
const char *store_hold_name(enum store_hold_reason hold);

struct store_delivery {
    int64_t id; /* out: given by the writer, growing */
    enum store_delivery_state state;
    enum store_hold_reason hold; /* why it is held, or was when it was superseded */
    /* A text for people: "given up", "refused once" … With `hold` put it empty; it is read as the name of `hold`. */
    struct str reason;
    struct str receiver; /* party key, "IN-ABC:CPO" where that is two parties; with `module`: its queue */
    struct str sender;   /* party key */
    struct str module, method; /* "sessions" "PUT"; command results: "commands" "POST" */
    int kind;                  /* enum store_kind of the stored object that is its body, or -1: `body` */
    struct str owner, object;  /* the stored object's owner key and folded id; they name the lane too */
    struct str name;           /* that id as its owner spells it; put empty, read the same as `object` */
    struct str evse;           /* of a location: only the EVSE with this folded uid; empty: all of it */
    struct str evse_name;      /* out, of one that is read alone: that uid as its owner spells it */
    struct str
        url; /* empty: receiver URL of the module + object path; else exactly this one (response_url) */
    struct str body; /* inline body when kind is -1 */
    struct str correlation_id;
    struct str via;       /* the Via chain of the message that is passed on; of a repeat: the last one's */
    unsigned attempts;    /* of this message */
    int64_t next_attempt; /* 0: waits for its first try, in order of ids; else again from then on */
    int64_t failed;       /* its last failed try, by the sender's steady clock; 0: none */
    unsigned alone;       /* times it failed while others of its queue arrived */
    unsigned refused;     /* times its receiver refused it since it became pending */
    struct str last_error;
    int64_t active_from; /* the queue's active_ms at the first try that failed; -1: none yet */
    struct str tries;    /* a line for each try, oldest first; the sender's form */
    struct str receipt;  /* Location that the receiver answered, may be empty */
    int64_t created, done;
};

/* The state of a receiver's queue, for whoever holds its lease. */
struct store_queue {
    struct str receiver; /* party key */
    int64_t fence;       /* of the lease: grows with each new holder */
    unsigned failures;   /* of the receiver in a row; 0: all is well */
    int64_t paused_until;
    unsigned suspects;   /* different messages among them */
    int64_t fresh_until; /* the pause of messages that never failed */
    int64_t active_ms;   /* how long its messages could have been sent, ever */
};

enum store_command_state {
    STORE_COMMAND_SENT,     /* forwarded, CPO's CommandResponse not here (or 4002) */
    STORE_COMMAND_ACCEPTED, /* CPO accepted; its CommandResult is awaited */
    STORE_COMMAND_ENDED     /* rejected, failed, result delivered or timed out; `result` says which */
};

struct store_command {
    int64_t id;                /* from store_new_id; the number people see */
    uint8_t callback_hash[32]; /* SHA-256 of the secret in the callback URL */
    struct str command;        /* "START_SESSION" … */
    struct str emsp, cpo;      /* party keys */
    struct str response_url;   /* the eMSP's */
    struct str object;         /* folded session_id, location_id or reservation_id */
    struct str name;           /* the same as the eMSP spells it */
    struct str token_uid;      /* folded uid of the token that it names; may be empty */
    struct str reference;      /* in: START_SESSION's folded authorization_reference; may be empty */
    struct str token_type;     /* its TokenType; may be empty */
    int64_t valid_until;       /* RESERVE_NOW: its expiry_date; 0: not known */
    bool accepted;             /* the CPO's CommandResponse or CommandResult said ACCEPTED */
    enum store_command_state state;
    struct str result;      /* last CommandResponse / CommandResult value, "TIMEOUT", "" */
    struct str result_body; /* CommandResult as received, to recognise the same result again */
    struct str correlation_id;
    int64_t created, expires; /* expires: when TIMEOUT is due */
};

#endif
