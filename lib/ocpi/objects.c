/* The lists over all tables of objects_*.c, and looking things up in them. */
#include "lib/ocpi/tables.h"

#define OBJECT_ADDRESS(symbol) &ocpi_##symbol,
#define ENUM_ADDRESS(symbol)   &ocpi_enum_##symbol,

const struct ocpi_object *const ocpi_objects[] = {OCPI_OBJECTS(OBJECT_ADDRESS) NULL};
const struct ocpi_enum *const ocpi_enums[] = {OCPI_ENUMS(ENUM_ADDRESS) NULL};

const struct ocpi_object *ocpi_object_find(const char *name)
{
    for (const struct ocpi_object *const *object = ocpi_objects; *object != NULL; object++)
        if (strcmp((*object)->name, name) == 0)
            return *object;
    return NULL;
}

const struct ocpi_enum *ocpi_enum_find(const char *name)
{
    for (const struct ocpi_enum *const *enumeration = ocpi_enums; *enumeration != NULL; enumeration++)
        if (strcmp((*enumeration)->name, name) == 0)
            return *enumeration;
    return NULL;
}

/* Without strlen: validation calls it for each enum value of each object. */
static bool text_is(const char *text, struct str value)
{
    for (size_t i = 0; i < value.length; i++)
        if (text[i] == '\0' || text[i] != value.data[i])
            return false;
    return text[value.length] == '\0';
}

bool ocpi_enum_has(const struct ocpi_enum *enumeration, struct str value)
{
    for (const char *const *listed = enumeration->values; *listed != NULL; listed++)
        if (text_is(*listed, value))
            return true;
    return enumeration->also != NULL && text_is(enumeration->also, value);
}

struct str ocpi_enum_find_value(const struct ocpi_enum *enumeration, struct str text)
{
    for (const char *const *listed = enumeration->values; *listed != NULL; listed++)
        if (str_equal_fold(text, str_from(*listed)))
            return str_from(*listed);
    bool also = enumeration->also != NULL && str_equal_fold(text, str_from(enumeration->also));
    return also ? str_from(enumeration->also) : STR_NONE;
}
