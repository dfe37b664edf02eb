#include "hubd/admin/check/check.h"

/* The partner's interfaces, each asked about something that does not exist, and a real-time authorization. */

/* ---------------------------------------------------------------- one interface after the other */

/* What is appended to the URL of an interface to make a GET that changes nothing. `defined`: OCPI defines a GET there;
 * where it does not, any answer shows that a server is there. */
enum below { BELOW_NOTHING, BELOW_ID, BELOW_OWNER, BELOW_OWNER_ID };
static const struct probe {
    enum ocpi_module module;
    bool sender;
    enum below below;
    bool defined, routed;
} probes[] = {
    {OCPI_MODULE_TOKENS, false, BELOW_OWNER_ID, true, true},
    {OCPI_MODULE_SESSIONS, false, BELOW_OWNER_ID, true, true},
    {OCPI_MODULE_LOCATIONS, false, BELOW_OWNER_ID, true, true},
    {OCPI_MODULE_TARIFFS, false, BELOW_OWNER_ID, true, true},
    {OCPI_MODULE_CDRS, false, BELOW_ID, true, true},
    {OCPI_MODULE_HUBCLIENTINFO, false, BELOW_OWNER, true, false},
    {OCPI_MODULE_COMMANDS, false, BELOW_NOTHING, false, true},
    {OCPI_MODULE_CHARGINGPROFILES, false, BELOW_ID, false, true},
    {OCPI_MODULE_CHARGINGPROFILES, true, BELOW_NOTHING, false, true},
    {OCPI_MODULE_CREDENTIALS, false, BELOW_NOTHING, true, false},
};

static const struct probe *find_probe(const struct check_target *target)
{
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (probes[i].module == target->id && probes[i].sender == target->sender)
            return &probes[i];
    return NULL;
}

/* With the hub's own ids: so no object of another party is asked for. */
static struct str probe_url(struct check *check, const struct check_target *target, enum below below)
{
    const struct conf *conf = &check->hub->conf;
    struct arena *arena = &check->scratch;
    struct str path = STR_NONE;
    switch (below) {
    case BELOW_NOTHING:
        return target->url;
    case BELOW_ID:
        path = check->unknown_id;
        break;
    case BELOW_OWNER:
        path = arena_printf(arena, "%s/%s", conf->country_code, conf->party_id);
        break;
    case BELOW_OWNER_ID:
        path = arena_printf(arena, "%s/%s/" STR_FMT, conf->country_code, conf->party_id,
                            STR_ARG(check->unknown_id));
        break;
    }
    return url_join(arena, target->url, path);
}

/* A server that has no GET there answers without the envelope; 404 may also mean that the path is wrong. */
static bool is_missing_method(const struct outbound *outbound)
{
    return outbound->result == OK && !outbound->answer.is_envelope &&
           (outbound->status == 404 || outbound->status == 405 || outbound->status == 501);
}

static void report_missing_method(struct check *check, struct str key, const struct probe *probe)
{
    int status = check->outbound.status;
    if (probe->defined)
        check_report(check, "receiver", key, CHECK_WARN, REMEDY_METHOD, "HTTP %d without the envelope",
                     status);
    else if (status == 404)
        check_report(check, "receiver", key, CHECK_WARN, REMEDY_ENVELOPE,
                     "HTTP 404 without the envelope: the path may be wrong");
    else
        check_report(check, "receiver", key, CHECK_OK, REMEDY_NONE,
                     "HTTP %d without the envelope; OCPI has no GET there", status);
}

/* The object that was asked for does not exist, so that "unknown" is the right answer. */
static void report_answer(struct check *check, struct str key, const struct probe *probe)
{
    const struct outbound *outbound = &check->outbound;
    bool unknown = outbound->status == 404 || outbound->answer.status_code / 1000 == 2;
    const char *what = !unknown                        ? ""
                       : probe->below == BELOW_NOTHING ? " that there is nothing to get"
                                                       : " that it has no such object, as it should";
    check_report(check, "receiver", key, CHECK_OK, REMEDY_NONE,
                 "answers in the envelope%s (HTTP %d, status_code %d) in %lld ms", what, outbound->status,
                 outbound->answer.status_code, (long long)outbound->latency_ms);
}

static void next_receiver(struct check *check);

static void receiver_answered(struct check *check)
{
    const struct check_target *target = &check->targets[check->target++];
    const struct probe *probe = find_probe(target);
    if (is_missing_method(&check->outbound))
        report_missing_method(check, target->key, probe);
    else if (!check_report_failure(check, "receiver", target->key))
        report_answer(check, target->key, probe);
    next_receiver(check);
}

