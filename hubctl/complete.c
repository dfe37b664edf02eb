#include "hubctl/complete.h"

#include <stdio.h>
#include <string.h>

#include "hubctl/diagnose.h"
#include "hubctl/run.h"
#include "lib/base/utf8.h"

#define ABOUT_MAX 512

static bool has_hidden(struct str value)
{
    uint32_t code;
    for (size_t i = 0; i < value.length; i++)
        if (utf8_hidden(str_skip(value, i), &code) > 0)
            return true;
    return false;
}

/* Case aside; of party ids the separator too. */
static bool begins_with(struct str value, struct str typed, bool party)
{
    static const char separators[] = "-*/";
    size_t at = 0;
    for (size_t i = 0; i < typed.length; i++) {
        struct str letter = str_of(typed.data + i, 1);
        if (party && str_find(str_from(separators), *letter.data) != SIZE_MAX)
            letter = STR("-");
        else if (party && at < value.length && value.data[at] == '-')
            at++;
        if (at == value.length || !str_equal_fold(str_of(value.data + at, 1), letter))
            return false;
        at++;
    }
    return true;
}

void complete_offer(struct completion *completion, struct str value, struct str about)
{
    char clean[ABOUT_MAX];
    bool is_option = value.length > 0 && value.data[0] == '-' && !completion->dashes;
    bool fits = begins_with(value, completion->typed, completion->party);
    if (value.length == 0 || !fits || is_option || str_has_control(value) || has_hidden(value))
        return;
    buffer_append(&completion->lines, completion->before);
    buffer_append(&completion->lines, value);
    buffer_printf(&completion->lines, "\t%s\n", diagnose_clean(about, clean, sizeof clean));
}

/* Words for the value of a parameter or a global option. */
static void offer_choices(struct completion *completion, const char *const *choices)
{
    for (; choices != NULL && *choices != NULL; choices++)
        complete_offer(completion, str_from(*choices), STR_NONE);
}

/* ---------------------------------------------------------------- nouns and verbs */

void complete_nouns(struct completion *completion)
{
    const char *last = "";
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const char *noun = ctl_command_at(i)->noun;
        if (strcmp(noun, last) != 0)
            complete_offer(completion, str_from(noun), str_from(ctl_noun_purpose(noun)));
        last = noun;
    }
}

void complete_verbs(struct completion *completion, const char *noun)
{
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if (strcmp(command->noun, noun) == 0)
            complete_offer(completion, str_from(command->verb), str_from(command->purpose));
    }
}

/* ---------------------------------------------------------------- options */

static void offer_option(struct completion *completion, const char *name, const char *help)
{
    char word[64];
    snprintf(word, sizeof word, "--%s", name);
    completion->dashes = true;
    complete_offer(completion, str_from(word), str_from(help));
}

/* Whether the line has it already, or another one of those of which only one may be given. */
static bool is_spent(const struct completion *completion, const struct ctl_param *param)
{
    const struct invocation *invocation = completion->invocation;
    for (size_t i = 0; i < invocation->given_count; i++) {
        const struct ctl_param *given = invocation->given[i].param;
        bool excludes = param->one_of != 0 && given->one_of == param->one_of;
        if (given == param ? !param->repeatable : excludes)
            return true;
    }
    return false;
}

/* The command's own; `one_of` not 0: only those that stand in a positional's place. */
static void offer_options(struct completion *completion, char one_of)
{
    const struct ctl_command *command = completion->invocation->command;
    const struct ctl_param *param = command != NULL ? command->params : NULL;
    for (; param != NULL && param->name != NULL; param++) {
        bool wanted = one_of == 0 || param->one_of == one_of;
        if (!param->positional && !param->hidden && wanted && !is_spent(completion, param))
            offer_option(completion, param->name, param->help);
    }
}

static void offer_global_options(struct completion *completion)
{
    for (const struct global_option *option = global_options; option->name != NULL; option++)
        offer_option(completion, option->name, option->help);
}

/* ---------------------------------------------------------------- values */

static void complete_param(struct completion *completion, const struct ctl_param *param)
{
    if (is_spent(completion, param))
        return;
    if (param->type == CTL_FILE || param->type == CTL_SECRET_FILE || param->type == CTL_JSON_FILE)
        completion->directive = "files";
    else if (!complete_values(completion, param))
        offer_choices(completion, param->choices);
}

static bool is_listed(struct str list, struct str name)
{
    struct str part;
    while (str_split(&list, ',', &part)) {
        if (str_equal(part, name))
            return true;
    }
    return false;
}

