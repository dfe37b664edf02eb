/* CDRs (OCPI 2.2.1, CDRs module): immutable; POSTed by the CPO, delivered to the eMSP of cdr_token, which
 * with emsp_backfill may also pull them. */
#include "hubd/messages/list.h"
#include "hubd/modules/modules.h"
#include "hubd/messages/push.h"
#include "lib/ocpi/equal.h"

static void cdrs_add_location(struct request *request)
{
    struct str id = http_percent_encode(request->arena, json_get_text(request->body, "id"));
    http_exchange_header(request->exchange, "Location",
                         arena_printf(request->arena, "%s/ocpi/2.2.1/cdrs/" STR_FMT "/" STR_FMT "/" STR_FMT,
                                      request->hub->conf.base_url, STR_ARG(request->party->row.country_code),
                                      STR_ARG(request->party->row.party_id), STR_ARG(id)));
}

/* The id is there already: the same content is fine and changes nothing, other content is refused. */
static void cdrs_compare(struct push_read *read)
{
    struct request *request = read->push->request;
    const struct json_value *stored = push_parse_stored(read);
    if (stored == NULL)
        return;
    static const char *const ignored[] = {"last_updated", NULL};
    struct str other = STR("/id: a CDR with this id and other content was received before; CDRs are "
                           "immutable: send a credit CDR with a new id");
    if (ocpi_equal(&ocpi_cdr, stored, request->body, ignored)) {
        request_answer(request, REPLY_OK, STR("already received"), STR_NONE);
        return;
    }
    request->refused_for = "conflict";
    if (push_audit_refused(read->push, STR("conflict"), other)) /* `delivery reconcile` lists them */
        request_answer(request, REPLY_INVALID, other, STR_NONE);
}

static bool cdrs_exists(struct push *push)
{
    if (push->batch.result != ERR_EXISTS)
        return false;
    push_read_stored(push, STORE_CDR, STR_NONE, false, cdrs_compare);
    return true;
}

/* The body is a CDR of the caller's, and the URL says nothing else. False: answered. */
static bool cdrs_check(struct request *request)
{
    const struct json_value *cdr = request->body;
    struct ocpi_party_key owner;
    if (!request_validate(request, &ocpi_cdr, false))
        return false;
    if (!ocpi_party_key_make(json_get_text(cdr, "country_code"), json_get_text(cdr, "party_id"), &owner) ||
        !ocpi_party_key_equal(&owner, &request->party->key)) {
        request_answer(request, REPLY_FORBIDDEN,
                       STR("party mismatch: /country_code and /party_id are not the caller's"), STR_NONE);
        return false;
    }
    if (request->param_count > 0 &&
        !request_check_member(request, "id", request->params[request->param_count - 1]))
        return false;
    if (request_is_id(json_get_text(cdr, "id")))
        return true;
    request_answer(request, REPLY_INVALID, STR("/id: not an id that a URL can name"), STR_NONE);
    return false;
}

/* It is known whom it is for. The first of that id is stored, whoever comes at once, so it needs no line. */
static void cdrs_store(struct push *push)
{
    struct request *request = push->request;
    const struct json_value *cdr = request->body;
    int64_t started = INT64_MAX;
    push_time(cdr, "start_date_time", &started);
    push_time(cdr, "last_updated", &push->last_updated);
    push->failed = cdrs_exists;
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, STORE_PUT_OBJECT);
    if (op != NULL) {
        struct store_object_put *put = &op->u.object;
        put->kind = STORE_CDR;
        put->owner = push->owner;
        put->id = push->id;
        put->body = request->exchange->body;
        put->last_updated = push->last_updated;
        ocpi_digest(&ocpi_cdr, cdr, NULL, put->digest);
        put->counterparty = arena_copy(request->arena, ocpi_party_key_str(&push->emsp));
        put->token_uid = request_fold(request, json_get_text(json_get(cdr, "cdr_token"), "uid"));
        put->session = request_fold(request, json_get_text(cdr, "session_id"));
        put->conditions = STORE_IF_ABSENT;
    }
    cdrs_add_location(request);
    push_add_delivery(push, STORE_CDR, OCPI_MODULE_CDRS, "POST", started);
    push_apply(push);
}

void cdrs_post(struct request *request)
{
    const struct json_value *cdr = request->body;
    if (!cdrs_check(request))
        return;
    struct push *push = push_new(request, json_get_text(cdr, "id"), sizeof *push);
    if (push != NULL)
        push_find_emsp(push, json_get(cdr, "cdr_token"), json_get_text(cdr, "authorization_reference"),
                       STR_NONE, cdrs_store);
}

void cdrs_list(struct request *request)
{
    list_serve(request, STORE_CDR, "/ocpi/2.2.1/cdrs");
}

void cdrs_get(struct request *request)
{
    list_serve_object(request, STORE_CDR, request->params[0], request->params[1], request->params[2],
                      STR_NONE, NULL);
}
