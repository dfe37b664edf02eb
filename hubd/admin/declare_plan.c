#include <ctype.h>
#include <stdio.h>

#include "hubd/admin/declare.h"
#include "hubd/admin/verbs.h"
#include "lib/base/env.h"

/*
 * Entries become ops by the single verbs: for each entry the verbs that lead to what it says are built one
 * after the other, each on the draft that the one before has left. So nothing is checked, audited or followed
 * up in another way than by the verb itself.
 */

/* ---------------------------------------------------------------- one verb */

#define PARAMS_MAX 8

/* A verb's parameters, as if they had come in a request; linked when they are used, so they can be copied. */
struct params {
    struct json_value object, members[PARAMS_MAX];
};

static void params_begin(struct params *params)
{
    memset(params, 0, sizeof(*params));
    params->object.type = JSON_OBJECT;
}

static void params_add(struct params *params, const char *key, struct json_value value)
{
    struct json_value *member = &params->members[params->object.count];
    *member = value;
    member->key = str_from(key);
    params->object.count++;
}

static const struct json_value *params_link(struct params *params)
{
    for (uint32_t i = 0; i < params->object.count; i++)
        params->members[i].next = i + 1 < params->object.count ? &params->members[i + 1] : NULL;
    params->object.child = params->object.count > 0 ? params->members : NULL;
    return &params->object;
}

static void params_add_text(struct params *params, const char *key, struct str text)
{
    params_add(params, key, (struct json_value){.type = JSON_STRING, .text = text});
}

/* A problem with the place that the verb's refusal is about: "--allow-host" is allowed_hosts here, the others
 * are called alike. */
