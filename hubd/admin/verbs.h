#ifndef HUBD_ADMIN_VERBS_H
#define HUBD_ADMIN_VERBS_H

#include "hubd/admin/change.h"

/*
 * The builders of single commands, for `apply`, which runs many of them in one transaction. Each makes ops of the batch
 * from change->params, which have the keys of the command's row in the command table and were checked by it, and from
 * change->snapshot. Each may ask for follow-ups. False: refused, see change->refusal.
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
