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
    FIELD( "response_url",   URL,      ONE,      ESSENTIAL),
    FIELD( "reservation_id", CISTRING, ONE,      CHARS(36), ESSENTIAL),
};
OBJECT(cancel_reservation, "CancelReservation");

static const struct ocpi_field command_response_fields[] = {
    CHOICE("result",  command_response_type, ONE),
    FIELD( "timeout", INT,                   ONE),
    NESTED("message", display_text,          ANY),
};
OBJECT(command_response, "CommandResponse");

static const struct ocpi_field command_result_fields[] = {
    CHOICE("result",  command_result_type, ONE, SINGLE),
    NESTED("message", display_text,        ANY),
};
OBJECT(command_result, "CommandResult");

static const struct ocpi_field reserve_now_fields[] = {
    FIELD( "response_url",            URL,      ONE,      ESSENTIAL),
    NESTED("token",                   token,    ONE,      ESSENTIAL),
    FIELD( "expiry_date",             DATETIME, ONE,      ESSENTIAL),
    FIELD( "reservation_id",          CISTRING, ONE,      CHARS(36), ESSENTIAL),
    FIELD( "location_id",             CISTRING, ONE,      CHARS(36), ESSENTIAL),
    FIELD( "evse_uid",                CISTRING, OPTIONAL, CHARS(36)),
    FIELD( "authorization_reference", CISTRING, OPTIONAL, CHARS(36)),
};
OBJECT(reserve_now, "ReserveNow");

static const struct ocpi_field start_session_fields[] = {
    FIELD( "response_url",            URL,      ONE,      ESSENTIAL),
    NESTED("token",                   token,    ONE,      ESSENTIAL),
    FIELD( "location_id",             CISTRING, ONE,      CHARS(36), ESSENTIAL),
    FIELD( "evse_uid",                CISTRING, OPTIONAL, CHARS(36)),
    FIELD( "connector_id",            CISTRING, OPTIONAL, CHARS(36)),
    FIELD( "authorization_reference", CISTRING, OPTIONAL, CHARS(36)),
};
OBJECT(start_session, "StartSession");

static const struct ocpi_field stop_session_fields[] = {
    FIELD( "response_url", URL,      ONE,      ESSENTIAL),
    FIELD( "session_id",   CISTRING, ONE,      CHARS(36), ESSENTIAL),
};
OBJECT(stop_session, "StopSession");

static const struct ocpi_field unlock_connector_fields[] = {
    FIELD( "response_url", URL,      ONE,      ESSENTIAL),
    FIELD( "location_id",  CISTRING, ONE,      CHARS(36), ESSENTIAL),
    FIELD( "evse_uid",     CISTRING, ONE,      CHARS(36)),
    FIELD( "connector_id", CISTRING, ONE,      CHARS(36)),
};
OBJECT(unlock_connector, "UnlockConnector");

/* clang-format on */
