#ifndef TESTS_HUBD_CLOCK_H
#define TESTS_HUBD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Time and chance as a test owns them: lib/base/env's, and with it libuv's timers on the calling thread.
 * Nothing moves but by test_clock_advance, and random numbers are the same in every run.
 */

/* From here on, beginning at the same moment each time; before the hub is opened. */
void test_clock_own(void);
void test_clock_advance(int64_t ms);

#endif
