#include "hubctl/card.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 2

struct card {
    struct buffer *out;
    const struct ctl_command *command;
    const struct json_value *object;
    const struct style *style;
    size_t label_width;
    bool after_section; /* an empty line is due */
};

static bool is_shown(const struct card *card, const struct ctl_column *column)
{
    return table_shows(column) && (!value_is_empty(json_get(card->object, column->key)) ||
                                   ctl_digest_of(card->command, column) != NULL);
}

/* ---------------------------------------------------------------- labels */

static bool is_label(const struct card *card, const struct ctl_column *column)
{
    return column->kind != CTL_COLUMN_SECTION || value_is_empty(json_get(card->object, column->key));
}

static size_t find_label_width(const struct card *card)
{
    size_t width = 0;
    for (const struct ctl_column *column = card->command->columns; column->key != NULL; column++) {
        size_t own = strlen(column->heading);
        if (is_shown(card, column) && is_label(card, column) && own > width)
            width = own;
    }
    return width;
}

static void write_label(struct card *card, const struct ctl_column *column)
{
    const struct ctl_digest *digest = ctl_digest_of(card->command, column);
    if (card->after_section)
        buffer_append_byte(card->out, '\n');
    card->after_section = false;
    if (column->kind == CTL_COLUMN_SECTION && digest != NULL)
        buffer_printf(card->out, "%-*s  %s\n", (int)card->label_width, column->heading, digest->empty);
    else
        table_write_label(card->out, column, card->label_width, json_get(card->object, column->key),
                          card->style);
}

/* ---------------------------------------------------------------- sections */

/* Two columns that do not fit beside each other: the second below the first, so that nothing is cut. */
static bool write_stacked(struct buffer *out, const struct ctl_column *columns,
                          const struct json_value *const *rows, size_t count, const struct style *style)
{
    size_t widths[2] = {0, 0};
    size_t shown = 0;
    for (const struct ctl_column *column = columns; column->key != NULL; column++)
        shown += table_shows(column) ? 1 : 0;
    if (shown != 2 || columns[1].kind != CTL_COLUMN_TEXT || !table_shows(&columns[1]))
        return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < 2; j++) {
            size_t own = value_width(json_get_text(rows[i], columns[j].key));
            widths[j] = own > widths[j] ? own : widths[j];
        }
    }
    if (style->width == 0 || widths[0] + 1 + widths[1] <= style->width)
        return false;
    buffer_printf(out, "%s\n", columns[0].heading);
    for (size_t i = 0; i < count; i++) {
        value_write(out, json_get(rows[i], columns[0].key), columns[0].kind, style);
        buffer_printf(out, "\n%*s", INDENT, "");
        value_write(out, json_get(rows[i], columns[1].key), columns[1].kind, style);
        buffer_append_byte(out, '\n');
    }
    return true;
}

static void write_rows(struct card *card, const struct ctl_column *column,
                       const struct json_value *const *rows, size_t count, size_t indent)
{
    struct style inner = *card->style;
    if (inner.width > 2 * indent)
        inner.width -= indent;
    if (indent == 0 && write_stacked(card->out, column->section, rows, count, &inner))
        return;
    char *text = table_render(column->section, rows, count, "party", &inner);
    struct str rest = str_from(text), line;
    while (text != NULL && str_split(&rest, '\n', &line)) {
        if (line.length > 0 || rest.length > 0) /* an empty one between records */
            buffer_printf(card->out, "%*s" STR_FMT "\n", line.length > 0 ? (int)indent : 0, "",
                          STR_ARG(line));
    }
    free(text);
}

/* A table of its own: below its title and two columns in, or as a digest. */
static void write_section(struct card *card, const struct ctl_column *column)
{
    const struct json_value *list = json_get(card->object, column->key);
    const struct ctl_digest *digest = ctl_digest_of(card->command, column);
    size_t count = 0, most = digest != NULL ? digest->at_most : list->count;
    const struct json_value **rows = calloc(list->count + 1, sizeof *rows);
    if (rows == NULL)
        return;
    for (const struct json_value *row = list->child; row != NULL && count < most; row = row->next)
        rows[count++] = row;
    if (card->out->length > 0)
        buffer_append_byte(card->out, '\n');
    if (digest == NULL)
        buffer_printf(card->out, "%s\n", column->heading);
    write_rows(card, column, rows, count, digest == NULL ? INDENT : 0);
    if (list->count > count)
        buffer_printf(card->out, "and %zu more: %s\n", list->count - count, digest->more);
    card->after_section = true;
    free(rows);
}

void card_write(struct buffer *out, const struct ctl_command *command, const struct json_value *object,
                const struct style *style)
{
    struct card card = {.out = out, .command = command, .object = object, .style = style};
    card.label_width = find_label_width(&card);
    for (const struct ctl_column *column = command->columns; column->key != NULL; column++) {
        if (!is_shown(&card, column))
            continue;
        if (is_label(&card, column))
            write_label(&card, column);
        else
            write_section(&card, column);
    }
}
