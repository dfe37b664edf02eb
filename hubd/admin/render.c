#include "hubd/admin/render.h"

#include <stdio.h>

#include "hubd/hub.h"
#include "hubd/partners/health.h"
#include "hubd/traffic.h"

/* ---------------------------------------------------------------- names and texts */

struct str render_party_id(const struct registry_snapshot *snapshot, const struct registry_party *party,
                           struct arena *arena)
{
    bool alone = registry_count_parties(snapshot, &party->key) < 2;
    return arena_printf(arena, "%s%s%s", party->id, alone ? "" : ":",
                        alone ? "" : ocpi_role_name(ocpi_role_next(party->row.roles, 0)));
}

struct str render_party_key(const struct registry_snapshot *snapshot, const struct registry_party *party,
                            struct arena *arena)
{
    return arena_copy_upper(arena, render_party_id(snapshot, party, arena));
}

struct str render_platform_id(const struct registry_snapshot *snapshot,
                              const struct registry_platform *platform, struct arena *arena)
{
    const struct registry_party *first = NULL;
    for (size_t i = 0; i < platform->party_count; i++) {
        if (first == NULL || platform->parties[i]->row.id < first->row.id)
            first = platform->parties[i];
    }
    if (first == NULL)
        return arena_printf(arena, "platform %lld", (long long)platform->row.id);
    return render_party_id(snapshot, first, arena);
}

struct str render_spell_key(const struct registry_snapshot *snapshot, struct str key,
                            char out[RENDER_KEY_SIZE])
{
    struct ocpi_party_key parsed;
    unsigned role;
    const struct registry_party *party = ocpi_party_key_parse(key, &parsed, NULL, NULL, &role)
                                             ? registry_find_party(snapshot, &parsed, role)
                                             : NULL;
    if (party == NULL)
        return key;
    int length =
        snprintf(out, RENDER_KEY_SIZE, "%s" STR_FMT, party->id, STR_ARG(str_skip(key, strlen(parsed.text))));
    return str_of(out, (size_t)length < RENDER_KEY_SIZE ? (size_t)length : RENDER_KEY_SIZE - 1);
}

struct str render_spelled_key(const struct hub *hub, struct arena *arena, struct str key)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    char spelled[RENDER_KEY_SIZE];
    struct str copy = arena_copy(arena, render_spell_key(snapshot, key, spelled));
    registry_release(hub->control_view, snapshot);
    return copy;
}

struct str render_actor(struct arena *arena, const struct ctl_peer *peer)
{
    return arena_printf(arena, "uid:%u %s", (unsigned)peer->uid, peer->name);
}

