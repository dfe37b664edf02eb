/*
 * The look at a head (lib/http/prescan.h) and the chunked coding (lib/http/chunked.h): a message that comes in
 * pieces is read as the same message whole. The first byte is the size of the pieces.
 */
#include "lib/http/chunked.h"
#include "lib/http/prescan.h"
#include "tests/fuzz/fuzz.h"

#define IGNORED_MAX 256

struct reading {
    enum http_chunked_result end;
    size_t length;   /* bytes of the body */
    uint64_t hash;   /* FNV-1a of them */
    size_t consumed; /* bytes of the message */
};

static void take(struct reading *reading, struct str data)
{
    for (size_t i = 0; i < data.length; i++)
        reading->hash = (reading->hash ^ (uint8_t)data.data[i]) * 0x100000001b3u;
    reading->length += data.length;
}

static struct reading read_chunked(struct str message, size_t step)
{
    struct reading reading = {HTTP_CHUNKED_MORE, 0, 0xcbf29ce484222325u, 0};
    struct http_chunked chunked;
    http_chunked_init(&chunked, IGNORED_MAX);
    for (size_t at = 0; at < message.length && reading.end == HTTP_CHUNKED_MORE; at += step) {
        size_t length = message.length - at < step ? message.length - at : step;
        struct str piece = str_of(message.data + at, length);
        struct str data;
        const char *reason = NULL;
        while ((reading.end = http_chunked_next(&chunked, &piece, &data, &reason)) == HTTP_CHUNKED_DATA)
            take(&reading, data);
        FUZZ_HOLD(reading.end != HTTP_CHUNKED_MORE || piece.length == 0);
        FUZZ_HOLD(reading.end != HTTP_CHUNKED_BAD || reason != NULL);
        reading.consumed = at + length - piece.length;
    }
    return reading;
}

static void check_chunked(struct str message, size_t step)
{
    struct reading whole = read_chunked(message, message.length + 1);
    struct reading pieces = read_chunked(message, step);
    FUZZ_HOLD(whole.end == pieces.end);
    if (whole.end == HTTP_CHUNKED_BAD)
        return;
    FUZZ_HOLD(whole.length == pieces.length && whole.hash == pieces.hash);
    FUZZ_HOLD(whole.consumed == pieces.consumed);
}

static void check_head(struct str message, size_t step)
{
    size_t scanned = 0;
    size_t end = http_prescan_end(message, &scanned);
    FUZZ_HOLD(end <= message.length);
    size_t found = 0;
    scanned = 0;
    for (size_t have = 0; have < message.length && found == 0;) {
        have = message.length - have < step ? message.length : have + step;
        found = http_prescan_end(str_of(message.data, have), &scanned);
    }
    FUZZ_HOLD(found == end);
    if (end > 0)
        http_prescan_check(str_of(message.data, end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct str message = str_of((const char *)data + 1, size - 1);
    size_t step = data[0] % 16u + 1;
    check_head(message, step);
    check_chunked(message, step);
    return 0;
}
