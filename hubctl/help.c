#include "hubctl/help.h"

#include <stdio.h>
#include <string.h>

#include "hubctl/options.h"
#include "hubctl/diagnose.h"
#include "hubctl/run.h"
#include "lib/base/suggest.h"

#define TEXT_WIDTH    78
#define CHOICES_SHOWN 6
#define LABEL_WIDTH   22

/* ---------------------------------------------------------------- pieces */

static void write_wrapped(struct buffer *out, const char *text, size_t at, size_t indent)
{
    value_wrap(out, str_from(text), at, indent, TEXT_WIDTH);
}

static void write_entry_at(struct buffer *out, size_t width, const char *label, const char *text)
{
    size_t own = value_width(str_from(label));
    buffer_printf(out, "  %s%*s", label, own < width ? (int)(width - own) : 0, "");
    if (own >= width)
        buffer_printf(out, "\n%*s", (int)width + 2, "");
    write_wrapped(out, text, width + 2, width + 2);
}

static void write_entry(struct buffer *out, const char *label, const char *text)
{
    write_entry_at(out, LABEL_WIDTH, label, text);
}

void help_param_word(struct buffer *out, const struct ctl_param *param)
{
    size_t count = 0;
    for (const char *const *choice = param->choices; choice != NULL && *choice != NULL; choice++)
        count++;
    const char *word = ctl_param_word(param);
    if (word != NULL) {
        buffer_append_text(out, word);
    } else if (count <= CHOICES_SHOWN) {
        for (size_t i = 0; i < count; i++)
            buffer_printf(out, "%s%s", i > 0 ? "|" : "", param->choices[i]);
    } else {
        for (const char *at = param->name; *at != '\0'; at++)
            buffer_append_byte(out, (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at));
    }
}

static void write_param(struct buffer *out, const struct ctl_param *param)
{
    if (!param->positional && param->letter != 0)
        buffer_printf(out, "-%c%s", param->letter, param->type == CTL_SWITCH ? "" : VALUE_FIRM_SPACE);
    else if (!param->positional)
        buffer_printf(out, "--%s%s", param->name, param->type == CTL_SWITCH ? "" : VALUE_FIRM_SPACE);
    help_param_word(out, param);
}

/* "(FINGERPRINT | --all)", written where the first of them stands. */
static void write_alternatives(struct buffer *out, const struct ctl_command *command,
                               const struct ctl_param *first)
{
    for (const struct ctl_param *param = command->params; param != first; param++) {
        if (param->one_of == first->one_of)
            return;
    }
    buffer_append_text(out, " (");
    bool begun = false;
    for (const struct ctl_param *param = first; param->name != NULL; param++) {
        if (param->one_of != first->one_of)
            continue;
        buffer_append_text(out, begun ? " | " : "");
        write_param(out, param);
        begun = true;
    }
    buffer_append_byte(out, ')');
}

/* "hubctl party add ID --role CPO|EMSP … [--name TEXT]" without a line end. */
static void write_usage(struct buffer *out, const struct ctl_command *command)
{
    char words[CTL_WORDS_SIZE];
    buffer_printf(out, "hubctl %s", ctl_command_words(command, words));
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->hidden)
            continue;
        if (param->one_of != 0) {
            write_alternatives(out, command, param);
            continue;
        }
        buffer_append_text(out, param->required ? " " : " [");
        write_param(out, param);
        buffer_append_text(out, param->required ? "" : "]");
        buffer_append_text(out, param->repeatable ? " …" : "");
    }
}

static void write_params(struct buffer *out, const struct ctl_command *command, bool positional,
                         const char *title)
{
    bool begun = false;
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->positional != positional || param->hidden)
            continue;
        struct buffer label = {0};
        buffer_append_text(out, begun ? "" : title);
        begun = true;
        if (!positional && param->letter != 0)
            buffer_printf(&label, "-%c, --%s", param->letter, param->name);
        else
            buffer_printf(&label, "%s%s", positional ? "" : "--", param->name);
        if (!positional && param->type != CTL_SWITCH) {
            buffer_append_byte(&label, ' ');
            help_param_word(&label, param);
        }
        buffer_append_byte(&label, '\0');
        write_entry(out, label.failed ? param->name : label.data, param->help);
        buffer_free(&label);
    }
}

