#include <string.h>

#include "hubctl/help.h"

static const char exit_codes[] =
    "Exit codes of hubctl\n"
    "\n"
    "  0  done\n"
    "  1  refused by hubd: not found, conflict, invalid; or the output could not be written\n"
    "  2  usage: the command line is wrong, nothing was sent\n"
    "  3  hubd is not reachable\n"
    "  4  not permitted: this user may not\n"
    "  5  timed out or cut off: it is not known whether it was done (hubctl audit tail tells)\n"
    "  6  differences, or failed checks\n"
    "\n"
    "A closed pipe (hubctl … | head) and Ctrl-C end hubctl by their signal, as they end every tool.\n";

static const char environment[] =
    "Environment of hubctl\n"
    "\n"
    "  HUBCTL_SOCKET    hubd's admin socket; --socket is stronger\n"
    "  XDG_RUNTIME_DIR  without either: $XDG_RUNTIME_DIR/hubd/admin.sock if it exists, else "
    "/run/hubd/admin.sock\n"
    "  NO_COLOR         no colour when it is not empty; --color=always is stronger\n"
    "  TERM             no colour for dumb\n"
    "  HUBCTL_PAGER     program for long output on a terminal, else PAGER, else less; empty or cat: none\n"
    "  TZ               time zone of times on a terminal and of dates without a zone\n"
    "  COLUMNS, LINES   size of the terminal, where it does not tell itself\n";

static const char formatting[] =
    "Forms of output\n"
    "\n"
    "  On a terminal    aligned tables and cards with headings, local times with offset, colour where it "
    "means\n"
    "                   something; columns in which nothing stands are left out\n"
    "  In a pipe        tab separated, no heading, RFC 3339 times in UTC, nothing cut, columns in fixed "
    "order; tab,\n"
    "                   line break and backslash in a value as \\t, \\n, \\\\. A card: one line per field, "
    "name TAB value\n"
    "  --json           one object per line for lists and streams, else one object; fields are only ever "
    "added\n"
    "  --json=id,name   only these fields; `hubctl NOUN VERB -h` lists them, --json= too\n"
    "  --field NAME     the bare value of one field, one line per object\n"
    "  -q               only ids\n"
    "\n"
    "A change prints one line: `party IN-ABC added`. Errors and hints go to stderr.\n";

static const char scripting[] =
    "hubctl in scripts\n"
    "\n"
    "Look at the exit code (hubctl help exit-codes), not at the text. 5 means that the outcome is unknown: "
    "the same\n"
    "command again is safe, `party add`, `receiver set` and `rule enable` of what is there are `unchanged`.\n"
    "\n"
    "  hubctl party list --status OFFLINE -q | while read id; do …; done\n"
    "  hubctl party show IN-ABC --field status\n"
    "  hubctl delivery list --state dead --json | jq -r .last_error\n"
    "  hubctl token issue IN-ABC --out abc.token      # the secret never passes the screen\n"
    "  hubctl audit tail -f --json --cursor-file audit.cursor | ship   # misses nothing over restarts\n"
    "  hubctl party list --role EMSP -q | sed 's/.*/rule enable & IN-ABC/' | hubctl batch -f -\n"
    "  hubctl export > hub.json; hubctl diff -f hub.json; hubctl apply -f hub.json\n"
    "\n"
    "`apply` is all or nothing and `batch` stops at the first error, but has parsed all lines before it runs "
    "one.\n"
    "Dangerous commands ask on a terminal only; a script repeats the id: `party remove IN-ABC "
    "--confirm=IN-ABC`.\n"
    "Secrets are never taken from arguments, but from files or stdin. Every call ends after --timeout at "
    "the\n"
    "latest: 10s, 150s where hubd calls a partner (party connect, token rotate, receiver discover).\n";

const char *const help_topics[] = {"exit-codes", "environment", "formatting", "scripting", NULL};

const char *help_topic(const char *name)
{
    static const char *const texts[] = {exit_codes, environment, formatting, scripting};
    for (size_t i = 0; help_topics[i] != NULL; i++) {
        if (strcmp(help_topics[i], name) == 0)
            return texts[i];
    }
    return NULL;
}
