#ifndef HUBCTL_MATRIX_H
#define HUBCTL_MATRIX_H

#include "hubctl/value.h"

/*
 * Draws the routing matrix as a grid: a row for each eMSP, a column for each CPO. The ids of the CPOs are
 * written horizontally above their columns where they fit, else vertically. A grid that is wider than the
 * terminal is cut into blocks below each other, each of which repeats the eMSPs. `cpos` and `rows`: as in
 * CTL_OUTPUT_MATRIX. The text is malloc'd; NULL when there is no memory or no pair to show.
 */
char *matrix_render(const struct json_value *cpos, const struct json_value *const *rows, size_t count,
                    const struct style *style);

#endif
