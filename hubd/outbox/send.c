#include <stdlib.h>

#include "hubd/outbox/internal.h"
#include "hubd/outbox/tries.h"
#include "hubd/calls/sentence.h"
#include "hubd/traffic.h"
#include "lib/base/bug.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/ocpi/location.h"

#define SENDING_MAGIC 0x53454e44u
#define BODY_SHOWN    1024 /* of an answer, with a dead letter */
/* For people: what a row is pending for that its receiver refused once, twice. */
static const char *const refused_reasons[] = {"refused once", "refused twice"};

/* What a try waits for. Its result is stored once, and nothing follows that but the end. */
enum sending_state {
    SENDING_READING,    /* the row */
    SENDING_LOCATING,   /* the location of an EVSE: its own part, or all of it */
    SENDING_REFRESHING, /* the newest registry, before the message is set aside */
    SENDING_CALLING,    /* the receiver's answer */
    SENDING_STORING,    /* the result, in the store */
    SENDING_ENDED,
};
static const uint32_t sending_next[] = {
    [SENDING_READING] = SM_TO(SENDING_LOCATING) | SM_TO(SENDING_REFRESHING) | SM_TO(SENDING_CALLING) |
                        SM_TO(SENDING_STORING) | SM_TO(SENDING_ENDED),
    [SENDING_LOCATING] = SM_TO(SENDING_REFRESHING) | SM_TO(SENDING_CALLING) | SM_TO(SENDING_ENDED),
    [SENDING_REFRESHING] = SM_TO(SENDING_CALLING) | SM_TO(SENDING_STORING) | SM_TO(SENDING_ENDED),
    [SENDING_CALLING] = SM_TO(SENDING_LOCATING) | SM_TO(SENDING_STORING) | SM_TO(SENDING_ENDED),
    [SENDING_STORING] = SM_TO(SENDING_ENDED),
    [SENDING_ENDED] = 0,
};
static const char *const sending_names[] = {
    [SENDING_READING] = "reading", [SENDING_LOCATING] = "locating", [SENDING_REFRESHING] = "refreshing",
    [SENDING_CALLING] = "calling", [SENDING_STORING] = "storing",   [SENDING_ENDED] = "ended",
};
const struct sm outbox_sending_states = {"delivery try", sending_names, sending_next,
                                         sizeof sending_next / sizeof sending_next[0]};

/* One try of one message. */
struct sending {
    uint32_t magic;
    enum sending_state state; /* changed by sending_move only */
    struct arena arena;
    struct outbox_queue *queue;
    struct outbox_item *item;
    struct hub *hub;
    struct registry_snapshot *snapshot;
    struct outbox_address address;
    struct store_delivery_read read;
    struct store_object_read location; /* of a location or EVSE: its own part, or all of it */
    struct str location_id;            /* in the owner's spelling */
    bool whole;                        /* the receiver does not know the EVSE's location: it gets all of it */
    struct outbound outbound;
    struct store_apply batch;
    enum fault fault;
};

static void sending_move(struct sending *sending, enum sending_state next)
{
    sm_check(&outbox_sending_states, sending->state, next, sending);
    sending->state = next;
}

static void sending_end(struct sending *sending)
{
    sending_move(sending, SENDING_ENDED);
    struct outbox_queue *queue = sending->queue;
    struct outbox_item *item = sending->item;
    if (sending->snapshot != NULL)
        registry_release(sending->hub->control_view, sending->snapshot);
    sending->magic = 0;
    arena_free(&sending->arena);
    free(sending);
    queue->receiver->outbox->under_way--;
    queue->receiver->outbox->alone -= queue->module->alone;
    outbox_item_finished(queue, item);
}

/* The row stands as it stood: it is looked for again, but not in a hurry. */
static void sending_lose(struct sending *sending)
{
    outbox_queue_unstored(sending->queue);
    sending_end(sending);
}

/* ---------------------------------------------------------------- the result, stored */

