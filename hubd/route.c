#include "hubd/route.h"

bool route_is_enabled(const struct registry_snapshot *snapshot, const struct registry_party *emsp,
                      const struct registry_party *cpo)
{
    return registry_find_rule(snapshot, emsp, cpo, false) != NULL;
}

static bool party_is(const struct registry_party *party, unsigned role)
{
    return (party->row.roles & role) != 0;
}

const struct store_rule *route_find_rule(const struct registry_snapshot *snapshot,
                                         const struct registry_party *a, const struct registry_party *b,
                                         bool drain)
{
    const struct store_rule *rule = NULL;
    if (party_is(a, OCPI_ROLE_EMSP) && party_is(b, OCPI_ROLE_CPO))
        rule = registry_find_rule(snapshot, a, b, drain);
    if (rule == NULL && party_is(a, OCPI_ROLE_CPO) && party_is(b, OCPI_ROLE_EMSP))
        rule = registry_find_rule(snapshot, b, a, drain);
    return rule;
}

static struct str route_refusal(struct request *request, const struct registry_party *target)
{
    return arena_printf(request->arena, "NOT_ROUTED: no active rule between " STR_FMT " and " STR_FMT,
                        STR_ARG(request_party_key(request->party)), STR_ARG(request_party_key(target)));
}

static struct str route_suspended(struct request *request, const struct registry_party *target)
{
    return arena_printf(request->arena, STR_FMT " is suspended", STR_ARG(request_party_key(target)));
}

enum route_obstacle route_find_obstacle(const struct registry_party *target, const struct store_rule *rule)
{
    return target->row.suspended ? ROUTE_SUSPENDED : rule == NULL ? ROUTE_UNROUTED : ROUTE_FREE;
}

bool route_check(struct request *request, const struct registry_party *target)
{
    const struct store_rule *rule = route_find_rule(request->snapshot, request->party, target, false);
    request->receiver = request_party_key(target); /* also of what is refused */
    switch (route_find_obstacle(target, rule)) {
    case ROUTE_SUSPENDED:
        request_answer(request, REPLY_NOT_CONNECTED, route_suspended(request, target), STR_NONE);
        return false;
    case ROUTE_UNROUTED:
        request_answer(request, REPLY_NOT_ROUTED, route_refusal(request, target), STR_NONE);
        return false;
    case ROUTE_FREE:
        break;
    }
    return true;
}

struct route_delivery route_find_delivery(const struct registry_snapshot *snapshot,
                                          const struct registry_party *cpo, const struct ocpi_party_key *key,
                                          const char *module, int64_t started)
{
    struct route_delivery result = {STORE_DELIVERY_HELD, ROUTE_HELD_UNKNOWN_EMSP, NULL};
    const struct registry_party *emsp = registry_find_party(snapshot, key, OCPI_ROLE_EMSP);
    if (emsp == NULL)
        return result;
    result.emsp = emsp;
    const struct store_rule *rule = registry_find_rule(snapshot, emsp, cpo, true);
    if (rule != NULL && rule->state == STORE_RULE_DRAIN && started > rule->since)
        rule = NULL;
    if (emsp->row.suspended)
        result.reason = ROUTE_HELD_SUSPENDED;
    else if (rule == NULL)
        result.reason = ROUTE_HELD_NO_RULE;
    else if (registry_receiver_url(emsp, module).data == NULL)
        result.reason = ROUTE_HELD_NO_RECEIVER;
    else
        result = (struct route_delivery){STORE_DELIVERY_PENDING, "", emsp};
    return result;
}

/* ---------------------------------------------------------------- searching the other party */

static void search_end(struct route_search *search, enum reply reply, struct str message)
{
    search->found(search, NULL, reply, message);
}

static const char *search_role(const struct route_search *search)
{
    return search->role == OCPI_ROLE_CPO ? "CPO" : "eMSP";
}

/* The rule between the caller and a party of the role that is looked for. */
static const struct store_rule *search_rule(const struct route_search *search,
                                            const struct registry_party *party, bool drain)
{
    const struct request *request = search->request;
    return search->role == OCPI_ROLE_CPO
               ? registry_find_rule(request->snapshot, request->party, party, drain)
               : registry_find_rule(request->snapshot, party, request->party, drain);
}

