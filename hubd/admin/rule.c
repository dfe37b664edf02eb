#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/verbs.h"
#include "hubd/route.h"

#define HOLD_ROWS 500 /* at once: the store serves others in between */

/* rule enable, disable, list, matrix: the routing matrix (hub-contract 7). */

struct pair {
    const struct registry_party *emsp, *cpo;
    const struct store_rule *rule; /* NULL: never enabled */
    struct str emsp_id, cpo_id;
};

static const struct store_rule *find_rule(const struct registry_snapshot *snapshot,
                                          const struct registry_party *emsp, const struct registry_party *cpo)
{
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        if (snapshot->rules[i].emsp == emsp->row.id && snapshot->rules[i].cpo == cpo->row.id)
            return &snapshot->rules[i];
    }
    return NULL;
}

static bool find_pair(struct change *change, struct pair *pair)
{
    struct str emsp = json_get_text(change->params, "emsp"), cpo = json_get_text(change->params, "cpo");
    pair->emsp = rows_find_party(change->snapshot, emsp, OCPI_ROLE_EMSP, &change->refusal);
    if (pair->emsp == NULL)
        return false;
    pair->cpo = rows_find_party(change->snapshot, cpo, OCPI_ROLE_CPO, &change->refusal);
    if (pair->cpo == NULL)
        return false;
    pair->rule = find_rule(change->snapshot, pair->emsp, pair->cpo);
    pair->emsp_id = rows_party_id(change->snapshot, pair->emsp, change->arena);
    pair->cpo_id = rows_party_id(change->snapshot, pair->cpo, change->arena);
    return true;
}

static struct str state_fact(struct arena *arena, enum store_rule_state state)
{
    return arena_printf(arena, "\"%s\"", rows_rule_state(state));
}

static bool put_rule(struct change *change, const struct pair *pair, enum store_rule_state state,
                     const char *what)
{
    enum store_rule_state before = pair->rule != NULL ? pair->rule->state : STORE_RULE_OFF;
    struct str id =
        arena_printf(change->arena, STR_FMT " " STR_FMT, STR_ARG(pair->emsp_id), STR_ARG(pair->cpo_id));
    if (before == state)
        return change_unchanged(change, id, "rule " STR_FMT " unchanged", STR_ARG(id));
    struct store_op *put = change_op(change, STORE_PUT_RULE);
    if (put != NULL)
        put->u.rule = (struct store_rule){pair->emsp->row.id, pair->cpo->row.id, state, change->now};
    struct store_op *audit = change_op(change, STORE_APPEND_AUDIT);
    if (audit != NULL) {
        change_audit_fill(change->request, &audit->u.audit,
                          state == STORE_RULE_ON ? "rule.enable" : "rule.disable");
        audit->u.audit.party = arena_copy(change->arena, ocpi_party_key_str(&pair->emsp->key));
        audit->u.audit.sender = audit->u.audit.party;
        audit->u.audit.receiver = arena_copy(change->arena, ocpi_party_key_str(&pair->cpo->key));
        audit->u.audit.detail =
            change_detail(change->arena, state_fact(change->arena, before), state_fact(change->arena, state));
    }
    return change_done(change, id, what, "rule " STR_FMT " %s", STR_ARG(id), what);
}

bool rule_build_enable(struct change *change)
{
    struct pair pair;
    return find_pair(change, &pair) && put_rule(change, &pair, STORE_RULE_ON, "enabled");
}

void admin_rule_enable(struct ctl_request *request)
{
    change_begin(request, rule_build_enable, true);
}

/* ---------------------------------------------------------------- what was queued under it */

static void add_hold(struct change *change)
{
    struct store_op *hold = change_op(change, STORE_HOLD_PENDING);
    if (hold == NULL)
        return;
    hold->u.hold.receiver = change->emsp;
    hold->u.hold.sender = change->cpo;
    hold->u.hold.reason = STR(ROUTE_HELD_NO_RULE);
    hold->u.hold.limit = HOLD_ROWS;
}

/*
 * What waits for the eMSP is held at once and seen to be, not only when its turn comes: a receiver that is
 * down takes none. In slices; at the end a row in the audit.
 */
