#ifndef LIB_OCPI_PATCH_H
#define LIB_OCPI_PATCH_H

#include "lib/json/reader.h"

/*
 * Byte-preserving changes of stored objects: what is not changed keeps its bytes - key order, number
 * spelling, unknown fields, white space (hub-ocpi(7), LOCATIONS).
 */

/* A list that is appended to, not replaced: Session.charging_periods (OCPI 2.2.1, Sessions 8.2.2.3). */
struct ocpi_patch_options {
    const char
        *append_list; /* NULL for none; an absent, null or empty one in the patch leaves what is stored */
    /* Of the list's elements: one that equals a stored one (lib/ocpi/equal.h) is there already. `moment` is a
     * DateTime in it, by which most are told apart. */
    const struct ocpi_object *element;
    const char *moment;
    bool only_list; /* of the patch nothing but that list counts */
};

/*
 * The stored object with every top-level member of `patch` replaced by the patch's bytes, new members at the
 * end, in the patch's order. A null in the patch replaces by null. A key that occurs twice: in both the first
 * one counts. Both must be objects; the bytes live in `arena`. data == NULL when there is no memory.
 */
struct str ocpi_patch_apply(struct arena *arena, const struct json_value *stored,
                            const struct json_value *patch, const struct ocpi_patch_options *options);
/* The object with one member set to `raw` JSON; appended when absent. */
struct str ocpi_member_set(struct arena *arena, const struct json_value *object, struct str key,
                           struct str raw);
/*
 * The object with the element of list `list` whose text member `id_key` equals `id` (folded) replaced by
 * `raw`, or `raw` appended (the list is made when absent or null). `*created` tells which. data == NULL when
 * there is no memory.
 */
struct str ocpi_list_set(struct arena *arena, const struct json_value *object, const char *list,
                         const char *id_key, struct str id, struct str raw, bool *created);
/* The element of `list` with that id (folded), NULL when there is none. */
const struct json_value *ocpi_list_find(const struct json_value *object, const char *list, const char *id_key,
                                        struct str id);

#endif
