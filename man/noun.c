/* The page of a noun: its commands as the command table tells them. */
#include "hubctl/help.h"
#include "man/parts.h"
#include "man/roff.h"

/* ---------------------------------------------------------------- commands and arguments in words */

/* The rows of a noun; `index` is where to go on, 0 at first. NULL: no more. */
static const struct ctl_command *next_command(const char *noun, size_t *index)
{
    const struct ctl_command *command;
    while ((command = ctl_command_at(*index)) != NULL) {
        ++*index;
        if (strcmp(command->noun, noun) == 0)
            return command;
    }
    return NULL;
}

/* ".Cm party add" */
static void write_words(struct buffer *out, const char *macro, const struct ctl_command *command)
{
    buffer_printf(out, ".%s", macro);
    roff_argument(out, command->noun);
    if (command->verb != NULL)
        roff_argument(out, command->verb);
}

static void write_value(struct buffer *out, const struct ctl_param *param)
{
    struct buffer word = {0};
    help_param_word(&word, param);
    buffer_append_byte(&word, '\0');
    if (word.length > 1) {
        buffer_append_text(out, " Ar");
        roff_argument(out, word.failed ? param->name : word.data);
    }
    buffer_free(&word);
}

/* " Ar ID", " Fl n Ar N" or " Fl \-name Ar TEXT" */
static void write_param(struct buffer *out, const struct ctl_param *param)
{
    if (!param->positional && param->letter != 0)
        buffer_printf(out, " Fl %c", param->letter);
    else if (!param->positional)
        roff_option(out, param->name);
    write_value(out, param);
}

static bool is_first_alternative(const struct ctl_command *command, const struct ctl_param *param)
{
    for (const struct ctl_param *before = command->params; before != param; before++) {
        if (before->one_of == param->one_of)
            return false;
    }
    return true;
}

/* ".Pq Ar FINGERPRINT | Fl \-all" */
static void write_alternatives(struct buffer *out, const struct ctl_param *first)
{
    buffer_append_text(out, ".Pq");
    for (const struct ctl_param *param = first; param->name != NULL; param++) {
        if (param->one_of != first->one_of)
            continue;
        buffer_append_text(out, param != first ? " |" : "");
        write_param(out, param);
    }
    buffer_append_byte(out, '\n');
}

static void write_usage(struct buffer *out, const struct ctl_command *command)
{
    buffer_append_text(out, ".Nm hubctl\n");
    write_words(out, "Cm", command);
    buffer_append_byte(out, '\n');
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->hidden)
            continue;
        if (param->one_of != 0) {
            if (is_first_alternative(command, param))
                write_alternatives(out, param);
            continue;
        }
        struct buffer line = {0};
        write_param(&line, param);
        buffer_append_text(out, param->required ? "." : ".Op");
        buffer_append(out, param->required ? str_skip(buffer_str(&line), 1) : buffer_str(&line));
        buffer_append_text(out, param->repeatable ? " ...\n" : "\n");
        buffer_free(&line);
    }
}

bool part_synopsis(struct buffer *out, const char *noun)
{
    size_t index = 0;
    for (const struct ctl_command *command; (command = next_command(noun, &index)) != NULL;)
        write_usage(out, command);
    return ctl_command_of_noun(noun) != NULL;
}

/* ---------------------------------------------------------------- one command */

/* Whether usage or the help names all choices already. */
static bool tells_choices(const struct ctl_param *param)
{
    bool named = true;
    for (size_t i = 0; param->choices[i] != NULL; i++)
        named = named && strstr(param->help, param->choices[i]) != NULL;
    return named;
}

static void write_param_entry(struct buffer *out, const struct ctl_param *param)
{
    buffer_append_text(out, ".It");
    if (!param->positional && param->letter != 0)
        buffer_printf(out, " Fl %c ,", param->letter);
    if (!param->positional)
        roff_option(out, param->name);
    write_value(out, param);
    buffer_append_byte(out, '\n');
    bool choices = param->choices != NULL && !tells_choices(param);
    bool required = param->required && !param->positional;
    bool repeated = param->repeatable && strstr(param->help, "several times") == NULL;
    if (choices || required || repeated)
        roff_sentence(out, param->help);
    else
        roff_text(out, param->help);
    if (choices)
        roff_choices(out, param->open ? "Usually one of" : "One of", param->choices);
    buffer_append_text(out, required ? "Required.\n" : "");
    buffer_append_text(out, repeated ? "May be given several times.\n" : "");
}

static void write_params(struct buffer *out, const struct ctl_command *command)
{
    bool begun = false;
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->hidden)
            continue;
        buffer_append_text(out, begun ? "" : ".Bl -tag -width Ds\n");
        write_param_entry(out, param);
        begun = true;
    }
    buffer_append_text(out, begun ? ".El\n" : "");
}

static bool has_alternatives(const struct ctl_command *command)
{
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->one_of != 0)
            return true;
    }
    return false;
}

