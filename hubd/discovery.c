#include "hubd/discovery.h"

#include <stdio.h>

#include "lib/ocpi/headers.h"

static struct str url_without_slash(struct str url)
{
    while (url.length > 0 && url.data[url.length - 1] == '/')
        url.length--;
    return url;
}

struct str discovery_versions_url(struct arena *arena, struct str url)
{
    url = url_without_slash(url);
    if (str_ends_with(url, STR("/versions")))
        return url;
    size_t slash = url.length;
    while (slash > 0 && url.data[slash - 1] != '/')
        slash--;
    struct url parsed;
    if (url_parse(arena, url, &parsed, NULL) != OK || parsed.path.length <= 1) /* nothing but the host */
        return url_join(arena, url, STR("versions"));
    return arena_printf(arena, STR_FMT "versions", STR_ARG(str_of(url.data, slash)));
}

static void discovery_end(struct discovery *discovery, int status, struct str message)
{
    discovery->status = status;
    discovery->message = message;
    discovery->done(discovery);
}

static void discovery_get(struct discovery *discovery, const char *document, struct str url,
                          void (*callback)(struct outbound *outbound))
{
    struct outbound *outbound = &discovery->outbound;
    memset(outbound, 0, sizeof *outbound);
    outbound->arena = discovery->arena;
    outbound->hub = discovery->hub;
    outbound->client = discovery->client;
    outbound->token = discovery->token;
    outbound->raw_first = discovery->raw_first;
    if (discovery->view != NULL && !outbound_hold_platform(outbound, discovery->view, discovery->platform)) {
        discovery_end(discovery, OCPI_UNABLE_TO_USE_API, STR("the platform or its token is gone"));
        return;
    }
    outbound->correlation_id = discovery->correlation_id;
    outbound->is_alive = discovery->is_alive;
    outbound->method = HTTP_METHOD_GET;
    outbound->url = url;
    outbound->timeout_ms = discovery->timeout_ms;
    outbound->callback = callback;
    outbound->context = discovery;
    if (discovery->asks != NULL)
        discovery->asks(discovery, document, url);
    outbound_start(outbound);
}

static bool discovery_answer_ok(const struct outbound *outbound)
{
    return outbound->result == OK && outbound->status / 100 == 2 && outbound->answer.is_envelope &&
           outbound->answer.status_code / 1000 == 1 && outbound->answer.data != NULL;
}

/* What a partner calls a version goes into the log and the audit: only what looks like one, since it may be
 * anything, a token too. */
static bool discovery_is_version(struct str name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
            return false;
    return name.length > 0 && name.length <= 8;
}

static void discovery_read_details(struct discovery *discovery, const struct json_value *details)
{
    const struct json_value *endpoints = json_get(details, "endpoints");
    struct str version = json_get_text(details, "version");
    if (version.data != NULL && !str_equal(version, STR("2.2.1"))) {
        discovery_end(discovery, OCPI_UNSUPPORTED_VERSION,
                      arena_printf(discovery->arena, "the version details are of " STR_FMT ", not of 2.2.1",
                                   STR_ARG(discovery_is_version(version) ? version : STR("no version"))));
        return;
    }
    for (const struct json_value *e = endpoints == NULL ? NULL : endpoints->child;
         e != NULL && discovery->endpoint_count < DISCOVERY_ENDPOINTS_MAX; e = e->next) {
        struct str module = json_get_text(e, "identifier"), url = json_get_text(e, "url");
        struct url parsed;
        if (module.length == 0 || url_parse(discovery->arena, url, &parsed, NULL) != OK)
            continue;
        discovery->endpoints[discovery->endpoint_count++] = (struct discovery_endpoint){
            module, str_equal_fold(json_get_text(e, "role"), STR("RECEIVER")), url_without_slash(url)};
    }
    discovery->used_raw = discovery->outbound.used_raw;
    if (discovery->versions_url.length == 0) /* no list answered: the details are what works */
        discovery->versions_url = discovery->outbound.url;
    if (discovery->endpoint_count == 0)
        discovery_end(discovery, OCPI_NO_MATCHING_ENDPOINTS, STR("the version details list no endpoints"));
    else
        discovery_end(discovery, OCPI_SUCCESS, STR_NONE);
}

