#include "hubd/calls/outbound.h"

#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/log.h"
#include "lib/base/magic.h"
#include "lib/ocpi/headers.h"

#define OUTBOUND_MAGIC    0x4f545244u
#define TRIAL_INTERVAL_MS 5000
#define HEADERS_MAX       9

enum outbound_obstacle outbound_find_obstacle(const struct registry_platform *platform)
{
    if (platform->token.data == NULL || platform->row.status == STORE_PLATFORM_PLANNED)
        return OUTBOUND_NOT_EXCHANGED;
    return platform->row.status == STORE_PLATFORM_CONNECTED ? OUTBOUND_FREE : OUTBOUND_OFFLINE;
}

bool outbound_may_try(const struct registry_platform *platform)
{
    enum outbound_obstacle obstacle = outbound_find_obstacle(platform);
    if (obstacle != OUTBOUND_OFFLINE)
        return obstacle == OUTBOUND_FREE;
    int64_t now = env_monotonic_ms();
    int64_t due = atomic_load(&platform->runtime->next_trial_ms);
    return now >= due &&
           atomic_compare_exchange_strong(&platform->runtime->next_trial_ms, &due, now + TRIAL_INTERVAL_MS);
}

bool outbound_same_host(struct arena *arena, struct str one, struct str other)
{
    struct url a, b;
    return url_parse(arena, one, &a, NULL) == OK && url_parse(arena, other, &b, NULL) == OK &&
           str_equal(a.host, b.host);
}

bool outbound_has_host(struct arena *arena, struct str urls, struct str url)
{
    struct str one;
    while (str_split(&urls, ' ', &one))
        if (one.length > 0 && outbound_same_host(arena, one, url))
            return true;
    return false;
}

static bool outbound_is_receivers_host(struct arena *arena, const struct registry_platform *platform,
                                       enum store_receiver_source source, struct str url)
{
    for (size_t i = 0; i < platform->party_count; i++) {
        const struct registry_party *party = platform->parties[i];
        for (size_t j = 0; j < party->receiver_count; j++)
            if (party->receivers[j].source == source &&
                outbound_same_host(arena, party->receivers[j].url, url))
                return true;
    }
    return false;
}

bool outbound_host_is_proven(struct arena *arena, const struct registry_platform *platform, struct str url)
{
    struct url target;
    struct str rest = platform->row.allowed_hosts, host;
    if (url_parse(arena, url, &target, NULL) != OK)
        return false;
    while (str_split(&rest, ' ', &host))
        if (host.length > 0 && str_equal_fold(host, target.host))
            return true;
    return outbound_has_host(arena, platform->row.proven, url) ||
           outbound_is_receivers_host(arena, platform, STORE_SOURCE_SET, url);
}

bool outbound_host_is_registered(struct arena *arena, const struct registry_platform *platform,
                                 struct str url)
{
    return outbound_host_is_proven(arena, platform, url) ||
           outbound_is_receivers_host(arena, platform, STORE_SOURCE_DISCOVERED, url);
}

/* ---------------------------------------------------------------- the ways to present a token */

struct outbound_credential {
    struct str token;
    bool raw, previous;
};

/* Chooses the next try of a call, in this order: the token and encoding that worked last, the other encoding,
 * then both encodings of the previous token. False: there are no more. */
static bool outbound_credential_at(const struct outbound *outbound, unsigned attempt,
                                   struct outbound_credential *out)
{
    const struct registry_platform *platform = outbound->platform;
    if (platform == NULL) {
        *out = (struct outbound_credential){outbound->token, outbound->raw_first != (attempt == 1), false};
        return attempt < 2;
    }
    unsigned forms = platform->row.encoding == STORE_ENCODING_AUTO ? 2 : 1;
    if (attempt >= forms * (outbound->overlap ? 2u : 1u))
        return false;
    out->raw = outbound->raw_first != (attempt % forms == 1);
    out->previous = outbound->overlap && (attempt / forms == 0) == outbound->previous_first;
    out->token = out->previous ? platform->previous_token : platform->token;
    return true;
}

static void outbound_remember(const struct outbound *outbound)
{
    struct outbound_credential used;
    if (outbound->platform == NULL || !outbound_credential_at(outbound, outbound->attempt, &used))
        return;
    struct registry_runtime *runtime = outbound->platform->runtime;
    if (outbound->platform->row.encoding == STORE_ENCODING_AUTO &&
        atomic_load(&runtime->raw_token) != used.raw)
        atomic_store(&runtime->raw_token, used.raw);
    if (atomic_load(&runtime->previous_token) != used.previous)
        atomic_store(&runtime->previous_token, used.previous);
}

