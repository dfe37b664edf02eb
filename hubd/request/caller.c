/* Who is calling: the platform by its token, the party by OCPI-from, the path or the body. */
#include "hubd/request/internal.h"
#include "lib/base/crypto.h"
#include "lib/ocpi/headers.h"

/* For how long a used initial token may repeat its POST (hub-ocpi(7), AUTHENTICATION). */
#define INITIAL_TOKEN_GRACE_MS (10 * 60 * 1000)

struct str request_header(const struct request *request, const char *name)
{
    return http_header_find(request->exchange->headers, request->exchange->header_count, name);
}

/* ---------------------------------------------------------------- the platform */

static bool token_is_dead(const struct store_token *token, int64_t now)
{
    return token->kind == STORE_TOKEN_INITIAL && token->used != 0 &&
           now - token->used > INITIAL_TOKEN_GRACE_MS;
}

/* Tries the token decoded from Base64 first, then as it was sent (hub-ocpi(7), AUTHENTICATION). */
bool request_authenticate(struct request *request)
{
    struct str credentials, candidates[2];
    if (!ocpi_authorization_parse(request_header(request, "Authorization"), &credentials))
        return false;
    unsigned count = ocpi_token_candidates(request->arena, credentials, candidates);
    int64_t now = hub_kept_ms(request->hub);
    for (unsigned i = 0; i < count; i++) {
        uint8_t hash[SHA256_SIZE];
        crypto_sha256(candidates[i], hash);
        const struct store_token *token = registry_find_token(request->snapshot, hash, now);
        if (token == NULL || token_is_dead(token, now))
            continue;
        request->token = token;
        request->token_text = candidates[i];
        request->platform = registry_find_platform(request->snapshot, token->platform);
        if (request->platform == NULL)
            return false;
        struct registry_runtime *runtime = request->platform->runtime;
        atomic_store_explicit(&runtime->last_heard_wall, request->now, memory_order_relaxed);
        request->exchange->held = &runtime->held; /* the runtime lives longer than any server */
        return true;
    }
    return false;
}

bool request_is_suspended(const struct request *request)
{
    const struct registry_platform *platform = request->platform;
    for (size_t i = 0; i < platform->party_count; i++)
        if (!platform->parties[i]->row.suspended)
            return false;
    return platform->party_count > 0;
}

int request_header_key(const struct request *request, const char *country, const char *party,
                       struct ocpi_party_key *key)
{
    struct str country_code = request_header(request, country), party_id = request_header(request, party);
    if (country_code.length == 0 && party_id.length == 0)
        return 0;
    return ocpi_party_key_make(country_code, party_id, key) ? 1 : -1;
}

/* ---------------------------------------------------------------- the party */

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

/* The caller when OCPI-from is absent: the platform's only party of the needed role, else the party that path
 * or body name as owner of the object or its token (hub-ocpi(7), ROUTING). */
