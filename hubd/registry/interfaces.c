#include "hubd/registry/interfaces.h"

#include "lib/ctl/commands.h"

#define SENDER   1u
#define RECEIVER 2u
#define ALL      (~0u)

/* `credentials` has one interface, whichever role it is listed under (OCPI 2.2.1, Versions: Endpoint). */
static const struct {
    unsigned roles, interfaces;
    enum ocpi_module module;
} interfaces_called[] = {
    {OCPI_ROLE_CPO, RECEIVER, OCPI_MODULE_TOKENS},
    {OCPI_ROLE_CPO, RECEIVER, OCPI_MODULE_COMMANDS},
    {OCPI_ROLE_CPO, RECEIVER, OCPI_MODULE_CHARGINGPROFILES},
    {OCPI_ROLE_EMSP, RECEIVER, OCPI_MODULE_SESSIONS},
    {OCPI_ROLE_EMSP, RECEIVER, OCPI_MODULE_CDRS},
    {OCPI_ROLE_EMSP, RECEIVER, OCPI_MODULE_LOCATIONS},
    {OCPI_ROLE_EMSP, RECEIVER, OCPI_MODULE_TARIFFS},
    {OCPI_ROLE_CPO | OCPI_ROLE_EMSP, RECEIVER, OCPI_MODULE_HUBCLIENTINFO},
    {OCPI_ROLE_EMSP, SENDER, OCPI_MODULE_TOKENS},
    {OCPI_ROLE_EMSP | OCPI_ROLE_SCSP, SENDER, OCPI_MODULE_CHARGINGPROFILES},
    {OCPI_ROLE_CPO, SENDER, OCPI_MODULE_SESSIONS},
    {OCPI_ROLE_CPO, SENDER, OCPI_MODULE_CDRS},
    {OCPI_ROLE_CPO, SENDER, OCPI_MODULE_LOCATIONS},
    {OCPI_ROLE_CPO, SENDER, OCPI_MODULE_TARIFFS},
    {ALL, SENDER | RECEIVER, OCPI_MODULE_CREDENTIALS},
};
#define CALLED (sizeof interfaces_called / sizeof interfaces_called[0])

static const struct interfaces_need interfaces_needs[] = {
    {OCPI_ROLE_CPO, OCPI_MODULE_TOKENS, "authorizations cannot be asked"},
    {OCPI_ROLE_CPO, OCPI_MODULE_COMMANDS, "commands cannot be sent"},
    {OCPI_ROLE_EMSP, OCPI_MODULE_SESSIONS, "sessions cannot be delivered"},
    {OCPI_ROLE_EMSP, OCPI_MODULE_CDRS, "CDRs cannot be delivered"},
};

const struct interfaces_need *interfaces_need_at(unsigned roles, size_t index)
{
    for (size_t i = 0; i < sizeof interfaces_needs / sizeof interfaces_needs[0]; i++)
        if ((interfaces_needs[i].roles & roles) != 0 && index-- == 0)
            return &interfaces_needs[i];
    return NULL;
}

/* The key of that row of interfaces_called. */
static struct str interfaces_row_key(size_t row)
{
    static const char *const sender_keys[OCPI_MODULE_COUNT] = {
#define SENDER_KEY(identifier, name) [OCPI_MODULE_##identifier] = name INTERFACES_SENDER_SUFFIX,
        OCPI_MODULES(SENDER_KEY)
#undef SENDER_KEY
    };
    enum ocpi_module module = interfaces_called[row].module;
    return str_from(interfaces_called[row].interfaces == SENDER ? sender_keys[module]
                                                                : ocpi_module_name(module));
}

struct str interfaces_key(unsigned roles, enum ocpi_module module, bool receiver)
{
    for (size_t i = 0; i < CALLED; i++)
        if ((interfaces_called[i].roles & roles) != 0 &&
            (interfaces_called[i].interfaces & (receiver ? RECEIVER : SENDER)) != 0 &&
            interfaces_called[i].module == module)
            return interfaces_row_key(i);
    return STR_NONE;
}

static bool interfaces_is_mark(char byte)
{
    return byte == '-' || byte == '_';
}

static bool interfaces_same(struct str spelled, struct str module)
{
    size_t at = 0;
    for (size_t i = 0; i < spelled.length; i++) {
        if (interfaces_is_mark(spelled.data[i]))
            continue;
        if (at == module.length || !str_equal_fold(str_of(spelled.data + i, 1), str_of(module.data + at, 1)))
            return false;
        at++;
    }
    return at == module.length;
}

enum ocpi_module interfaces_module(struct str spelled)
{
    for (size_t i = 0; i < CALLED; i++)
        if (interfaces_same(spelled, str_from(ocpi_module_name(interfaces_called[i].module))))
            return interfaces_called[i].module;
    return OCPI_MODULE_OTHER;
}

bool interfaces_is_other(struct str module)
{
    enum ocpi_module known = ocpi_module_find(module);
    for (size_t i = 0; i < CALLED; i++)
        if (interfaces_called[i].module == known)
            return false;
    return ctl_is_word(module);
}

struct str interfaces_key_at(size_t index)
{
    return index < CALLED ? interfaces_row_key(index) : STR_NONE;
}
