#include "hubd/admin/check/check.h"

#include "hubd/admin/change.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/partners/health.h"
#include "hubd/registry/interfaces.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/ocpi/headers.h"

/* hubctl waits 150 s for a command that calls partners. */
#define TIME_MAX_MS 120000
/* Checks at once: each holds answers of a partner in memory. */
#define RUNS_MAX 4

static const struct check_row check_rows[] = {
    {"registered", CHECK_LEVEL_NONE, check_registered},
    {"token", CHECK_LEVEL_NONE, check_token},
    {"exchange", CHECK_LEVEL_NONE, check_exchange},
    {"address", CHECK_LEVEL_CALLABLE, check_address},
    {"tls", CHECK_LEVEL_CALLABLE, check_tls},
    {"versions", CHECK_LEVEL_ANSWERS, check_versions},
    {"endpoints", CHECK_LEVEL_ANSWERS, check_endpoints},
    {"clock", CHECK_LEVEL_ANSWERS, check_clock},
    {"receiver", CHECK_LEVEL_ANSWERS, check_receivers},
    {"lists", CHECK_LEVEL_ANSWERS, check_lists},
    {"authorize", CHECK_LEVEL_ANSWERS, check_authorize},
    {"rules", CHECK_LEVEL_NONE, check_rules},
    {"queue", CHECK_LEVEL_NONE, check_queue},
    {"quality", CHECK_LEVEL_NONE, check_quality},
    {"refused", CHECK_LEVEL_NONE, check_refused},
};
#define ROWS (sizeof check_rows / sizeof check_rows[0])

/* Why a check that needs a higher level is skipped. */
static const char *const check_obstacles[] = {
    [CHECK_LEVEL_NONE] = "the credentials exchange is not done",
    [CHECK_LEVEL_CALLABLE] = "the partner's system does not answer",
};

int64_t check_time_left(const struct check *check, int64_t wanted)
{
    int64_t left = check->started_ms + TIME_MAX_MS - env_monotonic_ms();
    return left < wanted ? left : wanted;
}

bool check_is_late(struct check *check, const char *name)
{
    if (check_time_left(check, 1) > 0)
        return false;
    check_report(check, name, STR_NONE, CHECK_SKIPPED, REMEDY_TIME, "no time is left after %d s",
                 TIME_MAX_MS / 1000);
    return true;
}

/* ---------------------------------------------------------------- the end */

static void audit(const struct check *check, const char *status)
{
    struct store_audit row;
    change_audit_fill(check->request, &row, "party.check");
    row.party = arena_copy_upper(check->arena, check->id); /* a key: filters look for it */
    row.status = str_from(status);
    row.latency_ms = env_monotonic_ms() - check->started_ms;
    row.correlation_id = check->correlation_id;
    row.detail = check_detail(check);
    if (store_audit_later(check->hub->store, &row) != OK)
        log_error_bounded("audit: a party.check row was lost: the store takes no more");
}

/* The check is in the request's arena: it ends with the answer. */
static void check_finish(struct check *check)
{
    struct ctl_request *request = check->request;
    struct buffer reply = {0};
    struct json_writer writer;
    bool gone = check->gone;
    const char *status = request->closed                 ? "given up"
                         : gone                          ? "refused"
                         : check->counts[CHECK_FAIL] > 0 ? "failed"
                         : check->counts[CHECK_WARN] > 0 ? "warned"
                                                         : "ok";
    audit(check, status);
    json_writer_init(&writer, &reply);
    check_write(check, &writer);
    admin_of(request)->checks--;
    check->magic = 0;
    arena_wipe(&check->scratch);
    arena_wipe(&check->found);
    if (gone) {
        struct str text = arena_printf(&request->arena, "party " STR_FMT " was removed while it was checked",
                                       STR_ARG(check->id));
        ctl_fail(request, CTL_NOT_FOUND, text.data != NULL ? text.data : "no memory", "hubctl party list");
    } else {
        ctl_reply(request, &reply);
    }
    buffer_free(&reply);
}

/* ---------------------------------------------------------------- one after the other */

