#include "lib/ctl/server_internal.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/bug.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define CTL_SERVER_MAGIC 0x63746c73u
#define BACKLOG          1024 /* who is turned away must not keep others from being heard */

bool ctl_handlers_fit(const struct ctl_handler *handlers, size_t count, const char **what)
{
    for (size_t i = 0; i < count; i++) {
        const struct ctl_command *command = ctl_command_by_method(str_from(handlers[i].method));
        *what = handlers[i].method;
        if (command == NULL || (command->flags & CTL_LOCAL) != 0)
            return false;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(handlers[i].method, handlers[j].method) == 0)
                return false;
        }
    }
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        bool found = (command->flags & CTL_LOCAL) != 0;
        for (size_t j = 0; j < count && !found; j++)
            found = strcmp(handlers[j].method, command->method) == 0;
        *what = command->method;
        if (!found)
            return false;
    }
    *what = NULL;
    return true;
}

const struct ctl_handler *ctl_server_handler(const struct ctl_server *server, struct str method)
{
    for (size_t i = 0; i < server->options.handler_count; i++) {
        if (str_equal(method, str_from(server->options.handlers[i].method)))
            return &server->options.handlers[i];
    }
    return NULL;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct ctl_server *server = MAGIC_CAST(struct ctl_server, stream->data, CTL_SERVER_MAGIC);
    if (status < 0) {
        log_warn_bounded("admin socket: accept: %s", uv_strerror(status));
        return;
    }
    ctl_connection_accept(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct ctl_server *server = MAGIC_CAST(struct ctl_server, handle->data, CTL_SERVER_MAGIC);
    server->handles--;
    ctl_server_maybe_stopped(server);
}

void ctl_server_sweep(struct ctl_server *server)
{
    int64_t now = env_monotonic_ms();
    /* closing tells later, from the loop: the list stays as it is */
    for (struct ring *node = server->connections.next; node != &server->connections; node = node->next)
        ctl_connection_sweep(ctl_connection_of(node), now);
}

static void on_sweep(uv_timer_t *timer)
{
    ctl_server_sweep(MAGIC_CAST(struct ctl_server, timer->data, CTL_SERVER_MAGIC));
}

void ctl_server_maybe_stopped(struct ctl_server *server)
{
    if (!server->stopping || server->handles > 0 || !ring_is_empty(&server->connections))
        return;
    void (*stopped)(void *) = server->stopped;
    void *context = server->stopped_context;
    server->magic = 0;
    free(server);
    if (stopped != NULL)
        stopped(context);
}

/* Bound under a narrow umask: at no moment may the file be open to more than its mode says. */
static int bind_and_listen(struct ctl_server *server, const char *path, struct error *error)
{
    mode_t before = umask(0117);
    int status = uv_pipe_bind(&server->pipe, path);
    umask(before);
    if (status < 0)
        return error_set(error, ERR_IO, "admin_socket: bind %s: %s", path, uv_strerror(status));
    int result = ctl_socket_open_up(path, &server->rules, error);
    if (result != OK)
        return result;
    status = uv_listen((uv_stream_t *)&server->pipe, BACKLOG, on_connection);
    if (status < 0)
        return error_set(error, ERR_IO, "admin_socket: listen %s: %s", path, uv_strerror(status));
    return OK;
}

int ctl_server_start(uv_loop_t *loop, const struct ctl_server_options *options, struct ctl_server **out,
                     struct error *error)
{
    const char *gap;
    *out = NULL;
    if (!options->partial && !ctl_handlers_fit(options->handlers, options->handler_count, &gap))
        BUG("admin method %s: no handler, two, or no row in the command table", gap);
    struct ctl_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return error_set(error, ERR_MEMORY, "no memory");
    server->magic = CTL_SERVER_MAGIC;
    server->options = *options;
    ring_init(&server->connections);
    int result = ctl_rules_make(&server->rules, options->admin_group, options->viewer_group, error);
    if (result == OK)
        result = ctl_socket_prepare(options->path, &server->rules, error);
    if (result != OK) {
        free(server);
        return result;
    }
    uv_pipe_init(loop, &server->pipe, 0);
    uv_timer_init(loop, &server->sweep);
    server->pipe.data = server->sweep.data = server;
    server->handles = 2;
    uv_timer_start(&server->sweep, on_sweep, CTL_SWEEP_MS, CTL_SWEEP_MS);
    result = bind_and_listen(server, options->path, error);
    if (result != OK) {
        ctl_server_stop(server, NULL, NULL);
        return result;
    }
    *out = server;
    return OK;
}

void ctl_server_stop(struct ctl_server *server, void (*stopped)(void *context), void *context)
{
    server->stopping = true;
    server->stopped = stopped;
    server->stopped_context = context;
    uv_close((uv_handle_t *)&server->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&server->sweep, on_handle_closed);
    /* Closing may take connections out of the list at once: go through a list of our own. */
    struct ring all;
    ring_init(&all);
    ring_append(&all, &server->connections);
    for (struct ring *node = ring_pop(&all); node != NULL; node = ring_pop(&all)) {
        ring_push(&server->connections, node);
        ctl_connection_close(ctl_connection_of(node));
    }
}
