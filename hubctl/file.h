#ifndef HUBCTL_FILE_H
#define HUBCTL_FILE_H

#include "hubctl/options.h"
#include "lib/base/buffer.h"

/* Reads files: a whole one, or a JSON document. */

/* Reads all of a file ("-": stdin) of at most `maximum` bytes. Returns false after complaining; the complaint
 * calls the file `name`. The caller frees `out` in every case. */
bool file_read(const char *path, const char *name, size_t maximum, struct buffer *out);
/* Reads the JSON value in a file into the arena. Returns false after complaining, with line and column when the
 * file is no JSON. */
bool file_read_json(struct arena *arena, const char *path, struct str *json);

#endif
