#include "hubctl/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "lib/base/crypto.h"
#include "lib/base/env.h"
#include "lib/base/paths.h"
#include "lib/base/timestamp.h"
#include "lib/ctl/access.h"

#define READ_SIZE 65536

/* ---------------------------------------------------------------- a connection for many commands */

static bool keeps;
static struct client kept = {.socket = -1};

/* What has something to read though nobody asked has ended. */
static bool is_quiet(const struct client *client)
{
    struct pollfd poll_for = {.fd = client->socket, .events = POLLIN};
    return poll(&poll_for, 1, 0) == 0;
}

static bool take_kept(struct client *client)
{
    if (kept.socket < 0)
        return false;
    struct client found = kept;
    kept.socket = -1;
    if (strcmp(found.path, client->path) != 0 || !is_quiet(&found)) {
        close(found.socket);
        ctl_lines_free(&found.lines);
        return false;
    }
    *client = found;
    return true;
}

static bool put_aside(struct client *client)
{
    if (!keeps || client->socket < 0 || client->waiting > 0 || ctl_lines_pending(&client->lines) > 0)
        return false;
    kept = *client;
    return true;
}

void client_keep(bool keep)
{
    keeps = keep;
    if (!keep && kept.socket >= 0) {
        close(kept.socket);
        ctl_lines_free(&kept.lines);
        kept.socket = -1;
    }
}

/* ---------------------------------------------------------------- connecting */

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0 || errno == EACCES;
}

static void choose_path(struct client *client, const struct hubctl_options *options)
{
    const char *given = options->socket != NULL ? options->socket : getenv("HUBCTL_SOCKET");
    if (given != NULL && given[0] != '\0') {
        str_copy(str_from(given), client->path, sizeof client->path);
        return;
    }
    paths_admin_socket(client->path, sizeof client->path);
    bool own = client->path[0] != '\0' && paths_is_own(client->path) && is_there(client->path);
    if (!own && (client->path[0] == '\0' || is_there(PATHS_SYSTEM_SOCKET)))
        str_copy(STR(PATHS_SYSTEM_SOCKET), client->path, sizeof client->path);
}

static enum ctl_exit cannot_connect(const struct client *client, int number, bool silent)
{
    bool forbidden = number == EACCES || number == EPERM;
    if (silent)
        return forbidden ? CTL_EXIT_NOT_PERMITTED : CTL_EXIT_UNREACHABLE;
    if (forbidden) {
        complain("you may not use hubd's admin socket %s", client->path);
        hint("ask for membership of hubd's admin_group or viewer_group");
        return CTL_EXIT_NOT_PERMITTED;
    }
    complain("hubd is not reachable at %s: %s", client->path, strerror(number));
    hint("is hubd running? For another socket: --socket PATH or HUBCTL_SOCKET");
    return CTL_EXIT_UNREACHABLE;
}

#define QUEUE_WAIT_MS  3000
#define QUEUE_PAUSE_MS 10

/* Where many knock at once the socket's queue is full for a moment. False with errno. */
static bool connect_soon(int descriptor, const struct sockaddr_un *address)
{
    int64_t deadline = env_monotonic_ms() + QUEUE_WAIT_MS;
    while (connect(descriptor, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno != EAGAIN || env_monotonic_ms() >= deadline)
            return false;
        poll(NULL, 0, QUEUE_PAUSE_MS);
    }
    return true;
}

static enum ctl_exit distrust(const struct error *error, bool silent)
{
    if (!silent) {
        complain("%s", error->text);
        hint("is it your hubd's? Its socket belongs into a folder that only root or hubd's user can write");
    }
    return CTL_EXIT_UNREACHABLE;
}

enum ctl_exit client_open(struct client *client, const struct hubctl_options *options, bool silent)
{
    memset(client, 0, sizeof *client);
    client->socket = -1;
    ctl_lines_init(&client->lines, CTL_ANSWER_MAX);
    choose_path(client, options);
    if (take_kept(client))
        return CTL_EXIT_DONE;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!str_copy(str_from(client->path), address.sun_path, sizeof address.sun_path) ||
        client->path[0] == '\0')
        return cannot_connect(client, ENAMETOOLONG, silent);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return cannot_connect(client, errno, silent);
    if (!connect_soon(descriptor, &address)) {
        int number = errno;
        close(descriptor);
        return cannot_connect(client, number, silent);
    }
    struct error error;
    if (ctl_listener_check(descriptor, client->path, &error) != OK) {
        close(descriptor);
        return distrust(&error, silent);
    }
    client->socket = descriptor;
    return CTL_EXIT_DONE;
}

void client_close(struct client *client)
{
    if (!put_aside(client)) {
        if (client->socket >= 0)
            close(client->socket);
        if (client->lines.input.data != NULL) /* a token may have been in it */
            crypto_wipe(client->lines.input.data, client->lines.input.capacity);
        ctl_lines_free(&client->lines);
    }
    client->socket = -1;
}

/* ---------------------------------------------------------------- sending and receiving */

/* Ends hubctl when the reader of a pipe has gone away, as the next row would: poll(2) reports that although
 * nothing is written. */
static void end_with_reader(const struct pollfd *output)
{
    if ((output->revents & (POLLERR | POLLHUP)) != 0)
        raise(SIGPIPE);
}

void client_wait_output(int ms)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    if (poll(&output, 1, ms) > 0)
        end_with_reader(&output);
}

