#include "hubd/registry/routing.h"

bool routing_is_enabled(const struct registry_snapshot *snapshot, const struct registry_party *emsp,
                        const struct registry_party *cpo)
{
    return registry_find_rule(snapshot, emsp, cpo, false) != NULL;
}

static bool party_is(const struct registry_party *party, unsigned role)
{
    return (party->row.roles & role) != 0;
}

const struct store_rule *routing_find_rule(const struct registry_snapshot *snapshot,
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

enum routing_obstacle routing_find_obstacle(const struct registry_party *target,
                                            const struct store_rule *rule)
{
    return target->row.suspended ? ROUTING_SUSPENDED : rule == NULL ? ROUTING_UNROUTED : ROUTING_FREE;
}

struct routing_delivery routing_find_delivery(const struct registry_snapshot *snapshot,
                                              const struct registry_party *cpo,
                                              const struct ocpi_party_key *key, enum ocpi_module module,
                                              int64_t started)
{
    struct routing_delivery result = {STORE_DELIVERY_HELD, STORE_HOLD_UNKNOWN_EMSP, NULL};
    const struct registry_party *emsp = registry_find_party(snapshot, key, OCPI_ROLE_EMSP);
    if (emsp == NULL)
        return result;
    result.emsp = emsp;
    const struct store_rule *rule = registry_find_rule(snapshot, emsp, cpo, true);
    if (rule != NULL && rule->state == STORE_RULE_DRAIN && started > rule->since)
        rule = NULL;
    if (emsp->row.suspended)
        result.hold = STORE_HOLD_SUSPENDED;
    else if (rule == NULL)
        result.hold = STORE_HOLD_NO_RULE;
    else if (registry_receiver_url(emsp, module).data == NULL)
        result.hold = STORE_HOLD_NO_URL;
    else
        result = (struct routing_delivery){STORE_DELIVERY_PENDING, STORE_HOLD_NONE, emsp};
    return result;
}
