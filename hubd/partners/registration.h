#ifndef HUBD_PARTNERS_REGISTRATION_H
#define HUBD_PARTNERS_REGISTRATION_H

#include "hubd/calls/discovery.h"
#include "lib/json/writer.h"

/*
 * The parts of an exchange of credentials, whoever begins it (OCPI 2.2.1, Credentials: Registration, PUT;
 * hub-ocpi(7), AUTHENTICATION, CREDENTIALS): the hub's token and Credentials object, the checks of the
 * partner's object, and what one batch stores when the exchange is complete.
 * modules/credentials_registration.c serves a partner's POST and PUT; admin/connect/ begins an exchange for
 * the account team.
 */

/* Makes a token of 256 random bits, URL-safe, and sets hash, fingerprint and created (the hub's time) of
 * `row`. Returns its text in the arena (NULL data: no memory), which is never stored. */
struct str registration_new_token(const struct hub *hub, struct arena *arena, struct store_token *row);
/* Writes the hub's Credentials object with `token`. `versions`: its url is the versions list, else the
 * version details. */
void registration_write_credentials(struct buffer *out, const struct hub *hub, struct str token,
                                    bool versions);
/*
 * Whether the exchange is complete: the hub has the partner's token, and the partner has used the hub's. A
 * hub token that was never used may be in an answer that got lost. When it is complete, POST credentials gets
 * 405.
 */
bool registration_is_registered(const struct registry_snapshot *snapshot,
                                const struct store_platform *platform, int64_t now);
/* Whether `token`, raw or in Base64, is a token that the hub has issued to anybody, expired ones too. A
 * partner must not give it to the hub: the hub would call as itself. */
bool registration_is_own_token(const struct registry_snapshot *snapshot, struct arena *arena,
                               struct str token);
/*
 * Checks a partner's Credentials beyond the object's table: the characters of the token and that it is not
 * one of the hub's, the URL, and that the account team has registered each claimed role for this platform.
 * `advice`: who can register a missing role. Returns STR_NONE when all is well, else a sentence, in the
 * arena, that begins with the place.
 */
struct str registration_check(const struct hub *hub, const struct registry_snapshot *snapshot,
                              struct arena *arena, const struct registry_platform *platform,
                              const struct json_value *credentials, const char *advice);
/*
 * Receivers that are missing: those that the claimed roles need (all of the platform's when `credentials` is
 * NULL) and that neither the discovery found nor the account team set. "IN-ABC: tokens, commands" in the
 * arena; STR_NONE when none is missing.
 */
struct str registration_find_missing(struct arena *arena, const struct registry_platform *platform,
                                     const struct json_value *credentials, const struct discovery *discovery);
/* A keyed digest of a POST's content: token, url and roles, compared as OCPI values. The order of roles and
 * members, letters' case of ids, null and empty lists do not count. In the arena; empty: no memory. */
struct str registration_digest(const struct hub *hub, struct arena *arena,
                               const struct json_value *credentials);
/* Whether a POST with this initial token may be answered: the token has served no POST yet, or one with the
 * same content. */
bool registration_may_repeat(const struct hub *hub, struct arena *arena, const struct store_token *initial,
                             const struct json_value *credentials);
/* Whether the object has the token, url and roles that the platform has stored already. */
bool registration_says_nothing_new(struct arena *arena, const struct registry_platform *platform,
                                   const struct json_value *credentials);
/* Whether a hub token that was issued later has been used. Its owner then has the later one, and somebody
 * else may have this one. */
bool registration_is_outlived(const struct registry_snapshot *snapshot, const struct store_token *token);
/* Whether the first try of a call presents the platform's token raw (not in Base64). */
bool registration_raw_first(const struct registry_platform *platform);

/* A complete exchange of credentials. It, all that it points to and the arena of the batch must live until
 * the callback of the batch. */
struct registration {
    struct hub *hub;
    int64_t token_overlap;                    /* ms; from the settings of the caller's loop */
    const struct registry_platform *platform; /* as the newest snapshot has it */
    const struct json_value *credentials;     /* the partner's */
    const struct discovery *discovery;        /* NULL: none, or it failed */
    const struct store_token *hub_token;      /* the new one; NULL: the old ones stay */
    const uint8_t *initial;                   /* hash of the initial token that was presented, or NULL */
    size_t replaced;                          /* how many hub tokens the platform has already */
    bool first;                               /* a registration, else a change of one */
    bool by_hub;                              /* the hub began it: `hub_token` is stored already */
    int64_t now;
};

/*
 * Adds everything to the batch but the audit row: the platform with the partner's token (the old one stays
 * valid for the overlap), url, roles and status CONNECTED; the hub's tokens; the receivers. The batch fails
 * with ERR_CONFLICT when the platform was changed meanwhile: build it again on the newest snapshot; with
 * ERR_NOT_FOUND when a token was revoked meanwhile.
 */
void registration_put(const struct registration *registration, struct store_apply *batch);
/* How many hub tokens the platform has, initial ones not counted. */
size_t registration_count_tokens(const struct registry_snapshot *snapshot,
                                 const struct registry_platform *platform);
/*
 * Adds the receivers that a discovery found to the batch, for all parties of the platform, where the account
 * team has set none, and releases the deliveries that were held for them. Receivers of an earlier discovery
 * that this one did not find are withdrawn, and their queues held. Returns how many URLs are new or
 * withdrawn.
 */
size_t registration_put_receivers(const struct registry_platform *platform, const struct discovery *discovery,
                                  struct store_apply *batch);
/* Writes the member "withdrawn":["IN-ABC cdrs"] of an audit detail, when the batch withdraws receivers. */
void registration_write_withdrawn(struct json_writer *writer, const struct registry_platform *platform,
                                  const struct store_apply *batch);
/* Adds to the batch: all receivers of the party that discoveries found are withdrawn. */
void registration_withdraw_all(const struct registry_party *party, struct store_apply *batch);
/* Joins two lists of URLs, space separated, each URL once. In the arena. */
struct str registration_join_urls(struct arena *arena, struct str one, struct str other);
/* The platform's `proven` after a discovery: the URLs that answered it, and of those in `before` the ones on
 * hosts that it lists. In the discovery's arena. */
struct str registration_proven(struct str before, const struct discovery *discovery);
/* Ends a registration: adds the platform with status PLANNED and without the partner's tokens, and withdraws
 * the discovered receivers. The caller deletes the hub's tokens. */
void registration_put_end(const struct registry_platform *platform, int64_t now, struct store_apply *batch);
/* Sets in the row what a discovery found out about the platform itself. */
void registration_learn(struct store_platform *row, const struct discovery *discovery);
/* Writes members of an audit detail: "discovery" (ok or failed), "endpoints" or "reason", and "refused" for
 * listed endpoints with unacceptable URLs. */
void registration_write_discovery(struct json_writer *writer, const struct discovery *discovery);
/* Call it after the commit, when every loop has the new registry: calls use the encoding that worked, and the
 * queues of the platform go on. */
void registration_finished(struct hub *hub, const struct registry_platform *platform,
                           const struct discovery *discovery);

#endif
