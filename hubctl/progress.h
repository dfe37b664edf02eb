#ifndef HUBCTL_PROGRESS_H
#define HUBCTL_PROGRESS_H

#include "lib/json/reader.h"

/*
 * Long work shows itself: one line on stderr, drawn over, where stderr is a terminal that can do that;
 * nothing elsewhere. What it says last is also what Ctrl-C reports.
 */

/* `report`: the params of a notification that hubd sends before its answer (ctl_progress in
 * lib/ctl/server.h); without "message" nothing happens. */
void progress_show(const struct json_value *report);
/* The same of what hubctl does itself. `total` 0: not known. */
void progress_report(struct str message, int64_t done, int64_t total);
/* Takes the line away; before anything else is written. */
void progress_clear(void);
/* No line from now on: -q, or output that says it itself. */
void progress_silence(void);

#endif
