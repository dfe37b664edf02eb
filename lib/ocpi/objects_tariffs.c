/* Tariffs (OCPI 2.2.1, chapter Tariffs). */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(day_of_week, "DayOfWeek", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY");
ENUM(reservation_restriction_type, "ReservationRestrictionType", "RESERVATION", "RESERVATION_EXPIRES");
ENUM(tariff_dimension_type, "TariffDimensionType", "ENERGY", "FLAT", "PARKING_TIME", "TIME");
ENUM(tariff_type, "TariffType",
     "AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR");

static const struct ocpi_field tariff_fields[] = {
    FIELD( "country_code",    CISTRING,       ONE,      CHARS(2), ESSENTIAL),
    FIELD( "party_id",        CISTRING,       ONE,      CHARS(3), ESSENTIAL),
    FIELD( "id",              CISTRING,       ONE,      CHARS(36), ESSENTIAL),
    FIELD( "currency",        STRING,         ONE,      CHARS(3), ESSENTIAL),
    CHOICE("type",            tariff_type,    OPTIONAL),
    NESTED("tariff_alt_text", display_text,   ANY),
    FIELD( "tariff_alt_url",  URL,            OPTIONAL),
    NESTED("min_price",       price,          OPTIONAL),
    NESTED("max_price",       price,          OPTIONAL),
    NESTED("elements",        tariff_element, SOME,     ESSENTIAL),
    FIELD( "start_date_time", DATETIME,       OPTIONAL),
    FIELD( "end_date_time",   DATETIME,       OPTIONAL),
    NESTED("energy_mix",      energy_mix,     OPTIONAL),
    FIELD( "last_updated",    DATETIME,       ONE,      ESSENTIAL),
};
OBJECT(tariff, "Tariff");

static const struct ocpi_field price_component_fields[] = {
    CHOICE("type",      tariff_dimension_type, ONE,      ESSENTIAL),
    FIELD( "price",     NUMBER,                ONE,      ESSENTIAL),
    FIELD( "vat",       NUMBER,                OPTIONAL),
    FIELD( "step_size", INT,                   ONE),
};
OBJECT(price_component, "PriceComponent");

static const struct ocpi_field tariff_element_fields[] = {
    NESTED("price_components", price_component,     SOME, SINGLE),
    NESTED("restrictions",     tariff_restrictions, OPTIONAL),
};
OBJECT(tariff_element, "TariffElement");

static const struct ocpi_field tariff_restrictions_fields[] = {
    FIELD( "start_time",   STRING,                       OPTIONAL, CHARS(5), FORM(TIME_OF_DAY)),
    FIELD( "end_time",     STRING,                       OPTIONAL, CHARS(5), FORM(TIME_OF_DAY)),
    FIELD( "start_date",   STRING,                       OPTIONAL, CHARS(10), FORM(DATE)),
    FIELD( "end_date",     STRING,                       OPTIONAL, CHARS(10), FORM(DATE)),
    FIELD( "min_kwh",      NUMBER,                       OPTIONAL),
    FIELD( "max_kwh",      NUMBER,                       OPTIONAL),
    FIELD( "min_current",  NUMBER,                       OPTIONAL),
    FIELD( "max_current",  NUMBER,                       OPTIONAL),
    FIELD( "min_power",    NUMBER,                       OPTIONAL),
    FIELD( "max_power",    NUMBER,                       OPTIONAL),
    FIELD( "min_duration", INT,                          OPTIONAL),
    FIELD( "max_duration", INT,                          OPTIONAL),
    CHOICE("day_of_week",  day_of_week,                  ANY),
    CHOICE("reservation",  reservation_restriction_type, OPTIONAL),
};
OBJECT(tariff_restrictions, "TariffRestrictions");

/* clang-format on */
