#include "hubd/admin/connect/connect.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"

#include "hubd/calls/secret.h"
#include "lib/base/crypto.h"
#include "lib/ocpi/modules.h"

/* The hub token of a registration that a crash ended expires by itself, so long after the last moment at which the
 * partner could have answered. */
#define TOKEN_SPARE_MS (10 * 60 * 1000)

/* The platform as it is now; NULL: refused, since it changed after the exchange began. */
static const struct registry_platform *find_platform(struct change *change)
{
    const struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    const struct registry_platform *platform = registry_find_platform(change->snapshot, connect->platform);
    if (platform != NULL && str_equal(platform->row.token, connect->sealed))
        return platform;
    refusal_set(&change->refusal, CTL_CONFLICT, "hubctl party show; hubctl audit tail",
                "party " STR_FMT ": its platform %s meanwhile", STR_ARG(connect->id),
                platform == NULL ? "was removed" : "did another exchange of credentials");
    return NULL;
}

/* Answers the request with what the last change did, or with the refusal, and frees everything. */
static void end(struct connect *connect, struct change *done)
{
    connect_move(connect, CONNECT_ENDED);
    ring_remove(&connect->queue);
    connect->magic = 0;
    if (done != NULL)
        change_reply(done);
    else
        refusal_reply(connect->request, &connect->refusal);
}

/* ---------------------------------------------------------------- tokens in a partner's words */

/* Whether the text repeats a token, whole or cut, because the partner wrote one into its message: one of the registry,
 * which a rotation sends, or one of this exchange. */
static bool gives_token_away(const struct connect *connect, struct str text)
{
    struct registry_view *view = connect->hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_platform *platform = registry_find_platform(snapshot, connect->platform);
    const struct json_value *theirs = json_get(connect->credentials, "token");
    const struct str tokens[] = {platform != NULL ? platform->token : STR_NONE,
                                 platform != NULL ? platform->previous_token : STR_NONE, connect->token,
                                 connect->hub_token, theirs != NULL ? theirs->text : STR_NONE};
    bool found = secret_is_in(connect->arena, tokens, sizeof tokens / sizeof tokens[0], text);
    registry_release(view, snapshot);
    return found;
}

/* ---------------------------------------------------------------- the hub token, before it goes out */

static bool build_token(struct change *change)
{
    struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    const struct registry_platform *platform = find_platform(change);
    if (platform == NULL)
        return false;
    struct store_token *row = &connect->hub_row;
    row->platform = platform->row.id;
    row->kind = STORE_TOKEN_HUB;
    row->expires =
        connect->kind->first ? hub_kept_ms(change->hub) + connect->outbound.timeout_ms + TOKEN_SPARE_MS : 0;
    /* without a token of the partner, other hub tokens can only be of exchanges that were interrupted */
    struct store_op *old = platform->row.token.length == 0 ? change_op(change, STORE_DELETE_TOKENS) : NULL;
    struct store_op *put = change_op(change, STORE_PUT_TOKEN);
    if (old != NULL) {
        old->u.token_match.platform = row->platform;
        old->u.token_match.kind = STORE_TOKEN_HUB;
    }
    if (put != NULL)
        put->u.token = *row;
    return change_done(change, connect->id, "token stored", "%s", connect->kind->action);
}

void connect_store_token(struct connect *connect, void (*then)(struct change *change))
{
    connect_move(connect, CONNECT_STORING_TOKEN);
    change_step(&connect->change, connect->request, build_token, then, connect);
}

/* ---------------------------------------------------------------- the result */

