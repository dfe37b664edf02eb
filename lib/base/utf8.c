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

static uint32_t code_point(struct str s, size_t bytes)
{
    uint32_t code = (uint8_t)s.data[0] & (bytes == 2 ? 0x1F : bytes == 3 ? 0x0F : 0x07);
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | ((uint8_t)s.data[i] & 0x3F);
    return code;
}

bool utf8_code_is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0080, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F}, {0x061C, 0x061C}, {0x115F, 0x1160},
        {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
        {0x3164, 0x3164},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && ranges[i].first <= code; i++)
        if (code <= ranges[i].last)
            return true;
    return false;
}

size_t utf8_hidden(struct str s, uint32_t *code)
{
    size_t bytes = s.length > 0 && (uint8_t)s.data[0] >= 0x80 ? utf8_character(s) : 0;
    if (bytes == 0)
        return 0;
    *code = code_point(s, bytes);
    return utf8_code_is_hidden(*code) ? bytes : 0;
}
