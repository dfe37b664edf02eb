#include "hubd/admin/check/check.h"
#include "hubd/registry/interfaces.h"
#include "lib/base/timestamp.h"
#include "lib/http/url.h"

/* The partner's platform: one discovery, looked at from its host to its endpoints. */

#define SKEW_WARN_MS 30000
#define SKEW_FAIL_MS 300000

/* ---------------------------------------------------------------- address and TLS */

static struct url parsed(struct check *check, struct str text)
{
    struct url url = {0};
    (void)url_parse(&check->scratch, text, &url, NULL);
    return url;
}

static bool answers(const struct check *check)
{
    const struct outbound *outbound = &check->discovery.outbound;
    return outbound->result == OK && outbound->url.data != NULL; /* else it was not called */
}

/* An interface may be on another system than the versions. */
static bool has_other_system(struct check *check)
{
    const struct registry_party *party = check->party;
    struct url versions = parsed(check, check->discovery.url);
    for (size_t i = 0; i < party->receiver_count; i++) {
        struct url url = parsed(check, party->receivers[i].url);
        if (url.port != versions.port || !str_equal(url.host, versions.host))
            return true;
    }
    return false;
}

static void looked(struct check *check)
{
    const struct outbound *outbound = &check->discovery.outbound;
    struct url url = parsed(check, check->discovery.url);
    if (answers(check) || has_other_system(check))
        check->level = CHECK_LEVEL_ANSWERS;
    if (answers(check) || outbound->call.untrusted)
        check_report(check, "address", STR_NONE, CHECK_OK, REMEDY_NONE,
                     STR_FMT " accepts connections on port %u", STR_ARG(url.host), url.port);
    else
        check_report_call(check, "address", STR_NONE, outbound,
                          outbound->error.length > 0 ? outbound->error : check->discovery.message);
}

void check_address(struct check *check)
{
    check_discover(check, looked);
}

/* How many of the URLs that the hub calls are not https. */
static size_t count_cleartext(const struct check *check, struct str *first)
{
    const struct registry_party *party = check->party;
    size_t count = 0;
    for (size_t i = 0; i <= party->receiver_count; i++) {
        struct str url = i == 0 ? check->discovery.url : party->receivers[i - 1].url;
        if (!str_starts_with(url, STR("http:")))
            continue;
        if (count++ == 0)
            *first = url;
    }
    return count;
}

void check_tls(struct check *check)
{
    const struct outbound *outbound = &check->discovery.outbound;
    struct str first = STR_NONE;
    size_t cleartext = count_cleartext(check, &first);
    if (outbound->call.untrusted)
        check_report(check, "tls", STR_NONE, CHECK_FAIL, check_remedy_of(outbound), STR_FMT,
                     STR_ARG(outbound->error));
    else if (cleartext > 0)
        check_report(check, "tls", STR_NONE, CHECK_WARN, REMEDY_CLEARTEXT,
                     "%zu of %zu URL%s not https, the first is " STR_FMT, cleartext,
                     check->party->receiver_count + 1, cleartext == 1 ? " is" : "s are",
                     STR_ARG(url_text_without_query(first)));
    else if (outbound->result != OK)
        check_report(check, "tls", STR_NONE, CHECK_SKIPPED, REMEDY_NONE,
                     "the partner's system does not answer");
    else
        check_report(check, "tls", STR_NONE, CHECK_OK, REMEDY_NONE, "https, the certificate verifies");
}

/* ---------------------------------------------------------------- versions and details */

/* The last answer is that of the version details: the list, if there is one, was good. */
static bool list_was_good(const struct discovery *discovery)
{
    return discovery->status == OCPI_SUCCESS ||
           (discovery->versions_url.length > 0 &&
            !str_equal(discovery->outbound.url, discovery->versions_url));
}

/* Neither the versions nor the clock can be checked. */
static bool skips_silent(struct check *check, const char *name)
{
    if (answers(check))
        return false;
    check_report(check, name, STR_NONE, CHECK_SKIPPED, REMEDY_NONE,
                 "the system of its versions does not answer");
    return true;
}

