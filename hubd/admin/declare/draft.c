#include "hubd/admin/declare/declare.h"
#include "hubd/admin/lookup.h"

/*
 * The registry as it will be: a copy of its parties, platforms, receivers, rules and limits, to which the ops of a
 * batch are applied. So each entry of a document is checked against what the entries before it make. Texts belong to
 * the snapshot or to the request.
 */

static struct registry_platform *find_platform(struct declare_draft *draft, int64_t id)
{
    for (size_t i = 0; i < draft->platform_count; i++) {
        if (draft->platforms[i]->row.id == id)
            return draft->platforms[i];
    }
    return NULL;
}

/* Adding a party moves the others in memory, so the platforms' pointers to parties are set again. */
static void link_platforms(struct declare_draft *draft)
{
    struct registry_party **next = draft->links;
    for (size_t i = 0; i < draft->platform_count; i++)
        draft->platforms[i]->party_count = 0;
    for (size_t i = 0; i < draft->snapshot.party_count; i++)
        draft->snapshot.parties[i].platform->party_count++;
    for (size_t i = 0; i < draft->platform_count; i++) {
        draft->platforms[i]->parties = next;
        next += draft->platforms[i]->party_count;
        draft->platforms[i]->party_count = 0;
    }
    for (size_t i = 0; i < draft->snapshot.party_count; i++) {
        struct registry_platform *platform = draft->snapshot.parties[i].platform;
        platform->parties[platform->party_count++] = &draft->snapshot.parties[i];
    }
}

static bool copy_platforms(struct declare_draft *draft, const struct registry_snapshot *from, size_t room)
{
    struct registry_platform *copies =
        arena_alloc_raw(draft->arena, (from->platform_count + 1) * sizeof *copies);
    draft->platforms =
        arena_alloc(draft->arena, (from->platform_count + room + 1) * sizeof *draft->platforms);
    if (copies == NULL || draft->platforms == NULL)
        return false;
    for (size_t i = 0; i < from->platform_count; i++) {
        copies[i] = from->platforms[i];
        draft->platforms[i] = &copies[i];
    }
    draft->platform_count = from->platform_count;
    for (size_t i = 0; i < draft->snapshot.party_count; i++) {
        struct registry_party *party = &draft->snapshot.parties[i];
        party->platform = &copies[party->platform - from->platforms];
    }
    return true;
}

bool declare_draft_begin(struct declare_draft *draft, struct arena *arena,
                         const struct registry_snapshot *snapshot, size_t room)
{
    struct registry_snapshot *copy = &draft->snapshot;
    size_t parties = snapshot->party_count, rules = snapshot->rule_count;
    *draft = (struct declare_draft){.arena = arena, .rule_room = rules + 64};
    copy->parties = arena_alloc(arena, (parties + room + 1) * sizeof *copy->parties);
    draft->links = arena_alloc(arena, (parties + room + 1) * sizeof(struct registry_party *));
    draft->rules = arena_alloc_raw(arena, draft->rule_room * sizeof *draft->rules);
    copy->places = arena_alloc_raw(arena, (parties + room + 1) * sizeof *copy->places);
    if (copy->parties == NULL || draft->links == NULL || draft->rules == NULL || copy->places == NULL)
        return false;
    if (parties > 0) {
        memcpy(copy->parties, snapshot->parties, parties * sizeof *copy->parties);
        memcpy(copy->places, snapshot->places, parties * sizeof *copy->places);
    }
    if (rules > 0)
        memcpy(draft->rules, snapshot->rules, rules * sizeof *draft->rules);
    copy->party_count = parties;
    copy->rules = draft->rules;
    copy->rule_count = rules;
    memcpy(copy->limits, snapshot->limits, sizeof copy->limits);
    if (!rule_index_make(&copy->rule_index, arena, draft->rules, rules, draft->rule_room) ||
        !copy_platforms(draft, snapshot, room))
        return false;
    link_platforms(draft);
    return true;
}

/* ---------------------------------------------------------------- ops */

static bool take_platform(struct declare_draft *draft, const struct store_platform *row)
{
    struct registry_platform *platform = find_platform(draft, row->id);
    if (platform == NULL) {
        platform = arena_alloc(draft->arena, sizeof *platform);
        if (platform == NULL)
            return false;
        draft->platforms[draft->platform_count++] = platform;
    }
    platform->row = *row;
    platform->row.revision++;
    return true;
}

/* The entries after it have moved by one. */
static void add_place(struct registry_snapshot *snapshot, int64_t id, size_t at)
{
    struct registry_place *places = snapshot->places;
    size_t own = snapshot->party_count;
    for (size_t i = 0; i < snapshot->party_count; i++)
        places[i].at += places[i].at >= at ? 1 : 0;
    for (; own > 0 && places[own - 1].id > id; own--)
        places[own] = places[own - 1];
    places[own] = (struct registry_place){id, at};
}

