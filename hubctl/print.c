#include "hubctl/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/card.h"
#include "hubctl/diagnose.h"
#include "hubctl/difference.h"
#include "hubctl/matrix.h"
#include "hubctl/report.h"
#include "hubctl/terminal.h"
#include "lib/base/suggest.h"
#include "lib/json/writer.h"

/* ---------------------------------------------------------------- the form */

static bool has_field(const struct ctl_command *command, struct str name)
{
    if (command->output == CTL_OUTPUT_BODY) /* an object's members are its owner's business */
        return true;
    for (const struct ctl_column *column = command->columns; column != NULL && column->key != NULL;
         column++) {
        if (str_equal(name, str_from(column->key)))
            return true;
    }
    return false;
}

static enum ctl_exit check_field(const struct ctl_command *command, struct str name)
{
    if (name.length > 0 && has_field(command, name))
        return CTL_EXIT_DONE;
    struct buffer known = {0};
    struct suggest suggest;
    suggest_begin(&suggest, name);
    for (const struct ctl_column *column = command->columns; column != NULL && column->key != NULL;
         column++) {
        buffer_printf(&known, "%s%s", known.length > 0 ? "," : "", column->key);
        suggest_offer(&suggest, column->key);
    }
    const char *best = suggest_best(&suggest);
    if (name.length == 0)
        complain("no field named; there are: " STR_FMT, STR_ARG(buffer_str(&known)));
    else
        complain("no field \"" STR_FMT "\"; there are: " STR_FMT "%s%s%s", STR_ARG(name),
                 STR_ARG(buffer_str(&known)), best != NULL ? "; did you mean " : "", best != NULL ? best : "",
                 best != NULL ? "?" : "");
    char words[CTL_WORDS_SIZE];
    hint("hubctl %s -h", ctl_command_words(command, words));
    buffer_free(&known);
    return CTL_EXIT_USAGE;
}

static enum ctl_exit check_fields(const struct ctl_command *command, const char *names)
{
    struct str rest = str_from(names), name;
    enum ctl_exit result = rest.length == 0 ? check_field(command, rest) : CTL_EXIT_DONE;
    while (result == CTL_EXIT_DONE && str_split(&rest, ',', &name))
        result = check_field(command, str_trim(name));
    return result;
}

enum ctl_exit print_init(struct printer *printer, const struct invocation *invocation)
{
    const struct hubctl_options *options = &invocation->options;
    memset(printer, 0, sizeof *printer);
    printer->options = options;
    printer->command = invocation->command;
    printer->style.people = isatty(STDOUT_FILENO) != 0;
    printer->style.color = terminal_has_color(options);
    printer->style.utc = options->utc;
    printer->style.ascii = terminal_is_ascii();
    printer->style.width = printer->style.people ? terminal_width() : 0;
    printer->form = printer->style.people ? FORM_PEOPLE : FORM_TSV;
    if (options->quiet)
        printer->form = FORM_QUIET;
    if (options->json)
        printer->form = FORM_JSON;
    if (options->field != NULL)
        printer->form = FORM_FIELD;
    if (options->json && options->field != NULL) {
        complain("--json and --field exclude each other");
        return CTL_EXIT_USAGE;
    }
    if (invocation_text(invocation, "markdown", 0) != NULL &&
        (options->json || options->field != NULL || options->quiet)) {
        complain("--markdown excludes --json, --field and -q");
        return CTL_EXIT_USAGE;
    }
    if (options->field != NULL)
        return check_field(invocation->command, str_from(options->field));
    return options->json_fields != NULL ? check_fields(invocation->command, options->json_fields)
                                        : CTL_EXIT_DONE;
}

bool print_collects(const struct printer *printer)
{
    return printer->form == FORM_PEOPLE && printer->command->output != CTL_OUTPUT_STREAM;
}

/* ---------------------------------------------------------------- one line per object */

static void write_json(struct buffer *out, const struct json_value *object, const char *fields)
{
    if (fields == NULL) {
        buffer_append(out, object->raw);
        return;
    }
    struct json_writer writer;
    struct str rest = str_from(fields), name;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    while (str_split(&rest, ',', &name)) {
        const struct json_value *value = json_get_raw(object, str_trim(name));
        json_key_str(&writer, str_trim(name));
        json_raw(&writer, value != NULL ? value->raw : STR("null"));
    }
    json_object_end(&writer);
}

