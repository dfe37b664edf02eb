/* The only C++ of the hub: simdjson's On-Demand interface behind lib/json/reader.h. No exception can leave
 * it: none is thrown. */
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

extern "C" {
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

struct reader {
    struct arena *arena;
    ondemand::parser *parser;
    const char *end; /* of the source */
    unsigned depth_max;
    json_value *node, *node_end; /* unused nodes */
    uint8_t *unescaped;          /* where the next unescaped text goes, NULL before the first */
    const char *at;              /* behind the value read last */
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

json_value *add_node(reader &reader)
{
    if (reader.node == reader.node_end) {
        size_t count = count_nodes(static_cast<size_t>(reader.end - reader.at));
        void *memory = arena_alloc_raw(reader.arena, count * sizeof(json_value));
        if (memory == nullptr)
            return nullptr;
        reader.node = static_cast<json_value *>(memory);
        reader.node_end = reader.node + count;
    }
    return reader.node++;
}

/* `raw` has the quotes; what needs no unescaping is not copied. */
int read_text(reader &reader, struct str raw, bool escaped, struct str *text)
{
    *text = str_of(raw.data + 1, raw.length - 2);
    if (!escaped)
        return OK;
    if (reader.unescaped == nullptr) {
        /* Unescaped text is never longer; simdjson writes a register's width further than it says. */
        size_t size = static_cast<size_t>(reader.end - raw.data) + simdjson::SIMDJSON_PADDING;
        reader.unescaped = static_cast<uint8_t *>(arena_alloc_raw(reader.arena, size));
        if (reader.unescaped == nullptr)
            return ERR_MEMORY;
    }
    ondemand::raw_json_string source(reinterpret_cast<const uint8_t *>(text->data));
    std::string_view made;
    if (reader.parser->unescape(source, reader.unescaped).get(made))
        return ERR_INVALID;
    *text = str_of(made.data(), made.size());
    return OK;
}

/* simdjson has checked that the quotes are there. */
int read_key(reader &reader, ondemand::raw_json_string key, json_value *node)
{
    const char *from = key.raw(), *to = from;
    bool escaped = false;
    while (*to != '"') {
        escaped = escaped || *to == '\\';
        to += *to == '\\' ? 2 : 1;
    }
    reader.at = to + 1;
    node->raw_key = as_str(from - 1, to + 1);
    return read_text(reader, node->raw_key, escaped, &node->key);
}

template <typename source> int read_value(reader &reader, source &value, json_value *node, unsigned depth);

template <typename source> int read_array(reader &reader, source &value, json_value *node, unsigned depth)
{
    ondemand::array array;
    if (value.get_array().get(array))
        return ERR_INVALID;
    const json_value **link = &node->child;
    for (auto result : array) {
        ondemand::value element;
        if (std::move(result).get(element))
            return ERR_INVALID;
        json_value *child = add_node(reader);
        if (child == nullptr)
            return ERR_MEMORY;
        child->key = child->raw_key = STR_NONE;
        int code = read_value(reader, element, child, depth);
        if (code != OK)
            return code;
        *link = child;
        link = &child->next;
        node->count++;
    }
    return OK;
}

template <typename source> int read_object(reader &reader, source &value, json_value *node, unsigned depth)
{
    ondemand::object object;
    if (value.get_object().get(object))
        return ERR_INVALID;
    const json_value **link = &node->child;
    for (auto result : object) {
        ondemand::field field;
        if (std::move(result).get(field))
            return ERR_INVALID;
        json_value *child = add_node(reader);
        if (child == nullptr)
            return ERR_MEMORY;
        int code = read_key(reader, field.key(), child);
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

template <typename source> int read_container(reader &reader, source &value, json_value *node, unsigned depth)
{
    const char *from = node->raw.data;
    if (depth >= reader.depth_max)
        return ERR_TOO_LARGE;
    reader.at = from + 1;
    int code = node->type == JSON_ARRAY ? read_array(reader, value, node, depth + 1)
                                        : read_object(reader, value, node, depth + 1);
    if (code != OK)
        return code;
    while (is_space(*reader.at))
        reader.at++;
    reader.at++;
    node->raw = as_str(from, reader.at);
    return OK;
}

/* The document and its values, and simdjson's releases, differ in which calls can fail. */
bool is_true(simdjson::simdjson_result<bool> result)
{
    bool value;
    return !std::move(result).get(value) && value;
}

template <typename source> int read_scalar(reader &reader, source &value, json_value *node)
{
    ondemand::raw_json_string string;
    bool failed = false;
    switch (node->type) {
    case JSON_STRING:
        failed = value.get_raw_json_string().get(string) || node->raw.length < 2;
        break;
    case JSON_NUMBER:
        failed = value.get_double().get(node->number);
        break;
    case JSON_BOOLEAN:
        failed = value.get_bool().get(node->boolean);
        break;
    case JSON_NULL:
        failed = !str_equal(node->raw, STR("null")) || !is_true(value.is_null());
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        failed = true;
        break;
    }
    if (failed)
        return ERR_INVALID;
    reader.at = node->raw.data + node->raw.length;
    if (node->type != JSON_STRING)
        return OK;
    bool escaped = memchr(node->raw.data, '\\', node->raw.length) != nullptr;
    return read_text(reader, node->raw, escaped, &node->text);
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

/* `node` has its key already. `source` is simdjson's document or value. */
template <typename source> int read_value(reader &reader, source &value, json_value *node, unsigned depth)
{
    simdjson::simdjson_result<std::string_view> found(value.raw_json_token());
    std::string_view token;
    if (std::move(found).get(token) || token.empty())
        return ERR_INVALID;
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

int read_document(reader &reader, const char *source, size_t length, json_value *root)
{
    ondemand::document document;
    simdjson::error_code error = simdjson::SUCCESS;
    if (reader.parser->capacity() < length) {
        size_t capacity = capacity_min;
        while (capacity < length && capacity < capacity_kept)
            capacity *= 2;
        error = reader.parser->allocate(capacity < length ? length : capacity);
    }
    if (!error)
        error = reader.parser->iterate(source, length, length + simdjson::SIMDJSON_PADDING).get(document);
    if (error)
        return error == simdjson::MEMALLOC   ? ERR_MEMORY
               : error == simdjson::CAPACITY ? ERR_TOO_LARGE
                                             : ERR_INVALID;
    int code = read_value(reader, document, root, 0);
    if (code != OK)
        return code;
    const char *behind;
    return document.current_location().get(behind) == simdjson::OUT_OF_BOUNDS ? OK : ERR_INVALID;
}

/* The sentence for a refused document. */
int refuse(int code, struct str bytes, unsigned depth_max, struct error *error)
{
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory");
    int explained = json_explain(bytes, depth_max, error);
    return explained != OK ? explained : error_set(error, code, "not JSON");
}
} // namespace

extern "C" int json_parse(struct arena *arena, struct str bytes, unsigned depth_max,
                          const struct json_value **value, struct error *error)
{
    static thread_local ondemand::parser parser;
    *value = nullptr;
    if (depth_max > JSON_DEPTH_MAX)
        depth_max = JSON_DEPTH_MAX;
    if (bytes.length == 0 || str_starts_with(bytes, STR("\xEF\xBB\xBF")))
        return refuse(ERR_INVALID, bytes, depth_max, error);

    /* One allocation: first nodes, then the source with simdjson's padding. */
    size_t count = count_nodes(bytes.length), nodes_size = count * sizeof(json_value);
    if (bytes.length > SIZE_MAX / 2)
        return error_set(error, ERR_TOO_LARGE, "the document is too long");
    char *memory =
        static_cast<char *>(arena_alloc_raw(arena, nodes_size + bytes.length + simdjson::SIMDJSON_PADDING));
    if (memory == nullptr)
        return refuse(ERR_MEMORY, bytes, depth_max, error);
    char *source = memory + nodes_size;
    memcpy(source, bytes.data, bytes.length);
    memset(source + bytes.length, 0, simdjson::SIMDJSON_PADDING);

    json_value *nodes = reinterpret_cast<json_value *>(memory);
    reader reader = {arena,   &parser, source + bytes.length, depth_max, nodes + 1, nodes + count,
                     nullptr, source};
    nodes->key = nodes->raw_key = STR_NONE;
    int code = read_document(reader, source, bytes.length, nodes);
    if (parser.capacity() > capacity_kept)
        parser = ondemand::parser();
    if (code != OK)
        return refuse(code, bytes, depth_max, error);
    *value = nodes;
    return OK;
}
