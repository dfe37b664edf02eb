#include "hubd/exchange.h"

#include <stdio.h>

#include "hubd/delivery.h"
#include "hubd/interfaces.h"
#include "hubd/route.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/ocpi/headers.h"

struct str exchange_new_token(struct arena *arena, struct store_token *row)
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
    row->created = env_wall_ms();
    return text;
}

void exchange_write_credentials(struct buffer *out, const struct hub *hub, struct str token, bool versions)
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

bool exchange_is_registered(const struct registry_snapshot *snapshot, const struct store_platform *platform,
                            int64_t now)
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

static bool exchange_role_is_registered(const struct registry_platform *platform,
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

struct str exchange_check(struct arena *arena, const struct registry_platform *platform,
                          const struct json_value *credentials, const char *advice)
{
    struct url url;
    struct error error;
    if (!ocpi_token_valid(json_get_text(credentials, "token")))
        return STR("/token: not 1 to 64 characters of U+0021 to U+007E");
    if (url_parse(arena, json_get_text(credentials, "url"), &url, &error) != OK)
        return arena_printf(arena, "/url: %s", error.text);
    unsigned index = 0;
    for (const struct json_value *role = json_get(credentials, "roles")->child; role != NULL;
         role = role->next, index++)
        if (!exchange_role_is_registered(platform, role))
            return arena_printf(
                arena,
                "/roles/%u: " STR_FMT " " STR_FMT "-" STR_FMT " is not registered for this platform: %s",
                index, STR_ARG(json_get_text(role, "role")), STR_ARG(json_get_text(role, "country_code")),
                STR_ARG(json_get_text(role, "party_id")), advice);
    return STR_NONE;
}

bool exchange_raw_first(const struct registry_platform *platform)
{
    return platform->row.encoding == STORE_ENCODING_AUTO ? atomic_load(&platform->runtime->raw_token)
                                                         : platform->row.encoding == STORE_ENCODING_RAW;
}

/* ---------------------------------------------------------------- the batch */

void exchange_learn(struct store_platform *row, const struct discovery *discovery)
{
    row->versions_url = discovery->versions_url.data == NULL ? STR("") : discovery->versions_url;
    row->learned_raw = discovery->used_raw;
}

void exchange_write_discovery(struct json_writer *writer, const struct discovery *discovery)
{
    bool found = discovery->status == OCPI_SUCCESS;
    json_field_text(writer, "discovery", found ? "ok" : "failed");
    if (found)
        json_field_int(writer, "endpoints", (int64_t)discovery->endpoint_count);
    else
        json_field_string(writer, "reason", discovery->message);
}

static void exchange_put_status(const struct registry_platform *platform, enum store_platform_status status,
                                int64_t last_seen, int64_t now, struct store_apply *batch)
{
    struct store_op *op = store_batch_add(batch, STORE_SET_STATUS);
    if (op == NULL)
        return;
    op->u.health.platform = platform->row.id;
    op->u.health.status = status;
    op->u.health.last_seen = last_seen;
    op->u.health.now = now;
}

void exchange_put_end(const struct registry_platform *platform, int64_t now, struct store_apply *batch)
{
    struct store_op *put = store_batch_add(batch, STORE_PUT_PLATFORM);
    if (put == NULL)
        return;
    put->u.platform = platform->row;
    put->u.platform.token = put->u.platform.previous_token = STR("");
    put->u.platform.previous_token_until = 0;
    put->u.platform.updated = now;
    exchange_put_status(platform, STORE_PLATFORM_PLANNED, platform->row.last_seen, now, batch);
}

static void exchange_put_platform(const struct exchange *exchange, struct store_apply *batch)
{
    const struct registry_platform *platform = exchange->platform;
    struct store_op *put = store_batch_add(batch, STORE_PUT_PLATFORM);
    if (put == NULL)
        return;
    struct store_platform *row = &put->u.platform;
    struct str token = json_get_text(exchange->credentials, "token");
    *row = platform->row;
    if (!str_equal(token, platform->token)) {
        row->token = registry_seal_token(exchange->hub->registry, batch->arena, row->id, token);
        row->previous_token = exchange->first ? STR("") : platform->row.token;
        row->previous_token_until = exchange->first ? 0 : exchange->now + exchange->token_overlap;
    }
    row->credentials_url = json_get_text(exchange->credentials, "url");
    row->roles = json_get(exchange->credentials, "roles")->raw;
    row->last_seen = exchange->now;
    row->updated = exchange->now;
    if (exchange->discovery != NULL)
        exchange_learn(row, exchange->discovery);
    exchange_put_status(platform, STORE_PLATFORM_CONNECTED, exchange->now, exchange->now, batch);
}

/* One that the hub sent out with its own POST or PUT was stored before: it must still be there, and the
 * partner's answer shows that the partner has it. */
static void exchange_put_hub_token(const struct exchange *exchange, struct store_apply *batch)
{
    struct store_op *use = exchange->by_hub ? store_batch_add(batch, STORE_USE_TOKEN) : NULL;
    struct store_op *put = store_batch_add(batch, STORE_PUT_TOKEN);
    if (use != NULL) {
        use->u.token = *exchange->hub_token;
        use->u.token.used = exchange->now;
    }
    if (put == NULL)
        return;
    put->u.token = *exchange->hub_token;
    put->u.token.platform = exchange->platform->row.id;
    put->u.token.kind = STORE_TOKEN_HUB;
    put->u.token.expires = 0;
    put->u.token.used = exchange->by_hub ? exchange->now : 0;
}

static void exchange_delete_tokens(const struct exchange *exchange, struct store_apply *batch,
                                   enum store_token_kind kind, bool unused_only)
{
    struct store_op *op = store_batch_add(batch, STORE_DELETE_TOKENS);
    if (op == NULL)
        return;
    op->u.token_match.platform = exchange->platform->row.id;
    op->u.token_match.kind = (int)kind;
    op->u.token_match.except = exchange->hub_token->hash;
    op->u.token_match.unused_only = unused_only;
}

static void exchange_expire_tokens(const struct exchange *exchange, struct store_apply *batch)
{
    struct store_op *op = store_batch_add(batch, STORE_EXPIRE_TOKENS);
    if (op == NULL)
        return;
    op->u.token_match.platform = exchange->platform->row.id;
    op->u.token_match.kind = STORE_TOKEN_HUB;
    op->u.token_match.except = exchange->hub_token->hash;
    op->u.token_match.expires = exchange->now + exchange->token_overlap;
}

static void exchange_use_initial(const struct exchange *exchange, struct store_apply *batch)
{
    struct store_op *op = store_batch_add(batch, STORE_USE_TOKEN);
    if (op == NULL)
        return;
    memcpy(op->u.token.hash, exchange->initial, sizeof op->u.token.hash);
    op->u.token.used = hub_kept_ms(exchange->hub); /* its grace is counted from here */
}

/*
 * The new hub token replaces the others: at a registration all of them, they are from answers that got lost.
 * Else used ones live on for the overlap; unused ones go at a partner's PUT, while the hub's own PUT may have
 * crossed an answer that brought one.
 */
static void exchange_put_tokens(const struct exchange *exchange, struct store_apply *batch)
{
    exchange_put_hub_token(exchange, batch);
    if (exchange->first || !exchange->by_hub)
        exchange_delete_tokens(exchange, batch, STORE_TOKEN_HUB, !exchange->first);
    if (!exchange->first)
        exchange_expire_tokens(exchange, batch);
    else if (exchange->by_hub)
        exchange_delete_tokens(exchange, batch, STORE_TOKEN_INITIAL, false);
    else
        exchange_use_initial(exchange, batch);
}

/* What the discovery found for that key; where a module is listed twice the first one counts. */
static struct str exchange_found_url(const struct registry_party *party, const struct discovery *discovery,
                                     struct str key)
{
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        const struct discovery_endpoint *endpoint = &discovery->endpoints[i];
        if (str_equal(interfaces_key(party->row.roles, endpoint->module, endpoint->receiver), key))
            return endpoint->url;
    }
    return STR_NONE;
}