/* Takes the newest snapshot and the party in it, for one step. False: the party was removed. */
static bool hold(struct check *check)
{
    check->snapshot = registry_hold(check->hub->control_view);
    check->party = registry_find_party_id(check->snapshot, check->party_id);
    check->gone = check->party == NULL;
    return !check->gone;
}

static void check_release(struct check *check)
{
    registry_release(check->hub->control_view, check->snapshot);
    check->snapshot = NULL;
    check->party = NULL;
}

static bool skips(struct check *check, const struct check_row *row)
{
    if (check->level >= row->needs)
        return row->needs != CHECK_LEVEL_NONE && check_is_late(check, row->name);
    check_report(check, row->name, STR_NONE, CHECK_SKIPPED, REMEDY_NONE, "%s", check_obstacles[check->level]);
    return true;
}

static void run_row(struct check *check)
{
    const struct check_row *row = &check_rows[check->row++];
    if (hold(check)) {
        struct str message =
            arena_printf(check->arena, "checking " STR_FMT ": %s", STR_ARG(check->id), row->name);
        ctl_progress(check->request, message, (int64_t)check->row - 1, (int64_t)ROWS);
        arena_wipe(&check->scratch);
        check->target = 0;
        if (!skips(check, row))
            row->run(check);
    }
    check_release(check);
}

/* Runs checks until one has to wait. A call may end before the function that begins it returns; the loop is still
 * running then and goes on by itself. */
static void go_on(struct check *check)
{
    if (check->running)
        return;
    check->running = true;
    while (!check->waiting && !check->gone && !check->request->closed && check->row < ROWS)
        run_row(check);
    check->running = false;
    if (!check->waiting)
        check_finish(check);
}

void check_wait(struct check *check, void (*then)(struct check *check))
{
    check->waiting = true;
    check->then = then;
}

void check_go_on(struct check *check)
{
    check->waiting = false;
    check->calling = NULL;
    if (check->running) { /* it ended while it was begun: the party is held */
        check->then(check);
        return;
    }
    check->running = true;
    if (!check->request->closed && hold(check))
        check->then(check);
    if (check->snapshot != NULL)
        check_release(check);
    check->running = false;
    go_on(check);
}

/* ---------------------------------------------------------------- calls */

static bool is_no_sign_of_life(const struct ocpi_answer *answer)
{
    (void)answer;
    return false;
}

static void answered(struct outbound *outbound)
{
    check_go_on(MAGIC_CAST(struct check, outbound->context, CHECK_MAGIC));
}

void check_call(struct check *check, enum http_method method, struct str url, int64_t timeout_ms, bool routed,
                void (*then)(struct check *check))
{
    struct hub *hub = check->hub;
    struct outbound *outbound = &check->outbound;
    memset(outbound, 0, sizeof *outbound);
    outbound->arena = &check->scratch;
    outbound->hub = hub;
    outbound->client = hub->control_client;
    outbound->method = method;
    outbound->url = url;
    outbound->routed = routed;
    outbound->from_country = str_from(hub->conf.country_code);
    outbound->from_party = str_from(hub->conf.party_id);
    outbound->to_country = arena_copy(&check->scratch, check->party->row.country_code);
    outbound->to_party = arena_copy(&check->scratch, check->party->row.party_id);
    outbound->correlation_id = check->correlation_id;
    outbound->unwrap = method != HTTP_METHOD_GET ? "allowed" : NULL; /* one object is the answer */
    outbound->is_alive = is_no_sign_of_life;
    outbound->timeout_ms = check_time_left(check, timeout_ms);
    outbound->callback = answered;
    outbound->context = check;
    check_wait(check, then);
    if (!outbound_hold_platform(outbound, hub->control_view, check->party->platform->row.id)) {
        outbound->result = ERR_CONFLICT;
        outbound->error = STR("the exchange was ended while it was checked");
        check_go_on(check);
        return;
    }
    check->calling = outbound;
    outbound_start(outbound);
}

static void discovered(struct discovery *discovery)
{
    struct check *check = MAGIC_CAST(struct check, discovery->context, CHECK_MAGIC);
    check->answered_wall = env_wall_ms();
    check_go_on(check);
}

