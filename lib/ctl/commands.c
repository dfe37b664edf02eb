#include "lib/ctl/commands.h"

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
    {"conf", "hubd's settings"},
    {"log", "hubd's log"},
    {"version", "versions of hubctl and hubd"},
    {"rpc", "any method of hubd, for scripts"},
    {"help", "explanations of commands and topics"},
};

/* Walks the rows of all groups; NULL when `visit` never says yes. */
static const struct ctl_command *find(bool (*visit)(const struct ctl_command *, const void *),
                                      const void *context)
{
    for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++) {
        for (const struct ctl_command *row = groups[group]; row->noun != NULL; row++) {
            if (visit(row, context))
                return row;
        }
    }
    return NULL;
}

const struct ctl_command *ctl_command_at(size_t index)
{
    for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++) {
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
    for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++) {
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

struct words {
    const char *noun, *verb;
};

static bool has_words(const struct ctl_command *row, const void *context)
{
    const struct words *words = context;
    if (strcmp(row->noun, words->noun) != 0)
        return false;
    return row->verb == NULL ? words->verb == NULL
                             : words->verb != NULL && strcmp(row->verb, words->verb) == 0;
}

const struct ctl_command *ctl_command_by_words(const char *noun, const char *verb)
{
    struct words words = {noun, verb};
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

const char *ctl_noun_purpose(const char *noun)
{
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
        if (strcmp(nouns[i].noun, noun) == 0)
            return nouns[i].purpose;
    }
    return NULL;
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
