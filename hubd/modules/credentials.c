/*
 * Credentials (OCPI 2.2.1, Credentials module; hub-contract 3 and 5): GET, POST, PUT, DELETE. The exchange
 * itself is in credentials_exchange.c.
 */
#include "hubd/modules/credentials.h"

#include <stdio.h>

#include "hubd/modules/modules.h"
#include "hubd/quality.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/json/writer.h"
#include "lib/ocpi/headers.h"

struct str credentials_new_token(struct arena *arena, struct store_token *row)
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

void credentials_answer(struct request *request, struct str token, struct str partner_url)
{
    struct buffer data = {0};
    struct json_writer writer;
    char url[512];
    bool versions =
        str_ends_with(partner_url, STR("/versions")) || str_ends_with(partner_url, STR("/versions/"));
    snprintf(url, sizeof url, "%s/ocpi/%s", request->hub->conf.base_url, versions ? "versions" : "2.2.1");
    json_writer_init(&writer, &data);
    json_object_begin(&writer);
    json_field_string(&writer, "token", token);
    json_field_text(&writer, "url", url);
    json_key(&writer, "roles");
    json_array_begin(&writer);
    json_object_begin(&writer);
    json_field_text(&writer, "role", "HUB");
    json_field_text(&writer, "party_id", request->hub->conf.party_id);
    json_field_text(&writer, "country_code", request->hub->conf.country_code);
    json_key(&writer, "business_details");
    json_object_begin(&writer);
    json_field_text(&writer, "name", request->hub->conf.name);
    if (request->hub->conf.website[0] != '\0')
        json_field_text(&writer, "website", request->hub->conf.website);
    json_object_end(&writer);
    json_object_end(&writer);
    json_array_end(&writer);
    json_object_end(&writer);
    quality_count(request);
    request_answer_data(request, &data);
}

static bool credentials_claim_is_registered(const struct registry_platform *platform,
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

/* What the object's table does not say: the token's characters, the URL, roles that the account team
 * registered. False: answered. */
static bool credentials_check(struct request *request)
{
    struct url url;
    struct error error;
    if (!request_validate(request, &ocpi_credentials, false))
        return false;
    if (!ocpi_token_valid(json_get_text(request->body, "token"))) {
        request_answer(request, REPLY_INVALID, STR("/token: not 1 to 64 characters of U+0021 to U+007E"),
                       STR_NONE);
        return false;
    }
    if (url_parse(request->arena, json_get_text(request->body, "url"), &url, &error) != OK) {
        request_answerf(request, REPLY_INVALID, "/url: %s", error.text);
        return false;
    }
    unsigned index = 0;
    for (const struct json_value *role = json_get(request->body, "roles")->child; role != NULL;
         role = role->next, index++) {
        if (credentials_claim_is_registered(request->platform, role))
            continue;
        request_answerf(request, REPLY_INVALID,
                        "/roles/%u: " STR_FMT " " STR_FMT "-" STR_FMT
                        " is not registered for this platform: ask the hub's account team",
                        index, STR_ARG(json_get_text(role, "role")),
                        STR_ARG(json_get_text(role, "country_code")),
                        STR_ARG(json_get_text(role, "party_id")));
        return false;
    }
    return true;
}

static void credentials_refuse_method(struct request *request, const char *allow, struct str message)
{
    http_exchange_header(request->exchange, "Allow", str_from(allow));
    request_answer(request, REPLY_METHOD, message, STR_NONE);
}

/* A hub token that was used once makes the platform registered; an unused one may be from an answer that got
 * lost. */
static bool credentials_is_registered(const struct request *request)
{
    for (size_t i = 0; i < request->snapshot->token_count; i++) {
        const struct store_token *token = &request->snapshot->tokens[i];
        if (token->platform == request->platform->row.id && token->kind == STORE_TOKEN_HUB &&
            token->used != 0 && (token->expires == 0 || token->expires > request->now))
            return true;
    }
    return false;
}

void credentials_get(struct request *request)
{
    credentials_answer(request, request->token_text, request->platform->row.credentials_url);
}

void credentials_post(struct request *request)
{
    if (request->token->kind == STORE_TOKEN_HUB || credentials_is_registered(request))
        credentials_refuse_method(request, "GET, HEAD, PUT, DELETE", STR("already registered: use PUT"));
    else if (credentials_check(request))
        credentials_exchange(request, true);
}

void credentials_put(struct request *request)
{
    if (request->token->kind != STORE_TOKEN_HUB)
        credentials_refuse_method(request, "GET, HEAD, POST",
                                  STR("not registered yet: POST credentials first"));
    else if (credentials_check(request))
        credentials_exchange(request, false);
}

/* ---------------------------------------------------------------- DELETE */

static void credentials_deleted_everywhere(int result, void *context)
{
    (void)result; /* durable already; a snapshot that could not be read again follows with the next change */
    request_answer(context, REPLY_OK, STR_NONE, STR_NONE);
}

static void credentials_delete_again(int result, void *context)
{
    struct request *request = context;
    if (result != OK)
        request_answer_error(request, result);
    else if (request_renew(request))
        credentials_delete(request);
}

static void credentials_deleted(struct store_apply *apply)
{
    struct request *request = apply->context;
    if (apply->result == OK) {
        registry_refresh(request->hub->registry, &request->worker->loop, credentials_deleted_everywhere,
                         request);
        return;
    }
    request->audited = false;
    if (apply->result ==
        ERR_CONFLICT) /* a probe or the account team changed the platform: on what it is now */
        registry_refresh(request->hub->registry, &request->worker->loop, credentials_delete_again, request);
    else
        request_answer_error(request, apply->result);
}

void credentials_delete(struct request *request)
{
    if (request->token->kind != STORE_TOKEN_HUB) {
        credentials_refuse_method(request, "GET, HEAD, POST", STR("not registered"));
        return;
    }
    struct store_apply *batch = arena_alloc(request->arena, sizeof *batch);
    if (batch == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    store_batch_init(batch, request->arena);
    struct store_op *put = store_batch_add(batch, STORE_PUT_PLATFORM);
    struct store_op *tokens = store_batch_add(batch, STORE_DELETE_TOKENS);
    struct store_op *status = store_batch_add(batch, STORE_SET_STATUS);
    if (put != NULL && tokens != NULL && status != NULL) {
        put->u.platform = request->platform->row;
        put->u.platform.token = STR("");
        put->u.platform.previous_token = STR("");
        put->u.platform.updated = request->now;
        tokens->u.token_match.platform = request->platform->row.id;
        tokens->u.token_match.kind = -1;
        status->u.health.platform = request->platform->row.id;
        status->u.health.status = STORE_PLATFORM_PLANNED;
        status->u.health.last_seen = request->now;
        status->u.health.now = request->now;
    }
    request_audit_batch(request, batch, STR("1000"));
    batch->callback = credentials_deleted;
    batch->context = request;
    store_apply(request->worker->store, batch);
}
