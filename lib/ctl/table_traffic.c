#include "lib/ctl/table.h"

/* clang-format off */
static const char *const delivery_states[] = {"pending", "held", "dead", "delivered", "superseded", "all", NULL};
static const char *const replayed[] = {"sessions", "cdrs", NULL};
static const char *const kinds[] = {"location", "tariff", "session", "cdr", NULL};

#define SINCE_HELP "from this time on: RFC 3339, 2026-01-31, today, or 2h for two hours ago"
#define SINCE \
    {.name = "since", .key = "since", .type = CTL_TIME, .required = true, .help = SINCE_HELP}

#define DELIVERY_COLUMNS \
    {"id", "ID", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "its number"}, \
    {"state", "STATE", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "pending, delivered, held, dead or superseded"}, \
    {"reason", "REASON", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "why it is held"}, \
    {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the OCPI module"}, \
    {"object", "OBJECT", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the object's id"}, \
    {"from", "FROM", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "the sending party"}, \
    {"to", "TO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the receiving party"}, \
    {"attempts", "TRIES", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "tries made"}, \
    {"next_attempt", "NEXT TRY", CTL_COLUMN_CLOCK, CTL_SEEN_WIDE, NULL, "when it is tried again; null: at once or never"}, \
    {"created", "CREATED", CTL_COLUMN_CLOCK, CTL_SEEN_WIDE, NULL, "when it was taken on"}, \
    {"last_error", "LAST ERROR", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what the last try failed with"}

#define DELIVERY_COUNT {"count", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "how many deliveries"}

static const struct ctl_column try_columns[] = {
    {"time", "TIME", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it ended"},
    {"http", "HTTP", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "the HTTP status; null: no answer came"},
    {"status", "STATUS", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "the OCPI status_code; null: the answer had none"},
    {"latency_ms", "MS", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how long it took, milliseconds"},
    {"error", "ERROR", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what went wrong"},
    {.key = NULL}};

static const struct ctl_column replay_columns[] = {
    {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "sessions or cdrs"},
    {"queued", "QUEUED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "to be sent again"},
    {"held", "HELD", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "held: rule, receiver URL or party is missing"},
    {"waiting", "WAITING", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "on their way already"},
    {.key = NULL}};

#define COMMAND_COLUMNS \
    {"id", "ID", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "its number"}, \
    {"command", "COMMAND", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "START_SESSION, STOP_SESSION …"}, \
    {"emsp", "EMSP", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "who asked"}, \
    {"cpo", "CPO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "who was asked"}, \
    {"state", "STATE", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "sent, accepted or ended"}, \
    {"result", "RESULT", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "the last CommandResponse or CommandResult"}, \
    {"created", "CREATED", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it came"}, \
    {"expires", "EXPIRES", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it ends as TIMEOUT without a result"}

const struct ctl_command ctl_table_traffic[] = {
    {"audit", "tail", "audit.tail", CTL_ACCESS_READ, CTL_STREAMS, CTL_OUTPUT_STREAM,
     "show what happened, oldest first; with -f as it happens",
     "Every row has a cursor. --cursor goes on behind it; --cursor-file reads it from a file and keeps the file up to date after "
     "what was printed, so that a script that is stopped and started misses nothing. -f survives a restart of hubd.", NULL,
     {"hubctl audit tail -f --party IN-ABC", "hubctl audit tail --since 2h --action 'token.*' --json"},
     PARAMS({.name = "follow", .key = "follow", .type = CTL_SWITCH, .letter = 'f', .help = "wait for more, until Ctrl-C"},
            {.name = "lines", .key = "last", .type = CTL_NUMBER, .letter = 'n', .value = "N",
             .help = "the last N rows; default 20, or all with --since or --cursor"},
            OPTION("since", "since", CTL_TIME, SINCE_HELP),
            OPTION("until", "until", CTL_TIME, "before this time"),
            OPTION("party", "party", CTL_PARTY, "rows about, from or to this party"),
            {.name = "action", .key = "action", .type = CTL_TEXT, .value = "A",
             .help = "this action, e.g. party.add; a * at the end stands for any rest"},
            {.name = "actor", .key = "actor", .type = CTL_TEXT, .value = "U", .help = "rows whose actor contains this"},
            {.name = "cursor", .key = "cursor", .type = CTL_TEXT, .value = "C", .help = "rows behind this cursor"},
            {.name = "cursor-file", .type = CTL_FILE, .help = "go on behind the cursor in this file and keep it there"}),
     COLUMNS({"time", "TIME", CTL_COLUMN_CLOCK, CTL_SEEN_ALWAYS, NULL, "when"},
             {"actor", "ACTOR", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "who: a user of this machine, a party or the hub"},
             {"action", "ACTION", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "what"},
             {"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "whom it is about"},
             {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "the OCPI module"},
             {"method", "METHOD", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "the HTTP method"},
             {"from", "FROM", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "the sending party"},
             {"to", "TO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the receiving party"},
             {"object", "OBJECT", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the object's id"},
             {"status", "STATUS", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "ok, an OCPI status code, stale, held …; of an authorization or command its result: ALLOWED, BLOCKED, ACCEPTED, REJECTED …"},
             {"latency_ms", "MS", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "how long it took, milliseconds"},
             {"request_id", "REQUEST", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "X-Request-ID"},
             {"correlation_id", "CORRELATION", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "X-Correlation-ID"},
             {"cursor", "CURSOR", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "where to go on: opaque"},
             {"note", "NOTE", CTL_COLUMN_TEXT, CTL_SEEN_WIDE, NULL, "why it ended so: what the caller was told, or what went wrong"},
             {"detail", "DETAIL", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "object: before and after, findings, refused (pointer, rule and message of each), message or reason, forward …; no secrets"})},
    {"audit", "verify", "audit.verify", CTL_ACCESS_READ, CTL_STREAMS | CTL_CHECK, CTL_OUTPUT_CARD,
     "prove that no row of the audit was changed or removed",
     "Exit 6 when a row does not verify. What retention took away has left sealed records that close the chain: a row that is missing "
     "without one is found. A database that was put back to an older state is whole in itself: --head, a head that was written down "
     "elsewhere (hubd logs one an hour), finds that too.", NULL,
     {"hubctl audit verify", "hubctl audit verify --field head"},
     PARAMS(OPTION("head", "head", CTL_TEXT, "an earlier head, ROW:HEAD or HEAD alone: it must be in the trail")),
     COLUMNS({"ok", "OK", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "true when every row verifies"},
             {"rows", "ROWS", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "rows checked"},
             {"pruned", "PRUNED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "rows that retention has taken away, with a proof in their place"},
             {"head", "HEAD", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the chain's value at the last row, as hubd logs it"},
             {"bad_row", "BAD ROW", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "number of the first row that does not verify"},
             {"problem", "PROBLEM", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what is wrong with it"})},

    {"trace", NULL, "trace", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "show one exchange across eMSP, hub and CPO as a time line",
     "ID: a correlation id (a message's, or that of a command's callback), the request id of a message that was refused, the id of a "
     "session, CDR or another object, or a command's number. Each line is one leg, to the hub or from it, with when it began and how long it took; a delivery's failed tries and what "
     "still waits are lines too.", NULL,
     {"hubctl trace 7f4c5f0e-8f6b-4c55-9f0a-1b2c3d4e5f60", "hubctl trace SES-2026-0001 --json=offset_ms,from,to,action,status"},
     PARAMS(POSITIONAL("ID", "id", CTL_TEXT, "what to look for")),
     COLUMNS({"time", "TIME", CTL_COLUMN_CLOCK, CTL_SEEN_WIDE, NULL, "when it began"},
             {"offset_ms", "AFTER", CTL_COLUMN_OFFSET, CTL_SEEN_ALWAYS, NULL, "how long after the first line, milliseconds"},
             {"from", "FROM", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "who sent it, or which user did it"},
             {"to", "TO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "whom it was sent to"},
             {"method", "METHOD", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "the HTTP method"},
             {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "the OCPI module"},
             {"action", "ACTION", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "what it was, as in the audit; delivery.try: a try that failed"},
             {"object", "OBJECT", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "the object's id"},
             {"status", "STATUS", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "how it ended: an OCPI status code, a result such as ALLOWED or REJECTED, an HTTP status, held …"},
             {"latency_ms", "MS", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how long it took, milliseconds"},
             {"note", "NOTE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what else is to be said: why it was refused, the command's number, an error, when it is tried again"},
             {"request_id", "REQUEST", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "X-Request-ID of this leg"},
             {"correlation_id", "CORRELATION", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "X-Correlation-ID"},
             {"detail", "DETAIL", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "object: the audit row's"})},

    {"delivery", "list", "delivery.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list messages that wait for a partner", "The oldest first. Without --state: pending, held and dead ones.", NULL,
     {"hubctl delivery list", "hubctl delivery list --state dead --party IN-XYZ --json=id,last_error"},
     PARAMS({.name = "state", .key = "state", .type = CTL_CHOICE, .choices = delivery_states,
             .help = "pending, held, dead, delivered, superseded or all"},
            OPTION("party", "party", CTL_PARTY, "only those from or to this party"), PAGING),
     COLUMNS(DELIVERY_COLUMNS)},
    {"delivery", "show", "delivery.show", CTL_ACCESS_READ, 0, CTL_OUTPUT_CARD,
     "show one delivery with each of its tries and its body",
     "Of many tries the first 3 and the last 17 are kept; TRIES counts those since it was taken on, or tried anew by hand.", NULL,
     {"hubctl delivery show 42", "hubctl delivery show 42 --field body"},
     PARAMS(POSITIONAL("N", "id", CTL_NUMBER, "its number")),
     COLUMNS(DELIVERY_COLUMNS,
             {"method", "METHOD", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the HTTP method"},
             {"url", "URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "where it goes, when not the module's receiver"},
             {"correlation_id", "CORRELATION", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "X-Correlation-ID"},
             {"done", "DONE", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it ended"},
             {"evse", "EVSE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "of a location only this EVSE"},
             {"receipt", "RECEIPT", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the Location that the receiver answered"},
             {"body", "BODY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what is sent; of a DELETE what it takes back"},
             {"tries", "EACH TRY", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, try_columns, "array of objects: its tries, oldest first"})},
    {"delivery", "retry", "delivery.retry", CTL_ACCESS_ADMIN, CTL_STREAMS, CTL_OUTPUT_CHANGE,
     "try again now",
     "One delivery in any state but delivered, or all dead and pending ones of a party or of everybody. Interrupted it stops; what is "
     "done by then stays done, and running it again is safe.", NULL,
     {"hubctl delivery retry 42", "hubctl delivery retry --party IN-XYZ"},
     PARAMS({.name = "N", .key = "id", .type = CTL_NUMBER, .positional = true, .one_of = 'a', .help = "its number"},
            {.name = "party", .key = "party", .type = CTL_PARTY, .one_of = 'a', .help = "all that are for this party"},
            {.name = "all", .key = "all", .type = CTL_SWITCH, .one_of = 'a', .help = "all"}),
     COLUMNS(CHANGE_FIELDS, DELIVERY_COUNT)},
    {"delivery", "drop", "delivery.drop", CTL_ACCESS_ADMIN, CTL_DANGEROUS, CTL_OUTPUT_CHANGE,
     "give up a delivery", "It is not sent any more and leaves the lists, for good.",
     "gives the message up: the partner will not get it",
     {"hubctl delivery drop 42 --confirm=42", "hubctl delivery show 42"},
     PARAMS(POSITIONAL("N", "id", CTL_NUMBER, "its number"), CONFIRM("N")),
     COLUMNS(CHANGE_FIELDS, DELIVERY_COUNT)},
    {"delivery", "replay", "delivery.replay", CTL_ACCESS_ADMIN, CTL_STREAMS, CTL_OUTPUT_CHANGE,
     "send an eMSP the sessions and CDRs of a period again",
     "From what the hub holds: each session and CDR of that eMSP whose last_updated, or arrival, lies in the period, judged by the "
     "rules as they are now. What has not arrived goes on: held ones are released if they may go, dead ones tried anew, waiting ones "
     "are left alone and nothing is queued twice. The rest is sent once more, sessions in their present state. "
     "Interrupted it stops, and running it again is safe: what has arrived by then goes once more.", NULL,
     {"hubctl delivery replay IN-XYZ --since 2h --dry-run", "hubctl delivery replay IN-XYZ --since yesterday --cpo IN-ABC --module cdrs"},
     PARAMS(POSITIONAL("EMSP", "emsp", CTL_PARTY, "who is to get it again"),
            SINCE,
            OPTION("until", "until", CTL_TIME, "before this time; default now"),
            OPTION("cpo", "cpo", CTL_PARTY, "only what this CPO sent"),
            {.name = "module", .key = "module", .type = CTL_CHOICE, .choices = replayed, .help = "only sessions, or only CDRs"},
            OPTION("dry-run", "dry_run", CTL_SWITCH, "only count, change nothing")),
     COLUMNS({"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the eMSP"},
             {"change", "CHANGE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "replayed, unchanged or counted"},
             {"queued", "QUEUED", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "deliveries that are sent"},
             {"held", "HELD", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "deliveries that are held"},
             {"waiting", "WAITING", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "deliveries that were on their way already"},
             {"modules", "MODULES", CTL_COLUMN_SECTION, CTL_SEEN_JSON, replay_columns, "array of objects: the counts per module"},
             {"message", "MESSAGE", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "the line for people"},
             {"hints", "HINTS", CTL_COLUMN_LIST, CTL_SEEN_JSON, NULL, "what to do next"})},
    {"delivery", "receipts", "delivery.receipts", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list when each CDR came, when it was delivered, and who acknowledged it",
     "A row for each delivery of a CDR that was taken on in the period; a CDR that was replayed has several.", NULL,
     {"hubctl delivery receipts --since 2026-01-01 --until 2026-02-01", "hubctl delivery receipts --since 7d --party IN-XYZ --json=cdr,delivered,location"},
     PARAMS(SINCE,
            OPTION("until", "until", CTL_TIME, "before this time"),
            OPTION("party", "party", CTL_PARTY, "only CDRs from or to this party"), PAGING),
     COLUMNS({"cdr", "CDR", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "its id"},
             {"from", "FROM", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the CPO"},
             {"to", "TO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the eMSP"},
             {"state", "STATE", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "pending, delivered, held, dead or superseded"},
             {"received", "RECEIVED", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when the hub had it from the CPO, durably"},
             {"delivered", "DELIVERED", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when the eMSP acknowledged it"},
             {"acknowledged_by", "ACKNOWLEDGED BY", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "who acknowledged it"},
             {"location", "LOCATION", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the Location that the eMSP answered"},
             {"attempts", "TRIES", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "tries made"},
             {"latency_ms", "MS", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "from received to delivered, milliseconds"},
             {"reason", "REASON", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "why it is held, or dead"},
             {"session", "SESSION", CTL_COLUMN_ID, CTL_SEEN_PIPED, NULL, "the session that the CDR names"},
             {"delivery", "DELIVERY", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "the delivery's number"})},
    {"delivery", "reconcile", "delivery.reconcile", CTL_ACCESS_READ, CTL_CHECK, CTL_OUTPUT_LIST,
     "list what is open of a month: sessions without CDR, CDRs that were not acknowledged or were refused",
     "Sessions that are COMPLETED and named by no CDR of their CPO; CDRs that are pending, held or dead; CDRs that came with other "
     "content under an id that was there already. The month is one of UTC. Exit 6 when there is a row.", NULL,
     {"hubctl delivery reconcile --month 2026-01", "hubctl delivery reconcile --month 2026-01 --party IN-ABC --json"},
     PARAMS({.name = "month", .key = "month", .type = CTL_MONTH, .required = true, .help = "the month, in UTC"},
            OPTION("party", "party", CTL_PARTY, "only what is from or to this party"), PAGING),
     COLUMNS({"problem", "PROBLEM", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "session without CDR, CDR not acknowledged, or CDR refused"},
             {"from", "FROM", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the CPO"},
             {"to", "TO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the eMSP"},
             {"session", "SESSION", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the session's id, in upper case"},
             {"cdr", "CDR", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the CDR's id"},
             {"since", "SINCE", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "the session's last_updated; when the CDR came; when it was refused"},
             {"detail", "DETAIL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "where it stands"},
             {"delivery", "DELIVERY", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "the delivery's number, for `hubctl delivery show`"})},

    {"command", "list", "command.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list remote commands, newest first", NULL, NULL,
     {"hubctl command list --limit 20", "hubctl command list --limit 100 --json=id,command,result"},
     PARAMS(PAGING),
     COLUMNS(COMMAND_COLUMNS)},
    {"command", "show", "command.show", CTL_ACCESS_READ, 0, CTL_OUTPUT_CARD,
     "show one remote command", NULL, NULL,
     {"hubctl command show 7", "hubctl command show 7 --field result"},
     PARAMS(POSITIONAL("ID", "id", CTL_NUMBER, "its number in `hubctl command list`")),
     COLUMNS(COMMAND_COLUMNS,
             {"object", "OBJECT", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the session, location or reservation"},
             {"response_url", "RESPONSE URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "where the eMSP wants its result, without query"},
             {"correlation_id", "CORRELATION", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "X-Correlation-ID"},
             {"result_body", "RESULT BODY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the CommandResult as received"})},

    {"object", "list", "object.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list what the hub holds of a kind, oldest first", NULL, NULL,
     {"hubctl object list location --party IN-ABC", "hubctl object list session --since 2h --json=party,id,status"},
     PARAMS({.name = "MODULE", .key = "module", .type = CTL_CHOICE, .positional = true, .required = true, .choices = kinds,
             .help = "location, tariff, session or cdr"},
            OPTION("party", "party", CTL_PARTY, "only objects of this CPO"),
            OPTION("since", "since", CTL_TIME, "only what changed since then"),
            {.name = "id", .key = "id", .type = CTL_TEXT, .value = "X", .help = "only objects with this id, whoever owns them"},
            PAGING),
     COLUMNS({"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_JSON, NULL, "location, tariff, session or cdr"},
             {"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "its owner"},
             {"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "its id, in upper case"},
             {"emsp", "EMSP", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "sessions and CDRs: the party of cdr_token"},
             {"status", "STATUS", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "sessions: their status"},
             {"last_updated", "UPDATED", CTL_COLUMN_CLOCK, CTL_SEEN_ALWAYS, NULL, "as its owner says"},
             {"bytes", "BYTES", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "size as served"})},
    {"object", "show", "object.show", CTL_ACCESS_READ, 0, CTL_OUTPUT_BODY,
     "print one object as the hub received it", "--json and --field choose members of the object.", NULL,
     {"hubctl object show location IN-ABC LOC1", "hubctl object show cdr IN-ABC CDR-2026-0001 --field total_cost"},
     PARAMS({.name = "MODULE", .key = "module", .type = CTL_CHOICE, .positional = true, .required = true, .choices = kinds,
             .help = "location, tariff, session or cdr"},
            POSITIONAL("ID", "id", CTL_PARTY, "its owner"), POSITIONAL("OBJECT", "object", CTL_TEXT, "its id")),
     COLUMNS({"body", "BODY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the object's bytes"})},

    {"quality", NULL, "quality", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list what partners' objects break of OCPI's tables, and what was refused for it",
     "A row per party, module, field and rule, for good: how often, and the id of the last object. Fields that OCPI does not know "
     "have the rule `unknown`; a field `*` stands for all beyond the first few. `party set ID --validation strict` refuses such "
     "objects (for unknown fields never). What was refused for another reason than a table has the rule json, forbidden (another "
     "party's, or not by that role), not_found, too_large or invalid. Counts are at most a second old.", NULL,
     {"hubctl quality IN-ABC", "hubctl quality --json=party,module,field,rule,count,last_example"},
     PARAMS(OPTIONAL("ID", "id", CTL_PARTY, "only this party's objects"), PAGING),
     COLUMNS({"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "who sent the objects"},
             {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the OCPI module"},
             {"object", "OBJECT", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "OCPI's table: Location, EVSE, Connector …"},
             {"field", "FIELD", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the field in that table"},
             {"rule", "RULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "missing, empty, length, enum, datetime, character, url, integer, duplicate, format, range or unknown; or why it was refused"},
             {"count", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how often"},
             {"first", "FIRST", CTL_COLUMN_TIME, CTL_SEEN_PIPED, NULL, "when it came for the first time"},
             {"last", "LAST", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it came last"},
             {"last_example", "LAST EXAMPLE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "id of the object that was the last to break it"},
             {"refused", "REFUSED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many of COUNT were in bodies that were refused for it"})},
    {.noun = NULL}};
/* clang-format on */
