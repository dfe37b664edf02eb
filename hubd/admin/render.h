#ifndef HUBD_ADMIN_RENDER_H
#define HUBD_ADMIN_RENDER_H

#include "hubd/registry/registry.h"
#include "lib/conf/conf.h"
#include "lib/ctl/server.h"

struct hub;
struct traffic_figures;

/* Writes what the commands answer: names and texts for people, then members and rows as JSON. hubctl(1), FORMS OF
 * OUTPUT lists the keys of rows. */

/* ---------------------------------------------------------------- names and texts */

/* "IN-ABC" as it is spelled in its registration, or "IN-ABC:CPO" when two platforms have a party of that id. In the
 * arena; NULL data when there is no memory. Not to be compared with keys, which are in upper case. */
struct str render_party_id(const struct registry_snapshot *snapshot, const struct registry_party *party,
                           struct arena *arena);
/* The same in upper case, for comparing. */
struct str render_party_key(const struct registry_snapshot *snapshot, const struct registry_party *party,
                            struct arena *arena);
/* The platform's name: the id of its oldest party. */
struct str render_platform_id(const struct registry_snapshot *snapshot,
                              const struct registry_platform *platform, struct arena *arena);

/* A party's key, "IN-ABC" or "IN-ABC:CPO", spelled as in its registration: the text in `out`, or the key itself when
 * there is no such party. */
#define RENDER_KEY_SIZE (OCPI_PARTY_KEY_SIZE + 8)
struct str render_spell_key(const struct registry_snapshot *snapshot, struct str key,
                            char out[RENDER_KEY_SIZE]);
/* The same by the newest registry, in the arena. */
struct str render_spelled_key(const struct hub *hub, struct arena *arena, struct str key);

/* "uid:1000 alice". */
struct str render_actor(struct arena *arena, const struct ctl_peer *peer);
/* "CPO, EMSP". */
struct str render_roles_text(struct arena *arena, unsigned roles);
/* Why an audit row has its status, from its detail: the sentence that the caller got, then the error that caused it, in
 * brackets. In the arena; empty when the detail says nothing. */
struct str render_audit_note(struct arena *arena, const struct json_value *detail);
const char *render_delivery_state(enum store_delivery_state state);
const char *render_rule_state(enum store_rule_state state);

/* ---------------------------------------------------------------- members */

/* A text, null when empty. */
void render_text(struct json_writer *writer, const char *key, struct str text);
/* A party's key as render_spelled_key spells it, null when empty. */
void render_key(struct json_writer *writer, const char *name, const struct hub *hub, struct str key);
/* A time, null when 0. */
void render_time(struct json_writer *writer, const char *key, int64_t wall_ms);
/* A number, null when it is not known. */
void render_number(struct json_writer *writer, const char *key, int64_t number, bool known);
/* A number with one decimal, below 1 with two. */
void render_decimal(struct json_writer *writer, const char *key, double number);
/* Milliseconds with one decimal; null when negative: not known. */
void render_latency(struct json_writer *writer, const char *key, int64_t latency_us);
/* "minutes": the messages of each of the last TRAFFIC_MINUTES (hubd/traffic.h). */
void render_minutes(struct json_writer *writer, const struct traffic_figures *figures);
/* The words of a text, separated by spaces, as an array. */
void render_words(struct json_writer *writer, const char *key, struct str words);
/* "roles": an array of names. */
void render_roles(struct json_writer *writer, unsigned roles);

/* ---------------------------------------------------------------- rows */

/* The members of a party's row, without the braces. */
void render_party(struct json_writer *writer, const struct registry_snapshot *snapshot,
                  const struct registry_party *party, struct arena *arena);
void render_token(struct json_writer *writer, struct str party, const struct store_token *token);
void render_receiver(struct json_writer *writer, struct str party, const struct store_receiver *receiver);
void render_rule(struct json_writer *writer, const struct registry_snapshot *snapshot,
                 const struct store_rule *rule, struct arena *arena);
/* The limit of `party`, an id or "default"; `row` as in the registry, NULL: the setting's. */
void render_rate_limit(struct json_writer *writer, const struct conf *conf, struct str party,
                       enum limit_kind kind, const struct store_limit *row);

#endif