static void sending_stored(struct store_apply *apply)
{
    struct sending *sending = MAGIC_CAST(struct sending, apply->context, SENDING_MAGIC);
    if (apply->result == OK || apply->result == ERR_NOT_FOUND) {
        sending_end(sending);
        return;
    }
    /* not stored: the row is still pending and will be sent again, which at-least-once allows */
    if (apply->result == ERR_CONFLICT)
        outbox_queue_expire_lease(sending->queue);
    else
        log_error_bounded("delivery %lld: its result cannot be stored: %s", (long long)sending->read.id,
                          apply->error.text);
    sending_lose(sending); /* not at once: the disk may be full */
}

static void sending_audit(struct sending *sending, const char *action, struct str status)
{
    struct store_op *op = store_batch_add(&sending->batch, STORE_APPEND_AUDIT);
    const struct store_delivery *row = &sending->read.row;
    if (op == NULL)
        return;
    struct store_audit *audit = &op->u.audit;
    audit->kind = STORE_AUDIT_PUSH;
    audit->actor = STR("hub");
    audit->action = str_from(action);
    audit->party = row->receiver;
    audit->module = row->module;
    audit->method = row->method;
    audit->sender = row->sender;
    audit->receiver = row->receiver;
    audit->object = row->name;
    audit->status = status;
    audit->latency_ms = sending->outbound.callback == NULL ? -1 : sending->outbound.latency_ms;
    audit->request_id = str_from(sending->outbound.request_id);
    audit->correlation_id = row->correlation_id;
    audit->detail = arena_printf(&sending->arena, "{\"delivery\":%lld,\"attempts\":%u}", (long long)row->id,
                                 row->attempts);
}

/* How the row goes on; a pending one after `delay_ms`. `action` NULL: a try that failed and will be repeated
 * leaves no audit row, the row itself counts it. */
static void sending_finish(struct sending *sending, enum store_delivery_state state, struct str reason,
                           int64_t delay_ms, struct str last_error, const char *action, struct str status)
{
    const struct store_delivery *row = &sending->read.row;
    int64_t now = hub_steady_ms(sending->hub);
    store_batch_init(&sending->batch, &sending->arena);
    const struct store_queue *queue = outbox_queue_state(sending->queue, &sending->arena, now);
    struct store_op *op = queue == NULL ? NULL : store_batch_add(&sending->batch, STORE_FINISH_DELIVERY);
    if (op == NULL) {
        sending_lose(sending); /* no memory: sent again */
        return;
    }
    sending_move(sending, SENDING_STORING);
    op->u.finish.id = row->id;
    op->u.finish.state = state;
    op->u.finish.hold = state == STORE_DELIVERY_HELD ? sending->address.hold : STORE_HOLD_NONE;
    op->u.finish.reason = reason;
    op->u.finish.attempts = row->attempts;
    op->u.finish.next_attempt = state == STORE_DELIVERY_PENDING ? now + delay_ms : 0;
    bool failed = state == STORE_DELIVERY_PENDING || state == STORE_DELIVERY_DEAD;
    op->u.finish.failed = failed && sending->outbound.callback != NULL ? now : row->failed;
    op->u.finish.alone = row->alone;
    op->u.finish.refused = state == STORE_DELIVERY_PENDING ? row->refused : 0;
    op->u.finish.last_error = last_error;
    op->u.finish.done = state == STORE_DELIVERY_PENDING || state == STORE_DELIVERY_HELD ? 0 : env_wall_ms();
    op->u.finish.active_from = row->active_from;
    op->u.finish.tries = row->tries;
    op->u.finish.receipt = row->receipt;
    op->u.finish.queue = queue;
    if (action != NULL)
        sending_audit(sending, action, status);
    sending->batch.callback = sending_stored;
    sending->batch.context = sending;
    store_apply(sending->hub->control_store, &sending->batch);
}

