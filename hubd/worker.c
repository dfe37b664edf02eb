#include "hubd/worker.h"

#include <stdlib.h>

#include "hubd/request/quality.h"
#include "hubd/traffic.h"
#include "lib/base/bug.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"

#define CONNECTIONS_PER_HOST 64
#define IDLE_CHECK_MS        5

void worker_limits(struct hub *hub, const struct conf *conf, struct http_limits *limits)
{
    http_limits_default(limits);
    limits->head_max = (size_t)conf->request_head_max;
    limits->body_max = (size_t)conf->request_body_max;
    limits->head_timeout_ms = conf->head_timeout;
    limits->body_timeout_ms = conf->body_timeout;
    limits->idle_timeout_ms = conf->idle_timeout;
    limits->budget = &hub->memory;
}

void worker_client_options(struct hub *hub, struct http_client_options *options)
{
    *options = (struct http_client_options){
        .policy = hub->policy,
        .resolver = hub->resolver,
        .answer_max = (size_t)hub->conf.answer_max,
        .budget = &hub->memory,
        .connections_per_host = CONNECTIONS_PER_HOST,
        .connections_total = hub->descriptors.outbound,
        .keepalive_idle_ms = hub->conf.keepalive_idle,
        .ca_file = hub->conf.ca_file[0] == '\0' ? NULL : hub->conf.ca_file,
        .via = hub->via,
    };
}

int worker_init(struct worker *worker, struct hub *hub, unsigned index, struct error *error)
{
    static const struct http_server_callbacks callbacks = {request_head, request_complete,
                                                           request_server_refused};
    struct http_limits limits;
    struct http_client_options options;
    worker->magic = WORKER_MAGIC;
    worker->hub = hub;
    worker->conf = hub->conf;
    if (loop_init(&worker->loop, index) != OK)
        return error_set(error, ERR_IO, "a loop cannot be made: too many open files?");
    worker->store = store_client_new(hub->store, &worker->loop.uv, error);
    if (worker->store == NULL)
        return ERR_IO;
    worker_limits(hub, &hub->conf, &limits);
    worker_client_options(hub, &options);
    worker->server = http_server_new(&worker->loop.uv, &limits, &callbacks, worker);
    worker->client = http_client_new(&worker->loop.uv, &options);
    worker->view = registry_add_view(hub->registry, &worker->loop);
    worker->quality = quality_new(worker);
    worker->traffic = traffic_counts_of(hub->traffic, index);
    if (worker->server == NULL || worker->client == NULL || worker->view == NULL || worker->quality == NULL)
        return error_set(error, ERR_MEMORY, "no memory for a worker");
    return OK;
}

static void worker_run(void *argument)
{
    struct worker *worker = MAGIC_CAST(struct worker, argument, WORKER_MAGIC);
    uv_run(&worker->loop.uv, UV_RUN_DEFAULT);
    atomic_store(&worker->ended, true);
}

int worker_start(struct worker *worker, struct error *error)
{
    if (uv_thread_create(&worker->thread, worker_run, worker) != 0)
        return error_set(error, ERR_IO, "a thread cannot be started");
    return OK;
}

/* ---------------------------------------------------------------- the end */

#define WORKER_ENDING_MAGIC 0x57454e44u
struct worker_ending {
    uint32_t magic;
    struct loop_task task;
    struct worker *worker;
    int64_t deadline_ms, handlers_ms;
    uv_timer_t check;
};

/* Sets worker->idle when the last request has ended and the store has answered all calls of this loop. */
static void worker_check_idle(uv_timer_t *timer)
{
    struct worker_ending *ending = CONTAINER_OF(timer, struct worker_ending, check);
    struct worker *worker = ending->worker;
    if (worker->active == 0 && quality_settle(worker->quality) && store_client_under_way(worker->store) == 0)
        atomic_store(&worker->idle, true);
}

static void worker_drained(void *context)
{
    struct worker_ending *ending = MAGIC_CAST(struct worker_ending, context, WORKER_ENDING_MAGIC);
    struct http_client *client = ending->worker->client;
    ending->worker->client = NULL; /* calls begun from here on end at once */
    http_client_free(client);
    ending->worker->ending = ending;
    uv_timer_init(&ending->worker->loop.uv, &ending->check);
    uv_timer_start(&ending->check, worker_check_idle, 0, IDLE_CHECK_MS);
}

static void worker_drain_here(struct loop_task *task)
{
    struct worker_ending *ending = CONTAINER_OF(task, struct worker_ending, task);
    http_server_drain(ending->worker->server, ending->deadline_ms, ending->handlers_ms, worker_drained,
                      ending);
}

