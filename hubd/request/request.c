#include "hubd/request/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "hubd/request/limits.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/ocpi/headers.h"
#include "lib/ocpi/names.h"

#define REQUEST_MAGIC 0x52455153u
#define ID_MAX        128
#define VIA_MAX       2048 /* some forty hops */

struct request *request_of(void *context)
{
    return MAGIC_CAST(struct request, context, REQUEST_MAGIC);
}

/* ---------------------------------------------------------------- small helpers for modules */

struct str request_fold(struct request *request, struct str id)
{
    return arena_copy_upper(request->arena, id);
}

const struct registry_party *request_caller(const struct request *request)
{
    if (request->party != NULL || request->platform == NULL || request->platform->party_count == 0)
        return request->party;
    return request->platform->parties[0];
}

struct str request_party_key(const struct registry_party *party)
{
    return party == NULL ? STR_NONE : ocpi_party_key_str(&party->key);
}

/* Servers that decode %2F or %5C before they take dots away (RFC 3986 5.2.4) climb there too. */
static bool id_climbs(struct str id)
{
    struct str segment, part;
    while (str_split(&id, '/', &segment))
        while (str_split(&segment, '\\', &part))
            if (str_equal(part, STR(".")) || str_equal(part, STR("..")))
                return true;
    return false;
}

bool request_is_id(struct str id)
{
    return id.length > 0 && !id_climbs(id) && str_find(id, '\0') == SIZE_MAX;
}

static struct str request_id_or_new(struct request *request, const char *name)
{
    struct str given = request_header(request, name);
    if (given.length > 0 && given.length <= ID_MAX)
        return given;
    char *made = arena_alloc(request->arena, UUID_SIZE);
    return made == NULL ? STR("") : str_from(uuid_make(made));
}

bool request_is_directed(const struct request *request)
{
    return request->has_to && !ocpi_party_key_equal(&request->to, &request->hub->key) &&
           (request->party == NULL || !ocpi_party_key_equal(&request->to, &request->party->key));
}

struct str request_subpath(struct request *request)
{
    struct str segments[ROUTE_SEGMENTS_MAX];
    int count = router_split(request->exchange->path, segments);
    if (request->glued)
        count = router_unglue(segments, count);
    char *text = arena_alloc(request->arena, request->exchange->path.length + 2);
    size_t length = 0;
    if (text == NULL)
        return STR_NONE;
    for (int i = 3; i < count; i++) { /* behind ocpi, the version and the module */
        if (i > 3)
            text[length++] = '/';
        memcpy(text + length, segments[i].data, segments[i].length);
        length += segments[i].length;
    }
    return str_of(text, length);
}

/* ---------------------------------------------------------------- the way */

/* Whether an id may be used. An id that is passed on must mean the same to its receiver; what a CPO calls its
 * own objects is stored unchanged. */
static bool request_takes_id(const struct request *request, struct str id)
{
    return request_is_id(id) && (request->route->audit != ROUTE_AUDIT_REALTIME || ocpi_text_is_id(id));
}

static bool request_decode_params(struct request *request, const struct router_match *match)
{
    request->param_count = match->param_count;
    for (unsigned i = 0; i < match->param_count; i++) {
        request->raw_params[i] = match->params[i];
        request->params[i] = http_percent_decode(request->arena, match->params[i]);
        struct str param = request->params[i];
        if (param.data != NULL && !request_takes_id(request, param)) {
            request_answerf(request, REPLY_INVALID, "path: \"" STR_FMT "\" is no id", STR_ARG(param));
            return false;
        }
        if (param.data == NULL) {
            request_answerf(request, REPLY_INVALID, "path: bad percent-encoding in \"" STR_FMT "\"",
                            STR_ARG(match->params[i]));
            return false;
        }
    }
    return true;
}

/* Checks role, party and rate limit, as far as the caller is known. False: the request was answered. */
static bool request_admit_party(struct request *request)
{
    if (request->platform == NULL || request->party != NULL)
        return true;
    return request_find_party(request) && limits_admit(request);
}

