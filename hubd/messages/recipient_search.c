/* Who is meant: the search of hubd/messages/recipient.h. */
#include "hubd/messages/list.h"
#include "lib/ocpi/headers.h"
#include "hubd/messages/recipient.h"
#include "lib/base/magic.h"

#define RECIPIENT_SEARCH_MAGIC 0x52435054u

/* ---------------------------------------------------------------- how it ends */

static const char *search_role(const struct recipient_search *search)
{
    return search->role == OCPI_ROLE_CPO ? "CPO" : search->role == OCPI_ROLE_EMSP ? "eMSP" : "party";
}

static const char *search_object(const struct recipient_search *search)
{
    static const char *const names[] = {[RECIPIENT_BY_NOTHING] = "object",
                                        [RECIPIENT_BY_LOCATION] = "location",
                                        [RECIPIENT_BY_SESSION] = "session",
                                        [RECIPIENT_BY_RESERVATION] = "reservation",
                                        [RECIPIENT_BY_TOKEN] = "token"};
    return names[search->key];
}

static void search_unknown(struct recipient_search *search)
{
    if (search->unknown != NULL)
        search->unknown(search);
    else
        request_answerf(search->request, REPLY_UNKNOWN, "no such %s", search_object(search));
}

#define ASK_FOR_TO "OCPI-to headers must say which one is meant"

static void search_several(struct recipient_search *search)
{
    request_answerf(search->request, REPLY_INVALID, "%s \"" STR_FMT "\" is known at several %ss: " ASK_FOR_TO,
                    search_object(search), STR_ARG(search->id), search_role(search));
}

/* What the message should have said. */
static void search_missing(struct recipient_search *search)
{
    if (search->key == RECIPIENT_BY_LOCATION && search->id.length > 0)
        request_answerf(search->request, REPLY_INVALID,
                        "/location_id: unknown: \"" STR_FMT "\": with several %ss " ASK_FOR_TO,
                        STR_ARG(search->id), search_role(search));
    else if (search->key == RECIPIENT_BY_LOCATION)
        request_answerf(search->request, REPLY_INVALID,
                        "/location_id: missing: with several %ss the location, or OCPI-to headers, must say "
                        "which one is meant",
                        search_role(search));
    else
        request_answerf(search->request, REPLY_INVALID, "with several %ss " ASK_FOR_TO, search_role(search));
}

/* ---------------------------------------------------------------- who counts */

/* A rule that drains lets pass what concerns sessions that had begun (hub-ocpi(7), ROUTING). */
static bool search_drains(const struct recipient_search *search)
{
    return search->key == RECIPIENT_BY_SESSION;
}

/* The rule between the caller and a party of the role that is looked for; of any, either way round. */
static const struct store_rule *search_rule(const struct recipient_search *search,
                                            const struct registry_party *party)
{
    const struct request *request = search->request;
    bool drain = search_drains(search);
    if (search->role == OCPI_ROLE_CPO)
        return registry_find_rule(request->snapshot, request->party, party, drain);
    if (search->role == OCPI_ROLE_EMSP)
        return registry_find_rule(request->snapshot, party, request->party, drain);
    return routing_find_rule(request->snapshot, request->party, party, drain);
}

static bool search_reaches(const struct recipient_search *search, const struct registry_party *party)
{
    return search->stored ? list_may_see(search->request->snapshot, search->request->party, party)
                          : search_rule(search, party) != NULL;
}

/* A party that could be meant; the lower its rank, the sooner it is. */
static void search_consider(struct recipient_search *search, struct registry_party *party, unsigned rank)
{
    enum { SUSPENDED_RANK = 100 };
    if (party == NULL || (party->row.roles & search->role) == 0)
        return;
    if (!search_reaches(search, party)) {
        search->unrouted = party;
        return;
    }
    if (party->row.suspended && !search->stored)
        rank += SUSPENDED_RANK;
    if (search->best_count > 0 && rank > search->best_rank)
        return;
    search->best_count = search->best_count > 0 && rank == search->best_rank ? search->best_count + 1 : 1;
    search->best_rank = rank;
    search->best = party;
}

