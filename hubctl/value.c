#include "hubctl/value.h"

#include <string.h>
#include <wchar.h>

#include "hubctl/moment.h"
#include "lib/base/timestamp.h"

bool value_is_empty(const struct json_value *value)
{
    if (value == NULL || value->type == JSON_NULL)
        return true;
    if (value->type == JSON_STRING)
        return value->text.length == 0;
    return value->type == JSON_ARRAY && value->count == 0;
}

/* Text without what a terminal or a TSV reader would take for something else. */
static void write_clean(struct buffer *out, struct str text, bool people)
{
    static const char *const escapes[] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r"};
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '\\' && !people)
            buffer_append_text(out, "\\\\");
        else if (byte >= ' ' && byte != 0x7f)
            buffer_append_byte(out, text.data[i]);
        else if (byte < sizeof(escapes) / sizeof(escapes[0]) && escapes[byte] != NULL)
            buffer_append_text(out, escapes[byte]);
        else if (people)
            buffer_printf(out, "^%c", byte ^ 0x40); /* as cat -v shows them */
        else
            buffer_printf(out, "\\x%02x", byte);
    }
}

static void write_time(struct buffer *out, struct str text, const struct style *style)
{
    int64_t time;
    char local[MOMENT_SIZE];
    if (style->people && timestamp_parse(text, &time))
        buffer_append_text(out, moment_format(time, style->utc, local));
    else
        write_clean(out, text, style->people);
}

static void write_offset(struct buffer *out, struct str number)
{
    int64_t ms;
    char text[MOMENT_SIZE];
    if (str_to_int64(number, &ms))
        buffer_append_text(out, moment_offset(ms, text));
    else
        write_clean(out, number, true);
}

static void write_list(struct buffer *out, const struct json_value *list, bool people)
{
    for (const struct json_value *item = list->child; item != NULL; item = item->next) {
        write_clean(out, item->type == JSON_STRING ? item->text : item->raw, people);
        buffer_append_text(out, item->next == NULL ? "" : people ? ", " : ",");
    }
}

void value_write(struct buffer *out, const struct json_value *value, enum ctl_kind kind,
                 const struct style *style)
{
    if (value_is_empty(value)) {
        buffer_append_text(out, style->people ? "-" : "");
        return;
    }
    switch (value->type) {
    case JSON_STRING:
        if (kind == CTL_COLUMN_TIME)
            write_time(out, value->text, style);
        else
            write_clean(out, value->text, style->people);
        return;
    case JSON_BOOLEAN:
        buffer_append_text(out, style->people    ? (value->boolean ? "yes" : "no")
                                : value->boolean ? "true"
                                                 : "false");
        return;
    case JSON_ARRAY:
        write_list(out, value, style->people);
        return;
    case JSON_NUMBER:
        if (kind == CTL_COLUMN_OFFSET && style->people)
            write_offset(out, value->raw);
        else
            write_clean(out, value->raw, style->people);
        return;
    case JSON_NULL:
    case JSON_OBJECT:
        write_clean(out, value->raw, style->people);
        return;
    }
}

static bool is_list_of_words(const struct json_value *value)
{
    for (const struct json_value *item = value->child; item != NULL; item = item->next) {
        if (item->type == JSON_ARRAY || item->type == JSON_OBJECT)
            return false;
    }
    return value->type == JSON_ARRAY;
}

void value_write_bare(struct buffer *out, const struct json_value *value)
{
    if (value == NULL || value->type == JSON_NULL)
        return;
    if (value->type == JSON_STRING) {
        buffer_append(out, value->text);
    } else if (!is_list_of_words(value)) {
        buffer_append(out, value->raw);
    } else {
        for (const struct json_value *item = value->child; item != NULL; item = item->next) {
            buffer_append(out, item->type == JSON_STRING ? item->text : item->raw);
            buffer_append_text(out, item->next == NULL ? "" : ",");
        }
    }
}

const char *value_color(const char *word)
{
    static const struct {
        const char *word, *color;
    } rows[] = {
        {"CONNECTED", "green"}, {"OFFLINE", "red"},    {"SUSPENDED", "yellow"}, {"dead", "red"},
        {"held", "yellow"},     {"drain", "yellow"},   {"on", "green"},         {"delivered", "green"},
        {"ok", "green"},        {"ACCEPTED", "green"}, {"TIMEOUT", "red"},      {"REJECTED", "red"},
        {"FAILED", "red"},      {"refused", "red"},    {"stale", "yellow"},     {"added", "green"},
        {"changed", "yellow"},  {"removed", "red"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].color;
    }
    return NULL;
}

void value_paint_as(struct buffer *out, struct str text, const char *word, const struct style *style)
{
    static const struct {
        const char *color, *sequence;
    } rows[] = {{"red", "\033[31m"}, {"green", "\033[32m"}, {"yellow", "\033[33m"}};
    const char *color = style->color ? value_color(word) : NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && color != NULL; i++) {
        if (strcmp(rows[i].color, color) == 0)
            buffer_append_text(out, rows[i].sequence);
    }
    buffer_append(out, text);
    buffer_append_text(out, color != NULL ? "\033[0m" : "");
}

void value_paint(struct buffer *out, struct str text, enum ctl_kind kind, const struct style *style)
{
    char word[32];
    if (kind == CTL_COLUMN_STATUS && str_copy(text, word, sizeof(word)))
        value_paint_as(out, text, word, style);
    else
        buffer_append(out, text);
}

size_t value_width(struct str text)
{
    mbstate_t state = {0};
    size_t width = 0;
    while (text.length > 0) {
        wchar_t letter;
        size_t used = mbrtowc(&letter, text.data, text.length, &state);
        if (used == 0 || used == (size_t)-1 || used == (size_t)-2) {
            memset(&state, 0, sizeof(state));
            used = 1;
            width++;
        } else {
            int columns = wcwidth(letter);
            width += columns > 0 ? (size_t)columns : 0;
        }
        text = str_skip(text, used);
    }
    return width;
}
