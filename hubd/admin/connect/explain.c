#include "hubd/admin/connect/connect.h"

#include <stdio.h>

#include "hubd/admin/check/check.h"
#include "hubd/admin/refusal.h"
#include "hubd/calls/secret.h"
#include "hubd/calls/sentence.h"
#include "lib/http/url.h"

/* Why a call did not get an answer at all. */
static const struct {
    int result;
    enum ctl_code code;
    const char *hint;
} failures[] = {
    {ERR_REFUSED, CTL_INVALID,
     "hubd's settings allow_networks and allow_private_networks say what it may call"},
    {ERR_UNREACHABLE, CTL_PARTNER, "is the URL right, and does the partner let the hub's address in?"},
    {ERR_TIMEOUT, CTL_PARTNER, "the same command again when the partner's system answers"},
    {ERR_CLOSED, CTL_BUSY, "the same command again when hubd is up"},
    {ERR_SHORT, CTL_BUSY, "the same command again: the hub had no connection free"},
    {ERR_MEMORY, CTL_BUSY, "the same command again: the hub had no memory"},
};

static bool refuse_call(struct connect *connect, const struct outbound *outbound, const char *what,
                        struct str text)
{
    enum ctl_code code = CTL_PARTNER;
    const char *hint = CONNECT_ASK_PARTNER;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].result == outbound->result &&
            outbound->status == 0) { /* else a redirect is refused */
            code = failures[i].code;
            hint = outbound->call.untrusted
                       ? check_remedy_hint(connect->arena, check_remedy_of(outbound)).data
                       : failures[i].hint;
        }
    return refusal_set(&connect->refusal, code, hint, "party " STR_FMT ": %s: " STR_FMT, STR_ARG(connect->id),
                       what, STR_ARG(text));
}

/* The token was sent raw and in Base64. A partner may understand only one form, and refuse the other. */
static bool refuse_token(struct connect *connect, const char *what, const struct outbound *outbound)
{
    struct str url = url_text_without_query(outbound->url);
    char code[40] = "";
    if (outbound->answer.is_envelope)
        snprintf(code, sizeof code, ", status_code %d", outbound->answer.status_code);
    struct str hint = arena_printf(connect->arena,
                                   "%s; hubctl party set " STR_FMT
                                   " --token-encoding raw (or base64) where it reads only one form",
                                   connect->kind->refused, STR_ARG(connect->id));
    return refusal_set(&connect->refusal, CTL_PARTNER, hint.data,
                       "party " STR_FMT ": %s: the partner refuses the token, raw and in Base64, at " STR_FMT
                       " (HTTP %d%s)",
                       STR_ARG(connect->id), what, STR_ARG(url), outbound->status, code);
}

/* ": " and the partner's own message without tokens in it; empty: there is none. */
static struct str partners_words(struct connect *connect, const struct outbound *outbound)
{
    struct registry_view *view = connect->hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_platform *platform = registry_find_platform(snapshot, connect->platform);
    struct registry_platform shown = {.token = connect->token, .previous_token = connect->hub_token};
    struct str type =
        http_header_find(outbound->answer_headers, outbound->answer_header_count, "Content-Type");
    struct str words = sentence_of_body(connect->arena, &shown, outbound->raw_answer, type);
    const struct str tokens[] = {connect->token, connect->hub_token,
                                 platform == NULL ? STR("") : platform->token,
                                 platform == NULL ? STR("") : platform->previous_token};
    bool repeats =
        secret_is_in(connect->arena, tokens, sizeof tokens / sizeof tokens[0], outbound->raw_answer);
    if (platform != NULL)
        words = sentence_clean(connect->arena, platform, words);
    registry_release(view, snapshot);
    return words.length == 0 ? STR("")
                             : arena_printf(connect->arena, ": " STR_FMT "%s", STR_ARG(words),
                                            repeats ? " (it repeats a token, which is not shown)" : "");
}

/* What helps with the document that was asked for last. */
static const char *discovery_hint(const struct discovery *discovery)
{
    switch (discovery->status) {
    case OCPI_UNSUPPORTED_VERSION:
        return "the hub speaks OCPI 2.2.1 alone: the partner must offer it there";
    case OCPI_NO_MATCHING_ENDPOINTS:
        return "the partner must list its endpoints in the version details of 2.2.1";
    default:
        return discovery->versions_url.length > 0
                   ? "the versions list is good: the partner's version details of 2.2.1 are not"
                   : "the URL must be that of the partner's versions list";
    }
}

bool connect_explain_discovery(struct connect *connect, const struct discovery *discovery)
{
    if (discovery->outbound.result != OK)
        return refuse_call(connect, &discovery->outbound, "discovery", discovery->message);
    if (discovery->unauthorized)
        return refuse_token(connect, "discovery", &discovery->outbound);
    return refusal_set(&connect->refusal, CTL_PARTNER, discovery_hint(discovery),
                       "party " STR_FMT ": discovery: " STR_FMT " (%d)" STR_FMT, STR_ARG(connect->id),
                       STR_ARG(discovery->message), discovery->status,
                       STR_ARG(discovery->outbound.status / 100 == 2
                                   ? STR("")
                                   : partners_words(connect, &discovery->outbound)));
}

bool connect_explain_answer(struct connect *connect)
{
    const struct outbound *outbound = &connect->outbound;
    const struct ocpi_answer *answer = &outbound->answer;
    struct str url = url_text_without_query(outbound->url);
    char what[32];
    snprintf(what, sizeof what, "%s credentials", http_method_name(connect->kind->method));
    if (outbound->result != OK) {
        connect->taken = outbound->call.sent;
        refuse_call(
            connect, outbound, what,
            arena_printf(connect->arena, STR_FMT ": " STR_FMT, STR_ARG(url), STR_ARG(outbound->error)));
        if (connect->taken && !connect->kind->first)
            connect->refusal.code = CTL_UNCERTAIN;
        return false;
    }
    if (outbound->status == 401 || outbound->status == 403)
        return refuse_token(connect, what, outbound);
    if (outbound->status == 405)
        return refusal_set(&connect->refusal, CTL_CONFLICT, connect->kind->method_refused,
                           "party " STR_FMT ": %s: " STR_FMT " does not take it (HTTP 405)",
                           STR_ARG(connect->id), what, STR_ARG(url));
    if (answer->is_envelope && answer->status_code / 1000 != 1)
        return refusal_set(&connect->refusal, CTL_PARTNER, CONNECT_ASK_PARTNER,
                           "party " STR_FMT ": %s: " STR_FMT " answers %d" STR_FMT " (HTTP %d)",
                           STR_ARG(connect->id), what, STR_ARG(url), answer->status_code,
                           STR_ARG(partners_words(connect, outbound)), outbound->status);
    connect->taken = outbound->status / 100 == 2 || outbound->status >= 500;
    return refusal_set(&connect->refusal, CTL_PARTNER, CONNECT_ASK_PARTNER,
                       "party " STR_FMT ": %s: the answer of " STR_FMT
                       " holds no Credentials (HTTP %d)" STR_FMT,
                       STR_ARG(connect->id), what, STR_ARG(url), outbound->status,
                       STR_ARG(partners_words(connect, outbound)));
}
