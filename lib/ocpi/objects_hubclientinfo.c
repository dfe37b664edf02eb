/* Hub client info (OCPI 2.2.1, chapter HubClientInfo). */
#include "lib/ocpi/tables.h"

/* clang-format off */

ENUM(connection_status, "ConnectionStatus", "CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED");

static const struct ocpi_field client_info_fields[] = {
    FIELD( "party_id",     CISTRING,          ONE,      CHARS(3)),
    FIELD( "country_code", CISTRING,          ONE,      CHARS(2)),
    CHOICE("role",         role,              ONE),
    CHOICE("status",       connection_status, ONE),
    FIELD( "last_updated", DATETIME,          ONE),
};
OBJECT(client_info, "ClientInfo");

/* clang-format on */
