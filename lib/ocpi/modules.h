#ifndef LIB_OCPI_MODULES_H
#define LIB_OCPI_MODULES_H

#include "lib/base/str.h"

/*
 * The modules of OCPI 2.2.1 (Versions: ModuleID), and "versions" for the two version endpoints. Tables that have
 * a row for each are indexed by the number; the name stands in JSON, in URLs, in the store.
 */
#define OCPI_MODULES_NAMED(X)                                                                                \
    X(LOCATIONS, "locations")                                                                                \
    X(TARIFFS, "tariffs")                                                                                    \
    X(SESSIONS, "sessions")                                                                                  \
    X(CDRS, "cdrs")                                                                                          \
    X(TOKENS, "tokens")                                                                                      \
    X(COMMANDS, "commands")                                                                                  \
    X(CHARGINGPROFILES, "chargingprofiles")                                                                  \
    X(HUBCLIENTINFO, "hubclientinfo")                                                                        \
    X(CREDENTIALS, "credentials")                                                                            \
    X(VERSIONS, "versions")
/* The same, and OTHER: any that is none of these. */
#define OCPI_MODULES(X)                                                                                      \
    OCPI_MODULES_NAMED(X)                                                                                    \
    X(OTHER, "other")

enum ocpi_module {
#define OCPI_MODULE_NUMBER(identifier, name) OCPI_MODULE_##identifier,
    OCPI_MODULES(OCPI_MODULE_NUMBER)
#undef OCPI_MODULE_NUMBER
        OCPI_MODULE_COUNT
};

/* Static. "other" stands for OCPI_MODULE_OTHER and is no ModuleID. */
const char *ocpi_module_name(enum ocpi_module module);
/* The module of exactly that ModuleID (its case counts); OTHER when there is none. */
enum ocpi_module ocpi_module_find(struct str name);

#endif