/* The last word on a party that was found by whatever way. */
static void search_accept(struct route_search *search, struct registry_party *party, bool drain)
{
    struct request *request = search->request;
    request->receiver = request_party_key(party); /* also of what is refused */
    switch (route_find_obstacle(party, search_rule(search, party, drain))) {
    case ROUTE_SUSPENDED:
        search_end(search, REPLY_NOT_CONNECTED, route_suspended(request, party));
        return;
    case ROUTE_UNROUTED:
        search_end(search, REPLY_NOT_ROUTED, route_refusal(request, party));
        return;
    case ROUTE_FREE:
        search->found(search, party, REPLY_OK, STR_NONE);
        return;
    }
}

static void search_by_header(struct route_search *search)
{
    struct request *request = search->request;
    struct registry_party *party = registry_find_party(request->snapshot, &request->to, search->role);
    if (party == NULL)
        search_end(search, REPLY_UNKNOWN_RECEIVER,
                   arena_printf(request->arena, "no %s " STR_FMT " is registered at this hub",
                                search_role(search), STR_ARG(ocpi_party_key_str(&request->to))));
    else
        search_accept(search, party, false);
}

/* What the message should have said. */
static struct str search_missing(const struct route_search *search)
{
    if (search->key == ROUTE_BY_LOCATION && search->id.length > 0)
        return arena_printf(search->request->arena,
                            "/location_id: unknown: \"" STR_FMT
                            "\": with several CPOs OCPI-to headers must say which one is meant",
                            STR_ARG(search->id));
    if (search->role == OCPI_ROLE_CPO)
        return STR(
            "/location_id: missing: with several CPOs the location, or OCPI-to headers, must say which "
            "one is meant");
    return STR("with several eMSPs OCPI-to headers must say which one is meant");
}

static void search_only_routed(struct route_search *search)
{
    struct request *request = search->request;
    struct registry_party *only = NULL;
    unsigned count = 0;
    for (size_t i = 0; i < request->snapshot->party_count; i++) {
        struct registry_party *party = &request->snapshot->parties[i];
        if (party_is(party, search->role) && search_rule(search, party, false) != NULL) {
            only = party;
            count++;
        }
    }
    if (count == 1)
        search_accept(search, only, false);
    else if (count == 0)
        search_end(search, REPLY_NOT_ROUTED,
                   arena_printf(request->arena, "NOT_ROUTED: no %s is enabled for " STR_FMT,
                                search_role(search), STR_ARG(request_party_key(request->party))));
    else
        search_end(search, REPLY_INVALID, search_missing(search));
}

static struct registry_party *search_find_key(const struct route_search *search, struct str text)
{
    struct ocpi_party_key key;
    return ocpi_party_key_parse(text, &key, NULL, NULL, NULL)
               ? registry_find_party(search->request->snapshot, &key, search->role)
               : NULL;
}

/* ---------------------------------------------------------------- by location or session */

/* Of several owners those that this caller may reach count; EVSE uids narrow further. */
static void search_among_owners(struct route_search *search, const struct store_owner *owners, size_t count)
{
    struct request *request = search->request;
    struct registry_party *unrouted = NULL, *routed = NULL, *narrowed = NULL;
    unsigned routed_count = 0, narrowed_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct registry_party *party = search_find_key(search, owners[i].owner);
        if (party == NULL)
            continue;
        if (search->key == ROUTE_BY_LOCATION && search_rule(search, party, false) == NULL) {
            unrouted = party;
            continue;
        }
        routed = party;
        routed_count++;
        if (owners[i].has_evses) {
            narrowed = party;
            narrowed_count++;
        }
    }
    if (routed_count == 1)
        search_accept(search, routed, search->key == ROUTE_BY_SESSION);
    else if (routed_count > 1 && search->evses != NULL && narrowed_count == 1)
        search_accept(search, narrowed, false);
    else if (routed_count > 1)
        search_end(search, REPLY_INVALID,
                   arena_printf(request->arena,
                                "\"" STR_FMT
                                "\" exists at several CPOs: OCPI-to headers must say which one is meant",
                                STR_ARG(search->id)));
    else if (unrouted != NULL)
        search_accept(search, unrouted, false);
    else if (search->fallback)
        search_only_routed(search);
    else
        search_end(search, REPLY_UNKNOWN, STR("no such object"));
}

