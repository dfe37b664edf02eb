#include "hubd/admin/connect/connect.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"

#include "hubd/calls/partner_url.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/http/url.h"
#include "lib/ocpi/headers.h"
#include "lib/ocpi/validate.h"

/* The partner calls the hub back before it answers, each of its calls with a timeout of its own. */
#define ANSWER_CALLS 4

static const struct connect_kind connect_register = {
    .action = "party.connect",
    .method = HTTP_METHOD_POST,
    .first = true,
    .refused = "ask the partner for a fresh token: this one is mistyped, used up or expired",
    .method_refused =
        "the hub is registered there already: ask the partner to unregister it and for a fresh token",
};
static const struct connect_kind connect_rotate = {
    .action = "token.rotate",
    .method = HTTP_METHOD_PUT,
    .refused = "ask the partner for its current token (its PUT credentials brings it), or begin anew: token "
               "issue --force",
    .method_refused = "the hub is not registered there any more: begin anew with token issue --force",
};
static const struct connect_kind connect_discover = {
    .action = "receiver.discover",
    .looks = true,
    .refused = "ask the partner for its current token: its PUT credentials brings it",
};

/* ---------------------------------------------------------------- states */

static const uint32_t connect_next[] = {
    [CONNECT_BEGUN] = SM_TO(CONNECT_DISCOVERING) | SM_TO(CONNECT_STORING_TOKEN) | SM_TO(CONNECT_FAILING),
    [CONNECT_DISCOVERING] = SM_TO(CONNECT_STORING_TOKEN) | SM_TO(CONNECT_STORING) | SM_TO(CONNECT_FAILING),
    [CONNECT_STORING_TOKEN] = SM_TO(CONNECT_CALLING) | SM_TO(CONNECT_FAILING),
    [CONNECT_CALLING] = SM_TO(CONNECT_DISCOVERING_AGAIN) | SM_TO(CONNECT_STORING) | SM_TO(CONNECT_FAILING),
    [CONNECT_DISCOVERING_AGAIN] = SM_TO(CONNECT_STORING),
    [CONNECT_STORING] = SM_TO(CONNECT_FAILING) | SM_TO(CONNECT_ENDED),
    [CONNECT_FAILING] = SM_TO(CONNECT_ENDED),
    [CONNECT_ENDED] = 0,
};
static const char *const connect_names[] = {
    [CONNECT_BEGUN] = "begun",
    [CONNECT_DISCOVERING] = "discovering",
    [CONNECT_STORING_TOKEN] = "storing the token",
    [CONNECT_CALLING] = "calling",
    [CONNECT_DISCOVERING_AGAIN] = "discovering again",
    [CONNECT_STORING] = "storing",
    [CONNECT_FAILING] = "failing",
    [CONNECT_ENDED] = "ended",
};
const struct sm connect_states = {"registration by the account team", connect_names, connect_next,
                                  sizeof connect_next / sizeof connect_next[0]};

void connect_move(struct connect *connect, enum connect_state next)
{
    sm_check(&connect_states, connect->state, next, connect);
    connect->state = next;
}

static bool is_ending(struct connect *connect)
{
    if (!atomic_load(&connect->hub->draining))
        return false;
    refusal_set(&connect->refusal, CTL_BUSY, "the same command again when hubd is up",
                "party " STR_FMT ": hubd is shutting down", STR_ARG(connect->id));
    return true;
}

/* ---------------------------------------------------------------- what it is at */

/* The reports are few, so a slow reader need not be waited for. A client that hangs up does not end the exchange. */
static void connect_report(struct connect *connect, const char *what, struct str url)
{
    url = url_text_without_query(url);
    struct str text =
        arena_printf(connect->arena, "party " STR_FMT ": %s " STR_FMT "; hubd goes on when you leave",
                     STR_ARG(connect->id), what, STR_ARG(url));
    ctl_progress(connect->request, text, 0, 0);
}

static void asks(struct discovery *discovery, const char *document, struct str url)
{
    struct connect *connect = MAGIC_CAST(struct connect, discovery->context, CONNECT_MAGIC);
    connect_report(connect, arena_printf(connect->arena, "reading %s at", document).data, url);
}

/* ---------------------------------------------------------------- discovery */

static void discover(struct connect *connect, struct discovery *discovery, struct str url, struct str token,
                     void (*done)(struct discovery *discovery))
{
    struct hub *hub = connect->hub;
    if (is_ending(connect)) {
        connect_fail(connect);
        return;
    }
    connect_move(connect, discovery == &connect->found ? CONNECT_DISCOVERING : CONNECT_DISCOVERING_AGAIN);
    discovery->arena = connect->arena;
    discovery->hub = hub;
    discovery->timeout_ms = hub->conf.discovery_timeout;
    discovery->client = hub->control_client;
    discovery->url = url;
    discovery->learned = connect->learned;
    discovery->token = token;
    discovery->raw_first = connect->raw_first;
    if (token.data == NULL) {
        discovery->view = hub->control_view;
        discovery->platform = connect->platform;
    }
    discovery->correlation_id = connect->correlation_id;
    discovery->asks = asks;
    discovery->done = done;
    discovery->context = connect;
    connect->calling = &discovery->outbound;
    discovery_start(discovery);
}

