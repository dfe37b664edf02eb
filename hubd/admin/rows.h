#ifndef HUBD_ADMIN_ROWS_H
#define HUBD_ADMIN_ROWS_H

#include "hubd/registry/registry.h"
#include "lib/conf/conf.h"
#include "lib/ctl/server.h"

/* What the nouns share: finding parties by what people write, and the JSON of rows (keys as hubctl(1), FORMS
 * OF OUTPUT lists them). */

/* Why a request is refused: for ctl_fail. Code CTL_OK: it is not. */
struct refusal {
    enum ctl_code code;
    char message[400];
    char hint[200];
    const char *param;   /* the one that it is about, "--website", "URL"; it begins the message. NULL: none */
    struct str problems; /* JSON array of sentences, empty: none */
};

/* Fills it; always false, so that a check ends with `return rows_refuse(…)`. `hint` may be NULL. */
bool rows_refuse(struct refusal *refusal, enum ctl_code code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same about one parameter, as usage writes it: "--website: …". */
bool rows_refuse_param(struct refusal *refusal, const char *param, enum ctl_code code, const char *hint,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The message without the parameter in front. */
const char *rows_refusal_text(const struct refusal *refusal);
void rows_fail(struct ctl_request *request, const struct refusal *refusal);
/* What an error of the store's is for people: its sentence, of a full disk what is to be done. */
const char *rows_error_text(int error_code, const char *text);
/* Ends a request with a failure of the store or the registry. */
void rows_fail_error(struct ctl_request *request, int error_code, const char *text);

/*
 * The party that `text` names (IN-ABC, INABC, IN-ABC:CPO …). With `role` (0: any) it must have that role;
 * where one id is two parties the role decides, or the text must.
 */
struct registry_party *rows_find_party(const struct registry_snapshot *snapshot, struct str text,
                                       unsigned role, struct refusal *refusal);
/* The two parties of a rule, as the parameters `emsp` and `cpo` name them; ids in the arena. False: refused;
 * when they are only the wrong way round, the hint is `command` with them swapped (NULL: none). */
struct rows_pair {
    const struct registry_party *emsp, *cpo;
    struct str emsp_id, cpo_id;
};
bool rows_find_pair(const struct registry_snapshot *snapshot, const struct json_value *params,
                    const struct ctl_command *command, struct arena *arena, struct rows_pair *pair,
                    struct refusal *refusal);
/* Only the key, for what may be about parties that are gone. False: refused. */
bool rows_find_key(struct str text, struct ocpi_party_key *key, struct refusal *refusal);
/* The key that the parameter names, in the request's arena; empty when it is not there. False: it is no party
 * id, and the request has been answered. */
bool rows_take_key(struct ctl_request *request, const char *parameter, struct str *key);
/* `then`, which takes the key itself, unless the parameter names a party of which there is neither a
 * registration nor any row: that is told, and ends the request (known.c). */
void rows_with_party(struct ctl_request *request, const char *parameter,
                     void (*then)(struct ctl_request *request));
/* "IN-ABC" in the spelling of its registration, or "IN-ABC:CPO" where the id is two parties. NULL data when
 * there is no memory. No key: those are folded. */
struct str rows_party_id(const struct registry_snapshot *snapshot, const struct registry_party *party,
                         struct arena *arena);
/* The same folded: two of them compare. */
struct str rows_party_key(const struct registry_snapshot *snapshot, const struct registry_party *party,
                          struct arena *arena);
/* The platform's name: its first party's id. */
struct str rows_platform_id(const struct registry_snapshot *snapshot,
                            const struct registry_platform *platform, struct arena *arena);
/* "uid:1000 alice". */
struct str rows_actor(struct arena *arena, const struct ctl_peer *peer);
/* "CPO, EMSP". */
struct str rows_roles_text(struct arena *arena, unsigned roles);

/* ---------------------------------------------------------------- writing */

/* A text, null when empty. */
void rows_text(struct json_writer *writer, const char *key, struct str text);
/* Why an audit row ended as it did, from its detail: the sentence the caller got, and what went wrong behind
 * it. In the arena; empty: nothing is said. */
struct str rows_audit_note(struct arena *arena, const struct json_value *detail);
/* A party's key, "IN-ABC" or "IN-ABC:CPO", in the spelling of its registration: `out`, or the key itself
 * where there is no such party (any more). */
#define ROWS_KEY_SIZE (OCPI_PARTY_KEY_SIZE + 8)
struct str rows_spell_key(const struct registry_snapshot *snapshot, struct str key, char out[ROWS_KEY_SIZE]);
/* The same by the newest registry: in the arena; as a member, null when empty. */
struct hub;
struct str rows_spelled(const struct hub *hub, struct arena *arena, struct str key);
void rows_key(struct json_writer *writer, const char *name, const struct hub *hub, struct str key);
/* A time, null when 0. */
void rows_time(struct json_writer *writer, const char *key, int64_t wall_ms);
/* A number, null when it is not known. */
void rows_number(struct json_writer *writer, const char *key, int64_t number, bool known);
/* Words with spaces between as an array. */
void rows_words(struct json_writer *writer, const char *key, struct str words);
void rows_roles(struct json_writer *writer, unsigned roles);
/* The members of a party's row, without the braces. */
void rows_party(struct json_writer *writer, const struct registry_snapshot *snapshot,
                const struct registry_party *party, struct arena *arena);
void rows_token(struct json_writer *writer, struct str party, const struct store_token *token);
void rows_receiver(struct json_writer *writer, struct str party, const struct store_receiver *receiver);
void rows_rule(struct json_writer *writer, const struct registry_snapshot *snapshot,
               const struct store_rule *rule, struct arena *arena);
const char *rows_rule_state(enum store_rule_state state);
const char *rows_delivery_state(enum store_delivery_state state);
/* The state of that name, -1: there is none. */
int rows_find_delivery_state(struct str name);
/* The limit of `party`, an id or "default"; `row` as in the registry, NULL: the setting's. */
void rows_rate_limit(struct json_writer *writer, const struct conf *conf, struct str party,
                     enum limit_kind kind, const struct store_limit *row);
/* Whether the limit that holds for the party is one of its own. */
bool rows_has_own_limit(const struct registry_party *party, enum limit_kind kind);

/* With one decimal, below 1 with two. */
void rows_decimal(struct json_writer *writer, const char *key, double number);
/* Milliseconds with one decimal; null when negative: not known. */
void rows_latency(struct json_writer *writer, const char *key, int64_t latency_us);
/* `minutes`: of traffic.h. */
struct traffic_figures;
void rows_minutes(struct json_writer *writer, const struct traffic_figures *figures);

/* Without its query: a response_url may carry a secret of the eMSP there. */
struct str rows_url(struct str url);

/*
 * The registry as a list request sees it: held until rows_scope_end. `party` is the one that the parameter
 * `key` names, NULL when it names none. False: the request was refused and answered.
 */
struct rows_scope {
    struct registry_view *view;
    struct registry_snapshot *snapshot;
    const struct registry_party *party;
};
bool rows_scope_begin(struct rows_scope *scope, struct ctl_request *request, const char *key);
void rows_scope_end(struct rows_scope *scope);

/*
 * One object as the answer of a `show`, from a finished read: begin, write its members, end with a reply.
 * Begin is false when the read failed (answered); `missing` and `hint` are for a read that found nothing.
 */
struct rows_object {
    struct ctl_request *request;
    struct buffer buffer;
    struct json_writer writer;
};
bool rows_object_begin(struct rows_object *object, const struct store_read *read, struct str missing,
                       struct str hint);
void rows_object_end(struct rows_object *object);

/* {"rows":[ … ]}: begin, write the rows, end with a reply. The buffer is freed by the end. */
struct rows_list {
    struct ctl_request *request;
    struct buffer buffer;
    struct json_writer writer;
    struct str message; /* for people when the whole list has no row; empty: none */
};
void rows_list_begin(struct rows_list *list, struct ctl_request *request);
/* The same when a read has ended. False: it failed, and that was answered. */
bool rows_list_begin_read(struct rows_list *list, struct ctl_request *request, const struct store_read *read);
/* `next`: of the following page, empty: none. Ends the request. */
void rows_list_end(struct rows_list *list, struct str next);
/* The same for a page of `count` rows of at most `limit`: a full one may go on behind the row `last`. */
void rows_list_end_page(struct rows_list *list, size_t count, unsigned limit, int64_t last);
/* --limit and --after of a request: rows wanted at most (ADMIN_PAGE when not said), and a number behind which
 * to go on (0: none). */
unsigned rows_limit(const struct ctl_request *request);
int64_t rows_after(const struct ctl_request *request);

#endif
