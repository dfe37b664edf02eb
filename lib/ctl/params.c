#include "lib/ctl/params.h"

#include "lib/base/rate.h"
#include "lib/base/suggest.h"
#include "lib/base/timestamp.h"
#include "lib/ctl/protocol.h"

#define TEXT_MAX   4096
#define REPEAT_MAX 64
#define SECRET_MAX 64 /* OCPI 2.2.1, Credentials: token */

static int bad(struct error *error, const char *what)
{
    return error_set(error, ERR_INVALID, "%s", what);
}

/* The parameter's name in front of what is wrong with it. */
static int bad_param(struct error *error, const struct ctl_param *param, const char *what)
{
    struct error plain = {0};
    error_set(&plain, ERR_INVALID, "%s", what);
    return error_set(error, ERR_INVALID, "%s%s: %s", param->positional ? "" : "--", param->name, plain.text);
}

/* Whoever says so means the word as it is written. */
static bool may_be_misspelt(const struct ctl_param *param, const struct json_value *beside)
{
    return param->open && param->misspelt != NULL &&
           (param->misspelt[0] == '\0' || json_get_boolean(beside, param->misspelt, false));
}

static int check_choice(const struct ctl_param *param, struct str word, const struct json_value *beside,
                        struct error *error)
{
    if (ctl_param_allows(param, word) || (may_be_misspelt(param, beside) && ctl_is_word(word)))
        return OK;
    struct suggest suggest;
    suggest_begin(&suggest, word);
    char known[256];
    struct str list = {known, 0};
    for (const char *const *choice = param->choices; *choice != NULL; choice++) {
        suggest_offer(&suggest, *choice);
        struct str next = str_from(*choice);
        if (list.length + next.length + 3 < sizeof known) {
            memcpy(known + list.length, ", ", 2);
            memcpy(known + list.length + 2, next.data, next.length);
            list.length += 2 + next.length;
        }
    }
    const char *best = suggest_best(&suggest);
    if (param->open && best == NULL && ctl_is_word(word))
        return OK;
    list = str_skip(list, 2);
    return error_set(error, ERR_INVALID, "\"" STR_FMT "\" is none of " STR_FMT "%s%s%s",
                     (int)(word.length < 40 ? word.length : 40), word.data, STR_ARG(list),
                     best != NULL ? "; did you mean " : "", best != NULL ? best : "",
                     best != NULL ? "?" : "");
}

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* IN-ABC, IN*ABC, IN/ABC or INABC, with ":ROLE" behind. Whose it is, hubd knows. */
static bool is_party(struct str text)
{
    size_t colon = str_find(text, ':');
    struct str role = colon == SIZE_MAX ? STR("CPO") : str_skip(text, colon + 1);
    text.length = colon == SIZE_MAX ? text.length : colon;
    bool good = text.length == 5 || (text.length == 6 && strchr("-*/", text.data[2]) != NULL);
    for (size_t i = 0; i < text.length && good; i++) {
        bool separator = text.length == 6 && i == 2, digit = text.data[i] >= '0' && text.data[i] <= '9';
        good = separator || is_letter(text.data[i]) || (digit && i > 1);
    }
    for (size_t i = 0; i < role.length && good; i++)
        good = is_letter(role.data[i]);
    return good && role.length >= 3 && role.length <= 5;
}

static int check_secret(struct str secret, struct error *error)
{
    if (secret.length == 0)
        return bad(error, "no token in it");
    if (secret.length > SECRET_MAX)
        return bad(error, "more than the 64 characters that a token may have");
    return str_is_visible(secret)
               ? OK
               : bad(error, "no token: white space, line breaks and anything but visible ASCII "
                            "characters cannot be in one");
}

