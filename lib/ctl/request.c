#include "lib/ctl/server_internal.h"

#include <stdlib.h>

#include "lib/base/magic.h"
#include "lib/base/suggest.h"
#include "lib/ctl/params.h"

#define CTL_REQUEST_MAGIC 0x63746c72u
#define DEPTH_MAX         32

struct ctl_request *ctl_request_of(void *context)
{
    return MAGIC_CAST(struct ctl_request, context, CTL_REQUEST_MAGIC);
}

/* ---------------------------------------------------------------- the end of a request */

static bool is_gone(const struct ctl_request *request)
{
    return request->closed || request->connection->closing;
}

static void free_request(struct ctl_request *request)
{
    request->magic = 0;
    if (request->command != NULL && (request->command->flags & CTL_TOKENS) != 0)
        arena_wipe(&request->arena);
    else
        arena_free(&request->arena);
    free(request);
}

static void end_request(struct ctl_request *request)
{
    struct ctl_connection *connection = request->connection;
    ring_remove(&request->queue);
    connection->in_flight--;
    if (request->large)
        connection->large_in_flight = false;
    free_request(request);
    if (connection->closing)
        ctl_connection_maybe_free(connection);
    else
        ctl_connection_process(connection);
}

void ctl_reply(struct ctl_request *request, const struct buffer *result)
{
    struct ctl_request *checked = ctl_request_of(request);
    if (result->failed) {
        ctl_fail(checked, CTL_INTERNAL, "no memory for the answer", NULL);
        return;
    }
    if (result->length > CTL_ANSWER_MAX - 256) {
        ctl_fail(checked, CTL_INTERNAL, "the answer is longer than a message may be",
                 "ask for less of it: --limit, --party or --since, as the command has them");
        return;
    }
    if (!is_gone(checked)) {
        struct buffer line = {0};
        buffer_reserve(&line, result->length + 128); /* at once, so that a secret leaves no copies behind */
        ctl_write_result(&line, checked->id, buffer_str(result));
        ctl_connection_send(checked->connection, &line, (checked->command->flags & CTL_SECRET) != 0);
    }
    end_request(checked);
}

void ctl_fail(struct ctl_request *request, enum ctl_code code, const char *message, const char *hint)
{
    ctl_fail_problems(request, code, message, hint, STR_NONE);
}

void ctl_fail_problems(struct ctl_request *request, enum ctl_code code, const char *message, const char *hint,
                       struct str problems)
{
    struct ctl_request *checked = ctl_request_of(request);
    if (!is_gone(checked)) {
        struct buffer line = {0};
        ctl_write_problems(&line, checked->id, code, message, hint, problems);
        ctl_connection_send(checked->connection, &line, false);
    }
    end_request(checked);
}

bool ctl_notify(struct ctl_request *request, const struct buffer *params)
{
    struct ctl_request *checked = ctl_request_of(request);
    if (is_gone(checked))
        return true;
    struct buffer line = {.failed = params->failed};
    ctl_write_notification(&line, checked->command->method, buffer_str(params));
    ctl_connection_send(checked->connection, &line, false);
    if (is_gone(checked) || ctl_connection_queued(checked->connection) < CTL_OUTPUT_HIGH)
        return true;
    checked->waits_for_drain = true;
    return false;
}

bool ctl_progress(struct ctl_request *request, struct str message, int64_t done, int64_t total)
{
    struct buffer report = {0};
    struct json_writer writer;
    json_writer_init(&writer, &report);
    json_object_begin(&writer);
    json_field_string(&writer, "message", message);
    if (total > 0) {
        json_field_int(&writer, "done", done);
        json_field_int(&writer, "total", total);
    }
    json_object_end(&writer);
    bool more = ctl_notify(request, &report);
    buffer_free(&report);
    return more;
}

/* ---------------------------------------------------------------- one request */

static void answer_discover(struct ctl_connection *connection, struct str id)
{
    struct buffer result = {0}, line = {0};
    struct json_writer writer;
    json_writer_init(&writer, &result);
    ctl_discover(&writer);
    line.failed = result.failed;
    ctl_write_result(&line, id, buffer_str(&result));
    buffer_free(&result);
    ctl_connection_send(connection, &line, false);
}

