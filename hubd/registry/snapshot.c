#include "hubd/registry/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "hubd/registry/interfaces.h"
#include "lib/base/crypto.h"
#include "lib/base/log.h"
#include "lib/http/url.h"

struct str registry_seal_context(char *out, size_t size, int64_t platform)
{
    int length = snprintf(out, size, "platform %lld", (long long)platform);
    return str_of(out, (size_t)length);
}

/* A token that cannot be decrypted counts as absent: a new exchange makes the platform callable again. */
static struct str snapshot_open_token(struct arena *arena, const uint8_t *seal_key, int64_t platform,
                                      struct str sealed)
{
    if (sealed.length <= SEAL_OVERHEAD)
        return STR_NONE;
    char context[48];
    size_t length = sealed.length - SEAL_OVERHEAD;
    char *plain = arena_alloc(arena, length + 1);
    if (plain == NULL)
        return STR_NONE;
    if (crypto_open(seal_key, registry_seal_context(context, sizeof context, platform), sealed,
                    (uint8_t *)plain) != 0) {
        log_error("platform %lld: its partner token does not open with this key file", (long long)platform);
        return STR_NONE;
    }
    return str_of(plain, length);
}

static size_t snapshot_token_slot(const struct registry_snapshot *snapshot, const uint8_t hash[32])
{
    uint64_t start;
    memcpy(&start, hash, sizeof start);
    return (size_t)(start & (snapshot->token_table_size - 1));
}

static bool snapshot_index_tokens(struct registry_snapshot *snapshot)
{
    size_t size = 16;
    while (size < snapshot->token_count * 2)
        size *= 2;
    snapshot->token_table_size = size;
    snapshot->token_table = arena_alloc(&snapshot->arena, size * sizeof *snapshot->token_table);
    if (snapshot->token_table == NULL)
        return false;
    for (size_t i = 0; i < snapshot->token_count; i++) {
        size_t slot = snapshot_token_slot(snapshot, snapshot->tokens[i].hash);
        while (snapshot->token_table[slot] != NULL)
            slot = (slot + 1) & (size - 1);
        snapshot->token_table[slot] = &snapshot->tokens[i];
    }
    return true;
}

static bool snapshot_add_platforms(struct registry *registry, struct registry_snapshot *snapshot,
                                   const uint8_t *seal_key, const struct store_registry_read *read)
{
    snapshot->platforms =
        arena_alloc(&snapshot->arena, (read->platform_count + 1) * sizeof *snapshot->platforms);
    if (snapshot->platforms == NULL)
        return false;
    snapshot->platform_count = read->platform_count;
    for (size_t i = 0; i < read->platform_count; i++) {
        struct registry_platform *platform = &snapshot->platforms[i];
        platform->row = read->platforms[i];
        platform->token =
            snapshot_open_token(&snapshot->arena, seal_key, platform->row.id, platform->row.token);
        platform->previous_token =
            snapshot_open_token(&snapshot->arena, seal_key, platform->row.id, platform->row.previous_token);
        platform->runtime = registry_runtime_of(registry, &platform->row);
        if (platform->runtime == NULL)
            return false;
    }
    return true;
}

enum ocpi_module registry_push_module(enum store_kind kind)
{
    static const enum ocpi_module modules[] = {
        [STORE_LOCATION] = OCPI_MODULE_LOCATIONS,
        [STORE_TARIFF] = OCPI_MODULE_TARIFFS,
        [STORE_SESSION] = OCPI_MODULE_OTHER,
        [STORE_CDR] = OCPI_MODULE_OTHER,
    };
    static_assert(sizeof modules / sizeof modules[0] == STORE_KIND_COUNT, "a module for each kind");
    return modules[kind];
}

