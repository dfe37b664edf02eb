#include "lib/http/server_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/bug.h"
#include "lib/base/env.h"

static struct server_exchange *exchange_from(struct http_exchange *shown)
{
    return MAGIC_CAST(struct server_exchange, CONTAINER_OF(shown, struct server_exchange, shown),
                      EXCHANGE_MAGIC);
}

static const uint32_t exchange_next[] = {
    [EXCHANGE_RECEIVING] = SM_TO(EXCHANGE_ASKING) | SM_TO(EXCHANGE_HANDLING),
    [EXCHANGE_ASKING] = SM_TO(EXCHANGE_RECEIVING) | SM_TO(EXCHANGE_ANSWERED),
    [EXCHANGE_HANDLING] = SM_TO(EXCHANGE_STREAMING) | SM_TO(EXCHANGE_ANSWERED),
    [EXCHANGE_STREAMING] = SM_TO(EXCHANGE_ANSWERED),
    [EXCHANGE_ANSWERED] = 0,
};
static const char *const exchange_names[] = {
    [EXCHANGE_RECEIVING] = "receiving", [EXCHANGE_ASKING] = "asking",     [EXCHANGE_HANDLING] = "handling",
    [EXCHANGE_STREAMING] = "streaming", [EXCHANGE_ANSWERED] = "answered",
};
const struct sm server_exchange_states = {"HTTP exchange", exchange_names, exchange_next,
                                          sizeof exchange_next / sizeof exchange_next[0]};

/* A stream's slices and end belong to an answer that is a stream. */
static void check_streaming(const struct server_exchange *exchange)
{
    if (exchange->state != EXCHANGE_STREAMING)
        BUG("HTTP exchange %p: a stream's slice or end while %s", (const void *)exchange,
            exchange_names[exchange->state]);
}

/* Answering twice, or in the wrong order, is a bug in a handler that must not run on. */
void server_exchange_move(struct server_exchange *exchange, enum exchange_state next)
{
    sm_check(&server_exchange_states, exchange->state, next, exchange);
    exchange->state = next;
}

/* The end of an answer, whether it goes anywhere or not. */
static void exchange_finished(struct server_exchange *exchange)
{
    struct server_connection *connection = exchange->connection;
    server_exchange_move(exchange, EXCHANGE_ANSWERED);
    connection->unanswered--;
    if (exchange->unsafe)
        connection->unsafe = false;
    if (connection->state == CONNECTION_CLOSED) {
        server_exchange_recycle(exchange);
        server_connection_maybe_free(connection);
    } else {
        server_mark(connection);
    }
}

/* ---------------------------------------------------------------- whose turn it is */

static bool has_turn(const struct server_connection *connection)
{
    return connection->state == CONNECTION_CLOSED ||
           connection->waiting <= connection->server->limits.write_buffer_max;
}

struct server_exchange *server_answer_next_turn(struct server_connection *connection)
{
    if (!has_turn(connection))
        return NULL;
    for (struct ring *link = connection->exchanges.next; link != &connection->exchanges; link = link->next) {
        struct server_exchange *exchange = CONTAINER_OF(link, struct server_exchange, link);
        if (exchange->turn != NULL)
            return exchange;
        if (exchange->state != EXCHANGE_ANSWERED && connection->state != CONNECTION_CLOSED)
            return NULL;
    }
    return NULL;
}

void http_exchange_await_turn(struct http_exchange *shown,
                              void (*turn)(struct http_exchange *exchange, void *context), void *context)
{
    struct server_exchange *exchange = exchange_from(shown);
    exchange->turn = turn;
    exchange->turn_context = context;
    if (server_answer_next_turn(exchange->connection) != exchange)
        return;
    exchange->turn = NULL;
    turn(shown, context);
}

bool http_exchange_is_cut(const struct http_exchange *shown)
{
    return CONTAINER_OF(shown, struct server_exchange, shown)->connection->state == CONNECTION_CLOSED;
}

bool http_exchange_is_over_share(const struct http_exchange *shown)
{
    return shown->held != NULL && budget_is_share(shown->server->limits.budget,
                                                  atomic_load_explicit(shown->held, memory_order_relaxed));
}

/* ---------------------------------------------------------------- the head */

