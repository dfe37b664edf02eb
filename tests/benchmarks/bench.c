#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *bench_resize(void *memory, size_t size)
{
    void *grown = realloc(memory, size);
    if (grown == NULL)
        bench_die("no memory for %zu bytes", size);
    return grown;
}

char *bench_read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        bench_die("%s: %s", path, strerror(errno));
    char *data = NULL;
    size_t used = 0, got = 0;
    do {
        data = bench_resize(data, used + 65536 + 1);
        got = fread(data + used, 1, 65536, file);
        used += got;
    } while (got > 0);
    if (ferror(file))
        bench_die("%s: cannot be read", path);
    fclose(file);
    data[used] = '\0';
    *length = used;
    return data;
}

int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

long bench_number(const char *option, const char *text, long low, long high)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high)
        bench_die("--%s: not a number from %ld to %ld: %s", option, low, high, text);
    return value;
}

int bench_status_code(const char *body, size_t length)
{
    static const char key[] = "\"status_code\"";
    const char *at = memmem(body, length, key, sizeof key - 1);
    if (at == NULL)
        return -1;
    const char *end = body + length;
    for (at += sizeof key - 1; at < end && (*at == ' ' || *at == ':'); at++)
        ;
    int value = 0;
    const char *digits = at;
    for (; at < end && *at >= '0' && *at <= '9' && value < 100000; at++)
        value = value * 10 + (*at - '0');
    return at > digits ? value : -1;
}