/* ---------------------------------------------------------------- the exchange */

static void found_again(struct discovery *discovery)
{
    struct connect *connect = MAGIC_CAST(struct connect, discovery->context, CONNECT_MAGIC);
    connect->calling = NULL;
    connect_store_result(connect);
}

static bool check_credentials(struct connect *connect)
{
    struct registry_view *view = connect->hub->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_platform *platform = registry_find_platform(snapshot, connect->platform);
    /* when it was removed, storing the result finds that */
    bool good = platform == NULL || connect_check_credentials(connect, snapshot, platform, &connect->refusal);
    registry_release(view, snapshot);
    return good;
}

/* The Credentials of the answer; false: refused. The roles are looked at when they are stored too. */
static bool read_credentials(struct connect *connect)
{
    const struct outbound *outbound = &connect->outbound;
    const struct json_value *data = outbound->answer.data;
    struct ocpi_findings findings;
    if (outbound->result != OK || outbound->status / 100 != 2 || !outbound->answer.is_envelope ||
        outbound->answer.status_code / 1000 != 1 || data == NULL || data->type != JSON_OBJECT)
        return connect_explain_answer(connect);
    connect->taken = true;
    connect->credentials = data;
    ocpi_validate(connect->arena, &ocpi_credentials, data, false, &findings);
    if (ocpi_findings_refuse(&findings, connect->hub->conf.validation == CONF_VALIDATION_STRICT)) {
        struct str text = ocpi_findings_text(connect->arena, &findings);
        return refusal_set(&connect->refusal, CTL_PARTNER, CONNECT_ASK_PARTNER,
                           "party " STR_FMT ": the partner's credentials: " STR_FMT, STR_ARG(connect->id),
                           STR_ARG(text));
    }
    return check_credentials(connect);
}

static void answered(struct outbound *outbound)
{
    struct connect *connect = MAGIC_CAST(struct connect, outbound->context, CONNECT_MAGIC);
    connect->calling = NULL;
    connect->raw_first = outbound->used_raw;
    if (!read_credentials(connect))
        connect_fail(connect);
    else if (connect->hub->conf.discovery == CONF_DISCOVERY_OFF)
        connect_store_result(connect);
    else
        discover(connect, &connect->found_again, json_get_text(connect->credentials, "url"),
                 json_get_text(connect->credentials, "token"), found_again);
}

static struct str own_credentials(struct connect *connect)
{
    struct buffer body = {0};
    registration_write_credentials(&body, connect->hub, connect->hub_token, true);
    struct str copy = body.failed ? STR_NONE : arena_copy(connect->arena, buffer_str(&body));
    if (body.data != NULL)
        crypto_wipe(body.data, body.capacity);
    buffer_free(&body);
    return copy;
}

static void token_stored(struct change *change)
{
    struct connect *connect = MAGIC_CAST(struct connect, change->context, CONNECT_MAGIC);
    struct outbound *outbound = &connect->outbound;
    connect->refusal = change->refusal;
    connect->hub_token_stored = change->refusal.code == CTL_OK || change->refusal.code == CTL_UNCERTAIN;
    if (change->refusal.code != CTL_OK || is_ending(connect)) {
        connect_fail(connect);
        return;
    }
    outbound->arena = connect->arena;
    outbound->hub = connect->hub;
    outbound->client = connect->hub->control_client;
    outbound->token = connect->token;
    outbound->raw_first = connect->raw_first;
    outbound->method = connect->kind->method;
    outbound->url = connect->endpoint;
    outbound->body = own_credentials(connect);
    outbound->once = true; /* a POST that arrives twice is 405 */
    outbound->exchanging = true;
    outbound->trusted = true; /* endpoint_is_trusted */
    outbound->unwrap = "token";
    outbound->correlation_id = connect->correlation_id;
    outbound->callback = answered;
    outbound->context = connect;
    if (outbound->body.data == NULL ||
        (connect->token.data == NULL &&
         !outbound_hold_platform(outbound, connect->hub->control_view, connect->platform))) {
        refusal_set(&connect->refusal, CTL_INTERNAL, NULL, "party " STR_FMT ": no memory, or no token",
                    STR_ARG(connect->id));
        connect_fail(connect);
        return;
    }
    connect_move(connect, CONNECT_CALLING);
    connect->calling = outbound;
    connect_report(connect, connect->kind->first ? "credentials go by POST to" : "credentials go by PUT to",
                   connect->endpoint);
    outbound_start(outbound);
}