/* Fields of the command's answer; `several`: behind those that are typed already, with commas between. */
static void offer_fields(struct completion *completion, bool several)
{
    const struct ctl_command *command = completion->invocation->command;
    if (command == NULL ||
        command->output == CTL_OUTPUT_BODY) /* an object's members are its owner's business */
        return;
    struct str list = completion->typed, name;
    struct str rest = several ? list : STR_NONE;
    while (str_split(&rest, ',', &name))
        completion->typed = name;
    size_t taken = list.length - completion->typed.length;
    completion->before = str_of(completion->before.data, completion->before.length + taken);
    completion->directive = several ? "nospace" : completion->directive;
    for (const struct ctl_column *column = command->columns; column != NULL && column->key != NULL;
         column++) {
        if (!is_listed(str_of(list.data, taken), str_from(column->key)))
            complete_offer(completion, str_from(column->key), str_from(column->help));
    }
}

static void complete_global(struct completion *completion, const struct global_option *option)
{
    switch (option->kind) {
    case GLOBAL_FREE:
        break;
    case GLOBAL_FILE:
        completion->directive = "files";
        break;
    case GLOBAL_CHOICE:
        offer_choices(completion, option->choices);
        break;
    case GLOBAL_FIELD:
        offer_fields(completion, false);
        break;
    case GLOBAL_FIELDS:
        offer_fields(completion, true);
        break;
    }
}

/* ---------------------------------------------------------------- the word at the cursor */

/* "--na" or "--name=val". */
static void complete_option(struct completion *completion, struct str word)
{
    size_t equals = str_find(word, '=');
    if (equals == SIZE_MAX) {
        offer_options(completion, 0);
        offer_global_options(completion);
        return;
    }
    struct str name = str_skip(str_of(word.data, equals), 2);
    const struct ctl_param *param = option_find(completion->invocation->command, name, 0);
    const struct global_option *global = param == NULL ? option_find_global(name, 0) : NULL;
    completion->before = str_of(word.data, equals + 1);
    completion->typed = str_skip(word, equals + 1);
    completion->dashes = true;
    if (param != NULL)
        complete_param(completion, param);
    else if (global != NULL)
        complete_global(completion, global);
}

static void complete_positional(struct completion *completion, const struct cursor *cursor)
{
    const struct ctl_param *param = option_positional(completion->invocation->command, cursor->positionals);
    bool open = param != NULL && !is_spent(completion, param);
    if (open)
        complete_param(completion, param);
    if (cursor->only_positionals || (open && param->one_of == 0))
        return;
    offer_options(completion, open ? param->one_of : 0);
}

static void complete_word(struct completion *completion, const struct cursor *cursor)
{
    const struct invocation *invocation = completion->invocation;
    completion->dashes = cursor->only_positionals || cursor->param != NULL || cursor->global != NULL;
    if (cursor->param != NULL)
        complete_param(completion, cursor->param);
    else if (cursor->global != NULL)
        complete_global(completion, cursor->global);
    else if (!cursor->only_positionals && str_starts_with(completion->typed, STR("-")))
        complete_option(completion, completion->typed);
    else if (invocation->command != NULL)
        complete_positional(completion, cursor);
    else if (invocation->noun != NULL)
        complete_verbs(completion, invocation->noun);
    else
        complete_nouns(completion);
}

void complete_line(int argc, char **argv)
{
    struct invocation invocation;
    struct cursor cursor;
    int before = argc > 1 ? argc - 1 : argc;
    diagnose_mute();
    struct completion completion = {
        .invocation = &invocation, .typed = argc > 1 ? str_from(argv[argc - 1]) : STR_NONE, .directive = ""};
    if (invocation_begin(&invocation, before, argv, &cursor) == CTL_EXIT_DONE)
        complete_word(&completion, &cursor);
    printf(":%s\n", completion.directive);
    if (!completion.lines.failed && completion.lines.length > 0)
        fwrite(completion.lines.data, 1, completion.lines.length, stdout);
    buffer_free(&completion.lines);
    invocation_free(&invocation);
}

/* ---------------------------------------------------------------- completion SHELL */

enum ctl_exit run_completion(const struct invocation *invocation)
{
    static const struct {
        const char *shell, *file;
    } rows[] = {{"bash", "hubctl.bash"}, {"zsh", "_hubctl"}, {"fish", "hubctl.fish"}};
    struct str shell = str_from(invocation_text(invocation, "SHELL", 0));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!str_equal_fold(str_from(rows[i].shell), shell))
            continue;
        for (const struct completion_script *script = completion_scripts; script->name != NULL; script++) {
            if (strcmp(script->name, rows[i].file) == 0)
                fputs(script->text, stdout);
        }
    }
    return CTL_EXIT_DONE;
}
