/* HubClientInfo (OCPI 2.2.1, HubClientInfo module): the status of every party but the hub, one object per
 * party and role. */
#include <stdlib.h>

#include "hubd/clientinfo.h"
#include "hubd/list.h"
#include "hubd/modules/modules.h"

static int clientinfo_order(const void *a, const void *b)
{
    const struct registry_party *const *left = a, *const *right = b;
    return ((*left)->row.id > (*right)->row.id) - ((*left)->row.id < (*right)->row.id);
}

/* Oldest registration first: the order stays while statuses change. */
static const struct registry_party **clientinfo_sorted(struct request *request)
{
    struct registry_snapshot *snapshot = request->snapshot;
    const struct registry_party **parties =
        arena_alloc(request->arena, (snapshot->party_count + 1) * sizeof *parties);
    if (parties == NULL)
        return NULL;
    for (size_t i = 0; i < snapshot->party_count; i++)
        parties[i] = &snapshot->parties[i];
    qsort(parties, snapshot->party_count, sizeof *parties, clientinfo_order);
    return parties;
}

void hubclientinfo_list(struct request *request)
{
    struct list_query query;
    if (!list_query_parse(request, &query))
        return;
    const struct registry_party **parties = clientinfo_sorted(request);
    if (parties == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    struct buffer data = {0};
    struct json_writer writer;
    uint64_t total = 0, sent = 0;
    json_writer_init(&writer, &data);
    json_array_begin(&writer);
    for (size_t i = 0; i < request->snapshot->party_count; i++) {
        int64_t updated = parties[i]->row.last_updated;
        if (updated < query.date_from || updated >= query.date_to)
            continue;
        for (unsigned role = 0; (role = ocpi_role_next(parties[i]->row.roles, role)) != 0;) {
            if (total++ < query.offset || sent == query.limit)
                continue;
            clientinfo_write(&writer, parties[i], role);
            sent++;
        }
    }
    json_array_end(&writer);
    list_headers(request, "/ocpi/2.2.1/hubclientinfo", &query, total, query.offset + sent < total, sent, 0);
    request_answer_data(request, &data);
}

void hubclientinfo_get(struct request *request)
{
    struct ocpi_party_key key;
    struct registry_party *party = ocpi_party_key_make(request->params[0], request->params[1], &key)
                                       ? registry_find_party(request->snapshot, &key, 0)
                                       : NULL;
    if (party == NULL) {
        request_answer_error(request, ERR_NOT_FOUND);
        return;
    }
    struct buffer data = {0};
    struct json_writer writer;
    json_writer_init(&writer, &data);
    clientinfo_write(&writer, party, ocpi_role_next(party->row.roles, 0));
    request_answer_data(request, &data);
}
