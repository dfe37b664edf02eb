/* One spelling for all that are the same value; see equal.h. */
#include "lib/ocpi/equal.h"

#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/base/crypto.h"
#include "lib/base/timestamp.h"
#include "lib/json/decimal.h"

#define MEMBERS_ON_STACK 16
/* An exponent of more digits is not added to. */
#define EXPONENT_DIGITS 15

/*
 * The spelling: a letter for the kind, then what makes the value, with lengths in front of texts, so that
 * different values never have the same one. Known fields stand in the order of OCPI's table, others behind
 * them in the order of their names.
 */
static void write_value(struct buffer *out, const struct ocpi_field *field, const struct json_value *value);

/* A letter and a number of eight bytes. */
static void write_count(struct buffer *out, char kind, int64_t number)
{
    char bytes[9] = {kind};
    for (unsigned i = 0; i < 8; i++)
        bytes[i + 1] = (char)(uint8_t)((uint64_t)number >> 8 * i);
    buffer_append(out, str_of(bytes, sizeof bytes));
}

static void digest_write_text(struct buffer *out, char kind, struct str text)
{
    write_count(out, kind, (int64_t)text.length);
    buffer_append(out, text);
}

static void write_folded(struct buffer *out, struct str text)
{
    digest_write_text(out, 's', text);
    for (size_t i = out->failed ? 0 : text.length; i > 0; i--) {
        char *letter = out->data + out->length - i;
        if (*letter >= 'a' && *letter <= 'z')
            *letter = (char)(*letter - 'a' + 'A');
    }
}

/* What a fraction says beyond the milliseconds. */
static struct str finer_digits(struct str text)
{
    size_t at = 0, from, to;
    while (at < text.length && text.data[at] != '.' && text.data[at] != ',')
        at++;
    for (from = to = at + 1; to < text.length && text.data[to] >= '0' && text.data[to] <= '9';)
        to++;
    from += 3;
    while (to > from && text.data[to - 1] == '0')
        to--;
    return to > from ? str_of(text.data + from, to - from) : STR_NONE;
}

static void write_instant(struct buffer *out, struct str text)
{
    int64_t time;
    if (!timestamp_parse(text, &time)) {
        digest_write_text(out, 's', text);
        return;
    }
    write_count(out, 'd', time);
    digest_write_text(out, '.', finer_digits(text));
}

static void write_number(struct buffer *out, struct str raw)
{
    struct json_decimal decimal = json_decimal_of(raw);
    int64_t exponent = 0;
    buffer_append_byte(out, decimal.negative ? '-' : '+');
    for (size_t i = 0; i < decimal.digits.length; i++)
        if (decimal.digits.data[i] != '.')
            buffer_append_byte(out, decimal.digits.data[i]);
    if (decimal.exponent.length > EXPONENT_DIGITS)
        digest_write_text(out, decimal.exponent_negative ? '-' : '+', decimal.exponent);
    else if (decimal.exponent.length > 0)
        str_to_int64(decimal.exponent, &exponent);
    write_count(out, 'e', (decimal.exponent_negative ? -exponent : exponent) + decimal.shift);
}

/* ---------------------------------------------------------------- objects and lists */

static int compare_names(const void *left, const void *right)
{
    const struct json_value *a = *(const struct json_value *const *)left,
                            *b = *(const struct json_value *const *)right;
    size_t shorter = a->key.length < b->key.length ? a->key.length : b->key.length;
    int order = shorter == 0 ? 0 : memcmp(a->key.data, b->key.data, shorter);
    if (order == 0)
        order = (a->key.length > b->key.length) - (a->key.length < b->key.length);
    if (order != 0)
        return order;
    /* of one name: as they stand in the source, which the raw names point into */
    return (a->raw_key.data > b->raw_key.data) - (a->raw_key.data < b->raw_key.data);
}

static void write_others(struct buffer *out, const struct json_value **others, size_t count)
{
    if (count > 1)
        qsort(others, count, sizeof *others, compare_names);
    for (size_t i = 0; i < count; i++) {
        digest_write_text(out, 'u', others[i]->key);
        write_value(out, NULL, others[i]);
    }
}

static bool is_named(struct str key, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (str_equal(key, str_from(*names)))
            return true;
    return false;
}

static bool is_nothing(const struct json_value *value)
{
    return value->type == JSON_NULL || (value->type == JSON_ARRAY && value->child == NULL);
}

