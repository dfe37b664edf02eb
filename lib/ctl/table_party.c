#include "lib/ctl/table.h"

/* clang-format off */
static const char *const roles[] = {"CPO", "EMSP", "NAP", "NSP", "SCSP", "OTHER", NULL};
static const char *const statuses[] = {"PLANNED", "CONNECTED", "OFFLINE", "SUSPENDED", NULL};
static const char *const encodings[] = {"auto", "base64", "raw", NULL};
static const char *const senders[] = {"party", "hub", NULL};
static const char *const validations[] = {"tolerant", "strict", "default", NULL};
static const char *const modules[] = {"cdrs", "cdrs:sender", "chargingprofiles", "chargingprofiles:sender", "commands",
                                      "credentials", "hubclientinfo", "locations", "locations:sender", "sessions",
                                      "sessions:sender", "tariffs", "tariffs:sender", "tokens", "tokens:sender",
                                      "versions", NULL};

static const char *const explained[] = {"locations", "tariffs", "tokens", "commands", "chargingprofiles", "sessions", "cdrs", NULL};

#define ID_HELP "the party, e.g. IN-ABC (IN*ABC, IN/ABC, INABC are read too); with two roles on two platforms IN-ABC:CPO"

static const struct ctl_column token_columns[] = {
    {"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "a party of the platform that the token is for"},
    {"kind", "KIND", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "\"initial\" for the exchange, \"hub\" after it"},
    {"fingerprint", "FINGERPRINT", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "eight hex digits; the token itself is not kept"},
    {"created", "CREATED", CTL_COLUMN_AGE, CTL_SEEN_ALWAYS, NULL, "when it was issued"},
    {"expires", "EXPIRES", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it ends; null: never"},
    {"used", "USED", CTL_COLUMN_AGE, CTL_SEEN_ALWAYS, NULL, "when it was first used; null: not yet"},
    {.key = NULL}};
static const struct ctl_column receiver_columns[] = {
    {"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "whose receiver it is"},
    {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the OCPI module; \"MODULE:sender\" is its SENDER interface"},
    {"url", "URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the module's base URL at the partner"},
    {"source", "SOURCE", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "\"set\" by the account team or \"discovered\" at the partner"},
    {.key = NULL}};
static const struct ctl_column rule_columns[] = {
    {"emsp", "EMSP", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the eMSP"},
    {"cpo", "CPO", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the CPO"},
    {"enabled", "ENABLED", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "true when messages pass"},
    {"since", "SINCE", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when that began"},
    {"state", "STATE", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "\"on\", \"off\" or \"drain\": sessions that had begun still pass"},
    {.key = NULL}};

static const struct ctl_column check_columns[] = {
    {"check", "CHECK", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "what was looked at: \"versions\", \"receiver.tokens\", \"dates.locations\" …"},
    {"result", "RESULT", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "ok, warn, fail, or skipped: there was no ground for it"},
    {"detail", "DETAIL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what was found"},
    {"remedy", "REMEDY", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what helps; null where all is well"},
    {"partner", "FOR THE PARTNER", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "of it, what the partner's engineers must change; null: nothing"},
    {.key = NULL}};

/* A list has one time, a card both and what went wrong. */
#define PARTY_COLUMNS(LIST, CARD) \
    {"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the party, IN-ABC"}, \
    {"roles", "ROLES", CTL_COLUMN_LIST, CTL_SEEN_ALWAYS, NULL, "its OCPI roles"}, \
    {"name", "NAME", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "its name"}, \
    {"status", "STATUS", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "PLANNED, CONNECTED, OFFLINE or SUSPENDED"}, \
    {"platform", "PLATFORM", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "the first party of its platform"}, \
    {"last_seen", "LAST SEEN", CTL_COLUMN_TIME, LIST, NULL, "last valid answer to a call of the hub; null: none"}, \
    {"heard", "HEARD", CTL_COLUMN_TIME, CARD, NULL, "last request of its platform; null: none"}, \
    {"reached", "REACHED", CTL_COLUMN_TIME, CARD, NULL, "the same as last_seen: valid answer to a call of the hub"}, \
    {"last_error", "LAST ERROR", CTL_COLUMN_TEXT, CARD, NULL, "of the last call to its platform without a valid answer; null: none"}, \
    {"country_code", "COUNTRY", CTL_COLUMN_ID, CTL_SEEN_JSON, NULL, "as registered"}, \
    {"party_id", "PARTY ID", CTL_COLUMN_ID, CTL_SEEN_JSON, NULL, "as registered"}

#define RULE_DRY_RUN OPTION("dry-run", "dry_run", CTL_SWITCH, "only say what the eMSP would gain or lose, change nothing")
#define RULE_CHANGE_COLUMNS \
    COLUMNS({"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the eMSP and the CPO"}, \
            {"change", "CHANGE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "enabled, disabled, draining or unchanged; with --dry-run \"would be enabled\" …"}, \
            {"locations", "LOCATIONS", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "how many locations the eMSP gains or loses"}, \
            {"tariffs", "TARIFFS", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "how many tariffs"}, \
            {"held", "HELD", CTL_COLUMN_NUMBER, CTL_SEEN_JSON, NULL, "how many queued deliveries are held by it; null: none can be"}, \
            {"dry_run", "DRY RUN", CTL_COLUMN_STATUS, CTL_SEEN_JSON, NULL, "true when nothing was changed"}, \
            {"message", "MESSAGE", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "the line for people"}, \
            {"hints", "HINTS", CTL_COLUMN_LIST, CTL_SEEN_JSON, NULL, "what to do next"})

const struct ctl_command ctl_table_party[] = {
    {"party", "add", "party.add", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "register a party",
     "Registering a party makes its platform: one partner system with its own credentials. --platform hosts the party on "
     "the platform of another one. The same again is `unchanged`; a further --role is added to what is there.",
     NULL,
     {"hubctl party add IN-ABC --role CPO --name \"ABC Charging\"", "hubctl party add IN-XYZ --role EMSP --platform IN-ABC"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, "country code and party id, e.g. IN-ABC"),
            {.name = "role", .key = "roles", .type = CTL_CHOICE, .required = true, .repeatable = true, .choices = roles,
             .help = "CPO or EMSP (or another OCPI role); may be given several times"},
            OPTION("name", "name", CTL_TEXT, "the partner's name"),
            {.name = "website", .key = "website", .type = CTL_TEXT, .value = "URL", .help = "the partner's website"},
            {.name = "platform", .key = "platform", .type = CTL_TEXT, .value = "ID",
             .help = "host it on this party's platform; `new`: on one of its own although the id is registered already"}),
     CHANGE_COLUMNS},
    {"party", "list", "party.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list the parties",
     "LAST SEEN is when its platform last gave a valid answer to a call of the hub: what `party show` has as REACHED, beside "
     "HEARD, its own last request, and the LAST ERROR.", NULL,
     {"hubctl party list", "hubctl party list --role CPO --status OFFLINE --json=id,last_seen"},
     PARAMS({.name = "role", .key = "role", .type = CTL_CHOICE, .choices = roles, .help = "only parties with this role"},
            {.name = "status", .key = "status", .type = CTL_CHOICE, .choices = statuses, .help = "only parties in this status"}),
     COLUMNS(PARTY_COLUMNS(CTL_SEEN_WIDE, CTL_SEEN_JSON))},
    {"party", "show", "party.show", CTL_ACCESS_READ, 0, CTL_OUTPUT_CARD,
     "show one party with its tokens, receivers, rules and limits", NULL, NULL,
     {"hubctl party show IN-ABC", "hubctl party show IN-ABC --field status"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP)),
     COLUMNS(PARTY_COLUMNS(CTL_SEEN_JSON, CTL_SEEN_ALWAYS),
             {"website", "WEBSITE", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "its website"},
             {"suspend_reason", "SUSPENDED FOR", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "why it is suspended"},
             {"credentials_url", "CREDENTIALS URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what the partner gave as `url`"},
             {"versions_url", "VERSIONS URL", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "the versions list or details that last answered an exchange or discovery"},
             {"token_encoding", "TOKEN ENCODING", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "auto, base64 or raw"},
             {"from", "CALLED FROM", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "party or hub: OCPI-from of the hub's calls"},
             {"hosts", "HOSTS", CTL_COLUMN_LIST, CTL_SEEN_ALWAYS, NULL, "its own: where an exchange succeeded, and of receivers that were set"},
             {"allowed_hosts", "ALLOWED HOSTS", CTL_COLUMN_LIST, CTL_SEEN_ALWAYS, NULL, "further hosts for response_url"},
             {"business_details", "BUSINESS DETAILS", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "as the partner gave them with its credentials (GSTIN)"},
             {"push", "PUSHED TO IT", CTL_COLUMN_LIST, CTL_SEEN_ALWAYS, NULL, "modules whose changes are sent to it unasked"},
             {"validation", "VALIDATION", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "tolerant, strict, or default: as the setting says"},
             {"forward_unknown_sessions", "UNKNOWN SESSIONS", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL,
              "true: commands about sessions that the hub never heard of are passed on to it"},
             {"created", "REGISTERED", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it was registered"},
             {"last_updated", "UPDATED", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "as HubClientInfo tells it"},
             {"tokens", "TOKENS", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, token_columns, "tokens of its platform"},
             {"receivers", "RECEIVERS", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, receiver_columns, "where messages for it go"},
             {"rules", "RULES", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, rule_columns, "its lines in the routing matrix"},
             {"limits", "LIMITS", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, ctl_limit_columns, "how often it may ask"})},
    {"party", "set", "party.set", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "change what is kept about a party",
     "--token-encoding, --from and --allow-host are the platform's: they hold for all parties on it. With --push an eMSP is sent "
     "every change of the CPOs that a rule lets it see, to its receivers of these modules; what is there already it GETs. "
     "--from hub is for a system that takes OCPI-from only from whom it exchanged credentials with.", NULL,
     {"hubctl party set IN-ABC --name \"ABC Charging Ltd\"", "hubctl party set IN-XYZ --token-encoding raw --allow-host cb.xyz.example"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            OPTION("name", "name", CTL_TEXT, "the partner's name"),
            {.name = "website", .key = "website", .type = CTL_TEXT, .value = "URL", .help = "the partner's website"},
            {.name = "token-encoding", .key = "token_encoding", .type = CTL_CHOICE, .choices = encodings,
             .help = "how the hub writes the partner's token: auto (Base64 first), base64 or raw"},
            {.name = "from", .key = "from", .type = CTL_CHOICE, .choices = senders,
             .help = "OCPI-from of the hub's calls to it: party, whose message it is (OCPI's way), or hub"},
            {.name = "validation", .key = "validation", .type = CTL_CHOICE, .choices = validations,
             .help = "tolerant: take its objects in spite of findings; strict: refuse them; default: as the setting says"},
            {.name = "allow-host", .key = "allow_hosts", .type = CTL_TEXT, .repeatable = true, .value = "HOST",
             .help = "let a command's response_url be on this host too"},
            {.name = "forbid-host", .key = "forbid_hosts", .type = CTL_TEXT, .repeatable = true, .value = "HOST",
             .help = "take back --allow-host"},
            OPTION("forward-unknown-sessions", "forward_unknown_sessions", CTL_SWITCH,
                   "a CPO: pass it commands about sessions that the hub never heard of, too"),
            OPTION("refuse-unknown-sessions", "refuse_unknown_sessions", CTL_SWITCH, "take back --forward-unknown-sessions"),
            {.name = "push", .key = "push", .type = CTL_TEXT, .value = "MODULES",
             .help = "send it changes of these: locations, tariffs, or locations,tariffs; none ends it"}),
     CHANGE_COLUMNS},
    {"party", "suspend", "party.suspend", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "refuse all requests of a party and hold what is for it",
     "Every request of the party is answered 401; other parties of its platform go on. `party resume` ends it.", NULL,
     {"hubctl party suspend IN-ABC --reason \"contract ended\"", "hubctl party list --status SUSPENDED"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            {.name = "reason", .key = "reason", .type = CTL_TEXT, .required = true, .help = "why; shown and audited"}),
     CHANGE_COLUMNS},
    {"party", "resume", "party.resume", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "end a suspension and send what was held for it", NULL, NULL,
     {"hubctl party resume IN-ABC", "hubctl party list --status SUSPENDED -q"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP)),
     CHANGE_COLUMNS},
    {"party", "remove", "party.remove", CTL_ACCESS_ADMIN, CTL_DANGEROUS, CTL_OUTPUT_CHANGE,
     "remove a party with its receivers and rules",
     "The last party of a platform takes the platform's tokens and URLs with it. Objects and audit rows stay.",
     "removes the party with its receivers and rules; the last one on a platform takes its tokens with it",
     {"hubctl party remove IN-ABC --confirm=IN-ABC", "hubctl party show IN-ABC"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP), CONFIRM("ID")),
     CHANGE_COLUMNS},

    {"party", "connect", "party.connect", CTL_ACCESS_ADMIN, CTL_TOKENS | CTL_PATIENT, CTL_OUTPUT_CHANGE,
     "begin the credentials exchange, for a partner that only receives credentials",
     "For partners that hand out a token and a versions URL instead of taking ours. hubd reads the partner's versions and "
     "version details with that token, POSTs the hub's credentials to the endpoint found there, and keeps the token, the "
     "url, the roles and the receivers that the answer and a second look at the details give. Each role that the partner "
     "claims must be registered here before. Nothing is kept of an exchange that fails. It takes as long as the partner "
     "does: hubctl waits 150s unless --timeout says otherwise.", NULL,
     {"hubctl party connect IN-ABC --versions-url https://abc.example/ocpi/versions --token-file abc.token",
      "hubctl party connect IN-ABC --versions-url https://abc.example/ocpi/versions --token-file -"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            {.name = "versions-url", .key = "versions_url", .type = CTL_TEXT, .required = true, .value = "URL",
             .help = "the partner's versions URL, as its engineers gave it"},
            {.name = "token-file", .key = "token", .type = CTL_SECRET_FILE, .required = true,
             .help = "the token that the partner gave (OCPI's CREDENTIALS_TOKEN_A); hubctl takes it from a file, `-`: from "
                     "stdin, asked for on a terminal"}),
     CHANGE_COLUMNS},

    {"party", "check", "party.check", CTL_ACCESS_ADMIN, CTL_STREAMS | CTL_CHECK | CTL_PATIENT, CTL_OUTPUT_REPORT,
     "examine how a partner's system works with the hub, and say what helps",
     "Calls the partner's system with its token, one check after the other: address, TLS, versions, endpoints, clock, each "
     "receiver, each list as others pull it (pages, date_from, objects), a real-time authorization of a token that nobody has; "
     "then rules, queue and quality here. Nothing is changed on either side. Exit 6 when a check failed. For admins, since "
     "it makes the hub call others. --markdown is for a mail to the partner's engineers: no command of ours, no token is in "
     "it.", NULL,
     {"hubctl party check IN-ABC", "hubctl party check IN-ABC --markdown > IN-ABC.md"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            {.name = "markdown", .type = CTL_SWITCH, .help = "write the report as Markdown, for a mail to the partner"}),
     COLUMNS({"id", "ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the party"},
             {"name", "NAME", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "its name"},
             {"ok", "OK", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "false when a check failed"},
             {"failed", "FAILED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "checks that failed"},
             {"warned", "WARNED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "checks with a warning"},
             {"skipped", "SKIPPED", CTL_COLUMN_NUMBER, CTL_SEEN_ALWAYS, NULL, "checks that were not made"},
             {"time", "TIME", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it ended"},
             {"correlation_id", "CORRELATION ID", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "X-Correlation-ID of all calls, for the partner's log"},
             {"hub", "HUB", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "the hub's name"},
             {"checks", "CHECKS", CTL_COLUMN_SECTION, CTL_SEEN_ALWAYS, check_columns, "in the order they were made"})},

    {"token", "issue", "token.issue", CTL_ACCESS_ADMIN, CTL_SECRET | CTL_TOKENS, CTL_OUTPUT_TOKEN,
     "issue the initial token that a partner begins the credentials exchange with",
     "The token is printed once, alone on stdout; the hub keeps only its hash. An initial token that was issued before and not "
     "used ends. For a platform that has done the exchange, --force ends its registration and lets it begin anew.", NULL,
     {"hubctl token issue IN-ABC --out abc.token", "hubctl token issue IN-ABC --ttl 2d"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            OPTION("ttl", "ttl", CTL_DURATION, "how long it is valid; default: initial_token_ttl of hubd"),
            {.name = "out", .type = CTL_FILE, .help = "write it to this new file with mode 0600 instead of stdout"},
            {.name = "force", .key = "force", .type = CTL_SWITCH,
             .help = "although the exchange is done: all tokens of the platform end, it is PLANNED again"}),
     COLUMNS({"party", "PARTY", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "whom it is for"},
             {"token", "TOKEN", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the secret"},
             {"fingerprint", "FINGERPRINT", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "what lists show of it"},
             {"expires", "EXPIRES", CTL_COLUMN_TIME, CTL_SEEN_ALWAYS, NULL, "when it ends"},
             {"versions_url", "VERSIONS URL", CTL_COLUMN_TEXT, CTL_SEEN_JSON, NULL, "where the partner begins"})},
    {"token", "list", "token.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list the tokens that the hub has issued, by fingerprint", NULL, NULL,
     {"hubctl token list", "hubctl token list IN-ABC --json"},
     PARAMS(OPTIONAL("ID", "id", CTL_PARTY, "only tokens of this party's platform")),
     token_columns},
    {"token", "revoke", "token.revoke", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "end tokens at once", "Ends an initial token, or the overlap after a rotation. Without any token left a partner is locked out.", NULL,
     {"hubctl token revoke IN-ABC 1f2e3d4c", "hubctl token revoke IN-ABC --all"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            {.name = "FINGERPRINT", .key = "fingerprint", .type = CTL_TEXT, .positional = true, .one_of = 'a',
             .help = "as `hubctl token list` shows it"},
            {.name = "all", .key = "all", .type = CTL_SWITCH, .one_of = 'a', .help = "all tokens of the party's platform"}),
     CHANGE_COLUMNS},
    {"token", "rotate", "token.rotate", CTL_ACCESS_ADMIN, CTL_TOKENS | CTL_PATIENT, CTL_OUTPUT_CHANGE,
     "give a connected partner a new hub token",
     "PUTs the hub's credentials with a new token to the partner's credentials endpoint. The old hub token stays valid for "
     "token_overlap of hubd; `token revoke` ends it sooner. A new token in the partner's answer is used from then on.", NULL,
     {"hubctl token rotate IN-ABC", "hubctl token list IN-ABC"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP)),
     CHANGE_COLUMNS},

    {"receiver", "set", "receiver.set", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "say where messages of a module for a party go",
     "URL is the module's base; a template may be pasted, everything from its first `{` is cut. What waited for this URL is sent at once. "
     "MODULE alone is where the party takes messages (its RECEIVER interface); with `:sender` it is where the party is asked as the "
     "owner of the data (its SENDER interface): an eMSP's tokens:sender for POST authorize and chargingprofiles:sender, a CPO's "
     "sessions:sender for charging preferences, and locations:sender, tariffs:sender, cdrs:sender.", NULL,
     {"hubctl receiver set IN-XYZ sessions https://xyz.example/ocpi/emsp/2.2.1/sessions",
      "hubctl receiver set IN-ABC commands 'https://abc.example/ocpi/cpo/2.2.1/commands/{command}'"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            {.name = "MODULE", .key = "module", .type = CTL_CHOICE, .positional = true, .required = true, .choices = modules, .open = true,
             .misspelt = "custom",
             .help = "tokens, commands, sessions, cdrs, versions, hubclientinfo, locations, tariffs, chargingprofiles or credentials; with "
                     "`:sender` behind tokens, sessions, cdrs, locations, tariffs or chargingprofiles"},
            POSITIONAL("URL", "url", CTL_TEXT, "http or https; no token in it"),
            {.name = "custom", .key = "custom", .type = CTL_SWITCH,
             .help = "MODULE is none of OCPI's but one of the partners' own, which the hub only passes on"}),
     CHANGE_COLUMNS},
    {"receiver", "unset", "receiver.unset", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "forget a receiver URL", "What is to be delivered there is held from now on.", NULL,
     {"hubctl receiver unset IN-XYZ cdrs", "hubctl receiver list IN-XYZ"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP),
            {.name = "MODULE", .key = "module", .type = CTL_CHOICE, .positional = true, .required = true, .choices = modules, .open = true,
             .misspelt = "",
             .help = "the module"}),
     CHANGE_COLUMNS},
    {"receiver", "list", "receiver.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list receiver URLs", NULL, NULL,
     {"hubctl receiver list", "hubctl receiver list IN-XYZ --json=module,url"},
     PARAMS(OPTIONAL("ID", "id", CTL_PARTY, "only this party's")),
     receiver_columns},
    {"receiver", "discover", "receiver.discover", CTL_ACCESS_ADMIN, CTL_TOKENS | CTL_PATIENT, CTL_OUTPUT_CHANGE,
     "ask the partner for its endpoints now",
     "Reads the versions and version details of the party's platform and fills the URLs that `receiver set` has not set, for "
     "all parties on it; those that an earlier discovery found and this one does not are withdrawn, and what is to go there is held. "
     "What waited for a URL that is new is sent at once.", NULL,
     {"hubctl receiver discover IN-XYZ", "hubctl receiver list IN-XYZ"},
     PARAMS(POSITIONAL("ID", "id", CTL_PARTY, ID_HELP)),
     CHANGE_COLUMNS},

    {"rule", "enable", "rule.enable", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "let an eMSP use a CPO",
     "Effective at once. What was held while there was no rule is not sent by this.", NULL,
     {"hubctl rule enable IN-XYZ IN-ABC", "hubctl rule enable IN-XYZ IN-ABC --dry-run"},
     PARAMS(POSITIONAL("EMSP", "emsp", CTL_PARTY, "the eMSP"), POSITIONAL("CPO", "cpo", CTL_PARTY, "the CPO"), RULE_DRY_RUN),
     RULE_CHANGE_COLUMNS},
    {"rule", "disable", "rule.disable", CTL_ACCESS_ADMIN, 0, CTL_OUTPUT_CHANGE,
     "stop an eMSP's use of a CPO", "Effective at once. What is queued for the eMSP is held, but with --drain.", NULL,
     {"hubctl rule disable IN-XYZ IN-ABC", "hubctl rule disable IN-XYZ IN-ABC --drain"},
     PARAMS(POSITIONAL("EMSP", "emsp", CTL_PARTY, "the eMSP"), POSITIONAL("CPO", "cpo", CTL_PARTY, "the CPO"),
            OPTION("drain", "drain", CTL_SWITCH, "let sessions that have begun end: their stop, updates and CDRs still pass"), RULE_DRY_RUN),
     RULE_CHANGE_COLUMNS},
    {"rule", "list", "rule.list", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "list the routing rules", "Pairs without a row were never enabled: off.", NULL,
     {"hubctl rule list", "hubctl rule list --party IN-XYZ --json"},
     PARAMS(OPTION("party", "party", CTL_PARTY, "only rules of this party")),
     rule_columns},
    {"rule", "matrix", "rule.matrix", CTL_ACCESS_READ, 0, CTL_OUTPUT_MATRIX,
     "show all eMSPs against all CPOs as a grid", "In a pipe: one line per pair: eMSP, CPO, on, off or drain.", NULL,
     {"hubctl rule matrix", "hubctl rule matrix | grep 'on$'"},
     PARAMS(PAGING),
     COLUMNS({"emsp", "EMSP", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the eMSP of the line"},
             {"rules", "RULES", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "per CPO: \"on\", \"off\" or \"drain\""})},
    {"rule", "explain", "rule.explain", CTL_ACCESS_READ, 0, CTL_OUTPUT_LIST,
     "say whether a message between an eMSP and a CPO would pass now, and if not why",
     "A row per kind of message in either direction, judged by what decides about the messages themselves: the rule, both parties' "
     "status and tokens, the receiver URLs, pauses of the queues. Exit 0 whether they pass or not.", NULL,
     {"hubctl rule explain IN-XYZ IN-ABC", "hubctl rule explain IN-XYZ IN-ABC --module sessions --json=message,passes,why"},
     PARAMS(POSITIONAL("EMSP", "emsp", CTL_PARTY, "the eMSP"), POSITIONAL("CPO", "cpo", CTL_PARTY, "the CPO"),
            {.name = "module", .key = "module", .type = CTL_CHOICE, .choices = explained, .help = "only messages of this module"}),
     COLUMNS({"from", "FROM", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "who sends it"},
             {"to", "TO", CTL_COLUMN_ID, CTL_SEEN_WIDE, NULL, "whom it is for"},
             {"module", "MODULE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "the OCPI module"},
             {"message", "MESSAGE", CTL_COLUMN_ID, CTL_SEEN_ALWAYS, NULL, "GET, authorize, START_SESSION …"},
             {"passes", "PASSES", CTL_COLUMN_STATUS, CTL_SEEN_ALWAYS, NULL, "true when it would get there now"},
             {"why", "WHY NOT", CTL_COLUMN_TEXT, CTL_SEEN_ALWAYS, NULL, "what is in the way, the first of it; null: nothing"},
             {"hint", "HINT", CTL_COLUMN_HINT, CTL_SEEN_PIPED, NULL, "the command that helps; null: none needed"})},
    {.noun = NULL}};
/* clang-format on */