static int check_text(const struct ctl_param *param, struct str text, const struct json_value *beside,
                      struct error *error)
{
    int64_t number;
    struct rate rate;
    if (param->type == CTL_SECRET_FILE)
        return check_secret(text, error);
    if (text.length > TEXT_MAX)
        return bad(error, "too long");
    if (str_has_control(text))
        return bad(error, "must not contain control characters");
    switch (param->type) {
    case CTL_PARTY:
        return is_party(text) ? OK : bad(error, "no party id; write it as IN-ABC");
    case CTL_PARTY_OR_DEFAULT:
        return is_party(text) || str_equal_fold(text, STR(CTL_DEFAULT))
                   ? OK
                   : bad(error, "no party id; write it as IN-ABC, or " CTL_DEFAULT " for all others");
    case CTL_DURATION:
        return duration_parse(text, &number)
                   ? OK
                   : bad(error, "no duration; write a number with s, m, h or d, e.g. 7d");
    case CTL_RATE:
        return rate_parse(text, &rate) ? OK : bad(error, "no rate; " RATE_REMEDY);
    case CTL_TIME:
        return timestamp_parse(text, &number) ? OK : bad(error, "no time; write it as 2026-01-31T12:00:00Z");
    case CTL_MONTH:
        return month_parse(text, &number, &number) ? OK : bad(error, "no month; write it as 2026-01");
    case CTL_CHOICE:
        return check_choice(param, text, beside, error);
    case CTL_TEXT:
        return text.length > 0 || !param->required ? OK : bad(error, "must not be empty");
    case CTL_FILE:
        return text.length > 0 && text.data[0] == '/' ? OK
                                                      : bad(error, "write its whole path, beginning with /");
    case CTL_NUMBER:
    case CTL_SWITCH:
    case CTL_SECRET_FILE:
    case CTL_JSON:
    case CTL_JSON_FILE:
        break;
    }
    return bad(error, "must not be a text");
}

int ctl_value_check(const struct ctl_param *param, const struct json_value *value,
                    const struct json_value *beside, struct error *error)
{
    uint64_t number;
    if (param->type == CTL_NUMBER) {
        bool digits = value->type == JSON_NUMBER && str_to_uint64(value->raw, &number) && number <= INT64_MAX;
        return digits ? OK : bad(error, "no number; write digits only");
    }
    if (param->type == CTL_SWITCH)
        return value->type == JSON_BOOLEAN ? OK : bad(error, "must be true or false");
    if (param->type == CTL_JSON || param->type == CTL_JSON_FILE)
        return value->type == JSON_OBJECT ? OK : bad(error, "must be an object");
    if (value->type != JSON_STRING)
        return bad(error, "must be a text");
    return check_text(param, value->text, beside, error);
}

static int check_member(const struct ctl_param *param, const struct json_value *value,
                        const struct json_value *params, struct error *error)
{
    if (param->repeatable && value->type != JSON_ARRAY)
        return bad_param(error, param, "must be an array");
    if (param->repeatable && value->count > REPEAT_MAX)
        return bad_param(error, param, "given too often");
    int result = OK;
    const struct json_value *item = param->repeatable ? value->child : value;
    for (; item != NULL && result == OK; item = param->repeatable ? item->next : NULL)
        result = ctl_value_check(param, item, params, error);
    return result == OK ? OK : bad_param(error, param, error->text);
}

static bool is_given(const struct ctl_param *param, const struct json_value *params)
{
    const struct json_value *value = param->key == NULL ? NULL : json_get(params, param->key);
    if (value == NULL)
        return false;
    return !(value->type == JSON_BOOLEAN && !value->boolean) &&
           !(value->type == JSON_ARRAY && value->count == 0);
}

/* "FINGERPRINT or --all" for the parameters that share the mark of `first`. */
static int check_alternatives(const struct ctl_command *command, const struct ctl_param *first,
                              const struct json_value *params, struct error *error)
{
    struct buffer names = {0};
    unsigned given = 0;
    for (const struct ctl_param *param = command->params; param->name != NULL; param++) {
        if (param->one_of != first->one_of)
            continue;
        given += is_given(param, params) ? 1 : 0;
        buffer_printf(&names, "%s%s%s", names.length > 0 ? " or " : "", param->positional ? "" : "--",
                      param->name);
    }
    int result = OK;
    if (given != 1)
        result = error_set(error, ERR_INVALID, "give %s" STR_FMT, given == 0 ? "" : "only one of ",
                           STR_ARG(buffer_str(&names)));
    buffer_free(&names);
    return result;
}

