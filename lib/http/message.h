#ifndef LIB_HTTP_MESSAGE_H
#define LIB_HTTP_MESSAGE_H

#include "lib/base/str.h"

/* What server and client share. */
enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OTHER
};

/* "GET" …; "?" for HTTP_METHOD_OTHER. Static text. */
const char *http_method_name(enum http_method method);
enum http_method http_method_from(struct str name);

struct http_header {
    struct str name;
    struct str value;
};

/* The standard reason phrase, "" when unknown. */
const char *http_reason(int status);

/* The value of the first header of that name (ASCII-folded), STR_NONE when there is none. */
struct str http_header_find(const struct http_header *headers, size_t count, const char *name);

struct arena;
/* Bytes of the values of all headers of that name, joined (below); 0: there is none. */
size_t http_header_length(const struct http_header *headers, size_t count, const char *name);
/* The values of all headers of that name as one list, ", " between them (RFC 9110 section 5.3): the value
 * itself where there is one, else in the arena. STR_NONE: there is none, or no memory. */
struct str http_header_join(struct arena *arena, const struct http_header *headers, size_t count,
                            const char *name);

/*
 * Whether one of the `Via` headers contains `name`, case aside (RFC 9110 section 7.6.3). `name` must be unique in the
 * network: it is also found within comments.
 */
bool http_via_names(const struct http_header *headers, size_t count, struct str name);

/*
 * Takes the next raw name and value from the front of `*rest`, a query string such as "a=1&b=2". False at the end. The
 * syntax is application/x-www-form-urlencoded (WHATWG URL), but '+' is no space: OCPI timestamps may contain a '+'.
 */
bool http_query_next(struct str *rest, struct str *name, struct str *value);

/* Percent-decodes; data == NULL on a bad escape, an escaped NUL, or no memory. */
struct str http_percent_decode(struct arena *arena, struct str text);
/* Percent-encodes everything but RFC 3986 unreserved characters. */
struct str http_percent_encode(struct arena *arena, struct str text);

#endif
