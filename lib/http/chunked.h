#ifndef LIB_HTTP_CHUNKED_H
#define LIB_HTTP_CHUNKED_H

#include "lib/base/str.h"

/*
 * A strict decoder of the chunked transfer coding (RFC 9112 section 7.1). Debian's llhttp 8.1.0 accepts any two bytes
 * behind a chunk's data ("helloXX0") and any byte behind the CR of a size line ("5\rX"), so two servers may disagree
 * about where a body ends (request smuggling). Sizes have at most 16 hex digits. Extensions and trailers are checked,
 * bounded and ignored. Owns nothing.
 */
struct http_chunked {
    int state;          /* private */
    unsigned digits;    /* private */
    uint64_t size;      /* private */
    uint64_t left;      /* bytes of the current chunk still to come */
    size_t ignored;     /* bytes of extensions and trailers so far */
    size_t ignored_max; /* more of them is an error */
};

enum http_chunked_result { HTTP_CHUNKED_MORE, HTTP_CHUNKED_DATA, HTTP_CHUNKED_END, HTTP_CHUNKED_BAD };

/* Begins a body. */
void http_chunked_init(struct http_chunked *chunked, size_t ignored_max);
/*
 * Decodes bytes and removes them from the front of `*bytes`. DATA: `*data` is the next piece of the body; call again.
 * MORE: `*bytes` is empty, and the body is not complete. END: the body is complete; what is left in `*bytes` belongs to
 * the next request. BAD: the coding is broken; `*reason` is a static sentence.
 */
enum http_chunked_result http_chunked_next(struct http_chunked *chunked, struct str *bytes, struct str *data,
                                           const char **reason);

#endif
