#ifndef LIB_OCPI_OBJECTS_H
#define LIB_OCPI_OBJECTS_H

#include "lib/base/str.h"

/*
 * OCPI 2.2.1's object definitions as tables (the specification's tables of every module), from which
 * validation works. A new field is a new row.
 */
enum ocpi_type {
    OCPI_TYPE_STRING,
    OCPI_TYPE_CISTRING,
    OCPI_TYPE_DATETIME,
    OCPI_TYPE_URL,
    OCPI_TYPE_NUMBER,
    OCPI_TYPE_INT,
    OCPI_TYPE_BOOLEAN,
    OCPI_TYPE_ANY,
    OCPI_TYPE_ENUM,  /* field.enumeration */
    OCPI_TYPE_OBJECT /* field.object */
};

/* OCPI's cardinalities: 1, ?, *, +. */
enum ocpi_card { OCPI_CARD_ONE, OCPI_CARD_OPTIONAL, OCPI_CARD_ANY, OCPI_CARD_SOME };

struct ocpi_enum {
    const char *name;          /* "ConnectorType" */
    const char *const *values; /* NULL-terminated */
    const char *also; /* one more value that the hub takes although OCPI's table lacks it, NULL for none */
    bool open;        /* others may occur (custom modules, newer versions): no value is a breach */
};

/* Forms that a text has beyond its type. */
enum ocpi_form {
    OCPI_FORM_FREE = 0,
    OCPI_FORM_LATITUDE,    /* -?D{1,2}.D{5,7} */
    OCPI_FORM_LONGITUDE,   /* -?D{1,3}.D{5,7} */
    OCPI_FORM_TIME_OF_DAY, /* HH:MM */
    OCPI_FORM_DATE,        /* YYYY-MM-DD */
    OCPI_FORM_TOKEN        /* U+0021 to U+007E only */
};

struct ocpi_object;

struct ocpi_field {
    const char *name;
    enum ocpi_type type;
    enum ocpi_card card;
    unsigned max;   /* characters, 0 = none (the bugfix branch's maxima where they are larger) */
    bool essential; /* identity, routing, time or money rest on it: missing, null, empty or an unknown enum
                       value refuses the object */
    bool list_key;  /* identifies elements inside a list: duplicates (folded) are essential */
    const struct ocpi_enum *enumeration;
    const struct ocpi_object *object;
    unsigned name_length;
    enum ocpi_form form;
    int minimum, maximum; /* of a number; equal = none */
    bool single;  /* twice in an object, or in another spelling (ocpi_name_is_like), is essential although it
                     may be absent: it holds essential fields, or routing or an outcome rest on it */
    bool decides; /* an id by which somebody is found: it must be one that everybody reads alike
                     (ocpi_text_is_id) */
    bool relaxed; /* nothing below this field is essential by itself, as in the tariffs of a CDR */
};

#define OCPI_FIELDS_MAX 64
struct ocpi_object {
    const char *name; /* "Location" */
    const struct ocpi_field *fields;
    unsigned field_count;              /* at most OCPI_FIELDS_MAX */
    const struct ocpi_field *list_key; /* the one with list_key, NULL for none */
};

/* The field of that name, NULL when there is none. Members mostly come in the tables' order, so the search
 * begins at `cursor`: behind the field found last. */
static inline const struct ocpi_field *ocpi_field_find(const struct ocpi_object *object, struct str name,
                                                       unsigned cursor)
{
    for (unsigned n = 0; n < object->field_count; n++) {
        unsigned i = cursor + n < object->field_count ? cursor + n : cursor + n - object->field_count;
        const struct ocpi_field *field = &object->fields[i];
        if (field->name_length == name.length && field->name[0] == name.data[0] &&
            memcmp(field->name, name.data, name.length) == 0)
            return field;
    }
    return NULL;
}
/* The object or enum of that name in the specification, NULL when there is none. */
const struct ocpi_object *ocpi_object_find(const char *name);
const struct ocpi_enum *ocpi_enum_find(const char *name);
/* Every object and every enum, NULL-terminated, for tests and listings. */
extern const struct ocpi_object *const ocpi_objects[];
extern const struct ocpi_enum *const ocpi_enums[];
/* True for a listed value and for `also`; exact case, as OCPI asks. */
bool ocpi_enum_has(const struct ocpi_enum *enumeration, struct str value);
/* The value as OCPI spells it, whatever the case of `text`; static. STR_NONE: it is none. */
struct str ocpi_enum_find_value(const struct ocpi_enum *enumeration, struct str text);

/* What the modules validate. */
extern const struct ocpi_object ocpi_location, ocpi_evse, ocpi_connector, ocpi_tariff, ocpi_session, ocpi_cdr,
    ocpi_credentials, ocpi_location_references, ocpi_start_session, ocpi_stop_session, ocpi_reserve_now,
    ocpi_cancel_reservation, ocpi_unlock_connector, ocpi_command_response, ocpi_command_result,
    ocpi_authorization_info, ocpi_charging_profile_response, ocpi_charging_profile_result, ocpi_client_info,
    ocpi_token, ocpi_charging_period, ocpi_cdr_token;

#endif
