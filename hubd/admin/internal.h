#ifndef HUBD_ADMIN_INTERNAL_H
#define HUBD_ADMIN_INTERNAL_H

#include "hubd/admin/admin.h"
#include "lib/base/magic.h"
#include "lib/ctl/server.h"

#define ADMIN_MAGIC 0x41444d4eu

struct change;

struct admin {
    uint32_t magic;
    struct hub *hub;
    struct ctl_server *server;
    struct ring changes;    /* waiting for their turn */
    struct change *active;  /* one at a time */
    struct ring followers;  /* audit tail -f */
    struct ring connects;   /* exchanges under way that the hub began (connect.h) */
    unsigned checks;        /* of parties, under way (check.h) */
    struct str backup_path; /* of the backup under way; empty: none is */
    uv_timer_t poll;
    uv_timer_t slice;       /* of the active change: what takes long is done in several turns of the loop */
    char revision[48];      /* of the last export; the next export of the same configuration gets it too */
    int64_t refused_window; /* monotonic ms when the count began */
    unsigned refused_count;
    bool ending; /* hubd is ending */
    void (*stopped)(struct hub *hub);
};

/* The hub behind a request. */
static inline struct admin *admin_of(const struct ctl_request *request)
{
    return MAGIC_CAST(struct admin, request->context, ADMIN_MAGIC);
}
static inline struct hub *admin_hub(const struct ctl_request *request)
{
    return admin_of(request)->hub;
}

/* Rows of a page of a list, when --limit does not ask for fewer. */
#define ADMIN_PAGE 500

/*
 * Every admin method and its handler: X(method, handler without "admin_"). The list makes the prototypes below and the
 * table admin_handlers. A unit test compares it with the command table (lib/ctl/commands.h).
 */
/* clang-format off */
#define METHODS(X) \
    X("party.add", party_add) \
    X("party.list", party_list) \
    X("party.show", party_show) \
    X("party.set", party_set) \
    X("party.suspend", party_suspend) \
    X("party.resume", party_resume) \
    X("party.remove", party_remove) \
    X("party.connect", party_connect) \
    X("party.check", party_check) \
    X("token.issue", token_issue) \
    X("token.list", token_list) \
    X("token.revoke", token_revoke) \
    X("token.rotate", token_rotate) \
    X("receiver.set", receiver_set) \
    X("receiver.unset", receiver_unset) \
    X("receiver.list", receiver_list) \
    X("receiver.discover", receiver_discover) \
    X("rule.enable", rule_enable) \
    X("rule.disable", rule_disable) \
    X("rule.list", rule_list) \
    X("rule.matrix", rule_matrix) \
    X("rule.explain", rule_explain) \
    X("limit.set", limit_set) \
    X("limit.unset", limit_unset) \
    X("limit.list", limit_list) \
    X("audit.tail", audit_tail) \
    X("audit.verify", audit_verify) \
    X("trace", trace) \
    X("delivery.list", delivery_list) \
    X("delivery.show", delivery_show) \
    X("delivery.retry", delivery_retry) \
    X("delivery.drop", delivery_drop) \
    X("delivery.replay", delivery_replay) \
    X("delivery.receipts", delivery_receipts) \
    X("delivery.reconcile", delivery_reconcile) \
    X("command.list", command_list) \
    X("command.show", command_show) \
    X("object.list", object_list) \
    X("object.show", object_show) \
    X("export", export) \
    X("diff", diff) \
    X("apply", apply) \
    X("quality", quality) \
    X("status", status) \
    X("stats", stats) \
    X("conf.show", conf_show) \
    X("log.level", log_level) \
    X("backup", backup) \
    X("version", version)
/* clang-format on */
#define PROTOTYPE(method, function) void admin_##function(struct ctl_request *request);
METHODS(PROTOTYPE)
#undef PROTOTYPE

/* Wakes every follower of the audit (audit.c). */
void admin_wake_followers(struct admin *admin);

/* All handlers, for ctl_server and for the test that compares them with the command table. */
extern const struct ctl_handler admin_handlers[];
extern const size_t admin_handler_count;

/* hubd is ending: cancels the calls of all exchanges under way. */
void admin_connect_stop(struct admin *admin);

#endif
