#include <stdio.h>

#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/verbs.h"
#include "lib/http/url.h"

/*
 * party add. Several parties may have one id when each is on another platform and has other roles. Within a platform an
 * id is one party with a set of roles.
 */
struct party_add {
    struct ocpi_party_key key;
    struct str country_code, party_id, name, website;
    unsigned roles;
    bool own_platform;                        /* --platform new */
    const struct registry_platform *platform; /* --platform ID */
};

static bool read_wanted(struct change *change, struct party_add *wanted)
{
    struct str id = json_get_text(change->params, "id"), platform = json_get_text(change->params, "platform");
    struct refusal *refusal = &change->refusal;
    struct url url;
    struct error error;
    memset(wanted, 0, sizeof *wanted);
    if (!ocpi_party_key_parse(id, &wanted->key, &wanted->country_code, &wanted->party_id, NULL))
        return refusal_set(refusal, CTL_INVALID,
                           "two letters and three letters or digits, e.g. IN-ABC; roles with --role",
                           "party " STR_FMT ": no party id", STR_ARG(id));
    if (ocpi_party_key_equal(&wanted->key, &change->hub->key))
        return refusal_set(refusal, CTL_CONFLICT,
                           "choose another id, or change hubd's country_code and party_id",
                           "party " STR_FMT ": that is the hub's own id", STR_ARG(id));
    const struct json_value *roles = json_get(change->params, "roles");
    for (const struct json_value *role = roles != NULL ? roles->child : NULL; role != NULL; role = role->next)
        wanted->roles |= ocpi_role_from(role->text);
    wanted->name = json_get_text(change->params, "name");
    wanted->website = json_get_text(change->params, "website");
    if (wanted->website.length > 0 && url_parse(change->arena, wanted->website, &url, &error) != OK)
        return refusal_set_param(refusal, "--website", CTL_INVALID, NULL, "%s", error.text);
    wanted->own_platform = str_equal_fold(platform, STR("new"));
    if (platform.length == 0 || wanted->own_platform)
        return true;
    const struct registry_party *host = lookup_party(change->snapshot, platform, 0, refusal);
    wanted->platform = host != NULL ? host->platform : NULL;
    return host != NULL;
}

/* The party with this id that the request is about; NULL: a new one. False: refused. */
static bool choose_existing(struct change *change, const struct party_add *wanted,
                            const struct registry_party **existing)
{
    const struct registry_snapshot *snapshot = change->snapshot;
    const struct registry_party *only = NULL, *holder = NULL;
    size_t count = 0;
    *existing = NULL;
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        if (!ocpi_party_key_equal(&party->key, &wanted->key))
            continue;
        count++;
        only = party;
        if ((party->row.roles & wanted->roles) == wanted->roles)
            holder = party;
        if (wanted->platform == party->platform)
            *existing = party;
    }
    if (*existing != NULL || wanted->platform != NULL)
        return true;
    *existing = holder;
    if (holder != NULL || wanted->own_platform || count == 0)
        return true;
    *existing = only;
    return count == 1 || refusal_set(&change->refusal, CTL_CONFLICT, "say which with --platform ID:ROLE",
                                     "party %s is on %zu platforms", only->id, count);
}

/* Only one platform can have a role of an id: else the receiver of a message would be ambiguous. */
static bool roles_are_free(struct change *change, const struct party_add *wanted,
                           const struct registry_party *existing)
{
    for (size_t i = 0; i < change->snapshot->party_count; i++) {
        const struct registry_party *party = &change->snapshot->parties[i];
        unsigned both = party->row.roles & wanted->roles;
        if (party == existing || both == 0 || !ocpi_party_key_equal(&party->key, &wanted->key))
            continue;
        struct str platform = render_platform_id(change->snapshot, party->platform, change->arena);
        return refusal_set(&change->refusal, CTL_CONFLICT, "hubctl party list",
                           "party %s is %s already, on the platform of " STR_FMT, party->id,
                           ocpi_role_name(ocpi_role_next(both, 0)), STR_ARG(platform));
    }
    return true;
}

