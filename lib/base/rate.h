#ifndef LIB_BASE_RATE_H
#define LIB_BASE_RATE_H

#include "lib/base/str.h"

/* A number of requests in a period, written "100/min" (hubd.conf(5), VALUES). */
struct rate {
    int64_t requests;  /* 0: no limit */
    int64_t period_ms; /* a second, minute, hour or day; 0 with 0 requests */
};

#define RATE_SIZE         48
#define RATE_REQUESTS_MAX 1000000
/* For error messages: how a rate is written. */
#define RATE_REMEDY "write 1 to 1000000 per s, min, h or d, e.g. 100/min, or 0 for no limit"

/* Reads "100/min" (units `s min h d`) or "0", which is no limit in any unit. False when it is no rate. */
bool rate_parse(struct str s, struct rate *rate);
/* The form that rate_parse reads; returns `out`. */
const char *rate_format(struct rate rate, char out[RATE_SIZE]);
/* The period as a word for sentences: "minute". */
const char *rate_period(struct rate rate);

#endif
