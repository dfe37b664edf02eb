#ifndef HUBCTL_FILE_H
#define HUBCTL_FILE_H

#include "hubctl/options.h"
#include "lib/base/buffer.h"

/* What comes from files: whole ones, and JSON documents. */

/* All of a file ("-": stdin) of at most `maximum` bytes. False after complaining, in which `name` is its
 * name; the caller frees `out` in every case. */
bool file_read(const char *path, const char *name, size_t maximum, struct buffer *out);
/* The JSON value in a file, in the arena. False after complaining, with line and column when it is no JSON.
 */
bool file_read_json(struct arena *arena, const char *path, struct str *json);

#endif
