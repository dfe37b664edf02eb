#include "hubd/route.h"

bool route_is_enabled(const struct registry_snapshot *snapshot, const struct registry_party *emsp,
                      const struct registry_party *cpo)
{
    return registry_find_rule(snapshot, emsp, cpo, false) != NULL;
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

/* ---------------------------------------------------------------- searching a CPO */

static void search_end(struct route_search *search, enum reply reply, struct str message)
{
    search->found(search, NULL, reply, message);
}

/* The last word on a CPO that was found by whatever way. */
static void search_accept(struct route_search *search, struct registry_party *cpo, bool drain)
{
    struct request *request = search->request;
    if (cpo->row.suspended) {
        search_end(search, REPLY_NOT_CONNECTED, STR("the CPO is suspended"));
    } else if (registry_find_rule(request->snapshot, request->party, cpo, drain) == NULL) {
        search_end(search, REPLY_NOT_ROUTED,
                   arena_printf(request->arena, "NOT_ROUTED: no active rule between " STR_FMT " and " STR_FMT,
                                STR_ARG(request_party_key(request->party)), STR_ARG(request_party_key(cpo))));
    } else {
        search->found(search, cpo, REPLY_OK, STR_NONE);
    }
}

/* OCPI-to names another party than the hub. */
static bool search_is_directed(const struct route_search *search)
{
    const struct request *request = search->request;
    return request->has_to && !ocpi_party_key_equal(&request->to, &request->hub->key);
}

static void search_by_header(struct route_search *search)
{
    struct request *request = search->request;
    struct registry_party *cpo = registry_find_party(request->snapshot, &request->to, OCPI_ROLE_CPO);
    if (cpo == NULL)
        search_end(search, REPLY_UNKNOWN_RECEIVER,
                   arena_printf(request->arena, "no CPO " STR_FMT " is registered at this hub",
                                STR_ARG(ocpi_party_key_str(&request->to))));
    else
        search_accept(search, cpo, false);
}

static void search_only_routed(struct route_search *search)
{
    struct request *request = search->request;
    struct registry_party *only = NULL;
    unsigned count = 0;
    for (size_t i = 0; i < request->snapshot->party_count; i++) {
        struct registry_party *party = &request->snapshot->parties[i];
        if ((party->row.roles & OCPI_ROLE_CPO) != 0 &&
            route_is_enabled(request->snapshot, request->party, party)) {
            only = party;
            count++;
        }
    }
    if (count == 1)
        search_accept(search, only, false);
    else if (count == 0)
        search_end(search, REPLY_NOT_ROUTED, STR("NOT_ROUTED: no CPO is enabled for this eMSP"));
    else
        search_end(search, REPLY_INVALID,
                   search->id.length == 0
                       ? STR("/location_id: missing: with several CPOs the location, or OCPI-to headers, "
                             "must say which one "
                             "is meant")
                       : arena_printf(request->arena,
                                      "/location_id: unknown: \"" STR_FMT
                                      "\": with several CPOs OCPI-to headers must say which one is meant",
                                      STR_ARG(search->id)));
}

/* Of several owners those that this eMSP may reach count; EVSE uids narrow further. */
static void search_among_owners(struct route_search *search, const struct store_owner *owners, size_t count)
{
    struct request *request = search->request;
    struct registry_party *unrouted = NULL, *routed = NULL, *narrowed = NULL;
    unsigned routed_count = 0, narrowed_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct ocpi_party_key key;
        struct registry_party *party = ocpi_party_key_parse(owners[i].owner, &key, NULL, NULL, NULL)
                                           ? registry_find_party(request->snapshot, &key, OCPI_ROLE_CPO)
                                           : NULL;
        if (party == NULL)
            continue;
        if (!route_is_enabled(request->snapshot, request->party, party) && search->kind == STORE_LOCATION) {
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
        search_accept(search, routed, search->kind == STORE_SESSION);
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
 * Another eMSP's session is as good as none (hub-contract 5, Commands), whatever OCPI-to says. With it a
 * session that the hub never heard of may go to the CPO named, by an active rule.
 */
static void search_session(struct route_search *search, struct store_owner *owners, size_t count)
{
    struct request *request = search->request;
    struct str emsp = request_party_key(request->party), to = ocpi_party_key_str(&request->to);
    size_t own = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        if (search_is_directed(search) && !str_equal(owners[i].owner, to))
            continue;
        known++;
        if (str_equal(owners[i].counterparty, emsp))
            owners[own++] = owners[i];
    }
    if (own == 0 && known == 0 && search_is_directed(search)) {
        search_by_header(search);
        return;
    }
    search->foreign = own == 0;
    search_among_owners(search, owners, own);
}

static void search_was_read(struct store_read *base)
{
    struct route_search *search = base->context;
    struct store_owners_read *read = &search->read;
    if (base->result != OK) {
        search_end(search, REPLY_FAILED, STR("the hub failed"));
        return;
    }
    size_t count = read->owner_count;
    if (search->kind == STORE_SESSION) {
        search_session(search, read->owners, count);
        return;
    }
    search_among_owners(search, read->owners, count);
}

static void search_fold_evses(struct route_search *search)
{
    struct arena *arena = search->request->arena;
    size_t count = search->evses == NULL ? 0 : search->evses->count;
    struct str *uids = count == 0 ? NULL : arena_alloc(arena, count * sizeof *uids);
    if (uids == NULL)
        return;
    for (const struct json_value *evse = search->evses->child; evse != NULL; evse = evse->next)
        uids[search->read.evse_count++] = arena_copy_upper(arena, evse->text);
    search->read.evses = uids;
}

void route_search_start(struct route_search *search)
{
    struct request *request = search->request;
    if (search_is_directed(search) && search->kind != (int)STORE_SESSION) {
        search_by_header(search);
        return;
    }
    if (search->kind < 0 || search->id.length == 0) {
        search_only_routed(search);
        return;
    }
    memset(&search->read, 0, sizeof search->read);
    search->read.base.arena = request->arena;
    search->read.base.callback = search_was_read;
    search->read.base.context = search;
    search->read.kind = (enum store_kind)search->kind;
    search->read.id = request_fold(request, search->id);
    if (search->evses != NULL && search->evses->type == JSON_ARRAY)
        search_fold_evses(search);
    store_read_owners(request->worker->store, &search->read);
}
