/* The Authorization header; see headers.h. */
#include "lib/ocpi/headers.h"

#include "lib/base/crypto.h"

enum { TOKEN_LENGTH_MAX = 64 };

bool ocpi_authorization_parse(struct str header, struct str *credentials)
{
    *credentials = STR_NONE;
    struct str scheme = STR("Token");
    header = str_trim(header);
    if (header.length <= scheme.length || !str_equal_fold(str_of(header.data, scheme.length), scheme))
        return false;
    struct str rest = str_skip(header, scheme.length);
    if (rest.data[0] != ' ' && rest.data[0] != '\t')
        return false;
    *credentials = str_trim(rest);
    return credentials->length > 0;
}

/* Base64 without the padding that belongs to it (RFC 4648 section 3.2): some libraries leave it out. */
static struct str padded(struct arena *arena, struct str text)
{
    size_t missing = (4 - text.length % 4) % 4;
    if (missing == 0 || missing == 3 || str_ends_with(text, STR("=")))
        return text;
    return arena_printf(arena, STR_FMT "%.*s", STR_ARG(text), (int)missing, "==");
}

unsigned ocpi_token_candidates(struct arena *arena, struct str credentials, struct str out[2])
{
    unsigned count = 0;
    struct str decoded;
    /* A successful decode proves nothing: a raw token of hex digits is Base64 too, but of bytes no token may
     * have. */
    if (base64_decode(arena, padded(arena, credentials), &decoded)) {
        /* OCPI's own examples encode "token\n". */
        if (decoded.length > 0 && decoded.data[decoded.length - 1] == '\n')
            decoded.length--;
        if (ocpi_token_valid(decoded))
            out[count++] = decoded;
    }
    out[count++] = credentials;
    return count;
}

struct str ocpi_authorization_make(struct arena *arena, struct str token, bool raw)
{
    struct str form = raw ? token : base64_encode(arena, token);
    if (form.data == NULL)
        return STR_NONE;
    return arena_printf(arena, "Token " STR_FMT, STR_ARG(form));
}

bool ocpi_token_valid(struct str token)
{
    return token.length > 0 && token.length <= TOKEN_LENGTH_MAX && str_is_visible(token);
}
