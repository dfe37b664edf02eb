#ifndef LIB_BASE_ERROR_H
#define LIB_BASE_ERROR_H

#include <stdbool.h>

/* Error codes. A function that can fail returns OK (0) or one of the negative codes; struct error adds the sentence for
 * people. */
enum error_code {
    OK = 0,
    ERR_MEMORY = -1,       /* an allocation failed */
    ERR_INVALID = -2,      /* the input breaks a rule; struct error names the place */
    ERR_NOT_FOUND = -3,    /* no such object */
    ERR_EXISTS = -4,       /* the object exists already */
    ERR_CONFLICT = -5,     /* the object was changed since it was read; read again and retry */
    ERR_STALE = -6,        /* older than what is stored */
    ERR_TOO_LARGE = -7,    /* over a stated maximum */
    ERR_IO = -8,           /* the operating system or the database failed */
    ERR_TIMEOUT = -9,      /* not in time; the outcome is unknown */
    ERR_BUSY = -10,        /* a bounded queue is full; try again later */
    ERR_UNCERTAIN = -11,   /* it is not known whether the write happened */
    ERR_REFUSED = -12,     /* a policy forbids it */
    ERR_CLOSED = -13,      /* the other side has hung up, or this process is ending */
    ERR_UNREACHABLE = -14, /* no connection to the other side */
    ERR_FULL = -15,        /* the disk is full */
    ERR_SHORT = -16        /* this process has no descriptor, connection or port left */
};

/* What went wrong, as a sentence for people. Owns nothing, may be copied. */
struct error {
    int code;
    char text[512];
};

/*
 * Fills `error` (which may be NULL) with `code` and a formatted sentence (cut when too long) and returns
 * `code`, so that a failing function ends with `return error_set(error, ERR_…, "…")`.
 */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The code for an errno that means that this process or its machine has run out of something (EMFILE, ENFILE, ENOBUFS,
 * ENOMEM, EADDRNOTAVAIL: no local port is free); `otherwise` for any other errno. */
int error_of_lack(int number, int otherwise);
/* Whether a code says nothing about the other side, only about this process: ERR_MEMORY, ERR_SHORT, ERR_CLOSED. */
bool error_is_own(int code);

/* The short lower-case name of a code, e.g. "not found"; static text, never NULL. */
const char *error_name(int code);

#endif
