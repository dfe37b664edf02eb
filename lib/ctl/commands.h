#ifndef LIB_CTL_COMMANDS_H
#define LIB_CTL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

/*
 * The command table: one row for each admin method of hubd, which is also a command of hubctl. hubd checks
 * parameters by it before a handler runs and answers rpc.discover from it. hubctl parses its command line,
 * writes its help and prints answers by it. Everything is static and immutable.
 *
 * A new command is a row here, a handler in hubd/admin, its line in METHODS (hubd/admin/internal.h) and two
 * examples; help, completion, man page and the checks of its answers come from the row (tests/README.md).
 */

enum ctl_access {
    CTL_ACCESS_READ, /* viewer_group may */
    CTL_ACCESS_ADMIN /* root, hubd's user, admin_group */
};

#define CTL_DEFAULT "default"

enum ctl_type {
    CTL_TEXT,
    CTL_PARTY,            /* IN-ABC and its other spellings, with an optional ":CPO" */
    CTL_PARTY_OR_DEFAULT, /* the same, or the word CTL_DEFAULT: all others */
    CTL_NUMBER,           /* JSON number, 0 or greater */
    CTL_SWITCH,           /* option without value; JSON true */
    CTL_DURATION,         /* "10s" */
    CTL_RATE,             /* "100/min", "0" */
    CTL_TIME,             /* RFC 3339 in UTC; hubctl also takes "2h", "yesterday" … */
    CTL_MONTH,            /* "2026-01", in UTC */
    CTL_CHOICE,           /* one of `choices` */
    CTL_FILE,        /* a path: hubctl's own; with a `key` one that hubd writes, sent as an absolute one */
    CTL_SECRET_FILE, /* a path on hubctl's side, "-" for stdin: the token in it is sent and shown nowhere */
    CTL_JSON,        /* an object, written as JSON */
    CTL_JSON_FILE    /* a path on hubctl's side, "-" for stdin: the JSON object in it is sent */
};

struct ctl_param {
    const char *name; /* positional: as usage shows it ("ID"); option: long name without dashes */
    const char *key;  /* member of the request's params; NULL: hubctl keeps it to itself */
    enum ctl_type type;
    char letter; /* short option, 0: none */
    bool positional, required, repeatable;
    bool hidden;       /* not in usage and help: for hubctl's paging */
    char one_of;       /* parameters with the same letter here: exactly one of them must be given. 0: free */
    const char *value; /* an option's value in usage ("URL"); NULL: the type's own word */
    const char *const *choices; /* NULL-terminated */
    bool open; /* other words than the choices are allowed, unless they look like a misspelt choice */
    const char *misspelt; /* if open: key of the switch that allows those too; "": they are always allowed */
    const char *help;
};

/* How a value is shown. */
enum ctl_kind {
    CTL_COLUMN_TEXT,   /* may be cut on a narrow terminal, last resort */
    CTL_COLUMN_ID,     /* never cut */
    CTL_COLUMN_STATUS, /* never cut; coloured where colour is on */
    CTL_COLUMN_NUMBER, /* right */
    CTL_COLUMN_OFFSET, /* milliseconds behind the first row: "+12 ms"; a bare number in pipes */
    CTL_COLUMN_TIME,   /* local time on a terminal, RFC 3339 UTC elsewhere */
    CTL_COLUMN_CLOCK,  /* the same without the date when that is today's */
    CTL_COLUMN_AGE,    /* a time, on a terminal how long ago ("3 min") or ahead ("in 3 min") */
    CTL_COLUMN_BYTES,  /* a number, on a terminal "12.4 MB" */
    CTL_COLUMN_BARS,   /* array of numbers, on a terminal a small bar each; comma separated in pipes */
    CTL_COLUMN_HINT,   /* a command that helps: printed once, below a terminal's table */
    CTL_COLUMN_LIST,   /* array of words, comma separated */
    CTL_COLUMN_COUNTS, /* cards only: array of {name, count}: a line on a terminal, in pipes a section */
    CTL_COLUMN_SECTION /* cards only: array of objects, with columns of its own */
};

/* Where a column is shown. Every column is a key of --json and --field. */
enum ctl_seen {
    CTL_SEEN_ALWAYS, /* table and TSV */
    CTL_SEEN_WIDE,   /* TSV; a table that is too wide goes without, the last one first */
    CTL_SEEN_PIPED,  /* TSV only: would make a terminal's table too wide, or its card too long */
    CTL_SEEN_JSON    /* neither */
};

struct ctl_column {
    const char *key;     /* JSON key */
    const char *heading; /* terminal heading or label */
    enum ctl_kind kind;
    enum ctl_seen seen;
    const struct ctl_column *section; /* CTL_COLUMN_SECTION, CTL_COLUMN_COUNTS */
    const char *help;                 /* one sentence for the man page */
};

