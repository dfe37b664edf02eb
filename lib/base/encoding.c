#include "lib/base/crypto.h"
#include "lib/base/env.h"

struct alphabet {
    const char *letters;
    bool padded;
};

static const struct alphabet standard = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                         true};
static const struct alphabet url = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                                    false};

static struct str encode(struct arena *arena, struct str data, const struct alphabet *alphabet)
{
    if (data.length > SIZE_MAX / 2)
        return STR_NONE;
    char *out = arena_alloc_raw(arena, (data.length + 2) / 3 * 4 + 1);
    if (out == NULL)
        return STR_NONE;
    const uint8_t *in = (const uint8_t *)data.data;
    size_t length = 0;
    for (size_t i = 0; i < data.length; i += 3) {
        size_t left = data.length - i;
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)in[i + 2] : 0;
        for (size_t letter = 0; letter < 4; letter++) {
            if (letter <= left)
                out[length++] = alphabet->letters[bits >> (18 - 6 * letter) & 63];
            else if (alphabet->padded)
                out[length++] = '=';
        }
    }
    out[length] = '\0';
    return str_of(out, length);
}

static int letter_value(char letter, const struct alphabet *alphabet)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    if (letter == alphabet->letters[62])
        return 62;
    return letter == alphabet->letters[63] ? 63 : -1;
}

static bool decode(struct arena *arena, struct str text, const struct alphabet *alphabet, struct str *out)
{
    if (alphabet->padded) {
        if (text.length % 4 != 0)
            return false;
        for (int i = 0; i < 2 && text.length > 0 && text.data[text.length - 1] == '='; i++)
            text.length--;
    }
    if (text.length % 4 == 1)
        return false;
    uint8_t *bytes = arena_alloc_raw(arena, text.length / 4 * 3 + 3);
    if (bytes == NULL)
        return false;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int value = letter_value(text.data[i], alphabet);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[length++] = (uint8_t)(bits >> held);
        }
    }
    /* Bits that mean nothing must be zero, else one token would have several spellings. */
    if ((bits & ((1U << held) - 1)) != 0)
        return false;
    bytes[length] = 0;
    *out = str_of((const char *)bytes, length);
    return true;
}

struct str base64_encode(struct arena *arena, struct str data)
{
    return encode(arena, data, &standard);
}

bool base64_decode(struct arena *arena, struct str text, struct str *out)
{
    return decode(arena, text, &standard, out);
}

struct str base64url_encode(struct arena *arena, struct str data)
{
    return encode(arena, data, &url);
}

bool base64url_decode(struct arena *arena, struct str text, struct str *out)
{
    return decode(arena, text, &url, out);
}

static const char hex_digits[] = "0123456789abcdef";

const char *hex_encode(const uint8_t *data, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = hex_digits[data[i] >> 4];
        out[2 * i + 1] = hex_digits[data[i] & 15];
    }
    out[2 * size] = '\0';
    return out;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool hex_decode(struct str text, uint8_t *out, size_t size)
{
    if (text.length % 2 != 0 || text.length / 2 != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

const char *uuid_make(char out[UUID_SIZE])
{
    uint8_t bytes[16];
    env_random_id(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80); /* the variant of RFC 9562 */
    char *at = out;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex_digits[bytes[i] >> 4];
        *at++ = hex_digits[bytes[i] & 15];
    }
    *at = '\0';
    return out;
}