/* It may not go now, or need not go any more. */
static void sending_set_aside(struct sending *sending)
{
    const struct outbox_address *address = &sending->address;
    if (address->action == OUTBOX_HOLD)
        sending_finish(sending, STORE_DELIVERY_HELD, STR_NONE, 0, sending->read.row.last_error,
                       "delivery.held", STR("held"));
    else
        sending_finish(sending, STORE_DELIVERY_SUPERSEDED,
                       arena_printf(&sending->arena, "dropped: %s", address->reason), 0,
                       sending->read.row.last_error, "delivery.dropped", STR("dropped"));
}

/* An older one of its lane waits for its next try: this one comes behind it, without having been tried. */
static void sending_wait_turn(struct sending *sending)
{
    const struct retry_policy policy = outbox_policy(sending->queue->receiver->outbox);
    int64_t left = sending->read.older_attempt - hub_steady_ms(sending->hub);
    sending_finish(sending, STORE_DELIVERY_PENDING, sending->read.row.reason,
                   left > policy.initial_ms ? left : policy.initial_ms, sending->read.row.last_error, NULL,
                   STR_NONE);
}

/* ---------------------------------------------------------------- judging the answer */

static int64_t sending_asked(struct sending *sending);

static struct fault_answer sending_fault_answer(struct sending *sending)
{
    const struct outbound *outbound = &sending->outbound;
    bool answered = outbound->result == OK;
    return (struct fault_answer){
        .own = error_is_own(outbound->result),
        .http = answered ? outbound->status : 0,
        .sent = answered || outbound->call.sent,
        .impossible = outbound_is_impossible(outbound),
        .empty = outbound->raw_answer.length == 0,
        .envelope = answered && outbound->answer.is_envelope,
        .status_code = outbound->answer.status_code,
        .asked_ms = answered ? sending_asked(sending) : 0,
        .gone_is_right = outbound->method == HTTP_METHOD_DELETE,
    };
}

/* What people need to see: status, OCPI code and message, and of a dead letter the answer's first KiB. */
static struct str sending_error_text(struct sending *sending, bool with_body)
{
    const struct outbound *outbound = &sending->outbound;
    struct str text = sentence_of_failure(&sending->arena, outbound), body = outbound->raw_answer;
    if (outbound->result != OK || !with_body || body.length == 0)
        return text;
    if (body.length > 4 * BODY_SHOWN)
        body.length = 4 * BODY_SHOWN;
    body = sentence_hide(&sending->arena, outbound->platform, body); /* before it is cut: half a token too */
    if (body.length > BODY_SHOWN)
        body.length = BODY_SHOWN;
    return arena_printf(&sending->arena, STR_FMT ": " STR_FMT, STR_ARG(text), STR_ARG(body));
}

static struct str sending_header(const struct sending *sending, const char *name)
{
    return http_header_find(sending->outbound.answer_headers, sending->outbound.answer_header_count, name);
}

/* Retry-After in milliseconds from now on, 0 when there is none. */
static int64_t sending_asked(struct sending *sending)
{
    struct str value = sending_header(sending, "Retry-After");
    char *text = value.length == 0 ? NULL : arena_copy_text(&sending->arena, value);
    return text == NULL ? 0 : retry_after_parse(text, env_wall_ms());
}

/*
 * Age is the time in which the message could have been sent, from its first try on: held, behind an OFFLINE
 * receiver or while hubd was down it does not grow, and a jump of the wall clock does not touch it.
 */
static bool sending_is_too_old(struct sending *sending)
{
    const struct conf *conf = &sending->hub->conf;
    struct store_delivery *row = &sending->read.row;
    int64_t active = retry_clock_read(&sending->queue->clock, hub_steady_ms(sending->hub));
    if (row->active_from < 0)
        row->active_from = active;
    return active - row->active_from >
           (row->kind == (int)STORE_CDR ? conf->retry_give_up_cdrs : conf->retry_give_up);
}

