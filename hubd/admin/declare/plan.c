#include <stdio.h>

#include "hubd/admin/declare/declare.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/verbs.h"
#include "lib/base/env.h"

/*
 * Makes ops of the entries with the builders of the single commands: for each entry, the builders that lead to what it
 * says run one after the other, each on the draft that the one before left. So every check, audit row and follow-up is
 * the one of the command itself.
 */

/* ---------------------------------------------------------------- receivers, rules, limits */

static void plan_receiver(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct declare_params params;
    declare_params_begin(&params);
    declare_params_add_text(&params, "id", json_get_text(entry->value, "party"));
    declare_params_add(&params, "module", *json_get(entry->value, "module"));
    declare_params_add(&params, "url", *json_get(entry->value, "url"));
    if (json_get_boolean(entry->value, "custom", false))
        declare_params_add(&params, "custom", (struct json_value){.type = JSON_BOOLEAN, .boolean = true});
    declare_run_verb(plan, place, receiver_build_set, &params);
}

static void plan_rule(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    enum store_rule_state state = lookup_rule_state(json_get_text(entry->value, "state"));
    struct declare_params params;
    declare_params_begin(&params);
    declare_params_add(&params, "emsp", *json_get(entry->value, "emsp"));
    declare_params_add(&params, "cpo", *json_get(entry->value, "cpo"));
    if (state == STORE_RULE_DRAIN)
        declare_params_add(&params, "drain", (struct json_value){.type = JSON_BOOLEAN, .boolean = true});
    declare_run_verb(plan, place, state == STORE_RULE_ON ? rule_build_enable : rule_build_disable, &params);
}

static void plan_limit(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct declare_params params;
    declare_params_begin(&params);
    declare_params_add_text(&params, "id", json_get_text(entry->value, "party"));
    declare_params_add(&params, "module", *json_get(entry->value, "module"));
    declare_params_add(&params, "rate", *json_get(entry->value, "rate"));
    declare_run_verb(plan, place, limit_build_set, &params);
}

/* ---------------------------------------------------------------- names */

/* The id of an entry in hubd's spelling, after its builders succeeded. */
static struct str name_entry(struct declare_plan *plan, enum declare_kind kind,
                             const struct declare_entry *entry)
{
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    struct arena *arena = plan->change->arena;
    struct refusal refusal = {.code = CTL_OK};
    struct lookup_pair pair;
    if (kind == DECLARE_RULE)
        return lookup_find_pair(snapshot, entry->value, NULL, arena, &pair, &refusal)
                   ? arena_copy_upper(arena, arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(pair.emsp_id),
                                                          STR_ARG(pair.cpo_id)))
                   : entry->id;
    size_t space = str_find(entry->id, ' ');
    struct str subject = space == SIZE_MAX ? entry->id : str_of(entry->id.data, space);
    const struct registry_party *party = lookup_party(snapshot, subject, 0, &refusal);
    return party == NULL
               ? entry->id /* "default" */
               : arena_printf(arena, STR_FMT STR_FMT, STR_ARG(render_party_key(snapshot, party, arena)),
                              STR_ARG(str_skip(entry->id, subject.length)));
}

/* Sorts by hubd's ids, since a document may write a party with its role or without. */
static void name_list(struct declare_plan *plan, enum declare_kind kind)
{
    struct declare_list *list = &plan->document->lists[kind];
    for (size_t i = 0; i < list->count && plan->problems.count == 0; i++)
        list->entries[i].id = name_entry(plan, kind, &list->entries[i]);
    if (list->given && !declare_sort(list, kind, &plan->problems))
        declare_problem(&plan->problems, "no memory");
}

/* ---------------------------------------------------------------- pruning */

/* Whether the document names it. */
static bool is_named(struct declare_plan *plan, enum declare_kind kind, struct str first, struct str second)
{
    struct str id = arena_printf(plan->change->arena, STR_FMT " " STR_FMT, STR_ARG(first), STR_ARG(second));
    return declare_find(&plan->document->lists[kind], id) != NULL;
}

static void prune_receivers(struct declare_plan *plan, const struct registry_party *party)
{
    struct arena *arena = plan->change->arena;
    const struct store_receiver *list = party->receivers; /* the old list, since the party gets a new one */
    size_t count = party->receiver_count;
    struct str id = render_party_key(&plan->draft.snapshot, party, arena);
    for (size_t i = 0; i < count; i++) {
        struct declare_params params;
        if (list[i].source != STORE_SOURCE_SET || is_named(plan, DECLARE_RECEIVER, id, list[i].module))
            continue;
        declare_params_begin(&params);
        declare_params_add_text(&params, "id", id);
        declare_params_add_text(&params, "module", list[i].module);
        declare_run_verb(plan, "/receivers", receiver_build_unset, &params);
    }
}

