/*
 * A partner's POST and PUT of its credentials: calls the partner back (discovery), then stores its token, the
 * hub's new token, what was discovered, and the audit row in one batch (hubd/partners/registration.h).
 */
#include "hubd/partners/registration.h"
#include "hubd/modules/credentials.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/json/writer.h"

#define INCOMING_MAGIC 0x494e434fu
struct incoming {
    uint32_t magic;
    struct request *request;
    bool first;  /* POST */
    bool rotate; /* a new hub token is issued */
    struct str new_token;
    struct store_token hub_row; /* of new_token */
    struct discovery discovery;
    struct registration registration;
    struct store_apply batch;
};

static void incoming_everywhere(int result, void *context)
{
    struct incoming *incoming = MAGIC_CAST(struct incoming, context, INCOMING_MAGIC);
    struct request *request = incoming->request;
    if (result != OK) {
        request_answer_error(request, result);
        return;
    }
    registration_finished(request->hub, request->platform, incoming->registration.discovery);
    credentials_answer(request, incoming->rotate ? incoming->new_token : request->token_text,
                       json_get_text(request->body, "url"));
}

/*
 * A replaced hub token may PUT again as long as no newer one was used: the answer that brought the newer one
 * may be lost. Then the owner has that one, and whoever still changes something with the old one is somebody
 * else: only the very same again is answered, with the presented token, and gives nobody a newer one.
 */
static bool incoming_may_change(struct incoming *incoming)
{
    struct request *request = incoming->request;
    bool newest = request->token->expires == 0;
    struct str token = json_get_text(request->body, "token");
    incoming->rotate = newest ? !str_equal(token, request->platform->token)
                              : !registration_is_outlived(request->snapshot, request->token);
    if (newest || incoming->rotate ||
        registration_says_nothing_new(request->arena, request->platform, request->body))
        return true;
    request_answer(
        request, REPLY_UNAUTHORIZED,
        STR("this hub token has been replaced, and a newer one has been used: PUT credentials with "
            "the newest one"),
        STR_NONE);
    return false;
}

/* Decides on the platform as it is now. False: answered. */
static bool incoming_decide(struct incoming *incoming)
{
    struct request *request = incoming->request;
    incoming->rotate = true;
    if (incoming->first ? !credentials_is_repeat(request) : !incoming_may_change(incoming))
        return false;
    if (incoming->rotate && incoming->new_token.data == NULL)
        incoming->new_token = registration_new_token(request->hub, request->arena, &incoming->hub_row);
    if (!incoming->rotate || incoming->new_token.data != NULL)
        return true;
    request_answer_error(request, ERR_MEMORY);
    return false;
}

static void incoming_store(struct incoming *incoming);

/* The platform was changed meanwhile (a probe, the account team): the same again on what it is now. */
static void incoming_again(int result, void *context)
{
    struct incoming *incoming = MAGIC_CAST(struct incoming, context, INCOMING_MAGIC);
    if (result != OK)
        request_answer_error(incoming->request, result);
    else if (request_renew(incoming->request) && incoming_decide(incoming))
        incoming_store(incoming);
}

static void incoming_stored(struct store_apply *apply)
{
    struct incoming *incoming = MAGIC_CAST(struct incoming, apply->context, INCOMING_MAGIC);
    struct request *request = incoming->request;
    if (apply->result == OK) {
        registry_refresh(request->hub->registry, &request->worker->loop, incoming_everywhere, incoming);
        return;
    }
    request->audited = false;
    if (apply->result == ERR_CONFLICT && !request_is_late(request))
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
    registration_write_discovery(&writer, &incoming->discovery);
    registration_write_withdrawn(&writer, request->platform, &incoming->batch);
    json_object_end(&writer);
    op->u.audit.detail = arena_copy(request->arena, buffer_str(&detail));
    buffer_free(&detail);
}

static void incoming_store(struct incoming *incoming)
{
    struct request *request = incoming->request;
    struct store_apply *batch = &incoming->batch;
    bool discovered = incoming->discovery.status == OCPI_SUCCESS;
    incoming->registration = (struct registration){
        .hub = request->hub,
        .token_overlap = request->worker->conf.token_overlap,
        .platform = request->platform,
        .credentials = request->body,
        .discovery = discovered ? &incoming->discovery : NULL,
        .hub_token = incoming->rotate ? &incoming->hub_row : NULL,
        .initial = incoming->first ? request->token->hash : NULL,
        .replaced = registration_count_tokens(request->snapshot, request->platform),
        .first = incoming->first,
        .now = request->now,
    };
    store_batch_init(batch, request->arena);
    registration_put(&incoming->registration, batch);
    incoming_audit(incoming);
    batch->callback = incoming_stored;
    batch->context = incoming;
    store_apply(request->worker->store, batch);
}

/* False: answered, what the platform's roles cannot do without is not listed, and that is required. */
static bool incoming_has_all(struct incoming *incoming)
{
    struct request *request = incoming->request;
    if (request->worker->conf.discovery != CONF_DISCOVERY_REQUIRE)
        return true;
    struct str missing =
        registration_find_missing(request->arena, request->platform, request->body, &incoming->discovery);
    if (missing.length == 0)
        return true;
    request_answer_code(
        request, 200, OCPI_NO_MATCHING_ENDPOINTS,
        arena_printf(request->arena, "not listed as RECEIVER, but needed: " STR_FMT "%s" STR_FMT,
                     STR_ARG(missing), incoming->discovery.refused.length > 0 ? "; not taken: " : "",
                     STR_ARG(incoming->discovery.refused)),
        STR_NONE);
    return false;
}

static void incoming_discovered(struct discovery *discovery)
{
    struct incoming *incoming = MAGIC_CAST(struct incoming, discovery->context, INCOMING_MAGIC);
    struct request *request = incoming->request;
    if (discovery->status != OCPI_SUCCESS) {
        log_warn_bounded("credentials: discovery at platform %lld failed: " STR_FMT,
                         (long long)request->platform->row.id, STR_ARG(discovery->message));
        if (request->worker->conf.discovery == CONF_DISCOVERY_REQUIRE) {
            request_answer_code(request, 200, discovery->status, discovery->message, STR_NONE);
            return;
        }
    }
    if (incoming_has_all(incoming))
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
    incoming->magic = INCOMING_MAGIC;
    incoming->request = request;
    incoming->first = first;
    incoming->new_token = STR_NONE;
    if (!incoming_decide(incoming))
        return;
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
    discovery->learned = arena_copy(request->arena, request->platform->row.versions_url);
    discovery->raw_first = registration_raw_first(request->platform);
    discovery->done = incoming_discovered;
    discovery->context = incoming;
    discovery_start(discovery);
}