/* 1: ready, 0: not in time, -1: failed. `deadline` 0: none. */
static int wait_for(const struct client *client, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline == 0 ? -1 : deadline - env_monotonic_ms();
        if (deadline != 0 && left <= 0)
            return 0;
        struct pollfd poll_for[] = {{.fd = client->socket, .events = events},
                                    {.fd = client->watches_output ? STDOUT_FILENO : -1}};
        int count = poll(poll_for, 2, left > 1000000 ? 1000000 : (int)left);
        if (count > 0)
            end_with_reader(&poll_for[1]);
        if (count > 0 && poll_for[0].revents != 0)
            return 1;
        if (count < 0 && errno != EINTR)
            return -1;
    }
}

static int64_t deadline_after(int64_t timeout_ms)
{
    return timeout_ms == 0 ? 0 : env_monotonic_ms() + timeout_ms;
}

void client_send(struct client *client, const char *method, struct str params, int64_t timeout_ms)
{
    struct buffer line = {0};
    int64_t deadline = deadline_after(timeout_ms);
    buffer_reserve(&line, params.length + 128); /* at once, so that a token leaves no copies behind */
    ctl_write_request(&line, ++client->next_id, method, params);
    client->waiting++;
    struct str rest = buffer_str(&line);
    while (!line.failed && rest.length > 0) {
        ssize_t sent = send(client->socket, rest.data, rest.length, MSG_NOSIGNAL);
        if (sent > 0)
            rest = str_skip(rest, (size_t)sent);
        else if ((errno != EAGAIN && errno != EINTR) || wait_for(client, POLLOUT, deadline) != 1)
            break;
    }
    if (line.data != NULL)
        crypto_wipe(line.data, line.capacity);
    buffer_free(&line);
}

static enum client_event classify(struct client *client, struct arena *arena, struct str line,
                                  const struct json_value **value)
{
    const struct json_value *message;
    if (json_parse_values(arena, line, JSON_DEPTH_MAX, CTL_VALUES_MAX, &message, NULL) != OK ||
        message->type != JSON_OBJECT)
        return CLIENT_GARBAGE;
    *value = json_get(message, "error");
    if (*value == NULL)
        *value = json_get(message, "result");
    client->waiting -= *value != NULL && client->waiting > 0 ? 1 : 0;
    if (*value != NULL && *value == json_get(message, "result"))
        return CLIENT_RESULT;
    if (*value != NULL)
        return (*value)->type == JSON_OBJECT ? CLIENT_ERROR : CLIENT_GARBAGE;
    *value = json_get(message, "params");
    return *value != NULL ? CLIENT_NOTIFICATION : CLIENT_GARBAGE;
}

enum client_event client_next(struct client *client, struct arena *arena, int64_t timeout_ms,
                              const struct json_value **value)
{
    int64_t deadline = deadline_after(timeout_ms);
    char bytes[READ_SIZE];
    struct str line;
    for (;;) {
        int result = ctl_lines_next(&client->lines, &line);
        if (result == OK)
            return classify(client, arena, line, value);
        if (result == ERR_TOO_LARGE)
            return CLIENT_GARBAGE;
        ssize_t count = recv(client->socket, bytes, sizeof bytes, 0);
        if (count > 0 && ctl_lines_feed(&client->lines, str_of(bytes, (size_t)count)) != OK)
            return CLIENT_GARBAGE;
        if (count > 0)
            continue;
        if (count == 0 || (errno != EAGAIN && errno != EINTR))
            return CLIENT_CLOSED;
        int ready = wait_for(client, POLLIN, deadline);
        if (ready != 1)
            return ready == 0 ? CLIENT_TIMEOUT : CLIENT_CLOSED;
    }
}

bool client_has_more(const struct client *client)
{
    struct str rest = str_skip(buffer_str(&client->lines.input), client->lines.start);
    return rest.length > 0 && str_find(rest, '\n') != SIZE_MAX;
}

/* ---------------------------------------------------------------- explaining */

enum ctl_exit client_explain(const struct client *client, enum client_event event, bool change,
                             int64_t timeout_ms)
{
    char duration[24];
    switch (event) {
    case CLIENT_TIMEOUT:
        complain("no answer from hubd at %s within %s%s", client->path, duration_format(timeout_ms, duration),
                 change ? ": the outcome is unknown" : "");
        hint("hubctl --timeout 60s waits longer%s", change ? "; hubctl audit tail shows what was done" : "");
        return CTL_EXIT_UNCERTAIN;
    case CLIENT_CLOSED:
        complain("hubd at %s hung up before it answered%s", client->path,
                 change ? ": the outcome is unknown" : "");
        if (change)
            hint("hubctl audit tail shows what was done");
        return change ? CTL_EXIT_UNCERTAIN : CTL_EXIT_UNREACHABLE;
    case CLIENT_GARBAGE:
        complain("what answers at %s is no hubd, or a message was too long", client->path);
        return CTL_EXIT_UNREACHABLE;
    case CLIENT_RESULT:
    case CLIENT_ERROR:
    case CLIENT_NOTIFICATION:
        break;
    }
    complain("unexpected answer from hubd at %s", client->path);
    return CTL_EXIT_REFUSED;
}

enum ctl_exit client_explain_error(const struct json_value *error)
{
    int64_t code = CTL_INTERNAL;
    json_get_int64(error, "code", &code);
    struct str message = json_get_text(error, "message"),
               advice = json_get_text(json_get(error, "data"), "hint");
    complain(STR_FMT, STR_ARG(message));
    const struct json_value *problems = json_get(json_get(error, "data"), "problems");
    for (const struct json_value *next = problems != NULL ? problems->child : NULL; next != NULL;
         next = next->next)
        complain(STR_FMT, STR_ARG(next->text));
    if (advice.length > 0)
        hint(STR_FMT, STR_ARG(advice));
    return ctl_code_exit(code);
}
