/* The audit row of a request: who, to whom, about what, how it ended and why (hub-audit(5), ROW FIELDS). */
#include "hubd/request/internal.h"
#include "lib/base/env.h"
#include "lib/base/utf8.h"
#include "lib/json/writer.h"
#include "lib/ocpi/validate.h"

#define TEXT_MAX   400 /* bytes of a sentence in the row */
#define OBJECT_MAX 128 /* bytes of an id that nobody has checked */
#define RESULT_MAX 32  /* OCPI's longest result has 18 */

/* At most `max` bytes of the text, whole characters. */
static struct str audit_cut(struct str text, size_t max)
{
    size_t length = 0, next;
    if (text.length <= max)
        return text;
    while (length < max) {
        next = utf8_character(str_skip(text, length));
        next = next == 0 ? 1 : next;
        if (length + next > max)
            break;
        length += next;
    }
    return str_of(text.data, length);
}

struct str request_audit_text(struct str text)
{
    return audit_cut(text, TEXT_MAX);
}

/* ---------------------------------------------------------------- how it ended */

bool request_is_result(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((text.data[i] < 'A' || text.data[i] > 'Z') && text.data[i] != '_')
            return false;
    return text.length > 0 && text.length <= RESULT_MAX;
}

/* The data of the answer as a value: the partner's, as it was read, or the hub's, parsed again. */
static const struct json_value *audit_parse(const struct request *request, struct str data)
{
    const struct json_value *value = request->forwarded != NULL ? request->forwarded->answer.data : NULL;
    if (value != NULL && value->raw.data == data.data)
        return value;
    return json_parse(request->arena, data, JSON_DEPTH_MAX, &value, NULL) == OK ? value : NULL;
}

/* The message for the driver: `info` of AuthorizationInfo, the first `message` of a CommandResponse. */
static struct str audit_reason(const struct json_value *data)
{
    const struct json_value *message = json_get(data, "message");
    struct str info = json_get_text(json_get(data, "info"), "text");
    if (info.length > 0 || message == NULL)
        return info;
    return json_get_text(message->type == JSON_ARRAY ? message->child : message, "text");
}

void request_audit_end(struct request *request, int ocpi_status, struct str message, struct str data)
{
    bool success = ocpi_status / 1000 == 1;
    bool passed_on = request->forwarded != NULL && request->forwarded->result == OK;
    request->reason = success && passed_on ? STR_NONE : message; /* a partner's "Success" says nothing */
    if (!success || request->route->result == NULL || data.length == 0)
        return;
    const struct json_value *value = audit_parse(request, data);
    struct str result = json_get_text(value, request->route->result);
    if (!request_is_result(result))
        return;
    request->result = result;
    struct str reason = audit_reason(value);
    if (reason.length > 0)
        request->reason = reason;
}

/* ---------------------------------------------------------------- what it is about */

/* An id as the body has it, in the order in which commands' lists name them. */
static struct str audit_body_id(const struct json_value *body)
{
    static const char *const members[] = {"id", "uid", "session_id", "reservation_id", "location_id"};
    struct str id = STR_NONE;
    for (size_t i = 0; i < sizeof members / sizeof members[0] && id.length == 0; i++)
        id = json_get_text(body, members[i]);
    return id;
}

/* Whether the path's parameters name an object. In the other routes they are a module's name, a command's, or
 * a callback's secret. */
static bool audit_path_names_object(const struct request *request)
{
    return request->route != &routes_relay && request->route->access != ROUTE_OPEN &&
           request->route->module != OCPI_MODULE_COMMANDS;
}

/* The object of a request that was refused before its module looked at it. */
static struct str audit_find_object(const struct request *request)
{
    struct str id = STR_NONE;
    if (audit_path_names_object(request) && request->param_count > 0) {
        bool owned = (request->route->flags & ROUTE_OWNER) != 0 && request->param_count > 2;
        unsigned at = owned ? 2 : request->param_count - 1;
        id = request->params[at].data != NULL ? request->params[at] : request->raw_params[at];
    }
    return audit_cut(id.length > 0 ? id : audit_body_id(request->body), OBJECT_MAX);
}

struct str request_object(struct request *request)
{
    if (request->object.length == 0)
        request->object = audit_find_object(request);
    return request->object;
}

void request_audit_keep(struct request *request)
{
    if (request->body == NULL)
        return; /* nothing came, or it was kept before */
    request_object(request);
    request->location = json_get_text(request->body, "location_id");
}

/* The party that the request was for, as far as that is known. */
static struct str audit_receiver(const struct request *request)
{
    struct ocpi_party_key key;
    if (request->target != NULL)
        return request_party_key(request->target);
    if (request->receiver.data != NULL)
        return request->receiver;
    if (request->has_to && !ocpi_party_key_equal(&request->to, &request->hub->key))
        return ocpi_party_key_str(&request->to);
    const struct json_value *cdr_token = json_get(request->body, "cdr_token");
    if (ocpi_party_key_make(json_get_text(cdr_token, "country_code"), json_get_text(cdr_token, "party_id"),
                            &key))
        return arena_copy(request->arena, ocpi_party_key_str(&key));
    return ocpi_party_key_str(&request->hub->key);
}

/* ---------------------------------------------------------------- detail */

/* Writes how the request was passed on: the other leg of the exchange. */
static void audit_write_forward(const struct request *request, struct json_writer *writer)
{
    const struct outbound *forwarded = request->forwarded;
    int64_t began = forwarded->deadline_ms - forwarded->timeout_ms;
    json_key(writer, "forward");
    json_object_begin(writer);
    json_field_text(writer, "request_id", forwarded->request_id);
    if (forwarded->result == OK)
        json_field_int(writer, "http", forwarded->status);
    else
        json_field_string(writer, "error", forwarded->error);
    if (forwarded->result == OK && forwarded->answer.is_envelope)
        json_field_int(writer, "status_code", forwarded->answer.status_code);
    json_field_int(writer, "after_ms", began - request->exchange->received_us / 1000);
    json_field_int(writer, "latency_ms", forwarded->latency_ms);
    json_object_end(writer);
}

