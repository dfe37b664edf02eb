#include "hubd/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "hubd/quality.h"
#include "hubd/relay.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/ocpi/headers.h"
#include "lib/ocpi/validate.h"

#define REQUEST_MAGIC 0x52455153u
#define ID_MAX        128
/* A used initial token serves a repeated POST for so long (hub-contract 3). */
#define INITIAL_TOKEN_GRACE_MS (10 * 60 * 1000)

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

bool request_validate(struct request *request, const struct ocpi_object *object, bool partial)
{
    struct ocpi_findings findings;
    ocpi_validate(request->arena, object, request->body, partial, &findings);
    if (!ocpi_findings_refuse(&findings, quality_is_strict(request))) {
        request->counts = findings.counts;
        return true;
    }
    request_answer(request, REPLY_INVALID, ocpi_findings_text(request->arena, &findings), STR_NONE);
    return false;
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

bool request_check_member(struct request *request, const char *member, struct str expected)
{
    struct str found = json_get_text(request->body, member);
    if (found.data == NULL || str_equal_fold(found, expected))
        return true;
    request_answerf(request, REPLY_INVALID,
                    "/%s: must be \"" STR_FMT "\" as in the URL, found \"" STR_FMT "\"", member,
                    STR_ARG(expected), STR_ARG(found));
    return false;
}

/* ---------------------------------------------------------------- who is calling */

static struct str request_header(const struct request *request, const char *name)
{
    return http_header_find(request->exchange->headers, request->exchange->header_count, name);
}

static struct str request_id_or_new(struct request *request, const char *name)
{
    struct str given = request_header(request, name);
    if (given.length > 0 && given.length <= ID_MAX)
        return given;
    char *made = arena_alloc(request->arena, UUID_SIZE);
    return made == NULL ? STR("") : str_from(uuid_make(made));
}

static bool token_is_dead(const struct store_token *token, int64_t now)
{
    return token->kind == STORE_TOKEN_INITIAL && token->used != 0 &&
           now - token->used > INITIAL_TOKEN_GRACE_MS;
}

/* Base64-decoded first, then as sent (hub-contract 3). */
static bool request_authenticate(struct request *request)
{
    struct str credentials, candidates[2];
    if (!ocpi_authorization_parse(request_header(request, "Authorization"), &credentials))
        return false;
    unsigned count = ocpi_token_candidates(request->arena, credentials, candidates);
    for (unsigned i = 0; i < count; i++) {
        uint8_t hash[SHA256_SIZE];
        crypto_sha256(candidates[i], hash);
        const struct store_token *token = registry_find_token(request->snapshot, hash, request->now);
        if (token == NULL || token_is_dead(token, request->now))
            continue;
        request->token = token;
        request->token_text = candidates[i];
        request->platform = registry_find_platform(request->snapshot, token->platform);
        return request->platform != NULL;
    }
    return false;
}

static bool platform_is_suspended(const struct registry_platform *platform)
{
    for (size_t i = 0; i < platform->party_count; i++)
        if (!platform->parties[i]->row.suspended)
            return false;
    return platform->party_count > 0;
}

/* A pair of headers as a key: 0 absent, 1 read, -1 unusable. */
static int request_header_key(const struct request *request, const char *country, const char *party,
                              struct ocpi_party_key *key)
{
    struct str country_code = request_header(request, country), party_id = request_header(request, party);
    if (country_code.length == 0 && party_id.length == 0)
        return 0;
    return ocpi_party_key_make(country_code, party_id, key) ? 1 : -1;
}

static struct registry_party *platform_party(const struct registry_platform *platform,
                                             const struct ocpi_party_key *key, unsigned roles)
{
    for (size_t i = 0; i < platform->party_count; i++) {
        struct registry_party *party = platform->parties[i];
        if (ocpi_party_key_equal(&party->key, key) && (roles == 0 || (party->row.roles & roles) != 0))
            return party;
    }
    return NULL;
}

static bool platform_has_role(const struct registry_platform *platform, unsigned roles)
{
    for (size_t i = 0; i < platform->party_count; i++)
        if ((platform->parties[i]->row.roles & roles) != 0)
            return true;
    return false;
}

/* FROM is absent: the platform's one party of the needed role, else the one that the path or the body says
 * owns the object or its token (hub-contract 5). */
static struct registry_party *request_infer_party(const struct request *request, unsigned roles)
{
    static const unsigned order[] = {OCPI_ROLE_EMSP, OCPI_ROLE_CPO};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct registry_party *party =
            (roles & order[i]) != 0 ? registry_only_party(request->platform, order[i]) : NULL;
        if (party != NULL)
            return party;
    }
    const struct json_value *token = json_get(request->body, "token");
    const struct str named[][2] = {
        {request->params[0], request->params[1]},
        {json_get_text(request->body, "country_code"), json_get_text(request->body, "party_id")},
        {json_get_text(token, "country_code"), json_get_text(token, "party_id")},
    };
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        struct ocpi_party_key key;
        if (ocpi_party_key_make(named[i][0], named[i][1], &key) &&
            platform_party(request->platform, &key, roles) != NULL)
            return platform_party(request->platform, &key, roles);
    }
    return NULL;
}

