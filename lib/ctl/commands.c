#include "lib/ctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "lib/ctl/table.h"

static const struct ctl_command *const groups[] = {ctl_table_party, ctl_table_limit, ctl_table_traffic,
                                                   ctl_table_declare, ctl_table_hub};

static const struct {
    const char *noun, *purpose;
} nouns[] = {
    {"party", "partners: who takes part in roaming"},
    {"token", "credentials tokens that the hub issues"},
    {"receiver", "where messages for a party go"},
    {"rule", "which eMSP may use which CPO"},
    {"limit", "how often a party may ask"},
    {"audit", "what happened, and who did it"},
    {"trace", "one exchange between partners as a time line"},
    {"delivery", "messages on their way to a partner"},
    {"command", "remote commands in flight and done"},
    {"object", "locations, tariffs, sessions and CDRs that the hub holds"},
    {"export", "the configuration as one document"},
    {"diff", "what a document would change"},
    {"apply", "make the configuration what a document says"},
    {"batch", "many commands from a file"},
    {"quality", "how partners' objects keep to OCPI's tables"},
    {"status", "how the hub is doing"},
    {"stats", "how much goes over the hub"},
    {"conf", "hubd's settings"},
    {"log", "hubd's log"},
    {"backup", "a copy of all that the hub holds"},
    {"version", "versions of hubctl and hubd"},
    {"rpc", "any method of hubd, for scripts"},
    {"completion", "completion of command lines in bash, zsh and fish"},
    {"help", "explanations of commands and topics"},
};

/* Walks the rows of all groups; NULL when `visit` never says yes. */
static const struct ctl_command *find(bool (*visit)(const struct ctl_command *, const void *),
                                      const void *context)
{
    for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
        for (const struct ctl_command *row = groups[group]; row->noun != NULL; row++) {
            if (visit(row, context))
                return row;
        }
    }
    return NULL;
}

const struct ctl_command *ctl_command_at(size_t index)
{
    for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
        for (const struct ctl_command *row = groups[group]; row->noun != NULL; row++) {
            if (index-- == 0)
                return row;
        }
    }
    return NULL;
}

size_t ctl_command_count(void)
{
    size_t count = 0;
    for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
        for (const struct ctl_command *row = groups[group]; row->noun != NULL; row++)
            count++;
    }
    return count;
}

static bool has_method(const struct ctl_command *row, const void *context)
{
    return str_equal(*(const struct str *)context, str_from(row->method));
}

const struct ctl_command *ctl_command_by_method(struct str method)
{
    return find(has_method, &method);
}

struct noun_words {
    const char *noun, *verb;
};

static bool has_words(const struct ctl_command *row, const void *context)
{
    const struct noun_words *words = context;
    if (strcmp(row->noun, words->noun) != 0)
        return false;
    return row->verb == NULL ? words->verb == NULL
                             : words->verb != NULL && strcmp(row->verb, words->verb) == 0;
}

const struct ctl_command *ctl_command_by_words(const char *noun, const char *verb)
{
    struct noun_words words = {noun, verb};
    return find(has_words, &words);
}

static bool has_noun(const struct ctl_command *row, const void *context)
{
    return strcmp(row->noun, context) == 0;
}

const struct ctl_command *ctl_command_of_noun(const char *noun)
{
    return find(has_noun, noun);
}

const struct ctl_digest *ctl_digest_of(const struct ctl_command *command, const struct ctl_column *column)
{
    for (const struct ctl_digest *digest = ctl_digests; digest->method != NULL; digest++) {
        if (strcmp(digest->method, command->method) == 0 && strcmp(digest->key, column->key) == 0)
            return digest;
    }
    return NULL;
}

const char *ctl_noun_purpose(const char *noun)
{
    for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++) {
        if (strcmp(nouns[i].noun, noun) == 0)
            return nouns[i].purpose;
    }
    return NULL;
}

const char *ctl_command_words(const struct ctl_command *command, char out[CTL_WORDS_SIZE])
{
    snprintf(out, CTL_WORDS_SIZE, "%s%s%s", command->noun, command->verb != NULL ? " " : "",
             command->verb != NULL ? command->verb : "");
    return out;
}