static bool exchange_receiver_is_kept(const struct registry_party *party, struct str key, struct str url)
{
    for (size_t i = 0; i < party->receiver_count; i++)
        if (str_equal(party->receivers[i].module, key))
            return str_equal(party->receivers[i].source, STR("set")) ||
                   str_equal(party->receivers[i].url, url);
    return false;
}

static void exchange_put_receiver(const struct registry_party *party, struct str key, struct str url,
                                  struct store_apply *batch)
{
    struct store_op *put = store_batch_add(batch, STORE_PUT_RECEIVER);
    struct store_op *release = store_batch_add(batch, STORE_RELEASE_HELD);
    if (put == NULL || release == NULL)
        return;
    put->u.receiver = (struct store_receiver){
        .party = party->row.id, .module = key, .url = url, .source = STR("discovered")};
    release->u.release.receiver = ocpi_party_key_str(&party->key);
    release->u.release.reason = STR(ROUTE_HELD_NO_RECEIVER);
    release->u.release.module = key;
}

/* Of a module that is only passed on: its RECEIVER interface, else its SENDER; STR_NONE where an earlier
 * endpoint of the same module has answered that. */
static struct str exchange_other_url(const struct discovery *discovery, size_t index)
{
    const struct discovery_endpoint *first = &discovery->endpoints[index];
    if (!interfaces_is_other(first->module))
        return STR_NONE;
    struct str url = first->url;
    bool receiver = first->receiver;
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        const struct discovery_endpoint *endpoint = &discovery->endpoints[i];
        if (i == index || !str_equal(endpoint->module, first->module))
            continue;
        if (i < index)
            return STR_NONE;
        if (!receiver && endpoint->receiver) {
            url = endpoint->url;
            receiver = true;
        }
    }
    return url;
}

