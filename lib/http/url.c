#include "lib/http/url.h"

#include <curl/curl.h>
#include <stdio.h>

/* Longest URL and longest host name (RFC 1035 section 2.3.4) in bytes. */
#define URL_MAX 2048

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static bool has_prefix_fold(struct str text, struct str prefix)
{
    return text.length >= prefix.length && str_equal_fold(str_of(text.data, prefix.length), prefix);
}

/* What libcurl's parser is lenient about, or would repair silently, is refused before it. */
static int check_form(struct str text, struct error *error)
{
    size_t slashes;

    if (text.length == 0)
        return error_set(error, ERR_INVALID, "the URL is empty");
    if (text.length > URL_MAX)
        return error_set(error, ERR_INVALID, "the URL is longer than %d bytes", URL_MAX);
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte <= 0x20 || byte >= 0x7f)
            return error_set(error, ERR_INVALID,
                             "the URL has a byte at position %zu that must be percent-encoded", i);
    }
    if (str_find(text, '#') != SIZE_MAX)
        return error_set(error, ERR_INVALID, "the URL has a fragment (#)");
    if (has_prefix_fold(text, STR("https://")))
        slashes = 8;
    else if (has_prefix_fold(text, STR("http://")))
        slashes = 7;
    else
        return error_set(error, ERR_INVALID, "the URL does not begin with http:// or https://");
    if (text.length == slashes || text.data[slashes] == '/')
        return error_set(error, ERR_INVALID, "the URL has no host");
    return OK;
}

/* Copies one part into the arena, folded to lower case if wanted; an absent part gives an empty string. */
static int copy_part(struct arena *arena, CURLU *handle, CURLUPart part, unsigned flags, bool fold,
                     struct str *out)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(handle, part, &text, flags);
    int result = OK;

    if (code == CURLUE_OUT_OF_MEMORY)
        return ERR_MEMORY;
    char *copy = arena_copy_text(arena, str_from(code == CURLUE_OK ? text : ""));
    if (copy == NULL)
        result = ERR_MEMORY;
    for (char *byte = copy; fold && byte != NULL && *byte != '\0'; byte++)
        *byte = lower(*byte);
    *out = str_from(copy);
    curl_free(text);
    return result;
}

static int copy_parts(struct arena *arena, CURLU *handle, struct url *url, struct error *error)
{
    struct str port, zone;
    uint64_t number;

    if (copy_part(arena, handle, CURLUPART_SCHEME, 0, true, &url->scheme) != OK ||
        copy_part(arena, handle, CURLUPART_HOST, 0, true, &url->host) != OK ||
        copy_part(arena, handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, false, &port) != OK ||
        copy_part(arena, handle, CURLUPART_ZONEID, 0, false, &zone) != OK ||
        copy_part(arena, handle, CURLUPART_PATH, 0, false, &url->path) != OK ||
        copy_part(arena, handle, CURLUPART_QUERY, 0, false, &url->query) != OK)
        return error_set(error, ERR_MEMORY, "no memory for a URL");
    if (url->host.length > 2 && url->host.data[0] == '[')
        url->host = str_of(url->host.data + 1, url->host.length - 2);
    if (url->host.length == 0 || url->host.length > URL_HOST_MAX)
        return error_set(error, ERR_INVALID, "the URL has no valid host");
    if (zone.length != 0)
        return error_set(error, ERR_INVALID, "the URL names a network interface (IPv6 zone)");
    if (!str_to_uint64(port, &number) || number == 0 || number > UINT16_MAX)
        return error_set(error, ERR_INVALID, "the URL's port is not between 1 and 65535");
    url->port = (uint16_t)number;
    return OK;
}

int url_parse(struct arena *arena, struct str text, struct url *url, struct error *error)
{
    CURLU *handle = NULL;
    int result = check_form(text, error);

    *url = (struct url){0};
    if (result != OK)
        return result;
    char *copy = arena_copy_text(arena, text);
    handle = curl_url();
    if (copy == NULL || handle == NULL) {
        result = error_set(error, ERR_MEMORY, "no memory for a URL");
        goto out;
    }
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, copy, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
    if (code == CURLUE_OUT_OF_MEMORY)
        result = error_set(error, ERR_MEMORY, "no memory for a URL");
    else if (code == CURLUE_USER_NOT_ALLOWED)
        result = error_set(error, ERR_INVALID, "the URL has user information before an @");
    else if (code != CURLUE_OK)
        result = error_set(error, ERR_INVALID, "not a URL: %s", curl_url_strerror(code));
    else
        result = copy_parts(arena, handle, url, error);
out:
    curl_url_cleanup(handle);
    return result;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->port == b->port && str_equal_fold(a->scheme, b->scheme) && str_equal_fold(a->host, b->host);
}

struct str url_origin(const struct url *url, bool standard_port, char *out, size_t size)
{
    bool bracket = str_find(url->host, ':') != SIZE_MAX;
    bool standard = url->port == (str_equal(url->scheme, STR("https")) ? 443 : 80);
    int length = snprintf(out, size, STR_FMT "://%s" STR_FMT "%s", STR_ARG(url->scheme), bracket ? "[" : "",
                          STR_ARG(url->host), bracket ? "]" : "");

    if ((standard_port || !standard) && length > 0 && (size_t)length < size)
        length += snprintf(out + length, size - (size_t)length, ":%u", url->port);
    return str_of(out, (size_t)length);
}

/* Where the host begins in the text. */
static size_t host_position(struct str text)
{
    size_t colon = str_find(text, ':'), at = colon == SIZE_MAX ? 0 : colon + strlen("://");

    return at < text.length ? at : text.length;
}

struct str url_text_origin(struct str text)
{
    size_t at = host_position(text);

    while (at < text.length && text.data[at] != '/' && text.data[at] != '?')
        at++;
    return str_of(text.data, at);
}

struct str url_text_host(struct str text)
{
    struct str host = str_skip(url_text_origin(text), host_position(text));
    size_t end = 0;
    bool bracket = host.length > 0 && host.data[0] == '[';

    while (end < host.length && (bracket || host.data[end] != ':')) {
        bracket = bracket && host.data[end] != ']';
        end++;
    }
    return end > 0 ? str_of(host.data, end) : STR_NONE;
}

struct str url_text_without_query(struct str text)
{
    size_t query = str_find(text, '?');

    return query == SIZE_MAX ? text : str_of(text.data, query);
}

struct str url_join(struct arena *arena, struct str base, struct str rest)
{
    while (base.length > 0 && base.data[base.length - 1] == '/')
        base.length--;
    while (rest.length > 0 && rest.data[0] == '/')
        rest = str_skip(rest, 1);
    char *text = arena_alloc(arena, base.length + rest.length + 2);
    if (text == NULL)
        return STR_NONE;
    if (base.length > 0)
        memcpy(text, base.data, base.length);
    text[base.length] = '/';
    if (rest.length > 0)
        memcpy(text + base.length + 1, rest.data, rest.length);
    return str_of(text, base.length + 1 + rest.length);
}
