/*
 * Commands (OCPI 2.2.1, chapter Commands). Of a command's token only the uid is essential: real eMSPs send
 * little more.
 */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(command_response_type, "CommandResponseType",
     "NOT_SUPPORTED", "REJECTED", "ACCEPTED", "UNKNOWN_SESSION");
ENUM(command_result_type, "CommandResultType",
     "ACCEPTED", "CANCELED_RESERVATION", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "FAILED", "NOT_SUPPORTED",
     "REJECTED", "TIMEOUT", "UNKNOWN_RESERVATION");
ENUM(command_type, "CommandType",
     "CANCEL_RESERVATION", "RESERVE_NOW", "START_SESSION", "STOP_SESSION", "UNLOCK_CONNECTOR");

static const struct ocpi_field cancel_reservation_fields[] = {
    FIELD( "response_url",   URL,      ONE,      ESSENTIAL, SINGLE),
    FIELD( "reservation_id", CISTRING, ONE,      CHARS(36), ESSENTIAL, DECIDES),
};
OBJECT(cancel_reservation, "CancelReservation");

static const struct ocpi_field command_response_fields[] = {
    CHOICE("result",  command_response_type, ONE, SINGLE),
    FIELD( "timeout", INT,                   ONE, SINGLE),
    NESTED("message", display_text,          ANY),
};
OBJECT(command_response, "CommandResponse");

static const struct ocpi_field command_result_fields[] = {
    CHOICE("result",  command_result_type, ONE, SINGLE),
    NESTED("message", display_text,        ANY),
};
OBJECT(command_result, "CommandResult");

static const struct ocpi_field reserve_now_fields[] = {
    FIELD( "response_url",            URL,      ONE,      ESSENTIAL, SINGLE),
    NESTED("token",                   token,    ONE,      ESSENTIAL, SINGLE),
    FIELD( "expiry_date",             DATETIME, ONE,      ESSENTIAL, SINGLE),
    FIELD( "reservation_id",          CISTRING, ONE,      CHARS(36), ESSENTIAL, DECIDES),
    FIELD( "location_id",             CISTRING, ONE,      CHARS(36), ESSENTIAL, DECIDES),
    FIELD( "evse_uid",                CISTRING, OPTIONAL, CHARS(36), DECIDES),
    FIELD( "authorization_reference", CISTRING, OPTIONAL, CHARS(36), SINGLE),
};
OBJECT(reserve_now, "ReserveNow");

static const struct ocpi_field start_session_fields[] = {
    FIELD( "response_url",            URL,      ONE,      ESSENTIAL, SINGLE),
    NESTED("token",                   token,    ONE,      ESSENTIAL, SINGLE),
    FIELD( "location_id",             CISTRING, ONE,      CHARS(36), ESSENTIAL, DECIDES),
    FIELD( "evse_uid",                CISTRING, OPTIONAL, CHARS(36), DECIDES),
    FIELD( "connector_id",            CISTRING, OPTIONAL, CHARS(36), DECIDES),
    FIELD( "authorization_reference", CISTRING, OPTIONAL, CHARS(36), SINGLE),
};
OBJECT(start_session, "StartSession");

static const struct ocpi_field stop_session_fields[] = {
    FIELD( "response_url", URL,      ONE,      ESSENTIAL, SINGLE),
    FIELD( "session_id",   CISTRING, ONE,      CHARS(36), ESSENTIAL, DECIDES),
};
OBJECT(stop_session, "StopSession");

static const struct ocpi_field unlock_connector_fields[] = {
    FIELD( "response_url", URL,      ONE,      ESSENTIAL, SINGLE),
    FIELD( "location_id",  CISTRING, ONE,      CHARS(36), ESSENTIAL, DECIDES),
    FIELD( "evse_uid",     CISTRING, ONE,      CHARS(36), DECIDES),
    FIELD( "connector_id", CISTRING, ONE,      CHARS(36), DECIDES),
};
OBJECT(unlock_connector, "UnlockConnector");

/* clang-format on */
