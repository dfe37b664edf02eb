#include "hubctl/options.h"

#include <stdlib.h>
#include <string.h>

#include "hubctl/diagnose.h"
#include "hubctl/params.h"
#include "lib/base/suggest.h"
#include "lib/base/timestamp.h"

#define TIMEOUT_DEFAULT_MS 10000
#define TIMEOUT_PATIENT_MS 150000 /* CTL_PATIENT: several calls of hubd, each with a timeout of its own */

static const char *const color_words[] = {"auto", "always", "never", NULL}; /* as enum color */

const struct global_option global_options[] = {
    {"socket", 's', "PATH", "hubd's admin socket; else HUBCTL_SOCKET, else where hubd puts it by default",
     GLOBAL_FILE, NULL},
    {"json", 0, "[=FIELD,…]",
     "JSON: one object per line for lists, else one object; all fields or only these", GLOBAL_FIELDS, NULL},
    {"field", 0, "NAME", "only the bare value of this field", GLOBAL_FIELD, NULL},
    {"quiet", 'q', NULL, "only ids", GLOBAL_FREE, NULL},
    {"color", 0, "WHEN", "auto, always or never", GLOBAL_CHOICE, color_words},
    {"timeout", 0, "DURATION",
     "longest wait for hubd; default 10s (150s where hubd calls a partner), 0 for no limit", GLOBAL_FREE,
     NULL},
    {"no-pager", 0, NULL, "never start a pager", GLOBAL_FREE, NULL},
    {"utc", 0, NULL, "times in UTC on a terminal too", GLOBAL_FREE, NULL},
    {"help", 'h', NULL, "explain the command", GLOBAL_FREE, NULL},
    {"version", 'V', NULL, "print hubctl's version", GLOBAL_FREE, NULL},
    {.name = NULL},
};

/* Where the parser stands. */
struct parser {
    struct invocation *invocation;
    char **argv;
    int argc, at;
    struct cursor cursor;
};

enum ctl_exit invocation_usage(const struct invocation *invocation)
{
    char words[CTL_WORDS_SIZE];
    if (invocation->command != NULL)
        hint("hubctl %s -h", ctl_command_words(invocation->command, words));
    else if (invocation->noun != NULL && ctl_noun_purpose(invocation->noun) != NULL)
        hint("hubctl %s -h", invocation->noun);
    else
        hint("hubctl -h");
    return CTL_EXIT_USAGE;
}

/* ---------------------------------------------------------------- global options */

static enum ctl_exit set_color(struct hubctl_options *options, const char *value)
{
    for (size_t i = 0; color_words[i] != NULL; i++) {
        if (strcmp(color_words[i], value) == 0) {
            options->color = (enum color)i;
            return CTL_EXIT_DONE;
        }
    }
    complain("--color: \"%s\" is none of auto, always, never", value);
    return CTL_EXIT_USAGE;
}

static enum ctl_exit set_timeout(struct hubctl_options *options, const char *value)
{
    options->timeout_given = true;
    if (duration_parse(str_from(value), &options->timeout_ms) && options->timeout_ms >= 0)
        return CTL_EXIT_DONE;
    complain("--timeout: \"%s\" is no duration; write a number with ms, s, m or h, e.g. 10s", value);
    return CTL_EXIT_USAGE;
}

static enum ctl_exit set_global(struct hubctl_options *options, const struct global_option *option,
                                const char *value)
{
    struct {
        const char *name;
        bool *flag;
        const char **text;
    } const rows[] = {
        {"socket", NULL, &options->socket},     {"json", &options->json, &options->json_fields},
        {"field", NULL, &options->field},       {"quiet", &options->quiet, NULL},
        {"no-pager", &options->no_pager, NULL}, {"utc", &options->utc, NULL},
        {"help", &options->help, NULL},         {"version", &options->version, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, option->name) != 0)
            continue;
        if (rows[i].flag != NULL)
            *rows[i].flag = true;
        if (rows[i].text != NULL)
            *rows[i].text = value;
        return CTL_EXIT_DONE;
    }
    return strcmp(option->name, "color") == 0 ? set_color(options, value) : set_timeout(options, value);
}

const struct global_option *option_find_global(struct str name, char letter)
{
    for (const struct global_option *option = global_options; option->name != NULL; option++) {
        if (letter != 0 ? option->letter == letter : str_equal(name, str_from(option->name)))
            return option;
    }
    return NULL;
}

/* ---------------------------------------------------------------- the command's parameters */

const struct ctl_param *option_find(const struct ctl_command *command, struct str name, char letter)
{
    const struct ctl_param *param = command == NULL ? NULL : command->params;
    for (; param != NULL && param->name != NULL; param++) {
        if (!param->positional &&
            (letter != 0 ? param->letter == letter : str_equal(name, str_from(param->name))))
            return param;
    }
    return NULL;
}

