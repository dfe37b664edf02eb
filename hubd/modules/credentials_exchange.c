/*
 * The exchange of credentials: calls the partner back (discovery), then stores its token, the hub's new
 * token, what was discovered, and the audit row in one batch.
 */
#include "hubd/delivery.h"
#include "hubd/discovery.h"
#include "hubd/modules/credentials.h"
#include "hubd/route.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/json/writer.h"
#include "lib/ocpi/headers.h"

#define CONFLICTS_MAX 8

struct exchange {
    struct request *request;
    bool first;  /* POST */
    bool rotate; /* a new hub token is issued */
    bool discovered;
    unsigned tries;
    struct str token;     /* the partner's, plain */
    struct str hub_token; /* what is answered */
    struct store_token hub_row;
    struct discovery discovery;
    struct store_apply batch;
};

static void exchange_answer(struct exchange *exchange)
{
    struct request *request = exchange->request;
    if (exchange->discovered)
        atomic_store(&request->platform->runtime->raw_token, exchange->discovery.used_raw);
    for (size_t i = 0; i < request->platform->party_count; i++)
        delivery_resume(request->hub, request_party_key(request->platform->parties[i]));
    credentials_answer(request, exchange->hub_token, json_get_text(request->body, "url"));
}

static void exchange_everywhere(int result, void *context)
{
    struct exchange *exchange = context;
    if (result != OK)
        request_answer_error(exchange->request, result);
    else
        exchange_answer(exchange);
}

static void exchange_store(struct exchange *exchange);

/* The platform was changed meanwhile (a probe, the account team): the same again on what it is now. */
static void exchange_again(int result, void *context)
{
    struct exchange *exchange = context;
    if (result != OK)
        request_answer_error(exchange->request, result);
    else if (request_renew(exchange->request))
        exchange_store(exchange);
}

static void exchange_stored(struct store_apply *apply)
{
    struct exchange *exchange = apply->context;
    struct request *request = exchange->request;
    if (apply->result == OK) {
        registry_refresh(request->hub->registry, &request->worker->loop, exchange_everywhere, exchange);
        return;
    }
    request->audited = false;
    if (apply->result == ERR_CONFLICT && ++exchange->tries < CONFLICTS_MAX)
        registry_refresh(request->hub->registry, &request->worker->loop, exchange_again, exchange);
    else if (apply->result == ERR_NOT_FOUND)
        request_answer(request, REPLY_UNAUTHORIZED, STR("the token was revoked meanwhile"), STR_NONE);
    else
        request_answer_error(request, apply->result);
}

/* ---------------------------------------------------------------- the batch */

static void exchange_put_platform(struct exchange *exchange)
{
    struct request *request = exchange->request;
    struct store_platform *stored = &request->platform->row;
    struct store_op *op = store_batch_add(&exchange->batch, STORE_PUT_PLATFORM);
    if (op == NULL)
        return;
    struct store_platform *row = &op->u.platform;
    *row = *stored;
    bool same = str_equal(exchange->token, request->platform->token);
    if (!same) {
        row->token = registry_seal_token(request->hub->registry, request->arena, stored->id, exchange->token);
        row->previous_token = exchange->first ? STR("") : stored->token;
        row->previous_token_until = exchange->first ? 0 : request->now + request->hub->conf.token_overlap;
    }
    row->credentials_url = json_get_text(request->body, "url");
    row->roles = json_get(request->body, "roles")->raw;
    row->last_seen = request->now;
    row->updated = request->now;
    if (exchange->discovered) {
        row->versions_url =
            exchange->discovery.versions_url.data == NULL ? STR("") : exchange->discovery.versions_url;
        row->learned_raw = exchange->discovery.used_raw;
    }
    struct store_op *status = store_batch_add(&exchange->batch, STORE_SET_STATUS);
    if (status == NULL)
        return;
    status->u.health.platform = stored->id;
    status->u.health.status = STORE_PLATFORM_CONNECTED;
    status->u.health.last_seen = request->now;
    status->u.health.now = request->now;
}

/* The new hub token; unused ones from answers that got lost go; used ones live on for the overlap. */
static void exchange_put_tokens(struct exchange *exchange)
{
    struct request *request = exchange->request;
    int64_t platform = request->platform->row.id;
    struct store_op *put = store_batch_add(&exchange->batch, STORE_PUT_TOKEN);
    struct store_op *lost = store_batch_add(&exchange->batch, STORE_DELETE_TOKENS);
    struct store_op *old =
        store_batch_add(&exchange->batch, exchange->first ? STORE_USE_TOKEN : STORE_EXPIRE_TOKENS);
    if (put == NULL || lost == NULL || old == NULL)
        return;
    exchange->hub_row.platform = platform;
    exchange->hub_row.kind = STORE_TOKEN_HUB;
    put->u.token = exchange->hub_row;
    lost->u.token_match.platform = platform;
    lost->u.token_match.kind = STORE_TOKEN_HUB;
    lost->u.token_match.except = exchange->hub_row.hash;
    lost->u.token_match.unused_only = true;
    if (exchange->first) {
        memcpy(old->u.token.hash, request->token->hash, sizeof old->u.token.hash);
        old->u.token.used = request->now;
    } else {
        old->u.token_match.platform = platform;
        old->u.token_match.kind = STORE_TOKEN_HUB;
        old->u.token_match.except = exchange->hub_row.hash;
        old->u.token_match.expires = request->now + request->hub->conf.token_overlap;
    }
}