/* Writes how many findings the accepted body had. */
static void audit_write_findings(const struct request *request, struct json_writer *writer)
{
    unsigned findings = 0, unknown = 0;
    for (const struct ocpi_count *row = request->counts; row != NULL; row = row->next)
        *(row->rule == OCPI_RULE_UNKNOWN ? &unknown : &findings) += row->count;
    json_field_int(writer, "findings", findings);
    json_field_int(writer, "unknown_fields", unknown);
}

/* Whether the value at this JSON pointer is secret: a partner's token, or a URL, whose query may hold one. */
static bool audit_is_secret(struct str pointer)
{
    return str_equal(pointer, STR("/token")) || str_ends_with(pointer, STR("url"));
}

static void audit_write_refusals(const struct request *request, struct json_writer *writer)
{
    const struct ocpi_findings *findings = request->refused;
    json_key(writer, "refused");
    json_array_begin(writer);
    for (unsigned i = 0; i < findings->kept; i++) {
        const struct ocpi_finding *finding = &findings->list[i];
        json_object_begin(writer);
        json_field_string(writer, "pointer", audit_cut(finding->pointer, TEXT_MAX));
        json_field_text(writer, "rule", ocpi_rule_name(finding->rule));
        if (!audit_is_secret(finding->pointer))
            json_field_string(writer, "message", audit_cut(finding->message, TEXT_MAX));
        json_object_end(writer);
    }
    json_array_end(writer);
}

/* The message that the caller got, without secrets. */
static struct str audit_message(const struct request *request)
{
    struct buffer text = {0};
    if (request->refused == NULL)
        return audit_cut(request->reason, TEXT_MAX);
    for (unsigned i = 0; i < request->refused->kept && text.length < TEXT_MAX; i++) {
        const struct ocpi_finding *finding = &request->refused->list[i];
        buffer_append_text(&text, i > 0 ? "; " : "");
        if (audit_is_secret(finding->pointer))
            buffer_printf(&text, STR_FMT ": %s", STR_ARG(finding->pointer), ocpi_rule_name(finding->rule));
        else
            buffer_append(&text, finding->message);
    }
    struct str copy =
        text.failed ? STR_NONE : arena_copy(request->arena, audit_cut(buffer_str(&text), TEXT_MAX));
    buffer_free(&text);
    return copy;
}

/* Why the request ended so; empty when it was done as asked. */
static void audit_write_end(const struct request *request, struct json_writer *writer)
{
    struct str message = audit_message(request), location = request->location;
    if (request->result.length > 0 && location.length > 0)
        json_field_string(writer, "location", audit_cut(location, OBJECT_MAX));
    if (message.length > 0)
        json_field_string(writer, request->result.length > 0 ? "reason" : "message", message);
    if (request->refused != NULL)
        audit_write_refusals(request, writer);
}

/* The row's detail; empty when there is nothing for it. */
static struct str audit_detail(const struct request *request, bool taken)
{
    bool own = request->audit_correlation_id.length == 0 ||
               str_equal(request->audit_correlation_id, request->correlation_id);
    struct buffer text = {0};
    struct json_writer writer;
    bool findings = taken && request->counts != NULL;
    bool end = request->reason.length > 0 || request->result.length > 0 || request->refused != NULL;
    if (own && !findings && !end && request->command == 0 && request->forwarded == NULL)
        return STR_NONE;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    if (end)
        audit_write_end(request, &writer);
    if (findings)
        audit_write_findings(request, &writer);
    if (request->command != 0)
        json_field_int(&writer, "command", request->command);
    if (!own)
        json_field_string(&writer, "correlation_id", request->correlation_id);
    if (request->forwarded != NULL)
        audit_write_forward(request, &writer);
    json_object_end(&writer);
    struct str copy = text.failed ? STR_NONE : arena_copy(request->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

void request_audit_fill(struct request *request, struct store_audit *row, struct str status)
{
    memset(row, 0, sizeof *row);
    const struct registry_party *caller = request_caller(request);
    struct str party = request_party_key(caller);
    request_audit_keep(request);
    row->kind = request->route->audit == ROUTE_AUDIT_REALTIME ? STORE_AUDIT_REALTIME : STORE_AUDIT_PUSH;
    row->time = env_wall_ms();
    row->actor = arena_printf(request->arena, "party %s", caller != NULL ? caller->id : "");
    row->action = str_from(request->route->action);
    row->party = party;
    row->module = request->route == &routes_relay ? request->params[0]
                                                  : str_from(ocpi_module_name(request->route->module));
    row->method = str_from(http_method_name(request->exchange->method));
    row->sender = party;
    row->receiver = audit_receiver(request);
    row->object = request_object(request);
    row->status = status;
    row->latency_ms = (env_monotonic_us() - request->exchange->received_us) / 1000;
    row->request_id = request->request_id;
    row->correlation_id =
        request->audit_correlation_id.length > 0 ? request->audit_correlation_id : request->correlation_id;
    row->detail = audit_detail(request, request->counted || str_equal(status, STR("1000")) ||
                                            request_is_result(status));
}

void request_audit_batch(struct request *request, struct store_apply *batch, struct str status)
{
    struct store_op *op = store_batch_add(batch, STORE_APPEND_AUDIT);
    if (op == NULL)
        return;
    request_audit_fill(request, &op->u.audit, status);
    op->u.audit.names_deliveries = true;
    request->audited = true;
}