static void take_refusal(struct declare_plan *plan, const char *place, const struct refusal *refusal)
{
    char member[40] = "";
    const char *param = refusal->param;
    if (param != NULL && strcmp(param, "--allow-host") == 0)
        param = "allowed_hosts";
    if (param != NULL)
        snprintf(member, sizeof(member), "/%s", param + strspn(param, "-"));
    for (char *letter = member; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    declare_problem(&plan->problems, "%s%s: %s", place, member, rows_refusal_text(refusal));
}

static bool take_wishes(struct declare_plan *plan)
{
    struct change *change = plan->change;
    if (change->resume.length > 0) {
        struct declare_resume *resume = arena_alloc(change->arena, sizeof(*resume));
        if (resume == NULL)
            return false;
        *resume = (struct declare_resume){change->resume, plan->resumes};
        plan->resumes = resume;
    }
    if (change->follow != NULL) {
        struct declare_follow *follow = arena_alloc(change->arena, sizeof(*follow));
        if (follow == NULL)
            return false;
        *follow = (struct declare_follow){change->follow, change->emsp, change->cpo, NULL};
        if (plan->follows == NULL)
            plan->follows = follow;
        else
            plan->last_follow->next = follow;
        plan->last_follow = follow;
    }
    change->resume = STR_NONE;
    change->follow = NULL;
    return true;
}

/* Runs a verb's builder on the draft. False: there is a problem more. */
static bool run_verb(struct declare_plan *plan, const char *place, bool (*build)(struct change *),
                     struct params *params)
{
    struct change *change = plan->change;
    const struct store_op *last = change->batch.last;
    const struct json_value *own = change->params;
    const struct registry_snapshot *snapshot = change->snapshot;
    change->params = params_link(params);
    change->snapshot = &plan->draft.snapshot;
    bool good = build(change);
    change->params = own;
    change->snapshot = snapshot;
    change->unchanged = false;
    change->hint_count = 0;
    if (!good) {
        take_refusal(plan, place, &change->refusal);
        change->refusal = (struct refusal){.code = CTL_OK};
        change->resume = STR_NONE;
        change->follow = NULL;
    } else if (!declare_draft_take(&plan->draft, last != NULL ? last->next : change->batch.first) ||
               !take_wishes(plan)) {
        declare_problem(&plan->problems, "%s: no memory", place);
        good = false;
    }
    return good;
}

/* ---------------------------------------------------------------- parties */

/* The party of the draft that an entry is about, NULL: it is to be added. False: that is not clear. */
static bool find_subject(struct declare_plan *plan, const struct declare_entry *entry, const char *place,
                         const struct registry_party **party)
{
    struct ocpi_party_key key;
    unsigned role;
    struct refusal refusal = {.code = CTL_OK};
    *party = NULL;
    if (!ocpi_party_key_parse(entry->id, &key, NULL, NULL, &role) ||
        registry_find_party(&plan->draft.snapshot, &key, role) == NULL)
        return true;
    *party = rows_find_party(&plan->draft.snapshot, entry->id, 0, &refusal);
    if (*party == NULL)
        declare_problem(&plan->problems, "%s/id: %s", place, refusal.message);
    return *party != NULL;
}

/* Roles only become more, and nobody moves: there are no verbs for that. */
static bool check_fixed(struct declare_plan *plan, const struct declare_entry *entry, const char *place,
                        const struct registry_party *party)
{
    unsigned roles = 0;
    struct arena *arena = plan->change->arena;
    for (const struct json_value *item = json_get(entry->value, "roles")->child; item != NULL;
         item = item->next)
        roles |= ocpi_role_from(item->text);
    if ((party->row.roles & ~roles) != 0)
        declare_problem(&plan->problems, "%s/roles: %s is " STR_FMT " too; a role goes with the party only",
                        place, party->key.text, STR_ARG(rows_roles_text(arena, party->row.roles & ~roles)));
    struct str wanted = declare_fold_party(arena, json_get_text(entry->value, "platform")),
               host = rows_platform_id(&plan->draft.snapshot, party->platform, arena);
    struct refusal refusal = {.code = CTL_OK};
    const struct registry_party *other =
        wanted.length == 0 ? party : rows_find_party(&plan->draft.snapshot, wanted, 0, &refusal);
    if (other == NULL)
        declare_problem(&plan->problems, "%s/platform: %s", place, refusal.message);
    else if (other->platform != party->platform)
        declare_problem(&plan->problems,
                        "%s/platform: %s is on the platform of " STR_FMT "; a party does not move", place,
                        party->key.text, STR_ARG(host));
    return (party->row.roles & ~roles) == 0 && other != NULL && other->platform == party->platform;
}

static bool add_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place,
                      const struct registry_party *party)
{
    struct params params;
    struct str platform = declare_fold_party(plan->change->arena, json_get_text(entry->value, "platform"));
    struct str id = json_get_text(entry->value, "id"); /* as it is written: that spelling is kept */
    size_t role = str_find(id, ':');
    params_begin(&params);
    params_add_text(&params, "id", role == SIZE_MAX ? id : str_of(id.data, role));
    params_add(&params, "roles", *json_get(entry->value, "roles"));
    if (party != NULL)
        params_add_text(&params, "platform", entry->id);
    else if (platform.length == 0 || str_equal(platform, entry->id))
        params_add_text(&params, "platform", STR("new"));
    else
        params_add_text(&params, "platform", entry->host != NULL ? entry->host->id : platform);
    if (party != NULL) /* name and website are set then, not completed */
        return run_verb(plan, place, party_build_add, &params);
    params_add_text(&params, "name", json_get_text(entry->value, "name"));
    struct params whole = params;
    params_add_text(&whole, "website", json_get_text(entry->value, "website"));
    if (run_verb(plan, place, party_build_add, &whole))
        return true;
    /* What is wrong besides, and what stands on this party, is seen with the party there. */
    size_t told = plan->problems.count;
    bool good = run_verb(plan, place, party_build_add, &params);
    plan->problems.count = told;
    return good;
}

/* Hosts of the platform that the document does not list, as --forbid-host takes them. */
static struct json_value hosts_to_forbid(struct arena *arena, struct str kept,
                                         const struct json_value *wanted)
{
    struct json_value list = {.type = JSON_ARRAY};
    struct str host;
    while (str_split(&kept, ' ', &host)) {
        bool stays = host.length == 0;
        for (const struct json_value *item = wanted->child; item != NULL && !stays; item = item->next)
            stays = str_equal_fold(item->text, host);
        struct json_value *item = stays ? NULL : arena_alloc(arena, sizeof(*item));
        if (item == NULL)
            continue;
        *item = (struct json_value){.type = JSON_STRING, .text = host, .next = list.child};
        list.child = item;
        list.count++;
    }
    return list;
}

