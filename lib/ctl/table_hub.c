#include "lib/ctl/table.h"

/* clang-format off */
static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

static const struct ctl_column attention_columns[] = {
    {"what", "NEEDS ATTENTION", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what is wrong"},
    {"hint", "TRY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the command that tells more"},
    {"code", "CODE", CTL_COLUMN_ID, CTL_SEEN_JSON, NULL, "push_refused: sessions or CDRs that were refused in the last 7 days and did not come rightly since; else null"},
    {"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_JSON, NULL, "whom it is about, where there is a code"},
    {"count", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "how many, where there is a code"},
    {"since", "SINCE", CTL_COLUMN_TIME, CTL_SEEN_JSON, NULL, "when it began, where there is a code"},
    {.key = NULL}};
static const struct ctl_column count_columns[] = {
    {"name", "NAME", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "of what"},
    {"count", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many"},
    {.key = NULL}};
static const struct ctl_column traffic_columns[] = {
    {"module", "TRAFFIC", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the OCPI module of partners' requests; deliveries: all that is sent from the hub's queues"},
    {"minutes", "15 MINUTES", CTL_COLUMN_BARS, CTL_SEEN_ALWAYS, NULL, "array of numbers: requests in each of the last 15 minutes, oldest first"},
    {"requests", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many that are"},
    {"failed", "FAILED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many of them failed"},
    {"p95_ms", "P95 MS", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "95 % took no longer, milliseconds"},
    {.key = NULL}};
static const struct ctl_column queue_columns[] = {
    {"receiver", "QUEUE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the receiving party"},
    {"pending", "WAIT", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "messages to be sent"},
    {"held", "HELD", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "messages held"},
    {"dead", "DEAD", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "messages given up"},
    {"oldest_pending", "OLDEST", CTL_COLUMN_AGE, CTL_SEEN_ALWAYS, NULL, "when the oldest pending one was taken on"},
    {"circuit", "CIRCUIT", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "closed; open: the receiver is at fault, nothing is sent; half-open: one message finds out"},
    {"retry_at", "TRIED AGAIN", CTL_COLUMN_AGE, CTL_SEEN_WIDE, NULL, "when an open circuit lets a message through"},
    {.key = NULL}};

const struct ctl_command ctl_table_hub[] = {
    {"status", NULL, "status", CTL_ACCESS_READ, 0, CTL_OUTPUT_CARD,
     "show how the hub is doing, what needs attention first",
     "One screen: what needs attention with the command that tells more; parties by status; the traffic of the last 15 minutes, a bar "
     "for each minute, with what failed of it; queues with something in them, the worst first. On a terminal long parts are cut: "
     "--json has all of it.", NULL,
     {"hubctl status", "hubctl status --field degraded"},
     NULL,
     COLUMNS({"attention", "ATTENTION", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, attention_columns, "what needs attention, the worst first"},
             {"parties", "PARTIES", CTL_COLUMN_COUNTS, CTL_SEEN_ALWAYS, count_columns, "parties by status"},
             {"objects", "OBJECTS", CTL_COLUMN_COUNTS, CTL_SEEN_ALWAYS, count_columns, "what the hub holds"},
             {"traffic", "TRAFFIC", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, traffic_columns, "what went over the hub in the last 15 minutes, by module; `hubctl stats` has more"},
             {"queues", "QUEUES", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, queue_columns, "deliveries by receiver, the worst first"},
             {"version", "HUBD", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "hubd's version"},
             {"started", "UP FOR", CTL_COLUMN_AGE, CTL_SEEN_ALWAYS, NULL, "when hubd was started"},
             {"uptime_s", "UPTIME (S)", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "seconds since then"},
             {"degraded", "DEGRADED", CTL_COLUMN_STATUS, CTL_SEEN_PIPED, NULL, "true while the store cannot keep up or fails to write"},
             {"base_url", "BASE URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what partners call"},
             {"audit_rows", "AUDIT ROWS", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "rows of the audit"},
             {"audit_head", "AUDIT HEAD", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "number of the newest row"},
             {"database_bytes", "DATABASE", CTL_COLUMN_BYTES, CTL_SEEN_ALWAYS, NULL, "size of the database, bytes"},
             {"wal_bytes", "WAL BYTES", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "size of its write-ahead log, bytes"})},
    {"stats", NULL, "stats", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "show how much goes over the hub, by module",
     "A row per module and direction, those without traffic too: `in` are requests of partners, `out` tries of deliveries to them. "
     "Failed is what was answered with HTTP 400 or more or an OCPI status_code of 2000 or more; of a delivery every try but the one "
     "that its receiver took. Rates are requests in a minute, on average of the last 1, 5 and 15. Everything begins anew when hubd is "
     "started.", NULL,
     {"hubctl stats", "hubctl stats --json=direction,module,requests,failed,p95_ms"},
     NULL,
     COLUMNS({"direction", "WAY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "\"in\": requests of partners; \"out\": tries of deliveries to partners"},
             {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the OCPI module; others: modules that the hub only relays, paths that it does not have, and what is no HTTP"},
             {"requests", "TOTAL", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many since hubd was started"},
             {"failed", "FAILED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many of them failed"},
             {"per_minute_1", "1 MIN", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "in the last minute"},
             {"per_minute_5", "5 MIN", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "in a minute, on average of the last 5"},
             {"per_minute_15", "15 MIN", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "in a minute, on average of the last 15"},
             {"p50_ms", "P50 MS", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "half of the last 15 minutes' took no longer, milliseconds, within 25 %; null: there was none"},
             {"p95_ms", "P95 MS", CTL_COLUMN_NUMBER, CTL_SEEN_WIDE, NULL, "95 % took no longer"},
             {"failed_15", "FAILED IN 15 MIN", CTL_COLUMN_NUMBER, CTL_SEEN_PIPED, NULL, "how many failed in the last 15 minutes"},
             {"minutes", "MINUTES", CTL_COLUMN_BARS, CTL_SEEN_PIPED, NULL, "array of numbers: how many in each of the last 15 minutes, oldest first"})},
    {"conf", "show", "conf.show", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "show hubd's settings as they are in effect", NULL, NULL,
     {"hubctl conf show", "hubctl conf show base_url --field value"},
     PARAMS(OPTIONAL("NAME", "name", CTL_TEXT, "only this setting")),
     COLUMNS({"name", "SETTING", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "its name"},
             {"value", "VALUE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "in effect"},
             {"default", "DEFAULT", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "built in; null: computed"},
             {"reload", "RELOAD", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "true when SIGHUP applies a change, else a restart does"},
             {"help", "MEANING", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "what it does"})},
    {"backup", NULL, "backup", CTL_ACCESS_ADMIN, CTL_STREAMS, CTL_OUTPUT_CHANGE,
     "write a copy of all that the hub holds into a new file, while it goes on",
     "hubd makes the file itself, as its own user and readable by nobody else: everything of one moment, the audit and the partners' "
     "sealed tokens too. hub.key (key_file), which unseals them and proves the audit, is not in it: keep a copy of it, and of hubd.conf, "
     "in another place. A file that exists is never overwritten; what is interrupted leaves none. To restore: stop hubd; in state_dir "
     "remove hub.db-wal and hub.db-shm and put the backup in place of hub.db, owned by hubd's user, mode 0600; have the key_file it was "
     "made with; start hubd; `hubctl audit verify` and `hubctl status` must be content. What the hub took on after the backup is not in "
     "it: partners must push that again, credentials exchanged since then be exchanged anew; what it delivered since then goes out once "
     "more.", NULL,
     {"hubctl backup hub-$(date +%F).db", "hubctl backup before-upgrade.db --json"},
     PARAMS(POSITIONAL("FILE", "file", CTL_FILE, "a new file on hubd's machine; from the current directory when it does not begin with /")),
     COLUMNS({"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the file, with its whole path"},
             {"change", "CHANGE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "written"},
             {"bytes", "BYTES", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "its size"},
             {"message", "MESSAGE", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "the line for people"},
             {"hints", "HINTS", CTL_COLUMN_LIST, CTL_SEEN_JSON, NULL, "what to do next"})},
    {"log", "level", "log.level", CTL_ACCESS_ADMIN, CTL_SHOWS, CTL_OUTPUT_CHANGE,
     "show or change how much hubd logs, until it is restarted", NULL, NULL,
     {"hubctl log level", "hubctl log level debug"},
     PARAMS({.name = "LEVEL", .key = "level", .type = CTL_CHOICE, .positional = true, .choices = levels,
             .help = "error, warn, info or debug"}),
     CHANGE_COLUMNS},
    {"version", NULL, "version", CTL_ACCESS_READ, 0, CTL_OUTPUT_CARD,
     "show the versions of hubctl and of the hubd it speaks to", NULL, NULL,
     {"hubctl version", "hubctl version --field hubd"},
     NULL,
     COLUMNS({"hubctl", "HUBCTL", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "this program"},
             {"hubd", "HUBD", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the daemon"},
             {"protocol", "PROTOCOL", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "of the admin socket"},
             {"ocpi", "OCPI", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "spoken with partners"})},
    {"rpc", NULL, "rpc", CTL_ACCESS_READ, CTL_LOCAL, CTL_OUTPUT_TEXT,
     "call a method of hubd and print its answer",
     "`hubctl rpc rpc.discover` lists the methods with their parameters. A JSON of - is read from stdin.", NULL,
     {"hubctl rpc rpc.discover", "hubctl rpc party.show '{\"id\":\"IN-ABC\"}'"},
     PARAMS(POSITIONAL("METHOD", NULL, CTL_TEXT, "the method's name"),
            OPTIONAL("JSON", NULL, CTL_JSON, "its parameters, an object")),
     NULL},
    {"completion", NULL, "completion", CTL_ACCESS_READ, CTL_LOCAL, CTL_OUTPUT_TEXT,
     "print the completion script for a shell",
     "Where hubctl is installed, bash (with the package bash-completion), zsh and fish find their scripts by themselves. Else: "
     "`source <(hubctl completion bash)` in ~/.bashrc; `source <(hubctl completion zsh)` in ~/.zshrc, behind compinit; "
     "`hubctl completion fish | source` in config.fish.", NULL,
     {"hubctl completion bash", "hubctl completion zsh > _hubctl"},
     PARAMS({.name = "SHELL", .key = "shell", .type = CTL_CHOICE, .positional = true, .required = true, .choices = shells,
             .help = "bash, zsh or fish"}),
     NULL},
    {"help", NULL, "help", CTL_ACCESS_READ, CTL_LOCAL, CTL_OUTPUT_TEXT,
     "explain a command or a topic", "Topics: exit-codes, environment, formatting, scripting.", NULL,
     {"hubctl help scripting", "hubctl help party add"},
     PARAMS({.name = "TOPIC", .type = CTL_TEXT, .positional = true, .repeatable = true, .help = "a topic, or the words of a command"}),
     NULL},
    {.noun = NULL}};

const struct ctl_digest ctl_digests[] = {
    {"status", "attention", "nothing", 6, "hubctl --json status"},
    {"status", "traffic", "none in the last 15 minutes", 12, "hubctl stats"},
    {"status", "queues", "nothing waits", 5, "hubctl delivery list"},
    {.method = NULL}};
/* clang-format on */
