#include "hubd/admin/declare/declare.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/verbs.h"

/* A party's entry: party add, set, suspend and resume, as far as they are needed. */

/* The party of the draft that an entry is about, NULL: a new one. False: it is ambiguous. */
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
    *party = lookup_party(&plan->draft.snapshot, entry->id, 0, &refusal);
    if (*party == NULL)
        declare_problem(&plan->problems, "%s/id: %s", place, refusal.message);
    return *party != NULL;
}

/* Refuses to take away a role or to change the platform, since no command can do that. */
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
                        place, party->id, STR_ARG(render_roles_text(arena, party->row.roles & ~roles)));
    struct str wanted = declare_fold_party(arena, json_get_text(entry->value, "platform")),
               host =
                   arena_copy_upper(arena, render_platform_id(&plan->draft.snapshot, party->platform, arena));
    struct refusal refusal = {.code = CTL_OK};
    const struct registry_party *other =
        wanted.length == 0 ? party : lookup_party(&plan->draft.snapshot, wanted, 0, &refusal);
    if (other == NULL)
        declare_problem(&plan->problems, "%s/platform: %s", place, refusal.message);
    else if (other->platform != party->platform)
        declare_problem(&plan->problems,
                        "%s/platform: %s is on the platform of " STR_FMT "; a party does not move", place,
                        party->id, STR_ARG(host));
    return (party->row.roles & ~roles) == 0 && other != NULL && other->platform == party->platform;
}

static bool add_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place,
                      const struct registry_party *party)
{
    struct declare_params params;
    struct str platform = declare_fold_party(plan->change->arena, json_get_text(entry->value, "platform"));
    struct str id = json_get_text(entry->value, "id"); /* as it is written: that spelling is kept */
    size_t role = str_find(id, ':');
    declare_params_begin(&params);
    declare_params_add_text(&params, "id", role == SIZE_MAX ? id : str_of(id.data, role));
    declare_params_add(&params, "roles", *json_get(entry->value, "roles"));
    if (party != NULL)
        declare_params_add_text(&params, "platform", entry->id);
    else if (platform.length == 0 || str_equal(platform, entry->id))
        declare_params_add_text(&params, "platform", STR("new"));
    else
        declare_params_add_text(&params, "platform", entry->host != NULL ? entry->host->id : platform);
    if (party != NULL) /* name and website are set by `party set` then */
        return declare_run_verb(plan, place, party_build_add, &params);
    declare_params_add_text(&params, "name", json_get_text(entry->value, "name"));
    struct declare_params whole = params;
    declare_params_add_text(&whole, "website", json_get_text(entry->value, "website"));
    if (declare_run_verb(plan, place, party_build_add, &whole))
        return true;
    /* The party is added to the draft in spite of it, so that other mistakes are found too. */
    size_t known = plan->problems.count;
    bool good = declare_run_verb(plan, place, party_build_add, &params);
    plan->problems.count = known;
    return good;
}

/* Hosts of the platform that the document does not list, in the form of --forbid-host. */
static struct json_value hosts_to_forbid(struct arena *arena, struct str kept,
                                         const struct json_value *wanted)
{
    struct json_value list = {.type = JSON_ARRAY};
    struct str host;
    while (str_split(&kept, ' ', &host)) {
        bool stays = host.length == 0;
        for (const struct json_value *item = wanted->child; item != NULL && !stays; item = item->next)
            stays = str_equal_fold(item->text, host);
        struct json_value *item = stays ? NULL : arena_alloc(arena, sizeof *item);
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
    static const char *const texts[] = {"name", "website", "token_encoding", "from", "validation"};
    struct arena *arena = plan->change->arena;
    const struct json_value *hosts = json_get(entry->value, "allowed_hosts"),
                            *push = json_get(entry->value, "push"),
                            *unknown = json_get(entry->value, "forward_unknown_sessions");
    const struct json_value yes = {.type = JSON_BOOLEAN, .boolean = true};
    struct declare_params params;
    declare_params_begin(&params);
    declare_params_add_text(&params, "id", entry->id);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (json_get_raw(entry->value, str_from(texts[i])) != NULL)
            declare_params_add_text(&params, texts[i], json_get_text(entry->value, texts[i]));
    }
    if (hosts != NULL) {
        declare_params_add(&params, "allow_hosts", *hosts);
        declare_params_add(&params, "forbid_hosts",
                           hosts_to_forbid(arena, party->platform->row.allowed_hosts, hosts));
    }
    if (push != NULL)
        declare_params_add_text(&params, "push", joined(arena, push));
    if (unknown != NULL)
        declare_params_add(&params, unknown->boolean ? "forward_unknown_sessions" : "refuse_unknown_sessions",
                           yes);
    if (params.object.count < 2)
        return true;
    size_t before = plan->problems.count;
    if (declare_run_verb(plan, place, party_build_set, &params))
        return true;
    plan->problems.count = before; /* the builder stops at its first mistake */
    for (uint32_t i = 1; i < params.object.count; i++) {
        struct declare_params one;
        declare_params_begin(&one);
        declare_params_add_text(&one, "id", entry->id);
        declare_params_add(&one, params.members[i].key.data, params.members[i]);
        declare_run_verb(plan, place, party_build_set, &one);
    }
    return false;
}

static bool suspend_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    struct str reason = json_get_text(entry->value, "suspend_reason");
    struct declare_params params;
    if (json_get_raw(entry->value, STR("suspend_reason")) == NULL)
        return true;
    declare_params_begin(&params);
    declare_params_add_text(&params, "id", entry->id);
    if (reason.length == 0)
        return declare_run_verb(plan, place, party_build_resume, &params);
    declare_params_add_text(&params, "reason", reason);
    return declare_run_verb(plan, place, party_build_suspend, &params);
}

void declare_plan_party(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
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

void declare_check_shared(struct declare_plan *plan, const struct declare_entry *entry, const char *place)
{
    const struct registry_party *party;
    const struct json_value *hosts = json_get(entry->value, "allowed_hosts");
    struct str encoding = json_get_text(entry->value, "token_encoding"),
               from = json_get_text(entry->value, "from");
    if ((hosts == NULL && encoding.length == 0 && from.length == 0) ||
        !find_subject(plan, entry, place, &party) || party == NULL)
        return;
    const struct store_platform *row = &party->platform->row;
    const char *member = NULL;
    if (encoding.length > 0 && !str_equal_fold(encoding, str_from(party_encoding_name(row->encoding))))
        member = "token_encoding";
    else if (from.length > 0 && !str_equal_fold(from, str_from(party_sender_name(row->from_hub))))
        member = "from";
    else if (hosts != NULL && (!has_all(row->allowed_hosts, hosts) ||
                               hosts_to_forbid(plan->change->arena, row->allowed_hosts, hosts).count > 0))
        member = "allowed_hosts";
    if (member != NULL)
        declare_problem(
            &plan->problems,
            "%s/%s: another party of the platform has it differently; say it once, at " STR_FMT, place,
            member, STR_ARG(render_platform_id(&plan->draft.snapshot, party->platform, plan->change->arena)));
}