static void write_tsv(struct buffer *out, const struct ctl_column *columns, const struct json_value *row,
                      const struct style *style)
{
    bool first = true;
    for (const struct ctl_column *column = columns; column->key != NULL; column++) {
        if (column->seen == CTL_SEEN_JSON)
            continue;
        buffer_append_text(out, first ? "" : "\t");
        struct buffer text = {0};
        value_write(&text, json_get(row, column->key), column->kind, style);
        value_paint(out, buffer_str(&text), column->kind, style);
        buffer_free(&text);
        first = false;
    }
}

static void put_line(struct buffer *line)
{
    buffer_append_byte(line, '\n');
    if (line->length > 0)
        fwrite(line->data, 1, line->length, stdout);
    buffer_free(line);
}

/* The forms that are the same for every kind of answer; false when this is not one of them. */
static bool print_selected(const struct printer *printer, const struct json_value *object)
{
    struct buffer line = {0}, json = {0};
    switch (printer->form) {
    case FORM_JSON:
        write_json(&json, object, printer->options->json_fields);
        value_write_json(&line, buffer_str(&json), &printer->style);
        buffer_free(&json);
        break;
    case FORM_FIELD:
        value_write_bare(&line, json_get_raw(object, str_from(printer->options->field)), &printer->style);
        break;
    case FORM_QUIET:
        value_write_bare(&line, json_get(object, ctl_id_key(printer->command)), &printer->style);
        break;
    case FORM_PEOPLE:
    case FORM_TSV:
        return false;
    }
    put_line(&line);
    return true;
}

/* A line of the matrix: a line per pair. */
static void print_pairs(const struct json_value *row)
{
    const struct json_value *rules = json_get(row, "rules");
    struct str emsp = json_get_text(row, "emsp");
    for (const struct json_value *rule = rules != NULL ? rules->child : NULL; rule != NULL; rule = rule->next)
        printf(STR_FMT "\t" STR_FMT "\t" STR_FMT "\n", STR_ARG(emsp), STR_ARG(rule->key),
               STR_ARG(rule->text));
}

void print_row(struct printer *printer, const struct json_value *row)
{
    struct buffer line = {0};
    if (print_selected(printer, row))
        return;
    if (printer->form == FORM_PEOPLE) {
        table_stream_row(&printer->stream, printer->command->columns, row, &printer->style, &line);
        if (line.length > 0)
            fwrite(line.data, 1, line.length, stdout);
        buffer_free(&line);
        return;
    }
    if (printer->command->output == CTL_OUTPUT_MATRIX) {
        print_pairs(row);
        return;
    }
    write_tsv(&line, printer->command->columns, row, &printer->style);
    put_line(&line);
}

/* Each once, in the order of the rows. */
static void print_row_hints(const char *key, const struct json_value *const *rows, size_t count)
{
    fflush(stdout); /* they stand below the table */
    for (size_t i = 0; i < count; i++) {
        struct str text = json_get_text(rows[i], key);
        size_t before = 0;
        while (before < i && !str_equal(text, json_get_text(rows[before], key)))
            before++;
        if (before == i && text.length > 0)
            hint(STR_FMT, STR_ARG(text));
    }
}

/* A person must not wonder whether it worked. */
static void say_nothing(struct str why)
{
    complain(STR_FMT, STR_ARG(why.length > 0 ? why : STR("nothing to show")));
}

void print_stream_end(const struct printer *printer)
{
    if (printer->form == FORM_PEOPLE && !printer->stream.begun)
        say_nothing(STR_NONE);
}

void print_table(struct printer *printer, const struct json_value *const *rows, size_t count,
                 struct str nothing)
{
    if (count == 0) {
        say_nothing(nothing);
        return;
    }
    char *text = table_render(printer->command->columns, rows, count, NULL, &printer->style);
    if (text != NULL)
        print_text(printer->options, text);
    free(text);
    for (const struct ctl_column *column = printer->command->columns; column->key != NULL; column++) {
        if (column->kind == CTL_COLUMN_HINT && isatty(STDERR_FILENO))
            print_row_hints(column->key, rows, count);
    }
}

/* Of the whole answer. */
static void print_hints(const struct json_value *object)
{
    const struct json_value *hints = json_get(object, "hints");
    for (const struct json_value *next = hints != NULL ? hints->child : NULL; next != NULL;
         next = next->next) {
        if (isatty(STDERR_FILENO))
            hint(STR_FMT, STR_ARG(next->text));
    }
}

