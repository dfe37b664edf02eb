/*
 * Envelope, shared types, versions and credentials (OCPI 2.2.1: Transport and format; Types; Versions;
 * Credentials).
 */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(role, "Role", "CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP");
ENUM(interface_role, "InterfaceRole", "SENDER", "RECEIVER");
OPEN_ENUM(module_id, "ModuleID",
     "cdrs", "chargingprofiles", "commands", "credentials", "hubclientinfo", "locations", "sessions",
     "tariffs", "tokens");
OPEN_ENUM(version_number, "VersionNumber", "2.0", "2.1", "2.1.1", "2.2", "2.2.1");

static const struct ocpi_field response_fields[] = {
    FIELD( "data",           ANY,      OPTIONAL),
    FIELD( "status_code",    INT,      ONE),
    FIELD( "status_message", STRING,   OPTIONAL),
    FIELD( "timestamp",      DATETIME, ONE),
};
OBJECT(response, "Response");

static const struct ocpi_field display_text_fields[] = {
    FIELD( "language", STRING, ONE,      CHARS(2)),
    FIELD( "text",     STRING, ONE,      CHARS(512)),
};
OBJECT(display_text, "DisplayText");

static const struct ocpi_field price_fields[] = {
    FIELD( "excl_vat", NUMBER, ONE),
    FIELD( "incl_vat", NUMBER, OPTIONAL),
};
OBJECT(price, "Price");

static const struct ocpi_field version_fields[] = {
    CHOICE("version", version_number, ONE),
    FIELD( "url",     URL,            ONE),
};
OBJECT(version, "Version");

static const struct ocpi_field version_details_fields[] = {
    CHOICE("version",   version_number, ONE),
    NESTED("endpoints", endpoint,       SOME),
};
OBJECT(version_details, "VersionDetails");

static const struct ocpi_field endpoint_fields[] = {
    CHOICE("identifier", module_id,      ONE),
    CHOICE("role",       interface_role, ONE),
    FIELD( "url",        URL,            ONE),
};
OBJECT(endpoint, "Endpoint");

static const struct ocpi_field credentials_fields[] = {
    FIELD( "token", STRING,           ONE,      CHARS(64), FORM(TOKEN), ESSENTIAL),
    FIELD( "url",   URL,              ONE,      ESSENTIAL),
    NESTED("roles", credentials_role, SOME,     ESSENTIAL),
};
OBJECT(credentials, "Credentials");

static const struct ocpi_field credentials_role_fields[] = {
    CHOICE("role",             role,             ONE,      ESSENTIAL),
    NESTED("business_details", business_details, ONE),
    FIELD( "party_id",         CISTRING,         ONE,      CHARS(3), ESSENTIAL),
    FIELD( "country_code",     CISTRING,         ONE,      CHARS(2), ESSENTIAL),
};
OBJECT(credentials_role, "CredentialsRole");

/* clang-format on */
