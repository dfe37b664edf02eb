#ifndef HUBD_REGISTRY_ROUTING_H
#define HUBD_REGISTRY_ROUTING_H

#include "hubd/registry/registry.h"

/* The routing matrix: who may reach whom, and where a push for an eMSP stands (hub-ocpi(7), ROUTING). Pure: a
 * snapshot is all it looks at. */

/* May `emsp` see and reach `cpo` now? */
bool routing_is_enabled(const struct registry_snapshot *snapshot, const struct registry_party *emsp,
                        const struct registry_party *cpo);
/* The active rule of two parties, whichever of them is the eMSP; NULL when there is none. `drain` also finds
 * draining ones. */
const struct store_rule *routing_find_rule(const struct registry_snapshot *snapshot,
                                           const struct registry_party *a, const struct registry_party *b,
                                           bool drain);
/* What prevents a message to `target`. `rule`: the rule that lets it pass, NULL when there is none. */
enum routing_obstacle { ROUTING_FREE, ROUTING_SUSPENDED, ROUTING_UNROUTED };
enum routing_obstacle routing_find_obstacle(const struct registry_party *target,
                                            const struct store_rule *rule);

/* How a push (session, CDR) for an eMSP is stored: pending, or held with a reason. */
struct routing_delivery {
    enum store_delivery_state state;
    enum store_hold_reason hold;       /* NONE when pending */
    const struct registry_party *emsp; /* NULL: unknown */
};
/* `started`: start_date_time of the session, ms, for draining rules: they pass what began before the drain.
 * INT64_MAX: a draining rule does not pass it. */
struct routing_delivery routing_find_delivery(const struct registry_snapshot *snapshot,
                                              const struct registry_party *cpo,
                                              const struct ocpi_party_key *emsp, enum ocpi_module module,
                                              int64_t started);

#endif
