#include "lib/base/log.h"

#include "lib/base/env.h"
#include "lib/base/timestamp.h"
#include "lib/base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* PIPE_BUF on Linux: a write of at most that is not torn apart by other writers of the same pipe. */
#define LINE_MAX_BYTES    4096
#define MESSAGE_MAX_BYTES 3072
#define HELD_MAX_BYTES    64 /* of the count of lines that were held back */

static _Atomic int log_level = LOG_INFO;
static _Atomic int log_format = LOG_TEXT;
static const char *const level_names[] = {"error", "warn", "info", "debug"};

struct log_line {
    char data[LINE_MAX_BYTES];
    size_t length;
    size_t limit; /* where the message must end, so that the closing fits */
};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

void log_set_format(enum log_format format)
{
    atomic_store_explicit(&log_format, (int)format, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

static bool add(struct log_line *line, const char *data, size_t size)
{
    if (size > line->limit - line->length)
        return false;
    memcpy(line->data + line->length, data, size);
    line->length += size;
    return true;
}

static bool add_text(struct log_line *line, const char *text)
{
    return add(line, text, strlen(text));
}

static bool add_escape(struct log_line *line, uint8_t byte, bool json)
{
    static const char digits[] = "0123456789abcdef";
    char escape[6];
    size_t size = 0;
    escape[size++] = '\\';
    if (byte == '\n' || byte == '\t' || byte == '\r') {
        escape[size++] = byte == '\n' ? 'n' : byte == '\t' ? 't' : 'r';
        return add(line, escape, size);
    }
    escape[size++] = json ? 'u' : 'x';
    if (json) {
        escape[size++] = '0';
        escape[size++] = '0';
    }
    escape[size++] = digits[byte >> 4];
    escape[size++] = digits[byte & 15];
    return add(line, escape, size);
}

/* C1 controls (U+0080 to U+009F) steer terminals as the C0 ones do. */
static bool is_control(const char *data, size_t size)
{
    uint8_t first = (uint8_t)data[0];
    return (size == 1 && (first < 0x20 || first == 0x7F)) ||
           (size == 2 && first == 0xC2 && (uint8_t)data[1] < 0xA0);
}

static void add_message(struct log_line *line, struct str message, bool json)
{
    bool fits = true;
    while (message.length > 0 && fits) {
        const char *data = message.data;
        size_t size = utf8_character(message);
        if (size == 0) {
            size = 1;
            fits = json ? add_text(line, "\xEF\xBF\xBD") : add_escape(line, (uint8_t)data[0], false);
        } else if (is_control(data, size)) {
            fits = (size == 1 || json || add_escape(line, (uint8_t)data[0], false)) &&
                   add_escape(line, (uint8_t)data[size - 1], json);
        } else if (json && (data[0] == '"' || data[0] == '\\')) {
            const char escape[2] = {'\\', data[0]};
            fits = add(line, escape, sizeof escape);
        } else {
            fits = add(line, data, size);
        }
        message = str_skip(message, size);
    }
}

/* `held`: lines like this one that were not written before it. */
static void write_line(enum log_level level, unsigned held, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static void write_line(enum log_level level, unsigned held, const char *format, va_list arguments)
{
    int saved_errno = errno;
    char message[MESSAGE_MAX_BYTES + HELD_MAX_BYTES];
    int length = (int)str_print(message, MESSAGE_MAX_BYTES, format, arguments).length;
    if (held > 0)
        length += snprintf(message + length, HELD_MAX_BYTES, " (%u more like it were not logged)", held);

    bool json = atomic_load_explicit(&log_format, memory_order_relaxed) == LOG_JSON;
    char now[TIMESTAMP_SIZE];
    struct log_line line;
    line.length = 0;
    line.limit = sizeof line.data - 3;
    add_text(&line, json ? "{\"time\":\"" : "");
    add_text(&line, timestamp_format(env_wall_ms(), now));
    add_text(&line, json ? "\",\"level\":\"" : " ");
    add_text(&line, level_names[level]);
    add_text(&line, json ? "\",\"message\":\"" : " ");
    add_message(&line, str_of(message, (size_t)length), json);
    line.limit = sizeof line.data;
    add_text(&line, json ? "\"}\n" : "\n");

    ssize_t written;
    do {
        written = write(STDERR_FILENO, line.data, line.length);
    } while (written < 0 && errno == EINTR);
    errno = saved_errno;
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    va_list arguments;
    va_start(arguments, format);
    write_line(level, 0, format, arguments);
    va_end(arguments);
}

/* ---------------------------------------------------------------- lines that may come by the thousand */

static _Atomic(struct log_limit *) limits;

static void limit_enter(struct log_limit *limit, const char *format)
{
    limit->format = format;
    limit->next = atomic_load(&limits);
    while (!atomic_compare_exchange_weak(&limits, &limit->next, limit))
        ;
}

/* Begins a new window if the old one is over; one of several threads does. */
static void limit_renew(struct log_limit *limit, const char *format)
{
    int64_t now = env_monotonic_ms() + 1, window = atomic_load(&limit->window);
    if (window != 0 && now - window < LOG_WINDOW_MS)
        return;
    if (!atomic_compare_exchange_strong(&limit->window, &window, now))
        return;
    atomic_store(&limit->written, 0);
    if (window == 0)
        limit_enter(limit, format);
}

void log_write_bounded(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    limit_renew(limit, format);
    if (atomic_fetch_add(&limit->written, 1) >= LOG_BURST) {
        atomic_fetch_add(&limit->held, 1);
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    write_line(level, atomic_exchange(&limit->held, 0), format, arguments);
    va_end(arguments);
}

void log_tell_held(void)
{
    int64_t now = env_monotonic_ms() + 1;
    for (struct log_limit *limit = atomic_load(&limits); limit != NULL; limit = limit->next) {
        if (atomic_load(&limit->held) == 0 || now - atomic_load(&limit->window) < LOG_WINDOW_MS)
            continue;
        unsigned held = atomic_exchange(&limit->held, 0);
        if (held > 0)
            log_warn("%u more lines were not logged of the kind \"%s\"", held, limit->format);
    }
}
