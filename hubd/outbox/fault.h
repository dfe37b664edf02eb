#ifndef HUBD_OUTBOX_FAULT_H
#define HUBD_OUTBOX_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whose fault it is that a delivery did not arrive (hub-ocpi(7), DELIVERY): the one place that judges a try.
 * Pure: what came back, what is known of the message and of its queue come from the caller.
 *
 * A fault that might be either's is the receiver's as long as nothing else speaks for it: its queue pauses.
 * It is the message's own when another message of the queue was taken while this one was under way or since
 * it failed before: the message then backs off alone and the others go on. Where nobody else's messages go
 * (a response_url), every fault is the message's own.
 */
enum fault {
    FAULT_NONE,       /* delivered */
    FAULT_HUB,        /* neither's: the hub lacked what the try needs; it was none */
    FAULT_REFUSED,    /* the message was understood and is not wanted: three tries over an hour */
    FAULT_UNSENDABLE, /* no call can be made of the message: as refused, but nothing is learnt of anybody */
    FAULT_MESSAGE,    /* this message fails while others arrive: it backs off alone until it is too old */
    FAULT_RECEIVER /* the receiver is away or broken: its queue pauses, nothing is held against the message */
};

/* What came of a try. */
struct fault_answer {
    bool own;           /* no answer for what the hub itself lacked (error_is_own) */
    int http;           /* status; 0: no answer */
    bool sent;          /* the request went out: name, connection and TLS were not what failed */
    bool impossible;    /* HTTP has no such request (its URL is too long): none was made */
    bool empty;         /* an answer without a body */
    bool envelope;      /* an answer that is OCPI's envelope */
    int status_code;    /* of that */
    int64_t asked_ms;   /* Retry-After; 0: none */
    bool gone_is_right; /* the object was to be deleted: that it is unknown is what was wanted */
};

/* What is known of the message and its queue. */
struct fault_case {
    bool alone;         /* nobody else's messages go to its URL: a response_url */
    bool passed_beside; /* another message was answered as OCPI asks while this try was under way */
    bool passed_since;  /* the same, since this message failed before */
};

enum fault fault_judge(const struct fault_answer *answer, const struct fault_case *known);
/* It answers, and not of itself (401, 403, 408, 425, 429, 502 to 504, Retry-After): another message may pass.
 */
bool fault_may_be_messages(const struct fault_answer *answer);
/* The receiver says that it has no such object: 404, or 2003 in an envelope. */
bool fault_is_unknown(const struct fault_answer *answer);

#endif
