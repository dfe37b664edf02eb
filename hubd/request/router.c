#include "hubd/request/router.h"

#include <ctype.h>
#include <stdio.h>

#include "lib/conf/conf.h"
#include "lib/ctl/commands.h"
#include "lib/json/writer.h"
#include "lib/ocpi/party.h"

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

static struct str router_module_name(const struct route *route)
{
    return str_from(ocpi_module_name(route->module));
}

/*
 * Whether the segment is a ModuleID that the hub has no route for. It must be written plainly: %63redentials
 * or "sessions:sender" (a module key of receivers) must not count, else the request would be passed on with
 * the hub's token and without the module's checks.
 */
static bool router_is_other_module(struct str module)
{
    if (!ctl_is_word(module) || str_find(module, ':') != SIZE_MAX)
        return false;
    for (size_t i = 0; i < routes_count; i++)
        if (str_equal_fold(router_module_name(&routes[i]), module))
            return false;
    return true;
}

/*
 * The module whose name the segment begins with. A letter or digit must follow, as codes, commands and ids
 * begin; "sessions:sender" is another name. `credentials` is not split: nothing in its path follows the name.
 */
static const struct route *router_module_at_front(struct str segment)
{
    const struct route *longest = NULL;
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *row = &routes[i];
        struct str name = router_module_name(row);
        bool taken_apart = row->module != OCPI_MODULE_VERSIONS && row->module != OCPI_MODULE_CREDENTIALS;
        if (taken_apart && segment.length > name.length && str_starts_with(segment, name) &&
            isalnum((unsigned char)segment.data[name.length]) &&
            (longest == NULL || name.length > router_module_name(longest).length))
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
    struct str name = router_module_name(row);
    segments[3] = str_skip(segments[2], name.length);
    segments[2] = name;
    return count + 1;
}

/* Finds the row; `segments` without "ocpi". */
static void router_find_row(unsigned conditions, enum http_method method, const struct str *segments,
                            int count, struct router_match *match)
{
    for (size_t i = 0; i < routes_count; i++) {
        struct router_match candidate = {0};
        /* The module's name follows the version: it differs in most rows, so compare it first. */
        if (count > 1 && !str_equal(router_module_name(&routes[i]), segments[1]))
            continue;
        match->functional = router_is_functional(&routes[i]);
        if (!router_row_matches(&routes[i], segments, count, &candidate))
            continue;
        match->known = true;
        if (!router_is_there(&routes[i], conditions)) {
            if (routes[i].method == method)
                match->off |= routes[i].flags & ROUTE_CONDITIONS & ~conditions;
            continue;
        }
        match->allowed |= 1u << routes[i].method;
        if (match->route == NULL && routes[i].method == method) {
            match->route = &routes[i];
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
        if (router_lists(&routes[i], conditions, interface) && routes[i].module == routes[index].module)
            return true;
    return false;
}

void router_write_endpoints(unsigned conditions, struct json_writer *writer, const char *base_url)
{
    json_array_begin(writer);
    for (size_t i = 0; i < routes_count; i++) {
        for (unsigned interface = ROUTE_SENDER; interface <= ROUTE_RECEIVER; interface <<= 1) {
            if (!router_lists(&routes[i], conditions, interface) ||
                router_listed_before(i, conditions, interface))
                continue;
            const char *name = ocpi_module_name(routes[i].module);
            char url[512];
            snprintf(url, sizeof url, "%s/ocpi/2.2.1/%s", base_url, name);
            json_object_begin(writer);
            json_field_text(writer, "identifier", name);
            json_field_text(writer, "role", interface == ROUTE_SENDER ? "SENDER" : "RECEIVER");
            json_field_text(writer, "url", url);
            json_object_end(writer);
        }
    }
    json_array_end(writer);
}

bool router_is_functional(const struct route *route)
{
    return route->module != OCPI_MODULE_VERSIONS && route->module != OCPI_MODULE_CREDENTIALS &&
           route->module != OCPI_MODULE_HUBCLIENTINFO;
}
