/* Locations, the pull side (OCPI 2.2.1, Locations module): lists and the three single forms. */
#include "hubd/messages/list.h"
#include "hubd/modules/modules.h"
#include "hubd/messages/recipient.h"
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
    if (json_parse_own(request->arena, read->body, &evse, NULL) != OK) {
        request_answer_error(request, ERR_IO);
        return;
    }
    const struct json_value *connector = ocpi_list_find(evse, "connectors", "id", path.connector);
    if (connector == NULL)
        request_answer_error(request, ERR_NOT_FOUND);
    else
        request_answer(request, REPLY_OK, STR_NONE, connector->raw);
}

/* The Sender's form names no owner. */
static void locations_found(struct recipient_search *search, struct registry_party *owner)
{
    struct location_path path;
    location_path_read(search->request, &path);
    list_serve_object(search->request, STORE_LOCATION, owner->row.country_code, owner->row.party_id,
                      path.location, path.evse, locations_serve_connector);
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
    struct recipient_search *search =
        recipient_search_new(request, OCPI_ROLE_CPO, RECIPIENT_BY_LOCATION, path.location, locations_found);
    if (search == NULL)
        return;
    search->evse = path.evse;
    search->stored = true;
    recipient_search_start(search);
}