int registry_push_kind(struct str module)
{
    for (int kind = 0; kind < STORE_KIND_COUNT; kind++) {
        enum ocpi_module pushed = registry_push_module((enum store_kind)kind);
        if (pushed != OCPI_MODULE_OTHER && str_equal_fold(module, str_from(ocpi_module_name(pushed))))
            return kind;
    }
    return -1;
}

static unsigned snapshot_push_kinds(struct str modules)
{
    unsigned kinds = 0;
    struct str word;
    while (str_split(&modules, ' ', &word)) {
        int kind = registry_push_kind(word);
        kinds |= kind < 0 ? 0 : 1u << kind;
    }
    return kinds;
}

static int snapshot_compare_parties(const void *a, const void *b)
{
    const struct registry_party *left = a, *right = b;
    int order = memcmp(left->key.text, right->key.text, sizeof left->key.text);
    return order != 0 ? order : (left->row.id > right->row.id) - (left->row.id < right->row.id);
}

/* Gives each platform its part of one array: its parties in the snapshot's order. `party_count` holds how
 * many will come. One array, so that a thousand platforms do not take a thousand times the size of all. */
static bool snapshot_join_parties(struct registry_snapshot *snapshot)
{
    struct registry_party **all =
        arena_alloc(&snapshot->arena,
                    (snapshot->party_count + snapshot->platform_count + 1) * sizeof(struct registry_party *));
    if (all == NULL)
        return false;
    for (size_t i = 0; i < snapshot->platform_count; i++) {
        snapshot->platforms[i].parties = all;
        all += snapshot->platforms[i].party_count + 1;
        snapshot->platforms[i].party_count = 0;
    }
    for (size_t i = 0; i < snapshot->party_count; i++) {
        struct registry_party *party = &snapshot->parties[i];
        party->platform->parties[party->platform->party_count++] = party;
    }
    return true;
}

