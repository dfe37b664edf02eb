#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/partners/registration.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

#define TTL_MAX_MS INT64_C(31536000000) /* a year */

/* token issue, list, revoke. Tokens belong to a platform; people name it by one of its parties. */

/* ---------------------------------------------------------------- issue */

#define ISSUE_MAGIC 0x49535355u
struct issue {
    uint32_t magic;
    struct str secret; /* in the request's arena, which is wiped after the answer (CTL_TOKENS) */
    struct str fingerprint;
    int64_t expires;
};

static void reply_issue(struct change *change, struct json_writer *writer)
{
    const struct issue *issue = MAGIC_CAST(struct issue, change->context, ISSUE_MAGIC);
    struct str url = arena_printf(change->arena, "%s/ocpi/versions", change->hub->conf.base_url);
    json_field_string(writer, "party", change->id);
    json_field_string(writer, "token", issue->secret);
    json_field_string(writer, "fingerprint", issue->fingerprint);
    render_time(writer, "expires", issue->expires);
    json_field_string(writer, "versions_url", url);
}

static bool read_ttl(struct change *change, int64_t *ttl)
{
    struct str text = json_get_text(change->params, "ttl");
    *ttl = change->hub->conf.initial_token_ttl;
    if (text.length == 0 || (duration_parse(text, ttl) && *ttl > 0 && *ttl <= TTL_MAX_MS))
        return true;
    return refusal_set(&change->refusal, CTL_INVALID, NULL,
                       "--ttl " STR_FMT ": must be more than 0 and at most 365d", STR_ARG(text));
}

static struct str token_fact(struct arena *arena, struct str fingerprint, bool forced)
{
    return arena_printf(arena, "{\"fingerprint\":\"" STR_FMT "\"%s}", STR_ARG(fingerprint),
                        forced ? ",\"registration\":\"ended\"" : "");
}

static bool put_token(struct change *change, int64_t platform, bool registered, int64_t ttl)
{
    struct issue *issue = MAGIC_CAST(struct issue, change->context, ISSUE_MAGIC);
    struct store_op *old = change_op(change, STORE_DELETE_TOKENS);
    struct store_op *put = change_op(change, STORE_PUT_TOKEN);
    if (old == NULL || put == NULL)
        return true;
    old->u.token_match.platform = platform;
    old->u.token_match.kind = registered ? -1 : STORE_TOKEN_INITIAL;
    old->u.token_match.unused_only = !registered;
    issue->secret = registration_new_token(change->hub, change->arena, &put->u.token);
    if (issue->secret.data == NULL)
        return refusal_set(&change->refusal, CTL_INTERNAL, NULL, "no memory");
    put->u.token.platform = platform;
    put->u.token.kind = STORE_TOKEN_INITIAL;
    put->u.token.expires = issue->expires = put->u.token.created + ttl;
    issue->fingerprint = put->u.token.fingerprint;
    return true;
}

static bool build_issue(struct change *change)
{
    const struct issue *issue = MAGIC_CAST(struct issue, change->context, ISSUE_MAGIC);
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    int64_t ttl;
    if (party == NULL || !read_ttl(change, &ttl))
        return false;
    const struct store_platform *platform = &party->platform->row;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    bool registered = registration_is_registered(change->snapshot, platform, hub_kept_ms(change->hub));
    if (registered && !json_get_boolean(change->params, "force", false))
        return refusal_set(&change->refusal, CTL_CONFLICT,
                           "hubctl token rotate changes the tokens; to begin anew: the partner's DELETE "
                           "credentials, or --force",
                           "party " STR_FMT ": its platform has done the credentials exchange", STR_ARG(id));
    if (registered) { /* --force: what the account team registered of the partner is kept */
        registration_put_end(party->platform, change->now, &change->batch);
        change_resume(change, &party->key);
    }
    if (!put_token(change, platform->id, registered, ttl))
        return false;
    change_audit(change, "token.issue", ocpi_party_key_str(&party->key), STR_NONE,
                 token_fact(change->arena, issue->fingerprint, registered));
    change->reply = reply_issue;
    return change_done(change, id, "issued", "token of " STR_FMT " issued", STR_ARG(id));
}