static void request_handle(struct request *request)
{
    if (!request_parse_body(request) || !request_admit_party(request))
        return;
    if (!router_is_functional(request->route)) { /* never routed: headers that try it mean nothing */
        request->route->handle(request);
        return;
    }
    int to = request_header_key(request, OCPI_HEADER_TO_COUNTRY_CODE, OCPI_HEADER_TO_PARTY_ID, &request->to);
    if (to < 0) {
        request_answer(request, REPLY_UNKNOWN_RECEIVER, STR("OCPI-to names no party"), STR_NONE);
        return;
    }
    request->has_to = to > 0;
    if (request->route->directed != NULL && request_is_directed(request))
        request->route->directed(request);
    else
        request->route->handle(request);
}

/* The first use of a hub token ends the initial token that it replaced. The request waits until that is
 * durable and every loop knows it (hub-ocpi(7), AUTHENTICATION). */
static void request_activated(int result, void *context)
{
    struct request *request = request_of(context);
    if (result != OK)
        request_answer_error(request, result);
    else
        request_handle(request);
}

static void request_activation_stored(struct store_apply *apply)
{
    struct request *request = request_of(apply->context);
    if (apply->result == ERR_NOT_FOUND) /* revoked or replaced in between */
        request_answer(request, REPLY_UNAUTHORIZED, STR("the token was revoked"), STR_NONE);
    else if (apply->result != OK)
        request_answer_error(request, apply->result);
    else
        registry_refresh(request->hub->registry, &request->worker->loop, request_activated, request);
}

