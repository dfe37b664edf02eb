/* URLs, times, durations and Base64: what is read can be written, and is read again as the same. */
#include "lib/base/crypto.h"
#include "lib/base/timestamp.h"
#include "lib/http/url.h"
#include "tests/fuzz/fuzz.h"

static void check_base64(struct arena *arena, struct str text)
{
    struct str bytes;
    struct str written = base64_encode(arena, text);
    FUZZ_HOLD(base64_decode(arena, written, &bytes) && str_equal(bytes, text));
    written = base64url_encode(arena, text);
    FUZZ_HOLD(base64url_decode(arena, written, &bytes) && str_equal(bytes, text));
    if (base64_decode(arena, text, &bytes))
        FUZZ_HOLD(str_equal(base64_encode(arena, bytes), text));
    if (base64url_decode(arena, text, &bytes))
        FUZZ_HOLD(str_equal(base64url_encode(arena, bytes), text));
}

static void check_times(struct str text)
{
    char written[TIMESTAMP_SIZE];
    int64_t moment;
    int64_t again;
    if (timestamp_parse_ocpi(text, &moment)) {
        timestamp_format(moment, written);
        FUZZ_HOLD(timestamp_parse_ocpi(str_from(written), &again) && again == moment);
        FUZZ_HOLD(timestamp_parse(text, &again) && again == moment);
    }
    timestamp_parse(text, &moment);
    timestamp_parse_http(text, &moment);
    int64_t until;
    if (month_parse(text, &moment, &until))
        FUZZ_HOLD(moment < until);
    char duration[24];
    char words[DURATION_WORDS_SIZE];
    if (duration_parse(text, &moment)) {
        duration_format(moment, duration);
        duration_words(moment, false, words);
        FUZZ_HOLD(duration_parse(str_from(duration), &again) && again == moment);
    }
}

static void check_url(struct arena *arena, struct str text)
{
    struct url url;
    struct url again;
    struct error error;
    if (url_parse(arena, text, &url, &error) != 0)
        return;
    FUZZ_HOLD(url.path.length > 0 && url.path.data[0] == '/' && url.host.length > 0);
    FUZZ_HOLD(url_parse(arena, text, &again, &error) == 0 && url_same_origin(&url, &again));
    FUZZ_HOLD(str_equal(url.path, again.path) && str_equal(url.query, again.query));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct arena arena;
    arena_init(&arena, 0);
    check_base64(&arena, text);
    check_times(text);
    check_url(&arena, text);
    arena_free(&arena);
    return 0;
}