void http_exchange_header(struct http_exchange *shown, const char *name, struct str value)
{
    static const struct str own[] = {
        {"Content-Length", 14}, {"Date", 4}, {"Connection", 10}, {"Transfer-Encoding", 17}};
    struct server_exchange *exchange = exchange_from(shown);
    struct str wanted = str_from(name);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (str_equal_fold(wanted, own[i]))
            return;
    struct answer_header *header = arena_alloc(&shown->arena, sizeof *header + value.length + 1);
    if (header == NULL) {
        exchange->aborted = true;
        return;
    }
    char *copy = (char *)(header + 1);
    /* A line break in a value would let its author write the rest of the answer. */
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        copy[i] = (byte < 0x20 && byte != '\t') || byte == 0x7f ? ' ' : value.data[i];
    }
    *header = (struct answer_header){.name = wanted, .value = str_of(copy, value.length)};
    *exchange->headers_end = header;
    exchange->headers_end = &header->next;
}

/* The IMF-fixdate of RFC 9110 section 5.6.7, made once per second. */
static struct str server_date(struct http_server *server)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now_ms = env_wall_ms(), second = now_ms > 0 ? now_ms / 1000 : 0;
    if (second == server->date_second)
        return str_from(server->date);
    /* Days since 1970 to year, month, day: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
    int64_t day = second / 86400, of_day = second % 86400;
    int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    int month = (int)(from_march < 10 ? from_march + 2 : from_march - 10);
    int year = (int)(year_of_era + era * 400 + (month < 2 ? 1 : 0));
    snprintf(server->date, sizeof server->date, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + day % 7 * 3,
             (int)(of_year - (153 * from_march + 2) / 5 + 1), months + month * 3, year % 10000,
             (int)(of_day / 3600) % 24, (int)(of_day / 60 % 60), (int)(of_day % 60));
    server->date_second = second;
    return str_from(server->date);
}

static char *put(char *out, struct str s)
{
    if (s.length > 0)
        memcpy(out, s.data, s.length);
    return out + s.length;
}

static char *put_number(char *out, size_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

/* The last answer of the connection says that it is. */
static struct str connection_header(struct server_exchange *exchange)
{
    struct server_connection *connection = exchange->connection;
    bool last = exchange->link.next == &connection->exchanges;
    if (last && (connection->state != CONNECTION_HEAD && connection->state != CONNECTION_BODY))
        exchange->close = true;
    if (exchange->close)
        return STR("Connection: close\r\n");
    return exchange->http_1_0 ? STR("Connection: keep-alive\r\n") : STR_NONE;
}

/* The head of an answer, in the exchange's arena. `length` SIZE_MAX: not known. */
static struct str make_head(struct server_exchange *exchange, int status, size_t length, bool chunked)
{
    struct str reason = str_from(http_reason(status));
    struct str date = server_date(exchange->shown.server);
    struct str connection = connection_header(exchange);
    size_t size = 160 + reason.length + date.length + connection.length;
    for (struct answer_header *header = exchange->headers; header != NULL; header = header->next)
        size += header->name.length + header->value.length + 4;
    char *head = arena_alloc(&exchange->shown.arena, size);
    if (head == NULL)
        return STR_NONE;
    char *out = put_number(put(head, STR("HTTP/1.1 ")), (size_t)status);
    *out++ = ' ';
    out = put(put(put(out, reason), STR("\r\nDate: ")), date);
    out = put(put(out, STR("\r\n")), connection);
    if (chunked)
        out = put(out, STR("Transfer-Encoding: chunked\r\n"));
    else if (length != SIZE_MAX)
        out = put(put_number(put(out, STR("Content-Length: ")), length), STR("\r\n"));
    for (struct answer_header *header = exchange->headers; header != NULL; header = header->next)
        out = put(put(put(put(out, header->name), STR(": ")), header->value), STR("\r\n"));
    out = put(out, STR("\r\n"));
    return str_of(head, (size_t)(out - head));
}

/* Puts head and body into the exchange's output. */
static void queue_answer(struct server_exchange *exchange, int status, struct buffer *body)
{
    size_t length = body != NULL ? body->length : 0;
    bool bodiless = status == 204 || status == 304;
    struct str head = make_head(exchange, status, bodiless ? SIZE_MAX : length, false);
    if (head.data == NULL) {
        exchange->aborted = true;
        return;
    }
    server_output_part(&exchange->answer, head.data, head.length);
    if (length > 0 && !bodiless && !exchange->shown.head) {
        server_output_part(&exchange->answer, body->data, length);
        server_output_take(exchange, &exchange->answer, body);
    }
    server_output_add(exchange, &exchange->answer);
}

