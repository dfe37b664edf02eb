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
    struct ring connects;   /* exchanges begun here and under way (connect.h) */
    unsigned checks;        /* of parties, under way (check.h) */
    struct str backup_path; /* of the backup under way; empty: none is */
    uv_timer_t poll;
    uv_timer_t slice;  /* of the active change: what takes long is done in several turns of the loop */
    char revision[48]; /* of the last export, so that the next one of the same configuration has it too */
    int64_t refused_window; /* monotonic ms when the count began */
    unsigned refused_count;
    bool ending; /* hubd is */
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

/* Pages of lists, when --limit does not ask for less. */
#define ADMIN_PAGE 500

/* The handlers, one file per noun. */
void admin_party_add(struct ctl_request *request);
void admin_party_list(struct ctl_request *request);
void admin_party_show(struct ctl_request *request);
void admin_party_set(struct ctl_request *request);
void admin_party_suspend(struct ctl_request *request);
void admin_party_resume(struct ctl_request *request);
void admin_party_remove(struct ctl_request *request);
void admin_party_connect(struct ctl_request *request);
void admin_party_check(struct ctl_request *request);
void admin_token_issue(struct ctl_request *request);
void admin_token_list(struct ctl_request *request);
void admin_token_revoke(struct ctl_request *request);
void admin_token_rotate(struct ctl_request *request);
void admin_receiver_set(struct ctl_request *request);
void admin_receiver_unset(struct ctl_request *request);
void admin_receiver_list(struct ctl_request *request);
void admin_receiver_discover(struct ctl_request *request);
void admin_rule_enable(struct ctl_request *request);
void admin_rule_disable(struct ctl_request *request);
void admin_rule_list(struct ctl_request *request);
void admin_rule_matrix(struct ctl_request *request);
void admin_rule_explain(struct ctl_request *request);
void admin_limit_set(struct ctl_request *request);
void admin_limit_unset(struct ctl_request *request);
void admin_limit_list(struct ctl_request *request);
void admin_audit_tail(struct ctl_request *request);
void admin_audit_verify(struct ctl_request *request);
void admin_trace(struct ctl_request *request);
void admin_delivery_list(struct ctl_request *request);
void admin_delivery_show(struct ctl_request *request);
void admin_delivery_retry(struct ctl_request *request);
void admin_delivery_drop(struct ctl_request *request);
void admin_delivery_replay(struct ctl_request *request);
void admin_delivery_receipts(struct ctl_request *request);
void admin_delivery_reconcile(struct ctl_request *request);
void admin_command_list(struct ctl_request *request);
void admin_command_show(struct ctl_request *request);
void admin_object_list(struct ctl_request *request);
void admin_object_show(struct ctl_request *request);
void admin_export(struct ctl_request *request);
void admin_diff(struct ctl_request *request);
void admin_apply(struct ctl_request *request);
void admin_quality(struct ctl_request *request);
void admin_status(struct ctl_request *request);
void admin_stats(struct ctl_request *request);
void admin_conf_show(struct ctl_request *request);
void admin_log_level(struct ctl_request *request);
void admin_backup(struct ctl_request *request);
void admin_version(struct ctl_request *request);

/* Wakes every follower of the audit (audit.c). */
void admin_wake_followers(struct admin *admin);

/* All handlers, for ctl_server and for the test that compares them with the command table. */
extern const struct ctl_handler admin_handlers[];
extern const size_t admin_handler_count;

/* Cuts the calls of all that are under way: hubd is ending. */
void admin_connect_stop(struct admin *admin);

#endif