static void prune_rule(struct declare_plan *plan, const struct store_rule *rule)
{
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    const struct registry_party *emsp = registry_find_party_id(snapshot, rule->emsp),
                                *cpo = registry_find_party_id(snapshot, rule->cpo);
    struct declare_params params;
    if (rule->state == STORE_RULE_OFF || emsp == NULL || cpo == NULL)
        return;
    struct str emsp_id = render_party_key(snapshot, emsp, plan->change->arena),
               cpo_id = render_party_key(snapshot, cpo, plan->change->arena);
    if (is_named(plan, DECLARE_RULE, emsp_id, cpo_id))
        return;
    declare_params_begin(&params);
    declare_params_add_text(&params, "emsp", emsp_id);
    declare_params_add_text(&params, "cpo", cpo_id);
    declare_run_verb(plan, "/rules", rule_build_disable, &params);
}

/* `party` NULL: the limits of all parties. */
static void prune_limits(struct declare_plan *plan, const struct registry_party *party)
{
    struct str id = party != NULL ? render_party_key(&plan->draft.snapshot, party, plan->change->arena)
                                  : STR(CTL_DEFAULT);
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++) {
        struct declare_params params;
        bool set =
            party != NULL ? lookup_has_own_limit(party, kind) : plan->draft.snapshot.limits[kind] != NULL;
        if (!set || is_named(plan, DECLARE_LIMIT, id, str_from(limit_name(kind))))
            continue;
        declare_params_begin(&params);
        declare_params_add_text(&params, "id", id);
        declare_params_add_text(&params, "module", str_from(limit_name(kind)));
        declare_run_verb(plan, "/limits", limit_build_unset, &params);
    }
}

/* ---------------------------------------------------------------- the parts, in their order */

enum plan_part {
    OWN_PLATFORMS,
    HOSTED,
    SHARED,
    RECEIVERS,
    RULES,
    LIMITS,
    NAMES,
    PRUNE_RECEIVERS,
    PRUNE_RULES,
    PRUNE_LIMITS,
    PARTS
};

static const struct {
    enum declare_kind kind;
    bool prunes;
} parts[PARTS] = {
    [OWN_PLATFORMS] = {DECLARE_PARTY, false}, [HOSTED] = {DECLARE_PARTY, false},
    [SHARED] = {DECLARE_PARTY, false},        [RECEIVERS] = {DECLARE_RECEIVER, false},
    [RULES] = {DECLARE_RULE, false},          [LIMITS] = {DECLARE_LIMIT, false},
    [NAMES] = {DECLARE_KINDS, false},         [PRUNE_RECEIVERS] = {DECLARE_RECEIVER, true},
    [PRUNE_RULES] = {DECLARE_RULE, true},     [PRUNE_LIMITS] = {DECLARE_LIMIT, true},
};

/* How many items a part has. */
static size_t part_size(const struct declare_plan *plan, enum plan_part part)
{
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    if (part == NAMES)
        return DECLARE_KINDS;
    const struct declare_list *list = &plan->document->lists[parts[part].kind];
    if (part == SHARED && plan->problems.count > 0) /* an entry that was refused would differ here too */
        return 0;
    if (!parts[part].prunes)
        return list->count;
    if (!plan->prune || !list->given)
        return 0;
    return part == PRUNE_RULES ? snapshot->rule_count
                               : snapshot->party_count + (part == PRUNE_LIMITS ? 1 : 0);
}

static void prune_item(struct declare_plan *plan, enum plan_part part, size_t at)
{
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    if (part == PRUNE_RULES)
        prune_rule(plan, &snapshot->rules[at]);
    else if (part == PRUNE_RECEIVERS)
        prune_receivers(plan, &snapshot->parties[at]);
    else
        prune_limits(plan, at < snapshot->party_count ? &snapshot->parties[at] : NULL);
}

static void plan_entry(struct declare_plan *plan, enum plan_part part, const struct declare_entry *entry)
{
    char place[48];
    snprintf(place, sizeof place, "/%s/%zu", declare_list_name(parts[part].kind), entry->index);
    if (part == SHARED)
        declare_check_shared(plan, entry, place);
    else if (part == RECEIVERS)
        plan_receiver(plan, entry, place);
    else if (part == RULES)
        plan_rule(plan, entry, place);
    else if (part == LIMITS)
        plan_limit(plan, entry, place);
    else if ((part == HOSTED) == (entry->host != NULL))
        declare_plan_party(plan, entry, place);
}

bool declare_plan_begin(struct declare_plan *plan, struct change *change, struct declare_document *document,
                        bool prune)
{
    *plan = (struct declare_plan){.change = change, .document = document, .prune = prune};
    plan->problems.arena = change->arena;
    return declare_draft_begin(&plan->draft, change->arena, change->snapshot,
                               document->lists[DECLARE_PARTY].count);
}

bool declare_plan_step(struct declare_plan *plan, int64_t budget_ms)
{
    int64_t until = env_monotonic_ms() + budget_ms;
    while (plan->step < PARTS && env_monotonic_ms() < until) {
        enum plan_part part = (enum plan_part)plan->step;
        if (plan->at >= part_size(plan, part)) {
            plan->step++;
            plan->at = 0;
            continue;
        }
        if (part == NAMES)
            name_list(plan, (enum declare_kind)plan->at);
        else if (parts[part].prunes)
            prune_item(plan, part, plan->at);
        else
            plan_entry(plan, part, &plan->document->lists[parts[part].kind].entries[plan->at]);
        plan->at++;
        plan->done++;
    }
    return plan->step < PARTS;
}