void server_answer_send(struct server_exchange *exchange, int status, struct buffer *body)
{
    if (exchange->connection->state != CONNECTION_CLOSED && !exchange->aborted) {
        if (body != NULL && body->failed)
            exchange->aborted = true; /* half a document must not look like a whole one */
        else
            queue_answer(exchange, status, body);
    }
    if (body != NULL)
        buffer_free(body);
    exchange_finished(exchange);
}

void http_exchange_send(struct http_exchange *shown, int status, struct buffer *body)
{
    struct server_exchange *exchange = exchange_from(shown);
    if (exchange->state == EXCHANGE_ASKING && exchange->connection->state != CONNECTION_CLOSED)
        server_body_skip(exchange);
    server_answer_send(exchange, status, body);
}

void http_exchange_stream_begin(struct http_exchange *shown, int status, size_t length,
                                void (*resume)(struct http_exchange *exchange, void *context), void *context)
{
    struct server_exchange *exchange = exchange_from(shown);
    struct server_connection *connection = exchange->connection;
    server_exchange_move(exchange, EXCHANGE_STREAMING);
    exchange->resume = resume;
    exchange->resume_context = context;
    exchange->discard = shown->head || status == 204 || status == 304;
    exchange->chunked = length == SIZE_MAX && !exchange->http_1_0;
    exchange->stream_left = length;
    if (length == SIZE_MAX && exchange->http_1_0) {
        exchange->close = true;
        if (connection->state == CONNECTION_HEAD)
            server_connection_set_state(connection, CONNECTION_STOPPED);
    }
    server_mark(connection);
    if (connection->state == CONNECTION_CLOSED)
        return;
    /* Only half closed, it seems: writing will show whether anybody is left to read. */
    shown->gone = false;
    struct str head = make_head(exchange, status, length, exchange->chunked);
    if (head.data == NULL) {
        exchange->aborted = true;
        return;
    }
    server_output_part(&exchange->answer, head.data, head.length);
    server_output_add(exchange, &exchange->answer);
}

/* Frames one slice; false when there is no memory. */
static bool queue_slice(struct server_exchange *exchange, struct buffer *slice)
{
    struct server_output *output = calloc(1, sizeof *output);
    if (output == NULL)
        return false;
    output->heap = true;
    if (exchange->chunked) {
        int length = snprintf(output->prefix, sizeof output->prefix, "%zx\r\n", slice->length);
        server_output_part(output, output->prefix, (size_t)length);
    }
    server_output_part(output, slice->data, slice->length);
    if (exchange->chunked)
        server_output_part(output, "\r\n", 2);
    server_output_take(exchange, output, slice);
    server_output_add(exchange, output);
    return true;
}

void http_exchange_stream_write(struct http_exchange *shown, struct buffer *slice)
{
    struct server_exchange *exchange = exchange_from(shown);
    check_streaming(exchange);
    exchange->asked = false;
    bool fits = exchange->stream_left == SIZE_MAX || slice->length <= exchange->stream_left;
    if (slice->failed || !fits)
        exchange->aborted = true;
    else if (exchange->stream_left != SIZE_MAX)
        exchange->stream_left -= slice->length;
    bool wanted =
        exchange->connection->state != CONNECTION_CLOSED && !exchange->discard && !exchange->aborted;
    if (wanted && slice->length > 0 && !queue_slice(exchange, slice))
        exchange->aborted = true;
    buffer_free(slice);
    server_mark(exchange->connection);
}

void http_exchange_stream_end(struct http_exchange *shown)
{
    struct server_exchange *exchange = exchange_from(shown);
    check_streaming(exchange);
    bool complete = exchange->stream_left == SIZE_MAX || exchange->stream_left == 0 || exchange->discard;
    if (!complete)
        exchange->aborted = true;
    if (exchange->chunked && !exchange->discard && !exchange->aborted &&
        exchange->connection->state != CONNECTION_CLOSED) {
        server_output_part(&exchange->tail, "0\r\n\r\n", 5);
        server_output_add(exchange, &exchange->tail);
    }
    exchange_finished(exchange);
}

void http_exchange_stream_abort(struct http_exchange *shown)
{
    struct server_exchange *exchange = exchange_from(shown);
    check_streaming(exchange);
    exchange->aborted = true;
    exchange_finished(exchange);
}