static void discovery_note(struct discovery *discovery)
{
    const struct outbound *outbound = &discovery->outbound;
    if (outbound->result == OK && outbound->status == 401)
        discovery->unauthorized = true;
}

static void discovery_details_answered(struct outbound *outbound)
{
    struct discovery *discovery = outbound->context;
    discovery_note(discovery);
    if (discovery_answer_ok(outbound) && outbound->answer.data->type == JSON_OBJECT)
        discovery_read_details(discovery, outbound->answer.data);
    else
        discovery_end(
            discovery, OCPI_UNABLE_TO_USE_API,
            arena_printf(discovery->arena, "version details: HTTP %d %s", outbound->status,
                         outbound->result != OK ? outbound->error.data : "without version details"));
}

bool discovery_same_host(const struct discovery *discovery, struct str url)
{
    struct url given, asked;
    return url_parse(discovery->arena, discovery->url, &given, NULL) == OK &&
           url_parse(discovery->arena, url, &asked, NULL) == OK && str_equal(given.host, asked.host);
}

/* Says what is offered instead of 2.2.1. */
static struct str discovery_listed(struct arena *arena, const struct json_value *list)
{
    char text[80];
    size_t length = 0;
    for (const struct json_value *version = list->child; version != NULL; version = version->next) {
        struct str name = json_get_text(version, "version");
        if (!discovery_is_version(name) || length + name.length + 2 >= sizeof text)
            continue;
        length += (size_t)snprintf(text + length, sizeof text - length, "%s" STR_FMT, length > 0 ? ", " : "",
                                   STR_ARG(name));
    }
    if (length == 0)
        return STR("the versions list does not contain 2.2.1");
    return arena_printf(arena, "the versions list does not contain 2.2.1, only %s", text);
}

static void discovery_read_list(struct discovery *discovery, const struct json_value *list, struct str url)
{
    discovery->versions_url = url;
    for (const struct json_value *version = list->child; version != NULL; version = version->next) {
        if (!str_equal(json_get_text(version, "version"), STR("2.2.1")))
            continue;
        struct str details = arena_copy(discovery->arena, json_get_text(version, "url"));
        if (!discovery_same_host(discovery, details)) {
            discovery_end(discovery, OCPI_UNABLE_TO_USE_API,
                          STR("the version details are on another host than the url of the credentials"));
            return;
        }
        discovery->raw_first = discovery->outbound.used_raw;
        discovery_get(discovery, "version details", details, discovery_details_answered);
        return;
    }
    discovery_end(discovery, OCPI_UNSUPPORTED_VERSION, discovery_listed(discovery->arena, list));
}

static void discovery_try(struct discovery *discovery);

static void discovery_answered(struct outbound *outbound)
{
    struct discovery *discovery = outbound->context;
    const struct json_value *data = outbound->answer.data;
    discovery_note(discovery);
    if (discovery_answer_ok(outbound) && data->type == JSON_ARRAY) {
        discovery_read_list(discovery, data, discovery->candidates[discovery->candidate]);
    } else if (discovery_answer_ok(outbound) && json_get(data, "endpoints") != NULL) {
        discovery_read_details(discovery, data);
    } else if (outbound->result == OK && ++discovery->candidate < discovery->candidate_count) {
        discovery_try(discovery);
    } else {
        discovery_end(discovery, OCPI_UNABLE_TO_USE_API,
                      outbound->result != OK
                          ? arena_copy(discovery->arena, outbound->error)
                          : arena_printf(discovery->arena,
                                         "the url gives neither versions nor version details (HTTP %d)",
                                         outbound->status));
    }
}

static void discovery_try(struct discovery *discovery)
{
    discovery_get(discovery, "versions", discovery->candidates[discovery->candidate], discovery_answered);
}

void discovery_start(struct discovery *discovery)
{
    struct str url = url_without_slash(discovery->url);
    discovery->candidates[0] = discovery->url;
    discovery->candidates[1] = discovery_versions_url(discovery->arena, url);
    discovery->candidates[2] = url_join(discovery->arena, url, STR("versions"));
    discovery->candidate_count = str_ends_with(url, STR("/versions")) ? 1 : 3;
    discovery->candidate = 0;
    discovery_try(discovery);
}
