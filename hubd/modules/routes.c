/* Everything a partner can call, a row each (hubd/request/router.h); the versions document is made from it. */
#include "hubd/messages/relay.h"
#include "hubd/modules/modules.h"
#include "hubd/request/router.h"
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
#define BACKFILL ROUTE_BACKFILL

#define OWNER "{country_code}/{party_id}"

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* columns at the end that few rows need */
const struct route routes[] = {
    /* module, interfaces, method, path, access, roles, flags, body, audit, action, handler[, limit[, result[, admit, body_max[, directed]]]] */
    {OCPI_MODULE_VERSIONS, 0, GET, "versions", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "versions.get", versions_list},
    {OCPI_MODULE_VERSIONS, 0, GET, "2.2.1", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "versions.get", versions_details},

    /* listed under both roles: partners look it up as either (OCPI 2.2.1, Versions) */
    {OCPI_MODULE_CREDENTIALS, BOTH, GET, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "credentials.get", credentials_get},
    {OCPI_MODULE_CREDENTIALS, BOTH, POST, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "credentials.post", credentials_post},
    {OCPI_MODULE_CREDENTIALS, BOTH, PUT, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "credentials.put", credentials_put},
    {OCPI_MODULE_CREDENTIALS, BOTH, DELETE, "2.2.1/credentials", ROUTE_INITIAL_TOO, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_PUSH, "credentials.delete", credentials_delete},

    {OCPI_MODULE_HUBCLIENTINFO, ROUTE_SENDER, GET, "2.2.1/hubclientinfo", ROUTE_HUB_TOKEN, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "hubclientinfo.list", hubclientinfo_list},
    {OCPI_MODULE_HUBCLIENTINFO, ROUTE_SENDER, GET, "2.2.1/hubclientinfo/" OWNER, ROUTE_HUB_TOKEN, 0, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "hubclientinfo.get", hubclientinfo_get},

    {OCPI_MODULE_LOCATIONS, ROUTE_RECEIVER, PUT, "2.2.1/locations/" OWNER "/{location_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "location.put", locations_put, .directed = relay_directed},
    {OCPI_MODULE_LOCATIONS, ROUTE_RECEIVER, PATCH, "2.2.1/locations/" OWNER "/{location_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "location.patch", locations_patch, .directed = relay_directed},
    {OCPI_MODULE_LOCATIONS, ROUTE_RECEIVER, PUT, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "evse.put", locations_evse_put, .directed = relay_directed},
    {OCPI_MODULE_LOCATIONS, ROUTE_RECEIVER, PATCH, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "evse.patch", locations_evse_patch, .directed = relay_directed},
    {OCPI_MODULE_LOCATIONS, ROUTE_RECEIVER, PUT, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}/{connector_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "connector.put", locations_connector_put, .directed = relay_directed},
    {OCPI_MODULE_LOCATIONS, ROUTE_RECEIVER, PATCH, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}/{connector_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "connector.patch", locations_connector_patch, .directed = relay_directed},
    {OCPI_MODULE_LOCATIONS, ROUTE_SENDER, GET, "2.2.1/locations", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.list", locations_list, LIMIT_LOCATIONS},
    /* the Sender's paths, then the Receiver's; a path of three segments is one of both, which locations_get tells apart */
    {OCPI_MODULE_LOCATIONS, ROUTE_SENDER, GET, "2.2.1/locations/{location_id}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {OCPI_MODULE_LOCATIONS, ROUTE_SENDER, GET, "2.2.1/locations/{location_id}/{evse_uid}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {OCPI_MODULE_LOCATIONS, ROUTE_SENDER, GET, "2.2.1/locations/{location_id}/{evse_uid}/{connector_id}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {OCPI_MODULE_LOCATIONS, ROUTE_SENDER, GET, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},
    {OCPI_MODULE_LOCATIONS, ROUTE_SENDER, GET, "2.2.1/locations/" OWNER "/{location_id}/{evse_uid}/{connector_id}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "location.get", locations_get},

    {OCPI_MODULE_TARIFFS, ROUTE_RECEIVER, PUT, "2.2.1/tariffs/" OWNER "/{tariff_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "tariff.put", tariffs_put, .directed = relay_directed},
    {OCPI_MODULE_TARIFFS, ROUTE_RECEIVER, DELETE, "2.2.1/tariffs/" OWNER "/{tariff_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_PUSH, "tariff.delete", tariffs_delete, .directed = relay_directed},
    {OCPI_MODULE_TARIFFS, ROUTE_SENDER, GET, "2.2.1/tariffs", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "tariff.list", tariffs_list},
    {OCPI_MODULE_TARIFFS, ROUTE_SENDER, GET, "2.2.1/tariffs/" OWNER "/{tariff_id}", ROUTE_HUB_TOKEN, EMSP | CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "tariff.get", tariffs_get},

    {OCPI_MODULE_TOKENS, ROUTE_RECEIVER, PUT, "2.2.1/tokens/" OWNER "/{token_uid}/authorize", ROUTE_HUB_TOKEN, EMSP, OWNED, ROUTE_BODY_OPTIONAL, ROUTE_AUDIT_REALTIME, "token.authorize", tokens_authorize, LIMIT_AUTHORIZE, "allowed"},
    {OCPI_MODULE_TOKENS, ROUTE_SENDER, POST, "2.2.1/tokens/{token_uid}/authorize", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_OPTIONAL, ROUTE_AUDIT_REALTIME, "token.authorize", tokens_authorize_at_emsp, LIMIT_AUTHORIZE, "allowed"},
    {OCPI_MODULE_TOKENS, ROUTE_SENDER, GET, "2.2.1/tokens", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "token.list", tokens_list},
    {OCPI_MODULE_TOKENS, ROUTE_RECEIVER, GET, "2.2.1/tokens/" OWNER "/{token_uid}", ROUTE_HUB_TOKEN, EMSP, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "token.get", tokens_get},
    {OCPI_MODULE_TOKENS, ROUTE_RECEIVER, PUT, "2.2.1/tokens/" OWNER "/{token_uid}", ROUTE_HUB_TOKEN, EMSP, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "token.put", tokens_put, .directed = relay_directed},
    {OCPI_MODULE_TOKENS, ROUTE_RECEIVER, PATCH, "2.2.1/tokens/" OWNER "/{token_uid}", ROUTE_HUB_TOKEN, EMSP, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "token.patch", tokens_patch, .directed = relay_directed},

    {OCPI_MODULE_COMMANDS, 0, POST, "2.2.1/commands/callback/{command_id}", ROUTE_OPEN, 0, 0, ROUTE_BODY_ANY, ROUTE_AUDIT_PUSH, "command.result", commands_callback, LIMIT_NONE, NULL, commands_callback_admit, 64 * 1024},
    {OCPI_MODULE_COMMANDS, ROUTE_RECEIVER, POST, "2.2.1/commands/{command}", ROUTE_HUB_TOKEN, EMSP, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "command.post", commands_post, LIMIT_COMMANDS, "result"},

    {OCPI_MODULE_SESSIONS, ROUTE_RECEIVER, PUT, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "session.put", sessions_put},
    {OCPI_MODULE_SESSIONS, ROUTE_RECEIVER, PATCH, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "session.patch", sessions_patch},
    {OCPI_MODULE_SESSIONS, ROUTE_SENDER, GET, "2.2.1/sessions", ROUTE_HUB_TOKEN, EMSP, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "session.list", sessions_list},
    {OCPI_MODULE_SESSIONS, ROUTE_RECEIVER, GET, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, EMSP | CPO, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "session.get", sessions_get},
    {OCPI_MODULE_SESSIONS, ROUTE_RECEIVER, GET, "2.2.1/sessions/" OWNER "/{session_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "session.get", sessions_get},
    {OCPI_MODULE_SESSIONS, ROUTE_SENDER, PUT, "2.2.1/sessions/{session_id}/charging_preferences", ROUTE_HUB_TOKEN, EMSP, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "session.preferences", sessions_charging_preferences},

    {OCPI_MODULE_CDRS, ROUTE_RECEIVER, POST, "2.2.1/cdrs", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "cdr.post", cdrs_post},
    /* seen in the field: the id, or the owner and the id, behind it */
    {OCPI_MODULE_CDRS, ROUTE_RECEIVER, POST, "2.2.1/cdrs/{cdr_id}", ROUTE_HUB_TOKEN, CPO, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "cdr.post", cdrs_post},
    {OCPI_MODULE_CDRS, ROUTE_RECEIVER, POST, "2.2.1/cdrs/" OWNER "/{cdr_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_OBJECT, ROUTE_AUDIT_PUSH, "cdr.post", cdrs_post},
    {OCPI_MODULE_CDRS, ROUTE_SENDER, GET, "2.2.1/cdrs", ROUTE_HUB_TOKEN, EMSP, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "cdr.list", cdrs_list},
    {OCPI_MODULE_CDRS, ROUTE_RECEIVER, GET, "2.2.1/cdrs/" OWNER "/{cdr_id}", ROUTE_HUB_TOKEN, EMSP | CPO, BACKFILL, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "cdr.get", cdrs_get},
    {OCPI_MODULE_CDRS, ROUTE_RECEIVER, GET, "2.2.1/cdrs/" OWNER "/{cdr_id}", ROUTE_HUB_TOKEN, CPO, OWNED, ROUTE_BODY_NONE, ROUTE_AUDIT_NONE, "cdr.get", cdrs_get},

    /* the Receiver's three by the eMSP; the Sender's PUT by the CPO has the same path */
    {OCPI_MODULE_CHARGINGPROFILES, ROUTE_RECEIVER, GET, "2.2.1/chargingprofiles/{session_id}", ROUTE_HUB_TOKEN, EMSP | SCSP, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "chargingprofile.get", chargingprofiles_get, LIMIT_NONE, "result"},
    {OCPI_MODULE_CHARGINGPROFILES, BOTH, PUT, "2.2.1/chargingprofiles/{session_id}", ROUTE_HUB_TOKEN, EMSP | SCSP | CPO, 0, ROUTE_BODY_OBJECT, ROUTE_AUDIT_REALTIME, "chargingprofile.put", chargingprofiles_put, LIMIT_NONE, "result"},
    {OCPI_MODULE_CHARGINGPROFILES, ROUTE_RECEIVER, DELETE, "2.2.1/chargingprofiles/{session_id}", ROUTE_HUB_TOKEN, EMSP | SCSP, 0, ROUTE_BODY_NONE, ROUTE_AUDIT_REALTIME, "chargingprofile.delete", chargingprofiles_delete, LIMIT_NONE, "result"},
};

const struct route routes_relay =
    {OCPI_MODULE_OTHER, 0, HTTP_METHOD_OTHER, "2.2.1/{module}", ROUTE_HUB_TOKEN, ANY_ROLE, 0, ROUTE_BODY_ANY, ROUTE_AUDIT_REALTIME, "other.relay", others_relay};
#pragma GCC diagnostic pop
/* clang-format on */
const size_t routes_count = sizeof routes / sizeof routes[0];
