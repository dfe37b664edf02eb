#include "hubd/messages/broadcast.h"

#include <stdio.h>
#include <stdlib.h>

#include "hubd/messages/forward.h"
#include "hubd/calls/outbound.h"
#include "hubd/registry/routing.h"
#include "hubd/calls/sentence.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/json/writer.h"

#define LEG_MAGIC 0x42434c47u
/* The caller is answered before its legs have ended: of one that is faster than its receivers a loop holds so
 * much. */
#define PENDING_MAX (64 * 1024 * 1024)
#define LEG_BYTES   (16 * 1024) /* what a leg takes besides the body, about */

/* The body that all legs of a broadcast send; gone with the last of them. */
struct cargo {
    struct worker *worker;
    unsigned legs;
    struct str body;
    char bytes[];
};

/* What goes to one receiver; lives longer than the request. */
struct leg {
    uint32_t magic;
    struct cargo *cargo;
    struct arena arena;
    struct outbound outbound;
    struct store_audit audit; /* its texts live in the arena */
};

static struct cargo *cargo_new(struct request *request)
{
    struct str body = request->exchange->body;
    size_t size = sizeof(struct cargo) + body.length;
    if (!budget_take(&request->hub->memory, size))
        return NULL;
    struct cargo *cargo = calloc(1, size);
    if (cargo == NULL) {
        budget_release(&request->hub->memory, size);
        return NULL;
    }
    cargo->worker = request->worker;
    cargo->worker->broadcasting += body.length;
    cargo->body = str_of(cargo->bytes, body.length);
    if (body.length > 0)
        memcpy(cargo->bytes, body.data, body.length);
    return cargo;
}

static void cargo_free_if_done(struct cargo *cargo)
{
    if (cargo->legs > 0)
        return;
    cargo->worker->broadcasting -= cargo->body.length;
    budget_release(&cargo->worker->hub->memory, sizeof *cargo + cargo->body.length);
    free(cargo);
}

static struct leg *leg_new(struct cargo *cargo)
{
    struct leg *leg = calloc(1, sizeof *leg);
    if (leg == NULL)
        return NULL;
    leg->magic = LEG_MAGIC;
    leg->cargo = cargo;
    cargo->legs++;
    cargo->worker->broadcasting += LEG_BYTES;
    arena_init(&leg->arena, 0);
    arena_charge(&leg->arena, &cargo->worker->hub->memory);
    return leg;
}

static void leg_free(struct leg *leg)
{
    leg->cargo->legs--;
    leg->cargo->worker->broadcasting -= LEG_BYTES;
    leg->magic = 0;
    arena_free(&leg->arena);
    free(leg);
}

