#ifndef LIB_CONF_CONF_H
#define LIB_CONF_CONF_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/rate.h"

/*
 * hubd's settings (hubd.conf(5)). One table (settings.c) has name, type, range, default and help of each, and whether a
 * reload applies it. Made from this table: the parser of file, environment and command line, --print-config, the man
 * page, and `hubctl conf show`.
 */
#define CONF_LIST_MAX 16
#define CONF_TEXT_MAX 256

enum conf_discovery { CONF_DISCOVERY_OFF, CONF_DISCOVERY_TRY, CONF_DISCOVERY_REQUIRE };
enum conf_validation { CONF_VALIDATION_TOLERANT, CONF_VALIDATION_STRICT };

/* A list of texts, each NUL-terminated. Like struct conf it owns nothing and may be copied. */
struct conf_list {
    unsigned count;
    char items[CONF_LIST_MAX][CONF_TEXT_MAX];
};

/* The value of each setting. Durations are in ms, sizes in bytes. */
struct conf {
    /* who we are */
    char country_code[3], party_id[4];
    char name[CONF_TEXT_MAX], website[CONF_TEXT_MAX];
    /* where */
    struct conf_list listen;      /* host:port */
    char base_url[CONF_TEXT_MAX]; /* without trailing slash; default http://<first listen> */
    char state_dir[CONF_TEXT_MAX], admin_socket[CONF_TEXT_MAX], key_file[CONF_TEXT_MAX];
    char admin_group[64], viewer_group[64];
    int64_t threads;               /* 0: cores, at most 4 */
    int64_t log_level, log_format; /* enum log_level, enum log_format */
    /* HTTP server */
    int64_t request_head_max, request_body_max, head_timeout, body_timeout, idle_timeout;
    int64_t connections_max, connections_per_address; /* the latter 0: any number */
    int64_t memory_max;
    /* outbound */
    int64_t answer_max, keepalive_idle, dns_ttl;
    int64_t forward_timeout, command_forward_timeout, command_timeout;
    int64_t discovery_timeout;
    bool allow_private_networks;
    struct conf_list allow_networks;
    bool response_url_any_host;
    char ca_file[CONF_TEXT_MAX];
    /* health */
    int64_t probe_interval, probe_timeout, offline_after;
    /* delivery */
    int64_t delivery_timeout, delivery_parallel, retry_initial, retry_max, retry_give_up, retry_give_up_cdrs;
    /* retention; 0: for ever */
    int64_t audit_retention, audit_retention_realtime, retention_deliveries, retention_sessions,
        retention_cdrs;
    /* credentials */
    int64_t token_overlap, initial_token_ttl;
    int64_t discovery;  /* enum conf_discovery */
    int64_t validation; /* enum conf_validation */
    /* what partners may do */
    struct rate limit_authorize, limit_commands, limit_locations;
    bool emsp_backfill;
};

enum conf_type {
    CONF_TEXT,
    CONF_LIST,
    CONF_INT,
    CONF_BOOL,
    CONF_DURATION,
    CONF_SIZE,
    CONF_CHOICE,
    CONF_RATE
};

struct conf_setting {
    const char *name;
    enum conf_type type;
    size_t offset, size;        /* in struct conf */
    int64_t minimum, maximum;   /* numbers; in base units */
    const char *fallback;       /* the default as written in a file; NULL: computed, `help` says how */
    const char *const *choices; /* CONF_CHOICE */
    bool reload;                /* a SIGHUP applies it */
    const char *help;           /* one sentence */
    bool (*check)(const char *value, struct error *error); /* more than type and range; may be NULL */
};
extern const struct conf_setting conf_settings[];
extern const size_t conf_setting_count;

/*
 * Fills `conf` from the defaults, then the file (`path`; NULL: /etc/hubd/hubd.conf if it exists), then HUBD_<SETTING> of
 * `environment`, then `overrides` ("name=value", from --name=value). A later source replaces the value of an earlier
 * one, also the whole of a list. Appends a line for each problem to `problems`: "hubd.conf:12: probe_interval: …:
 * remedy". Returns 0, or ERR_INVALID when there was a problem: do not use `conf` then.
 */
int conf_load(struct conf *conf, const char *path, char *const *environment, const char *const *overrides,
              size_t override_count, struct buffer *problems);
/* Appends the effective settings as a file that conf_load can read, each with its help as a comment. Settings that have
 * their default are commented out. */
void conf_print(const struct conf *conf, struct buffer *out);
/* Appends one setting's effective value as it is written in a file (lists: comma separated). */
void conf_value(const struct conf *conf, const struct conf_setting *setting, struct buffer *out);
/* What the man page calls a setting's type: "duration". */
const char *conf_type_name(enum conf_type type);
/* Appends a setting's range as it is written in a file, "10ms to 10m"; nothing for settings without a range. */
void conf_range(const struct conf_setting *setting, struct buffer *out);
/* Copies from `fresh` to `conf` the settings that a reload may change. Appends to `restart`, comma separated, the names
 * of settings that differ but need a restart. */
void conf_reload(struct conf *conf, const struct conf *fresh, struct buffer *restart);

#endif
