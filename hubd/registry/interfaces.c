#include "hubd/registry/interfaces.h"

#include "lib/ctl/commands.h"

#define SENDER   1u
#define RECEIVER 2u
#define ALL      (~0u)

/* `credentials` has one interface, whichever role it is listed under (OCPI 2.2.1, Versions: Endpoint). */
static const struct {
    unsigned roles, interfaces;
    const char *module, *key;
} interfaces_called[] = {
    {OCPI_ROLE_CPO, RECEIVER, "tokens", "tokens"},
    {OCPI_ROLE_CPO, RECEIVER, "commands", "commands"},
    {OCPI_ROLE_CPO, RECEIVER, "chargingprofiles", "chargingprofiles"},
    {OCPI_ROLE_EMSP, RECEIVER, "sessions", "sessions"},
    {OCPI_ROLE_EMSP, RECEIVER, "cdrs", "cdrs"},
    {OCPI_ROLE_EMSP, RECEIVER, "locations", "locations"},
    {OCPI_ROLE_EMSP, RECEIVER, "tariffs", "tariffs"},
    {OCPI_ROLE_CPO | OCPI_ROLE_EMSP, RECEIVER, "hubclientinfo", "hubclientinfo"},
    {OCPI_ROLE_EMSP, SENDER, "tokens", "tokens" INTERFACES_SENDER_SUFFIX},
    {OCPI_ROLE_EMSP | OCPI_ROLE_SCSP, SENDER, "chargingprofiles",
     "chargingprofiles" INTERFACES_SENDER_SUFFIX},
    {OCPI_ROLE_CPO, SENDER, "sessions", "sessions" INTERFACES_SENDER_SUFFIX},
    {OCPI_ROLE_CPO, SENDER, "cdrs", "cdrs" INTERFACES_SENDER_SUFFIX},
    {OCPI_ROLE_CPO, SENDER, "locations", "locations" INTERFACES_SENDER_SUFFIX},
    {OCPI_ROLE_CPO, SENDER, "tariffs", "tariffs" INTERFACES_SENDER_SUFFIX},
    {ALL, SENDER | RECEIVER, "credentials", "credentials"},
};
#define CALLED (sizeof interfaces_called / sizeof interfaces_called[0])

static const struct interfaces_need interfaces_needs[] = {
    {OCPI_ROLE_CPO, "tokens", "authorizations cannot be asked"},
    {OCPI_ROLE_CPO, "commands", "commands cannot be sent"},
    {OCPI_ROLE_EMSP, "sessions", "sessions cannot be delivered"},
    {OCPI_ROLE_EMSP, "cdrs", "CDRs cannot be delivered"},
};

const struct interfaces_need *interfaces_need_at(unsigned roles, size_t index)
{
    for (size_t i = 0; i < sizeof interfaces_needs / sizeof interfaces_needs[0]; i++)
        if ((interfaces_needs[i].roles & roles) != 0 && index-- == 0)
            return &interfaces_needs[i];
    return NULL;
}

struct str interfaces_key(unsigned roles, struct str module, bool receiver)
{
    for (size_t i = 0; i < CALLED; i++)
        if ((interfaces_called[i].roles & roles) != 0 &&
            (interfaces_called[i].interfaces & (receiver ? RECEIVER : SENDER)) != 0 &&
            str_equal(module, str_from(interfaces_called[i].module)))
            return str_from(interfaces_called[i].key);
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

struct str interfaces_module(struct str spelled)
{
    for (size_t i = 0; i < CALLED; i++)
        if (interfaces_same(spelled, str_from(interfaces_called[i].module)))
            return str_from(interfaces_called[i].module);
    return STR_NONE;
}

bool interfaces_is_other(struct str module)
{
    for (size_t i = 0; i < CALLED; i++)
        if (str_equal(module, str_from(interfaces_called[i].module)))
            return false;
    return ctl_is_word(module);
}

struct str interfaces_key_at(size_t index)
{
    return index < CALLED ? str_from(interfaces_called[index].key) : STR_NONE;
}
