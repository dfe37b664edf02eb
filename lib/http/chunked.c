#include "lib/http/chunked.h"

#include "lib/http/characters.h"

enum state {
    SIZE,          /* hex digits */
    EXTENSION,     /* behind ';', to the CR */
    SIZE_END,      /* the LF of a size line */
    DATA,          /* `left` bytes */
    DATA_CR,       /* the CRLF behind them */
    DATA_LF,       /**/
    TRAILER_START, /* a trailer's first byte, or the CR of the final line */
    TRAILER_NAME,  /**/
    TRAILER_VALUE, /* to the CR */
    TRAILER_END,   /* the LF of a trailer */
    LAST_LF,       /* the LF of the final line */
    COMPLETE,
    BROKEN
};

void http_chunked_init(struct http_chunked *chunked, size_t ignored_max)
{
    *chunked = (struct http_chunked){.state = SIZE, .ignored_max = ignored_max};
}

static const char *take_size(struct http_chunked *chunked, char c)
{
    unsigned digit = 16;
    if (c >= '0' && c <= '9')
        digit = (unsigned)(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        digit = (unsigned)((c | 0x20) - 'a') + 10;
    if (digit < 16) {
        if (++chunked->digits > 16)
            return "a chunk size has more than 16 digits";
        chunked->size = chunked->size << 4 | digit;
        return NULL;
    }
    if (chunked->digits == 0 || (c != '\r' && c != ';'))
        return "a chunk size is not a hexadecimal number";
    chunked->state = c == '\r' ? SIZE_END : EXTENSION;
    return NULL;
}

static const char *take_ignored(struct http_chunked *chunked, char c, int character_class, int line_end)
{
    if (++chunked->ignored > chunked->ignored_max)
        return "chunk extensions and trailers are too long";
    if (c == '\r')
        chunked->state = line_end;
    else if (!http_is(c, character_class))
        return "a control byte in a chunk extension or trailer";
    return NULL;
}

static const char *expect(struct http_chunked *chunked, char c, char wanted, int next)
{
    if (c != wanted)
        return "a line of the chunked body does not end with CR LF";
    chunked->state = next;
    return NULL;
}

static const char *take_trailer_start(struct http_chunked *chunked, char c)
{
    if (c == '\r') {
        chunked->state = LAST_LF;
        return NULL;
    }
    chunked->ignored++;
    chunked->state = TRAILER_NAME;
    return http_is(c, HTTP_TOKEN) ? NULL : "a trailer's name is not a token";
}

static const char *take_trailer_name(struct http_chunked *chunked, char c)
{
    if (c == ':')
        chunked->state = TRAILER_VALUE;
    else if (!http_is(c, HTTP_TOKEN))
        return "a trailer's name is not a token";
    return ++chunked->ignored > chunked->ignored_max ? "chunk extensions and trailers are too long" : NULL;
}

/* One framing byte. NULL, or what is wrong. */
static const char *take(struct http_chunked *chunked, char c)
{
    const char *reason = NULL;
    switch ((enum state)chunked->state) {
    case SIZE:
        return take_size(chunked, c);
    case EXTENSION:
        return take_ignored(chunked, c, HTTP_VALUE, SIZE_END);
    case SIZE_END:
        chunked->left = chunked->size;
        return expect(chunked, c, '\n', chunked->size > 0 ? DATA : TRAILER_START);
    case DATA_CR:
        return expect(chunked, c, '\r', DATA_LF);
    case DATA_LF:
        reason = expect(chunked, c, '\n', SIZE);
        chunked->digits = 0;
        chunked->size = 0;
        return reason;
    case TRAILER_START:
        return take_trailer_start(chunked, c);
    case TRAILER_NAME:
        return take_trailer_name(chunked, c);
    case TRAILER_VALUE:
        return take_ignored(chunked, c, HTTP_VALUE, TRAILER_END);
    case TRAILER_END:
        return expect(chunked, c, '\n', TRAILER_START);
    case LAST_LF:
        return expect(chunked, c, '\n', COMPLETE);
    case DATA:
    case COMPLETE:
    case BROKEN:
        break;
    }
    return "the chunked body is broken";
}

enum http_chunked_result http_chunked_next(struct http_chunked *chunked, struct str *bytes, struct str *data,
                                           const char **reason)
{
    while (bytes->length > 0 && chunked->state != COMPLETE) {
        if (chunked->state == DATA) {
            size_t length = bytes->length < chunked->left ? bytes->length : (size_t)chunked->left;
            *data = str_of(bytes->data, length);
            *bytes = str_skip(*bytes, length);
            chunked->left -= length;
            if (chunked->left == 0)
                chunked->state = DATA_CR;
            return HTTP_CHUNKED_DATA;
        }
        *reason = take(chunked, bytes->data[0]);
        if (*reason != NULL) {
            chunked->state = BROKEN;
            return HTTP_CHUNKED_BAD;
        }
        *bytes = str_of(bytes->data + 1, bytes->length - 1);
    }
    return chunked->state == COMPLETE ? HTTP_CHUNKED_END : HTTP_CHUNKED_MORE;
}
