#include "hubd/admin/change.h"
#include "hubd/admin/effect.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/admin/verbs.h"
#include "hubd/messages/list.h"
#include "hubd/registry/routing.h"
#include "lib/base/magic.h"

/* rule enable, disable, list, matrix: the routing matrix (hub-ocpi(7), ROUTING). */

#define HOLD_ROWS 500 /* at once: the store serves others in between */

static bool find_pair(struct change *change, struct lookup_pair *pair)
{
    return lookup_find_pair(change->snapshot, change->params, change->request->command, change->arena, pair,
                            &change->refusal);
}

static struct str state_fact(struct arena *arena, enum store_rule_state state)
{
    return arena_printf(arena, "\"%s\"", render_rule_state(state));
}

static void add_rule(struct change *change, const struct lookup_pair *pair, enum store_rule_state state)
{
    struct store_op *put = change_op(change, STORE_PUT_RULE);
    if (put != NULL)
        put->u.rule = (struct store_rule){pair->emsp->row.id, pair->cpo->row.id, state, 0};
    struct store_op *audit = change_op(change, STORE_APPEND_AUDIT);
    if (audit == NULL)
        return;
    change_audit_fill(change->request, &audit->u.audit,
                      state == STORE_RULE_ON ? "rule.enable" : "rule.disable");
    audit->u.audit.party = arena_copy(change->arena, ocpi_party_key_str(&pair->emsp->key));
    audit->u.audit.sender = audit->u.audit.party;
    audit->u.audit.receiver = arena_copy(change->arena, ocpi_party_key_str(&pair->cpo->key));
    audit->u.audit.detail =
        change_detail(change->arena, state_fact(change->arena, pair->rule), state_fact(change->arena, state));
}

/*
 * Objects that are pushed have one row each, whose newest state is sent; what the rule's end held of them goes on with
 * the rule. Sessions and CDRs wait for a replay: the account team decides (hub-ocpi(7), DELIVERY).
 */
static void release_pushed(struct change *change, const struct lookup_pair *pair)
{
    static const enum store_kind kinds[] = {STORE_LOCATION, STORE_TARIFF};
    change_resume(change, &pair->emsp->key);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct store_op *release = change_op(change, STORE_RELEASE_HELD);
        if (release == NULL)
            return;
        release->u.release.receiver = ocpi_party_key_str(&pair->emsp->key);
        release->u.release.reason = STORE_HOLD_NO_RULE;
        release->u.release.module = str_from(ocpi_module_name(registry_push_module(kinds[i])));
    }
}

static bool put_rule(struct change *change, const struct lookup_pair *pair, enum store_rule_state state,
                     const char *what)
{
    struct str id =
        arena_printf(change->arena, STR_FMT " " STR_FMT, STR_ARG(pair->emsp_id), STR_ARG(pair->cpo_id));
    if (pair->rule == state)
        return change_unchanged(change, id, "rule " STR_FMT " unchanged", STR_ARG(id));
    add_rule(change, pair, state);
    if (state == STORE_RULE_ON)
        release_pushed(change, pair);
    return change_done(change, id, what, "rule " STR_FMT " %s", STR_ARG(id), what);
}

static bool put_enabled(struct change *change, const struct lookup_pair *pair)
{
    return put_rule(change, pair, STORE_RULE_ON, "enabled");
}

bool rule_build_enable(struct change *change)
{
    struct lookup_pair pair;
    return find_pair(change, &pair) && put_enabled(change, &pair);
}

/* ---------------------------------------------------------------- what was queued under it */

#define HOLD_MAGIC 0x484f4c44u
struct hold {
    uint32_t magic;
    struct str emsp, cpo; /* party keys */
    int64_t count;        /* deliveries held by now */
};

static void add_hold(struct change *change, const struct hold *hold)
{
    struct store_op *op = change_op(change, STORE_HOLD_PENDING);
    if (op == NULL)
        return;
    op->u.hold.receiver = hold->emsp;
    op->u.hold.sender = hold->cpo;
    op->u.hold.reason = STORE_HOLD_NO_RULE;
    op->u.hold.limit = HOLD_ROWS;
}