static enum ctl_exit take(struct parser *parser, const struct ctl_param *param, const char *text)
{
    struct invocation *invocation = parser->invocation;
    const char *dashes = param->positional ? "" : "--";
    for (size_t i = 0; i < invocation->given_count && !param->repeatable; i++) {
        if (invocation->given[i].param == param) {
            complain("%s%s is given twice", dashes, param->name);
            return invocation_usage(invocation);
        }
    }
    if (invocation->given_count == GIVEN_MAX) {
        complain("too many arguments");
        return invocation_usage(invocation);
    }
    invocation->given[invocation->given_count++] = (struct given){param, text};
    return CTL_EXIT_DONE;
}

const struct ctl_param *option_positional(const struct ctl_command *command, size_t count)
{
    const struct ctl_param *param = command->params;
    for (; param != NULL && param->name != NULL; param++) {
        if (!param->positional)
            continue;
        if (count == 0 || param->repeatable)
            return param;
        count--;
    }
    return NULL;
}

static enum ctl_exit take_positional(struct parser *parser, const char *text)
{
    const struct ctl_param *param =
        option_positional(parser->invocation->command, parser->cursor.positionals++);
    if (param != NULL)
        return take(parser, param, text);
    complain("unexpected argument \"%s\"", text);
    return invocation_usage(parser->invocation);
}

/* ---------------------------------------------------------------- words */

static enum ctl_exit unknown_word(const struct invocation *invocation, const char *word)
{
    struct suggest suggest;
    const char *noun = invocation->noun;
    bool verb = noun != NULL;
    suggest_begin(&suggest, str_from(word));
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if (!verb)
            suggest_offer(&suggest, command->noun);
        else if (strcmp(command->noun, noun) == 0)
            suggest_offer(&suggest, command->verb);
    }
    const char *best = suggest_best(&suggest);
    const char *before = verb ? noun : "", *space = verb ? " " : "";
    if (best != NULL)
        complain("unknown command \"%s%s%s\". Did you mean \"%s%s%s\"?", before, space, word, before, space,
                 best);
    else
        complain("unknown command \"%s%s%s\"", before, space, word);
    return invocation_usage(invocation);
}

static enum ctl_exit take_word(struct parser *parser, const char *word)
{
    struct invocation *invocation = parser->invocation;
    if (invocation->command != NULL)
        return take_positional(parser, word);
    if (invocation->noun == NULL) {
        if (ctl_command_of_noun(word) == NULL)
            return unknown_word(invocation, word);
        invocation->noun = word;
        invocation->command = ctl_command_by_words(word, NULL);
        return CTL_EXIT_DONE;
    }
    invocation->command = ctl_command_by_words(invocation->noun, word);
    return invocation->command != NULL ? CTL_EXIT_DONE : unknown_word(invocation, word);
}

/* ---------------------------------------------------------------- options */

static enum ctl_exit unknown_option(const struct parser *parser, struct str name)
{
    const struct ctl_command *command = parser->invocation->command;
    struct suggest suggest;
    suggest_begin(&suggest, name);
    for (const struct global_option *option = global_options; option->name != NULL; option++)
        suggest_offer(&suggest, option->name);
    const struct ctl_param *param = command == NULL ? NULL : command->params;
    for (; param != NULL && param->name != NULL; param++)
        suggest_offer(&suggest, param->positional || param->hidden ? NULL : param->name);
    const char *best = suggest_best(&suggest);
    complain("unknown option --" STR_FMT "%s%s%s%s", STR_ARG(name),
             command == NULL ? " before the command" : "", best != NULL ? "; did you mean --" : "",
             best != NULL ? best : "", best != NULL ? "?" : "");
    return invocation_usage(parser->invocation);
}

/* The value of an option: behind '=', the rest of a letter's word, or the next argument. */
static const char *next_value(struct parser *parser, const char *attached)
{
    if (attached != NULL)
        return attached;
    return parser->at + 1 < parser->argc ? parser->argv[++parser->at] : NULL;
}

static enum ctl_exit apply_option(struct parser *parser, const struct ctl_param *param,
                                  const struct global_option *global, const char *shown, const char *attached)
{
    bool is_switch = param != NULL ? param->type == CTL_SWITCH : global->value == NULL;
    bool optional = param == NULL && global->value != NULL && global->value[0] == '[';
    const char *value = is_switch || optional ? attached : next_value(parser, attached);
    if (is_switch && value != NULL) {
        complain("%s takes no value", shown);
        return invocation_usage(parser->invocation);
    }
    if (!is_switch && !optional && value == NULL) {
        parser->cursor.param = param;
        parser->cursor.global = param == NULL ? global : NULL;
        complain("%s needs a value", shown);
        return invocation_usage(parser->invocation);
    }
    if (param != NULL)
        return take(parser, param, value != NULL ? value : "");
    enum ctl_exit result = set_global(&parser->invocation->options, global, value);
    return result == CTL_EXIT_DONE ? result : invocation_usage(parser->invocation);
}

