#include "hubd/calls/discovery.h"

#include <stdio.h>

#include "hubd/calls/partner_url.h"
#include "hubd/calls/secret.h"
#include "hubd/calls/sentence.h"
#include "lib/base/magic.h"

#define DISCOVERY_MAGIC 0x44534356u

static struct str url_without_slash(struct str url)
{
    while (url.length > 0 && url.data[url.length - 1] == '/')
        url.length--;
    return url;
}

struct str discovery_versions_url(struct arena *arena, struct str url)
{
    size_t query = str_find(url, '?');
    if (query != SIZE_MAX) {
        struct str before = discovery_versions_url(arena, str_of(url.data, query));
        return arena_printf(arena, STR_FMT STR_FMT, STR_ARG(before), STR_ARG(str_skip(url, query)));
    }
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

/* The text of a partner as it may stand in the log, the audit and on a screen: without the token presented to
 * it. */
static struct str discovery_hide(struct discovery *discovery, struct str text)
{
    text = sentence_hide(discovery->arena, discovery->outbound.platform, text);
    return secret_hide(discovery->arena, &discovery->token, 1, text);
}

static void discovery_end(struct discovery *discovery, int status, struct str message)
{
    discovery->status = status;
    discovery->message = discovery_hide(discovery, message);
    discovery->refused = discovery_hide(discovery, discovery->refused);
    discovery->magic = 0; /* unless `done` starts it anew */
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
    outbound->exchanging = true;
    outbound->trusted = true; /* only URLs on the host that was given are asked */
    outbound->accepts = discovery_accepts;
    outbound->method = HTTP_METHOD_GET;
    outbound->url = url;
    outbound->timeout_ms = discovery->timeout_ms;
    outbound->callback = callback;
    outbound->context = discovery;
    if (discovery->asks != NULL)
        discovery->asks(discovery, document, url);
    outbound_start(outbound);
}

/* Whether the text looks like a version's name and may be logged and audited. A partner may send anything as
 * a name, also a token. */
static bool discovery_is_version(struct str name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
            return false;
    return name.length > 0 && name.length <= 8;
}

/* The URL that was called, without the query, which may hold a key. */
static struct str discovery_shown(struct str url)
{
    size_t query = str_find(url, '?');
    return query == SIZE_MAX ? url : str_of(url.data, query);
}

/* Why the last call failed: "https://… : HTTP 404, no version details". */
static struct str discovery_failure(struct discovery *discovery, const char *what)
{
    const struct outbound *outbound = &discovery->outbound;
    struct str url = discovery_shown(outbound->url);
    if (outbound->result != OK)
        return arena_printf(discovery->arena, STR_FMT ": " STR_FMT, STR_ARG(url), STR_ARG(outbound->error));
    if (outbound->answer.is_envelope && outbound->answer.status_code / 1000 != 1)
        return arena_printf(discovery->arena, STR_FMT ": HTTP %d with status_code %d, %s", STR_ARG(url),
                            outbound->status, outbound->answer.status_code, what);
    return arena_printf(discovery->arena, STR_FMT ": HTTP %d, %s", STR_ARG(url), outbound->status, what);
}

static void discovery_succeed(struct discovery *discovery)
{
    struct str details = discovery->outbound.url;
    discovery->used_raw = discovery->outbound.used_raw;
    if (discovery->versions_url.length == 0) /* no list answered: the details are what works */
        discovery->versions_url = details;
    discovery->proven = str_equal(discovery->versions_url, details)
                            ? details
                            : arena_printf(discovery->arena, STR_FMT " " STR_FMT,
                                           STR_ARG(discovery->versions_url), STR_ARG(details));
    discovery_end(discovery, OCPI_SUCCESS, STR_NONE);
}

/* The name of the version that the details are of; STR_NONE: they are of 2.2.1, or do not say. */
static struct str discovery_other_version(struct discovery *discovery, const struct json_value *details)
{
    struct str version = json_get_text(details, "version"), asked = discovery_shown(discovery->outbound.url);
    if (version.data == NULL || discovery_is_221(version))
        return STR_NONE;
    return arena_printf(discovery->arena, STR_FMT ": the version details are of " STR_FMT ", not of 2.2.1",
                        STR_ARG(asked), STR_ARG(discovery_is_version(version) ? version : STR("no version")));
}

static void discovery_read_details(struct discovery *discovery, const struct json_value *details)
{
    struct str other = discovery_other_version(discovery, details);
    if (other.data != NULL) {
        discovery_end(discovery, OCPI_UNSUPPORTED_VERSION, other);
        return;
    }
    discovery_take_endpoints(discovery, details);
    if (discovery->endpoint_count > 0)
        discovery_succeed(discovery);
    else
        discovery_end(discovery, OCPI_NO_MATCHING_ENDPOINTS,
                      arena_printf(discovery->arena,
                                   STR_FMT ": the version details list no endpoints%s" STR_FMT,
                                   STR_ARG(discovery_shown(discovery->outbound.url)),
                                   discovery->refused.length > 0 ? " that can be used: " : "",
                                   STR_ARG(discovery->refused)));
}

/* Whether the token was refused in both encodings. */
static void discovery_note(struct discovery *discovery)
{
    const struct outbound *outbound = &discovery->outbound;
    bool coded = outbound->status / 100 == 2 && outbound->answer.status_code / 1000 == 2;
    if (outbound->result == OK && (outbound->status == 401 || outbound->status == 403 || coded))
        discovery->unauthorized = true;
}

static void discovery_details_answered(struct outbound *outbound)
{
    struct discovery *discovery = MAGIC_CAST(struct discovery, outbound->context, DISCOVERY_MAGIC);
    const struct json_value *found;
    discovery_note(discovery);
    if (discovery_look(discovery->arena, outbound, &found) == DISCOVERY_DETAILS)
        discovery_read_details(discovery, found);
    else
        discovery_end(discovery, OCPI_UNABLE_TO_USE_API,
                      discovery_failure(discovery, "without version details"));
}

bool discovery_same_host(const struct discovery *discovery, struct str url)
{
    return outbound_same_host(discovery->arena, discovery->url, url);
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

/* The URL of the details of 2.2.1 that may be asked; else why not, with the code. */
static struct str discovery_find_details(struct discovery *discovery, const struct json_value *list,
                                         int *status, struct str *problem)
{
    struct error error;
    *status = OCPI_UNSUPPORTED_VERSION;
    *problem = discovery_listed(discovery->arena, list);
    for (const struct json_value *version = list->child; version != NULL; version = version->next) {
        struct str details;
        if (!discovery_is_221(json_get_text(version, "version")))
            continue;
        *status = OCPI_UNABLE_TO_USE_API;
        if (partner_url_read(discovery->hub, discovery->arena, json_get_text(version, "url"),
                             PARTNER_URL_DOCUMENT, &details, &error) != OK)
            *problem = arena_printf(discovery->arena, "the url of 2.2.1: %s", error.text);
        else if (!discovery_same_host(discovery, details))
            *problem = STR("the version details are on another host than the url of the credentials");
        else
            return arena_copy(discovery->arena, details);
    }
    return STR_NONE;
}

static void discovery_read_list(struct discovery *discovery, const struct json_value *list, struct str url)
{
    int status;
    struct str problem, details = discovery_find_details(discovery, list, &status, &problem);
    discovery->versions_url = url;
    if (details.data == NULL) {
        discovery_end(discovery, status,
                      arena_printf(discovery->arena, STR_FMT ": " STR_FMT, STR_ARG(discovery_shown(url)),
                                   STR_ARG(problem)));
        return;
    }
    discovery->raw_first = discovery->outbound.used_raw;
    discovery_get(discovery, "version details", details, discovery_details_answered);
}

static void discovery_try(struct discovery *discovery);

/* Why no candidate is a document: each with its HTTP status. */
static struct str discovery_no_document(struct discovery *discovery)
{
    struct str text = STR("neither versions nor version details at");
    for (unsigned i = 0; i < discovery->candidate_count; i++)
        text = arena_printf(discovery->arena, STR_FMT "%s" STR_FMT " (HTTP %d)", STR_ARG(text),
                            i == 0 ? " " : ", ", STR_ARG(discovery_shown(discovery->candidates[i])),
                            discovery->statuses[i]);
    return text;
}

static void discovery_answered(struct outbound *outbound)
{
    struct discovery *discovery = MAGIC_CAST(struct discovery, outbound->context, DISCOVERY_MAGIC);
    const struct json_value *found;
    struct str other;
    discovery_note(discovery);
    discovery->statuses[discovery->candidate] = outbound->status;
    switch (discovery_look(discovery->arena, outbound, &found)) {
    case DISCOVERY_LIST:
        discovery_read_list(discovery, found, discovery->candidates[discovery->candidate]);
        return;
    case DISCOVERY_DETAILS:
        other = discovery_other_version(discovery, found);
        if (other.data == NULL) {
            discovery_read_details(discovery, found);
            return;
        }
        discovery->other_version = other;
        break; /* a list may stand beside them */
    case DISCOVERY_NOTHING:
        break;
    }
    if (outbound->result != OK)
        discovery_end(discovery, OCPI_UNABLE_TO_USE_API, discovery_failure(discovery, ""));
    else if (++discovery->candidate < discovery->candidate_count)
        discovery_try(discovery);
    else if (discovery->other_version.data != NULL)
        discovery_end(discovery, OCPI_UNSUPPORTED_VERSION, discovery->other_version);
    else
        discovery_end(discovery, OCPI_UNABLE_TO_USE_API, discovery_no_document(discovery));
}

static void discovery_try(struct discovery *discovery)
{
    discovery_get(discovery, "versions", discovery->candidates[discovery->candidate], discovery_answered);
}

static void discovery_add_candidate(struct discovery *discovery, struct str url)
{
    for (unsigned i = 0; i < discovery->candidate_count; i++)
        if (str_equal(url_without_slash(discovery->candidates[i]), url_without_slash(url)))
            return;
    discovery->candidates[discovery->candidate_count++] = url;
}

void discovery_start(struct discovery *discovery)
{
    struct str url = url_without_slash(discovery->url);
    discovery->magic = DISCOVERY_MAGIC;
    discovery->candidate = discovery->candidate_count = 0;
    discovery_add_candidate(discovery, discovery->url);
    discovery_add_candidate(discovery, discovery_versions_url(discovery->arena, url));
    if (str_find(url, '?') == SIZE_MAX && !str_ends_with(url, STR("/versions")))
        discovery_add_candidate(discovery, url_join(discovery->arena, url, STR("versions")));
    if (discovery->learned.length > 0 && discovery_same_host(discovery, discovery->learned))
        discovery_add_candidate(discovery, discovery->learned);
    discovery_try(discovery);
}