static struct registry_party *search_party(const struct recipient_search *search, struct str text)
{
    struct ocpi_party_key key;
    return ocpi_party_key_parse(text, &key, NULL, NULL, NULL)
               ? registry_find_party(search->request->snapshot, &key, search->role)
               : NULL;
}

/* The only one found, or that it is not the only one. False: there is none. */
static bool search_decide(struct recipient_search *search, void (*several)(struct recipient_search *search))
{
    struct request *request = search->request;
    if (search->best_count == 0)
        return false;
    if (search->best_count == 1)
        request->receiver = request_party_key(search->best); /* also of what is refused */
    if (search->best_count > 1)
        several(search);
    else if (search->best->row.suspended && !search->stored)
        request_answerf(request, REPLY_NOT_CONNECTED, "%s is suspended", search->best->id);
    else
        search->found(search, search->best);
    return true;
}

static void search_unrouted(struct recipient_search *search)
{
    search->request->receiver = request_party_key(search->unrouted); /* the caller is not told */
    request_answerf(search->request, REPLY_NOT_ROUTED, "NOT_ROUTED: no active rule with the %s of that %s",
                    search_role(search), search_object(search));
}

/* ---------------------------------------------------------------- by OCPI-to, or by nothing */

/* The party of that role; of any role the other side of the caller first: one id may be two parties. */
static struct registry_party *search_named(const struct recipient_search *search)
{
    const struct request *request = search->request;
    unsigned other = (request->party->row.roles & OCPI_ROLE_CPO) != 0 ? OCPI_ROLE_EMSP : OCPI_ROLE_CPO;
    struct registry_party *party =
        registry_find_party(request->snapshot, &request->to, search->role != 0 ? search->role : other);
    return party != NULL || search->role != 0 ? party
                                              : registry_find_party(request->snapshot, &request->to, 0);
}

/* The party that OCPI-to names, if a message may go there. NULL: answered. */
static struct registry_party *search_directed(const struct recipient_search *search)
{
    struct request *request = search->request;
    struct registry_party *party = search_named(search);
    if (party == NULL)
        request_answerf(request, REPLY_UNKNOWN_RECEIVER,
                        "no %s " STR_FMT "-" STR_FMT " is registered at this hub", search_role(search),
                        STR_ARG(request_header(request, OCPI_HEADER_TO_COUNTRY_CODE)),
                        STR_ARG(request_header(request, OCPI_HEADER_TO_PARTY_ID)));
    else if (!(search->stored ? list_check(request, party)
                              : recipient_admit(request, party, search_rule(search, party))))
        return NULL;
    return party;
}

static void search_only_one(struct recipient_search *search)
{
    struct request *request = search->request;
    search->best_count = 0;
    for (size_t i = 0; i < request->snapshot->party_count; i++)
        search_consider(search, &request->snapshot->parties[i], 0);
    if (!search_decide(search, search_missing))
        request_answerf(request, REPLY_NOT_ROUTED, "NOT_ROUTED: no %s is enabled for %s", search_role(search),
                        request->party->id);
}

/* ---------------------------------------------------------------- what is asked of the store */

/* Fills what all reads of a search have in common; its own fields and its start are the way's. */
static void search_prepare_read(struct recipient_search *search, void (*callback)(struct store_read *base))
{
    struct store_read *base = &search->read.base;
    base->arena = search->request->arena;
    base->callback = callback;
    base->context = search;
}

/* The search whose read has ended; NULL when the read failed: answered. */
static struct recipient_search *search_after_read(struct store_read *base)
{
    struct recipient_search *search =
        MAGIC_CAST(struct recipient_search, base->context, RECIPIENT_SEARCH_MAGIC);
    if (base->result == OK)
        return search;
    request_answer_error(search->request, base->result);
    return NULL;
}

/* ---------------------------------------------------------------- by location */

enum { RANK_EVSES_GONE = 1, RANK_LOCATION_GONE = 2 };

