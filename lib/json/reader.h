#ifndef LIB_JSON_READER_H
#define LIB_JSON_READER_H

#include "lib/base/arena.h"
#include "lib/base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads JSON into a tree of values. Each value has the bytes it was read from, so that they can be passed on as
 * received. A C interface to simdjson's On-Demand parser; every value is visited, so the whole document is checked.
 */
enum json_type { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_type type;
    bool boolean;       /* JSON_BOOLEAN */
    uint32_t count;     /* members or elements of an object or array */
    struct str raw;     /* the value as written in the source (strings with quotes) */
    struct str text;    /* JSON_STRING: unescaped UTF-8, may hold NUL bytes, and halves of surrogate
                           pairs that were written as such (json_has_half_surrogate) */
    double number;      /* JSON_NUMBER, nearest double; `raw` has the spelling */
    struct str key;     /* member of an object: its name, unescaped */
    struct str raw_key; /* its name as written, with quotes */
    const struct json_value *child; /* first member or element */
    const struct json_value *next;  /* next sibling */
};

#define JSON_DEPTH_MAX 64
/*
 * Bounds on the values of a document, and so on its memory: a value takes 104 bytes. A document of n bytes may have
 * n / JSON_BYTES_PER_VALUE + JSON_VALUES_FREE values, so its tree takes at most about 20 times its text and 100 KiB.
 * OCPI's objects have a value for every 20 to 30 bytes.
 */
#define JSON_VALUES_MAX      400000
#define JSON_VALUES_FREE     1024
#define JSON_BYTES_PER_VALUE 6

/*
 * Parses `bytes` (RFC 8259, UTF-8, one value, nothing but white space after it; a BOM is refused). Tree and
 * unescaped text live in `arena`; `raw` spans point into a padded copy of the source that also lives in
 * `arena`. Errors: ERR_INVALID (not JSON, number out of double's range, the sentence says
 * where), ERR_TOO_LARGE (nested deeper than `depth_max`, at most 64, or more values than JSON_VALUES_MAX or
 * than one for every JSON_BYTES_PER_VALUE bytes and JSON_VALUES_FREE),
 * ERR_MEMORY. `*value` is NULL then. Thread safe (one parser per thread behind it). Duplicate keys are kept,
 * in order; lookups find the first.
 */
int json_parse(struct arena *arena, struct str bytes, unsigned depth_max, const struct json_value **value,
               struct error *error);

/* The same, with the values in the arena `values` and all texts in the arena `texts`: texts taken from the tree may
 * outlive it. */
int json_parse_apart(struct arena *values, struct arena *texts, struct str bytes, unsigned depth_max,
                     const struct json_value **value, struct error *error);
/* The same for a trusted source: only `values_max` bounds the number of values. */
int json_parse_values(struct arena *arena, struct str bytes, unsigned depth_max, size_t values_max,
                      const struct json_value **value, struct error *error);
/*
 * The same for documents that the hub stores or has put together itself. Only JSON_VALUES_MAX bounds the number of
 * values: a document made of several accepted parts may have more values for its size than one body may.
 */
int json_parse_own(struct arena *arena, struct str bytes, const struct json_value **value,
                   struct error *error);

/* The member `key` of an object, NULL when `object` is NULL, no object, or has none. A JSON null counts as
 * absent. */
const struct json_value *json_get(const struct json_value *object, const char *key);
/* The same, but a JSON null is returned. */
const struct json_value *json_get_raw(const struct json_value *object, struct str key);
/* The member's text, STR_NONE when absent or no string. */
struct str json_get_text(const struct json_value *object, const char *key);
/* An integer member that fits; false when absent, no number, or with a fraction. */
bool json_get_int64(const struct json_value *object, const char *key, int64_t *value);
bool json_get_boolean(const struct json_value *object, const char *key, bool otherwise);
/*
 * Whether the unescaped text contains half of a surrogate pair, such as "\ud83d" alone: legal JSON (RFC 8259, 8.2), but
 * no character. The text has the three bytes that UTF-8 would use for it, so that different halves stay different. Such
 * bytes in the source itself are refused as invalid UTF-8.
 */
bool json_has_half_surrogate(struct str text);
/* The number of values in the tree, `value` included: what JSON_VALUES_MAX bounds. */
size_t json_count(const struct json_value *value);
/* How deep objects and arrays are nested, `value` included; 0 for a string, number, boolean or null. */
unsigned json_depth(const struct json_value *value);
/* The value at an RFC 6901 pointer ("/evses/0/uid"; "" is `value` itself); NULL when there is none. */
const struct json_value *json_at(const struct json_value *value, struct str pointer);

#ifdef __cplusplus
}
#endif

#endif