static void add_hold_audit(struct change *change, const struct hold *hold)
{
    struct store_op *op = change_op(change, STORE_APPEND_AUDIT);
    if (op == NULL)
        return;
    change_audit_fill(change->request, &op->u.audit, "delivery.hold");
    op->u.audit.party = op->u.audit.receiver = hold->emsp;
    op->u.audit.sender = hold->cpo;
    op->u.audit.detail = arena_printf(change->arena, "{\"count\":%lld,\"reason\":\"%s\"}",
                                      (long long)hold->count, store_hold_name(STORE_HOLD_NO_RULE));
}

/*
 * A follow-up of a rule that was switched off: holds what is queued under it now. Else it would be held when its turn
 * comes, which never comes at a receiver that is down. In slices, then a row in the audit.
 */
static bool hold_queued(struct change *change, void *context, const struct store_op *done)
{
    struct hold *hold = MAGIC_CAST(struct hold, context, HOLD_MAGIC);
    if (done != NULL && done->type != STORE_HOLD_PENDING)
        return false;
    hold->count = done == NULL ? 0 : hold->count + done->u.hold.count;
    if (done == NULL || done->u.hold.count == HOLD_ROWS) {
        add_hold(change, hold);
        return true;
    }
    if (hold->count == 0)
        return false;
    add_hold_audit(change, hold);
    change_hint(change, "%lld queued deliveries are held; when the rule is back: hubctl delivery replay",
                (long long)hold->count);
    return true;
}

/* `*hold`: what is held, known after the follow-up; NULL when nothing is looked for. */
static bool put_disabled(struct change *change, const struct lookup_pair *pair, struct hold **hold)
{
    *hold = NULL;
    /* Nothing has begun under a rule that is off: there is nothing to drain. */
    if (json_get_boolean(change->params, "drain", false) && pair->rule != STORE_RULE_OFF)
        return put_rule(change, pair, STORE_RULE_DRAIN, "draining");
    *hold = arena_alloc(change->arena, sizeof **hold);
    if (*hold == NULL)
        return refusal_set(&change->refusal, CTL_INTERNAL, NULL, "no memory");
    (*hold)->magic = HOLD_MAGIC;
    (*hold)->emsp = arena_copy(change->arena, ocpi_party_key_str(&pair->emsp->key));
    (*hold)->cpo = arena_copy(change->arena, ocpi_party_key_str(&pair->cpo->key));
    change_follow(change, hold_queued, *hold);
    return put_rule(change, pair, STORE_RULE_OFF, "disabled");
}

bool rule_build_disable(struct change *change)
{
    struct lookup_pair pair;
    struct hold *hold;
    return find_pair(change, &pair) && put_disabled(change, &pair, &hold);
}

/* ---------------------------------------------------------------- the commands, which say the effect too */

#define RULE_COMMAND_MAGIC 0x52554c45u
struct rule_command {
    uint32_t magic;
    struct effect *effect;
    struct hold *hold; /* of rule disable without --drain, else NULL */
};

/* "3 queued deliveries" */
static struct str amount(struct arena *arena, int64_t count, const char *one, const char *many)
{
    return arena_printf(arena, "%lld %s", (long long)count, count == 1 ? one : many);
}

/* What the eMSP gains or loses, behind the line that says what was done; empty when that is nothing. */
static struct str effect_text(const struct change *change, const struct lookup_pair *pair,
                              enum store_rule_state state)
{
    const struct effect *effect =
        MAGIC_CAST(struct rule_command, change->context, RULE_COMMAND_MAGIC)->effect;
    bool sees = list_may_see(change->snapshot, pair->emsp, pair->cpo);
    bool will = state == STORE_RULE_ON || pair->emsp->platform == pair->cpo->platform;
    if (sees == will)
        return STR("");
    if (effect->locations == 0 && effect->tariffs == 0)
        return arena_printf(change->arena, ": " STR_FMT " has no locations and no tariffs here",
                            STR_ARG(pair->cpo_id));
    return arena_printf(change->arena, ": " STR_FMT " %s " STR_FMT " and " STR_FMT, STR_ARG(pair->emsp_id),
                        will ? "gains" : "loses",
                        STR_ARG(amount(change->arena, effect->locations, "location", "locations")),
                        STR_ARG(amount(change->arena, effect->tariffs, "tariff", "tariffs")));
}

