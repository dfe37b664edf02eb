/*
 * Reads versions lists and version details as partners send them (OCPI 2.2.1, Versions; hub-ocpi(7),
 * CREDENTIALS, TOLERANCE): in the envelope, with or without its status_code, or bare; in a list of one;
 * identifiers and roles in any case; without roles.
 */
#include "hubd/calls/discovery.h"
#include "hubd/registry/interfaces.h"
#include "hubd/calls/partner_url.h"
#include "lib/ctl/commands.h"

#define WRAPPINGS_MAX 4
#define REFUSED_MAX   300 /* bytes told of endpoints that are not taken */

/* ---------------------------------------------------------------- which document it is */

static bool is_list(const struct json_value *value)
{
    for (const struct json_value *entry = value->child; entry != NULL; entry = entry->next)
        if (json_get_text(entry, "version").data != NULL && json_get_text(entry, "url").data != NULL)
            return true;
    return value->child == NULL;
}

/* The details of 2.2.1 among the elements of a list, if there are any. */
static const struct json_value *details_in(const struct json_value *value)
{
    for (const struct json_value *entry = value->child; entry != NULL; entry = entry->next) {
        struct str version = json_get_text(entry, "version");
        if (json_get(entry, "endpoints") != NULL && (version.data == NULL || discovery_is_221(version)))
            return entry;
    }
    return NULL;
}

static enum discovery_document look(const struct json_value *value, unsigned depth,
                                    const struct json_value **found)
{
    if (value == NULL || depth == 0)
        return DISCOVERY_NOTHING;
    *found = value;
    if (value->type == JSON_OBJECT) {
        if (json_get(value, "endpoints") != NULL)
            return DISCOVERY_DETAILS;
        if (json_get(value, "versions") != NULL)
            return look(json_get(value, "versions"), depth - 1, found);
        return look(json_get(value, "data"), depth - 1, found);
    }
    if (value->type != JSON_ARRAY)
        return DISCOVERY_NOTHING;
    const struct json_value *details = details_in(value);
    if (details != NULL) {
        *found = details;
        return DISCOVERY_DETAILS;
    }
    if (is_list(value))
        return DISCOVERY_LIST;
    return value->count == 1 ? look(value->child, depth - 1, found) : DISCOVERY_NOTHING;
}

enum discovery_document discovery_look(struct arena *arena, const struct outbound *outbound,
                                       const struct json_value **found)
{
    const struct json_value *body = NULL;
    *found = NULL;
    if (outbound->result != OK || outbound->status / 100 != 2)
        return DISCOVERY_NOTHING;
    if (outbound->answer.is_envelope && outbound->answer.status_code / 1000 != 1)
        return DISCOVERY_NOTHING;
    if (outbound->answer.data != NULL)
        return look(outbound->answer.data, WRAPPINGS_MAX, found);
    if (json_parse(arena, outbound->raw_answer, JSON_DEPTH_MAX, &body, NULL) != OK)
        return DISCOVERY_NOTHING;
    return look(body, WRAPPINGS_MAX, found);
}

bool discovery_accepts(const struct outbound *outbound)
{
    const struct json_value *found;
    return discovery_look(outbound->arena, outbound, &found) != DISCOVERY_NOTHING;
}

/* ---------------------------------------------------------------- versions */

bool discovery_is_221(struct str name)
{
    name = str_trim(name);
    if (name.length > 0 && (name.data[0] == 'v' || name.data[0] == 'V'))
        name = str_skip(name, 1);
    return str_equal(name, STR("2.2.1")) ||
           str_starts_with(name, STR("2.2.1-")); /* 2.2.1-d2, the document's */
}

bool discovery_has_221(enum discovery_document kind, const struct json_value *found)
{
    struct str version = json_get_text(found, "version");
    if (kind == DISCOVERY_DETAILS)
        return version.data == NULL || discovery_is_221(version);
    for (const struct json_value *entry = found->child; entry != NULL; entry = entry->next)
        if (discovery_is_221(json_get_text(entry, "version")))
            return true;
    return false;
}

/* ---------------------------------------------------------------- endpoints */

static void discovery_refuse(struct discovery *discovery, struct str module, const char *why)
{
    if (discovery->refused.length > REFUSED_MAX)
        return;
    discovery->refused = arena_printf(discovery->arena, STR_FMT "%s%.*s: %s", STR_ARG(discovery->refused),
                                      discovery->refused.length > 0 ? "; " : "",
                                      (int)(module.length < 40 ? module.length : 40), module.data, why);
}

/* A text that is no InterfaceRole counts as an absent role: OCPI before 2.2 had none. */
static void read_role(struct str role, struct discovery_endpoint *endpoint)
{
    role = str_trim(role);
    endpoint->sender = !str_equal_fold(role, STR("RECEIVER"));
    endpoint->receiver = !str_equal_fold(role, STR("SENDER"));
}

/* The ModuleID, in the table's spelling where it is there; STR_NONE: no module of a partner's. */
static struct str read_module(struct str identifier)
{
    identifier = str_trim(identifier);
    enum ocpi_module known = interfaces_module(identifier);
    if (known != OCPI_MODULE_OTHER)
        return str_from(ocpi_module_name(known));
    /* a name with ':' is a key of the receivers; `versions` is what was just asked */
    bool other = ctl_is_word(identifier) && str_find(identifier, ':') == SIZE_MAX &&
                 !str_equal_fold(identifier, str_from(ocpi_module_name(OCPI_MODULE_VERSIONS)));
    return other ? identifier : STR_NONE;
}

static void take_endpoint(struct discovery *discovery, const struct json_value *entry)
{
    struct discovery_endpoint endpoint = {.module = read_module(json_get_text(entry, "identifier"))};
    struct error error;
    if (endpoint.module.data == NULL)
        return;
    read_role(json_get_text(entry, "role"), &endpoint);
    if (discovery->endpoint_count == DISCOVERY_ENDPOINTS_MAX)
        discovery->partial = true;
    else if (partner_url_read(discovery->hub, discovery->arena, json_get_text(entry, "url"), PARTNER_URL_BASE,
                              &endpoint.url, &error) == OK)
        discovery->endpoints[discovery->endpoint_count++] = endpoint;
    else
        discovery_refuse(discovery, endpoint.module, error.text);
}

void discovery_take_endpoints(struct discovery *discovery, const struct json_value *details)
{
    for (const struct json_value *entry = json_get(details, "endpoints")->child; entry != NULL;
         entry = entry->next)
        take_endpoint(discovery, entry);
}

bool discovery_offers(const struct discovery_endpoint *endpoint, unsigned roles, struct str key)
{
    enum ocpi_module module = ocpi_module_find(endpoint->module);
    return (endpoint->receiver && str_equal(interfaces_key(roles, module, true), key)) ||
           (endpoint->sender && str_equal(interfaces_key(roles, module, false), key));
}
