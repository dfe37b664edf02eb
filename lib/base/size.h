#ifndef LIB_BASE_SIZE_H
#define LIB_BASE_SIZE_H

#include <stdint.h>

/* "512 B", "12.3 MiB": bytes for people. Returns `out`. */
#define SIZE_TEXT 24
const char *size_format(int64_t bytes, char out[SIZE_TEXT]);

#endif
