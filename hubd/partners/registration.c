#include "hubd/partners/registration.h"

#include <stdio.h>

#include "hubd/outbox/outbox.h"
#include "hubd/calls/partner_url.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/ocpi/headers.h"

#define REPLACED_MAX 32 /* hub tokens of a platform beside the newest */

struct str registration_new_token(const struct hub *hub, struct arena *arena, struct store_token *row)
{
    uint8_t secret[32];
    char fingerprint[2 * 4 + 1];
    env_random(secret, sizeof secret);
    struct str text = base64url_encode(arena, str_of((const char *)secret, sizeof secret));
    crypto_wipe(secret, sizeof secret);
    if (text.data == NULL)
        return text;
    crypto_sha256(text, row->hash);
    row->fingerprint = arena_copy(arena, str_from(hex_encode(row->hash, 4, fingerprint)));
    row->created = hub_kept_ms(hub);
    return text;
}

void registration_write_credentials(struct buffer *out, const struct hub *hub, struct str token,
                                    bool versions)
{
    struct json_writer writer;
    char url[512];
    snprintf(url, sizeof url, "%s/ocpi/%s", hub->conf.base_url, versions ? "versions" : "2.2.1");
    buffer_reserve(out, 2048); /* so that the token is not copied about while it grows */
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_string(&writer, "token", token);
    json_field_text(&writer, "url", url);
    json_key(&writer, "roles");
    json_array_begin(&writer);
    json_object_begin(&writer);
    json_field_text(&writer, "role", "HUB");
    json_field_text(&writer, "party_id", hub->conf.party_id);
    json_field_text(&writer, "country_code", hub->conf.country_code);
    json_key(&writer, "business_details");
    json_object_begin(&writer);
    json_field_text(&writer, "name", hub->conf.name);
    if (hub->conf.website[0] != '\0')
        json_field_text(&writer, "website", hub->conf.website);
    json_object_end(&writer);
    json_object_end(&writer);
    json_array_end(&writer);
    json_object_end(&writer);
}

/* ---------------------------------------------------------------- checks */

bool registration_is_registered(const struct registry_snapshot *snapshot,
                                const struct store_platform *platform, int64_t now)
{
    size_t count;
    const struct store_token *tokens = registry_tokens_of(snapshot, platform->id, &count);
    for (size_t i = 0; i < count && platform->token.length > 0; i++) {
        const struct store_token *token = &tokens[i];
        if (token->kind == STORE_TOKEN_HUB && token->used != 0 &&
            (token->expires == 0 || token->expires > now))
            return true;
    }
    return false;
}

bool registration_is_outlived(const struct registry_snapshot *snapshot, const struct store_token *token)
{
    size_t count;
    const struct store_token *tokens = registry_tokens_of(snapshot, token->platform, &count);
    for (size_t i = 0; i < count && token->expires != 0; i++) {
        const struct store_token *other = &tokens[i];
        bool newer = other->expires == 0 || other->created > token->created;
        if (other->kind == STORE_TOKEN_HUB && other->used != 0 && newer)
            return true;
    }
    return false;
}

static bool registration_role_is_registered(const struct registry_platform *platform,
                                            const struct json_value *role)
{
    struct ocpi_party_key key;
    unsigned bit = ocpi_role_from(json_get_text(role, "role"));
    if (bit == 0 ||
        !ocpi_party_key_make(json_get_text(role, "country_code"), json_get_text(role, "party_id"), &key))
        return false;
    for (size_t i = 0; i < platform->party_count; i++)
        if (ocpi_party_key_equal(&platform->parties[i]->key, &key) &&
            (platform->parties[i]->row.roles & bit) != 0)
            return true;
    return false;
}

bool registration_is_own_token(const struct registry_snapshot *snapshot, struct arena *arena,
                               struct str token)
{
    struct str presented[] = {token, base64_encode(arena, token)}, read[2];
    for (size_t i = 0; i < sizeof presented / sizeof presented[0]; i++) {
        unsigned count = ocpi_token_candidates(arena, presented[i], read);
        for (unsigned j = 0; j < count; j++) {
            uint8_t hash[SHA256_SIZE];
            crypto_sha256(read[j], hash);
            if (registry_find_token(snapshot, hash, 0) != NULL) /* expired ones too */
                return true;
        }
    }
    return false;
}

