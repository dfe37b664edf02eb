#include "hubctl/diagnose.h"

#include <stdarg.h>
#include <stdio.h>

static void print_line(const char *prefix, const char *format, va_list arguments)
{
    char text[2048], line[4400];
    size_t length = 0;
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    if (wanted <= 0)
        return;
    /* What hubd and partners wrote must not reach the terminal as commands. */
    for (const char *at = text; *at != '\0' && length + 5 < sizeof(line); at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= ' ' && byte != 0x7f)
            line[length++] = *at;
        else
            length += (size_t)snprintf(line + length, 5, "\\x%02x", byte);
    }
    line[length] = '\0';
    fflush(stdout);
    fprintf(stderr, "%s%s\n", prefix, line);
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("hubctl: ", format, arguments);
    va_end(arguments);
}

void hint(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("hint: ", format, arguments);
    va_end(arguments);
}