static int snapshot_compare_places(const void *a, const void *b)
{
    const struct registry_place *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static bool snapshot_index_parties(struct registry_snapshot *snapshot)
{
    size_t count = snapshot->party_count;
    snapshot->places = arena_alloc_raw(&snapshot->arena, (count + 1) * sizeof *snapshot->places);
    if (snapshot->places == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        snapshot->places[i] = (struct registry_place){snapshot->parties[i].row.id, i};
    qsort(snapshot->places, count, sizeof *snapshot->places, snapshot_compare_places);
    return true;
}

void registry_name_party(struct registry_party *party)
{
    snprintf(party->id, sizeof party->id, STR_FMT "-" STR_FMT, STR_ARG(party->row.country_code),
             STR_ARG(party->row.party_id));
}

static bool snapshot_add_parties(struct registry *registry, struct registry_snapshot *snapshot,
                                 const struct store_registry_read *read)
{
    snapshot->parties = arena_alloc(&snapshot->arena, (read->party_count + 1) * sizeof *snapshot->parties);
    if (snapshot->parties == NULL)
        return false;
    for (size_t i = 0; i < read->party_count; i++) {
        struct registry_party *party = &snapshot->parties[snapshot->party_count];
        party->row = read->parties[i];
        party->platform = registry_find_platform(snapshot, party->row.platform);
        if (party->platform == NULL || party->row.key.length >= sizeof party->key.text)
            continue;
        memcpy(party->key.text, party->row.key.data, party->row.key.length);
        registry_name_party(party);
        party->push = snapshot_push_kinds(party->row.push);
        party->runtime = registry_party_runtime_of(registry, party->row.id);
        if (party->runtime == NULL)
            return false;
        party->platform->party_count++;
        snapshot->party_count++;
    }
    qsort(snapshot->parties, snapshot->party_count, sizeof *snapshot->parties, snapshot_compare_parties);
    return snapshot_index_parties(snapshot) && snapshot_join_parties(snapshot);
}

/* Receivers are ordered by party: each party gets a run of the array. */
static void snapshot_add_receivers(struct registry_snapshot *snapshot, const struct store_registry_read *read)
{
    size_t end;
    for (size_t i = 0; i < read->receiver_count; i = end) {
        struct registry_party *party = registry_find_party_id(snapshot, read->receivers[i].party);
        for (end = i + 1;
             end < read->receiver_count && read->receivers[end].party == read->receivers[i].party;)
            end++;
        if (party != NULL) {
            party->receivers = &read->receivers[i];
            party->receiver_count = end - i;
        }
    }
}

static bool snapshot_listens(const struct registry_party *emsp)
{
    return emsp->push != 0 && !emsp->row.suspended && emsp->platform->row.status != STORE_PLATFORM_PLANNED;
}

static bool snapshot_add_listener(struct registry_snapshot *snapshot, const struct registry_party *emsp,
                                  struct registry_party *cpo)
{
    struct registry_listener *listener = arena_alloc(&snapshot->arena, sizeof *listener);
    if (listener == NULL)
        return false;
    *listener = (struct registry_listener){emsp, cpo->listeners};
    cpo->listeners = listener;
    return true;
}

static bool snapshot_add_rules(struct registry_snapshot *snapshot, const struct store_registry_read *read)
{
    snapshot->rules = read->rules;
    snapshot->rule_count = read->rule_count;
    if (!rule_index_make(&snapshot->rule_index, &snapshot->arena, read->rules, read->rule_count,
                         read->rule_count))
        return false;
    for (size_t i = 0; i < read->rule_count; i++) {
        const struct store_rule *rule = &read->rules[i];
        const struct registry_party *emsp = registry_find_party_id(snapshot, rule->emsp);
        if (rule->state != STORE_RULE_ON || emsp == NULL || !snapshot_listens(emsp))
            continue;
        struct registry_party *cpo = registry_find_party_id(snapshot, rule->cpo);
        if (cpo != NULL && !snapshot_add_listener(snapshot, emsp, cpo))
            return false;
    }
    return true;
}

/* The party's own limit goes before the one for all (hub-ocpi(7), LIMITS). */
static void snapshot_add_limits(struct registry_snapshot *snapshot, const struct store_registry_read *read)
{
    for (size_t i = 0; i < read->limit_count; i++) {
        const struct store_limit *limit = &read->limits[i];
        enum limit_kind kind = limit_find(limit->module);
        struct registry_party *party = registry_find_party_id(snapshot, limit->party);
        if (limit->party == 0)
            snapshot->limits[kind] = limit;
        else if (party != NULL)
            party->limits[kind] = limit;
    }
    for (size_t i = 0; i < snapshot->party_count; i++)
        for (enum limit_kind kind = 0; kind < LIMIT_KIND_COUNT; kind++)
            if (snapshot->parties[i].limits[kind] == NULL)
                snapshot->parties[i].limits[kind] = snapshot->limits[kind];
}

static bool snapshot_has_reached(const struct registry_platform *platform, struct str url)
{
    struct str rest = platform->row.proven, host = url_text_host(url), one;
    while (str_split(&rest, ' ', &one))
        if (str_equal_fold(url_text_host(one), host))
            return true;
    return false;
}

static void snapshot_mark_unproven(struct registry_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->party_count; i++) {
        struct registry_party *party = &snapshot->parties[i];
        for (size_t j = 0; j < party->receiver_count && !party->platform->unproven; j++)
            party->platform->unproven = party->receivers[j].source == STORE_SOURCE_DISCOVERED &&
                                        !snapshot_has_reached(party->platform, party->receivers[j].url);
    }
}

struct registry_snapshot *registry_snapshot_build(struct registry *registry, const uint8_t *seal_key,
                                                  struct arena *arena, const struct store_registry_read *read)
{
    struct registry_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return NULL;
    snapshot->arena = *arena;
    arena_init(arena, 0);
    snapshot->tokens = read->tokens;
    snapshot->token_count = read->token_count;
    snapshot->changed = read->changed;
    snapshot->horizon = read->horizon;
    snapshot->registry_changes = read->registry_changes;
    if (snapshot_index_tokens(snapshot) && snapshot_add_platforms(registry, snapshot, seal_key, read) &&
        snapshot_add_parties(registry, snapshot, read) && snapshot_add_rules(snapshot, read)) {
        snapshot_add_receivers(snapshot, read);
        snapshot_mark_unproven(snapshot);
        snapshot_add_limits(snapshot, read);
        return snapshot;
    }
    registry_snapshot_free(snapshot);
    return NULL;
}

static void snapshot_wipe_token(struct str token)
{
    if (token.data != NULL)
        crypto_wipe((void *)(uintptr_t)token.data, token.length);
}

void registry_snapshot_free(struct registry_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->platform_count; i++) {
        snapshot_wipe_token(snapshot->platforms[i].token);
        snapshot_wipe_token(snapshot->platforms[i].previous_token);
    }
    arena_free(&snapshot->arena);
    free(snapshot);
}