/* 1 when it is new. */
static size_t exchange_fill_receiver(const struct registry_party *party, struct str key, struct str url,
                                     struct store_apply *batch)
{
    if (url.data == NULL || exchange_receiver_is_kept(party, key, url))
        return 0;
    exchange_put_receiver(party, key, url, batch);
    return 1;
}

size_t exchange_put_receivers(const struct registry_platform *platform, const struct discovery *discovery,
                              struct store_apply *batch)
{
    size_t count = 0;
    struct str key;
    for (size_t p = 0; p < platform->party_count; p++) {
        const struct registry_party *party = platform->parties[p];
        for (unsigned i = 0; (key = interfaces_key_at(i)).data != NULL; i++)
            count += exchange_fill_receiver(party, key, exchange_found_url(party, discovery, key), batch);
        for (size_t i = 0; i < discovery->endpoint_count; i++)
            count += exchange_fill_receiver(party, discovery->endpoints[i].module,
                                            exchange_other_url(discovery, i), batch);
    }
    return count;
}

void exchange_put(const struct exchange *exchange, struct store_apply *batch)
{
    /* the time of silence that makes OFFLINE begins here, before anybody can see CONNECTED */
    atomic_store(&exchange->platform->runtime->last_answer_ms, env_monotonic_ms());
    exchange_put_platform(exchange, batch);
    if (exchange->hub_token != NULL)
        exchange_put_tokens(exchange, batch);
    if (exchange->discovery != NULL)
        exchange_put_receivers(exchange->platform, exchange->discovery, batch);
}

void exchange_finished(struct hub *hub, const struct registry_platform *platform,
                       const struct discovery *discovery)
{
    if (discovery != NULL)
        atomic_store(&platform->runtime->raw_token, discovery->used_raw);
    for (size_t i = 0; i < platform->party_count; i++)
        delivery_resume(hub, ocpi_party_key_str(&platform->parties[i]->key));
}
