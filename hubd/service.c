#include "hubd/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hubd/admin/admin.h"
#include "hubd/partners/clientinfo.h"
#include "hubd/clock.h"
#include "hubd/messages/commands.h"
#include "hubd/outbox/outbox.h"
#include "hubd/partners/health.h"
#include "hubd/keys.h"
#include "hubd/request/limits.h"
#include "hubd/request/line.h"
#include "hubd/notify.h"
#include "hubd/retention.h"
#include "hubd/traffic.h"
#include "hubd/worker.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/base/paths.h"

#define STEP_MS          5
#define DRAIN_MS         10000
#define SECOND_MS        1000
#define RESOLVER_THREADS 64 /* a thread costs something only while a name has no answer */

/* The state of the running service that no other file needs. */
#define SERVICE_MAGIC 0x53525643u
struct service {
    uint32_t magic;
    struct hub *hub;
    const struct hubd_options *options;
    uv_signal_t terminate, interrupt, hangup;
    uv_async_t committed;
    uv_timer_t steps; /* of the end */
    size_t step;
    int64_t drain_until; /* env_monotonic_ms */
    bool admin_stopped;
    bool ending, hurried;
};
static struct service the_service = {.magic = SERVICE_MAGIC}; /* one per process, as signals are */

static int service_fail(const struct error *error)
{
    log_error("%s", error->text);
    return EXIT_CONFIG;
}

/* ---------------------------------------------------------------- opening */

static unsigned service_worker_count(const struct conf *conf)
{
    if (conf->threads > 0)
        return (unsigned)conf->threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > 4 ? 4 : (unsigned)cores;
}

/* Raises RLIMIT_NOFILE as far as wanted and allowed, and shares the descriptors out. */
static int service_share_descriptors(struct hub *hub, struct error *error)
{
    struct rlimit limit;
    unsigned loops = service_worker_count(&hub->conf) + 1, wanted_in = (unsigned)hub->conf.connections_max;
    struct descriptors *share = &hub->descriptors;
    (void)error;
    *share = descriptors_share(UINT64_MAX, loops, wanted_in);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= share->wanted)
        return OK;
    struct rlimit raised = {limit.rlim_max < share->wanted ? limit.rlim_max : share->wanted, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    *share = descriptors_share(limit.rlim_cur, loops, wanted_in);
    if (limit.rlim_cur < share->wanted)
        log_warn("only %llu files may be open (%llu wanted): at most %u connections of partners, and %u to "
                 "partners by each of %u loops, at once: raise LimitNOFILE",
                 (unsigned long long)limit.rlim_cur, (unsigned long long)share->wanted, share->inbound,
                 share->outbound, loops);
    return OK;
}

static void service_name_via(struct hub *hub, const uint8_t secret[SHA256_SIZE])
{
    char hex[2 * SHA256_SIZE + 1];
    hex_encode(secret, SHA256_SIZE, hex);
    snprintf(hub->via, sizeof hub->via, "hub-%.16s", hex);
}

static int service_open_store(struct hub *hub, struct error *error)
{
    struct keys keys;
    bool exists;
    int result = store_exists(hub->conf.state_dir, &exists, error);
    if (result == OK)
        result = paths_make_directory(hub->conf.state_dir, error); /* the key file's place by default */
    if (result == OK)
        result = keys_load(hub->conf.key_file, exists, &keys, error);
    if (result != OK)
        return result;
    memcpy(hub->seal_key, keys.seal, sizeof hub->seal_key);
    memcpy(hub->audit_key, keys.audit, sizeof hub->audit_key);
    service_name_via(hub, keys.via);
    struct store_options options = {
        .directory = hub->conf.state_dir, .audit_key = hub->audit_key, .key_check = keys.check};
    struct error reason;
    result = store_open(&options, &hub->store, &reason);
    bool fresh = keys.fresh;
    crypto_wipe(&keys, sizeof keys);
    if (result == ERR_REFUSED)
        return error_set(error, result, "key_file %s: %s", hub->conf.key_file, reason.text);
    if (result != OK)
        return error_set(error, result, "%s/hub.db: %s", hub->conf.state_dir, reason.text);
    clock_open(hub);
    if (!exists)
        log_warn("a new, empty database was made in %s, and key_file %s for it: if this hub had partners "
                 "before, stop it and look for its state_dir",
                 hub->conf.state_dir, hub->conf.key_file);
    return fresh ? keys_settle(hub->conf.key_file, error) : OK;
}

