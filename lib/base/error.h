#ifndef LIB_BASE_ERROR_H
#define LIB_BASE_ERROR_H

#include <stdbool.h>

/*
 * The one enum of failures that every room returns, and the sentence for people that goes with it.
 * Functions return 0 or one of these negative codes.
 */
enum error_code {
    OK = 0,
    ERR_MEMORY = -1,       /* an allocation failed */
    ERR_INVALID = -2,      /* the input breaks a rule; struct error names the place */
    ERR_NOT_FOUND = -3,    /* no such object */
    ERR_EXISTS = -4,       /* it must not exist yet, but does */
    ERR_CONFLICT = -5,     /* somebody changed it in between; read again and retry */
    ERR_STALE = -6,        /* older than what is stored */
    ERR_TOO_LARGE = -7,    /* over a stated maximum */
    ERR_IO = -8,           /* the operating system or the database failed */
    ERR_TIMEOUT = -9,      /* not in time; the outcome is unknown */
    ERR_BUSY = -10,        /* a bounded queue is full; try again later */
    ERR_UNCERTAIN = -11,   /* it is not known whether the write happened */
    ERR_REFUSED = -12,     /* a policy forbids it */
    ERR_CLOSED = -13,      /* the other side is gone, or we are shutting down */
    ERR_UNREACHABLE = -14, /* no connection to the other side */
    ERR_FULL = -15,        /* the disk takes no more */
    ERR_SHORT = -16        /* what this process may use has run out: descriptors, connections, ports */
};

/* The sentence for people. Plain memory: copy it, put it on the stack. */
struct error {
    int code;
    char text[512];
};

/*
 * Fills `error` (which may be NULL) with `code` and a formatted sentence (cut when too long) and returns
 * `code`, so that a failing function ends with `return error_set(error, ERR_…, "…")`.
 */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * The code for an errno that says that this process or its machine has run out of something (EMFILE, ENFILE,
 * ENOBUFS, ENOMEM, EADDRNOTAVAIL: no local port is free), else `otherwise`.
 */
int error_of_lack(int number, int otherwise);
/* A code of what this side lacked, whatever the other side is like: ERR_MEMORY, ERR_SHORT, ERR_CLOSED. */
bool error_is_own(int code);

/* The short lower-case name of a code, e.g. "not found"; static text, never NULL. */
const char *error_name(int code);

#endif
