#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "bench.h"

static struct answer make_answer(const char *status, const char *body, size_t length)
{
    struct answer answer;
    answer.bytes = bench_resize(NULL, length + 256);
    int head = snprintf(answer.bytes, 256,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        status, length);
    memcpy(answer.bytes + head, body, length);
    answer.length = (size_t)head + length;
    return answer;
}

static struct answer make_envelope(const char *data)
{
    char body[4096];
    int length = snprintf(body, sizeof body,
                          "{%s%s%s\"status_code\":1000,\"status_message\":\"Success\",\"timestamp\":\"2026-"
                          "01-01T00:00:00.000Z\"}",
                          data[0] ? "\"data\":" : "", data, data[0] ? "," : "");
    return make_answer("200 OK", body, (size_t)length);
}

void backend_answers_make(struct backend_answers *answers, int port, const char *page)
{
    char data[3072];
    snprintf(data, sizeof data, "[{\"version\":\"2.2.1\",\"url\":\"http://127.0.0.1:%d/ocpi/2.2.1\"}]", port);
    answers->versions = make_envelope(data);

    static const char *const modules[] = {"credentials", "tokens",    "commands", "sessions",
                                          "cdrs",        "locations", "tariffs"};
    size_t used = (size_t)snprintf(data, sizeof data, "{\"version\":\"2.2.1\",\"endpoints\":[");
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        used += (size_t)snprintf(
            data + used, sizeof data - used,
            "%s{\"identifier\":\"%s\",\"role\":\"RECEIVER\",\"url\":\"http://127.0.0.1:%d/ocpi/2.2.1/%s\"}",
            i > 0 ? "," : "", modules[i], port, modules[i]);
    snprintf(data + used, sizeof data - used, "]}");
    answers->details = make_envelope(data);

    snprintf(
        data, sizeof data,
        "{\"token\":\"stand-in\",\"url\":\"http://127.0.0.1:%d/ocpi/versions\",\"roles\":[{\"role\":\"HUB\","
        "\"party_id\":\"CIH\",\"country_code\":\"IN\",\"business_details\":{\"name\":\"Stand-in\"}}]}",
        port);
    answers->credentials = make_envelope(data);
    answers->authorize = make_envelope("{\"allowed\":\"ALLOWED\",\"authorization_reference\":\"REF-0001\"}");
    answers->command = make_envelope("{\"result\":\"ACCEPTED\",\"timeout\":30}");
    answers->done = make_envelope("");
    if (page != NULL) {
        size_t length;
        char *body = bench_read_file(page, &length);
        answers->page = make_answer("200 OK", body, length);
        free(body);
    } else {
        answers->page = make_envelope("[]");
    }
    static const char unknown[] = "{\"status_code\":2003,\"timestamp\":\"2026-01-01T00:00:00.000Z\"}";
    answers->unknown = make_answer("404 Not Found", unknown, sizeof unknown - 1);
}

static bool path_has(const struct request *request, const char *part)
{
    return memmem(request->path, request->path_length, part, strlen(part)) != NULL;
}

static bool path_ends(const struct request *request, const char *end)
{
    size_t length = strlen(end);
    return request->path_length >= length &&
           memcmp(request->path + request->path_length - length, end, length) == 0;
}

struct answer backend_answers_choose(const struct backend_answers *answers, const struct request *request)
{
    if (path_ends(request, "/authorize"))
        return answers->authorize;
    if (path_has(request, "/sessions") || path_has(request, "/cdrs"))
        return answers->done;
    if (path_has(request, "/commands/"))
        return answers->command;
    if (path_ends(request, "/versions"))
        return answers->versions;
    if (path_ends(request, "/2.2.1"))
        return answers->details;
    if (path_ends(request, "/credentials"))
        return answers->credentials;
    if (path_ends(request, "/locations"))
        return answers->page;
    return path_has(request, "/ocpi/") ? answers->done : answers->unknown;
}

/* A session's id is the path's last segment; a CDR's is its first "id" (the driver's CDRs begin with it); a
 * probe has none, and its path's last segment is there to be counted. */
void backend_record_receipt(FILE *record, const struct request *request)
{
    const char *id;
    size_t length;
    if (path_has(request, "/sessions/") || path_ends(request, "/versions")) {
        const char *slash = memrchr(request->path, '/', request->path_length);
        id = slash + 1;
        length = (size_t)(request->path + request->path_length - id);
    } else if (path_ends(request, "/cdrs")) {
        static const char key[] = "\"id\":\"";
        id = memmem(request->body, request->body_length, key, sizeof key - 1);
        if (id == NULL)
            return;
        id += sizeof key - 1;
        const char *quote = memchr(id, '"', (size_t)(request->body + request->body_length - id));
        length = quote != NULL ? (size_t)(quote - id) : 0;
    } else {
        return;
    }
    fprintf(record, "%.*s %lld\n", (int)length, id, (long long)bench_now_ns());
}
