#include "lib/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/budget.h"

#define CAPACITY_MIN 256

void buffer_init(struct buffer *buffer, size_t maximum)
{
    *buffer = (struct buffer){.maximum = maximum};
}

void buffer_charge(struct buffer *buffer, struct budget *budget)
{
    buffer->budget = budget;
}

void buffer_free(struct buffer *buffer)
{
    budget_release(buffer->budget, buffer->capacity);
    free(buffer->data);
    *buffer = (struct buffer){.maximum = buffer->maximum, .budget = buffer->budget};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

static bool grow(struct buffer *buffer, size_t more)
{
    size_t maximum = buffer->maximum == 0 ? SIZE_MAX : buffer->maximum;
    if (buffer->length > maximum || more > maximum - buffer->length)
        return false;
    size_t needed = buffer->length + more;
    size_t capacity = buffer->capacity > maximum / 2 ? maximum : buffer->capacity * 2;
    if (capacity < CAPACITY_MIN)
        capacity = CAPACITY_MIN < maximum ? CAPACITY_MIN : maximum;
    if (capacity < needed)
        capacity = needed;
    if (!budget_take(buffer->budget, capacity - buffer->capacity))
        return false;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        budget_release(buffer->budget, capacity - buffer->capacity);
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (!buffer->failed && more > buffer->capacity - buffer->length)
        buffer->failed = !grow(buffer, more);
    return !buffer->failed;
}

void buffer_append(struct buffer *buffer, struct str s)
{
    if (s.length == 0 || !buffer_reserve(buffer, s.length))
        return;
    memcpy(buffer->data + buffer->length, s.data, s.length);
    buffer->length += s.length;
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, str_from(text));
}

void buffer_append_byte(struct buffer *buffer, char byte)
{
    if (buffer_reserve(buffer, 1))
        buffer->data[buffer->length++] = byte;
}

void buffer_append_int(struct buffer *buffer, int64_t value)
{
    char digits[20];
    size_t from = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--from] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--from] = '-';
    buffer_append(buffer, str_of(digits + from, sizeof digits - from));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    char text[512];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) {
        buffer->failed = true;
    } else if ((size_t)length < sizeof text) {
        buffer_append(buffer, str_of(text, (size_t)length));
    } else {
        /* vsnprintf wants a byte more for its NUL, which the maximum does not pay for. */
        char *longer = malloc((size_t)length + 1);
        if (longer != NULL && vsnprintf(longer, (size_t)length + 1, format, again) == length)
            buffer_append(buffer, str_of(longer, (size_t)length));
        else
            buffer->failed = true;
        free(longer);
    }
    va_end(again);
    va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    if (count >= buffer->length) {
        buffer->length = 0;
        return;
    }
    if (count == 0)
        return;
    memmove(buffer->data, buffer->data + count, buffer->length - count);
    buffer->length -= count;
}
