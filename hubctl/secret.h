#ifndef HUBCTL_SECRET_H
#define HUBCTL_SECRET_H

#include "hubctl/options.h"

/*
 * The token that a CTL_SECRET_FILE parameter names: what the file holds, or stdin for "-" (asked for without
 * echo where stdin is a terminal), without one line end behind it. In the arena, which must be wiped. False
 * after complaining; the complaint never repeats what was read.
 */
bool secret_read(struct arena *arena, const struct ctl_param *param, const char *path, struct str *secret);

#endif
