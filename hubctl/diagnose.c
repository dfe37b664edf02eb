#include "hubctl/diagnose.h"

#include <stdarg.h>
#include <stdio.h>

#include "hubctl/progress.h"

const char *diagnose_clean(struct str text, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length && length + 5 < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= ' ' && byte != 0x7f)
            out[length++] = text.data[i];
        else
            length += (size_t)snprintf(out + length, 5, "\\x%02x", byte);
    }
    out[length] = '\0';
    return out;
}

static bool mute;

void diagnose_mute(void)
{
    mute = true;
}

static void print_line(const char *prefix, const char *format, va_list arguments)
{
    char text[2048], line[4400];
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    if (wanted <= 0 || mute)
        return;
    diagnose_clean(str_from(text), line, sizeof(line));
    fflush(stdout);
    progress_clear();
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
