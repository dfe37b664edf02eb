#include "hubctl/params.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/file.h"
#include "hubctl/moment.h"
#include "hubctl/secret.h"
#include "lib/base/crypto.h"
#include "lib/base/timestamp.h"
#include "lib/ctl/params.h"

/* Choices are sent in the table's spelling, whatever case was typed. */
static struct str spelling(const struct ctl_param *param, struct str word)
{
    for (const char *const *choice = param->choices; *choice != NULL; choice++) {
        if (str_equal_fold(str_from(*choice), word))
            return str_from(*choice);
    }
    return word;
}

/* A file that hubd writes: it is at work in another directory. */
static bool write_path(struct json_writer *writer, const struct ctl_param *param, const char *text)
{
    struct buffer path = {0};
    char *here = text[0] == '/' ? NULL : getcwd(NULL, 0);
    bool good = text[0] == '/' || (here != NULL && text[0] != '\0' && strcmp(text, "-") != 0);
    if (here != NULL)
        buffer_printf(&path, "%s%s", here, strcmp(here, "/") == 0 ? "" : "/");
    buffer_append_text(&path, text);
    if (good)
        json_string(writer, buffer_str(&path));
    else
        complain("%s%s: \"%s\" is no file; hubd writes it itself: write a path",
                 param->positional ? "" : "--", param->name, text);
    buffer_free(&path);
    free(here);
    return good;
}

static bool write_value(struct json_writer *writer, struct invocation *invocation,
                        const struct ctl_param *param, const char *text)
{
    const char *dashes = param->positional ? "" : "--";
    struct str secret, document;
    uint64_t number;
    int64_t time;
    switch (param->type) {
    case CTL_NUMBER:
        if (str_to_uint64(str_from(text), &number) && number <= INT64_MAX) {
            json_int(writer, (int64_t)number);
            return true;
        }
        complain("%s%s: \"%s\" is no number", dashes, param->name, text);
        return false;
    case CTL_TIME:
        if (moment_parse(str_from(text), &time)) {
            json_timestamp(writer, time);
            return true;
        }
        complain("%s%s: \"%s\" is no time; write 2026-01-31, 2026-01-31T12:00:00Z, today, yesterday, or 2h "
                 "for two hours ago",
                 dashes, param->name, text);
        return false;
    case CTL_SWITCH:
        json_boolean(writer, true);
        return true;
    case CTL_CHOICE:
        json_string(writer, spelling(param, str_from(text)));
        return true;
    case CTL_SECRET_FILE:
        if (!secret_read(&invocation->arena, param, text, &secret))
            return false;
        json_string(writer, secret);
        return true;
    case CTL_FILE:
        return write_path(writer, param, text);
    case CTL_JSON_FILE:
        if (!file_read_json(&invocation->arena, text, &document))
            return false;
        json_raw(writer, document);
        return true;
    case CTL_TEXT:
    case CTL_PARTY:
    case CTL_PARTY_OR_DEFAULT:
    case CTL_DURATION:
    case CTL_RATE:
    case CTL_MONTH:
    case CTL_JSON:
        json_string(writer, str_from(text));
        return true;
    }
    return false;
}

/* All values given for one parameter, as one member. */
static bool write_member(struct json_writer *writer, struct invocation *invocation,
                         const struct ctl_param *param)
{
    bool begun = false;
    for (size_t i = 0; i < invocation->given_count; i++) {
        if (invocation->given[i].param != param)
            continue;
        if (!begun) {
            json_key(writer, param->key);
            if (param->repeatable)
                json_array_begin(writer);
        }
        begun = true;
        if (!write_value(writer, invocation, param, invocation->given[i].text))
            return false;
    }
    if (begun && param->repeatable)
        json_array_end(writer);
    return true;
}

/* What hubctl keeps to itself is not in the request, so the table's check would not miss it. */
static bool has_local_ones(const struct invocation *invocation)
{
    const struct ctl_param *param = invocation->command->params;
    for (; param != NULL && param->name != NULL; param++) {
        if (param->required && param->key == NULL && invocation_text(invocation, param->name, 0) == NULL) {
            complain("%s%s is missing", param->positional ? "" : "--", param->name);
            return false;
        }
    }
    return true;
}

enum ctl_exit params_build(struct invocation *invocation)
{
    struct buffer buffer = {0};
    struct json_writer writer;
    bool good = has_local_ones(invocation);
    buffer_reserve(&buffer, 4096); /* at once, so that a token leaves no copies behind */
    json_writer_init(&writer, &buffer);
    json_object_begin(&writer);
    const struct ctl_param *param = invocation->command->params;
    for (; good && param != NULL && param->name != NULL; param++) {
        if (param->key != NULL)
            good = write_member(&writer, invocation, param);
    }
    if (good) {
        json_object_end(&writer);
        invocation->params = arena_copy(&invocation->arena, buffer_str(&buffer));
    }
    if (buffer.data != NULL)
        crypto_wipe(buffer.data, buffer.capacity);
    buffer_free(&buffer);
    if (!good)
        return CTL_EXIT_USAGE;
    const struct json_value *params;
    struct error error = {0};
    if (json_parse_values(&invocation->arena, invocation->params, JSON_DEPTH_MAX, CTL_VALUES_MAX, &params,
                          &error) != OK ||
        ctl_params_check(invocation->command, params, &error) != OK) {
        char words[CTL_WORDS_SIZE];
        complain("%s: %s", ctl_command_words(invocation->command, words), error.text);
        return CTL_EXIT_USAGE;
    }
    return CTL_EXIT_DONE;
}
