#include "hubd/outbox/address.h"

#include <assert.h>

#include "hubd/registry/routing.h"
#include "lib/json/reader.h"

/* Of a module that the hub only relays results go back, to URLs of their own. */
#define RELAYED                                                                                              \
    {                                                                                                        \
        OCPI_MODULE_OTHER, 0, OUTBOX_FROM_SENDER, false, -1, true                                            \
    }
static const struct outbox_module modules[] = {
    /* module, receiver's role, from, by_rule, pushed, alone */
    [OCPI_MODULE_SESSIONS] = {OCPI_MODULE_SESSIONS, OCPI_ROLE_EMSP, OUTBOX_FROM_SENDER, true, -1, false},
    [OCPI_MODULE_CDRS] = {OCPI_MODULE_CDRS, OCPI_ROLE_EMSP, OUTBOX_FROM_SENDER, true, -1, false},
    /* a command's result was paid for by the command: it needs no rule any more */
    [OCPI_MODULE_COMMANDS] = {OCPI_MODULE_COMMANDS, OCPI_ROLE_EMSP, OUTBOX_FROM_SENDER, false, -1, true},
    [OCPI_MODULE_LOCATIONS] = {OCPI_MODULE_LOCATIONS, OCPI_ROLE_EMSP, OUTBOX_FROM_HUB, true, STORE_LOCATION,
                               false},
    [OCPI_MODULE_TARIFFS] = {OCPI_MODULE_TARIFFS, OCPI_ROLE_EMSP, OUTBOX_FROM_HUB, true, STORE_TARIFF, false},
    [OCPI_MODULE_HUBCLIENTINFO] = {OCPI_MODULE_HUBCLIENTINFO, 0, OUTBOX_UNROUTED, false, -1, false},
    [OCPI_MODULE_TOKENS] = RELAYED,
    [OCPI_MODULE_CHARGINGPROFILES] = RELAYED,
    [OCPI_MODULE_CREDENTIALS] = RELAYED,
    [OCPI_MODULE_VERSIONS] = RELAYED,
    [OCPI_MODULE_OTHER] = RELAYED,
};
static_assert(sizeof modules / sizeof modules[0] == OCPI_MODULE_COUNT, "a row for each module");

const struct outbox_module *outbox_module_find(struct str name)
{
    return &modules[ocpi_module_find(name)];
}

/* ---------------------------------------------------------------- receivers */

static const struct registry_party *party_of_key(const struct registry_snapshot *snapshot,
                                                 const struct ocpi_party_key *key, unsigned role)
{
    if (role != 0)
        return registry_find_party(snapshot, key, role);
    const struct registry_party *emsp = registry_find_party(snapshot, key, OCPI_ROLE_EMSP);
    return emsp != NULL ? emsp : registry_find_party(snapshot, key, 0);
}

struct str outbox_receiver_name(const struct registry_snapshot *snapshot, const struct registry_party *party,
                                struct arena *arena)
{
    if (party_of_key(snapshot, &party->key, 0) == party)
        return arena_copy(arena, ocpi_party_key_str(&party->key));
    return arena_printf(arena, "%s:%s", party->key.text, ocpi_role_name(ocpi_role_next(party->row.roles, 0)));
}

const struct registry_party *outbox_receiver_party(const struct registry_snapshot *snapshot, struct str name,
                                                   const struct outbox_module *module)
{
    struct ocpi_party_key key;
    unsigned role;
    if (!ocpi_party_key_parse(name, &key, NULL, NULL, &role))
        return NULL;
    return party_of_key(snapshot, &key, role != 0 || module == NULL ? role : module->role);
}

/* ---------------------------------------------------------------- may it go? */

static void address_hold(struct outbox_address *address, enum store_hold_reason hold)
{
    address->action = OUTBOX_HOLD;
    address->hold = hold;
}

static void address_drop(struct outbox_address *address, const char *reason)
{
    address->action = OUTBOX_DROP;
    address->reason = reason;
}

/* What is only offered is not kept for a party that is gone or wants it no more; a receiver that is set later
 * is told all of HubClientInfo anew. */
static void address_judge(const struct registry_snapshot *snapshot, const struct store_delivery *row,
                          struct outbox_address *address)
{
    const struct outbox_module *module = address->module;
    bool offered = module->pushed >= 0 || module->from == OUTBOX_UNROUTED;
    if (address->target == NULL || (address->sender == NULL && module->from != OUTBOX_UNROUTED)) {
        if (offered)
            address_drop(address, "the party is gone");
        else
            address_hold(address, STORE_HOLD_UNKNOWN_EMSP);
    } else if (module->pushed >= 0 && (address->target->push & (1u << module->pushed)) == 0) {
        address_drop(address, "push is off");
    } else if (row->kind >= 0 && row->body.length == 0) {
        address_drop(address, "the object is gone");
    } else if (module->by_rule) {
        /* what got into the queue under a draining rule may leave it; a push has no session that has begun */
        struct routing_delivery route =
            routing_find_delivery(snapshot, address->sender, &address->target->key, module->module,
                                  module->pushed >= 0 ? INT64_MAX : INT64_MIN);
        if (route.state != STORE_DELIVERY_PENDING)
            address_hold(address, route.hold);
    } else if (address->target->row.suspended) {
        address_hold(address, STORE_HOLD_SUSPENDED);
    } else if (row->url.length == 0 && registry_receiver_url(address->target, module->module).data == NULL) {
        if (offered)
            address_drop(address, store_hold_name(STORE_HOLD_NO_URL));
        else
            address_hold(address, STORE_HOLD_NO_URL);
    }
}

void outbox_address_find(const struct registry_snapshot *snapshot, const struct outbox_module *module,
                         const struct store_delivery *row, struct outbox_address *address)
{
    struct ocpi_party_key sender;
    *address = (struct outbox_address){.action = OUTBOX_SEND, .reason = "", .module = module};
    if (ocpi_party_key_parse(row->sender, &sender, NULL, NULL, NULL))
        address->sender = party_of_key(snapshot, &sender, module->role == 0 ? 0 : OCPI_ROLE_CPO);
    address->target = outbox_receiver_party(snapshot, row->receiver, module);
    address_judge(snapshot, row, address);
}

/* ---------------------------------------------------------------- where to? */

static struct str member_or(const struct json_value *object, const char *member, struct str otherwise)
{
    struct str text = json_get_text(object, member);
    return text.length > 0 ? text : otherwise;
}

struct str outbox_address_url(const struct outbox_address *address, struct arena *arena,
                              const struct store_delivery *row, struct str body, struct str location,
                              bool evse)
{
    const struct json_value *object = NULL;
    if (row->url.length > 0)
        return row->url;
    struct str base = registry_receiver_url(address->target, address->module->module);
    if (str_equal(row->method, STR("POST")))
        return base;
    if (location.length == 0 || evse) /* a location as a whole may be a megabyte */
        json_parse_own(arena, body, &object, NULL);
    if (address->module->from == OUTBOX_UNROUTED)
        return url_join(arena, base,
                        arena_printf(arena, STR_FMT "/" STR_FMT,
                                     STR_ARG(json_get_text(object, "country_code")),
                                     STR_ARG(json_get_text(object, "party_id"))));
    struct str id = location.length > 0 ? location : member_or(object, "id", row->object);
    struct str path =
        arena_printf(arena, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(address->sender->row.country_code),
                     STR_ARG(address->sender->row.party_id), STR_ARG(http_percent_encode(arena, id)));
    if (evse)
        path = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(path),
                            STR_ARG(http_percent_encode(arena, member_or(object, "uid", row->evse))));
    return url_join(arena, base, path);
}