/* Sets request->party for routes that name roles; a suspended FROM is refused everywhere. False when
 * answered. */
static bool request_find_party(struct request *request)
{
    unsigned roles = request->route->roles;
    struct ocpi_party_key from, owner;
    int from_state =
        request_header_key(request, OCPI_HEADER_FROM_COUNTRY_CODE, OCPI_HEADER_FROM_PARTY_ID, &from);
    if (roles == 0 && (from_state <= 0 || platform_party(request->platform, &from, 0) == NULL))
        return true;
    if (from_state < 0 || (from_state > 0 && platform_party(request->platform, &from, 0) == NULL)) {
        request_answer(request, REPLY_INVALID, STR("OCPI-from names no party of the calling platform"),
                       STR_NONE);
        return false;
    }
    if (from_state > 0 && platform_party(request->platform, &from, 0)->row.suspended) {
        request_answer(request, REPLY_UNAUTHORIZED, STR("the party is suspended"), STR_NONE);
        return false;
    }
    if (roles == 0)
        return true;
    if (!platform_has_role(request->platform, roles)) {
        request_answer(request, REPLY_FORBIDDEN, STR("the caller's role may not use this endpoint"),
                       STR_NONE);
        return false;
    }
    if ((request->route->flags & ROUTE_OWNER) != 0) {
        if (ocpi_party_key_make(request->params[0], request->params[1], &owner) &&
            (from_state == 0 || ocpi_party_key_equal(&from, &owner)))
            request->party = platform_party(request->platform, &owner, roles);
        if (request->party == NULL) {
            request_answerf(request, REPLY_FORBIDDEN,
                            "party mismatch: " STR_FMT "/" STR_FMT " is not the caller's",
                            STR_ARG(request->params[0]), STR_ARG(request->params[1]));
            return false;
        }
    } else if (from_state > 0) {
        request->party = platform_party(request->platform, &from, roles);
        if (request->party == NULL) {
            request_answer(request, REPLY_FORBIDDEN,
                           STR("OCPI-from names a party whose role may not use this endpoint"), STR_NONE);
            return false;
        }
    } else if ((request->party = request_infer_party(request, roles)) == NULL) {
        request_answer(request, REPLY_INVALID,
                       STR("the platform hosts several parties: OCPI-from-country-code and "
                           "OCPI-from-party-id must say which "
                           "one is calling"),
                       STR_NONE);
        return false;
    }
    if (request->party->row.suspended) {
        request_answer(request, REPLY_UNAUTHORIZED, STR("the party is suspended"), STR_NONE);
        return false;
    }
    return true;
}

