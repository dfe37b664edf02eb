/*
 * Where a request ends, all readers must agree (RFC 9112 section 11.2). A second reader, as strict as the RFC
 * lets it be and written without the server's, says how many requests a run of bytes holds, and whether it
 * must be refused after them; the server must see the same requests, whole and cut in two at every place.
 */
#include "tests/unit/http_harness.h"
#include "tests/unit/http_vectors.h"

#include <regex.h>

/* ---------------------------------------------------------------- the other reader */

struct reading {
    unsigned requests;
    bool refused;
    bool ended; /* the connection carries no more requests */
};

static bool matches(const char *pattern, struct str text)
{
    char copy[2048];
    regex_t regex;
    if (text.length >= sizeof copy || memchr(text.data, '\0', text.length) != NULL)
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, copy, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool is_token(struct str text)
{
    return matches("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", text);
}

static size_t find(struct str in, const char *what)
{
    const char *at = in.length == 0 ? NULL : memmem(in.data, in.length, what, strlen(what));
    return at == NULL ? SIZE_MAX : (size_t)(at - in.data);
}

/* No NUL, no CR or LF on its own. */
static bool lines_are_clean(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool end = byte == '\r' && i + 1 < text.length && text.data[i + 1] == '\n';
        if (end)
            i++;
        else if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

struct framing {
    unsigned hosts, lengths, codings, authorizations;
    size_t length;
    bool old, close, keep_alive;
};

static bool read_field(struct str line, struct framing *framing)
{
    size_t colon = str_find(line, ':');
    if (colon == SIZE_MAX || !is_token(str_of(line.data, colon)))
        return false;
    struct str name = str_of(line.data, colon), value = str_trim(str_skip(line, colon + 1));
    if (str_equal_fold(name, STR("Host"))) {
        framing->hosts++;
        return matches("^[^][/@?#\\ \t]*$|^\\[[0-9A-Fa-f:.]+](:[0-9]*)?$", value) || value.length == 0;
    }
    if (str_equal_fold(name, STR("Content-Length"))) {
        framing->lengths++;
        framing->length = matches("^[0-9]{1,19}$", value) ? strtoull(value.data, NULL, 10) : 0;
        return matches("^[0-9]{1,19}$", value);
    }
    if (str_equal_fold(name, STR("Transfer-Encoding"))) {
        framing->codings++;
        return str_equal_fold(value, STR("chunked"));
    }
    if (str_equal_fold(name, STR("Authorization")))
        framing->authorizations++;
    if (str_equal_fold(name, STR("Connection"))) {
        framing->close |= str_equal_fold(value, STR("close"));
        framing->keep_alive |= str_equal_fold(value, STR("keep-alive"));
    }
    return true;
}

static bool target_is_good(struct str method, struct str target)
{
    if (matches("^/[!\"$-~]*$", target) || str_equal(method, STR("CONNECT")))
        return matches("^[!\"$-~]+$", target);
    if (str_equal(method, STR("OPTIONS")) && str_equal(target, STR("*")))
        return true;
    return matches("^[Hh][Tt][Tt][Pp][Ss]?://[^/?@#]+([/?][!\"$-~]*)?$", target);
}

static bool read_request_line(struct str line, struct framing *framing)
{
    struct str parts[3], rest = line;
    for (int i = 0; i < 3; i++)
        if (!str_split(&rest, ' ', &parts[i]))
            return false;
    if (!matches("^[^ ]+ [^ ]+ [^ ]+$", line) || !is_token(parts[0]) || !target_is_good(parts[0], parts[1]))
        return false;
    framing->old = str_equal(parts[2], STR("HTTP/1.0"));
    return framing->old || str_equal(parts[2], STR("HTTP/1.1"));
}

/* A line with its end taken off; false: it is not complete. */
static bool take_line(struct str *rest, struct str *line)
{
    size_t end = find(*rest, "\r\n");
    if (end == SIZE_MAX)
        return false;
    *line = str_of(rest->data, end);
    *rest = str_skip(*rest, end + 2);
    return true;
}

enum part { COMPLETE, MORE, BAD };

static enum part read_chunks(struct str *rest)
{
    for (;;) {
        struct str line;
        if (!take_line(rest, &line)) /* what cannot become a size line any more is bad at once */
            return matches("^[0-9A-Fa-f]{0,16}(;[^[:cntrl:]]*)?\r?$", *rest) ? MORE : BAD;
        if (!matches("^[0-9A-Fa-f]{1,16}(;[^[:cntrl:]]*)?$", line))
            return BAD;
        size_t size = strtoull(line.data, NULL, 16);
        if (size == 0)
            break;
        if (size > 4194304)
            return BAD;
        struct str data = *rest;
        if (data.length < size)
            return MORE;
        data = str_skip(data, size);
        if (data.length < 2)
            return data.length == 0 || data.data[0] == '\r' ? MORE : BAD;
        if (memcmp(data.data, "\r\n", 2) != 0)
            return BAD;
        *rest = str_skip(data, 2);
    }
    for (;;) {
        struct str line;
        if (!take_line(rest, &line))
            return MORE;
        if (line.length == 0)
            return COMPLETE;
        if (!lines_are_clean(line) || str_find(line, ':') == SIZE_MAX ||
            !is_token(str_of(line.data, str_find(line, ':'))))
            return BAD;
    }
}

/* The head alone: everything up to the first empty line, however lines end. */
static size_t head_end(struct str bytes)
{
    for (size_t i = 0, line = 0; i < bytes.length; i++) {
        if (bytes.data[i] != '\n')
            continue;
        size_t length = i - line;
        if (length == 0 || (length == 1 && bytes.data[line] == '\r'))
            return i + 1;
        line = i + 1;
    }
    return 0;
}

static enum part read_one(struct str *bytes, struct reading *reading)
{
    struct framing framing = {0};
    struct str rest = *bytes, line;
    for (int i = 0; i < 2 && str_starts_with(rest, STR("\r\n")); i++)
        rest = str_skip(rest, 2);
    if (rest.length == 0)
        return MORE;
    size_t end = head_end(rest);
    if (end == 0)
        return matches("^[!#$%&'*+.^_`|~0-9A-Za-z\r\n-]", str_of(rest.data, 1)) ? MORE : BAD;
    struct str head = str_of(rest.data, end);
    rest = str_skip(rest, end);
    if (!lines_are_clean(head) || !take_line(&head, &line) || !read_request_line(line, &framing))
        return BAD;
    while (take_line(&head, &line) && line.length > 0)
        if (!read_field(line, &framing))
            return BAD;
    if (framing.hosts > 1 || (framing.hosts == 0 && !framing.old) || framing.lengths > 1 ||
        framing.codings > 1 || framing.lengths + framing.codings > 1 ||
        (framing.codings > 0 && framing.old) || framing.authorizations > 1 || framing.length > 4194304)
        return BAD;
    if (rest.length < framing.length)
        return MORE;
    rest = str_skip(rest, framing.length);
    enum part body = framing.codings > 0 ? read_chunks(&rest) : COMPLETE;
    reading->ended = framing.close || (framing.old && !framing.keep_alive);
    *bytes = rest;
    return body;
}

static struct reading read_strictly(struct str bytes)
{
    struct reading reading = {0};
    enum part part = COMPLETE;
    while (part == COMPLETE && !reading.ended) {
        part = read_one(&bytes, &reading);
        reading.requests += part == COMPLETE;
    }
    reading.refused = part == BAD;
    return reading;
}

/* ---------------------------------------------------------------- both on the same bytes */

static void compare(struct str bytes, size_t cut)
{
    struct reading expected = read_strictly(bytes);
    struct peer peer;
    unsigned before = harness.requests, answers = 0, refusals = 0;
    harness.paths[0] = '\0';
    peer_open(&peer);
    peer_send(&peer, str_of(bytes.data, cut));
    peer_send(&peer, str_skip(bytes, cut));
    turn(3);
    peer_read(&peer);
    for (struct answer answer; take_answer(&peer, false, &answer);) {
        answers += answer.status == 200;
        refusals += answer.status >= 400;
    }
    unsigned requests = harness.requests - before;
    if (requests != expected.requests || answers != requests || (refusals > 0) != expected.refused ||
        refusals > 1)
        fail_msg("cut at %zu: %u requests, %u answers, %u refusals; expected %u requests%s:\n%.300s", cut,
                 requests, answers, refusals, expected.requests, expected.refused ? " and a refusal" : "",
                 bytes.data);
    peer_close(&peer);
}

#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: hub\r\n\r\n"

static void compare_everywhere(struct str vector)
{
    static char bytes[4096];
    size_t length = vector.length + sizeof SMUGGLED - 1;
    assert_true(length < sizeof bytes);
    memcpy(bytes, vector.data, vector.length);
    memcpy(bytes + vector.length, SMUGGLED, sizeof SMUGGLED);
    size_t step =
        getenv("HUB_LONG") != NULL ? 1 : 3; /* the short form: every third, another third each time */
    static size_t first;
    for (size_t cut = first++ % step; cut < length; cut += step)
        compare(str_of(bytes, length), cut);
}

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        compare_everywhere(heads[i].head);
}

static void test_chunked_bodies(void **state)
{
    (void)state;
    static const char begin[] = "POST /c HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char bytes[512];
        memcpy(bytes, begin, sizeof begin);
        memcpy(bytes + sizeof begin - 1, bodies[i].bytes.data, bodies[i].bytes.length);
        compare_everywhere(str_of(bytes, sizeof begin - 1 + bodies[i].bytes.length));
    }
}

