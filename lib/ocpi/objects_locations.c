/*
 * Locations (OCPI 2.2.1, chapter Locations: Object description, Data types). address and state have the
 * longer maxima of the specification's bugfix branch.
 */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(capability, "Capability",
     "CHARGING_PROFILE_CAPABLE", "CHARGING_PREFERENCES_CAPABLE", "CHIP_CARD_SUPPORT",
     "CONTACTLESS_CARD_SUPPORT", "CREDIT_CARD_PAYABLE", "DEBIT_CARD_PAYABLE", "PED_TERMINAL",
     "REMOTE_START_STOP_CAPABLE", "RESERVABLE", "RFID_READER", "START_SESSION_CONNECTOR_REQUIRED",
     "TOKEN_GROUP_CAPABLE", "UNLOCK_CAPABLE");
ENUM(connector_format, "ConnectorFormat", "SOCKET", "CABLE");
ENUM(connector_type, "ConnectorType",
     "CHADEMO", "CHAOJI", "DOMESTIC_A", "DOMESTIC_B", "DOMESTIC_C", "DOMESTIC_D", "DOMESTIC_E", "DOMESTIC_F",
     "DOMESTIC_G", "DOMESTIC_H", "DOMESTIC_I", "DOMESTIC_J", "DOMESTIC_K", "DOMESTIC_L", "DOMESTIC_M",
     "DOMESTIC_N", "DOMESTIC_O", "GBT_AC", "GBT_DC", "IEC_60309_2_single_16", "IEC_60309_2_three_16",
     "IEC_60309_2_three_32", "IEC_60309_2_three_64", "IEC_62196_T1", "IEC_62196_T1_COMBO", "IEC_62196_T2",
     "IEC_62196_T2_COMBO", "IEC_62196_T3A", "IEC_62196_T3C", "NEMA_5_20", "NEMA_6_30", "NEMA_6_50",
     "NEMA_10_30", "NEMA_10_50", "NEMA_14_30", "NEMA_14_50", "PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN",
     "TESLA_R", "TESLA_S");
ENUM(energy_source_category, "EnergySourceCategory",
     "NUCLEAR", "GENERAL_FOSSIL", "COAL", "GAS", "GENERAL_GREEN", "SOLAR", "WIND", "WATER");
ENUM(environmental_impact_category, "EnvironmentalImpactCategory", "NUCLEAR_WASTE", "CARBON_DIOXIDE");
ENUM(facility, "Facility",
     "HOTEL", "RESTAURANT", "CAFE", "MALL", "SUPERMARKET", "SPORT", "RECREATION_AREA", "NATURE", "MUSEUM",
     "BIKE_SHARING", "BUS_STOP", "TAXI_STAND", "TRAM_STOP", "METRO_STATION", "TRAIN_STATION", "AIRPORT",
     "PARKING_LOT", "CARPOOL_PARKING", "FUEL_STATION", "WIFI");
ENUM(image_category, "ImageCategory",
     "CHARGER", "ENTRANCE", "LOCATION", "NETWORK", "OPERATOR", "OTHER", "OWNER");
ENUM(parking_restriction, "ParkingRestriction", "EV_ONLY", "PLUGGED", "DISABLED", "CUSTOMERS", "MOTORCYCLES");
ENUM(parking_type, "ParkingType",
     "ALONG_MOTORWAY", "PARKING_GARAGE", "PARKING_LOT", "ON_DRIVEWAY", "ON_STREET", "UNDERGROUND_GARAGE");
ENUM(power_type, "PowerType", "AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC");
ENUM(status, "Status",
     "AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "RESERVED",
     "UNKNOWN");

