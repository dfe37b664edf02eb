/* What hub-ocpi(7) takes from hubd: answers, routes, endpoints of partners, settings, the fields that refuse an object. */
#include "hubd/hub.h"
#include "hubd/registry/interfaces.h"
#include "hubd/request/request.h"
#include "hubd/request/router.h"
#include "lib/conf/conf.h"
#include "lib/ocpi/tables.h"
#include "man/parts.h"
#include "man/roff.h"

bool part_answers(struct buffer *out, const char *argument)
{
    buffer_append_text(out, ".Bl -tag -width \"HTTP 200, 2001\"\n");
    for (size_t i = 0; i < request_reply_count; i++) {
        const struct request_reply_row *row = &request_replies[i];
        buffer_printf(out, ".It HTTP %d , %d\n", row->http, row->ocpi);
        roff_whole_sentence(out, row->what);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

/* The roles that may call what the route stands for, whatever the settings. */
static unsigned roles_always(const struct route *route)
{
    unsigned roles = 0;
    for (size_t i = 0; i < routes_count; i++)
        if (routes[i].method == route->method && strcmp(routes[i].path, route->path) == 0 &&
            (routes[i].flags & ROUTE_CONDITIONS) == 0)
            roles |= routes[i].roles;
    return roles;
}

/* "CPO, EMSP", or that any platform may. Of a row that needs a setting only those that may not without it. */
static void write_roles(struct buffer *out, const struct route *route)
{
    static const struct {
        unsigned role;
        const char *name;
    } roles[] = {{OCPI_ROLE_CPO, "CPO"}, {OCPI_ROLE_EMSP, "EMSP"}, {OCPI_ROLE_SCSP, "SCSP"}};
    const char *before = "";
    unsigned told = route->roles;
    if ((route->flags & ROUTE_CONDITIONS) != 0)
        told &= ~roles_always(route);
    if (route->access == ROUTE_OPEN)
        buffer_append_text(out, "anybody who knows the id in the path");
    else if (route->roles == 0)
        buffer_append_text(out, "every platform");
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (route->access == ROUTE_OPEN || (told & roles[i].role) == 0)
            continue;
        buffer_printf(out, "%s%s", before, roles[i].name);
        before = ", ";
    }
}

bool part_routes(struct buffer *out, const char *module)
{
    bool any = false;
    buffer_append_text(out, ".Bl -tag -width Ds -compact\n");
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes[i];
        if (strcmp(ocpi_module_name(route->module), module) != 0)
            continue;
        any = true;
        buffer_printf(out, ".It Li %s Pq ", http_method_name(route->method));
        write_roles(out, route);
        if ((route->flags & ROUTE_BACKFILL) != 0)
            buffer_append_text(out, "; only while emsp_backfill is on");
        if (route->limit != LIMIT_NONE)
            buffer_append_text(out, "; limited");
        char path[160];
        snprintf(path, sizeof path, "`/ocpi/%s`", route->path);
        buffer_append_text(out, "\n");
        roff_text(out, path);
    }
    buffer_append_text(out, PART_LIST_END);
    return any;
}

bool part_endpoints(struct buffer *out, const char *role)
{
    static const char *const interfaces[] = {[INTERFACES_SENDER] = "SENDER",
                                             [INTERFACES_RECEIVER] = "RECEIVER",
                                             [INTERFACES_SENDER | INTERFACES_RECEIVER] = "either"};
    bool any = false;
    buffer_append_text(out, PART_LIST);
    const struct interfaces_row *row;
    for (size_t i = 0; (row = interfaces_row_at(i)) != NULL; i++) {
        if ((row->roles & ocpi_role_from(str_from(role))) == 0)
            continue;
        any = true;
        buffer_printf(out, ".It Li %s Pq %s%s\n", ocpi_module_name(row->module), interfaces[row->interfaces],
                      row->without != NULL ? ", needed" : "");
        roff_whole_sentence(out, row->calls);
        if (row->without != NULL)
            buffer_printf(out, "Without it %s.\n", row->without);
    }
    buffer_append_text(out, PART_LIST_END);
    return any;
}

bool part_setting(struct buffer *out, const char *name)
{
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        if (strcmp(setting->name, name) != 0)
            continue;
        roff_item(out, setting->name, setting->fallback);
        roff_text(out, setting->help);
        return true;
    }
    return false;
}

/* Fields below this one that refuse the whole object, with the path to them. */
static void write_essential(struct buffer *out, const struct ocpi_object *object, const char *path, bool *any)
{
    for (unsigned i = 0; i < object->field_count; i++) {
        const struct ocpi_field *field = &object->fields[i];
        char place[128];
        snprintf(place, sizeof place, "%s%s", path, field->name);
        if (field->essential) {
            buffer_printf(out, "%s`%s`", *any ? ", " : "", place);
            *any = true;
        }
        if (field->type == OCPI_TYPE_OBJECT && !field->relaxed) {
            strncat(place, field->card == OCPI_CARD_ANY || field->card == OCPI_CARD_SOME ? "[]." : ".",
                    sizeof place - strlen(place) - 1);
            write_essential(out, field->object, place, any);
        }
    }
}

bool part_essential(struct buffer *out, const char *argument)
{
    static const struct ocpi_object *const objects[] = {
        &ocpi_credentials, &ocpi_location,           &ocpi_tariff,           &ocpi_session,
        &ocpi_cdr,         &ocpi_start_session,      &ocpi_stop_session,     &ocpi_reserve_now,
        &ocpi_token,       &ocpi_cancel_reservation, &ocpi_unlock_connector,
    };
    buffer_append_text(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        struct buffer text = {0};
        bool any = false;
        write_essential(&text, objects[i], "", &any);
        buffer_append_byte(&text, '\0');
        buffer_append_text(out, ".It Sy");
        roff_argument(out, objects[i]->name);
        buffer_append_byte(out, '\n');
        if (!text.failed)
            roff_sentence(out, any ? text.data : "none");
        buffer_free(&text);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}
