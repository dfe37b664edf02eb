#include "lib/ctl/table.h"

/* clang-format off */
static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

static const struct ctl_column attention_columns[] = {
    {"what", "NEEDS ATTENTION", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what is wrong"},
    {"hint", "TRY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the command that tells more"},
    {.key = NULL}};
static const struct ctl_column count_columns[] = {
    {"name", "NAME", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "of what"},
    {"count", "COUNT", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "how many"},
    {.key = NULL}};
static const struct ctl_column queue_columns[] = {
    {"receiver", "RECEIVER", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the receiving party"},
    {"pending", "PENDING", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "messages to be sent"},
    {"held", "HELD", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "messages held"},
    {"dead", "DEAD", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "messages given up"},
    {"oldest_pending", "OLDEST", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when the oldest pending one was taken on"},
    {"circuit", "CIRCUIT", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "closed; open: the receiver is at fault, nothing is sent; half-open: one message finds out"},
    {"retry_at", "TRIED AGAIN", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when an open circuit lets a message through"},
    {.key = NULL}};

const struct ctl_command ctl_table_hub[] = {
    {"status", NULL, "status", CTL_ACCESS_READ, 0, CTL_OUTPUT_CARD,
     "show how the hub is doing, what needs attention first", NULL, NULL,
     {"hubctl status", "hubctl status --field degraded"},
     NULL,
     COLUMNS({"attention", "ATTENTION", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, attention_columns, "what needs attention"},
             {"version", "VERSION", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "hubd's version"},
             {"started", "STARTED", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when hubd was started"},
             {"uptime_s", "UPTIME (S)", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "seconds since then"},
             {"degraded", "DEGRADED", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "true while the store cannot keep up or fails to write"},
             {"base_url", "BASE URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what partners call"},
             {"parties", "PARTIES", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, count_columns, "parties by status"},
             {"objects", "OBJECTS", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, count_columns, "what the hub holds"},
             {"queues", "QUEUES", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, queue_columns, "deliveries by receiver"},
             {"audit_rows", "AUDIT ROWS", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "rows of the audit"},
             {"audit_head", "AUDIT HEAD", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "number of the newest row"},
             {"database_bytes", "DATABASE BYTES", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "size of the database"},
             {"wal_bytes", "WAL BYTES", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "size of its write-ahead log"})},
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
    {"log", "level", "log.level", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
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
/* clang-format on */