static bool token_has_expired(const struct store_token *token, int64_t now)
{
    return token->expires != 0 && token->expires <= now;
}

const struct store_token *registry_find_token(const struct registry_snapshot *snapshot,
                                              const uint8_t hash[32], int64_t now)
{
    size_t slot = snapshot_token_slot(snapshot, hash);
    const struct store_token *token;
    /* The table is indexed by a hash of the secret, so its timing reveals nothing about the secret. */
    while ((token = snapshot->token_table[slot]) != NULL) {
        if (crypto_equal(token->hash, hash, sizeof token->hash))
            return token_has_expired(token, now) ? NULL : token;
        slot = (slot + 1) & (snapshot->token_table_size - 1);
    }
    return NULL;
}

/* The first of `count` rows of `size` bytes whose id, at `offset`, is at least the given one; rows are
 * ordered by it. */
static size_t lower_bound(const void *rows, size_t count, size_t size, size_t offset, int64_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int64_t found;
        memcpy(&found, (const char *)rows + middle * size + offset, sizeof found);
        if (found < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct store_token *registry_tokens_of(const struct registry_snapshot *snapshot, int64_t platform,
                                             size_t *count)
{
    const struct store_token *tokens = snapshot->tokens;
    size_t at = lower_bound(tokens, snapshot->token_count, sizeof *tokens,
                            offsetof(struct store_token, platform), platform);
    size_t end = at;
    while (end < snapshot->token_count && tokens[end].platform == platform)
        end++;
    *count = end - at;
    return tokens + at;
}

bool registry_has_hub_token(const struct registry_snapshot *snapshot, int64_t platform, int64_t now)
{
    size_t count;
    const struct store_token *tokens = registry_tokens_of(snapshot, platform, &count);
    for (size_t i = 0; i < count; i++)
        if (tokens[i].kind == STORE_TOKEN_HUB && !token_has_expired(&tokens[i], now))
            return true;
    return false;
}

struct registry_platform *registry_find_platform(const struct registry_snapshot *snapshot, int64_t id)
{
    struct registry_platform *platforms = snapshot->platforms;
    size_t at = lower_bound(platforms, snapshot->platform_count, sizeof *platforms,
                            offsetof(struct registry_platform, row.id), id);
    return at < snapshot->platform_count && platforms[at].row.id == id ? &platforms[at] : NULL;
}

struct registry_party *registry_find_party_id(const struct registry_snapshot *snapshot, int64_t id)
{
    const struct registry_place *places = snapshot->places;
    size_t at =
        lower_bound(places, snapshot->party_count, sizeof *places, offsetof(struct registry_place, id), id);
    return at < snapshot->party_count && places[at].id == id ? &snapshot->parties[places[at].at] : NULL;
}

/* The first party with that key or behind it. */
static size_t snapshot_lower_bound(const struct registry_snapshot *snapshot, const struct ocpi_party_key *key)
{
    size_t low = 0, high = snapshot->party_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(snapshot->parties[middle].key.text, key->text, sizeof key->text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct registry_party *registry_find_party(const struct registry_snapshot *snapshot,
                                           const struct ocpi_party_key *key, unsigned role)
{
    for (size_t i = snapshot_lower_bound(snapshot, key); i < snapshot->party_count; i++) {
        struct registry_party *party = &snapshot->parties[i];
        if (!ocpi_party_key_equal(&party->key, key))
            return NULL;
        if (role == 0 || (party->row.roles & role) != 0)
            return party;
    }
    return NULL;
}

size_t registry_count_parties(const struct registry_snapshot *snapshot, const struct ocpi_party_key *key)
{
    size_t count = 0;
    for (size_t i = snapshot_lower_bound(snapshot, key);
         i < snapshot->party_count && ocpi_party_key_equal(&snapshot->parties[i].key, key); i++)
        count++;
    return count;
}

const struct store_rule *registry_rule_of(const struct registry_snapshot *snapshot,
                                          const struct registry_party *emsp, const struct registry_party *cpo)
{
    return rule_index_find(&snapshot->rule_index, emsp->row.id, cpo->row.id);
}

const struct store_rule *registry_find_rule(const struct registry_snapshot *snapshot,
                                            const struct registry_party *emsp,
                                            const struct registry_party *cpo, bool drain)
{
    const struct store_rule *rule = registry_rule_of(snapshot, emsp, cpo);
    if (rule == NULL)
        return NULL;
    return rule->state == STORE_RULE_ON || (drain && rule->state == STORE_RULE_DRAIN) ? rule : NULL;
}

const struct store_receiver *registry_receiver(const struct registry_party *party, struct str module)
{
    for (size_t i = 0; i < party->receiver_count; i++)
        if (str_equal(party->receivers[i].module, module))
            return &party->receivers[i];
    return NULL;
}

static struct str snapshot_url_of(const struct registry_party *party, const char *key)
{
    const struct store_receiver *receiver = registry_receiver(party, str_from(key));
    return receiver == NULL ? STR_NONE : receiver->url;
}

static struct str snapshot_sender_url(const struct registry_party *party, const char *name,
                                      enum ocpi_module module)
{
    char key[64];
    snprintf(key, sizeof key, "%s" INTERFACES_SENDER_SUFFIX, name);
    struct str url = snapshot_url_of(party, key);
    if (url.data != NULL || interfaces_key(party->row.roles, module, true).data != NULL)
        return url;
    return snapshot_url_of(party, name);
}

struct str registry_receiver_url(const struct registry_party *party, enum ocpi_module module)
{
    return snapshot_url_of(party, ocpi_module_name(module));
}

struct str registry_sender_url(const struct registry_party *party, enum ocpi_module module)
{
    return snapshot_sender_url(party, ocpi_module_name(module), module);
}

struct str registry_named_url(const struct registry_party *party, const char *name, bool sender)
{
    return sender ? snapshot_sender_url(party, name, ocpi_module_find(str_from(name)))
                  : snapshot_url_of(party, name);
}

const char *registry_party_status(const struct registry_party *party)
{
    if (party->row.suspended)
        return "SUSPENDED";
    switch (party->platform->row.status) {
    case STORE_PLATFORM_PLANNED:
        return "PLANNED";
    case STORE_PLATFORM_CONNECTED:
        return "CONNECTED";
    case STORE_PLATFORM_OFFLINE:
        return "OFFLINE";
    }
    return "PLANNED";
}

struct registry_party *registry_only_party(const struct registry_platform *platform, unsigned role)
{
    struct registry_party *only = NULL;
    for (size_t i = 0; i < platform->party_count; i++) {
        if ((platform->parties[i]->row.roles & role) == 0)
            continue;
        if (only != NULL)
            return NULL;
        only = platform->parties[i];
    }
    return only;
}
