/* Sessions (OCPI 2.2.1, Sessions module): the CPO pushes, the hub stores and delivers to the eMSP of
 * cdr_token, which with emsp_backfill may also pull them. */
#include "hubd/messages/list.h"
#include "hubd/modules/modules.h"
#include "hubd/messages/push.h"
#include "hubd/messages/recipient.h"
#include "hubd/messages/relay.h"
#include "lib/base/crypto.h"
#include "lib/base/magic.h"
#include "lib/base/timestamp.h"
#include "lib/ocpi/equal.h"
#include "lib/ocpi/patch.h"

/* A session as it will be: what the push brings, in front of what is stored where that is a PATCH. */
struct session {
    struct push push;
    const struct json_value *brought; /* NULL: only charging periods are brought */
    const struct json_value *stored;  /* NULL: all of it is brought */
    bool late;                        /* the PATCH is older than what is stored */
};

/* What a closing PATCH may make of a session that is as large as it may be: it must be able to end. */
#define CLOSING_BYTES  65536
#define CLOSING_VALUES 4096

static struct session *session_new(struct request *request, bool partial)
{
    struct push *push = push_new_owned(request, &ocpi_session, partial, sizeof(struct session));
    return push == NULL ? NULL : CONTAINER_OF(push, struct session, push);
}

static struct session *session_of(struct push *push)
{
    return CONTAINER_OF(push, struct session, push);
}

static const struct json_value *session_member(const struct session *session, const char *name)
{
    const struct json_value *member = json_get_raw(session->brought, str_from(name));
    if (member == NULL)
        member = json_get_raw(session->stored, str_from(name));
    return member == NULL || member->type == JSON_NULL ? NULL : member;
}

static struct str session_text(const struct session *session, const char *name)
{
    const struct json_value *member = session_member(session, name);
    return member == NULL || member->type != JSON_STRING ? STR_NONE : member->text;
}

/* Of the text, not of the value: each state is delivered, and merged it is only text. */
static void session_digest(struct str body, uint8_t digest[OCPI_DIGEST_SIZE])
{
    uint8_t whole[SHA256_SIZE];
    crypto_sha256(body, whole);
    memcpy(digest, whole, OCPI_DIGEST_SIZE);
}

/* It goes into the batch with its delivery. */
static void session_write(struct push *push)
{
    struct session *session = session_of(push);
    int64_t started = INT64_MAX;
    timestamp_parse(session_text(session, "start_date_time"), &started);
    timestamp_parse(session_text(session, "last_updated"), &push->last_updated);
    push_begin(push);
    struct store_op *op = store_batch_add(&push->batch, STORE_PUT_OBJECT);
    if (op != NULL) {
        struct store_object_put *put = &op->u.object;
        put->kind = STORE_SESSION;
        put->owner = push->owner;
        put->id = push->id;
        put->body = push->body;
        put->last_updated = push->last_updated;
        session_digest(push->body, put->digest);
        put->counterparty = arena_copy(push->request->arena, ocpi_party_key_str(&push->emsp));
        const struct json_value *token = session_member(session, "cdr_token");
        put->token_uid = request_fold(push->request, json_get_text(token, "uid"));
        put->token_type = request_fold(push->request, json_get_text(token, "type"));
        put->status = session_text(session, "status");
        put->conditions = push->conditions;
        put->revision = push->revision;
    }
    push_add_delivery(push, STORE_SESSION, OCPI_MODULE_SESSIONS, "PUT", started);
    push_apply(push);
}

static void session_find_emsp(struct session *session, struct str known, void (*next)(struct push *push))
{
    push_find_emsp(&session->push, session_member(session, "cdr_token"),
                   session_text(session, "authorization_reference"), known, next);
}

/* ---------------------------------------------------------------- PUT */

static void session_put_in_line(struct push *push)
{
    push_in_line(push, STORE_SESSION, STR_NONE, LINE_SHARED, session_write);
}

void sessions_put(struct request *request)
{
    struct session *session = session_new(request, false);
    if (session == NULL)
        return;
    session->brought = request->body;
    session->push.body = request->exchange->body;
    session->push.conditions = STORE_IF_NOT_OLDER | STORE_IF_NOT_ENDED;
    session_find_emsp(session, STR_NONE, session_put_in_line);
}

/* ---------------------------------------------------------------- PATCH */

static bool session_ends(const struct session *session)
{
    struct str status = json_get_text(session->brought, "status");
    return str_equal(status, STR("COMPLETED")) || str_equal(status, STR("INVALID"));
}

/* It must be possible to read it again when the next PATCH comes. Two bytes is the least that a value takes.
 */
