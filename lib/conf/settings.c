#include "lib/base/log.h"
#include "lib/conf/checks.h"
#include "lib/conf/conf.h"

#include <stddef.h>
#include <stdint.h>

/* The one table of settings. Order is the order of --print-config. */

#define AT(field)  offsetof(struct conf, field), sizeof(((struct conf *)0)->field)
#define SECOND     INT64_C(1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define KIB        INT64_C(1024)
#define MIB        (1024 * KIB)
#define RELOADS    true
#define RESTART    false
#define NO_RANGE   0, 0
#define NO_CHOICES NULL
#define COMPUTED   NULL
#define NO_CHECK   NULL

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const discovery_choices[] = {"off", "try", "require", NULL};
static const char *const validation_choices[] = {"tolerant", "strict", NULL};

/* clang-format off */
const struct conf_setting conf_settings[] = {
    {"country_code", CONF_TEXT, AT(country_code), NO_RANGE, "IN", NO_CHOICES, RESTART,
     "Country code of the hub's own party (OCPI role HUB).", conf_check_country_code},
    {"party_id", CONF_TEXT, AT(party_id), NO_RANGE, "CIH", NO_CHOICES, RESTART,
     "Party id of the hub's own party.", conf_check_party_id},
    {"name", CONF_TEXT, AT(name), NO_RANGE, "ChargeIndia Hub", NO_CHOICES, RESTART,
     "The hub's name, as its credentials' business_details tell it.", conf_check_not_empty},
    {"website", CONF_TEXT, AT(website), NO_RANGE, "", NO_CHOICES, RESTART,
     "The hub's website for business_details; empty: none.", conf_check_website},

    {"listen", CONF_LIST, AT(listen), NO_RANGE, "127.0.0.1:8080", NO_CHOICES, RESTART,
     "Address and port that partners' requests arrive at, host:port; may be given several times.", conf_check_listen},
    {"base_url", CONF_TEXT, AT(base_url), NO_RANGE, COMPUTED, NO_CHOICES, RESTART,
     "What every URL that the hub hands out begins with: its public https address. Default: http:// and the first listen.",
     conf_check_base_url},
    {"state_dir", CONF_TEXT, AT(state_dir), NO_RANGE, COMPUTED, NO_CHOICES, RESTART,
     "Directory of the database. Default: /var/lib/hubd for root, else $XDG_STATE_HOME/hubd.", conf_check_not_empty},
    {"admin_socket", CONF_TEXT, AT(admin_socket), NO_RANGE, COMPUTED, NO_CHOICES, RESTART,
     "Unix socket that hubctl speaks to. Default: /run/hubd/admin.sock for root, else $XDG_RUNTIME_DIR/hubd/admin.sock, without "
     "that variable admin.sock in state_dir.",
     conf_check_socket_path},
    {"key_file", CONF_TEXT, AT(key_file), NO_RANGE, COMPUTED, NO_CHOICES, RESTART,
     "File with the key that partners' tokens are encrypted with, mode 0600. Default: hub.key in state_dir.",
     conf_check_not_empty},
    {"admin_group", CONF_TEXT, AT(admin_group), NO_RANGE, "", NO_CHOICES, RESTART,
     "Members of this group may use all of hubctl; empty: only root and hubd's own user.", NO_CHECK},
    {"viewer_group", CONF_TEXT, AT(viewer_group), NO_RANGE, "", NO_CHOICES, RESTART,
     "Members of this group may use what only reads; empty: nobody more.", NO_CHECK},
    {"threads", CONF_INT, AT(threads), 0, 64, "0", NO_CHOICES, RESTART,
     "Loops that serve partners; 0: one per core, at most 4.", NO_CHECK},
    {"log_level", CONF_CHOICE, AT(log_level), NO_RANGE, "info", log_levels, RELOADS,
     "What is logged to stderr: error, warn, info or debug, each with those before it.", NO_CHECK},
    {"log_format", CONF_CHOICE, AT(log_format), NO_RANGE, "text", log_formats, RELOADS,
     "Form of a log line: text or json.", NO_CHECK},

    {"request_head_max", CONF_SIZE, AT(request_head_max), KIB, MIB, "16k", NO_CHOICES, RESTART,
     "Largest request line with headers; more is answered 431.", NO_CHECK},
    {"request_body_max", CONF_SIZE, AT(request_body_max), KIB, 64 * MIB, "4m", NO_CHOICES, RESTART,
     "Largest request body; more is answered 413.", NO_CHECK},
    {"head_timeout", CONF_DURATION, AT(head_timeout), 100, HOUR, "10s", NO_CHOICES, RESTART,
     "A request's head must be complete within this time, else 408.", NO_CHECK},
    {"body_timeout", CONF_DURATION, AT(body_timeout), 100, HOUR, "60s", NO_CHOICES, RESTART,
     "A request's body must be complete within this time, and after 10 s not come slower than 1 KiB/s, else 408.", NO_CHECK},
    {"idle_timeout", CONF_DURATION, AT(idle_timeout), 100, DAY, "75s", NO_CHOICES, RESTART,
     "A connection without a request is closed after this time.", NO_CHECK},
    {"connections_max", CONF_INT, AT(connections_max), 1, 1000000, "10000", NO_CHOICES, RESTART,
     "Connections served at once; a full hub closes the oldest that never sent a whole request head for a new one, and answers 503 when there is none.", NO_CHECK},
    {"connections_per_address", CONF_INT, AT(connections_per_address), 0, 1000000, "256", NO_CHOICES, RESTART,
     "Connections served at once from one address (IPv6: one /64); more are answered 503. 0: any number, for a hub whose proxy sees to it.", NO_CHECK},
    {"memory_max", CONF_SIZE, AT(memory_max), 16 * MIB, 1024 * 1024 * MIB, "1g", NO_CHOICES, RESTART,
     "Memory for all bodies, answers and what is made of them; without any left requests are answered 503.", NO_CHECK},

    {"answer_max", CONF_SIZE, AT(answer_max), KIB, 64 * MIB, "4m", NO_CHOICES, RESTART,
     "Largest answer that is taken from a partner.", NO_CHECK},
    {"keepalive_idle", CONF_DURATION, AT(keepalive_idle), 0, HOUR, "4s", NO_CHOICES, RELOADS,
     "Longest time that a connection to a partner is kept which nobody uses, less where the partner's Keep-Alive header says less; 0: none is kept.",
     NO_CHECK},
    {"dns_ttl", CONF_DURATION, AT(dns_ttl), 10, DAY, "30s", NO_CHOICES, RESTART,
     "Addresses of partners' hosts are asked of DNS again after this time; while it does not answer, those found before serve for a day.",
     NO_CHECK},
    {"forward_timeout", CONF_DURATION, AT(forward_timeout), 10, 10 * MINUTE, "5s", NO_CHOICES, RELOADS,
     "Longest wait for the answer to a forwarded real-time request, such as authorize.", NO_CHECK},
    {"command_forward_timeout", CONF_DURATION, AT(command_forward_timeout), 10, 10 * MINUTE, "25s", NO_CHOICES, RELOADS,
     "Longest wait for a CPO's CommandResponse.", NO_CHECK},
    {"command_timeout", CONF_DURATION, AT(command_timeout), 10, DAY, "30s", NO_CHOICES, RELOADS,
     "A command without a result ends as TIMEOUT after this time, unless the CPO named its own.", NO_CHECK},
    {"discovery_timeout", CONF_DURATION, AT(discovery_timeout), 10, 10 * MINUTE, "10s", NO_CHOICES, RELOADS,
     "Longest wait for one of a partner's documents at discovery.", NO_CHECK},
    {"allow_private_networks", CONF_BOOL, AT(allow_private_networks), NO_RANGE, "no", NO_CHOICES, RELOADS,
     "Whether the hub may call private and loopback addresses.", NO_CHECK},
    {"allow_networks", CONF_LIST, AT(allow_networks), NO_RANGE, "", NO_CHOICES, RELOADS,
     "Networks, addresses or hosts that may be called although they are private; may be given several times.",
     conf_check_network},
    {"response_url_any_host", CONF_BOOL, AT(response_url_any_host), NO_RANGE, "no", NO_CHOICES, RELOADS,
     "Whether a command's response_url may be on a host that the platform has not registered.", NO_CHECK},
    {"ca_file", CONF_TEXT, AT(ca_file), NO_RANGE, "", NO_CHOICES, RELOADS,
     "Certificates that partners' servers are verified with; empty: the system's. SIGHUP reads the file again.",
     conf_check_certificates},

    {"probe_interval", CONF_DURATION, AT(probe_interval), 100, DAY, "20s", NO_CHOICES, RELOADS,
     "Each platform's versions URL is asked this often.", NO_CHECK},
    {"probe_timeout", CONF_DURATION, AT(probe_timeout), 10, 10 * MINUTE, "5s", NO_CHOICES, RELOADS,
     "Longest wait for the answer to a probe.", NO_CHECK},
    {"offline_after", CONF_DURATION, AT(offline_after), 100, DAY, "60s", NO_CHOICES, RELOADS,
     "A platform without a valid answer for this long is OFFLINE.", NO_CHECK},

    {"delivery_timeout", CONF_DURATION, AT(delivery_timeout), 10, HOUR, "30s", NO_CHOICES, RELOADS,
     "Longest wait for a receiver's answer to a delivery.", NO_CHECK},
    {"delivery_parallel", CONF_INT, AT(delivery_parallel), 1, 256, "16", NO_CHOICES, RELOADS,
     "Deliveries of one module under way at once to one receiver; where some are not answered while others are: three times as many.", NO_CHECK},
    {"retry_initial", CONF_DURATION, AT(retry_initial), 10, DAY, "1s", NO_CHOICES, RELOADS,
     "Pause after a receiver's first failure; it doubles from there.", NO_CHECK},
    {"retry_max", CONF_DURATION, AT(retry_max), 10, 7 * DAY, "15m", NO_CHOICES, RELOADS,
     "Longest pause between two tries.", NO_CHECK},
    {"retry_give_up", CONF_DURATION, AT(retry_give_up), SECOND, 365 * DAY, "24h", NO_CHOICES, RELOADS,
     "A session update that could not be delivered for this long is dead; while its receiver is OFFLINE time stands still.", NO_CHECK},
    {"retry_give_up_cdrs", CONF_DURATION, AT(retry_give_up_cdrs), SECOND, 365 * DAY, "14d", NO_CHOICES, RELOADS,
     "A CDR that could not be delivered for this long is dead; while its receiver is OFFLINE time stands still.", NO_CHECK},

    {"audit_retention", CONF_DURATION, AT(audit_retention), 0, 36500 * DAY, "400d", NO_CHOICES, RELOADS,
     "Audit rows of admin actions, pushes and deliveries are kept for this long; 0: for ever.", NO_CHECK},
    {"audit_retention_realtime", CONF_DURATION, AT(audit_retention_realtime), 0, 36500 * DAY, "14d", NO_CHOICES, RELOADS,
     "Audit rows of real-time messages, such as authorize and commands, are kept for this long; 0: for ever.", NO_CHECK},
    {"retention_deliveries", CONF_DURATION, AT(retention_deliveries), 0, 36500 * DAY, "0", NO_CHOICES, RELOADS,
     "Delivered, superseded and dead deliveries are kept for this long, with their tries and receipts; 0: for ever.", NO_CHECK},
    {"retention_sessions", CONF_DURATION, AT(retention_sessions), 0, 36500 * DAY, "0", NO_CHOICES, RELOADS,
     "Completed sessions that nobody waits for are kept for this long after their last change; 0: for ever.", NO_CHECK},
    {"retention_cdrs", CONF_DURATION, AT(retention_cdrs), 0, 36500 * DAY, "0", NO_CHOICES, RELOADS,
     "CDRs that nobody waits for are kept for this long; 0: for ever. One that is posted again after that is new, and is delivered again.",
     NO_CHECK},

    {"token_overlap", CONF_DURATION, AT(token_overlap), 0, 365 * DAY, "24h", NO_CHOICES, RELOADS,
     "After a rotation the old hub token is still accepted for this long.", NO_CHECK},
    {"initial_token_ttl", CONF_DURATION, AT(initial_token_ttl), SECOND, 365 * DAY, "7d", NO_CHOICES, RELOADS,
     "An initial token expires after this time, unless `token issue --ttl` says otherwise.", NO_CHECK},
    {"discovery", CONF_CHOICE, AT(discovery), NO_RANGE, "try", discovery_choices, RELOADS,
     "Whether the credentials exchange reads the partner's endpoints: off, try, or require (the exchange fails without).",
     NO_CHECK},
    {"validation", CONF_CHOICE, AT(validation), NO_RANGE, "tolerant", validation_choices, RELOADS,
     "tolerant: refuse what identity, routing, time or money rest on and count the rest; strict: refuse that too.",
     NO_CHECK},

    {"limit_authorize", CONF_RATE, AT(limit_authorize), NO_RANGE, "100/min", NO_CHOICES, RELOADS,
     "How often a party may ask for an authorization; 0: no limit. `hubctl limit set` is stronger.", NO_CHECK},
    {"limit_commands", CONF_RATE, AT(limit_commands), NO_RANGE, "50/min", NO_CHOICES, RELOADS,
     "How often a party may send a command; 0: no limit. `hubctl limit set` is stronger.", NO_CHECK},
    {"limit_locations", CONF_RATE, AT(limit_locations), NO_RANGE, "200/min", NO_CHOICES, RELOADS,
     "How often a party may ask for a page of locations; 0: no limit. `hubctl limit set` is stronger.", NO_CHECK},
    {"emsp_backfill", CONF_BOOL, AT(emsp_backfill), NO_RANGE, "no", NO_CHOICES, RELOADS,
     "Whether an eMSP may GET its own sessions and CDRs besides being sent them.", NO_CHECK},
};
/* clang-format on */
const size_t conf_setting_count = sizeof conf_settings / sizeof conf_settings[0];

_Static_assert(LOG_ERROR == 0 && LOG_WARN == 1 && LOG_INFO == 2 && LOG_DEBUG == 3,
               "log_levels follows enum log_level");
_Static_assert(LOG_TEXT == 0 && LOG_JSON == 1, "log_formats follows enum log_format");
_Static_assert(CONF_DISCOVERY_OFF == 0 && CONF_DISCOVERY_TRY == 1 && CONF_DISCOVERY_REQUIRE == 2,
               "discovery_choices");
_Static_assert(CONF_VALIDATION_TOLERANT == 0 && CONF_VALIDATION_STRICT == 1, "validation_choices");