static void request_refuse_access(struct ctl_connection *connection, struct str id, struct str method)
{
    const struct ctl_server_options *options = &connection->server->options;
    if (options->refused != NULL)
        options->refused(&connection->peer, method, options->context);
    ctl_connection_send_error(connection, id, CTL_NOT_PERMITTED, "you may read, but not change anything here",
                              "ask for membership of hubd's admin_group");
}

static void refuse_unknown(struct ctl_connection *connection, struct str id, struct str method)
{
    struct error error = {0};
    struct suggest suggest;
    suggest_begin(&suggest, method);
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const char *known = ctl_command_at(i)->method;
        suggest_offer(&suggest,
                      ctl_server_handler(connection->server, str_from(known)) != NULL ? known : NULL);
    }
    const char *best = suggest_best(&suggest);
    error_set(&error, ERR_NOT_FOUND, "hubd " HUB_VERSION " does not know the method \"" STR_FMT "\"%s%s%s",
              (int)(method.length < 64 ? method.length : 64), method.data,
              best != NULL ? "; did you mean " : "", best != NULL ? best : "", best != NULL ? "?" : "");
    ctl_connection_send_error(connection, id, CTL_NO_METHOD, error.text, "hubctl rpc rpc.discover");
}

static void start_request(struct ctl_connection *connection, struct ctl_request *request,
                          const struct ctl_handler *handler)
{
    request->magic = CTL_REQUEST_MAGIC;
    request->peer = connection->peer;
    request->context = connection->server->options.context;
    request->connection = connection;
    ring_push(&connection->requests, &request->queue);
    connection->in_flight++;
    connection->large_in_flight = request->large;
    handler->run(request);
}

/* Whether the message became a request; `request` has its arena. Everything else is answered here. */
static const struct ctl_handler *examine(struct ctl_connection *connection, struct ctl_request *request,
                                         struct str line)
{
    const struct json_value *message;
    struct error error = {0};
    if (json_parse_values(&request->arena, line, DEPTH_MAX, CTL_VALUES_MAX, &message, &error) != OK) {
        ctl_connection_send_error(connection, STR("null"), CTL_PARSE_ERROR, error.text, NULL);
        return NULL;
    }
    const struct json_value *id = json_get(message, "id"), *method = json_get(message, "method");
    bool good_id =
        id != NULL && (id->type == JSON_NUMBER || id->type == JSON_STRING) && id->raw.length <= 128;
    request->id = good_id ? id->raw : STR("null");
    if (!good_id || method == NULL || method->type != JSON_STRING ||
        !str_equal(json_get_text(message, "jsonrpc"), STR("2.0"))) {
        ctl_connection_send_error(connection, request->id, CTL_BAD_REQUEST,
                                  "no JSON-RPC 2.0 request with id and method", NULL);
        return NULL;
    }
    if (str_equal(method->text, STR(CTL_DISCOVER))) {
        answer_discover(connection, request->id);
        return NULL;
    }
    request->command = ctl_command_by_method(method->text);
    const struct ctl_handler *handler = ctl_server_handler(connection->server, method->text);
    if (request->command == NULL || handler == NULL) {
        refuse_unknown(connection, request->id, method->text);
        return NULL;
    }
    request->params = json_get(message, "params");
    if (!ctl_level_allows(connection->level, request->command, request->params)) {
        request_refuse_access(connection, request->id, method->text);
        return NULL;
    }
    if (ctl_params_check(request->command, request->params, &error) != OK) {
        ctl_connection_send_error(connection, request->id, CTL_BAD_PARAMS, error.text, NULL);
        return NULL;
    }
    static const struct json_value no_params = {.type = JSON_OBJECT};
    if (request->params == NULL)
        request->params = &no_params;
    return handler;
}

void ctl_request_begin(struct ctl_connection *connection, struct str line)
{
    struct ctl_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        ctl_connection_close(connection);
        return;
    }
    arena_init(&request->arena, 0);
    request->large = line.length > CTL_LINE_USUAL;
    const struct ctl_handler *handler = examine(connection, request, line);
    if (handler != NULL) {
        start_request(connection, request, handler);
        return;
    }
    free_request(request);
}
