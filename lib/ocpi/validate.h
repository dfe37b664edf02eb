#ifndef LIB_OCPI_VALIDATE_H
#define LIB_OCPI_VALIDATE_H

#include "lib/json/reader.h"
#include "lib/ocpi/objects.h"

/* Why a place breaks the specification's table. */
enum ocpi_rule {
    OCPI_RULE_TYPE,      /* another JSON type */
    OCPI_RULE_MISSING,   /* required but absent or null */
    OCPI_RULE_EMPTY,     /* a '+' list without elements, or an essential text that is empty */
    OCPI_RULE_LENGTH,    /* longer than max */
    OCPI_RULE_ENUM,      /* no value of the enumeration */
    OCPI_RULE_DATETIME,  /* no DateTime */
    OCPI_RULE_CHARACTER, /* control character, or non-ASCII in a CiString */
    OCPI_RULE_URL,       /* no absolute http(s) URL */
    OCPI_RULE_INTEGER,   /* a fraction where an int is asked for */
    OCPI_RULE_DUPLICATE, /* an id twice in a list, or a key twice in an object */
    OCPI_RULE_UNKNOWN,   /* a field OCPI does not know; never refuses, not even in strict mode */
    OCPI_RULE_FORMAT,    /* text not of the form asked for, e.g. coordinates with four decimals */
    OCPI_RULE_RANGE,     /* number outside its bounds, e.g. weekday 8 */
    OCPI_RULE_SURROGATE, /* half of a surrogate pair: "\ud83d" without its other half */
    OCPI_RULE_SPELLING,  /* a member that some readers take for a single field (objects.h) */
    OCPI_RULE_PADDING    /* an id that not every reader takes as it is: see ocpi_text_is_id */
};
#define OCPI_RULE_COUNT (OCPI_RULE_PADDING + 1)

/* "type", "missing" …; static. */
const char *ocpi_rule_name(enum ocpi_rule rule);

#define OCPI_FINDINGS_MAX 10

struct ocpi_finding {
    enum ocpi_rule rule;
    bool essential;     /* refuses the object also when validation = tolerant */
    struct str pointer; /* JSON pointer, in the arena */
    struct str message; /* "/evses/0/connectors/1/standard: not a ConnectorType: \"CCS2\"", found text cut at
                           40 characters */
};

/* How often one field broke one rule in a body. */
struct ocpi_count {
    const char *object; /* OCPI's table: "Connector"; static */
    struct str field; /* "standard", static; a name that OCPI does not know: as a step of a JSON pointer, cut
                         to OCPI_FIELD_BYTES, in the arena; OCPI_FIELD_OTHERS: all beyond the bounds below */
    enum ocpi_rule rule;
    unsigned count;
    unsigned essential; /* of these: refuse the object also when validation = tolerant */
    struct ocpi_count *next;
    struct str key; /* own: the field's name as it is in the table or in the body */
};

#define OCPI_FIELD_OTHERS "*"
#define OCPI_FIELD_BYTES  128
/* Different fields and rules counted by name in one body, and of those that OCPI does not know: whoever
 * invents names must not fill a table. */
#define OCPI_COUNTS_MAX  64
#define OCPI_UNKNOWN_MAX 8

struct ocpi_findings {
    /* All that were met, also beyond the ten kept; each breach counts in one of the three. */
    unsigned essential_count;
    unsigned finding_count;
    unsigned unknown_count; /* fields OCPI does not know */
    unsigned kept;
    struct ocpi_finding list[OCPI_FINDINGS_MAX]; /* essential ones first; unknown fields are no reason to
                                                    refuse and not among them */
    struct ocpi_count *counts;                   /* in the arena; the sum is that of all three */
    unsigned known_kinds, unknown_kinds;         /* own: named ones in `counts` */
};

/*
 * One pass over a parsed body. `partial` (PATCH): absent members of the body itself are no breach, except
 * last_updated; objects inside it replace whole ones and must be complete. `value` must be an object, else
 * one essential finding at "". Allocates only for what it reports, and scratch for a list of more than 16
 * EVSEs or connectors. A key twice is essential where the field is, since two readers may take different
 * ones, and so is another spelling of a single field; unknown keys are not compared with each other.
 */
void ocpi_validate(struct arena *arena, const struct ocpi_object *object, const struct json_value *value,
                   bool partial, struct ocpi_findings *findings);
/* True when the object must be refused: an essential breach, or with `strict` any but unknown fields. */
bool ocpi_findings_refuse(const struct ocpi_findings *findings, bool strict);
/*
 * The sentence for status_message: up to ten messages joined by "; ". Empty when there are none, data == NULL
 * when there is no memory.
 */
struct str ocpi_findings_text(struct arena *arena, const struct ocpi_findings *findings);

/* A value as findings show what they found: cut at 40 characters, "a list", "an object"; NULL is "nothing".
 */
struct str ocpi_value_text(struct arena *arena, const struct json_value *value);

#endif
