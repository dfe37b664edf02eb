#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/admin/verbs.h"

/* limit set, unset, list (hub-ocpi(7), LIMITS). */

struct target {
    struct str id;  /* "IN-ABC" or "default" */
    struct str key; /* for the audit; empty: everybody */
    int64_t party;  /* 0: everybody */
    enum limit_kind kind;
    const struct store_limit *row; /* what is set for exactly this; NULL: nothing */
};

static bool find_target(struct change *change, struct target *target)
{
    const struct registry_snapshot *snapshot = change->snapshot;
    struct str id = json_get_text(change->params, "id");
    target->kind = limit_find(json_get_text(change->params, "module"));
    if (str_equal_fold(id, STR(CTL_DEFAULT))) {
        target->id = STR(CTL_DEFAULT);
        target->row = snapshot->limits[target->kind];
        return true;
    }
    const struct registry_party *party = lookup_party(snapshot, id, 0, &change->refusal);
    if (party == NULL)
        return false;
    target->id = render_party_id(snapshot, party, change->arena);
    target->key = ocpi_party_key_str(&party->key);
    target->party = party->row.id;
    if (lookup_has_own_limit(party, target->kind))
        target->row = party->limits[target->kind];
    return true;
}

/* The row as JSON, for the audit. */
static struct str limit_fact(struct change *change, const struct target *target,
                             const struct store_limit *row)
{
    struct buffer text = {0};
    struct json_writer writer;
    if (row == NULL)
        return STR_NONE;
    json_writer_init(&writer, &text);
    render_rate_limit(&writer, &change->hub->conf, target->id, target->kind, row);
    struct str copy = arena_copy(change->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

bool limit_build_set(struct change *change)
{
    struct target target = {.key = STR_NONE};
    struct rate rate;
    char text[RATE_SIZE];
    if (!find_target(change, &target))
        return false;
    if (!rate_parse(json_get_text(change->params, "rate"), &rate))
        return refusal_set(&change->refusal, CTL_INVALID, NULL, "RATE: no rate; " RATE_REMEDY);
    const char *name = limit_name(target.kind);
    if (target.row != NULL && target.row->requests == rate.requests &&
        target.row->period_ms == rate.period_ms)
        return change_unchanged(change, target.id, "limit " STR_FMT " %s unchanged", STR_ARG(target.id),
                                name);
    struct store_op *put = change_op(change, STORE_PUT_LIMIT);
    if (put == NULL)
        return true;
    put->u.limit = (struct store_limit){target.party, str_from(name), rate.requests, rate.period_ms};
    change_audit(change, "limit.set", target.key, limit_fact(change, &target, target.row),
                 limit_fact(change, &target, &put->u.limit));
    return change_done(change, target.id, "set", "limit " STR_FMT " %s set to %s", STR_ARG(target.id), name,
                       rate_format(rate, text));
}

void admin_limit_set(struct ctl_request *request)
{
    change_begin(request, limit_build_set, true);
}

bool limit_build_unset(struct change *change)
{
    struct target target = {.key = STR_NONE};
    if (!find_target(change, &target))
        return false;
    const char *name = limit_name(target.kind);
    if (target.row == NULL)
        return refusal_set(&change->refusal, CTL_NOT_FOUND, "hubctl limit list",
                           "limit " STR_FMT " %s: none is set", STR_ARG(target.id), name);
    struct store_op *delete = change_op(change, STORE_DELETE_LIMIT);
    if (delete != NULL)
        delete->u.limit = *target.row;
    change_audit(change, "limit.unset", target.key, limit_fact(change, &target, target.row), STR_NONE);
    return change_done(change, target.id, "unset", "limit " STR_FMT " %s unset", STR_ARG(target.id), name);
}

void admin_limit_unset(struct ctl_request *request)
{
    change_begin(request, limit_build_unset, true);
}

void admin_limit_list(struct ctl_request *request)
{
    struct lookup_scope scope;
    if (!lookup_scope_begin(&scope, request, "id"))
        return;
    const struct registry_snapshot *snapshot = scope.snapshot;
    const struct conf *conf = &admin_hub(request)->conf;
    struct reply_list list;
    reply_list_begin(&list, request);
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT && scope.party == NULL; kind++)
        render_rate_limit(&list.writer, conf, STR(CTL_DEFAULT), kind, snapshot->limits[kind]);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        struct str id = render_party_id(snapshot, party, &request->arena);
        for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++)
            if (scope.party == party || (scope.party == NULL && lookup_has_own_limit(party, kind)))
                render_rate_limit(&list.writer, conf, id, kind, party->limits[kind]);
    }
    lookup_scope_end(&scope);
    reply_list_end(&list, STR_NONE);
}
