/*
 * Sessions (OCPI 2.2.1, chapter Sessions). RESERVED stands in that chapter's text where its enum has
 * RESERVATION; both are taken.
 */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(charging_preferences_response, "ChargingPreferencesResponse",
     "ACCEPTED", "DEPARTURE_REQUIRED", "ENERGY_NEED_REQUIRED", "NOT_POSSIBLE", "PROFILE_TYPE_NOT_SUPPORTED");
ENUM(profile_type, "ProfileType", "CHEAP", "FAST", "GREEN", "REGULAR");
ENUM_ALSO(session_status, "SessionStatus", "RESERVED",
     "ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION");

static const struct ocpi_field session_fields[] = {
    FIELD( "country_code",            CISTRING,        ONE,      CHARS(2), ESSENTIAL),
    FIELD( "party_id",                CISTRING,        ONE,      CHARS(3), ESSENTIAL),
    FIELD( "id",                      CISTRING,        ONE,      CHARS(36), ESSENTIAL),
    FIELD( "start_date_time",         DATETIME,        ONE,      ESSENTIAL),
    FIELD( "end_date_time",           DATETIME,        OPTIONAL),
    FIELD( "kwh",                     NUMBER,          ONE,      ESSENTIAL),
    NESTED("cdr_token",               cdr_token,       ONE,      ESSENTIAL, SINGLE),
    CHOICE("auth_method",             auth_method,     ONE),
    FIELD( "authorization_reference", CISTRING,        OPTIONAL, CHARS(36)),
    FIELD( "location_id",             CISTRING,        ONE,      CHARS(36)),
    FIELD( "evse_uid",                CISTRING,        ONE,      CHARS(36)),
    FIELD( "connector_id",            CISTRING,        ONE,      CHARS(36)),
    FIELD( "meter_id",                STRING,          OPTIONAL, CHARS(255)),
    FIELD( "currency",                STRING,          ONE,      CHARS(3)),
    NESTED("charging_periods",        charging_period, ANY),
    NESTED("total_cost",              price,           OPTIONAL),
    CHOICE("status",                  session_status,  ONE,      ESSENTIAL),
    FIELD( "last_updated",            DATETIME,        ONE,      ESSENTIAL),
};
OBJECT(session, "Session");

static const struct ocpi_field charging_preferences_fields[] = {
    CHOICE("profile_type",      profile_type, ONE),
    FIELD( "departure_time",    DATETIME,     OPTIONAL),
    FIELD( "energy_need",       NUMBER,       OPTIONAL),
    FIELD( "discharge_allowed", BOOLEAN,      OPTIONAL),
};
OBJECT(charging_preferences, "ChargingPreferences");

/* clang-format on */
