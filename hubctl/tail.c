#include "hubctl/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/terminal.h"
#include "lib/json/writer.h"

#define CURSOR_MAX      512
#define RECONNECT_FIRST 100  /* ms */
#define RECONNECT_MOST  2000 /* ms */

/* Where we are: the cursor of the last row printed, or where hubd said that we begin. */
struct tail {
    const struct invocation *invocation;
    struct printer *printer;
    const char *cursor_file;
    char cursor[CURSOR_MAX]; /* "": not known yet */
    bool moved;              /* since the cursor file was written */
    bool follow;
};

/* ---------------------------------------------------------------- the cursor file */

static enum ctl_exit read_cursor_file(struct tail *tail)
{
    FILE *file = fopen(tail->cursor_file, "re");
    if (file == NULL && errno == ENOENT)
        return CTL_EXIT_DONE; /* the first time */
    if (file == NULL) {
        complain("%s: %s", tail->cursor_file, strerror(errno));
        return CTL_EXIT_REFUSED;
    }
    if (fgets(tail->cursor, sizeof tail->cursor, file) == NULL)
        tail->cursor[0] = '\0';
    tail->cursor[strcspn(tail->cursor, "\r\n")] = '\0';
    fclose(file);
    return CTL_EXIT_DONE;
}

/* After the rows have gone out, never before: who is stopped in between sees a row twice, but misses none. */
static bool write_cursor_file(struct tail *tail)
{
    char fresh[4200];
    int length = snprintf(fresh, sizeof fresh, "%s.new", tail->cursor_file);
    FILE *file = length > 0 && (size_t)length < sizeof fresh ? fopen(fresh, "we") : NULL;
    bool good = file != NULL && fprintf(file, "%s\n", tail->cursor) > 0;
    if (file != NULL)
        good = fclose(file) == 0 && good;
    if (good && rename(fresh, tail->cursor_file) == 0) {
        tail->moved = false;
        return true;
    }
    complain("%s: %s", tail->cursor_file, strerror(errno));
    return false;
}

/* False when the output or the cursor file cannot be written: going on would lose rows. */
static bool settle(struct tail *tail)
{
    if (!terminal_flush())
        return false;
    return tail->cursor_file == NULL || !tail->moved || write_cursor_file(tail);
}

/* ---------------------------------------------------------------- the request */

/* What was asked for, from our cursor on once there is one. */
static struct str make_params(const struct tail *tail, struct arena *arena)
{
    const struct json_value *params;
    struct buffer buffer = {0};
    struct json_writer writer;
    if (tail->cursor[0] == '\0' ||
        json_parse(arena, tail->invocation->params, JSON_DEPTH_MAX, &params, NULL) != OK)
        return tail->invocation->params;
    json_writer_init(&writer, &buffer);
    json_object_begin(&writer);
    for (const struct json_value *member = params->child; member != NULL; member = member->next) {
        if (str_equal(member->key, STR("cursor")) || str_equal(member->key, STR("last")))
            continue;
        json_key_str(&writer, member->key);
        json_raw(&writer, member->raw);
    }
    json_field_text(&writer, "cursor", tail->cursor);
    json_object_end(&writer);
    struct str text = arena_copy(arena, buffer_str(&buffer));
    buffer_free(&buffer);
    return text;
}

static void take_notification(struct tail *tail, const struct json_value *row)
{
    struct str cursor = json_get_text(row, "cursor"), position = json_get_text(row, "position");
    if (position.length == 0)
        print_row(tail->printer, row);
    if (str_copy(position.length > 0 ? position : cursor, tail->cursor, sizeof tail->cursor))
        tail->moved = true;
}

/* Rows until the answer or the end of the connection. `*ended`: there is nothing to go on with. */
static enum ctl_exit read_rows(struct tail *tail, struct client *client, struct arena *arena, bool *ended)
{
    const struct json_value *value;
    int64_t timeout = tail->invocation->options.timeout_ms;
    for (;;) {
        if (!client_has_more(client) && !settle(tail)) {
            *ended = true;
            return CTL_EXIT_REFUSED;
        }
        arena_reset(arena);
        enum client_event event = client_next(client, arena, timeout, &value);
        if (event == CLIENT_NOTIFICATION) {
            take_notification(tail, value);
            timeout = tail->follow ? 0 : timeout; /* hubd is there; the next row may take days */
            continue;
        }
        *ended = event != CLIENT_CLOSED || !tail->follow;
        if (!settle(tail)) {
            *ended = true;
            return CTL_EXIT_REFUSED;
        }
        if (event == CLIENT_RESULT) {
            print_stream_end(tail->printer);
            return CTL_EXIT_DONE;
        }
        if (event == CLIENT_ERROR)
            return run_refused(client, tail->invocation, value);
        return *ended ? client_explain(client, event, false, timeout) : CTL_EXIT_UNREACHABLE;
    }
}

static enum ctl_exit connect_once(struct tail *tail, struct arena *arena, bool silent, bool *ended)
{
    struct client client;
    enum ctl_exit code = client_open(&client, &tail->invocation->options, silent);
    client.watches_output = true;
    *ended = code != CTL_EXIT_UNREACHABLE || !silent;
    if (code != CTL_EXIT_DONE)
        return code;
    client_send(&client, tail->invocation->command->method, make_params(tail, arena),
                tail->invocation->options.timeout_ms);
    code = read_rows(tail, &client, arena, ended);
    client_close(&client);
    return code;
}

static void pause_ms(int64_t ms)
{
    client_wait_output((int)ms);
}

enum ctl_exit run_tail(const struct invocation *invocation, struct printer *printer)
{
    struct tail tail = {.invocation = invocation, .printer = printer};
    struct arena arena;
    bool ended = false, announced = false;
    tail.follow = invocation_text(invocation, "follow", 0) != NULL;
    tail.cursor_file = invocation_text(invocation, "cursor-file", 0);
    const char *cursor = invocation_text(invocation, "cursor", 0);
    enum ctl_exit code = tail.cursor_file != NULL ? read_cursor_file(&tail) : CTL_EXIT_DONE;
    if (code != CTL_EXIT_DONE)
        return code;
    if (cursor != NULL && tail.cursor[0] == '\0')
        str_copy(str_from(cursor), tail.cursor, sizeof tail.cursor);
    arena_init(&arena, 65536);
    code = connect_once(&tail, &arena, false, &ended);
    for (int64_t wait = RECONNECT_FIRST; !ended;
         wait = wait * 2 > RECONNECT_MOST ? RECONNECT_MOST : wait * 2) {
        if (!announced)
            complain("hubd hung up; waiting for it to come back");
        announced = true;
        pause_ms(wait);
        char before[CURSOR_MAX];
        memcpy(before, tail.cursor, sizeof before);
        code = connect_once(&tail, &arena, true, &ended);
        if (memcmp(before, tail.cursor, sizeof before) != 0) {
            wait = RECONNECT_FIRST; /* it was there: the next end is a new one */
            announced = false;
        }
    }
    arena_free(&arena);
    return code;
}
