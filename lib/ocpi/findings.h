#ifndef LIB_OCPI_FINDINGS_H
#define LIB_OCPI_FINDINGS_H

#include "lib/ocpi/validate.h"

/* How validation notes what it met, for this room only. */

/* A place in the body: a chain on the caller's stack, written out only when there is something to say. */
struct ocpi_place {
    const struct ocpi_place *up; /* NULL: the whole body */
    struct str key;              /* of a member; data == NULL: an element of a list */
    size_t index;
};

struct ocpi_breach {
    enum ocpi_rule rule;
    bool essential;
    const struct ocpi_object *object;
    const struct ocpi_field *field; /* NULL: an unknown field or the object itself */
    const struct ocpi_place *place;
    const struct json_value *found; /* NULL: absent */
};

/* Counts it, and keeps it with its message when it belongs to the ten. Without memory it is at least in the
 * three sums, which decide. */
void ocpi_findings_add(struct arena *arena, struct ocpi_findings *findings, const struct ocpi_breach *breach);

#endif
