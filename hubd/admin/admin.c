#include "hubd/admin/admin.h"

#include <stdlib.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/rows.h"
#include "lib/base/env.h"
#include "lib/base/log.h"

/* A stranger must not fill the audit: so many refused tries a minute get a row, the rest is logged. */
#define REFUSED_PER_MINUTE 20

const struct ctl_handler admin_handlers[] = {
    {"party.add", admin_party_add},
    {"party.list", admin_party_list},
    {"party.show", admin_party_show},
    {"party.set", admin_party_set},
    {"party.suspend", admin_party_suspend},
    {"party.resume", admin_party_resume},
    {"party.remove", admin_party_remove},
    {"party.connect", admin_party_connect},
    {"party.check", admin_party_check},
    {"token.issue", admin_token_issue},
    {"token.list", admin_token_list},
    {"token.revoke", admin_token_revoke},
    {"token.rotate", admin_token_rotate},
    {"receiver.set", admin_receiver_set},
    {"receiver.unset", admin_receiver_unset},
    {"receiver.list", admin_receiver_list},
    {"receiver.discover", admin_receiver_discover},
    {"rule.enable", admin_rule_enable},
    {"rule.disable", admin_rule_disable},
    {"rule.list", admin_rule_list},
    {"rule.matrix", admin_rule_matrix},
    {"rule.explain", admin_rule_explain},
    {"limit.set", admin_limit_set},
    {"limit.unset", admin_limit_unset},
    {"limit.list", admin_limit_list},
    {"audit.tail", admin_audit_tail},
    {"audit.verify", admin_audit_verify},
    {"trace", admin_trace},
    {"delivery.list", admin_delivery_list},
    {"delivery.show", admin_delivery_show},
    {"delivery.retry", admin_delivery_retry},
    {"delivery.drop", admin_delivery_drop},
    {"delivery.replay", admin_delivery_replay},
    {"delivery.receipts", admin_delivery_receipts},
    {"delivery.reconcile", admin_delivery_reconcile},
    {"command.list", admin_command_list},
    {"command.show", admin_command_show},
    {"object.list", admin_object_list},
    {"object.show", admin_object_show},
    {"export", admin_export},
    {"diff", admin_diff},
    {"apply", admin_apply},
    {"quality", admin_quality},
    {"status", admin_status},
    {"stats", admin_stats},
    {"conf.show", admin_conf_show},
    {"log.level", admin_log_level},
    {"backup", admin_backup},
    {"version", admin_version},
};
const size_t admin_handler_count = sizeof admin_handlers / sizeof admin_handlers[0];

/* ---------------------------------------------------------------- refused tries */

static void on_refused(const struct ctl_peer *peer, struct str method, void *context)
{
    struct admin *admin = MAGIC_CAST(struct admin, context, ADMIN_MAGIC);
    int64_t now = env_monotonic_ms();
    log_warn_bounded("admin socket: refused " STR_FMT " to uid %u (%s)", STR_ARG(method), (unsigned)peer->uid,
                     peer->name);
    if (now - admin->refused_window > 60000) {
        admin->refused_window = now;
        admin->refused_count = 0;
    }
    if (++admin->refused_count > REFUSED_PER_MINUTE)
        return;
    struct arena arena;
    arena_init(&arena, 0);
    struct store_audit row = {
        .kind = STORE_AUDIT_ADMIN,
        .actor = rows_actor(&arena, peer),
        .action = STR("access.refused"),
        .method = method,
        .status = STR("refused"),
        .latency_ms = -1,
    };
    if (store_audit_later(admin->hub->store, &row) != OK)
        log_error_bounded("audit: an access.refused row was lost: the store takes no more");
    arena_free(&arena);
}

/* ---------------------------------------------------------------- followers of the audit */

static void on_poll(uv_timer_t *timer)
{
    admin_wake_followers(MAGIC_CAST(struct admin, timer->data, ADMIN_MAGIC));
}

void admin_audit_appended(struct hub *hub)
{
    if (hub->admin != NULL)
        admin_wake_followers(hub->admin);
}

/* ---------------------------------------------------------------- start and stop */

int admin_start(struct hub *hub, struct error *error)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return error_set(error, ERR_MEMORY, "no memory");
    admin->magic = ADMIN_MAGIC;
    admin->hub = hub;
    ring_init(&admin->changes);
    ring_init(&admin->followers);
    ring_init(&admin->connects);
    struct ctl_server_options options = {
        .path = hub->conf.admin_socket,
        .admin_group = hub->conf.admin_group,
        .viewer_group = hub->conf.viewer_group,
        .handlers = admin_handlers,
        .handler_count = admin_handler_count,
        .context = admin,
        .refused = on_refused,
    };
    int result = ctl_server_start(&hub->control.uv, &options, &admin->server, error);
    if (result != OK) {
        free(admin);
        return result;
    }
    uv_timer_init(&hub->control.uv, &admin->poll);
    admin->poll.data = admin;
    uv_timer_start(&admin->poll, on_poll, 1000, 1000);
    uv_timer_init(&hub->control.uv, &admin->slice);
    hub->admin = admin;
    return OK;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct admin *admin = MAGIC_CAST(struct admin, handle->data, ADMIN_MAGIC);
    struct hub *hub = admin->hub;
    void (*stopped)(struct hub *) = admin->stopped;
    admin->magic = 0;
    hub->admin = NULL;
    free(admin);
    if (stopped != NULL)
        stopped(hub);
}

static void on_slice_closed(uv_handle_t *handle)
{
    struct admin *admin = CONTAINER_OF(handle, struct admin, slice);
    uv_close((uv_handle_t *)&admin->poll, on_poll_closed);
}

static void on_server_stopped(void *context)
{
    struct admin *admin = MAGIC_CAST(struct admin, context, ADMIN_MAGIC);
    uv_close((uv_handle_t *)&admin->slice, on_slice_closed);
}

void admin_stop(struct hub *hub, void (*stopped)(struct hub *hub))
{
    hub->admin->ending = true;
    hub->admin->stopped = stopped;
    admin_connect_stop(hub->admin);
    ctl_server_stop(hub->admin->server, on_server_stopped, hub->admin);
}