/* ---------------------------------------------------------------- the call */

static void outbound_call(struct outbound *outbound);

/* How clearly an answer says that the token's encoding was not understood; 0: not at all. */
static int outbound_refusal(const struct outbound *outbound)
{
    const struct http_call *call = &outbound->call;
    if (call->result != OK)
        return 0;
    if (call->status == 401)
        return 1;
    if (!outbound->exchanging)
        return 0;
    if (call->status == 403)
        return 2;
    return call->status / 100 == 2 && outbound->answer.status_code / 1000 == 2 ? 3 : 0;
}

static void outbound_read(struct outbound *outbound)
{
    struct http_call *call = &outbound->call;
    memset(&outbound->answer, 0, sizeof outbound->answer);
    if (call->result == OK)
        ocpi_answer_read(outbound->arena, call->answer, outbound->unwrap, &outbound->answer);
}

/* Whether the answer comes from the partner itself and not from a proxy before it. */
static bool outbound_is_valid(const struct outbound *outbound)
{
    const struct http_call *call = &outbound->call;
    if (call->result != OK || call->status >= 500 || call->status == 401)
        return false;
    return outbound->answer.is_envelope || (call->status / 100 == 2 && call->answer.length == 0) ||
           (outbound->accepts != NULL && outbound->accepts(outbound));
}

/* Logs why TLS fails, once per platform and reason: every further call fails the same way until somebody
 * changes a file. A success elsewhere, as of a platform with URLs at several hosts, is no end of it. */
static void outbound_note_trust(const struct outbound *outbound)
{
    const struct registry_platform *platform = outbound->platform;
    const struct http_call *call = &outbound->call;
    if (platform == NULL || (call->result != OK && !call->untrusted))
        return;
    struct registry_runtime *runtime = platform->runtime;
    uint64_t reason = call->untrusted ? str_hash(str_from(call->error.text)) : 0;
    if (atomic_load(&runtime->distrust) == reason)
        return;
    uint64_t at = str_hash(url_text_origin(call->url));
    if (reason == 0 && atomic_load(&runtime->distrust_at) != at)
        return;
    if (atomic_exchange(&runtime->distrust, reason) == reason || reason == 0)
        return;
    atomic_store(&runtime->distrust_at, at);
    log_warn("%s: %s", platform->party_count > 0 ? platform->parties[0]->id : "a platform", call->error.text);
}

bool outbound_is_impossible(const struct outbound *outbound)
{
    return outbound->result == ERR_INVALID && !outbound->call.sent;
}

static void outbound_finish(struct outbound *outbound)
{
    struct http_call *call = &outbound->call;
    outbound->result = call->result;
    outbound->status = call->status;
    outbound->error = str_from(call->error.text);
    outbound->answer_headers = call->answer_headers;
    outbound->answer_header_count = call->answer_header_count;
    outbound->raw_answer = call->answer;
    outbound->latency_ms = outbound->timeout_ms - (outbound->deadline_ms - env_monotonic_ms());
    outbound_note_trust(outbound);
    bool valid = outbound_is_valid(outbound);
    if (valid && outbound_refusal(outbound) == 0)
        outbound_remember(outbound);
    if (outbound->hub->observer != NULL)
        outbound->hub->observer->ended(outbound, valid);
    struct registry_snapshot *snapshot = outbound->snapshot;
    struct registry_view *view = outbound->view;
    outbound->magic = 0; /* unless the callback starts it anew */
    outbound->callback(outbound);
    if (snapshot != NULL)
        registry_release(view, snapshot);
}

/* Whether another try follows this answer: any after a 401; after another answer that may mean the encoding,
 * only the same token in the other encoding. */
static bool outbound_has_next(const struct outbound *outbound, int refusal)
{
    struct outbound_credential used, next;
    return refusal > 0 && outbound_credential_at(outbound, outbound->attempt, &used) &&
           outbound_credential_at(outbound, outbound->attempt + 1, &next) &&
           (refusal == 1 || used.previous == next.previous);
}

static void outbound_called(struct http_call *call)
{
    struct outbound *outbound = MAGIC_CAST(struct outbound, call->context, OUTBOUND_MAGIC);
    struct outbound_refused *refused = &outbound->refused;
    outbound_read(outbound);
    int refusal = outbound_refusal(outbound);
    if (refusal > refused->weight)
        *refused = (struct outbound_refused){refusal, call->status, call->answer_headers,
                                             call->answer_header_count, call->answer};
    if (outbound_has_next(outbound, refusal)) {
        outbound->attempt++;
        outbound_call(outbound);
        return;
    }
    if (refusal > 0 && refusal <= refused->weight) { /* the one that says most */
        call->status = refused->status;
        call->answer_headers = refused->headers;
        call->answer_header_count = refused->header_count;
        call->answer = refused->body;
        outbound_read(outbound);
    }
    outbound_finish(outbound);
}

