/*
 * A partner's POST and PUT of its credentials: calls the partner back (discovery), then stores its token, the
 * hub's new token, what was discovered, and the audit row in one batch (hubd/exchange.h).
 */
#include "hubd/exchange.h"
#include "hubd/modules/credentials.h"
#include "lib/base/log.h"
#include "lib/json/writer.h"

#define CONFLICTS_MAX 8

struct incoming {
    struct request *request;
    bool first;  /* POST */
    bool rotate; /* a new hub token is issued */
    unsigned tries;
    struct str hub_token; /* what is answered */
    struct store_token hub_row;
    struct discovery discovery;
    struct exchange exchange;
    struct store_apply batch;
};

static void incoming_everywhere(int result, void *context)
{
    struct incoming *incoming = context;
    struct request *request = incoming->request;
    if (result != OK) {
        request_answer_error(request, result);
        return;
    }
    exchange_finished(request->hub, request->platform, incoming->exchange.discovery);
    credentials_answer(request, incoming->hub_token, json_get_text(request->body, "url"));
}

static void incoming_store(struct incoming *incoming);

/* The platform was changed meanwhile (a probe, the account team): the same again on what it is now. */
static void incoming_again(int result, void *context)
{
    struct incoming *incoming = context;
    if (result != OK)
        request_answer_error(incoming->request, result);
    else if (request_renew(incoming->request))
        incoming_store(incoming);
}

static void incoming_stored(struct store_apply *apply)
{
    struct incoming *incoming = apply->context;
    struct request *request = incoming->request;
    if (apply->result == OK) {
        registry_refresh(request->hub->registry, &request->worker->loop, incoming_everywhere, incoming);
        return;
    }
    request->audited = false;
    if (apply->result == ERR_CONFLICT && ++incoming->tries < CONFLICTS_MAX)
        registry_refresh(request->hub->registry, &request->worker->loop, incoming_again, incoming);
    else if (apply->result == ERR_NOT_FOUND)
        request_answer(request, REPLY_UNAUTHORIZED, STR("the token was revoked meanwhile"), STR_NONE);
    else
        request_answer_error(request, apply->result);
}

/* Says in the audit what discovery found. */
static void incoming_audit(struct incoming *incoming)
{
    struct request *request = incoming->request;
    request_audit_batch(request, &incoming->batch, STR("1000"));
    struct store_op *op = incoming->batch.last;
    if (op == NULL || op->type != STORE_APPEND_AUDIT || request->worker->conf.discovery == CONF_DISCOVERY_OFF)
        return;
    struct buffer detail = {0};
    struct json_writer writer;
    json_writer_init(&writer, &detail);
    json_object_begin(&writer);
    exchange_write_discovery(&writer, &incoming->discovery);
    json_object_end(&writer);
    op->u.audit.detail = arena_copy(request->arena, buffer_str(&detail));
    buffer_free(&detail);
}

static void incoming_store(struct incoming *incoming)
{
    struct request *request = incoming->request;
    struct store_apply *batch = &incoming->batch;
    bool discovered = incoming->discovery.status == OCPI_SUCCESS;
    incoming->exchange = (struct exchange){
        .hub = request->hub,
        .token_overlap = request->worker->conf.token_overlap,
        .platform = request->platform,
        .credentials = request->body,
        .discovery = discovered ? &incoming->discovery : NULL,
        .hub_token = incoming->rotate ? &incoming->hub_row : NULL,
        .initial = incoming->first ? request->token->hash : NULL,
        .first = incoming->first,
        .now = request->now,
    };
    store_batch_init(batch, request->arena);
    exchange_put(&incoming->exchange, batch);
    incoming_audit(incoming);
    batch->callback = incoming_stored;
    batch->context = incoming;
    store_apply(request->worker->store, batch);
}

static void incoming_discovered(struct discovery *discovery)
{
    struct incoming *incoming = discovery->context;
    struct request *request = incoming->request;
    if (discovery->status != OCPI_SUCCESS) {
        log_warn_bounded("credentials: discovery at platform %lld failed: " STR_FMT,
                         (long long)request->platform->row.id, STR_ARG(discovery->message));
        if (request->worker->conf.discovery == CONF_DISCOVERY_REQUIRE) {
            request_answer_code(request, 200, discovery->status, discovery->message, STR_NONE);
            return;
        }
    }
    incoming_store(incoming);
}

void credentials_exchange(struct request *request, bool first)
{
    struct incoming *incoming = arena_alloc(request->arena, sizeof *incoming);
    struct str token = json_get_text(request->body, "token");
    if (incoming == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    incoming->request = request;
    incoming->first = first;
    /* an expiring hub token here means that the answer to an earlier rotation got lost: answer a fresh one
     * again */
    incoming->rotate = first || request->token->expires != 0 || !str_equal(token, request->platform->token);
    incoming->hub_token = request->token_text;
    if (incoming->rotate)
        incoming->hub_token = exchange_new_token(request->arena, &incoming->hub_row);
    if (incoming->hub_token.data == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    if (request->worker->conf.discovery == CONF_DISCOVERY_OFF) {
        incoming_store(incoming);
        return;
    }
    struct discovery *discovery = &incoming->discovery;
    discovery->arena = request->arena;
    discovery->hub = request->hub;
    discovery->timeout_ms = request->worker->conf.discovery_timeout;
    discovery->client = request->worker->client;
    discovery->token = token;
    discovery->url = json_get_text(request->body, "url");
    discovery->raw_first = exchange_raw_first(request->platform);
    discovery->done = incoming_discovered;
    discovery->context = incoming;
    discovery_start(discovery);
}
