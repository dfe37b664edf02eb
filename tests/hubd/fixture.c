#include "tests/hubd/fixture.h"

#include <poll.h>

#include "hubd/clock.h"
#include "hubd/messages/commands.h"
#include "hubd/partners/clientinfo.h"
#include "hubd/partners/health.h"
#include "hubd/request/limits.h"
#include "hubd/request/line.h"
#include "hubd/traffic.h"
#include "lib/base/crypto.h"
#include "lib/base/log.h"

#define STUCK_MS 60000 /* real time: a store that does not answer fails the test */

/* ---------------------------------------------------------------- open and close */

static void bench_load_conf(struct conf *conf, const char *const *settings)
{
    static char *const nothing[] = {NULL};
    struct buffer problems = {0};
    size_t count = 0;
    while (settings != NULL && settings[count] != NULL)
        count++;
    if (conf_load(conf, "/dev/null", nothing, settings, count, &problems) != OK)
        fail_msg("settings: %.*s", (int)problems.length, problems.data);
    buffer_free(&problems);
}

static void bench_open_rooms(struct bench *bench)
{
    struct hub *hub = &bench->hub;
    struct error error;
    hub->traffic = traffic_new(2);
    hub->lines = lines_new();
    if ((bench->rooms & BENCH_REQUESTS) != 0) {
        hub->workers = &bench->worker;
        hub->worker_count = 1;
        assert_int_equal(worker_init(&bench->worker, hub, 1, &error), OK);
        assert_int_equal(limits_start(hub), OK);
        assert_int_equal(commands_start(hub), OK);
        assert_int_equal(clientinfo_start(hub), OK);
    }
    if ((bench->rooms & BENCH_OUTBOX) != 0)
        assert_int_equal(outbox_start(hub), OK);
    if ((bench->rooms & BENCH_HEALTH) != 0)
        assert_int_equal(health_start(hub), OK);
}

/* As hubd/service.c does it, without signals, threads, listener and files of its own. */
static void bench_open_hub(struct bench *bench)
{
    struct hub *hub = &bench->hub;
    struct error error;
    struct http_client_options options;
    budget_init(&hub->memory, (size_t)hub->conf.memory_max);
    assert_true(
        ocpi_party_key_make(str_from(hub->conf.country_code), str_from(hub->conf.party_id), &hub->key));
    assert_int_equal(loop_init(&hub->control, 0), OK);
    hub->descriptors = descriptors_share(UINT64_MAX, 2, (unsigned)hub->conf.connections_max);
    hub->policy = calloc(1, sizeof *hub->policy);
    url_policy_init(hub->policy, true);
    hub->policy->own = &hub->own;
    hub->store = bench->store.store;
    memset(hub->seal_key, 's', sizeof hub->seal_key);
    snprintf(hub->via, sizeof hub->via, "hub-0123456789abcdef");
    clock_open(hub);
    worker_client_options(hub, &options);
    hub->control_client = http_client_new(&hub->control.uv, &options);
    hub->probe_client = http_client_new(&hub->control.uv, &options);
    hub->control_store = store_client_new(hub->store, &hub->control.uv, &error);
    assert_non_null(hub->control_store);
    assert_int_equal(
        registry_open(&hub->control, hub->store, hub->control_store, hub->seal_key, &hub->registry, &error),
        OK);
    hub->control_view = registry_add_view(hub->registry, &hub->control);
    bench_open_rooms(bench);
    bench_settle(bench);
}

/* The store's folder, where there is one, in memory: no test here is about a disk. */
static void bench_use_memory(struct bench *bench)
{
    char directory[] = "/dev/shm/hub-store-XXXXXX";
    if (mkdtemp(directory) == NULL)
        return;
    rmdir(bench->store.directory);
    snprintf(bench->store.directory, sizeof bench->store.directory, "%s", directory);
}

struct bench *bench_open(unsigned rooms, const char *const *settings)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    test_clock_own();
    partners_forget();
    log_set_level(LOG_ERROR);
    fixture_make(&bench->store);
    bench_use_memory(bench);
    fixture_open(&bench->store);
    arena_init(&bench->arena, 0);
    bench_load_conf(&bench->hub.conf, settings);
    bench->rooms = rooms;
    bench_open_hub(bench);
    return bench;
}

