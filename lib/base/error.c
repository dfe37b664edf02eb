#include "lib/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
    if (error == NULL)
        return code;
    /* Formatted aside, since an argument may be the very text that is being replaced. */
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    error->code = code;
    memcpy(error->text, text, strlen(text) + 1);
    return code;
}

int error_of_lack(int number, int otherwise)
{
    switch (number) {
    case ENOMEM:
        return ERR_MEMORY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case EADDRNOTAVAIL:
        return ERR_SHORT;
    default:
        return otherwise;
    }
}

bool error_is_own(int code)
{
    return code == ERR_MEMORY || code == ERR_SHORT || code == ERR_CLOSED;
}

const char *error_name(int code)
{
    static const char *const names[] = {
        [-OK] = "ok",
        [-ERR_MEMORY] = "out of memory",
        [-ERR_INVALID] = "invalid",
        [-ERR_NOT_FOUND] = "not found",
        [-ERR_EXISTS] = "exists already",
        [-ERR_CONFLICT] = "conflict",
        [-ERR_STALE] = "stale",
        [-ERR_TOO_LARGE] = "too large",
        [-ERR_IO] = "input/output error",
        [-ERR_TIMEOUT] = "timeout",
        [-ERR_BUSY] = "busy",
        [-ERR_UNCERTAIN] = "uncertain",
        [-ERR_REFUSED] = "refused",
        [-ERR_CLOSED] = "closed",
        [-ERR_UNREACHABLE] = "unreachable",
        [-ERR_FULL] = "disk full",
        [-ERR_SHORT] = "out of descriptors or connections",
    };
    const int count = (int)(sizeof names / sizeof names[0]);
    return code > 0 || code <= -count ? "unknown error" : names[-code];
}
