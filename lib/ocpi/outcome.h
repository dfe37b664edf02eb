#ifndef LIB_OCPI_OUTCOME_H
#define LIB_OCPI_OUTCOME_H

#include "lib/json/reader.h"
#include "lib/ocpi/objects.h"

/*
 * How something ended: `allowed` of an AuthorizationInfo, `result` of a CommandResponse, CommandResult or
 * ChargingProfileResponse (OCPI 2.2.1, Tokens, Commands, ChargingProfiles). OCPI's enums are case sensitive,
 * partners' software is not: the value is read in any case and passed on as OCPI spells it, so that every
 * reader reads what the hub has judged. Any other value is no outcome.
 */
struct ocpi_outcome {
    struct str word; /* as OCPI spells it, static; STR_NONE: there is none, an unknown one, or two readings */
    struct str raw;  /* the object with that word in it, every other byte as it came; STR_NONE without one */
};

/* The field of the table that says it: its first enum. */
const struct ocpi_field *ocpi_outcome_field(const struct ocpi_object *object);
/* Reads it of `value`; without memory `word` is STR_NONE. */
struct ocpi_outcome ocpi_outcome_read(struct arena *arena, const struct ocpi_object *object,
                                      const struct json_value *value);

#endif