static void write_reply(struct change *change, struct json_writer *writer)
{
    const struct rule_command *command = MAGIC_CAST(struct rule_command, change->context, RULE_COMMAND_MAGIC);
    const struct effect *effect = command->effect;
    int64_t held = command->hold != NULL ? command->hold->count : 0;
    change_write_reply(change, writer);
    json_field_int(writer, "locations", effect->locations);
    json_field_int(writer, "tariffs", effect->tariffs);
    render_number(writer, "held", effect->dry_run ? effect->queued : held, command->hold != NULL);
    json_field_boolean(writer, "dry_run", effect->dry_run);
}

/* Adds the effect to the answer. Of a dry run nothing else happens. */
static void add_effect(struct change *change, const struct lookup_pair *pair, enum store_rule_state state)
{
    struct effect *effect = MAGIC_CAST(struct rule_command, change->context, RULE_COMMAND_MAGIC)->effect;
    struct str text = change->unchanged ? STR("") : effect_text(change, pair, state), id = change->id;
    const char *what = change->what;
    change->reply = write_reply;
    if (text.length == 0)
        effect->locations = effect->tariffs = 0;
    if (change->unchanged) {
        effect->queued = 0;
        return;
    }
    if (!effect->dry_run) {
        change_done(change, id, what, "rule " STR_FMT " %s" STR_FMT, STR_ARG(id), what, STR_ARG(text));
        return;
    }
    struct str queued = amount(change->arena, effect->queued, "queued delivery", "queued deliveries");
    change->unchanged = true;
    change_done(change, id, arena_printf(change->arena, "would be %s", what).data,
                "rule " STR_FMT " would be %s" STR_FMT "%s" STR_FMT "%s", STR_ARG(id), what, STR_ARG(text),
                effect->queued > 0 ? "; " : "", effect->queued > 0 ? (int)queued.length : 0, queued.data,
                effect->queued > 0 ? " would be held" : "");
}

static bool build_enable(struct change *change)
{
    struct lookup_pair pair;
    bool good = find_pair(change, &pair) && put_enabled(change, &pair);
    if (good)
        add_effect(change, &pair, STORE_RULE_ON);
    return good;
}

static bool build_disable(struct change *change)
{
    struct rule_command *command = MAGIC_CAST(struct rule_command, change->context, RULE_COMMAND_MAGIC);
    struct lookup_pair pair;
    bool good = find_pair(change, &pair) && put_disabled(change, &pair, &command->hold);
    if (good)
        add_effect(change, &pair, STORE_RULE_OFF);
    return good;
}

