#ifndef LIB_OCPI_HEADERS_H
#define LIB_OCPI_HEADERS_H

#include "lib/base/arena.h"
#include "lib/ocpi/party.h"

/* Authorization: Token … (OCPI 2.2.1, Transport: Authorization header). */
/* The bytes behind "Token " (scheme in any case, any white space); false for another scheme or nothing. */
bool ocpi_authorization_parse(struct str header, struct str *credentials);
/*
 * The forms a credentials token may have arrived in: its Base64-decoded value (with or without padding, one
 * trailing line feed stripped) first where that could be a token, then as sent. Returns how many (1 or 2).
 */
unsigned ocpi_token_candidates(struct arena *arena, struct str credentials, struct str out[2]);
/* "Token <Base64>" or, with `raw`, "Token <token>". */
struct str ocpi_authorization_make(struct arena *arena, struct str token, bool raw);
/* A credentials token: 1 to 64 characters of U+0021..U+007E (OCPI 2.2.1, Credentials object). */
bool ocpi_token_valid(struct str token);

#define OCPI_HEADER_REQUEST_ID        "X-Request-ID"
#define OCPI_HEADER_CORRELATION_ID    "X-Correlation-ID"
#define OCPI_HEADER_TO_PARTY_ID       "OCPI-to-party-id"
#define OCPI_HEADER_TO_COUNTRY_CODE   "OCPI-to-country-code"
#define OCPI_HEADER_FROM_PARTY_ID     "OCPI-from-party-id"
#define OCPI_HEADER_FROM_COUNTRY_CODE "OCPI-from-country-code"

#endif
