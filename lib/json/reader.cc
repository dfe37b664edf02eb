/* The only C++ of the hub: simdjson's On-Demand interface behind lib/json/reader.h. No exception can leave
 * it: none is thrown. */
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <charconv>

extern "C" {
#include "lib/json/decimal.h"
#include "lib/json/explain.h"
#include "lib/json/reader.h"
}

namespace
{
namespace ondemand = simdjson::ondemand;

/* Nodes are made in chunks; OCPI objects have a value for every 20 to 30 bytes. */
constexpr size_t bytes_per_node = 24;
constexpr size_t nodes_min = 8;
constexpr size_t nodes_max = 512;
/* What a thread's parser may keep (about 6 bytes for each) for the next document. */
constexpr size_t capacity_min = 16 * 1024;
constexpr size_t capacity_kept = 256 * 1024;
/* simdjson counts in 32 bits. */
constexpr size_t bytes_max = size_t(1) << 31;

struct json_source {
    struct arena *values, *texts;
    ondemand::parser *parser;
    const char *end; /* of the source */
    unsigned depth_max;
    size_t nodes_left;           /* of values_max, those in no chunk yet */
    json_value *node, *node_end; /* unused nodes */
    uint8_t *unescaped;          /* where the next unescaped text goes, NULL before the first */
    const char *at;              /* behind the value read last */
    const char *backslash;       /* the first one not yet passed, `end` when there is none */
};

bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

struct str as_str(const char *from, const char *to)
{
    return str_of(from, static_cast<size_t>(to - from));
}

size_t count_nodes(size_t bytes)
{
    size_t count = bytes / bytes_per_node + nodes_min;
    return count < nodes_max ? count : nodes_max;
}

size_t values_in_proportion(size_t bytes)
{
    size_t count = JSON_VALUES_FREE + bytes / JSON_BYTES_PER_VALUE;
    return count < JSON_VALUES_MAX ? count : JSON_VALUES_MAX;
}

int add_chunk(json_source &reader)
{
    size_t count = count_nodes(static_cast<size_t>(reader.end - reader.at));
    if (count > reader.nodes_left)
        count = reader.nodes_left;
    if (count == 0)
        return ERR_TOO_LARGE;
    void *memory = arena_alloc_raw(reader.values, count * sizeof(json_value));
    if (memory == nullptr)
        return ERR_MEMORY;
    reader.nodes_left -= count;
    reader.node = static_cast<json_value *>(memory);
    reader.node_end = reader.node + count;
    return OK;
}

simdjson_inline int add_node(json_source &reader, json_value **node)
{
    int code = reader.node == reader.node_end ? add_chunk(reader) : OK;
    *node = code == OK ? reader.node++ : nullptr;
    return code;
}

/* Is there a backslash in `raw`? Asked in the order of the source, so that it is searched once for all. */
simdjson_inline bool is_escaped(json_source &reader, struct str raw)
{
    if (reader.backslash < raw.data) {
        const void *found = memchr(raw.data, '\\', static_cast<size_t>(reader.end - raw.data));
        reader.backslash = found != nullptr ? static_cast<const char *>(found) : reader.end;
    }
    return reader.backslash < raw.data + raw.length;
}

/* The number that four hexadecimal digits make, -1 when they are none. */
int read_unit(const char *from, const char *to)
{
    int unit = 0;
    if (to - from < 4)
        return -1;
    auto result = std::from_chars(from, from + 4, unit, 16);
    return result.ec == std::errc() && result.ptr == from + 4 && *from != '-' ? unit : -1;
}

uint8_t *write_character(uint8_t *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = static_cast<uint8_t>(code);
        return out;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    *out++ = static_cast<uint8_t>(leads[more] | code >> (6 * more));
    while (more-- > 0)
        *out++ = static_cast<uint8_t>(0x80 | (code >> (6 * more) & 0x3F));
    return out;
}

/* The escape at `from`, whose backslash is passed; NULL when there is no such one. Moves `*out`. */
const char *read_escape(const char *from, const char *to, uint8_t **out)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (from == to)
        return nullptr;
    if (*from != 'u') {
        const char *found = *from == '\0' ? nullptr : strchr(letters, *from);
        if (found != nullptr)
            *(*out)++ = static_cast<uint8_t>(meant[found - letters]);
        return found != nullptr ? from + 1 : nullptr;
    }
    int unit = read_unit(from + 1, to);
    if (unit < 0)
        return nullptr;
    from += 5;
    int low = unit >= 0xD800 && unit <= 0xDBFF && to - from >= 6 && from[0] == '\\' && from[1] == 'u'
                  ? read_unit(from + 2, to)
                  : -1;
    bool pair = low >= 0xDC00 && low <= 0xDFFF;
    unsigned code = static_cast<unsigned>(unit);
    if (pair)
        code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<unsigned>(low) - 0xDC00);
    *out = write_character(*out, code);
    return pair ? from + 6 : from;
}