/* A try failed: again after `delay_ms`, unless that has been so for too long. */
static void sending_fail(struct sending *sending, struct str reason, int64_t delay_ms)
{
    if (sending_is_too_old(sending))
        sending_finish(sending, STORE_DELIVERY_DEAD, STR("given up"), 0, sending_error_text(sending, true),
                       "delivery.dead", STR("dead"));
    else
        sending_finish(sending, STORE_DELIVERY_PENDING, reason, delay_ms, sending_error_text(sending, false),
                       NULL, STR_NONE);
}

/* The receiver's pause decides when; the row is due at once, behind those that were not tried for longer. */
static void sending_receiver_fault(struct sending *sending)
{
    sending_fail(sending, sending->read.row.reason, 0);
}

/* Others arrive: it backs off alone. */
static void sending_message_fault(struct sending *sending)
{
    const struct retry_policy policy = outbox_policy(sending->queue->receiver->outbox);
    struct store_delivery *row = &sending->read.row;
    int64_t asked = sending_asked(sending);
    row->alone++;
    int64_t pause = retry_pause(&policy, row->alone, (unsigned)env_random_below(RETRY_CHANCE + 1));
    const char *what = sending->queue->module->alone ? "its URL failed" : "failed";
    const char *while_what = sending->queue->module->alone ? "" : " while others arrived";
    struct str reason = row->refused > 0 ? row->reason
                                         : arena_printf(&sending->arena, "%s %u time%s%s", what, row->alone,
                                                        row->alone == 1 ? "" : "s", while_what);
    sending_fail(sending, reason, asked > pause ? asked : pause);
}

static void sending_refusal(struct sending *sending)
{
    const struct retry_policy policy = outbox_policy(sending->queue->receiver->outbox);
    struct store_delivery *row = &sending->read.row;
    int64_t pause = retry_refused_pause(&policy, ++row->refused);
    if (pause < 0)
        sending_finish(sending, STORE_DELIVERY_DEAD, STR("refused"), 0, sending_error_text(sending, true),
                       "delivery.dead", STR("dead"));
    else
        sending_finish(sending, STORE_DELIVERY_PENDING, str_from(refused_reasons[row->refused - 1]), pause,
                       sending_error_text(sending, true), NULL, STR_NONE);
}

/* The row's log: this try. */
static void sending_note_try(struct sending *sending)
{
    const struct outbound *outbound = &sending->outbound;
    struct store_delivery *row = &sending->read.row;
    const struct outbox_try try = {
        .time = env_wall_ms(),
        .http = outbound->result == OK ? outbound->status : 0,
        .status_code =
            outbound->result == OK && outbound->answer.is_envelope ? outbound->answer.status_code : 0,
        .latency_ms = outbound->latency_ms,
        .text = sending->fault == FAULT_NONE ? STR_NONE : sending_error_text(sending, false),
    };
    row->attempts++;
    struct str tries = outbox_tries_add(&sending->arena, row->tries, &try);
    if (tries.data != NULL)
        row->tries = tries;
}

#define RECEIPT_MAX 512

static void sending_done(struct sending *sending)
{
    const struct outbound *outbound = &sending->outbound;
    struct str receipt = sending_header(sending, "Location");
    int code = outbound->answer.is_envelope ? outbound->answer.status_code : outbound->status;
    if (receipt.length > 0 && receipt.length <= RECEIPT_MAX)
        sending->read.row.receipt = receipt;
    outbox_item_answered(sending->queue, sending->item);
    sending_finish(sending, STORE_DELIVERY_DELIVERED, STR(""), 0, STR(""), "delivery.done",
                   arena_printf(&sending->arena, "%d", code));
}

static void sending_send_whole(struct sending *sending);