static struct str facts(struct connect *connect, const struct discovery *discovery)
{
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    if (connect->credentials != NULL) {
        json_field_string(&writer, "url", json_get_text(connect->credentials, "url"));
        json_field_string(&writer, "fingerprint", connect->hub_row.fingerprint);
    }
    if (discovery != NULL)
        registration_write_discovery(&writer, discovery);
    json_object_end(&writer);
    struct str copy = arena_copy(connect->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

/* A row that `hubctl trace` finds with the messages. NULL when there is no memory. */
static struct store_audit *audit_of(struct change *change, struct str before, struct str after)
{
    const struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    change_audit(change, connect->kind->action, connect->party, before, after);
    struct store_op *op = change->batch.last;
    if (op == NULL || op->type != STORE_APPEND_AUDIT)
        return NULL;
    op->u.audit.module =
        str_from(ocpi_module_name(connect->kind->looks ? OCPI_MODULE_VERSIONS : OCPI_MODULE_CREDENTIALS));
    op->u.audit.method = str_from(http_method_name(connect->kind->method));
    op->u.audit.correlation_id = connect->correlation_id;
    return &op->u.audit;
}

static struct store_audit *audit(struct change *change, struct str after)
{
    return audit_of(change, STR_NONE, after);
}

bool connect_check_credentials(const struct connect *connect, const struct registry_snapshot *snapshot,
                               const struct registry_platform *platform, struct refusal *refusal)
{
    struct str problem = registration_check(connect->hub, snapshot, connect->arena, platform,
                                            connect->credentials, "hubctl party add registers it");
    return problem.data == NULL ||
           refusal_set(refusal, CTL_PARTNER, "then let the partner unregister the hub, and begin again",
                       "party " STR_FMT ": the partner's credentials: " STR_FMT, STR_ARG(connect->id),
                       STR_ARG(problem));
}

static bool build_exchange(struct change *change)
{
    struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    const struct registry_platform *platform = find_platform(change);
    if (platform == NULL)
        return false;
    if (!connect_check_credentials(connect, change->snapshot, platform, &change->refusal))
        return false;
    bool again = connect->found_again.status == OCPI_SUCCESS, once = connect->found.status == OCPI_SUCCESS;
    bool failed = connect->found_again.message.length > 0;
    if (failed && gives_token_away(connect, connect->found_again.message))
        connect->found_again.message = STR("the partner's message repeats a token");
    const struct discovery *discovery = again ? &connect->found_again : once ? &connect->found : NULL;
    if (again && once) /* both answered */
        connect->found_again.proven =
            registration_join_urls(connect->arena, connect->found_again.proven, connect->found.proven);
    connect->registration = (struct registration){
        .hub = connect->hub,
        .token_overlap = connect->hub->conf.token_overlap,
        .platform = platform,
        .credentials = connect->credentials,
        .discovery = discovery,
        .hub_token = &connect->hub_row,
        .first = connect->kind->first,
        .by_hub = true,
        .now = change->now,
    };
    registration_put(&connect->registration, &change->batch);
    audit(change, facts(connect, again || failed ? &connect->found_again : discovery));
    if (failed)
        change_hint(change,
                    "discovery with the new token failed: " STR_FMT "; hubctl receiver discover " STR_FMT
                    " tries again",
                    STR_ARG(connect->found_again.message), STR_ARG(connect->id));
    if (connect->kind->first)
        return change_done(change, connect->id, "connected", "party " STR_FMT " connected",
                           STR_ARG(connect->id));
    change_hint(change,
                "the old token ends by itself; hubctl token list " STR_FMT
                " shows when, hubctl token revoke ends it sooner",
                STR_ARG(connect->id));
    return change_done(change, connect->id, "rotated", "token of " STR_FMT " rotated", STR_ARG(connect->id));
}

/* Appends "IN-ABC tokens, IN-ABC commands" to `names`, for the receivers in the batch's ops of that type. Returns them
 * as JSON for the audit, STR_NONE when there are none. */
static struct str list_receivers(struct change *change, enum store_op_type type, struct buffer *names)
{
    struct buffer text = {0};
    struct json_writer list, *writer = &list;
    json_writer_init(writer, &text);
    json_array_begin(writer);
    for (const struct store_op *op = change->batch.first; op != NULL; op = op->next) {
        if (op->type != type)
            continue;
        const struct registry_party *party = registry_find_party_id(change->snapshot, op->u.receiver.party);
        struct str id = render_party_id(change->snapshot, party, change->arena);
        render_receiver(writer, id, &op->u.receiver);
        buffer_printf(names, "%s" STR_FMT " " STR_FMT, names->length > 0 ? ", " : "", STR_ARG(id),
                      STR_ARG(op->u.receiver.module));
    }
    json_array_end(writer);
    struct str facts_of = names->length > 0 ? arena_copy(change->arena, buffer_str(&text)) : STR_NONE;
    buffer_free(&text);
    return facts_of;
}

static bool say_discovered(struct change *change, struct str versions_url, bool moved, struct str filled,
                           struct str withdrawn)
{
    const struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    if (filled.length > 0 || withdrawn.length > 0)
        return change_done(change, connect->id, "discovered", "%s" STR_FMT "%s%s" STR_FMT,
                           filled.length > 0 ? "discovered: " : "", STR_ARG(filled),
                           filled.length > 0 && withdrawn.length > 0 ? "; " : "",
                           withdrawn.length > 0 ? "withdrawn: " : "", STR_ARG(withdrawn));
    if (moved)
        return change_done(change, connect->id, "discovered", "discovered: the versions list is now " STR_FMT,
                           STR_ARG(versions_url));
    return change_done(change, connect->id, "unchanged",
                       "receivers of " STR_FMT " unchanged: the partner lists %zu endpoints",
                       STR_ARG(connect->id), connect->found.endpoint_count);
}

static bool build_receivers(struct change *change)
{
    struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    const struct registry_platform *platform = find_platform(change);
    if (platform == NULL)
        return false;
    const struct discovery *found = &connect->found;
    struct store_platform row = platform->row;
    registration_learn(&row, found);
    bool moved = !str_equal(row.versions_url, platform->row.versions_url);
    registration_put_receivers(platform, found, &change->batch);
    struct store_op *put = change_op(change, STORE_PUT_PLATFORM);
    if (put != NULL)
        put->u.platform = row;
    struct buffer filled = {0}, withdrawn = {0};
    struct str before = list_receivers(change, STORE_WITHDRAW_RECEIVER, &withdrawn);
    struct str after = list_receivers(change, STORE_PUT_RECEIVER, &filled);
    audit_of(change, before, after.length > 0 || before.length > 0 ? after : facts(connect, found));
    if (found->refused.length > 0)
        change_hint(change, "listed with a URL that is not taken: " STR_FMT, STR_ARG(found->refused));
    say_discovered(change, row.versions_url, moved, buffer_str(&filled), buffer_str(&withdrawn));
    buffer_free(&filled);
    buffer_free(&withdrawn);
    return true;
}

static void result_stored(struct change *change)
{
    struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    struct hub *hub = connect->hub;
    connect->refusal = change->refusal;
    if (change->refusal.code == CTL_UNCERTAIN) { /* it may be stored, so nothing is undone */
        end(connect, NULL);
        return;
    }
    if (change->refusal.code != CTL_OK) {
        if (change->refusal.code == CTL_NOT_FOUND) /* the condition on the hub token */
            refusal_set(&connect->refusal, CTL_CONFLICT, "hubctl token list",
                        "party " STR_FMT ": the new hub token was revoked meanwhile", STR_ARG(connect->id));
        connect_fail(connect);
        return;
    }
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    const struct registry_platform *platform = registry_find_platform(snapshot, connect->platform);
    if (platform != NULL && !change->unchanged)
        registration_finished(hub, platform,
                              connect->kind->looks ? &connect->found : connect->registration.discovery);
    registry_release(hub->control_view, snapshot);
    end(connect, change);
}

void connect_store_result(struct connect *connect)
{
    connect_move(connect, CONNECT_STORING);
    change_step(&connect->change, connect->request, connect->kind->looks ? build_receivers : build_exchange,
                result_stored, connect);
}

/* ---------------------------------------------------------------- failing */

/* A failed registration leaves nothing. A rotation must not lock out a partner that has the new token already. */
static bool keeps_token(const struct connect *connect)
{
    return connect->taken && !connect->kind->first;
}

static bool build_failure(struct change *change)
{
    struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    struct store_op *take_back =
        connect->hub_token_stored && !keeps_token(connect) ? change_op(change, STORE_DELETE_TOKEN) : NULL;
    if (take_back != NULL)
        take_back->u.token = connect->hub_row;
    struct buffer detail = {0};
    struct json_writer writer;
    json_writer_init(&writer, &detail);
    json_object_begin(&writer);
    json_field_text(&writer, "reason", connect->refusal.message);
    json_object_end(&writer);
    struct store_audit *row = audit(change, STR_NONE);
    if (row != NULL) {
        row->status = STR("failed");
        row->detail = arena_copy(change->arena, buffer_str(&detail));
    }
    buffer_free(&detail);
    return change_done(change, connect->id, "failed", "%s", connect->kind->action);
}

static void failure_stored(struct change *change)
{
    end(MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC), NULL);
}

void connect_fail(struct connect *connect)
{
    connect_move(connect, CONNECT_FAILING);
    if (gives_token_away(connect, str_from(connect->refusal.message)))
        refusal_set(&connect->refusal, connect->refusal.code, connect->refusal.hint,
                    "party " STR_FMT ": the partner's message repeats a token and is not shown",
                    STR_ARG(connect->id));
    if (keeps_token(connect))
        refusal_set(&connect->refusal, connect->refusal.code,
                    "both hub tokens stay valid; the same command again when the partner is ready", "%s",
                    connect->refusal.message);
    change_step(&connect->change, connect->request, build_failure, failure_stored, connect);
}
