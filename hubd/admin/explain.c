#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/outbox/outbox.h"
#include "hubd/outbox/address.h"
#include "hubd/messages/forward.h"
#include "hubd/messages/list.h"
#include "hubd/registry/routing.h"
#include "lib/base/env.h"

/*
 * rule explain: would a message between an eMSP and a CPO pass now? The functions that decide about real messages are
 * called here too; this file only puts their answers into words.
 */

/* How a message gets there. */
enum way {
    WAY_PULL,     /* served from the store */
    WAY_REALTIME, /* forwarded */
    WAY_DELIVERY, /* through the outbox */
    WAY_PUSH      /* through the outbox, to those that asked for it */
};

static const struct message {
    enum ocpi_module module;
    const char *name;
    bool by_cpo; /* the CPO sends it, else the eMSP */
    enum way way;
    bool sender;          /* WAY_REALTIME: to the SENDER interface */
    bool drains;          /* WAY_REALTIME: a rule that drains lets it pass */
    enum store_kind kind; /* WAY_PUSH */
} messages[] = {
    {OCPI_MODULE_LOCATIONS, "GET", false, WAY_PULL, false, false, STORE_LOCATION},
    {OCPI_MODULE_TARIFFS, "GET", false, WAY_PULL, false, false, STORE_TARIFF},
    {OCPI_MODULE_TOKENS, "authorize", false, WAY_REALTIME, false, false, 0},
    {OCPI_MODULE_TOKENS, "PUT", false, WAY_REALTIME, false, false, 0},
    {OCPI_MODULE_COMMANDS, "START_SESSION", false, WAY_REALTIME, false, false, 0},
    {OCPI_MODULE_COMMANDS, "STOP_SESSION", false, WAY_REALTIME, false, true, 0},
    {OCPI_MODULE_CHARGINGPROFILES, "PUT", false, WAY_REALTIME, false, true, 0},
    {OCPI_MODULE_SESSIONS, "preferences", false, WAY_REALTIME, true, true, 0},
    {OCPI_MODULE_SESSIONS, "PUT", true, WAY_DELIVERY, false, false, 0},
    {OCPI_MODULE_CDRS, "POST", true, WAY_DELIVERY, false, false, 0},
    {OCPI_MODULE_TOKENS, "authorize", true, WAY_REALTIME, true, false, 0},
    {OCPI_MODULE_LOCATIONS, "PUT", true, WAY_PUSH, false, false, STORE_LOCATION},
    {OCPI_MODULE_TARIFFS, "PUT", true, WAY_PUSH, false, false, STORE_TARIFF},
};

struct explanation {
    const struct hub *hub;
    const struct registry_snapshot *snapshot;
    struct lookup_pair pair;
    struct arena *arena;
    struct json_writer *writer;
    /* of one message */
    const struct message *message;
    const struct registry_party *from, *to;
    struct str from_id, to_id;
    struct str why, hint; /* empty: it passes */
};

/* Says why it does not pass. Always false, so that a check ends with `return block(…)`. */
static bool block(struct explanation *e, struct str why, struct str hint)
{
    e->why = why;
    e->hint = hint;
    return false;
}

/* ---------------------------------------------------------------- what is in the way */

static bool block_by_rule(struct explanation *e)
{
    struct str hint = arena_printf(e->arena, "hubctl rule enable " STR_FMT " " STR_FMT,
                                   STR_ARG(e->pair.emsp_id), STR_ARG(e->pair.cpo_id));
    bool drains = registry_find_rule(e->snapshot, e->pair.emsp, e->pair.cpo, true) != NULL;
    return block(e, drains ? STR("the rule is draining") : STR("no active rule"), hint);
}

static bool block_by_status(struct explanation *e, const struct registry_party *party, struct str id)
{
    const char *command = party->row.suspended                                    ? "party resume"
                          : party->platform->row.status == STORE_PLATFORM_PLANNED ? "token issue"
                                                                                  : "party check";
    return block(e, arena_printf(e->arena, STR_FMT " is %s", STR_ARG(id), registry_party_status(party)),
                 arena_printf(e->arena, "hubctl %s " STR_FMT, command, STR_ARG(id)));
}

/* No endpoint came from the partner's own list, so a discovery may find them. */
static bool is_undiscovered(const struct registry_party *party)
{
    for (size_t i = 0; i < party->receiver_count; i++) {
        if (party->receivers[i].source == STORE_SOURCE_DISCOVERED)
            return false;
    }
    return party->platform->row.status != STORE_PLATFORM_PLANNED;
}

static bool block_by_url(struct explanation *e)
{
    const struct message *message = e->message;
    const char *module = ocpi_module_name(message->module);
    struct str why = arena_printf(e->arena, "no %s %s URL", module, message->sender ? "sender" : "receiver");
    if (is_undiscovered(e->to))
        return block(e, why, arena_printf(e->arena, "hubctl receiver discover " STR_FMT, STR_ARG(e->to_id)));
    return block(e, why,
                 arena_printf(e->arena, "hubctl receiver set " STR_FMT " %s%s URL", STR_ARG(e->to_id), module,
                              message->sender ? ":sender" : ""));
}

/* ---------------------------------------------------------------- the ways */

/* The sender's request is let in: it has a token, and is not suspended. */
static bool enters(struct explanation *e)
{
    const struct registry_party *from = e->from;
    if (from->row.suspended || from->platform->row.status == STORE_PLATFORM_PLANNED)
        return block_by_status(e, from, e->from_id);
    if (registry_has_hub_token(e->snapshot, from->platform->row.id, hub_kept_ms(e->hub)))
        return true;
    return block(e, arena_printf(e->arena, STR_FMT " has no token", STR_ARG(e->from_id)),
                 arena_printf(e->arena, "hubctl token issue " STR_FMT " --force", STR_ARG(e->from_id)));
}

