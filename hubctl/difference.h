#ifndef HUBCTL_DIFFERENCE_H
#define HUBCTL_DIFFERENCE_H

#include "hubctl/value.h"

/*
 * One row of diff or apply as a line for people: "~ party IN-ABC name ABC -> ABC Ltd"; of what is added or
 * removed as a whole its id says enough. The sign says what the colour says.
 */
void difference_write(struct buffer *out, const struct json_value *row, const struct style *style);

#endif
