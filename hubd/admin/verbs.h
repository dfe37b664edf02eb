#ifndef HUBD_ADMIN_VERBS_H
#define HUBD_ADMIN_VERBS_H

#include "hubd/admin/change.h"

/*
 * What the single verbs do, for `apply`, which does what they do many times in one transaction: each turns
 * change->params (by the keys of the verb's row in the command table, which has been checked by it) and
 * change->snapshot into ops of the batch. False: refused, see change->refusal. Each may ask for follow-ups.
 */
bool party_build_add(struct change *change);
bool party_build_set(struct change *change);
bool party_build_suspend(struct change *change);
bool party_build_resume(struct change *change);
bool receiver_build_set(struct change *change);
/* A module that OCPI does not have: `receiver set` takes it with --custom only. */
bool receiver_is_custom(struct str module);
bool receiver_build_unset(struct change *change);
bool rule_build_enable(struct change *change);
bool rule_build_disable(struct change *change);
bool limit_build_set(struct change *change);
bool limit_build_unset(struct change *change);

/* The words of --token-encoding, --from and --validation. Static text. */
const char *party_encoding_name(enum store_token_encoding encoding);
const char *party_sender_name(bool from_hub);
const char *party_validation_name(enum store_validation validation);

#endif
