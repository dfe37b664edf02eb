#include "hubd/admin/rows.h"

#include <stdarg.h>
#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/partners/health.h"
#include "hubd/traffic.h"

/* ---------------------------------------------------------------- refusing */

static void set_refusal(struct refusal *refusal, const char *param, enum ctl_code code, const char *hint,
                        const char *format, va_list arguments)
{
    struct refusal made = {.code = code, .param = param}; /* aside: an argument may be what is replaced */
    int length = param != NULL ? snprintf(made.message, sizeof made.message, "%s: ", param) : 0;
    vsnprintf(made.message + length, sizeof made.message - (size_t)length, format, arguments);
    snprintf(made.hint, sizeof made.hint, "%s", hint != NULL ? hint : "");
    *refusal = made;
}

bool rows_refuse(struct refusal *refusal, enum ctl_code code, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_refusal(refusal, NULL, code, hint, format, arguments);
    va_end(arguments);
    return false;
}

bool rows_refuse_param(struct refusal *refusal, const char *param, enum ctl_code code, const char *hint,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_refusal(refusal, param, code, hint, format, arguments);
    va_end(arguments);
    return false;
}

const char *rows_refusal_text(const struct refusal *refusal)
{
    return refusal->message + (refusal->param != NULL ? strlen(refusal->param) + strlen(": ") : 0);
}

void rows_fail(struct ctl_request *request, const struct refusal *refusal)
{
    ctl_fail_problems(request, refusal->code, refusal->message, refusal->hint, refusal->problems);
}

const char *rows_error_text(int error_code, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return error_name(error_code);
    return error_code == ERR_FULL && strncmp(text, "database: ", strlen("database: ")) == 0
               ? "the disk of the state directory is full: free space there; nothing was changed"
               : text;
}

void rows_fail_error(struct ctl_request *request, int error_code, const char *text)
{
    enum ctl_code code = ctl_code_from_error(error_code);
    const char *hint = code == CTL_BUSY        ? "hubctl status; then the same command again"
                       : code == CTL_UNCERTAIN ? "hubctl audit tail shows whether it was done"
                                               : NULL;
    ctl_fail(request, code, rows_error_text(error_code, text), hint);
}

/* ---------------------------------------------------------------- parties */

bool rows_find_key(struct str text, struct ocpi_party_key *key, struct refusal *refusal)
{
    unsigned role;
    if (ocpi_party_key_parse(text, key, NULL, NULL, &role))
        return true;
    return rows_refuse(refusal, CTL_INVALID, "write a country code and a party id, e.g. IN-ABC",
                       "party " STR_FMT ": no party id", STR_ARG(text));
}

bool rows_take_key(struct ctl_request *request, const char *parameter, struct str *key)
{
    struct str text = json_get_text(request->params, parameter);
    struct ocpi_party_key found = {""};
    struct refusal refusal = {0};
    if (text.length > 0 && !rows_find_key(text, &found, &refusal)) {
        rows_fail(request, &refusal);
        return false;
    }
    *key = arena_copy(&request->arena, ocpi_party_key_str(&found));
    return true;
}

struct registry_party *rows_find_party(const struct registry_snapshot *snapshot, struct str text,
                                       unsigned role, struct refusal *refusal)
{
    struct ocpi_party_key key;
    unsigned written;
    if (!rows_find_key(text, &key, refusal))
        return NULL;
    ocpi_party_key_parse(text, &key, NULL, NULL, &written);
    size_t count = registry_count_parties(snapshot, &key);
    const struct registry_party *any = registry_find_party(snapshot, &key, 0);
    struct registry_party *party = registry_find_party(snapshot, &key, written != 0 ? written : role);
    if (count == 0) {
        rows_refuse(refusal, CTL_NOT_FOUND, "hubctl party list", "party " STR_FMT ": no such party",
                    STR_ARG(text));
        return NULL;
    }
    if (party == NULL) {
        rows_refuse(refusal, CTL_INVALID, "hubctl party list", "party %s is no %s", any->id,
                    ocpi_role_name(written != 0 ? written : role));
        return NULL;
    }
    if (role != 0 && (party->row.roles & role) == 0) {
        rows_refuse(refusal, CTL_INVALID, "hubctl party list", "party %s:%s is no %s", party->id,
                    ocpi_role_name(written), ocpi_role_name(role));
        return NULL;
    }
    if (count > 1 && written == 0 && role == 0) {
        rows_refuse(refusal, CTL_INVALID, "write its role behind it, e.g. IN-ABC:CPO",
                    "party %s is on %zu platforms", party->id, count);
        return NULL;
    }
    return party;
}

