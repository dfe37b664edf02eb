#ifndef LIB_JSON_DECIMAL_H
#define LIB_JSON_DECIMAL_H

#include "lib/base/str.h"

/*
 * The exact value of a JSON number: 0.DIGITS * 10^(exponent + shift), and its sign. Both texts are views of the number
 * as written; the exponent stays text, because it may be too long for an integer.
 */
struct json_decimal {
    bool negative;     /* false for zero */
    struct str digits; /* from the first digit that is not 0 to the last, maybe with a '.'; empty for zero */
    size_t count;      /* number of digits in it, without the '.' */
    int64_t shift;     /* to be added to the exponent */
    bool exponent_negative;
    struct str exponent; /* its digits without leading zeros */
};

/* Whether `raw` is a number of RFC 8259. The functions below require one. */
bool json_is_number(struct str raw);
struct json_decimal json_decimal_of(struct str raw);
/* Whether it is between -1 and 1. */
bool json_decimal_is_below_one(struct json_decimal decimal);
/* True when it is an integer that fits ("12", "12.0", "1.2e1"). */
bool json_decimal_to_int64(struct json_decimal decimal, int64_t *value);

/* The nearest double, 0 when it is too small for one; false when it is out of range. */
bool json_read_double(struct str raw, double *number);

#endif
