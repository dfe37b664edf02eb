#ifndef HUBCTL_TABLE_H
#define HUBCTL_TABLE_H

#include "hubctl/value.h"

/*
 * Aligned tables for a terminal, by libsmartcols. Columns in which no row has anything are left out (never
 * the first); those that may be (CTL_SEEN_WIDE) where the terminal is too narrow. The text is malloc'd, one
 * line per row after the headings; NULL when there is no memory.
 */
char *table_render(const struct ctl_column *columns, const struct json_value *const *rows, size_t row_count,
                   const char *without, const struct style *style);
/* Whether people see the column where there is room for it. */
bool table_shows(const struct ctl_column *column);
/* The routing matrix as a grid: eMSPs down, CPOs across with upright headings. `result`: CTL_OUTPUT_MATRIX.
 */
char *table_render_matrix(const struct json_value *result, const struct style *style);

/* Rows that come one by one: columns grow with what they have seen. All-zero is the beginning. */
#define TABLE_COLUMNS_MAX 24
struct table_stream {
    size_t widths[TABLE_COLUMNS_MAX];
    bool begun;
};
/* One row as a line (headings before the first) at the end of `out`. */
void table_stream_row(struct table_stream *stream, const struct ctl_column *columns,
                      const struct json_value *row, const struct style *style, struct buffer *out);

#endif