#define P  "POST /a HTTP/1.1\r\nHost: hub\r\n"
#define TE P "Transfer-Encoding: chunked\r\n\r\n"
/* Ways to disagree that the tables above do not have. */
static const struct str more_vectors[] = {
    TEXT(P "Content-Length: 5\r\n\r\nhello"),
    TEXT(P "Content-Length: 0005\r\n\r\nhello"),
    TEXT(P "content-length:5\r\n\r\nhello"),
    TEXT(P "Content-Length: 5\r\n\r\nhello\r\n"),
    TEXT(P "Content-Length: 5 \r\n\r\nhello"),
    TEXT(P "Content-Length:\t5\r\n\r\nhello"),
    TEXT(P "Content_Length: 5\r\n\r\n"),
    TEXT(P "Content-Length:5\r\nX-Content-Length: 9\r\n\r\nhello"),
    TEXT(P "Content-Length: 5,\r\n\r\nhello"),
    TEXT(P "Content-Length: 5;\r\n\r\nhello"),
    TEXT(P "Content-Length: \"5\"\r\n\r\nhello"),
    TEXT(P "Content-Length: 5.0\r\n\r\nhello"),
    TEXT(P "Content-Length: 5e0\r\n\r\nhello"),
    TEXT(P "Content-Length: 1_0\r\n\r\nhello"),
    TEXT(P "Content-Length: \xd9\xa5\r\n\r\nhello"),
    TEXT(P "Content-Length\xa0: 5\r\n\r\nhello"),
    TEXT(P "Content-Length: 5\r\n Content-Length: 0\r\n\r\nhello"),
    TEXT(P "Content-Length: 0\r\ncontent-Length: 38\r\n\r\n"),
    TEXT(P "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"),
    TEXT(P "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "Transfer_Encoding: chunked\r\n\r\n"),
    TEXT(P "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    TEXT(P "TE: chunked\r\n\r\n"),
    TEXT(TE "5\r\nhello\r\n0\r\nContent-Length: 40\r\n\r\n"),
    TEXT(TE "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\nHost: other\r\n\r\n"),
    TEXT(TE "5\r\nhello\r\n0\r\n\r\ngarbage\r\n\r\n"),
    TEXT(TE "5\r\nhello\r\n0\r\n\r\n\r\n\r\n\r\n"),
    TEXT(TE "5;\r\nhello\r\n0\r\n\r\n"),
    TEXT(TE "5;x=\"\r\n\"\r\nhello\r\n0\r\n\r\n"),
    TEXT(TE "5\t\r\nhello\r\n0\r\n\r\n"),
    TEXT(TE "+5\r\nhello\r\n0\r\n\r\n"),
    TEXT(TE "5_\r\nhello\r\n0\r\n\r\n"),
    TEXT(TE "ffffffffffffffff\r\nhello"),
    TEXT(TE "8000000000000000\r\nhello"),
    TEXT(TE "100000000\r\nhello"),
    TEXT(TE "0\n\r\n"),
    TEXT(TE "0;\n\r\n\r\n"),
    TEXT(TE "\n0\r\n\r\n"),
    TEXT("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n"),
    TEXT("POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"),
    TEXT("POST /a HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"),
    TEXT("GET http://other.example/a HTTP/1.1\r\nHost: hub\r\n\r\n"),
    TEXT("GET http://other.example/a HTTP/1.1\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nhost: hub\r\nHOST: hub\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost:\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\nContent-Length: 4\r\n\r\nbody"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\nContent-Length: 38\r\n\r\n"),
    TEXT("DELETE /a HTTP/1.1\r\nHost: hub\r\nContent-Length: 4\r\n\r\nbody"),
    TEXT("BREW /a HTTP/1.1\r\nHost: hub\r\nContent-Length: 4\r\n\r\nbody"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\n\0\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\0\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\nX: \0Content-Length: 5\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\n: x\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\n Host: hub\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a HTTP/1.1 HTTP/1.1\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a HTTP/01.1\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a HTTP/1.10\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a HTTP/1,1\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a\x0bHTTP/1.1\r\nHost: hub\r\n\r\n"),
    TEXT("\r\nGET /a HTTP/1.1\r\nHost: hub\r\n\r\n"),
    TEXT("GET /a HTTP/1.1\r\nHost: hub\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: hub\r\n\r\n"),
};

static void test_more_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof more_vectors / sizeof more_vectors[0]; i++)
        compare_everywhere(more_vectors[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_heads),
        SERVER_TEST(test_chunked_bodies),
        SERVER_TEST(test_more_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