/* The form of an answer, and so how hubctl prints it. */
enum ctl_output {
    CTL_OUTPUT_CHANGE, /* {"id":…,"change":"added","message":"party IN-ABC added","hints":[…]} : one line */
    CTL_OUTPUT_LIST, /* {"rows":[…],"next":…,"message":…}: table; `next` (absent: the end) is the parameter
                        `after` of the next page; `message`, if any, for people when there is no row at all */
    CTL_OUTPUT_CARD,   /* one object: label and value per line */
    CTL_OUTPUT_STREAM, /* notifications with one row each */
    CTL_OUTPUT_TOKEN,  /* a secret, alone on stdout */
    CTL_OUTPUT_MATRIX, /* {"rows":[{"emsp":…,"rules":{cpo:state}}],"cpos":[…],"next":…}, in pages as a list */
    CTL_OUTPUT_REPORT, /* a card with `checks`, each {"check","result","detail","remedy",…}: a line each, and
                          what helps below it */
    CTL_OUTPUT_BODY,   /* `body`: bytes to print as they are */
    CTL_OUTPUT_DIFF, /* {"rows":[…],"message":…,"hints":[…]}: what differs, one line each, then `message` */
    CTL_OUTPUT_TEXT /* made by hubctl itself */
};

enum ctl_flag {
    CTL_STREAMS = 1,   /* answers with notifications */
    CTL_SECRET = 2,    /* its answer holds a secret: buffers are wiped */
    CTL_DANGEROUS = 4, /* asks on a terminal, needs --confirm=<first positional> elsewhere */
    CTL_LOCAL = 8,     /* no method of hubd */
    CTL_CHECK = 16,    /* "ok":false in the answer, or any row of a list, is exit 6 */
    CTL_TOKENS = 32,   /* tokens pass through it: the memory of its request is wiped */
    CTL_PATIENT = 64,  /* it calls partners: hubctl waits longer when --timeout does not say */
    CTL_SHOWS = 128    /* without any parameter it only reads, whatever its access */
};

struct ctl_command {
    const char *noun, *verb; /* verb NULL: the noun is the whole command */
    const char *method;      /* "noun.verb" or "noun" */
    enum ctl_access access;
    unsigned flags; /* enum ctl_flag */
    enum ctl_output output;
    const char *purpose; /* one line, lower case, no full stop */
    const char *details; /* paragraphs for -h; may be NULL */
    const char *danger;  /* CTL_DANGEROUS: what will happen, after "this " */
    const char *examples[2];
    const struct ctl_param *params;   /* ends with name NULL */
    const struct ctl_column *columns; /* ends with key NULL */
};

/*
 * A section that must not fill a terminal's card: it has no title, at most `at_most` rows, and the word `empty`
 * when there is no row.
 */
struct ctl_digest {
    const char *method, *key; /* of the command, of its column */
    const char *empty;
    unsigned at_most;
    const char *more; /* the command that shows all rows */
};
/* NULL: the section is shown as it is. */
const struct ctl_digest *ctl_digest_of(const struct ctl_command *command, const struct ctl_column *column);

/* Rows in the order of help: index 0 … ctl_command_count() - 1. */
size_t ctl_command_count(void);
const struct ctl_command *ctl_command_at(size_t index);
/* By method; NULL when there is none. */
const struct ctl_command *ctl_command_by_method(struct str method);
/* By words; `verb` NULL for commands of one word. NULL when there is none. */
const struct ctl_command *ctl_command_by_words(const char *noun, const char *verb);
/* The first row of a noun, NULL when there is none. */
const struct ctl_command *ctl_command_of_noun(const char *noun);
/* What a noun is about, one line; NULL when there is no such noun. */
const char *ctl_noun_purpose(const char *noun);
/* "party add", or the noun alone. Returns `out`. */
#define CTL_WORDS_SIZE 48
const char *ctl_command_words(const struct ctl_command *command, char out[CTL_WORDS_SIZE]);
/* The field that names a row of the answer, which -q prints. The command must have columns. */
const char *ctl_id_key(const struct ctl_command *command);
/* The parameter of that JSON key, NULL. */
const struct ctl_param *ctl_param_by_key(const struct ctl_command *command, struct str key);
/* The word for a parameter's value in usage: "ID", "DURATION", "CPO|EMSP". Static text of the table, choices
 * aside (NULL then). */
const char *ctl_param_word(const struct ctl_param *param);
/* What rpc.discover and the man pages call a parameter's type ("party"), a field's kind ("time") and the form
 * of an answer ("list"). */
const char *ctl_type_name(enum ctl_type type);
const char *ctl_kind_name(enum ctl_kind kind);
const char *ctl_output_name(enum ctl_output output);
/* 1 to 40 letters, digits, '-', '_' and ':', as a ModuleID is written. */
bool ctl_is_word(struct str word);
/* Whether `word` is one of the parameter's choices (always true without choices). */
bool ctl_param_allows(const struct ctl_param *param, struct str word);

#endif
