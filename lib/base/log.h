#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes one line for each event to stderr (hubd(8), LOG). Never log bodies or secrets; ids are fine. Control bytes in a
 * message are escaped, so a message is always one line. Thread safe: a line is one write(2).
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Set what is logged, and how. Thread safe, at any time. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
bool log_enabled(enum log_level level);
/* Writes a line. Text: "2026-01-31T12:00:00.000Z warn …"; JSON: {"time":…,"level":…,"message":…}. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                                       \
    do {                                                                                                     \
        if (log_enabled(LOG_DEBUG))                                                                          \
            log_write(LOG_DEBUG, __VA_ARGS__);                                                               \
    } while (0)

/*
 * For lines that very many requests may cause, for instance while the disk is full or during an attack. One place in the
 * source writes at most LOG_BURST lines in LOG_WINDOW_MS. The others are counted; the place's next line, or
 * log_tell_held, says how many there were. Use it where each single event is also audited or counted. Thread safe,
 * without a lock.
 */
#define LOG_BURST     5
#define LOG_WINDOW_MS 10000
struct log_limit {
    _Atomic int64_t window; /* env_monotonic_ms when the count began; 0: never */
    _Atomic unsigned written, held;
    const char *format;
    struct log_limit *next; /* of all that have ever written */
};
void log_write_bounded(struct log_limit *limit, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Logs the counts of suppressed lines whose window is over. To be called every few seconds. */
void log_tell_held(void);

#define log_bounded(level, ...)                                                                              \
    do {                                                                                                     \
        static struct log_limit log_limit_here;                                                              \
        log_write_bounded(&log_limit_here, level, __VA_ARGS__);                                              \
    } while (0)
#define log_error_bounded(...) log_bounded(LOG_ERROR, __VA_ARGS__)
#define log_warn_bounded(...)  log_bounded(LOG_WARN, __VA_ARGS__)

#endif
