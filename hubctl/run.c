#include "hubctl/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hubctl/age.h"
#include "hubctl/confirm.h"
#include "hubctl/diagnose.h"
#include "hubctl/progress.h"
#include "lib/json/writer.h"

enum ctl_exit run_refused(struct client *client, const struct invocation *invocation,
                          const struct json_value *error)
{
    int64_t code;
    if (json_get_int64(error, "code", &code) && code == CTL_NO_METHOD)
        return age_explain_unknown(client, invocation->command, invocation->options.timeout_ms);
    return client_explain_error(error);
}

static bool comes_in_pages(const struct ctl_command *command)
{
    return command->output == CTL_OUTPUT_LIST || command->output == CTL_OUTPUT_MATRIX;
}

enum ctl_exit run_call(struct client *client, const struct invocation *invocation, struct str params,
                       struct arena *arena, const struct json_value **result)
{
    const struct ctl_command *command = invocation->command;
    int64_t timeout = invocation->options.timeout_ms;
    client_send(client, command->method, params, timeout);
    enum client_event event;
    while ((event = client_next(client, arena, timeout, result)) == CLIENT_NOTIFICATION)
        progress_show(*result);
    if (event != CLIENT_RESULT || !comes_in_pages(command)) /* between pages it stays */
        progress_clear();
    if (event == CLIENT_RESULT)
        return CTL_EXIT_DONE;
    if (event == CLIENT_ERROR)
        return run_refused(client, invocation, *result);
    bool changes = command->access == CTL_ACCESS_ADMIN && (command->flags & CTL_CHECK) == 0;
    return client_explain(client, event, changes, timeout);
}

/* ---------------------------------------------------------------- lists, page by page */

/* The request's params with `after` (and what is left of --limit). */
static struct str page_params(const struct invocation *invocation, struct arena *arena, struct str after,
                              int64_t left)
{
    const struct json_value *params;
    struct buffer buffer = {0};
    struct json_writer writer;
    if (after.length == 0 || json_parse(arena, invocation->params, JSON_DEPTH_MAX, &params, NULL) != OK)
        return invocation->params;
    json_writer_init(&writer, &buffer);
    json_object_begin(&writer);
    for (const struct json_value *member = params->child; member != NULL; member = member->next) {
        if (str_equal(member->key, STR("limit")))
            continue;
        json_key_str(&writer, member->key);
        json_raw(&writer, member->raw);
    }
    json_field_string(&writer, "after", after);
    if (left >= 0)
        json_field_int(&writer, "limit", left);
    json_object_end(&writer);
    struct str text = arena_copy(arena, buffer_str(&buffer));
    buffer_free(&buffer);
    return text;
}

/* Rows kept for a table; the values live in the pages' arena. */
struct collected {
    const struct json_value **rows;
    size_t count, room;
    size_t seen;                   /* rows, kept or not */
    struct str message;            /* of the last page */
    const struct json_value *cpos; /* of the matrix */
};

static bool collect(struct collected *collected, const struct json_value *row)
{
    if (collected->count == collected->room) {
        size_t room = collected->room == 0 ? 256 : collected->room * 2;
        const struct json_value **rows = realloc(collected->rows, room * sizeof *rows);
        if (rows == NULL)
            return false;
        collected->rows = rows;
        collected->room = room;
    }
    collected->rows[collected->count++] = row;
    return true;
}

static bool take_rows(struct printer *printer, struct collected *collected, const struct json_value *rows)
{
    const struct json_value *row = rows != NULL && rows->type == JSON_ARRAY ? rows->child : NULL;
    if (row != NULL && !print_collects(printer))
        progress_clear();
    for (; row != NULL; row = row->next, collected->seen++) {
        if (!print_collects(printer))
            print_row(printer, row);
        else if (!collect(collected, row))
            return false;
    }
    return true;
}

static enum ctl_exit list_pages(struct client *client, const struct invocation *invocation,
                                struct printer *printer, struct arena *arena, struct collected *collected)
{
    const char *limit_text = invocation_text(invocation, "limit", 0);
    uint64_t limit = 0;
    bool limited = limit_text != NULL && str_to_uint64(str_from(limit_text), &limit) && limit > 0;
    int64_t left = limited ? (int64_t)limit : -1;
    struct str after = STR_NONE;
    char after_text[512];
    for (;;) {
        const struct json_value *result;
        if (!print_collects(printer))
            arena_reset(arena);
        enum ctl_exit code =
            run_call(client, invocation, page_params(invocation, arena, after, left), arena, &result);
        if (code != CTL_EXIT_DONE)
            return code;
        const struct json_value *rows = json_get(result, "rows"), *next = json_get(result, "next");
        if (!take_rows(printer, collected, rows)) {
            complain("no memory for so many rows; write to a pipe or a file instead");
            return CTL_EXIT_REFUSED;
        }
        collected->message = json_get_text(result, "message");
        collected->cpos = json_get(result, "cpos");
        left -= left > 0 && rows != NULL ? (int64_t)rows->count : 0;
        if (next == NULL || left == 0 || ferror(stdout))
            return CTL_EXIT_DONE;
        if (next->text.length == 0 || str_equal(next->text, after) ||
            !str_copy(next->text, after_text, sizeof after_text)) {
            complain("hubd does not tell where the list goes on; it is not whole");
            return CTL_EXIT_REFUSED;
        }
        after = str_from(after_text);
    }
}

