#include "hubd/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct options_row options_rows[] = {
    {"config", 'c', "FILE", OPTIONS_RUN, "settings file (default: /etc/hubd/hubd.conf if it exists)"},
    {"check", 0, NULL, OPTIONS_CHECK, "read the settings, say what is wrong, exit 0 or 78"},
    {"print-config", 0, NULL, OPTIONS_PRINT, "print the effective settings as a file"},
    {"foreground", 0, NULL, OPTIONS_RUN, "accepted for service files; hubd never goes to the background"},
    {"version", 'V', NULL, OPTIONS_VERSION, "print the version"},
    {"help", 'h', NULL, OPTIONS_HELP, "list the options and settings"},
};
/* clang-format on */
const size_t options_row_count = sizeof options_rows / sizeof options_rows[0];
#define ROWS     (sizeof options_rows / sizeof options_rows[0])
#define LONG_ROW 256 /* what getopt_long calls the first row: above every letter */
#define LETTERS  (2 * ROWS + 2)

/* Every setting is an option, so the table of settings is the table of options. NULL: no memory. */
static struct option *options_table(void)
{
    struct option *table = calloc(ROWS + conf_setting_count + 1, sizeof *table);
    if (table == NULL)
        return NULL;
    for (size_t i = 0; i < ROWS; i++)
        table[i] =
            (struct option){options_rows[i].name, options_rows[i].value != NULL, NULL, LONG_ROW + (int)i};
    for (size_t i = 0; i < conf_setting_count; i++)
        table[ROWS + i] = (struct option){conf_settings[i].name, required_argument, NULL, 0};
    return table;
}

/* getopt_long's letters: ":c:Vh". */
static void options_letters(char letters[LETTERS])
{
    size_t length = 0;
    letters[length++] = ':';
    for (size_t i = 0; i < ROWS; i++) {
        if (options_rows[i].letter != 0)
            letters[length++] = options_rows[i].letter;
        if (options_rows[i].letter != 0 && options_rows[i].value != NULL)
            letters[length++] = ':';
    }
    letters[length] = '\0';
}

/* The row that getopt_long found; NULL: none. */
static const struct options_row *options_find(int letter)
{
    for (size_t i = 0; i < ROWS; i++)
        if (letter == LONG_ROW + (int)i || (options_rows[i].letter != 0 && letter == options_rows[i].letter))
            return &options_rows[i];
    return NULL;
}

static void options_add_override(struct hubd_options *options, const char *name, const char *value)
{
    static char texts[OPTIONS_OVERRIDES_MAX][CONF_TEXT_MAX + 64];
    if (options->override_count == OPTIONS_OVERRIDES_MAX) {
        fprintf(stderr, "hubd: more than %d settings on the command line: put them into a file\n",
                OPTIONS_OVERRIDES_MAX);
        options->action = OPTIONS_WRONG;
        return;
    }
    char *text = texts[options->override_count];
    int length = snprintf(text, sizeof texts[0], "%s=%s", name, value);
    if (length < 0 || (size_t)length >= sizeof texts[0]) {
        fprintf(stderr, "hubd: --%s: longer than %d bytes\n", name, CONF_TEXT_MAX);
        options->action = OPTIONS_WRONG;
        return;
    }
    options->overrides[options->override_count++] = text;
}

/*
 * Passes an unknown setting on: it is reported with all other problems of the settings, and the nearest name.
 */
static void options_read_unknown(struct hubd_options *options, const char *text, int letter)
{
    const char *equals = strchr(text, '=');
    if (strncmp(text, "--", 2) == 0 && equals != NULL && options->override_count < OPTIONS_OVERRIDES_MAX) {
        options->overrides[options->override_count++] = text + 2;
        return;
    }
    fprintf(stderr,
            letter == ':' ? "hubd: %s needs a value, see hubd -h\n"
                          : "hubd: %s: no such option, see hubd -h\n",
            text);
    options->action = OPTIONS_WRONG;
}

/* The word that getopt_long has just read; a value may have stood behind it. */
static const char *options_word(char *const *argv)
{
    return optarg != NULL && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* Refuses abbreviated names, which getopt_long accepts: a setting that is added later could change their
 * meaning. */
static bool options_is_whole(const char *word, const char *name)
{
    return strncmp(word, "--", 2) == 0 && strcspn(word + 2, "=") == strlen(name);
}

void options_read(struct hubd_options *options, int argc, char **argv)
{
    struct option *table = options_table();
    char letters[LETTERS];
    int index = 0, letter;
    *options = (struct hubd_options){.action = table == NULL ? OPTIONS_WRONG : OPTIONS_RUN};
    if (table == NULL) {
        fprintf(stderr, "hubd: no memory\n");
        return;
    }
    options_letters(letters);
    opterr = 0;
    while (options->action != OPTIONS_WRONG &&
           (letter = getopt_long(argc, argv, letters, table, &index)) != -1) {
        const struct options_row *row = options_find(letter);
        bool is_long = letter == 0 || letter >= LONG_ROW;
        if (is_long && !options_is_whole(options_word(argv), table[index].name))
            options_read_unknown(options, options_word(argv), '?');
        else if (letter == 0)
            options_add_override(options, table[index].name, optarg);
        else if (row == NULL)
            options_read_unknown(options, argv[optind - 1], letter);
        else if (row->value != NULL)
            options->file = optarg;
        else if (row->action != OPTIONS_RUN)
            options->action = row->action;
    }
    if (options->action != OPTIONS_WRONG && optind < argc) {
        fprintf(stderr, "hubd: unexpected argument '%s': settings are written --NAME=VALUE, see hubd -h\n",
                argv[optind]);
        options->action = OPTIONS_WRONG;
    }
    free(table);
}

void options_print_help(void)
{
    printf("hubd - OCPI 2.2.1 roaming hub\n\n"
           "usage: hubd [-c FILE] [--check] [--print-config] [--foreground] [-V] [-h] [--SETTING=VALUE "
           "...]\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        const struct options_row *row = &options_rows[i];
        char label[32], letter[8] = "";
        if (row->letter != 0)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(label, sizeof label, "%s--%s%s%s", letter, row->name, row->value != NULL ? " " : "",
                 row->value != NULL ? row->value : "");
        printf("  %-17s  %s\n", label, row->help);
    }
    printf("\nsettings (file: name = value; environment: HUBD_NAME; later sources win: file, environment, "
           "command "
           "line):\n");
    for (size_t i = 0; i < conf_setting_count; i++)
        printf("  %-24s %s%s%s%s\n", conf_settings[i].name, conf_settings[i].help,
               conf_settings[i].fallback != NULL && conf_settings[i].fallback[0] != '\0' ? " [" : "",
               conf_settings[i].fallback != NULL ? conf_settings[i].fallback : "",
               conf_settings[i].fallback != NULL && conf_settings[i].fallback[0] != '\0' ? "]" : "");
}