int ctl_params_check(const struct ctl_command *command, const struct json_value *params, struct error *error)
{
    if (params != NULL && params->type != JSON_OBJECT)
        return error_set(error, ERR_INVALID, "params must be an object");
    const struct json_value *member = params == NULL ? NULL : params->child;
    for (; member != NULL; member = member->next) {
        const struct ctl_param *param = ctl_param_by_key(command, member->key);
        if (param == NULL)
            return error_set(error, ERR_INVALID, "%s has no parameter \"" STR_FMT "\"", command->method,
                             (int)(member->key.length < 40 ? member->key.length : 40), member->key.data);
        int result = member->type == JSON_NULL ? OK : check_member(param, member, params, error);
        if (result != OK)
            return result;
    }
    for (const struct ctl_param *param = command->params; param != NULL && param->name != NULL; param++) {
        if (param->required && param->key != NULL && !is_given(param, params))
            return error_set(error, ERR_INVALID, "%s%s is missing", param->positional ? "" : "--",
                             param->name);
        int result = param->one_of == 0 ? OK : check_alternatives(command, param, params, error);
        if (result != OK)
            return result;
    }
    return OK;
}

/* ---------------------------------------------------------------- rpc.discover */

static void discover_params(struct json_writer *writer, const struct ctl_param *param)
{
    json_key(writer, "params");
    json_array_begin(writer);
    for (; param != NULL && param->name != NULL; param++) {
        if (param->key == NULL)
            continue;
        json_object_begin(writer);
        json_field_text(writer, "name", param->key);
        json_field_text(writer, "type", ctl_type_name(param->type));
        json_field_boolean(writer, "required", param->required);
        json_field_boolean(writer, "repeatable", param->repeatable);
        if (param->choices != NULL) {
            json_key(writer, "choices");
            json_array_begin(writer);
            for (const char *const *choice = param->choices; *choice != NULL; choice++)
                json_string(writer, str_from(*choice));
            json_array_end(writer);
        }
        json_field_text(writer, "help", param->help);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void discover_columns(struct json_writer *writer, const struct ctl_column *column)
{
    json_key(writer, "fields");
    json_array_begin(writer);
    for (; column != NULL && column->key != NULL; column++) {
        json_object_begin(writer);
        json_field_text(writer, "name", column->key);
        json_field_text(writer, "kind", ctl_kind_name(column->kind));
        json_field_text(writer, "help", column->help);
        if (column->section != NULL)
            discover_columns(writer, column->section);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void discover_command(struct json_writer *writer, const struct ctl_command *command)
{
    json_object_begin(writer);
    json_field_text(writer, "name", command->method);
    json_field_text(writer, "noun", command->noun);
    if (command->verb != NULL)
        json_field_text(writer, "verb", command->verb);
    json_field_text(writer, "access", command->access == CTL_ACCESS_READ ? "read" : "admin");
    json_field_boolean(writer, "streams", (command->flags & CTL_STREAMS) != 0);
    json_field_boolean(writer, "secret", (command->flags & CTL_SECRET) != 0);
    json_field_boolean(writer, "dangerous", (command->flags & CTL_DANGEROUS) != 0);
    json_field_text(writer, "result", ctl_output_name(command->output));
    json_field_text(writer, "help", command->purpose);
    discover_params(writer, command->params);
    discover_columns(writer, command->columns);
    json_object_end(writer);
}

void ctl_discover(struct json_writer *writer)
{
    json_object_begin(writer);
    json_field_text(writer, "version", HUB_VERSION);
    json_field_int(writer, "protocol", CTL_PROTOCOL);
    json_key(writer, "methods");
    json_array_begin(writer);
    for (size_t i = 0; i < ctl_command_count(); i++) {
        const struct ctl_command *command = ctl_command_at(i);
        if ((command->flags & CTL_LOCAL) == 0)
            discover_command(writer, command);
    }
    json_array_end(writer);
    json_object_end(writer);
}
