#include "hubd/messages/push.h"

#include "hubd/outbox/outbox.h"
#include "hubd/request/quality.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"

#define PUSH_MAGIC        0x50555348u
#define PUSH_SEARCH_MAGIC 0x50534541u
#define PUSH_READ_MAGIC   0x50524541u

struct push *push_new(struct request *request, struct str id, size_t size)
{
    struct push *push = arena_alloc(request->arena, size);
    if (push == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return NULL;
    }
    push->magic = PUSH_MAGIC;
    push->request = request;
    push->owner = request_party_key(request->party);
    push->id = request_fold(request, id);
    request->object = id;
    return push;
}

struct push *push_new_owned(struct request *request, const struct ocpi_object *object, bool partial,
                            size_t size)
{
    static const char *const members[] = {"country_code", "party_id", "id"};
    if (!request_validate(request, object, partial))
        return NULL;
    for (unsigned i = 0; i < 3; i++)
        if (!request_check_member(request, members[i], request->params[i]))
            return NULL;
    return push_new(request, request->params[2], size);
}

void push_begin(struct push *push)
{
    store_batch_init(&push->batch, push->request->arena);
}

bool push_time(const struct json_value *object, const char *member, int64_t *time)
{
    return timestamp_parse(json_get_text(object, member), time);
}

/* ---------------------------------------------------------------- one after the other */

static void push_turn(struct line_place *place)
{
    struct push *push = MAGIC_CAST(struct push, place->context, PUSH_MAGIC);
    if (request_is_late(push->request))
        request_answer_error(push->request, ERR_BUSY);
    else
        push->next(push);
}

/* Of an EVSE an odd number, else an even one: who holds the location's line never waits for it again. */
static uint64_t push_line_key(const struct push *push, enum store_kind kind, struct str evse)
{
    uint64_t key = str_hash(push->id) * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(push->owner);
    key = key * UINT64_C(0x9e3779b97f4a7c15) ^ (evse.length > 0 ? str_hash(evse) : (uint64_t)kind);
    return key << 1 | (evse.length > 0);
}

void push_in_line(struct push *push, enum store_kind kind, struct str evse, enum line_mode mode,
                  void (*next)(struct push *push))
{
    struct request *request = push->request;
    struct line_place *place = &request->places[push->places++];
    push->next = next;
    place->turn = push_turn;
    place->context = push;
    place->loop = &request->worker->loop;
    int turn = line_enter(request->hub->lines, push_line_key(push, kind, evse), place, mode);
    if (turn < 0)
        request_answer_error(request, turn);
    else if (turn > 0)
        next(push);
}

/* ---------------------------------------------------------------- whom it is for */

static void push_refuse_emsp(struct push *push, struct str message)
{
    request_answer(push->request, REPLY_INVALID, message, STR_NONE);
}

/* What cdr_token does say of the party agrees with it. */
static bool push_agrees(const struct push *push, const struct json_value *cdr_token)
{
    struct str country = json_get_text(cdr_token, "country_code"),
               party = json_get_text(cdr_token, "party_id"), key = ocpi_party_key_str(&push->emsp);
    return (country.length == 0 || str_equal_fold(country, str_of(key.data, 2))) &&
           (party.length == 0 || str_equal_fold(party, str_skip(key, 3)));
}

struct push_search {
    uint32_t magic;
    struct push *push;
    const struct json_value *cdr_token;
    struct store_starter_read read;
};

static void push_refuse_nameless(struct push *push, const struct json_value *cdr_token, const char *remedy)
{
    bool country = json_get_text(cdr_token, "country_code").length > 0;
    request_answerf(push->request, REPLY_INVALID, "/cdr_token/%s: required, but missing: %s",
                    country ? "party_id" : "country_code", remedy);
}

static void push_starter_read(struct store_read *base)
{
    struct push_search *search = MAGIC_CAST(struct push_search, base->context, PUSH_SEARCH_MAGIC);
    struct push *push = search->push;
    const struct store_starter_read *read = &search->read;
    if (base->result != OK && base->result != ERR_NOT_FOUND)
        request_answer_error(push->request, base->result);
    else if (base->result == OK && read->several)
        push_refuse_nameless(push, search->cdr_token,
                             "several eMSPs started a session with this authorization_reference: name the "
                             "eMSP here or in OCPI-to headers");
    else if (base->result != OK || !ocpi_party_key_parse(read->emsp, &push->emsp, NULL, NULL, NULL) ||
             !push_agrees(push, search->cdr_token))
        push_refuse_nameless(push, search->cdr_token,
                             "name the eMSP here or in OCPI-to headers, or send the authorization_reference "
                             "of its START_SESSION");
    else
        push->next(push);
}