struct str registration_check(const struct hub *hub, const struct registry_snapshot *snapshot,
                              struct arena *arena, const struct registry_platform *platform,
                              const struct json_value *credentials, const char *advice)
{
    struct str url, token = json_get_text(credentials, "token");
    struct error error;
    if (!ocpi_token_valid(token))
        return STR("/token: not 1 to 64 characters of U+0021 to U+007E");
    if (registration_is_own_token(snapshot, arena, token))
        return STR("/token: is one that the hub has issued: the hub needs a token of the partner's own");
    if (partner_url_read(hub, arena, json_get_text(credentials, "url"), PARTNER_URL_DOCUMENT, &url, &error) !=
        OK)
        return arena_printf(arena, "/url: %s", error.text);
    unsigned index = 0;
    for (const struct json_value *role = json_get(credentials, "roles")->child; role != NULL;
         role = role->next, index++)
        if (!registration_role_is_registered(platform, role))
            return arena_printf(
                arena,
                "/roles/%u: " STR_FMT " " STR_FMT "-" STR_FMT " is not registered for this platform: %s",
                index, STR_ARG(json_get_text(role, "role")), STR_ARG(json_get_text(role, "country_code")),
                STR_ARG(json_get_text(role, "party_id")), advice);
    return STR_NONE;
}

bool registration_raw_first(const struct registry_platform *platform)
{
    return platform->row.encoding == STORE_ENCODING_AUTO ? atomic_load(&platform->runtime->raw_token)
                                                         : platform->row.encoding == STORE_ENCODING_RAW;
}

/* ---------------------------------------------------------------- the batch */

void registration_learn(struct store_platform *row, const struct discovery *discovery)
{
    row->versions_url = discovery->versions_url.data == NULL ? STR("") : discovery->versions_url;
    row->learned_raw = discovery->used_raw;
    row->proven = registration_proven(row->proven, discovery);
}

void registration_write_discovery(struct json_writer *writer, const struct discovery *discovery)
{
    bool found = discovery->status == OCPI_SUCCESS;
    json_field_text(writer, "discovery", found ? "ok" : "failed");
    if (found)
        json_field_int(writer, "endpoints", (int64_t)discovery->endpoint_count);
    else
        json_field_string(writer, "reason", discovery->message);
    if (discovery->refused.length > 0)
        json_field_string(writer, "refused", discovery->refused);
}

static void registration_put_status(const struct registry_platform *platform,
                                    enum store_platform_status status, int64_t last_seen, int64_t now,
                                    struct store_apply *batch)
{
    struct store_op *op = store_batch_add(batch, STORE_SET_STATUS);
    if (op == NULL)
        return;
    op->u.health.platform = platform->row.id;
    op->u.health.status = status;
    op->u.health.last_seen = last_seen;
    op->u.health.now = now;
}

void registration_put_end(const struct registry_platform *platform, int64_t now, struct store_apply *batch)
{
    struct store_op *put = store_batch_add(batch, STORE_PUT_PLATFORM);
    if (put == NULL)
        return;
    put->u.platform = platform->row;
    put->u.platform.token = put->u.platform.previous_token = STR("");
    put->u.platform.previous_token_until = 0;
    put->u.platform.versions_url = put->u.platform.proven = STR("");
    for (size_t i = 0; i < platform->party_count; i++)
        registration_withdraw_all(platform->parties[i], batch);
    put->u.platform.updated = now;
    registration_put_status(platform, STORE_PLATFORM_PLANNED, platform->row.last_seen, now, batch);
}

static void registration_put_platform(const struct registration *registration, struct store_apply *batch)
{
    const struct registry_platform *platform = registration->platform;
    struct store_op *put = store_batch_add(batch, STORE_PUT_PLATFORM);
    if (put == NULL)
        return;
    struct store_platform *row = &put->u.platform;
    struct str token = json_get_text(registration->credentials, "token");
    *row = platform->row;
    if (!str_equal(token, platform->token)) {
        row->token = registry_seal_token(registration->hub->registry, batch->arena, row->id, token);
        row->previous_token = registration->first ? STR("") : platform->row.token;
        row->previous_token_until =
            registration->first ? 0 : hub_kept_ms(registration->hub) + registration->token_overlap;
    }
    struct str url = json_get_text(registration->credentials, "url");
    if (!str_equal(row->credentials_url, url)) /* what worked belongs to the system that is left behind */
        row->versions_url = STR("");
    row->credentials_url = url;
    row->roles = json_get(registration->credentials, "roles")->raw;
    row->last_seen = registration->now;
    row->updated = registration->now;
    if (registration->discovery != NULL)
        registration_learn(row, registration->discovery);
    registration_put_status(platform, STORE_PLATFORM_CONNECTED, registration->now, registration->now, batch);
}