/*
 * What simdjson refuses to unescape: perhaps only for half of a surrogate pair, which becomes the three bytes
 * that it would have in UTF-8 (simdjson 3.0.1 has no unescape_wobbly).
 */
int unescape_leniently(json_source &reader, struct str *text)
{
    uint8_t *out = reader.unescaped;
    const char *at = text->data, *end = at + text->length;
    while (at != nullptr && at < end) {
        if (*at != '\\')
            *out++ = static_cast<uint8_t>(*at++);
        else
            at = read_escape(at + 1, end, &out);
    }
    if (at == nullptr)
        return ERR_INVALID;
    *text = as_str(reinterpret_cast<char *>(reader.unescaped), reinterpret_cast<char *>(out));
    reader.unescaped = out;
    return OK;
}

int unescape(json_source &reader, struct str *text)
{
    if (reader.unescaped == nullptr) {
        /* Unescaped text is never longer; simdjson writes a register's width further than it says. */
        size_t size = static_cast<size_t>(reader.end - text->data) + simdjson::SIMDJSON_PADDING;
        reader.unescaped = static_cast<uint8_t *>(arena_alloc_raw(reader.texts, size));
        if (reader.unescaped == nullptr)
            return ERR_MEMORY;
    }
    ondemand::raw_json_string source(reinterpret_cast<const uint8_t *>(text->data));
    std::string_view made;
    if (reader.parser->unescape(source, reader.unescaped).get(made))
        return unescape_leniently(reader, text);
    *text = str_of(made.data(), made.size());
    return OK;
}

/* `raw` has the quotes; what needs no unescaping is not copied. */
simdjson_inline int read_text(json_source &reader, struct str raw, struct str *text)
{
    *text = str_of(raw.data + 1, raw.length - 2);
    return is_escaped(reader, raw) ? unescape(reader, text) : OK;
}

/* `value` is where the member's value begins: only space and a colon are between, so the name's end is found
 * from there. */
simdjson_inline int read_key(json_source &reader, ondemand::raw_json_string key, const char *value,
                             json_value *node)
{
    const char *from = key.raw(), *to = value - 1;
    while (to > from && *to != '"')
        to--;
    node->raw_key = as_str(from - 1, to + 1);
    return read_text(reader, node->raw_key, &node->key);
}

/*
 * Numbers are not read by simdjson: 3.0.1's On-Demand gets some of 20 digits and more wrong
 * (0.28849371652252998186e-148) and refuses exponents of 20 digits.
 */
bool read_number(struct str raw, double *number)
{
    bool negative = raw.data[0] == '-';
    const char *from = raw.data + (negative ? 1 : 0), *to = raw.data + raw.length;
    int64_t whole = 0;
    if (from == to || to - from > 15 || (*from == '0' && to - from > 1))
        return json_is_number(raw) && json_read_double(raw, number);
    while (from < to && *from >= '0' && *from <= '9')
        whole = whole * 10 + (*from++ - '0');
    if (from < to)
        return json_is_number(raw) && json_read_double(raw, number);
    *number = negative ? -static_cast<double>(whole) : static_cast<double>(whole);
    return true;
}

