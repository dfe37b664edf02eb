#include "lib/ctl/table.h"

/* clang-format off */
static const char *const modules[] = {"authorize", "commands", "locations", NULL};

#define ID_HELP "the party, e.g. IN-ABC, or " CTL_DEFAULT ": every party without a limit of its own"
#define MODULE(text) \
    {.name = "MODULE", .key = "module", .type = CTL_CHOICE, .positional = true, .required = true, .choices = modules, .help = (text)}

const struct ctl_column ctl_limit_columns[] = {
    {"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "whose limit it is; \"default\": of every party without one of its own"},
    {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "what is limited: authorize, commands or locations (lists)"},
    {"rate", "RATE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "requests per s, min, h or d; 0: no limit"},
    {"source", "SOURCE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "\"own\", \"default\", or \"setting\": limit_MODULE in hubd's settings"},
    {.key = NULL}};

const struct ctl_command ctl_table_limit[] = {
    {"limit", "set", "limit.set", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "say how often a party may ask",
     "A party may use a whole period's requests at once; then they come back one by one. What is more is answered 429 with Retry-After. "
     "A party's own limit is stronger than the default, that one stronger than hubd's setting. Effective at once.", NULL,
     {"hubctl limit set IN-XYZ authorize 500/min", "hubctl limit set default locations 0"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY_OR_DEFAULT, ID_HELP),
            MODULE("authorize (both directions), commands, or locations (the list)"),
            POSITIONAL("RATE", "rate", CTL_RATE, "e.g. 100/min (s, min, h or d); 0: no limit")),
     CHANGE_COLUMNS},
    {"limit", "unset", "limit.unset", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "go back to the default's or the setting's limit", NULL, NULL,
     {"hubctl limit unset IN-XYZ authorize", "hubctl limit list"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY_OR_DEFAULT, ID_HELP), MODULE("the limit")),
     CHANGE_COLUMNS},
    {"limit", "list", "limit.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list the limits", "Without ID: the defaults, and the limits that parties have of their own. With ID: what holds for this party.", NULL,
     {"hubctl limit list", "hubctl limit list IN-XYZ --json=module,rate,source"},
     PARAMS(OPTIONAL("ID", "id", CTL_PARTY, "what holds for this party")),
     ctl_limit_columns},
    {.noun = NULL}};
/* clang-format on */