static void sending_answered(struct outbound *outbound)
{
    struct sending *sending = MAGIC_CAST(struct sending, outbound->context, SENDING_MAGIC);
    sending->item->call = NULL;
    if (sending->item->given_up && outbound->result == ERR_CLOSED) {
        outbound->result = ERR_TIMEOUT;
        outbound->error = arena_printf(&sending->arena, "no answer within %lld ms, and others waited",
                                       (long long)outbound->latency_ms);
    }
    if (outbound->result == ERR_CLOSED) { /* the hub is going down: as if it had not been tried */
        sending_end(sending);
        return;
    }
    const struct fault_answer answer = sending_fault_answer(sending);
    if (sending->read.row.evse.length > 0 && !sending->whole && outbound->result == OK &&
        fault_is_unknown(&answer)) {
        sending_send_whole(sending);
        return;
    }
    sending->fault = outbox_queue_judge(sending->queue, sending->item, &answer, sending->read.row.failed);
    if (sending->fault == FAULT_HUB) {
        log_warn_bounded("delivery %lld: " STR_FMT, (long long)sending->read.id, STR_ARG(outbound->error));
        sending_lose(sending); /* the row stands as it stood: again soon */
        return;
    }
    sending_note_try(sending);
    traffic_count_delivery(traffic_counts_of(sending->hub->traffic, 0), sending->queue->module->module,
                           sending->fault != FAULT_NONE, outbound->latency_ms * 1000);
    switch (sending->fault) {
    case FAULT_HUB:
        return;
    case FAULT_NONE:
        sending_done(sending);
        return;
    case FAULT_REFUSED:
    case FAULT_UNSENDABLE:
        sending_refusal(sending);
        return;
    case FAULT_MESSAGE:
        sending_message_fault(sending);
        return;
    case FAULT_RECEIVER:
        sending_receiver_fault(sending);
        return;
    }
}

/* ---------------------------------------------------------------- sending */

static void sending_set_from(struct sending *sending)
{
    struct outbound *outbound = &sending->outbound;
    const struct outbox_address *address = &sending->address;
    outbound->routed = address->module->from != OUTBOX_UNROUTED;
    outbound->to_country = address->target->row.country_code;
    outbound->to_party = address->target->row.party_id;
    if (address->module->from == OUTBOX_FROM_SENDER) {
        outbound->from_country = address->sender->row.country_code;
        outbound->from_party = address->sender->row.party_id;
    } else {
        outbound->from_country = str_from(sending->hub->conf.country_code);
        outbound->from_party = str_from(sending->hub->conf.party_id);
    }
}

static void sending_call(struct sending *sending, struct str body)
{
    struct store_delivery *row = &sending->read.row;
    struct hub *hub = sending->hub;
    struct outbound *outbound = &sending->outbound;
    sending_move(sending, SENDING_CALLING);
    outbound->arena = &sending->arena;
    outbound->hub = hub;
    outbound->client = hub->control_client;
    outbound->platform = sending->address.target->platform;
    outbound->method = http_method_from(row->method);
    outbound->url = outbox_address_url(&sending->address, &sending->arena, row, body, sending->location_id,
                                       row->evse.length > 0 && !sending->whole);
    outbound->trusted = row->url.length == 0;
    outbound->body = outbound->method == HTTP_METHOD_DELETE ? STR_NONE : body;
    sending_set_from(sending);
    outbound->correlation_id = row->correlation_id;
    outbound->via = row->via;
    outbound->timeout_ms = hub->conf.delivery_timeout;
    outbound->callback = sending_answered;
    outbound->context = sending;
    sending->item->call = outbound;
    outbound_start(outbound);
}

void outbox_give_up(struct outbox_item *item)
{
    item->given_up = true;
    outbound_cancel(item->call);
}

static void sending_judge_address(struct sending *sending)
{
    sending->snapshot = registry_hold(sending->hub->control_view);
    outbox_address_find(sending->snapshot, sending->queue->module, &sending->read.row, &sending->address);
}

/*
 * Set aside only by the newest registry: a receiver that was set a moment ago has released this row already,
 * and nobody would release it again.
 */
