#ifndef LIB_OCPI_FORMS_H
#define LIB_OCPI_FORMS_H

#include "lib/ocpi/objects.h"

/* What a text may look like (OCPI 2.2.1, Types), for this room only. Texts are valid UTF-8, as the JSON
 * reader leaves them. */

/* Printable ASCII, U+0020 to U+007E: a CiString's characters. */
bool ocpi_text_is_ascii(struct str text);
size_t ocpi_text_characters(struct str text);
/* An absolute http or https URL with a host, without white space. */
bool ocpi_text_is_url(struct str text);
bool ocpi_text_has_form(struct str text, enum ocpi_form form);
/* The form for people, e.g. "HH:MM"; static. */
const char *ocpi_form_text(enum ocpi_form form);

#endif