static bool pulls(struct explanation *e)
{
    return list_may_see(e->snapshot, e->pair.emsp, e->pair.cpo) || block_by_rule(e);
}

static bool is_forwarded(struct explanation *e)
{
    const struct message *message = e->message;
    const struct store_rule *rule =
        registry_find_rule(e->snapshot, e->pair.emsp, e->pair.cpo, message->drains);
    struct str base = message->sender ? registry_sender_url(e->to, message->module)
                                      : registry_receiver_url(e->to, message->module);
    switch (forward_find_obstacle(e->to, rule, base)) {
    case FORWARD_FREE:
        return true;
    case FORWARD_UNROUTED:
        return block_by_rule(e);
    case FORWARD_NO_URL:
        return block_by_url(e);
    case FORWARD_SUSPENDED:
    case FORWARD_NOT_EXCHANGED:
    case FORWARD_OFFLINE:
        break;
    }
    return block_by_status(e, e->to, e->to_id);
}

/* The outbox takes it, and its queue is not paused. */
static bool is_delivered(struct explanation *e)
{
    enum ocpi_module module = e->message->module;
    struct routing_delivery route =
        routing_find_delivery(e->snapshot, e->pair.cpo, &e->pair.emsp->key, module, INT64_MAX);
    int64_t retry_at;
    if (route.state == STORE_DELIVERY_PENDING) {
        struct str receiver = outbox_receiver_name(e->snapshot, e->pair.emsp, e->arena);
        if (e->pair.emsp->platform->row.status != STORE_PLATFORM_CONNECTED)
            return block_by_status(e, e->pair.emsp, e->pair.emsp_id);
        outbox_circuit(e->hub, receiver, str_from(ocpi_module_name(module)), &retry_at);
        return retry_at == 0 || block(e, STR("paused: the last try failed"),
                                      arena_printf(e->arena, "hubctl delivery list --party " STR_FMT,
                                                   STR_ARG(e->pair.emsp_id)));
    }
    if (route.hold == STORE_HOLD_NO_RULE) {
        block_by_rule(e);
        if (registry_find_rule(e->snapshot, e->pair.emsp, e->pair.cpo, true) != NULL)
            e->why = STR("draining: only of begun sessions");
        return false;
    }
    if (route.hold == STORE_HOLD_NO_URL)
        return block_by_url(e);
    return block_by_status(e, e->pair.emsp, e->pair.emsp_id);
}

static bool is_pushed(struct explanation *e)
{
    if ((e->pair.emsp->push & (1u << e->message->kind)) == 0)
        return block(e, STR("push is off: it is pulled"), STR_NONE); /* no hint: most partners have it so */
    for (const struct registry_listener *l = e->pair.cpo->listeners; l != NULL; l = l->next) {
        if (l->emsp == e->pair.emsp)
            return is_delivered(e);
    }
    if (e->pair.emsp->row.suspended || e->pair.emsp->platform->row.status == STORE_PLATFORM_PLANNED)
        return block_by_status(e, e->pair.emsp, e->pair.emsp_id);
    return block_by_rule(e);
}

static bool (*const ways[])(struct explanation *explanation) = {
    [WAY_PULL] = pulls, [WAY_REALTIME] = is_forwarded, [WAY_DELIVERY] = is_delivered, [WAY_PUSH] = is_pushed};

/* ---------------------------------------------------------------- the answer */

static void explain(struct explanation *e, const struct message *message)
{
    struct json_writer *writer = e->writer;
    e->message = message;
    e->from = message->by_cpo ? e->pair.cpo : e->pair.emsp;
    e->from_id = message->by_cpo ? e->pair.cpo_id : e->pair.emsp_id;
    e->to = message->by_cpo ? e->pair.emsp : e->pair.cpo;
    e->to_id = message->by_cpo ? e->pair.emsp_id : e->pair.cpo_id;
    e->why = e->hint = STR_NONE;
    bool passes = enters(e) && ways[message->way](e);
    json_object_begin(writer);
    json_field_string(writer, "from", e->from_id);
    json_field_string(writer, "to", e->to_id);
    json_field_text(writer, "module", ocpi_module_name(message->module));
    json_field_text(writer, "message", message->name);
    json_field_boolean(writer, "passes", passes);
    render_text(writer, "why", e->why);
    render_text(writer, "hint", e->hint);
    json_object_end(writer);
}

void admin_rule_explain(struct ctl_request *request)
{
    struct registry_view *view = admin_hub(request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    enum ocpi_module only = lookup_module(json_get_text(request->params, "module")); /* OTHER: all */
    struct explanation e = {.hub = admin_hub(request), .snapshot = snapshot, .arena = &request->arena};
    struct refusal refusal = {0};
    struct reply_list list;
    if (!lookup_find_pair(snapshot, request->params, request->command, e.arena, &e.pair, &refusal)) {
        registry_release(view, snapshot);
        refusal_reply(request, &refusal);
        return;
    }
    reply_list_begin(&list, request);
    e.writer = &list.writer;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (only == OCPI_MODULE_OTHER || only == messages[i].module)
            explain(&e, &messages[i]);
    }
    registry_release(view, snapshot);
    reply_list_end(&list, STR_NONE);
}
