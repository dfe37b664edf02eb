#ifndef LIB_STORE_HISTORY_H
#define LIB_STORE_HISTORY_H

#include "lib/store/store.h"

/* Reads like those of store.h, of a period: for receipts, the monthly reconciliation, and sending something again. */

/* A part of a list that is ordered by a time. The next page begins at the place where this one ended. */
struct store_span {
    int64_t after_time, after_number; /* in/out: the place; begin with the first moment that counts, and 0 */
    int64_t until;                    /* earlier ones only */
    struct str party;                 /* only what is from or to this one; empty: any */
    unsigned limit;                   /* rows at most, up to 1000 */
    /* out: go on. A call looks at a bounded number of rows, so that a page may be short, or empty, before
     * the end. */
    bool more;
};

/* Deliveries of CDRs, by when they were created. */
struct store_receipt {
    int64_t id;
    enum store_delivery_state state;
    struct str reason, last_error;
    struct str sender, receiver; /* party keys */
    struct str cdr;              /* id, as its owner spells it */
    struct str session;          /* id of the session that the CDR names, as it does; may be empty */
    struct str receipt;          /* Location that the receiver answered; may be empty */
    unsigned attempts;
    int64_t created, done;
    int64_t received; /* when the CDR came; `created` when it is not stored any more */
};
struct store_receipts_read {
    struct store_read base;
    struct store_span span;
    unsigned states; /* bits 1 << enum store_delivery_state; 0: any */
    struct store_receipt *rows;
    size_t count;
};
void store_read_receipts(struct store_client *client, struct store_receipts_read *read);

/* Sessions that are COMPLETED and named by no CDR of their owner, by last_updated. */
struct store_unbilled {
    struct str owner, session, emsp;
    int64_t last_updated;
};
struct store_unbilled_read {
    struct store_read base;
    struct store_span span;
    struct store_unbilled *rows;
    size_t count;
};
void store_read_unbilled(struct store_client *client, struct store_unbilled_read *read);

/* Audit rows of the status "conflict": an id was there already with other content; by time. */
struct store_conflict {
    int64_t time;
    struct str sender, receiver, object;
};
struct store_conflicts_read {
    struct store_read base;
    struct store_span span;
    struct str action; /* only of this one */
    struct store_conflict *rows;
    size_t count;
};
void store_read_conflicts(struct store_client *client, struct store_conflicts_read *read);

/* Sessions or CDRs of an eMSP whose last_updated, or arrival of the last changed content, lies in [since,
 * until); in the order of first arrival. */
struct store_stored {
    struct str owner, id;
    struct str body; /* only with `bodies` */
    int state;       /* enum store_delivery_state of its last delivery; -1: there is none */
};
struct store_stored_read {
    struct store_read base;
    enum store_kind kind; /* STORE_SESSION, STORE_CDR */
    struct str emsp;
    struct str owner; /* empty: any */
    int64_t since, until;
    bool bodies;
    unsigned limit; /* rows at most, up to 1000; with bodies also about a MiB of them */
    int64_t after;  /* in/out: sequence; begin with 0 */
    struct store_stored *rows;
    size_t count;
    bool more; /* as of a span */
};
void store_read_stored(struct store_client *client, struct store_stored_read *read);

#endif