/* Stores the new hub token. One that the hub sent in its own POST or PUT is stored already: it must still be
 * there, and the partner's answer shows that the partner has it. */
static void registration_put_hub_token(const struct registration *registration, struct store_apply *batch)
{
    struct store_op *use = registration->by_hub ? store_batch_add(batch, STORE_USE_TOKEN) : NULL;
    struct store_op *put = store_batch_add(batch, STORE_PUT_TOKEN);
    if (use != NULL) {
        use->u.token = *registration->hub_token;
        use->u.token.used = registration->now;
    }
    if (put == NULL)
        return;
    put->u.token = *registration->hub_token;
    put->u.token.platform = registration->platform->row.id;
    put->u.token.kind = STORE_TOKEN_HUB;
    put->u.token.expires = 0;
    put->u.token.used = registration->by_hub ? registration->now : 0;
}

static void registration_delete_tokens(const struct registration *registration, struct store_apply *batch,
                                       enum store_token_kind kind, const uint8_t *except, bool unused_only)
{
    struct store_op *op = store_batch_add(batch, STORE_DELETE_TOKENS);
    if (op == NULL)
        return;
    op->u.token_match.platform = registration->platform->row.id;
    op->u.token_match.kind = (int)kind;
    op->u.token_match.except = except;
    op->u.token_match.unused_only = unused_only;
}

static void registration_expire_tokens(const struct registration *registration, struct store_apply *batch)
{
    struct store_op *op = store_batch_add(batch, STORE_EXPIRE_TOKENS);
    if (op == NULL)
        return;
    op->u.token_match.platform = registration->platform->row.id;
    op->u.token_match.kind = STORE_TOKEN_HUB;
    op->u.token_match.except = registration->hub_token->hash;
    op->u.token_match.expires = hub_kept_ms(registration->hub) + registration->token_overlap;
}

static void registration_use_initial(const struct registration *registration, struct store_apply *batch)
{
    struct store_op *op = store_batch_add(batch, STORE_USE_TOKEN);
    if (op == NULL)
        return;
    memcpy(op->u.token.hash, registration->initial, sizeof op->u.token.hash);
    op->u.token.used = hub_kept_ms(registration->hub); /* its grace is counted from here */
    op->u.token.content = registration_digest(registration->hub, batch->arena, registration->credentials);
}

/*
 * Replaces the other hub tokens by the new one. A registration deletes all others: they are from answers that
 * got lost. A change lets them expire after the overlap, used or not, since any of the answers with them may
 * have arrived. Only when a partner PUTs again and again are unused ones deleted.
 */
static void registration_put_tokens(const struct registration *registration, struct store_apply *batch)
{
    registration_put_hub_token(registration, batch);
    if (registration->first || registration->replaced > REPLACED_MAX)
        registration_delete_tokens(registration, batch, STORE_TOKEN_HUB, registration->hub_token->hash,
                                   !registration->first);
    if (!registration->first)
        registration_expire_tokens(registration, batch);
    else /* of several only the one that was presented may serve the same again */
        registration_delete_tokens(registration, batch, STORE_TOKEN_INITIAL, registration->initial, false);
    if (registration->initial != NULL)
        registration_use_initial(registration, batch);
}

void registration_put(const struct registration *registration, struct store_apply *batch)
{
    /* the time of silence after which it is OFFLINE begins before it is CONNECTED */
    atomic_store(&registration->platform->runtime->last_answer_ms, env_monotonic_ms());
    registration_put_platform(registration, batch);
    if (registration->hub_token != NULL)
        registration_put_tokens(registration, batch);
    if (registration->discovery != NULL)
        registration_put_receivers(registration->platform, registration->discovery, batch);
}

size_t registration_count_tokens(const struct registry_snapshot *snapshot,
                                 const struct registry_platform *platform)
{
    size_t count, hub_tokens = 0;
    const struct store_token *tokens = registry_tokens_of(snapshot, platform->row.id, &count);
    for (size_t i = 0; i < count; i++)
        hub_tokens += tokens[i].kind == STORE_TOKEN_HUB;
    return hub_tokens;
}

void registration_finished(struct hub *hub, const struct registry_platform *platform,
                           const struct discovery *discovery)
{
    if (discovery != NULL)
        atomic_store(&platform->runtime->raw_token, discovery->used_raw);
    for (size_t i = 0; i < platform->party_count; i++)
        outbox_resume(hub, ocpi_party_key_str(&platform->parties[i]->key));
}