static const struct ocpi_field location_fields[] = {
    FIELD( "country_code",         CISTRING,                ONE,      CHARS(2), ESSENTIAL),
    FIELD( "party_id",             CISTRING,                ONE,      CHARS(3), ESSENTIAL),
    FIELD( "id",                   CISTRING,                ONE,      CHARS(36), ESSENTIAL),
    FIELD( "publish",              BOOLEAN,                 ONE),
    NESTED("publish_allowed_to",   publish_token_type,      ANY),
    FIELD( "name",                 STRING,                  OPTIONAL, CHARS(255)),
    FIELD( "address",              STRING,                  ONE,      CHARS(255)),
    FIELD( "city",                 STRING,                  ONE,      CHARS(45)),
    FIELD( "postal_code",          STRING,                  OPTIONAL, CHARS(10)),
    FIELD( "state",                STRING,                  OPTIONAL, CHARS(45)),
    FIELD( "country",              STRING,                  ONE,      CHARS(3)),
    NESTED("coordinates",          geo_location,            ONE),
    NESTED("related_locations",    additional_geo_location, ANY),
    CHOICE("parking_type",         parking_type,            OPTIONAL),
    NESTED("evses",                evse,                    ANY, SINGLE),
    NESTED("directions",           display_text,            ANY),
    NESTED("operator",             business_details,        OPTIONAL),
    NESTED("suboperator",          business_details,        OPTIONAL),
    NESTED("owner",                business_details,        OPTIONAL),
    CHOICE("facilities",           facility,                ANY),
    FIELD( "time_zone",            STRING,                  ONE,      CHARS(255)),
    NESTED("opening_times",        hours,                   OPTIONAL),
    FIELD( "charging_when_closed", BOOLEAN,                 OPTIONAL),
    NESTED("images",               image,                   ANY),
    NESTED("energy_mix",           energy_mix,              OPTIONAL),
    FIELD( "last_updated",         DATETIME,                ONE,      ESSENTIAL),
};
OBJECT(location, "Location");

static const struct ocpi_field evse_fields[] = {
    FIELD( "uid",                  CISTRING,            ONE,      CHARS(36), ESSENTIAL, LIST_KEY),
    FIELD( "evse_id",              CISTRING,            OPTIONAL, CHARS(48)),
    CHOICE("status",               status,              ONE,      ESSENTIAL),
    NESTED("status_schedule",      status_schedule,     ANY),
    CHOICE("capabilities",         capability,          ANY),
    NESTED("connectors",           connector,           SOME, SINGLE),
    FIELD( "floor_level",          STRING,              OPTIONAL, CHARS(4)),
    NESTED("coordinates",          geo_location,        OPTIONAL),
    FIELD( "physical_reference",   STRING,              OPTIONAL, CHARS(16)),
    NESTED("directions",           display_text,        ANY),
    CHOICE("parking_restrictions", parking_restriction, ANY),
    NESTED("images",               image,               ANY),
    FIELD( "last_updated",         DATETIME,            ONE,      ESSENTIAL),
};
OBJECT(evse, "EVSE", .list_key = &evse_fields[0]);

static const struct ocpi_field connector_fields[] = {
    FIELD( "id",                   CISTRING,         ONE,      CHARS(36), ESSENTIAL, LIST_KEY),
    CHOICE("standard",             connector_type,   ONE),
    CHOICE("format",               connector_format, ONE),
    CHOICE("power_type",           power_type,       ONE),
    FIELD( "max_voltage",          INT,              ONE),
    FIELD( "max_amperage",         INT,              ONE),
    FIELD( "max_electric_power",   INT,              OPTIONAL),
    FIELD( "tariff_ids",           CISTRING,         ANY,      CHARS(36)),
    FIELD( "terms_and_conditions", URL,              OPTIONAL),
    FIELD( "last_updated",         DATETIME,         ONE,      ESSENTIAL),
};
OBJECT(connector, "Connector", .list_key = &connector_fields[0]);

static const struct ocpi_field additional_geo_location_fields[] = {
    FIELD( "latitude",  STRING,       ONE,      CHARS(10), FORM(LATITUDE)),
    FIELD( "longitude", STRING,       ONE,      CHARS(11), FORM(LONGITUDE)),
    NESTED("name",      display_text, OPTIONAL),
};
OBJECT(additional_geo_location, "AdditionalGeoLocation");