static void write_fields(struct buffer *out, const struct ctl_command *command)
{
    if (command->columns == NULL || command->output == CTL_OUTPUT_BODY)
        return;
    buffer_append_text(out, "\nFields (--json, --field):\n");
    for (const struct ctl_column *column = command->columns; column->key != NULL; column++)
        write_entry(out, column->key, column->help);
}

static void write_examples(struct buffer *out, const char *const *examples, size_t count)
{
    buffer_append_text(out, "\nExamples:\n");
    for (size_t i = 0; i < count; i++)
        buffer_printf(out, "  %s\n", examples[i]);
}

/* ---------------------------------------------------------------- the levels */

void help_command(struct buffer *out, const struct ctl_command *command)
{
    char words[CTL_WORDS_SIZE];
    buffer_printf(out, "hubctl %s: %s\n\nUsage: ", ctl_command_words(command, words), command->purpose);
    struct buffer usage = {0};
    write_usage(&usage, command);
    buffer_append_byte(&usage, '\0');
    write_wrapped(out, usage.failed ? "" : usage.data, 7, 9);
    buffer_free(&usage);
    if (command->details != NULL) {
        buffer_append_byte(out, '\n');
        write_wrapped(out, command->details, 0, 0);
    }
    write_params(out, command, true, "\nArguments:\n");
    write_params(out, command, false, "\nOptions:\n");
    write_fields(out, command);
    write_examples(out, command->examples, 2);
    buffer_append_text(
        out, "\n`hubctl -h` lists the global options, `hubctl help formatting` the forms of output.\n");
}

void help_noun(struct buffer *out, const char *noun)
{
    const char *examples[2] = {NULL};
    size_t verbs = 0;
    buffer_printf(out, "hubctl %s: %s\n\nUsage: hubctl %s VERB [ARGUMENT …] [--options]\n\nCommands:\n", noun,
                  ctl_noun_purpose(noun), noun);
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if (strcmp(command->noun, noun) != 0)
            continue;
        write_entry(out, command->verb != NULL ? command->verb : noun, command->purpose);
        if (verbs < 2)
            examples[verbs] = command->examples[0];
        if (verbs++ == 0)
            examples[1] = command->examples[1]; /* it stays where there is no other verb */
    }
    write_examples(out, examples, 2);
    buffer_printf(out, "\n`hubctl %s VERB -h` explains one of them.\n", noun);
}

static void write_nouns(struct buffer *out)
{
    const char *last = "";
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const char *noun = ctl_command_at(i)->noun;
        if (strcmp(noun, last) != 0)
            write_entry(out, noun, ctl_noun_purpose(noun));
        last = noun;
    }
}

void help_program(struct buffer *out)
{
    static const char *const examples[] = {"hubctl party add IN-ABC --role CPO --name \"ABC Charging\"",
                                           "hubctl party list --json=id,status"};
    buffer_append_text(out, "hubctl: the account team's tool for the roaming hub\n\n"
                            "Usage: hubctl [global options] NOUN VERB [ARGUMENT …] [--options]\n\nNouns:\n");
    write_nouns(out);
    buffer_append_text(out, "\nGlobal options:\n");
    for (const struct global_option *option = global_options; option->name != NULL; option++) {
        char label[64];
        const char *space = option->value == NULL || option->value[0] == '[' ? "" : " ";
        if (option->letter != 0)
            snprintf(label, sizeof label, "-%c, --%s%s%s", option->letter, option->name, space,
                     option->value != NULL ? option->value : "");
        else
            snprintf(label, sizeof label, "--%s%s%s", option->name, space,
                     option->value != NULL ? option->value : "");
        write_entry(out, label, option->help);
    }
    write_examples(out, examples, 2);
    buffer_append_text(out, "\nMore: hubctl NOUN -h, hubctl NOUN VERB -h,\n"
                            "      hubctl help exit-codes|environment|formatting|scripting\n");
}

