#ifndef LIB_STORE_VERIFY_H
#define LIB_STORE_VERIFY_H

#include "lib/store/store.h"

/* The verification of the audit. A read like those of store.h. */

/* A head of the audit that was kept elsewhere: the chain's value at a row. */
struct store_head {
    int64_t sequence; /* of the row; 0: not known, any row may have it */
    uint8_t mac[32];
};

/* Checks the HMAC chain in slices: call again with `position` until `done`. */
struct store_verify_read {
    struct store_read base;
    const struct store_head
        *head;        /* the trail must contain it, else it is an older or a shorter one; or NULL */
    bool met;         /* in/out: `head` was found */
    int64_t position; /* in/out: sequence checked last; begin with 0 */
    unsigned limit;   /* rows and gaps per slice */
    uint8_t mac[32];  /* in/out: chain value at position */
    int64_t pruned;   /* in/out: rows up to position that retention has taken away; the rest was checked */
    bool done;
    int64_t bad_sequence; /* 0: none; else the first row that does not verify, `problem` says why */
    struct str problem;   /* "row 17 was changed", "row 18 is missing", … */
};
void store_read_verify(struct store_client *client, struct store_verify_read *read);

#endif
