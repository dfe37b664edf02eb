#include "hubd/forward.h"

#include "hubd/quality.h"

static void forward_answered(struct outbound *outbound)
{
    struct forward *forward = outbound->context;
    struct arena *arena = forward->request->arena;
    if (outbound->result == ERR_CLOSED) {
        forward->done(forward, FORWARD_TIMEOUT, STR("the hub is shutting down"));
    } else if (outbound->result != OK && outbound->call.sent) {
        /* it may have arrived: nobody knows the outcome */
        forward->done(forward, FORWARD_TIMEOUT, STR("the CPO did not answer"));
    } else if (outbound->result != OK) {
        forward->done(forward, FORWARD_NOT_CONNECTED, STR("the CPO cannot be reached"));
    } else if (!outbound->answer.is_envelope || outbound->status >= 500 || outbound->status == 401) {
        forward->done(
            forward, FORWARD_RUBBISH,
            arena_printf(arena, "the CPO answered HTTP %d without a usable OCPI envelope", outbound->status));
    } else {
        forward->done(forward, FORWARD_ANSWERED, STR_NONE);
    }
}

void forward_start(struct forward *forward)
{
    struct request *request = forward->request;
    request->target = forward->target;
    quality_count(request);
    struct str base = registry_receiver_url(forward->target, forward->module);
    if (base.data == NULL) {
        forward->done(forward, FORWARD_NOT_CONNECTED,
                      arena_printf(request->arena, "the CPO has no %s receiver URL", forward->module));
        return;
    }
    if (!outbound_may_try(forward->target->platform)) {
        forward->done(forward, FORWARD_NOT_CONNECTED,
                      arena_printf(request->arena, "the CPO is %s", registry_party_status(forward->target)));
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
    outbound->url = url_join(request->arena, base, forward->path);
    outbound->body = forward->body;
    outbound->trusted = true;
    outbound->routed = true;
    outbound->from_country = request->party->row.country_code;
    outbound->from_party = request->party->row.party_id;
    outbound->to_country = forward->target->row.country_code;
    outbound->to_party = forward->target->row.party_id;
    outbound->correlation_id = request->correlation_id;
    outbound->once = forward->once;
    outbound->unwrap = true;
    outbound->timeout_ms = forward->timeout_ms;
    outbound->callback = forward_answered;
    outbound->context = forward;
    outbound_start(outbound);
}
