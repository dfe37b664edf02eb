#include "hubd/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options_fixed[] = {
    {"check", no_argument, NULL, 'k'},      {"print-config", no_argument, NULL, 'p'},
    {"foreground", no_argument, NULL, 'f'}, {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},       {"config", required_argument, NULL, 'c'},
};
#define FIXED (sizeof options_fixed / sizeof options_fixed[0])

/* Every setting is an option, so the table of settings is the table of options. */
static struct option *options_table(void)
{
    struct option *table = calloc(FIXED + conf_setting_count + 1, sizeof *table);
    if (table == NULL)
        abort();
    for (size_t i = 0; i < FIXED; i++)
        table[i] = options_fixed[i];
    for (size_t i = 0; i < conf_setting_count; i++)
        table[FIXED + i] = (struct option){conf_settings[i].name, required_argument, NULL, 0};
    return table;
}

static void options_add_override(struct options *options, const char *name, const char *value)
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

/* A setting that does not exist is reported with all other problems of the settings, with the nearest name.
 */
static void options_read_unknown(struct options *options, const char *text, int letter)
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

void options_read(struct options *options, int argc, char **argv)
{
    struct option *table = options_table();
    int index = 0, letter;
    *options = (struct options){.action = OPTIONS_RUN};
    opterr = 0;
    while (options->action != OPTIONS_WRONG &&
           (letter = getopt_long(argc, argv, ":c:Vh", table, &index)) != -1) {
        switch (letter) {
        case 0:
            options_add_override(options, table[index].name, optarg);
            break;
        case 'c':
            options->file = optarg;
            break;
        case 'k':
            options->action = OPTIONS_CHECK;
            break;
        case 'p':
            options->action = OPTIONS_PRINT;
            break;
        case 'f': /* hubd never goes to the background; service files may say so */
            break;
        case 'V':
            options->action = OPTIONS_VERSION;
            break;
        case 'h':
            options->action = OPTIONS_HELP;
            break;
        default:
            options_read_unknown(options, argv[optind - 1], letter);
        }
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
    printf(
        "hubd - OCPI 2.2.1 roaming hub\n\n"
        "usage: hubd [-c FILE] [--check] [--print-config] [--foreground] [-V] [-h] [--SETTING=VALUE ...]\n\n"
        "  -c, --config FILE  settings file (default: /etc/hubd/hubd.conf if it exists)\n"
        "  --check            read the settings, say what is wrong, exit 0 or 78\n"
        "  --print-config     print the effective settings as a file\n"
        "  --foreground       accepted for service files; hubd never goes to the background\n"
        "  -V, --version      print the version\n"
        "  -h, --help         this text\n\n"
        "settings (file: name = value; environment: HUBD_NAME; later sources win: file, environment, command "
        "line):\n");
    for (size_t i = 0; i < conf_setting_count; i++)
        printf("  %-24s %s%s%s%s\n", conf_settings[i].name, conf_settings[i].help,
               conf_settings[i].fallback != NULL && conf_settings[i].fallback[0] != '\0' ? " [" : "",
               conf_settings[i].fallback != NULL ? conf_settings[i].fallback : "",
               conf_settings[i].fallback != NULL && conf_settings[i].fallback[0] != '\0' ? "]" : "");
}
