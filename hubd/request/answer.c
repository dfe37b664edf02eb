#include <stdarg.h>

#include "hubd/request/quality.h"
#include "hubd/request/internal.h"
#include "hubd/traffic.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/json/writer.h"
#include "lib/ocpi/headers.h"
#include "lib/ocpi/validate.h"

const struct request_reply_row request_replies[] = {
    [REPLY_OK] = {200, OCPI_SUCCESS,
                  "done; also a last_updated older than what is stored, which is not applied"},
    [REPLY_CREATED] = {201, OCPI_SUCCESS, "done, and a PUT or POST has made the object"},
    [REPLY_UNAUTHORIZED] =
        {401, OCPI_NOT_ENOUGH_INFORMATION,
         "no token, one that is unknown, expired or revoked, an initial token outside versions "
         "and credentials, or a suspended party"},
    [REPLY_NOT_JSON] = {400, OCPI_INVALID_PARAMETERS, "the body is not JSON"},
    [REPLY_TOO_LARGE] = {413, OCPI_INVALID_PARAMETERS,
                         "the body, or the object that it would make, is too large"},
    [REPLY_INVALID] =
        {200, OCPI_INVALID_PARAMETERS,
         "JSON that breaks the object's definition, a URL and a body that disagree, a PATCH without "
         "last_updated, a bad value in the query"},
    [REPLY_FORBIDDEN] = {403, OCPI_INVALID_PARAMETERS,
                         "the caller's role may not use this endpoint, or the path names another party "
                         "(`party mismatch`)"},
    [REPLY_UNKNOWN] = {404, OCPI_UNKNOWN_LOCATION, "the path or the object is unknown"},
    [REPLY_METHOD] = {405, OCPI_CLIENT_ERROR,
                      "the method is not offered there; `Allow` names those that are"},
    [REPLY_RATE] = {429, OCPI_UNKNOWN_TOKEN, /* the reference hub's 2004 */
                    "the caller's rate limit; `Retry-After` in seconds"},
    [REPLY_NOT_ROUTED] = {200, OCPI_CLIENT_ERROR,
                          "no active rule between the two parties: the message begins with `NOT_ROUTED`"},
    [REPLY_UNKNOWN_RECEIVER] = {200, OCPI_UNKNOWN_RECEIVER, "the receiving party is not known"},
    [REPLY_FORWARD_TIMEOUT] = {200, OCPI_FORWARD_TIMEOUT, "the receiving party's answer came too late"},
    [REPLY_NOT_CONNECTED] = {200, OCPI_RECEIVER_NOT_CONNECTED,
                             "the receiving party is suspended, OFFLINE or cannot be reached"},
    [REPLY_FAILED] = {500, OCPI_SERVER_ERROR, "the hub failed"},
    [REPLY_BUSY] = {503, OCPI_SERVER_ERROR, "the hub is full, or shutting down; `Retry-After` in seconds"},
    [REPLY_LOOP] = {508, OCPI_HUB_ERROR, "the request carries the hub's own `Via`: it has come back"},
};
const size_t request_reply_count = sizeof request_replies / sizeof request_replies[0];

/* ---------------------------------------------------------------- audit */

/* Writes the audit row of a request that stored nothing: refused pushes and requests in real time. */
static void answer_audit(struct request *request, int ocpi_status, struct str message, struct str data)
{
    if (request->audited || request->route == NULL || request->route->audit == ROUTE_AUDIT_NONE)
        return;
    if (request->platform == NULL && request->party == NULL)
        return; /* nobody we know: the audit is not for anybody to fill */
    char status[16];
    snprintf(status, sizeof status, "%d", ocpi_status);
    struct store_audit row;
    request_audit_end(request, ocpi_status, message, data);
    request_audit_fill(request, &row, request->result.length > 0 ? request->result : str_from(status));
    if (store_audit_later(request->hub->store, &row) != OK)
        log_error_bounded("audit: a %s row was lost: the store takes no more", request->route->action);
}

/* ---------------------------------------------------------------- headers */

/* The party in the answer's OCPI-to: the caller, else whom OCPI-from names, else the platform's first. */
static bool answer_find_caller(const struct request *request, struct str *country, struct str *party)
{
    struct ocpi_party_key from;
    const struct registry_party *caller = request->party;
    if (caller == NULL &&
        request_header_key(request, OCPI_HEADER_FROM_COUNTRY_CODE, OCPI_HEADER_FROM_PARTY_ID, &from) > 0) {
        *country = request_header(request, OCPI_HEADER_FROM_COUNTRY_CODE);
        *party = request_header(request, OCPI_HEADER_FROM_PARTY_ID);
        return true;
    }
    if (caller == NULL)
        caller = request_caller(request);
    if (caller == NULL)
        return false;
    *country = caller->row.country_code;
    *party = caller->row.party_id;
    return true;
}

/* The party in the answer's OCPI-from: the one that was asked, by a forward or by name, whatever came of it;
 * else the hub. */
static void answer_find_asked(const struct request *request, struct ocpi_party_key *asked,
                              struct str *country, struct str *party)
{
    *country = str_from(request->hub->conf.country_code);
    *party = str_from(request->hub->conf.party_id);
    if (request->target != NULL) {
        *country = request->target->row.country_code;
        *party = request->target->row.party_id;
    } else if (!request->nobody_asked &&
               request_header_key(request, OCPI_HEADER_TO_COUNTRY_CODE, OCPI_HEADER_TO_PARTY_ID, asked) > 0) {
        *country = str_of(asked->text, 2);
        *party = str_from(asked->text + 3);
    }
}

/* Sets the ids of the request, and OCPI-to and OCPI-from swapped on functional modules only (OCPI 2.2.1,
 * Transport: Message Routing). */
