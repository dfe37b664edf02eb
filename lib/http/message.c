#include "lib/http/message.h"

#include "lib/base/arena.h"

static const struct str method_names[] = {
    [HTTP_METHOD_GET] = {"GET", 3}, [HTTP_METHOD_HEAD] = {"HEAD", 4},   [HTTP_METHOD_POST] = {"POST", 4},
    [HTTP_METHOD_PUT] = {"PUT", 3}, [HTTP_METHOD_PATCH] = {"PATCH", 5}, [HTTP_METHOD_DELETE] = {"DELETE", 6},
    [HTTP_METHOD_OTHER] = {"?", 1},
};

const char *http_method_name(enum http_method method)
{
    return method_names[method].data;
}

enum http_method http_method_from(struct str name)
{
    for (int method = HTTP_METHOD_GET; method < HTTP_METHOD_OTHER; method++)
        if (str_equal(name, method_names[method]))
            return (enum http_method)method;
    return HTTP_METHOD_OTHER;
}

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

static bool http_header_is(const struct http_header *header, struct str name)
{
    return header->name.length == name.length && str_equal_fold(header->name, name);
}

struct str http_header_find(const struct http_header *headers, size_t count, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < count; i++)
        if (http_header_is(&headers[i], wanted))
            return headers[i].value;
    return STR_NONE;
}

size_t http_header_length(const struct http_header *headers, size_t count, const char *name)
{
    struct str wanted = str_from(name);
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        if (http_header_is(&headers[i], wanted) && headers[i].value.length > 0)
            length += headers[i].value.length + (length > 0 ? 2 : 0);
    return length;
}

struct str http_header_join(struct arena *arena, const struct http_header *headers, size_t count,
                            const char *name)
{
    struct str first = http_header_find(headers, count, name), wanted = str_from(name);
    size_t length = http_header_length(headers, count, name), used = 0;
    if (first.length == length)
        return length == 0 ? STR_NONE : first;
    char *whole = arena_alloc(arena, length + 1);
    for (size_t i = 0; i < count && whole != NULL; i++) {
        struct str value = headers[i].value;
        if (!http_header_is(&headers[i], wanted) || value.length == 0)
            continue;
        if (used > 0) {
            memcpy(whole + used, ", ", 2);
            used += 2;
        }
        memcpy(whole + used, value.data, value.length);
        used += value.length;
    }
    return str_of(whole, used);
}

bool http_via_names(const struct http_header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count && name.length > 0; i++) {
        if (!str_equal_fold(headers[i].name, STR("Via")))
            continue;
        for (struct str rest = headers[i].value; rest.length >= name.length; rest = str_skip(rest, 1))
            if (str_equal_fold(str_of(rest.data, name.length), name))
                return true;
    }
    return false;
}

bool http_query_next(struct str *rest, struct str *name, struct str *value)
{
    while (rest->length > 0) {
        size_t end = str_find(*rest, '&');
        struct str part = str_of(rest->data, end == SIZE_MAX ? rest->length : end);
        *rest = end == SIZE_MAX ? STR_NONE : str_skip(*rest, end + 1);
        if (part.length == 0)
            continue;
        size_t equals = str_find(part, '=');
        *name = str_of(part.data, equals == SIZE_MAX ? part.length : equals);
        *value = equals == SIZE_MAX ? str_of(part.data + part.length, 0) : str_skip(part, equals + 1);
        return true;
    }
    return false;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct str http_percent_decode(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.length + 1);
    if (out == NULL)
        return STR_NONE;
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (text.length - i < 3)
                return STR_NONE;
            int high = hex_value(text.data[i + 1]);
            int low = hex_value(text.data[i + 2]);
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return STR_NONE;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[length++] = c;
    }
    out[length] = '\0';
    return str_of(out, length);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

struct str http_percent_encode(struct arena *arena, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = text.length <= (SIZE_MAX - 1) / 3 ? arena_alloc(arena, text.length * 3 + 1) : NULL;
    if (out == NULL)
        return STR_NONE;
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (is_unreserved(text.data[i])) {
            out[length++] = text.data[i];
        } else {
            out[length++] = '%';
            out[length++] = digits[byte >> 4];
            out[length++] = digits[byte & 15];
        }
    }
    out[length] = '\0';
    return str_of(out, length);
}
