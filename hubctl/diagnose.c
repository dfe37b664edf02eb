#include "hubctl/diagnose.h"

#include <stdarg.h>
#include <stdio.h>

#include "hubctl/progress.h"
#include "lib/base/utf8.h"

static const char *place_file;
static size_t place_line;

void diagnose_set_place(const char *file, size_t line)
{
    place_file = file;
    place_line = line;
}

const char *diagnose_clean(struct str text, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length && length + 12 < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        uint32_t code;
        size_t hidden = utf8_hidden(str_skip(text, i), &code);
        if (hidden > 0) {
            length +=
                (size_t)snprintf(out + length, 12, code > 0xffff ? "\\u{%x}" : "\\u%04x", (unsigned)code);
            i += hidden - 1;
            continue;
        }
        if (byte >= ' ' && byte != 0x7f) {
            out[length++] = text.data[i];
            continue;
        }
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

static void print_line(const char *prefix, bool placed, const char *format, va_list arguments)
{
    char text[2048], line[4400], place[1200] = "", shown[1000];
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    if (wanted <= 0 || mute)
        return;
    diagnose_clean(str_from(text), line, sizeof line);
    fflush(stdout);
    progress_clear();
    if (placed && place_file != NULL)
        snprintf(place, sizeof place, "%s:%zu: ", diagnose_clean(str_from(place_file), shown, sizeof shown),
                 place_line);
    fprintf(stderr, "%s%s%s\n", prefix, place, line);
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("hubctl: ", true, format, arguments);
    va_end(arguments);
}

void hint(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("hint: ", false, format, arguments);
    va_end(arguments);
}
