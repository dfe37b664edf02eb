#include "hubd/messages/forward.h"

#include "hubd/request/quality.h"
#include "hubd/calls/sentence.h"
#include "lib/base/env.h"
#include "lib/base/magic.h"

#define FORWARD_MAGIC 0x464f5257u

/* How a call went wrong that was sent; the caller is another partner and need not know hosts and ports. */
static const char *forward_failure(const struct outbound *outbound)
{
    static const struct {
        int result;
        const char *what;
    } failures[] = {
        {ERR_TIMEOUT, "did not answer in time"},
        {ERR_TOO_LARGE, "answered more than the hub takes"},
        {ERR_INVALID, "answered with something that is not HTTP"},
    };
    if (outbound->call.coding != NULL)
        return outbound->call.coding;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].result == outbound->result)
            return failures[i].what;
    return "broke the connection off before it had answered";
}

/* An envelope about the request itself, and everybody reads the same in it: a 401 is about the hub's token
 * there, and only 2xx is a success. */
static bool forward_is_usable(const struct outbound *outbound)
{
    int status = outbound->status;
    bool success = outbound->answer.status_code / 1000 == 1;
    return outbound->answer.is_envelope && outbound->answer.is_clear && status != 401 &&
           (status / 100 == 2 || !success);
}

struct str forward_message(const struct forward *forward)
{
    const struct ocpi_answer *answer = &forward->outbound.answer;
    return answer->status_code / 1000 == 1 || answer->status_message.data == NULL
               ? answer->status_message
               : sentence_clean(forward->request->arena, forward->target->platform, answer->status_message);
}

struct str forward_error(const struct forward *forward)
{
    const struct outbound *outbound = &forward->outbound;
    struct str type =
        http_header_find(outbound->answer_headers, outbound->answer_header_count, "Content-Type");
    if (outbound->answer.is_envelope)
        return outbound->answer.status_code < OCPI_CLIENT_ERROR ? STR_NONE : forward_message(forward);
    return outbound->status / 100 >= 4 ? sentence_of_body(forward->request->arena, forward->target->platform,
                                                          outbound->raw_answer, type)
                                       : STR_NONE;
}

/* Why the answer is of no use; the envelope that comes with a 401 is usable, but speaks of the hub. */
static struct str forward_explain(const struct forward *forward)
{
    const struct outbound *outbound = &forward->outbound;
    const struct ocpi_answer *answer = &outbound->answer;
    struct str message = forward_error(forward);
    const char *what = outbound->status == 401                    ? ", it does not accept the hub's token"
                       : answer->is_envelope && !answer->is_clear ? " with an envelope that has two readings"
                       : answer->is_envelope && answer->status_code < 2000
                           ? " with a status_code of success"
                           : " without a usable OCPI envelope";
    return arena_printf(forward->request->arena, "%s answered HTTP %d%s%s" STR_FMT, forward->target->id,
                        outbound->status, what, message.length > 0 ? ": " : "", STR_ARG(message));
}

/* What the hub lacked; nothing of it is about the partner. */
static struct str forward_own_lack(const struct outbound *outbound)
{
    if (outbound->result == ERR_CLOSED)
        return STR("the hub is shutting down");
    return outbound->result == ERR_MEMORY ? STR("the hub has no memory left for the answer; try again")
                                          : STR("the hub has no connection free for this call; try again");
}

static void forward_answered(struct outbound *outbound)
{
    struct forward *forward = MAGIC_CAST(struct forward, outbound->context, FORWARD_MAGIC);
    struct arena *arena = forward->request->arena;
    const char *who = forward->target->id;
    forward->request->forwarded = outbound;
    if (error_is_own(outbound->result)) {
        forward->done(forward, outbound->call.sent ? FORWARD_TIMEOUT : FORWARD_NOT_CONNECTED,
                      forward_own_lack(outbound));
    } else if (outbound->result == ERR_REFUSED && outbound->status != 0) {
        forward->done(forward, FORWARD_INVALID,
                      arena_printf(arena, "%s answered HTTP %d, a redirect that the hub does not follow", who,
                                   outbound->status));
    } else if (outbound->result != OK && outbound->call.sent) {
        /* it may have arrived: nobody knows the outcome */
        forward->done(forward, FORWARD_TIMEOUT, arena_printf(arena, "%s %s", who, forward_failure(outbound)));
    } else if (outbound->result != OK) {
        forward->done(forward, FORWARD_NOT_CONNECTED, arena_printf(arena, "%s cannot be reached", who));
    } else if (!forward_is_usable(outbound)) {
        forward->done(forward, FORWARD_INVALID, forward_explain(forward));
    } else {
        forward->done(forward, FORWARD_ANSWERED, STR_NONE);
    }
}

