#include "lib/base/str.h"

#include <stdio.h>

#include "lib/base/utf8.h"

static char upper(char letter)
{
    return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

bool str_equal_fold(struct str a, struct str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (upper(a.data[i]) != upper(b.data[i]))
            return false;
    return true;
}

bool str_is_visible(struct str s)
{
    for (size_t i = 0; i < s.length; i++)
        if (s.data[i] < '!' || s.data[i] > '~')
            return false;
    return true;
}

bool str_has_control(struct str s)
{
    for (size_t i = 0; i < s.length; i++)
        if ((unsigned char)s.data[i] < ' ' || s.data[i] == 0x7f || utf8_is_c1(str_skip(s, i)))
            return true;
    return false;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.length >= prefix.length && str_equal(str_of(s.data, prefix.length), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.length >= suffix.length && str_equal(str_skip(s, s.length - suffix.length), suffix);
}

struct str str_skip(struct str s, size_t from)
{
    if (s.data == NULL)
        return STR_NONE;
    if (from > s.length)
        from = s.length;
    return str_of(s.data + from, s.length - from);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct str str_trim(struct str s)
{
    while (s.length > 0 && is_blank(s.data[s.length - 1]))
        s.length--;
    size_t from = 0;
    while (from < s.length && is_blank(s.data[from]))
        from++;
    return str_skip(s, from);
}

size_t str_find(struct str s, char byte)
{
    const char *found = s.length == 0 ? NULL : memchr(s.data, byte, s.length);
    return found == NULL ? SIZE_MAX : (size_t)(found - s.data);
}

bool str_split(struct str *rest, char separator, struct str *part)
{
    if (rest->data == NULL)
        return false;
    size_t end = str_find(*rest, separator);
    if (end == SIZE_MAX) {
        *part = *rest;
        *rest = STR_NONE;
    } else {
        *part = str_of(rest->data, end);
        *rest = str_skip(*rest, end + 1);
    }
    return true;
}

bool str_to_uint64(struct str s, uint64_t *value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < s.length; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        unsigned digit = (unsigned)(s.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (s.length == 0)
        return false;
    *value = number;
    return true;
}

bool str_to_int64(struct str s, int64_t *value)
{
    bool negative = s.length > 0 && s.data[0] == '-';
    uint64_t number;
    if (!str_to_uint64(str_skip(s, negative ? 1 : 0), &number))
        return false;
    if (number > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    /* INT64_MIN has no positive twin, so it is negated as unsigned. */
    *value = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

bool str_copy(struct str s, char *out, size_t size)
{
    bool fits = s.length < size;
    if (size > 0)
        out[fits ? s.length : 0] = '\0';
    if (fits && s.length > 0)
        memcpy(out, s.data, s.length);
    return fits;
}

bool str_copy_upper(struct str s, char *out, size_t size)
{
    if (!str_copy(s, out, size))
        return false;
    for (size_t i = 0; i < s.length; i++)
        out[i] = upper(out[i]);
    return true;
}

struct str str_print(char *out, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(out, size, format, arguments);
    if (length < 0) {
        out[0] = '\0';
        length = 0;
    }
    return str_of(out, (size_t)length < size ? (size_t)length : size - 1);
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < s.length; i++)
        hash = (hash ^ (uint8_t)s.data[i]) * 0x100000001b3;
    return hash;
}
