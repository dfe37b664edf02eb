#ifndef HUBD_ADMIN_LOOKUP_H
#define HUBD_ADMIN_LOOKUP_H

#include "hubd/admin/refusal.h"
#include "hubd/registry/registry.h"
#include "lib/ocpi/modules.h"

/* Finds what the parameters of a request name: a party, a pair of parties, a page of a list, a state, a module. */

/*
 * The party that `text` names (IN-ABC, INABC, IN-ABC:CPO …). It must have `role` (0: any). When two platforms have a
 * party of that id, `role` or the role in the text says which one. NULL: refused.
 */
struct registry_party *lookup_party(const struct registry_snapshot *snapshot, struct str text, unsigned role,
                                    struct refusal *refusal);
/* Only the key, for commands about rows of parties that may have been removed. False: refused. */
bool lookup_key(struct str text, struct ocpi_party_key *key, struct refusal *refusal);
/* The key that the parameter names, in the request's arena; empty when the parameter is missing. False: it is
 * no party id, and the request has been answered. */
bool lookup_key_param(struct ctl_request *request, const char *parameter, struct str *key);

/* An eMSP and a CPO, and the rule between them. */
struct lookup_pair {
    const struct registry_party *emsp, *cpo;
    struct str emsp_id, cpo_id; /* in the arena */
    enum store_rule_state rule; /* off where there never was one */
};
/* Finds the pair that the parameters `emsp` and `cpo` name. False: refused; when the two are only the wrong way
 * round, the hint is `command` with them swapped (NULL: no such hint). */
bool lookup_find_pair(const struct registry_snapshot *snapshot, const struct json_value *params,
                      const struct ctl_command *command, struct arena *arena, struct lookup_pair *pair,
                      struct refusal *refusal);

/* Whether the party has a limit of its own of this kind, not the default's or the setting's. */
bool lookup_has_own_limit(const struct registry_party *party, enum limit_kind kind);

/* The registry as a list request sees it; held until lookup_scope_end. */
struct lookup_scope {
    struct registry_view *view;
    struct registry_snapshot *snapshot;
    const struct registry_party *party; /* the only one that is asked for, NULL: all */
};
/* `key`: the parameter that may name the party. False: the request was refused and answered. */
bool lookup_scope_begin(struct lookup_scope *scope, struct ctl_request *request, const char *key);
void lookup_scope_end(struct lookup_scope *scope);

/* --limit of a list: how many rows are wanted at most, 1 to ADMIN_PAGE (which is also the default). */
unsigned lookup_page_limit(const struct ctl_request *request);
/* --after of a list: the number behind which it goes on, 0: from the beginning. */
int64_t lookup_page_after(const struct ctl_request *request);

/* What a parameter's word means, in any case of letters. */

/* The enum store_delivery_state of that name, -1: there is none. */
int lookup_delivery_state(struct str name);
/* The rule's state of that name; off when it is none. */
enum store_rule_state lookup_rule_state(struct str name);
/* The module of that name; OCPI_MODULE_OTHER when it is none, or empty. */
enum ocpi_module lookup_module(struct str name);

#endif
