#ifndef HUBCTL_OPTIONS_H
#define HUBCTL_OPTIONS_H

#include "lib/base/arena.h"
#include "lib/ctl/commands.h"
#include "lib/ctl/protocol.h"

/*
 * The command line, parsed by the command table. Options may stand anywhere behind the noun and verb they
 * belong to; no abbreviations, so that a script written today means the same tomorrow.
 */
enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct hubctl_options {
    const char *socket; /* NULL: HUBCTL_SOCKET or hubd's defaults */
    bool json;
    const char *json_fields; /* comma separated; NULL: all */
    const char *field;
    bool quiet;
    enum color color;
    int64_t timeout_ms; /* 0: none */
    bool timeout_given;
    bool no_pager, utc, help, version;
};

#define GIVEN_MAX 256

/* One argument with the parameter it belongs to. */
struct given {
    const struct ctl_param *param;
    const char *text; /* switches: "" */
};

/* What was asked for. Texts are argv's or the arena's. */
struct invocation {
    struct arena arena;
    struct hubctl_options options;
    const char *noun;                  /* as written, NULL when there was no word */
    const struct ctl_command *command; /* NULL: none */
    struct given given[GIVEN_MAX];
    size_t given_count;
    struct str params; /* the request's, a JSON object */
};

/* What may follow the last word of a command line. */
struct cursor {
    const struct ctl_param *param;      /* the option that waits for its value */
    const struct global_option *global; /* the same, of a global one */
    size_t positionals;                 /* so many are given */
    bool only_positionals;              /* after -- */
};

/* CTL_EXIT_DONE, or CTL_EXIT_USAGE after complaining. With -h and -V nothing else is checked. */
enum ctl_exit invocation_parse(struct invocation *invocation, int argc, char **argv);
/*
 * The beginning of a command line, for completion: reads argv[1] … argv[argc - 1] into `invocation` (its
 * params stay empty, nothing is checked for being complete, no file is read) and says where they end.
 * CTL_EXIT_USAGE after complaining: they are no such beginning.
 */
enum ctl_exit invocation_begin(struct invocation *invocation, int argc, char **argv, struct cursor *cursor);
/* Looks at a parsed command line before its parameters are built; complains unless CTL_EXIT_DONE. */
typedef enum ctl_exit invocation_check(const struct invocation *invocation);
/* A line of a batch: the same with options to begin with; `check` says what may stand there. */
enum ctl_exit invocation_parse_line(struct invocation *invocation, int argc, char **argv,
                                    const struct hubctl_options *options, invocation_check *check);
/* Hints at the help of what was understood of the command line. Returns CTL_EXIT_USAGE. */
enum ctl_exit invocation_usage(const struct invocation *invocation);
void invocation_free(struct invocation *invocation);
/* The text of a parameter by name, NULL when it was not given; `index`: of a repeated one. */
const char *invocation_text(const struct invocation *invocation, const char *name, size_t index);

/* What a global option's value is, for completion. */
enum global_value {
    GLOBAL_FREE,
    GLOBAL_FILE,
    GLOBAL_CHOICE, /* one of `choices` */
    GLOBAL_FIELD,  /* a field of the command's answer */
    GLOBAL_FIELDS  /* several, comma separated */
};

/* One global option, for help and completion. */
struct global_option {
    const char *name;
    char letter;
    const char *value; /* NULL: a switch; "[=…]" forms begin with '[' */
    const char *help;
    enum global_value kind;
    const char *const *choices; /* NULL-terminated */
};
extern const struct global_option global_options[]; /* ends with name NULL */

/* The option of that name, or of that letter when it is not 0; NULL when there is none. */
const struct ctl_param *option_find(const struct ctl_command *command, struct str name, char letter);
const struct global_option *option_find_global(struct str name, char letter);
/* Where the positional argument belongs that has `count` of them before it; NULL: there may be none. */
const struct ctl_param *option_positional(const struct ctl_command *command, size_t count);

#endif
