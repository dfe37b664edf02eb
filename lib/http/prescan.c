#include "lib/http/prescan.h"

#include "lib/http/characters.h"

#define T HTTP_TOKEN
#define G HTTP_TARGET
#define V HTTP_VALUE
const uint8_t http_classes[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | G | V,
    ['"'] = G | V,
    ['#'] = T | V,
    ['$' ... '\''] = T | G | V,
    ['(' ... ')'] = G | V,
    ['*' ... '+'] = T | G | V,
    [','] = G | V,
    ['-' ... '.'] = T | G | V,
    ['/'] = G | V,
    ['0' ... '9'] = T | G | V,
    [':' ... '@'] = G | V,
    ['A' ... 'Z'] = T | G | V,
    ['[' ... ']'] = G | V,
    ['^' ... 'z'] = T | G | V,
    ['{'] = G | V,
    ['|'] = T | G | V,
    ['}'] = G | V,
    ['~'] = T | G | V,
    [0x80 ... 0xff] = V,
};
#undef T
#undef G
#undef V

/* Robustness of RFC 9112 section 2.2: empty lines that old clients send behind a body. */
#define EMPTY_LINES_MAX 2

static size_t empty_lines(struct str bytes)
{
    size_t skip = 0;
    for (int lines = 0; lines < EMPTY_LINES_MAX; lines++) {
        if (bytes.length < skip + 2 || bytes.data[skip] != '\r' || bytes.data[skip + 1] != '\n')
            break;
        skip += 2;
    }
    return skip;
}

size_t http_prescan_end(struct str bytes, size_t *scanned)
{
    size_t begin = empty_lines(bytes);
    size_t position = *scanned > begin ? *scanned : begin;
    while (position < bytes.length) {
        const char *found = memchr(bytes.data + position, '\n', bytes.length - position);
        if (found == NULL)
            break;
        size_t line_feed = (size_t)(found - bytes.data);
        position = line_feed + 1;
        /* Without its CR too: a head with bare line feeds must end somewhere to be refused. */
        size_t end = line_feed;
        if (end > begin && bytes.data[end - 1] == '\r')
            end--;
        if (end == begin || bytes.data[end - 1] == '\n')
            return position;
    }
    *scanned = bytes.length;
    return 0;
}

/* What is counted while the lines go by. */
struct prescan {
    bool http_1_0;
    unsigned hosts, lengths, codings, authorizations;
};

/* Cuts a line without its CR LF off `*rest`; NULL, or what is wrong with its end. */
static const char *next_line(struct str *rest, struct str *line)
{
    const char *end = rest->length > 0 ? memchr(rest->data, '\n', rest->length) : NULL;
    if (end == NULL)
        return "the head is not complete";
    size_t length = (size_t)(end - rest->data);
    if (length == 0 || rest->data[length - 1] != '\r')
        return "a line ends with LF without CR";
    *line = str_of(rest->data, length - 1);
    *rest = str_skip(*rest, length + 1);
    return NULL;
}

static bool all_of(struct str s, int character_class)
{
    for (size_t i = 0; i < s.length; i++)
        if (!http_is(s.data[i], character_class))
            return false;
    return true;
}

/* RFC 9112 section 3.2: origin-form, absolute-form, and the two that only OPTIONS and CONNECT may use. */
static const char *check_target(struct str method, struct str target)
{
    if (target.length == 0 || !all_of(target, HTTP_TARGET))
        return "the request target has a fragment or a byte that is not printable ASCII";
    if (target.data[0] == '/')
        return NULL;
    if (str_equal(method, STR("CONNECT")) ||
        (str_equal(method, STR("OPTIONS")) && str_equal(target, STR("*"))))
        return NULL;
    size_t authority = 0;
    if (target.length > 7 && str_equal_fold(str_of(target.data, 7), STR("http://")))
        authority = 7;
    else if (target.length > 8 && str_equal_fold(str_of(target.data, 8), STR("https://")))
        authority = 8;
    if (authority == 0)
        return "the request target does not begin with '/'";
    size_t end = authority;
    while (end < target.length && target.data[end] != '/' && target.data[end] != '?')
        if (target.data[end++] == '@')
            return "the request target has user information";
    return end > authority ? NULL : "the request target has no host";
}