void worker_drain(struct worker *worker, int64_t deadline_ms, int64_t handlers_ms)
{
    struct worker_ending *ending = must_alloc(sizeof *ending, "the end of a worker");
    ending->magic = WORKER_ENDING_MAGIC;
    ending->worker = worker;
    ending->deadline_ms = deadline_ms;
    ending->handlers_ms = handlers_ms;
    ending->task.run = worker_drain_here;
    loop_post(&worker->loop, &ending->task);
}

/* A message to a worker's loop. */
struct worker_hurrying {
    struct loop_task task;
    struct http_server *server;
};

static void worker_hurry_here(struct loop_task *task)
{
    struct worker_hurrying *hurrying = CONTAINER_OF(task, struct worker_hurrying, task);
    http_server_hurry(hurrying->server);
    free(hurrying);
}

void worker_hurry(struct worker *worker)
{
    struct worker_hurrying *hurrying = calloc(1, sizeof *hurrying);
    if (hurrying == NULL)
        return; /* its time ends by itself */
    hurrying->server = worker->server;
    hurrying->task.run = worker_hurry_here;
    loop_post(&worker->loop, &hurrying->task);
}

static void ending_free(uv_handle_t *handle)
{
    struct worker_ending *ending = CONTAINER_OF(handle, struct worker_ending, check);
    ending->magic = 0;
    free(ending);
}

static void worker_finish_here(struct loop_task *task)
{
    struct worker_ending *ending = CONTAINER_OF(task, struct worker_ending, task);
    struct worker *worker = ending->worker;
    http_server_free(worker->server);
    quality_free(worker->quality);
    store_client_free(worker->store);
    loop_close(&worker->loop);
    uv_close((uv_handle_t *)&ending->check, ending_free);
}

void worker_finish(struct worker *worker)
{
    worker->ending->task.run = worker_finish_here;
    loop_post(&worker->loop, &worker->ending->task);
}

void worker_join(struct worker *worker)
{
    uv_thread_join(&worker->thread);
    loop_free(&worker->loop);
}

/* ---------------------------------------------------------------- new settings */

/* Settings on the way to the workers; the last one to copy them frees them. */
struct worker_reload {
    struct conf conf;
    struct url_policy *policy, *old_policy;
    _Atomic unsigned left;
    struct worker_reload_part {
        struct loop_task task;
        struct worker *worker;
        struct worker_reload *whole;
    } parts[];
};

static void worker_reload_client(struct http_client *client, const struct conf *conf,
                                 const struct url_policy *policy)
{
    struct http_client_options options = {.policy = policy,
                                          .ca_file = conf->ca_file[0] == '\0' ? NULL : conf->ca_file,
                                          .keepalive_idle_ms = conf->keepalive_idle};
    if (client == NULL || http_client_reload(client, &options) == OK)
        return;
    options.ca_file = NULL; /* gone between the check and now: what the system trusts still serves */
    http_client_reload(client, &options);
    log_error("reload: ca_file cannot be read any more: send SIGHUP when it is there");
}

static void worker_reload_here(struct loop_task *task)
{
    struct worker_reload_part *part = CONTAINER_OF(task, struct worker_reload_part, task);
    struct worker_reload *reload = part->whole;
    struct http_limits limits;
    part->worker->conf = reload->conf;
    worker_limits(part->worker->hub, &reload->conf, &limits);
    http_server_set_limits(part->worker->server, &limits);
    worker_reload_client(part->worker->client, &reload->conf, reload->policy);
    if (atomic_fetch_sub(&reload->left, 1) > 1)
        return;
    url_policy_free(reload->old_policy);
    free(reload->old_policy);
    free(reload);
    log_info("reload: done");
}

void worker_reload(struct hub *hub, struct url_policy *policy)
{
    struct worker_reload *reload = calloc(1, sizeof *reload + hub->worker_count * sizeof reload->parts[0]);
    if (reload == NULL) {
        log_error("reload: no memory: requests are served by the old settings; send SIGHUP again");
        url_policy_free(policy);
        free(policy);
        return;
    }
    reload->conf = hub->conf;
    reload->policy = policy;
    reload->old_policy = hub->policy;
    hub->policy = policy;
    worker_reload_client(hub->control_client, &hub->conf, policy);
    worker_reload_client(hub->probe_client, &hub->conf, policy);
    reload->left = hub->worker_count;
    for (unsigned i = 0; i < hub->worker_count; i++) {
        reload->parts[i].task.run = worker_reload_here;
        reload->parts[i].worker = &hub->workers[i];
        reload->parts[i].whole = reload;
    }
    for (unsigned i = 0; i < hub->worker_count; i++)
        loop_post(&hub->workers[i].loop, &reload->parts[i].task);
}
