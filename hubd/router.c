#include "hubd/router.h"

#include <ctype.h>
#include <stdio.h>

#include "hubd/modules/modules.h"
#include "lib/conf/conf.h"
#include "lib/ctl/commands.h"
#include "lib/json/writer.h"
#include "lib/ocpi/party.h"

#define CPO      OCPI_ROLE_CPO
#define EMSP     OCPI_ROLE_EMSP
#define SCSP     OCPI_ROLE_SCSP
#define ANY_ROLE (CPO | EMSP | SCSP | OCPI_ROLE_NAP | OCPI_ROLE_NSP | OCPI_ROLE_OTHER)
#define BOTH     (ROUTE_SENDER | ROUTE_RECEIVER)

#define GET    HTTP_METHOD_GET
#define PUT    HTTP_METHOD_PUT
#define POST   HTTP_METHOD_POST
#define PATCH  HTTP_METHOD_PATCH
#define DELETE HTTP_METHOD_DELETE

#define OWNED    ROUTE_OWNER
#define RELAYED  ROUTE_RELAYED
#define BACKFILL ROUTE_BACKFILL

#define OWNER "{country_code}/{party_id}"

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* columns at the end that few rows need */
const struct route router_routes[] = {
    /* module, interfaces, method, path, access, roles, flags, body, audit, action, handler[, limit[, result[, admit, body_max]]] */
    {"versions", 0, GET, "versions", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "versions.get", versions_list},
    {"versions", 0, GET, "2.2.1", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "versions.get", versions_details},

    /* listed under both roles: partners look it up as either (OCPI 2.2.1, Versions) */
    {"credentials", BOTH, GET, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "credentials.get", credentials_get},
    {"credentials", BOTH, POST, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "credentials.post", credentials_post},
    {"credentials", BOTH, PUT, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "credentials.put", credentials_put},
    {"credentials", BOTH, DELETE, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_PUSH, "credentials.delete", credentials_delete},

    {"hubclientinfo", ROUTE_SENDER, GET, "2.2.1/hubclientinfo", ROUTE_HUB_TOKEN, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "hubclientinfo.list", hubclientinfo_list},
    {"hubclientinfo", ROUTE_SENDER, GET, "2.2.1/hubclientinfo/" OWNER, ROUTE_HUB_TOKEN, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "hubclientinfo.get", hubclientinfo_get},

    {"locations", ROUTE_RECEIVER, PUT, "2.2.1/locations/" OWNER "/{location_id}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "location.put", locations_put},
    {"locations", ROUTE_RECEIVER, PATCH, "2.2.1/locations/" OWNER "/{location_id}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "location.patch", locations_patch},
    {"locations", ROUTE_RECEIVER, PUT, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "evse.put", locations_evse_put},
    {"locations", ROUTE_RECEIVER, PATCH, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "evse.patch", locations_evse_patch},
    {"locations", ROUTE_RECEIVER, PUT, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}/{connector_id}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "connector.put", locations_connector_put},
    {"locations", ROUTE_RECEIVER, PATCH, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}/{connector_id}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "connector.patch", locations_connector_patch},
    {"locations", ROUTE_SENDER, GET, "2.2.1/locations", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.list", locations_list, LIMIT_LOCATIONS},
    /* one to five segments: the Sender's {location_id}[/{evse_uid}[/{connector_id}]] and the Receiver's with the owner before */
    {"locations", ROUTE_SENDER, GET, "2.2.1/locations/{1}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {"locations", ROUTE_SENDER, GET, "2.2.1/locations/{1}/{2}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {"locations", ROUTE_SENDER, GET, "2.2.1/locations/{1}/{2}/{3}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {"locations", ROUTE_SENDER, GET, "2.2.1/locations/{1}/{2}/{3}/{4}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {"locations", ROUTE_SENDER, GET, "2.2.1/locations/{1}/{2}/{3}/{4}/{5}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},

    {"tariffs", ROUTE_RECEIVER, PUT, "2.2.1/tariffs/" OWNER "/{tariff_id}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "tariff.put", tariffs_put},
    {"tariffs", ROUTE_RECEIVER, DELETE, "2.2.1/tariffs/" OWNER "/{tariff_id}", ROUTE_HUB_TOKEN, CPO, OWNED | RELAYED, ROUTE_BODY_NONE, ROUTE_AUDIT_PUSH, "tariff.delete", tariffs_delete},
    {"tariffs", ROUTE_SENDER, GET, "2.2.1/tariffs", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "tariff.list", tariffs_list},
    {"tariffs", ROUTE_SENDER, GET, "2.2.1/tariffs/" OWNER "/{tariff_id}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "tariff.get", tariffs_get},

    {"tokens", ROUTE_RECEIVER, PUT, "2.2.1/tokens/" OWNER "/{token_uid}/authorize", ROUTE_HUB_TOKEN, EMSP, OWNED, ROUTE_BODY_OPTIONAL, ROUTE_AUDIT_REALTIME, "token.authorize", tokens_authorize, LIMIT_AUTHORIZE, "allowed"},
    {"tokens", ROUTE_SENDER, POST, "2.2.1/tokens/{token_uid}/authorize", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_OPTIONAL, ROUTE_AUDIT_REALTIME, "token.authorize", tokens_authorize_at_emsp, LIMIT_AUTHORIZE, "allowed"},
    {"tokens", ROUTE_SENDER, GET, "2.2.1/tokens", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "token.list", tokens_list},
    {"tokens", ROUTE_RECEIVER, GET, "2.2.1/tokens/" OWNER "/{token_uid}", ROUTE_HUB_TOKEN, EMSP, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "token.get", tokens_get},
    {"tokens", ROUTE_RECEIVER, PUT, "2.2.1/tokens/" OWNER "/{token_uid}", ROUTE_HUB_TOKEN, EMSP, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "token.put", tokens_put},
    {"tokens", ROUTE_RECEIVER, PATCH, "2.2.1/tokens/" OWNER "/{token_uid}", ROUTE_HUB_TOKEN, EMSP, OWNED | RELAYED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "token.patch", tokens_patch},

    {"commands", 0, POST, "2.2.1/commands/callback/{command_id}", ROUTE_OPEN, 0, 0, ROUTE_BODY_ANY, ROUTE_AUDIT_PUSH, "command.result", commands_callback, LIMIT_NONE, NULL, commands_callback_admit, 64 * 1024},
    {"commands", ROUTE_RECEIVER, POST, "2.2.1/commands/{command}", ROUTE_HUB_TOKEN, EMSP, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "command.post", commands_post, LIMIT_COMMANDS, "result"},

    {"sessions", ROUTE_RECEIVER, PUT, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "session.put", sessions_put},
    {"sessions", ROUTE_RECEIVER, PATCH, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "session.patch", sessions_patch},
    {"sessions", ROUTE_SENDER, GET, "2.2.1/sessions", ROUTE_HUB_TOKEN, EMSP, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "session.list", sessions_list},
    {"sessions", ROUTE_RECEIVER, GET, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, EMSP | CPO, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "session.get", sessions_get},
    {"sessions", ROUTE_RECEIVER, GET, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "session.get", sessions_get},
    {"sessions", ROUTE_SENDER, PUT, "2.2.1/sessions/{session_id}/charging_preferences", ROUTE_HUB_TOKEN, EMSP, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "session.preferences", sessions_charging_preferences},

    {"cdrs", ROUTE_RECEIVER, POST, "2.2.1/cdrs", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "cdr.post", cdrs_post},
    /* seen in the field: the id, or the owner and the id, behind it */
    {"cdrs", ROUTE_RECEIVER, POST, "2.2.1/cdrs/{1}", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "cdr.post", cdrs_post},
    {"cdrs", ROUTE_RECEIVER, POST, "2.2.1/cdrs/{1}/{2}/{3}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "cdr.post", cdrs_post},
    {"cdrs", ROUTE_SENDER, GET, "2.2.1/cdrs", ROUTE_HUB_TOKEN, EMSP, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "cdr.list", cdrs_list},
    {"cdrs", ROUTE_RECEIVER, GET, "2.2.1/cdrs/" OWNER "/{cdr_id}", ROUTE_HUB_TOKEN, EMSP | CPO, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "cdr.get", cdrs_get},
    {"cdrs", ROUTE_RECEIVER, GET, "2.2.1/cdrs/" OWNER "/{cdr_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "cdr.get", cdrs_get},

    /* the Receiver's three by the eMSP; the Sender's PUT by the CPO has the same path */
    {"chargingprofiles", ROUTE_RECEIVER, GET, "2.2.1/chargingprofiles/{session_id}", ROUTE_HUB_TOKEN, EMSP | SCSP, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "chargingprofile.get", chargingprofiles_get, LIMIT_NONE, "result"},
    {"chargingprofiles", BOTH, PUT, "2.2.1/chargingprofiles/{session_id}", ROUTE_HUB_TOKEN, EMSP | SCSP | CPO, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "chargingprofile.put", chargingprofiles_put, LIMIT_NONE, "result"},
    {"chargingprofiles", ROUTE_RECEIVER, DELETE, "2.2.1/chargingprofiles/{session_id}", ROUTE_HUB_TOKEN, EMSP | SCSP, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "chargingprofile.delete", chargingprofiles_delete, LIMIT_NONE, "result"},
};

const struct route router_relay =
    {"other", 0, HTTP_METHOD_OTHER, "2.2.1/{module}", ROUTE_HUB_TOKEN, ANY_ROLE, 0, ROUTE_BODY_ANY, ROUTE_AUDIT_REALTIME, "other.relay", others_relay};
#pragma GCC diagnostic pop
/* clang-format on */
const size_t router_route_count = sizeof router_routes / sizeof router_routes[0];

unsigned router_conditions(const struct conf *conf)
{
    return conf->emsp_backfill ? ROUTE_BACKFILL : 0;
}

static bool router_is_there(const struct route *row, unsigned conditions)
{
    return (row->flags & ROUTE_CONDITIONS & ~conditions) == 0;
}

int router_split(struct str path, struct str segments[ROUTE_SEGMENTS_MAX])
{
    int count = 0;
    struct str part;
    while (str_split(&path, '/', &part)) {
        if (part.length == 0)
            continue;
        if (count == ROUTE_SEGMENTS_MAX)
            return -1;
        segments[count++] = part;
    }
    return count;
}

/* Compares a row's pattern with the segments, collecting parameters. */
static bool router_row_matches(const struct route *row, const struct str *segments, int count,
                               struct router_match *match)
{
    struct str rest = str_from(row->path), part;
    unsigned params = 0;
    int i = 0;
    while (str_split(&rest, '/', &part)) {
        if (i == count)
            return false;
        if (part.data[0] == '{')
            match->params[params++] = segments[i];
        else if (!str_equal(part, segments[i]))
            return false;
        i++;
    }
    match->param_count = params;
    return i == count;
}

/*
 * A ModuleID that is none of the hub's, as plain as interfaces_is_other takes it. Neither %63redentials nor
 * "sessions:sender" (a key of the receivers) may pass for one: such a request would go by none of the
 * module's checks, with the hub's token.
 */
static bool router_is_other_module(struct str module)
{
    if (!ctl_is_word(module) || str_find(module, ':') != SIZE_MAX)
        return false;
    for (size_t i = 0; i < router_route_count; i++)
        if (str_equal_fold(str_from(router_routes[i].module), module))
            return false;
    return true;
}

/* What follows begins with a letter or digit, as codes, commands and ids do; "sessions:sender" is another
 * name. Credentials are never taken apart: what follows them names nothing. */
static const struct route *router_module_at_front(struct str segment)
{
    const struct route *longest = NULL;
    for (size_t i = 0; i < router_route_count; i++) {
        const struct route *row = &router_routes[i];
        struct str name = str_from(row->module);
        bool taken_apart = !str_equal(name, STR("versions")) && !str_equal(name, STR("credentials"));
        if (taken_apart && segment.length > name.length && str_starts_with(segment, name) &&
            isalnum((unsigned char)segment.data[name.length]) &&
            (longest == NULL || name.length > strlen(longest->module)))
            longest = row;
    }
    return longest;
}

int router_unglue(struct str segments[ROUTE_SEGMENTS_MAX], int count)
{
    if (count < 3 || count == ROUTE_SEGMENTS_MAX || !str_equal(segments[1], STR("2.2.1")))
        return count;
    const struct route *row = router_module_at_front(segments[2]);
    if (row == NULL)
        return count;
    memmove(segments + 4, segments + 3, (size_t)(count - 3) * sizeof segments[0]);
    segments[3] = str_skip(segments[2], strlen(row->module));
    segments[2] = str_from(row->module);
    return count + 1;
}

/* Among the rows; `segments` without "ocpi". */
static void router_find_row(unsigned conditions, enum http_method method, const struct str *segments,
                            int count, struct router_match *match)
{
    for (size_t i = 0; i < router_route_count; i++) {
        struct router_match candidate = {0};
        /* Behind the version comes the module's name: most rows are told apart by that alone. */
        if (count > 1 && !str_equal(str_from(router_routes[i].module), segments[1]))
            continue;
        match->functional = route_is_functional(&router_routes[i]);
        if (!router_row_matches(&router_routes[i], segments, count, &candidate))
            continue;
        match->known = true;
        if (!router_is_there(&router_routes[i], conditions)) {
            if (router_routes[i].method == method)
                match->off |= router_routes[i].flags & ROUTE_CONDITIONS & ~conditions;
            continue;
        }
        match->allowed |= 1u << router_routes[i].method;
        if (match->route == NULL && router_routes[i].method == method) {
            match->route = &router_routes[i];
            match->off = 0;
            memcpy(match->params, candidate.params, sizeof match->params);
            match->param_count = candidate.param_count;
            return;
        }
    }
}

void router_find(unsigned conditions, enum http_method method, struct str path, struct router_match *match)
{
    struct str segments[ROUTE_SEGMENTS_MAX];
    memset(match, 0, sizeof *match);
    int count = router_split(path, segments);
    if (count < 1 || !str_equal(segments[0], STR("ocpi")))
        return;
    router_find_row(conditions, method, segments + 1, count - 1, match);
    if (match->known || count < 3 || !str_equal(segments[1], STR("2.2.1")))
        return;
    struct str named = segments[2];
    int unglued = router_unglue(segments, count);
    if (unglued > count) {
        struct router_match joined = {0};
        router_find_row(conditions, method, segments + 1, unglued - 1, &joined);
        joined.glued = true;
        if (joined.known)
            *match = joined;
    }
    if (!match->known && router_is_other_module(named)) {
        match->module = named;
        match->functional = true;
    }
}

void router_write_allow(unsigned allowed, struct buffer *out)
{
    for (enum http_method method = HTTP_METHOD_GET; method < HTTP_METHOD_OTHER; method++) {
        bool head = method == HTTP_METHOD_HEAD && (allowed & (1u << HTTP_METHOD_GET)) != 0;
        if (!head && (allowed & (1u << method)) == 0)
            continue;
        if (out->length > 0)
            buffer_append(out, STR(", "));
        buffer_append_text(out, http_method_name(method));
    }
}

static bool router_lists(const struct route *row, unsigned conditions, unsigned interface)
{
    return router_is_there(row, conditions) && (row->interfaces & interface) != 0;
}

static bool router_listed_before(size_t index, unsigned conditions, unsigned interface)
{
    for (size_t i = 0; i < index; i++)
        if (router_lists(&router_routes[i], conditions, interface) &&
            str_equal(str_from(router_routes[i].module), str_from(router_routes[index].module)))
            return true;
    return false;
}

void router_write_endpoints(unsigned conditions, struct json_writer *writer, const char *base_url)
{
    json_array_begin(writer);
    for (size_t i = 0; i < router_route_count; i++) {
        for (unsigned interface = ROUTE_SENDER; interface <= ROUTE_RECEIVER; interface <<= 1) {
            if (!router_lists(&router_routes[i], conditions, interface) ||
                router_listed_before(i, conditions, interface))
                continue;
            char url[512];
            snprintf(url, sizeof url, "%s/ocpi/2.2.1/%s", base_url, router_routes[i].module);
            json_object_begin(writer);
            json_field_text(writer, "identifier", router_routes[i].module);
            json_field_text(writer, "role", interface == ROUTE_SENDER ? "SENDER" : "RECEIVER");
            json_field_text(writer, "url", url);
            json_object_end(writer);
        }
    }
    json_array_end(writer);
}

bool route_is_functional(const struct route *route)
{
    static const char *const configuration[] = {"versions", "credentials", "hubclientinfo"};
    for (size_t i = 0; i < sizeof configuration / sizeof configuration[0]; i++)
        if (str_equal(str_from(route->module), str_from(configuration[i])))
            return false;
    return true;
}
