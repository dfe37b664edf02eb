#include "lib/json/writer.h"

#include "lib/base/bug.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

#include <stdlib.h>

#define DEPTH_MAX 64

void json_writer_init(struct json_writer *writer, struct buffer *out)
{
    *writer = (struct json_writer){.out = out};
}

/* Checks that a value may stand here and puts the comma. */
static void begin_value(struct json_writer *writer)
{
    bool in_object = writer->depth > 0 && (writer->objects & 1) != 0;
    if (in_object != writer->after_key || (writer->depth == 0 && writer->need_comma))
        BUG("JSON writer: a value where %s is due", in_object ? "a key" : "none");
    if (writer->need_comma)
        buffer_append_byte(writer->out, ',');
    writer->need_comma = true;
    writer->after_key = false;
}

static void begin_container(struct json_writer *writer, bool object)
{
    begin_value(writer);
    if (writer->depth == DEPTH_MAX)
        BUG("JSON writer: nested deeper than %d", DEPTH_MAX);
    buffer_append_byte(writer->out, object ? '{' : '[');
    writer->objects = writer->objects << 1 | (object ? 1 : 0);
    writer->depth++;
    writer->need_comma = false;
}

static void end_container(struct json_writer *writer, bool object)
{
    if (writer->depth == 0 || writer->after_key || ((writer->objects & 1) != 0) != object)
        BUG("JSON writer: the end of an %s that is not open", object ? "object" : "array");
    buffer_append_byte(writer->out, object ? '}' : ']');
    writer->objects >>= 1;
    writer->depth--;
    writer->need_comma = true;
}

void json_object_begin(struct json_writer *writer)
{
    begin_container(writer, true);
}

void json_object_end(struct json_writer *writer)
{
    end_container(writer, true);
}

void json_array_begin(struct json_writer *writer)
{
    begin_container(writer, false);
}

void json_array_end(struct json_writer *writer)
{
    end_container(writer, false);
}

static void append_escape(struct buffer *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char letter = byte < 0x20 ? letters[byte] : (char)byte;
    char escape[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    if (letter != 0)
        escape[1] = letter;
    buffer_append(out, str_of(escape, letter != 0 ? 2 : 6));
}

static void append_string(struct buffer *out, struct str text)
{
    buffer_append_byte(out, '"');
    size_t from = 0, at = 0;
    while (at < text.length) {
        uint8_t byte = (uint8_t)text.data[at];
        bool escape = byte < 0x20 || byte == '"' || byte == '\\';
        size_t size = escape ? 0 : byte < 0x80 ? 1 : utf8_character(str_skip(text, at));
        if (size > 0) {
            at += size;
            continue;
        }
        buffer_append(out, str_of(text.data + from, at - from));
        if (escape)
            append_escape(out, byte);
        else
            buffer_append(out, STR("\xEF\xBF\xBD"));
        from = ++at;
    }
    if (at > from)
        buffer_append(out, str_of(text.data + from, at - from));
    buffer_append_byte(out, '"');
}

void json_key_str(struct json_writer *writer, struct str key)
{
    if (writer->depth == 0 || (writer->objects & 1) == 0 || writer->after_key)
        BUG("JSON writer: the key " STR_FMT " outside an object, or behind a key", STR_ARG(key));
    if (writer->need_comma)
        buffer_append_byte(writer->out, ',');
    append_string(writer->out, key);
    buffer_append_byte(writer->out, ':');
    writer->need_comma = false;
    writer->after_key = true;
}

void json_key(struct json_writer *writer, const char *key)
{
    json_key_str(writer, str_from(key));
}

void json_string(struct json_writer *writer, struct str text)
{
    begin_value(writer);
    append_string(writer->out, text);
}

void json_int(struct json_writer *writer, int64_t value)
{
    begin_value(writer);
    buffer_append_int(writer->out, value);
}

void json_boolean(struct json_writer *writer, bool value)
{
    begin_value(writer);
    buffer_append(writer->out, value ? STR("true") : STR("false"));
}

void json_null(struct json_writer *writer)
{
    begin_value(writer);
    buffer_append(writer->out, STR("null"));
}

void json_raw(struct json_writer *writer, struct str raw)
{
    begin_value(writer);
    buffer_append(writer->out, raw);
}

void json_timestamp(struct json_writer *writer, int64_t wall_ms)
{
    char text[TIMESTAMP_SIZE];
    begin_value(writer);
    append_string(writer->out, str_from(timestamp_format(wall_ms, text)));
}

void json_field_string(struct json_writer *writer, const char *key, struct str text)
{
    if (text.data == NULL)
        return;
    json_key(writer, key);
    json_string(writer, text);
}

void json_field_text(struct json_writer *writer, const char *key, const char *text)
{
    json_field_string(writer, key, str_from(text));
}

void json_field_int(struct json_writer *writer, const char *key, int64_t value)
{
    json_key(writer, key);
    json_int(writer, value);
}

void json_field_boolean(struct json_writer *writer, const char *key, bool value)
{
    json_key(writer, key);
    json_boolean(writer, value);
}

void json_field_timestamp(struct json_writer *writer, const char *key, int64_t wall_ms)
{
    json_key(writer, key);
    json_timestamp(writer, wall_ms);
}
