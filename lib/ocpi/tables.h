#ifndef LIB_OCPI_TABLES_H
#define LIB_OCPI_TABLES_H

#include "lib/ocpi/objects.h"

/* clang-format off */
/*
 * How the files objects_*.c write OCPI's tables: one row per field - name, type, cardinality, then what else is
 * known of it. Only for this room.
 *   FIELD   a primitive            FIELD( "id",     CISTRING, ONE, CHARS(36), ESSENTIAL),
 *   CHOICE  a value of an enum     CHOICE("status", status,   ONE),
 *   NESTED  an object              NESTED("evses",  evse,     ANY),
 */
/* clang-format on */
#define FIELD(name_, type_, card_, ...)                                                                      \
    {                                                                                                        \
        .name = name_, .name_length = sizeof(name_) - 1, .type = OCPI_TYPE_##type_,                          \
        .card = OCPI_CARD_##card_, __VA_ARGS__                                                               \
    }
#define CHOICE(name_, enum_, card_, ...)                                                                     \
    FIELD(name_, ENUM, card_, .enumeration = &ocpi_enum_##enum_, __VA_ARGS__)
#define NESTED(name_, object_, card_, ...) FIELD(name_, OBJECT, card_, .object = &ocpi_##object_, __VA_ARGS__)

#define CHARS(count)    .max = count
#define FORM(form_)     .form = OCPI_FORM_##form_
#define RANGE(from, to) .minimum = from, .maximum = to
#define ESSENTIAL       .essential = true
#define LIST_KEY        .list_key = true
#define SINGLE          .single = true
#define DECIDES         .single = true, .decides = true
#define RELAXED         .relaxed = true

#define OBJECT(symbol, name_, ...)                                                                           \
    const struct ocpi_object ocpi_##symbol = {.name = name_,                                                 \
                                              .fields = symbol##_fields,                                     \
                                              .field_count =                                                 \
                                                  sizeof(symbol##_fields) / sizeof(symbol##_fields[0]),      \
                                              __VA_ARGS__}

#define ENUM_VALUES(symbol, ...) static const char *const symbol##_values[] = {__VA_ARGS__, NULL}
#define ENUM(symbol, name_, ...)                                                                             \
    ENUM_VALUES(symbol, __VA_ARGS__);                                                                        \
    const struct ocpi_enum ocpi_enum_##symbol = {.name = name_, .values = symbol##_values}
#define ENUM_ALSO(symbol, name_, also_, ...)                                                                 \
    ENUM_VALUES(symbol, __VA_ARGS__);                                                                        \
    const struct ocpi_enum ocpi_enum_##symbol = {.name = name_, .values = symbol##_values, .also = also_}
#define OPEN_ENUM(symbol, name_, ...)                                                                        \
    ENUM_VALUES(symbol, __VA_ARGS__);                                                                        \
    const struct ocpi_enum ocpi_enum_##symbol = {.name = name_, .values = symbol##_values, .open = true}

/* clang-format off */
/* Every table, in the specification's order of modules. */
#define OCPI_OBJECTS(X)                                                                                  \
    X(response) X(display_text) X(price) X(version) X(version_details) X(endpoint) X(credentials)        \
    X(credentials_role)                                                                                  \
    X(location) X(evse) X(connector) X(additional_geo_location) X(business_details) X(energy_mix)        \
    X(energy_source) X(environmental_impact) X(exceptional_period) X(geo_location) X(hours) X(image)     \
    X(publish_token_type) X(regular_hours) X(status_schedule)                                            \
    X(session) X(charging_preferences)                                                                   \
    X(cdr) X(cdr_dimension) X(cdr_location) X(cdr_token) X(charging_period) X(signed_data)               \
    X(signed_value)                                                                                      \
    X(tariff) X(price_component) X(tariff_element) X(tariff_restrictions)                                \
    X(authorization_info) X(token) X(energy_contract) X(location_references)                             \
    X(cancel_reservation) X(command_response) X(command_result) X(reserve_now) X(start_session)          \
    X(stop_session) X(unlock_connector)                                                                  \
    X(charging_profile_response) X(active_charging_profile_result) X(charging_profile_result)            \
    X(clear_profile_result) X(set_charging_profile) X(active_charging_profile) X(charging_profile)       \
    X(charging_profile_period)                                                                           \
    X(client_info)
#define OCPI_ENUMS(X)                                                                                    \
    X(role) X(interface_role) X(module_id) X(version_number)                                             \
    X(capability) X(connector_format) X(connector_type) X(energy_source_category)                        \
    X(environmental_impact_category) X(facility) X(image_category) X(parking_restriction)                \
    X(parking_type) X(power_type) X(status)                                                              \
    X(charging_preferences_response) X(profile_type) X(session_status)                                   \
    X(auth_method) X(cdr_dimension_type)                                                                 \
    X(day_of_week) X(reservation_restriction_type) X(tariff_dimension_type) X(tariff_type)               \
    X(allowed_type) X(token_type) X(whitelist_type)                                                      \
    X(command_response_type) X(command_result_type) X(command_type)                                      \
    X(charging_rate_unit) X(charging_profile_response_type) X(charging_profile_result_type)              \
    X(connection_status)
/* clang-format on */

#define OCPI_DECLARE_OBJECT(symbol) extern const struct ocpi_object ocpi_##symbol;
#define OCPI_DECLARE_ENUM(symbol)   extern const struct ocpi_enum ocpi_enum_##symbol;
OCPI_OBJECTS(OCPI_DECLARE_OBJECT)
OCPI_ENUMS(OCPI_DECLARE_ENUM)

#endif
