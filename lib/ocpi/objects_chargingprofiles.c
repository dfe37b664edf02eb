/* Charging profiles (OCPI 2.2.1, chapter ChargingProfiles); the hub forwards them and stores nothing. */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(charging_rate_unit, "ChargingRateUnit", "W", "A");
ENUM(charging_profile_response_type, "ChargingProfileResponseType",
     "ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION");
ENUM(charging_profile_result_type, "ChargingProfileResultType", "ACCEPTED", "REJECTED", "UNKNOWN");

static const struct ocpi_field charging_profile_response_fields[] = {
    CHOICE("result",  charging_profile_response_type, ONE, SINGLE),
    FIELD( "timeout", INT,                            ONE, SINGLE),
};
OBJECT(charging_profile_response, "ChargingProfileResponse");

static const struct ocpi_field active_charging_profile_result_fields[] = {
    CHOICE("result",  charging_profile_result_type, ONE),
    NESTED("profile", active_charging_profile,      OPTIONAL),
};
OBJECT(active_charging_profile_result, "ActiveChargingProfileResult");

static const struct ocpi_field charging_profile_result_fields[] = {
    CHOICE("result", charging_profile_result_type, ONE),
};
OBJECT(charging_profile_result, "ChargingProfileResult");

static const struct ocpi_field clear_profile_result_fields[] = {
    CHOICE("result", charging_profile_result_type, ONE),
};
OBJECT(clear_profile_result, "ClearProfileResult");

static const struct ocpi_field set_charging_profile_fields[] = {
    NESTED("charging_profile", charging_profile, ONE),
    FIELD( "response_url",     URL,              ONE),
};
OBJECT(set_charging_profile, "SetChargingProfile");

static const struct ocpi_field active_charging_profile_fields[] = {
    FIELD( "start_date_time",  DATETIME,         ONE),
    NESTED("charging_profile", charging_profile, ONE),
};
OBJECT(active_charging_profile, "ActiveChargingProfile");

static const struct ocpi_field charging_profile_fields[] = {
    FIELD( "start_date_time",         DATETIME,                OPTIONAL),
    FIELD( "duration",                INT,                     OPTIONAL),
    CHOICE("charging_rate_unit",      charging_rate_unit,      ONE),
    FIELD( "min_charging_rate",       NUMBER,                  OPTIONAL),
    NESTED("charging_profile_period", charging_profile_period, ANY),
};
OBJECT(charging_profile, "ChargingProfile");

static const struct ocpi_field charging_profile_period_fields[] = {
    FIELD( "start_period", INT,    ONE),
    FIELD( "limit",        NUMBER, ONE),
};
OBJECT(charging_profile_period, "ChargingProfilePeriod");

/* clang-format on */
