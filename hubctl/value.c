#include "hubctl/value.h"

#include <string.h>
#include <wchar.h>

#include "hubctl/moment.h"
#include "lib/base/env.h"
#include "lib/base/size.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

#define NARROW      60 /* columns of a terminal */
#define BARS_NARROW 8

bool value_is_empty(const struct json_value *value)
{
    if (value == NULL || value->type == JSON_NULL)
        return true;
    if (value->type == JSON_STRING)
        return value->text.length == 0;
    return value->type == JSON_ARRAY && value->count == 0;
}

/* Text without what a terminal or a TSV reader would take for something else, or not show at all. */
static void write_clean(struct buffer *out, struct str text, bool people)
{
    static const char *const escapes[] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r"};
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        uint32_t code;
        size_t hidden = utf8_hidden(str_skip(text, i), &code);
        if (hidden > 0) {
            buffer_printf(out, code > 0xffff ? "\\u{%x}" : "\\u%04x", (unsigned)code);
            i += hidden - 1;
        } else if (byte == '\\' && !people)
            buffer_append_text(out, "\\\\");
        else if (byte >= ' ' && byte != 0x7f)
            buffer_append_byte(out, text.data[i]);
        else if (byte < sizeof escapes / sizeof escapes[0] && escapes[byte] != NULL)
            buffer_append_text(out, escapes[byte]);
        else if (people)
            buffer_printf(out, "^%c", byte ^ 0x40); /* as cat -v shows them */
        else
            buffer_printf(out, "\\x%02x", byte);
    }
}