struct str forward_base(const struct forward *forward)
{
    return registry_named_url(forward->target, forward->module, forward->sender);
}

enum forward_obstacle forward_find_obstacle(const struct registry_party *target,
                                            const struct store_rule *rule, struct str base)
{
    static const enum forward_obstacle by_route[] = {
        [ROUTING_SUSPENDED] = FORWARD_SUSPENDED, [ROUTING_UNROUTED] = FORWARD_UNROUTED};
    static const enum forward_obstacle by_call[] = {[OUTBOUND_FREE] = FORWARD_FREE,
                                                    [OUTBOUND_NOT_EXCHANGED] = FORWARD_NOT_EXCHANGED,
                                                    [OUTBOUND_OFFLINE] = FORWARD_OFFLINE};
    enum routing_obstacle route = routing_find_obstacle(target, rule);
    if (route != ROUTING_FREE)
        return by_route[route];
    if (base.data == NULL)
        return FORWARD_NO_URL;
    return by_call[outbound_find_obstacle(target->platform)];
}

/* The caller waits since it has sent its request: what the hub took to find the target is a part of it. */
static int64_t forward_time_left(const struct forward *forward)
{
    return forward->timeout_ms - (env_monotonic_us() - forward->request->complete_us) / 1000;
}

bool forward_may_go(const struct registry_party *target, const struct store_rule *rule, struct str base)
{
    enum forward_obstacle obstacle = forward_find_obstacle(target, rule, base);
    return (obstacle == FORWARD_FREE || obstacle == FORWARD_OFFLINE) && outbound_may_try(target->platform);
}

void forward_start(struct forward *forward)
{
    struct request *request = forward->request;
    int64_t left_ms = forward_time_left(forward);
    forward->magic = FORWARD_MAGIC;
    request->target = forward->target;
    quality_count(request);
    struct str base = forward_base(forward);
    if (base.data == NULL) {
        forward->done(forward, FORWARD_NOT_CONNECTED,
                      arena_printf(request->arena, "%s has no %s %s URL", forward->target->id,
                                   forward->module, forward->sender ? "sender" : "receiver"));
        return;
    }
    if (left_ms <= 0) {
        forward->done(
            forward, FORWARD_NOT_CONNECTED,
            arena_printf(request->arena, "the hub had no time left to ask %s", forward->target->id));
        return;
    }
    if (!outbound_may_try(forward->target->platform)) {
        forward->done(forward, FORWARD_NOT_CONNECTED,
                      arena_printf(request->arena, "%s is %s", forward->target->id,
                                   registry_party_status(forward->target)));
        return;
    }
    struct outbound *outbound = &forward->outbound;
    outbound->arena = request->arena;
    outbound->hub = request->hub;
    outbound->client = request->worker->client;
    outbound->view = request->worker->view;
    outbound->snapshot = NULL; /* the request holds it longer than the call */
    outbound->platform = forward->target->platform;
    outbound->method = request->exchange->method;
    bool list = forward->path.length == 0 || forward->path.data[0] == '?'; /* nothing below the interface */
    outbound->url = list
                        ? arena_printf(request->arena, STR_FMT STR_FMT, STR_ARG(base), STR_ARG(forward->path))
                        : url_join(request->arena, base, forward->path);
    outbound->body = forward->body;
    outbound->trusted = true;
    outbound->routed = true;
    outbound->from_country = request->party->row.country_code;
    outbound->from_party = request->party->row.party_id;
    outbound->to_country = forward->target->row.country_code;
    outbound->to_party = forward->target->row.party_id;
    outbound->correlation_id = request->correlation_id;
    outbound->via = request_via(request);
    outbound->once = forward->once;
    outbound->unwrap = forward->unwrap;
    outbound->timeout_ms = left_ms;
    outbound->callback = forward_answered;
    outbound->context = forward;
    request_audit_keep(request);
    request_free_tree(request); /* while a slow partner thinks, only bytes are kept */
    outbound_start(outbound);
}
