#ifndef HUBD_ADMIN_REFUSAL_H
#define HUBD_ADMIN_REFUSAL_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/ctl/server.h"

/* Refusals of a request: a code, what is wrong and where, and what helps. */

/* Why a request is refused. `code` is CTL_OK as long as it is not. */
struct refusal {
    enum ctl_code code;
    char message[400];
    char hint[200];      /* what helps; empty: nothing is offered */
    const char *param;   /* the parameter at fault, "--website", "URL"; it begins the message. NULL: none */
    struct str problems; /* JSON array of sentences, empty: none */
};

/* Sets the refusal. Always returns false, so that a check ends with `return refusal_set(…)`. `hint` may be NULL. The
 * arguments may point into the refusal that is overwritten. */
bool refusal_set(struct refusal *refusal, enum ctl_code code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same about one parameter, in the spelling of the usage line: the message becomes "--website: …".
 * `param` is kept by reference. */
bool refusal_set_param(struct refusal *refusal, const char *param, enum ctl_code code, const char *hint,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The message without the parameter in front. Points into the refusal. */
const char *refusal_text(const struct refusal *refusal);
/* Answers the request with the refusal, and ends it. */
void refusal_reply(struct ctl_request *request, const struct refusal *refusal);

/* The sentence for people about an error of the store: what to do about a full disk, else `text`, or the error's name
 * when there is no text. */
const char *refusal_error_text(int error_code, const char *text);
/* Answers the request with an error of the store or the registry, and ends it. */
void refusal_reply_error(struct ctl_request *request, int error_code, const char *text);

#endif
