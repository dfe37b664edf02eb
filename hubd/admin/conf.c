#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "lib/base/log.h"
#include "lib/base/suggest.h"

/* conf show, log level, version. */

static void write_setting(struct json_writer *writer, const struct conf *conf,
                          const struct conf_setting *setting)
{
    struct buffer value = {0};
    conf_value(conf, setting, &value);
    json_object_begin(writer);
    json_field_text(writer, "name", setting->name);
    render_text(writer, "value", buffer_str(&value));
    render_text(writer, "default", str_from(setting->fallback));
    json_field_boolean(writer, "reload", setting->reload);
    json_field_text(writer, "help", setting->help);
    json_object_end(writer);
    buffer_free(&value);
}

static void unknown_setting(struct ctl_request *request, struct str name)
{
    struct suggest suggest;
    suggest_begin(&suggest, name);
    for (size_t i = 0; i < conf_setting_count; i++)
        suggest_offer(&suggest, conf_settings[i].name);
    const char *best = suggest_best(&suggest);
    struct str message = arena_printf(&request->arena, "setting " STR_FMT ": no such setting%s%s%s",
                                      STR_ARG(name), best != NULL ? "; did you mean " : "",
                                      best != NULL ? best : "", best != NULL ? "?" : "");
    ctl_fail(request, CTL_NOT_FOUND, message.data, "hubctl conf show");
}

void admin_conf_show(struct ctl_request *request)
{
    struct str name = json_get_text(request->params, "name");
    const struct conf *conf = &admin_hub(request)->conf;
    bool found = name.length == 0;
    for (size_t i = 0; i < conf_setting_count && !found; i++)
        found = str_equal(name, str_from(conf_settings[i].name));
    if (!found) {
        unknown_setting(request, name);
        return;
    }
    struct reply_list list;
    reply_list_begin(&list, request);
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (name.length == 0 || str_equal(name, str_from(conf_settings[i].name)))
            write_setting(&list.writer, conf, &conf_settings[i]);
    }
    reply_list_end(&list, STR_NONE);
}

/* ---------------------------------------------------------------- log level */

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

/* The level that the request names, else the present one. */
static int64_t wanted_level(const struct change *change)
{
    struct str name = json_get_text(change->params, "level");
    int64_t level = change->hub->conf.log_level;
    for (int64_t i = 0; i < (int64_t)(sizeof level_names / sizeof level_names[0]); i++) {
        if (str_equal_fold(name, str_from(level_names[i])))
            level = i;
    }
    return level;
}

static bool apply_level(struct change *change, void *context, const struct store_op *done)
{
    int64_t level = wanted_level(change);
    (void)context, (void)done;
    change->hub->conf.log_level = level;
    log_set_level((enum log_level)level);
    return false;
}

static bool build_level(struct change *change)
{
    int64_t now = change->hub->conf.log_level, wanted = wanted_level(change);
    struct str before = str_from(level_names[now]);
    if (wanted == now)
        return change_unchanged(change, before, "log level %s", before.data);
    struct str after = str_from(level_names[wanted]);
    change_follow(change, apply_level, NULL);
    change_audit(change, "log.level", STR_NONE, arena_printf(change->arena, "\"%s\"", before.data),
                 arena_printf(change->arena, "\"%s\"", after.data));
    return change_done(change, after, "set", "log level %s", after.data);
}

void admin_log_level(struct ctl_request *request)
{
    change_begin(request, build_level, false);
}

/* ---------------------------------------------------------------- version */

void admin_version(struct ctl_request *request)
{
    struct buffer reply = {0};
    struct json_writer writer;
    json_writer_init(&writer, &reply);
    json_object_begin(&writer);
    json_field_text(&writer, "hubd", HUB_VERSION);
    json_field_int(&writer, "protocol", CTL_PROTOCOL);
    json_field_text(&writer, "ocpi", "2.2.1");
    json_object_end(&writer);
    ctl_reply(request, &reply);
    buffer_free(&reply);
}
