#include "lib/http/server_internal.h"

#include "lib/http/characters.h"
#include "lib/http/prescan.h"

/* ---------------------------------------------------------------- heads */

/* What llhttp's callbacks gather; on the stack of read_head. */
struct head_parser {
    llhttp_t parser;
    struct http_header *headers;
    size_t count;
    bool in_value, too_many, complete;
};

static int on_field(llhttp_t *parser, const char *at, size_t length)
{
    struct head_parser *head = CONTAINER_OF(parser, struct head_parser, parser);
    if (head->count == SERVER_HEADERS) {
        head->too_many = true;
        return -1;
    }
    /* The head is fed in one piece, so a span is whole. */
    head->headers[head->count++] = (struct http_header){.name = {at, length}, .value = {at + length, 0}};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct head_parser *head = CONTAINER_OF(parser, struct head_parser, parser);
    if (head->count > 0)
        head->headers[head->count - 1].value = str_trim(str_of(at, length));
    return 0;
}

static int on_head_complete(llhttp_t *parser)
{
    struct head_parser *head = CONTAINER_OF(parser, struct head_parser, parser);
    head->complete = true;
    return HPE_PAUSED; /* bodies are framed here, see chunked.h */
}

static const llhttp_settings_t *head_settings(void)
{
    static const llhttp_settings_t settings = {
        .on_header_field = on_field, .on_header_value = on_value, .on_headers_complete = on_head_complete};
    return &settings;
}

/* The request line, which the pre-scan found well formed. */
struct request_line {
    struct str method, target;
    const char *version;
};

static struct request_line split_request_line(struct str head)
{
    size_t space = str_find(head, ' ');
    struct request_line line = {.method = str_of(head.data, space)};
    struct str rest = str_skip(head, space + 1);
    space = str_find(rest, ' ');
    line.target = str_of(rest.data, space);
    line.version = rest.data + space + 1;
    return line;
}

/* Reduces absolute-form (RFC 9112 section 3.2.2) to path and query. */
static bool set_target(struct http_exchange *shown, struct str target)
{
    size_t scheme = str_find(target, ':');
    if (target.data[0] != '/' && scheme != SIZE_MAX &&
        str_starts_with(str_skip(target, scheme), STR("://"))) {
        size_t at = scheme + 3;
        while (at < target.length && target.data[at] != '/' && target.data[at] != '?')
            at++;
        target = str_skip(target, at);
        if (target.length == 0 || target.data[0] == '?')
            target = arena_printf(&shown->arena, "/" STR_FMT, STR_ARG(target));
        if (target.data == NULL)
            return false;
    }
    size_t question = str_find(target, '?');
    shown->target = target;
    shown->path = str_of(target.data, question == SIZE_MAX ? target.length : question);
    shown->query = question == SIZE_MAX ? STR_NONE : str_skip(target, question + 1);
    return true;
}

/* Runs llhttp over the exchange's own copy of the head; NULL, or what is wrong with it. */
static const char *parse_head(struct head_parser *head, struct str copy, const struct request_line *line,
                              bool other)
{
    llhttp_init(&head->parser, HTTP_REQUEST, head_settings());
    head->parser.data = head;
    enum llhttp_errno result = HPE_OK;
    if (other) {
        /* llhttp refuses methods it does not know and treats CONNECT in its own way; the router shall answer
         * 405. */
        result = llhttp_execute(&head->parser, "POST / ", 7);
        if (result == HPE_OK)
            result = llhttp_execute(&head->parser, line->version,
                                    copy.length - (size_t)(line->version - copy.data));
    } else {
        result = llhttp_execute(&head->parser, copy.data, copy.length);
    }
    if (result == HPE_PAUSED && head->complete)
        return NULL;
    const char *reason = llhttp_get_error_reason(&head->parser);
    return reason != NULL && reason[0] != '\0' ? reason : "the head is not HTTP";
}

