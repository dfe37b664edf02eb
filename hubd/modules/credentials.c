/*
 * Credentials (OCPI 2.2.1, Credentials module; hub-ocpi(7), AUTHENTICATION, CREDENTIALS): GET, POST, PUT,
 * DELETE. The exchange itself is in credentials_registration.c.
 */
#include "hubd/modules/credentials.h"

#include "hubd/partners/registration.h"
#include "hubd/modules/modules.h"
#include "hubd/request/quality.h"

void credentials_answer(struct request *request, struct str token, struct str partner_url)
{
    struct buffer data = {0};
    bool versions =
        str_ends_with(partner_url, STR("/versions")) || str_ends_with(partner_url, STR("/versions/"));
    registration_write_credentials(&data, request->hub, token, versions);
    quality_count(request);
    request_answer_data(request, &data);
}

/* False: answered. */
static bool credentials_check(struct request *request)
{
    if (!request_validate(request, &ocpi_credentials, false))
        return false;
    struct str problem = registration_check(request->hub, request->snapshot, request->arena,
                                            request->platform, request->body, "ask the hub's account team");
    if (problem.data != NULL)
        request_answer(request, REPLY_INVALID, problem, STR_NONE);
    return problem.data == NULL;
}

static void credentials_refuse_method(struct request *request, const char *allow, struct str message)
{
    http_exchange_header(request->exchange, "Allow", str_from(allow));
    request_answer(request, REPLY_METHOD, message, STR_NONE);
}

/* The answer to an initial token's POST may have been lost; another POST with it is somebody else's. */
bool credentials_is_repeat(struct request *request)
{
    if (registration_may_repeat(request->hub, request->arena, request->token, request->body))
        return true;
    credentials_refuse_method(
        request, "GET, HEAD, PUT, DELETE",
        STR("this initial token has served a POST of other credentials: use PUT with the "
            "hub token of its answer, or ask the hub's account team for a new initial token"));
    return false;
}

void credentials_get(struct request *request)
{
    credentials_answer(request, request->token_text, request->platform->row.credentials_url);
}

void credentials_post(struct request *request)
{
    if (request->token->kind == STORE_TOKEN_HUB ||
        registration_is_registered(request->snapshot, &request->platform->row, hub_kept_ms(request->hub)))
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
    struct request *request = request_of(context);
    registration_finished(request->hub, request->platform, NULL);
    request_answer(request, REPLY_OK, STR_NONE, STR_NONE);
}

static void credentials_delete_again(int result, void *context)
{
    struct request *request = request_of(context);
    if (result != OK)
        request_answer_error(request, result);
    else if (request_renew(request))
        credentials_delete(request);
}

static void credentials_deleted(struct store_apply *apply)
{
    struct request *request = request_of(apply->context);
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
    if (request->token->expires != 0) { /* whoever still has an old one must not end what the new one opens */
        request_answer(request, REPLY_UNAUTHORIZED,
                       STR("this hub token has been replaced: DELETE credentials with the newest one"),
                       STR_NONE);
        return;
    }
    struct store_apply *batch = arena_alloc(request->arena, sizeof *batch);
    if (batch == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    store_batch_init(batch, request->arena);
    registration_put_end(request->platform, request->now, batch);
    struct store_op *tokens = store_batch_add(batch, STORE_DELETE_TOKENS);
    if (tokens != NULL) {
        tokens->u.token_match.platform = request->platform->row.id;
        tokens->u.token_match.kind = -1;
    }
    request_audit_batch(request, batch, STR("1000"));
    batch->callback = credentials_deleted;
    batch->context = request;
    store_apply(request->worker->store, batch);
}