void admin_token_issue(struct ctl_request *request)
{
    struct issue *issue = arena_alloc(&request->arena, sizeof *issue);
    if (issue == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    issue->magic = ISSUE_MAGIC;
    change_begin_with(request, build_issue, true, issue);
}

/* ---------------------------------------------------------------- list */

void admin_token_list(struct ctl_request *request)
{
    struct lookup_scope scope;
    if (!lookup_scope_begin(&scope, request, "id"))
        return;
    const struct registry_snapshot *snapshot = scope.snapshot;
    const struct registry_party *party = scope.party;
    struct reply_list list;
    reply_list_begin(&list, request);
    for (size_t i = 0; i < snapshot->token_count; i++) {
        const struct store_token *token = &snapshot->tokens[i];
        const struct registry_platform *platform = registry_find_platform(snapshot, token->platform);
        if (platform == NULL || (party != NULL && platform != party->platform))
            continue;
        struct str name = party != NULL ? render_party_id(snapshot, party, &request->arena)
                                        : render_platform_id(snapshot, platform, &request->arena);
        render_token(&list.writer, name, token);
    }
    lookup_scope_end(&scope);
    reply_list_end(&list, STR_NONE);
}

/* ---------------------------------------------------------------- revoke */

static bool matches(const struct store_token *token, int64_t platform, struct str fingerprint)
{
    return token->platform == platform &&
           (fingerprint.length == 0 || str_equal_fold(token->fingerprint, fingerprint));
}

static bool build_revoke(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    struct str fingerprint = json_get_text(change->params, "fingerprint");
    size_t count = 0, left = 0;
    if (party == NULL)
        return false;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    struct buffer revoked = {0};
    buffer_append_text(&revoked, "{\"fingerprints\":[");
    for (size_t i = 0; i < change->snapshot->token_count; i++) {
        const struct store_token *token = &change->snapshot->tokens[i];
        if (!matches(token, party->platform->row.id, fingerprint)) {
            left += token->platform == party->platform->row.id ? 1 : 0;
            continue;
        }
        struct store_op *delete = change_op(change, STORE_DELETE_TOKEN);
        if (delete != NULL)
            delete->u.token = *token;
        buffer_printf(&revoked, "%s\"" STR_FMT "\"", count++ > 0 ? "," : "", STR_ARG(token->fingerprint));
    }
    buffer_append_text(&revoked, "]}");
    struct str list = arena_copy(change->arena, buffer_str(&revoked));
    buffer_free(&revoked);
    if (count == 0 && fingerprint.data != NULL)
        return refusal_set(&change->refusal, CTL_NOT_FOUND, "hubctl token list",
                           "token " STR_FMT " of party " STR_FMT ": no such token", STR_ARG(fingerprint),
                           STR_ARG(id));
    if (count == 0)
        return change_unchanged(change, id, "party " STR_FMT " unchanged: it has no tokens", STR_ARG(id));
    change_audit(change, "token.revoke", ocpi_party_key_str(&party->key), list, STR_NONE);
    if (left == 0)
        change_hint(change, "no token is left: hubctl token issue " STR_FMT " lets the partner begin anew",
                    STR_ARG(id));
    if (fingerprint.data != NULL)
        return change_done(change, id, "revoked", "token " STR_FMT " of party " STR_FMT " revoked",
                           STR_ARG(fingerprint), STR_ARG(id));
    return change_done(change, id, "revoked", "%zu token%s of party " STR_FMT " revoked", count,
                       count == 1 ? "" : "s", STR_ARG(id));
}

void admin_token_revoke(struct ctl_request *request)
{
    change_begin(request, build_revoke, true);
}