void check_discover(struct check *check, void (*then)(struct check *check))
{
    struct discovery *discovery = &check->discovery;
    discovery->arena = &check->found;
    discovery->hub = check->hub;
    discovery->timeout_ms = check_time_left(check, check->hub->conf.discovery_timeout);
    discovery->client = check->hub->control_client;
    discovery->url = arena_copy(&check->found, health_probe_url(&check->found, check->party->platform));
    discovery->view = check->hub->control_view;
    discovery->platform = check->party->platform->row.id;
    discovery->correlation_id = check->correlation_id;
    discovery->is_alive = is_no_sign_of_life;
    discovery->done = discovered;
    discovery->context = check;
    check_wait(check, then);
    check->calling = &discovery->outbound;
    discovery_start(discovery);
}

/* The client has gone, or hubd is ending. */
static void check_on_closed(struct ctl_request *request)
{
    struct check *check = MAGIC_CAST(struct check, request->state, CHECK_MAGIC);
    if (check->calling != NULL)
        outbound_cancel(check->calling);
}

/* The key of the interface that a receiver's key stands for. A key without ":sender" stands for the SENDER interface
 * when the hub calls no RECEIVER interface of this module for the party's roles (registry_sender_url). */
static struct str interface_key(const struct registry_party *party, struct str key)
{
    enum ocpi_module module = ocpi_module_find(key);
    struct str sender = interfaces_key(party->row.roles, module, false);
    bool receives = interfaces_key(party->row.roles, module, true).data != NULL;
    return receives || sender.data == NULL ? key : sender;
}

void check_take_targets(struct check *check)
{
    const struct registry_party *party = check->party;
    struct str suffix = STR(INTERFACES_SENDER_SUFFIX);
    check->target_count = 0;
    check->targets = arena_alloc(check->arena, (party->receiver_count + 1) * sizeof *check->targets);
    for (size_t i = 0; i < party->receiver_count && check->targets != NULL; i++) {
        struct str kept = party->receivers[i].module, key = interface_key(party, kept);
        if (!str_equal(kept, key) && registry_receiver(party, key) != NULL)
            continue;
        struct check_target *target = &check->targets[check->target_count++];
        target->key = target->module = arena_copy(check->arena, key);
        target->url = arena_copy(check->arena, party->receivers[i].url);
        target->sender = str_ends_with(key, suffix);
        target->module.length -= target->sender ? suffix.length : 0;
        target->id = ocpi_module_find(target->module);
    }
}

/* ---------------------------------------------------------------- the beginning */

static bool check_begin(struct check *check, struct refusal *refusal)
{
    struct ctl_request *request = check->request;
    struct registry_view *view = check->hub->control_view;
    if (admin_of(request)->checks >= RUNS_MAX)
        return refusal_set(refusal, CTL_BUSY, "the same command again when one of them has ended",
                           "%d checks of parties are under way", RUNS_MAX);
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_party *party =
        lookup_party(snapshot, json_get_text(request->params, "id"), 0, refusal);
    if (party != NULL) {
        check->party_id = party->row.id;
        check->id = render_party_id(snapshot, party, check->arena);
        check->name = arena_copy(check->arena, party->row.name);
    }
    registry_release(view, snapshot);
    return party != NULL;
}

void admin_party_check(struct ctl_request *request)
{
    struct refusal refusal = {.code = CTL_INTERNAL, .message = "no memory"};
    struct check *check = arena_alloc(&request->arena, sizeof *check);
    char *correlation_id = arena_alloc(&request->arena, UUID_SIZE);
    if (check == NULL || correlation_id == NULL) {
        refusal_reply(request, &refusal);
        return;
    }
    check->magic = CHECK_MAGIC;
    check->hub = admin_hub(request);
    check->request = request;
    check->arena = &request->arena;
    check->last = &check->first;
    check->correlation_id = str_from(uuid_make(correlation_id));
    check->unknown_id = arena_printf(check->arena, "HUBCHECK-%.8s", correlation_id);
    check->started_ms = env_monotonic_ms();
    if (!check_begin(check, &refusal)) {
        refusal_reply(request, &refusal);
        return;
    }
    arena_init(&check->scratch, 0);
    arena_init(&check->found, 0);
    admin_of(request)->checks++;
    request->state = check;
    request->on_closed = check_on_closed;
    go_on(check);
}
