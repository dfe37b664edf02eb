#ifndef HUBD_ADMIN_ATTENTION_H
#define HUBD_ADMIN_ATTENTION_H

#include "hubd/hub.h"
#include "lib/json/writer.h"

/* What the account team should look at, as `status` knows it. */
struct attention {
    const struct hub *hub;
    const struct registry_snapshot *snapshot;
    const struct store_queues_read *queues;
    const struct store_delivery_list *held; /* some of the held deliveries, for their reasons */
    const struct store_totals_read *totals;
    const struct store_refusals_read *refusals;
    struct arena *arena;
};

/* The array of {code, party, count, since, what, hint}, the worst first; what does not apply is null. */
void attention_write(struct json_writer *writer, const struct attention *attention);

#endif