static const char *check_request_line(struct str line, struct prescan *scan)
{
    size_t space = str_find(line, ' ');
    if (space == SIZE_MAX)
        return "the request line has not the form METHOD TARGET VERSION";
    struct str method = str_of(line.data, space);
    struct str rest = str_skip(line, space + 1);
    space = str_find(rest, ' ');
    if (space == SIZE_MAX)
        return "the request line has not the form METHOD TARGET VERSION";
    struct str target = str_of(rest.data, space);
    struct str version = str_skip(rest, space + 1);
    if (method.length == 0 || !all_of(method, HTTP_TOKEN))
        return "the method is not a token";
    scan->http_1_0 = str_equal(version, STR("HTTP/1.0"));
    if (!scan->http_1_0 && !str_equal(version, STR("HTTP/1.1")))
        return "the version is not HTTP/1.0 or HTTP/1.1";
    return check_target(method, target);
}

static const char *check_host(struct str value, struct prescan *scan)
{
    scan->hosts++;
    for (size_t i = 0; i < value.length; i++)
        if (strchr("/@?#\\ \t", value.data[i]) != NULL)
            return "Host is not a host name with an optional port";
    return NULL;
}

static const char *check_length(struct str value, struct prescan *scan)
{
    scan->lengths++;
    for (size_t i = 0; i < value.length; i++)
        if (value.data[i] < '0' || value.data[i] > '9')
            return "Content-Length is not a decimal number";
    return value.length > 0 && value.length <= 19 ? NULL : "Content-Length is not a decimal number";
}

static const char *check_coding(struct str value, struct prescan *scan)
{
    scan->codings++;
    return str_equal_fold(value, STR("chunked")) ? NULL : "Transfer-Encoding is not \"chunked\" alone";
}

static const char *check_authorization(struct str value, struct prescan *scan)
{
    (void)value;
    scan->authorizations++;
    return NULL;
}

/* The fields that two servers must not read differently. */
static const struct {
    struct str name;
    const char *(*check)(struct str value, struct prescan *scan);
} watched[] = {
    {{"Host", 4}, check_host},
    {{"Content-Length", 14}, check_length},
    {{"Transfer-Encoding", 17}, check_coding},
    {{"Authorization", 13}, check_authorization},
};

static const char *check_field(struct str line, struct prescan *scan)
{
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return "a header line begins with white space";
    size_t colon = 0;
    while (colon < line.length && http_is(line.data[colon], HTTP_TOKEN))
        colon++;
    if (colon == 0 || colon == line.length || line.data[colon] != ':')
        return "a header name has white space, a control byte or no colon behind it";
    struct str name = str_of(line.data, colon);
    struct str value = str_skip(line, colon + 1);
    if (!all_of(value, HTTP_VALUE))
        return "a header value has a control byte or a CR without LF";
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++)
        if (name.length == watched[i].name.length && str_equal_fold(name, watched[i].name))
            return watched[i].check(str_trim(value), scan);
    return NULL;
}

/* RFC 9112 sections 3.2 (Host) and 6.3 (body length). */
static const char *check_framing(const struct prescan *scan)
{
    if (scan->hosts > 1 || (scan->hosts == 0 && !scan->http_1_0))
        return "there must be exactly one Host";
    if (scan->lengths > 1)
        return "Content-Length more than once";
    if (scan->codings > 1)
        return "Transfer-Encoding more than once";
    if (scan->lengths > 0 && scan->codings > 0)
        return "Content-Length together with Transfer-Encoding";
    if (scan->codings > 0 && scan->http_1_0)
        return "Transfer-Encoding in HTTP/1.0";
    if (scan->authorizations > 1)
        return "Authorization more than once";
    return NULL;
}

const char *http_prescan_check(struct str head)
{
    struct prescan scan = {0};
    struct str rest = str_skip(head, empty_lines(head));
    struct str line;
    const char *reason = next_line(&rest, &line);
    if (reason == NULL)
        reason = check_request_line(line, &scan);
    while (reason == NULL) {
        reason = next_line(&rest, &line);
        if (reason != NULL)
            break;
        if (line.length == 0)
            return rest.length == 0 ? check_framing(&scan) : "bytes behind the head";
        reason = check_field(line, &scan);
    }
    return reason;
}
