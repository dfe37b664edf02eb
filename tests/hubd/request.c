/* A partner's request, through the worker's real server: a pair of sockets in place of a connection. */
#include "tests/hubd/fixture.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "lib/base/crypto.h"
#include "lib/ocpi/status.h"

static struct str request_text(struct bench *bench, const char *key, const char *method, const char *path,
                               const char *body)
{
    struct arena *arena = &bench->arena;
    struct str token = base64_encode(arena, arena_printf(arena, "%s-hub", key));
    struct str head = arena_printf(arena,
                                   "%s %s HTTP/1.1\r\nHost: hub.example\r\nConnection: close\r\n"
                                   "Authorization: Token " STR_FMT "\r\nX-Request-ID: request\r\n"
                                   "X-Correlation-ID: correlation\r\n",
                                   method, path, STR_ARG(token));
    if (body == NULL)
        return arena_printf(arena, STR_FMT "\r\n", STR_ARG(head));
    return arena_printf(arena, STR_FMT "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        STR_ARG(head), strlen(body), body);
}

/* What has come; the server closes behind it. */
static struct str request_read(struct bench *bench, int fd)
{
    struct buffer text = {0};
    char part[4096];
    ssize_t got;
    while ((got = recv(fd, part, sizeof part, MSG_DONTWAIT)) > 0)
        buffer_append(&text, str_of(part, (size_t)got));
    struct str copy = arena_copy(&bench->arena, buffer_str(&text));
    buffer_free(&text);
    return copy;
}

static struct bench_answer request_parse(struct bench *bench, struct str text)
{
    struct bench_answer answer = {.head = text};
    const char *end = memmem(text.data, text.length, "\r\n\r\n", 4);
    if (end == NULL)
        return answer;
    answer.head.length = (size_t)(end + 4 - text.data);
    answer.body = str_skip(text, answer.head.length);
    answer.status = atoi(text.data + strlen("HTTP/1.1 "));
    struct ocpi_answer envelope;
    ocpi_answer_read(&bench->arena, answer.body, NULL, &envelope);
    if (envelope.is_envelope)
        answer.status_code = envelope.status_code;
    return answer;
}

int bench_ask(struct bench *bench, const char *key, const char *method, const char *path, const char *body)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    http_server_adopt(bench->worker.server, &(struct http_accepted){.fd = ends[0]});
    struct str text = request_text(bench, key, method, path, body);
    assert_int_equal(send(ends[1], text.data, text.length, MSG_NOSIGNAL), text.length);
    bench_settle(bench);
    return ends[1];
}

struct bench_answer bench_hear(struct bench *bench, int connection)
{
    struct bench_answer answer = request_parse(bench, request_read(bench, connection));
    close(connection);
    bench_settle(bench);
    return answer;
}

struct bench_answer bench_request(struct bench *bench, const char *key, const char *method, const char *path,
                                  const char *body)
{
    return bench_hear(bench, bench_ask(bench, key, method, path, body));
}

struct str bench_header(const struct bench_answer *answer, const char *name)
{
    struct str rest = answer->head, line;
    size_t length = strlen(name);
    while (str_split(&rest, '\n', &line))
        if (line.length > length && strncasecmp(line.data, name, length) == 0 && line.data[length] == ':')
            return str_trim(str_of(line.data + length + 1, line.length - length - sizeof ":\r" + 1));
    return STR("");
}