static enum ctl_exit take_long_option(struct parser *parser, const char *word)
{
    struct str name = str_from(word + 2);
    size_t equals = str_find(name, '=');
    const char *attached = equals == SIZE_MAX ? NULL : name.data + equals + 1;
    name.length = equals == SIZE_MAX ? name.length : equals;
    const struct ctl_param *param = option_find(parser->invocation->command, name, 0);
    const struct global_option *global = param != NULL ? NULL : option_find_global(name, 0);
    if (param == NULL && global == NULL)
        return unknown_option(parser, name);
    struct str shown = arena_printf(&parser->invocation->arena, "--" STR_FMT, STR_ARG(name));
    return apply_option(parser, param, global, shown.data != NULL ? shown.data : word, attached);
}

static enum ctl_exit take_letters(struct parser *parser, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        char shown[3] = {'-', *letter, '\0'};
        const struct ctl_param *param = option_find(parser->invocation->command, STR_NONE, *letter);
        const struct global_option *global = param != NULL ? NULL : option_find_global(STR_NONE, *letter);
        if (param == NULL && global == NULL) {
            complain("unknown option %s", shown);
            return invocation_usage(parser->invocation);
        }
        bool is_switch = param != NULL ? param->type == CTL_SWITCH : global->value == NULL;
        const char *attached = !is_switch && letter[1] != '\0' ? letter + 1 : NULL;
        enum ctl_exit result = apply_option(parser, param, global, shown, attached);
        if (result != CTL_EXIT_DONE || !is_switch)
            return result;
    }
    return CTL_EXIT_DONE;
}

static enum ctl_exit take_argument(struct parser *parser, const char *word)
{
    if (!parser->cursor.only_positionals && strcmp(word, "--") == 0) {
        parser->cursor.only_positionals = true;
        return CTL_EXIT_DONE;
    }
    if (parser->cursor.only_positionals || word[0] != '-' || word[1] == '\0')
        return take_word(parser, word);
    return word[1] == '-' ? take_long_option(parser, word) : take_letters(parser, word);
}

/* Help is for those who do not know the right words yet: nothing else on the line may stand in its way. */
static void look_for_help(struct invocation *invocation, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            invocation->options.help = true;
    }
    for (int i = 1; i < argc && invocation->options.help && invocation->command == NULL; i++) {
        if (argv[i][0] == '-')
            continue;
        if (invocation->noun == NULL && ctl_command_of_noun(argv[i]) != NULL) {
            invocation->noun = argv[i];
            invocation->command = ctl_command_by_words(argv[i], NULL);
        } else if (invocation->noun != NULL) {
            invocation->command = ctl_command_by_words(invocation->noun, argv[i]);
        }
    }
}

static void prepare(struct invocation *invocation)
{
    memset(invocation, 0, sizeof *invocation);
    arena_init(&invocation->arena, 0);
}

static enum ctl_exit read_words(struct parser *parser)
{
    for (; parser->at < parser->argc; parser->at++) {
        enum ctl_exit result = take_argument(parser, parser->argv[parser->at]);
        if (result != CTL_EXIT_DONE)
            return result;
    }
    return CTL_EXIT_DONE;
}

enum ctl_exit invocation_begin(struct invocation *invocation, int argc, char **argv, struct cursor *cursor)
{
    prepare(invocation);
    struct parser parser = {.invocation = invocation, .argv = argv, .argc = argc, .at = 1};
    enum ctl_exit result = read_words(&parser);
    *cursor = parser.cursor;
    return cursor->param != NULL || cursor->global != NULL ? CTL_EXIT_DONE : result;
}

/* `check`: looks at the parsed command before its parameters are built; may be NULL. */
static enum ctl_exit parse(struct invocation *invocation, int argc, char **argv, invocation_check *check)
{
    if (check == NULL)
        look_for_help(invocation, argc, argv);
    if (invocation->options.help)
        return CTL_EXIT_DONE;
    struct parser parser = {.invocation = invocation, .argv = argv, .argc = argc, .at = 1};
    enum ctl_exit result = read_words(&parser);
    if (result == CTL_EXIT_DONE && check != NULL)
        result = check(invocation);
    if (result != CTL_EXIT_DONE || invocation->options.version || invocation->command == NULL)
        return result;
    if (!invocation->options.timeout_given)
        invocation->options.timeout_ms =
            (invocation->command->flags & CTL_PATIENT) != 0 ? TIMEOUT_PATIENT_MS : TIMEOUT_DEFAULT_MS;
    result = params_build(invocation);
    return result == CTL_EXIT_DONE ? result : invocation_usage(invocation);
}

enum ctl_exit invocation_parse(struct invocation *invocation, int argc, char **argv)
{
    prepare(invocation);
    return parse(invocation, argc, argv, NULL);
}

enum ctl_exit invocation_parse_line(struct invocation *invocation, int argc, char **argv,
                                    const struct hubctl_options *options, invocation_check *check)
{
    prepare(invocation);
    invocation->options = *options;
    return parse(invocation, argc, argv, check);
}

void invocation_free(struct invocation *invocation)
{
    arena_wipe(&invocation->arena); /* a token may be among the params */
}

const char *invocation_text(const struct invocation *invocation, const char *name, size_t index)
{
    for (size_t i = 0; i < invocation->given_count; i++) {
        if (strcmp(invocation->given[i].param->name, name) == 0 && index-- == 0)
            return invocation->given[i].text;
    }
    return NULL;
}