static bool session_is_readable(const struct session *session, struct str merged)
{
    size_t reserve = session_ends(session) ? 0 : CLOSING_VALUES;
    return merged.length < (size_t)2 * (JSON_VALUES_MAX - CLOSING_VALUES) ||
           json_count(session->stored) + json_count(session->push.request->body) <= JSON_VALUES_MAX - reserve;
}

/* What is stored may be larger than the hub takes by now, or as large: it can still end, and shrink. */
static bool session_fits(const struct session *session, struct str merged)
{
    size_t max = (size_t)session->push.request->worker->conf.request_body_max;
    size_t stored = session->stored->raw.length;
    if (merged.length > stored && !session_is_readable(session, merged))
        return false;
    if (merged.length <= max || merged.length <= stored)
        return true;
    return session_ends(session) && merged.length - (stored > max ? stored : max) <= CLOSING_BYTES;
}

/* Whose it is where cdr_token does not name a party: as it was, unless the PATCH brings another driver's
 * token. */
static struct str session_known_emsp(const struct session *session, struct str stored)
{
    struct str brought = json_get_text(json_get(session->brought, "cdr_token"), "uid");
    bool same = brought.length == 0 ||
                str_equal_fold(brought, json_get_text(json_get(session->stored, "cdr_token"), "uid"));
    return same ? stored : STR_NONE;
}

static void session_store_merged(struct session *session, const struct push_read *read, struct str merged)
{
    struct push *push = &session->push;
    if (merged.data == NULL) {
        request_answer_error(push->request, ERR_MEMORY);
    } else if (session->late && merged.length == session->stored->raw.length) { /* nothing was added */
        push_answer_stale(push);
    } else if (!session_fits(session, merged)) {
        push_answer_too_large(push, "end it with a PATCH of its status and go on in a session with a new id, "
                                    "or PUT it with fewer charging_periods");
    } else {
        push->body = merged;
        push->revision = read->read.revision;
        session_find_emsp(session, session_known_emsp(session, read->read.counterparty), session_write);
    }
}

static void session_merge(struct push_read *read)
{
    struct session *session = session_of(read->push);
    struct push *push = read->push;
    struct request *request = push->request;
    struct ocpi_patch_options append = {
        .append_list = "charging_periods",
        .element = &ocpi_charging_period,
        .moment = "start_date_time",
        .only_list = session->late,
    };
    session->stored = push_parse_stored(read);
    if (session->stored == NULL)
        return;
    session->brought = session->late ? NULL : request->body;
    push->conditions = STORE_IF_PRESENT | STORE_IF_REVISION;
    if (!session->late)
        push->conditions |= STORE_IF_NOT_OLDER | STORE_IF_NOT_ENDED;
    session_store_merged(session, read,
                         ocpi_patch_apply(request->arena, session->stored, request->body, &append));
}

static void session_patch_again(struct push *push)
{
    push_read_stored(push, STORE_SESSION, STR_NONE, false, session_merge);
}

/* Older than what is stored: its periods are kept all the same, since they were charged whenever the hub
 * hears of them; the rest is not applied (hub-ocpi(7), SESSIONS). */
static bool session_patch_failed(struct push *push)
{
    struct session *session = session_of(push);
    const struct json_value *periods = json_get(push->request->body, "charging_periods");
    if (push->batch.result != ERR_STALE || session->late || periods == NULL || periods->child == NULL)
        return false;
    session->late = true;
    push->status = STR("stale");
    push->message =
        STR("last_updated is older than what is stored: its charging_periods are kept, the rest is "
            "not applied");
    session_patch_again(push);
    return true;
}

void sessions_patch(struct request *request)
{
    struct session *session = session_new(request, true);
    if (session == NULL)
        return;
    session->push.again = session_patch_again;
    session->push.failed = session_patch_failed;
    push_in_line(&session->push, STORE_SESSION, STR_NONE, LINE_ALONE, session_patch_again);
}

void sessions_list(struct request *request)
{
    list_serve(request, STORE_SESSION, "/ocpi/2.2.1/sessions");
}

void sessions_get(struct request *request)
{
    list_serve_object(request, STORE_SESSION, request->params[0], request->params[1], request->params[2],
                      STR_NONE, NULL);
}

/* ---------------------------------------------------------------- charging preferences */

static void preferences_found(struct recipient_search *search, struct registry_party *cpo)
{
    struct relay *relay = relay_new(search->request, cpo);
    if (relay == NULL)
        return;
    relay->sender = true;
    relay->object = search->id;
    relay_start(relay);
}

/* ChargingPreferences of an eMSP go to the CPO whose session it is (OCPI 2.2.1, Sessions: PUT Method). */
void sessions_charging_preferences(struct request *request)
{
    request->object = request->params[0];
    struct recipient_search *search = recipient_search_new(request, OCPI_ROLE_CPO, RECIPIENT_BY_SESSION,
                                                           request->params[0], preferences_found);
    if (search != NULL)
        recipient_search_start(search);
}
