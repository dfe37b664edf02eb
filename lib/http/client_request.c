#include <string.h>

#include "lib/http/characters.h"
#include "lib/http/client_internal.h"

/* The client's own business, not the caller's. */
static bool is_own_header(struct str name)
{
    static const struct str own[] = {{"Host", 4},        {"Content-Length", 14},   {"Transfer-Encoding", 17},
                                     {"Connection", 10}, {"Keep-Alive", 10},       {"Expect", 6},
                                     {"Upgrade", 7},     {"Proxy-Connection", 16}, {"TE", 2},
                                     {"Trailer", 7}};

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

static char *write_text(char *out, struct str text)
{
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    return out + text.length;
}

static char *write_header(char *out, const struct http_header *header)
{
    out = write_text(out, header->name);
    /* "Name;" is libcurl's way to send an empty value; "Name:" would remove the header. */
    out = header->value.length == 0 ? write_text(out, STR(";")) : write_text(out, STR(": "));
    out = write_text(out, header->value);
    *out = '\0';
    return out + 1;
}

int client_request_headers(struct http_client *client, struct http_call *call, struct curl_slist **list,
                           struct error *error)
{
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    struct curl_slist *nodes = arena_alloc(call->arena, (call->header_count + 3) * sizeof *nodes);
    size_t size = 1, used = 0;

    for (size_t i = 0; i < call->header_count; i++)
        size += call->headers[i].name.length + call->headers[i].value.length + 3;
    char *text = arena_alloc(call->arena, size);
    if (nodes == NULL || text == NULL)
        return error_set(error, ERR_MEMORY, "no memory for the headers");
    nodes[used++].data = no_expect;
    if (http_header_find(call->headers, call->header_count, "Content-Type").data == NULL)
        nodes[used++].data = no_type; /* else libcurl claims a form */
    for (size_t i = 0; i < call->header_count; i++) {
        struct http_header header = {call->headers[i].name, str_trim(call->headers[i].value)};
        if (!is_valid_header(&header))
            return error_set(error, ERR_INVALID, "header %zu has a name or value that HTTP does not allow",
                             i + 1);
        if (is_own_header(header.name))
            continue;
        nodes[used++].data = text;
        text = write_header(text, &header);
    }
    if (client->via[0] != '\0') /* the last of the chain is who sends */
        nodes[used++].data = client->via;
    for (size_t i = 0; i + 1 < used; i++)
        nodes[i].next = &nodes[i + 1];
    *list = nodes;
    return OK;
}