/* Fills the exchange from the parsed head. False when there is no memory. */
static bool fill_exchange(struct server_exchange *exchange, const struct head_parser *head,
                          const struct request_line *line)
{
    struct http_exchange *shown = &exchange->shown;
    shown->method = http_method_from(line->method);
    if (shown->method == HTTP_METHOD_HEAD) {
        shown->method = HTTP_METHOD_GET;
        shown->head = true;
    }
    exchange->http_1_0 = head->parser.http_minor == 0;
    exchange->close = llhttp_should_keep_alive(&head->parser) == 0;
    exchange->connection->http_1_0 = exchange->http_1_0;
    shown->header_count = head->count;
    if (head->count > 0) {
        shown->headers = arena_alloc(&shown->arena, head->count * sizeof *shown->headers);
        if (shown->headers == NULL)
            return false;
        memcpy(shown->headers, head->headers, head->count * sizeof *shown->headers);
    }
    return set_target(shown, line->target);
}

/* Decides how the body is framed, or that there is none, and asks the handler. `more`: bytes have come behind
 * the head. */
static void begin_body(struct server_connection *connection, const struct head_parser *head, bool more)
{
    struct http_server *server = connection->server;
    struct server_exchange *exchange = connection->receiving;
    struct str expect = http_header_find(exchange->shown.headers, exchange->shown.header_count, "Expect");
    connection->body_chunked = (head->parser.flags & F_CHUNKED) != 0;
    connection->body_left = connection->body_chunked ? 0 : head->parser.content_length;
    http_chunked_init(&connection->chunked, server->limits.head_max);
    exchange->expects = !more && !exchange->http_1_0 && str_equal_fold(expect, STR("100-continue"));
    server_connection_set_state(connection, CONNECTION_BODY);
    server_exchange_move(exchange, EXCHANGE_ASKING);
    if (server->callbacks.head != NULL)
        server->callbacks.head(&exchange->shown, server->context);
    else
        http_exchange_take_body(&exchange->shown, SIZE_MAX);
}

/* RFC 9110 section 9.2.1. */
static bool is_safe(struct str method)
{
    static const struct str safe[] = {{"GET", 3}, {"HEAD", 4}, {"OPTIONS", 7}, {"TRACE", 5}};
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        if (str_equal(method, safe[i]))
            return true;
    return false;
}

static const char no_memory[] = "the hub has no memory left for requests";

/* A complete, clean head. `more`: bytes have come behind it. */
static void take_head(struct server_connection *connection, struct str raw, bool more)
{
    struct server_exchange *exchange = server_exchange_new(connection);
    if (exchange == NULL) {
        server_connection_close(connection, true);
        return;
    }
    connection->receiving = exchange;
    connection->began_us = 0;
    connection->next_unsafe = false;
    struct str copy = arena_copy(&exchange->shown.arena, raw);
    if (copy.data == NULL) {
        server_request_refuse(connection, 503, no_memory);
        return;
    }
    struct request_line line = split_request_line(copy);
    struct head_parser head = {.headers = connection->server->header_scratch};
    bool other = http_method_from(line.method) == HTTP_METHOD_OTHER;
    exchange->unsafe = connection->unsafe = !is_safe(line.method);
    const char *reason = parse_head(&head, copy, &line, other);
    if (head.too_many)
        server_request_refuse(connection, 431, "the request has too many header lines");
    else if (reason != NULL)
        server_request_refuse(connection, 400, reason);
    else if (!fill_exchange(exchange, &head, &line))
        server_request_refuse(connection, 503, no_memory);
    else if (connection->refusing != NULL)
        server_request_refuse(connection, 503, connection->refusing);
    else if (budget_is_full(connection->server->limits.budget))
        server_request_refuse(connection, 503, no_memory);
    else
        begin_body(connection, &head, more);
}