static void search_location_read(struct store_read *base)
{
    struct recipient_search *search = search_after_read(base);
    if (search == NULL)
        return;
    const struct store_owners_read *read = &search->read.owners;
    for (size_t i = 0; i < read->owner_count; i++) {
        const struct store_owner *owner = &read->owners[i];
        search_consider(search, search_party(search, owner->owner),
                        (owner->has_evses ? 0u : RANK_EVSES_GONE) + (owner->alive ? 0u : RANK_LOCATION_GONE));
    }
    if (search_decide(search, search_several))
        return;
    if (search->unrouted != NULL && (search->request->party->row.roles & OCPI_ROLE_EMSP) != 0)
        search_unrouted(search);
    else if (search->fallback)
        search_only_one(search);
    else
        search_unknown(search);
}

static void search_fold_evses(struct recipient_search *search)
{
    struct store_owners_read *read = &search->read.owners;
    const struct json_value *list = search->evses;
    size_t listed = list != NULL && list->type == JSON_ARRAY ? list->count : 0;
    struct str *uids = arena_alloc(search->request->arena, (listed + 1) * sizeof *uids);
    if (uids == NULL)
        return;
    if (search->evse.length > 0)
        uids[read->evse_count++] = request_fold(search->request, search->evse);
    for (const struct json_value *evse = listed > 0 ? list->child : NULL; evse != NULL; evse = evse->next)
        uids[read->evse_count++] = request_fold(search->request, evse->text);
    read->evses = uids;
}

static void search_read_owners(struct recipient_search *search, enum store_kind kind,
                               void (*callback)(struct store_read *base))
{
    struct request *request = search->request;
    struct store_owners_read *read = &search->read.owners;
    search_prepare_read(search, callback);
    read->kind = kind;
    read->id = request_fold(request, search->id);
    if (kind == STORE_LOCATION && (search->evses != NULL || search->evse.length > 0))
        search_fold_evses(search);
    store_read_owners(request->worker->store, read);
}

static void search_by_location(struct recipient_search *search)
{
    search_read_owners(search, STORE_LOCATION, search_location_read);
}

/* ---------------------------------------------------------------- by session */

static bool session_runs(struct str status)
{
    return !str_equal_fold(status, STR("COMPLETED")) && !str_equal_fold(status, STR("INVALID"));
}

/* The session that a CPO has under that id is somebody else's. */
static bool search_is_foreign(const struct recipient_search *search, const struct registry_party *cpo)
{
    const struct store_owners_read *read = &search->read.owners;
    for (size_t i = 0; i < read->owner_count; i++)
        if (str_equal(read->owners[i].owner, request_party_key(cpo)))
            return true;
    return false;
}

/* A session that the hub never heard of: some CPOs want to be asked (party set --forward-unknown-sessions).
 */
static void search_unknown_session(struct recipient_search *search)
{
    struct request *request = search->request;
    for (size_t i = 0; i < request->snapshot->party_count && search->role == OCPI_ROLE_CPO; i++) {
        struct registry_party *cpo = &request->snapshot->parties[i];
        bool named = !request_is_directed(request) || ocpi_party_key_equal(&cpo->key, &request->to);
        if (named && cpo->row.forward_unknown_sessions && search_rule(search, cpo) != NULL &&
            !search_is_foreign(search, cpo))
            search_consider(search, cpo, 0);
    }
    if (!search_decide(search, search_missing))
        search_unknown(search);
}

/*
 * Another party's session is as good as none, whatever OCPI-to says. Of its own session that it has not
 * pushed yet a CPO may tell the eMSP that it names.
 */
static void search_session_read(struct store_read *base)
{
    struct recipient_search *search = search_after_read(base);
    if (search == NULL)
        return;
    struct request *request = search->request;
    const struct store_owners_read *read = &search->read.owners;
    struct str caller = request_party_key(request->party), to = ocpi_party_key_str(&request->to);
    bool cpo = search->role == OCPI_ROLE_CPO, own = false;
    for (size_t i = 0; i < read->owner_count; i++) {
        const struct store_owner *owner = &read->owners[i];
        struct str other = cpo ? owner->owner : owner->counterparty;
        struct str mine = cpo ? owner->counterparty : owner->owner;
        own = own || str_equal(mine, caller);
        if (str_equal(mine, caller) && (!request_is_directed(request) || str_equal(other, to)))
            search_consider(search, search_party(search, other), session_runs(owner->status) ? 0 : 1);
    }
    if (search_decide(search, search_several))
        return;
    if (search->unrouted != NULL)
        search_unrouted(search);
    else if (!cpo && !own && request_is_directed(request))
        search->found(search, search_named(search));
    else
        search_unknown_session(search);
}

