/* The response_url of a relayed request: found, checked, and replaced by a callback of the hub's. */
#include "hubd/messages/commands.h"
#include "hubd/calls/partner_url.h"
#include "hubd/messages/relay.h"
#include "lib/ocpi/names.h"
#include "lib/ocpi/patch.h"

#define RESPONSE_URL "response_url"

bool relay_check_response_url(struct request *request, struct str url)
{
    struct url parsed;
    struct error error;
    if (url_parse(request->arena, url, &parsed, &error) != OK) {
        request_answerf(request, REPLY_INVALID, "/" RESPONSE_URL ": %s", error.text);
        return false;
    }
    if (partner_url_is_hubs_own(request->hub, request->arena, url)) {
        request_answer(request, REPLY_INVALID, STR("/" RESPONSE_URL ": the URL is the hub's own"), STR_NONE);
        return false;
    }
    if (request->worker->conf.response_url_any_host ||
        outbound_host_is_proven(request->arena, request->platform, url))
        return true;
    request_answerf(request, REPLY_INVALID,
                    "/" RESPONSE_URL ": host \"" STR_FMT
                    "\" is not one that this platform registered: ask the hub's account team to allow it",
                    STR_ARG(parsed.host));
    return false;
}

/* ---------------------------------------------------------------- where it stands */

/*
 * What some receiver may take for a response_url (ocpi_name_is_like), at any depth of the body: one that the
 * hub does not replace brings that receiver, and its token, to any host.
 */
struct relay_places {
    unsigned count;
    const struct json_value *member; /* of the body; the last one */
    bool nested;                     /* one is not a member of the body itself */
    struct str value;                /* of the query, raw; the last one */
};

static bool relay_query_is_response_url(struct request *request, struct str name)
{
    return ocpi_name_is_like(http_percent_decode(request->arena, name), STR(RESPONSE_URL));
}

/* The reader bounds how deep a body is (JSON_DEPTH_MAX). */
static void relay_find_members(struct relay_places *places, const struct json_value *value, bool nested)
{
    bool lists = value->type == JSON_ARRAY;
    if (!lists && value->type != JSON_OBJECT)
        return;
    for (const struct json_value *member = value->child; member != NULL; member = member->next) {
        if (!lists && ocpi_name_is_like(member->key, STR(RESPONSE_URL))) {
            places->member = member;
            places->nested = places->nested || nested;
            places->count++;
        }
        relay_find_members(places, member, true);
    }
}

static void relay_find_places(struct request *request, struct relay_places *places)
{
    *places = (struct relay_places){.value = STR_NONE};
    if (request->body != NULL)
        relay_find_members(places, request->body, request->body->type == JSON_ARRAY);
    struct str rest = request->exchange->query, name, value;
    while (http_query_next(&rest, &name, &value))
        if (relay_query_is_response_url(request, name)) {
            places->value = value;
            places->count++;
        }
}

static bool relay_refuse_places(struct request *request, const char *why)
{
    request_answerf(request, REPLY_INVALID, "/" RESPONSE_URL ": %s", why);
    return false;
}

bool relay_find_response_url(struct request *request, struct str *url, bool *in_body)
{
    struct relay_places places;
    relay_find_places(request, &places);
    *url = STR_NONE;
    *in_body = places.member != NULL;
    if (places.count > 1)
        return relay_refuse_places(request, "given more than once, two readers may take different ones");
    if (places.nested)
        return relay_refuse_places(request, "must be a member of the body itself, for the hub replaces it");
    if (places.value.data != NULL) {
        *url = http_percent_decode(request->arena, places.value);
        return url->data != NULL || relay_refuse_places(request, "bad percent-encoding in the query");
    }
    if (places.member == NULL || places.member->type == JSON_NULL)
        return true;
    if (places.member->type != JSON_STRING || !str_equal(places.member->key, STR(RESPONSE_URL)))
        return relay_refuse_places(request, "not a string of exactly that name");
    *url = places.member->text;
    return true;
}

/* ---------------------------------------------------------------- what takes its place */

/* The path with its query's response_url replaced, everything else as it came; data == NULL: no memory. */
static struct str relay_path_with(struct request *request, struct str callback)
{
    struct str rest = request->exchange->query, name, value;
    struct str encoded = http_percent_encode(request->arena, callback);
    struct buffer text = {0};
    buffer_append(&text, request_subpath(request));
    for (char before = '?'; http_query_next(&rest, &name, &value); before = '&') {
        bool bare = value.data == name.data + name.length; /* no '=' */
        bool replaced = relay_query_is_response_url(request, name);
        buffer_append_byte(&text, before);
        buffer_append(&text, name);
        buffer_append_text(&text, bare && !replaced ? "" : "=");
        buffer_append(&text, replaced ? encoded : value);
    }
    struct str copy =
        text.failed || encoded.data == NULL ? STR_NONE : arena_copy(request->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static struct str relay_body_with(struct request *request, struct str callback)
{
    struct str quoted = arena_printf(request->arena, "\"" STR_FMT "\"", STR_ARG(callback));
    return quoted.data == NULL ? quoted
                               : ocpi_member_set(request->arena, request->body, STR(RESPONSE_URL), quoted);
}

static void relay_fill_row(struct relay *relay, struct str response_url)
{
    struct request *request = relay->request;
    struct store_command *row = &relay->row;
    row->id = request->command = store_new_id(request->hub->store);
    row->command = relay->command != NULL
                       ? str_from(relay->command)
                       : arena_printf(request->arena, "%s %s", http_method_name(request->exchange->method),
                                      relay->module);
    row->emsp = request_party_key(request->party);
    row->cpo = request_party_key(relay->target);
    row->response_url = response_url;
    row->object = request_fold(request, relay->object);
    row->name = relay->object;
    row->token_uid = relay->token_uid;
    row->reference = relay->reference;
    row->token_type = relay->token_type;
    row->valid_until = relay->valid_until;
    row->state = STORE_COMMAND_SENT;
    row->correlation_id = request->correlation_id;
    row->created = request->now;
    row->expires = hub_steady_ms(request->hub) + relay->timeout_ms + request->worker->conf.command_timeout;
}

bool relay_replace_url(struct relay *relay, struct str url, bool in_body)
{
    struct request *request = relay->request;
    struct str *place = in_body ? &relay->forward.body : &relay->forward.path;
    if (!relay_check_response_url(request, url))
        return false;
    struct str callback = commands_make_callback(request->hub, request->arena, relay->row.callback_hash);
    if (callback.data != NULL)
        *place = in_body ? relay_body_with(request, callback) : relay_path_with(request, callback);
    if (callback.data == NULL || place->data == NULL) {
        request_answer_error(request, ERR_MEMORY);
        return false;
    }
    relay_fill_row(relay, url);
    return true;
}
