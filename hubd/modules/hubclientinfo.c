/* HubClientInfo (OCPI 2.2.1, HubClientInfo module): the status of every party but the hub, one object per
 * party and role. */
#include <stdlib.h>

#include "hubd/partners/clientinfo.h"
#include "hubd/messages/list.h"
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

/* A page of the list that is being written. */
struct clientinfo_page {
    struct list_query query;
    struct json_writer writer;
    uint64_t total, sent, skipped;
    int64_t last; /* place of the last object written */
};

/* Where an object stands in the list: it keeps that while others come and go, so a page goes on behind it. */
static int64_t clientinfo_place(const struct registry_party *party, unsigned role)
{
    return party->row.id * 256 + (int64_t)role;
}

static void clientinfo_add(struct clientinfo_page *page, const struct registry_party *party, unsigned role)
{
    const struct list_query *query = &page->query;
    int64_t place = clientinfo_place(party, role);
    page->total++;
    if (query->after > 0 ? place <= query->after : page->skipped < query->offset)
        page->skipped++;
    else if (page->sent < query->limit) {
        clientinfo_write(&page->writer, party, role);
        page->sent++;
        page->last = place;
    }
}

static void clientinfo_write_page(struct request *request, struct clientinfo_page *page,
                                  const struct registry_party *const *parties)
{
    json_array_begin(&page->writer);
    for (size_t i = 0; i < request->snapshot->party_count; i++) {
        int64_t updated = parties[i]->row.last_updated;
        if (updated < page->query.date_from || updated >= page->query.date_to)
            continue;
        for (unsigned role = 0; (role = ocpi_role_next(parties[i]->row.roles, role)) != 0;)
            clientinfo_add(page, parties[i], role);
    }
    json_array_end(&page->writer);
}

void hubclientinfo_list(struct request *request)
{
    struct clientinfo_page page = {.total = 0};
    if (!list_query_parse(request, &page.query))
        return;
    request->answer_time = list_moment(request, &page.query, store_horizon(request->hub->store));
    const struct registry_party **parties = clientinfo_sorted(request);
    if (parties == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    struct buffer data = {0};
    json_writer_init(&page.writer, &data);
    clientinfo_write_page(request, &page, parties);
    list_headers(request, "/ocpi/2.2.1/hubclientinfo", &page.query, page.total,
                 page.skipped + page.sent < page.total, page.sent, page.last);
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
