#include "lib/ocpi/modules.h"

static const char *const module_names[OCPI_MODULE_COUNT] = {
#define MODULE_NAME(identifier, name) [OCPI_MODULE_##identifier] = name,
    OCPI_MODULES(MODULE_NAME)
#undef MODULE_NAME
};

const char *ocpi_module_name(enum ocpi_module module)
{
    return module_names[module];
}

enum ocpi_module ocpi_module_find(struct str name)
{
    unsigned module = 0;
    while (module < OCPI_MODULE_OTHER && !str_equal(name, str_from(module_names[module])))
        module++;
    return (enum ocpi_module)module;
}
