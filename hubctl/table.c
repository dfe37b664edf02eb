#include "hubctl/table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LEAST 12 /* columns that are left of a text when a table is made to fit */

/* ---------------------------------------------------------------- what fits */

/* The columns of a table and how wide each is. */
struct plan {
    const struct ctl_column *columns[TABLE_COLUMNS_MAX];
    size_t widths[TABLE_COLUMNS_MAX];
    size_t count;
};

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

static void choose_columns(struct plan *plan, const struct ctl_column *columns,
                           const struct json_value *const *rows, size_t row_count, const char *without)
{
    for (const struct ctl_column *column = columns; column->key != NULL && plan->count < TABLE_COLUMNS_MAX;
         column++) {
        bool wanted = table_shows(column) && (without == NULL || strcmp(column->key, without) != 0);
        if (wanted && (plan->count == 0 || any_has(rows, row_count, column->key)))
            plan->columns[plan->count++] = column;
    }
}

static void measure(struct plan *plan, const struct json_value *const *rows, size_t row_count,
                    const struct style *style)
{
    struct buffer text = {0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct ctl_column *column = plan->columns[i];
        plan->widths[i] = value_width(str_from(column->heading));
        for (size_t row = 0; row < row_count; row++) {
            buffer_clear(&text);
            value_write(&text, json_get(rows[row], column->key), column->kind, style);
            size_t own = value_width(buffer_str(&text));
            plan->widths[i] = own > plan->widths[i] ? own : plan->widths[i];
        }
    }
    buffer_free(&text);
}

static size_t total_width(const struct plan *plan)
{
    size_t total = plan->count > 0 ? plan->count - 1 : 0;
    for (size_t i = 0; i < plan->count; i++)
        total += plan->widths[i];
    return total;
}

/* The least that a column needs. */
static size_t least_width(const struct plan *plan, size_t i)
{
    bool text = plan->columns[i]->kind == CTL_COLUMN_TEXT || plan->columns[i]->kind == CTL_COLUMN_LIST;
    size_t heading = value_width(str_from(plan->columns[i]->heading));
    size_t least = heading > TEXT_LEAST ? heading : TEXT_LEAST;
    return text && plan->widths[i] > least ? least : plan->widths[i];
}

static bool can_fit(const struct plan *plan, size_t width)
{
    size_t total = plan->count > 0 ? plan->count - 1 : 0;
    for (size_t i = 0; i < plan->count; i++)
        total += least_width(plan, i);
    return total <= width;
}

static void leave_out(struct plan *plan, size_t i)
{
    plan->count--;
    memmove(&plan->columns[i], &plan->columns[i + 1], (plan->count - i) * sizeof plan->columns[0]);
    memmove(&plan->widths[i], &plan->widths[i + 1], (plan->count - i) * sizeof plan->widths[0]);
}

/* The last column that is only for wide terminals. SIZE_MAX: none. */
static size_t find_last_wide(const struct plan *plan)
{
    for (size_t i = plan->count; i-- > 0;) {
        if (plan->columns[i]->seen == CTL_SEEN_WIDE)
            return i;
    }
    return SIZE_MAX;
}

static bool can_shrink(const struct plan *plan, size_t i)
{
    return plan->widths[i] > least_width(plan, i);
}

/* The widest text that may be shorter than it is; of two the right one. SIZE_MAX: none. */
static size_t find_widest(const struct plan *plan)
{
    size_t widest = SIZE_MAX;
    for (size_t i = 0; i < plan->count; i++) {
        if (can_shrink(plan, i) && (widest == SIZE_MAX || plan->widths[i] >= plan->widths[widest]))
            widest = i;
    }
    return widest;
}

/* Leaves out columns for wide terminals, the last one first, then cuts texts, the widest first. Returns false
 * when the columns that may not be cut are too wide for a line. */
static bool make_fit(struct plan *plan, size_t width)
{
    size_t i;
    while (!can_fit(plan, width) && (i = find_last_wide(plan)) != SIZE_MAX)
        leave_out(plan, i);
    if (!can_fit(plan, width))
        return false;
    while (total_width(plan) > width && (i = find_widest(plan)) != SIZE_MAX)
        plan->widths[i]--;
    return true;
}

/* ---------------------------------------------------------------- tables by libsmartcols */

static struct libscols_table *new_table(const struct style *style)
{
    struct libscols_table *table = scols_new_table();
    if (table == NULL)
        return NULL;
    scols_table_enable_colors(table, style->color);
    /* The text goes to memory, and it fits already. */
    scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
    scols_table_set_termwidth(table, 10000);
    return table;
}

static char *table_finish(struct libscols_table *table, bool failed)
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
    case CTL_COLUMN_NUMBER:
    case CTL_COLUMN_OFFSET:
    case CTL_COLUMN_BYTES:
    case CTL_COLUMN_AGE:
        return SCOLS_FL_RIGHT;
    case CTL_COLUMN_TEXT:
    case CTL_COLUMN_ID:
    case CTL_COLUMN_LIST:
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

static bool add_row(struct libscols_table *table, const struct plan *plan, const struct json_value *row,
                    const struct style *style)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    bool good = line != NULL;
    for (size_t i = 0; i < plan->count && good; i++) {
        const struct ctl_column *column = plan->columns[i];
        struct buffer text = {0};
        value_write(&text, json_get(row, column->key), column->kind, style);
        value_cut(&text, plan->widths[i]);
        good = set_cell(line, i, column->kind, &text);
        buffer_free(&text);
    }
    return good;
}

