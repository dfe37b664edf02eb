#ifndef HUBCTL_DIFFERENCE_H
#define HUBCTL_DIFFERENCE_H

#include "hubctl/value.h"

/*
 * Writes one row of diff or apply as a line for people: "~ party IN-ABC name ABC -> ABC Ltd". An object that is
 * added or removed as a whole shows its id alone. The sign means the same as the colour.
 */
void difference_write(struct buffer *out, const struct json_value *row, const struct style *style);

#endif
