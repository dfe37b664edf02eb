#include "lib/conf/conf.h"

#include <string.h>

#include "lib/conf/value.h"

#define HELP_WIDTH 100

/* As "# " lines of at most HELP_WIDTH columns. */
static void print_help(const char *help, struct buffer *out)
{
    struct str rest = str_from(help);
    while (rest.length > 0) {
        size_t cut = rest.length;
        if (cut > HELP_WIDTH) {
            for (cut = HELP_WIDTH; cut > 0 && rest.data[cut] != ' '; cut--)
                ;
            if (cut == 0)
                cut = HELP_WIDTH;
        }
        buffer_append_text(out, "# ");
        buffer_append(out, str_of(rest.data, cut));
        buffer_append_byte(out, '\n');
        rest = str_trim(str_skip(rest, cut));
    }
}

static bool same_value(const struct conf *a, const struct conf *b, const struct conf_setting *setting)
{
    return memcmp((const char *)a + setting->offset, (const char *)b + setting->offset, setting->size) == 0;
}

void conf_print(const struct conf *conf, struct buffer *out)
{
    /* Computed defaults follow from what was set: compare with what they would be beside it. */
    struct conf plain;
    conf_defaults(&plain);
    plain.listen = conf->listen;
    memcpy(plain.state_dir, conf->state_dir, sizeof plain.state_dir);
    conf_compute(&plain, NULL);
    struct conf untouched;
    conf_defaults(&untouched);
    conf_compute(&untouched, NULL);
    plain.listen = untouched.listen;
    memcpy(plain.state_dir, untouched.state_dir, sizeof plain.state_dir);
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        print_help(setting->help, out);
        buffer_append_text(out, same_value(conf, &plain, setting) ? "#" : "");
        buffer_append_text(out, setting->name);
        buffer_append_text(out, " = ");
        conf_value(conf, setting, out);
        buffer_append_text(out, i + 1 < conf_setting_count ? "\n\n" : "\n");
    }
}

void conf_reload(struct conf *conf, const struct conf *fresh, struct buffer *restart)
{
    const char *separator = "";
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *setting = &conf_settings[i];
        if (same_value(conf, fresh, setting))
            continue;
        if (setting->reload) {
            memcpy((char *)conf + setting->offset, (const char *)fresh + setting->offset, setting->size);
            continue;
        }
        buffer_append_text(restart, separator);
        buffer_append_text(restart, setting->name);
        separator = ", ";
    }
}
