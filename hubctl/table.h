#ifndef HUBCTL_TABLE_H
#define HUBCTL_TABLE_H

#include "hubctl/value.h"

/*
 * Draws aligned tables for a terminal, by libsmartcols. A column that is empty in every row is left out, unless
 * it is the first. On a terminal that is too narrow, columns for wide terminals (CTL_SEEN_WIDE) are left out
 * first; if that is not enough long texts are cut (with "…"); if that is not enough each row becomes a record
 * with a line for each value. The text is malloc'd, the headings and one line per row; NULL when there is no
 * memory.
 */
char *table_render(const struct ctl_column *columns, const struct json_value *const *rows, size_t row_count,
                   const char *without, const struct style *style);
/* One line of a card or a record: the column's heading, filled up to `width`, and the value. */
void table_write_label(struct buffer *out, const struct ctl_column *column, size_t width,
                       const struct json_value *value, const struct style *style);
/* Whether people see the column where there is room for it. */
bool table_shows(const struct ctl_column *column);

/* A table whose rows come one by one; a column grows with the widest value so far. All-zero at the beginning. */
#define TABLE_COLUMNS_MAX 24
struct table_stream {
    const struct ctl_column *columns[TABLE_COLUMNS_MAX];
    size_t widths[TABLE_COLUMNS_MAX];
    size_t count;
    bool begun, records;
};
/* One row as a line (headings before the first) at the end of `out`; as a record where the terminal is too
 * narrow for that. */
void table_stream_row(struct table_stream *stream, const struct ctl_column *columns,
                      const struct json_value *row, const struct style *style, struct buffer *out);

#endif
