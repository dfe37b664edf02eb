#include "lib/base/bug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

/* What snprintf has put there, at most what there is room for. */
static size_t bug_put(size_t used, int length)
{
    size_t wanted = length < 0 ? 0 : (size_t)length;
    return used + wanted < LINE_MAX_BYTES - 1 ? used + wanted : LINE_MAX_BYTES - 2;
}

_Noreturn void bug_report(const char *file, int line, const char *function, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list arguments;
    size_t used = bug_put(0, snprintf(text, sizeof text, "BUG at %s:%d, %s: ", file, line, function));
    va_start(arguments, format);
    used = bug_put(used, vsnprintf(text + used, sizeof text - used, format, arguments));
    va_end(arguments);
    text[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, used);
    (void)written; /* nothing can be done about it */
    abort();
}

void *must_alloc(size_t size, const char *what)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        BUG("no memory for %s (%zu bytes)", what, size);
    return memory;
}
