#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/admin/verbs.h"
#include "hubd/partners/clientinfo.h"
#include "hubd/registry/routing.h"
#include "lib/http/url.h"

/* party list, show, set, suspend, resume, remove. `add` is in party_add.c. */

/* ---------------------------------------------------------------- reading */

void admin_party_list(struct ctl_request *request)
{
    struct registry_view *view = admin_hub(request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    unsigned role = ocpi_role_from(json_get_text(request->params, "role"));
    struct str status = json_get_text(request->params, "status");
    struct reply_list list;
    reply_list_begin(&list, request);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        if (role != 0 && (party->row.roles & role) == 0)
            continue;
        if (status.length > 0 && !str_equal_fold(status, str_from(registry_party_status(party))))
            continue;
        json_object_begin(&list.writer);
        render_party(&list.writer, snapshot, party, &request->arena);
        json_object_end(&list.writer);
    }
    if (snapshot->party_count == 0)
        list.message = STR("no party is registered yet; hubctl party add -h tells how");
    registry_release(view, snapshot);
    reply_list_end(&list, STR_NONE);
}

/* The words of --token-encoding, --from and --validation, in the order of their enums. */
static const char *const encoding_names[] = {"auto", "base64", "raw", NULL};
static const char *const sender_names[] = {"party", "hub", NULL};
static const char *const validation_names[] = {"default", "tolerant", "strict", NULL};
_Static_assert(STORE_ENCODING_AUTO == 0 && STORE_ENCODING_BASE64 == 1 && STORE_ENCODING_RAW == 2,
               "encoding_names");
_Static_assert(STORE_VALIDATION_DEFAULT == 0 && STORE_VALIDATION_TOLERANT == 1 &&
                   STORE_VALIDATION_STRICT == 2,
               "validation_names");

const char *party_encoding_name(enum store_token_encoding encoding)
{
    return encoding_names[encoding];
}

const char *party_sender_name(bool from_hub)
{
    return sender_names[from_hub];
}

const char *party_validation_name(enum store_validation validation)
{
    return validation_names[validation];
}

/* The index of a word in such a list, `otherwise` when there is no word. */
static unsigned name_index(const char *const *names, struct str name, unsigned otherwise)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (str_equal_fold(name, str_from(names[i])))
            return i;
    }
    return otherwise;
}

static void write_sections(struct json_writer *writer, const struct conf *conf,
                           const struct registry_snapshot *snapshot, const struct registry_party *party,
                           struct arena *arena)
{
    struct str id = render_party_id(snapshot, party, arena);
    json_key(writer, "tokens");
    json_array_begin(writer);
    size_t count;
    const struct store_token *tokens = registry_tokens_of(snapshot, party->platform->row.id, &count);
    for (size_t i = 0; i < count; i++)
        render_token(writer, id, &tokens[i]);
    json_array_end(writer);
    json_key(writer, "receivers");
    json_array_begin(writer);
    for (size_t i = 0; i < party->receiver_count; i++)
        render_receiver(writer, id, &party->receivers[i]);
    json_array_end(writer);
    json_key(writer, "rules");
    json_array_begin(writer);
    for (size_t i = 0; i < snapshot->rule_count; i++) {
        if (snapshot->rules[i].emsp == party->row.id || snapshot->rules[i].cpo == party->row.id)
            render_rule(writer, snapshot, &snapshot->rules[i], arena);
    }
    json_array_end(writer);
    json_key(writer, "limits");
    json_array_begin(writer);
    for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_KIND_COUNT; kind++)
        render_rate_limit(writer, conf, id, kind, party->limits[kind]);
    json_array_end(writer);
}

static bool has_word(struct str words, struct str wanted)
{
    struct str word;
    while (str_split(&words, ' ', &word)) {
        if (word.length > 0 && str_equal_fold(word, wanted))
            return true;
    }
    return false;
}