static void outbound_call(struct outbound *outbound)
{
    struct http_header headers[HEADERS_MAX];
    size_t count = 0;
    struct outbound_credential credential;
    outbound_credential_at(outbound, outbound->attempt, &credential);
    outbound->used_raw = credential.raw;
    bool trusted = outbound->trusted || outbound->platform == NULL ||
                   outbound_host_is_registered(outbound->arena, outbound->platform, outbound->url);
    if (trusted)
        headers[count++] = (struct http_header){
            STR("Authorization"), ocpi_authorization_make(outbound->arena, credential.token, credential.raw)};
    headers[count++] =
        (struct http_header){STR(OCPI_HEADER_REQUEST_ID), str_from(uuid_make(outbound->request_id))};
    headers[count++] = (struct http_header){STR(OCPI_HEADER_CORRELATION_ID), outbound->correlation_id};
    if (outbound->routed) {
        headers[count++] = (struct http_header){STR(OCPI_HEADER_TO_COUNTRY_CODE), outbound->to_country};
        headers[count++] = (struct http_header){STR(OCPI_HEADER_TO_PARTY_ID), outbound->to_party};
        const struct conf *conf = &outbound->hub->conf;
        bool hub = outbound->platform != NULL && outbound->platform->row.from_hub;
        headers[count++] = (struct http_header){STR(OCPI_HEADER_FROM_COUNTRY_CODE),
                                                hub ? str_from(conf->country_code) : outbound->from_country};
        headers[count++] = (struct http_header){STR(OCPI_HEADER_FROM_PARTY_ID),
                                                hub ? str_from(conf->party_id) : outbound->from_party};
    }
    if (outbound->via.length > 0)
        headers[count++] = (struct http_header){STR("Via"), outbound->via};
    if (outbound->body.length > 0)
        headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    struct http_call *call = &outbound->call;
    memset(call, 0, sizeof *call);
    if (outbound->client == NULL) { /* the loop is ending */
        call->result = error_set(&call->error, ERR_CLOSED, "the hub is shutting down");
        outbound_finish(outbound);
        return;
    }
    call->arena = outbound->arena;
    call->method = outbound->method;
    call->url = outbound->url;
    call->headers = headers;
    call->header_count = count;
    call->body = outbound->body;
    int64_t left = outbound->deadline_ms - env_monotonic_ms(); /* all tries together */
    call->timeout_ms = left < 1 ? 1 : left;
    call->once = outbound->once;
    call->callback = outbound_called;
    call->context = outbound;
    http_client_start(outbound->client, call);
}

/*
 * Takes token and encoding that worked last as they are now: calls at the same time may learn it meanwhile.
 */
static void outbound_choose_order(struct outbound *outbound)
{
    const struct registry_platform *platform = outbound->platform;
    if (platform == NULL)
        return;
    outbound->raw_first = platform->row.encoding == STORE_ENCODING_AUTO
                              ? atomic_load(&platform->runtime->raw_token)
                              : platform->row.encoding == STORE_ENCODING_RAW;
    outbound->overlap = platform->previous_token.data != NULL &&
                        platform->row.previous_token_until > hub_kept_ms(outbound->hub);
    outbound->previous_first = outbound->overlap && atomic_load(&platform->runtime->previous_token);
}

bool outbound_hold_platform(struct outbound *outbound, struct registry_view *view, int64_t platform)
{
    outbound->view = view;
    outbound->snapshot = registry_hold(view);
    outbound->platform = registry_find_platform(outbound->snapshot, platform);
    if (outbound->platform != NULL && outbound->platform->token.data != NULL)
        return true;
    registry_release(view, outbound->snapshot);
    outbound->snapshot = NULL;
    outbound->platform = NULL;
    return false;
}

void outbound_cancel(struct outbound *outbound)
{
    http_client_cancel(outbound->client, &outbound->call);
}

void outbound_start(struct outbound *outbound)
{
    outbound->magic = OUTBOUND_MAGIC;
    outbound->attempt = 0;
    outbound->refused = (struct outbound_refused){0};
    outbound->deadline_ms = env_monotonic_ms() + outbound->timeout_ms;
    outbound_choose_order(outbound);
    if (outbound->correlation_id.length == 0) {
        char *made = arena_alloc(outbound->arena, UUID_SIZE);
        outbound->correlation_id = made == NULL ? STR("-") : str_from(uuid_make(made));
    }
    outbound_call(outbound);
}
