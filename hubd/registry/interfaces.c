#include "hubd/registry/interfaces.h"

#include "lib/ctl/commands.h"

#define SENDER   INTERFACES_SENDER
#define RECEIVER INTERFACES_RECEIVER
#define CPO      OCPI_ROLE_CPO
#define EMSP     OCPI_ROLE_EMSP
#define SCSP     OCPI_ROLE_SCSP
#define ALL      (~0u)

#define ASKED   ", and what OCPI-to directs to it"
#define CHECKED "GET of the list, at `hubctl party check`"

/* clang-format off */
/* `credentials` has one interface, whichever role it is listed under (OCPI 2.2.1, Versions: Endpoint). */
static const struct interfaces_row interfaces_called[] = {
    {CPO, RECEIVER, OCPI_MODULE_TOKENS,
     "an eMSP's PUT of an authorization, and its GET, PUT and PATCH of a token", "authorizations cannot be asked"},
    {CPO, RECEIVER, OCPI_MODULE_COMMANDS, "an eMSP's POST of a command", "commands cannot be sent"},
    {CPO, RECEIVER, OCPI_MODULE_CHARGINGPROFILES,
     "GET, PUT and DELETE of an eMSP or a smart charging provider, for a session", NULL},
    {EMSP, RECEIVER, OCPI_MODULE_SESSIONS, "PUT of its sessions", "sessions cannot be delivered"},
    {EMSP, RECEIVER, OCPI_MODULE_CDRS, "POST of its CDRs", "CDRs cannot be delivered"},
    {EMSP, RECEIVER, OCPI_MODULE_LOCATIONS, "PUT of locations and EVSEs, if the account team has asked for it" ASKED, NULL},
    {EMSP, RECEIVER, OCPI_MODULE_TARIFFS, "PUT and DELETE of tariffs, if the account team has asked for it" ASKED, NULL},
    {CPO | EMSP, RECEIVER, OCPI_MODULE_HUBCLIENTINFO, "PUT of every other party and of each change of its status", NULL},
    {EMSP, SENDER, OCPI_MODULE_TOKENS, "a CPO's POST of an authorization, and its GET of the list of tokens", NULL},
    {EMSP | SCSP, SENDER, OCPI_MODULE_CHARGINGPROFILES, "a CPO's PUT of an ActiveChargingProfile", NULL},
    {CPO, SENDER, OCPI_MODULE_SESSIONS, "an eMSP's PUT of charging_preferences; " CHECKED, NULL},
    {CPO, SENDER, OCPI_MODULE_CDRS, CHECKED, NULL},
    {CPO, SENDER, OCPI_MODULE_LOCATIONS, CHECKED, NULL},
    {CPO, SENDER, OCPI_MODULE_TARIFFS, CHECKED, NULL},
    {ALL, SENDER | RECEIVER, OCPI_MODULE_CREDENTIALS,
     "POST where the hub begins the registration, PUT where it changes the partner's token", NULL},
};
/* clang-format on */
#define CALLED (sizeof interfaces_called / sizeof interfaces_called[0])

const struct interfaces_row *interfaces_row_at(size_t index)
{
    return index < CALLED ? &interfaces_called[index] : NULL;
}

const struct interfaces_row *interfaces_need_at(unsigned roles, size_t index)
{
    for (size_t i = 0; i < CALLED; i++)
        if (interfaces_called[i].without != NULL && (interfaces_called[i].roles & roles) != 0 && index-- == 0)
            return &interfaces_called[i];
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