static void next_receiver(struct check *check)
{
    arena_wipe(&check->scratch);
    for (; check->target < check->target_count; check->target++) {
        const struct check_target *target = &check->targets[check->target];
        const struct probe *probe = find_probe(target);
        if (probe == NULL) /* `versions`, lists, and modules of the partners' own */
            continue;
        if (check_is_late(check, "receiver"))
            return;
        check_call(check, HTTP_METHOD_GET, probe_url(check, target, probe->below),
                   check->hub->conf.probe_timeout, probe->routed, receiver_answered);
        return;
    }
}

void check_receivers(struct check *check)
{
    check_take_targets(check);
    next_receiver(check);
}

/* ---------------------------------------------------------------- authorize */

/* Where a real-time authorization is asked, by the partner's role (hub-ocpi(7), TOKENS). */
static const struct {
    unsigned role;
    bool sender;
    enum http_method method;
    bool owner; /* the ids of the token's owner stand in the path */
} authorizers[] = {
    {OCPI_ROLE_CPO, false, HTTP_METHOD_PUT, true},
    {OCPI_ROLE_EMSP, true, HTTP_METHOD_POST, false},
};
#define AUTHORIZERS (sizeof authorizers / sizeof authorizers[0])

/* STR_NONE: the hub asks no authorization there. */
static struct str authorizer_url(const struct check *check, size_t index)
{
    if ((check->party->row.roles & authorizers[index].role) == 0)
        return STR_NONE;
    return authorizers[index].sender ? registry_sender_url(check->party, OCPI_MODULE_TOKENS)
                                     : registry_receiver_url(check->party, OCPI_MODULE_TOKENS);
}

static void judge_authorization(struct check *check)
{
    const struct outbound *outbound = &check->outbound;
    struct str allowed = json_get_text(outbound->answer.data, "allowed");
    bool success = outbound->answer.status_code / 1000 == 1, allows = str_equal(allowed, STR("ALLOWED"));
    bool slow = outbound->latency_ms > check->hub->conf.forward_timeout / 2;
    bool empty = success && allowed.length == 0;
    enum check_remedy remedy = empty    ? REMEDY_AUTHORIZATION
                               : slow   ? REMEDY_SLOW
                               : allows ? REMEDY_ALLOWS_UNKNOWN
                                        : REMEDY_NONE;
    enum check_result result = empty ? CHECK_FAIL : slow || allows ? CHECK_WARN : CHECK_OK;
    check_report(check, "authorize", STR_NONE, result, remedy,
                 "%s of an unknown token: " STR_FMT " (HTTP %d, status_code %d) in %lld ms",
                 http_method_name(outbound->method),
                 STR_ARG(empty            ? STR("no `allowed`")
                         : allowed.length ? allowed
                                          : STR("refused")),
                 outbound->status, outbound->answer.status_code, (long long)outbound->latency_ms);
}

static void next_authorize(struct check *check);

static void authorized(struct check *check)
{
    const struct outbound *outbound = &check->outbound;
    check->target++;
    if (outbound->result == ERR_TIMEOUT)
        check_report(check, "authorize", STR_NONE, CHECK_FAIL, REMEDY_SLOW, STR_FMT,
                     STR_ARG(outbound->error));
    else if (!check_report_failure(check, "authorize", STR_NONE))
        judge_authorization(check);
    next_authorize(check);
}

static void next_authorize(struct check *check)
{
    const struct conf *conf = &check->hub->conf;
    for (; check->target < AUTHORIZERS; check->target++) {
        size_t i = check->target;
        struct str url = authorizer_url(check, i);
        if (url.data == NULL)
            continue;
        struct str owner = authorizers[i].owner
                               ? arena_printf(&check->scratch, "%s/%s/", conf->country_code, conf->party_id)
                               : STR("");
        struct str path = arena_printf(&check->scratch, STR_FMT STR_FMT "/authorize", STR_ARG(owner),
                                       STR_ARG(check->unknown_id));
        check_call(check, authorizers[i].method, url_join(&check->scratch, url, path), conf->forward_timeout,
                   true, authorized);
        return;
    }
}

void check_authorize(struct check *check)
{
    bool asked = false;
    for (size_t i = 0; i < AUTHORIZERS; i++)
        asked = asked || authorizer_url(check, i).data != NULL;
    if (asked)
        next_authorize(check);
    else
        check_report(check, "authorize", STR_NONE, CHECK_SKIPPED, REMEDY_NONE,
                     "no interface of its tokens is known");
}
