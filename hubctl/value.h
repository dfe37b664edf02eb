#ifndef HUBCTL_VALUE_H
#define HUBCTL_VALUE_H

#include "lib/base/buffer.h"
#include "lib/ctl/commands.h"
#include "lib/json/reader.h"

/* How values are written. People: local times, yes/no, "-" for nothing. Pipes: RFC 3339 UTC, true/false,
 * empty, tab and line break as \t and \n, backslash as \\. */
struct style {
    bool people;
    bool color;
    bool utc;
    size_t width; /* columns of the terminal, 0: unknown */
    bool ascii;   /* the locale knows no blocks: bars are drawn with signs that it has */
};

/* One value of a column of that kind; NULL is nothing. Control bytes never reach the output as such. */
void value_write(struct buffer *out, const struct json_value *value, enum ctl_kind kind,
                 const struct style *style);
/* JSON as it is written; for a terminal with those control bytes escaped that JSON lets pass. */
void value_write_json(struct buffer *out, struct str json, const struct style *style);
/* Bare, for --field: strings as they are (a terminal gets no control bytes but line breaks and tabs),
 * everything else as JSON; lists of words comma separated. */
void value_write_bare(struct buffer *out, const struct json_value *value, const struct style *style);
/* Colour name for a word of a status column, NULL for none. The word alone says it too. */
const char *value_color(const char *word);
/* Appends `text`, in colour when it is such a word in a status column and colour is on. */
void value_paint(struct buffer *out, struct str text, enum ctl_kind kind, const struct style *style);
/* The same in the colour of `word`, whatever the text. */
void value_paint_as(struct buffer *out, struct str text, const char *word, const struct style *style);
/* Columns that a text takes on the terminal. */
size_t value_width(struct str text);
/* Shortens `text` to at most `width` columns (1 or more): where something is left out it ends with "…". */
void value_cut(struct buffer *text, size_t width);
/*
 * A paragraph from column `at` on, broken at spaces to `width` columns, further lines from `indent`; with a
 * line end. VALUE_FIRM_SPACE is a space at which no line is broken.
 */
#define VALUE_FIRM_SPACE "\1"
void value_wrap(struct buffer *out, struct str text, size_t at, size_t indent, size_t width);
/* Nothing to show: absent, null, "", []. */
bool value_is_empty(const struct json_value *value);

#endif