static void search_by_session(struct recipient_search *search)
{
    search_read_owners(search, STORE_SESSION, search_session_read);
}

/* ---------------------------------------------------------------- by reservation */

/* Those that this eMSP made through the hub, at one CPO or at several. */
static void search_reservation_read(struct store_read *base)
{
    struct recipient_search *search = search_after_read(base);
    if (search == NULL)
        return;
    struct request *request = search->request;
    const struct store_command_list *read = &search->read.reservations;
    struct str to = ocpi_party_key_str(&request->to);
    for (size_t i = 0; i < read->count; i++) {
        struct str cpo = read->rows[i].cpo;
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = str_equal(read->rows[j].cpo, cpo);
        if (seen || (request_is_directed(request) && !str_equal(cpo, to)))
            continue;
        enum recipient_standing standing =
            recipient_reservation_standing(read->rows, read->count, read->emsp, cpo, request->now);
        if (standing != RECIPIENT_NEVER)
            search_consider(search, search_party(search, cpo), (unsigned)standing);
    }
    if (search_decide(search, search_several))
        return;
    if (search->unrouted != NULL)
        search_unrouted(search);
    else
        search_unknown(search);
}

static void search_by_reservation(struct recipient_search *search)
{
    struct request *request = search->request;
    struct store_command_list *read = &search->read.reservations;
    search_prepare_read(search, search_reservation_read);
    read->reservation = request_fold(request, search->id);
    read->emsp = request_party_key(request->party);
    read->limit = RECIPIENT_RESERVATIONS_MAX;
    store_read_commands(request->worker->store, read);
}

/* ---------------------------------------------------------------- by token */

/* Users without a rule tell nothing: whom the CPO may ask is who is routed. */
static void search_users_read(struct store_read *base)
{
    struct recipient_search *search = search_after_read(base);
    if (search == NULL)
        return;
    const struct store_token_users_read *read = &search->read.users;
    for (size_t i = 0; i < read->count; i++)
        search_consider(search, search_party(search, read->emsps[i]), 0);
    if (!search_decide(search, search_several))
        search_only_one(search);
}

static void search_by_token(struct recipient_search *search)
{
    struct request *request = search->request;
    struct store_token_users_read *read = &search->read.users;
    search_prepare_read(search, search_users_read);
    read->token_uid = request_fold(request, search->id);
    read->token_type = request_fold(request, search->token_type);
    store_read_token_users(request->worker->store, read);
}

/* ---------------------------------------------------------------- the search */

struct recipient_search *
recipient_search_new(struct request *request, unsigned role, enum recipient_key key, struct str id,
                     void (*found)(struct recipient_search *search, struct registry_party *party))
{
    struct recipient_search *search = arena_alloc(request->arena, sizeof *search);
    if (search == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return NULL;
    }
    search->magic = RECIPIENT_SEARCH_MAGIC;
    search->request = request;
    search->role = role;
    search->key = key;
    search->id = id;
    search->found = found;
    return search;
}

void recipient_search_start(struct recipient_search *search)
{
    static const struct {
        void (*start)(struct recipient_search *search);
        bool owned; /* OCPI-to decides only among those where it is the caller's */
    } ways[] = {[RECIPIENT_BY_NOTHING] = {search_only_one, false},
                [RECIPIENT_BY_LOCATION] = {search_by_location, false},
                [RECIPIENT_BY_SESSION] = {search_by_session, true},
                [RECIPIENT_BY_RESERVATION] = {search_by_reservation, true},
                [RECIPIENT_BY_TOKEN] = {search_by_token, false}};
    struct registry_party *named = NULL;
    bool directed = request_is_directed(search->request);
    if (directed && (named = search_directed(search)) == NULL)
        return;
    if (directed && !ways[search->key].owned)
        search->found(search, named);
    else if (search->id.length == 0)
        search_only_one(search);
    else
        ways[search->key].start(search);
}