static void answer_headers(struct request *request, int http_status)
{
    struct http_exchange *exchange = request->exchange;
    http_exchange_header(exchange, "Content-Type", STR("application/json"));
    http_exchange_header(exchange, OCPI_HEADER_REQUEST_ID, request->request_id);
    http_exchange_header(exchange, OCPI_HEADER_CORRELATION_ID, request->correlation_id);
    if (http_status == 401)
        http_exchange_header(exchange, "WWW-Authenticate", STR("Token"));
    if (http_status == 503)
        http_exchange_header(exchange, "Retry-After", STR("1"));
    struct str to_country, to_party;
    if (!request->functional || !answer_find_caller(request, &to_country, &to_party))
        return;
    struct ocpi_party_key asked;
    struct str from_country, from_party;
    answer_find_asked(request, &asked, &from_country, &from_party);
    http_exchange_header(exchange, OCPI_HEADER_TO_COUNTRY_CODE, to_country);
    http_exchange_header(exchange, OCPI_HEADER_TO_PARTY_ID, to_party);
    http_exchange_header(exchange, OCPI_HEADER_FROM_COUNTRY_CODE, from_country);
    http_exchange_header(exchange, OCPI_HEADER_FROM_PARTY_ID, from_party);
}

void request_leave_lines(struct request *request)
{
    for (unsigned i = sizeof request->places / sizeof request->places[0]; i-- > 0;)
        line_leave(request->hub->lines, &request->places[i]);
}

/* The one place where every request ends. */
static void answer_release(struct request *request, bool failed)
{
    enum ocpi_module module = request->route == NULL ? OCPI_MODULE_OTHER : request->route->module;
    traffic_count_request(request->worker->traffic, module, failed,
                          request->by_server ? -1 : env_monotonic_us() - request->exchange->received_us);
    request_free_tree(request);
    struct registry_snapshot *snapshot = request->snapshot;
    request_leave_lines(request);
    request->magic = 0;
    request->worker->active--;
    registry_release(request->worker->view, snapshot);
}

/* ---------------------------------------------------------------- ends */

void request_answer_code(struct request *request, int http_status, int ocpi_status, struct str message,
                         struct str data)
{
    struct buffer body;
    buffer_init(&body, 0);
    buffer_reserve(&body, data.length + message.length + 160);
    ocpi_envelope_write(&body, ocpi_status, message, data,
                        request->answer_time != 0 ? request->answer_time : env_wall_ms());
    quality_count_refused(request, http_status, ocpi_status, message);
    answer_audit(request, ocpi_status, message, data);
    answer_headers(request, http_status);
    struct http_exchange *exchange = request->exchange;
    answer_release(request, http_status >= 400 || ocpi_status >= 2000);
    http_exchange_send(exchange, body.failed ? 500 : http_status, &body);
    buffer_free(&body);
}

void request_answer(struct request *request, enum reply reply, struct str message, struct str data)
{
    request->nobody_asked = reply == REPLY_NOT_ROUTED || reply == REPLY_UNKNOWN_RECEIVER;
    request_answer_code(request, request_replies[reply].http, request_replies[reply].ocpi, message, data);
}

void request_answerf(struct request *request, enum reply reply, const char *format, ...)
{
    char room[1024];
    va_list arguments;
    va_start(arguments, format);
    struct str text = str_print(room, sizeof room, format, arguments);
    va_end(arguments);
    request_answer(request, reply, text, STR_NONE);
}

void request_answer_data(struct request *request, struct buffer *data)
{
    struct str copy = data->failed ? STR_NONE : arena_copy(request->arena, buffer_str(data));
    if (data->data != NULL)
        crypto_wipe(data->data, data->length); /* a Credentials object holds a token */
    buffer_free(data);
    if (copy.data == NULL)
        request_answer_error(request, ERR_MEMORY);
    else
        request_answer(request, REPLY_OK, STR_NONE, copy);
}

void request_answer_error(struct request *request, int error)
{
    switch ((enum error_code)error) {
    case ERR_NOT_FOUND:
        request_answer(request, REPLY_UNKNOWN, STR("no such object"), STR_NONE);
        return;
    case ERR_BUSY:
    case ERR_CONFLICT:
    case ERR_CLOSED:
    case ERR_SHORT:
        request_answer(request, REPLY_BUSY, STR("the hub is busy; try again"), STR_NONE);
        return;
    case ERR_MEMORY:
        request_answer(request, REPLY_BUSY, STR("the hub has no memory left for requests; try again"),
                       STR_NONE);
        return;
    case ERR_FULL:
        request_answer(request, REPLY_BUSY, STR("the hub's disk takes no more; try again later"), STR_NONE);
        return;
    case ERR_TIMEOUT:
    case ERR_UNCERTAIN:
    case ERR_IO:
    case ERR_INVALID:
    case ERR_EXISTS:
    case ERR_STALE:
    case ERR_TOO_LARGE:
    case ERR_REFUSED:
    case ERR_UNREACHABLE:
    case OK:
        break;
    }
    log_error_bounded("%s: the hub failed: %s", request->route != NULL ? request->route->action : "request",
                      error_name(error));
    request_answer(request, REPLY_FAILED, STR("the hub failed"), STR_NONE);
}

void request_stream_begin(struct request *request,
                          void (*resume)(struct http_exchange *exchange, void *context), void *context)
{
    answer_headers(request, 200);
    http_exchange_stream_begin(request->exchange, 200, SIZE_MAX, resume, context);
}

void request_stream_end(struct request *request, bool complete)
{
    struct http_exchange *exchange = request->exchange;
    answer_release(request, !complete);
    if (complete)
        http_exchange_stream_end(exchange);
    else
        http_exchange_stream_abort(exchange);
}
