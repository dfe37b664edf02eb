#ifndef TESTS_BENCHMARKS_BENCH_H
#define TESTS_BENCHMARKS_BENCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the benchmark programs share. They are short-lived tools: what they cannot do ends them with a
 * sentence on stderr and exit 1.
 */

/* Prints "PROGRAM: sentence" and exits 1. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Never NULL. */
void *bench_resize(void *memory, size_t size);

/* The whole file, NUL-terminated; the caller frees. */
char *bench_read_file(const char *path, size_t *length);

/* CLOCK_MONOTONIC in nanoseconds: the same clock in every process of the machine, so times of two programs
 * can be joined. */
int64_t bench_now_ns(void);

/* A number of an option within [low, high]; else dies naming the option. */
long bench_number(const char *option, const char *text, long low, long high);

/* Value of the first "status_code" in an OCPI envelope; -1 when there is none. */
int bench_status_code(const char *body, size_t length);

#endif