static void write_time(struct buffer *out, struct str text, enum ctl_kind kind, const struct style *style)
{
    int64_t time, now = env_wall_ms();
    char local[MOMENT_SIZE];
    if (!style->people || !timestamp_parse(text, &time))
        write_clean(out, text, style->people);
    else if (kind == CTL_COLUMN_AGE)
        buffer_append_text(out, moment_age(now - time, local));
    else if (kind == CTL_COLUMN_CLOCK)
        buffer_append_text(out, moment_clock(time, now, style->utc, local));
    else
        buffer_append_text(out, moment_format(time, style->utc, local));
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

/* Scales the bars to the highest of their row, so that a module with little traffic shows its changes too. A
 * narrow terminal gets the newest bars only. */
static void write_bars(struct buffer *out, const struct json_value *list, const struct style *style)
{
    static const char *const blocks[] = {".", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {".", ":", "-", "=", "+", "*", "%", "#", "@"};
    const char *const *signs = style->ascii ? letters : blocks;
    const unsigned levels = sizeof blocks / sizeof blocks[0] - 1;
    unsigned skip = style->width > 0 && style->width < NARROW && list->count > BARS_NARROW
                        ? list->count - BARS_NARROW
                        : 0;
    double highest = 0;
    for (const struct json_value *item = list->child; item != NULL; item = item->next)
        highest = item->number > highest ? item->number : highest;
    for (const struct json_value *item = list->child; item != NULL; item = item->next) {
        if (skip > 0) {
            skip--;
            continue;
        }
        unsigned level = item->number > 0 ? 1 + (unsigned)(item->number * (levels - 1) / highest) : 0;
        buffer_append_text(out, signs[level]);
    }
}

/* "12: 9 CONNECTED, 3 PLANNED"; counts of 0 are left out. */
static void write_counts(struct buffer *out, const struct json_value *list)
{
    int64_t count, sum = 0;
    for (const struct json_value *item = list->child; item != NULL; item = item->next)
        sum += json_get_int64(item, "count", &count) ? count : 0;
    buffer_printf(out, "%lld", (long long)sum);
    const char *between = ": ";
    for (const struct json_value *item = list->child; item != NULL; item = item->next) {
        if (!json_get_int64(item, "count", &count) || count == 0)
            continue;
        buffer_printf(out, "%s%lld ", between, (long long)count);
        write_clean(out, json_get_text(item, "name"), true);
        between = ", ";
    }
}

void value_write(struct buffer *out, const struct json_value *value, enum ctl_kind kind,
                 const struct style *style)
{
    char bytes[SIZE_TEXT];
    if (value_is_empty(value)) {
        buffer_append_text(out, style->people ? "-" : "");
        return;
    }
    switch (value->type) {
    case JSON_STRING:
        if (kind == CTL_COLUMN_TIME || kind == CTL_COLUMN_CLOCK || kind == CTL_COLUMN_AGE)
            write_time(out, value->text, kind, style);
        else
            write_clean(out, value->text, style->people);
        return;
    case JSON_BOOLEAN:
        buffer_append_text(out, style->people    ? (value->boolean ? "yes" : "no")
                                : value->boolean ? "true"
                                                 : "false");
        return;
    case JSON_ARRAY:
        if (kind == CTL_COLUMN_BARS && style->people)
            write_bars(out, value, style);
        else if (kind == CTL_COLUMN_COUNTS)
            write_counts(out, value);
        else
            write_list(out, value, style->people);
        return;
    case JSON_NUMBER:
        if (kind == CTL_COLUMN_OFFSET && style->people)
            write_offset(out, value->raw);
        else if (kind == CTL_COLUMN_BYTES && style->people)
            buffer_append_text(out, size_format((int64_t)value->number, bytes));
        else
            write_clean(out, value->raw, style->people);
        return;
    case JSON_NULL:
    case JSON_OBJECT:
        write_clean(out, value->raw, style->people);
        return;
    }
}

/* Byte for byte in a pipe; a terminal gets no control bytes of a partner's, but lines and their indents. */
static void write_bare(struct buffer *out, struct str text, const struct style *style)
{
    if (!style->people) {
        buffer_append(out, text);
        return;
    }
    for (size_t at = 0, end = 0; at < text.length; at = ++end) {
        while (end < text.length && text.data[end] != '\n' && text.data[end] != '\t')
            end++;
        write_clean(out, str_of(text.data + at, end - at), true);
        if (end < text.length)
            buffer_append_byte(out, text.data[end]);
    }
}

void value_write_json(struct buffer *out, struct str json, const struct style *style)
{
    if (!style->people) {
        buffer_append(out, json);
        return;
    }
    for (size_t i = 0; i < json.length; i++) {
        uint32_t code;
        size_t hidden = utf8_hidden(str_skip(json, i), &code);
        if (hidden > 0) { /* only in a string: there it is the same, escaped */
            if (code > 0xffff)
                buffer_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (code >> 10)),
                              (unsigned)(0xdc00 + (code & 0x3ff)));
            else
                buffer_printf(out, "\\u%04x", (unsigned)code);
            i += hidden - 1;
        } else if (json.data[i] == 0x7f)
            buffer_append_text(out, "\\u007f");
        else
            buffer_append_byte(out, json.data[i]);
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

void value_write_bare(struct buffer *out, const struct json_value *value, const struct style *style)
{
    if (value == NULL || value->type == JSON_NULL)
        return;
    if (is_list_of_words(value)) {
        for (const struct json_value *item = value->child; item != NULL; item = item->next) {
            write_bare(out, item->type == JSON_STRING ? item->text : item->raw, style);
            buffer_append_text(out, item->next == NULL ? "" : ",");
        }
    } else {
        write_bare(out, value->type == JSON_STRING ? value->text : value->raw, style);
    }
}

const char *value_color(const char *word)
{
    static const struct {
        const char *word, *color;
    } rows[] = {
        {"CONNECTED", "green"}, {"OFFLINE", "red"},       {"SUSPENDED", "yellow"},
        {"dead", "red"},        {"held", "yellow"},       {"drain", "yellow"},
        {"on", "green"},        {"delivered", "green"},   {"ok", "green"},
        {"ACCEPTED", "green"},  {"TIMEOUT", "red"},       {"REJECTED", "red"},
        {"FAILED", "red"},      {"refused", "red"},       {"stale", "yellow"},
        {"fail", "red"},        {"ALLOWED", "green"},     {"BLOCKED", "yellow"},
        {"EXPIRED", "yellow"},  {"NO_CREDIT", "yellow"},  {"NOT_ALLOWED", "yellow"},
        {"UNKNOWN", "red"},     {"NOT_SUPPORTED", "red"}, {"UNKNOWN_SESSION", "red"},
        {"warn", "yellow"},     {"added", "green"},       {"changed", "yellow"},
        {"removed", "red"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
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
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && color != NULL; i++) {
        if (strcmp(rows[i].color, color) == 0)
            buffer_append_text(out, rows[i].sequence);
    }
    buffer_append(out, text);
    buffer_append_text(out, color != NULL ? "\033[0m" : "");
}

void value_paint(struct buffer *out, struct str text, enum ctl_kind kind, const struct style *style)
{
    char word[32];
    if (kind == CTL_COLUMN_STATUS && str_copy(text, word, sizeof word))
        value_paint_as(out, text, word, style);
    else
        buffer_append(out, text);
}

/* Bytes of the first letter of `text`, which is not empty, and the columns it takes. */
static size_t step(struct str text, mbstate_t *state, size_t *columns)
{
    wchar_t letter;
    *columns = 1;
    if (text.data[0] >= ' ' && text.data[0] <= '~') /* nearly all there is, and mbrtowc is slow */
        return 1;
    size_t used = mbrtowc(&letter, text.data, text.length, state);
    if (used == 0 || used == (size_t)-1 || used == (size_t)-2) {
        memset(state, 0, sizeof *state);
        return 1;
    }
    int width = wcwidth(letter);
    *columns = width > 0 ? (size_t)width : 0;
    return used;
}

size_t value_width(struct str text)
{
    mbstate_t state = {0};
    size_t width = 0, columns;
    while (text.length > 0) {
        text = str_skip(text, step(text, &state, &columns));
        width += columns;
    }
    return width;
}

void value_cut(struct buffer *text, size_t width)
{
    mbstate_t state = {0};
    struct str rest = buffer_str(text);
    size_t seen = 0, columns;
    if (value_width(rest) <= width)
        return;
    while (rest.length > 0) {
        size_t used = step(rest, &state, &columns);
        if (seen + columns + 1 > width)
            break;
        seen += columns;
        rest = str_skip(rest, used);
    }
    text->length -= rest.length;
    buffer_append_text(text, "…");
}

void value_wrap(struct buffer *out, struct str text, size_t at, size_t indent, size_t width)
{
    struct str word;
    bool first = true;
    while (str_split(&text, ' ', &word)) {
        size_t own = value_width(word);
        for (size_t i = 0; i < word.length; i++)
            own += word.data[i] == VALUE_FIRM_SPACE[0] ? 1 : 0;
        if (!first && at + 1 + own > width) {
            buffer_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            buffer_append_byte(out, ' ');
            at++;
        }
        for (size_t i = 0; i < word.length; i++)
            buffer_append_byte(out, word.data[i] == VALUE_FIRM_SPACE[0] ? ' ' : word.data[i]);
        at += own;
        first = false;
    }
    buffer_append_byte(out, '\n');
}