/* `object` NULL: what OCPI knows nothing of; there a null is a null. */
static void write_object(struct buffer *out, const struct ocpi_object *object, const struct json_value *value,
                         const char *const *ignored)
{
    const struct json_value *known[OCPI_FIELDS_MAX] = {NULL}, *on_stack[MEMBERS_ON_STACK],
                            **others = on_stack;
    size_t count = 0;
    unsigned cursor = 0;
    if (value->count > MEMBERS_ON_STACK && (others = malloc(value->count * sizeof *others)) == NULL) {
        out->failed = true;
        return;
    }
    for (const struct json_value *member = value->child; member != NULL; member = member->next) {
        if ((object != NULL && is_nothing(member)) || is_named(member->key, ignored))
            continue;
        const struct ocpi_field *field = object == NULL ? NULL : ocpi_field_find(object, member->key, cursor);
        unsigned number = field == NULL ? 0 : (unsigned)(field - object->fields);
        if (field == NULL || known[number] != NULL) {
            others[count++] = member;
            continue;
        }
        known[number] = member;
        cursor = number + 1;
    }
    buffer_append_byte(out, '{');
    for (unsigned i = 0; object != NULL && i < object->field_count; i++) {
        if (known[i] == NULL)
            continue;
        write_count(out, 'k', i);
        write_value(out, &object->fields[i], known[i]);
    }
    write_others(out, others, count);
    buffer_append_byte(out, '}');
    if (others != on_stack)
        free(others);
}

/* `field` is that of the list: of its elements too. */
static void write_list(struct buffer *out, const struct ocpi_field *field, const struct json_value *list)
{
    buffer_append_byte(out, '[');
    for (const struct json_value *element = list->child; element != NULL; element = element->next)
        write_value(out, field, element);
    buffer_append_byte(out, ']');
}

static void write_string(struct buffer *out, const struct ocpi_field *field, struct str text)
{
    if (field != NULL && field->type == OCPI_TYPE_CISTRING)
        write_folded(out, text);
    else if (field != NULL && field->type == OCPI_TYPE_DATETIME)
        write_instant(out, text);
    else
        digest_write_text(out, 's', text);
}

/* `field` NULL: of a field that OCPI does not know. */
static void write_value(struct buffer *out, const struct ocpi_field *field, const struct json_value *value)
{
    switch (value->type) {
    case JSON_NULL:
        buffer_append_byte(out, 'n');
        break;
    case JSON_BOOLEAN:
        buffer_append_byte(out, value->boolean ? 't' : 'f');
        break;
    case JSON_NUMBER:
        write_number(out, value->raw);
        break;
    case JSON_STRING:
        write_string(out, field, value->text);
        break;
    case JSON_ARRAY:
        write_list(out, field, value);
        break;
    case JSON_OBJECT:
        write_object(out, field == NULL ? NULL : field->object, value, NULL);
        break;
    }
}

/* ---------------------------------------------------------------- the two questions */

static void spell(struct buffer *out, const struct ocpi_object *object, const struct json_value *value,
                  const char *const *ignored)
{
    buffer_init(out, 0);
    buffer_reserve(out, value->raw.length + 64);
    if (value->type == JSON_OBJECT)
        write_object(out, object, value, ignored);
    else
        write_value(out, NULL, value);
}

bool ocpi_equal(const struct ocpi_object *object, const struct json_value *a, const struct json_value *b,
                const char *const *ignored)
{
    struct buffer left, right;
    if (a == NULL || b == NULL)
        return a == b;
    spell(&left, object, a, ignored);
    spell(&right, object, b, ignored);
    bool equal = !left.failed && !right.failed && str_equal(buffer_str(&left), buffer_str(&right));
    buffer_free(&left);
    buffer_free(&right);
    return equal;
}

void ocpi_digest(const struct ocpi_object *object, const struct json_value *value, const char *const *ignored,
                 uint8_t digest[OCPI_DIGEST_SIZE])
{
    struct buffer out;
    uint8_t whole[SHA256_SIZE];
    spell(&out, object, value, ignored);
    crypto_sha256(out.failed ? value->raw : buffer_str(&out), whole); /* without memory: as it is written */
    memcpy(digest, whole, OCPI_DIGEST_SIZE);
    buffer_free(&out);
}