/*
 * Another party's session is as good as none (hub-contract 5, Commands), whatever OCPI-to says. With it a
 * session that the hub never heard of may go to the party named, by an active rule.
 */
static void search_session(struct route_search *search, struct store_owner *owners, size_t count)
{
    struct request *request = search->request;
    struct str caller = request_party_key(request->party), to = ocpi_party_key_str(&request->to);
    size_t own = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        bool cpo = search->role == OCPI_ROLE_CPO;
        struct str other = cpo ? owners[i].owner : owners[i].counterparty;
        struct str mine = cpo ? owners[i].counterparty : owners[i].owner;
        if (request_is_directed(request) && !str_equal(other, to))
            continue;
        known++;
        if (!str_equal(mine, caller))
            continue;
        owners[own] = owners[i];
        owners[own++].owner = other;
    }
    if (own == 0 && known == 0 && request_is_directed(request)) {
        search_by_header(search);
        return;
    }
    search->foreign = own == 0;
    search_among_owners(search, owners, own);
}

static void search_owners_read(struct store_read *base)
{
    struct route_search *search = base->context;
    struct store_owners_read *read = &search->read.owners;
    if (base->result != OK)
        search_end(search, REPLY_FAILED, STR("the hub failed"));
    else if (search->key == ROUTE_BY_SESSION)
        search_session(search, read->owners, read->owner_count);
    else
        search_among_owners(search, read->owners, read->owner_count);
}

static void search_fold_evses(struct route_search *search)
{
    struct arena *arena = search->request->arena;
    size_t count = search->evses == NULL ? 0 : search->evses->count;
    struct str *uids = count == 0 ? NULL : arena_alloc(arena, count * sizeof *uids);
    if (uids == NULL)
        return;
    for (const struct json_value *evse = search->evses->child; evse != NULL; evse = evse->next)
        uids[search->read.owners.evse_count++] = arena_copy_upper(arena, evse->text);
    search->read.owners.evses = uids;
}

static void search_read_owners(struct route_search *search)
{
    struct request *request = search->request;
    struct store_owners_read *read = &search->read.owners;
    read->base.arena = request->arena;
    read->base.callback = search_owners_read;
    read->base.context = search;
    read->kind = search->key == ROUTE_BY_SESSION ? STORE_SESSION : STORE_LOCATION;
    read->id = request_fold(request, search->id);
    if (search->evses != NULL && search->evses->type == JSON_ARRAY)
        search_fold_evses(search);
    store_read_owners(request->worker->store, read);
}

/* ---------------------------------------------------------------- by token */

/* The last user that is still here; without a rule it is NOT_ROUTED, as the owner of a location is. */
static void search_users_read(struct store_read *base)
{
    struct route_search *search = base->context;
    const struct store_token_users_read *read = &search->read.users;
    if (base->result != OK) {
        search_end(search, REPLY_FAILED, STR("the hub failed"));
        return;
    }
    for (size_t i = 0; i < read->count; i++) {
        struct registry_party *party = search_find_key(search, read->emsps[i]);
        if (party != NULL) {
            search_accept(search, party, false);
            return;
        }
    }
    search_only_routed(search);
}

static void search_read_users(struct route_search *search)
{
    struct request *request = search->request;
    struct store_token_users_read *read = &search->read.users;
    read->base.arena = request->arena;
    read->base.callback = search_users_read;
    read->base.context = search;
    read->token_uid = request_fold(request, search->id);
    store_read_token_users(request->worker->store, read);
}

struct route_search *route_search_new(struct request *request, unsigned role, enum route_key key,
                                      struct str id,
                                      void (*found)(struct route_search *search, struct registry_party *party,
                                                    enum reply reply, struct str message))
{
    struct route_search *search = arena_alloc(request->arena, sizeof *search);
    if (search == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return NULL;
    }
    search->request = request;
    search->role = role;
    search->key = key;
    search->id = id;
    search->found = found;
    return search;
}

void route_search_start(struct route_search *search)
{
    memset(&search->read, 0, sizeof search->read);
    if (request_is_directed(search->request) && search->key != ROUTE_BY_SESSION)
        search_by_header(search);
    else if (search->id.length == 0 || search->key == ROUTE_BY_NOTHING)
        search_only_routed(search);
    else if (search->key == ROUTE_BY_TOKEN)
        search_read_users(search);
    else
        search_read_owners(search);
}
