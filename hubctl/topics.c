#include <string.h>

#include "hubctl/help.h"

/* The text of each topic, in parts. help.c prints them, man/ makes sections of hubctl(1) from them. */

static const struct help_part exit_codes[] = {
    {HELP_TITLE, NULL, "Exit codes of hubctl"},
    {HELP_ENTRY, "0", "done"},
    {HELP_ENTRY, "1", "refused by hubd: not found, conflict, invalid; or the output could not be written"},
    {HELP_ENTRY, "2", "usage: the command line is wrong, nothing was sent"},
    {HELP_ENTRY, "3", "hubd is not reachable"},
    {HELP_ENTRY, "4", "not permitted: this user may not"},
    {HELP_ENTRY, "5",
     "timed out or cut off: it is not known whether it was done (`hubctl audit tail` tells)"},
    {HELP_ENTRY, "6", "differences, or failed checks"},
    {HELP_PARAGRAPH, NULL,
     "A closed pipe (`hubctl … | head`) and Ctrl-C end hubctl by their signal, as they end every tool."},
    {.kind = HELP_END},
};

static const struct help_part environment[] = {
    {HELP_TITLE, NULL, "Environment of hubctl"},
    {HELP_ENTRY, "HUBCTL_SOCKET", "hubd's admin socket; --socket is stronger"},
    {HELP_ENTRY, "XDG_RUNTIME_DIR",
     "without either: $XDG_RUNTIME_DIR/hubd/admin.sock, without a folder of one's own there "
     "$XDG_STATE_HOME/hubd/admin.sock (else in ~/.local/state/hubd), if it exists, else "
     "/run/hubd/admin.sock; "
     "for root /run/hubd/admin.sock"},
    {HELP_ENTRY, "NO_COLOR", "no colour when it is not empty; --color=always is stronger"},
    {HELP_ENTRY, "TERM", "no colour and no pager for dumb"},
    {HELP_ENTRY, "HUBCTL_PAGER",
     "program for long output on a terminal, else PAGER, else less; empty or cat: none"},
    {HELP_ENTRY, "TZ", "time zone of times on a terminal and of dates without a zone"},
    {HELP_ENTRY, "COLUMNS, LINES", "size of the terminal, where it does not tell itself"},
    {.kind = HELP_END},
};

static const struct help_part formatting[] = {
    {HELP_TITLE, NULL, "Forms of output"},
    {HELP_ENTRY, "On a terminal",
     "aligned tables and cards with headings, local times with offset, colour where it means something; "
     "columns in which nothing stands are left out. A narrow terminal gets fewer columns, long texts end "
     "with …, and at last each row is a record, a line per value"},
    {HELP_ENTRY, "In a pipe",
     "tab separated, no heading, RFC 3339 times in UTC, nothing cut, columns in fixed order; tab, line "
     "break and backslash in a value as \\t, \\n, \\\\. A card: one line per field, name TAB value"},
    {HELP_ENTRY, "--json",
     "one object per line for lists and streams, else one object; every field that is documented is "
     "there, null where there is nothing to say; fields are only ever added"},
    {HELP_ENTRY, "--json=id,name", "only these fields; `hubctl NOUN VERB -h` lists them, --json= too"},
    {HELP_ENTRY, "--field NAME", "the bare value of one field, one line per object"},
    {HELP_ENTRY, "-q", "only ids"},
    {HELP_PARAGRAPH, NULL, "A change prints one line: `party IN-ABC added`. Errors and hints go to stderr."},
    {.kind = HELP_END},
};

static const struct help_part scripting[] = {
    {HELP_TITLE, NULL, "hubctl in scripts"},
    {HELP_PARAGRAPH, NULL,
     "Look at the exit code (`hubctl help exit-codes`), not at the text. 5 means that the outcome is "
     "unknown: the same command again is safe, `party add`, `receiver set` and `rule enable` of what "
     "is there are `unchanged`."},
    {HELP_EXAMPLE, NULL, "hubctl party list --status OFFLINE -q | while read -r id; do …; done"},
    {HELP_EXAMPLE, NULL, "hubctl party show IN-ABC --field status"},
    {HELP_EXAMPLE, NULL, "hubctl delivery list --state dead --json | jq -r .last_error"},
    {HELP_EXAMPLE, NULL,
     "hubctl delivery list --party IN-ABC --state pending --limit 1   # what waits longest"},
    {HELP_EXAMPLE, NULL,
     "hubctl token issue IN-ABC --out abc.token      # the secret never passes the screen"},
    {HELP_EXAMPLE, NULL,
     "hubctl audit tail -f --json --cursor-file audit.cursor | ship   # misses nothing over restarts"},
    {HELP_EXAMPLE, NULL,
     "hubctl party list --role EMSP -q | sed 's/.*/rule enable & IN-ABC/' | hubctl batch -f -"},
    {HELP_EXAMPLE, NULL, "hubctl export > hub.json; hubctl diff -f hub.json; hubctl apply -f hub.json"},
    {HELP_EXAMPLE, NULL,
     "hubctl diff -f hub.json || [ $? = 6 ]   # under set -e: differences are no failure"},
    {HELP_PARAGRAPH, NULL,
     "`apply` is all or nothing; `batch` stops at the first error, but has parsed all lines before it runs "
     "one. Export again after an apply: the revision in the document is what a later apply compares with."},
    {HELP_PARAGRAPH, NULL,
     "`hubctl … | head -1` ends hubctl by SIGPIPE, which `set -o pipefail` takes for a failure (141): "
     "`--limit 1` where there is one, or all rows, do not."},
    {HELP_PARAGRAPH, NULL,
     "Dangerous commands ask on a terminal only; a script repeats the id: "
     "`hubctl party remove IN-ABC --confirm=IN-ABC`. Secrets are never taken from arguments, but from "
     "files or stdin. Every call ends after --timeout at the latest: 10s, 150s where hubd calls a "
     "partner (party connect, party check, token rotate, receiver discover)."},
    {.kind = HELP_END},
};

const char *const help_topics[] = {"exit-codes", "environment", "formatting", "scripting", NULL};

const struct help_part *help_topic(const char *name)
{
    static const struct help_part *const topics[] = {exit_codes, environment, formatting, scripting};
    for (size_t i = 0; help_topics[i] != NULL; i++) {
        if (strcmp(help_topics[i], name) == 0)
            return topics[i];
    }
    return NULL;
}
