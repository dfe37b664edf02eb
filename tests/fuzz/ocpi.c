/*
 * OCPI's tables and PATCH: any body can be validated as any object; what a patch does not name keeps its bytes,
 * what it names has the patch's. The first byte chooses the table; a line feed parts stored object and patch.
 */
#include "lib/ocpi/patch.h"
#include "lib/ocpi/validate.h"
#include "tests/fuzz/fuzz.h"

static void validate(struct arena *arena, const struct ocpi_object *object, const struct json_value *value)
{
    struct ocpi_findings findings;
    for (int partial = 0; partial < 2; partial++) {
        ocpi_validate(arena, object, value, partial != 0, &findings);
        FUZZ_HOLD(findings.kept <= OCPI_FINDINGS_MAX);
        FUZZ_HOLD(value->type == JSON_OBJECT || ocpi_findings_refuse(&findings, false));
        FUZZ_HOLD(!ocpi_findings_refuse(&findings, false) || ocpi_findings_refuse(&findings, true));
        FUZZ_HOLD(ocpi_findings_text(arena, &findings).data != NULL);
    }
}

static void patch(struct arena *arena, const struct json_value *stored, const struct json_value *change)
{
    static const struct ocpi_patch_options none = {0};
    const struct json_value *result;
    struct error error;
    struct str text = ocpi_patch_apply(arena, stored, change, &none);
    FUZZ_HOLD(text.data != NULL);
    FUZZ_HOLD(json_parse_own(arena, text, &result, &error) == 0 && result->type == JSON_OBJECT);
    for (const struct json_value *member = stored->child; member != NULL; member = member->next) {
        const struct json_value *named = json_get_raw(change, member->key);
        const struct json_value *kept = json_get_raw(result, member->key);
        const struct json_value *expected = named != NULL ? named : json_get_raw(stored, member->key);
        FUZZ_HOLD(kept != NULL && str_equal(kept->raw, expected->raw));
    }
    for (const struct json_value *member = change->child; member != NULL; member = member->next)
        FUZZ_HOLD(str_equal(json_get_raw(result, member->key)->raw, json_get_raw(change, member->key)->raw));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    static const struct ocpi_object *const objects[] = {&ocpi_location, &ocpi_evse,    &ocpi_connector,
                                                        &ocpi_tariff,   &ocpi_session, &ocpi_cdr};
    struct str rest = str_of((const char *)data + 1, size - 1);
    struct str first;
    struct arena arena;
    struct error error;
    const struct json_value *stored;
    const struct json_value *change;
    arena_init(&arena, 0);
    if (str_split(&rest, '\n', &first) && json_parse(&arena, first, JSON_DEPTH_MAX, &stored, &error) == 0) {
        validate(&arena, objects[data[0] % (sizeof objects / sizeof objects[0])], stored);
        if (json_parse(&arena, rest, JSON_DEPTH_MAX, &change, &error) == 0 && stored->type == JSON_OBJECT &&
            change->type == JSON_OBJECT)
            patch(&arena, stored, change);
    }
    arena_free(&arena);
    return 0;
}