static bool hold_queued(struct change *change, const struct store_op *done)
{
    if (done != NULL && done->type != STORE_HOLD_PENDING)
        return false;
    change->number = done == NULL ? 0 : change->number + done->u.hold.count;
    if (done == NULL || done->u.hold.count == HOLD_ROWS) {
        add_hold(change);
        return true;
    }
    if (change->number == 0)
        return false;
    struct store_op *op = change_op(change, STORE_APPEND_AUDIT);
    if (op != NULL) {
        change_audit_fill(change->request, &op->u.audit, "delivery.hold");
        op->u.audit.party = op->u.audit.receiver = change->emsp;
        op->u.audit.sender = change->cpo;
        op->u.audit.detail = arena_printf(change->arena, "{\"count\":%lld,\"reason\":\"%s\"}",
                                          (long long)change->number, ROUTE_HELD_NO_RULE);
    }
    change_hint(change, "%lld queued deliveries are held; when the rule is back: hubctl delivery replay",
                (long long)change->number);
    return true;
}

bool rule_build_disable(struct change *change)
{
    struct pair pair;
    if (!find_pair(change, &pair))
        return false;
    bool off = pair.rule == NULL || pair.rule->state == STORE_RULE_OFF;
    /* Nothing has begun under a rule that is off: there is nothing to drain. */
    if (json_get_boolean(change->params, "drain", false) && !off)
        return put_rule(change, &pair, STORE_RULE_DRAIN, "draining");
    change->emsp = arena_copy(change->arena, ocpi_party_key_str(&pair.emsp->key));
    change->cpo = arena_copy(change->arena, ocpi_party_key_str(&pair.cpo->key));
    change->follow = hold_queued;
    return put_rule(change, &pair, STORE_RULE_OFF, "disabled");
}

void admin_rule_disable(struct ctl_request *request)
{
    change_begin(request, rule_build_disable, true);
}

/* ---------------------------------------------------------------- reading */

void admin_rule_list(struct ctl_request *request)
{
    struct rows_scope scope;
    if (!rows_scope_begin(&scope, request, "party"))
        return;
    const struct registry_snapshot *snapshot = scope.snapshot;
    const struct registry_party *only = scope.party;
    struct rows_list list;
    rows_list_begin(&list, request);
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        const struct store_rule *rule = &snapshot->rules[i];
        if (only == NULL || rule->emsp == only->row.id || rule->cpo == only->row.id)
            rows_rule(&list.writer, snapshot, rule, &request->arena);
    }
    rows_scope_end(&scope);
    rows_list_end(&list, STR_NONE);
}

/* One eMSP's line: the state towards every CPO. The snapshot's matrix answers each in one step. */
static void write_line(struct json_writer *writer, const struct registry_snapshot *snapshot,
                       const struct registry_party *emsp, struct arena *arena)
{
    json_object_begin(writer);
    json_field_string(writer, "emsp", rows_party_id(snapshot, emsp, arena));
    json_key(writer, "rules");
    json_object_begin(writer);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *cpo = &snapshot->parties[i];
        if ((cpo->row.roles & OCPI_ROLE_CPO) == 0)
            continue;
        const struct store_rule *rule = registry_find_rule(snapshot, emsp, cpo, true);
        json_key_str(writer, rows_party_id(snapshot, cpo, arena));
        json_string(writer, str_from(rows_rule_state(rule != NULL ? rule->state : STORE_RULE_OFF)));
    }
    json_object_end(writer);
    json_object_end(writer);
}

void admin_rule_matrix(struct ctl_request *request)
{
    struct registry_view *view = admin_hub(request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct buffer reply = {0};
    struct json_writer writer;
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    json_key(&writer, "cpos");
    json_array_begin(&writer);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        if ((snapshot->parties[i].row.roles & OCPI_ROLE_CPO) != 0)
            json_string(&writer, rows_party_id(snapshot, &snapshot->parties[i], &request->arena));
    }
    json_array_end(&writer);
    json_key(&writer, "rows");
    json_array_begin(&writer);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        if ((snapshot->parties[i].row.roles & OCPI_ROLE_EMSP) != 0)
            write_line(&writer, snapshot, &snapshot->parties[i], &request->arena);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    registry_release(view, snapshot);
    ctl_reply(request, &reply);
    buffer_free(&reply);
}