bool request_renew(struct request *request)
{
    struct registry_snapshot *old = request->snapshot;
    uint8_t hash[SHA256_SIZE];
    memcpy(hash, request->token->hash, sizeof hash);
    int64_t platform = request->platform->row.id;
    struct ocpi_party_key key = {{0}};
    if (request->party != NULL)
        key = request->party->key;
    request->snapshot = registry_hold(request->worker->view);
    request->token = registry_find_token(request->snapshot, hash, request->now);
    request->platform = registry_find_platform(request->snapshot, platform);
    if (request->party != NULL && request->platform != NULL)
        request->party = platform_party(request->platform, &key, request->route->roles);
    registry_release(request->worker->view, old);
    if (request->token != NULL && request->platform != NULL)
        return true;
    request->party = NULL;
    request_answer(request, REPLY_UNAUTHORIZED, STR("the token was revoked meanwhile"), STR_NONE);
    return false;
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
    char *text = arena_alloc(request->arena, request->exchange->path.length + 1);
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

static bool request_decode_params(struct request *request, const struct router_match *match)
{
    request->param_count = match->param_count;
    for (unsigned i = 0; i < match->param_count; i++) {
        request->raw_params[i] = match->params[i];
        request->params[i] = http_percent_decode(request->arena, match->params[i]);
        struct str param = request->params[i];
        if (param.data != NULL && !request_is_id(param)) {
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

static bool request_parse_body(struct request *request)
{
    struct str body = str_trim(request->exchange->body);
    if (request->route->body == ROUTE_BODY_NONE ||
        (body.length == 0 && request->route->body != ROUTE_BODY_OBJECT))
        return true;
    struct error error;
    int result = json_parse(request->arena, request->exchange->body, JSON_DEPTH_MAX, &request->body, &error);
    if (result == ERR_MEMORY) {
        request_answer_error(request, result);
        return false;
    }
    if (result != OK) {
        request_answerf(request, REPLY_NOT_JSON, "the body is not JSON: %s", error.text);
        return false;
    }
    if (request->body->type == JSON_OBJECT || request->route->body == ROUTE_BODY_ANY)
        return true;
    request_answerf(request, REPLY_INVALID, ": not an object: " STR_FMT,
                    STR_ARG(ocpi_value_text(request->arena, request->body)));
    return false;
}

static void request_handle(struct request *request)
{
    if (!request_parse_body(request))
        return;
    if (request->platform != NULL && !request_find_party(request))
        return;
    if (!limits_admit(request))
        return;
    if (!route_is_functional(request->route)) { /* never routed: headers that try it mean nothing */
        request->route->handle(request);
        return;
    }
    int to = request_header_key(request, OCPI_HEADER_TO_COUNTRY_CODE, OCPI_HEADER_TO_PARTY_ID, &request->to);
    if (to < 0) {
        request_answer(request, REPLY_UNKNOWN_RECEIVER, STR("OCPI-to names no party"), STR_NONE);
        return;
    }
    request->has_to = to > 0;
    if ((request->route->flags & ROUTE_RELAYED) != 0 && request_is_directed(request))
        relay_directed(request);
    else
        request->route->handle(request);
}

/*
 * The first use of a hub token ends the initial token that brought it: durable, and known to every loop,
 * before the request goes on (hub-contract 3).
 */
static void request_activated(int result, void *context)
{
    struct request *request = MAGIC_CAST(struct request, context, REQUEST_MAGIC);
    if (result != OK)
        request_answer_error(request, result);
    else
        request_handle(request);
}

static void request_activation_stored(struct store_apply *apply)
{
    struct request *request = MAGIC_CAST(struct request, apply->context, REQUEST_MAGIC);
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

static void request_route(struct request *request)
{
    struct router_match match;
    router_find(router_conditions(&request->worker->conf), request->exchange->method, request->exchange->path,
                &match);
    if (match.module.data != NULL && request_header(request, OCPI_HEADER_TO_PARTY_ID).length > 0) {
        match.route = request->exchange->method == HTTP_METHOD_OTHER ? NULL : &router_relay;
        match.allowed = (1u << HTTP_METHOD_OTHER) - 1;
        match.known = true;
        match.params[match.param_count++] = match.module;
    }
    request->route = match.route;
    bool open = match.route != NULL && match.route->access == ROUTE_OPEN;
    if (!open && !request_authenticate(request)) {
        request_answer(request, REPLY_UNAUTHORIZED, STR("no, unknown, expired or revoked token"), STR_NONE);
        return;
    }
    if (!open && request->token->kind == STORE_TOKEN_INITIAL &&
        (match.route == NULL || match.route->access != ROUTE_INITIAL_TOO)) {
        request_answer(request, REPLY_UNAUTHORIZED,
                       STR("an initial token is good for versions and credentials only: use the token of the "
                           "hub's answer "
                           "to POST credentials"),
                       STR_NONE);
        return;
    }
    if (!open && platform_is_suspended(request->platform)) {
        request_answer(request, REPLY_UNAUTHORIZED, STR("the party is suspended"), STR_NONE);
        return;
    }
    if (!match.known) {
        request_answer(request, REPLY_UNKNOWN, STR("no such path"), STR_NONE);
        return;
    }
    if (match.route == NULL) {
        struct buffer allow = {0};
        router_write_allow(match.allowed, &allow);
        http_exchange_header(request->exchange, "Allow", buffer_str(&allow));
        buffer_free(&allow);
        request_answer(request, REPLY_METHOD, STR("this method is not offered here"), STR_NONE);
        return;
    }
    if (!request_decode_params(request, &match))
        return;
    if (request->token != NULL && request->token->kind == STORE_TOKEN_HUB && request->token->used == 0)
        request_activate_token(request);
    else
        request_handle(request);
}

void request_begin(struct http_exchange *exchange, void *context)
{
    struct worker *worker = context;
    struct request *request = arena_alloc(&exchange->arena, sizeof *request);
    if (request == NULL) {
        http_exchange_send(exchange, 500, NULL);
        return;
    }
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
    request_route(request);
}
