#include "hubd/admin/admin.h"

#include <stdlib.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/render.h"
#include "lib/base/env.h"
#include "lib/base/log.h"

/* Whoever is refused must not fill the audit: so many tries a minute get a row there, the others only a log line. */
#define REFUSED_PER_MINUTE 20

#define HANDLER(method, function) {method, admin_##function},
const struct ctl_handler admin_handlers[] = {METHODS(HANDLER)};
#undef HANDLER
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
        .actor = render_actor(&arena, peer),
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