void help_short(struct buffer *out)
{
    buffer_append_text(out, "hubctl: the account team's tool for the roaming hub\n\n"
                            "Usage: hubctl NOUN VERB [ARGUMENT …] [--options]\n\n"
                            "  hubctl status                                  how the hub is doing\n"
                            "  hubctl party list                              who takes part\n"
                            "  hubctl party add IN-ABC --role CPO             register a partner\n"
                            "  hubctl rule matrix                             who may use whom\n"
                            "  hubctl audit tail -f                           what happens now\n\n"
                            "`hubctl -h` lists all nouns, `hubctl NOUN -h` their verbs.\n");
}

/* ---------------------------------------------------------------- help TOPIC */

static void write_topic(struct buffer *out, const struct help_part *parts)
{
    size_t width = 0;
    for (const struct help_part *part = parts; part->kind == HELP_ENTRY || part->kind == HELP_TITLE; part++) {
        size_t own = part->label != NULL ? strlen(part->label) + 2 : 0;
        width = own > width ? own : width;
    }
    for (const struct help_part *part = parts; part->kind != HELP_END; part++) {
        if (part != parts && (part->kind == HELP_PARAGRAPH || part[-1].kind != part->kind))
            buffer_append_byte(out, '\n');
        switch (part->kind) {
        case HELP_TITLE:
        case HELP_PARAGRAPH:
            write_wrapped(out, part->text, 0, 0);
            break;
        case HELP_ENTRY:
            write_entry_at(out, width, part->label, part->text);
            break;
        case HELP_EXAMPLE:
            buffer_printf(out, "  %s\n", part->text);
            break;
        case HELP_END:
            break;
        }
    }
}

static enum ctl_exit unknown_topic(const char *word)
{
    struct suggest suggest;
    suggest_begin(&suggest, str_from(word));
    for (const char *const *name = help_topics; *name != NULL; name++)
        suggest_offer(&suggest, *name);
    for (size_t i = 0; i < ctl_command_count(); i++)
        suggest_offer(&suggest, ctl_command_at(i)->noun);
    const char *best = suggest_best(&suggest);
    complain("no help on \"%s\"%s%s%s", word, best != NULL ? ". Did you mean \"" : "",
             best != NULL ? best : "", best != NULL ? "\"?" : "");
    hint("hubctl -h, or hubctl help exit-codes|environment|formatting|scripting");
    return CTL_EXIT_USAGE;
}

static enum ctl_exit unknown_verb(const char *noun, const char *verb)
{
    struct suggest suggest;
    suggest_begin(&suggest, str_from(verb));
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        suggest_offer(&suggest, strcmp(command->noun, noun) == 0 ? command->verb : NULL);
    }
    const char *best = suggest_best(&suggest);
    complain("no help on \"%s %s\"%s%s%s%s%s", noun, verb, best != NULL ? ". Did you mean \"" : "",
             best != NULL ? noun : "", best != NULL ? " " : "", best != NULL ? best : "",
             best != NULL ? "\"?" : "");
    hint("hubctl %s -h", noun);
    return CTL_EXIT_USAGE;
}

enum ctl_exit run_help(const struct invocation *invocation)
{
    const char *word = invocation_text(invocation, "TOPIC", 0),
               *second = invocation_text(invocation, "TOPIC", 1);
    const struct help_part *topic = word != NULL ? help_topic(word) : NULL;
    struct buffer out = {0};
    if (word == NULL) {
        help_program(&out);
    } else if (topic != NULL) {
        write_topic(&out, topic);
    } else if (ctl_command_of_noun(word) == NULL) {
        return unknown_topic(word);
    } else {
        const struct ctl_command *command = ctl_command_by_words(word, second);
        if (command != NULL)
            help_command(&out, command);
        else if (second != NULL)
            return unknown_verb(word, second);
        else
            help_noun(&out, word);
    }
    buffer_append_byte(&out, '\0');
    if (!out.failed)
        print_text(&invocation->options, out.data);
    buffer_free(&out);
    return CTL_EXIT_DONE;
}
