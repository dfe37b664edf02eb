#include "hubctl/table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_WANTED 16

/* ---------------------------------------------------------------- tables by libsmartcols */

static struct libscols_table *new_table(const struct style *style)
{
    struct libscols_table *table = scols_new_table();
    if (table == NULL)
        return NULL;
    scols_table_enable_colors(table, style->color);
    /* The text goes to memory first: without force smartcols sees no terminal and cuts nothing. */
    scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
    scols_table_set_termwidth(table, style->width > 0 ? style->width : 1000);
    return table;
}

static char *finish(struct libscols_table *table, bool failed)
{
    char *text = NULL;
    if (!failed && scols_print_table_to_string(table, &text) != 0)
        text = NULL;
    scols_unref_table(table);
    return text;
}

static int column_flags(enum ctl_kind kind)
{
    switch (kind) {
    case CTL_COLUMN_TEXT:
    case CTL_COLUMN_LIST:
        return SCOLS_FL_TRUNC;
    case CTL_COLUMN_NUMBER:
    case CTL_COLUMN_OFFSET:
    case CTL_COLUMN_BYTES:
    case CTL_COLUMN_AGE:
        return SCOLS_FL_RIGHT;
    case CTL_COLUMN_ID:
    case CTL_COLUMN_STATUS:
    case CTL_COLUMN_TIME:
    case CTL_COLUMN_CLOCK:
    case CTL_COLUMN_BARS:
    case CTL_COLUMN_HINT:
    case CTL_COLUMN_COUNTS:
    case CTL_COLUMN_SECTION:
        return 0;
    }
    return 0;
}

static bool any_has(const struct json_value *const *rows, size_t row_count, const char *key)
{
    for (size_t i = 0; i < row_count; i++) {
        if (!value_is_empty(json_get(rows[i], key)))
            return true;
    }
    return false;
}

bool table_shows(const struct ctl_column *column)
{
    return column->seen == CTL_SEEN_ALWAYS || column->seen == CTL_SEEN_WIDE;
}

static size_t choose_columns(const struct ctl_column *columns, const struct json_value *const *rows,
                             size_t row_count, const char *without, const struct ctl_column **chosen)
{
    size_t count = 0;
    for (const struct ctl_column *column = columns; column->key != NULL && count < TABLE_COLUMNS_MAX;
         column++) {
        bool wanted = table_shows(column) && (without == NULL || strcmp(column->key, without) != 0);
        if (wanted && (count == 0 || any_has(rows, row_count, column->key)))
            chosen[count++] = column;
    }
    return count;
}

/* Of text that may be cut so much is wanted. */
static size_t wanted_width(const struct ctl_column *column, const struct json_value *const *rows,
                           size_t row_count, const struct style *style)
{
    size_t width = strlen(column->heading);
    for (size_t i = 0; i < row_count; i++) {
        struct buffer text = {0};
        value_write(&text, json_get(rows[i], column->key), column->kind, style);
        size_t own = value_width(buffer_str(&text));
        width = own > width ? own : width;
        buffer_free(&text);
    }
    return column_flags(column->kind) == SCOLS_FL_TRUNC && width > TEXT_WANTED ? TEXT_WANTED : width;
}

/* Leaves CTL_SEEN_WIDE ones out until the rest fits. */
static size_t fit_columns(const struct ctl_column **chosen, size_t count,
                          const struct json_value *const *rows, size_t row_count, const struct style *style)
{
    size_t widths[TABLE_COLUMNS_MAX], total = 0, wide = 0;
    for (size_t i = 0; i < count; i++)
        wide += chosen[i]->seen == CTL_SEEN_WIDE;
    for (size_t i = 0; i < count && wide > 0; i++) {
        widths[i] = 1 + wanted_width(chosen[i], rows, row_count, style);
        total += widths[i];
    }
    for (size_t i = count; i-- > 0 && style->width > 0 && total > style->width + 1;) {
        if (chosen[i]->seen != CTL_SEEN_WIDE)
            continue;
        total -= widths[i];
        count--;
        memmove(&chosen[i], &chosen[i + 1], (count - i) * sizeof(chosen[0]));
        memmove(&widths[i], &widths[i + 1], (count - i) * sizeof(widths[0]));
    }
    return count;
}

static bool set_cell(struct libscols_line *line, size_t index, enum ctl_kind kind, const struct buffer *text)
{
    char *copy = strndup(text->data != NULL ? text->data : "", text->length);
    if (copy == NULL || text->failed || scols_line_refer_data(line, index, copy) != 0) {
        free(copy);
        return false;
    }
    const char *color = kind == CTL_COLUMN_STATUS ? value_color(copy) : NULL;
    if (color != NULL)
        scols_cell_set_color(scols_line_get_cell(line, index), color);
    return true;
}

static bool add_row(struct libscols_table *table, const struct ctl_column *const *columns, size_t count,
                    const struct json_value *row, const struct style *style)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    bool good = line != NULL;
    for (size_t i = 0; i < count && good; i++) {
        struct buffer text = {0};
        value_write(&text, json_get(row, columns[i]->key), columns[i]->kind, style);
        good = set_cell(line, i, columns[i]->kind, &text);
        buffer_free(&text);
    }
    return good;
}

char *table_render(const struct ctl_column *columns, const struct json_value *const *rows, size_t row_count,
                   const char *without, const struct style *style)
{
    const struct ctl_column *chosen[TABLE_COLUMNS_MAX];
    size_t count = choose_columns(columns, rows, row_count, without, chosen);
    count = fit_columns(chosen, count, rows, row_count, style);
    struct libscols_table *table = new_table(style);
    if (table == NULL)
        return NULL;
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = scols_table_new_column(table, chosen[i]->heading, 0, column_flags(chosen[i]->kind)) != NULL;
    for (size_t i = 0; i < row_count && good; i++)
        good = add_row(table, chosen, count, rows[i], style);
    return finish(table, !good);
}

