#include "lib/conf/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bug.h"
#include "lib/base/paths.h"
#include "lib/base/timestamp.h"

static void *field_of(struct conf *conf, const struct conf_setting *setting)
{
    return (char *)conf + setting->offset;
}

/* ---------------------------------------------------------------- one parser per type */

static bool check(const struct conf_setting *setting, const char *value, struct error *error)
{
    return setting->check == NULL || setting->check(value, error);
}

static int set_text(void *field, const struct conf_setting *setting, const char *text, struct error *error)
{
    if (strlen(text) >= setting->size)
        return error_set(error, ERR_INVALID, "too long: at most %zu bytes", setting->size - 1);
    if (!check(setting, text, error))
        return ERR_INVALID;
    memset(field, 0, setting->size); /* no rest of a longer text: settings are compared whole */
    str_copy(str_from(text), field, setting->size);
    return OK;
}

static int add_item(struct conf_list *list, const struct conf_setting *setting, struct str item,
                    struct error *error)
{
    char value[CONF_TEXT_MAX] = "";
    if (!str_copy(item, value, sizeof value))
        return error_set(error, ERR_INVALID, "too long: at most %d bytes", CONF_TEXT_MAX - 1);
    if (list->count >= CONF_LIST_MAX)
        return error_set(error, ERR_INVALID, "more than %d values", CONF_LIST_MAX);
    if (!check(setting, value, error))
        return ERR_INVALID;
    for (unsigned i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], value) == 0)
            return error_set(error, ERR_INVALID, "%s is there twice; remove one", value);
    }
    memcpy(list->items[list->count++], value, sizeof value);
    return OK;
}

static int set_list(void *field, const struct conf_setting *setting, const char *text, bool append,
                    struct error *error)
{
    struct conf_list *list = field;
    if (!append)
        memset(list, 0, sizeof *list);
    struct str rest = str_from(text), item;
    while (str_split(&rest, ',', &item)) {
        item = str_trim(item);
        int result = item.length == 0 ? OK : add_item(list, setting, item, error);
        if (result != OK)
            return result;
    }
    return OK;
}

static int set_boolean(bool *field, const char *text, struct error *error)
{
    static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int value = 0; value < 2; value++) {
            if (str_equal_fold(str_from(text), str_from(words[i][value]))) {
                *field = value == 1;
                return OK;
            }
        }
    }
    return error_set(error, ERR_INVALID, "neither yes nor no");
}

static int set_choice(int64_t *field, const struct conf_setting *setting, const char *text,
                      struct error *error)
{
    char known[128] = "";
    size_t length = 0;
    for (int64_t i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(setting->choices[i], text) == 0) {
            *field = i;
            return OK;
        }
        int more =
            snprintf(known + length, sizeof known - length, "%s%s", i == 0 ? "" : ", ", setting->choices[i]);
        length += more > 0 && (size_t)more < sizeof known - length ? (size_t)more : 0;
    }
    return error_set(error, ERR_INVALID, "unknown; write one of: %s", known);
}

static int set_rate(struct rate *field, const char *text, struct error *error)
{
    return rate_parse(str_from(text), field) ? OK : error_set(error, ERR_INVALID, "no rate; " RATE_REMEDY);
}

static bool parse_size(struct str text, int64_t *bytes)
{
    static const struct {
        char letter;
        unsigned shift;
    } units[] = {{'k', 10}, {'m', 20}, {'g', 30}};
    unsigned shift = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && text.length > 0; i++) {
        if ((text.data[text.length - 1] | 0x20) == units[i].letter) {
            shift = units[i].shift;
            text.length--;
            break;
        }
    }
    uint64_t number;
    if (!str_to_uint64(text, &number) || number > (uint64_t)INT64_MAX >> shift)
        return false;
    *bytes = (int64_t)(number << shift);
    return true;
}

static const char *format_size(int64_t bytes, char out[24])
{
    static const char letters[] = {'g', 'm', 'k'};
    for (unsigned i = 0; i < sizeof letters; i++) {
        int64_t unit = INT64_C(1) << (30 - 10 * i);
        if (bytes >= unit && bytes % unit == 0) {
            snprintf(out, 24, "%" PRId64 "%c", bytes / unit, letters[i]);
            return out;
        }
    }
    snprintf(out, 24, "%" PRId64, bytes);
    return out;
}

static const char *format_number(enum conf_type type, int64_t number, char out[24])
{
    if (type == CONF_DURATION)
        return duration_format(number, out);
    if (type == CONF_SIZE)
        return format_size(number, out);
    snprintf(out, 24, "%" PRId64, number);
    return out;
}

const char *conf_type_name(enum conf_type type)
{
    static const char *const names[] = {
        [CONF_TEXT] = "text",      [CONF_LIST] = "list",         [CONF_INT] = "number",
        [CONF_BOOL] = "yes or no", [CONF_DURATION] = "duration", [CONF_SIZE] = "size",
        [CONF_CHOICE] = "choice",  [CONF_RATE] = "rate"};
    return names[type];
}

void conf_range(const struct conf_setting *setting, struct buffer *out)
{
    char low[24], high[24];
    if (setting->minimum != 0 || setting->maximum != 0)
        buffer_printf(out, "%s to %s", format_number(setting->type, setting->minimum, low),
                      format_number(setting->type, setting->maximum, high));
}

