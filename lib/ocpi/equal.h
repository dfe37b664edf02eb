#ifndef LIB_OCPI_EQUAL_H
#define LIB_OCPI_EQUAL_H

#include "lib/json/reader.h"
#include "lib/ocpi/objects.h"

/*
 * When two objects are the same as OCPI values, whatever their JSON looks like: the one equality wherever the
 * hub asks whether something has changed or was there before. It does not matter how members are ordered and
 * spaced, whether a member is absent, null or an empty list, how a number is spelled (1.0 = 1 = 1e0, compared
 * as decimals), nor a text (\u00e9 = é), an instant (".000Z" = "Z" = "+00:00"), or the letters of an id
 * (CiString). Lists keep their order. Fields that OCPI does not know are the same when their JSON values are.
 */
#define OCPI_DIGEST_SIZE 16

/* `object` NULL: of what OCPI knows nothing; the same JSON values are. Members of the objects themselves that
 * `ignored` names (NULL-terminated; NULL: none) do not count. Without memory: false. */
bool ocpi_equal(const struct ocpi_object *object, const struct json_value *a, const struct json_value *b,
                const char *const *ignored);
/* The same for equal values, different for others: of SHA-256, to be stored. `ignored` as above. */
void ocpi_digest(const struct ocpi_object *object, const struct json_value *value, const char *const *ignored,
                 uint8_t digest[OCPI_DIGEST_SIZE]);

#endif
