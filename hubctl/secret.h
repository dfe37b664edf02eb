#ifndef HUBCTL_SECRET_H
#define HUBCTL_SECRET_H

#include "hubctl/options.h"

/*
 * Reads the token that a CTL_SECRET_FILE parameter names: from the file, or from stdin for "-", where a
 * terminal is asked without echo. One line end behind the token is cut off. The token is in the arena, which
 * the caller must wipe. Returns false after complaining; the complaint never repeats what was read.
 */
bool secret_read(struct arena *arena, const struct ctl_param *param, const char *path, struct str *secret);

#endif