/* A header line that is one by itself, whatever is wrong with its neighbours. */
static bool read_line(struct str line, struct http_header *header)
{
    size_t colon = str_find(line, ':');
    if (colon == SIZE_MAX || colon == 0)
        return false;
    for (size_t i = 0; i < colon; i++)
        if (!http_is(line.data[i], HTTP_TOKEN))
            return false;
    if (str_ends_with(line, STR("\r")))
        line.length--;
    *header = (struct http_header){str_of(line.data, colon), str_trim(str_skip(line, colon + 1))};
    return !str_has_control(header->value);
}

/* Refuses a head with the lines of it that could be read, so that the answer repeats its ids. */
static void refuse_head(struct server_connection *connection, struct str head, int status, const char *reason)
{
    struct http_header *lines = connection->server->header_scratch;
    struct str line;
    size_t count = 0;
    struct server_exchange *exchange = connection->receiving = server_exchange_new(connection);
    if (exchange == NULL) {
        server_connection_close(connection, true);
        return;
    }
    struct http_exchange *shown = &exchange->shown;
    struct str rest = arena_copy(&shown->arena, head);
    str_split(&rest, '\n', &line); /* the request line */
    while (count < SERVER_HEADERS && str_find(rest, '\n') != SIZE_MAX && str_split(&rest, '\n', &line))
        count += read_line(line, &lines[count]);
    shown->headers = count == 0 ? NULL : arena_alloc(&shown->arena, count * sizeof *shown->headers);
    if (shown->headers != NULL) {
        memcpy(shown->headers, lines, count * sizeof *lines);
        shown->header_count = count;
    }
    server_request_refuse(connection, status, reason);
}

/* What does not begin like a request (a TLS handshake on the wrong port, say) is refused at once instead of
 * after the head's time. */
static bool begins_wrong(struct str bytes)
{
    char first = bytes.data[0];
    return first != '\r' && first != '\n' && !http_is(first, HTTP_TOKEN);
}

static size_t read_head(struct server_connection *connection, struct str bytes)
{
    const struct http_limits *limits = &connection->server->limits;
    if (connection->began_us == 0)
        connection->began_us = connection->server->now_us;
    size_t length = http_prescan_end(bytes, &connection->scanned);
    if (length > limits->head_max || (length == 0 && bytes.length > limits->head_max)) {
        refuse_head(connection, bytes, 431, "the request head is too large");
        return bytes.length;
    }
    if (length == 0) {
        if (begins_wrong(bytes))
            server_request_refuse(connection, 400, "this is not HTTP");
        return 0;
    }
    connection->scanned = 0;
    struct str head = str_of(bytes.data, length);
    const char *reason = http_prescan_check(head);
    if (reason != NULL) {
        refuse_head(connection, head, 400, reason);
        return length;
    }
    while (head.data[0] == '\r' || head.data[0] == '\n')
        head = str_skip(head, 1);
    connection->next_unsafe = !is_safe(str_of(head.data, str_find(head, ' ')));
    if (connection->next_unsafe && connection->unanswered > 0)
        return 0;
    take_head(connection, head, bytes.length > length);
    return length;
}

/* ---------------------------------------------------------------- the way in */

size_t server_request_feed(struct server_connection *connection, struct str bytes)
{
    size_t used = 0;
    while (used < bytes.length) {
        struct str rest = str_skip(bytes, used);
        size_t taken = 0;
        if (connection->state == CONNECTION_BODY)
            taken = server_body_is_held(connection) ? 0
                    : connection->body_chunked      ? server_body_by_chunks(connection, rest)
                                                    : server_body_by_length(connection, rest);
        else if (server_connection_may_parse(connection))
            taken = read_head(connection, rest);
        if (taken == 0)
            break;
        used += taken;
    }
    return used;
}

void server_request_end_of_input(struct server_connection *connection)
{
    if (server_body_is_held(connection))
        return;
    if (connection->state == CONNECTION_BODY || connection->began_us != 0)
        server_request_refuse(connection, 400, "the request ended before it was complete");
    else
        server_connection_set_state(connection, CONNECTION_STOPPED);
}