/* The steps of hubd/service.c's end. */
static void bench_close_hub(struct bench *bench)
{
    struct hub *hub = &bench->hub;
    struct http_client *client = hub->control_client, *probes = hub->probe_client;
    bool requests = (bench->rooms & BENCH_REQUESTS) != 0;
    bench->stopped = 0; /* a test that failed has left it */
    if ((bench->rooms & BENCH_OUTBOX) != 0)
        outbox_drain(hub);
    if (requests) {
        worker_drain(&bench->worker, 0, 0);
        while (!atomic_load(&bench->worker.idle))
            bench_advance(bench, 10);
        clientinfo_stop(hub);
        limits_stop(hub);
        commands_stop(hub);
    }
    if ((bench->rooms & BENCH_HEALTH) != 0)
        health_stop(hub);
    if ((bench->rooms & BENCH_OUTBOX) != 0)
        outbox_stop(hub);
    hub->control_client = hub->probe_client = NULL;
    http_client_free(client);
    http_client_free(probes);
    bench_settle(bench);
    if (requests) {
        worker_finish(&bench->worker);
        uv_run(&bench->worker.loop.uv, UV_RUN_DEFAULT);
        loop_free(&bench->worker.loop);
    }
    store_client_free(hub->control_store);
    loop_close(&hub->control);
    uv_run(&hub->control.uv, UV_RUN_DEFAULT);
}

static void bench_free_hub(struct bench *bench)
{
    struct hub *hub = &bench->hub;
    clock_free(hub);
    traffic_free(hub->traffic);
    if ((bench->rooms & BENCH_REQUESTS) != 0) {
        clientinfo_free(hub);
        limits_free(hub);
        commands_free(hub);
    }
    if ((bench->rooms & BENCH_HEALTH) != 0)
        health_free(hub);
    if ((bench->rooms & BENCH_OUTBOX) != 0)
        outbox_free(hub);
    registry_close(hub->registry);
    url_policy_free(hub->policy);
    free(hub->policy);
    loop_free(&hub->control);
    lines_free(hub->lines);
}

void bench_restart(struct bench *bench)
{
    struct conf conf = bench->hub.conf;
    bench_close_hub(bench);
    bench_free_hub(bench);
    fixture_reopen(&bench->store);
    memset(&bench->hub, 0, sizeof bench->hub);
    memset(&bench->worker, 0, sizeof bench->worker);
    bench->hub.conf = conf;
    bench_open_hub(bench);
}

void bench_close(struct bench *bench)
{
    bench_close_hub(bench);
    bench_free_hub(bench);
    fixture_close(&bench->store);
    fixture_remove(&bench->store);
    arena_free(&bench->arena);
    free(bench);
    partners_forget();
}

int bench_setup(void **state)
{
    *state = bench_open(BENCH_OUTBOX, NULL);
    return 0;
}

int bench_teardown(void **state)
{
    bench_close(*state);
    return 0;
}

/* ---------------------------------------------------------------- time */

/* Those that turn. */
static size_t bench_loops(struct bench *bench, uv_loop_t *loops[2])
{
    bool worker = (bench->rooms & BENCH_REQUESTS) != 0 && bench->worker.loop.magic != 0;
    size_t count = 0;
    if ((bench->stopped & BENCH_CONTROL) == 0)
        loops[count++] = &bench->hub.control.uv;
    if (worker && (bench->stopped & BENCH_WORKER) == 0)
        loops[count++] = &bench->worker.loop.uv;
    return count;
}

/* The registry is idle when all loops have passed, so where one stands still nobody waits for that. */
static bool bench_waits_for_store(struct bench *bench)
{
    const struct worker *worker = &bench->worker;
    bool control = (bench->stopped & BENCH_CONTROL) == 0, works = (bench->stopped & BENCH_WORKER) == 0;
    return (control && store_client_under_way(bench->hub.control_store) > 0) ||
           (bench->stopped == 0 && bench->hub.registry != NULL && !registry_is_idle(bench->hub.registry)) ||
           (works && worker->store != NULL && store_client_under_way(worker->store) > 0);
}

/* One turn of each loop; where all that is left to do is the store's, until it has an answer. False: nothing is. */
static bool bench_turn(struct bench *bench)
{
    uv_loop_t *loops[2];
    struct pollfd files[2];
    size_t count = bench_loops(bench, loops);
    bool due = false;
    for (size_t i = 0; i < count; i++) {
        uv_run(loops[i], UV_RUN_NOWAIT);
        files[i] = (struct pollfd){.fd = uv_backend_fd(loops[i]), .events = POLLIN};
        due = due || uv_backend_timeout(loops[i]) == 0;
    }
    bool waits = !due && bench_waits_for_store(bench);
    bool ready = poll(files, (nfds_t)count, waits ? STUCK_MS : 0) > 0;
    if (waits && !ready)
        fail_msg("the store does not answer");
    return due || ready;
}

