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

static _Atomic int log_level = LOG_INFO;
static _Atomic int log_format = LOG_TEXT;
static const char *const level_names[] = {"error", "warn", "info", "debug"};

struct line {
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

static bool add(struct line *line, const char *data, size_t size)
{
    if (size > line->limit - line->length)
        return false;
    memcpy(line->data + line->length, data, size);
    line->length += size;
    return true;
}

static bool add_text(struct line *line, const char *text)
{
    return add(line, text, strlen(text));
}

static bool add_escape(struct line *line, uint8_t byte, bool json)
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

static void add_message(struct line *line, struct str message, bool json)
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
            fits = add(line, escape, sizeof(escape));
        } else {
            fits = add(line, data, size);
        }
        message = str_skip(message, size);
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    int saved_errno = errno;
    char message[MESSAGE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (length < 0)
        length = 0;
    if ((size_t)length >= sizeof(message))
        length = (int)sizeof(message) - 1;

    bool json = atomic_load_explicit(&log_format, memory_order_relaxed) == LOG_JSON;
    char now[TIMESTAMP_SIZE];
    struct line line;
    line.length = 0;
    line.limit = sizeof(line.data) - 3;
    add_text(&line, json ? "{\"time\":\"" : "");
    add_text(&line, timestamp_format(env_wall_ms(), now));
    add_text(&line, json ? "\",\"level\":\"" : " ");
    add_text(&line, level_names[level]);
    add_text(&line, json ? "\",\"message\":\"" : " ");
    add_message(&line, str_of(message, (size_t)length), json);
    line.limit = sizeof(line.data);
    add_text(&line, json ? "\"}\n" : "\n");

    ssize_t written;
    do {
        written = write(STDERR_FILENO, line.data, line.length);
    } while (written < 0 && errno == EINTR);
    errno = saved_errno;
}
