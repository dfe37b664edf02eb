#ifndef HUBD_REQUEST_INTERNAL_H
#define HUBD_REQUEST_INTERNAL_H

#include "hubd/request/request.h"

/* What the files of this room call of each other; no other room includes this header. */

/* ---------------------------------------------------------------- body.c */

/* Reads the body as JSON where the route takes any. False: the request was answered. */
bool request_parse_body(struct request *request);

/* ---------------------------------------------------------------- caller.c */

/* Reads a pair of headers, country code and party id, as a key: 0 absent, 1 read, -1 unusable. */
int request_header_key(const struct request *request, const char *country, const char *party,
                       struct ocpi_party_key *key);
/* Sets token, token_text and platform by the Authorization header. False: no token, or one that is
 * unknown. */
bool request_authenticate(struct request *request);
/* Whether all parties of the calling platform are suspended. */
bool request_is_suspended(const struct request *request);
/*
 * Sets request->party where the route names roles (hub-ocpi(7), ROUTING). Before the body has arrived it
 * stays NULL where only the body can tell. False: the request was answered.
 */
bool request_find_party(struct request *request);
/* Releases the snapshot while the body comes in, and keeps in `kept` who is calling. */
void request_leave(struct request *request);
/* Takes the newest snapshot and looks up again who is calling. False: the caller may not call any more;
 * `token` and `platform` are NULL. */
bool request_return(struct request *request);
/* The calling party: OCPI-from, else the first of the platform; NULL when nobody is known. */
const struct registry_party *request_caller(const struct request *request);

/* ---------------------------------------------------------------- audit.c */

/* What the request is about, in the caller's spelling: as its module said, else from its path or body. */
struct str request_object(struct request *request);
/* Notes for the audit row how the request ends: `message` as it is answered, and the result in the `data` of
 * a success where the route names one. */
void request_audit_end(struct request *request, int ocpi_status, struct str message, struct str data);

#endif