/* What its row says besides: who may, and what is special about it. */
static void write_remarks(struct buffer *out, const struct ctl_command *command)
{
    static const struct {
        unsigned flag;
        const char *text;
    } rows[] = {
        {CTL_PATIENT,
         "hubd calls partners for it, so hubctl waits longer where `--timeout` does not say how long."},
        {CTL_SECRET, "The answer is a secret: it is shown once and kept nowhere."},
    };
    if ((command->flags & CTL_DANGEROUS) != 0) {
        struct buffer text = {0};
        buffer_printf(&text, "It %s: hubctl asks on a terminal, and needs `--confirm` elsewhere.",
                      command->danger);
        buffer_append_byte(&text, '\0');
        if (!text.failed)
            roff_text(out, text.data);
        buffer_free(&text);
    }
    if (has_alternatives(command))
        roff_text(out, "Exactly one of the alternatives must be given.");
    if ((command->flags & CTL_CHECK) != 0)
        roff_text(out, command->output == CTL_OUTPUT_LIST ? "Exit status 6 when there is a row."
                                                          : "Exit status 6 when `ok` is false.");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((command->flags & rows[i].flag) != 0)
            roff_text(out, rows[i].text);
    }
    if ((command->flags & CTL_LOCAL) == 0)
        roff_text(out, command->access == CTL_ACCESS_READ
                           ? "It only reads: members of `viewer_group` may use it."
                       : (command->flags & CTL_SHOWS) != 0
                           ? "Members of `admin_group` may use it, of `viewer_group` without arguments."
                           : "Members of `admin_group` may use it.");
}

/* ---------------------------------------------------------------- fields */

static void write_field_list(struct buffer *out, const struct ctl_column *columns)
{
    buffer_append_text(out, ".Bl -tag -width Ds -compact\n");
    for (const struct ctl_column *column = columns; column->key != NULL; column++) {
        roff_item(out, column->key, ctl_kind_name(column->kind));
        roff_text(out, column->help);
        if (column->section != NULL)
            write_field_list(out, column->section);
    }
    buffer_append_text(out, ".El\n");
}

static bool same_fields(const struct ctl_column *a, const struct ctl_column *b)
{
    for (; a->key != NULL && b->key != NULL; a++, b++) {
        if (strcmp(a->key, b->key) != 0 || strcmp(a->help, b->help) != 0 || a->kind != b->kind)
            return false;
    }
    return a->key == NULL && b->key == NULL;
}

/* The command of the same noun, before this one, that has the same fields; NULL: there is none. */
static const struct ctl_command *same_before(const struct ctl_command *command)
{
    size_t index = 0;
    const struct ctl_command *before;
    while ((before = next_command(command->noun, &index)) != command && before != NULL) {
        if (before->columns != NULL && before->output == command->output &&
            same_fields(before->columns, command->columns))
            return before;
    }
    return NULL;
}

/* In a pipe a list is TSV without a heading: which columns, in which order. */
static void write_piped(struct buffer *out, const struct ctl_command *command)
{
    struct buffer text = {0};
    bool begun = false;
    if (command->output != CTL_OUTPUT_LIST && command->output != CTL_OUTPUT_STREAM)
        return;
    buffer_append_text(&text, "Columns in a pipe:");
    for (const struct ctl_column *column = command->columns; column->key != NULL; column++) {
        if (column->seen != CTL_SEEN_JSON)
            buffer_printf(&text, "%s %s", begun ? "," : "", column->key);
        begun = begun || column->seen != CTL_SEEN_JSON;
    }
    buffer_append_text(&text, ".");
    buffer_append_byte(&text, '\0');
    buffer_append_text(out, ".Pp\n");
    if (!text.failed)
        roff_text(out, text.data);
    buffer_free(&text);
}

static void write_fields(struct buffer *out, const struct ctl_command *command)
{
    if (command->columns == NULL || command->output == CTL_OUTPUT_BODY)
        return;
    const struct ctl_command *before = same_before(command);
    buffer_append_text(out, ".Pp\n");
    if (before != NULL) {
        buffer_append_text(out, "The fields are those of\n");
        write_words(out, "Cm", before);
        buffer_append_text(out, " .\n");
        return;
    }
    buffer_append_text(out, "Fields of\n.Fl \\-json\nand\n.Fl \\-field :\n");
    write_field_list(out, command->columns);
    write_piped(out, command);
}

bool part_fields(struct buffer *out, const char *method)
{
    const struct ctl_command *command = ctl_command_by_method(str_from(method));
    if (command == NULL || command->columns == NULL)
        return false;
    write_field_list(out, command->columns);
    return true;
}

/* ---------------------------------------------------------------- all of a noun */

bool part_commands(struct buffer *out, const char *noun)
{
    size_t index = 0;
    for (const struct ctl_command *command; (command = next_command(noun, &index)) != NULL;) {
        write_words(out, "Ss", command);
        buffer_append_byte(out, '\n');
        roff_whole_sentence(out, command->purpose);
        if (command->details != NULL)
            roff_text(out, command->details);
        write_remarks(out, command);
        write_params(out, command);
        write_fields(out, command);
    }
    return ctl_command_of_noun(noun) != NULL;
}

bool part_examples(struct buffer *out, const char *noun)
{
    size_t index = 0;
    for (const struct ctl_command *command; (command = next_command(noun, &index)) != NULL;) {
        buffer_append_text(out, command != ctl_command_of_noun(noun) ? ".Pp\n" : "");
        roff_whole_sentence(out, command->purpose);
        buffer_append_text(out, ".Bd -literal -offset indent\n");
        for (size_t i = 0; i < sizeof command->examples / sizeof command->examples[0]; i++)
            roff_literal(out, command->examples[i]);
        buffer_append_text(out, ".Ed\n");
    }
    return ctl_command_of_noun(noun) != NULL;
}
