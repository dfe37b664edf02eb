/*
 * CDRs (OCPI 2.2.1, chapter CDRs). CdrLocation's address and state follow Location's longer maxima, else a
 * valid location would make an invalid CDR; plain_data has the bugfix branch's. Tariffs inside a CDR are a
 * copy for information: nothing in them is essential. A CdrToken without its party is OCPI 2.2's: whose it is
 * may be said otherwise (hub-ocpi(7), SESSIONS), so routing decides, not the table.
 */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(auth_method, "AuthMethod", "AUTH_REQUEST", "COMMAND", "WHITELIST");
ENUM(cdr_dimension_type, "CdrDimensionType",
     "CURRENT", "ENERGY", "ENERGY_EXPORT", "ENERGY_IMPORT", "MAX_CURRENT", "MIN_CURRENT", "MAX_POWER",
     "MIN_POWER", "PARKING_TIME", "POWER", "RESERVATION_TIME", "STATE_OF_CHARGE", "TIME");

static const struct ocpi_field cdr_fields[] = {
    FIELD( "country_code",               CISTRING,        ONE,      CHARS(2), ESSENTIAL),
    FIELD( "party_id",                   CISTRING,        ONE,      CHARS(3), ESSENTIAL),
    FIELD( "id",                         CISTRING,        ONE,      CHARS(39), ESSENTIAL),
    FIELD( "start_date_time",            DATETIME,        ONE,      ESSENTIAL),
    FIELD( "end_date_time",              DATETIME,        ONE,      ESSENTIAL),
    FIELD( "session_id",                 CISTRING,        OPTIONAL, CHARS(36)),
    NESTED("cdr_token",                  cdr_token,       ONE,      ESSENTIAL, SINGLE),
    CHOICE("auth_method",                auth_method,     ONE),
    FIELD( "authorization_reference",    CISTRING,        OPTIONAL, CHARS(36)),
    NESTED("cdr_location",               cdr_location,    ONE),
    FIELD( "meter_id",                   STRING,          OPTIONAL, CHARS(255)),
    FIELD( "currency",                   STRING,          ONE,      CHARS(3), ESSENTIAL),
    NESTED("tariffs",                    tariff,          ANY,      RELAXED),
    NESTED("charging_periods",           charging_period, SOME),
    NESTED("signed_data",                signed_data,     OPTIONAL),
    NESTED("total_cost",                 price,           ONE,      ESSENTIAL),
    NESTED("total_fixed_cost",           price,           OPTIONAL),
    FIELD( "total_energy",               NUMBER,          ONE,      ESSENTIAL),
    NESTED("total_energy_cost",          price,           OPTIONAL),
    FIELD( "total_time",                 NUMBER,          ONE),
    NESTED("total_time_cost",            price,           OPTIONAL),
    FIELD( "total_parking_time",         NUMBER,          OPTIONAL),
    NESTED("total_parking_cost",         price,           OPTIONAL),
    NESTED("total_reservation_cost",     price,           OPTIONAL),
    FIELD( "remark",                     STRING,          OPTIONAL, CHARS(255)),
    FIELD( "invoice_reference_id",       CISTRING,        OPTIONAL, CHARS(39)),
    FIELD( "credit",                     BOOLEAN,         OPTIONAL),
    FIELD( "credit_reference_id",        CISTRING,        OPTIONAL, CHARS(39)),
    FIELD( "home_charging_compensation", BOOLEAN,         OPTIONAL),
    FIELD( "last_updated",               DATETIME,        ONE,      ESSENTIAL),
};
OBJECT(cdr, "CDR");

static const struct ocpi_field cdr_dimension_fields[] = {
    CHOICE("type",   cdr_dimension_type, ONE),
    FIELD( "volume", NUMBER,             ONE),
};
OBJECT(cdr_dimension, "CdrDimension");

static const struct ocpi_field cdr_location_fields[] = {
    FIELD( "id",                   CISTRING,         ONE,      CHARS(36)),
    FIELD( "name",                 STRING,           OPTIONAL, CHARS(255)),
    FIELD( "address",              STRING,           ONE,      CHARS(255)),
    FIELD( "city",                 STRING,           ONE,      CHARS(45)),
    FIELD( "postal_code",          STRING,           OPTIONAL, CHARS(10)),
    FIELD( "state",                STRING,           OPTIONAL, CHARS(45)),
    FIELD( "country",              STRING,           ONE,      CHARS(3)),
    NESTED("coordinates",          geo_location,     ONE),
    FIELD( "evse_uid",             CISTRING,         ONE,      CHARS(36)),
    FIELD( "evse_id",              CISTRING,         ONE,      CHARS(48)),
    FIELD( "connector_id",         CISTRING,         ONE,      CHARS(36)),
    CHOICE("connector_standard",   connector_type,   ONE),
    CHOICE("connector_format",     connector_format, ONE),
    CHOICE("connector_power_type", power_type,       ONE),
};
OBJECT(cdr_location, "CdrLocation");

static const struct ocpi_field cdr_token_fields[] = {
    FIELD( "country_code", CISTRING,   ONE,      CHARS(2), SINGLE),
    FIELD( "party_id",     CISTRING,   ONE,      CHARS(3), SINGLE),
    FIELD( "uid",          CISTRING,   ONE,      CHARS(36), ESSENTIAL, SINGLE),
    CHOICE("type",         token_type, ONE,      SINGLE),
    FIELD( "contract_id",  CISTRING,   ONE,      CHARS(36)),
};
OBJECT(cdr_token, "CdrToken");

static const struct ocpi_field charging_period_fields[] = {
    FIELD( "start_date_time", DATETIME,      ONE),
    NESTED("dimensions",      cdr_dimension, SOME),
    FIELD( "tariff_id",       CISTRING,      OPTIONAL, CHARS(36)),
};
OBJECT(charging_period, "ChargingPeriod");

static const struct ocpi_field signed_data_fields[] = {
    FIELD( "encoding_method",         CISTRING,     ONE,      CHARS(36)),
    FIELD( "encoding_method_version", INT,          OPTIONAL),
    FIELD( "public_key",              STRING,       OPTIONAL, CHARS(512)),
    NESTED("signed_values",           signed_value, SOME),
    FIELD( "url",                     STRING,       OPTIONAL, CHARS(512)),
};
OBJECT(signed_data, "SignedData");

static const struct ocpi_field signed_value_fields[] = {
    FIELD( "nature",      CISTRING, ONE,      CHARS(32)),
    FIELD( "plain_data",  STRING,   ONE,      CHARS(5000)),
    FIELD( "signed_data", STRING,   ONE,      CHARS(5000)),
};
OBJECT(signed_value, "SignedValue");

/* clang-format on */