/* In the order of keys, which lookups rely on. */
static bool add_party(struct declare_draft *draft, const struct store_party *row)
{
    struct registry_snapshot *snapshot = &draft->snapshot;
    struct registry_party party = {.row = *row, .platform = find_platform(draft, row->platform)};
    size_t place = snapshot->party_count;
    party.row.revision++;
    if (party.platform == NULL || !ocpi_party_key_parse(row->key, &party.key, NULL, NULL, NULL))
        return false;
    registry_name_party(&party);
    memcpy(party.limits, snapshot->limits, sizeof party.limits);
    while (place > 0 &&
           memcmp(snapshot->parties[place - 1].key.text, party.key.text, sizeof party.key.text) > 0)
        place--;
    memmove(&snapshot->parties[place + 1], &snapshot->parties[place],
            (snapshot->party_count - place) * sizeof party);
    snapshot->parties[place] = party;
    add_place(snapshot, row->id, place);
    snapshot->party_count++;
    link_platforms(draft);
    return true;
}

static bool take_party(struct declare_draft *draft, const struct store_party *row)
{
    struct registry_party *party = registry_find_party_id(&draft->snapshot, row->id);
    if (party == NULL)
        return add_party(draft, row);
    party->row = *row;
    party->row.revision++;
    return true;
}

/* Makes the party's list again, without the module, and with `row` when it is not NULL. */
static bool take_receiver(struct declare_draft *draft, int64_t id, struct str module,
                          const struct store_receiver *row)
{
    struct registry_party *party = registry_find_party_id(&draft->snapshot, id);
    struct store_receiver *list =
        party == NULL ? NULL : arena_alloc(draft->arena, (party->receiver_count + 1) * sizeof *list);
    size_t count = 0;
    if (list == NULL)
        return false;
    for (size_t i = 0; i < party->receiver_count; i++) {
        if (!str_equal_fold(party->receivers[i].module, module))
            list[count++] = party->receivers[i];
    }
    if (row != NULL)
        list[count++] = *row;
    party->receivers = list;
    party->receiver_count = count;
    return true;
}

/* Doubles the room. */
static bool make_room(struct declare_draft *draft)
{
    struct registry_snapshot *snapshot = &draft->snapshot;
    struct store_rule *longer = arena_alloc_raw(draft->arena, 2 * draft->rule_room * sizeof *longer);
    if (longer == NULL)
        return false;
    memcpy(longer, draft->rules, snapshot->rule_count * sizeof *longer);
    snapshot->rules = draft->rules = longer;
    draft->rule_room *= 2;
    return rule_index_make(&snapshot->rule_index, draft->arena, longer, snapshot->rule_count,
                           draft->rule_room);
}

static bool take_rule(struct declare_draft *draft, const struct store_rule *row)
{
    struct registry_snapshot *snapshot = &draft->snapshot;
    const struct store_rule *rule = rule_index_find(&snapshot->rule_index, row->emsp, row->cpo);
    if (rule != NULL) {
        draft->rules[rule - draft->rules] = *row;
        return true;
    }
    if (snapshot->rule_count == draft->rule_room && !make_room(draft))
        return false;
    draft->rules[snapshot->rule_count] = *row;
    rule_index_add(&snapshot->rule_index, snapshot->rule_count++);
    return true;
}

/* `row` NULL: the default or the setting holds then. */
static bool take_limit(struct declare_draft *draft, int64_t id, struct str module,
                       const struct store_limit *row)
{
    struct registry_snapshot *snapshot = &draft->snapshot;
    enum limit_kind kind = limit_find(module);
    struct registry_party *own = id != 0 ? registry_find_party_id(snapshot, id) : NULL;
    if (id != 0 && own == NULL)
        return false;
    if (own != NULL) {
        own->limits[kind] = row != NULL ? row : snapshot->limits[kind];
        return true;
    }
    snapshot->limits[kind] = row;
    for (size_t i = 0; i < snapshot->party_count; i++) {
        if (!lookup_has_own_limit(&snapshot->parties[i], kind))
            snapshot->parties[i].limits[kind] = row;
    }
    return true;
}

bool declare_draft_take(struct declare_draft *draft, const struct store_op *op)
{
    bool good = true;
    for (; op != NULL && good; op = op->next) {
        if (op->type == STORE_PUT_PLATFORM)
            good = take_platform(draft, &op->u.platform);
        else if (op->type == STORE_PUT_PARTY)
            good = take_party(draft, &op->u.party);
        else if (op->type == STORE_PUT_RECEIVER)
            good = take_receiver(draft, op->u.receiver.party, op->u.receiver.module, &op->u.receiver);
        else if (op->type == STORE_DELETE_RECEIVER)
            good = take_receiver(draft, op->u.receiver.party, op->u.receiver.module, NULL);
        else if (op->type == STORE_PUT_RULE)
            good = take_rule(draft, &op->u.rule);
        else if (op->type == STORE_PUT_LIMIT)
            good = take_limit(draft, op->u.limit.party, op->u.limit.module, &op->u.limit);
        else if (op->type == STORE_DELETE_LIMIT)
            good = take_limit(draft, op->u.limit.party, op->u.limit.module, NULL);
    }
    return good;
}
