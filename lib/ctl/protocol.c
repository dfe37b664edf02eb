#include "lib/ctl/protocol.h"

#include <string.h>

/* clang-format off */
const struct ctl_code_row ctl_codes[] = {
    {CTL_OK, "ok", CTL_EXIT_DONE, "done"},
    {CTL_INVALID, "invalid", CTL_EXIT_REFUSED, "a value breaks a rule"},
    {CTL_NOT_FOUND, "not_found", CTL_EXIT_REFUSED, "there is no such object"},
    {CTL_CONFLICT, "conflict", CTL_EXIT_REFUSED, "it contradicts what is there"},
    {CTL_NOT_PERMITTED, "not_permitted", CTL_EXIT_NOT_PERMITTED, "this user may not"},
    {CTL_BUSY, "busy", CTL_EXIT_REFUSED, "hubd is overloaded or degraded; nothing was changed"},
    {CTL_UNCERTAIN, "uncertain", CTL_EXIT_UNCERTAIN, "it is not known whether it was done"},
    {CTL_PARTNER, "partner", CTL_EXIT_REFUSED, "a partner's system did not do its part; nothing was changed"},
    {CTL_PARSE_ERROR, "parse_error", CTL_EXIT_REFUSED, "the line is no JSON"},
    {CTL_BAD_REQUEST, "bad_request", CTL_EXIT_REFUSED, "it is no JSON-RPC 2.0 request with id and method"},
    {CTL_NO_METHOD, "no_method", CTL_EXIT_REFUSED, "this hubd does not know the method"},
    {CTL_BAD_PARAMS, "bad_params", CTL_EXIT_USAGE, "a parameter is missing, unknown or of another type"},
    {CTL_INTERNAL, "internal", CTL_EXIT_REFUSED, "the hub failed"},
};
/* clang-format on */
const size_t ctl_code_count = sizeof ctl_codes / sizeof ctl_codes[0];

const char *ctl_code_name(int64_t code)
{
    for (size_t i = 0; i < ctl_code_count; i++) {
        if (ctl_codes[i].code == code)
            return ctl_codes[i].name;
    }
    return "internal";
}

enum ctl_exit ctl_code_exit(int64_t code)
{
    for (size_t i = 0; i < ctl_code_count; i++) {
        if (ctl_codes[i].code == code)
            return ctl_codes[i].exit;
    }
    return CTL_EXIT_REFUSED;
}

enum ctl_code ctl_code_from_error(int error_code)
{
    static const struct {
        int error;
        enum ctl_code code;
    } rows[] = {
        {OK, CTL_OK},
        {ERR_INVALID, CTL_INVALID},
        {ERR_TOO_LARGE, CTL_INVALID},
        {ERR_NOT_FOUND, CTL_NOT_FOUND},
        {ERR_EXISTS, CTL_CONFLICT},
        {ERR_CONFLICT, CTL_CONFLICT},
        {ERR_STALE, CTL_CONFLICT},
        {ERR_REFUSED, CTL_CONFLICT},
        {ERR_BUSY, CTL_BUSY},
        {ERR_IO, CTL_BUSY},
        {ERR_FULL, CTL_BUSY},
        {ERR_SHORT, CTL_BUSY},
        {ERR_UNREACHABLE, CTL_BUSY},
        {ERR_TIMEOUT, CTL_UNCERTAIN},
        {ERR_UNCERTAIN, CTL_UNCERTAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].error == error_code)
            return rows[i].code;
    }
    return CTL_INTERNAL;
}

/* ---------------------------------------------------------------- messages */

/* JSON has line breaks only between tokens (inside strings they are escaped), so a space means the same. */
static void append_on_one_line(struct buffer *out, struct str raw)
{
    size_t from = out->length;
    buffer_append(out, raw);
    if (out->failed)
        return;
    for (size_t i = from; i < out->length; i++) {
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
    }
}

void ctl_write_request(struct buffer *out, int64_t id, const char *method, struct str params)
{
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_append_int(out, id);
    buffer_append_text(out, ",\"method\":");
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_string(&writer, str_from(method));
    buffer_append_text(out, ",\"params\":");
    append_on_one_line(out, params.length > 0 ? params : STR("{}"));
    buffer_append_text(out, "}\n");
}

void ctl_write_result(struct buffer *out, struct str id, struct str result)
{
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    append_on_one_line(out, id);
    buffer_append_text(out, ",\"result\":");
    append_on_one_line(out, result);
    buffer_append_text(out, "}\n");
}

void ctl_write_error(struct buffer *out, struct str id, int64_t code, const char *message, const char *hint)
{
    ctl_write_problems(out, id, code, message, hint, STR_NONE);
}

void ctl_write_problems(struct buffer *out, struct str id, int64_t code, const char *message,
                        const char *hint, struct str problems)
{
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    append_on_one_line(out, id);
    buffer_append_text(out, ",\"error\":");
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_int(&writer, "code", code);
    json_field_text(&writer, "message", message);
    json_key(&writer, "data");
    json_object_begin(&writer);
    json_field_text(&writer, "code", ctl_code_name(code));
    if (hint != NULL && hint[0] != '\0')
        json_field_text(&writer, "hint", hint);
    if (problems.length > 0) {
        json_key(&writer, "problems");
        json_raw(&writer, problems);
    }
    json_object_end(&writer);
    json_object_end(&writer);
    buffer_append_text(out, "}\n");
}

void ctl_write_notification(struct buffer *out, const char *method, struct str params)
{
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"method\":\"");
    buffer_append_text(out, method);
    buffer_append_text(out, "\",\"params\":");
    append_on_one_line(out, params);
    buffer_append_text(out, "}\n");
}

/* ---------------------------------------------------------------- lines */

#define LARGE (1024 * 1024)

void ctl_lines_init(struct ctl_lines *lines, size_t maximum)
{
    memset(lines, 0, sizeof *lines);
    lines->maximum = maximum;
}

void ctl_lines_free(struct ctl_lines *lines)
{
    buffer_free(&lines->input);
    lines->start = lines->scanned = 0;
}

int ctl_lines_feed(struct ctl_lines *lines, struct str bytes)
{
    /* Lines that were handed out stay valid until this call. The bytes are moved once per feed, not once per
     * line. */
    if (lines->start > 0) {
        buffer_consume(&lines->input, lines->start);
        if (lines->input.length == 0 && lines->input.capacity > LARGE) /* not kept for small ones */
            buffer_free(&lines->input);
        lines->scanned -= lines->start;
        lines->start = 0;
    }
    buffer_append(&lines->input, bytes);
    return lines->input.failed ? ERR_MEMORY : OK;
}

int ctl_lines_next(struct ctl_lines *lines, struct str *line)
{
    struct str rest = str_skip(buffer_str(&lines->input), lines->scanned);
    size_t end = str_find(rest, '\n');
    if (end == SIZE_MAX) {
        lines->scanned = lines->input.length;
        return ctl_lines_pending(lines) > lines->maximum ? ERR_TOO_LARGE : ERR_NOT_FOUND;
    }
    size_t stop = lines->scanned + end;
    *line = str_of(lines->input.data + lines->start, stop - lines->start);
    lines->start = lines->scanned = stop + 1;
    if (line->length > lines->maximum)
        return ERR_TOO_LARGE;
    if (line->length > 0 && line->data[line->length - 1] == '\r')
        line->length--;
    return OK;
}

size_t ctl_lines_pending(const struct ctl_lines *lines)
{
    return lines->input.length - lines->start;
}
