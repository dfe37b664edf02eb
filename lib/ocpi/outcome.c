/* How something ended, as everybody reads it; see outcome.h. */
#include "lib/ocpi/outcome.h"

#include "lib/ocpi/names.h"
#include "lib/ocpi/patch.h"

const struct ocpi_field *ocpi_outcome_field(const struct ocpi_object *object)
{
    for (unsigned i = 0; i < object->field_count; i++)
        if (object->fields[i].type == OCPI_TYPE_ENUM)
            return &object->fields[i];
    return NULL;
}

static struct str respell(struct arena *arena, const struct json_value *value, const char *name,
                          struct str word)
{
    struct str quoted = arena_printf(arena, "\"" STR_FMT "\"", STR_ARG(word));
    return quoted.data == NULL ? STR_NONE : ocpi_member_set(arena, value, str_from(name), quoted);
}

struct ocpi_outcome ocpi_outcome_read(struct arena *arena, const struct ocpi_object *object,
                                      const struct json_value *value)
{
    const struct ocpi_field *field = ocpi_outcome_field(object);
    struct str text = ocpi_member_word(value, field->name);
    struct ocpi_outcome outcome = {ocpi_enum_find_value(field->enumeration, text), STR_NONE};
    if (outcome.word.data == NULL)
        return outcome;
    outcome.raw =
        str_equal(text, outcome.word) ? value->raw : respell(arena, value, field->name, outcome.word);
    return outcome.raw.data == NULL ? (struct ocpi_outcome){STR_NONE, STR_NONE} : outcome;
}
