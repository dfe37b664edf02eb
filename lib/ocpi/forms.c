/* What a text may look like; see forms.h. */
#include "lib/ocpi/forms.h"

#define EACH_BYTE 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

/* Eight bytes at a time: validation reads every text of every object. */
static bool block_is_ascii(uint64_t block)
{
    uint64_t below = block - EACH_BYTE * 0x20; /* borrows where a byte is below the space */
    uint64_t del = (block ^ EACH_BYTE * 0x7f) - EACH_BYTE;
    return ((block | below | del) & HIGH_BITS) == 0;
}

bool ocpi_text_is_ascii(struct str text)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= text.length; i += sizeof(uint64_t)) {
        uint64_t block;
        memcpy(&block, text.data + i, sizeof block);
        if (!block_is_ascii(block))
            return false;
    }
    for (; i < text.length; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
}

size_t ocpi_text_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

bool ocpi_text_is_url(struct str text)
{
    static const struct str schemes[] = {{"https://", 8}, {"http://", 7}};
    for (size_t i = 0; i < 2; i++) {
        struct str scheme = schemes[i];
        if (text.length <= scheme.length || !str_equal_fold(str_of(text.data, scheme.length), scheme))
            continue;
        char host = text.data[scheme.length];
        if (host == '/' || host == '?' || host == '#' || host == ':')
            return false;
        return str_find(text, ' ') == SIZE_MAX && !str_has_control(text);
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `pattern`: D a digit, anything else itself. */
static bool has_pattern(struct str text, struct str pattern)
{
    if (text.length != pattern.length)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (pattern.data[i] == 'D' ? !is_digit(text.data[i]) : text.data[i] != pattern.data[i])
            return false;
    return true;
}

static unsigned digits_at(struct str *text)
{
    unsigned count = 0;
    while (count < text->length && is_digit(text->data[count]))
        count++;
    *text = str_skip(*text, count);
    return count;
}

/* -?[0-9]{1,whole}\.[0-9]{5,7} */
static bool is_degrees(struct str text, unsigned whole_max)
{
    if (str_starts_with(text, STR("-")))
        text = str_skip(text, 1);
    unsigned whole = digits_at(&text);
    if (whole < 1 || whole > whole_max || !str_starts_with(text, STR(".")))
        return false;
    text = str_skip(text, 1);
    unsigned decimals = digits_at(&text);
    return decimals >= 5 && decimals <= 7 && text.length == 0;
}

static bool is_time_of_day(struct str text)
{
    return has_pattern(text, STR("DD:DD")) && memcmp(text.data, "24", 2) < 0 && text.data[3] < '6';
}

static bool is_date(struct str text)
{
    if (!has_pattern(text, STR("DDDD-DD-DD")) || (text.data[0] != '1' && text.data[0] != '2'))
        return false;
    const char *month = text.data + 5, *day = text.data + 8;
    return memcmp(month, "01", 2) >= 0 && memcmp(month, "12", 2) <= 0 && memcmp(day, "01", 2) >= 0 &&
           memcmp(day, "31", 2) <= 0;
}

bool ocpi_text_has_form(struct str text, enum ocpi_form form)
{
    switch (form) {
    case OCPI_FORM_FREE:
        return true;
    case OCPI_FORM_LATITUDE:
        return is_degrees(text, 2);
    case OCPI_FORM_LONGITUDE:
        return is_degrees(text, 3);
    case OCPI_FORM_TIME_OF_DAY:
        return is_time_of_day(text);
    case OCPI_FORM_DATE:
        return is_date(text);
    case OCPI_FORM_TOKEN:
        return ocpi_text_is_ascii(text) && str_find(text, ' ') == SIZE_MAX;
    }
    return false;
}

const char *ocpi_form_text(enum ocpi_form form)
{
    switch (form) {
    case OCPI_FORM_FREE:
        break;
    case OCPI_FORM_LATITUDE:
        return "a latitude with 5 to 7 decimals";
    case OCPI_FORM_LONGITUDE:
        return "a longitude with 5 to 7 decimals";
    case OCPI_FORM_TIME_OF_DAY:
        return "a time HH:MM";
    case OCPI_FORM_DATE:
        return "a date YYYY-MM-DD";
    case OCPI_FORM_TOKEN:
        return "a token of printable ASCII without spaces";
    }
    return "text";
}