static void sending_renewed(int result, void *context)
{
    struct sending *sending = MAGIC_CAST(struct sending, context, SENDING_MAGIC);
    registry_release(sending->hub->control_view, sending->snapshot);
    sending_judge_address(sending);
    if (result != OK || sending->hub->control_client == NULL)
        sending_lose(sending);
    else if (sending->address.action != OUTBOX_SEND)
        sending_set_aside(sending);
    else
        sending_call(sending, sending->read.row.body);
}

static void sending_ready(struct sending *sending)
{
    sending_judge_address(sending);
    if (sending->address.action == OUTBOX_SEND) {
        sending_call(sending, sending->read.row.body);
        return;
    }
    sending_move(sending, SENDING_REFRESHING);
    registry_refresh(sending->hub->registry, &sending->hub->control, sending_renewed, sending);
}

/* ---------------------------------------------------------------- locations */

static void sending_read_location(struct sending *sending, bool without_evses,
                                  void (*done)(struct store_read *read))
{
    struct store_object_read *read = &sending->location;
    sending_move(sending, SENDING_LOCATING);
    memset(read, 0, sizeof *read);
    read->base.arena = &sending->arena;
    read->base.callback = done;
    read->base.context = sending;
    read->kind = STORE_LOCATION;
    read->owner = sending->read.row.owner;
    read->id = sending->read.row.object;
    read->without_evses = without_evses;
    store_read_object(sending->hub->control_store, read);
}

/* The id as the owner spells it stands in the location's own part only. */
static void sending_location_read(struct store_read *base)
{
    struct sending *sending = MAGIC_CAST(struct sending, base->context, SENDING_MAGIC);
    struct store_object_read *read = &sending->location;
    const struct json_value *location = NULL;
    if (base->result != OK && base->result != ERR_NOT_FOUND) {
        sending_lose(sending);
        return;
    }
    if (base->result == OK)
        json_parse_own(&sending->arena,
                       ocpi_location_without_evses(&sending->arena, read->body, read->children_at,
                                                   (enum ocpi_children_form)read->children_form),
                       &location, NULL);
    sending->location_id = json_get_text(location, "id");
    sending_ready(sending);
}

static void sending_whole_read(struct store_read *base)
{
    struct sending *sending = MAGIC_CAST(struct sending, base->context, SENDING_MAGIC);
    if (base->result == OK)
        sending_call(sending, sending->location.body);
    else
        sending_lose(sending); /* to be looked at anew */
}

static void sending_send_whole(struct sending *sending)
{
    sending->whole = true;
    sending_read_location(sending, false, sending_whole_read);
}

/* ---------------------------------------------------------------- begin */

static void sending_read(struct store_read *base)
{
    struct sending *sending = MAGIC_CAST(struct sending, base->context, SENDING_MAGIC);
    if (base->result != OK && base->result != ERR_NOT_FOUND)
        sending_lose(sending);
    else if (base->result != OK || sending->read.row.state != STORE_DELIVERY_PENDING ||
             sending->queue->receiver->outbox->stopping)
        sending_end(sending); /* gone, superseded, dropped; or the next start's */
    else if (sending->read.older != 0)
        sending_wait_turn(sending);
    else if (sending->read.row.kind == (int)STORE_LOCATION)
        sending_read_location(sending, true, sending_location_read);
    else
        sending_ready(sending);
}

void outbox_send(struct outbox_queue *queue, struct outbox_item *item)
{
    struct sending *sending = must_alloc(sizeof *sending, "a try of a delivery");
    queue->receiver->outbox->under_way++;
    queue->receiver->outbox->alone += queue->module->alone;
    sending->magic = SENDING_MAGIC;
    sending->state = SENDING_READING;
    sending->queue = queue;
    sending->item = item;
    sending->hub = queue->receiver->outbox->hub;
    arena_init(&sending->arena, 8192);
    arena_count(&sending->arena, &sending->hub->memory);
    sending->read.base.arena = &sending->arena;
    sending->read.base.callback = sending_read;
    sending->read.base.context = sending;
    sending->read.id = item->id;
    store_read_delivery(sending->hub->control_store, &sending->read);
}