/* A token only goes to hosts that the account team or the partner named (hub-ocpi(7), CALLS OF THE HUB). */
static bool endpoint_is_trusted(struct connect *connect)
{
    struct registry_view *view = connect->hub->control_view;
    if (connect->found.status == OCPI_SUCCESS && discovery_same_host(&connect->found, connect->endpoint))
        return true;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_platform *platform = registry_find_platform(snapshot, connect->platform);
    bool trusted =
        platform != NULL && outbound_host_is_registered(connect->arena, platform, connect->endpoint);
    registry_release(view, snapshot);
    return trusted || refusal_set(&connect->refusal, CTL_PARTNER, "hubctl party set --allow-host lets it",
                                  "party " STR_FMT ": the credentials endpoint " STR_FMT
                                  " is on another host than the versions URL",
                                  STR_ARG(connect->id), STR_ARG(connect->endpoint));
}

static void exchange_begin(struct connect *connect)
{
    connect->outbound.timeout_ms = ANSWER_CALLS * connect->hub->conf.discovery_timeout;
    connect->hub_token = registration_new_token(connect->hub, connect->arena, &connect->hub_row);
    if (connect->hub_token.data == NULL) {
        refusal_set(&connect->refusal, CTL_INTERNAL, NULL, "no memory");
        connect_fail(connect);
    } else if (!endpoint_is_trusted(connect)) {
        connect_fail(connect);
    } else {
        connect_store_token(connect, token_stored);
    }
}

/* With `discovery = require` nothing is exchanged with a system that lacks what its roles need. */
static bool has_all(struct connect *connect)
{
    struct registry_view *view = connect->hub->control_view;
    if (connect->hub->conf.discovery != CONF_DISCOVERY_REQUIRE || !connect->kind->first)
        return true;
    struct registry_snapshot *snapshot = registry_hold(view);
    const struct registry_platform *platform = registry_find_platform(snapshot, connect->platform);
    struct str missing = platform == NULL
                             ? STR_NONE
                             : registration_find_missing(connect->arena, platform, NULL, &connect->found);
    registry_release(view, snapshot);
    return missing.length == 0 ||
           refusal_set(
               &connect->refusal, CTL_PARTNER,
               "the partner's version details must list them, or hubctl receiver set says where they are",
               "party " STR_FMT ": discovery: not listed as RECEIVER, but needed: " STR_FMT " (%d)",
               STR_ARG(connect->id), STR_ARG(missing), OCPI_NO_MATCHING_ENDPOINTS);
}

static void found(struct discovery *discovery)
{
    struct connect *connect = MAGIC_CAST(struct connect, discovery->context, CONNECT_MAGIC);
    connect->calling = NULL;
    connect->raw_first = discovery->used_raw;
    if (discovery->status != OCPI_SUCCESS) {
        connect_explain_discovery(connect, discovery);
        connect_fail(connect);
        return;
    }
    if (connect->kind->looks) {
        connect_store_result(connect);
        return;
    }
    if (!has_all(connect)) {
        connect_fail(connect);
        return;
    }
    for (size_t i = 0; i < discovery->endpoint_count && connect->endpoint.data == NULL; i++)
        if (ocpi_module_find(discovery->endpoints[i].module) == OCPI_MODULE_CREDENTIALS)
            connect->endpoint = discovery->endpoints[i].url;
    if (connect->endpoint.data != NULL) {
        exchange_begin(connect);
        return;
    }
    refusal_set(&connect->refusal, CTL_PARTNER, "the partner's version details of 2.2.1 must list it",
                "party " STR_FMT ": discovery: no credentials endpoint is listed (%d)", STR_ARG(connect->id),
                OCPI_NO_MATCHING_ENDPOINTS);
    connect_fail(connect);
}

/* ---------------------------------------------------------------- the beginning */

static bool is_under_way(const struct admin *admin, int64_t platform)
{
    for (const struct ring *node = admin->connects.next; node != &admin->connects; node = node->next)
        if (CONTAINER_OF((struct ring *)(uintptr_t)node, struct connect, queue)->platform == platform)
            return true;
    return false;
}

