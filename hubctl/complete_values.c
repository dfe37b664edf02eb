#include <string.h>

#include "hubctl/client.h"
#include "hubctl/complete.h"
#include "hubctl/help.h"
#include "lib/base/env.h"
#include "lib/json/writer.h"

#define ASK_MS   300 /* for all of it, connecting included */
#define ROWS_MAX 100 /* of lists that may be long */

/* ---------------------------------------------------------------- what hubctl knows itself */

/* `hubctl help`: a topic or a noun, then the noun's verb. */
static void offer_topics(struct completion *completion)
{
    const char *noun = invocation_text(completion->invocation, "TOPIC", 0);
    if (invocation_text(completion->invocation, "TOPIC", 1) != NULL)
        return;
    for (const char *const *topic = help_topics; noun == NULL && *topic != NULL; topic++)
        complete_offer(completion, str_from(*topic), STR_NONE);
    if (noun == NULL)
        complete_nouns(completion);
    else
        complete_verbs(completion, noun);
}

static void offer_methods(struct completion *completion)
{
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if ((command->flags & CTL_LOCAL) == 0)
            complete_offer(completion, str_from(command->method), str_from(command->purpose));
    }
    complete_offer(completion, STR(CTL_DISCOVER), STR("list the methods with their parameters"));
}

/* ---------------------------------------------------------------- the table */

#define PARTIES .asks = "party.list", .value = "id", .about = {"name"}

/* clang-format off */
/*
 * Where the values of a parameter come from; the first row that fits counts. A parameter is named by its
 * command's words, its key (NULL: any) and its type. Lists that take a `limit` are asked for ROWS_MAX
 * rows.
 */
static const struct source {
    const char *noun, *verb, *key;
    enum ctl_type type;
    void (*own)(struct completion *completion); /* what hubctl knows itself */
    const char *word, *word_about;              /* one more value */
    const char *asks;                           /* hubd's method, which answers {"rows":[…]} */
    const char *role;                           /* for parties: only with this role */
    struct {
        const char *key, *param; /* a member of its params: what was given for that parameter before */
    } given[2];
    const char *value, *about[3]; /* keys of a row: the value, and what describes it */
} sources[] = {
    {.noun = "party", .verb = "add", .key = "id", .type = CTL_PARTY}, /* one that is not there yet */
    {.noun = "party", .verb = "add", .key = "platform", .type = CTL_TEXT, .word = "new",
     .word_about = "a platform of its own although the id is registered already", PARTIES},
    {.noun = "object", .verb = "list", .key = "party", .type = CTL_PARTY, .role = "CPO", PARTIES},
    {.noun = "object", .verb = "show", .key = "id", .type = CTL_PARTY, .role = "CPO", PARTIES},
    {.key = "emsp", .type = CTL_PARTY, .role = "EMSP", PARTIES},
    {.key = "cpo", .type = CTL_PARTY, .role = "CPO", PARTIES},
    {.type = CTL_PARTY, PARTIES},
    {.type = CTL_PARTY_OR_DEFAULT, .word = CTL_DEFAULT, .word_about = "all others", PARTIES},
    {.key = "fingerprint", .type = CTL_TEXT, .asks = "token.list", .given = {{"id", "ID"}},
     .value = "fingerprint", .about = {"kind", "created"}},
    {.noun = "receiver", .verb = "unset", .key = "module", .type = CTL_CHOICE, .asks = "receiver.list",
     .given = {{"id", "ID"}}, .value = "module", .about = {"url"}},
    {.noun = "delivery", .key = "id", .type = CTL_NUMBER, .asks = "delivery.list",
     .value = "id", .about = {"state", "module", "to"}},
    {.noun = "command", .key = "id", .type = CTL_NUMBER, .asks = "command.list",
     .value = "id", .about = {"command", "state", "emsp"}},
    {.noun = "object", .key = "object", .type = CTL_TEXT, .asks = "object.list",
     .given = {{"module", "MODULE"}, {"party", "ID"}}, .value = "id", .about = {"status", "last_updated"}},
    {.noun = "conf", .key = "name", .type = CTL_TEXT, .asks = "conf.show", .value = "name", .about = {"help"}},
    {.noun = "help", .type = CTL_TEXT, .own = offer_topics},
    {.noun = "rpc", .type = CTL_TEXT, .own = offer_methods},
};
/* clang-format on */