struct str render_roles_text(struct arena *arena, unsigned roles)
{
    struct buffer text = {0};
    for (unsigned role = ocpi_role_next(roles, 0); role != 0; role = ocpi_role_next(roles, role))
        buffer_printf(&text, "%s%s", text.length > 0 ? ", " : "", ocpi_role_name(role));
    struct str copy = arena_copy(arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

struct str render_audit_note(struct arena *arena, const struct json_value *detail)
{
    struct str error = json_get_text(json_get(detail, "forward"), "error");
    struct str sentence = json_get_text(detail, "message");
    if (sentence.length == 0)
        sentence = json_get_text(detail, "reason");
    if (sentence.length == 0)
        sentence = json_get_text(detail, "last_error");
    if (sentence.length == 0 || error.length == 0)
        return sentence.length > 0 ? sentence : error;
    return arena_printf(arena, STR_FMT " (" STR_FMT ")", STR_ARG(sentence), STR_ARG(error));
}

static const char *const delivery_states[] = {
    [STORE_DELIVERY_PENDING] = "pending",
    [STORE_DELIVERY_DELIVERED] = "delivered",
    [STORE_DELIVERY_HELD] = "held",
    [STORE_DELIVERY_DEAD] = "dead",
    [STORE_DELIVERY_SUPERSEDED] = "superseded",
};

const char *render_delivery_state(enum store_delivery_state state)
{
    return delivery_states[state];
}

const char *render_rule_state(enum store_rule_state state)
{
    switch (state) {
    case STORE_RULE_OFF:
        return "off";
    case STORE_RULE_ON:
        return "on";
    case STORE_RULE_DRAIN:
        return "drain";
    }
    return "off";
}

/* ---------------------------------------------------------------- members */

void render_text(struct json_writer *writer, const char *key, struct str text)
{
    json_key(writer, key);
    if (text.length == 0)
        json_null(writer);
    else
        json_string(writer, text);
}

void render_key(struct json_writer *writer, const char *name, const struct hub *hub, struct str key)
{
    struct registry_snapshot *snapshot = registry_hold(hub->control_view);
    char spelled[RENDER_KEY_SIZE];
    render_text(writer, name, render_spell_key(snapshot, key, spelled));
    registry_release(hub->control_view, snapshot);
}

void render_time(struct json_writer *writer, const char *key, int64_t wall_ms)
{
    json_key(writer, key);
    if (wall_ms == 0)
        json_null(writer);
    else
        json_timestamp(writer, wall_ms);
}

void render_number(struct json_writer *writer, const char *key, int64_t number, bool known)
{
    json_key(writer, key);
    if (known)
        json_int(writer, number);
    else
        json_null(writer);
}

void render_decimal(struct json_writer *writer, const char *key, double number)
{
    char text[32];
    snprintf(text, sizeof text, "%.*f", number > 0 && number < 1 ? 2 : 1, number);
    json_key(writer, key);
    json_raw(writer, str_from(text));
}

void render_latency(struct json_writer *writer, const char *key, int64_t latency_us)
{
    if (latency_us < 0)
        render_number(writer, key, 0, false);
    else
        render_decimal(writer, key, (double)latency_us / 1000);
}

void render_minutes(struct json_writer *writer, const struct traffic_figures *figures)
{
    json_key(writer, "minutes");
    json_array_begin(writer);
    for (size_t i = 0; i < TRAFFIC_MINUTES; i++)
        json_int(writer, figures->minutes[i]);
    json_array_end(writer);
}

void render_words(struct json_writer *writer, const char *key, struct str words)
{
    struct str word;
    json_key(writer, key);
    json_array_begin(writer);
    while (str_split(&words, ' ', &word)) {
        if (word.length > 0)
            json_string(writer, word);
    }
    json_array_end(writer);
}

void render_roles(struct json_writer *writer, unsigned roles)
{
    json_key(writer, "roles");
    json_array_begin(writer);
    for (unsigned role = ocpi_role_next(roles, 0); role != 0; role = ocpi_role_next(roles, role))
        json_string(writer, str_from(ocpi_role_name(role)));
    json_array_end(writer);
}

/* ---------------------------------------------------------------- rows */

void render_party(struct json_writer *writer, const struct registry_snapshot *snapshot,
                  const struct registry_party *party, struct arena *arena)
{
    const struct registry_platform *platform = party->platform;
    int64_t answered = platform->runtime->last_answer_wall;
    json_field_string(writer, "id", render_party_id(snapshot, party, arena));
    json_field_string(writer, "country_code", party->row.country_code);
    json_field_string(writer, "party_id", party->row.party_id);
    render_roles(writer, party->row.roles);
    render_text(writer, "name", party->row.name);
    json_field_text(writer, "status", registry_party_status(party));
    json_field_string(writer, "platform", render_platform_id(snapshot, platform, arena));
    int64_t reached = answered > platform->row.last_seen ? answered : platform->row.last_seen;
    render_time(writer, "last_seen", reached);
    render_time(writer, "heard", atomic_load(&platform->runtime->last_heard_wall));
    render_time(writer, "reached", reached);
    render_text(writer, "last_error", health_last_error(platform));
}

void render_token(struct json_writer *writer, struct str party, const struct store_token *token)
{
    json_object_begin(writer);
    json_field_string(writer, "party", party);
    json_field_text(writer, "kind", token->kind == STORE_TOKEN_INITIAL ? "initial" : "hub");
    json_field_string(writer, "fingerprint", token->fingerprint);
    render_time(writer, "created", token->created);
    render_time(writer, "expires", token->expires);
    render_time(writer, "used", token->used);
    json_object_end(writer);
}

void render_receiver(struct json_writer *writer, struct str party, const struct store_receiver *receiver)
{
    json_object_begin(writer);
    json_field_string(writer, "party", party);
    json_field_string(writer, "module", receiver->module);
    json_field_string(writer, "url", receiver->url);
    json_field_text(writer, "source", store_source_name(receiver->source));
    json_object_end(writer);
}

/* Names a party of a rule by the role that it has there. */
static void rule_party(struct json_writer *writer, const char *key, const struct registry_snapshot *snapshot,
                       int64_t id, struct arena *arena)
{
    const struct registry_party *party = registry_find_party_id(snapshot, id);
    render_text(writer, key, party != NULL ? render_party_id(snapshot, party, arena) : STR_NONE);
}

void render_rule(struct json_writer *writer, const struct registry_snapshot *snapshot,
                 const struct store_rule *rule, struct arena *arena)
{
    json_object_begin(writer);
    rule_party(writer, "emsp", snapshot, rule->emsp, arena);
    rule_party(writer, "cpo", snapshot, rule->cpo, arena);
    json_field_boolean(writer, "enabled", rule->state == STORE_RULE_ON);
    render_time(writer, "since", rule->since);
    json_field_text(writer, "state", render_rule_state(rule->state));
    json_object_end(writer);
}

void render_rate_limit(struct json_writer *writer, const struct conf *conf, struct str party,
                       enum limit_kind kind, const struct store_limit *row)
{
    char rate[RATE_SIZE];
    json_object_begin(writer);
    json_field_string(writer, "party", party);
    json_field_text(writer, "module", limit_name(kind));
    json_field_text(writer, "rate", rate_format(limit_rate(conf, row, kind), rate));
    json_field_text(writer, "source", row == NULL ? "setting" : row->party == 0 ? "default" : "own");
    json_object_end(writer);
}