static void push_find_starter(struct push *push, const struct json_value *cdr_token, struct str reference)
{
    struct push_search *search = arena_alloc(push->request->arena, sizeof *search);
    if (search == NULL) {
        request_answer_error(push->request, ERR_MEMORY);
        return;
    }
    search->magic = PUSH_SEARCH_MAGIC;
    search->push = push;
    search->cdr_token = cdr_token;
    search->read.base.arena = push->request->arena;
    search->read.base.callback = push_starter_read;
    search->read.base.context = search;
    search->read.cpo = push->owner;
    search->read.reference = request_fold(push->request, reference);
    store_read_starter(push->request->worker->store, &search->read);
}

void push_find_emsp(struct push *push, const struct json_value *cdr_token, struct str reference,
                    struct str known, void (*next)(struct push *push))
{
    struct request *request = push->request;
    struct str country = json_get_text(cdr_token, "country_code"),
               party = json_get_text(cdr_token, "party_id");
    bool addressed = request->has_to && !ocpi_party_key_equal(&request->to, &request->hub->key);
    push->next = next;
    if (country.length > 0 && party.length > 0) {
        if (!ocpi_party_key_make(country, party, &push->emsp)) {
            push_refuse_emsp(push, STR("/cdr_token: country_code and party_id name no party"));
            return;
        }
    } else if (known.length > 0) {
        ocpi_party_key_parse(known, &push->emsp, NULL, NULL, NULL);
    } else if (addressed) {
        push->emsp = request->to;
    } else {
        push_find_starter(push, cdr_token, reference);
        return;
    }
    if (addressed && !ocpi_party_key_equal(&request->to, &push->emsp))
        push_refuse_emsp(push, STR("OCPI-to must be the party of cdr_token"));
    else if (!push_agrees(push, cdr_token))
        push_refuse_emsp(push, STR("/cdr_token: its party is not the eMSP whose session it is"));
    else
        next(push);
}

/* ---------------------------------------------------------------- the batch */

/* A delivery in the state that the routing says; NULL: no memory, the batch fails by itself. */
static struct store_op *push_new_delivery(struct push *push, enum store_kind kind, enum ocpi_module module,
                                          const char *method, const struct ocpi_party_key *emsp,
                                          int64_t started)
{
    struct request *request = push->request;
    struct store_op *op = store_batch_add(&push->batch, STORE_PUT_DELIVERY);
    if (op == NULL)
        return NULL;
    struct routing_delivery route =
        routing_find_delivery(request->snapshot, request->party, emsp, module, started);
    struct store_delivery *row = &op->u.delivery.row;
    row->state = route.state;
    row->hold = route.hold;
    row->receiver = arena_copy(request->arena, ocpi_party_key_str(emsp));
    row->sender = push->owner;
    row->module = str_from(ocpi_module_name(module));
    row->method = str_from(method);
    row->kind = (int)kind;
    row->owner = push->owner;
    row->object = push->id;
    row->name = request->object;
    row->correlation_id = request->correlation_id;
    row->via = request_via(request);
    row->created = request->now;
    return op;
}

void push_add_delivery(struct push *push, enum store_kind kind, enum ocpi_module module, const char *method,
                       int64_t started)
{
    struct store_op *op = push_new_delivery(push, kind, module, method, &push->emsp, started);
    if (op == NULL)
        return;
    op->u.delivery.coalesce = kind == STORE_SESSION;
    push->request->receiver = op->u.delivery.row.receiver;
}

void push_add_listeners(struct push *push, enum store_kind kind, struct str evse, struct str gone)
{
    const char *method = gone.length > 0 ? "DELETE" : "PUT";
    for (const struct registry_listener *listener = push->request->party->listeners; listener != NULL;
         listener = listener->next) {
        if ((listener->emsp->push & (1u << kind)) == 0)
            continue;
        struct store_op *op = push_new_delivery(push, kind, registry_push_module(kind), method,
                                                &listener->emsp->key, INT64_MAX);
        if (op == NULL)
            return;
        op->u.delivery.coalesce = op->u.delivery.only_if_changed = true;
        op->u.delivery.row.evse = evse;
        if (gone.length > 0) { /* nothing is stored that could be read when it is sent */
            op->u.delivery.row.kind = -1;
            op->u.delivery.row.body = gone;
        }
    }
}

/*
 * The row is held because this request's registry knew no receiver URL. If the newest one does, the release
 * that came with it may have been before this row.
 */
static void push_check_held(struct request *request, const struct store_delivery *row)
{
    if (row->state != STORE_DELIVERY_HELD || row->hold == STORE_HOLD_NO_RULE)
        return;
    struct registry_snapshot *newest = registry_hold(request->worker->view);
    if (newest != request->snapshot)
        outbox_resume(request->hub, row->receiver);
    registry_release(request->worker->view, newest);
}

static void push_follow_delivery(struct request *request, const struct store_delivery *row)
{
    if (row->state == STORE_DELIVERY_PENDING)
        outbox_wake(request->hub, row->receiver, row->module);
    else
        push_check_held(request, row);
}

