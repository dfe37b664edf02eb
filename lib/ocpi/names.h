#ifndef LIB_OCPI_NAMES_H
#define LIB_OCPI_NAMES_H

#include "lib/json/reader.h"

/*
 * Names and ids that a decision rests on. The hub passes bodies on as they came, and their readers differ:
 * some fold letters (also Unicode's: Go's), take the last of two, read camelCase as snake_case, or trim ids.
 * What the hub judges must be what every one of them reads.
 */

/* Some reader takes `name` for the OCPI name `field`: its letters and digits are the same, whatever their
 * case, their width, and whatever stands between them. Both may be equal. `field` begins with a letter or
 * digit. */
bool ocpi_name_is_like(struct str name, struct str field);
/* The object has no second member that some reader takes for `field`, and none in another spelling. True when
 * there is none at all, and of what is no object. */
bool ocpi_member_is_clear(const struct json_value *object, const char *field);
/* The text of such a member; STR_NONE when it is absent, no text, or not clear. */
struct str ocpi_member_word(const struct json_value *object, const char *field);
/* Everyone reads the id alike: printable ASCII, as a CiString is (OCPI 2.2.1, Types), since beyond it readers
 * fold, compose and drop characters each in its own way; no space or slash at its ends. An empty text is
 * none. */
bool ocpi_text_is_id(struct str text);

#endif
