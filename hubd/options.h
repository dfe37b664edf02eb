#ifndef HUBD_OPTIONS_H
#define HUBD_OPTIONS_H

#include "lib/conf/conf.h"

/* Exit code when hubd cannot start: settings, key file, database or addresses are wrong (sysexits.h:
 * EX_CONFIG). */
#define EXIT_CONFIG 78

/* hubd's command line (hubd(8), DESCRIPTION): [-c FILE] [--check] [--print-config] [--foreground] [-V] [-h]
 * [--SETTING=VALUE …]. */
enum options_action {
    OPTIONS_RUN,
    OPTIONS_CHECK,
    OPTIONS_PRINT,
    OPTIONS_VERSION,
    OPTIONS_HELP,
    OPTIONS_WRONG
};

#define OPTIONS_OVERRIDES_MAX 128

struct hubd_options {
    enum options_action action;
    const char *file;                             /* -c, or NULL */
    const char *overrides[OPTIONS_OVERRIDES_MAX]; /* "name=value", views of argv */
    size_t override_count;
};

/* hubd's options but for the settings, each of which is an option too. For -h and the man page. */
struct options_row {
    const char *name;
    char letter;       /* short option, 0: none */
    const char *value; /* name of its argument; NULL: it takes none */
    enum options_action action;
    const char *help;
};
extern const struct options_row options_rows[];
extern const size_t options_row_count;

/* Reads argv. When it is wrong, writes why to stderr and sets `action` to OPTIONS_WRONG. */
void options_read(struct hubd_options *options, int argc, char **argv);
/* Writes the usage text, with a line per setting, to stdout. */
void options_print_help(void);

#endif