void check_versions(struct check *check)
{
    const struct discovery *discovery = &check->discovery;
    if (skips_silent(check, "versions"))
        return;
    if (list_was_good(discovery)) {
        check_report(check, "versions", STR_NONE, CHECK_OK, REMEDY_NONE,
                     "%s, answered in %lld ms; the token is taken %s",
                     !str_equal(discovery->versions_url, discovery->outbound.url)
                         ? "the list has 2.2.1"
                         : "the details of 2.2.1 are there",
                     (long long)discovery->outbound.latency_ms, discovery->used_raw ? "raw" : "in Base64");
    } else if (discovery->unauthorized) {
        check_report(check, "versions", STR_NONE, CHECK_FAIL, REMEDY_REFUSED,
                     STR_FMT ": HTTP %d: the token is refused, raw and in Base64",
                     STR_ARG(url_text_without_query(discovery->outbound.url)), discovery->outbound.status);
    } else {
        bool envelope = discovery->outbound.answer.is_envelope;
        check_report(check, "versions", STR_NONE, CHECK_FAIL, envelope ? REMEDY_VERSIONS : REMEDY_ENVELOPE,
                     STR_FMT, STR_ARG(discovery->message));
    }
}

/* ---------------------------------------------------------------- endpoints */

static bool lists_endpoint(const struct discovery *discovery, enum ocpi_module module, bool receiver)
{
    for (size_t i = 0; i < discovery->endpoint_count; i++)
        if (ocpi_module_find(discovery->endpoints[i].module) == module &&
            (receiver ? discovery->endpoints[i].receiver : discovery->endpoints[i].sender))
            return true;
    return false;
}

/* Several things may be wrong with the endpoints: all are in the text, the worst decides the remedy. */
struct endpoints {
    enum check_result result;
    enum check_remedy remedy;
    struct str module;
    struct buffer text;
};

static void note(struct endpoints *endpoints, enum check_result result, enum check_remedy remedy,
                 struct str module, struct str text)
{
    if (result > endpoints->result) {
        endpoints->result = result;
        endpoints->remedy = remedy;
        endpoints->module = module;
    }
    buffer_printf(&endpoints->text, "%s" STR_FMT, endpoints->text.length > 0 ? "; " : "", STR_ARG(text));
}

static void look_for_needed(struct check *check, struct endpoints *endpoints)
{
    const struct interfaces_row *need;
    for (size_t i = 0; (need = interfaces_need_at(check->party->row.roles, i)) != NULL; i++) {
        if (registry_receiver_url(check->party, need->module).data != NULL ||
            lists_endpoint(&check->discovery, need->module, true))
            continue;
        bool other = lists_endpoint(&check->discovery, need->module, false);
        note(endpoints, CHECK_FAIL, REMEDY_ENDPOINT, str_from(ocpi_module_name(need->module)),
             arena_printf(&check->scratch, "%s is %s: %s", ocpi_module_name(need->module),
                          other ? "listed as SENDER only" : "not listed as RECEIVER", need->without));
    }
}

/* Checks the identifiers as the partner wrote them, since discovery accepts other spellings. */
static void look_at_spelling(struct check *check, struct endpoints *endpoints)
{
    const struct json_value *details;
    (void)discovery_look(&check->scratch, &check->discovery.outbound, &details);
    const struct json_value *list = json_get(details, "endpoints");
    for (const struct json_value *entry = list == NULL ? NULL : list->child; entry != NULL;
         entry = entry->next) {
        struct str identifier = json_get_text(entry, "identifier"), role = json_get_text(entry, "role");
        struct str url = json_get_text(entry, "url");
        bool upper = false;
        for (size_t i = 0; i < identifier.length; i++)
            upper = upper || (identifier.data[i] >= 'A' && identifier.data[i] <= 'Z');
        bool known = str_equal(role, STR("SENDER")) || str_equal(role, STR("RECEIVER"));
        bool whole = parsed(check, url).host.length > 0;
        identifier = arena_printf(&check->scratch, "%.*s",
                                  (int)(identifier.length < 40 ? identifier.length : 40), identifier.data);
        if (identifier.length == 0 || upper || !known || !whole)
            note(endpoints, CHECK_WARN, REMEDY_IDENTIFIER, STR_NONE,
                 arena_printf(&check->scratch, "\"" STR_FMT "\" is listed with %s", STR_ARG(identifier),
                              !whole  ? "no URL"
                              : known ? "letters that are not lower case"
                                      : "a role that is none"));
        else if (!outbound_host_is_registered(&check->scratch, check->party->platform, url))
            note(endpoints, CHECK_WARN, REMEDY_HOST, STR_NONE,
                 arena_printf(&check->scratch, STR_FMT " is on another host: " STR_FMT, STR_ARG(identifier),
                              STR_ARG(parsed(check, url).host)));
    }
}

