#include "hubd/interfaces.h"

struct str interfaces_key(unsigned roles, struct str module, bool receiver)
{
    static const struct {
        unsigned roles;
        bool receiver;
        const char *module, *key;
    } called[] = {
        {OCPI_ROLE_CPO, true, "tokens", "tokens"},
        {OCPI_ROLE_CPO, true, "commands", "commands"},
        {OCPI_ROLE_CPO, true, "chargingprofiles", "chargingprofiles"},
        {OCPI_ROLE_EMSP, true, "sessions", "sessions"},
        {OCPI_ROLE_EMSP, true, "cdrs", "cdrs"},
        {OCPI_ROLE_EMSP, true, "locations", "locations"},
        {OCPI_ROLE_EMSP, true, "tariffs", "tariffs"},
        {OCPI_ROLE_CPO | OCPI_ROLE_EMSP, true, "hubclientinfo", "hubclientinfo"},
        {OCPI_ROLE_EMSP, false, "tokens", "tokens" INTERFACES_SENDER_SUFFIX},
        {OCPI_ROLE_EMSP | OCPI_ROLE_SCSP, false, "chargingprofiles",
         "chargingprofiles" INTERFACES_SENDER_SUFFIX},
        {OCPI_ROLE_CPO, false, "sessions", "sessions" INTERFACES_SENDER_SUFFIX},
        {OCPI_ROLE_CPO, false, "cdrs", "cdrs" INTERFACES_SENDER_SUFFIX},
        {OCPI_ROLE_CPO, false, "locations", "locations" INTERFACES_SENDER_SUFFIX},
        {OCPI_ROLE_CPO, false, "tariffs", "tariffs" INTERFACES_SENDER_SUFFIX},
    };
    for (size_t i = 0; i < sizeof called / sizeof called[0]; i++)
        if ((called[i].roles & roles) != 0 && called[i].receiver == receiver &&
            str_equal(module, str_from(called[i].module)))
            return str_from(called[i].key);
    return STR_NONE;
}
