#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A view of bytes owned by somebody else: not terminated, may be empty, `data` may be NULL only when empty.
 * Passed by value. Letters fold as ASCII, as OCPI's CiString does (OCPI 2.2.1, Types 16.1).
 */
struct str {
    const char *data;
    size_t length;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
/* For printf: printf(STR_FMT, STR_ARG(s)). */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).length, (s).data

/* View of a C string; NULL gives STR_NONE. */
static inline struct str str_from(const char *text)
{
    return text == NULL ? STR_NONE : (struct str){text, strlen(text)};
}
/* View of `length` bytes at `data`. */
static inline struct str str_of(const char *data, size_t length)
{
    return (struct str){data, length};
}
static inline bool str_equal(struct str a, struct str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}
/* Equal when ASCII letters are folded. */
bool str_equal_fold(struct str a, struct str b);
/* Nothing but U+0021..U+007E in it: what OCPI calls printable ASCII without the space. */
bool str_is_visible(struct str s);
/* A control character is in it: below U+0020, or U+007F to U+009F. */
bool str_has_control(struct str s);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
/* The part from byte `from` (clamped) to the end. */
struct str str_skip(struct str s, size_t from);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);
/* Position of `byte`, or SIZE_MAX. */
size_t str_find(struct str s, char byte);
/*
 * Cuts the part before the next `separator` off `*rest` and puts it in `*part`. False when `*rest` is
 * exhausted (data == NULL). "a,,b" gives "a", "", "b".
 */
bool str_split(struct str *rest, char separator, struct str *part);
/* Whole-string decimal numbers: true when every byte is used and the value fits. No sign but '-' for int64.
 */
bool str_to_int64(struct str s, int64_t *value);
bool str_to_uint64(struct str s, uint64_t *value);
/* Copies with terminating NUL; false (and an empty string) when it does not fit in `size` bytes. */
bool str_copy(struct str s, char *out, size_t size);
/* Copies with ASCII letters in upper case and a terminating NUL; false (empty) when it does not fit. */
bool str_copy_upper(struct str s, char *out, size_t size);
/* Formats into `out` as vsnprintf(3) does, and returns the text in it: cut at `size` - 1 bytes, empty when the format
 * cannot be written. `size` is at least 1. */
struct str str_print(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
/* 64-bit hash (FNV-1a) for tables in memory; not for secrets, not stored. */
uint64_t str_hash(struct str s);

#endif