static bool receiver_was_set(const struct registry_party *party, struct str module)
{
    for (size_t i = 0; i < party->receiver_count; i++)
        if (str_equal(party->receivers[i].module, module) &&
            str_equal(party->receivers[i].source, STR("set")))
            return true;
    return false;
}

/* What was discovered fills what the account team has not set, and releases what waited for it. */
static void exchange_put_receivers(struct exchange *exchange)
{
    struct request *request = exchange->request;
    for (size_t p = 0; p < request->platform->party_count; p++) {
        const struct registry_party *party = request->platform->parties[p];
        for (size_t i = 0; i < exchange->discovery.endpoint_count; i++) {
            const struct discovery_endpoint *endpoint = &exchange->discovery.endpoints[i];
            if (!endpoint->receiver || !discovery_wants(party->row.roles, endpoint->module) ||
                receiver_was_set(party, endpoint->module))
                continue;
            struct store_op *put = store_batch_add(&exchange->batch, STORE_PUT_RECEIVER);
            struct store_op *release = store_batch_add(&exchange->batch, STORE_RELEASE_HELD);
            if (put == NULL || release == NULL)
                return;
            put->u.receiver = (struct store_receiver){.party = party->row.id,
                                                      .module = endpoint->module,
                                                      .url = endpoint->url,
                                                      .source = STR("discovered")};
            release->u.release.receiver = request_party_key(party);
            release->u.release.reason = STR(ROUTE_HELD_NO_RECEIVER);
            release->u.release.module = endpoint->module;
        }
    }
}

/* Says in the audit what discovery found. */
static void exchange_audit(struct exchange *exchange)
{
    struct request *request = exchange->request;
    request_audit_batch(request, &exchange->batch, STR("1000"));
    struct store_op *op = exchange->batch.last;
    if (op == NULL || op->type != STORE_APPEND_AUDIT || request->hub->conf.discovery == CONF_DISCOVERY_OFF)
        return;
    struct buffer detail = {0};
    struct json_writer writer;
    json_writer_init(&writer, &detail);
    json_object_begin(&writer);
    json_field_text(&writer, "discovery", exchange->discovered ? "ok" : "failed");
    if (exchange->discovered)
        json_field_int(&writer, "endpoints", (int64_t)exchange->discovery.endpoint_count);
    else
        json_field_string(&writer, "reason", exchange->discovery.message);
    json_object_end(&writer);
    op->u.audit.detail = arena_copy(request->arena, buffer_str(&detail));
    buffer_free(&detail);
}

static void exchange_store(struct exchange *exchange)
{
    struct request *request = exchange->request;
    struct store_apply *batch = &exchange->batch;
    /* the time of silence that makes OFFLINE begins here, before anybody can see CONNECTED */
    atomic_store(&request->platform->runtime->last_answer_ms, env_monotonic_ms());
    store_batch_init(batch, request->arena);
    exchange_put_platform(exchange);
    if (exchange->rotate)
        exchange_put_tokens(exchange);
    if (exchange->discovered)
        exchange_put_receivers(exchange);
    exchange_audit(exchange);
    batch->callback = exchange_stored;
    batch->context = exchange;
    store_apply(request->worker->store, batch);
}

/* ---------------------------------------------------------------- discovery */

static void exchange_discovered(struct discovery *discovery)
{
    struct exchange *exchange = discovery->context;
    struct request *request = exchange->request;
    exchange->discovered = discovery->status == OCPI_SUCCESS;
    if (!exchange->discovered) {
        log_warn("credentials: discovery at platform %lld failed: " STR_FMT,
                 (long long)request->platform->row.id, STR_ARG(discovery->message));
        if (request->hub->conf.discovery == CONF_DISCOVERY_REQUIRE) {
            request_answer_code(request, 200, discovery->status, discovery->message, STR_NONE);
            return;
        }
    }
    exchange_store(exchange);
}

void credentials_exchange(struct request *request, bool first)
{
    struct exchange *exchange = arena_alloc(request->arena, sizeof *exchange);
    if (exchange == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    exchange->request = request;
    exchange->first = first;
    exchange->token = json_get_text(request->body, "token");
    /* an expiring hub token here means that the answer to an earlier rotation got lost: answer a fresh one
     * again */
    exchange->rotate =
        first || request->token->expires != 0 || !str_equal(exchange->token, request->platform->token);
    exchange->hub_token = request->token_text;
    if (exchange->rotate)
        exchange->hub_token = credentials_new_token(request->arena, &exchange->hub_row);
    if (exchange->hub_token.data == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    if (request->hub->conf.discovery == CONF_DISCOVERY_OFF) {
        exchange_store(exchange);
        return;
    }
    struct discovery *discovery = &exchange->discovery;
    discovery->arena = request->arena;
    discovery->hub = request->hub;
    discovery->client = request->worker->client;
    discovery->token = exchange->token;
    discovery->url = json_get_text(request->body, "url");
    discovery->raw_first = atomic_load(&request->platform->runtime->raw_token);
    discovery->done = exchange_discovered;
    discovery->context = exchange;
    discovery_start(discovery);
}