static const struct ocpi_field business_details_fields[] = {
    FIELD( "name",    STRING, ONE,      CHARS(100)),
    FIELD( "website", URL,    OPTIONAL),
    NESTED("logo",    image,  OPTIONAL),
};
OBJECT(business_details, "BusinessDetails");

static const struct ocpi_field energy_mix_fields[] = {
    FIELD( "is_green_energy",     BOOLEAN,              ONE),
    NESTED("energy_sources",      energy_source,        ANY),
    NESTED("environ_impact",      environmental_impact, ANY),
    FIELD( "supplier_name",       STRING,               OPTIONAL, CHARS(64)),
    FIELD( "energy_product_name", STRING,               OPTIONAL, CHARS(64)),
};
OBJECT(energy_mix, "EnergyMix");

static const struct ocpi_field energy_source_fields[] = {
    CHOICE("source",     energy_source_category, ONE),
    FIELD( "percentage", NUMBER,                 ONE,      RANGE(0, 100)),
};
OBJECT(energy_source, "EnergySource");

static const struct ocpi_field environmental_impact_fields[] = {
    CHOICE("category", environmental_impact_category, ONE),
    FIELD( "amount",   NUMBER,                        ONE),
};
OBJECT(environmental_impact, "EnvironmentalImpact");

static const struct ocpi_field exceptional_period_fields[] = {
    FIELD( "period_begin", DATETIME, ONE),
    FIELD( "period_end",   DATETIME, ONE),
};
OBJECT(exceptional_period, "ExceptionalPeriod");

static const struct ocpi_field geo_location_fields[] = {
    FIELD( "latitude",  STRING, ONE,      CHARS(10), FORM(LATITUDE)),
    FIELD( "longitude", STRING, ONE,      CHARS(11), FORM(LONGITUDE)),
};
OBJECT(geo_location, "GeoLocation");

static const struct ocpi_field hours_fields[] = {
    FIELD( "twentyfourseven",      BOOLEAN,            ONE),
    NESTED("regular_hours",        regular_hours,      ANY),
    NESTED("exceptional_openings", exceptional_period, ANY),
    NESTED("exceptional_closings", exceptional_period, ANY),
};
OBJECT(hours, "Hours");

static const struct ocpi_field image_fields[] = {
    FIELD( "url",       URL,            ONE),
    FIELD( "thumbnail", URL,            OPTIONAL),
    CHOICE("category",  image_category, ONE),
    FIELD( "type",      CISTRING,       ONE,      CHARS(4)),
    FIELD( "width",     INT,            OPTIONAL, RANGE(0, 99999)),
    FIELD( "height",    INT,            OPTIONAL, RANGE(0, 99999)),
};
OBJECT(image, "Image");

static const struct ocpi_field publish_token_type_fields[] = {
    FIELD( "uid",           CISTRING,   OPTIONAL, CHARS(36)),
    CHOICE("type",          token_type, OPTIONAL),
    FIELD( "visual_number", STRING,     OPTIONAL, CHARS(64)),
    FIELD( "issuer",        STRING,     OPTIONAL, CHARS(64)),
    FIELD( "group_id",      CISTRING,   OPTIONAL, CHARS(36)),
};
OBJECT(publish_token_type, "PublishTokenType");

static const struct ocpi_field regular_hours_fields[] = {
    FIELD( "weekday",      INT,    ONE,      RANGE(1, 7)),
    FIELD( "period_begin", STRING, ONE,      CHARS(5), FORM(TIME_OF_DAY)),
    FIELD( "period_end",   STRING, ONE,      CHARS(5), FORM(TIME_OF_DAY)),
};
OBJECT(regular_hours, "RegularHours");

static const struct ocpi_field status_schedule_fields[] = {
    FIELD( "period_begin", DATETIME, ONE),
    FIELD( "period_end",   DATETIME, OPTIONAL),
    CHOICE("status",       status,   ONE),
};
OBJECT(status_schedule, "StatusSchedule");

/* clang-format on */