/* ---------------------------------------------------------------- the matrix */

/* CPO ids as upright headings, so that forty of them fit beside each other: one line per letter. */
static void write_upright(struct buffer *out, const struct json_value *cpos, size_t margin)
{
    size_t height = 0;
    for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next)
        height = cpo->text.length > height ? cpo->text.length : height;
    for (size_t line = 0; line < height; line++) {
        buffer_printf(out, "%*s", (int)margin, "");
        for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next) {
            size_t above = height - cpo->text.length;
            buffer_append_byte(out, ' ');
            buffer_append_byte(out, line < above ? ' ' : cpo->text.data[line - above]);
        }
        buffer_append_byte(out, '\n');
    }
}

/* A few CPOs are headed by their ids as they are read, one column each as wide as its id. */
static void write_level(struct buffer *out, const struct json_value *cpos, size_t margin)
{
    buffer_printf(out, "%*s", (int)margin, "");
    for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next)
        buffer_printf(out, " " STR_FMT, STR_ARG(cpo->text));
    buffer_append_byte(out, '\n');
}

static bool fits_level(const struct json_value *cpos, size_t margin, const struct style *style)
{
    size_t width = margin;
    for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next)
        width += cpo->text.length + 1;
    return width <= (style->width == 0 ? 80 : style->width);
}

static void write_state(struct buffer *out, struct str state, bool color)
{
    static const struct {
        const char *state, *sign, *color;
    } rows[] = {{"on", "x", "\033[32m"}, {"drain", "d", "\033[33m"}, {"off", ".", ""}};
    const char *sign = ".", *paint = "";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (str_equal(state, str_from(rows[i].state))) {
            sign = rows[i].sign;
            paint = rows[i].color;
        }
    }
    bool painted = color && paint[0] != '\0';
    buffer_printf(out, " %s%s%s", painted ? paint : "", sign, painted ? "\033[0m" : "");
}

char *table_render_matrix(const struct json_value *result, const struct style *style)
{
    const struct json_value *cpos = json_get(result, "cpos"), *rows = json_get(result, "rows");
    struct buffer out = {0};
    size_t margin = 4;
    if (cpos == NULL || rows == NULL)
        return NULL;
    for (const struct json_value *row = rows->child; row != NULL; row = row->next) {
        struct str emsp = json_get_text(row, "emsp");
        margin = emsp.length > margin ? emsp.length : margin;
    }
    bool level = fits_level(cpos, margin, style);
    (level ? write_level : write_upright)(&out, cpos, margin);
    for (const struct json_value *row = rows->child; row != NULL; row = row->next) {
        struct str emsp = json_get_text(row, "emsp");
        buffer_printf(&out, STR_FMT "%*s", STR_ARG(emsp), (int)(margin - emsp.length), "");
        for (const struct json_value *cpo = cpos->child; cpo != NULL; cpo = cpo->next) {
            const struct json_value *state = json_get_raw(json_get(row, "rules"), cpo->text);
            buffer_printf(&out, "%*s", level ? (int)cpo->text.length - 1 : 0, "");
            write_state(&out, state != NULL ? state->text : STR_NONE, style->color);
        }
        buffer_append_byte(&out, '\n');
    }
    buffer_append_text(&out, "eMSPs down, CPOs across; x on, d draining, . off\n");
    char *text = out.failed ? NULL : strndup(out.data, out.length);
    buffer_free(&out);
    return text;
}

/* ---------------------------------------------------------------- rows one by one */

static size_t first_width(const struct ctl_column *column)
{
    size_t heading = strlen(column->heading);
    size_t usual = column->kind == CTL_COLUMN_TIME ? 25 : column->kind == CTL_COLUMN_NUMBER ? 5 : 8;
    return heading > usual ? heading : usual;
}

static void write_padded(struct buffer *out, struct str text, size_t *width, const struct ctl_column *column,
                         bool last, const struct style *style)
{
    size_t own = value_width(text);
    bool right = column->kind == CTL_COLUMN_NUMBER;
    if (own > *width)
        *width = own;
    int padding = (int)(*width - own);
    if (right)
        buffer_printf(out, "%*s", padding, "");
    value_paint(out, text, column->kind, style);
    if (!right && !last)
        buffer_printf(out, "%*s", padding, "");
    buffer_append_text(out, last ? "\n" : "  ");
}

static bool is_last(const struct ctl_column *column)
{
    for (column++; column->key != NULL; column++) {
        if (table_shows(column))
            return false;
    }
    return true;
}

void table_stream_row(struct table_stream *stream, const struct ctl_column *columns,
                      const struct json_value *row, const struct style *style, struct buffer *out)
{
    size_t index = 0;
    for (const struct ctl_column *column = columns; column->key != NULL && !stream->begun; column++) {
        if (!table_shows(column) || index >= TABLE_COLUMNS_MAX)
            continue;
        stream->widths[index] = first_width(column);
        write_padded(out, str_from(column->heading), &stream->widths[index++], column, is_last(column),
                     style);
    }
    stream->begun = true;
    index = 0;
    for (const struct ctl_column *column = columns; column->key != NULL; column++) {
        if (!table_shows(column) || index >= TABLE_COLUMNS_MAX)
            continue;
        struct buffer text = {0};
        value_write(&text, json_get(row, column->key), column->kind, style);
        write_padded(out, buffer_str(&text), &stream->widths[index++], column, is_last(column), style);
        buffer_free(&text);
    }
}
