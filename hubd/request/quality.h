#ifndef HUBD_REQUEST_QUALITY_H
#define HUBD_REQUEST_QUALITY_H

#include "hubd/request/request.h"

/*
 * How partners' objects are judged, and what is counted about them (hub-ocpi(7), VALIDATION; `hubctl
 * quality`). A push must not wait for statistics: each worker adds up what it sees in a table of its own,
 * which goes to the store twice a second as one batch, and not at all when nothing came. Worker's loop only.
 */
struct quality;

/* How long a refused object that did not come rightly since is an attention. */
#define QUALITY_REFUSED_MS (INT64_C(7) * 24 * 3600 * 1000)

/* Prepares a worker's table (on the main thread, before its loop runs); NULL: no memory. */
struct quality *quality_new(struct worker *worker);
/*
 * At the orderly end, asked again until it is true: everything counted is stored. What the store refuses then
 * is given up with a line in the log.
 */
bool quality_settle(struct quality *quality);
/* Closes it, once it is settled; the loop must run on for that. */
void quality_free(struct quality *quality);

/* Whether the caller's objects are refused for any finding: as its party was set, else as the setting says.
 */
bool quality_is_strict(const struct request *request);
/*
 * The body was taken: stored, or sent on to whom it is for. What it broke of OCPI's tables is counted for the
 * caller, once for a request however often this is called.
 */
void quality_count(struct request *request);
/*
 * An answer is given. When it refuses a push, or any body for what validation met, it is counted for the
 * caller as refused: by field and rule, else by what the refusal is (`json`, `forbidden`, `not_found`,
 * `too_large`, `invalid`); and of a push the object, since what it held may be lost.
 */
void quality_count_refused(struct request *request, int http_status, int ocpi_status, struct str message);

#endif