static char *render_table(const struct plan *plan, const struct json_value *const *rows, size_t row_count,
                          const struct style *style)
{
    struct libscols_table *table = new_table(style);
    bool good = table != NULL;
    for (size_t i = 0; i < plan->count && good; i++)
        good = scols_table_new_column(table, plan->columns[i]->heading, 0,
                                      column_flags(plan->columns[i]->kind)) != NULL;
    for (size_t i = 0; i < row_count && good; i++)
        good = add_row(table, plan, rows[i], style);
    return table != NULL ? table_finish(table, !good) : NULL;
}

/* ---------------------------------------------------------------- rows as records */

void table_write_label(struct buffer *out, const struct ctl_column *column, size_t width,
                       const struct json_value *value, const struct style *style)
{
    struct buffer text = {0};
    buffer_printf(out, "%-*s  ", (int)width, column->heading);
    value_write(&text, value, column->kind, style);
    value_paint(out, buffer_str(&text), column->kind, style);
    buffer_append_byte(out, '\n');
    buffer_free(&text);
}

/* A line per value; the first always. */
static void write_record(struct buffer *out, const struct ctl_column *const *columns, size_t count,
                         const struct json_value *row, const struct style *style)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        size_t own = strlen(columns[i]->heading);
        width = own > width ? own : width;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json_value *value = json_get(row, columns[i]->key);
        if (i == 0 || !value_is_empty(value))
            table_write_label(out, columns[i], width, value, style);
    }
}

/* A terminal too narrow for a line per row: records, an empty line between them. */
static char *render_records(const struct plan *plan, const struct json_value *const *rows, size_t row_count,
                            const struct style *style)
{
    struct buffer out = {0};
    for (size_t row = 0; row < row_count; row++) {
        buffer_append_text(&out, row > 0 ? "\n" : "");
        write_record(&out, plan->columns, plan->count, rows[row], style);
    }
    char *text = out.failed ? NULL : strndup(out.data != NULL ? out.data : "", out.length);
    buffer_free(&out);
    return text;
}

char *table_render(const struct ctl_column *columns, const struct json_value *const *rows, size_t row_count,
                   const char *without, const struct style *style)
{
    struct plan plan = {.count = 0}, whole;
    choose_columns(&plan, columns, rows, row_count, without);
    measure(&plan, rows, row_count, style);
    whole = plan;
    if (style->width > 0 && !make_fit(&plan, style->width))
        return render_records(&whole, rows, row_count, style);
    return render_table(&plan, rows, row_count, style);
}

/* ---------------------------------------------------------------- rows one by one */

#define STREAM_GAP "  "

static size_t first_width(const struct ctl_column *column)
{
    size_t heading = strlen(column->heading);
    size_t usual = column->kind == CTL_COLUMN_TIME ? 25 : column->kind == CTL_COLUMN_NUMBER ? 5 : 6;
    return heading > usual ? heading : usual;
}

static void write_padded(struct buffer *out, struct str text, size_t *width, const struct ctl_column *column,
                         bool last, const struct style *style)
{
    size_t own = value_width(text);
    bool right = (column_flags(column->kind) & SCOLS_FL_RIGHT) != 0;
    if (own > *width)
        *width = own;
    int padding = (int)(*width - own);
    if (right)
        buffer_printf(out, "%*s", padding, "");
    value_paint(out, text, column->kind, style);
    if (!right && !last)
        buffer_printf(out, "%*s", padding, "");
    buffer_append_text(out, last ? "\n" : STREAM_GAP);
}

/* Makes the columns as wide as their headings and the first row need; leaves out columns for wide terminals
 * where the line would be too long. */
static void begin_stream(struct table_stream *stream, const struct ctl_column *columns,
                         const struct json_value *row, const struct style *style)
{
    struct plan plan = {.count = 0};
    stream->begun = true;
    for (const struct ctl_column *column = columns; column->key != NULL && plan.count < TABLE_COLUMNS_MAX;
         column++) {
        if (table_shows(column))
            plan.columns[plan.count++] = column;
    }
    measure(&plan, &row, 1, style);
    for (size_t i = 0; i < plan.count; i++) {
        size_t first = first_width(plan.columns[i]);
        plan.widths[i] = first > plan.widths[i] ? first : plan.widths[i];
    }
    struct plan whole = plan;
    size_t gaps = (strlen(STREAM_GAP) - 1) * plan.count;
    stream->records = style->width > 0 && (style->width <= gaps || !make_fit(&plan, style->width - gaps));
    if (stream->records)
        plan = whole;
    stream->count = plan.count;
    memcpy(stream->columns, plan.columns, sizeof stream->columns);
    memcpy(stream->widths, plan.widths, sizeof stream->widths);
}

void table_stream_row(struct table_stream *stream, const struct ctl_column *columns,
                      const struct json_value *row, const struct style *style, struct buffer *out)
{
    bool first = !stream->begun;
    if (first)
        begin_stream(stream, columns, row, style);
    if (stream->records) {
        buffer_append_text(out, first ? "" : "\n");
        write_record(out, stream->columns, stream->count, row, style);
        return;
    }
    if (first) {
        for (size_t i = 0; i < stream->count; i++)
            write_padded(out, str_from(stream->columns[i]->heading), &stream->widths[i], stream->columns[i],
                         i + 1 == stream->count, style);
    }
    for (size_t i = 0; i < stream->count; i++) {
        struct buffer text = {0};
        value_write(&text, json_get(row, stream->columns[i]->key), stream->columns[i]->kind, style);
        write_padded(out, buffer_str(&text), &stream->widths[i], stream->columns[i], i + 1 == stream->count,
                     style);
        buffer_free(&text);
    }
}