json_type type_of(char first)
{
    switch (first) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOLEAN;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

/* The token is judged as a whole here: simdjson passes over a value that it is not asked for. */
simdjson_inline int read_scalar(json_source &reader, ondemand::value &value, json_value *node)
{
    ondemand::raw_json_string string;
    struct str raw = node->raw;
    bool valid = false;
    reader.at = raw.data + raw.length;
    switch (node->type) {
    case JSON_STRING:
        if (value.get_raw_json_string().get(string) || raw.length < 2 || raw.data[raw.length - 1] != '"')
            return ERR_INVALID;
        return read_text(reader, raw, &node->text);
    case JSON_NUMBER:
        valid = read_number(raw, &node->number);
        break;
    case JSON_BOOLEAN:
        node->boolean = raw.data[0] == 't';
        valid = str_equal(raw, node->boolean ? STR("true") : STR("false"));
        break;
    case JSON_NULL:
        valid = str_equal(raw, STR("null"));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return valid ? OK : ERR_INVALID;
}

int read_elements(json_source &reader, ondemand::array &array, json_value *node, unsigned depth);
int read_members(json_source &reader, ondemand::object &object, json_value *node, unsigned depth);

simdjson_inline int read_container(json_source &reader, ondemand::value &value, json_value *node,
                                   unsigned depth)
{
    const char *from = node->raw.data;
    ondemand::array array;
    ondemand::object object;
    int code = ERR_INVALID;
    if (depth >= reader.depth_max)
        return ERR_TOO_LARGE;
    reader.at = from + 1;
    if (node->type == JSON_ARRAY && !value.get_array().get(array))
        code = read_elements(reader, array, node, depth + 1);
    else if (node->type == JSON_OBJECT && !value.get_object().get(object))
        code = read_members(reader, object, node, depth + 1);
    if (code != OK)
        return code;
    while (is_space(*reader.at))
        reader.at++;
    reader.at++;
    node->raw = as_str(from, reader.at);
    return OK;
}

/* `node` has its key already. Inlined, so that simdjson's small structs stay in registers: that halves the
 * time. */
simdjson_inline int read_value(json_source &reader, ondemand::value &value, json_value *node, unsigned depth)
{
    std::string_view token = value.raw_json_token();
    while (token.size() > 1 && is_space(token.back()))
        token.remove_suffix(1);
    node->type = type_of(token.front());
    node->boolean = false;
    node->count = 0;
    node->raw = str_of(token.data(), token.size());
    node->text = STR_NONE;
    node->number = 0;
    node->child = nullptr;
    node->next = nullptr;
    if (node->type == JSON_ARRAY || node->type == JSON_OBJECT)
        return read_container(reader, value, node, depth);
    return read_scalar(reader, value, node);
}

int read_elements(json_source &reader, ondemand::array &array, json_value *node, unsigned depth)
{
    const json_value **link = &node->child;
    for (auto result : array) {
        ondemand::value element;
        if (std::move(result).get(element))
            return ERR_INVALID;
        json_value *child;
        int code = add_node(reader, &child);
        if (code != OK)
            return code;
        child->key = child->raw_key = STR_NONE;
        code = read_value(reader, element, child, depth);
        if (code != OK)
            return code;
        *link = child;
        link = &child->next;
        node->count++;
    }
    return OK;
}

int read_members(json_source &reader, ondemand::object &object, json_value *node, unsigned depth)
{
    const json_value **link = &node->child;
    for (auto result : object) {
        ondemand::field field;
        if (std::move(result).get(field))
            return ERR_INVALID;
        json_value *child;
        int code = add_node(reader, &child);
        if (code == OK)
            code = read_key(reader, field.key(), field.value().raw_json_token().data(), child);
        if (code == OK)
            code = read_value(reader, field.value(), child, depth);
        if (code != OK)
            return code;
        *link = child;
        link = &child->next;
        node->count++;
    }
    return OK;
}

/* `padded` is the document between brackets, so that a scalar needs no way of its own: one element must come
 * out. */
int read_document(json_source &reader, const char *padded, size_t length, const json_value **value)
{
    ondemand::document document;
    ondemand::array array;
    simdjson::error_code error = simdjson::SUCCESS;
    if (reader.parser->capacity() < length) {
        size_t capacity = capacity_min;
        while (capacity < length && capacity < capacity_kept)
            capacity *= 2;
        error = reader.parser->allocate(capacity < length ? length : capacity);
    }
    if (!error)
        error = reader.parser->iterate(padded, length, length + simdjson::SIMDJSON_PADDING).get(document);
    if (error)
        return error == simdjson::MEMALLOC ? ERR_MEMORY : ERR_INVALID;
    if (document.get_array().get(array))
        return ERR_INVALID;
    json_value list = {};
    int code = read_elements(reader, array, &list, 0);
    if (code != OK)
        return code;
    const char *behind;
    if (list.count != 1 || document.current_location().get(behind) != simdjson::OUT_OF_BOUNDS)
        return ERR_INVALID;
    *value = list.child;
    return OK;
}

/* The sentence for a refused document. */
int refuse(int code, struct str bytes, unsigned depth_max, size_t values_max, struct error *error)
{
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory");
    int explained = json_explain(bytes, depth_max, error);
    if (explained != OK)
        return explained;
    return code == ERR_TOO_LARGE
               ? error_set(error, code, "more than %zu values in %zu bytes", values_max, bytes.length)
               : error_set(error, code, "not JSON");
}

int parse(struct arena *values, struct arena *texts, struct str bytes, unsigned depth_max, size_t values_max,
          const json_value **value, struct error *error)
{
    static thread_local ondemand::parser parser;
    *value = nullptr;
    if (depth_max > JSON_DEPTH_MAX)
        depth_max = JSON_DEPTH_MAX;
    if (bytes.length == 0 || str_starts_with(bytes, STR("\xEF\xBB\xBF")))
        return refuse(ERR_INVALID, bytes, depth_max, values_max, error);
    if (bytes.length >= bytes_max)
        return error_set(error, ERR_TOO_LARGE, "longer than %zu bytes", bytes_max);

    /* In one arena one allocation: first nodes, then '[', the source, ']' and simdjson's padding. */
    size_t count = values == texts ? count_nodes(bytes.length) : 0, nodes_size = count * sizeof(json_value);
    size_t size = nodes_size + bytes.length + 2 + simdjson::SIMDJSON_PADDING;
    char *memory = static_cast<char *>(arena_alloc_raw(texts, size));
    if (memory == nullptr)
        return refuse(ERR_MEMORY, bytes, depth_max, values_max, error);
    char *padded = memory + nodes_size, *source = padded + 1;
    padded[0] = '[';
    memcpy(source, bytes.data, bytes.length);
    source[bytes.length] = ']';
    memset(source + bytes.length + 1, 0, simdjson::SIMDJSON_PADDING);

    json_source reader = {};
    reader.values = values;
    reader.texts = texts;
    reader.parser = &parser;
    reader.end = source + bytes.length;
    reader.depth_max = depth_max;
    reader.nodes_left = values_max - count;
    reader.node = reinterpret_cast<json_value *>(memory);
    reader.node_end = reader.node + count;
    reader.at = source;
    reader.backslash = padded;
    int code = read_document(reader, padded, bytes.length + 2, value);
    if (parser.capacity() > capacity_kept)
        parser = ondemand::parser();
    return code == OK ? OK : refuse(code, bytes, depth_max, values_max, error);
}
} // namespace

extern "C" bool json_read_double(struct str raw, double *number)
{
    auto result = std::from_chars(raw.data, raw.data + raw.length, *number);
    if (result.ec == std::errc())
        return true;
    /* Out of range means too large or too small; the latter is zero. */
    *number = 0;
    return result.ec == std::errc::result_out_of_range && json_decimal_is_below_one(json_decimal_of(raw));
}

extern "C" int json_parse(struct arena *arena, struct str bytes, unsigned depth_max,
                          const struct json_value **value, struct error *error)
{
    return parse(arena, arena, bytes, depth_max, values_in_proportion(bytes.length), value, error);
}

extern "C" int json_parse_apart(struct arena *values, struct arena *texts, struct str bytes,
                                unsigned depth_max, const struct json_value **value, struct error *error)
{
    return parse(values, texts, bytes, depth_max, values_in_proportion(bytes.length), value, error);
}

extern "C" int json_parse_values(struct arena *arena, struct str bytes, unsigned depth_max, size_t values_max,
                                 const struct json_value **value, struct error *error)
{
    return parse(arena, arena, bytes, depth_max, values_max, value, error);
}

extern "C" int json_parse_own(struct arena *arena, struct str bytes, const struct json_value **value,
                              struct error *error)
{
    return parse(arena, arena, bytes, JSON_DEPTH_MAX, JSON_VALUES_MAX, value, error);
}
