/*
 * What the HTTP client makes of an answer (lib/http/client_answer.c, client_coding.c): its head line by line and
 * its body in any pieces, as libcurl hands them out, packed or not. The first byte is the size of the pieces.
 */
#include "lib/http/client_internal.h"
#include "tests/fuzz/fuzz.h"

#define ANSWER_MAX   65536u
#define IDLE_MAX_MS  60000
#define STATUS_LINE  "HTTP/1.1 200 OK\r\n"
#define LIBCURL_MOST 16384u /* bytes of a body at once */

struct reading {
    struct arena arena;
    struct http_client client;
    struct client_origin origin;
    struct client_flight flight;
    struct client_transfer transfer;
    struct http_call call;
    bool failed;
};

static void begin(struct reading *reading)
{
    *reading = (struct reading){.origin.name = "partner.example:443"};
    arena_init(&reading->arena, 0);
    reading->client.options.answer_max = ANSWER_MAX;
    reading->client.options.keepalive_idle_ms = IDLE_MAX_MS;
    reading->call.arena = &reading->arena;
    reading->flight.client = &reading->client;
    reading->flight.call = &reading->call;
    reading->flight.origin = &reading->origin;
    reading->transfer.magic = TRANSFER_MAGIC;
    reading->transfer.client = &reading->client;
    reading->transfer.flight = &reading->flight;
    buffer_init(&reading->transfer.body, 0);
}

static void end(struct reading *reading)
{
    client_answer_reset(&reading->transfer);
    buffer_free(&reading->transfer.body);
    arena_free(&reading->arena);
}

typedef size_t callback(char *data, size_t size, size_t count, void *context);

/* Hands `bytes` on, in memory of their own; false: the client wants no more. */
static bool give(struct reading *reading, callback *to, struct str bytes)
{
    struct str copy = arena_copy(&reading->arena, bytes);
    bool taken = to((char *)(uintptr_t)copy.data, 1, copy.length, &reading->transfer) == copy.length;
    FUZZ_HOLD(taken == (reading->transfer.failure == OK));
    return taken;
}

/* Up to the empty line, with it; `rest` is the body. */
static bool read_head(struct reading *reading, struct str *rest)
{
    bool good = give(reading, client_answer_header, STR(STATUS_LINE));
    while (good && rest->length > 0 && !reading->transfer.head_done) {
        size_t end_of_line = str_find(*rest, '\n');
        size_t length = end_of_line == SIZE_MAX ? rest->length : end_of_line + 1;
        good = give(reading, client_answer_header, str_of(rest->data, length));
        *rest = str_skip(*rest, length);
    }
    return good;
}

static void read_answer(struct reading *reading, struct str answer, size_t step)
{
    begin(reading);
    bool good = read_head(reading, &answer);
    while (good && answer.length > 0) {
        size_t length = answer.length < step ? answer.length : step;
        good = give(reading, client_answer_body, str_of(answer.data, length));
        answer = str_skip(answer, length);
    }
    reading->failed = !good || client_answer_take(&reading->transfer) != OK;
    FUZZ_HOLD(!reading->failed || reading->call.answer.length == 0);
}

/* What is passed on can be passed on. */
static void check_headers(const struct reading *reading)
{
    for (size_t i = 0; i < reading->call.answer_header_count; i++) {
        const struct http_header *header = &reading->call.answer_headers[i];
        FUZZ_HOLD(str_find(header->name, ':') == SIZE_MAX);
        FUZZ_HOLD(str_find(header->value, '\r') == SIZE_MAX && str_find(header->value, '\n') == SIZE_MAX);
    }
    struct str keep =
        http_header_find(reading->call.answer_headers, reading->call.answer_header_count, "Keep-Alive");
    int64_t idle = client_idle_time(&reading->client, keep);
    FUZZ_HOLD(idle >= 0 && idle <= IDLE_MAX_MS);
}

static void check_same(const struct reading *one, const struct reading *other)
{
    FUZZ_HOLD(str_equal(one->call.answer, other->call.answer));
    FUZZ_HOLD(one->call.answer_header_count == other->call.answer_header_count);
    for (size_t i = 0; i < one->call.answer_header_count; i++) {
        FUZZ_HOLD(str_equal(one->call.answer_headers[i].name, other->call.answer_headers[i].name));
        FUZZ_HOLD(str_equal(one->call.answer_headers[i].value, other->call.answer_headers[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading whole;
    static struct reading pieces;
    if (size < 1)
        return 0;
    struct str answer = str_of((const char *)data + 1, size - 1);
    read_answer(&whole, answer, LIBCURL_MOST);
    read_answer(&pieces, answer, data[0] % 16u + 1);
    FUZZ_HOLD(whole.failed == pieces.failed);
    FUZZ_HOLD(whole.call.answer.length <= ANSWER_MAX);
    if (!whole.failed) {
        check_headers(&whole);
        check_same(&whole, &pieces);
    }
    end(&whole);
    end(&pieces);
    return 0;
}