/* Makes the URL policy of the settings. NULL with `error`: no memory, or a wrong entry of allow_networks. */
static struct url_policy *service_make_policy(const struct hub *hub, const struct conf *conf,
                                              struct error *error)
{
    struct url_policy *policy = malloc(sizeof *policy);
    if (policy == NULL) {
        error_set(error, ERR_MEMORY, "no memory for the settings");
        return NULL;
    }
    url_policy_init(policy, conf->allow_private_networks);
    policy->own = &hub->own;
    for (unsigned i = 0; i < conf->allow_networks.count; i++) {
        struct error reason;
        if (url_policy_add(policy, str_from(conf->allow_networks.items[i]), &reason) == OK)
            continue;
        error_set(error, ERR_INVALID, "allow_networks: %s", reason.text);
        url_policy_free(policy);
        free(policy);
        return NULL;
    }
    return policy;
}

static int service_open_policy(struct hub *hub, struct error *error)
{
    hub->policy = service_make_policy(hub, &hub->conf, error);
    return hub->policy == NULL ? error->code : OK;
}

static int service_open_clients(struct hub *hub, struct error *error)
{
    struct http_client_options options;
    hub->resolver = http_resolver_new(RESOLVER_THREADS, hub->conf.dns_ttl);
    worker_client_options(hub, &options);
    options.budget = NULL; /* a delivery must not fail for what requests hold */
    hub->control_client = hub->resolver == NULL ? NULL : http_client_new(&hub->control.uv, &options);
    options.connections_total = DESCRIPTORS_PROBES;
    hub->probe_client = hub->resolver == NULL ? NULL : http_client_new(&hub->control.uv, &options);
    if (hub->control_client == NULL || hub->probe_client == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the HTTP client");
    hub->control_store = store_client_new(hub->store, &hub->control.uv, error);
    return hub->control_store == NULL ? ERR_IO : OK;
}

static int service_open_registry(struct hub *hub, struct error *error)
{
    int result =
        registry_open(&hub->control, hub->store, hub->control_store, hub->seal_key, &hub->registry, error);
    if (result != OK)
        return result;
    hub->control_view = registry_add_view(hub->registry, &hub->control);
    return hub->control_view == NULL ? error_set(error, ERR_MEMORY, "no memory for the registry") : OK;
}

static int service_open_workers(struct hub *hub, struct error *error)
{
    unsigned count = service_worker_count(&hub->conf);
    hub->workers = calloc(count, sizeof *hub->workers);
    hub->traffic = traffic_new(count + 1); /* the control loop counts, too */
    hub->lines = lines_new();
    if (hub->workers == NULL || hub->traffic == NULL || hub->lines == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the workers");
    for (unsigned i = 0; i < count; i++) {
        int result = worker_init(&hub->workers[i], hub, i + 1, error);
        if (result != OK)
            return result;
    }
    hub->worker_count = count;
    return OK;
}

static int service_open_listener(struct hub *hub, struct error *error)
{
    struct http_server **servers = calloc(hub->worker_count, sizeof(struct http_server *));
    if (servers == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the listener");
    for (unsigned i = 0; i < hub->worker_count; i++)
        servers[i] = hub->workers[i].server;
    hub->listener = http_listener_new(&hub->control.uv, servers, hub->worker_count, hub->descriptors.inbound,
                                      (unsigned)hub->conf.connections_per_address, hub->descriptors.refused);
    free(servers);
    if (hub->listener == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the listener");
    for (unsigned i = 0; i < hub->conf.listen.count; i++) {
        int result = http_listener_bind(hub->listener, hub->conf.listen.items[i], NULL, 0, error);
        if (result != OK)
            return result;
    }
    http_listener_note(hub->listener, &hub->own);
    return OK;
}

static int service_start_rooms(struct hub *hub, struct error *error)
{
    if (outbox_start(hub) != OK || health_start(hub) != OK || commands_start(hub) != OK ||
        limits_start(hub) != OK || clientinfo_start(hub) != OK || retention_start(hub) != OK ||
        traffic_start(hub) != OK || clock_start(hub) != OK)
        return error_set(error, ERR_MEMORY,
                         "no memory for delivery, health, commands, limits, hubclientinfo, retention, "
                         "traffic or the clock");
    return admin_start(hub, error);
}

static int service_start_workers(struct hub *hub, struct error *error)
{
    for (unsigned i = 0; i < hub->worker_count; i++) {
        int result = worker_start(&hub->workers[i], error);
        if (result != OK)
            return result;
    }
    return OK;
}

/* Run in this order; the first failure ends the process with one line, before anything is served. */
static int (*const service_steps[])(struct hub *hub, struct error *error) = {
    service_share_descriptors, service_open_policy,   service_open_store,
    service_open_clients,      service_open_registry, service_open_workers,
    service_open_listener,     service_start_rooms,   service_start_workers,
};

/* ---------------------------------------------------------------- ending */

/*
 * The steps of an orderly end; each is repeated until it returns true. All loops keep running until no
 * request and no change of the registry is under way, since a change is answered when every loop has the new
 * snapshot.
 */
static bool ending_workers_idle(struct hub *hub)
{
    for (unsigned i = 0; i < hub->worker_count; i++)
        if (!atomic_load(&hub->workers[i].idle))
            return false;
    return the_service.admin_stopped;
}

/* When the time of the drain is over, what is not finished does not count. */
static bool ending_deliveries_idle(struct hub *hub)
{
    return outbox_is_idle(hub) || env_monotonic_ms() >= the_service.drain_until;
}

static bool ending_stop_rooms(struct hub *hub)
{
    struct http_client *client = hub->control_client, *probes = hub->probe_client;
    clock_stop(hub);
    traffic_stop(hub);
    clientinfo_stop(hub);
    limits_stop(hub);
    retention_stop(hub);
    commands_stop(hub);
    health_stop(hub);
    outbox_stop(hub);
    hub->control_client = hub->probe_client = NULL; /* calls begun from here on end at once */
    http_client_free(client);
    http_client_free(probes);
    return true;
}

static bool ending_rooms_idle(struct hub *hub)
{
    return store_client_under_way(hub->control_store) == 0 && registry_is_idle(hub->registry);
}

static bool ending_finish_workers(struct hub *hub)
{
    for (unsigned i = 0; i < hub->worker_count; i++)
        worker_finish(&hub->workers[i]);
    return true;
}

static bool ending_workers_ended(struct hub *hub)
{
    for (unsigned i = 0; i < hub->worker_count; i++)
        if (!atomic_load(&hub->workers[i].ended))
            return false;
    for (unsigned i = 0; i < hub->worker_count; i++)
        worker_join(&hub->workers[i]);
    return true;
}

static bool ending_close(struct hub *hub)
{
    uv_close((uv_handle_t *)&the_service.committed, NULL);
    uv_close((uv_handle_t *)&the_service.steps, NULL);
    uv_close((uv_handle_t *)&the_service.terminate, NULL); /* until here none of them ends the process */
    uv_close((uv_handle_t *)&the_service.interrupt, NULL);
    uv_close((uv_handle_t *)&the_service.hangup, NULL);
    store_client_free(hub->control_store);
    loop_close(&hub->control);
    return true;
}

static bool (*const ending_steps[])(struct hub *hub) = {
    ending_workers_idle,   ending_deliveries_idle, ending_stop_rooms, ending_rooms_idle,
    ending_finish_workers, ending_workers_ended,   ending_close,
};

static void service_next_step(uv_timer_t *timer)
{
    struct service *service = MAGIC_CAST(struct service, timer->data, SERVICE_MAGIC);
    size_t count = sizeof ending_steps / sizeof ending_steps[0];
    while (service->step < count && ending_steps[service->step](service->hub))
        service->step++;
}

static void service_admin_stopped(struct hub *hub)
{
    (void)hub;
    the_service.admin_stopped = true;
}

/* How long to wait for answers of handlers, ms. A command that a CPO has received may start a charge: its
 * answer gets as much time as in normal operation. */
static int64_t service_handlers_drain(const struct conf *conf)
{
    int64_t command = conf->command_forward_timeout + SECOND_MS;
    return command > DRAIN_MS ? command : DRAIN_MS;
}

/* On a second signal: ends the time of the drain now; the end is still an orderly one. */
static void service_hurry(struct service *service)
{
    if (service->hurried)
        return;
    service->hurried = true;
    log_info("ending: told again, what hangs is not waited for");
    service->drain_until = 0;
    for (unsigned i = 0; i < service->hub->worker_count && service->step == 0; i++)
        worker_hurry(&service->hub->workers[i]);
}

static void service_end(uv_signal_t *signal, int number)
{
    struct service *service = MAGIC_CAST(struct service, signal->data, SERVICE_MAGIC);
    struct hub *hub = service->hub;
    if (service->ending) {
        service_hurry(service);
        return;
    }
    service->ending = true;
    log_info("ending: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    notify_service_manager("STOPPING=1");
    atomic_store(&hub->draining, true);
    http_listener_close(hub->listener);
    service->drain_until = env_monotonic_ms() + DRAIN_MS;
    outbox_drain(hub);
    for (unsigned i = 0; i < hub->worker_count; i++)
        worker_drain(&hub->workers[i], DRAIN_MS, service_handlers_drain(&hub->conf));
    admin_stop(hub, service_admin_stopped);
    uv_timer_start(&service->steps, service_next_step, 0, STEP_MS);
}

/* ---------------------------------------------------------------- running */

/* SIGHUP: an invalid file keeps the old settings (hubd(8), SIGNALS). */
static void service_reload(uv_signal_t *signal, int number)
{
    (void)number;
    struct service *service = MAGIC_CAST(struct service, signal->data, SERVICE_MAGIC);
    struct hub *hub = service->hub;
    struct buffer problems = {0}, restart = {0};
    struct url_policy *policy = NULL;
    struct error error;
    struct conf *fresh = service->ending ? NULL : malloc(sizeof *fresh);
    if (fresh == NULL)
        return;
    if (conf_load(fresh, service->options->file, environ, service->options->overrides,
                  service->options->override_count, &problems) != OK) {
        buffer_append_byte(&problems, '\0');
        log_error("reload: the old settings stay: %s", problems.data == NULL ? "" : problems.data);
    } else if ((policy = service_make_policy(hub, fresh, &error)) == NULL) {
        log_error("reload: the old settings stay: %s", error.text);
    } else {
        conf_reload(&hub->conf, fresh, &restart);
        log_set_level((enum log_level)hub->conf.log_level);
        log_set_format((enum log_format)hub->conf.log_format);
        retention_reload(hub);
        buffer_append_byte(&restart, '\0');
        if (restart.length > 1)
            log_warn("reload: these settings need a restart: %s", restart.data);
        worker_reload(hub, policy);
    }
    buffer_free(&problems);
    buffer_free(&restart);
    free(fresh);
}

/* Called when the writer thread has committed: wakes those who tail the audit. */
static void service_hook(void *context)
{
    uv_async_send(&MAGIC_CAST(struct service, context, SERVICE_MAGIC)->committed);
}

static void service_committed(uv_async_t *async)
{
    struct service *service = MAGIC_CAST(struct service, async->data, SERVICE_MAGIC);
    admin_audit_appended(service->hub);
}

static int service_watch_signals(struct service *service)
{
    struct hub *hub = service->hub;
    struct {
        uv_signal_t *handle;
        int number;
        uv_signal_cb callback;
    } signals[] = {{&service->terminate, SIGTERM, service_end},
                   {&service->interrupt, SIGINT, service_end},
                   {&service->hangup, SIGHUP, service_reload}};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write over the limit fails, as on a full disk */
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signals[i].handle->data = service;
        if (uv_signal_init(&hub->control.uv, signals[i].handle) != 0 ||
            uv_signal_start(signals[i].handle, signals[i].callback, signals[i].number) != 0)
            return ERR_IO;
    }
    service->committed.data = service;
    service->steps.data = service;
    return uv_timer_init(&hub->control.uv, &service->steps) == 0 &&
                   uv_async_init(&hub->control.uv, &service->committed, service_committed) == 0
               ? OK
               : ERR_IO;
}

static void service_free(struct hub *hub)
{
    clock_free(hub);
    traffic_free(hub->traffic);
    clientinfo_free(hub);
    limits_free(hub);
    retention_free(hub);
    commands_free(hub);
    health_free(hub);
    outbox_free(hub);
    registry_close(hub->registry);
    store_close(hub->store);
    http_resolver_free(hub->resolver);
    url_policy_free(hub->policy);
    free(hub->policy);
    loop_free(&hub->control);
    free(hub->workers);
    lines_free(hub->lines);
    crypto_wipe(hub->seal_key, sizeof hub->seal_key);
    crypto_wipe(hub->audit_key, sizeof hub->audit_key);
}

int service_run(struct hub *hub, const struct hubd_options *options)
{
    struct error error = {0};
    the_service.hub = hub;
    the_service.options = options;
    budget_init(&hub->memory, (size_t)hub->conf.memory_max);
    if (!ocpi_party_key_make(str_from(hub->conf.country_code), str_from(hub->conf.party_id), &hub->key) ||
        loop_init(&hub->control, 0) != OK)
        return EXIT_CONFIG;
    for (size_t i = 0; i < sizeof service_steps / sizeof service_steps[0]; i++) {
        if (service_steps[i] == service_start_rooms) {
            if (service_watch_signals(&the_service) != OK)
                return EXIT_CONFIG;
            store_set_commit_hook(hub->store, service_hook, &the_service);
        }
        if (service_steps[i](hub, &error) != OK)
            return service_fail(&error);
    }
    log_info("hubd %s is ready as %s-%s, base_url %s, %u threads", HUB_VERSION, hub->conf.country_code,
             hub->conf.party_id, hub->conf.base_url, hub->worker_count);
    for (unsigned i = 0; i < hub->conf.listen.count; i++)
        log_info("listening on %s", hub->conf.listen.items[i]);
    notify_service_manager("READY=1");
    uv_run(&hub->control.uv, UV_RUN_DEFAULT);
    signal(SIGTERM, SIG_IGN); /* it ends */
    service_free(hub);
    log_info("ended");
    return 0;
}