/* Compares the receivers that are stored with the endpoints that are listed now. */
static void compare(struct check *check, struct endpoints *endpoints)
{
    const struct discovery *discovery = &check->discovery;
    for (size_t i = 0; i < discovery->endpoint_count; i++) {
        const struct discovery_endpoint *listed = &discovery->endpoints[i];
        unsigned roles = check->party->row.roles;
        enum ocpi_module module = ocpi_module_find(listed->module);
        struct str key = listed->receiver ? interfaces_key(roles, module, true) : STR_NONE;
        if (key.data == NULL && listed->sender)
            key = interfaces_key(roles, module, false);
        if (key.data == NULL)
            continue;
        const struct store_receiver *kept = registry_receiver(check->party, key);
        bool set = kept != NULL && kept->source == STORE_SOURCE_SET;
        if (kept != NULL && str_equal(kept->url, listed->url))
            continue;
        note(endpoints, CHECK_WARN, set ? REMEDY_DIFFERS : REMEDY_DISCOVER, key,
             arena_printf(&check->scratch, STR_FMT " is listed as " STR_FMT ", and %s " STR_FMT, STR_ARG(key),
                          STR_ARG(url_text_without_query(listed->url)),
                          kept == NULL ? "not known here"
                          : set        ? "set here to"
                                       : "was",
                          STR_ARG(kept == NULL ? STR_NONE : url_text_without_query(kept->url))));
    }
}

void check_endpoints(struct check *check)
{
    const struct discovery *discovery = &check->discovery;
    struct endpoints endpoints = {0};
    if (discovery->status != OCPI_SUCCESS && list_was_good(discovery)) {
        check_report(check, "endpoints", STR_NONE, CHECK_FAIL,
                     discovery->unauthorized ? REMEDY_REFUSED : REMEDY_DETAILS, STR_FMT,
                     STR_ARG(discovery->message));
        return;
    }
    look_for_needed(check, &endpoints);
    if (discovery->status == OCPI_SUCCESS) {
        look_at_spelling(check, &endpoints);
        compare(check, &endpoints);
    } else if (endpoints.text.length == 0) {
        buffer_printf(&endpoints.text,
                      "all that are needed are kept here, but not compared with its versions");
    }
    if (endpoints.text.length == 0)
        buffer_printf(&endpoints.text, "%zu interfaces are listed, all as they are kept here",
                      discovery->endpoint_count);
    check->about = endpoints.module;
    check_report(check, "endpoints", STR_NONE, endpoints.result, endpoints.remedy, STR_FMT,
                 STR_ARG(buffer_str(&endpoints.text)));
    buffer_free(&endpoints.text);
}

/* ---------------------------------------------------------------- clock */

/* How far the clock is outside of the time that the call took; 0: within it. */
static int64_t skew(const struct check *check, int64_t theirs)
{
    int64_t end = check->answered_wall, begin = end - check->discovery.outbound.latency_ms;
    return theirs < begin ? theirs - begin : theirs > end ? theirs - end : 0;
}

/* The partner's clock from the envelope of its versions, else from the HTTP header Date. */
static bool read_time(struct check *check, bool *stamped, int64_t *theirs)
{
    const struct outbound *outbound = &check->discovery.outbound;
    const struct json_value *envelope = NULL;
    *stamped = json_parse(&check->scratch, outbound->raw_answer, JSON_DEPTH_MAX, &envelope, NULL) == OK &&
               timestamp_parse(json_get_text(envelope, "timestamp"), theirs);
    return *stamped ||
           timestamp_parse_http(
               http_header_find(outbound->answer_headers, outbound->answer_header_count, "Date"), theirs);
}

void check_clock(struct check *check)
{
    char duration[24];
    int64_t theirs;
    if (skips_silent(check, "clock"))
        return;
    bool stamped, read = read_time(check, &stamped, &theirs);
    if (!stamped && (!read || check->discovery.status == OCPI_SUCCESS)) {
        check_report(check, "clock", STR_NONE, CHECK_WARN, REMEDY_TIMESTAMP,
                     "the envelope of its versions has no timestamp");
        return;
    }
    int64_t off = skew(check, theirs), far = off < 0 ? -off : off;
    far -= far % 1000;
    if (far <= SKEW_WARN_MS)
        check_report(check, "clock", STR_NONE, CHECK_OK, REMEDY_NONE, "within %d s of the hub's",
                     far < 1000 ? 1 : SKEW_WARN_MS / 1000);
    else
        check_report(check, "clock", STR_NONE, far > SKEW_FAIL_MS ? CHECK_FAIL : CHECK_WARN, REMEDY_CLOCK,
                     "%s %s the hub's", duration_format(far, duration), off < 0 ? "behind" : "ahead of");
}