/* What the batch did: was the object new, and is there work for the delivery worker? */
static void push_answer(struct push *push)
{
    struct request *request = push->request;
    bool created = push->created;
    quality_count(request);
    for (const struct store_op *op = push->batch.first; op != NULL; op = op->next) {
        if (op->type == STORE_PUT_OBJECT)
            created = op->u.object.created;
        else if (op->type == STORE_PUT_LOCATION)
            created = op->u.location.created;
        else if (op->type == STORE_PUT_EVSE)
            created = created || op->u.evse.created;
        else if (op->type == STORE_PUT_DELIVERY && op->u.delivery.row.id != 0)
            push_follow_delivery(request, &op->u.delivery.row);
    }
    bool made = created && request->route->method != HTTP_METHOD_PATCH;
    request_answer(request, made ? REPLY_CREATED : REPLY_OK, push->message, STR_NONE);
}

bool push_audit_refused(struct push *push, struct str status, struct str message)
{
    struct request *request = push->request;
    struct store_audit row;
    request->reason = message;
    request_audit_fill(request, &row, status);
    request->audited = true;
    if (store_audit_later(request->hub->store, &row) == OK)
        return true;
    request_answer_error(request, ERR_BUSY);
    return false;
}

void push_answer_stale(struct push *push)
{
    struct request *request = push->request;
    struct str message = STR("last_updated is older than what is stored: not applied");
    if (push_audit_refused(push, STR("stale"), message))
        request_answer(request, REPLY_OK, message, STR_NONE);
}

void push_answer_too_large(struct push *push, const char *remedy)
{
    request_answerf(push->request, REPLY_TOO_LARGE,
                    "with this the object would have more than the %lld bytes or the %d values that the hub "
                    "takes: %s",
                    (long long)push->request->worker->conf.request_body_max, JSON_VALUES_MAX, remedy);
}

static void push_applied(struct store_apply *apply)
{
    struct push *push = MAGIC_CAST(struct push, apply->context, PUSH_MAGIC);
    struct request *request = push->request;
    if (apply->result == OK) {
        push_answer(push);
        return;
    }
    request->audited = false; /* its row was rolled back with the rest */
    if (apply->result == ERR_CONFLICT && push->again != NULL && !request_is_late(request)) {
        push->again(push);
        return;
    }
    if (push->failed != NULL && push->failed(push))
        return;
    if (apply->result == ERR_STALE)
        push_answer_stale(push);
    else if (apply->result == ERR_TOO_LARGE)
        push_answer_too_large(push, "take EVSEs out of it, or texts and vendor fields of it");
    else
        request_answer_error(request, apply->result);
}

void push_apply(struct push *push)
{
    request_audit_batch(push->request, &push->batch, push->status.length > 0 ? push->status : STR("1000"));
    push->batch.callback = push_applied;
    push->batch.context = push;
    store_apply(push->request->worker->store, &push->batch);
}

/* ---------------------------------------------------------------- reading what is stored */

static void push_was_read(struct store_read *base)
{
    struct push_read *read = MAGIC_CAST(struct push_read, base->context, PUSH_READ_MAGIC);
    if (base->result == OK)
        read->done(read);
    else if (base->result == ERR_NOT_FOUND)
        request_answer(read->push->request, REPLY_UNKNOWN,
                       read->push->request->route->method == HTTP_METHOD_PATCH
                           ? STR("no such object: PUT it first")
                           : STR("no such object"),
                       STR_NONE);
    else
        request_answer_error(read->push->request, base->result);
}

void push_read_stored(struct push *push, enum store_kind kind, struct str evse, bool without_evses,
                      void (*done)(struct push_read *read))
{
    struct push_read *read = arena_alloc(push->request->arena, sizeof *read);
    if (read == NULL) {
        request_answer_error(push->request, ERR_MEMORY);
        return;
    }
    read->magic = PUSH_READ_MAGIC;
    read->push = push;
    read->done = done;
    read->read.base.arena = push->request->arena;
    read->read.base.callback = push_was_read;
    read->read.base.context = read;
    read->read.base.caller = push->request->platform->row.id;
    read->read.kind = kind;
    read->read.owner = push->owner;
    read->read.id = push->id;
    read->read.evse = evse;
    read->read.without_evses = without_evses;
    store_read_object(push->request->worker->store, &read->read);
}

const struct json_value *push_parse_stored(struct push_read *read)
{
    const struct json_value *value;
    struct error error;
    int result = json_parse_own(read->push->request->arena, read->read.body, &value, &error);
    if (result == OK)
        return value;
    if (result == ERR_TOO_LARGE)
        push_answer_too_large(read->push, "PUT it anew");
    else
        request_answer_error(read->push->request, result);
    return NULL;
}