void bench_settle(struct bench *bench)
{
    while (bench_turn(bench))
        ;
}

/* Milliseconds to the next timer, at most `most`. */
static int64_t bench_next_timer(struct bench *bench, int64_t most)
{
    uv_loop_t *loops[2];
    size_t count = bench_loops(bench, loops);
    for (size_t i = 0; i < count; i++) {
        uv_update_time(loops[i]);
        int next = uv_backend_timeout(loops[i]);
        if (next >= 0 && next < most)
            most = next;
    }
    return most;
}

void bench_pass(struct bench *bench, int64_t ms, int64_t stride_ms)
{
    bench_settle(bench);
    while (ms > 0) {
        int64_t next = bench_next_timer(bench, ms);
        if (next < stride_ms)
            next = stride_ms < ms ? stride_ms : ms;
        test_clock_advance(next);
        ms -= next;
        bench_settle(bench);
    }
}

void bench_advance(struct bench *bench, int64_t ms)
{
    bench_pass(bench, ms, 1);
}

void bench_stop(struct bench *bench, unsigned loops)
{
    bench->stopped = loops;
    bench_settle(bench);
}

int64_t bench_time(const struct bench *bench)
{
    return env_monotonic_ms() - bench->hub.started_steady;
}

/* ---------------------------------------------------------------- the registry */

static void bench_refreshed(int result, void *context)
{
    assert_int_equal(result, OK);
    *(bool *)context = true;
}

void bench_refresh(struct bench *bench)
{
    bool done = false;
    registry_refresh(bench->hub.registry, &bench->hub.control, bench_refreshed, &done);
    bench_settle(bench);
    assert_true(done);
}

static void bench_apply(struct bench *bench, struct store_apply *apply)
{
    assert_int_equal(run_batch(&bench->store, apply), OK);
    bench_refresh(bench);
}

const struct registry_party *bench_party(struct bench *bench, const char *key)
{
    struct ocpi_party_key parsed;
    assert_true(ocpi_party_key_parse(str_from(key), &parsed, NULL, NULL, NULL));
    struct registry_snapshot *snapshot = registry_hold(bench->hub.control_view);
    const struct registry_party *party = registry_find_party(snapshot, &parsed, 0);
    registry_release(bench->hub.control_view, snapshot);
    if (party == NULL)
        fail_msg("no party %s", key);
    return party;
}

static struct str bench_url(struct bench *bench, const char *key, const char *path)
{
    struct str url = arena_printf(&bench->arena, "https://%s.example/%s", key, path);
    for (size_t i = 0; i < url.length; i++)
        if (url.data[i] >= 'A' && url.data[i] <= 'Z' && i < sizeof "https://" + strlen(key))
            ((char *)(uintptr_t)url.data)[i] |= 0x20;
    return url;
}

int64_t bench_add_party(struct bench *bench, const char *key, unsigned roles)
{
    struct store_apply *apply = new_batch(&bench->store);
    int64_t id = store_new_id(bench->hub.store);
    struct ocpi_party_key parsed;
    struct str country_code, party_id;
    assert_true(ocpi_party_key_parse(str_from(key), &parsed, &country_code, &party_id, NULL));
    struct str token = arena_printf(&bench->arena, "%s-token", key);
    add_op(apply, STORE_PUT_PLATFORM)->u.platform = (struct store_platform){
        .id = id,
        .status = STORE_PLATFORM_CONNECTED,
        .credentials_url = bench_url(bench, key, "credentials"),
        .versions_url = bench_url(bench, key, "versions"),
        .proven = bench_url(bench, key, "credentials"),
        .token = registry_seal_token(bench->hub.registry, &bench->arena, id, token),
        .created = env_wall_ms(),
    };
    struct store_token *hub_token = &add_op(apply, STORE_PUT_TOKEN)->u.token;
    hub_token->platform = id;
    hub_token->kind = STORE_TOKEN_HUB;
    hub_token->fingerprint = STR("01234567");
    crypto_sha256(arena_printf(&bench->arena, "%s-hub", key), hub_token->hash);
    add_op(apply, STORE_PUT_PARTY)->u.party = (struct store_party){
        .id = id,
        .platform = id,
        .key = str_from(key),
        .country_code = country_code,
        .party_id = party_id,
        .roles = roles,
        .name = str_from(key),
        .last_updated = env_wall_ms(),
        .created = env_wall_ms(),
    };
    bench_apply(bench, apply);
    return id;
}

