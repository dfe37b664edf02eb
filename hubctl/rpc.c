#include "hubctl/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/file.h"
#include "lib/base/crypto.h"

static void print_line(struct str json)
{
    struct style style = {.people = isatty(STDOUT_FILENO) != 0};
    struct buffer line = {0};
    buffer_reserve(&line, json.length + 1); /* at once, so that a token leaves no copies behind */
    value_write_json(&line, json, &style);
    buffer_append_byte(&line, '\n');
    if (line.data != NULL) {
        fwrite(line.data, 1, line.length, stdout);
        crypto_wipe(line.data, line.capacity);
    }
    buffer_free(&line);
}

static enum ctl_exit print_answers(struct client *client, struct arena *arena, int64_t timeout, bool change)
{
    const struct json_value *value;
    for (;;) {
        arena_reset(arena);
        enum client_event event = client_next(client, arena, timeout, &value);
        if (event == CLIENT_RESULT || event == CLIENT_NOTIFICATION)
            print_line(value->raw);
        if (event == CLIENT_NOTIFICATION && ferror(stdout) != 0)
            return CTL_EXIT_REFUSED; /* terminal_finish says why */
        if (event == CLIENT_NOTIFICATION)
            continue;
        if (event == CLIENT_RESULT)
            return CTL_EXIT_DONE;
        if (event == CLIENT_ERROR)
            return client_explain_error(value);
        return client_explain(client, event, change, timeout);
    }
}

/* An argument can be seen by every user of the machine. */
static bool holds_secret(const struct ctl_command *command, const struct json_value *params)
{
    const struct ctl_param *param = command == NULL ? NULL : command->params;
    for (; param != NULL && param->name != NULL; param++)
        if (param->type == CTL_SECRET_FILE && json_get(params, param->key) != NULL)
            return true;
    return false;
}

enum ctl_exit run_rpc(const struct invocation *invocation)
{
    const char *method = invocation_text(invocation, "METHOD", 0),
               *json = invocation_text(invocation, "JSON", 0);
    const struct ctl_command *command = ctl_command_by_method(str_from(method));
    struct buffer input = {0};
    struct client client;
    struct arena arena;
    const struct json_value *value;
    struct error error = {0};
    struct str params = json != NULL ? str_from(json) : STR("{}");
    arena_init(&arena, 65536);
    enum ctl_exit code = CTL_EXIT_USAGE;
    if (json != NULL && strcmp(json, "-") == 0) {
        if (!file_read("-", "rpc: stdin", CTL_REQUEST_MAX, &input))
            goto out;
        params = buffer_str(&input);
    }
    if (json_parse(&arena, params, JSON_DEPTH_MAX, &value, &error) != OK) {
        complain("rpc: the parameters are no JSON: %s", error.text);
        goto out;
    }
    if (input.data == NULL && holds_secret(command, value)) {
        complain("rpc: a token is not taken from an argument");
        hint("hubctl rpc %s - reads the parameters from stdin", method);
        goto out;
    }
    code = client_open(&client, &invocation->options, false);
    if (code != CTL_EXIT_DONE)
        goto out;
    client_send(&client, method, params, invocation->options.timeout_ms);
    code = print_answers(&client, &arena, invocation->options.timeout_ms,
                         command == NULL || command->access == CTL_ACCESS_ADMIN);
    client_close(&client);
out:
    if (input.data != NULL)
        crypto_wipe(input.data, input.capacity);
    buffer_free(&input);
    arena_wipe(&arena);
    return code;
}
