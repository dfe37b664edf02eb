#ifndef HUBCTL_MATRIX_H
#define HUBCTL_MATRIX_H

#include "hubctl/value.h"

/*
 * The routing matrix as a grid: eMSPs down, CPOs across. A few CPOs are headed by their ids as they are read,
 * many by upright ids, a column for each; what is wider than the terminal goes into blocks below each other,
 * each with the eMSPs again. `cpos` and `rows` as CTL_OUTPUT_MATRIX has them. The text is malloc'd; NULL when
 * there is no memory or no pair to show.
 */
char *matrix_render(const struct json_value *cpos, const struct json_value *const *rows, size_t count,
                    const struct style *style);

#endif
