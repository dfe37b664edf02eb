/* The way back of a relayed request: its status and what its headers say. */
#include "hubd/messages/relay.h"

/*
 * HTTP statuses that say to the caller what the partner said. Any other one is about the hub at the partner
 * (its token, its rights, its method): the envelope tells enough.
 */
static int relay_http_status(int status)
{
    static const int passed[] = {200, 201, 400, 404};
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        if (status == passed[i])
            return status;
    return 200;
}

void relay_answer(struct relay *relay)
{
    request_answer_code(relay->request, relay_http_status(relay->http_status), relay->ocpi_status,
                        relay->message, relay->data);
}

/* ---------------------------------------------------------------- URLs of the partner */

/* What follows the interface's own path in the path of `url`; false when it is not below it. */
static bool relay_below(const struct relay *relay, const struct url *url, struct str *rest)
{
    struct url base;
    if (url_parse(relay->request->arena, forward_base(&relay->forward), &base, NULL) != OK)
        return false;
    struct str prefix = base.path;
    while (prefix.length > 0 && prefix.data[prefix.length - 1] == '/')
        prefix.length--;
    if (!str_starts_with(url->path, prefix))
        return false;
    *rest = str_skip(url->path, prefix.length);
    return rest->length == 0 || rest->data[0] == '/';
}

/* A URL below the partner's interface as one below the hub's; without `below` any other keeps its query only.
 */
static struct str relay_hub_url(struct relay *relay, struct str text, bool only_below)
{
    struct request *request = relay->request;
    struct arena *arena = request->arena;
    struct url url;
    struct str rest;
    if (url_parse(arena, text, &url, NULL) != OK)
        return STR_NONE;
    if (!relay_below(relay, &url, &rest)) {
        if (only_below)
            return STR_NONE;
        struct str own = request_subpath(request);
        rest = arena_printf(arena, "%s" STR_FMT, own.length > 0 ? "/" : "", STR_ARG(own));
    }
    return arena_printf(arena, "%s/ocpi/2.2.1/%s" STR_FMT "%s" STR_FMT, request->hub->conf.base_url,
                        relay->module, STR_ARG(rest), url.query.length > 0 ? "?" : "", STR_ARG(url.query));
}

/* `<url>; rel="next"` (RFC 8288): the caller has no token for the partner's host. */
static void relay_copy_link(struct relay *relay, struct str link)
{
    size_t end = str_find(link, '>');
    if (end == SIZE_MAX || link.data[0] != '<')
        return;
    struct str url = relay_hub_url(relay, str_of(link.data + 1, end - 1), false);
    if (url.data != NULL)
        http_exchange_header(relay->request->exchange, "Link",
                             arena_printf(relay->request->arena, "<" STR_FMT STR_FMT, STR_ARG(url),
                                          STR_ARG(str_skip(link, end))));
}

void relay_copy_headers(struct relay *relay)
{
    static const char *const plain[] = {"X-Total-Count", "X-Limit"};
    const struct outbound *outbound = &relay->forward.outbound;
    struct http_exchange *exchange = relay->request->exchange;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        struct str value =
            http_header_find(outbound->answer_headers, outbound->answer_header_count, plain[i]);
        if (value.length > 0)
            http_exchange_header(exchange, plain[i], value);
    }
    struct str link = http_header_find(outbound->answer_headers, outbound->answer_header_count, "Link");
    if (link.length > 0)
        relay_copy_link(relay, link);
    struct str location =
        http_header_find(outbound->answer_headers, outbound->answer_header_count, "Location");
    struct str url = location.length > 0 ? relay_hub_url(relay, location, true) : STR_NONE;
    if (url.data != NULL)
        http_exchange_header(exchange, "Location", url);
}
