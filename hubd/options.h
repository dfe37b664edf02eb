#ifndef HUBD_OPTIONS_H
#define HUBD_OPTIONS_H

#include "lib/conf/conf.h"

/* hubd does not start: its settings, key file, database or addresses are wrong (sysexits.h: EX_CONFIG). */
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

/* hubd's own options; each setting is one besides. For help and the man page. */
struct options_row {
    const char *name;
    char letter;       /* short option, 0: none */
    const char *value; /* NULL: it takes none */
    enum options_action action;
    const char *help;
};
extern const struct options_row options_rows[];
extern const size_t options_row_count;

/* Reads argv; OPTIONS_WRONG after saying on stderr what is wrong. */
void options_read(struct hubd_options *options, int argc, char **argv);
/* The usage text, with a line per setting, on stdout. */
void options_print_help(void);

#endif
