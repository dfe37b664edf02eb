#ifndef LIB_CTL_TABLE_H
#define LIB_CTL_TABLE_H

#include "lib/ctl/commands.h"

/* The groups of rows that commands.c joins to the one table, and the macros that write them. Each group ends
 * with noun NULL. */

extern const struct ctl_command ctl_table_party[];   /* party token receiver rule */
extern const struct ctl_command ctl_table_limit[];   /* limit */
extern const struct ctl_command ctl_table_traffic[]; /* audit trace delivery command object quality */
extern const struct ctl_command ctl_table_declare[]; /* export diff apply batch */
/* status stats conf backup log version rpc completion help */
extern const struct ctl_command ctl_table_hub[];

/* Ends with method NULL. */
extern const struct ctl_digest ctl_digests[];

/* The columns of a limit, for the party's card too. */
extern const struct ctl_column ctl_limit_columns[];

#define PARAMS(...)                                                                                          \
    (const struct ctl_param[])                                                                               \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            .name = NULL                                                                                     \
        }                                                                                                    \
    }
#define COLUMNS(...)                                                                                         \
    (const struct ctl_column[])                                                                              \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            .key = NULL                                                                                      \
        }                                                                                                    \
    }

#define POSITIONAL(label, json, kind, text)                                                                  \
    {                                                                                                        \
        .name = (label), .key = (json), .type = (kind), .positional = true, .required = true, .help = (text) \
    }
#define OPTIONAL(label, json, kind, text)                                                                    \
    {                                                                                                        \
        .name = (label), .key = (json), .type = (kind), .positional = true, .help = (text)                   \
    }
#define OPTION(label, json, kind, text)                                                                      \
    {                                                                                                        \
        .name = (label), .key = (json), .type = (kind), .help = (text)                                       \
    }
#define CONFIRM(word)                                                                                        \
    {                                                                                                        \
        .name = "confirm", .type = CTL_TEXT, .value = (word),                                                \
        .help = "say yes in a script: repeat the " word                                                      \
    }
#define PAGING                                                                                               \
    {.name = "limit", .key = "limit", .type = CTL_NUMBER, .help = "at most so many rows"},                   \
    {                                                                                                        \
        .name = "after", .key = "after", .type = CTL_TEXT, .hidden = true,                                   \
        .help = "the page behind this one"                                                                   \
    }

/* The answer of every change; of a few it is only the beginning. */
#define CHANGE_FIELDS                                                                                        \
    {"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "what was changed"},                                  \
        {"change", "CHANGE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what was done, or \"unchanged\""},     \
        {"message", "MESSAGE", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "the line for people"},                 \
    {                                                                                                        \
        "hints", "HINTS", CTL_COLUMN_LIST, CTL_SEEN_JSON, NULL, "what to do next"                            \
    }
#define CHANGE_COLUMNS COLUMNS(CHANGE_FIELDS)

#endif
