#ifndef LIB_JSON_DECIMAL_H
#define LIB_JSON_DECIMAL_H

#include "lib/base/str.h"

/*
 * The exact value of a JSON number as written: 0.d1d2d3… times ten to the power of its exponent, sign aside.
 * A view of the spelling; the exponent stays text, since it may be of any length.
 */
struct json_decimal {
    bool negative;     /* false for zero */
    struct str digits; /* first to last digit that is not zero, a '.' among them perhaps; empty for zero */
    size_t count;      /* digits in it */
    int64_t shift;     /* to be added to the exponent */
    bool exponent_negative;
    struct str exponent; /* its digits without leading zeros */
};

/* Is it a number as RFC 8259 spells them? The functions below ask for one. */
bool json_is_number(struct str raw);
struct json_decimal json_decimal_of(struct str raw);
/* Is it between -1 and 1? */
bool json_decimal_is_below_one(struct json_decimal decimal);
/* True when it is a whole number that fits ("12", "12.0", "1.2e1"). */
bool json_decimal_to_int64(struct json_decimal decimal, int64_t *value);

/* The nearest double, 0 when it is too small for one; false when it is out of range. */
bool json_read_double(struct str raw, double *number);

#endif