static void begin_counted(struct effect *effect, bool (*build)(struct change *change))
{
    struct rule_command *command = arena_alloc(&effect->request->arena, sizeof *command);
    if (command == NULL) {
        ctl_fail(effect->request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    command->magic = RULE_COMMAND_MAGIC;
    command->effect = effect;
    change_begin_with(effect->request, build, true, command);
}

static void enable_counted(struct effect *effect)
{
    begin_counted(effect, build_enable);
}

static void disable_counted(struct effect *effect)
{
    begin_counted(effect, build_disable);
}

void admin_rule_enable(struct ctl_request *request)
{
    effect_count(request, false, enable_counted);
}

void admin_rule_disable(struct ctl_request *request)
{
    effect_count(request, !json_get_boolean(request->params, "drain", false), disable_counted);
}

/* ---------------------------------------------------------------- reading */

void admin_rule_list(struct ctl_request *request)
{
    struct lookup_scope scope;
    if (!lookup_scope_begin(&scope, request, "party"))
        return;
    const struct registry_snapshot *snapshot = scope.snapshot;
    const struct registry_party *only = scope.party;
    struct reply_list list;
    reply_list_begin(&list, request);
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        const struct store_rule *rule = &snapshot->rules[i];
        if (only == NULL || rule->emsp == only->row.id || rule->cpo == only->row.id)
            render_rule(&list.writer, snapshot, rule, &request->arena);
    }
    lookup_scope_end(&scope);
    reply_list_end(&list, STR_NONE);
}

#define CELLS_MAX 50000 /* of the matrix in one answer, about */

/* The matrix as it is written: a page of eMSPs' lines. */
struct rule_matrix {
    const struct registry_snapshot *snapshot;
    const struct registry_party **cpos;
    struct str *ids; /* of these */
    size_t cpo_count;
    size_t room; /* lines of a page */
    size_t count;
    int64_t last; /* row of the last line's party */
    bool more;
};

static bool grid_begin(struct rule_matrix *grid, const struct registry_snapshot *snapshot,
                       struct arena *arena)
{
    *grid = (struct rule_matrix){.snapshot = snapshot};
    grid->cpos = arena_alloc(arena, (snapshot->party_count + 1) * sizeof(struct registry_party *));
    grid->ids = arena_alloc(arena, (snapshot->party_count + 1) * sizeof *grid->ids);
    for (size_t i = 0; i < snapshot->party_count && grid->cpos != NULL && grid->ids != NULL; i++) {
        if ((snapshot->parties[i].row.roles & OCPI_ROLE_CPO) == 0)
            continue;
        grid->ids[grid->cpo_count] = render_party_id(snapshot, &snapshot->parties[i], arena);
        grid->cpos[grid->cpo_count++] = &snapshot->parties[i];
    }
    return grid->cpos != NULL && grid->ids != NULL;
}

/* One eMSP's line: the state towards every CPO. Each is found in one step. */
static void write_line(struct json_writer *writer, const struct rule_matrix *grid,
                       const struct registry_party *emsp, struct arena *arena)
{
    json_object_begin(writer);
    json_field_string(writer, "emsp", render_party_id(grid->snapshot, emsp, arena));
    json_key(writer, "rules");
    json_object_begin(writer);
    for (size_t i = 0; i < grid->cpo_count; i++) {
        const struct store_rule *rule = registry_find_rule(grid->snapshot, emsp, grid->cpos[i], true);
        json_key_str(writer, grid->ids[i]);
        json_string(writer, str_from(render_rule_state(rule != NULL ? rule->state : STORE_RULE_OFF)));
    }
    json_object_end(writer);
    json_object_end(writer);
}

/* The lines behind the party with the row `after`, 0: from the start. False: it is gone. */
static bool write_lines(struct reply_list *list, struct rule_matrix *grid, int64_t after)
{
    bool found = after == 0;
    for (size_t i = 0; i < grid->snapshot->party_count && !grid->more; i++) {
        const struct registry_party *emsp = &grid->snapshot->parties[i];
        if ((emsp->row.roles & OCPI_ROLE_EMSP) == 0)
            continue;
        if (!found) {
            found = emsp->row.id == after;
            continue;
        }
        grid->more = grid->count == grid->room;
        if (grid->more)
            break;
        write_line(&list->writer, grid, emsp, &list->request->arena);
        grid->last = emsp->row.id;
        grid->count++;
    }
    return found;
}

void admin_rule_matrix(struct ctl_request *request)
{
    struct registry_view *view = admin_hub(request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct reply_list list;
    struct rule_matrix grid;
    if (!grid_begin(&grid, snapshot, &request->arena)) {
        registry_release(view, snapshot);
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    size_t most = CELLS_MAX / (grid.cpo_count + 1) + 1, wanted = lookup_page_limit(request);
    grid.room = wanted < most ? wanted : most;
    reply_list_begin(&list, request);
    bool whole = write_lines(&list, &grid, lookup_page_after(request));
    registry_release(view, snapshot);
    json_array_end(&list.writer);
    json_key(&list.writer, "cpos");
    json_array_begin(&list.writer);
    for (size_t i = 0; i < grid.cpo_count; i++)
        json_string(&list.writer, grid.ids[i]);
    if (whole) {
        reply_list_end(&list,
                       grid.more ? arena_printf(&request->arena, "%lld", (long long)grid.last) : STR_NONE);
        return;
    }
    buffer_free(&list.buffer);
    ctl_fail(request, CTL_CONFLICT, "parties were removed while the matrix was read", "hubctl rule matrix");
}