static int set_number(int64_t *field, const struct conf_setting *setting, const char *text,
                      struct error *error)
{
    struct str value = str_from(text);
    if (setting->type == CONF_DURATION && !duration_parse(value, field))
        return error_set(error, ERR_INVALID, "no duration; write a number with ms, s, m, h or d, e.g. 10s");
    if (setting->type == CONF_SIZE && !parse_size(value, field))
        return error_set(error, ERR_INVALID, "no size; write bytes or a number with k, m or g, e.g. 4m");
    if (setting->type == CONF_INT && !str_to_int64(value, field))
        return error_set(error, ERR_INVALID, "no whole number");
    if (*field < setting->minimum || *field > setting->maximum) {
        struct buffer range = {0};
        conf_range(setting, &range);
        int result =
            error_set(error, ERR_INVALID, "out of range; write " STR_FMT, STR_ARG(buffer_str(&range)));
        buffer_free(&range);
        return result;
    }
    return OK;
}

int conf_value_set(struct conf *conf, const struct conf_setting *setting, const char *text, bool append,
                   struct error *error)
{
    void *field = field_of(conf, setting);
    switch (setting->type) {
    case CONF_TEXT:
        return set_text(field, setting, text, error);
    case CONF_LIST:
        return set_list(field, setting, text, append, error);
    case CONF_BOOL:
        return set_boolean(field, text, error);
    case CONF_CHOICE:
        return set_choice(field, setting, text, error);
    case CONF_RATE:
        return set_rate(field, text, error);
    case CONF_INT:
    case CONF_DURATION:
    case CONF_SIZE:
        return set_number(field, setting, text, error);
    }
    BUG("setting %s has type %d", setting->name, (int)setting->type);
}

/* ---------------------------------------------------------------- back to text */

static void print_list(const struct conf_list *list, struct buffer *out)
{
    for (unsigned i = 0; i < list->count; i++) {
        buffer_append_text(out, i == 0 ? "" : ", ");
        buffer_append_text(out, list->items[i]);
    }
}

void conf_value(const struct conf *conf, const struct conf_setting *setting, struct buffer *out)
{
    const void *field = (const char *)conf + setting->offset;
    const int64_t *number = field;
    char text[24], rate[RATE_SIZE];
    switch (setting->type) {
    case CONF_TEXT:
        buffer_append_text(out, field);
        return;
    case CONF_LIST:
        print_list(field, out);
        return;
    case CONF_BOOL:
        buffer_append_text(out, *(const bool *)field ? "yes" : "no");
        return;
    case CONF_CHOICE:
        buffer_append_text(out, setting->choices[*number]);
        return;
    case CONF_RATE:
        buffer_append_text(out, rate_format(*(const struct rate *)field, rate));
        return;
    case CONF_INT:
    case CONF_DURATION:
    case CONF_SIZE:
        buffer_append_text(out, format_number(setting->type, *number, text));
        return;
    }
    BUG("setting %s has type %d", setting->name, (int)setting->type);
}

/* ---------------------------------------------------------------- the table as a whole */

static bool same_name(struct str name, const char *setting, bool dashes)
{
    if (strlen(setting) != name.length)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] != setting[i] && !(dashes && name.data[i] == '-' && setting[i] == '_'))
            return false;
    }
    return true;
}

const struct conf_setting *conf_setting_find(struct str name, bool dashes)
{
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (same_name(name, conf_settings[i].name, dashes))
            return &conf_settings[i];
    }
    return NULL;
}

void conf_defaults(struct conf *conf)
{
    memset(conf, 0, sizeof *conf);
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        /* A default that does not pass its own row is a mistake in the table. */
        if (setting->fallback != NULL && conf_value_set(conf, setting, setting->fallback, false, NULL) != OK)
            BUG("setting %s: its default %s does not pass its own row", setting->name, setting->fallback);
    }
}

int conf_compute(struct conf *conf, struct error *error)
{
    int length = 0;
    if (conf->state_dir[0] == '\0')
        paths_state_dir(conf->state_dir, sizeof conf->state_dir);
    if (conf->admin_socket[0] == '\0')
        paths_admin_socket(conf->admin_socket, sizeof conf->admin_socket);
    if (conf->state_dir[0] == '\0')
        return error_set(
            error, ERR_INVALID,
            "state_dir has no default: neither XDG_STATE_HOME nor HOME names a folder; set state_dir");
    if (conf->admin_socket[0] == '\0') /* a user without a home, but with a state_dir */
        length = snprintf(conf->admin_socket, sizeof conf->admin_socket, "%s/admin.sock", conf->state_dir);
    if (length < 0 || (size_t)length >= sizeof conf->admin_socket)
        return error_set(error, ERR_INVALID,
                         "state_dir is too long for admin_socket's default; set admin_socket");
    if (conf->key_file[0] == '\0')
        length = snprintf(conf->key_file, sizeof conf->key_file, "%s/hub.key", conf->state_dir);
    if (length < 0 || (size_t)length >= sizeof conf->key_file)
        return error_set(error, ERR_INVALID, "state_dir is too long for key_file's default; set key_file");
    if (conf->base_url[0] == '\0' && conf->listen.count > 0)
        length = snprintf(conf->base_url, sizeof conf->base_url, "http://%s", conf->listen.items[0]);
    if (length < 0 || (size_t)length >= sizeof conf->base_url)
        return error_set(error, ERR_INVALID, "listen is too long for base_url's default; set base_url");
    for (size_t end = strlen(conf->base_url); end > 0 && conf->base_url[end - 1] == '/'; end--)
        conf->base_url[end - 1] = '\0';
    return OK;
}
