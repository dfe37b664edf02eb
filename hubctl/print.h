#ifndef HUBCTL_PRINT_H
#define HUBCTL_PRINT_H

#include "hubctl/options.h"
#include "hubctl/table.h"

/* Answers in the form that was asked for (hubctl(1), FORMS OF OUTPUT): table for a terminal, TSV, JSON, one
 * field, ids only. */
enum form { FORM_PEOPLE, FORM_TSV, FORM_JSON, FORM_FIELD, FORM_QUIET };

struct printer {
    const struct hubctl_options *options;
    const struct ctl_command *command;
    enum form form;
    struct style style;
    struct table_stream stream;
};

/* Decides the form. CTL_EXIT_USAGE after complaining: a field that the command does not have (all are
 * listed), or two forms at once. */
enum ctl_exit print_init(struct printer *printer, const struct invocation *invocation);
/* Whether rows are collected for a table instead of printed as they come. */
bool print_collects(const struct printer *printer);
/* One row of a list or a stream, in every form; not for tables (print_collects). */
void print_row(struct printer *printer, const struct json_value *row);
/* Behind the last row of a stream: says to people that there was none. */
void print_stream_end(const struct printer *printer);
/* `nothing`: what it means when there is no row, for people; may be empty. */
void print_table(struct printer *printer, const struct json_value *const *rows, size_t count,
                 struct str nothing);
void print_card(struct printer *printer, const struct json_value *object);
/* The report of a check: for people a line per check with its remedy; with `markdown` for a mail, whatever
 * stdout is. */
void print_report(struct printer *printer, const struct json_value *object, bool markdown);
void print_change(struct printer *printer, const struct json_value *object);
/* The matrix as a grid for people; elsewhere its lines are rows. */
void print_matrix(struct printer *printer, const struct json_value *cpos,
                  const struct json_value *const *rows, size_t count);
/* A stored object: the bytes as they are, or members of them. False when they are no JSON although members
 * are asked for. */
bool print_body(struct printer *printer, struct arena *arena, struct str body);
/* What differs, one line each, then the sum; hints on a terminal. Whether anything does. */
bool print_diff(struct printer *printer, const struct json_value *object);
/* Text for people, through the pager when it is longer than the terminal is high. */
void print_text(const struct hubctl_options *options, const char *text);

#endif
