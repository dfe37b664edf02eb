#ifndef LIB_JSON_WRITER_H
#define LIB_JSON_WRITER_H

#include "lib/base/buffer.h"

/*
 * Writes JSON into a buffer and adds the commas:
 *
 *   json_object_begin(&w); json_key(&w, "status_code"); json_int(&w, 1000); json_object_end(&w);
 *
 * A lack of memory sets the buffer's `failed`. Wrong use (a key outside an object, a second value at the top, more than
 * 64 levels) is a BUG.
 */
struct json_writer {
    struct buffer *out;
    unsigned depth;
    bool need_comma;
    bool after_key;
    uint64_t objects; /* a bit for each open container, the innermost lowest; set: an object, not an array */
};

void json_writer_init(struct json_writer *writer, struct buffer *out);
void json_object_begin(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer);
void json_array_end(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key);
void json_key_str(struct json_writer *writer, struct str key);
/* Escapes as RFC 8259 asks; bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json_writer *writer, struct str text);
void json_int(struct json_writer *writer, int64_t value);
void json_boolean(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
/* A finished JSON value, byte for byte. */
void json_raw(struct json_writer *writer, struct str raw);
/* UTC with milliseconds and Z. */
void json_timestamp(struct json_writer *writer, int64_t wall_ms);

/* Member shorthands: key and value in one. A field_* with an absent (NULL data) string writes nothing. */
void json_field_string(struct json_writer *writer, const char *key, struct str text);
void json_field_text(struct json_writer *writer, const char *key, const char *text);
void json_field_int(struct json_writer *writer, const char *key, int64_t value);
void json_field_boolean(struct json_writer *writer, const char *key, bool value);
void json_field_timestamp(struct json_writer *writer, const char *key, int64_t wall_ms);

#endif
