/* Locations, the pull side (OCPI 2.2.1, Locations module): lists and the three single forms. */
#include "hubd/list.h"
#include "hubd/modules/modules.h"
#include "hubd/route.h"
#include "lib/base/magic.h"
#include "lib/ocpi/patch.h"

void locations_list(struct request *request)
{
    list_serve(request, STORE_LOCATION, "/ocpi/2.2.1/locations");
}

/* The path's segments behind the owner, or all of them in the Sender's form. */
struct location_path {
    struct str country_code, party_id;
    struct str location, evse, connector;
};

/*
 * {country_code}/{party_id}/{location_id}… where the first two segments name a registered party; else the
 * Sender's {location_id}[/{evse_uid}[/{connector_id}]].
 */
static void location_path_read(const struct request *request, struct location_path *path)
{
    struct ocpi_party_key key;
    unsigned first = 0;
    *path = (struct location_path){.evse = STR_NONE};
    if (request->param_count >= 3 &&
        (request->param_count > 3 || (ocpi_party_key_make(request->params[0], request->params[1], &key) &&
                                      registry_find_party(request->snapshot, &key, 0) != NULL))) {
        path->country_code = request->params[0];
        path->party_id = request->params[1];
        first = 2;
    }
    struct str *segments[] = {&path->location, &path->evse, &path->connector};
    for (unsigned i = 0; i < 3 && first + i < request->param_count; i++)
        *segments[i] = request->params[first + i];
}

/* The EVSE was read: the connector is a part of it. */
static void locations_serve_connector(struct request *request, struct store_object_read *read)
{
    struct location_path path;
    location_path_read(request, &path);
    const struct json_value *evse;
    if (path.connector.length == 0) {
        request_answer(request, REPLY_OK, STR_NONE, read->body);
        return;
    }
    if (json_parse(request->arena, read->body, JSON_DEPTH_MAX, &evse, NULL) != OK) {
        request_answer_error(request, ERR_IO);
        return;
    }
    const struct json_value *connector = ocpi_list_find(evse, "connectors", "id", path.connector);
    if (connector == NULL)
        request_answer_error(request, ERR_NOT_FOUND);
    else
        request_answer(request, REPLY_OK, STR_NONE, connector->raw);
}

/* The Sender's form names no owner: the one that OCPI-to names, else the first that the caller may see. */
static void locations_owners_read(struct store_read *base)
{
    struct request *request = base->context;
    struct store_owners_read *read = CONTAINER_OF(base, struct store_owners_read, base);
    struct location_path path;
    if (base->result != OK) {
        request_answer_error(request, base->result);
        return;
    }
    location_path_read(request, &path);
    for (size_t i = 0; i < read->owner_count; i++) {
        struct ocpi_party_key key;
        struct registry_party *owner = ocpi_party_key_parse(read->owners[i].owner, &key, NULL, NULL, NULL)
                                           ? registry_find_party(request->snapshot, &key, OCPI_ROLE_CPO)
                                           : NULL;
        if (owner == NULL || !list_may_see(request->snapshot, request->party, owner) ||
            (request_is_directed(request) && !ocpi_party_key_equal(&key, &request->to)))
            continue;
        list_serve_object(request, STORE_LOCATION, owner->row.country_code, owner->row.party_id,
                          path.location, path.evse, locations_serve_connector);
        return;
    }
    request_answer_error(request, ERR_NOT_FOUND);
}

void locations_get(struct request *request)
{
    struct location_path path;
    location_path_read(request, &path);
    if (path.country_code.length > 0) {
        list_serve_object(request, STORE_LOCATION, path.country_code, path.party_id, path.location, path.evse,
                          locations_serve_connector);
        return;
    }
    struct store_owners_read *read = arena_alloc(request->arena, sizeof *read);
    if (read == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return;
    }
    read->base.arena = request->arena;
    read->base.callback = locations_owners_read;
    read->base.context = request;
    read->kind = STORE_LOCATION;
    read->id = request_fold(request, path.location);
    store_read_owners(request->worker->store, read);
}