struct str rows_party_id(const struct registry_snapshot *snapshot, const struct registry_party *party,
                         struct arena *arena)
{
    bool alone = registry_count_parties(snapshot, &party->key) < 2;
    return arena_printf(arena, "%s%s%s", party->id, alone ? "" : ":",
                        alone ? "" : ocpi_role_name(ocpi_role_next(party->row.roles, 0)));
}

struct str rows_party_key(const struct registry_snapshot *snapshot, const struct registry_party *party,
                          struct arena *arena)
{
    return arena_copy_upper(arena, rows_party_id(snapshot, party, arena));
}

struct str rows_spell_key(const struct registry_snapshot *snapshot, struct str key, char out[ROWS_KEY_SIZE])
{
    struct ocpi_party_key parsed;
    unsigned role;
    const struct registry_party *party = ocpi_party_key_parse(key, &parsed, NULL, NULL, &role)
                                             ? registry_find_party(snapshot, &parsed, role)
                                             : NULL;
    if (party == NULL)
        return key;
    int length =
        snprintf(out, ROWS_KEY_SIZE, "%s" STR_FMT, party->id, STR_ARG(str_skip(key, strlen(parsed.text))));
    return str_of(out, (size_t)length < ROWS_KEY_SIZE ? (size_t)length : ROWS_KEY_SIZE - 1);
}

struct str rows_spelled(const struct hub *hub, struct arena *arena, struct str key)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    char spelled[ROWS_KEY_SIZE];
    struct str copy = arena_copy(arena, rows_spell_key(snapshot, key, spelled));
    registry_release(hub->control_view, snapshot);
    return copy;
}

void rows_key(struct json_writer *writer, const char *name, const struct hub *hub, struct str key)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    char spelled[ROWS_KEY_SIZE];
    rows_text(writer, name, rows_spell_key(snapshot, key, spelled));
    registry_release(hub->control_view, snapshot);
}

/* People write the CPO first. */
static void offer_swapped(const struct registry_snapshot *snapshot, struct str emsp, struct str cpo,
                          const struct ctl_command *command, struct refusal *refusal)
{
    struct refusal ignored = {0};
    if (command == NULL || command->verb == NULL)
        return;
    const struct registry_party *first = rows_find_party(snapshot, cpo, OCPI_ROLE_EMSP, &ignored);
    const struct registry_party *second = rows_find_party(snapshot, emsp, OCPI_ROLE_CPO, &ignored);
    if (first != NULL && second != NULL)
        snprintf(refusal->hint, sizeof refusal->hint, "the eMSP comes first: hubctl %s %s %s %s",
                 command->noun, command->verb, first->id, second->id);
}

bool rows_find_pair(const struct registry_snapshot *snapshot, const struct json_value *params,
                    const struct ctl_command *command, struct arena *arena, struct rows_pair *pair,
                    struct refusal *refusal)
{
    struct str emsp = json_get_text(params, "emsp"), cpo = json_get_text(params, "cpo");
    pair->emsp = rows_find_party(snapshot, emsp, OCPI_ROLE_EMSP, refusal);
    pair->cpo = pair->emsp == NULL ? NULL : rows_find_party(snapshot, cpo, OCPI_ROLE_CPO, refusal);
    if (pair->cpo == NULL) {
        offer_swapped(snapshot, emsp, cpo, command, refusal);
        return false;
    }
    pair->emsp_id = rows_party_id(snapshot, pair->emsp, arena);
    pair->cpo_id = rows_party_id(snapshot, pair->cpo, arena);
    return true;
}

