#include "lib/ocpi/names.h"

#include "lib/base/utf8.h"

/* ---------------------------------------------------------------- characters */

#define NOTHING UINT32_MAX /* the text is at its end */

/* Takes the next character of well-formed UTF-8; a byte that is none stands for itself. */
static uint32_t take_character(struct str *text)
{
    static const uint8_t lead_bits[] = {0xFF, 0x7F, 0x1F, 0x0F, 0x07};
    if (text->length == 0)
        return NOTHING;
    if ((uint8_t)text->data[0] < 0x80) { /* nearly always */
        uint32_t ascii = (uint8_t)text->data[0];
        *text = str_of(text->data + 1, text->length - 1);
        return ascii;
    }
    size_t length = utf8_character(*text);
    uint32_t character = (uint8_t)text->data[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++)
        character = character << 6 | ((uint8_t)text->data[i] & 0x3F);
    *text = str_skip(*text, length == 0 ? 1 : length);
    return character;
}

struct range {
    uint32_t first, last;
};

static bool is_in(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

/* Nothing is seen of them, and some readers drop them; of a name the variation selectors too. */
static bool is_invisible(uint32_t character)
{
    return utf8_code_is_hidden(character) || (character >= 0xFE00 && character <= 0xFE0F);
}

/* White space of any script (Unicode's White_Space), without what is_invisible has. */
static bool is_space(uint32_t character)
{
    static const struct range ranges[] = {{0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                                          {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    if (character < 0x80)
        return character == ' ';
    return is_in(character, ranges, sizeof ranges / sizeof ranges[0]);
}

/* ---------------------------------------------------------------- names */

#define FULL_WIDTH 0xFEE0 /* from ASCII to its wide twins, U+FF01 to U+FF5E */

/* The same as `plain`, of ASCII. */
static uint32_t plain_ascii(uint32_t character)
{
    uint32_t letter = character | 0x20;
    bool digit = character >= '0' && character <= '9';
    return letter >= 'a' && letter <= 'z' ? letter : digit ? character : 0;
}

/* The ASCII letter or digit that some reader takes it for, folded; 0 when it only stands between them;
 * anything else is itself. */
static uint32_t plain(uint32_t character)
{
    if (character < 0x80)
        return plain_ascii(character);
    if (character > FULL_WIDTH && character <= FULL_WIDTH + '~')
        return plain_ascii(character - FULL_WIDTH);
    if (character == 0x17F) /* long s */
        return 's';
    if (character == 0x212A) /* Kelvin */
        return 'k';
    if (character == 0x130 || character == 0x131) /* Turkish i with and without its dot */
        return 'i';
    return is_invisible(character) || is_space(character) ? 0 : character;
}

static uint32_t take_plain(struct str *name)
{
    uint32_t letter = 0;
    while (letter == 0 && name->length > 0)
        letter = plain(take_character(name));
    return letter;
}

/* Told apart by their first letters, as nearly all names are. */
static bool differs_at_once(struct str name, struct str field)
{
    uint32_t first = name.length > 0 && (uint8_t)name.data[0] < 0x80 ? plain_ascii((uint8_t)name.data[0]) : 0;
    return first != 0 && field.length > 0 && first != plain_ascii((uint8_t)field.data[0]);
}

bool ocpi_name_is_like(struct str name, struct str field)
{
    uint32_t letter;
    if (differs_at_once(name, field))
        return false;
    if (str_equal(name, field))
        return true;
    do {
        letter = take_plain(&name);
        if (letter != take_plain(&field))
            return false;
    } while (letter != 0);
    return true;
}

bool ocpi_member_is_clear(const struct json_value *object, const char *field)
{
    struct str name = str_from(field);
    unsigned count = 0;
    if (object == NULL || object->type != JSON_OBJECT)
        return true;
    for (const struct json_value *member = object->child; member != NULL; member = member->next) {
        if (!ocpi_name_is_like(member->key, name))
            continue;
        if (++count > 1 || !str_equal(member->key, name))
            return false;
    }
    return true;
}

struct str ocpi_member_word(const struct json_value *object, const char *field)
{
    return ocpi_member_is_clear(object, field) ? json_get_text(object, field) : STR_NONE;
}

/* ---------------------------------------------------------------- ids */

static bool is_edge(char byte)
{
    return byte == ' ' || byte == '/' || byte == '\\';
}

bool ocpi_text_is_id(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return text.length > 0 && !is_edge(text.data[0]) && !is_edge(text.data[text.length - 1]);
}
