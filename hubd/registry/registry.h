#ifndef HUBD_REGISTRY_REGISTRY_H
#define HUBD_REGISTRY_REGISTRY_H

#include <stdatomic.h>

#include "hubd/registry/limit.h"
#include "hubd/loop.h"
#include "hubd/registry/rule_index.h"
#include "lib/ocpi/modules.h"
#include "lib/ocpi/party.h"
#include "lib/store/store.h"

/*
 * Parties, platforms, tokens, receivers and rules: all that a request needs to know about its caller and its
 * target, as one immutable snapshot. The control loop owns the registry. When a change is durable in the
 * store, it reads the registry again, builds the next snapshot and publishes it to all loops; the change is
 * answered when every loop uses the new snapshot. Requests take no lock: each loop counts how many of its own
 * requests hold a snapshot, and releases an old one when the last of them ends.
 */

/* What a partner's versions document offers: 2.2.1, only other versions, or there is no such document. */
enum registry_versions { REGISTRY_VERSIONS_GOOD, REGISTRY_VERSIONS_OTHER, REGISTRY_VERSIONS_UNREAD };

/* What partners/health.c knows about a platform. Control loop only. */
struct registry_watch {
    int64_t next_probe; /* monotonic ms, 0: not planned yet */
    bool probing, changing;
    int64_t unasked; /* monotonic ms of the last probe that the hub itself could not send; 0: none */
    bool guessing;   /* the probe of the credentials url failed: the versions url beside it is next */
    enum registry_versions versions; /* as the last answered probe found them */
    int versions_status;             /* HTTP status of that probe */
    int64_t offline_since;           /* wall clock ms; 0: it did not go offline in this process */
    char last_error[256]; /* of the last call without a valid answer in this process; may be empty */
};

/* First member of a state that outlives snapshots: finds it by its row's id. */
struct registry_node {
    int64_t id; /* of the platform or party */
    struct registry_node *next;
};

/* The state of a platform that changes without a new snapshot; all its snapshots share it. Any loop may use
 * the atomics. */
struct registry_runtime {
    struct registry_node node;
    struct registry_watch watch;
    /* monotonic; the last valid answer to an outbound call, 0: none since the start */
    _Atomic int64_t last_answer_ms;
    _Atomic int64_t last_answer_wall;
    _Atomic int64_t last_heard_wall; /* last authenticated request of the partner's */
    _Atomic int64_t next_trial_ms;   /* monotonic; when an OFFLINE platform may be tried again in real time */
    _Atomic uint64_t distrust;       /* hash of the TLS failure logged last; 0: none since a success there */
    _Atomic uint64_t distrust_at;    /* hash of the origin that it was at */
    atomic_size_t held;              /* bytes: sum of http_exchange.held over its requests */
    _Atomic bool raw_token;      /* the token was accepted raw, not in Base64, when a call last succeeded */
    _Atomic bool previous_token; /* within the overlap: the partner still accepts only its old token */
};

/* The state of a party that changes without a new snapshot. */
struct registry_party_runtime {
    struct registry_node node;
    struct limit_state limits[LIMIT_KIND_COUNT];
};

struct registry_platform {
    struct store_platform row;
    /* What the hub presents, decrypted; wiped with the snapshot. NULL data before the exchange. */
    struct str token;
    struct str previous_token; /* decrypted too; NULL data: there is none */
    struct registry_runtime *runtime;
    struct registry_party **parties;
    size_t party_count;
    /* A discovery found receivers on hosts where no exchange has succeeded (partners/proven.h). */
    bool unproven;
};

/* An eMSP that has objects of a CPO pushed to it. */
struct registry_listener {
    const struct registry_party *emsp;
    const struct registry_listener *next;
};

struct registry_party {
    struct store_party row;
    struct ocpi_party_key key;
    char id[OCPI_PARTY_KEY_SIZE]; /* "in-Abc", as registered: the name in all texts for people */
    struct registry_platform *platform;
    const struct store_receiver *receivers;
    size_t receiver_count;
    /* The party's own limit, else the one for all parties; NULL: the setting holds. */
    const struct store_limit *limits[LIMIT_KIND_COUNT];
    struct registry_party_runtime *runtime;
    unsigned push; /* kinds of objects that are pushed to it: bits 1 << enum store_kind */
    /* Of a CPO: the eMSPs that have something pushed to them, have an enabled rule with this CPO, were
     * connected and are not suspended. A push of the CPO walks this list and not all eMSPs. */
    const struct registry_listener *listeners;
};

/* Index in the snapshot's `parties` of the party with that id. */
struct registry_place {
    int64_t id;
    size_t at;
};

struct registry_snapshot {
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
    const struct store_limit *limits[LIMIT_KIND_COUNT]; /* for all parties; NULL: the setting holds */
    /* own */
    const struct store_token **token_table;
    size_t token_table_size;
    struct rule_index rule_index;
    _Atomic unsigned holders;
};

/* ---------------------------------------------------------------- looking up */

/* What these return lives as long as the snapshot is held. */

/* The hub token with that SHA-256; NULL when it is unknown or expired at `now`. */
const struct store_token *registry_find_token(const struct registry_snapshot *snapshot,
                                              const uint8_t hash[32], int64_t now);
