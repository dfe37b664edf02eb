#ifndef LIB_HTTP_CHARACTERS_H
#define LIB_HTTP_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

/* The character classes of RFC 9110 section 5.6.2 (token), 5.5 (field value) and of a request target
 * (0x21-0x7E without '#'). */
enum { HTTP_TOKEN = 1, HTTP_TARGET = 2, HTTP_VALUE = 4 };
extern const uint8_t http_classes[256];

static inline bool http_is(char c, int character_class)
{
    return (http_classes[(unsigned char)c] & character_class) != 0;
}

#endif