/* As the partner gave them with its credentials, unknown fields (GSTIN) too (OCPI 2.2.1, Credentials). */
static void write_business_details(struct json_writer *writer, const struct registry_party *party,
                                   struct arena *arena)
{
    const struct json_value *roles = NULL, *details = NULL;
    json_parse(arena, party->platform->row.roles, JSON_DEPTH_MAX, &roles, NULL);
    for (const struct json_value *role = roles == NULL ? NULL : roles->child; role != NULL && details == NULL;
         role = role->next) {
        struct ocpi_party_key key;
        if ((ocpi_role_from(json_get_text(role, "role")) & party->row.roles) != 0 &&
            ocpi_party_key_make(json_get_text(role, "country_code"), json_get_text(role, "party_id"), &key) &&
            ocpi_party_key_equal(&key, &party->key))
            details = json_get(role, "business_details");
    }
    json_key(writer, "business_details");
    if (details != NULL)
        json_raw(writer, details->raw);
    else
        json_null(writer);
}

/* "a.example b.example", with the host of one more URL. */
static struct str add_host(struct arena *arena, struct str hosts, struct str text)
{
    struct url url;
    if (url_parse(arena, text, &url, NULL) != OK || has_word(hosts, url.host))
        return hosts;
    return arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(hosts), hosts.length > 0 ? " " : "",
                        STR_ARG(url.host));
}

/* Where an exchange succeeded or the account team set a receiver, as outbound_host_is_proven judges. */
static void write_hosts(struct json_writer *writer, const struct registry_platform *platform,
                        struct arena *arena)
{
    struct str hosts = STR(""), rest = platform->row.proven, url;
    while (str_split(&rest, ' ', &url))
        hosts = add_host(arena, hosts, url);
    for (size_t i = 0; i < platform->party_count; i++)
        for (size_t j = 0; j < platform->parties[i]->receiver_count; j++)
            if (platform->parties[i]->receivers[j].source == STORE_SOURCE_SET)
                hosts = add_host(arena, hosts, platform->parties[i]->receivers[j].url);
    render_words(writer, "hosts", hosts);
}

static void write_card(struct json_writer *writer, const struct conf *conf,
                       const struct registry_snapshot *snapshot, const struct registry_party *party,
                       struct arena *arena)
{
    const struct store_platform *platform = &party->platform->row;
    json_object_begin(writer);
    render_party(writer, snapshot, party, arena);
    render_text(writer, "website", party->row.website);
    render_text(writer, "suspend_reason", party->row.suspended ? party->row.suspend_reason : STR_NONE);
    render_text(writer, "credentials_url",
                url_text_without_query(platform->credentials_url)); /* keys stand in queries */
    render_text(writer, "versions_url", url_text_without_query(platform->versions_url));
    json_field_text(writer, "token_encoding", encoding_names[platform->encoding]);
    write_hosts(writer, party->platform, arena);
    json_field_text(writer, "from", sender_names[platform->from_hub]);
    render_words(writer, "allowed_hosts", platform->allowed_hosts);
    write_business_details(writer, party, arena);
    render_words(writer, "push", party->row.push);
    json_field_text(writer, "validation", validation_names[party->row.validation]);
    json_field_boolean(writer, "forward_unknown_sessions", party->row.forward_unknown_sessions);
    render_time(writer, "created", party->row.created);
    render_time(writer, "last_updated", party->row.last_updated);
    write_sections(writer, conf, snapshot, party, arena);
    json_object_end(writer);
}

void admin_party_show(struct ctl_request *request)
{
    struct registry_view *view = admin_hub(request)->control_view;
    struct registry_snapshot *snapshot = registry_hold(view);
    struct refusal refusal = {0};
    struct buffer reply = {0};
    struct json_writer writer;
    const struct registry_party *party =
        lookup_party(snapshot, json_get_text(request->params, "id"), 0, &refusal);
    if (party != NULL) {
        json_writer_init(&writer, &reply);
        write_card(&writer, &admin_hub(request)->conf, snapshot, party, &request->arena);
    }
    registry_release(view, snapshot);
    if (party != NULL)
        ctl_reply(request, &reply);
    else
        refusal_reply(request, &refusal);
    buffer_free(&reply);
}