/* Why it did not arrive: what the receiver said, or what was in the way. */
static struct str leg_detail(struct leg *leg)
{
    const struct outbound *outbound = &leg->outbound;
    struct buffer text = {0};
    struct json_writer writer;
    if (outbound->result == OK && outbound->answer.is_envelope && outbound->answer.status_code / 1000 == 1)
        return STR_NONE;
    struct str why = sentence_of_failure(&leg->arena, outbound);
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_string(&writer, "message", request_audit_text(why));
    json_object_end(&writer);
    struct str copy = text.failed ? STR_NONE : arena_copy(&leg->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static void leg_answered(struct outbound *outbound)
{
    struct leg *leg = MAGIC_CAST(struct leg, outbound->context, LEG_MAGIC);
    char status[16];
    if (outbound->result != OK)
        snprintf(status, sizeof status, "%s", outbound->call.sent ? "4002" : "4003");
    else
        snprintf(status, sizeof status, "%d",
                 outbound->answer.is_envelope ? outbound->answer.status_code : outbound->status);
    leg->audit.detail = leg_detail(leg);
    leg->audit.time = env_wall_ms();
    leg->audit.status = str_from(status);
    leg->audit.latency_ms = outbound->latency_ms;
    leg->audit.request_id = str_from(outbound->request_id);
    if (store_audit_later(outbound->hub->store, &leg->audit) != OK)
        log_error_bounded("audit: a " STR_FMT " row was lost: the store takes no more",
                          STR_ARG(leg->audit.action));
    struct cargo *cargo = leg->cargo;
    leg_free(leg);
    cargo_free_if_done(cargo);
}

/* The request's audit row, towards this receiver, copied. */
static void leg_fill_audit(struct leg *leg, struct request *request, const struct registry_party *target)
{
    struct str *const texts[] = {&leg->audit.party,  &leg->audit.module,   &leg->audit.sender,
                                 &leg->audit.object, &leg->audit.receiver, &leg->audit.correlation_id};
    request_audit_fill(request, &leg->audit, STR_NONE);
    leg->audit.kind = STORE_AUDIT_REALTIME;
    leg->audit.actor = STR("hub");
    leg->audit.receiver = request_party_key(target);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = arena_copy(&leg->arena, *texts[i]);
}

static bool leg_fill_call(struct leg *leg, struct request *request, struct registry_party *target)
{
    struct outbound *outbound = &leg->outbound;
    struct str base = registry_receiver_url(target, request->route->module);
    struct str path = request_subpath(request);
    bool hub = request->has_to && ocpi_party_key_equal(&request->to, &request->hub->key);
    outbound->arena = &leg->arena;
    outbound->hub = request->hub;
    outbound->client = request->worker->client;
    outbound->view = request->worker->view;
    outbound->platform = target->platform;
    outbound->method = request->exchange->method;
    outbound->url = url_join(&leg->arena, base, path);
    if (request->exchange->query.length > 0)
        outbound->url = arena_printf(&leg->arena, STR_FMT "?" STR_FMT, STR_ARG(outbound->url),
                                     STR_ARG(request->exchange->query));
    outbound->body = leg->cargo->body;
    outbound->via = arena_copy(&leg->arena, request_via(request));
    outbound->trusted = true;
    outbound->routed = true;
    outbound->from_country = arena_copy(&leg->arena, hub ? str_from(request->hub->conf.country_code)
                                                         : request->party->row.country_code);
    outbound->from_party =
        arena_copy(&leg->arena, hub ? str_from(request->hub->conf.party_id) : request->party->row.party_id);
    outbound->to_country = target->row.country_code;
    outbound->to_party = target->row.party_id;
    outbound->correlation_id = leg->audit.correlation_id;
    outbound->timeout_ms = request->worker->conf.forward_timeout;
    outbound->callback = leg_answered;
    outbound->context = leg;
    return path.data != NULL && outbound->url.data != NULL;
}

static void leg_start(struct request *request, struct registry_party *target, struct cargo *cargo)
{
    struct leg *leg = leg_new(cargo);
    if (leg == NULL)
        return; /* a broadcast promises no arrival */
    leg_fill_audit(leg, request, target);
    if (!leg_fill_call(leg, request, target)) {
        leg_free(leg);
        return;
    }
    /* a hold of its own on the request's snapshot: `target` is of it */
    leg->outbound.snapshot = registry_hold_again(request->worker->view, request->snapshot);
    outbound_start(&leg->outbound);
}

static bool broadcast_reaches(const struct request *request, const struct registry_party *party,
                              unsigned role)
{
    const struct store_rule *rule = routing_find_rule(request->snapshot, request->party, party, false);
    return (party->row.roles & role) != 0 &&
           forward_may_go(party, rule, registry_receiver_url(party, request->route->module));
}

void broadcast(struct request *request, unsigned role)
{
    /* else the audit rows could not be kept, or the legs */
    bool busy = store_is_overloaded(request->hub->store) || request->worker->broadcasting > PENDING_MAX;
    struct cargo *cargo = busy ? NULL : cargo_new(request);
    if (cargo == NULL) {
        request_answer_error(request, busy ? ERR_BUSY : ERR_MEMORY);
        return;
    }
    cargo->legs++; /* not before all have begun: a leg may end at once */
    for (size_t i = 0; i < request->snapshot->party_count; i++) {
        struct registry_party *party = &request->snapshot->parties[i];
        if (broadcast_reaches(request, party, role))
            leg_start(request, party, cargo);
    }
    cargo->legs--;
    cargo_free_if_done(cargo);
    request_answer(request, REPLY_OK, STR_NONE, STR_NONE);
}
