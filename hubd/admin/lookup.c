#include "hubd/admin/lookup.h"

#include <stdio.h>

#include "hubd/admin/internal.h"
#include "hubd/admin/render.h"

/* ---------------------------------------------------------------- parties */

bool lookup_key(struct str text, struct ocpi_party_key *key, struct refusal *refusal)
{
    unsigned role;
    if (ocpi_party_key_parse(text, key, NULL, NULL, &role))
        return true;
    return refusal_set(refusal, CTL_INVALID, "write a country code and a party id, e.g. IN-ABC",
                       "party " STR_FMT ": no party id", STR_ARG(text));
}

bool lookup_key_param(struct ctl_request *request, const char *parameter, struct str *key)
{
    struct str text = json_get_text(request->params, parameter);
    struct ocpi_party_key found = {""};
    struct refusal refusal = {0};
    if (text.length > 0 && !lookup_key(text, &found, &refusal)) {
        refusal_reply(request, &refusal);
        return false;
    }
    *key = arena_copy(&request->arena, ocpi_party_key_str(&found));
    return true;
}

struct registry_party *lookup_party(const struct registry_snapshot *snapshot, struct str text, unsigned role,
                                    struct refusal *refusal)
{
    struct ocpi_party_key key;
    unsigned written;
    if (!lookup_key(text, &key, refusal))
        return NULL;
    ocpi_party_key_parse(text, &key, NULL, NULL, &written);
    size_t count = registry_count_parties(snapshot, &key);
    const struct registry_party *any = registry_find_party(snapshot, &key, 0);
    struct registry_party *party = registry_find_party(snapshot, &key, written != 0 ? written : role);
    if (count == 0) {
        refusal_set(refusal, CTL_NOT_FOUND, "hubctl party list", "party " STR_FMT ": no such party",
                    STR_ARG(text));
        return NULL;
    }
    if (party == NULL) {
        refusal_set(refusal, CTL_INVALID, "hubctl party list", "party %s is no %s", any->id,
                    ocpi_role_name(written != 0 ? written : role));
        return NULL;
    }
    if (role != 0 && (party->row.roles & role) == 0) {
        refusal_set(refusal, CTL_INVALID, "hubctl party list", "party %s:%s is no %s", party->id,
                    ocpi_role_name(written), ocpi_role_name(role));
        return NULL;
    }
    if (count > 1 && written == 0 && role == 0) {
        refusal_set(refusal, CTL_INVALID, "write its role behind it, e.g. IN-ABC:CPO",
                    "party %s is on %zu platforms", party->id, count);
        return NULL;
    }
    return party;
}

/* People write the CPO first. */
static void offer_swapped(const struct registry_snapshot *snapshot, struct str emsp, struct str cpo,
                          const struct ctl_command *command, struct refusal *refusal)
{
    struct refusal ignored = {0};
    if (command == NULL || command->verb == NULL)
        return;
    const struct registry_party *first = lookup_party(snapshot, cpo, OCPI_ROLE_EMSP, &ignored);
    const struct registry_party *second = lookup_party(snapshot, emsp, OCPI_ROLE_CPO, &ignored);
    if (first != NULL && second != NULL)
        snprintf(refusal->hint, sizeof refusal->hint, "the eMSP comes first: hubctl %s %s %s %s",
                 command->noun, command->verb, first->id, second->id);
}

bool lookup_find_pair(const struct registry_snapshot *snapshot, const struct json_value *params,
                      const struct ctl_command *command, struct arena *arena, struct lookup_pair *pair,
                      struct refusal *refusal)
{
    struct str emsp = json_get_text(params, "emsp"), cpo = json_get_text(params, "cpo");
    pair->emsp = lookup_party(snapshot, emsp, OCPI_ROLE_EMSP, refusal);
    pair->cpo = pair->emsp == NULL ? NULL : lookup_party(snapshot, cpo, OCPI_ROLE_CPO, refusal);
    if (pair->cpo == NULL) {
        offer_swapped(snapshot, emsp, cpo, command, refusal);
        return false;
    }
    pair->emsp_id = render_party_id(snapshot, pair->emsp, arena);
    pair->cpo_id = render_party_id(snapshot, pair->cpo, arena);
    const struct store_rule *rule = registry_rule_of(snapshot, pair->emsp, pair->cpo);
    pair->rule = rule != NULL ? rule->state : STORE_RULE_OFF;
    return true;
}

bool lookup_has_own_limit(const struct registry_party *party, enum limit_kind kind)
{
    return party->limits[kind] != NULL && party->limits[kind]->party == party->row.id;
}

/* ---------------------------------------------------------------- parameters of lists */

bool lookup_scope_begin(struct lookup_scope *scope, struct ctl_request *request, const char *key)
{
    struct str id = json_get_text(request->params, key);
    struct refusal refusal = {0};
    scope->view = admin_hub(request)->control_view;
    scope->snapshot = registry_hold(scope->view);
    scope->party = id.length > 0 ? lookup_party(scope->snapshot, id, 0, &refusal) : NULL;
    if (refusal.code == CTL_OK)
        return true;
    lookup_scope_end(scope);
    refusal_reply(request, &refusal);
    return false;
}

void lookup_scope_end(struct lookup_scope *scope)
{
    registry_release(scope->view, scope->snapshot);
}

unsigned lookup_page_limit(const struct ctl_request *request)
{
    int64_t limit;
    if (json_get_int64(request->params, "limit", &limit) && limit > 0 && limit < ADMIN_PAGE)
        return (unsigned)limit;
    return ADMIN_PAGE;
}

int64_t lookup_page_after(const struct ctl_request *request)
{
    int64_t after;
    return str_to_int64(json_get_text(request->params, "after"), &after) && after > 0 ? after : 0;
}

/* ---------------------------------------------------------------- words */

int lookup_delivery_state(struct str name)
{
    int state = STORE_DELIVERY_SUPERSEDED;
    while (state >= 0 &&
           !str_equal_fold(name, str_from(render_delivery_state((enum store_delivery_state)state))))
        state--;
    return state;
}

enum store_rule_state lookup_rule_state(struct str name)
{
    static const enum store_rule_state states[] = {STORE_RULE_ON, STORE_RULE_DRAIN};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (str_equal_fold(name, str_from(render_rule_state(states[i]))))
            return states[i];
    return STORE_RULE_OFF;
}

enum ocpi_module lookup_module(struct str name)
{
    enum ocpi_module module = 0;
    while (module < OCPI_MODULE_OTHER && !str_equal_fold(name, str_from(ocpi_module_name(module))))
        module++;
    return module;
}
