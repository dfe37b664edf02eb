#ifndef LIB_BASE_UTF8_H
#define LIB_BASE_UTF8_H

#include <stdint.h>

#include "lib/base/str.h"

/*
 * Bytes (1 to 4) of the well-formed UTF-8 character at the start of `s`; 0 when `s` is empty or starts with
 * none (RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF).
 */
size_t utf8_character(struct str s);
/* Whether `s` starts with one of U+0080 to U+009F: a terminal may obey them as it obeys ESC. */
static inline bool utf8_is_c1(struct str s)
{
    return s.length >= 2 && (unsigned char)s.data[0] == 0xC2 && ((unsigned char)s.data[1] & 0xE0) == 0x80;
}

/*
 * Bytes of the character at the start of `s`, and its code point in `code`, when that character is invisible and may
 * change how the text around it is displayed; else 0. Such characters are U+0080 to U+009F, the line and paragraph
 * separators, and Unicode's Default_Ignorable_Code_Point (which includes the marks that change the writing direction),
 * except the variation selectors, which emoji need.
 */
size_t utf8_hidden(struct str s, uint32_t *code);
bool utf8_code_is_hidden(uint32_t code); /* the same of a code point */

#endif