static struct str joined(struct arena *arena, const struct json_value *list)
{
    struct buffer text = {0};
    for (const struct json_value *item = list->child; item != NULL; item = item->next)
        buffer_printf(&text, "%s" STR_FMT, text.length > 0 ? "," : "", STR_ARG(item->text));
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static bool set_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place,
                      const struct registry_party *party)
{
    static const char *const texts[] = {"name", "website", "token_encoding", "validation"};
    struct arena *arena = plan->change->arena;
    const struct json_value *hosts = json_get(entry->value, "allowed_hosts"),
                            *push = json_get(entry->value, "push");
    struct params params;
    params_begin(&params);
    params_add_text(&params, "id", entry->id);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (json_get_raw(entry->value, str_from(texts[i])) != NULL)
            params_add_text(&params, texts[i], json_get_text(entry->value, texts[i]));
    }
    if (hosts != NULL) {
        params_add(&params, "allow_hosts", *hosts);
        params_add(&params, "forbid_hosts",
                   hosts_to_forbid(arena, party->platform->row.allowed_hosts, hosts));
    }
    if (push != NULL)
        params_add_text(&params, "push", joined(arena, push));
    if (params.object.count < 2)
        return true;
    size_t before = plan->problems.count;
    if (run_verb(plan, place, party_build_set, &params))
        return true;
    plan->problems.count = before; /* the verb stops at the first mistake: each member by itself tells all */
    for (uint32_t i = 1; i < params.object.count; i++) {
        struct params one;
        params_begin(&one);
        params_add_text(&one, "id", entry->id);
        params_add(&one, params.members[i].key.data, params.members[i]);
        run_verb(plan, place, party_build_set, &one);
    }
    return false;
}

static bool suspend_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct str reason = json_get_text(entry->value, "suspend_reason");
    struct params params;
    if (json_get_raw(entry->value, STR("suspend_reason")) == NULL)
        return true;
    params_begin(&params);
    params_add_text(&params, "id", entry->id);
    if (reason.length == 0)
        return run_verb(plan, place, party_build_resume, &params);
    params_add_text(&params, "reason", reason);
    return run_verb(plan, place, party_build_suspend, &params);
}

static void plan_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    const struct registry_party *party;
    if (!find_subject(plan, entry, place, &party))
        return;
    if (party != NULL && !check_fixed(plan, entry, place, party))
        return;
    if (!add_party(plan, entry, place, party) || !find_subject(plan, entry, place, &party) || party == NULL)
        return;
    if (set_party(plan, entry, place, party))
        suspend_party(plan, entry, place);
}

static bool has_all(struct str hosts, const struct json_value *wanted)
{
    bool all = true;
    for (const struct json_value *item = wanted->child; item != NULL && all; item = item->next) {
        struct str rest = hosts, host;
        bool found = false;
        while (!found && str_split(&rest, ' ', &host))
            found = str_equal_fold(host, item->text);
        all = found;
    }
    return all;
}

/* Token encoding and hosts are the platform's: two parties of it cannot have different ones. */
static void check_shared(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    const struct registry_party *party;
    const struct json_value *hosts = json_get(entry->value, "allowed_hosts");
    struct str encoding = json_get_text(entry->value, "token_encoding");
    if ((hosts == NULL && encoding.length == 0) || !find_subject(plan, entry, place, &party) || party == NULL)
        return;
    const struct store_platform *row = &party->platform->row;
    const char *member = NULL;
    if (encoding.length > 0 && !str_equal_fold(encoding, str_from(party_encoding_name(row->encoding))))
        member = "token_encoding";
    else if (hosts != NULL && (!has_all(row->allowed_hosts, hosts) ||
                               hosts_to_forbid(plan->change->arena, row->allowed_hosts, hosts).count > 0))
        member = "allowed_hosts";
    if (member != NULL)
        declare_problem(
            &plan->problems,
            "%s/%s: another party of the platform has it differently; say it once, at " STR_FMT, place,
            member, STR_ARG(rows_platform_id(&plan->draft.snapshot, party->platform, plan->change->arena)));
}

