#ifndef HUBD_REGISTRY_REGISTRY_H
#define HUBD_REGISTRY_REGISTRY_H

#include <stdatomic.h>

#include "hubd/registry/limit.h"
#include "hubd/loop.h"
#include "hubd/registry/rule_index.h"
#include "lib/ocpi/party.h"
#include "lib/store/store.h"

/*
 * Parties, platforms, tokens, receivers, rules: everything a request asks about its caller and its target, as
 * one immutable snapshot. The control loop owns it: after a change is durable in the store it reads the
 * registry again, builds the next snapshot and publishes it; a change is answered when every loop has passed
 * it. No lock on the request path: each loop counts its own requests on a snapshot, and lets go of an old one
 * when the last of them ends.
 */

/* A partner's versions: with 2.2.1, without, or answered by no such document. */
enum registry_versions { REGISTRY_VERSIONS_GOOD, REGISTRY_VERSIONS_OTHER, REGISTRY_VERSIONS_UNREAD };

/* What health.c keeps of a platform, on the control loop alone. */
struct registry_watch {
    int64_t next_probe; /* monotonic ms, 0: not planned yet */
    bool probing, changing;
    int64_t unasked; /* monotonic ms of the last probe that the hub itself could not make; 0: none */
    bool guessing;   /* the probe of the credentials url failed: the versions url beside it is next */
    enum registry_versions versions; /* what the last probe that was answered says of them */
    int versions_status;             /* HTTP, of that */
    int64_t offline_since;           /* wall clock ms; 0: not in this process */
    char last_error[256]; /* of the last call without a valid answer, in this process; may be empty */
};

/* What a state is kept by, over all snapshots: its first member. */
struct registry_node {
    int64_t id; /* of the platform or party */
    struct registry_node *next;
};

/* What changes without a new snapshot: shared by all snapshots of one platform; atomics, but for `watch`. */
struct registry_runtime {
    struct registry_node node;
    struct registry_watch watch;
    _Atomic int64_t
        last_answer_ms; /* monotonic; last valid answer to an outbound call, 0: none since start */
    _Atomic int64_t last_answer_wall;
    _Atomic int64_t last_heard_wall; /* last authenticated request of the partner's */
    _Atomic int64_t next_trial_ms;   /* monotonic; when an OFFLINE platform may be tried again in real time */
    _Atomic uint64_t distrust;   /* hash of the TLS failure that was logged last; 0: none since a success */
    atomic_size_t held;          /* http_exchange.held of its requests */
    _Atomic bool raw_token;      /* the encoding that worked last */
    _Atomic bool previous_token; /* the old partner token is what works, inside the overlap */
};

/* The same of one party. */
struct registry_party_runtime {
    struct registry_node node;
    struct limit_state limits[LIMIT_KIND_COUNT];
};

struct registry_platform {
    struct store_platform row;
    struct str
        token; /* plain: what the hub presents; wiped with the snapshot. NULL data before the exchange */
    struct str previous_token; /* plain, may be NULL */
    struct registry_runtime *runtime;
    struct registry_party **parties;
    size_t party_count;
    bool
        unproven; /* a discovery found receivers on hosts where no exchange has succeeded (partners/proven.h) */
};

/* An eMSP that has objects of a CPO pushed to it. */
struct registry_listener {
    const struct registry_party *emsp;
    const struct registry_listener *next;
};

struct registry_party {
    struct store_party row;
    struct ocpi_party_key key;
    char id[OCPI_PARTY_KEY_SIZE]; /* "in-Abc", as registered: whatever is told names the party by it */
    struct registry_platform *platform;
    const struct store_receiver *receivers;
    size_t receiver_count;
    /* its own, else everybody's; NULL: the setting holds */
    const struct store_limit *limits[LIMIT_KIND_COUNT];
    struct registry_party_runtime *runtime;
    unsigned push; /* what is pushed to it: set of enum store_kind, bit 1 << kind */
    /* Of a CPO: eMSPs that may see it (rule on), were connected, are not suspended, and have something pushed
     * to them. A push of the CPO looks at these only, however many eMSPs there are. */
    const struct registry_listener *listeners;
};

/* Where the party with that id stands in the snapshot's list. */
struct registry_place {
    int64_t id;
    size_t at;
};

struct registry_snapshot {
    uint32_t magic;
    struct arena arena;
    uint64_t number;
    struct registry_platform *platforms; /* ordered by id */
    size_t platform_count;
    struct registry_party *parties; /* ordered by key */
    size_t party_count;
    struct registry_place *places;    /* of the parties, ordered by id */
    const struct store_token *tokens; /* each platform's together, ordered by its id */
    size_t token_count;
    const struct store_rule *rules;
    size_t rule_count;
    int64_t changed, horizon, registry_changes;         /* as in store_registry_read */
    const struct store_limit *limits[LIMIT_KIND_COUNT]; /* everybody's; NULL: the setting holds */
    /* own */
    const struct store_token **token_table;
    size_t token_table_size;
    struct rule_index rule_index;
    _Atomic unsigned holders;
};

