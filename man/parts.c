#include "man/parts.h"

#include "man/roff.h"

void part_fact(struct buffer *out, const char *name, const char *value)
{
    struct buffer text = {0};
    buffer_printf(&text, "%s: `%s`.", name, value);
    buffer_append_byte(&text, '\0');
    if (!text.failed && value[0] != '\0')
        roff_text(out, text.data);
    buffer_free(&text);
}

void part_option(struct buffer *out, const char *name, char letter, const char *value, const char *help)
{
    bool attached = value != NULL && value[0] == '[';
    buffer_append_text(out, ".It");
    if (letter != 0)
        buffer_printf(out, " Fl %c ,", letter);
    roff_option(out, name);
    buffer_append_text(out, attached ? " Ns Ar" : value != NULL ? " Ar" : "");
    if (value != NULL)
        roff_argument(out, value);
    buffer_append_byte(out, '\n');
    roff_text(out, help);
}

const struct part parts[] = {
    {"purpose", part_purpose},
    {"noun-purpose", part_noun_purpose},
    {"synopsis", part_synopsis},
    {"commands", part_commands},
    {"examples", part_examples},
    {"fields", part_fields},
    {"nouns", part_nouns},
    {"noun-references", part_noun_references},
    {"global-options", part_global_options},
    {"topic", part_topic},
    {"hubd-options", part_hubd_options},
    {"settings", part_settings},
    {"methods", part_methods},
    {"codes", part_codes},
    {"messages", part_messages},
    {"changes", part_changes},
    {"answers", part_answers},
    {"routes", part_routes},
    {"endpoints", part_endpoints},
    {"setting", part_setting},
    {"essential", part_essential},
    {NULL, NULL},
};