void print_change(struct printer *printer, const struct json_value *object)
{
    if (print_selected(printer, object))
        return;
    struct buffer line = {0};
    struct style style = printer->style;
    style.people = true; /* a sentence in pipes too */
    value_write(&line, json_get(object, "message"), CTL_COLUMN_TEXT, &style);
    put_line(&line);
    print_hints(object);
}

/* ---------------------------------------------------------------- cards */

/* key TAB value; rows of a section: key TAB its columns. */
static void write_card_tsv(struct buffer *out, const struct ctl_column *columns,
                           const struct json_value *object, const struct style *style)
{
    for (const struct ctl_column *column = columns; column->key != NULL; column++) {
        const struct json_value *value = json_get(object, column->key);
        if (column->seen == CTL_SEEN_JSON)
            continue;
        if (column->section == NULL) {
            buffer_printf(out, "%s\t", column->key);
            value_write(out, value, column->kind, style);
            buffer_append_byte(out, '\n');
            continue;
        }
        for (const struct json_value *row = value != NULL ? value->child : NULL; row != NULL;
             row = row->next) {
            buffer_printf(out, "%s\t", column->key);
            write_tsv(out, column->section, row, style);
            buffer_append_byte(out, '\n');
        }
    }
}

void print_card(struct printer *printer, const struct json_value *object)
{
    struct buffer text = {0};
    if (print_selected(printer, object))
        return;
    if (printer->form == FORM_PEOPLE) {
        card_write(&text, printer->command, object, &printer->style);
        buffer_append_byte(&text, '\0');
        if (!text.failed)
            print_text(printer->options, text.data);
    } else {
        write_card_tsv(&text, printer->command->columns, object, &printer->style);
        if (text.length > 0)
            fwrite(text.data, 1, text.length, stdout);
    }
    buffer_free(&text);
}

void print_report(struct printer *printer, const struct json_value *object, bool markdown)
{
    struct buffer text = {0};
    if (!markdown && printer->form != FORM_PEOPLE) {
        print_card(printer, object);
        return;
    }
    if (markdown) {
        report_write_markdown(&text, object);
        if (text.length > 0)
            fwrite(text.data, 1, text.length, stdout);
    } else {
        report_write(&text, object, &printer->style);
        buffer_append_byte(&text, '\0');
        print_text(printer->options, text.failed ? "" : text.data);
    }
    buffer_free(&text);
}

/* ---------------------------------------------------------------- the odd ones */

void print_matrix(struct printer *printer, const struct json_value *cpos,
                  const struct json_value *const *rows, size_t count)
{
    char *text = matrix_render(cpos, rows, count, &printer->style);
    if (text != NULL) {
        print_text(printer->options, text);
    } else {
        complain("there is no pair of an eMSP and a CPO yet");
        hint("hubctl party add ID --role EMSP|CPO");
    }
    free(text);
}

bool print_diff(struct printer *printer, const struct json_value *object)
{
    const struct json_value *rows = json_get(object, "rows");
    struct str message = json_get_text(object, "message");
    struct buffer out = {0};
    for (const struct json_value *row = rows != NULL ? rows->child : NULL; row != NULL; row = row->next) {
        struct buffer line = {0};
        if (printer->form == FORM_PEOPLE) {
            difference_write(&out, row, &printer->style);
        } else if (printer->form == FORM_QUIET) {
            value_write_bare(&line, json_get(row, "id"), &printer->style);
            put_line(&line);
        } else {
            print_row(printer, row);
        }
    }
    if (printer->form == FORM_PEOPLE) {
        buffer_append(&out, message);
        buffer_append(&out, str_of("\n", 2));
        if (!out.failed)
            print_text(printer->options, out.data);
    } else if (printer->form == FORM_TSV) { /* stdout is for programs, and a log shall have it all the same */
        fprintf(stderr, STR_FMT "\n", STR_ARG(message));
    }
    buffer_free(&out);
    print_hints(object);
    return rows != NULL && rows->count > 0;
}

bool print_body(struct printer *printer, struct arena *arena, struct str body)
{
    const struct json_value *object;
    bool members =
        printer->form == FORM_FIELD || (printer->form == FORM_JSON && printer->options->json_fields != NULL);
    if (members) {
        if (json_parse(arena, body, JSON_DEPTH_MAX, &object, NULL) != OK)
            return false;
        return print_selected(printer, object);
    }
    struct buffer text = {0};
    value_write_json(&text, body, &printer->style);
    if (str_ends_with(body, STR("\n")))
        text.length--;
    put_line(&text);
    return true;
}