struct str rows_platform_id(const struct registry_snapshot *snapshot,
                            const struct registry_platform *platform, struct arena *arena)
{
    const struct registry_party *first = NULL;
    for (size_t i = 0; i < platform->party_count; i++) {
        if (first == NULL || platform->parties[i]->row.id < first->row.id)
            first = platform->parties[i];
    }
    if (first == NULL)
        return arena_printf(arena, "platform %lld", (long long)platform->row.id);
    return rows_party_id(snapshot, first, arena);
}

struct str rows_actor(struct arena *arena, const struct ctl_peer *peer)
{
    return arena_printf(arena, "uid:%u %s", (unsigned)peer->uid, peer->name);
}

struct str rows_roles_text(struct arena *arena, unsigned roles)
{
    struct buffer text = {0};
    for (unsigned role = ocpi_role_next(roles, 0); role != 0; role = ocpi_role_next(roles, role))
        buffer_printf(&text, "%s%s", text.length > 0 ? ", " : "", ocpi_role_name(role));
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

/* ---------------------------------------------------------------- writing */

void rows_text(struct json_writer *writer, const char *key, struct str text)
{
    json_key(writer, key);
    if (text.length == 0)
        json_null(writer);
    else
        json_string(writer, text);
}

struct str rows_audit_note(struct arena *arena, const struct json_value *detail)
{
    struct str error = json_get_text(json_get(detail, "forward"), "error");
    struct str told = json_get_text(detail, "message");
    if (told.length == 0)
        told = json_get_text(detail, "reason");
    if (told.length == 0)
        told = json_get_text(detail, "last_error");
    if (told.length == 0 || error.length == 0)
        return told.length > 0 ? told : error;
    return arena_printf(arena, STR_FMT " (" STR_FMT ")", STR_ARG(told), STR_ARG(error));
}

void rows_time(struct json_writer *writer, const char *key, int64_t wall_ms)
{
    json_key(writer, key);
    if (wall_ms == 0)
        json_null(writer);
    else
        json_timestamp(writer, wall_ms);
}

void rows_number(struct json_writer *writer, const char *key, int64_t number, bool known)
{
    json_key(writer, key);
    if (known)
        json_int(writer, number);
    else
        json_null(writer);
}

void rows_decimal(struct json_writer *writer, const char *key, double number)
{
    char text[32];
    snprintf(text, sizeof text, "%.*f", number > 0 && number < 1 ? 2 : 1, number);
    json_key(writer, key);
    json_raw(writer, str_from(text));
}

void rows_latency(struct json_writer *writer, const char *key, int64_t latency_us)
{
    if (latency_us < 0)
        rows_number(writer, key, 0, false);
    else
        rows_decimal(writer, key, (double)latency_us / 1000);
}

void rows_minutes(struct json_writer *writer, const struct traffic_figures *figures)
{
    json_key(writer, "minutes");
    json_array_begin(writer);
    for (size_t i = 0; i < TRAFFIC_MINUTES; i++)
        json_int(writer, figures->minutes[i]);
    json_array_end(writer);
}

void rows_words(struct json_writer *writer, const char *key, struct str words)
{
    struct str word;
    json_key(writer, key);
    json_array_begin(writer);
    while (str_split(&words, ' ', &word)) {
        if (word.length > 0)
            json_string(writer, word);
    }
    json_array_end(writer);
}

void rows_roles(struct json_writer *writer, unsigned roles)
{
    json_key(writer, "roles");
    json_array_begin(writer);
    for (unsigned role = ocpi_role_next(roles, 0); role != 0; role = ocpi_role_next(roles, role))
        json_string(writer, str_from(ocpi_role_name(role)));
    json_array_end(writer);
}

void rows_party(struct json_writer *writer, const struct registry_snapshot *snapshot,
                const struct registry_party *party, struct arena *arena)
{
    const struct registry_platform *platform = party->platform;
    int64_t answered = platform->runtime->last_answer_wall;
    json_field_string(writer, "id", rows_party_id(snapshot, party, arena));
    json_field_string(writer, "country_code", party->row.country_code);
    json_field_string(writer, "party_id", party->row.party_id);
    rows_roles(writer, party->row.roles);
    rows_text(writer, "name", party->row.name);
    json_field_text(writer, "status", registry_party_status(party));
    json_field_string(writer, "platform", rows_platform_id(snapshot, platform, arena));
    int64_t reached = answered > platform->row.last_seen ? answered : platform->row.last_seen;
    rows_time(writer, "last_seen", reached);
    rows_time(writer, "heard", atomic_load(&platform->runtime->last_heard_wall));
    rows_time(writer, "reached", reached);
    rows_text(writer, "last_error", health_last_error(platform));
}

void rows_token(struct json_writer *writer, struct str party, const struct store_token *token)
{
    json_object_begin(writer);
    json_field_string(writer, "party", party);
    json_field_text(writer, "kind", token->kind == STORE_TOKEN_INITIAL ? "initial" : "hub");
    json_field_string(writer, "fingerprint", token->fingerprint);
    rows_time(writer, "created", token->created);
    rows_time(writer, "expires", token->expires);
    rows_time(writer, "used", token->used);
    json_object_end(writer);
}

void rows_receiver(struct json_writer *writer, struct str party, const struct store_receiver *receiver)
{
    json_object_begin(writer);
    json_field_string(writer, "party", party);
    json_field_string(writer, "module", receiver->module);
    json_field_string(writer, "url", receiver->url);
    json_field_text(writer, "source", store_source_name(receiver->source));
    json_object_end(writer);
}

static const char *const delivery_states[] = {
    [STORE_DELIVERY_PENDING] = "pending",
    [STORE_DELIVERY_DELIVERED] = "delivered",
    [STORE_DELIVERY_HELD] = "held",
    [STORE_DELIVERY_DEAD] = "dead",
    [STORE_DELIVERY_SUPERSEDED] = "superseded",
};
#define DELIVERY_STATES ((int)(sizeof(delivery_states) / sizeof(delivery_states[0])))

const char *rows_delivery_state(enum store_delivery_state state)
{
    return delivery_states[state];
}

int rows_find_delivery_state(struct str name)
{
    int state = DELIVERY_STATES - 1;
    while (state >= 0 && !str_equal_fold(name, str_from(delivery_states[state])))
        state--;
    return state;
}

const char *rows_rule_state(enum store_rule_state state)
{
    switch (state) {
    case STORE_RULE_OFF:
        return "off";
    case STORE_RULE_ON:
        return "on";
    case STORE_RULE_DRAIN:
        return "drain";
    }
    return "off";
}

/* Names a party of a rule by the role that it has there. */
static void rule_party(struct json_writer *writer, const char *key, const struct registry_snapshot *snapshot,
                       int64_t id, struct arena *arena)
{
    const struct registry_party *party = registry_find_party_id(snapshot, id);
    rows_text(writer, key, party != NULL ? rows_party_id(snapshot, party, arena) : STR_NONE);
}

void rows_rule(struct json_writer *writer, const struct registry_snapshot *snapshot,
               const struct store_rule *rule, struct arena *arena)
{
    json_object_begin(writer);
    rule_party(writer, "emsp", snapshot, rule->emsp, arena);
    rule_party(writer, "cpo", snapshot, rule->cpo, arena);
    json_field_boolean(writer, "enabled", rule->state == STORE_RULE_ON);
    rows_time(writer, "since", rule->since);
    json_field_text(writer, "state", rows_rule_state(rule->state));
    json_object_end(writer);
}

void rows_rate_limit(struct json_writer *writer, const struct conf *conf, struct str party,
                     enum limit_kind kind, const struct store_limit *row)
{
    char rate[RATE_SIZE];
    json_object_begin(writer);
    json_field_string(writer, "party", party);
    json_field_text(writer, "module", limit_name(kind));
    json_field_text(writer, "rate", rate_format(limit_rate(conf, row, kind), rate));
    json_field_text(writer, "source", row == NULL ? "setting" : row->party == 0 ? "default" : "own");
    json_object_end(writer);
}

bool rows_has_own_limit(const struct registry_party *party, enum limit_kind kind)
{
    return party->limits[kind] != NULL && party->limits[kind]->party == party->row.id;
}

/* ---------------------------------------------------------------- lists */

void rows_list_begin(struct rows_list *list, struct ctl_request *request)
{
    memset(list, 0, sizeof *list);
    list->request = request;
    json_writer_init(&list->writer, &list->buffer);
    json_object_begin(&list->writer);
    json_key(&list->writer, "rows");
    json_array_begin(&list->writer);
}

bool rows_list_begin_read(struct rows_list *list, struct ctl_request *request, const struct store_read *read)
{
    if (read->result != OK) {
        rows_fail_error(request, read->result, read->error.text);
        return false;
    }
    rows_list_begin(list, request);
    return true;
}

void rows_list_end(struct rows_list *list, struct str next)
{
    json_array_end(&list->writer);
    if (next.length > 0)
        json_field_string(&list->writer, "next", next);
    if (list->message.length > 0)
        json_field_string(&list->writer, "message", list->message);
    json_object_end(&list->writer);
    struct buffer reply =
        list->buffer; /* the list may live in the request's arena, which ends with the answer */
    ctl_reply(list->request, &reply);
    buffer_free(&reply);
}

unsigned rows_limit(const struct ctl_request *request)
{
    int64_t limit;
    if (json_get_int64(request->params, "limit", &limit) && limit > 0 && limit < ADMIN_PAGE)
        return (unsigned)limit;
    return ADMIN_PAGE;
}

int64_t rows_after(const struct ctl_request *request)
{
    int64_t after;
    return str_to_int64(json_get_text(request->params, "after"), &after) && after > 0 ? after : 0;
}

struct str rows_url(struct str url)
{
    size_t query = str_find(url, '?');
    return query == SIZE_MAX ? url : str_of(url.data, query);
}

bool rows_scope_begin(struct rows_scope *scope, struct ctl_request *request, const char *key)
{
    struct str id = json_get_text(request->params, key);
    struct refusal refusal = {0};
    scope->view = admin_hub(request)->control_view;
    scope->snapshot = registry_hold(scope->view);
    scope->party = id.length > 0 ? rows_find_party(scope->snapshot, id, 0, &refusal) : NULL;
    if (refusal.code == CTL_OK)
        return true;
    rows_scope_end(scope);
    rows_fail(request, &refusal);
    return false;
}

void rows_scope_end(struct rows_scope *scope)
{
    registry_release(scope->view, scope->snapshot);
}

bool rows_object_begin(struct rows_object *object, const struct store_read *read, struct str missing,
                       struct str hint)
{
    struct ctl_request *request = read->context;
    *object = (struct rows_object){.request = request};
    if (read->result == ERR_NOT_FOUND) {
        ctl_fail(request, CTL_NOT_FOUND, missing.data, hint.data);
        return false;
    }
    if (read->result != OK) {
        rows_fail_error(request, read->result, read->error.text);
        return false;
    }
    json_writer_init(&object->writer, &object->buffer);
    json_object_begin(&object->writer);
    return true;
}

void rows_object_end(struct rows_object *object)
{
    json_object_end(&object->writer);
    ctl_reply(object->request, &object->buffer);
    buffer_free(&object->buffer);
}

void rows_list_end_page(struct rows_list *list, size_t count, unsigned limit, int64_t last)
{
    bool full = count > 0 && count == limit;
    rows_list_end(list, full ? arena_printf(&list->request->arena, "%lld", (long long)last) : STR_NONE);
}