/* ---------------------------------------------------------------- the other lists */

static void plan_receiver(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct params params;
    params_begin(&params);
    params_add_text(&params, "id", json_get_text(entry->value, "party"));
    params_add(&params, "module", *json_get(entry->value, "module"));
    params_add(&params, "url", *json_get(entry->value, "url"));
    run_verb(plan, place, receiver_build_set, &params);
}

static void plan_rule(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct str state = json_get_text(entry->value, "state");
    struct params params;
    params_begin(&params);
    params_add(&params, "emsp", *json_get(entry->value, "emsp"));
    params_add(&params, "cpo", *json_get(entry->value, "cpo"));
    if (str_equal_fold(state, STR("drain")))
        params_add(&params, "drain", (struct json_value){.type = JSON_BOOLEAN, .boolean = true});
    run_verb(plan, place, str_equal_fold(state, STR("on")) ? rule_build_enable : rule_build_disable, &params);
}

static void plan_limit(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct params params;
    params_begin(&params);
    params_add_text(&params, "id", json_get_text(entry->value, "party"));
    params_add(&params, "module", *json_get(entry->value, "module"));
    params_add(&params, "rate", *json_get(entry->value, "rate"));
    run_verb(plan, place, limit_build_set, &params);
}

/* ---------------------------------------------------------------- pruning */

/* Whether the document names what hubd calls so: with the party's role behind its id or without. */
static bool is_named(struct declare_plan *plan, enum declare_kind kind, const struct registry_party *party,
                     const struct registry_party *other, const char *module)
{
    const struct declare_list *list = &plan->document->lists[kind];
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    struct arena *arena = plan->change->arena;
    struct str first[2] = {STR(CTL_DEFAULT), STR_NONE}, second[2] = {str_from(module), STR_NONE};
    if (party != NULL) {
        first[0] = rows_party_id(snapshot, party, arena);
        first[1] = ocpi_party_key_str(&party->key);
    }
    if (other != NULL) {
        second[0] = rows_party_id(snapshot, other, arena);
        second[1] = ocpi_party_key_str(&other->key);
    }
    for (size_t i = 0; i < 4; i++) {
        struct str one = first[i / 2], two = second[i % 2];
        if (one.length > 0 && two.length > 0 &&
            declare_find(list, arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(one), STR_ARG(two))) != NULL)
            return true;
    }
    return false;
}

static void prune_receivers(struct declare_plan *plan, const struct registry_party *party)
{
    struct arena *arena = plan->change->arena;
    const struct store_receiver *list = party->receivers; /* of before, since the party's is replaced */
    size_t count = party->receiver_count;
    struct str id = rows_party_id(&plan->draft.snapshot, party, arena);
    for (size_t i = 0; i < count; i++) {
        struct params params;
        if (!str_equal(list[i].source, STR("set")) ||
            is_named(plan, DECLARE_RECEIVER, party, NULL, list[i].module.data))
            continue;
        params_begin(&params);
        params_add_text(&params, "id", id);
        params_add_text(&params, "module", list[i].module);
        run_verb(plan, "/receivers", receiver_build_unset, &params);
    }
}

static void prune_rule(struct declare_plan *plan, const struct store_rule *rule)
{
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    const struct registry_party *emsp = registry_find_party_id(snapshot, rule->emsp),
                                *cpo = registry_find_party_id(snapshot, rule->cpo);
    struct params params;
    if (rule->state == STORE_RULE_OFF || emsp == NULL || cpo == NULL ||
        is_named(plan, DECLARE_RULE, emsp, cpo, NULL))
        return;
    params_begin(&params);
    params_add_text(&params, "emsp", rows_party_id(snapshot, emsp, plan->change->arena));
    params_add_text(&params, "cpo", rows_party_id(snapshot, cpo, plan->change->arena));
    run_verb(plan, "/rules", rule_build_disable, &params);
}

