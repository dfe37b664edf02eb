#ifndef LIB_BASE_BUFFER_H
#define LIB_BASE_BUFFER_H

#include "lib/base/str.h"

struct budget; /* lib/base/budget.h */

/*
 * A growing byte buffer with a stated maximum and a sticky failure: after the first append that did not fit
 * or found no memory `failed` stays true and appends do nothing, so callers check once at the end. All-zero
 * is an empty buffer without a maximum.
 */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes; 0 = no maximum */
    bool failed;
    struct budget *budget; /* that its memory is charged to; NULL: none */
};

void buffer_init(struct buffer *buffer, size_t maximum);
/* Charges its memory from here on to `budget` (borrowed), while it has none. Over the budget appends fail.
 * Whoever takes the memory over takes over `capacity` bytes of the charge with it. */
void buffer_charge(struct buffer *buffer, struct budget *budget);
void buffer_free(struct buffer *buffer);
/* Empties it and clears `failed`, keeps the memory. */
void buffer_clear(struct buffer *buffer);
/* Makes room for `more` bytes behind `length`; false when it fails. */
bool buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, struct str s);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_byte(struct buffer *buffer, char byte);
void buffer_append_int(struct buffer *buffer, int64_t value);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first `count` bytes. */
void buffer_consume(struct buffer *buffer, size_t count);
static inline struct str buffer_str(const struct buffer *buffer)
{
    return (struct str){buffer->data, buffer->length};
}

#endif
