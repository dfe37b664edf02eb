#include "lib/base/utf8.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t utf8_character(struct str s)
{
    if (s.length == 0)
        return 0;
    const uint8_t *bytes = (const uint8_t *)s.data;
    uint8_t lead = bytes[0];
    if (lead < 0x80)
        return 1;
    if (s.length < 2 || !is_continuation(bytes[1]))
        return 0;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (s.length < 3 || !is_continuation(bytes[2]))
        return 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        bool overlong = lead == 0xE0 && bytes[1] < 0xA0;
        bool surrogate = lead == 0xED && bytes[1] > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (s.length < 4 || !is_continuation(bytes[3]) || lead < 0xF0 || lead > 0xF4)
        return 0;
    bool overlong = lead == 0xF0 && bytes[1] < 0x90;
    bool beyond = lead == 0xF4 && bytes[1] > 0x8F;
    return overlong || beyond ? 0 : 4;
}