/* `party` NULL: everybody's. */
static void prune_limits(struct declare_plan *plan, const struct registry_party *party)
{
    struct str id =
        party != NULL ? rows_party_id(&plan->draft.snapshot, party, plan->change->arena) : STR(CTL_DEFAULT);
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++) {
        struct params params;
        bool set =
            party != NULL ? rows_has_own_limit(party, kind) : plan->draft.snapshot.limits[kind] != NULL;
        if (!set || is_named(plan, DECLARE_LIMIT, party, NULL, limits_name(kind)))
            continue;
        params_begin(&params);
        params_add_text(&params, "id", id);
        params_add_text(&params, "module", str_from(limits_name(kind)));
        run_verb(plan, "/limits", limit_build_unset, &params);
    }
}

/* ---------------------------------------------------------------- the parts, in their order */

enum part {
    OWN_PLATFORMS,
    HOSTED,
    SHARED,
    RECEIVERS,
    RULES,
    LIMITS,
    PRUNE_RECEIVERS,
    PRUNE_RULES,
    PRUNE_LIMITS,
    PARTS
};

static const struct {
    enum declare_kind kind;
    bool prunes;
} parts[PARTS] = {
    [OWN_PLATFORMS] = {DECLARE_PARTY, false},
    [HOSTED] = {DECLARE_PARTY, false},
    [SHARED] = {DECLARE_PARTY, false},
    [RECEIVERS] = {DECLARE_RECEIVER, false},
    [RULES] = {DECLARE_RULE, false},
    [LIMITS] = {DECLARE_LIMIT, false},
    [PRUNE_RECEIVERS] = {DECLARE_RECEIVER, true},
    [PRUNE_RULES] = {DECLARE_RULE, true},
    [PRUNE_LIMITS] = {DECLARE_LIMIT, true},
};

/* How many items a part has. */
static size_t part_size(const struct declare_plan *plan, enum part part)
{
    const struct declare_list *list = &plan->document->lists[parts[part].kind];
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    if (part == SHARED && plan->problems.count > 0) /* what was refused is not there, so it differs */
        return 0;
    if (!parts[part].prunes)
        return list->count;
    if (!plan->prune || !list->given)
        return 0;
    return part == PRUNE_RULES ? snapshot->rule_count
                               : snapshot->party_count + (part == PRUNE_LIMITS ? 1 : 0);
}

static void prune_item(struct declare_plan *plan, enum part part, size_t at)
{
    const struct registry_snapshot *snapshot = &plan->draft.snapshot;
    if (part == PRUNE_RULES)
        prune_rule(plan, &snapshot->rules[at]);
    else if (part == PRUNE_RECEIVERS)
        prune_receivers(plan, &snapshot->parties[at]);
    else
        prune_limits(plan, at < snapshot->party_count ? &snapshot->parties[at] : NULL);
}

static void plan_entry(struct declare_plan *plan, enum part part, const struct declare_entry *entry)
{
    char place[48];
    snprintf(place, sizeof(place), "/%s/%zu", declare_list_name(parts[part].kind), entry->index);
    if (part == SHARED)
        check_shared(plan, entry, place);
    else if (part == RECEIVERS)
        plan_receiver(plan, entry, place);
    else if (part == RULES)
        plan_rule(plan, entry, place);
    else if (part == LIMITS)
        plan_limit(plan, entry, place);
    else if ((part == HOSTED) == (entry->host != NULL))
        plan_party(plan, entry, place);
}

bool declare_plan_begin(struct declare_plan *plan, struct change *change,
                        const struct declare_document *document, bool prune)
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
        enum part part = (enum part)plan->step;
        if (plan->at >= part_size(plan, part)) {
            plan->step++;
            plan->at = 0;
            continue;
        }
        if (parts[part].prunes)
            prune_item(plan, part, plan->at);
        else
            plan_entry(plan, part, &plan->document->lists[parts[part].kind].entries[plan->at]);
        plan->at++;
        plan->done++;
    }
    return plan->step < PARTS;
}
