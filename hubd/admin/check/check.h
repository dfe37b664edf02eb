#ifndef HUBD_ADMIN_CHECK_CHECK_H
#define HUBD_ADMIN_CHECK_CHECK_H

#include "hubd/admin/internal.h"
#include "hubd/calls/discovery.h"
#include "lib/ocpi/modules.h"

/*
 * `party check`: the onboarding doctor (hubctl-party(1), COMMANDS). The checks of a table run one after the other on
 * the control loop. Each reports ok, warn, fail or skipped, with a remedy. They change nothing: the only row that is
 * stored is one in the audit, an answer of the partner does not count as a sign of life, and what is sent is about an
 * object and a token that do not exist.
 */
#define CHECK_MAGIC 0x4348434bu

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK_SKIPPED, CHECK_RESULT_COUNT };

/* How far the hub gets with the partner; each level presumes the one before. */
enum check_level {
    CHECK_LEVEL_NONE,
    CHECK_LEVEL_CALLABLE, /* the exchange is done: the partner's token is known */
    CHECK_LEVEL_ANSWERS   /* its system answers HTTP, or it has interfaces on another one */
};

/* What helps; each has a row in report.c. */
enum check_remedy {
    REMEDY_NONE,
    REMEDY_RESUME,
    REMEDY_OFFLINE,
    REMEDY_ISSUE,
    REMEDY_EXCHANGE,
    REMEDY_CONFIRM,
    REMEDY_OLD_TOKEN,
    REMEDY_POLICY,
    REMEDY_REACH,
    REMEDY_TLS,
    REMEDY_AUTHORITY,
    REMEDY_EXPIRED,
    REMEDY_NAME,
    REMEDY_CERTIFICATE,
    REMEDY_CLEARTEXT,
    REMEDY_REFUSED,
    REMEDY_ENVELOPE,
    REMEDY_SERVER,
    REMEDY_VERSIONS,
    REMEDY_DETAILS,
    REMEDY_ENDPOINT,
    REMEDY_IDENTIFIER,
    REMEDY_DISCOVER,
    REMEDY_DIFFERS,
    REMEDY_HOST,
    REMEDY_CLOCK,
    REMEDY_TIMESTAMP,
    REMEDY_METHOD,
    REMEDY_LIST,
    REMEDY_LIMIT,
    REMEDY_LINK,
    REMEDY_PAGE_HEADERS,
    REMEDY_DATES,
    REMEDY_OBJECTS,
    REMEDY_OWNER,
    REMEDY_SLOW,
    REMEDY_ALLOWS_UNKNOWN,
    REMEDY_AUTHORIZATION,
    REMEDY_RULE,
    REMEDY_COUNTERPART,
    REMEDY_CIRCUIT,
    REMEDY_QUEUE,
    REMEDY_QUALITY,
    REMEDY_REFUSED_QUALITY,
    REMEDY_REFUSED_PUSH,
    REMEDY_TIME,
    REMEDY_COUNT
};

/* One line of the report; texts are in the request's arena. */
struct check_finding {
    struct str check; /* "versions", "pages.locations" */
    enum check_result result;
    struct str detail;
    enum check_remedy remedy;
    struct str module; /* for the remedy */
    struct check_finding *next;
};

/* An interface of the party, as its receivers are kept. */
struct check_target {
    struct str key;      /* "tokens", "tokens:sender" */
    struct str module;   /* the key without ":sender" */
    enum ocpi_module id; /* the same as a number; OTHER: a module of the partner's own */
    bool sender;
    struct str url;
};

/* One list of the partner's under examination (lists.c). */
struct check_list {
    const struct check_target *target;
    const struct json_value *pages[2]; /* the first ones */
    const struct json_value *sample;   /* many at once */
    struct str next;                   /* of the first page's Link */
    int64_t total;                     /* X-Total-Count, -1: none */
    bool has_limit;                    /* X-Limit is there */
};

