#ifndef HUBD_PARTNERS_REGISTRATION_H
#define HUBD_PARTNERS_REGISTRATION_H

#include "hubd/calls/discovery.h"
#include "lib/json/writer.h"

/*
 * What an exchange of credentials is made of, whoever begins it (OCPI 2.2.1, Credentials: Registration, PUT;
 * hub-ocpi(7), AUTHENTICATION, CREDENTIALS): the hub's token and object, the checks of the partner's object,
 * and what is stored in one batch when it is complete. A partner's POST and PUT are in
 * hubd/modules/credentials_registration.c, what the account team begins in hubd/admin/connect/connect.c.
 */

/* A new token: 256 random bits, URL-safe; fills hash, fingerprint and created (by the hub's time) of `row`.
 * The text is in the arena (NULL data: no memory) and shown once. */
struct str registration_new_token(const struct hub *hub, struct arena *arena, struct store_token *row);
/* Writes the hub's Credentials object holding `token`. `versions`: its url is that of the versions list, else
 * that of the version details. */
void registration_write_credentials(struct buffer *out, const struct hub *hub, struct str token,
                                    bool versions);
/*
 * The exchange is done: the hub has the partner's token, and the partner has used the hub's (one that was
 * never used may be from an answer that got lost). Then POST credentials is 405.
 */
bool registration_is_registered(const struct registry_snapshot *snapshot,
                                const struct store_platform *platform, int64_t now);
/* Whether a call with that token of a partner's, raw or in Base64, would present a token that the hub has
 * issued to anybody, expired ones too: the partner is not to make the hub its own caller. */
bool registration_is_own_token(const struct registry_snapshot *snapshot, struct arena *arena,
                               struct str token);
/*
 * What the object's table does not say of a partner's Credentials: the token's characters and that it is none
 * of the hub's, the URL, and that the account team registered each claimed role for this platform. `advice`:
 * who registers a role that is missing. STR_NONE: all is well; else a sentence that begins with the place, in
 * the arena.
 */
struct str registration_check(const struct hub *hub, const struct registry_snapshot *snapshot,
                              struct arena *arena, const struct registry_platform *platform,
                              const struct json_value *credentials, const char *advice);
/*
 * What the roles that the partner claims - all of the platform, where `credentials` is NULL - cannot do
 * without, and neither the discovery found nor the account team has set: "IN-ABC: tokens, commands".
 * STR_NONE: nothing is missing.
 */
struct str registration_find_missing(struct arena *arena, const struct registry_platform *platform,
                                     const struct json_value *credentials, const struct discovery *discovery);
/* The content of a POST as a keyed digest: token, url and roles as OCPI values (order of roles and members,
 * letters' case of ids, null and empty lists aside). In the arena; empty: no memory. */
struct str registration_digest(const struct hub *hub, struct arena *arena,
                               const struct json_value *credentials);
/* Whether a POST with this initial token may be answered: it has served none, or the same. */
bool registration_may_repeat(const struct hub *hub, struct arena *arena, const struct store_token *initial,
                             const struct json_value *credentials);
/* Whether the object says what the platform has stored already: the same token, url and roles. */
bool registration_says_nothing_new(struct arena *arena, const struct registry_platform *platform,
                                   const struct json_value *credentials);
/* Whether a hub token that was issued after this one has been used: its owner has the newer one, and this one
 * may be in other hands. */
bool registration_is_outlived(const struct registry_snapshot *snapshot, const struct store_token *token);
/* Whether the platform's token is presented raw at the first try. */
bool registration_raw_first(const struct registry_platform *platform);

/* A complete exchange. All of it, and the arena of the batch, must live until the batch's callback. */
struct registration {
    struct hub *hub;
    int64_t token_overlap;                    /* ms; of the settings as the caller's loop has them */
    const struct registry_platform *platform; /* as the newest snapshot has it */
    const struct json_value *credentials;     /* the partner's */
    const struct discovery *discovery;        /* NULL: none, or it failed */
    const struct store_token *hub_token;      /* the new one, by its hash; NULL: the old ones go on */
    const uint8_t *initial;                   /* hash of the initial token that was presented, or NULL */
    size_t replaced;                          /* hub tokens that the platform has already */
    bool first;                               /* a registration, else a change of one */
    bool by_hub;                              /* the hub began it: `hub_token` is stored already */
    int64_t now;
};

/*
 * Adds everything but the audit row: the platform with the partner's token (the old one stays for the
 * overlap), url and roles, CONNECTED; the hub's tokens; the receivers. ERR_CONFLICT of the batch: the
 * platform was changed meanwhile, build it again on the newest snapshot. ERR_NOT_FOUND: a token was revoked
 * meanwhile.
 */
void registration_put(const struct registration *registration, struct store_apply *batch);
size_t registration_count_tokens(const struct registry_snapshot *snapshot,
                                 const struct registry_platform *platform);
/*
 * What was discovered fills what the account team has not set, for all parties of the platform, and releases
 * what waited for it; what an earlier discovery found and this one did not is withdrawn (its queue then holds
 * what is in it). How many URLs are new or gone.
 */
size_t registration_put_receivers(const struct registry_platform *platform, const struct discovery *discovery,
                                  struct store_apply *batch);
/* A member of a detail in the audit, where the batch withdraws receivers: "withdrawn":["IN-ABC cdrs"]. */
void registration_write_withdrawn(struct json_writer *writer, const struct registry_platform *platform,
                                  const struct store_apply *batch);
/* Withdraws all that discoveries found for the party. */
void registration_withdraw_all(const struct registry_party *party, struct store_apply *batch);
/* Both lists of URLs as one, space separated, each once. */
struct str registration_join_urls(struct arena *arena, struct str one, struct str other);
/* The platform's `proven` after a discovery: what answered it, and what answered before on a host that it
 * lists. In the discovery's arena. */
struct str registration_proven(struct str before, const struct discovery *discovery);
/* The end of a registration: adds the platform without the partner's tokens, PLANNED, and withdraws what was
 * discovered. The hub's tokens are the caller's to delete. */
void registration_put_end(const struct registry_platform *platform, int64_t now, struct store_apply *batch);
/* What a discovery teaches about the platform itself. */
void registration_learn(struct store_platform *row, const struct discovery *discovery);
/* Members of a detail in the audit: "discovery" ok or failed, "endpoints" or "reason", and "refused": what is
 * listed with a URL that is not taken. */
void registration_write_discovery(struct json_writer *writer, const struct discovery *discovery);
/* After the commit, when every loop has the new registry: calls take the encoding that worked, queues go on.
 */
void registration_finished(struct hub *hub, const struct registry_platform *platform,
                           const struct discovery *discovery);

#endif