/* ---------------------------------------------------------------- set */

/* What `party set` can change of a party, as JSON for the audit. */
static struct str facts(struct arena *arena, const struct store_party *party,
                        const struct store_platform *platform)
{
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    render_text(&writer, "name", party->name);
    render_text(&writer, "website", party->website);
    json_field_text(&writer, "token_encoding", encoding_names[platform->encoding]);
    json_field_text(&writer, "from", sender_names[platform->from_hub]);
    render_words(&writer, "allowed_hosts", platform->allowed_hosts);
    render_words(&writer, "push", party->push);
    json_field_text(&writer, "validation", validation_names[party->validation]);
    json_field_boolean(&writer, "forward_unknown_sessions", party->forward_unknown_sessions);
    json_object_end(&writer);
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static bool is_host(struct str host)
{
    for (size_t i = 0; i < host.length; i++) {
        char letter = host.data[i];
        bool good = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                    (letter >= '0' && letter <= '9') || strchr(".-:[]", letter) != NULL;
        if (!good)
            return false;
    }
    return host.length > 0 && host.length <= 253;
}

/* The list after --allow-host and --forbid-host, in the arena. */
static bool edit_hosts(struct change *change, struct str *hosts)
{
    const struct json_value *allow = json_get(change->params, "allow_hosts"),
                            *forbid = json_get(change->params, "forbid_hosts");
    struct buffer text = {0};
    struct str rest = *hosts, host;
    for (const struct json_value *item = allow != NULL ? allow->child : NULL; item != NULL;
         item = item->next) {
        if (!is_host(item->text))
            return refusal_set_param(&change->refusal, "--allow-host", CTL_INVALID,
                                     "write a host name alone, e.g. cb.xyz.example",
                                     "\"" STR_FMT "\" is no host", STR_ARG(item->text));
    }
    while (str_split(&rest, ' ', &host)) {
        bool gone = host.length == 0;
        for (const struct json_value *item = forbid != NULL ? forbid->child : NULL; item != NULL;
             item = item->next)
            gone = gone || str_equal_fold(item->text, host);
        if (!gone)
            buffer_printf(&text, "%s" STR_FMT, text.length > 0 ? " " : "", STR_ARG(host));
    }
    for (const struct json_value *item = allow != NULL ? allow->child : NULL; item != NULL;
         item = item->next) {
        if (!has_word(buffer_str(&text), item->text))
            buffer_printf(&text, "%s" STR_FMT, text.length > 0 ? " " : "", STR_ARG(item->text));
    }
    *hosts = arena_copy(change->arena, buffer_str(&text));
    buffer_free(&text);
    return true;
}

static bool check_website(struct change *change, struct str website)
{
    struct url url;
    struct error error;
    if (website.length == 0 || url_parse(change->arena, website, &url, &error) == OK)
        return true;
    return refusal_set_param(&change->refusal, "--website", CTL_INVALID, NULL, "%s", error.text);
}

/* Makes what is stored of "locations,tariffs": in one order, with spaces between. "none" or nothing is empty. */
static bool edit_push(struct change *change, const struct registry_party *party, struct str *push)
{
    const struct json_value *given = json_get(change->params, "push");
    struct str rest = given != NULL ? given->text : STR_NONE, word;
    struct buffer text = {0};
    unsigned kinds = 0;
    if (given == NULL)
        return true;
    while (str_split(&rest, ',', &word)) {
        word = str_trim(word);
        if (word.length == 0 || str_equal_fold(word, STR("none")))
            continue;
        int kind = registry_push_kind(word);
        if (kind < 0)
            return refusal_set_param(&change->refusal, "--push", CTL_INVALID,
                                     "locations, tariffs, locations,tariffs or none",
                                     "\"" STR_FMT "\" is nothing that can be pushed", STR_ARG(word));
        kinds |= 1u << kind;
    }
    if (kinds != 0 && (party->row.roles & OCPI_ROLE_EMSP) == 0)
        return refusal_set_param(&change->refusal, "--push", CTL_INVALID, "hubctl party list --role EMSP",
                                 "party %s is no EMSP: only eMSPs are pushed to", party->id);
    for (unsigned kind = 0; kind < STORE_KIND_COUNT; kind++)
        if (kinds & (1u << kind))
            buffer_printf(&text, "%s%s", text.length > 0 ? " " : "",
                          ocpi_module_name(registry_push_module(kind)));
    *push = arena_copy(change->arena, buffer_str(&text));
    buffer_free(&text);
    return true;
}

static bool edit_unknown_sessions(struct change *change, const struct registry_party *party,
                                  struct store_party *row)
{
    bool forward = json_get_boolean(change->params, "forward_unknown_sessions", false);
    bool refuse = json_get_boolean(change->params, "refuse_unknown_sessions", false);
    if (forward && refuse)
        return refusal_set_param(&change->refusal, "--forward-unknown-sessions", CTL_INVALID,
                                 "hubctl party set -h", "one of --forward- and --refuse-unknown-sessions");
    if (forward && (row->roles & OCPI_ROLE_CPO) == 0)
        return refusal_set_param(&change->refusal, "--forward-unknown-sessions", CTL_INVALID,
                                 "hubctl party list --role CPO",
                                 "party %s is no CPO: only CPOs are sent commands", party->id);
    row->forward_unknown_sessions = forward || (row->forward_unknown_sessions && !refuse);
    return true;
}

/* Deliveries of a module that is no longer pushed are made pending again; the outbox then drops them. */
static void end_push(struct change *change, const struct registry_party *party, struct str push)
{
    bool any = false;
    for (unsigned kind = 0; kind < STORE_KIND_COUNT; kind++) {
        struct str module = str_from(ocpi_module_name(registry_push_module(kind)));
        bool ends = has_word(party->row.push, module) && !has_word(push, module);
        struct store_op *release = ends ? change_op(change, STORE_RELEASE_HELD) : NULL;
        if (release == NULL)
            continue;
        release->u.release.receiver = ocpi_party_key_str(&party->key);
        release->u.release.module = module;
        any = true;
    }
    if (any)
        change_resume(change, &party->key);
}

bool party_build_set(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    const struct json_value *name = json_get(change->params, "name"),
                            *website = json_get(change->params, "website");
    if (party == NULL)
        return false;
    if (change->params->count < 2)
        return refusal_set(&change->refusal, CTL_INVALID, "hubctl party set -h", "party %s: nothing to set",
                           party->id);
    struct store_party row = party->row;
    struct store_platform platform = party->platform->row;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    struct str before = facts(change->arena, &row, &platform);
    row.name = name != NULL ? name->text : row.name;
    row.website = website != NULL ? website->text : row.website;
    row.validation =
        name_index(validation_names, json_get_text(change->params, "validation"), row.validation);
    platform.encoding =
        name_index(encoding_names, json_get_text(change->params, "token_encoding"), platform.encoding);
    platform.from_hub =
        name_index(sender_names, json_get_text(change->params, "from"), platform.from_hub) != 0;
    if (!check_website(change, row.website) || !edit_hosts(change, &platform.allowed_hosts) ||
        !edit_push(change, party, &row.push) || !edit_unknown_sessions(change, party, &row))
        return false;
    struct str after = facts(change->arena, &row, &platform);
    if (str_equal(before, after))
        return change_unchanged(change, id, "party " STR_FMT " unchanged", STR_ARG(id));
    row.last_updated = change->now;
    platform.updated = change->now;
    struct store_op *put = change_op(change, STORE_PUT_PARTY);
    if (put != NULL)
        put->u.party = row;
    put = change_op(change, STORE_PUT_PLATFORM);
    if (put != NULL)
        put->u.platform = platform;
    end_push(change, party, row.push);
    change_audit(change, "party.set", ocpi_party_key_str(&party->key), before, after);
    return change_done(change, id, "set", "party " STR_FMT " set", STR_ARG(id));
}

void admin_party_set(struct ctl_request *request)
{
    change_begin(request, party_build_set, true);
}

/* ---------------------------------------------------------------- suspend and resume */

static struct str suspension(struct arena *arena, const struct store_party *party)
{
    struct buffer text = {0};
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_object_begin(&writer);
    json_field_boolean(&writer, "suspended", party->suspended);
    if (party->suspended)
        json_field_string(&writer, "reason", party->suspend_reason);
    json_object_end(&writer);
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static bool put_suspension(struct change *change, const struct registry_party *party, bool suspended,
                           struct str reason)
{
    struct store_op *put = change_op(change, STORE_PUT_PARTY);
    if (put == NULL)
        return true;
    put->u.party = party->row;
    put->u.party.suspended = suspended;
    put->u.party.suspend_reason = reason;
    put->u.party.last_updated = change->now;
    change_audit(change, suspended ? "party.suspend" : "party.resume", ocpi_party_key_str(&party->key),
                 suspension(change->arena, &party->row), suspension(change->arena, &put->u.party));
    return true;
}

bool party_build_suspend(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    struct str reason = json_get_text(change->params, "reason");
    if (party == NULL)
        return false;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    if (party->row.suspended && str_equal(party->row.suspend_reason, reason))
        return change_unchanged(change, id, "party " STR_FMT " unchanged", STR_ARG(id));
    put_suspension(change, party, true, reason);
    change_hint(change, "hubctl party resume " STR_FMT " ends it", STR_ARG(id));
    return change_done(change, id, "suspended", "party " STR_FMT " suspended", STR_ARG(id));
}

void admin_party_suspend(struct ctl_request *request)
{
    change_begin(request, party_build_suspend, true);
}

bool party_build_resume(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    if (party == NULL)
        return false;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    if (!party->row.suspended)
        return change_unchanged(change, id, "party " STR_FMT " unchanged", STR_ARG(id));
    put_suspension(change, party, false, STR_NONE);
    change_resume(change, &party->key);
    struct store_op *release = change_op(change, STORE_RELEASE_HELD);
    if (release != NULL) {
        release->u.release.receiver = ocpi_party_key_str(&party->key);
        release->u.release.reason = STORE_HOLD_SUSPENDED;
    }
    return change_done(change, id, "resumed", "party " STR_FMT " resumed", STR_ARG(id));
}

void admin_party_resume(struct ctl_request *request)
{
    change_begin(request, party_build_resume, true);
}

/* ---------------------------------------------------------------- remove */

static bool build_remove(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    if (party == NULL)
        return false;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    bool last = party->platform->party_count == 1;
    struct store_op *delete = change_op(change, STORE_DELETE_PARTY);
    if (delete != NULL)
        delete->u.id = party->row.id;
    delete = last ? change_op(change, STORE_DELETE_PLATFORM) : NULL;
    if (delete != NULL)
        delete->u.id = party->platform->row.id;
    clientinfo_add_retirement(change->hub, change->snapshot, party, change->now, &change->batch);
    change_audit(change, "party.remove", ocpi_party_key_str(&party->key),
                 facts(change->arena, &party->row, &party->platform->row), STR_NONE);
    return change_done(change, id, "removed", "party " STR_FMT " removed%s", STR_ARG(id),
                       last ? " with its platform and tokens" : "");
}

void admin_party_remove(struct ctl_request *request)
{
    change_begin(request, build_remove, true);
}