static enum ctl_exit run_list(struct client *client, const struct invocation *invocation,
                              struct printer *printer, struct arena *arena)
{
    struct collected collected = {0};
    enum ctl_exit code = list_pages(client, invocation, printer, arena, &collected);
    progress_clear();
    if (code == CTL_EXIT_DONE && print_collects(printer) && invocation->command->output == CTL_OUTPUT_MATRIX)
        print_matrix(printer, collected.cpos, collected.rows, collected.count);
    else if (code == CTL_EXIT_DONE && print_collects(printer))
        print_table(printer, collected.rows, collected.count, collected.message);
    free(collected.rows);
    bool found = (invocation->command->flags & CTL_CHECK) != 0 && collected.seen > 0;
    return code == CTL_EXIT_DONE && found ? CTL_EXIT_DIFFERENCES : code;
}

/* ---------------------------------------------------------------- answers of one object */

/* This program's own version in front of what hubd says of itself. */
static const struct json_value *with_own_version(struct arena *arena, const struct json_value *result)
{
    struct buffer buffer = {0};
    struct json_writer writer;
    const struct json_value *joined = result;
    json_writer_init(&writer, &buffer);
    json_object_begin(&writer);
    json_field_text(&writer, "hubctl", HUB_VERSION);
    for (const struct json_value *member = result->child; member != NULL; member = member->next) {
        json_key_str(&writer, member->key);
        json_raw(&writer, member->raw);
    }
    json_object_end(&writer);
    if (json_parse(arena, buffer_str(&buffer), JSON_DEPTH_MAX, &joined, NULL) != OK)
        joined = result;
    buffer_free(&buffer);
    return joined;
}

static enum ctl_exit print_object(const struct invocation *invocation, struct printer *printer,
                                  struct arena *arena, const struct json_value *result)
{
    bool different = false;
    switch (invocation->command->output) {
    case CTL_OUTPUT_CHANGE:
        print_change(printer, result);
        break;
    case CTL_OUTPUT_CARD:
        if (strcmp(invocation->command->method, "version") == 0) {
            age_check(result);
            result = with_own_version(arena, result);
        }
        print_card(printer, result);
        break;
    case CTL_OUTPUT_REPORT:
        print_report(printer, result, invocation_text(invocation, "markdown", 0) != NULL);
        break;
    case CTL_OUTPUT_BODY:
        if (!print_body(printer, arena, json_get_text(result, "body"))) {
            complain("what is stored is no JSON object");
            return CTL_EXIT_REFUSED;
        }
        break;
    case CTL_OUTPUT_DIFF:
        different = print_diff(printer, result);
        break;
    case CTL_OUTPUT_LIST:
    case CTL_OUTPUT_MATRIX:
    case CTL_OUTPUT_STREAM:
    case CTL_OUTPUT_TOKEN:
    case CTL_OUTPUT_TEXT:
        break;
    }
    bool failed =
        (invocation->command->flags & CTL_CHECK) != 0 && (different || !json_get_boolean(result, "ok", true));
    return failed ? CTL_EXIT_DIFFERENCES : CTL_EXIT_DONE;
}

static enum ctl_exit run_remote(const struct invocation *invocation, struct printer *printer)
{
    struct client client;
    struct arena arena;
    const struct json_value *result;
    enum ctl_exit code = client_open(&client, &invocation->options, false);
    if (code != CTL_EXIT_DONE)
        return code;
    arena_init(&arena, 65536);
    if (comes_in_pages(invocation->command)) {
        code = run_list(&client, invocation, printer, &arena);
    } else {
        code = run_call(&client, invocation, invocation->params, &arena, &result);
        if (code == CTL_EXIT_DONE)
            code = print_object(invocation, printer, &arena, result);
    }
    arena_free(&arena);
    client_close(&client);
    return code;
}

/* Commands that hubctl carries out itself, with any calls of hubd that they need. */
static const struct {
    const char *method;
    enum ctl_exit (*run)(const struct invocation *invocation);
} locals[] = {
    {"rpc", run_rpc},
    {"completion", run_completion},
    {"batch", run_batch},
    {"help", run_help},
};

static enum ctl_exit run_local(const struct invocation *invocation)
{
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++) {
        if (strcmp(locals[i].method, invocation->command->method) == 0)
            return locals[i].run(invocation);
    }
    complain("%s: not built into this hubctl", invocation->command->method);
    return CTL_EXIT_USAGE;
}

enum ctl_exit run_command(const struct invocation *invocation)
{
    struct printer printer;
    if (invocation->options.quiet)
        progress_silence();
    if ((invocation->command->flags & CTL_LOCAL) != 0)
        return run_local(invocation);
    enum ctl_exit code = print_init(&printer, invocation);
    if (code == CTL_EXIT_DONE && (invocation->command->flags & CTL_DANGEROUS) != 0)
        code = confirm(invocation);
    if (code != CTL_EXIT_DONE)
        return code;
    if (invocation->command->output == CTL_OUTPUT_STREAM)
        return run_tail(invocation, &printer);
    if (invocation->command->output == CTL_OUTPUT_TOKEN)
        return run_token(invocation, &printer);
    return run_remote(invocation, &printer);
}
