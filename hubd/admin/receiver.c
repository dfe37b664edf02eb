#include "hubd/admin/change.h"
#include "hubd/admin/internal.h"
#include "hubd/admin/lookup.h"
#include "hubd/admin/refusal.h"
#include "hubd/admin/render.h"
#include "hubd/admin/reply.h"
#include "hubd/admin/verbs.h"
#include "hubd/registry/interfaces.h"
#include "hubd/calls/partner_url.h"
#include "hubd/registry/routing.h"
#include "lib/base/suggest.h"

/* receiver set, unset, list. */

static struct str url_fact(struct arena *arena, const struct store_receiver *receiver)
{
    struct buffer text = {0};
    struct json_writer writer;
    if (receiver == NULL)
        return STR_NONE;
    json_writer_init(&writer, &text);
    render_receiver(&writer, STR_NONE, receiver);
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

/* The base URL of the module, from what was pasted. */
static bool clean_url(struct change *change, struct str *text)
{
    struct error error;
    return partner_url_read(change->hub, change->arena, *text, PARTNER_URL_BASE, text, &error) == OK ||
           refusal_set_param(&change->refusal, "URL", CTL_INVALID,
                             "write the module's base, e.g. https://xyz.example/ocpi/emsp/2.2.1/sessions",
                             "%s", error.text);
}

static const char *const *known_modules(void)
{
    return ctl_param_by_key(ctl_command_by_method(STR("receiver.set")), STR("module"))->choices;
}

/* The module as the table spells it: a request by rpc may have it in another case. */
static struct str module_of(struct change *change)
{
    struct str module = json_get_text(change->params, "module");
    for (const char *const *choice = known_modules(); *choice != NULL; choice++)
        if (str_equal_fold(module, str_from(*choice)))
            return str_from(*choice);
    return module;
}

bool receiver_is_custom(struct str module)
{
    for (const char *const *choice = known_modules(); *choice != NULL; choice++)
        if (str_equal_fold(module, str_from(*choice)))
            return false;
    return true;
}

/* The module of OCPI whose name is most like this one; NULL: none. */
static const char *looks_like(struct str module)
{
    struct suggest suggest;
    suggest_begin(&suggest, module);
    for (const char *const *choice = known_modules(); *choice != NULL; choice++)
        suggest_offer(&suggest, *choice);
    return suggest_best(&suggest);
}

/* Refuses a misspelt module: its URL would never be called, and the module that was meant would have none. */
static bool check_module(struct change *change, const struct registry_party *party, struct str module)
{
    if (!receiver_is_custom(module))
        return true;
    const char *best = looks_like(module);
    if (json_get_boolean(change->params, "custom", false) || registry_receiver(party, module) != NULL) {
        if (best != NULL)
            change_hint(change, "\"" STR_FMT "\" looks like %s: messages of %s do not go there",
                        STR_ARG(module), best, best);
        return true;
    }
    const char *hint = "--custom sets it nevertheless: for a module of the partners' own, which the hub only "
                       "passes on";
    return refusal_set_param(&change->refusal, "MODULE", CTL_INVALID, hint,
                             "\"" STR_FMT "\" is no module of OCPI 2.2.1%s%s%s", STR_ARG(module),
                             best != NULL ? "; did you mean " : "", best != NULL ? best : "",
                             best != NULL ? "?" : "");
}

static void release_held(struct change *change, const struct registry_party *party, struct str module)
{
    change_resume(change, &party->key);
    struct store_op *release = change_op(change, STORE_RELEASE_HELD);
    if (release == NULL)
        return;
    release->u.release.receiver = ocpi_party_key_str(&party->key);
    release->u.release.reason = STORE_HOLD_NO_URL;
    release->u.release.module = module;
}

bool receiver_build_set(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    struct str url = json_get_text(change->params, "url"), module = module_of(change);
    if (party == NULL || !check_module(change, party, module) || !clean_url(change, &url))
        return false;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    const struct store_receiver *before = registry_receiver(party, module);
    if (before != NULL && str_equal(before->url, url) && before->source == STORE_SOURCE_SET)
        return change_unchanged(change, id, "receiver " STR_FMT " " STR_FMT " unchanged", STR_ARG(id),
                                STR_ARG(module));
    struct store_op *put = change_op(change, STORE_PUT_RECEIVER);
    if (put == NULL)
        return true;
    put->u.receiver = (struct store_receiver){
        .party = party->row.id, .module = module, .url = url, .source = STORE_SOURCE_SET};
    release_held(change, party, module);
    if (interfaces_is_other(module) && ocpi_module_find(module) != OCPI_MODULE_VERSIONS)
        change_hint(change,
                    "the hub does not know the module " STR_FMT
                    ": it only passes requests on that name " STR_FMT,
                    STR_ARG(module), STR_ARG(id));
    change_audit(change, "receiver.set", ocpi_party_key_str(&party->key), url_fact(change->arena, before),
                 url_fact(change->arena, &put->u.receiver));
    struct error refused;
    bool never = partner_url_is_refused(change->hub, change->arena, url, &refused);
    return change_done(change, id, "set", "receiver " STR_FMT " " STR_FMT " set to " STR_FMT "%s%s",
                       STR_ARG(id), STR_ARG(module), STR_ARG(url), never ? "; it is not called: " : "",
                       never ? refused.text : "");
}

void admin_receiver_set(struct ctl_request *request)
{
    change_begin(request, receiver_build_set, true);
}

bool receiver_build_unset(struct change *change)
{
    const struct registry_party *party =
        lookup_party(change->snapshot, json_get_text(change->params, "id"), 0, &change->refusal);
    struct str module = module_of(change);
    if (party == NULL)
        return false;
    struct str id = render_party_id(change->snapshot, party, change->arena);
    const struct store_receiver *before = registry_receiver(party, module);
    if (before == NULL)
        return refusal_set(&change->refusal, CTL_NOT_FOUND, "hubctl receiver list",
                           "receiver " STR_FMT " " STR_FMT ": none is set", STR_ARG(id), STR_ARG(module));
    struct store_op *delete = change_op(change, STORE_DELETE_RECEIVER);
    if (delete != NULL)
        delete->u.receiver = *before;
    change_audit(change, "receiver.unset", ocpi_party_key_str(&party->key), url_fact(change->arena, before),
                 STR_NONE);
    return change_done(change, id, "unset", "receiver " STR_FMT " " STR_FMT " unset", STR_ARG(id),
                       STR_ARG(module));
}

void admin_receiver_unset(struct ctl_request *request)
{
    change_begin(request, receiver_build_unset, true);
}

void admin_receiver_list(struct ctl_request *request)
{
    struct lookup_scope scope;
    if (!lookup_scope_begin(&scope, request, "id"))
        return;
    const struct registry_snapshot *snapshot = scope.snapshot;
    const struct registry_party *only = scope.party;
    struct reply_list list;
    reply_list_begin(&list, request);
    for (size_t i = 0; i < snapshot->party_count; i++) {
        const struct registry_party *party = &snapshot->parties[i];
        if (only != NULL && party != only)
            continue;
        struct str name = render_party_id(snapshot, party, &request->arena);
        for (size_t j = 0; j < party->receiver_count; j++)
            render_receiver(&list.writer, name, &party->receivers[j]);
    }
    lookup_scope_end(&scope);
    reply_list_end(&list, STR_NONE);
}
