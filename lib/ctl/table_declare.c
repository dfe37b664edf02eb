#include "lib/ctl/table.h"

/* clang-format off */
#define DOCUMENT \
    {.name = "file", .key = "document", .type = CTL_JSON_FILE, .letter = 'f', .required = true, \
     .help = "the document, as `hubctl export` writes it; `-`: stdin"}
#define PRUNE(text) \
    {.name = "prune", .key = "prune", .type = CTL_SWITCH, .help = (text)}

static const struct ctl_column diff_columns[] = {
    {"change", "CHANGE", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "\"added\", \"changed\" or \"removed\""},
    {"kind", "KIND", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "\"party\", \"receiver\", \"rule\" or \"limit\""},
    {"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "of what: \"IN-ABC\", \"IN-XYZ sessions\", \"IN-XYZ IN-ABC\", \"default authorize\""},
    {"field", "FIELD", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the member of the document that differs; null: all of a party"},
    {"before", "BEFORE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what the hub has; null: nothing"},
    {"after", "AFTER", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what the document says; null: nothing"},
    {"dry_run", "DRY RUN", CTL_COLUMN_STATUS, CTL_SEEN_JSON, NULL, "true when nothing was changed: diff and --dry-run"},
    {.key = NULL}};

const struct ctl_command ctl_table_declare[] = {
    {"export", NULL, "export", CTL_ACCESS_READ, 0, CTL_OUTPUT_BODY,
     "print parties, receivers, rules and limits as one JSON document",
     "The document is for `diff` and `apply`: to be edited, kept under version control, or carried to another hub. It holds "
     "what the account team has set, no tokens and nothing that discovery found. The same hub gives the same bytes. "
     "`revision` says what the document was taken from: `apply` refuses to undo what others have changed since. Without "
     "that member it applies as it is.", NULL,
     {"hubctl export", "hubctl export --field revision"},
     NULL,
     COLUMNS({"body", "BODY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the document: schema, revision, parties, receivers, rules, limits"})},
    {"diff", NULL, "diff", CTL_ACCESS_READ, CTL_CHECK, CTL_OUTPUT_DIFF,
     "show what `apply` of a document would change; exit 6 when there is anything",
     "Nothing is changed. A document with mistakes is refused as `apply` refuses it.", NULL,
     {"hubctl export | hubctl diff -f -", "hubctl export | hubctl diff --prune -f -"},
     PARAMS(DOCUMENT, PRUNE("as `apply --prune` would")),
     diff_columns},
    {"apply", NULL, "apply", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_DIFF,
     "make parties, receivers, rules and limits what a document says, all or nothing",
     "Only what differs is changed, in one transaction; the same again is `no changes`, also after exit 5. What the document "
     "does not name stays, a member that a party does not have stays as it is, and null or \"\" empties it. With mistakes in "
     "the document all of them are told, each with its place (/parties/3/name), and nothing is changed. A party keeps its "
     "platform, its roles only become more, and it is never removed by this: that is `party remove`.", NULL,
     {"hubctl export | hubctl apply -f -", "hubctl export | hubctl apply --dry-run -f -"},
     PARAMS(DOCUMENT,
            PRUNE("take away receivers, rules and limits that the document does not name; of lists that it does not have, none; parties never"),
            OPTION("dry-run", "dry_run", CTL_SWITCH, "let hubd do all of it but keep nothing, and show what would change")),
     diff_columns},
    {"batch", NULL, "batch", CTL_ACCESS_READ, CTL_LOCAL, CTL_OUTPUT_TEXT,
     "run hubctl commands from a file, one per line",
     "Each line is a command without the word hubctl, with words quoted as in a shell (nothing is expanded); # begins a comment. "
     "Options before `batch` hold for all lines. All lines are read first, at most 16 MiB of them: with a mistake in any, "
     "none is run, and files that lines name must be there. Then they run in order and stop at the first error with its "
     "exit code; --keep-going runs the rest too and ends with the first error's. Lines that were run stay done: for all or "
     "nothing there is `apply`. A line cannot read stdin, and a dangerous one needs its --confirm.", NULL,
     {"echo 'party list' | hubctl batch -f -", "hubctl party list -q | sed 's/^/party show /' | hubctl batch -f -"},
     PARAMS({.name = "file", .type = CTL_FILE, .letter = 'f', .required = true, .help = "the commands; `-`: stdin"},
            {.name = "keep-going", .type = CTL_SWITCH, .help = "go on behind an error"}),
     NULL},
    {.noun = NULL}};
/* clang-format on */
