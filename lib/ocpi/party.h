#ifndef LIB_OCPI_PARTY_H
#define LIB_OCPI_PARTY_H

#include "lib/base/str.h"

/* Roles of a party as a set (OCPI 2.2.1, Types: Role). HUB is the hub's own. */
enum ocpi_role {
    OCPI_ROLE_CPO = 1,
    OCPI_ROLE_EMSP = 2,
    OCPI_ROLE_HUB = 4,
    OCPI_ROLE_NAP = 8,
    OCPI_ROLE_NSP = 16,
    OCPI_ROLE_OTHER = 32,
    OCPI_ROLE_SCSP = 64
};
/* "CPO" …; NULL for a value that is no single role. Static text. */
const char *ocpi_role_name(unsigned role);
/* The role of exactly that name (case folded), 0 when there is none. */
unsigned ocpi_role_from(struct str name);
/* Iterates over a set: the lowest role in `roles` above `after` (0 to begin), 0 at the end. */
unsigned ocpi_role_next(unsigned roles, unsigned after);

/* A party's key: folded "IN-ABC" and NUL (country code 2, party id 3). Ids compare by it everywhere. */
#define OCPI_PARTY_KEY_SIZE 8
struct ocpi_party_key {
    char text[OCPI_PARTY_KEY_SIZE];
};
/* From the two parts; false when they are not 2 letters and 3 letters or digits. */
bool ocpi_party_key_make(struct str country_code, struct str party_id, struct ocpi_party_key *key);
/*
 * Reads what people write: IN-ABC, IN*ABC, IN/ABC, INABC, any case, with an optional ":CPO" behind (`*role`,
 * 0 when absent; `role` may be NULL when no role is allowed). `country_code` and `party_id` (may be NULL) are
 * views of the spelling given.
 */
bool ocpi_party_key_parse(struct str text, struct ocpi_party_key *key, struct str *country_code,
                          struct str *party_id, unsigned *role);
bool ocpi_party_key_equal(const struct ocpi_party_key *a, const struct ocpi_party_key *b);
static inline struct str ocpi_party_key_str(const struct ocpi_party_key *key)
{
    return str_of(key->text, strlen(key->text));
}

#endif
