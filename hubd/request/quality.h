#ifndef HUBD_REQUEST_QUALITY_H
#define HUBD_REQUEST_QUALITY_H

#include "hubd/request/request.h"

/*
 * How partners' objects are judged, and what is counted about them (hub-ocpi(7), VALIDATION; `hubctl
 * quality`). A push must not wait for statistics: each worker counts in a table of its own and stores it
 * twice a second as one batch, if there is anything to store. Worker's loop only.
 */
struct quality;

/* For how long `hubctl status` shows a refused object that has not been accepted since, ms. */
#define QUALITY_REFUSED_MS (INT64_C(7) * 24 * 3600 * 1000)

/* Makes a worker's table, on the main thread before the loop runs. NULL: no memory. */
struct quality *quality_new(struct worker *worker);
/*
 * Whether all that was counted is stored; begins to store the rest. Called at the orderly end until it is
 * true. What the store refuses then is logged and given up.
 */
bool quality_settle(struct quality *quality);
/* Frees the table after quality_settle was true; the loop must still run, to close the timer. */
void quality_free(struct quality *quality);

/* Whether any finding refuses the caller's objects: as set for its party, else as the setting says. */
bool quality_is_strict(const struct request *request);
/*
 * Counts for the caller what the accepted body broke of OCPI's tables. Call it when the body was stored or
 * passed on; further calls for the same request do nothing.
 */
void quality_count(struct request *request);
/*
 * Counts a refusal for the caller, when the answer refuses a push, or any body for a finding of validation:
 * by field and rule, else by the kind of refusal (`json`, `forbidden`, `not_found`, `too_large`, `invalid`).
 * Of a push it also keeps the object's id, since the object may be lost.
 */
void quality_count_refused(struct request *request, int http_status, int ocpi_status, struct str message);

#endif