static struct registry_party *request_infer_party(const struct request *request, unsigned roles)
{
    static const unsigned order[] = {OCPI_ROLE_EMSP, OCPI_ROLE_CPO, ~0u};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct registry_party *party = registry_only_party(request->platform, roles & order[i]);
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

/* Finds the party that OCPI-from names; NULL when it is absent. False: it is not of this platform, or is
 * suspended, and the request was answered. */
static bool request_read_from(struct request *request, struct registry_party **named)
{
    struct ocpi_party_key from;
    int state = request_header_key(request, OCPI_HEADER_FROM_COUNTRY_CODE, OCPI_HEADER_FROM_PARTY_ID, &from);
    *named = state <= 0 ? NULL : platform_party(request->platform, &from, 0);
    if (*named != NULL && (*named)->row.suspended) {
        request_answer(request, REPLY_UNAUTHORIZED, STR("the party is suspended"), STR_NONE);
        return false;
    }
    if (state == 0 || *named != NULL || request->route->roles == 0)
        return true;
    request_answer(request, REPLY_INVALID, STR("OCPI-from names no party of the calling platform"), STR_NONE);
    return false;
}

/*
 * Sets the party that the path names as owner; OCPI-from may name the same. False: the request was answered.
 */
static bool request_take_owner(struct request *request, const struct registry_party *from)
{
    struct ocpi_party_key owner;
    if (ocpi_party_key_make(request->params[0], request->params[1], &owner) &&
        (from == NULL || ocpi_party_key_equal(&from->key, &owner)))
        request->party = platform_party(request->platform, &owner, request->route->roles);
    if (request->party != NULL)
        return true;
    request_answerf(request, REPLY_FORBIDDEN, "party mismatch: " STR_FMT "/" STR_FMT " is not the caller's",
                    STR_ARG(request->params[0]), STR_ARG(request->params[1]));
    return false;
}

/* Sets the party by OCPI-from, else by platform, path or body. False: the request was answered. */
static bool request_take_party(struct request *request, const struct registry_party *from)
{
    unsigned roles = request->route->roles;
    request->party = from != NULL ? platform_party(request->platform, &from->key, roles)
                                  : request_infer_party(request, roles);
    bool later = from == NULL && !request->complete && request->route->body != ROUTE_BODY_NONE;
    if (request->party != NULL || later)
        return true;
    if (from != NULL)
        request_answer(request, REPLY_FORBIDDEN,
                       STR("OCPI-from names a party whose role may not use this endpoint"), STR_NONE);
    else
        request_answer(request, REPLY_INVALID,
                       STR("the platform hosts several parties: OCPI-from-country-code and "
                           "OCPI-from-party-id must say which "
                           "one is calling"),
                       STR_NONE);
    return false;
}

bool request_find_party(struct request *request)
{
    struct registry_party *from;
    if (!request_read_from(request, &from))
        return false;
    if (request->route->roles == 0)
        return true;
    if (!platform_has_role(request->platform, request->route->roles)) {
        request_answer(request, REPLY_FORBIDDEN, STR("the caller's role may not use this endpoint"),
                       STR_NONE);
        return false;
    }
    bool found = (request->route->flags & ROUTE_OWNER) != 0 ? request_take_owner(request, from)
                                                            : request_take_party(request, from);
    if (!found || request->party == NULL || !request->party->row.suspended)
        return found;
    request_answer(request, REPLY_UNAUTHORIZED, STR("the party is suspended"), STR_NONE);
    return false;
}

/* ---------------------------------------------------------------- over time */

void request_leave(struct request *request)
{
    struct registry_snapshot *old = request->snapshot;
    request->kept.has_token = request->token != NULL;
    request->kept.has_party = request->party != NULL;
    if (request->token != NULL) {
        memcpy(request->kept.token, request->token->hash, sizeof request->kept.token);
        request->kept.platform = request->platform->row.id;
    }
    if (request->party != NULL)
        request->kept.party = request->party->key;
    request->token = NULL;
    request->platform = NULL;
    request->party = request->target = NULL;
    request->snapshot = NULL;
    request->worker->active--;
    registry_release(request->worker->view, old);
}

/* Looks the caller up in the new snapshot. False: token, platform or party has changed. */
static bool request_find_again(struct request *request)
{
    const struct registry_snapshot *snapshot = request->snapshot;
    if (!request->kept.has_token)
        return true;
    request->token = registry_find_token(snapshot, request->kept.token, hub_kept_ms(request->hub));
    request->platform = registry_find_platform(snapshot, request->kept.platform);
    if (request->token == NULL || request->platform == NULL || request_is_suspended(request))
        return false;
    if (!request->kept.has_party)
        return true;
    request->party = platform_party(request->platform, &request->kept.party, request->route->roles);
    return request->party != NULL && !request->party->row.suspended;
}

bool request_return(struct request *request)
{
    request->snapshot = registry_hold(request->worker->view);
    request->worker->active++;
    if (request_find_again(request))
        return true;
    request->token = NULL;
    request->platform = NULL;
    request->party = NULL;
    return false;
}

bool request_renew(struct request *request)
{
    request_leave(request);
    if (request_return(request))
        return true;
    request_answer(request, REPLY_UNAUTHORIZED, STR("the token was revoked meanwhile"), STR_NONE);
    return false;
}