const char *ctl_id_key(const struct ctl_command *command)
{
    static const struct {
        const char *method, *key;
    } named[] = {{"token.list", "fingerprint"}, {"audit.tail", "cursor"}, {"stats", "module"}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(named[i].method, command->method) == 0)
            return named[i].key;
    }
    for (const struct ctl_column *column = command->columns; column->key != NULL; column++) {
        if (strcmp(column->key, "id") == 0)
            return column->key;
    }
    return command->columns[0].key;
}

const struct ctl_param *ctl_param_by_key(const struct ctl_command *command, struct str key)
{
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->key != NULL && str_equal(str_from(param->key), key))
            return param;
    }
    return NULL;
}

const char *ctl_param_word(const struct ctl_param *param)
{
    if (param->positional)
        return param->name;
    if (param->value != NULL)
        return param->value;
    switch (param->type) {
    case CTL_TEXT:
        return "TEXT";
    case CTL_PARTY:
    case CTL_PARTY_OR_DEFAULT:
        return "ID";
    case CTL_NUMBER:
        return "N";
    case CTL_SWITCH:
        return "";
    case CTL_DURATION:
        return "DURATION";
    case CTL_RATE:
        return "RATE";
    case CTL_TIME:
        return "TIME";
    case CTL_MONTH:
        return "YYYY-MM";
    case CTL_CHOICE:
        return NULL;
    case CTL_FILE:
    case CTL_SECRET_FILE:
    case CTL_JSON_FILE:
        return "FILE";
    case CTL_JSON:
        return "JSON";
    }
    return NULL;
}

const char *ctl_type_name(enum ctl_type type)
{
    switch (type) {
    case CTL_TEXT:
        return "text";
    case CTL_PARTY:
        return "party";
    case CTL_PARTY_OR_DEFAULT:
        return "party or default";
    case CTL_NUMBER:
        return "number";
    case CTL_SWITCH:
        return "boolean";
    case CTL_DURATION:
        return "duration";
    case CTL_RATE:
        return "rate";
    case CTL_TIME:
        return "time";
    case CTL_MONTH:
        return "month";
    case CTL_CHOICE:
        return "choice";
    case CTL_FILE:
        return "file";
    case CTL_SECRET_FILE:
        return "secret";
    case CTL_JSON:
    case CTL_JSON_FILE:
        return "object";
    }
    return NULL;
}

const char *ctl_kind_name(enum ctl_kind kind)
{
    switch (kind) {
    case CTL_COLUMN_TEXT:
    case CTL_COLUMN_HINT:
        return "text";
    case CTL_COLUMN_ID:
        return "id";
    case CTL_COLUMN_STATUS:
        return "status";
    case CTL_COLUMN_NUMBER:
    case CTL_COLUMN_BYTES:
        return "number";
    case CTL_COLUMN_BARS:
        return "numbers";
    case CTL_COLUMN_OFFSET:
        return "milliseconds";
    case CTL_COLUMN_TIME:
    case CTL_COLUMN_CLOCK:
    case CTL_COLUMN_AGE:
        return "time";
    case CTL_COLUMN_LIST:
        return "list";
    case CTL_COLUMN_COUNTS:
    case CTL_COLUMN_SECTION:
        return "objects";
    }
    return NULL;
}

const char *ctl_output_name(enum ctl_output output)
{
    switch (output) {
    case CTL_OUTPUT_CHANGE:
        return "change";
    case CTL_OUTPUT_LIST:
        return "list";
    case CTL_OUTPUT_CARD:
        return "card";
    case CTL_OUTPUT_STREAM:
        return "stream";
    case CTL_OUTPUT_TOKEN:
        return "token";
    case CTL_OUTPUT_MATRIX:
        return "matrix";
    case CTL_OUTPUT_DIFF:
        return "diff";
    case CTL_OUTPUT_REPORT:
        return "report";
    case CTL_OUTPUT_BODY:
        return "body";
    case CTL_OUTPUT_TEXT:
        return "text";
    }
    return NULL;
}

bool ctl_is_word(struct str word)
{
    for (size_t i = 0; i < word.length; i++) {
        char letter = word.data[i];
        bool good = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                    (letter >= '0' && letter <= '9') || strchr("-_:", letter) != NULL;
        if (!good || letter == '\0')
            return false;
    }
    return word.length > 0 && word.length <= 40;
}

bool ctl_param_allows(const struct ctl_param *param, struct str word)
{
    if (param->choices == NULL)
        return true;
    for (const char *const *choice = param->choices; *choice != NULL; choice++) {
        if (str_equal_fold(str_from(*choice), word))
            return true;
    }
    return false;
}