static void request_activate_token(struct request *request)
{
    struct store_apply *batch = arena_alloc(request->arena, sizeof *batch);
    if (batch == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    store_batch_init(batch, request->arena);
    struct store_op *use = store_batch_add(batch, STORE_USE_TOKEN);
    struct store_op *end = store_batch_add(batch, STORE_DELETE_TOKENS);
    if (use != NULL && end != NULL) {
        memcpy(use->u.token.hash, request->token->hash, sizeof use->u.token.hash);
        use->u.token.used = request->now;
        end->u.token_match.platform = request->platform->row.id;
        end->u.token_match.kind = STORE_TOKEN_INITIAL;
    }
    batch->callback = request_activation_stored;
    batch->context = request;
    store_apply(request->worker->store, batch);
}

/* Finds the route. A request to an unknown module is passed on to the party that OCPI-to names. */
static void request_find_route(struct request *request, struct router_match *match)
{
    enum http_method method = request->exchange->method;
    router_find(router_conditions(&request->worker->conf), method, request->exchange->path, match);
    if (match->module.data != NULL && request_header(request, OCPI_HEADER_TO_PARTY_ID).length > 0) {
        match->route = method == HTTP_METHOD_OTHER ? NULL : &routes_relay;
        match->allowed = (1u << HTTP_METHOD_OTHER) - 1;
        match->known = true;
        match->params[match->param_count++] = match->module;
    }
    request->route = match->route;
    request->glued = match->glued;
    request->functional = match->functional;
}

/* Whether the token may use this route. False: the request was answered. */
static bool request_may_enter(struct request *request)
{
    enum route_access access = request->route == NULL ? ROUTE_HUB_TOKEN : request->route->access;
    if (access == ROUTE_OPEN)
        return true;
    if (!request_authenticate(request))
        request_answer(request, REPLY_UNAUTHORIZED, STR("no, unknown, expired or revoked token"), STR_NONE);
    else if (request->token->kind == STORE_TOKEN_INITIAL && access != ROUTE_INITIAL_TOO)
        request_answer(request, REPLY_UNAUTHORIZED,
                       STR("an initial token is good for versions and credentials only: use the token of the "
                           "hub's answer to POST credentials"),
                       STR_NONE);
    else if (request_is_suspended(request))
        request_answer(request, REPLY_UNAUTHORIZED, STR("the party is suspended"), STR_NONE);
    else
        return true;
    return false;
}

static void request_refuse_method(struct request *request, const struct router_match *match)
{
    struct buffer allow = {0};
    router_write_allow(match->allowed, &allow);
    http_exchange_header(request->exchange, "Allow", buffer_str(&allow));
    buffer_free(&allow);
    request_answer(
        request, REPLY_METHOD,
        (match->off & ROUTE_BACKFILL) != 0
            ? STR("this list is not offered: the hub pushes to eMSPs (its setting emsp_backfill is off)")
            : STR("this method is not offered here"),
        STR_NONE);
}

struct str request_via(const struct request *request)
{
    return http_header_join(request->arena, request->exchange->headers, request->exchange->header_count,
                            "Via");
}

/* Why the request is a loop: the hub sent it itself (hub-ocpi(7), CREDENTIALS), or so many systems have
 * passed it on that an answer is of no use. STR_NONE: it is none. */
static struct str request_find_loop(const struct request *request)
{
    const struct http_exchange *exchange = request->exchange;
    size_t length = http_header_length(exchange->headers, exchange->header_count, "Via");
    if (length > VIA_MAX)
        return STR("Via: longer than 2048 bytes: the request goes round between systems that pass it on");
    if (length > 0 && http_via_names(exchange->headers, exchange->header_count, str_from(request->hub->via)))
        return STR("the hub sent this request itself: a URL that it was given leads back to it");
    return STR_NONE;
}

void request_take_body(struct request *request)
{
    size_t body_max = request->route->body_max;
    struct http_exchange *exchange = request->exchange;
    request_leave(request);
    http_exchange_take_body(exchange, body_max > 0 ? body_max : SIZE_MAX);
}

static void request_route(struct request *request)
{
    struct router_match match;
    request_find_route(request, &match);
    struct str loop = request_find_loop(request);
    if (loop.data != NULL) {
        request_answer(request, REPLY_LOOP, loop, STR_NONE);
        return;
    }
    if (!request_may_enter(request))
        return;
    if (!match.known)
        request_answer(request, REPLY_UNKNOWN, STR("no such path"), STR_NONE);
    else if (match.route == NULL)
        request_refuse_method(request, &match);
    else if (!request_decode_params(request, &match) || !request_admit_party(request))
        return;
    else if (request->route->admit != NULL)
        request->route->admit(request);
    else
        request_take_body(request);
}

/* NULL: no memory. */
static struct request *request_new(struct http_exchange *exchange, struct worker *worker)
{
    struct request *request = arena_alloc(&exchange->arena, sizeof *request);
    if (request == NULL)
        return NULL;
    request->magic = REQUEST_MAGIC;
    request->exchange = exchange;
    request->arena = &exchange->arena;
    request->worker = worker;
    request->hub = worker->hub;
    request->snapshot = registry_hold(worker->view);
    worker->active++;
    request->now = env_wall_ms();
    exchange->context = request;
    request->request_id = request_id_or_new(request, OCPI_HEADER_REQUEST_ID);
    request->correlation_id = request_id_or_new(request, OCPI_HEADER_CORRELATION_ID);
    return request;
}

/* used when there is no memory for anything better */
static void request_refuse_bare(struct http_exchange *exchange, int status)
{
    if (status == 503)
        http_exchange_header(exchange, "Retry-After", STR("1"));
    http_exchange_send(exchange, status, NULL);
}

void request_head(struct http_exchange *exchange, void *context)
{
    struct request *request = request_new(exchange, MAGIC_CAST(struct worker, context, WORKER_MAGIC));
    if (request == NULL)
        request_refuse_bare(exchange, 503);
    else
        request_route(request);
}

void request_complete(struct http_exchange *exchange, void *context)
{
    struct request *request = request_of(exchange->context);
    (void)context;
    request->complete = true;
    request->complete_us = env_monotonic_us();
    if (!request_return(request))
        request_answer(request, REPLY_UNAUTHORIZED, STR("the token was revoked meanwhile"), STR_NONE);
    else if (request->token != NULL && request->token->kind == STORE_TOKEN_HUB && request->token->used == 0)
        request_activate_token(request);
    else
        request_handle(request);
}

/* Answers what the HTTP server refused like all other requests: with ids, OCPI-to and OCPI-from. */
void request_server_refused(struct http_exchange *exchange, int status, const char *reason, void *context)
{
    struct request *request = exchange->context == NULL ? NULL : request_of(exchange->context);
    int ocpi = status == 400   ? OCPI_INVALID_PARAMETERS
               : status >= 500 ? OCPI_SERVER_ERROR
                               : OCPI_CLIENT_ERROR;
    if (request != NULL) {
        request_return(request);
    } else {
        struct router_match match;
        request = request_new(exchange, MAGIC_CAST(struct worker, context, WORKER_MAGIC));
        if (request == NULL) {
            request_refuse_bare(exchange, status);
            return;
        }
        request_find_route(request, &match);
        request->route = NULL; /* nobody was let in: there is nothing to audit */
    }
    request->by_server = true;
    request_answer_code(request, status, ocpi, str_from(reason), STR_NONE);
}
