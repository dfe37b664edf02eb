#ifndef LIB_JSON_READER_H
#define LIB_JSON_READER_H

#include "lib/base/arena.h"
#include "lib/base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * JSON as a tree of values that keep the span of the source they were read from, so that bytes can be passed
 * on as received. Reading is simdjson's (On-Demand; every value is visited, so everything is checked); this
 * is its C face.
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
 * Bounds the memory that a document can take, in proportion to its bytes: a value costs 104, so a tree is at
 * most 20 times its text (and 100 KiB); OCPI's objects have one for every 20 to 30 bytes.
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

/* The same with the values in `values`, all else in `texts`: what was taken out of the tree outlives it. */
int json_parse_apart(struct arena *values, struct arena *texts, struct str bytes, unsigned depth_max,
                     const struct json_value **value, struct error *error);
/* The same from whom is trusted with memory: at most `values_max` values. */
int json_parse_values(struct arena *arena, struct str bytes, unsigned depth_max, size_t values_max,
                      const struct json_value **value, struct error *error);
/*
 * The same for what the hub keeps, or has put together itself of what it has taken: JSON_VALUES_MAX alone
 * bounds it, since parts that came one by one may be denser together than one body may be.
 */
int json_parse_own(struct arena *arena, struct str bytes, const struct json_value **value,
                   struct error *error);

/* The member `key` of an object, NULL when `object` is NULL, no object, or has none. A JSON null counts as
 * absent. */
const struct json_value *json_get(const struct json_value *object, const char *key);
/* The same, but a JSON null is returned as such. */
const struct json_value *json_get_raw(const struct json_value *object, struct str key);
/* The member's text, STR_NONE when absent or no string. */
struct str json_get_text(const struct json_value *object, const char *key);
/* An integer member that fits; false when absent, no number, or with a fraction. */
bool json_get_int64(const struct json_value *object, const char *key, int64_t *value);
bool json_get_boolean(const struct json_value *object, const char *key, bool otherwise);
/*
 * Whether the unescaped text has half of a surrogate pair in it, "\ud83d" without what belongs to it: legal
 * JSON (RFC 8259 8.2) but no character. It stands there as the three bytes that it would have in UTF-8, so
 * that different ones differ; raw bytes like that are refused as not UTF-8.
 */
bool json_has_half_surrogate(struct str text);
/* How many values it is made of, itself included: what JSON_VALUES_MAX bounds. */
size_t json_count(const struct json_value *value);
/* How deep objects and lists are nested in it, itself included; 0 for a plain value. */
unsigned json_depth(const struct json_value *value);
/* RFC 6901 pointer ("/evses/0/uid", "" is the whole); NULL when nothing is there. */
const struct json_value *json_at(const struct json_value *value, struct str pointer);

#ifdef __cplusplus
}
#endif

#endif
