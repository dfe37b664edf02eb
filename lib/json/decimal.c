#include "lib/json/decimal.h"

/* Exponents that differ by more cannot be evened out by the shifts, which are shorter than any document. */
#define DIFFERENCE_MAX (INT64_MAX / 32)

/* Position behind the digits that begin at `from`. */
static size_t skip_digits(struct str raw, size_t from)
{
    while (from < raw.length && raw.data[from] >= '0' && raw.data[from] <= '9')
        from++;
    return from;
}

static bool is_at(struct str raw, size_t at, const char *bytes)
{
    return at < raw.length && raw.data[at] != '\0' && strchr(bytes, raw.data[at]) != NULL;
}

bool json_is_number(struct str raw)
{
    size_t from = is_at(raw, 0, "-") ? 1 : 0, at = skip_digits(raw, from);
    if (at == from || (raw.data[from] == '0' && at > from + 1))
        return false;
    if (is_at(raw, at, ".")) {
        from = at + 1;
        at = skip_digits(raw, from);
        if (at == from)
            return false;
    }
    if (is_at(raw, at, "eE")) {
        from = is_at(raw, at + 1, "+-") ? at + 2 : at + 1;
        at = skip_digits(raw, from);
        if (at == from)
            return false;
    }
    return at == raw.length;
}

struct json_decimal json_decimal_of(struct str raw)
{
    struct json_decimal decimal = {0};
    size_t from = raw.data[0] == '-' ? 1 : 0, end = from;
    size_t first = SIZE_MAX, last = 0, whole = 0, before = 0, behind = 0;
    bool point = false;
    for (; end < raw.length && (raw.data[end] | 0x20) != 'e'; end++) {
        if (raw.data[end] == '.') {
            point = true;
            continue;
        }
        if (!point)
            whole++;
        if (raw.data[end] != '0') {
            if (first == SIZE_MAX)
                first = end;
            last = end;
            decimal.count += behind + 1;
            behind = 0;
        } else if (first == SIZE_MAX) {
            before++;
        } else {
            behind++;
        }
    }
    if (first == SIZE_MAX)
        return (struct json_decimal){0};
    decimal.negative = from == 1;
    decimal.digits = str_of(raw.data + first, last + 1 - first);
    decimal.shift = (int64_t)whole - (int64_t)before;
    struct str exponent = str_skip(raw, end + 1);
    if (exponent.length > 0 && (exponent.data[0] == '-' || exponent.data[0] == '+')) {
        decimal.exponent_negative = exponent.data[0] == '-';
        exponent = str_skip(exponent, 1);
    }
    while (exponent.length > 0 && exponent.data[0] == '0')
        exponent = str_skip(exponent, 1);
    decimal.exponent = exponent;
    return decimal;
}

/* The signed digit of an exponent at `place`, counted from the right. */
static int64_t exponent_digit(const struct json_decimal *decimal, size_t place)
{
    if (place >= decimal->exponent.length)
        return 0;
    int64_t digit = decimal->exponent.data[decimal->exponent.length - 1 - place] - '0';
    return decimal->exponent_negative ? -digit : digit;
}

/* exponent(a) - exponent(b), cut at ±DIFFERENCE_MAX: once over it, further digits cannot bring it back. */
static int64_t exponent_difference(const struct json_decimal *a, const struct json_decimal *b)
{
    size_t places = a->exponent.length > b->exponent.length ? a->exponent.length : b->exponent.length;
    int64_t difference = 0;
    while (places-- > 0) {
        difference = difference * 10 + exponent_digit(a, places) - exponent_digit(b, places);
        if (difference > DIFFERENCE_MAX)
            return DIFFERENCE_MAX;
        if (difference < -DIFFERENCE_MAX)
            return -DIFFERENCE_MAX;
    }
    return difference;
}

bool json_decimal_is_below_one(struct json_decimal decimal)
{
    const struct json_decimal zero = {0};
    return exponent_difference(&decimal, &zero) <= -decimal.shift;
}

bool json_decimal_to_int64(struct json_decimal decimal, int64_t *value)
{
    const struct json_decimal zero = {0};
    int64_t places = exponent_difference(&decimal, &zero) + decimal.shift;
    if (decimal.count > 19 || (decimal.count > 0 && (places < (int64_t)decimal.count || places > 19)))
        return false;
    char text[24];
    size_t length = 0;
    if (decimal.negative)
        text[length++] = '-';
    for (size_t i = 0; i < decimal.digits.length; i++)
        if (decimal.digits.data[i] != '.')
            text[length++] = decimal.digits.data[i];
    for (int64_t i = (int64_t)decimal.count; i < places; i++)
        text[length++] = '0';
    if (decimal.count == 0)
        text[length++] = '0';
    return str_to_int64(str_of(text, length), value);
}