struct check {
    uint32_t magic;
    struct hub *hub;
    struct ctl_request *request;
    struct arena *arena;  /* the request's: what the report needs */
    struct arena found;   /* what `discovery` found; tokens are in both: wiped */
    struct arena scratch; /* other calls and answers, until the next one begins */
    struct str id, name;  /* of the party, for people */
    int64_t party_id;     /* its row */
    struct str correlation_id;
    struct str unknown_id; /* a token and an object that nobody has */
    int64_t started_ms;    /* monotonic */
    enum check_level level;
    size_t row;
    bool running, waiting, gone;
    /* only within a check and its `then`: the newest registry */
    struct registry_snapshot *snapshot;
    const struct registry_party *party;
    /* the call under way */
    struct outbound *calling;
    void (*then)(struct check *check);
    struct outbound outbound;
    struct discovery discovery;
    int64_t answered_wall; /* when the answer of `discovery` came */
    /* interfaces, looked at one by one */
    struct check_target *targets;
    size_t target_count, target;
    struct check_list list;
    struct store_queues_read queues;
    struct store_findings_read findings;
    struct store_refusals_read refusals;
    /* the report */
    struct str about; /* the module that the next remedy names, where the check's name has none */
    struct check_finding *first, **last;
    size_t counts[CHECK_RESULT_COUNT];
};

/* A row of the table in check.c. */
struct check_row {
    const char *name;       /* of its findings, with ".MODULE" behind where it has one for each interface */
    enum check_level needs; /* else it is skipped */
    void (*run)(struct check *check);
};

/* ---------------------------------------------------------------- check.c: what the checks are run by */

/* Begins a call of the partner with its token. `then` runs when the call has ended; the next check runs after it,
 * unless `then` began a further call. `url` lives in `scratch` or longer. */
void check_call(struct check *check, enum http_method method, struct str url, int64_t timeout_ms, bool routed,
                void (*then)(struct check *check));
/* The same for anything else that ends later: its callback calls check_go_on. */
void check_wait(struct check *check, void (*then)(struct check *check));
void check_go_on(struct check *check);
/* Reads the partner's versions and version details into `discovery`, as a call. */
void check_discover(struct check *check, void (*then)(struct check *check));
/* The party's interfaces as they are now. */
void check_take_targets(struct check *check);
/* How much time is left for all checks, at most `wanted`; ms. */
int64_t check_time_left(const struct check *check, int64_t wanted);
/* Whether no time is left; then the check of that name is reported as skipped. */
bool check_is_late(struct check *check, const char *name);

/* ---------------------------------------------------------------- report.c */

/* Adds a line to the report. `module`: part of the line's name and of its remedy, or STR_NONE. The text may repeat what
 * the partner sent: it is cleaned, cut, and tokens in it are hidden. */
void check_report(struct check *check, const char *name, struct str module, enum check_result result,
                  enum check_remedy remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* What helps when a call got no HTTP answer: it was the URL policy, a part of TLS, or the network. */
enum check_remedy check_remedy_of(const struct outbound *outbound);
/* Both halves of a remedy that names no party, as a hint. In the arena. */
struct str check_remedy_hint(struct arena *arena, enum check_remedy remedy);
/* Reports a call that got no answer as failed, or as skipped when the hub itself lacked something for it. */
void check_report_call(struct check *check, const char *name, struct str module,
                       const struct outbound *outbound, struct str why);
/* Reports what went wrong with the call of an interface that must answer in OCPI's envelope. False, and no report, when
 * it answered in the envelope, whatever the answer was. */
bool check_report_failure(struct check *check, const char *name, struct str module);
/* The answer to the request. */
void check_write(const struct check *check, struct json_writer *writer);
/* The audit's detail: names of what failed and warned. In the request's arena. */
struct str check_detail(const struct check *check);

/* ---------------------------------------------------------------- the checks */

/* registry.c: what the hub itself knows */
void check_registered(struct check *check);
void check_token(struct check *check);
void check_exchange(struct check *check);
void check_rules(struct check *check);
void check_queue(struct check *check);
void check_quality(struct check *check);
void check_refused(struct check *check);
/* platform.c: the partner's host, versions and endpoints */
void check_address(struct check *check);
void check_tls(struct check *check);
void check_versions(struct check *check);
void check_endpoints(struct check *check);
void check_clock(struct check *check);
/* modules.c: its interfaces */
void check_receivers(struct check *check);
void check_authorize(struct check *check);
/* lists.c: its lists, as the hub sees them */
void check_lists(struct check *check);

#endif
