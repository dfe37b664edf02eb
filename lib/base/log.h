#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>

/*
 * One line per event on stderr. Ids go in, bodies and secrets never (hub-contract 14). Thread safe: a line is
 * one write(2). Control bytes in the message are escaped so that a line stays a line.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Both may be called at any time, from any thread. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
bool log_enabled(enum log_level level);
/* Text: "2026-01-31T12:00:00.000Z warn …"; JSON: {"time":…,"level":…,"message":…}. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                                       \
    do {                                                                                                     \
        if (log_enabled(LOG_DEBUG))                                                                          \
            log_write(LOG_DEBUG, __VA_ARGS__);                                                               \
    } while (0)

#endif
