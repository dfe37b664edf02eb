#include "lib/http/client_internal.h"

/*
 * Content codings of answers (RFC 9110 section 8.4). The hub asks for gzip and reads it; one layer, unpacked
 * as it comes and only as far as answer_max, so that a few bytes that stand for many cost no more than these.
 * libcurl would unpack layers within layers, and take a stream that is cut for a whole one.
 */

#define GZIP_WINDOW (15 + 16) /* of 32 KiB, with gzip's header and check sum (RFC 1952) */
#define PIECE       16384u

static bool is_gzip(struct str name)
{
    return str_equal_fold(name, STR("gzip")) || str_equal_fold(name, STR("x-gzip"));
}

enum client_coding client_coding_find(const struct http_header *headers, size_t count)
{
    enum client_coding coding = CODING_NONE;

    for (size_t i = 0; i < count; i++) {
        struct str rest = headers[i].value, name;
        if (!str_equal_fold(headers[i].name, STR("Content-Encoding")))
            continue;
        while (str_split(&rest, ',', &name)) {
            name = str_trim(name);
            if (name.length == 0 || str_equal_fold(name, STR("identity")))
                continue;
            if (!is_gzip(name) || coding != CODING_NONE)
                return CODING_UNKNOWN;
            coding = CODING_GZIP;
        }
    }
    return coding;
}

static int gzip_begin(struct client_gzip *gzip)
{
    gzip->stream = (z_stream){0};
    gzip->begun = inflateInit2(&gzip->stream, GZIP_WINDOW) == Z_OK;
    gzip->complete = false;
    return gzip->begun ? OK : ERR_MEMORY;
}

void client_gzip_end(struct client_gzip *gzip)
{
    if (gzip->begun)
        inflateEnd(&gzip->stream);
    gzip->begun = gzip->complete = false;
}

/* What has been unpacked into `piece` goes behind the rest. */
static int take_piece(struct client_gzip *gzip, const unsigned char *piece, struct buffer *out, size_t max)
{
    size_t length = PIECE - gzip->stream.avail_out;

    if (length > max - out->length)
        return ERR_TOO_LARGE;
    buffer_append(out, str_of((const char *)piece, length));
    return out->failed ? ERR_MEMORY : OK;
}

int client_gzip_read(struct client_gzip *gzip, struct str bytes, struct buffer *out, size_t max)
{
    unsigned char piece[PIECE];
    int result = gzip->begun ? OK : gzip_begin(gzip);

    if (result != OK)
        return result;
    gzip->stream.next_in = (unsigned char *)(uintptr_t)bytes.data;
    gzip->stream.avail_in = (unsigned)bytes.length;
    do {
        if (gzip->complete && gzip->stream.avail_in > 0) { /* another member (RFC 1952 section 2.2) */
            inflateReset(&gzip->stream);
            gzip->complete = false;
        }
        gzip->stream.next_out = piece;
        gzip->stream.avail_out = PIECE;
        int code = inflate(&gzip->stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return code == Z_MEM_ERROR ? ERR_MEMORY : ERR_INVALID;
        gzip->complete = code == Z_STREAM_END;
        result = take_piece(gzip, piece, out, max);
    } while (result == OK && (gzip->stream.avail_in > 0 || gzip->stream.avail_out == 0));
    return result;
}
