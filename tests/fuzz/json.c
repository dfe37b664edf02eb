/* The JSON reader: what it takes it takes again, value for value, from the spans that it gave. */
#include "lib/json/reader.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct error error;
    const struct json_value *value;
    const struct json_value *again;
    arena_init(&arena, 0);
    if (json_parse(&arena, str_of((const char *)data, size), JSON_DEPTH_MAX, &value, &error) != 0) {
        FUZZ_HOLD(value == NULL);
    } else {
        FUZZ_HOLD(json_parse_own(&arena, value->raw, &again, &error) == 0);
        FUZZ_HOLD(again->type == value->type && str_equal(again->raw, value->raw));
        FUZZ_HOLD(str_equal(again->text, value->text));
        FUZZ_HOLD(json_count(again) == json_count(value) && json_depth(again) == json_depth(value));
        FUZZ_HOLD(json_at(value, STR("")) == value);
        for (const struct json_value *child = value->child; child != NULL; child = child->next)
            FUZZ_HOLD(json_parse_own(&arena, child->raw, &again, &error) == 0 && again->type == child->type);
    }
    arena_free(&arena);
    return 0;
}
