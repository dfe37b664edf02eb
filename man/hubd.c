/* What hubd(8), hubd.conf(5) and hub-audit(5) take from hubd: options, settings, routes. */
#include "hubd/options.h"
#include "hubd/request/router.h"
#include "lib/conf/conf.h"
#include "man/parts.h"
#include "man/roff.h"

bool part_hubd_options(struct buffer *out, const char *argument)
{
    buffer_append_text(out, PART_LIST);
    for (size_t i = 0; i < options_row_count; i++) {
        const struct options_row *row = &options_rows[i];
        part_option(out, row->name, row->letter, row->value, row->help);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

static void write_setting_facts(struct buffer *out, const struct conf_setting *setting)
{
    char variable[96] = "HUBD_";
    struct buffer text = {0};
    if (setting->choices != NULL)
        roff_choices(out, "One of", setting->choices);
    conf_range(setting, &text);
    buffer_append_byte(&text, '\0');
    part_fact(out, "Range", text.data);
    buffer_free(&text);
    if (setting->fallback != NULL)
        part_fact(out, "Default", setting->fallback[0] != '\0' ? setting->fallback : "(empty)");
    str_copy_upper(str_from(setting->name), variable + 5, sizeof variable - 5);
    part_fact(out, "Environment", variable);
    roff_text(out, setting->reload ? "A reload applies a change." : "A change needs a restart.");
}

bool part_settings(struct buffer *out, const char *argument)
{
    buffer_append_text(out, PART_LIST);
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        roff_item(out, setting->name, conf_type_name(setting->type));
        roff_text(out, setting->help);
        buffer_append_text(out, ".br\n");
        write_setting_facts(out, setting);
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}

/* ---------------------------------------------------------------- the audit */

static void write_route(struct buffer *out, const struct route *route, bool again)
{
    struct buffer text = {0};
    buffer_printf(&text, "%s`%s /ocpi/%s`", again ? "or " : "",
                  route != &routes_relay ? http_method_name(route->method) : "any method:", route->path);
    buffer_append_byte(&text, '\0');
    if (!text.failed)
        roff_text(out, text.data);
    buffer_free(&text);
}

/* Actions of what partners send: of routes that the audit has a row for. */
bool part_messages(struct buffer *out, const char *argument)
{
    const char *last = "";
    buffer_append_text(out, ".Bl -tag -width Ds -compact\n");
    for (size_t i = 0; i <= routes_count; i++) {
        const struct route *route = i < routes_count ? &routes[i] : &routes_relay;
        bool again = strcmp(route->action, last) == 0;
        if (route->audit == ROUTE_AUDIT_NONE)
            continue;
        if (!again) {
            buffer_append_text(out, ".It Ic");
            roff_argument(out, route->action);
            buffer_printf(out, " Pq %s\n", route->audit == ROUTE_AUDIT_PUSH ? "push" : "real-time");
        }
        write_route(out, route, again);
        last = route->action;
    }
    buffer_append_text(out, PART_LIST_END);
    return argument[0] == '\0';
}
