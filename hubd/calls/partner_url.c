#include "hubd/calls/partner_url.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/http/message.h"

#define PORT_HTTP  80
#define PORT_HTTPS 443

/* ---------------------------------------------------------------- the hub's own */

static struct str host_of(const struct url *url)
{
    struct str host = url->host;
    while (host.length > 0 && host.data[host.length - 1] == '.') /* the same name, written as absolute */
        host.length--;
    return host;
}

/* A host that is an address, in any of the forms that inet_aton reads; false: it is a name. */
static bool host_address(const struct url *url, struct sockaddr_storage *address)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    if (!str_copy(host_of(url), host, sizeof host))
        return false;
    snprintf(port, sizeof port, "%u", url->port);
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return false;
    memset(address, 0, sizeof *address);
    memcpy(address, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return true;
}

static bool is_standard_port(uint16_t port)
{
    return port == PORT_HTTP || port == PORT_HTTPS;
}

/* Whether the URL has the origin of base_url, whose host may be an address in another notation. */
static bool is_base_origin(const struct hub *hub, struct arena *arena, const struct url *url)
{
    struct url base;
    struct sockaddr_storage one, other;
    if (url_parse(arena, str_from(hub->conf.base_url), &base, NULL) != OK)
        return false;
    if (url->port != base.port && !(is_standard_port(url->port) && is_standard_port(base.port)))
        return false;
    if (str_equal_fold(host_of(url), host_of(&base)))
        return true;
    struct url there = *url;
    there.port = base.port;
    if (!host_address(&there, &one) || !host_address(&base, &other))
        return false;
    struct url_own origin = {0};
    url_own_add(&origin, (const struct sockaddr *)&other);
    return url_own_has(&origin, (const struct sockaddr *)&one);
}

/* Whether the host is a name of this machine (RFC 6761 section 6.3, and its host name). */
static bool is_own_name(struct str host)
{
    static const char *const names[] = {"localhost", "ip6-localhost", "ip6-loopback"};
    char own[256] = "";
    if (gethostname(own, sizeof own - 1) == 0 && own[0] != '\0' && str_equal_fold(host, str_from(own)))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_equal_fold(host, str_from(names[i])))
            return true;
    struct str first, rest = host, last = host;
    while (str_split(&rest, '.', &first)) /* localhost.localdomain, x.localhost */
        last = first;
    rest = host;
    return str_equal_fold(last, STR("localhost")) ||
           (str_split(&rest, '.', &first) && str_equal_fold(first, STR("localhost")));
}

static bool is_listener(const struct hub *hub, const struct url *url)
{
    struct sockaddr_storage address;
    if (!url_own_has_port(&hub->own, url->port))
        return false;
    if (host_address(url, &address))
        return url_own_has(&hub->own, (const struct sockaddr *)&address);
    return is_own_name(host_of(url));
}

bool partner_url_is_hubs_own(const struct hub *hub, struct arena *arena, struct str url)
{
    struct url parsed;
    return url_parse(arena, url, &parsed, NULL) == OK &&
           (is_base_origin(hub, arena, &parsed) || is_listener(hub, &parsed));
}

/* ---------------------------------------------------------------- the door */

/* Where a template variable begins; SIZE_MAX: nowhere. */
static size_t find_template(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '{' || (text.data[i] == '%' && i + 2 < text.length && text.data[i + 1] == '7' &&
                                    (text.data[i + 2] == 'B' || text.data[i + 2] == 'b')))
            return i;
    return SIZE_MAX;
}

static struct str cut_base(struct str text)
{
    size_t template = find_template(text);
    if (template != SIZE_MAX)
        text.length = template;
    text = str_trim(text);
    while (text.length > 0 && text.data[text.length - 1] == '/')
        text.length--;
    return text;
}

/* Refuses what is never called, whatever the settings say. For a document, the call that reads it checks
 * that. */
static int refuse_uncallable(struct arena *arena, const struct url *url, struct error *error)
{
    struct url_policy every;
    struct sockaddr_storage address;
    if (http_percent_decode(arena, url->path).data == NULL)
        return error_set(error, ERR_INVALID, "the URL has bad percent-encoding in its path");
    url_policy_init(&every, true);
    return host_address(url, &address)
               ? url_policy_check(&every, host_of(url), (const struct sockaddr *)&address, error)
               : OK;
}

bool partner_url_is_refused(const struct hub *hub, struct arena *arena, struct str text, struct error *error)
{
    struct url url;
    struct sockaddr_storage address;
    return url_parse(arena, text, &url, error) == OK && host_address(&url, &address) &&
           url_policy_check(hub->policy, host_of(&url), (const struct sockaddr *)&address, error) != OK;
}

int partner_url_read(const struct hub *hub, struct arena *arena, struct str text, enum partner_url_use use,
                     struct str *url, struct error *error)
{
    struct url parsed;
    text = use == PARTNER_URL_BASE ? cut_base(text) : str_trim(text);
    int result = url_parse(arena, text, &parsed, error);
    if (result != OK)
        return result;
    if (use == PARTNER_URL_BASE && str_find(text, '?') != SIZE_MAX)
        return error_set(error, ERR_INVALID, "the URL has a query (?), behind which no ids can be written");
    if (use == PARTNER_URL_BASE && text.length > PARTNER_URL_BASE_MAX)
        return error_set(error, ERR_INVALID, "the URL is longer than %d bytes", PARTNER_URL_BASE_MAX);
    if (partner_url_is_hubs_own(hub, arena, text))
        return error_set(error, ERR_INVALID, "the URL is the hub's own");
    if (use == PARTNER_URL_BASE && refuse_uncallable(arena, &parsed, error) != OK)
        return ERR_INVALID;
    *url = text;
    return OK;
}
