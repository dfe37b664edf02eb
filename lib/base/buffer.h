#ifndef LIB_BASE_BUFFER_H
#define LIB_BASE_BUFFER_H

#include "lib/base/str.h"

struct budget; /* lib/base/budget.h */

/*
 * A byte buffer that grows up to a maximum. When an append does not fit or there is no memory, `failed` becomes true and
 * all further appends do nothing: callers check it once, at the end. An all-zero struct is an empty buffer without a
 * maximum.
 */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes; 0 = no maximum */
    bool failed;
    struct budget *budget; /* its memory is charged to it; NULL: to none */
};

void buffer_init(struct buffer *buffer, size_t maximum);
/* Charges the buffer's memory to `budget` (borrowed) from now on. Call it while the buffer is empty. When the budget is
 * used up, appends fail. Whoever takes over the memory also takes over a charge of `capacity` bytes. */
void buffer_charge(struct buffer *buffer, struct budget *budget);
void buffer_free(struct buffer *buffer);
/* Empties the buffer and clears `failed`; keeps the memory. */
void buffer_clear(struct buffer *buffer);
/* Makes room for `more` bytes behind `length`. False: it failed. */
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
