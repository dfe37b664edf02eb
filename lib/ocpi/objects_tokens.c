/*
 * Tokens and real-time authorization (OCPI 2.2.1, chapter Tokens). UNKNOWN is the hub's own answer when a CPO
 * gives none.
 */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM_ALSO(allowed_type, "AllowedType", "UNKNOWN",
     "ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED");
ENUM(token_type, "TokenType", "AD_HOC_USER", "APP_USER", "OTHER", "RFID");
ENUM(whitelist_type, "WhitelistType", "ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER");

static const struct ocpi_field authorization_info_fields[] = {
    CHOICE("allowed",                 allowed_type,        ONE,      SINGLE),
    NESTED("token",                   token,               ONE,      RELAXED),
    NESTED("location",                location_references, OPTIONAL),
    FIELD( "authorization_reference", CISTRING,            OPTIONAL, CHARS(36)),
    NESTED("info",                    display_text,        OPTIONAL),
};
OBJECT(authorization_info, "AuthorizationInfo");

static const struct ocpi_field token_fields[] = {
    FIELD( "country_code",         CISTRING,        ONE,      CHARS(2), DECIDES),
    FIELD( "party_id",             CISTRING,        ONE,      CHARS(3), DECIDES),
    FIELD( "uid",                  CISTRING,        ONE,      CHARS(36), ESSENTIAL, DECIDES),
    CHOICE("type",                 token_type,      ONE,      SINGLE),
    FIELD( "contract_id",          CISTRING,        ONE,      CHARS(36)),
    FIELD( "visual_number",        STRING,          OPTIONAL, CHARS(64)),
    FIELD( "issuer",               STRING,          ONE,      CHARS(64)),
    FIELD( "group_id",             CISTRING,        OPTIONAL, CHARS(36)),
    FIELD( "valid",                BOOLEAN,         ONE),
    CHOICE("whitelist",            whitelist_type,  ONE),
    FIELD( "language",             STRING,          OPTIONAL, CHARS(2)),
    CHOICE("default_profile_type", profile_type,    OPTIONAL),
    NESTED("energy_contract",      energy_contract, OPTIONAL),
    FIELD( "last_updated",         DATETIME,        ONE),
};
OBJECT(token, "Token");

static const struct ocpi_field energy_contract_fields[] = {
    FIELD( "supplier_name", STRING, ONE,      CHARS(64)),
    FIELD( "contract_id",   STRING, OPTIONAL, CHARS(64)),
};
OBJECT(energy_contract, "EnergyContract");

static const struct ocpi_field location_references_fields[] = {
    FIELD( "location_id", CISTRING, ONE,      CHARS(36), DECIDES),
    FIELD( "evse_uids",   CISTRING, ANY,      CHARS(36), DECIDES),
};
OBJECT(location_references, "LocationReferences");

/* clang-format on */