static struct str facts(struct change *change, const struct store_party *party)
{
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    render_roles(&writer, party->roles);
    render_text(&writer, "name", party->name);
    render_text(&writer, "website", party->website);
    json_object_end(&writer);
    struct str copy = arena_copy(change->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

/* `party add` may add to a party that exists, but must not replace what it has. */
static bool fill(struct change *change, const struct registry_party *party, const char *option,
                 struct str given, struct str *field)
{
    if (given.length == 0 || str_equal(given, *field))
        return true;
    if (field->length > 0) {
        char hint[128];
        snprintf(hint, sizeof hint, "hubctl party set %s --%s … changes it", party->id, option);
        return refusal_set(&change->refusal, CTL_CONFLICT, hint,
                           "party %s exists with the %s \"" STR_FMT "\"", party->id, option, STR_ARG(*field));
    }
    *field = given;
    return true;
}

static bool extend(struct change *change, const struct party_add *wanted,
                   const struct registry_party *existing)
{
    struct store_party row = existing->row;
    struct str id = render_party_id(change->snapshot, existing, change->arena);
    unsigned added = wanted->roles & ~row.roles;
    row.roles |= wanted->roles;
    if (!fill(change, existing, "name", wanted->name, &row.name) ||
        !fill(change, existing, "website", wanted->website, &row.website))
        return false;
    struct str before = facts(change, &existing->row), after = facts(change, &row);
    if (str_equal(before, after))
        return change_unchanged(change, id, "party " STR_FMT " unchanged", STR_ARG(id));
    struct store_op *put = change_op(change, STORE_PUT_PARTY);
    row.last_updated = change->now;
    if (put != NULL)
        put->u.party = row;
    change_audit(change, "party.add", ocpi_party_key_str(&wanted->key), before, after);
    if (added == 0)
        return change_done(change, id, "completed", "party " STR_FMT " completed", STR_ARG(id));
    struct str roles = render_roles_text(change->arena, added);
    return change_done(change, id, "role added", "party " STR_FMT " role " STR_FMT " added", STR_ARG(id),
                       STR_ARG(roles));
}

static bool create(struct change *change, const struct party_add *wanted)
{
    int64_t platform = wanted->platform != NULL ? wanted->platform->row.id : store_new_id(change->hub->store);
    struct store_op *put = wanted->platform == NULL ? change_op(change, STORE_PUT_PLATFORM) : NULL;
    if (put != NULL) {
        put->u.platform.id = platform;
        put->u.platform.status = STORE_PLATFORM_PLANNED;
        put->u.platform.created = put->u.platform.updated = change->now;
    }
    put = change_op(change, STORE_PUT_PARTY);
    if (put == NULL)
        return true;
    struct str key = arena_copy(change->arena, ocpi_party_key_str(&wanted->key));
    struct str id = arena_printf(change->arena, STR_FMT "-" STR_FMT, STR_ARG(wanted->country_code),
                                 STR_ARG(wanted->party_id));
    put->u.party = (struct store_party){
        .id = store_new_id(change->hub->store),
        .platform = platform,
        .key = key,
        .country_code = wanted->country_code,
        .party_id = wanted->party_id,
        .roles = wanted->roles,
        .name = wanted->name,
        .website = wanted->website,
        .last_updated = change->now,
        .created = change->now,
    };
    change_audit(change, "party.add", key, STR_NONE, facts(change, &put->u.party));
    if (wanted->platform == NULL)
        change_hint(change, "hubctl token issue " STR_FMT " gives the token that the partner begins with",
                    STR_ARG(id));
    return change_done(change, id, "added", "party " STR_FMT " added", STR_ARG(id));
}

bool party_build_add(struct change *change)
{
    struct party_add wanted;
    const struct registry_party *existing;
    if (!read_wanted(change, &wanted) || !choose_existing(change, &wanted, &existing) ||
        !roles_are_free(change, &wanted, existing))
        return false;
    return existing != NULL ? extend(change, &wanted, existing) : create(change, &wanted);
}

void admin_party_add(struct ctl_request *request)
{
    change_begin(request, party_build_add, true);
}
