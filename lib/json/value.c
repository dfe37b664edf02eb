#include "lib/json/reader.h"

#include "lib/json/decimal.h"

static const struct json_value *find(const struct json_value *object, struct str key)
{
    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json_value *member = object->child; member != NULL; member = member->next)
        if (str_equal(member->key, key))
            return member;
    return NULL;
}

const struct json_value *json_get_raw(const struct json_value *object, struct str key)
{
    return find(object, key);
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
    const struct json_value *member = find(object, str_from(key));
    return member == NULL || member->type == JSON_NULL ? NULL : member;
}

struct str json_get_text(const struct json_value *object, const char *key)
{
    const struct json_value *member = json_get(object, key);
    return member == NULL || member->type != JSON_STRING ? STR_NONE : member->text;
}

bool json_get_int64(const struct json_value *object, const char *key, int64_t *value)
{
    const struct json_value *member = json_get(object, key);
    if (member == NULL || member->type != JSON_NUMBER)
        return false;
    return json_decimal_to_int64(json_decimal_of(member->raw), value);
}

bool json_get_boolean(const struct json_value *object, const char *key, bool otherwise)
{
    const struct json_value *member = json_get(object, key);
    return member == NULL || member->type != JSON_BOOLEAN ? otherwise : member->boolean;
}

bool json_has_half_surrogate(struct str text)
{
    /* U+D800 to U+DFFF: ED A0 80 to ED BF BF; no other character has a byte from A0 behind ED */
    const char *end = text.data + text.length;
    for (const char *at = text.data; at < end; at++) {
        if ((at = memchr(at, 0xED, (size_t)(end - at))) == NULL)
            return false;
        if (end - at > 1 && (unsigned char)at[1] >= 0xA0)
            return true;
    }
    return false;
}

size_t json_count(const struct json_value *value)
{
    size_t count = 1;
    for (const struct json_value *child = value->child; child != NULL; child = child->next)
        count += child->child == NULL ? 1 : json_count(child);
    return count;
}

unsigned json_depth(const struct json_value *value)
{
    unsigned deepest = 0;
    if (value->type != JSON_OBJECT && value->type != JSON_ARRAY)
        return 0;
    for (const struct json_value *child = value->child; child != NULL; child = child->next) {
        unsigned depth = json_depth(child); /* at most JSON_DEPTH_MAX of them */
        if (depth > deepest)
            deepest = depth;
    }
    return deepest + 1;
}

/* Compares a name with a pointer's part, in which ~1 stands for '/' and ~0 for '~'. */
static bool is_named(struct str name, struct str part)
{
    size_t at = 0;
    for (size_t i = 0; i < part.length; i++, at++) {
        char byte = part.data[i];
        if (byte == '~') {
            if (++i == part.length || (part.data[i] != '0' && part.data[i] != '1'))
                return false;
            byte = part.data[i] == '0' ? '~' : '/';
        }
        if (at >= name.length || name.data[at] != byte)
            return false;
    }
    return at == name.length;
}

static const struct json_value *step(const struct json_value *value, struct str part)
{
    const struct json_value *child = value->child;
    if (value->type == JSON_OBJECT) {
        while (child != NULL && !is_named(child->key, part))
            child = child->next;
        return child;
    }
    uint64_t index;
    if (value->type != JSON_ARRAY || !str_to_uint64(part, &index) || index >= value->count)
        return NULL;
    if (part.length > 1 && part.data[0] == '0')
        return NULL;
    while (index-- > 0)
        child = child->next;
    return child;
}

const struct json_value *json_at(const struct json_value *value, struct str pointer)
{
    if (pointer.length > 0 && pointer.data[0] != '/')
        return NULL;
    struct str rest = pointer.length > 0 ? str_skip(pointer, 1) : STR_NONE, part;
    while (value != NULL && str_split(&rest, '/', &part))
        value = step(value, part);
    return value;
}
