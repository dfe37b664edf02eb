#include <string.h>

#include "lib/http/characters.h"
#include "lib/http/client_internal.h"

/* The client's own business, not the caller's. */
static bool is_own_header(struct str name)
{
    static const struct str own[] = {{"Host", 4},        {"Content-Length", 14},   {"Transfer-Encoding", 17},
                                     {"Connection", 10}, {"Keep-Alive", 10},       {"Expect", 6},
                                     {"Upgrade", 7},     {"Proxy-Connection", 16}, {"TE", 2},
                                     {"Trailer", 7},     {"Accept-Encoding", 15}};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (str_equal_fold(name, own[i]))
            return true;
    return false;
}

/* A field name is a token, a value has no control bytes (RFC 9110 sections 5.1, 5.5): nothing a header
 * carries can begin another line. */
static bool is_valid_header(const struct http_header *header)
{
    for (size_t i = 0; i < header->name.length; i++)
        if (!http_is(header->name.data[i], HTTP_TOKEN))
            return false;
    for (size_t i = 0; i < header->value.length; i++)
        if (!http_is(header->value.data[i], HTTP_VALUE))
            return false;
    return header->name.length > 0;
}

static char *request_write_text(char *out, struct str text)
{
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    return out + text.length;
}

static char *write_header(char *out, struct str name, struct str value)
{
    out = request_write_text(out, STR("\r\n"));
    out = request_write_text(out, name);
    out = request_write_text(out, value.length > 0 ? STR(": ") : STR(":"));
    return request_write_text(out, value);
}

/*
 * All lines are one entry of libcurl's list: of each entry it asks seven times whether it is one of its own,
 * which costs as much as writing it. None of them may be: Content-Type, which it would look for, is taken off
 * before.
 */
int client_request_headers(struct http_client *client, struct http_call *call, struct curl_slist **list,
                           struct error *error)
{
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:" /* else libcurl claims a form */;
    static const struct str gzip = {"Accept-Encoding: gzip", 21};
    struct str via = str_from(client->via); /* the last of the chain is who sends */
    struct curl_slist *nodes = arena_alloc(call->arena, 3 * sizeof *nodes);
    size_t size = gzip.length + 2 + via.length + 1;

    for (size_t i = 0; i < call->header_count; i++)
        size += call->headers[i].name.length + call->headers[i].value.length + 4;
    char *text = arena_alloc(call->arena, size), *end = text;
    if (nodes == NULL || text == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the headers");
    end = request_write_text(end, gzip);
    for (size_t i = 0; i < call->header_count; i++) {
        struct http_header header = {call->headers[i].name, str_trim(call->headers[i].value)};
        if (!is_valid_header(&header))
            return error_set(error, ERR_INVALID, "header %zu has a name or value that HTTP does not allow",
                             i + 1);
        if (!is_own_header(header.name))
            end = write_header(end, header.name, header.value);
    }
    if (via.length > 0)
        end = request_write_text(request_write_text(end, STR("\r\n")), via);
    *end = '\0';
    nodes[0] = (struct curl_slist){no_expect, &nodes[1]};
    nodes[1] = (struct curl_slist){no_type, &nodes[2]};
    nodes[2] = (struct curl_slist){text, NULL};
    *list = nodes;
    return OK;
}