static bool is_wanted(const char *row, const char *name)
{
    return row == NULL || (name != NULL && strcmp(row, name) == 0);
}

static const struct source *find_source(const struct ctl_command *command, const struct ctl_param *param)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        const struct source *source = &sources[i];
        if (source->type == param->type && is_wanted(source->noun, command->noun) &&
            is_wanted(source->verb, command->verb) && is_wanted(source->key, param->key))
            return source;
    }
    return NULL;
}

/* ---------------------------------------------------------------- asking hubd */

static void write_params(struct buffer *out, const struct source *source, const struct invocation *invocation)
{
    struct json_writer writer;
    const struct ctl_command *asked = ctl_command_by_method(str_from(source->asks));
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    if (source->role != NULL)
        json_field_text(&writer, "role", source->role);
    for (size_t i = 0; i < sizeof source->given / sizeof source->given[0]; i++) {
        const char *key = source->given[i].key;
        if (key != NULL)
            json_field_string(&writer, key, str_from(invocation_text(invocation, source->given[i].param, 0)));
    }
    if (asked != NULL && ctl_param_by_key(asked, STR("limit")) != NULL)
        json_field_int(&writer, "limit", ROWS_MAX);
    json_object_end(&writer);
}

static struct str text_of(const struct json_value *row, const char *key)
{
    const struct json_value *value = key != NULL ? json_get(row, key) : NULL;
    return value == NULL ? STR_NONE : value->type == JSON_STRING ? value->text : value->raw;
}

static void offer_rows(struct completion *completion, const struct source *source,
                       const struct json_value *rows)
{
    struct buffer about = {0};
    for (const struct json_value *row = rows != NULL ? rows->child : NULL; row != NULL; row = row->next) {
        buffer_clear(&about);
        for (size_t i = 0; i < sizeof source->about / sizeof source->about[0]; i++) {
            struct str part = text_of(row, source->about[i]);
            buffer_append_text(&about, part.length > 0 && about.length > 0 ? " " : "");
            buffer_append(&about, part);
        }
        complete_offer(completion, text_of(row, source->value), buffer_str(&about));
    }
    buffer_free(&about);
}

/* The answer to one request; NULL when there is none in time. */
static const struct json_value *ask(struct client *client, const struct source *source, struct str params,
                                    struct arena *arena, int64_t deadline)
{
    const struct json_value *result = NULL;
    enum client_event event = CLIENT_NOTIFICATION;
    client_send(client, source->asks, params, ASK_MS);
    for (int64_t left; event == CLIENT_NOTIFICATION && (left = deadline - env_monotonic_ms()) > 0;)
        event = client_next(client, arena, left, &result);
    return event == CLIENT_RESULT ? result : NULL;
}

static bool offer_asked(struct completion *completion, const struct source *source)
{
    struct client client;
    struct arena arena;
    struct buffer params = {0};
    const struct json_value *result = NULL;
    int64_t deadline = env_monotonic_ms() + ASK_MS;
    arena_init(&arena, 65536);
    write_params(&params, source, completion->invocation);
    if (client_open(&client, &completion->invocation->options, true) == CTL_EXIT_DONE) {
        result = ask(&client, source, buffer_str(&params), &arena, deadline);
        offer_rows(completion, source, json_get(result, "rows"));
        client_close(&client);
    }
    buffer_free(&params);
    arena_free(&arena);
    return result != NULL;
}

bool complete_values(struct completion *completion, const struct ctl_param *param)
{
    const struct source *source = find_source(completion->invocation->command, param);
    if (source == NULL)
        return false;
    completion->party = source->asks != NULL && strcmp(source->asks, "party.list") == 0;
    if (source->own != NULL)
        source->own(completion);
    if (source->word != NULL)
        complete_offer(completion, str_from(source->word), str_from(source->word_about));
    return source->asks == NULL || offer_asked(completion, source);
}