/* A platform's hub tokens of all kinds, expired ones too: an array of `*count`. */
const struct store_token *registry_tokens_of(const struct registry_snapshot *snapshot, int64_t platform,
                                             size_t *count);
/* Whether the platform has a hub token that is valid at `now`. Without one every request of it gets 401. */
bool registry_has_hub_token(const struct registry_snapshot *snapshot, int64_t platform, int64_t now);
struct registry_platform *registry_find_platform(const struct registry_snapshot *snapshot, int64_t id);
struct registry_party *registry_find_party_id(const struct registry_snapshot *snapshot, int64_t id);
/* The party with that key and, when `role` is not 0, that role: one key may stand for two roles on different
 * platforms. NULL when there is none. */
struct registry_party *registry_find_party(const struct registry_snapshot *snapshot,
                                           const struct ocpi_party_key *key, unsigned role);
/* How many parties have that key. */
size_t registry_count_parties(const struct registry_snapshot *snapshot, const struct ocpi_party_key *key);
/* The rule of the pair in any state; NULL when there never was one. */
const struct store_rule *registry_rule_of(const struct registry_snapshot *snapshot,
                                          const struct registry_party *emsp,
                                          const struct registry_party *cpo);
/* The enabled rule of the pair; NULL when there is none. `drain`: a draining rule is found too. */
const struct store_rule *registry_find_rule(const struct registry_snapshot *snapshot,
                                            const struct registry_party *emsp,
                                            const struct registry_party *cpo, bool drain);
/* The URL of the party's receiver of a module, STR_NONE when there is none. */
struct str registry_receiver_url(const struct registry_party *party, enum ocpi_module module);
/* The party's receiver with that module key (hubd/registry/interfaces.h), NULL when there is none. */
const struct store_receiver *registry_receiver(const struct registry_party *party, struct str module);
/* The module that pushes objects of that kind (LOCATIONS for STORE_LOCATION); OTHER when none does. */
enum ocpi_module registry_push_module(enum store_kind kind);
/* The enum store_kind that a module pushes; letters' case aside. -1: it pushes none. */
int registry_push_kind(struct str module);
/*
 * The URL of the party's SENDER interface of a module: the receiver with the key "<module>:sender", else the
 * one with the key "<module>" when the hub calls no RECEIVER interface of the module for the party's roles.
 * STR_NONE when there is none.
 */
struct str registry_sender_url(const struct registry_party *party, enum ocpi_module module);
/*
 * The same two URLs of a module by its name as it stands in a partner's URL, which may be one that the hub
 * does not know and only passes on (hub-ocpi(7), ROUTING).
 */
struct str registry_named_url(const struct registry_party *party, const char *name, bool sender);
/* Sets `id` from the row. */
void registry_name_party(struct registry_party *party);
/* "PLANNED", "CONNECTED", "OFFLINE" or "SUSPENDED" (hub-ocpi(7), PARTIES AND STATUSES). Static. */
const char *registry_party_status(const struct registry_party *party);
/* The platform's one party of that role; NULL when it has none or several. */
struct registry_party *registry_only_party(const struct registry_platform *platform, unsigned role);

/* ---------------------------------------------------------------- holding and changing */

struct registry;
struct registry_view; /* one per loop */

/* Reads the first snapshot, blocking, on the control loop before the workers start. `seal_key`: 32 bytes,
 * borrowed until registry_close. 0 or a negative error_code with `error`. */
int registry_open(struct loop *control, struct store *store, struct store_client *client,
                  const uint8_t *seal_key, struct registry **registry, struct error *error);
/* `hook` is called on the control loop after each refresh: when every loop uses the new snapshot, before the
 * callbacks of registry_refresh. Set it before the first refresh. */
void registry_set_hook(struct registry *registry, void (*hook)(void *context), void *context);
/* Adds a loop's view. Each loop, the control loop too, needs one before its first request. */
struct registry_view *registry_add_view(struct registry *registry, struct loop *loop);
/* Holds the newest snapshot that this loop has and returns it; it lives until registry_release. Loop thread
 * only. */
struct registry_snapshot *registry_hold(struct registry_view *view);
/* Holds once more a snapshot that this loop holds already; each hold needs its release. */
struct registry_snapshot *registry_hold_again(struct registry_view *view, struct registry_snapshot *snapshot);
void registry_release(struct registry_view *view, struct registry_snapshot *snapshot);
/*
 * Reads the registry again and publishes it. `done` runs on `loop` when every loop uses the new snapshot,
 * with OK, or with the store's error. Calls made during a refresh share the next one, so that each sees what
 * was stored before it. Thread safe.
 */
void registry_refresh(struct registry *registry, struct loop *loop, void (*done)(int result, void *context),
                      void *context);
/* Whether no refresh is under way or asked for. Control loop only. */
bool registry_is_idle(struct registry *registry);
/* Begins a refresh again when the last one failed. Call it now and then, on the control loop. */
void registry_retry_refresh(struct registry *registry);
/* Frees the registry after all loops have ended. */
void registry_close(struct registry *registry);

/* Encrypts a partner's token for its row, in the arena; data == NULL: no memory. It can be decrypted for that
 * platform only. */
struct str registry_seal_token(struct registry *registry, struct arena *arena, int64_t platform,
                               struct str token);

#endif