void bench_set_receiver(struct bench *bench, const char *key, const char *module, const char *url)
{
    struct store_apply *apply = new_batch(&bench->store);
    add_op(apply, STORE_PUT_RECEIVER)->u.receiver = (struct store_receiver){
        .party = bench_party(bench, key)->row.id,
        .module = str_from(module),
        .url = url == NULL ? bench_url(bench, key, module) : str_from(url),
        .source = STORE_SOURCE_SET,
    };
    bench_apply(bench, apply);
}

void bench_set_rule(struct bench *bench, const char *emsp, const char *cpo, enum store_rule_state state)
{
    struct store_apply *apply = new_batch(&bench->store);
    add_op(apply, STORE_PUT_RULE)->u.rule = (struct store_rule){
        .emsp = bench_party(bench, emsp)->row.id, .cpo = bench_party(bench, cpo)->row.id, .state = state};
    bench_apply(bench, apply);
}

void bench_set_suspended(struct bench *bench, const char *key, bool suspended)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_party *row = &add_op(apply, STORE_PUT_PARTY)->u.party;
    *row = bench_party(bench, key)->row;
    row->suspended = suspended;
    bench_apply(bench, apply);
}

void bench_set_pushed(struct bench *bench, const char *key, const char *modules)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_party *row = &add_op(apply, STORE_PUT_PARTY)->u.party;
    *row = bench_party(bench, key)->row;
    row->push = str_from(modules);
    bench_apply(bench, apply);
}

void bench_set_platform(struct bench *bench, const char *key,
                        void (*change)(struct store_platform *row, void *context), void *context)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_platform *row = &add_op(apply, STORE_PUT_PLATFORM)->u.platform;
    *row = bench_party(bench, key)->platform->row;
    change(row, context);
    bench_apply(bench, apply);
}

void bench_add_pair(struct bench *bench)
{
    static const char *const modules[] = {"sessions", "cdrs", "commands"};
    bench_add_party(bench, "IN-CPO", OCPI_ROLE_CPO);
    bench_add_party(bench, "IN-MSP", OCPI_ROLE_EMSP);
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        bench_set_receiver(bench, "IN-MSP", modules[i], NULL);
    bench_set_rule(bench, "IN-MSP", "IN-CPO", STORE_RULE_ON);
}

/* ---------------------------------------------------------------- messages */

int64_t bench_push(struct bench *bench, const char *receiver, const char *id)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct str body = arena_printf(&bench->arena, "{\"id\":\"%s\",\"at\":%lld}", id,
                                   (long long)store_new_id(bench->hub.store));
    add_object(apply, STORE_SESSION, "IN-CPO", id, body.data, env_wall_ms());
    struct store_delivery *row = add_delivery(apply, receiver, STORE_SESSION, id, true);
    row->created = env_wall_ms();
    assert_int_equal(run_batch(&bench->store, apply), OK);
    outbox_wake(&bench->hub, str_from(receiver), STR("sessions"));
    return row->id;
}

int64_t bench_push_result(struct bench *bench, const char *receiver, const char *url, const char *body)
{
    struct store_apply *apply = new_batch(&bench->store);
    struct store_delivery *row = add_delivery(apply, receiver, -1, "1", false);
    row->method = STR("POST");
    row->url = str_from(url);
    row->body = str_from(body);
    row->created = env_wall_ms();
    assert_int_equal(run_batch(&bench->store, apply), OK);
    outbox_wake(&bench->hub, str_from(receiver), STR("commands"));
    return row->id;
}

struct store_delivery bench_row(struct bench *bench, int64_t id)
{
    return get(&bench->store, id);
}

void assert_state(struct bench *bench, int64_t id, enum store_delivery_state state, const char *reason)
{
    static const char *const names[] = {"pending", "delivered", "held", "dead", "superseded"};
    struct store_delivery row = bench_row(bench, id);
    if (row.state != state || !str_equal(row.reason, str_from(reason)))
        fail_msg("delivery %lld is %s \"" STR_FMT "\", expected %s \"%s\"; last error: " STR_FMT,
                 (long long)id, names[row.state], STR_ARG(row.reason), names[state], reason,
                 STR_ARG(row.last_error));
}

struct str bench_calls(struct bench *bench, size_t from)
{
    struct buffer text = {0};
    for (size_t i = from; i < partners_count(); i++) {
        struct str url = partners_call(i)->url, part, last = STR_NONE;
        while (str_split(&url, '/', &part))
            last = part;
        if (text.length > 0)
            buffer_append_byte(&text, ' ');
        buffer_append(&text, last);
    }
    struct str copy = arena_copy(&bench->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}
