#ifndef LIB_HTTP_PRESCAN_H
#define LIB_HTTP_PRESCAN_H

#include "lib/base/str.h"

/*
 * Checks the raw request head before llhttp reads it (RFC 9112 sections 2.2, 3.2, 5, 6). Debian's llhttp 8.1.0 accepts
 * "X:\rY: b", folded header lines and "Host : a", and no llhttp checks for a missing or second Host. With any of them two
 * servers may disagree about where a request ends (request smuggling).
 */

/*
 * Finds the end of the head in `bytes`, which begin with at most two empty lines and the request line. Returns the
 * length of the head, including its final empty line; 0 when it is not complete yet. `*scanned` is the number of bytes
 * already looked at, so that a head that arrives byte by byte is scanned once; begin with 0.
 */
size_t http_prescan_end(struct str bytes, size_t *scanned);
/*
 * Checks a complete head. Returns NULL when it is valid, else a static sentence. Refused are: a CR without LF or LF
 * without CR, a line that begins with white space, white space or a control byte in a field name, not exactly
 * one Host (none is allowed in HTTP/1.0), Content-Length or Transfer-Encoding or Authorization more than
 * once, Content-Length together with Transfer-Encoding, a transfer coding other than "chunked" alone, a
 * version other than 1.0 and 1.1, NUL anywhere, a fragment or a byte outside 0x21-0x7E in the target, a Host
 * with a '/' '@' '?' '#' or space.
 */
const char *http_prescan_check(struct str head);

#endif
