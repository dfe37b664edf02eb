#ifndef HUBCTL_MATRIX_H
#define HUBCTL_MATRIX_H

#include "hubctl/value.h"

/*
 * The routing matrix as a grid: eMSPs down, CPOs across. A few CPOs are headed by their ids as they are read,
 * many by upright ids, a column for each; what is wider than the terminal goes into blocks below each other,
 * each with the eMSPs again. `result`: CTL_OUTPUT_MATRIX. The text is malloc'd; NULL when there is no memory
 * or no pair to show.
 */
char *matrix_render(const struct json_value *result, const struct style *style);

#endif