/* ---------------------------------------------------------------- looking up; pointers live as long as the snapshot is held */

/* By SHA-256 of the token; NULL when unknown or expired at `now`. */
const struct store_token *registry_find_token(const struct registry_snapshot *snapshot,
                                              const uint8_t hash[32], int64_t now);
/* A platform's own of all kinds, expired ones too: `*count` of them from the result on. */
const struct store_token *registry_tokens_of(const struct registry_snapshot *snapshot, int64_t platform,
                                             size_t *count);
/* Whether a partner's system has a hub token that is good at `now`: else it is answered 401. */
bool registry_has_hub_token(const struct registry_snapshot *snapshot, int64_t platform, int64_t now);
struct registry_platform *registry_find_platform(const struct registry_snapshot *snapshot, int64_t id);
struct registry_party *registry_find_party_id(const struct registry_snapshot *snapshot, int64_t id);
/* By key, and role when not 0 (one id may have two roles on different platforms). NULL when there is none. */
struct registry_party *registry_find_party(const struct registry_snapshot *snapshot,
                                           const struct ocpi_party_key *key, unsigned role);
/* How many parties have that key. */
size_t registry_count_parties(const struct registry_snapshot *snapshot, const struct ocpi_party_key *key);
/* The rule of the pair whatever its state, NULL when there never was one. */
const struct store_rule *registry_rule_of(const struct registry_snapshot *snapshot,
                                          const struct registry_party *emsp,
                                          const struct registry_party *cpo);
/* The rule of the pair, NULL when there never was one or it is off. `drain` also finds draining ones. */
const struct store_rule *registry_find_rule(const struct registry_snapshot *snapshot,
                                            const struct registry_party *emsp,
                                            const struct registry_party *cpo, bool drain);
/* The receiver URL, STR_NONE when there is none. */
struct str registry_receiver_url(const struct registry_party *party, const char *module);
/* The row behind it, NULL when there is none. */
const struct store_receiver *registry_receiver(const struct registry_party *party, struct str module);
/* The module whose objects of that kind can be pushed, NULL when none can ("locations" for STORE_LOCATION).
 */
const char *registry_push_module(enum store_kind kind);
/* The other way round, in any case; -1: nothing that can be pushed. */
int registry_push_kind(struct str module);
/*
 * The URL of the party's SENDER interface: what is kept as "<module>:sender"; else the module's plain one,
 * when a party of its roles has no RECEIVER interface that the hub would call there. STR_NONE when there is
 * none.
 */
struct str registry_sender_url(const struct registry_party *party, const char *module);
/* "PLANNED" "CONNECTED" "OFFLINE" "SUSPENDED" (hub-ocpi(7), PARTIES AND STATUSES). */
/* Fills `id` in from the row. */
void registry_name_party(struct registry_party *party);
const char *registry_party_status(const struct registry_party *party);
/* The platform's one party of that role; NULL when it has none or several. */
struct registry_party *registry_only_party(const struct registry_platform *platform, unsigned role);

/* ---------------------------------------------------------------- holding and changing */

struct registry;
struct registry_view; /* one per loop */

/* On the control loop, before the others start: reads the first snapshot synchronously. `seal_key` 32 bytes,
 * borrowed. */
int registry_open(struct loop *control, struct store *store, struct store_client *client,
                  const uint8_t *seal_key, struct registry **registry, struct error *error);
/* Called on the control loop after each refresh, when every loop has passed the new snapshot and before
 * anybody who waits for it is answered. Set before the first refresh. */
void registry_set_hook(struct registry *registry, void (*hook)(void *context), void *context);
/* Every loop, the control loop too, adds its view before any request. */
struct registry_view *registry_add_view(struct registry *registry, struct loop *loop);
/* The newest snapshot this loop has passed; hold it while a request uses it. Loop thread only. */
struct registry_snapshot *registry_hold(struct registry_view *view);
/* One more hold on a snapshot that this loop holds already. */
struct registry_snapshot *registry_hold_again(struct registry_view *view, struct registry_snapshot *snapshot);
void registry_release(struct registry_view *view, struct registry_snapshot *snapshot);
/*
 * Reads the registry again and publishes it; `done` runs on `loop` when every loop has passed the new
 * snapshot, with OK or the store's error. Thread safe; concurrent calls share one refresh that began after
 * them.
 */
void registry_refresh(struct registry *registry, struct loop *loop, void (*done)(int result, void *context),
                      void *context);
/* No refresh is under way or wanted. Control loop only. */
bool registry_is_idle(struct registry *registry);
/* Tries a refresh again that failed. Control loop, called now and then. */
void registry_retry_refresh(struct registry *registry);
/* After all loops have ended. */
void registry_close(struct registry *registry);

/* Seals a partner token for a row; data == NULL when there is no memory. `platform` is bound into the seal.
 */
struct str registry_seal_token(struct registry *registry, struct arena *arena, int64_t platform,
                               struct str token);

#endif
