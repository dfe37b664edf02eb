/* Taking a location apart; see location.h. */
#include "lib/ocpi/location.h"

static size_t offset_in(struct str whole, const char *position)
{
    return (size_t)(position - whole.data);
}

/* The location without the bytes of `hole`. */
static int body_without(struct arena *arena, struct str raw, struct str hole, struct str *body)
{
    size_t before = offset_in(raw, hole.data);
    char *out = arena_alloc(arena, raw.length - hole.length + 1);
    if (out == NULL)
        return ERR_MEMORY;
    memcpy(out, raw.data, before);
    memcpy(out + before, hole.data + hole.length, raw.length - before - hole.length);
    *body = str_of(out, raw.length - hole.length);
    return OK;
}

static int evses_collect(struct arena *arena, const struct json_value *evses,
                         struct ocpi_location_parts *parts)
{
    parts->evses = arena_alloc(arena, evses->count * sizeof *parts->evses);
    if (parts->evses == NULL)
        return ERR_MEMORY;
    for (const struct json_value *evse = evses->child; evse != NULL; evse = evse->next)
        parts->evses[parts->evse_count++] = evse;
    return OK;
}

int ocpi_location_split(struct arena *arena, const struct json_value *location,
                        struct ocpi_location_parts *parts)
{
    memset(parts, 0, sizeof *parts);
    struct str raw = location->raw;
    const struct json_value *evses = json_get_raw(location, STR("evses"));
    const struct json_value *updated = json_get(location, "last_updated");
    struct str hole = str_of(raw.data + raw.length - 1, 0);
    int result = OK;
    if (evses == NULL) {
        parts->children_form = OCPI_CHILDREN_ABSENT;
        parts->body = raw;
    } else if (evses->type == JSON_ARRAY) {
        parts->children_form = OCPI_CHILDREN_INSIDE;
        hole = str_of(evses->raw.data + 1, evses->raw.length - 2);
        result = evses_collect(arena, evses, parts);
    } else {
        parts->children_form = OCPI_CHILDREN_NULL;
        hole = evses->raw;
    }
    parts->children_at = offset_in(raw, hole.data);
    if (result == OK && evses != NULL)
        result = body_without(arena, raw, hole, &parts->body);
    if (updated != NULL) {
        parts->updated_at = offset_in(raw, updated->raw.data);
        if (parts->updated_at > parts->children_at)
            parts->updated_at -= hole.length;
        parts->updated_length = updated->raw.length;
    }
    return result;
}

struct str ocpi_location_without_evses(struct arena *arena, struct str body, size_t children_at,
                                       enum ocpi_children_form form)
{
    if (form != OCPI_CHILDREN_NULL)
        return body;
    return arena_printf(arena, STR_FMT "null" STR_FMT, (int)children_at, body.data,
                        STR_ARG(str_skip(body, children_at)));
}
