#ifndef LIB_OCPI_LOCATION_H
#define LIB_OCPI_LOCATION_H

#include "lib/json/reader.h"

/*
 * A location taken apart for storage: the location without its EVSEs, and one piece per EVSE, so that a
 * status PATCH never rewrites a thousand-EVSE location (hub-ocpi(7), LOCATIONS). Joining the
 * pieces again gives the owner's bytes.
 */
enum ocpi_children_form {
    OCPI_CHILDREN_INSIDE = 0, /* "evses":[ | ] is in `body`; children are inserted between the brackets */
    OCPI_CHILDREN_ABSENT = 1, /* no "evses": with children ,"evses":[ … ] is inserted before the last brace */
    OCPI_CHILDREN_NULL = 2    /* "evses":null, the null taken out: [ … ] or null is inserted */
};

struct ocpi_location_parts {
    struct str body;    /* the location without what is inserted at children_at */
    size_t children_at; /* byte offset in `body` */
    enum ocpi_children_form children_form;
    /* The last_updated value in `body`, with its quotes: a later one is spliced in when a child moved it. */
    size_t updated_at;
    size_t updated_length;
    const struct json_value **evses; /* in the owner's order */
    size_t evse_count;
};

/*
 * Takes a parsed, validated location apart; pieces live in `arena` or in the value's source. White space
 * between the EVSEs is dropped. ERR_MEMORY only.
 */
int ocpi_location_split(struct arena *arena, const struct json_value *location,
                        struct ocpi_location_parts *parts);
/* The part without its EVSEs as JSON again: where they were null, the null was taken out. NULL data: no
 * memory. */
struct str ocpi_location_without_evses(struct arena *arena, struct str body, size_t children_at,
                                       enum ocpi_children_form form);

#endif