static bool may_register(struct connect *connect, const struct registry_snapshot *snapshot,
                         const struct registry_party *party)
{
    struct error error;
    if (registration_is_registered(snapshot, &party->platform->row, hub_kept_ms(connect->hub)))
        return refusal_set(
            &connect->refusal, CTL_CONFLICT,
            "hubctl token rotate changes the tokens; to begin anew: hubctl token issue --force, then "
            "this again",
            "party " STR_FMT ": its platform has done the credentials exchange", STR_ARG(connect->id));
    if (party->row.suspended)
        return refusal_set(&connect->refusal, CTL_CONFLICT, "hubctl party resume",
                           "party " STR_FMT " is suspended", STR_ARG(connect->id));
    connect->token = json_get_text(connect->request->params, "token");
    if (registration_is_own_token(snapshot, connect->arena, connect->token))
        return refusal_set(
            &connect->refusal, CTL_INVALID, "the partner makes the token that the hub is to present to it",
            "party " STR_FMT ": the token is one that the hub has issued", STR_ARG(connect->id));
    return partner_url_read(connect->hub, connect->arena,
                            json_get_text(connect->request->params, "versions_url"), PARTNER_URL_DOCUMENT,
                            &connect->url, &error) == OK ||
           refusal_set(&connect->refusal, CTL_INVALID,
                       "write it whole, e.g. https://abc.example/ocpi/versions", "--versions-url: %s",
                       error.text);
}

/* Discovery begins at the `versions` receiver that the account team has set, else at the URL of the partner. */
static bool may_call(struct connect *connect, const struct registry_party *party)
{
    const struct registry_platform *platform = party->platform;
    if (platform->token.data == NULL)
        return refusal_set(&connect->refusal, CTL_CONFLICT,
                           "hubctl token issue lets the partner begin, hubctl party connect the hub",
                           "party " STR_FMT ": its platform has not done the credentials exchange",
                           STR_ARG(connect->id));
    struct str set = STR_NONE, endpoint = STR_NONE;
    for (size_t i = 0; i < platform->party_count; i++) {
        if (set.data == NULL)
            set = registry_receiver_url(platform->parties[i], OCPI_MODULE_VERSIONS);
        if (endpoint.data == NULL)
            endpoint = registry_receiver_url(platform->parties[i], OCPI_MODULE_CREDENTIALS);
    }
    connect->url = arena_copy(connect->arena, set.data != NULL ? set : platform->row.credentials_url);
    connect->learned = arena_copy(connect->arena, platform->row.versions_url);
    if (endpoint.data != NULL)
        connect->endpoint = arena_copy(connect->arena, endpoint);
    return true;
}

static bool look_at_party(struct connect *connect, const struct registry_snapshot *snapshot)
{
    const struct registry_party *party =
        lookup_party(snapshot, json_get_text(connect->request->params, "id"), 0, &connect->refusal);
    if (party == NULL)
        return false;
    connect->platform = party->platform->row.id;
    connect->id = render_party_id(snapshot, party, connect->arena);
    connect->party = arena_copy(connect->arena, ocpi_party_key_str(&party->key));
    connect->sealed = arena_copy(connect->arena, party->platform->row.token);
    connect->raw_first = registration_raw_first(party->platform);
    if (is_under_way(admin_of(connect->request), connect->platform))
        return refusal_set(&connect->refusal, CTL_CONFLICT, "hubctl audit tail -f shows its end",
                           "party " STR_FMT ": an exchange with its platform is under way",
                           STR_ARG(connect->id));
    return connect->kind->first ? may_register(connect, snapshot, party) : may_call(connect, party);
}

static void connect_begin(struct ctl_request *request, const struct connect_kind *kind)
{
    struct hub *hub = admin_hub(request);
    struct connect *connect = arena_alloc(&request->arena, sizeof *connect);
    char *correlation_id = arena_alloc(&request->arena, UUID_SIZE);
    if (connect == NULL || correlation_id == NULL) {
        ctl_fail(request, CTL_INTERNAL, "no memory", NULL);
        return;
    }
    connect->magic = CONNECT_MAGIC;
    connect->state = CONNECT_BEGUN;
    connect->kind = kind;
    connect->hub = hub;
    connect->request = request;
    connect->arena = &request->arena;
    connect->correlation_id = str_from(uuid_make(correlation_id));
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    bool good = look_at_party(connect, snapshot);
    registry_release(hub->control_view, snapshot);
    if (!good) {
        refusal_reply(request, &connect->refusal);
        return;
    }
    ring_push(&admin_of(request)->connects, &connect->queue);
    if (!kind->first && !kind->looks && connect->endpoint.data != NULL)
        exchange_begin(connect);
    else
        discover(connect, &connect->found, connect->url, connect->token, found);
}

void admin_party_connect(struct ctl_request *request)
{
    connect_begin(request, &connect_register);
}

void admin_token_rotate(struct ctl_request *request)
{
    connect_begin(request, &connect_rotate);
}

void admin_receiver_discover(struct ctl_request *request)
{
    connect_begin(request, &connect_discover);
}

void admin_connect_stop(struct admin *admin)
{
    for (struct ring *node = admin->connects.next; node != &admin->connects; node = node->next) {
        struct connect *connect = CONTAINER_OF(node, struct connect, queue);
        if (connect->calling != NULL)
            outbound_cancel(connect->calling);
    }
}
